import type { ContractTransactionResponse } from "ethers";
import { InferenceRegistry__factory } from "../../typechain/index.ts";

/** Names of the contract's `Reason`, in its order. */
export const REASONS = [
  "None",
  "EmptyBatch",
  "UnknownMode",
  "ModeNeedsProof",
  "CountMismatch",
  "RootMismatch",
  "UnknownOutputScheme",
  "UnknownKey",
  "KeyForbidsMode",
  "BadSignature",
  "KeyDistrusted",
  "KeyFrozen",
  "CompletedInFuture",
  "CompletedTooLongAgo",
  "OutsideKeyValidity",
  "UnknownModel",
  "ModelForbidsMode",
  "ModelDistrusted",
  "ModelFrozen",
  "VerifierDistrusted",
  "VerifierFrozen",
  "MalformedEvidence",
  "InvalidProof",
  "SignalMismatch",
  "MeasurementNotApproved",
  "MeasurementDistrusted",
  "MeasurementFrozen",
  "AlreadySettled",
  "NotSettled",
  "IndexOutOfRange",
  "ProofLengthMismatch",
  "NotInBatch",
  "KeyMismatch",
  "ModeMismatch",
  "ConsentWithdrawn",
] as const;
export type ReasonName = (typeof REASONS)[number];
/** The same by name. */
export const Reason = Object.fromEntries(REASONS.map((name, i) => [name, BigInt(i)])) as Record<ReasonName, bigint>;
export const reasonName = (value: bigint | number): ReasonName => REASONS[Number(value)]!;

const face = InferenceRegistry__factory.createInterface();
const kinds = ["SignedBatch", "ProvedBatch", "SignedReceipt"] as const;

/** What a settle call did, in the words of its events. */
export interface Outcome {
  settled: string[];
  skipped: { kind: (typeof kinds)[number]; index: number; reason: ReasonName }[];
  gasUsed: bigint;
  timestamp: bigint;
}

/** Reads a mined settle call from its logs, as a relayer must. */
export async function outcomeOf(sent: Promise<ContractTransactionResponse>): Promise<Outcome> {
  const mined = (await (await sent).wait())!;
  const settled: string[] = [];
  const skipped: Outcome["skipped"] = [];
  for (const log of mined.logs) {
    const event = face.parseLog(log)!;
    if (event.name === "ItemSkipped")
      skipped.push({
        kind: kinds[Number(event.args["kind"])]!,
        index: Number(event.args["index"]),
        reason: reasonName(event.args["reason"]),
      });
    else settled.push(event.args[0] as string);
  }
  return { settled, skipped, gasUsed: mined.gasUsed, timestamp: BigInt((await mined.getBlock()).timestamp) };
}

/** Why the only item of a call was skipped; `None` where it settled. */
export async function reasonOf(sent: Promise<ContractTransactionResponse>): Promise<ReasonName> {
  const { settled, skipped } = await outcomeOf(sent);
  if (settled.length + skipped.length !== 1) throw new Error("Not a call with one item; use outcomeOf.");
  return skipped[0]?.reason ?? "None";
}
