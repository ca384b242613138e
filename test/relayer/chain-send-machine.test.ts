import { expect } from "chai";
import { suggestedFees } from "../../relayer/chain/fees.ts";
import { afterBroadcast, nextAction } from "../../relayer/chain/send-machine.ts";
import type { Attempt, Finding, SendPolicy, SendView } from "../../relayer/chain/send-machine.ts";

const GWEI = 10n ** 9n;
const policy: SendPolicy = {
  maxFeePerGas: 500n * GWEI,
  maxPriorityFeePerGas: 5n * GWEI,
  bumpPercent: 10,
  ceilingMultiplier: 5,
  resubmitAfterMs: 60_000,
  rebroadcastAfterMs: 12_000,
  parkMs: 30_000,
};
const market = { baseFeePerGas: 10n * GWEI, priorityFeePerGas: 1n * GWEI };
const chain = { latestNonce: 7, finalNonce: 5, finalBlock: 100, market };
const now = 1_000_000;

const attempt = (over: Partial<Attempt> = {}): Attempt => ({
  hash: "0xa",
  nonce: 7,
  fees: suggestedFees(market, policy),
  purpose: "send",
  state: "broadcast",
  signedAt: now - 1_000,
  sentAt: now - 1_000,
  refusal: null,
  ...over,
});
const view = (over: Partial<SendView> = {}): SendView => ({
  state: "pending",
  nonce: 7,
  mined: null,
  attempts: [attempt()],
  findings: new Map<string, Finding>([["0xa", { at: "pool" }]]),
  chain,
  now,
  parkedUntil: 0,
  ...over,
});
const block = (over: Partial<Extract<Finding, { at: "block" }>> = {}): Finding => ({
  at: "block",
  blockNumber: 100,
  blockHash: "0xb1",
  succeeded: true,
  agreed: true,
  ...over,
});
const nowhere: Finding = { at: "nowhere", agreed: true };

