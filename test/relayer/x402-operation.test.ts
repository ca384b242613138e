// SPDX-License-Identifier: MIT
// What operators set and what goes wrong around them, each with a relayer of its own.
import { expect } from "chai";
import { toBeHex, Wallet } from "ethers";
import { createRpc } from "../../relayer/chain/rpc.ts";
import { checkOffer } from "../../relayer/facilitator/offer.ts";
import type { Hex } from "../../relayer/protocol/index.ts";
import { openHttpDoor } from "../support/http-door.ts";
import { request } from "./support/relayer.ts";
import { openPayments, PRICE, type Payments } from "./support/x402.ts";

// Answers 32 zero bytes to every call, and nothing for DOMAIN_SEPARATOR: each transfer "succeeds" and moves nothing.
const MOVES_NOTHING = "0x60003560e01c633644e5151460145760206000f35b00";

describe("running an x402 facilitator", () => {
  let s: Payments;
  let payer: Wallet;

  before(async () => {
    s = await openPayments();
    payer = await s.newPayer();
  });
  after(() => s.close());

  it("limits a payer before any work, and never a settlement of what it verified [FM:x402-late-limit]", async () => {
    const strict = await s.start(s.newDir(), { payerPerSecond: 0.001, payerBurst: 2 });
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
    const strict = await s.start(s.newDir(), {}, { http: { requestsPerSecond: 0.001, burst: 2 } });
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
    const dataDir = s.newDir();
    const sender = await s.newPayer();
    const signTransaction = () => Promise.reject(new Error("the process ends here"));
    const dying = await s.start(dataDir, { waitMs: 400 }, { signer: { address: sender.address, signTransaction } });
    const payment = await s.pay(payer);
    const before = await s.received();
    expect((await dying.facilitator.verify(payment, s.requirements)).isValid).to.equal(true);
    const unknown = await dying.facilitator.settle(payment, s.requirements);
    expect([unknown.success, unknown.errorReason]).to.deep.equal([false, "settlement_pending"]);
    expect((await dying.facilitator.verify(payment, s.requirements)).invalidReason).to.equal("duplicate_settlement");
    await dying.close();
    expect((await s.received()) - before).to.equal(0n);

    const signer = { address: sender.address, signTransaction: sender.signTransaction.bind(sender) };
    const next = await s.start(dataDir, {}, { signer });
    const known = await next.facilitator.settle(payment, s.requirements);
    expect([known.success, known.errorReason]).to.deep.equal([true, undefined]);
    expect((await next.facilitator.settle(payment, s.requirements)).errorReason).to.equal("duplicate_settlement");
    expect((await request(`${next.url}/x402/payments/${s.requestIdOf(payment)}`)).body).to.include({
      ...{ answered: true, transaction: known.transaction, amount: String(PRICE) },
    });
    expect((await s.received()) - before).to.equal(PRICE);
    expect(await s.sent(sender.address)).to.equal(1);
    await next.close();
  });

  it("says that it does not know while no node answers, and reserves nothing then [FM:outage-not-found]", async () => {
    const door = await openHttpDoor(s.connection.provider);
    const cut = await s.start(s.newDir(), {}, { rpcUrl: door.url });
    await door.close();
    const payment = await s.pay(payer);
    for (const call of ["verify", "settle"] as const) {
      const unknown = await cut.facilitator[call](payment, s.requirements).catch((error: Error) => error.message);
      expect(unknown).to.contain("503").and.contain("chain_unavailable");
    }
    expect((await request(`${cut.url}/x402/payments/${s.requestIdOf(payment)}`)).status).to.equal(404);
    await cut.close();
  });

  it("offers nothing where the token has no code, no EIP-3009 or another name [FM:x402-no-code]", async () => {
    const rpc = createRpc({ urls: [s.door.url], chainId: 31337 });
    const nowhere = Wallet.createRandom().address as Hex;
    const good = { name: "OpenGradient", version: "1", chainId: 31337, verifyingContract: s.asset as Hex };
    expect(await checkOffer(rpc, good)).to.deep.equal({ offered: true });
    const reverts = Wallet.createRandom().address as Hex;
    await s.connection.provider.request({ method: "hardhat_setCode", params: [reverts, "0x5f5ffd"] });
    for (const [over, reason] of [
      [{ verifyingContract: nowhere }, "asset_not_deployed_contract"],
      [{ verifyingContract: reverts }, "invalid_exact_evm_eip3009_not_supported"],
      // A precompiled contract answers without code.
      [{ verifyingContract: toBeHex(4, 20) as Hex }, "asset_not_deployed_contract"],
      [{ name: "Open Gradient" }, "invalid_exact_evm_token_name_mismatch"],
      [{ version: "2" }, "invalid_exact_evm_token_name_mismatch"],
    ] as const)
      expect(await checkOffer(rpc, { ...good, ...over })).to.include({ offered: false, reason });

    const none = await s.start(s.newDir(), { token: nowhere });
    const wanted = { ...s.requirements, asset: nowhere };
    const payment = await s.pay(payer, wanted);
    expect((await none.facilitator.getSupported()).kinds).to.deep.equal([]);
    const reason = "asset_not_deployed_contract";
    expect((await none.facilitator.verify(payment, wanted)).invalidReason).to.equal(reason);
    expect((await none.facilitator.settle(payment, wanted)).errorReason).to.equal(reason);
    expect(none.errors.map(({ message }) => message)).to.deep.equal(["x402 payments are not offered"]);
    await none.close();
  });

  it("believes the Transfer log of the token, not a transaction that succeeded [FM:x402-no-code] [FM:false-settled]", async () => {
    const asset = Wallet.createRandom().address;
    await s.connection.provider.request({ method: "hardhat_setCode", params: [asset, MOVES_NOTHING] });
    const fooled = await s.start(s.newDir(), { token: asset });
    const wanted = { ...s.requirements, asset };
    const payment = await s.pay(payer, wanted);
    expect((await fooled.facilitator.verify(payment, wanted)).isValid).to.equal(true);
    const settled = await fooled.facilitator.settle(payment, wanted);
    expect([settled.success, settled.errorReason]).to.deep.equal([false, "invalid_exact_evm_transfer_event_mismatch"]);
    const mined = await s.receipt(settled.transaction);
    expect(mined!.status).to.equal(1);
    expect((await fooled.facilitator.settle(payment, wanted)).errorReason).to.equal(settled.errorReason);
    await fooled.close();
  });
}).timeout(120_000);
