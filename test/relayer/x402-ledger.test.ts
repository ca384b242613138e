// SPDX-License-Identifier: MIT
import { expect } from "chai";
import { AbiCoder, getAddress, keccak256, toBeHex, zeroPadValue } from "ethers";
import fc from "fast-check";
import type { RpcReceipt } from "../../relayer/chain/sending.ts";
import type { TransactionRow } from "../../relayer/chain/transaction-store.ts";
import { eip3009, movedTokens } from "../../relayer/facilitator/eip3009.ts";
import { paymentRequestId } from "../../relayer/facilitator/index.ts";
import { eip3009Payload } from "../../relayer/facilitator/messages.ts";
import { paymentListener } from "../../relayer/facilitator/watcher.ts";
import type { Hex } from "../../relayer/protocol/index.ts";
import { openDatabase, type OpenDatabase } from "../../relayer/store/database.ts";
import { claimAnswer, findPayment, reservePayment, submitPayment } from "../../relayer/store/payments.ts";
import { createTransactionStore } from "../../relayer/store/transactions.ts";
import { random, removeDir, tempDir } from "./support/relayer.ts";

const quiet = { info: () => undefined, warn: () => undefined, error: () => undefined };
const token = random(20);
const sender = random(20);

function newPayment() {
  const key = { chainId: 31337, token, payer: random(20), nonce: random() };
  return { ...key, requestId: paymentRequestId(key), payTo: random(20), amount: 7n, digest: random() };
}
type Payment = ReturnType<typeof newPayment>;
const call = { sender, to: token, data: "0x1234" };

function transferLog({ payer, payTo, amount }: Pick<Payment, "payer" | "payTo" | "amount">, address: string = token) {
  const { topics, data } = eip3009.encodeEventLog("Transfer", [payer, payTo, amount]);
  return { address, topics, data };
}
const receiptOf = (logs: RpcReceipt["logs"], status = "0x1"): RpcReceipt => ({
  ...{ transactionHash: random(), blockHash: random(), blockNumber: "0x1", gasUsed: "0x1" },
  ...{ status, logs },
});

describe("the ledger of payments", () => {
  let dataDir: string;
  let open: OpenDatabase;
  before(async () => {
    dataDir = tempDir();
    open = await openDatabase({ dataDir });
  });
  after(async () => {
    await open.close();
    removeDir(dataDir);
  });
  const listener = () => paymentListener({ db: open.db, token, log: quiet });
  async function submitted(): Promise<{ payment: Payment; row: TransactionRow }> {
    const payment = newPayment();
    const { transactionId } = await submitPayment(open.db, payment, call, 1);
    const rows = await createTransactionStore(open.db).activeTransactions(31337, sender, 1_000);
    return { payment, row: rows.find(({ id }) => id === String(transactionId))! };
  }
  const stateOf = async (payment: Payment): Promise<[string, string | null]> => {
    const { state, reason } = (await findPayment(open.db, payment))!;
    return [state, reason];
  };

  it("gives a payment to one of those who reserve it at once [R9] [FM:x402-duplicate]", async () => {
    const payment = newPayment();
    const taken = await Promise.all(Array.from({ length: 8 }, () => reservePayment(open.db, payment, 1)));
    expect(taken.filter(Boolean).length).to.equal(1);
    // The same nonce of another payer, token or chain is another payment.
    for (const over of [{ payer: random(20) }, { token: random(20) }, { chainId: 1 }]) {
      const other = { ...payment, ...over };
      expect(await reservePayment(open.db, { ...other, requestId: paymentRequestId(other) }, 1)).to.equal(true);
    }
  });

  it("queues one call for those who submit at once, and none for another authorization under that nonce [R9] [FM:job-twice]", async () => {
    const payment = newPayment();
    await reservePayment(open.db, payment, 1);
    const sibling = await submitPayment(open.db, { ...payment, digest: random() }, call, 1);
    expect([sibling.state, sibling.transactionId, sibling.digest]).to.deep.equal(["reserved", null, payment.digest]);
    const rows = await Promise.all(Array.from({ length: 8 }, () => submitPayment(open.db, payment, call, 1)));
    expect(new Set(rows.map(({ transactionId }) => transactionId)).size).to.equal(1);
    expect(new Set(rows.map(({ state }) => state))).to.deep.equal(new Set(["submitted"]));
  });

  it("says once that it is paid [FM:x402-duplicate]", async () => {
    const payment = newPayment();
    const { id } = await submitPayment(open.db, payment, call, 1);
    const told = await Promise.all(Array.from({ length: 8 }, () => claimAnswer(open.db, id, 2)));
    expect(told.filter(Boolean).length).to.equal(1);
  });

  it("follows a payment into a block, out of it and in again, until it is final [FM:reorg-off] [FM:false-settled]", async () => {
    const { payment, row } = await submitted();
    const receipt = receiptOf([transferLog(payment)]);
    const turns: [() => Promise<void> | undefined, string][] = [
      [() => listener().mined?.(row, receipt), "mined"],
      [() => listener().unmined?.(row), "submitted"],
      // A revert may vanish with its block too.
      [() => listener().mined?.(row, receiptOf([], "0x0")), "submitted"],
      [() => listener().mined?.(row, receipt), "mined"],
      [() => listener().mined?.(row, receipt), "mined"],
      [() => listener().final?.(row, receipt), "final"],
      [() => listener().failed?.(row, "a late word"), "final"],
    ];
    for (const [turn, state] of turns) {
      await turn();
      expect(await stateOf(payment)).to.deep.equal([state, null]);
    }
  });

  it("keeps why a payment failed for good, in the words of x402 [FM:x402-drained] [FM:false-settled]", async () => {
    const cases: [(row: TransactionRow, payment: Payment) => Promise<void> | undefined, string][] = [
      [
        (row) =>
          listener().failed?.(row, "would_revert: execution reverted: ERC20: transfer amount exceeds balance 0x"),
        "invalid_exact_evm_insufficient_balance",
      ],
      [
        (row) =>
          listener().failed?.(row, "would_revert: execution reverted: EIP3009: authorization is used or canceled 0x"),
        "invalid_exact_evm_nonce_already_used",
      ],
      [
        (row) => listener().failed?.(row, "would_revert: EIP3009: authorization is expired"),
        "invalid_exact_evm_payload_authorization_valid_before",
      ],
      [(row) => listener().failed?.(row, "cancelled: no node took it"), "invalid_exact_evm_transaction_failed"],
      [(row) => listener().final?.(row, receiptOf([], "0x0")), "invalid_exact_evm_transaction_failed"],
      [(row) => listener().final?.(row, receiptOf([])), "invalid_exact_evm_transfer_event_mismatch"],
    ];
    for (const [turn, reason] of cases) {
      const { payment, row } = await submitted();
      await turn(row, payment);
      expect(await stateOf(payment)).to.deep.equal(["failed", reason]);
      await listener().final?.(row, receiptOf([transferLog(payment)]));
      expect((await stateOf(payment))[0]).to.equal("failed");
    }
  });

  it("leaves calls alone that carry no payment", async () => {
    const store = createTransactionStore(open.db);
    const id = await store.enqueueTransaction({ chainId: 31337, sender, to: token, data: "0x", createdAt: 1 });
    const row = (await store.activeTransactions(31337, sender, 1_000)).find((one) => one.id === id)!;
    await listener().final?.(row, receiptOf([]));
    await listener().failed?.({ ...row, to: random(20) }, "reverted");
  });
});

