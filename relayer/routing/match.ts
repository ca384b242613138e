// SPDX-License-Identifier: MIT
// Who can serve a model version in a mode, and if none can, why: the logic of NodeMatch.sol, over a snapshot.
import type { Reason } from "../chain/abi.ts";
import type { Hex } from "../protocol/index.ts";
import { FITS, type Fit } from "./abi.ts";
import type { KeySnapshot, NodeSnapshot, Snapshot, StandingSnapshot } from "./snapshot.ts";

/** What a request asks of a node. */
export interface Wanted {
  /** 0 VANILLA, 1 ZKML, 2 TEE. */
  mode: number;
  /** The moment asked about, unix seconds; the snapshot's block by default. */
  at?: bigint;
}
/** A node that can serve. */
export interface Candidate {
  nodeId: Hex;
  /** Of its keys that can sign for the mode, the one that ends last. */
  keyId: Hex;
  /** That key's end, inclusive. */
  keyUntil: bigint;
  /** How many more on-chain requests it takes. */
  free: bigint;
  node: NodeSnapshot;
}
/** Who can serve, and how many cannot for which reason. */
export interface Matches {
  candidates: Candidate[];
  counts: Record<Fit, number>;
  /** Of those with NoVerificationPath, why. */
  paths: Partial<Record<Reason, number>>;
  total: number;
  /** Registered nodes that do not offer the version. */
  without: bigint;
}

const ACTIVE = 1;
const ZKML = 1;
const TEE = 2;

/** Which nodes of a snapshot can serve a request. */
export function matchNodes(snapshot: Snapshot, wanted: Wanted): Matches {
  const counts = Object.fromEntries(FITS.map((fit) => [fit, 0])) as Record<Fit, number>;
  const result: Matches = {
    candidates: [],
    counts,
    paths: {},
    total: snapshot.nodes.length,
    without: snapshot.without,
  };
  for (const node of snapshot.nodes) {
    const { fit, path, candidate } = fitOf(snapshot, node, wanted);
    counts[fit]++;
    if (fit === "NoVerificationPath") result.paths[path] = (result.paths[path] ?? 0) + 1;
    if (candidate !== null) result.candidates.push(candidate);
  }
  return result;
}

/** Whether a node can serve a request, or the first thing in the way. */
export function fitOf(
  snapshot: Snapshot,
  node: NodeSnapshot,
  { mode, at = snapshot.block.timestamp }: Wanted,
): { fit: Fit; path: Reason; candidate: Candidate | null } {
  const not = (fit: Fit, path: Reason = "None") => ({ fit, path, candidate: null });
  if ((node.modes & (1 << mode)) === 0) return not("NoModel");
  if (node.status !== ACTIVE) return not("NotActive");
  if (!node.hasStake) return not("StakeTooLow");
  const keys = mode === TEE ? node.enclaveKeys : node.operatorKeys;
  const paths = keys.map((key) => pathOf(snapshot, key, mode, at));
  const usable = keys.filter((_, i) => paths[i] === "None");
  if (usable.length === 0) return not("NoVerificationPath", paths[0] ?? "UnknownKey");
  const free = BigInt(node.capacity) - node.open;
  if (free <= 0n) return not("NoCapacity");
  const key = usable.reduce((best, each) => (each.validUntil > best.validUntil ? each : best));
  const candidate = { nodeId: node.nodeId, keyId: key.keyId, keyUntil: key.validUntil, free, node };
  return { fit: "Fits", path: "None", candidate };
}

/** What would be said of a receipt that this key signed, completed and settled at that moment (R4, R8). */
function pathOf({ model }: Snapshot, key: KeySnapshot, mode: number, at: bigint): Reason {
  const { measurement } = key;
  if (key.validFrom === 0n) return "UnknownKey";
  // A gateway's RSA key (2) is an enclave's, and can sign no receipt.
  if (key.kind !== (mode === TEE ? 1 : 0)) return "KeyForbidsMode";
  if (at < key.validFrom || at > key.validUntil) return "OutsideKeyValidity";
  if (mode === TEE && (measurement === null || !approvedAt(measurement, at))) return "MeasurementNotApproved";
  if (model.modes === 0) return "UnknownModel";
  if ((model.modes & (1 << mode)) === 0) return "ModelForbidsMode";
  // In the order of the contract, distrust of everything before freezes of anything.
  const rests: [string, StandingSnapshot][] = [
    ["Key", key],
    ["Model", model],
  ];
  if (mode === ZKML) rests.push(["Verifier", model.verifier]);
  if (mode === TEE && measurement !== null) rests.push(["Measurement", measurement]);
  for (const [name, { distrustedFrom }] of rests) if (at >= distrustedFrom) return `${name}Distrusted` as Reason;
  // Consent comes last, as in the contract: it is withdrawn without anything being compromised.
  if (at >= model.blockedFrom) return "ConsentWithdrawn";
  for (const [name, { frozenUntil }] of rests) if (at < frozenUntil) return `${name}Frozen` as Reason;
  return "None";
}

function approvedAt({ approvedFrom, approvedUntil }: { approvedFrom: bigint; approvedUntil: bigint }, at: bigint) {
  return approvedFrom !== 0n && at >= approvedFrom && at <= approvedUntil;
}
