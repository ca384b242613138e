// SPDX-License-Identifier: MIT
import { HTTPFacilitatorClient } from "@x402/core/http";
import type { PaymentPayload, PaymentRequirements } from "@x402/core/types";
import { expect } from "chai";
import { Wallet, ZeroHash } from "ethers";
import { paymentRequestId } from "../../relayer/facilitator/index.ts";
import { openHttpDoor } from "../support/http-door.ts";
import { removeDir, request, tempDir } from "./support/relayer.ts";
import { NETWORK, openPayments, PRICE } from "./support/x402.ts";

type Setup = Awaited<ReturnType<typeof openPayments>>;
type Running = Awaited<ReturnType<Setup["start"]>>;

// Answers 32 zero bytes to every call, and nothing for DOMAIN_SEPARATOR: each transfer "succeeds" and moves nothing.
const MOVES_NOTHING = "0x60003560e01c633644e5151460145760206000f35b00";

describe("an x402 facilitator", () => {
  let s: Setup;
  let relayer: Running;
  let payer: Wallet;
  const dirs: string[] = [];
  const running: Running[] = [];

  const newDir = (): string => {
    dirs.push(tempDir());
    return dirs.at(-1)!;
  };
  async function start(...args: Parameters<Setup["start"]> | []): Promise<Running> {
    const [dataDir = newDir(), over, parts] = args;
    const one = await s.start(dataDir, over, parts);
    running.push(one);
    return one;
  }
  before(async () => {
    s = await openPayments();
    payer = await s.newPayer();
    relayer = await start(newDir(), { waitMs: 60_000 });
  });
  after(async () => {
    for (const one of running) await one.close();
    await s.close();
    dirs.forEach(removeDir);
  });
  afterEach(() => expect(relayer.errors.splice(0)).to.deep.equal([]));

  const nonceOf = (payment: PaymentPayload): `0x${string}` =>
    (payment.payload["authorization"] as { nonce: `0x${string}` }).nonce;
  const requestIdOf = (payment: PaymentPayload, by = payer): string =>
    paymentRequestId({
      ...{ chainId: 31337, token: s.asset.toLowerCase() as `0x${string}` },
      ...{ payer: by.address.toLowerCase() as `0x${string}`, nonce: nonceOf(payment) },
    });
  const received = (): Promise<bigint> => s.token.balanceOf(s.payTo);
  /** What a gateway does with one request: work only for what was verified, and serve only what was paid. */
  function gateway(by: HTTPFacilitatorClient) {
    const counts = { handled: 0, served: 0 };
    return {
      counts,
      async serve(payment: PaymentPayload, meanwhile?: () => Promise<unknown>): Promise<string> {
        const verified = await by.verify(payment, s.requirements);
        if (!verified.isValid) return verified.invalidReason!;
        counts.handled++;
        await meanwhile?.();
        const settled = await by.settle(payment, s.requirements);
        if (!settled.success) return settled.errorReason!;
        counts.served++;
        return "served";
      },
    };
  }

  /** A payment changed before it is signed. */
  async function signed(over: Record<string, string>, by = payer): Promise<PaymentPayload> {
    const payment = await s.pay(payer);
    const authorization = { ...(payment.payload["authorization"] as Record<string, string>), ...over };
    const fields = ["from address", "to address", "value uint256", "validAfter uint256", "validBefore uint256"];
    const types = [...fields, "nonce bytes32"].map((field) => {
      const [name, type] = field.split(" ") as [string, string];
      return { name, type };
    });
    const domain = { ...s.requirements.extra, chainId: 31337, verifyingContract: s.asset };
    const signature = await by.signTypedData(domain, { TransferWithAuthorization: types }, authorization);
    return { ...payment, payload: { authorization, signature } };
  }

  it("offers exact on its chain, at /x402 and at its root", async () => {
    for (const url of [`${relayer.url}/x402`, relayer.url]) {
      const offered = await new HTTPFacilitatorClient({ url }).getSupported();
      expect(offered.kinds.map(({ x402Version, scheme, network }) => [x402Version, scheme, network])).to.deep.equal([
        [2, "exact", NETWORK],
      ]);
      expect(offered.signers["eip155:*"]).to.deep.equal([s.sender.address.toLowerCase()]);
    }
  });

  it("verifies and settles what a stock client pays, under the request id that both sides compute [R5] [FM:x402-answer-shape]", async () => {
    const payment = await s.pay(payer);
    const before = await received();
    const verified = await relayer.facilitator.verify(payment, s.requirements);
    expect(verified.isValid).to.equal(true);
    const settled = await relayer.facilitator.settle(payment, s.requirements);
    expect(settled).to.include({ success: true, network: NETWORK, amount: String(PRICE) });
    for (const { extensions } of [verified, settled])
      expect(extensions).to.deep.equal({ opengradient: { requestId: requestIdOf(payment) } });
    expect((await received()) - before).to.equal(PRICE);
    const mined = await s.connection.ethers.provider.getTransactionReceipt(settled.transaction);
    expect(mined!.to).to.equal(s.asset);
    const { status, body } = await request(`${relayer.url}/x402/payments/${requestIdOf(payment)}`);
    expect(status).to.equal(200);
    expect(body).to.include({ transaction: settled.transaction, answered: true, reason: null });
    expect(["mined", "final"]).to.include(body.state);
  });

  it("lands all of 40 payments that come at once [FM:x402-concurrent-settles] [FM:nonce-manager]", async () => {
    const payments = await Promise.all(Array.from({ length: 40 }, () => s.pay(payer)));
    const before = await received();
    const settled = await Promise.all(payments.map((payment) => relayer.facilitator.settle(payment, s.requirements)));
    expect(settled.filter(({ success }) => !success)).to.deep.equal([]);
    expect(new Set(settled.map(({ transaction }) => transaction)).size).to.equal(40);
    expect((await received()) - before).to.equal(40n * PRICE);
  });

  it("lets one of five bearers of a header work, be paid and serve, at once or in turn [R9] [FM:x402-duplicate] [FM:x402-other-resource]", async () => {
    for (const atOnce of [true, false]) {
      const { counts, serve } = gateway(relayer.facilitator);
      const payment = await s.pay(payer);
      const before = await received();
      const sent = await s.connection.ethers.provider.getTransactionCount(s.sender.address);
      const answers: string[] = [];
      if (atOnce) answers.push(...(await Promise.all(Array.from({ length: 5 }, () => serve(payment)))));
      else for (let i = 0; i < 5; i++) answers.push(await serve(payment));
      expect(answers.sort()).to.deep.equal([...Array.from({ length: 4 }, () => "duplicate_settlement"), "served"]);
      expect(counts).to.deep.equal({ handled: 1, served: 1 });
      expect((await received()) - before).to.equal(PRICE);
      expect(await s.connection.ethers.provider.getTransactionCount(s.sender.address)).to.equal(sent + 1);
    }
  });

  it("tells one of five who settle the same unverified payment that it is paid, and sends it once [R9] [FM:x402-duplicate] [FM:job-twice]", async () => {
    const payment = await s.pay(payer);
    const sent = await s.connection.ethers.provider.getTransactionCount(s.sender.address);
    const settled = await Promise.all(
      Array.from({ length: 5 }, () => relayer.facilitator.settle(payment, s.requirements)),
    );
    expect(settled.filter(({ success }) => success).length).to.equal(1);
    const refused = settled.filter(({ success }) => !success);
    expect(refused.map(({ errorReason }) => errorReason)).to.deep.equal(Array(4).fill("duplicate_settlement"));
    expect(await s.connection.ethers.provider.getTransactionCount(s.sender.address)).to.equal(sent + 1);
  });

  it("serves nothing to a payer who drains the balance between verify and settle, and pays no gas [FM:x402-drained]", async () => {
    const poor = await s.newPayer(PRICE);
    const { counts, serve } = gateway(relayer.facilitator);
    const payment = await s.pay(poor);
    const sent = await s.connection.ethers.provider.getTransactionCount(s.sender.address);
    const answer = await serve(payment, async () => s.token.connect(poor).transfer(s.sender.address, PRICE));
    expect(answer).to.equal("invalid_exact_evm_insufficient_balance");
    expect(counts.served).to.equal(0);
    expect(await s.connection.ethers.provider.getTransactionCount(s.sender.address)).to.equal(sent);
    // Nothing was sent, so the same gateway may settle once the money is back.
    await s.token.transfer(poor.address, PRICE);
    expect((await relayer.facilitator.settle(payment, s.requirements)).success).to.equal(true);
  });

  it("refuses what is not paid as asked, with the reason that x402 has for it [FM:unchecked-evidence]", async () => {
    const other = Wallet.createRandom().address;
    const change = (over: Partial<PaymentRequirements>): PaymentRequirements => ({ ...s.requirements, ...over });
    const now = BigInt(Math.floor(Date.now() / 1000));
    const good = await s.pay(payer);
    const cases: [string, PaymentPayload, PaymentRequirements][] = [
      ["invalid_exact_evm_recipient_mismatch", await signed({ to: other }), s.requirements],
      ["invalid_exact_evm_payload_authorization_value_mismatch", await signed({ value: "1" }), s.requirements],
      [
        "invalid_exact_evm_payload_authorization_valid_before",
        await signed({ validBefore: String(now) }),
        s.requirements,
      ],
      [
        "invalid_exact_evm_payload_authorization_valid_before",
        await signed({ validBefore: String(now + 9n) }),
        s.requirements,
      ],
      [
        "invalid_exact_evm_payload_authorization_valid_after",
        await signed({ validAfter: String(now + 3_600n) }),
        s.requirements,
      ],
      ["invalid_exact_evm_signature", await signed({}, new Wallet(Wallet.createRandom().privateKey)), s.requirements],
      ["pay_to_not_accepted", good, change({ payTo: other })],
      ["amount_not_accepted", good, change({ amount: String(PRICE + 1n) })],
      ["amount_not_accepted", good, change({ amount: "0" })],
      ["asset_not_accepted", good, change({ asset: other })],
      ["invalid_exact_evm_network_mismatch", good, change({ network: "eip155:1" })],
      ["invalid_exact_evm_scheme", good, change({ scheme: "upto" })],
      ["invalid_exact_evm_token_name_mismatch", good, change({ extra: { name: "Other", version: "1" } })],
      ["invalid_exact_evm_token_version_mismatch", good, change({ extra: { name: "OpenGradient", version: "2" } })],
      ["unsupported_payload_type", { ...good, payload: { permit2Authorization: {}, signature: "0x" } }, s.requirements],
    ];
    const sent = await s.connection.ethers.provider.getTransactionCount(s.sender.address);
    for (const [reason, payment, wanted] of cases) {
      const verified = await relayer.facilitator.verify(payment, wanted);
      expect([verified.isValid, verified.invalidReason]).to.deep.equal([false, reason]);
      const settled = await relayer.facilitator.settle(payment, wanted);
      expect([settled.success, settled.errorReason, settled.transaction]).to.deep.equal([false, reason, ""]);
    }
    expect(await s.connection.ethers.provider.getTransactionCount(s.sender.address)).to.equal(sent);
    // None of it took the good payment's place.
    expect((await relayer.facilitator.verify(good, s.requirements)).isValid).to.equal(true);
  });

  it("refuses an authorization that was used elsewhere, and another one under a nonce that it holds [R9]", async () => {
    const payment = await s.pay(payer);
    const { authorization: a, signature } = payment.payload as {
      authorization: Record<"from" | "to" | "value" | "validAfter" | "validBefore" | "nonce", string>;
      signature: string;
    };
    await s.token["transferWithAuthorization(address,address,uint256,uint256,uint256,bytes32,bytes)"](
      ...([a.from, a.to, a.value, a.validAfter, a.validBefore, a.nonce, signature] as const),
    );
    expect((await relayer.facilitator.verify(payment, s.requirements)).invalidReason).to.equal(
      "invalid_exact_evm_nonce_already_used",
    );
    expect((await relayer.facilitator.settle(payment, s.requirements)).errorReason).to.equal(
      "invalid_exact_evm_nonce_already_used",
    );
    const { status } = await request(`${relayer.url}/x402/payments/${requestIdOf(payment)}`);
    expect(status).to.equal(404);

    const held = await s.pay(payer);
    expect((await relayer.facilitator.verify(held, s.requirements)).isValid).to.equal(true);
    const sibling = await signed({ nonce: nonceOf(held), validAfter: "1" });
    for (const { invalidReason, errorReason } of [
      { ...(await relayer.facilitator.verify(sibling, s.requirements)), errorReason: undefined },
      { ...(await relayer.facilitator.settle(sibling, s.requirements)), invalidReason: undefined },
    ])
      expect(invalidReason ?? errorReason).to.equal("duplicate_settlement");
    expect((await relayer.facilitator.settle(held, s.requirements)).success).to.equal(true);
  });

  it("refuses bodies that are no requests as problems of its own", async () => {
    const post = (body: string, type = "application/json") =>
      request(`${relayer.url}/x402/settle`, { method: "POST", headers: { "content-type": type }, body });
    expect((await post("{}")).body).to.include({ status: 400, code: "malformed" });
    expect((await post("x".repeat(40_000))).body).to.include({ status: 413, code: "too_large" });
    expect((await post("{}", "text/plain")).body).to.include({ status: 415, code: "unsupported_media_type" });
    expect((await request(`${relayer.url}/x402/payments/${ZeroHash}`)).status).to.equal(404);
  });

  it("limits a payer before any work, and never a settlement of what it verified [FM:x402-late-limit]", async () => {
    const strict = await start(newDir(), { payerPerSecond: 0.001, payerBurst: 2 });
    const [first, second, third] = [await s.pay(payer), await s.pay(payer), await s.pay(payer)];
    for (const payment of [first, second])
      expect((await strict.facilitator.verify(payment, s.requirements)).isValid).to.equal(true);
    for (const call of ["verify", "settle"] as const) {
      const refused = await strict.facilitator[call](third, s.requirements).catch((error: Error) => error.message);
      expect(refused).to.contain("429").and.contain("rate_limited");
    }
    const someoneElse = await s.newPayer();
    expect((await strict.facilitator.verify(await s.pay(someoneElse), s.requirements)).isValid).to.equal(true);
    for (const payment of [first, second])
      expect((await strict.facilitator.settle(payment, s.requirements)).success).to.equal(true);
    await strict.close();
  });

  it("limits an address before any work, and not the settlements of what it verified [FM:x402-late-limit]", async () => {
    const strict = await start(newDir(), {}, { http: { requestsPerSecond: 0.001, burst: 2 } });
    const payments = [await s.pay(payer), await s.pay(payer), await s.pay(payer)];
    const verified = await Promise.all(
      payments.map((payment) =>
        strict.facilitator.verify(payment, s.requirements).catch((error: Error) => error.message),
      ),
    );
    const refused = verified.filter((answer) => typeof answer === "string");
    expect(refused.length).to.equal(1);
    expect(refused[0]).to.contain("429");
    for (const [index, payment] of payments.entries())
      if (typeof verified[index] !== "string")
        expect((await strict.facilitator.settle(payment, s.requirements)).success).to.equal(true);
    await strict.close();
  });

  it("sends what it reserved after a crash before the send, once, and tells it to who asks again [FM:x402-lost-reply] [FM:memory-only-buffer] [FM:timeout-resettle]", async () => {
    const dataDir = newDir();
    const sender = await s.newPayer();
    const signTransaction = () => Promise.reject(new Error("the process ends here"));
    const dying = await start(dataDir, { waitMs: 400 }, { signer: { address: sender.address, signTransaction } });
    const payment = await s.pay(payer);
    const before = await received();
    expect((await dying.facilitator.verify(payment, s.requirements)).isValid).to.equal(true);
    const unknown = await dying.facilitator.settle(payment, s.requirements);
    expect([unknown.success, unknown.errorReason]).to.deep.equal([false, "settlement_pending"]);
    expect((await dying.facilitator.verify(payment, s.requirements)).invalidReason).to.equal("duplicate_settlement");
    await dying.close();
    expect((await received()) - before).to.equal(0n);

    const signer = { address: sender.address, signTransaction: sender.signTransaction.bind(sender) };
    const next = await start(dataDir, {}, { signer });
    const known = await next.facilitator.settle(payment, s.requirements);
    expect([known.success, known.errorReason]).to.deep.equal([true, undefined]);
    expect((await next.facilitator.settle(payment, s.requirements)).errorReason).to.equal("duplicate_settlement");
    expect((await request(`${next.url}/x402/payments/${requestIdOf(payment)}`)).body).to.include({
      ...{ answered: true, transaction: known.transaction, amount: String(PRICE) },
    });
    expect((await received()) - before).to.equal(PRICE);
    expect(await s.connection.ethers.provider.getTransactionCount(sender.address)).to.equal(1);
    await next.close();
  });

  it("says that it does not know while no node answers, and reserves nothing then [FM:outage-not-found]", async () => {
    const door = await openHttpDoor(s.connection.provider);
    const cut = await start(newDir(), {}, { rpcUrl: door.url });
    await door.close();
    const payment = await s.pay(payer);
    for (const call of ["verify", "settle"] as const) {
      const unknown = await cut.facilitator[call](payment, s.requirements).catch((error: Error) => error.message);
      expect(unknown).to.contain("503").and.contain("chain_unavailable");
    }
    expect((await request(`${cut.url}/x402/payments/${requestIdOf(payment)}`)).status).to.equal(404);
    await cut.close();
  });

  it("offers nothing where the token has no code, no EIP-3009 or another name [FM:x402-no-code]", async () => {
    const nowhere = Wallet.createRandom().address;
    const payment = await s.pay(payer, { ...s.requirements, asset: nowhere });
    const cases: [Parameters<Setup["start"]>[1], string][] = [
      [{ token: nowhere }, "asset_not_deployed_contract"],
      [{ name: "Open Gradient" }, "invalid_exact_evm_token_name_mismatch"],
      [{ version: "2" }, "invalid_exact_evm_token_name_mismatch"],
    ];
    for (const [over, reason] of cases) {
      const none = await start(newDir(), over);
      expect((await none.facilitator.getSupported()).kinds).to.deep.equal([]);
      expect((await none.facilitator.verify(payment, s.requirements)).invalidReason).to.equal(reason);
      expect((await none.facilitator.settle(payment, s.requirements)).errorReason).to.equal(reason);
      expect(none.errors.map(({ message }) => message)).to.deep.equal(["x402 payments are not offered"]);
      await none.close();
    }
  });

  it("believes the Transfer log of the token, not a transaction that succeeded [FM:x402-no-code] [FM:false-settled]", async () => {
    const asset = Wallet.createRandom().address;
    await s.connection.provider.request({ method: "hardhat_setCode", params: [asset, MOVES_NOTHING] });
    const fooled = await start(newDir(), { token: asset });
    const wanted = { ...s.requirements, asset };
    const payment = await s.pay(payer, wanted);
    expect((await fooled.facilitator.verify(payment, wanted)).isValid).to.equal(true);
    const settled = await fooled.facilitator.settle(payment, wanted);
    expect([settled.success, settled.errorReason]).to.deep.equal([false, "invalid_exact_evm_transfer_event_mismatch"]);
    const mined = await s.connection.ethers.provider.getTransactionReceipt(settled.transaction);
    expect(mined!.status).to.equal(1);
    expect((await fooled.facilitator.settle(payment, wanted)).errorReason).to.equal(settled.errorReason);
    await fooled.close();
  });
}).timeout(120_000);
