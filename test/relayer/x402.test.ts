// SPDX-License-Identifier: MIT
import { HTTPFacilitatorClient } from "@x402/core/http";
import type { PaymentPayload, PaymentRequirements } from "@x402/core/types";
import { expect } from "chai";
import { Wallet, ZeroHash } from "ethers";
import { removeDir, request, tempDir } from "./support/relayer.ts";
import { NETWORK, openPayments, PRICE, type PayingRelayer, type Payments } from "./support/x402.ts";

describe("an x402 facilitator", () => {
  let s: Payments;
  let relayer: PayingRelayer;
  let payer: Wallet;
  let dataDir: string;

  before(async () => {
    s = await openPayments();
    payer = await s.newPayer();
    dataDir = tempDir();
    relayer = await s.start(dataDir, { waitMs: 60_000 });
  });
  after(async () => {
    await relayer.close();
    await s.close();
    removeDir(dataDir);
  });
  afterEach(() => expect(relayer.errors.splice(0)).to.deep.equal([]));

  const nonceOf = (payment: PaymentPayload): string => (payment.payload["authorization"] as { nonce: string }).nonce;
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
    const before = await s.received();
    const verified = await relayer.facilitator.verify(payment, s.requirements);
    expect(verified.isValid).to.equal(true);
    const settled = await relayer.facilitator.settle(payment, s.requirements);
    expect(settled).to.include({ success: true, network: NETWORK, amount: String(PRICE) });
    for (const { extensions } of [verified, settled])
      expect(extensions).to.deep.equal({ opengradient: { requestId: s.requestIdOf(payment) } });
    expect((await s.received()) - before).to.equal(PRICE);
    const mined = await s.receipt(settled.transaction);
    expect(mined!.to).to.equal(s.asset);
    const { status, body } = await request(`${relayer.url}/x402/payments/${s.requestIdOf(payment)}`);
    expect(status).to.equal(200);
    expect(body).to.include({ transaction: settled.transaction, answered: true, reason: null });
    expect(["mined", "final"]).to.include(body.state);
  });

  it("lands all of 40 payments that come at once [FM:x402-concurrent-settles] [FM:nonce-manager]", async () => {
    const payments = await Promise.all(Array.from({ length: 40 }, () => s.pay(payer)));
    const before = await s.received();
    const settled = await Promise.all(payments.map((payment) => relayer.facilitator.settle(payment, s.requirements)));
    expect(settled.filter(({ success }) => !success)).to.deep.equal([]);
    expect(new Set(settled.map(({ transaction }) => transaction)).size).to.equal(40);
    expect((await s.received()) - before).to.equal(40n * PRICE);
  });

  it("lets one of five bearers of a header work, be paid and serve, at once or in turn [R9] [FM:x402-duplicate] [FM:x402-other-resource]", async () => {
    for (const atOnce of [true, false]) {
      const { counts, serve } = gateway(relayer.facilitator);
      const payment = await s.pay(payer);
      const before = await s.received();
      const sent = await s.sent();
      const answers: string[] = [];
      if (atOnce) answers.push(...(await Promise.all(Array.from({ length: 5 }, () => serve(payment)))));
      else for (let i = 0; i < 5; i++) answers.push(await serve(payment));
      expect(answers.sort()).to.deep.equal([...Array.from({ length: 4 }, () => "duplicate_settlement"), "served"]);
      expect(counts).to.deep.equal({ handled: 1, served: 1 });
      expect((await s.received()) - before).to.equal(PRICE);
      expect(await s.sent()).to.equal(sent + 1);
    }
  });

  it("tells one of five who settle the same unverified payment that it is paid, and sends it once [R9] [FM:x402-duplicate] [FM:job-twice]", async () => {
    const payment = await s.pay(payer);
    const sent = await s.sent();
    const settled = await Promise.all(
      Array.from({ length: 5 }, () => relayer.facilitator.settle(payment, s.requirements)),
    );
    expect(settled.filter(({ success }) => success).length).to.equal(1);
    const refused = settled.filter(({ success }) => !success);
    expect(refused.map(({ errorReason }) => errorReason)).to.deep.equal(Array(4).fill("duplicate_settlement"));
    expect(await s.sent()).to.equal(sent + 1);
  });

  it("serves nothing to a payer who drains the balance between verify and settle, and pays no gas [FM:x402-drained]", async () => {
    const poor = await s.newPayer(PRICE);
    const { counts, serve } = gateway(relayer.facilitator);
    const payment = await s.pay(poor);
    const sent = await s.sent();
    const answer = await serve(payment, async () => s.token.connect(poor).transfer(s.sender.address, PRICE));
    expect(answer).to.equal("invalid_exact_evm_insufficient_balance");
    expect(counts.served).to.equal(0);
    expect(await s.sent()).to.equal(sent);
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
    const sent = await s.sent();
    for (const [reason, payment, wanted] of cases) {
      const verified = await relayer.facilitator.verify(payment, wanted);
      expect([verified.isValid, verified.invalidReason]).to.deep.equal([false, reason]);
      const settled = await relayer.facilitator.settle(payment, wanted);
      expect([settled.success, settled.errorReason, settled.transaction]).to.deep.equal([false, reason, ""]);
    }
    expect(await s.sent()).to.equal(sent);
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
    const { status } = await request(`${relayer.url}/x402/payments/${s.requestIdOf(payment)}`);
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
}).timeout(120_000);
