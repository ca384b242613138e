// SPDX-License-Identifier: MIT
// Anybody may carry an authorization to its token. The payee is paid then, and the payer is to be served once.
import type { PaymentPayload } from "@x402/core/types";
import { expect } from "chai";
import { Wallet } from "ethers";
import fc from "fast-check";
import { eip3009 } from "../../relayer/facilitator/eip3009.ts";
import { paidUnderNonce } from "../../relayer/facilitator/elsewhere.ts";
import type { Hex } from "../../relayer/protocol/index.ts";
import { random } from "./support/relayer.ts";
import { amounts, nonces, people, receiptWith, transferLog } from "./support/transfers.ts";
import { openPayments, PRICE, type PayingRelayer, type Payments } from "./support/x402.ts";

const CONFIRMATIONS = 3;
type Signed = Record<"from" | "to" | "value" | "validAfter" | "validBefore" | "nonce", string>;

describe("a payment that somebody else carries to its token", () => {
  let s: Payments;
  let relayer: PayingRelayer;
  let payer: Wallet;
  before(async () => {
    s = await openPayments();
    payer = await s.newPayer();
    relayer = await s.start(s.newDir(), { waitMs: 60_000 }, { confirmations: CONFIRMATIONS });
  });
  after(async () => {
    await relayer.close();
    await s.close();
  });
  const mine = () => s.connection.networkHelpers.mine(CONFIRMATIONS);
  async function carry({ payload }: PaymentPayload): Promise<string> {
    const { authorization: a, signature } = payload as unknown as { authorization: Signed; signature: string };
    const sent = await s.token["transferWithAuthorization(address,address,uint256,uint256,uint256,bytes32,bytes)"](
      ...([a.from, a.to, a.value, a.validAfter, a.validBefore, a.nonce, signature] as const),
    );
    return (await sent.wait())!.hash;
  }

  it("counts once where it was reserved before, and only when it is final [R9] [FM:x402-duplicate] [FM:reorg-off]", async () => {
    const payment = await s.pay(payer);
    const [before, sent] = [await s.received(), await s.sent()];
    expect((await relayer.facilitator.verify(payment, s.requirements)).isValid).to.equal(true);
    const hash = await carry(payment);
    const early = await relayer.facilitator.settle(payment, s.requirements);
    expect([early.success, early.errorReason]).to.deep.equal([false, "settlement_pending"]);
    await mine();
    const settled = await relayer.facilitator.settle(payment, s.requirements);
    expect([settled.success, settled.transaction]).to.deep.equal([true, hash]);
    const again = await relayer.facilitator.settle(payment, s.requirements);
    expect([again.success, again.errorReason]).to.deep.equal([false, "duplicate_settlement"]);
    expect([(await s.received()) - before, await s.sent()]).to.deep.equal([PRICE, sent]);
  });

  it("counts where it came before the relayer's own call, which fails for it [R9] [FM:failed-send-landed]", async () => {
    const payment = await s.pay(payer);
    const before = await s.received();
    expect((await relayer.facilitator.verify(payment, s.requirements)).isValid).to.equal(true);
    const { authorization: a, signature } = payment.payload as unknown as { authorization: Signed; signature: string };
    const call = await s.token[
      "transferWithAuthorization(address,address,uint256,uint256,uint256,bytes32,bytes)"
    ].populateTransaction(a.from, a.to, a.value, a.validAfter, a.validBefore, a.nonce, signature);
    const [hash, settled] = await s.overtake(() => relayer.facilitator.settle(payment, s.requirements), call);
    expect([settled.success, settled.errorReason, settled.transaction]).to.deep.equal([true, undefined, hash]);
    expect((await s.received()) - before).to.equal(PRICE);
    const again = await relayer.facilitator.settle(payment, s.requirements);
    expect(again.errorReason).to.equal("duplicate_settlement");
  });

  it("counts although the payer has nothing left then", async () => {
    const poor = await s.newPayer(PRICE);
    const payment = await s.pay(poor);
    expect((await relayer.facilitator.verify(payment, s.requirements)).isValid).to.equal(true);
    await carry(payment);
    await mine();
    expect((await relayer.facilitator.settle(payment, s.requirements)).success).to.equal(true);
  });

  it("does not count where its nonce paid somebody else, or nothing at all", async () => {
    for (const how of ["paid another", "cancelled"]) {
      const payment = await s.pay(payer);
      const { nonce } = payment.payload["authorization"] as { nonce: string };
      expect((await relayer.facilitator.verify(payment, s.requirements)).isValid).to.equal(true);
      const fields = ["from address", "to address", "value uint256", "validAfter uint256", "validBefore uint256"];
      const typed = (names: string[]) =>
        names.map((field) => ({ name: field.split(" ")[0]!, type: field.split(" ")[1]! }));
      const domain = { name: "OpenGradient", version: "1", chainId: 31337, verifyingContract: s.asset };
      if (how === "cancelled") {
        const types = { CancelAuthorization: typed(["authorizer address", "nonce bytes32"]) };
        const signature = await payer.signTypedData(domain, types, { authorizer: payer.address, nonce });
        await s.token["cancelAuthorization(address,bytes32,bytes)"](payer.address, nonce, signature);
      } else {
        const authorization = { ...(payment.payload["authorization"] as object as Signed), to: payer.address };
        const types = { TransferWithAuthorization: typed([...fields, "nonce bytes32"]) };
        const signature = await payer.signTypedData(domain, types, authorization);
        await carry({ ...payment, payload: { authorization, signature } });
      }
      await mine();
      const settled = await relayer.facilitator.settle(payment, s.requirements);
      expect([how, settled.success, settled.errorReason]).to.deep.equal([
        how,
        false,
        "invalid_exact_evm_nonce_already_used",
      ]);
    }
  });

  it("is what a nonce and the transfer right behind it say, and no other transfer of that transaction [FM:false-settled]", () => {
    const token = random(20);
    const used = (authorizer: Hex, nonce: Hex, address: string = token) => ({
      address,
      ...eip3009.encodeEventLog("AuthorizationUsed", [authorizer, nonce]),
    });
    const moved = (from: Hex, to: Hex, value: bigint, address = token) => transferLog(address, from, to, value);
    fc.assert(
      fc.property(people, nonces, amounts, ([from, payTo, other], [nonce, another], value) => {
        const expected = { token, payer: from!, nonce: nonce!, payTo: payTo!, amount: value };
        const [mineUsed, mineMoved] = [used(from!, nonce!), moved(from!, payTo!, value)];
        const noise = moved(other!, payTo!, value);
        expect(paidUnderNonce(receiptWith([noise, mineUsed, mineMoved, noise]), expected)).to.equal(true);
        const wrong = [
          // The nonce went elsewhere, and the transfer beside it is another payment's.
          [mineUsed, moved(from!, other!, value), used(from!, another!), mineMoved],
          [used(from!, another!), mineMoved, mineUsed],
          [used(other!, nonce!), mineMoved],
          [mineUsed, moved(from!, payTo!, value + 1n)],
          [mineUsed, moved(other!, payTo!, value)],
          [used(from!, nonce!, random(20)), mineMoved],
          [mineUsed, moved(from!, payTo!, value, random(20))],
          [mineUsed],
          [mineMoved, mineUsed],
          [mineUsed, noise, mineMoved],
        ];
        for (const logs of wrong) expect(paidUnderNonce(receiptWith(logs), expected)).to.equal(false);
        expect(paidUnderNonce(receiptWith([mineUsed, mineMoved], "0x0"), expected)).to.equal(false);
      }),
      { numRuns: 25 },
    );
  });
}).timeout(300_000);