describe("send machine", () => {
  it("waits for no moment that a clock ahead wrote down, once it is put right [FM:fixed-gas]", () => {
    const ahead = now + 3_600_000;
    const findings = new Map<string, Finding>([["0xa", nowhere]]);
    const dropped = view({ attempts: [attempt({ signedAt: ahead, sentAt: ahead })], findings });
    expect(nextAction(dropped, policy)).to.include({ do: "sign", because: "bump" });
    const behind = { ...dropped, chain: { ...chain, latestNonce: 6 } };
    expect(nextAction(behind, policy)).to.deep.include({ do: "broadcast", because: "dropped" });
    const parked = view({ state: "queued", nonce: null, attempts: [], findings: new Map(), parkedUntil: ahead });
    expect(nextAction(parked, policy)).to.include({ do: "sign" });
    // Clocks of two machines differ a little: that is no reason to pay more.
    const soon = view({ attempts: [attempt({ signedAt: now + 5_000, sentAt: now + 5_000 })], findings });
    expect(nextAction(soon, policy)).to.include({ do: "wait" });
  });

  it("signs a queued send with the next nonce", () => {
    const action = nextAction(view({ state: "queued", nonce: null, attempts: [], findings: new Map() }), policy);
    expect(action).to.deep.include({ do: "sign", nonce: "next", purpose: "send", because: "first" });
  });

  it("broadcasts what was signed before a crash, and does not sign anew [FM:memory-only-buffer]", () => {
    const prepared = attempt({ state: "prepared", sentAt: null });
    const action = nextAction(view({ attempts: [prepared], findings: new Map([["0xa", nowhere]]) }), policy);
    expect(action).to.deep.equal({ do: "broadcast", hash: "0xa", because: "unsent" });
  });

  it("looks every known hash up before anything else [FM:timeout-resettle]", () => {
    const attempts = [attempt(), attempt({ hash: "0xold", state: "replaced" })];
    expect(nextAction(view({ attempts }), policy)).to.deep.equal({ do: "look_up", hashes: ["0xa", "0xold"] });
  });

  it("takes a time-out as unknown: the same transaction goes out again, no other one [FM:timeout-resettle]", () => {
    const silent = attempt({ ...afterBroadcast("unknown"), sentAt: now - 20_000 });
    const action = nextAction(view({ attempts: [silent], findings: new Map([["0xa", nowhere]]) }), policy);
    expect(action).to.deep.equal({ do: "broadcast", hash: "0xa", because: "unknown" });
  });

  it("lets a mined hash win although a later one was thought current [FM:failed-send-landed]", () => {
    const attempts = [attempt({ hash: "0xold", state: "dropped" }), attempt()];
    const findings = new Map<string, Finding>([
      ["0xold", block()],
      ["0xa", { at: "unknown" }],
    ]);
    const action = nextAction(view({ attempts, findings }), policy);
    expect(action).to.deep.include({ do: "mark_mined", hash: "0xold" });
  });

  it("does nothing while the chain cannot be asked [FM:outage-not-found]", () => {
    const unavailable = { do: "wait", because: "chain_unavailable" };
    expect(nextAction(view({ chain: null, findings: new Map() }), policy)).to.deep.equal(unavailable);
    const findings = new Map<string, Finding>([["0xa", { at: "unknown" }]]);
    const late = attempt({ signedAt: 0, sentAt: 0 });
    expect(nextAction(view({ attempts: [late], findings }), policy)).to.deep.equal(unavailable);
  });

  it("replaces an attempt that lingers by a dearer one of the same nonce [FM:fixed-gas]", () => {
    const late = attempt({ signedAt: now - 60_000 });
    const action = nextAction(view({ attempts: [late] }), policy);
    if (action?.do !== "sign") throw new Error(`expected sign, got ${action?.do}`);
    expect(action).to.deep.include({ nonce: 7, because: "bump" });
    expect(action.fees.maxFeePerGas * 10n >= late.fees.maxFeePerGas * 11n).to.equal(true);
    expect(action.fees.maxPriorityFeePerGas * 10n >= late.fees.maxPriorityFeePerGas * 11n).to.equal(true);
  });

  it("sends the dearest attempt again where the ceiling forbids a bump [FM:fixed-gas]", () => {
    const ceiling = suggestedFees(market, policy).maxFeePerGas * 5n;
    const dear = attempt({ fees: { maxFeePerGas: ceiling, maxPriorityFeePerGas: GWEI }, signedAt: 0, sentAt: 0 });
    const action = nextAction(view({ attempts: [dear], findings: new Map([["0xa", nowhere]]) }), policy);
    expect(action).to.deep.equal({ do: "broadcast", hash: "0xa", because: "dropped" });
  });

  it("takes one step of price at a time against a pool that goes on refusing [FM:fixed-gas]", () => {
    const refused = attempt({ ...afterBroadcast("replacement_underpriced"), signedAt: now - 1 });
    const findings = new Map([["0xa", nowhere]]);
    expect(nextAction(view({ attempts: [refused], findings }), policy)).to.deep.include({ do: "wait" });
    const later = view({ attempts: [refused], findings, now: now + policy.rebroadcastAfterMs });
    expect(nextAction(later, policy)).to.deep.include({ do: "sign", nonce: 7, because: "bump" });
  });

  it("bumps only the send that is next: those behind it wait for it, not for a better price", () => {
    const late = attempt({ nonce: 8, signedAt: 0 });
    const waiting = { do: "wait", because: "behind_lower_nonce" };
    expect(nextAction(view({ nonce: 8, attempts: [late] }), policy)).to.deep.equal(waiting);
  });

  it("hands dropped transactions to the pool again [FM:nonce-gap]", () => {
    const forgotten = attempt({ nonce: 9, sentAt: now - 12_000 });
    const action = nextAction(view({ nonce: 9, attempts: [forgotten], findings: new Map([["0xa", nowhere]]) }), policy);
    expect(action).to.deep.equal({ do: "broadcast", hash: "0xa", because: "dropped" });
  });

  it("waits while a used-up nonce may still turn out to be its own [FM:nonce-misclassified]", () => {
    const refused = attempt({ ...afterBroadcast("nonce_too_low"), sentAt: 0, signedAt: 0 });
    const used = { ...chain, latestNonce: 8 };
    const findings = new Map([["0xa", nowhere]]);
    const doubt = { do: "wait", because: "nonce_in_doubt" };
    expect(nextAction(view({ attempts: [refused], findings, chain: used }), policy)).to.deep.equal(doubt);
    // At final depth too, as long as one node was not asked.
    const oneSilent = new Map<string, Finding>([["0xa", { at: "nowhere", agreed: false }]]);
    const final = view({ attempts: [refused], findings: oneSilent, chain: { ...used, finalNonce: 8 } });
    expect(nextAction(final, policy)).to.deep.equal(doubt);
  });

  it("moves to another nonce once a stranger's transaction took this one at final depth", () => {
    const taken = { ...chain, latestNonce: 9, finalNonce: 8 };
    const action = nextAction(view({ findings: new Map([["0xa", nowhere]]), chain: taken }), policy);
    expect(action).to.deep.include({ do: "sign", nonce: "next", because: "nonce_taken" });
  });

  it("parks a send that cannot be paid for and tries it again [FM:out-of-funds]", () => {
    const poor = attempt({ ...afterBroadcast("insufficient_funds") });
    const findings = new Map([["0xa", nowhere]]);
    const parked = nextAction(view({ attempts: [poor], findings }), policy);
    expect(parked).to.deep.equal({ do: "park", until: now - 1_000 + 30_000, because: "insufficient_funds" });
    const later = view({ attempts: [poor], findings, now: now + 30_000 });
    expect(nextAction(later, policy)).to.deep.include({ do: "broadcast", hash: "0xa" });
  });

  it("parks a new send while the base fee is above the ceiling", () => {
    const dear = { ...chain, market: { ...market, baseFeePerGas: 501n * GWEI } };
    const queued = view({ state: "queued", nonce: null, attempts: [], findings: new Map(), chain: dear });
    expect(nextAction(queued, policy)).to.deep.include({ do: "park", because: "fees_above_ceiling" });
  });

  it("cancels at the same nonce what no node takes, so that nothing queues behind it [FM:poison-item]", () => {
    const refused = attempt({ ...afterBroadcast("invalid") });
    const action = nextAction(view({ attempts: [refused], findings: new Map([["0xa", nowhere]]) }), policy);
    expect(action).to.deep.include({ do: "sign", nonce: 7, purpose: "cancel" });
  });

  it("calls nothing final before it is deep enough, and agreed on [FM:reorg-off]", () => {
    const mined = { state: "mined" as const, mined: { hash: "0xa", blockHash: "0xb1" } };
    const notFinal = { do: "wait", because: "not_final" };
    const shallow = new Map([["0xa", block({ blockNumber: 101 })]]);
    expect(nextAction(view({ ...mined, findings: shallow }), policy)).to.deep.equal(notFinal);
    const disputed = new Map([["0xa", block({ agreed: false })]]);
    expect(nextAction(view({ ...mined, findings: disputed }), policy)).to.deep.equal(notFinal);
    const deep = new Map([["0xa", block()]]);
    expect(nextAction(view({ ...mined, findings: deep }), policy)).to.deep.include({ do: "mark_final" });
  });

  it("takes a vanished transaction back, then sends it again [FM:reorg-off]", () => {
    const findings = new Map([["0xa", nowhere]]);
    const mined = view({ state: "mined", mined: { hash: "0xa", blockHash: "0xb1" }, findings });
    expect(nextAction(mined, policy)).to.deep.equal({ do: "mark_unmined", hash: "0xa" });
    const again = view({ attempts: [attempt({ state: "unknown", sentAt: 0 })], findings });
    expect(nextAction(again, policy)).to.deep.include({ do: "broadcast", hash: "0xa" });
  });

  it("notices that a reorganisation moved it to another block [FM:reorg-off]", () => {
    const findings = new Map([["0xa", block({ blockHash: "0xb2" })]]);
    const moved = view({ state: "mined", mined: { hash: "0xa", blockHash: "0xb1" }, findings });
    expect(nextAction(moved, policy)).to.deep.include({ do: "mark_mined", blockHash: "0xb2" });
  });

  it("never calls a reverted or a cancelled send succeeded [FM:false-settled]", () => {
    const mined = { state: "mined" as const, mined: { hash: "0xa", blockHash: "0xb1" } };
    const reverted = view({ ...mined, findings: new Map([["0xa", block({ succeeded: false })]]) });
    expect(nextAction(reverted, policy)).to.deep.include({ do: "mark_final", outcome: "reverted" });
    const attempts = [attempt({ purpose: "cancel" })];
    const cancelled = view({ ...mined, attempts, findings: new Map([["0xa", block()]]) });
    expect(nextAction(cancelled, policy)).to.deep.include({ do: "mark_final", outcome: "cancelled" });
  });
});
