// SPDX-License-Identifier: MIT
// Sends each request to a node that can serve it: what the chain says, and what is seen of the nodes from here.
import type { Hex } from "../protocol/index.ts";
import { type Hold, HOLDS, NoNode, RoutingUnknown } from "./errors.ts";
import { type Candidate, type Matches, matchNodes } from "./match.ts";
import type { Snapshot } from "./snapshot.ts";

export interface RouterOptions {
  /** Reads the chain; see `readSnapshot`. */
  read: (modelId: Hex) => Promise<Snapshot>;
  /** Milliseconds. */
  now?: () => number;
  /** So long a snapshot is used. 4 s by default: a key that is frozen or ends is known by then. */
  snapshotMs?: number;
  /** A newest block older than this is nothing to go by. 2 minutes by default. */
  maxBlockAgeMs?: number;
  /** A node that was not heard of for so long is passed over. 30 s by default. */
  heartbeatMs?: number;
  /** How long an answer takes at most: the key has to outlive it. 120 s by default. */
  answerSeconds?: number;
  /** After a failure a node rests for so long, twice as long after each further one. 2 s by default. */
  restMs?: number;
  /** And at most for so long. 5 minutes by default. */
  maxRestMs?: number;
}

/** A place at a node, taken until it is given back. */
export interface Lease {
  readonly nodeId: Hex;
  /** The key that will sign. */
  readonly keyId: Hex;
  readonly endpoint: string;
  /** Gives the place back. A second call changes nothing. */
  done(outcome: "answered" | "failed"): void;
}

export interface Router {
  /** A node was heard of: a heartbeat, or any answer. */
  heard(nodeId: Hex): void;
  /**
   * Takes a place at the node that has most of its capacity free.
   * @throws {NoNode} with the numbers, where none can serve. @throws {RoutingUnknown} where that is not known.
   */
  route(modelId: Hex, mode: number): Promise<Lease>;
  /** What {@link route} would choose from, and what holds back the others. */
  survey(modelId: Hex, mode: number): Promise<{ matches: Matches; ready: Candidate[]; holds: Record<Hold, number> }>;
}

interface Seen {
  heardAt: number;
  failures: number;
  restUntil: number;
  /** Turn in which it last got a request. */
  turn: number;
}

/** A router over the nodes of one chain. */
export function createRouter({
  read,
  now = Date.now,
  snapshotMs = 4_000,
  maxBlockAgeMs = 120_000,
  heartbeatMs = 30_000,
  answerSeconds = 120,
  restMs = 2_000,
  maxRestMs = 300_000,
}: RouterOptions): Router {
  const nodes = new Map<Hex, Seen>();
  /** Requests under way, by node and version. */
  const underWay = new Map<string, number>();
  const snapshots = new Map<Hex, { readAt: number; snapshot: Promise<Snapshot> }>();
  let turns = 0;

  const placeOf = (nodeId: Hex, modelId: Hex) => `${nodeId} ${modelId}`;
  const seenOf = (nodeId: Hex): Seen => {
    const seen = nodes.get(nodeId) ?? { heardAt: Number.NEGATIVE_INFINITY, failures: 0, restUntil: 0, turn: 0 };
    nodes.set(nodeId, seen);
    return seen;
  };

  async function snapshotOf(modelId: Hex): Promise<Snapshot> {
    let held = snapshots.get(modelId);
    if (held === undefined || now() - held.readAt > snapshotMs) {
      held = { readAt: now(), snapshot: read(modelId) };
      snapshots.set(modelId, held);
    }
    let snapshot: Snapshot;
    try {
      snapshot = await held.snapshot;
    } catch (cause) {
      if (snapshots.get(modelId) === held) snapshots.delete(modelId);
      throw new RoutingUnknown("chain_unknown", cause);
    }
    if (now() - Number(snapshot.block.timestamp) * 1_000 > maxBlockAgeMs) throw new RoutingUnknown("chain_stale");
    return snapshot;
  }

  /** On-chain requests take part of the same capacity. */
  const freeOf = ({ nodeId, free }: Candidate, modelId: Hex) =>
    Number(free) - (underWay.get(placeOf(nodeId, modelId)) ?? 0);

  function holdOf(candidate: Candidate, modelId: Hex, at: bigint): Hold | null {
    const seen = nodes.get(candidate.nodeId);
    if (seen === undefined || now() - seen.heardAt > heartbeatMs) return "NoHeartbeat";
    if (now() < seen.restUntil) return "Failing";
    if (candidate.keyUntil < at + BigInt(answerSeconds)) return "KeyEndsSoon";
    return freeOf(candidate, modelId) <= 0 ? "Busy" : null;
  }

  /** Waits for nothing. */
  function look(snapshot: Snapshot, mode: number) {
    const wall = BigInt(Math.floor(now() / 1_000));
    // Keys end by the clock, also between two blocks.
    const at = wall > snapshot.block.timestamp ? wall : snapshot.block.timestamp;
    const matches = matchNodes(snapshot, { mode, at });
    const holds = Object.fromEntries(HOLDS.map((hold) => [hold, 0])) as Record<Hold, number>;
    const ready: Candidate[] = [];
    for (const candidate of matches.candidates) {
      const hold = holdOf(candidate, snapshot.modelId, at);
      if (hold === null) ready.push(candidate);
      else holds[hold]++;
    }
    return { matches, ready, holds };
  }

  async function route(modelId: Hex, mode: number): Promise<Lease> {
    const snapshot = await snapshotOf(modelId);
    const { matches, ready, holds } = look(snapshot, mode);
    // Nothing waits between looking and taking: else two would take one free place.
    const share = (each: Candidate) => freeOf(each, modelId) / each.node.capacity;
    const [best] = ready.sort(
      (a, b) => share(b) - share(a) || seenOf(a.nodeId).turn - seenOf(b.nodeId).turn || (a.nodeId < b.nodeId ? -1 : 1),
    );
    if (best === undefined) throw new NoNode(matches, holds);
    const place = placeOf(best.nodeId, modelId);
    underWay.set(place, (underWay.get(place) ?? 0) + 1);
    seenOf(best.nodeId).turn = ++turns;
    let taken = true;
    return {
      nodeId: best.nodeId,
      keyId: best.keyId,
      endpoint: best.node.endpoint,
      done(outcome) {
        if (!taken) return;
        taken = false;
        const left = underWay.get(place)! - 1;
        if (left === 0) underWay.delete(place);
        else underWay.set(place, left);
        const seen = seenOf(best.nodeId);
        if (outcome === "answered") {
          seen.heardAt = now();
          seen.failures = 0;
          seen.restUntil = 0;
        } else {
          seen.restUntil = now() + Math.min(maxRestMs, restMs * 2 ** seen.failures);
          seen.failures++;
        }
      },
    };
  }

  return {
    heard: (nodeId) => void (seenOf(nodeId).heardAt = now()),
    route,
    survey: async (modelId, mode) => look(await snapshotOf(modelId), mode),
  };
}
