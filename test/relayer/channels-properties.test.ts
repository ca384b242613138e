// SPDX-License-Identifier: MIT
// Whatever is lost, repeated or killed: what must hold of both ledgers, of the receipts, and of the money.
import { expect } from "chai";
import fc from "fast-check";
import { answerToWire, type Payer, type Pending } from "../../relayer/channels/index.ts";
import type { Served } from "../../relayer/node/index.ts";
import type { Hex } from "../../relayer/protocol/index.ts";
import { forged, idOf, infer, makeSides, modelId, nodeId, owner, wish, word, type Sides } from "./support/channels.ts";

const quiet = <T>(work: Promise<T>): Promise<T | null> => work.catch(() => null);
const BUDGET = 90n;

/** What everybody saw: vouchers that left, receipts that were signed. */
function makeRecord(sides: Sides) {
  const receipts = new Map<Hex, { served: Served; channelId: Hex; maxCumulative: bigint }>();
  const vouchers = new Map<Hex, bigint>();
  return {
    receipts,
    sent(pending: Pending): void {
      const most = BigInt(pending.message.maxCumulative);
      const before = vouchers.get(pending.requestId);
      expect(before ?? most, "one voucher for one request").to.equal(most);
      vouchers.set(pending.requestId, most);
    },
    served(served: Served, channelId: Hex, maxCumulative: bigint): void {
      const { requestId } = served.receipt;
      const known = receipts.get(requestId);
      expect(known?.served.receiptId ?? served.receiptId, "one receipt under one request id").to.equal(
        served.receiptId,
      );
      receipts.set(requestId, { served, channelId, maxCumulative });
    },
    check(): void {
      const byChannel = new Map<Hex, { sequence: bigint; fee: bigint }[]>();
      for (const { served, channelId, maxCumulative } of receipts.values()) {
        const { sequence, cumulativeFee: fee } = served.receipt;
        expect(fee <= maxCumulative, "a fee within its voucher").to.equal(true);
        byChannel.set(channelId, [...(byChannel.get(channelId) ?? []), { sequence, fee }]);
      }
      let due = 0n;
      for (const [channelId, list] of byChannel) {
        list.sort((a, b) => Number(a.sequence - b.sequence));
        list.reduce((before, { fee }) => {
          expect(fee >= before, "the cumulative fee never falls").to.equal(true);
          return fee;
        }, 0n);
        const paid = sides.chain.sessions.get(channelId)?.paid ?? 0n;
        const owed = list.at(-1)!.fee;
        if (owed > paid) due += owed - paid;
      }
      expect(due <= sides.chain.state.balance, "everything that was served can be collected").to.equal(true);
    },
    /** The node collects with the youngest receipt of each channel, or of one. */
    collect(pick?: number): void {
      const all = [...receipts.values()];
      const some = pick === undefined || all.length === 0 ? all : [all[pick % all.length]!];
      for (const { channelId, maxCumulative, served } of some)
        sides.chain.collect(channelId, maxCumulative, served.receipt.cumulativeFee);
    },
  };
}

/** Money asked back leaves after the thaw; the node collects in time, or it is its own fault. */
function withdraw(sides: Sides, record: ReturnType<typeof makeRecord>): void {
  record.collect();
  const { state } = sides.chain;
  state.balance -= state.thawing < state.balance ? state.thawing : state.balance;
  state.thawing = 0n;
  state.block++;
}

