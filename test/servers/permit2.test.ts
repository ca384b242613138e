// SPDX-License-Identifier: MIT
// Payments over Permit2: the real Permit2, a stock client, a token that is ERC-20 and no more. The proxy of x402 is our own.
import { decodePaymentRequiredHeader, decodePaymentResponseHeader } from "@x402/core/http";
import type { PaymentPayload, PaymentRequirements } from "@x402/core/types";
import { permit2WitnessTypes } from "@x402/evm";
import { expect } from "chai";
import { MaxUint256, Wallet, ZeroAddress, ZeroHash, type TypedDataField } from "ethers";
import { createRpc } from "../../relayer/chain/rpc.ts";
import { checkOffers, checkPermit2 } from "../../relayer/facilitator/offer.ts";
import {
  encodeSettle,
  EXACT_PROXY,
  exactProxy,
  PERMIT2,
  permit2Domain,
  type Permit,
} from "../../relayer/facilitator/permit2.ts";
import { reasonOfRevert } from "../../relayer/facilitator/reasons.ts";
import { checkReceipt, RECEIPT_HEADER } from "../../relayer/gateway/index.ts";
import type { Hex } from "../../relayer/protocol/index.ts";
import { openShop, say, type Shop } from "../relayer/support/gateway.ts";
import { domain, request } from "../relayer/support/relayer.ts";
import {
  NETWORK,
  openPayments,
  OVER_PERMIT2,
  PRICE,
  type PayingRelayer,
  type Payments,
} from "../relayer/support/x402.ts";
import { DevelopmentExactPermit2Proxy__factory } from "../../typechain/index.ts";
import { openHttpDoor } from "../support/http-door.ts";
import { installPermit2, installProxy } from "./permit2/install.ts";

const CONFIRMATIONS = 3;
const abi = ["function invalidateUnorderedNonces(uint256 wordPos, uint256 mask)"];
interface Signed {
  signature: Hex;
  permit2Authorization: {
    from: Hex;
    permitted: { token: Hex; amount: string };
    spender: Hex;
    nonce: string;
    deadline: string;
    witness: { to: Hex; validAfter: string };
  };
}
const signedOf = ({ payload }: PaymentPayload): Signed => payload as unknown as Signed;

/** A payer who let Permit2 take the token, as every client of it must, once. */
async function payerOf(s: Payments, balance?: bigint): Promise<Wallet> {
  const payer = await s.newPayer(balance);
  await s.token.connect(payer).approve(PERMIT2, MaxUint256);
  return payer;
}

/** A chain with Permit2 and the proxy, a payer, and a relayer that takes such payments. */
async function openPermit2Payments(parts: Parameters<Payments["start"]>[2] = {}) {
  const s = await openPayments(31337, true);
  await installPermit2(s);
  await installProxy(s);
  return { s, payer: await payerOf(s), relayer: await s.start(s.newDir(), { waitMs: 60_000 }, parts) };
}

/** The same payment by the proxy's other function. */
function withPermit(call: Hex, value: bigint): Hex {
  const args = exactProxy.decodeFunctionData("settle", call).toArray();
  const permit2612 = { value, deadline: MaxUint256, r: ZeroHash, s: ZeroHash, v: 27 };
  return exactProxy.encodeFunctionData("settleWithPermit", [permit2612, ...args]) as Hex;
}

/** A payment as its call to the proxy. */
function callOf(payment: PaymentPayload): Hex {
  const { signature, permit2Authorization: signed } = signedOf(payment);
  const { from, permitted, spender, nonce, deadline, witness } = signed;
  const permit: Permit = {
    ...{ from, spender, nonce: BigInt(nonce), deadline: BigInt(deadline) },
    permitted: { token: permitted.token, amount: BigInt(permitted.amount) },
    witness: { to: witness.to, validAfter: BigInt(witness.validAfter) },
  };
  return encodeSettle(permit, signature);
}