describe("what a payment is", () => {
  const address = fc.bigInt({ min: 1n, max: 2n ** 160n - 1n }).map((value) => toBeHex(value, 20) as Hex);
  const word = fc.bigInt({ min: 0n, max: 2n ** 256n - 1n }).map((value) => toBeHex(value, 32) as Hex);

  it("has the request id of docs/protocol.md [R5]", () => {
    fc.assert(
      fc.property(fc.integer({ min: 1 }), address, address, word, (chainId, asset, payer, nonce) => {
        const words = [toBeHex(chainId, 32), zeroPadValue(asset, 32), zeroPadValue(payer, 32), nonce];
        const packed = `0x${words.map((one) => one.slice(2)).join("")}`;
        const id = paymentRequestId({ chainId, token: asset, payer, nonce });
        expect(id).to.equal(keccak256(packed));
        expect(paymentRequestId({ chainId, token: getAddress(asset) as Hex, payer, nonce })).to.equal(id);
      }),
    );
  });

  it("is made when the token says so of payer, payee and amount, and by nothing else [FM:x402-no-code] [FM:false-settled]", () => {
    const amount = fc.bigInt({ min: 1n, max: 2n ** 96n });
    fc.assert(
      fc.property(
        address,
        address,
        address,
        amount,
        fc.integer({ min: 0, max: 4 }),
        (payer, payTo, other, value, wrong) => {
          fc.pre(new Set([payer, payTo, other, token]).size === 4);
          const paid = { token, payer, payTo, amount: value };
          const logs = [
            transferLog({ payer: other, payTo, amount: value }),
            transferLog({ payer, payTo: other, amount: value }),
            transferLog({ payer, payTo, amount: value - 1n }),
            transferLog({ payer, payTo, amount: value }, other),
            { address: token, topics: [], data: AbiCoder.defaultAbiCoder().encode(["uint256"], [value]) },
          ];
          expect(movedTokens(receiptOf(logs), paid)).to.equal(false);
          const right = transferLog(paid);
          expect(movedTokens(receiptOf([logs[wrong]!, right]), paid)).to.equal(true);
          expect(movedTokens(receiptOf([right], "0x0"), paid)).to.equal(false);
        },
      ),
    );
  });

  it("takes 65 bytes of signature and decimal numbers below 2^256, in any case of hex", () => {
    const good = {
      signature: `0x${"Ab".repeat(65)}`,
      authorization: {
        ...{ from: `0x${"Ab".repeat(20)}`, to: `0x${"cD".repeat(20)}`, nonce: `0x${"Ef".repeat(32)}` },
        ...{ value: String(2n ** 256n - 1n), validAfter: "0", validBefore: "1" },
      },
    };
    const parsed = eip3009Payload.parse(good);
    expect(parsed.authorization.from).to.equal(good.authorization.from.toLowerCase());
    const wrong = [{ value: String(2n ** 256n) }, { value: "01" }, { value: "-1" }, { value: "0x1" }, { nonce: "0x" }];
    for (const over of wrong) {
      const authorization = { ...good.authorization, ...over };
      expect(eip3009Payload.safeParse({ ...good, authorization }).success).to.equal(false);
    }
    for (const bytes of [0, 64, 66, 200])
      expect(eip3009Payload.safeParse({ ...good, signature: `0x${"ab".repeat(bytes)}` }).success).to.equal(false);
  });
});