describe("payment channels: properties", () => {
  const step = fc.oneof(
    {
      weight: 6,
      arbitrary: fc.record({ do: fc.constant("request" as const), maxFee: fc.integer({ max: 12, min: 0 }) }),
    },
    {
      weight: 8,
      arbitrary: fc.record({
        do: fc.constant("serve" as const),
        pick: fc.nat(),
        price: fc.integer({ min: 0, max: 12 }),
        fee: fc.option(fc.integer({ min: 0, max: 12 })),
        fate: fc.constantFrom("fine", "fine", "fine", "run fails", "killed after signing", "answer lost"),
      }),
    },
    { weight: 1, arbitrary: fc.record({ do: fc.constant("abandon" as const), pick: fc.nat() }) },
    { weight: 1, arbitrary: fc.record({ do: fc.constantFrom("payer restarts" as const, "node restarts" as const) }) },
    { weight: 1, arbitrary: fc.record({ do: fc.constant("collect" as const), pick: fc.nat() }) },
    { weight: 1, arbitrary: fc.record({ do: fc.constant("thaw" as const), part: fc.integer({ min: 0, max: 100 }) }) },
    { weight: 1, arbitrary: fc.record({ do: fc.constantFrom("withdraw" as const, "deposit" as const) }) },
  );

  it("honest on both sides: one receipt a request, fees that never fall, never more than signed or set aside (R5, R7, R9)", async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(step, { minLength: 5, maxLength: 40 }), async (steps) => {
        const sides = makeSides();
        sides.chain.state.balance = 60n;
        const record = makeRecord(sides);
        const start = { payer: () => sides.startPayer({ lanes: 3, budget: BUDGET }), node: () => sides.startNode() };
        let payer: Payer = start.payer();
        let side = start.node();
        /** What left and was not answered, abandoned requests included: any of it may arrive at any time. */
        const afoot: Pending[] = [];
        try {
          for (const one of steps) {
            const { state } = sides.chain;
            if (one.do === "request") {
              const pending = await quiet(payer.request(wish({ maxFee: BigInt(one.maxFee) })));
              if (pending) afoot.push(pending);
              if (pending) record.sent(pending);
            } else if (one.do === "serve" && afoot.length > 0) {
              const pending = afoot[one.pick % afoot.length]!;
              const again = await quiet(payer.retry(pending.requestId));
              if (again) record.sent(again);
              const { keep } = side.store;
              if (one.fate === "killed after signing")
                side.store.keep = () => {
                  throw new Error("killed");
                };
              const run = one.fate === "run fails" ? () => Promise.reject(new Error("no")) : infer;
              const fee = one.fee === null ? {} : { fee: BigInt(one.fee) };
              const work = { price: BigInt(one.price), infer: async () => ({ ...(await run()), ...fee }) };
              const served = await quiet(side.payee.serve(pending.message, work));
              side.store.keep = keep;
              if (one.fate === "killed after signing") {
                side.stop();
                side = start.node();
              }
              // What was signed before the kill counts, though nobody has seen it yet.
              const issued = side.requests.issued(pending.requestId);
              if (issued) {
                const most = BigInt(pending.message.maxCumulative);
                record.served({ ...issued, repeated: true }, idOf(pending), most);
              }
              if (served && one.fate !== "answer lost") {
                await payer.accept(answerToWire(served), served.receipt.outputHash);
                afoot.splice(afoot.indexOf(pending), 1);
              }
            } else if (one.do === "abandon" && afoot.length > 0) {
              payer.abandon(afoot[one.pick % afoot.length]!.requestId);
            } else if (one.do === "payer restarts") {
              payer.close();
              payer = start.payer();
            } else if (one.do === "node restarts") {
              side.stop();
              side = start.node();
            } else if (one.do === "collect") record.collect(one.pick);
            else if (one.do === "thaw") state.thawing = (state.balance * BigInt(one.part)) / 100n;
            else if (one.do === "withdraw") withdraw(sides, record);
            else if (one.do === "deposit") state.balance += 20n;

            record.check();
            const { owed, liable } = payer.exposure();
            expect(owed <= liable && liable <= BUDGET, "never owes more than was signed, nor signs beyond").to.equal(
              true,
            );
            const paid = [...sides.chain.sessions.values()].reduce((sum, session) => sum + session.paid, 0n);
            expect(paid <= liable, "never pays more than was signed").to.equal(true);
          }
          expect(payer.evidence(), "an honest node commits no fault").to.deep.equal([]);
        } finally {
          sides.end();
        }
      }),
      { numRuns: 25 },
    );
  });

  it("a hostile payer: whatever it signs, in whatever order, the node serves nothing it could not collect (R7)", async () => {
    const act = fc.record({
      lane: fc.integer({ min: 0, max: 3 }),
      sequence: fc.integer({ min: 1, max: 6 }),
      input: fc.integer({ min: 1, max: 2 }),
      most: fc.integer({ min: 0, max: 40 }),
      price: fc.integer({ min: 0, max: 9 }),
      fails: fc.boolean(),
      together: fc.boolean(),
      after: fc.constantFrom("nothing", "nothing", "nothing", "thaw", "withdraw", "collect", "restart"),
    });
    await fc.assert(
      fc.asyncProperty(fc.array(act, { minLength: 5, maxLength: 40 }), async (acts) => {
        const sides = makeSides();
        sides.chain.state.balance = 40n;
        const record = makeRecord(sides);
        let side = sides.startNode();
        let underway: Promise<unknown>[] = [];
        const channel = { payer: owner.address, signer: owner.address, nodeId, modelId, modeMask: 1 };
        try {
          for (const { lane, sequence, input, most, price, fails, together, after } of acts) {
            const message = {
              channel: { ...channel, lane: String(lane) },
              contextHash: word(0),
              inputHash: word(input),
            };
            const numbers = { sequence: String(sequence), maxCumulative: String(most) };
            const pending = { requestId: word(0), message: { ...message, ...numbers, signature: word(0) } };
            const run = fails ? () => Promise.reject(new Error("no")) : infer;
            const work = side.payee
              .serve(forged(pending, {}), { price: BigInt(price), infer: run })
              .then((served) => record.served(served, idOf(pending), BigInt(most)));
            underway.push(quiet(work));
            if (together) continue;
            await Promise.all(underway);
            underway = [];
            if (after === "thaw") sides.chain.state.thawing = sides.chain.state.balance;
            if (after === "withdraw") withdraw(sides, record);
            if (after === "collect") record.collect(lane);
            if (after === "restart") {
              side.stop();
              side = sides.startNode();
            }
            record.check();
          }
          await Promise.all(underway);
          record.check();
        } finally {
          sides.end();
        }
      }),
      { numRuns: 25 },
    );
  });
});
