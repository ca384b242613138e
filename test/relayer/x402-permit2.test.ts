// SPDX-License-Identifier: MIT
// Payments over Permit2, as far as no Permit2 is needed; with it they are made in test/servers/permit2.test.ts.
import type { PaymentPayload, PaymentRequirements } from "@x402/core/types";
import { expect } from "chai";
import { toBeHex, Wallet } from "ethers";
import fc from "fast-check";
import { createRpc } from "../../relayer/chain/rpc.ts";
import type { RpcReceipt } from "../../relayer/chain/sending.ts";
import { eip3009 } from "../../relayer/facilitator/eip3009.ts";
import { paidUnderPermit } from "../../relayer/facilitator/elsewhere.ts";
import { paymentRequestId } from "../../relayer/facilitator/index.ts";
import { checkOffers, checkPermit2 } from "../../relayer/facilitator/offer.ts";
import { encodeSettle, EXACT_PROXY, exactProxy, PERMIT2, tokenOfSettle } from "../../relayer/facilitator/permit2.ts";
import { readSigned, transferMethod } from "../../relayer/facilitator/signed.ts";
import { requirementsToV1 } from "../../relayer/facilitator/v1.ts";
import { exactTerms, type Product } from "../../relayer/gateway/terms.ts";
import type { Hex } from "../../relayer/protocol/index.ts";
import { random } from "./support/relayer.ts";
import { amounts, nonces, people, receiptWith, transferLog } from "./support/transfers.ts";
import { openPayments, OVER_PERMIT2, PRICE, type Payments } from "./support/x402.ts";

/** Answers 32 zero bytes to every call. */
const SAYS_ZERO = "0x60205ff3";

