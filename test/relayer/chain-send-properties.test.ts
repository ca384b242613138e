import { expect } from "chai";
import fc from "fast-check";
import { bumpedFees, firstFees, type FeePolicy } from "../../relayer/chain/fees.ts";
import type { SendErrorKind } from "../../relayer/chain/send-errors.ts";
import { nextAction, nextNonce, nonceGaps } from "../../relayer/chain/send-machine.ts";
import type { Attempt, Finding, SendPolicy, SendView } from "../../relayer/chain/send-machine.ts";

const GWEI = 10n ** 9n;
const now = 1_000_000;
const policy: SendPolicy = {
  maxFeePerGas: 500n * GWEI,
  maxPriorityFeePerGas: 5n * GWEI,
  bumpPercent: 10,
  ceilingMultiplier: 5,
  resubmitAfterMs: 60_000,
  rebroadcastAfterMs: 12_000,
  parkMs: 30_000,
};
const runs = { numRuns: 5_000 };
const wei = (most: bigint) => fc.bigInt({ min: 0n, max: most });
const past = fc.integer({ min: now - 200_000, max: now });

const refusal = fc.constantFrom<SendErrorKind | null>(
  ...([null, null, "insufficient_funds", "replacement_underpriced", "fee_too_low", "invalid"] as const),
);
const finding: fc.Arbitrary<Finding> = fc.oneof(
  fc.record({
    at: fc.constant("block" as const),
    blockNumber: fc.integer({ min: 90, max: 110 }),
    blockHash: fc.constantFrom("0xb1", "0xb2"),
    succeeded: fc.boolean(),
    agreed: fc.boolean(),
  }),
  fc.constant({ at: "pool" } as const),
  fc.record({ at: fc.constant("nowhere" as const), agreed: fc.boolean() }),
  fc.constant({ at: "unknown" } as const),
);
const anyAttempt = fc.record({
  nonce: fc.integer({ min: 4, max: 9 }),
  fees: fc.record({ maxFeePerGas: wei(600n * GWEI), maxPriorityFeePerGas: wei(6n * GWEI) }),
  purpose: fc.constantFrom("send" as const, "send" as const, "cancel" as const),
  state: fc.constantFrom<Attempt["state"]>("prepared", "broadcast", "mined", "replaced", "dropped", "unknown"),
  signedAt: past,
  sentAt: fc.option(past),
  refusal,
});
const anyChain = fc.record({
  latestNonce: fc.integer({ min: 4, max: 10 }),
  finalNonce: fc.integer({ min: 4, max: 10 }),
  finalBlock: fc.integer({ min: 90, max: 110 }),
  market: fc.record({ baseFeePerGas: wei(600n * GWEI), priorityFeePerGas: wei(9n * GWEI) }),
});
const anyView: fc.Arbitrary<SendView> = fc
  .record({
    state: fc.constantFrom<SendView["state"]>("queued", "pending", "pending", "mined", "final", "failed"),
    list: fc.array(fc.tuple(anyAttempt, fc.option(finding, { freq: 12 })), { maxLength: 4 }),
    chain: fc.option(anyChain, { freq: 9 }),
    parkedUntil: fc.constantFrom(0, 0, now + 5_000),
  })
  .map(({ list, ...rest }) => {
    const attempts = list.map(([one], index) => ({ ...one, hash: `0x${index}` }));
    const findings = new Map(list.flatMap(([, found], index) => (found ? [[`0x${index}`, found] as const] : [])));
    const mined = rest.state === "mined" ? { hash: "0x0", blockHash: "0xb1" } : null;
    return { ...rest, mined, attempts, findings, nonce: attempts.at(-1)?.nonce ?? null, now };
  });
const closed = (view: SendView): boolean => view.state === "final" || view.state === "failed";

