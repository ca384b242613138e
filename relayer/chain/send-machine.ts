// SPDX-License-Identifier: MIT
import { bumpedFees, firstFees, type FeePolicy, type Fees, type Market } from "./fees.ts";
import type { SendErrorKind } from "./send-errors.ts";

/**
 * The life of one send as a pure function: from what is known to what is to be done next. It forgets no hash, and
 * whatever it cannot find out it treats as *may have happened*. All reading and writing is the manager's.
 */

export type AttemptState = "prepared" | "broadcast" | "mined" | "replaced" | "dropped" | "unknown";

/** One signed transaction of a send. All of them are kept, as any of them may be mined. */
export interface Attempt {
  hash: string;
  nonce: number;
  fees: Fees;
  /** `cancel` pays ourselves nothing: it uses up the nonce of a send that no node takes. */
  purpose: "send" | "cancel";
  state: AttemptState;
  /** Milliseconds; when it was signed, and when it was last handed to a node (`null`: never, as far as is known). */
  signedAt: number;
  sentAt: number | null;
  /** What the node said when it was last handed over; `null` where it was accepted, or nothing is known. */
  refusal: SendErrorKind | null;
}

/** What the chain answered about one hash. */
export type Finding =
  | { at: "block"; blockNumber: number; blockHash: string; succeeded: boolean; agreed: boolean }
  | { at: "pool" }
  /** `agreed`: every node was asked and none knows it. */
  | { at: "nowhere"; agreed: boolean }
  /** It could not be asked, or nodes contradict each other: no answer, which is not the answer "nowhere". */
  | { at: "unknown" };

export interface ChainView {
  /** The account's next nonce in the latest block. Read before the findings. */
  latestNonce: number;
  /** The account's next nonce at final depth: a nonce below it is used up for ever. */
  finalNonce: number;
  /** Blocks up to this one are final. */
  finalBlock: number;
  market: Market;
}

export interface SendView {
  state: "queued" | "pending" | "mined" | "final" | "failed";
  nonce: number | null;
  /** What was last recorded as mined, to notice that a reorganisation moved it. */
  mined: { hash: string; blockHash: string } | null;
  attempts: readonly Attempt[];
  /** Answers about the hashes of `attempts`, of this moment. */
  findings: ReadonlyMap<string, Finding>;
  /** `null` where the chain could not be asked. */
  chain: ChainView | null;
  /** Milliseconds. */
  now: number;
  parkedUntil: number;
}

export interface SendPolicy extends FeePolicy {
  /** An attempt unmined for so long is replaced by a dearer one. Milliseconds. */
  resubmitAfterMs: number;
  /** An attempt is handed to the nodes again after so long. Milliseconds. */
  rebroadcastAfterMs: number;
  /** How long a send rests that cannot be paid for now. Milliseconds. */
  parkMs: number;
}

export type Action =
  | {
      do: "wait";
      because: "chain_unavailable" | "parked" | "in_pool" | "not_final" | "behind_lower_nonce" | "nonce_in_doubt";
    }
  | { do: "look_up"; hashes: string[] }
  | {
      do: "sign";
      nonce: "next" | number;
      fees: Fees;
      purpose: "send" | "cancel";
      because: "first" | "bump" | "nonce_taken" | "invalid";
    }
  | { do: "broadcast"; hash: string; because: "unsent" | "unknown" | "dropped" | "bump_refused" | "again" }
  | { do: "mark_mined"; hash: string; blockNumber: number; blockHash: string; succeeded: boolean }
  | { do: "mark_unmined"; hash: string }
  | { do: "mark_final"; hash: string; outcome: "succeeded" | "reverted" | "cancelled" }
  | { do: "park"; until: number; because: "insufficient_funds" | "fees_above_ceiling" };

type Block = Extract<Finding, { at: "block" }>;