describe("x402 over Permit2, on a chain that has none", () => {
  let s: Payments;
  let payer: Wallet;
  let wanted: PaymentRequirements;
  before(async () => {
    s = await openPayments();
    payer = await s.newPayer();
    wanted = { ...s.requirements, extra: OVER_PERMIT2 };
  });
  after(() => s.close());
  const domain = () => ({ name: "OpenGradient", version: "1", chainId: 31337, verifyingContract: s.asset as Hex });

  it("is not offered, refused with the reason of x402, and reported once; EIP-3009 goes on [FM:x402-no-code]", async () => {
    for (const [permit2, reason, line] of [
      ["auto", "permit2_proxy_not_deployed", `no contract at ${PERMIT2}`],
      ["off", "unsupported_payload_type", "payments over Permit2 are switched off here"],
    ] as const) {
      const relayer = await s.start(s.newDir(), { permit2, waitMs: 60_000 });
      const { kinds } = await relayer.facilitator.getSupported();
      expect(kinds.map(({ scheme, extra }) => [scheme, extra?.["assetTransferMethod"]])).to.deep.equal([
        ["exact", undefined],
      ]);
      const payment = await s.pay(payer, wanted);
      expect((await relayer.facilitator.verify(payment, wanted)).invalidReason).to.equal(reason);
      expect(await relayer.facilitator.settle(payment, wanted)).to.include({ errorReason: reason, transaction: "" });
      const told = relayer.said.filter(({ message }) => message === "x402 payments over Permit2 are not offered");
      expect(told.map(({ details }) => (details as { detail: string }).detail)).to.deep.equal([line]);
      const other = await s.pay(payer);
      expect((await relayer.facilitator.settle(other, s.requirements)).success).to.equal(true);
      expect(relayer.errors).to.deep.equal([]);
      await relayer.close();
    }
  });

  it("is not offered for code that is not Permit2, or a token without code [FM:x402-no-code]", async () => {
    const rpc = createRpc({ urls: [s.door.url], chainId: 31337 });
    const setCode = (at: string, code: string) =>
      s.connection.provider.request({ method: "hardhat_setCode", params: [at, code] });
    const reason = "permit2_proxy_not_deployed";
    await setCode(PERMIT2, SAYS_ZERO);
    expect(await checkPermit2(rpc, domain())).to.include({
      offered: false,
      reason,
      detail: `no contract at ${EXACT_PROXY}`,
    });
    await setCode(EXACT_PROXY, SAYS_ZERO);
    expect(await checkPermit2(rpc, domain())).to.include({
      ...{ offered: false, reason },
      detail: `what is at ${PERMIT2} does not sign as Permit2 of chain 31337`,
    });
    const nowhere = Wallet.createRandom().address.toLowerCase() as Hex;
    const none = await checkOffers(rpc, { ...domain(), verifyingContract: nowhere }, "auto");
    expect(none.permit2).to.include({ offered: false, reason: "asset_not_deployed_contract" });
    for (const at of [PERMIT2, EXACT_PROXY]) await setCode(at, "0x");
  });

  it("takes what a stock client signed, and nothing that was changed since [R5]", async () => {
    const { payload } = await s.pay(payer, wanted);
    const read = readSigned(domain(), "permit2", payload);
    if (!read.ok) throw new Error(read.reason);
    const { nonce, deadline } = payload["permit2Authorization"] as { nonce: string; deadline: string };
    expect(read.signed).to.include({ method: "permit2", payer: payer.address.toLowerCase(), keeper: PERMIT2 });
    expect([read.signed.nonce, read.signed.validBefore]).to.deep.equal([toBeHex(BigInt(nonce), 32), BigInt(deadline)]);
    expect([read.signed.call.to, tokenOfSettle(read.signed.call.data)]).to.deep.equal([
      EXACT_PROXY,
      s.asset.toLowerCase(),
    ]);
    const signed = payload["permit2Authorization"] as Record<string, unknown>;
    const other = random(20);
    const changes: Record<string, unknown>[] = [
      { from: other },
      { spender: other },
      { nonce: String(BigInt(nonce) ^ 1n) },
      { deadline: String(BigInt(deadline) + 1n) },
      { permitted: { token: other, amount: String(PRICE) } },
      { permitted: { token: s.asset, amount: String(PRICE + 1n) } },
      { witness: { to: other, validAfter: "0" } },
      { witness: { to: s.payTo, validAfter: "1" } },
    ];
    for (const change of changes) {
      const forged = readSigned(domain(), "permit2", { ...payload, permit2Authorization: { ...signed, ...change } });
      expect([forged.ok, !forged.ok && forged.reason]).to.deep.equal([false, "invalid_permit2_signature"]);
    }
    // For another chain, or as another kind of payload than was asked for.
    expect(readSigned({ ...domain(), chainId: 1 }, "permit2", payload)).to.include({ ok: false });
    for (const [method, what] of [
      ["eip3009", payload],
      ["permit2", (await s.pay(payer)).payload],
      [transferMethod({ extra: { assetTransferMethod: "erc7710" } }), payload],
    ] as const)
      expect(readSigned(domain(), method, what)).to.include({ ok: false, reason: "unsupported_payload_type" });
  });

  it("has request ids of its own: one nonce over EIP-3009 and over Permit2 is two payments [R5] [R9]", () => {
    const address = fc.bigInt({ min: 1n, max: 2n ** 160n - 1n }).map((value) => toBeHex(value, 20) as Hex);
    const word = fc.bigInt({ min: 0n, max: 2n ** 256n - 1n }).map((value) => toBeHex(value, 32) as Hex);
    fc.assert(
      fc.property(fc.integer({ min: 1 }), address, address, word, word, (chainId, token, payer, nonce, other) => {
        fc.pre(token !== PERMIT2 && nonce !== other);
        const ids = [token, PERMIT2].flatMap((keeper) =>
          [nonce, other].map((one) => paymentRequestId({ chainId, token: keeper, payer, nonce: one })),
        );
        expect(new Set(ids).size).to.equal(4);
      }),
    );
  });

  it("is asked for by a gateway as stock clients read it, and not of version 1, which has none", () => {
    const money = { chainId: 84_532, token: random(20), name: "Plain", version: "1", payTo: random(20) };
    const product = { price: PRICE } as Product;
    const terms = exactTerms({ ...money, maxTimeoutSeconds: 60, transfer: "permit2" }, product);
    expect(terms.extra).to.deep.equal({ assetTransferMethod: "permit2" });
    const about = { url: "https://gateway.example/a", description: "", mimeType: "text/plain" };
    expect(requirementsToV1(terms, about)).to.equal(undefined);
    const direct = exactTerms({ ...money, maxTimeoutSeconds: 60 }, product);
    expect(requirementsToV1(direct, about)).to.include({ network: "base-sepolia" });
  });

  it("counts what somebody else carried by calls that can be read and transfers for each of them [FM:false-settled]", () => {
    const [token, wrapper] = [random(20), random(20)];
    const signature = `0x${"11".repeat(32)}${"22".repeat(32)}1b` as Hex;
    interface Paid {
      payer: Hex;
      payTo: Hex;
      amount: bigint;
      nonce: Hex;
    }
    const call = ({ payer: from, payTo: to, amount, nonce }: Paid, over: { token?: Hex } = {}) =>
      encodeSettle(
        {
          ...{ from, spender: EXACT_PROXY, nonce: BigInt(nonce), deadline: 2n ** 40n },
          permitted: { token: over.token ?? token, amount },
          witness: { to, validAfter: 0n },
        },
        signature,
      );
    const moved = (from: Hex, to: Hex, value: bigint, address = token) => transferLog(address, from, to, value);
    const settled = { address: EXACT_PROXY as string, ...exactProxy.encodeEventLog("Settled", []) };
    const padding = fc.string({ unit: fc.constantFrom(..."0123456789abcdef"), maxLength: 90 });
    fc.assert(
      fc.property(people, nonces, amounts, padding, ([payer, payTo, other], [nonce, another], amount, noise) => {
        const expected = { token, payer: payer!, payTo: payTo!, amount, nonce: nonce! };
        const mine = call(expected);
        const [pay, hex] = [moved(payer!, payTo!, amount), (data: string) => data.slice(2)];
        const sibling = hex(call({ ...expected, nonce: another! }));
        const paid = (input: string, logs: RpcReceipt["logs"], status?: string) =>
          paidUnderPermit(receiptWith(logs, status), input, expected);
        // Called directly, by a contract with anything before it, and with a payment beside it that was made too.
        expect(paid(mine, [pay, settled])).to.equal(true);
        expect(paid(`0x${noise}${hex(mine)}${noise}`, [pay])).to.equal(true);
        expect(paid(`${mine}${sibling}`, [pay, settled, pay, settled])).to.equal(true);
        // One transfer pays for one of two; each would say that it was its own.
        expect(paid(`${mine}${sibling}`, [pay, settled])).to.equal(false);
        const used = { address: token as string, ...eip3009.encodeEventLog("AuthorizationUsed", [payer!, nonce!]) };
        const wrong: [string, RpcReceipt["logs"]][] = [
          [`0x${sibling}`, [pay, settled]],
          ["0x", [pay, settled]],
          [call({ ...expected, payer: other! }), [pay]],
          [call({ ...expected, payTo: other! }), [pay]],
          [call({ ...expected, amount: amount + 1n }), [pay]],
          [call(expected, { token: wrapper }), [pay]],
          [mine, [settled]],
          [mine, [moved(other!, payTo!, amount), settled]],
          [mine, [moved(payer!, other!, amount), settled]],
          [mine, [moved(payer!, payTo!, amount - 1n), settled]],
          [mine, [moved(payer!, payTo!, amount, wrapper), settled]],
          // That transfer paid for an EIP-3009 nonce.
          [mine, [used, pay, settled]],
        ];
        for (const [input, logs] of wrong) expect(paid(input, logs)).to.equal(false);
        expect(paid(mine, [pay, settled], "0x0")).to.equal(false);
      }),
      { numRuns: 25 },
    );
  });

  it("asks for the payload that was wanted, whichever the payer prefers [FM:unchecked-evidence]", async () => {
    const relayer = await s.start(s.newDir(), {});
    const over = await s.pay(payer, wanted);
    const cases: [PaymentPayload, PaymentRequirements][] = [
      [over, s.requirements],
      [await s.pay(payer), { ...wanted, extra: { assetTransferMethod: "erc7710" } }],
    ];
    for (const [payment, asked] of cases)
      expect((await relayer.facilitator.verify(payment, asked)).invalidReason).to.equal("unsupported_payload_type");
    await relayer.close();
  });
}).timeout(120_000);