describe("send machine, on generated input", () => {
  it("signs and sends only when every known hash was looked up and none may be mined [FM:timeout-resettle]", () => {
    let acted = 0;
    fc.assert(
      fc.property(anyView, (view) => {
        const action = nextAction(view, policy);
        if (action?.do !== "sign" && action?.do !== "broadcast") return;
        acted++;
        for (const { hash } of view.attempts) expect(view.findings.get(hash)?.at).to.be.oneOf(["pool", "nowhere"]);
      }),
      runs,
    );
    expect(acted).to.be.greaterThan(200);
  });

  it("leaves a nonce that it owns only for one used up at final depth [FM:nonce-gap]", () => {
    let moved = 0;
    fc.assert(
      fc.property(anyView, (view) => {
        const action = nextAction(view, policy);
        if (action?.do !== "sign" || view.nonce === null) return;
        if (action.nonce === "next") {
          moved++;
          expect(view.chain!.finalNonce).to.be.greaterThan(view.nonce);
        } else {
          expect(action.nonce).to.equal(view.nonce);
        }
      }),
      runs,
    );
    expect(moved).to.be.greaterThan(0);
  });

  it("records as mined or final only what a block holds, final only at depth [FM:false-settled]", () => {
    let final = 0;
    fc.assert(
      fc.property(anyView, (view) => {
        const action = nextAction(view, policy);
        if (action?.do !== "mark_mined" && action?.do !== "mark_final") return;
        const found = view.findings.get(action.hash);
        if (found?.at !== "block") throw new Error("not in a block");
        if (action.do === "mark_mined") return;
        final++;
        expect(found.agreed && found.blockNumber <= view.chain!.finalBlock).to.equal(true);
        if (action.outcome === "succeeded") expect(found.succeeded).to.equal(true);
      }),
      runs,
    );
    expect(final).to.be.greaterThan(5);
  });

  it("sees a mined hash whatever else is known [FM:failed-send-landed]", () => {
    fc.assert(
      fc.property(anyView, (view) => {
        const all = view.attempts.every(({ hash }) => view.findings.has(hash));
        const mined = view.attempts.some(({ hash }) => view.findings.get(hash)?.at === "block");
        if (!all || !mined || view.chain === null || closed(view)) return;
        const expected = view.state === "mined" ? ["mark_mined", "mark_final", "wait"] : ["mark_mined"];
        expect(nextAction(view, policy)?.do).to.be.oneOf(expected);
      }),
      runs,
    );
  });

  it("never leaves an open send without an answer, and lets a closed one be", () => {
    fc.assert(
      fc.property(anyView, (view) => {
        expect(nextAction(view, policy) === null).to.equal(closed(view));
      }),
      runs,
    );
  });
});

describe("fees", () => {
  const fee = wei(1_000n * GWEI);
  const anyMarket = fc.record({ baseFeePerGas: fee, priorityFeePerGas: fee });
  const anyPolicy: fc.Arbitrary<FeePolicy> = fc.record({
    maxFeePerGas: fee,
    maxPriorityFeePerGas: fee,
    bumpPercent: fc.integer({ min: 10, max: 100 }),
    ceilingMultiplier: fc.integer({ min: 1, max: 10 }),
  });
  const pending = fc
    .tuple(fee, fee)
    .map(([a, b]) => ({ maxFeePerGas: a > b ? a : b, maxPriorityFeePerGas: a > b ? b : a }));

  it("raise both fields by 10 % at least, stay under the ceiling, and tip no more than they pay [FM:fixed-gas]", () => {
    let bumped = 0;
    fc.assert(
      fc.property(pending, anyMarket, anyPolicy, (old, market, rules) => {
        const fees = bumpedFees(old, market, rules);
        if (!fees) return;
        bumped++;
        expect(fees.maxFeePerGas * 10n >= old.maxFeePerGas * 11n).to.equal(true);
        expect(fees.maxPriorityFeePerGas * 10n >= old.maxPriorityFeePerGas * 11n).to.equal(true);
        expect(fees.maxFeePerGas > old.maxFeePerGas).to.equal(true);
        expect(fees.maxFeePerGas <= rules.maxFeePerGas).to.equal(true);
        expect(fees.maxPriorityFeePerGas <= fees.maxFeePerGas).to.equal(true);
      }),
      runs,
    );
    expect(bumped).to.be.greaterThan(500);
  });

  it("cover the base fee at first, under the ceiling, or say that they cannot [FM:fixed-gas]", () => {
    fc.assert(
      fc.property(anyMarket, anyPolicy, (market, rules) => {
        const fees = firstFees(market, rules);
        if (!fees) {
          expect(market.baseFeePerGas > rules.maxFeePerGas).to.equal(true);
          return;
        }
        expect(fees.maxFeePerGas <= rules.maxFeePerGas).to.equal(true);
        expect(fees.maxFeePerGas >= market.baseFeePerGas).to.equal(true);
        expect(fees.maxPriorityFeePerGas <= fees.maxFeePerGas).to.equal(true);
      }),
      runs,
    );
  });
});

describe("nonces", () => {
  const anyOwned = fc.uniqueArray(fc.integer({ min: 0, max: 40 })).map((list) => new Set(list));
  const anyPending = fc.integer({ min: 0, max: 40 });

  it("of new sends are the lowest that the pool lacks and nobody owns [FM:nonce-gap]", () => {
    fc.assert(
      fc.property(anyPending, anyOwned, (pending, owned) => {
        const nonce = nextNonce(pending, owned);
        expect(nonce >= pending && !owned.has(nonce)).to.equal(true);
        for (let lower = pending; lower < nonce; lower++) expect(owned.has(lower)).to.equal(true);
      }),
    );
  });

  it("have no gap below an owned one once each gap was taken [FM:nonce-gap]", () => {
    fc.assert(
      fc.property(anyPending, anyOwned, (pending, owned) => {
        const filled = new Set([...owned, ...nonceGaps(pending, owned)]);
        for (let nonce = pending; nonce <= Math.max(-1, ...owned); nonce++) expect(filled.has(nonce)).to.equal(true);
      }),
    );
  });

  it("follow the pool down when it forgets [FM:nonce-gap]", () => {
    expect(nextNonce(9, new Set([5, 6]))).to.equal(9);
    expect(nextNonce(5, new Set([5, 6]))).to.equal(7);
    expect(nonceGaps(4, new Set([5, 6]))).to.deep.equal([4]);
  });
});