/** By somebody who is neither payer nor relayer. */
async function send(s: Payments, to: string, data: string): Promise<string> {
  const sent = await s.token.runner!.sendTransaction!({ to, data });
  return (await sent.wait())!.hash;
}

describe("x402 over the real Permit2", () => {
  let s: Payments;
  let relayer: PayingRelayer;
  let payer: Wallet;

  before(async () => {
    ({ s, payer, relayer } = await openPermit2Payments());
  });
  after(async () => {
    await relayer.close();
    await s.close();
  });
  afterEach(() => expect(relayer.errors.splice(0)).to.deep.equal([]));

  const permit2By = (by: Wallet) => new s.connection.ethers.Contract(PERMIT2, abi, by);
  /** Spends a payment's nonce for nothing. */
  async function invalidate(payment: PaymentPayload, by: Wallet): Promise<void> {
    const nonce = BigInt(signedOf(payment).permit2Authorization.nonce);
    const sent = await permit2By(by).getFunction("invalidateUnorderedNonces")(nonce >> 8n, 1n << (nonce & 0xffn));
    await sent.wait();
  }
  /** Money to the payee and transactions of the relayer. */
  async function effects<T>(action: () => Promise<T>): Promise<{ result: T; paid: bigint; sent: number }> {
    const [before, sent] = [await s.received(), await s.sent()];
    const result = await action();
    return { result, paid: (await s.received()) - before, sent: (await s.sent()) - sent };
  }
  /** A payment changed before it is signed. */
  async function signed(over: Partial<Signed["permit2Authorization"]>, by = payer): Promise<PaymentPayload> {
    const payment = await s.pay(payer);
    const permit = { ...signedOf(payment).permit2Authorization, ...over };
    const { from: _, ...message } = permit;
    const types = permit2WitnessTypes as unknown as Record<string, TypedDataField[]>;
    const signature = await by.signTypedData(permit2Domain(31337), types, message);
    return { ...payment, payload: { permit2Authorization: permit, signature } };
  }

  it("is offered beside nothing else for a token without EIP-3009, and only before the right proxy [FM:x402-no-code]", async () => {
    const { kinds } = await relayer.facilitator.getSupported();
    expect(kinds).to.deep.equal([
      {
        ...{ x402Version: 2, scheme: "exact", network: NETWORK },
        extra: { ...OVER_PERMIT2, asset: s.asset.toLowerCase() },
      },
    ]);
    expect(relayer.said.map(({ message }) => message)).to.include("x402 payments over EIP-3009 are not offered");
    const rpc = createRpc({ urls: [s.door.url], chainId: 31337 });
    const about = { name: "Plain", version: "1", chainId: 31337, verifyingContract: s.asset as Hex };
    expect((await checkOffers(rpc, about, "auto")).permit2).to.deep.equal({ offered: true });
    // Permit2 of another chain, and a proxy before another Permit2.
    expect(await checkPermit2(rpc, { ...about, chainId: 8453 })).to.include({ offered: false });
    await installProxy(s, s.asset);
    expect(await checkPermit2(rpc, about)).to.include({
      ...{ offered: false, reason: "permit2_proxy_not_deployed" },
      detail: `what is at ${EXACT_PROXY} has another PERMIT2 than x402's proxy`,
    });
    await installProxy(s);
    expect(await checkPermit2(rpc, about)).to.deep.equal({ offered: true });
  });

  it("verifies and settles what a stock client pays, to the wei, under an id that both sides compute [R5] [FM:x402-answer-shape]", async () => {
    const payment = await s.pay(payer);
    const held = await s.token.balanceOf(payer.address);
    const { result, ...done } = await effects(async () => {
      const verified = await relayer.facilitator.verify(payment, s.requirements);
      expect(verified).to.include({ isValid: true, payer: payer.address.toLowerCase() });
      return relayer.facilitator.settle(payment, s.requirements);
    });
    expect(result).to.include({ success: true, network: NETWORK, amount: String(PRICE) });
    expect(result.extensions).to.deep.equal({ opengradient: { requestId: s.requestIdOf(payment) } });
    expect(done).to.deep.equal({ paid: PRICE, sent: 1 });
    expect(await s.token.balanceOf(payer.address)).to.equal(held - PRICE);
    expect((await s.receipt(result.transaction))!.to!.toLowerCase()).to.equal(EXACT_PROXY);
    const { body } = await request(`${relayer.url}/x402/payments/${s.requestIdOf(payment)}`);
    expect(body).to.include({ transaction: result.transaction, answered: true, reason: null });
  });

  it("lands all of 40 payments that come at once [FM:x402-concurrent-settles] [FM:nonce-manager]", async () => {
    const payments = await Promise.all(Array.from({ length: 40 }, () => s.pay(payer)));
    const { result, ...done } = await effects(() =>
      Promise.all(payments.map((payment) => relayer.facilitator.settle(payment, s.requirements))),
    );
    expect(result.filter(({ success }) => !success)).to.deep.equal([]);
    expect(new Set(result.map(({ transaction }) => transaction)).size).to.equal(40);
    expect(done).to.deep.equal({ paid: 40n * PRICE, sent: 40 });
  });

  it("makes one transfer of a header that five bring, at once or in turn, and tells one of it [R9] [FM:x402-duplicate] [FM:job-twice]", async () => {
    const settle = (payment: PaymentPayload) => relayer.facilitator.settle(payment, s.requirements);
    for (const atOnce of [true, false]) {
      const payment = await s.pay(payer);
      const { result, ...done } = await effects(async () => {
        if (atOnce) return Promise.all(Array.from({ length: 5 }, () => settle(payment)));
        const answers = [];
        for (let i = 0; i < 5; i++) answers.push(await settle(payment));
        return answers;
      });
      expect(result.filter(({ success }) => success).length).to.equal(1);
      const refused = result.filter(({ success }) => !success).map(({ errorReason }) => errorReason);
      expect(refused).to.deep.equal(Array(4).fill("duplicate_settlement"));
      expect(done).to.deep.equal({ paid: PRICE, sent: 1 });
    }
    // Nor is another permit taken under a nonce that is held.
    const held = await s.pay(payer);
    expect((await relayer.facilitator.verify(held, s.requirements)).isValid).to.equal(true);
    const { nonce, witness } = signedOf(held).permit2Authorization;
    const sibling = await signed({ nonce, witness: { ...witness, validAfter: "1" } });
    expect((await relayer.facilitator.verify(sibling, s.requirements)).invalidReason).to.equal("duplicate_settlement");
    expect((await settle(sibling)).errorReason).to.equal("duplicate_settlement");
    expect((await settle(held)).success).to.equal(true);
  });

  it("refuses what is not paid as asked, with the reason that x402 has for it, and sends nothing [FM:unchecked-evidence]", async () => {
    const other = Wallet.createRandom().address as Hex;
    const now = Math.floor(Date.now() / 1_000);
    const [unready, poor] = [await s.newPayer(), await payerOf(s, PRICE - 1n)];
    const used = await s.pay(payer);
    await send(s, EXACT_PROXY, callOf(used));
    const burnt = await s.pay(payer);
    await invalidate(burnt, payer);
    const witness = { to: s.payTo as Hex, validAfter: "0" };
    const stranger = new Wallet(Wallet.createRandom().privateKey);
    const cases: [string, PaymentPayload][] = [
      ["invalid_permit2_spender", await signed({ spender: other })],
      ["invalid_permit2_recipient_mismatch", await signed({ witness: { ...witness, to: other } })],
      ["permit2_deadline_expired", await signed({ deadline: String(now) })],
      ["permit2_deadline_expired", await signed({ deadline: String(now + 9) })],
      ["permit2_not_yet_valid", await signed({ witness: { ...witness, validAfter: String(now + 3_600) } })],
      ["permit2_amount_mismatch", await signed({ permitted: { token: s.asset as Hex, amount: "1" } })],
      ["permit2_token_mismatch", await signed({ permitted: { token: other, amount: String(PRICE) } })],
      ["invalid_permit2_signature", await signed({}, stranger)],
      ["permit2_allowance_required", await s.pay(unready)],
      ["permit2_insufficient_balance", await s.pay(poor)],
      // Carried by somebody before it was shown here: it may have been served elsewhere.
      ["permit2_invalid_nonce", used],
      ["permit2_invalid_nonce", burnt],
    ];
    const sent = await s.sent();
    for (const [reason, payment] of cases) {
      const verified = await relayer.facilitator.verify(payment, s.requirements);
      expect([verified.isValid, verified.invalidReason]).to.deep.equal([false, reason]);
      const settled = await relayer.facilitator.settle(payment, s.requirements);
      expect([settled.success, settled.errorReason, settled.transaction]).to.deep.equal([false, reason, ""]);
    }
    expect(await s.sent()).to.equal(sent);
  });

  it("serves nothing to who takes back balance, allowance or nonce between verify and settle, and pays no gas [FM:x402-drained]", async () => {
    const cases: [string, (poor: Wallet, payment: PaymentPayload) => Promise<unknown>][] = [
      ["permit2_insufficient_balance", (poor) => s.token.connect(poor).transfer(s.sender.address, PRICE)],
      ["permit2_allowance_required", (poor) => s.token.connect(poor).approve(PERMIT2, 0n)],
      ["permit2_invalid_nonce", (poor, payment) => invalidate(payment, poor)],
    ];
    for (const [reason, meanwhile] of cases) {
      const poor = await payerOf(s, PRICE);
      const payment = await s.pay(poor);
      const { result, ...done } = await effects(async () => {
        expect((await relayer.facilitator.verify(payment, s.requirements)).isValid).to.equal(true);
        await meanwhile(poor, payment);
        return relayer.facilitator.settle(payment, s.requirements);
      });
      expect([result.success, result.errorReason]).to.deep.equal([false, reason]);
      expect(done).to.deep.equal({ paid: 0n, sent: 0 });
      if (reason === "permit2_invalid_nonce") continue;
      // Nothing was sent, so the same gateway may settle once it is there again.
      await s.token.transfer(poor.address, PRICE);
      await s.token.connect(poor).approve(PERMIT2, MaxUint256);
      expect((await relayer.facilitator.settle(payment, s.requirements)).success).to.equal(true);
    }
  });

  it("names what Permit2 refuses when a call is about to be sent [FM:x402-drained]", async () => {
    const poor = await payerOf(s, PRICE);
    const late = await signed({ deadline: String(Math.floor(Date.now() / 1_000) - 7_200) });
    const used = await s.pay(payer);
    await invalidate(used, payer);
    const empty = await s.pay(poor);
    await s.token.connect(poor).transfer(s.sender.address, PRICE);
    const rpc = createRpc({ urls: [s.door.url], chainId: 31337 });
    for (const [payment, reason] of [
      [late, "permit2_deadline_expired"],
      [used, "permit2_invalid_nonce"],
      [empty, "permit2_simulation_failed"],
    ] as const) {
      const refused = await rpc
        .request("eth_estimateGas", [{ from: s.sender.address, to: EXACT_PROXY, data: callOf(payment) }])
        .catch((error: { message: string; data: string }) => `would_revert: ${error.message} ${error.data}`);
      expect(reasonOfRevert(refused as string)).to.equal(reason);
    }
  });

  it("has the errors of x402's published ABI from the proxy that stands in for it", async () => {
    const proxy = DevelopmentExactPermit2Proxy__factory.connect(EXACT_PROXY, s.token.runner);
    const later = BigInt(Math.floor(Date.now() / 1_000) + 7_200);
    const payment = await s.pay(payer);
    const { signature, permit2Authorization: permitOf } = signedOf(payment);
    const { from, permitted, nonce, deadline, witness } = permitOf;
    const permit = { permitted, nonce, deadline };
    const none = { ...permit, permitted: { ...permitted, amount: 0n } };
    for (const [call, error] of [
      [() => proxy.settle(none, from, witness, signature), "InvalidAmount"],
      [() => proxy.settle(permit, ZeroAddress, witness, signature), "InvalidOwner"],
      [() => proxy.settle(permit, from, { ...witness, to: ZeroAddress }, signature), "InvalidDestination"],
      [() => proxy.settle(permit, from, { ...witness, validAfter: later }, signature), "PaymentTooEarly"],
      [() => send(s, EXACT_PROXY, withPermit(callOf(payment), 1n)), "Permit2612AmountMismatch"],
    ] as const) {
      expect(exactProxy.getError(error)).not.to.equal(null);
      await expect(call()).to.be.revertedWithCustomError(proxy, error);
    }
  });

  it("keeps apart an EIP-3009 and a Permit2 payment under one nonce: both land, under two ids [R5] [R9]", async () => {
    const opg = await openPayments();
    await installPermit2(opg);
    await installProxy(opg);
    const both = await opg.start(opg.newDir(), { waitMs: 60_000 });
    const { kinds } = await both.facilitator.getSupported();
    expect(kinds.map(({ extra }) => extra?.["assetTransferMethod"])).to.deep.equal([undefined, "permit2"]);
    const buyer = await payerOf(opg);
    const wanted: PaymentRequirements = { ...opg.requirements, extra: OVER_PERMIT2 };
    const direct = await opg.pay(buyer);
    const template = await opg.pay(buyer, wanted);
    const { nonce } = direct.payload["authorization"] as { nonce: Hex };
    const permit = { ...signedOf(template).permit2Authorization, nonce: String(BigInt(nonce)) };
    const { from: _, ...message } = permit;
    const types = permit2WitnessTypes as unknown as Record<string, TypedDataField[]>;
    const signature = await buyer.signTypedData(permit2Domain(31337), types, message);
    const over = { ...template, payload: { permit2Authorization: permit, signature } };
    const before = await opg.received();
    const settled = await Promise.all([
      both.facilitator.settle(direct, opg.requirements),
      both.facilitator.settle(over, wanted),
    ]);
    expect(settled.map(({ success }) => success)).to.deep.equal([true, true]);
    const ids = settled.map(({ extensions }) => (extensions!["opengradient"] as { requestId: string }).requestId);
    expect(ids).to.deep.equal([opg.requestIdOf(direct), opg.requestIdOf(over)]);
    expect(new Set(ids).size).to.equal(2);
    expect((await opg.received()) - before).to.equal(2n * PRICE);
    await both.close();
    await opg.close();
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

  it("sends again what a reorganisation took away, and is paid once [FM:reorg-off] [FM:false-settled]", async () => {
    const patient = await s.start(s.newDir(), { waitMs: 60_000 }, { confirmations: 20 });
    const { networkHelpers } = s.connection;
    const payment = await s.pay(await payerOf(s, PRICE));
    const before = await s.received();
    const snapshot = await networkHelpers.takeSnapshot();
    const stateOf = async () => (await request(`${patient.url}/x402/payments/${s.requestIdOf(payment)}`)).body;
    const settled = await patient.facilitator.settle(payment, s.requirements);
    expect([settled.success, (await stateOf())["state"]]).to.deep.equal([true, "mined"]);
    await snapshot.restore();
    expect(await s.received()).to.equal(before);
    for (let tries = 0; (await stateOf())["state"] !== "final"; tries++) {
      await networkHelpers.mine();
      await new Promise((resolve) => setTimeout(resolve, 100));
      if (tries > 600) throw new Error(JSON.stringify(await stateOf()));
    }
    expect((await s.received()) - before).to.equal(PRICE);
    expect(patient.errors).to.deep.equal([]);
    await patient.close();
  });
}).timeout(900_000);

describe("a payment over Permit2 that somebody else carries there", () => {
  let s: Payments;
  let relayer: PayingRelayer;
  let payer: Wallet;
  before(async () => {
    ({ s, payer, relayer } = await openPermit2Payments({ confirmations: CONFIRMATIONS }));
  });
  after(async () => {
    await relayer.close();
    await s.close();
  });
  const mine = () => s.connection.networkHelpers.mine(CONFIRMATIONS);
  async function verify(payment: PaymentPayload): Promise<void> {
    expect((await relayer.facilitator.verify(payment, s.requirements)).isValid).to.equal(true);
  }

  it("counts once where it was reserved before, and only when it is final, through any contract [R9] [FM:x402-duplicate] [FM:reorg-off]", async () => {
    // Hands all but its first byte of input to the proxy.
    const wrapper = Wallet.createRandom().address;
    const forward = `0x600136038060015f375f5f825f5f73${EXACT_PROXY.slice(2)}5af115602a57005b5f5ffd`;
    await s.connection.provider.request({ method: "hardhat_setCode", params: [wrapper, forward] });
    const ways: ((call: Hex) => Promise<string>)[] = [
      (call) => send(s, EXACT_PROXY, call),
      (call) => send(s, wrapper, `0x99${call.slice(2)}`),
      // With an EIP-2612 permit that the token has no function for: the allowance is there already.
      (call) => send(s, EXACT_PROXY, withPermit(call, PRICE)),
    ];
    for (const carry of ways) {
      const payment = await s.pay(payer);
      const [before, sent] = [await s.received(), await s.sent()];
      await verify(payment);
      const hash = await carry(callOf(payment));
      const early = await relayer.facilitator.settle(payment, s.requirements);
      expect([early.success, early.errorReason]).to.deep.equal([false, "settlement_pending"]);
      await mine();
      const settled = await relayer.facilitator.settle(payment, s.requirements);
      expect([settled.success, settled.transaction]).to.deep.equal([true, hash]);
      const again = await relayer.facilitator.settle(payment, s.requirements);
      expect([again.success, again.errorReason]).to.deep.equal([false, "duplicate_settlement"]);
      expect([(await s.received()) - before, await s.sent()]).to.deep.equal([PRICE, sent]);
    }
  });

  it("counts where it came before the relayer's own call, which fails for it [R9] [FM:failed-send-landed]", async () => {
    const payment = await s.pay(payer);
    const before = await s.received();
    await verify(payment);
    const [hash, settled] = await s.overtake(() => relayer.facilitator.settle(payment, s.requirements), {
      ...{ to: EXACT_PROXY, data: callOf(payment) },
    });
    expect([settled.success, settled.errorReason, settled.transaction]).to.deep.equal([true, undefined, hash]);
    expect((await s.received()) - before).to.equal(PRICE);
    const again = await relayer.facilitator.settle(payment, s.requirements);
    expect(again.errorReason).to.equal("duplicate_settlement");
  });

  it("counts although the payer has nothing left then", async () => {
    const poor = await payerOf(s, PRICE);
    const payment = await s.pay(poor);
    await verify(payment);
    await send(s, EXACT_PROXY, callOf(payment));
    await mine();
    expect((await relayer.facilitator.settle(payment, s.requirements)).success).to.equal(true);
  });

  it("is not what spent its nonce otherwise, whatever the payer paid that payee beside it [FM:false-settled]", async () => {
    const payment = await s.pay(payer);
    await verify(payment);
    // The same amount to the same payee, and the nonce spent for nothing.
    await send(s, EXACT_PROXY, callOf(await s.pay(payer)));
    await s.token.connect(payer).transfer(s.payTo, PRICE);
    const nonce = BigInt(signedOf(payment).permit2Authorization.nonce);
    const permit2 = new s.connection.ethers.Contract(PERMIT2, abi, payer);
    await permit2.getFunction("invalidateUnorderedNonces")(nonce >> 8n, 1n << (nonce & 0xffn));
    await mine();
    const settled = await relayer.facilitator.settle(payment, s.requirements);
    expect([settled.success, settled.errorReason]).to.deep.equal([false, "permit2_invalid_nonce"]);
  });
}).timeout(900_000);

describe("a gateway that is paid over Permit2", () => {
  let shop: Shop;
  let payer: Wallet;
  let url: string;
  before(async () => {
    const prepare = async (s: Payments): Promise<void> => {
      await installPermit2(s);
      await installProxy(s);
    };
    shop = await openShop({}, { plain: true, prepare });
    payer = await payerOf(shop.s);
    url = await shop.start();
  });
  after(() => shop.close());

  it("sells an answer to a stock @x402/fetch: payment, answer and receipt have one id [R5] [R6]", async () => {
    const body = Buffer.from("hello");
    const [before, runs, held] = [
      await shop.s.received(),
      shop.state.runs,
      await shop.s.token.balanceOf(payer.address),
    ];
    const answer = await shop.fetchOf(payer)(`${url}/a`, { method: "POST", body });
    expect([answer.status, await answer.text()]).to.deep.equal([200, "you said hello"]);
    const settled = decodePaymentResponseHeader(answer.headers.get("PAYMENT-RESPONSE")!);
    expect(settled).to.include({ success: true, payer: payer.address.toLowerCase() });
    const { requestId } = settled.extensions!["opengradient"] as { requestId: Hex };
    const found = answer.headers.get(RECEIPT_HEADER);
    const { receipt } = checkReceipt(found, { domain, requestId, sent: { method: "POST", url: `${url}/a`, body } });
    expect(receipt).to.include({ requestId, payer: payer.address.toLowerCase(), cumulativeFee: PRICE });
    expect([(await shop.s.received()) - before, shop.state.runs - runs]).to.deep.equal([PRICE, 1]);
    expect(await shop.s.token.balanceOf(payer.address)).to.equal(held - PRICE);
    expect((await shop.s.receipt(settled.transaction))!.to!.toLowerCase()).to.equal(EXACT_PROXY);
    await shop.reached(requestId, "served");
  });

  it("runs and charges once for a header that comes five times, and hands its payer the answer again [R9] [FM:x402-duplicate]", async () => {
    const { header, requestId } = await shop.headerOf(payer);
    const [before, runs] = [await shop.s.received(), shop.state.runs];
    const answers = await Promise.all(Array.from({ length: 5 }, () => fetch(`${url}/b`, say(header))));
    expect(answers.map(({ status }) => status).sort()).to.deep.equal([200, 409, 409, 409, 409]);
    expect([(await shop.s.received()) - before, shop.state.runs - runs]).to.deep.equal([PRICE, 1]);
    expect(await (await shop.fetchAgain(url, requestId, payer)).text()).to.equal("you said hello");
  });

  it("tells who has not let Permit2 take the token, by 412 as stock servers do, before any work", async () => {
    const { header } = await shop.headerOf(await shop.s.newPayer());
    const runs = shop.state.runs;
    const refused = await fetch(`${url}/b`, say(header));
    expect(refused.status).to.equal(412);
    const { error, accepts } = decodePaymentRequiredHeader(refused.headers.get("PAYMENT-REQUIRED")!);
    expect([error, accepts[0]!.extra]).to.deep.equal(["permit2_allowance_required", OVER_PERMIT2]);
    expect(shop.state.runs).to.equal(runs);
  });
}).timeout(900_000);