/** The one next thing to do for a send. Called again after each, until it says `wait` or `park`. */
export function nextAction(view: SendView, policy: SendPolicy): Action | null {
  if (view.state === "final" || view.state === "failed") return null;
  if (view.chain === null) return { do: "wait", because: "chain_unavailable" };
  const missing = view.attempts.filter((attempt) => !view.findings.has(attempt.hash));
  if (missing.length > 0) return { do: "look_up", hashes: view.attempts.map((attempt) => attempt.hash) };
  return minedAction(view, view.chain) ?? unminedAction(view, view.chain, policy);
}

/** A mined hash wins over everything else that is known of the send, whatever was thought of it before. */
function minedAction(view: SendView, chain: ChainView): Action | null {
  const found = view.attempts
    .map((attempt) => ({ attempt, finding: view.findings.get(attempt.hash) }))
    .filter((one): one is { attempt: Attempt; finding: Block } => one.finding?.at === "block")
    .sort((a, b) => rank(a) - rank(b) || a.finding.blockNumber - b.finding.blockNumber)[0];
  if (found) {
    const { attempt, finding } = found;
    const { hash } = attempt;
    const { blockNumber, blockHash, succeeded } = finding;
    if (view.state !== "mined" || view.mined?.hash !== hash || view.mined.blockHash !== blockHash) {
      return { do: "mark_mined", hash, blockNumber, blockHash, succeeded };
    }
    if (!finding.agreed || blockNumber > chain.finalBlock) return { do: "wait", because: "not_final" };
    const outcome = attempt.purpose === "cancel" ? "cancelled" : succeeded ? "succeeded" : "reverted";
    return { do: "mark_final", hash, outcome };
  }
  // From here on nothing is mined that we know of. While one hash could not be asked for, it may be.
  if (view.attempts.some((attempt) => view.findings.get(attempt.hash)?.at === "unknown")) {
    return { do: "wait", because: "chain_unavailable" };
  }
  if (view.state === "mined" && view.mined) return { do: "mark_unmined", hash: view.mined.hash };
  return null;
}

function rank({ attempt, finding }: { attempt: Attempt; finding: Block }): number {
  if (attempt.purpose === "cancel") return 2;
  return finding.succeeded ? 0 : 1;
}

function unminedAction(view: SendView, chain: ChainView, policy: SendPolicy): Action {
  // A clock that was put back does not park it for longer than ever meant.
  const rest = view.parkedUntil - view.now;
  if (rest > 0 && rest <= policy.parkMs + CLOCK_SLACK_MS) return { do: "wait", because: "parked" };
  const current = dearest(view.attempts.filter((attempt) => attempt.nonce === view.nonce));
  if (view.nonce === null || current === null) return signFirst(view, chain, policy, "first");
  if (chain.latestNonce > view.nonce) {
    // Used up, by a stranger or by a hash of ours that is not indexed yet. Only a stranger's transaction at final depth
    // makes another nonce safe: before that, both could be mined.
    const nobodyHasIt = view.attempts.every((attempt) => {
      const finding = view.findings.get(attempt.hash);
      return finding?.at === "nowhere" && finding.agreed;
    });
    if (chain.finalNonce > view.nonce && nobodyHasIt) return signFirst(view, chain, policy, "nonce_taken");
    return { do: "wait", because: "nonce_in_doubt" };
  }

  const isNext = chain.latestNonce === view.nonce;
  switch (current.refusal) {
    case "insufficient_funds":
      return (
        again(current, view, policy, policy.parkMs) ?? {
          do: "park",
          until: sentAt(current) + policy.parkMs,
          because: current.refusal,
        }
      );
    case "replacement_underpriced":
    case "fee_too_low":
      // One step at a time: a pool that goes on refusing must not drive the price to the ceiling within a second.
      if (since(current.signedAt, view.now) < policy.rebroadcastAfterMs) return { do: "wait", because: "in_pool" };
      return replace(current, view, chain, policy, current.purpose);
    case "invalid":
      // A cancelling transaction is as plain as they come; where even that is refused only waiting is left. And what
      // one node refused another may have taken.
      if (current.purpose === "cancel" || view.findings.get(current.hash)?.at === "pool") {
        return again(current, view, policy) ?? { do: "wait", because: "in_pool" };
      }
      return replace(current, view, chain, policy, "cancel");
    default:
  }
  if (current.sentAt === null) return { do: "broadcast", hash: current.hash, because: "unsent" };
  if (isNext && since(current.signedAt, view.now) >= policy.resubmitAfterMs) {
    return replace(current, view, chain, policy, current.purpose);
  }
  return again(current, view, policy) ?? { do: "wait", because: isNext ? "in_pool" : "behind_lower_nonce" };
}

function signFirst(view: SendView, chain: ChainView, policy: SendPolicy, because: "first" | "nonce_taken"): Action {
  const fees = firstFees(chain.market, policy);
  if (!fees) return { do: "park", until: view.now + policy.parkMs, because: "fees_above_ceiling" };
  return { do: "sign", nonce: "next", fees, purpose: "send", because };
}

function replace(
  current: Attempt,
  view: SendView,
  chain: ChainView,
  policy: SendPolicy,
  purpose: Attempt["purpose"],
): Action {
  const fees = bumpedFees(current.fees, chain.market, policy);
  if (fees) {
    const because = purpose === current.purpose ? "bump" : "invalid";
    return { do: "sign", nonce: current.nonce, fees, purpose, because };
  }
  // The ceiling is reached. Pools forget, so the attempt there is goes out again and again until a block takes it.
  return again(current, view, policy) ?? { do: "wait", because: "in_pool" };
}

/** Hands an attempt to the nodes once more if the last time is long enough ago. */
function again(current: Attempt, view: SendView, policy: SendPolicy, after = policy.rebroadcastAfterMs): Action | null {
  if (since(sentAt(current), view.now) < after) return null;
  const finding = view.findings.get(current.hash)?.at;
  const because = current.state === "unknown" ? "unknown" : finding === "nowhere" ? "dropped" : "again";
  return { do: "broadcast", hash: current.hash, because };
}

/** What clocks of machines that share a ledger may differ by. Milliseconds. */
const CLOCK_SLACK_MS = 60_000;
/**
 * Time that went by. A moment yet to come was written by a clock that was ahead; as if long ago, since waiting for it
 * could take for ever.
 */
const since = (then: number, now: number): number => (then > now + CLOCK_SLACK_MS ? Infinity : now - then);

const sentAt = (attempt: Attempt): number => attempt.sentAt ?? Number.NEGATIVE_INFINITY;

function dearest(attempts: readonly Attempt[]): Attempt | null {
  return attempts.reduce<Attempt | null>(
    (best, attempt) => (best === null || attempt.fees.maxFeePerGas > best.fees.maxFeePerGas ? attempt : best),
    null,
  );
}

/** What handing an attempt over taught: the state to record for it, and the refusal to decide by. */
export function afterBroadcast(error: SendErrorKind | null): { state: AttemptState; refusal: SendErrorKind | null } {
  switch (error) {
    case null:
    case "already_known":
      return { state: "broadcast", refusal: null };
    case "insufficient_funds":
    case "replacement_underpriced":
    case "fee_too_low":
    case "invalid":
      return { state: "dropped", refusal: error };
    case "nonce_too_low":
    case "nonce_too_high":
    case "pool_full":
    case "mined_and_reverted":
    case "unknown":
      return { state: "unknown", refusal: null };
  }
}

/**
 * The nonce of a new send: the lowest that the pool lacks and no row owns. The chain's pending nonce is the truth; it
 * may have gone down, as pools forget.
 */
export function nextNonce(pendingNonce: number, owned: ReadonlySet<number>): number {
  let nonce = pendingNonce;
  while (owned.has(nonce)) nonce++;
  return nonce;
}

/** Nonces below owned ones that no row owns and the pool lacks: nothing above them is mined until they are filled. */
export function nonceGaps(pendingNonce: number, owned: ReadonlySet<number>): number[] {
  const highest = Math.max(-1, ...owned);
  const gaps: number[] = [];
  for (let nonce = pendingNonce; nonce < highest; nonce++) if (!owned.has(nonce)) gaps.push(nonce);
  return gaps;
}
