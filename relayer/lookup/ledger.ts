// SPDX-License-Identifier: MIT
import type { Openings } from "../api/openings.ts";
import { type Hex, OutputScheme, toHex } from "../protocol/index.ts";
import type { Database } from "../store/database.ts";
import { outputsOf, proofOfReceipt, receiptsAbout } from "../store/questions.ts";
import { findReceipt, type ReceiptStatus } from "../store/receipts.ts";
import type { ItemState } from "../store/schema.ts";
import { answers, preferred, type Standing } from "./matching.ts";
import { encodeOutputs, type LookupAnswer, type LookupQuery } from "./messages.ts";

/** Answers of one question that are looked at. */
const MAX_CANDIDATES = 16;
const SETTLED: ReadonlySet<ItemState> = new Set(["mined", "final"]);
/** The evidence holds, and whoever has it can settle it. */
const CAN_SETTLE: ReadonlySet<ItemState> = new Set(["verified", "batched", "submitted"]);

/** Who knows answers. Undefined says that there is none here: nothing is ever made up. */
export type AnswerSource = (query: LookupQuery) => Promise<LookupAnswer | undefined>;

type Candidate = ReceiptStatus & Standing & { receiptId: Hex };

/** Answers out of a relayer's ledger: receipts with a proof, settled or verified. */
export function ledgerAnswers(
  { db, openings }: { db: Database; openings: Openings },
  now: () => number = Date.now,
): AnswerSource {
  async function candidate(receiptId: Hex): Promise<Candidate | undefined> {
    const known = await findReceipt(db, receiptId);
    if (!known || known.receipt.outputScheme !== OutputScheme.CIRCUIT) return undefined;
    if (!SETTLED.has(known.state) && !CAN_SETTLE.has(known.state)) return undefined;
    const isSettled = SETTLED.has(known.state) && known.settledAt !== null;
    return { ...known, receiptId, settledAt: isSettled ? BigInt(known.settledAt!) : undefined } as Candidate;
  }

  async function answerOf({
    receiptId,
    receipt,
    signature,
    home,
    settledAt,
  }: Candidate): Promise<LookupAnswer | undefined> {
    const place = home && { batchId: home.batch.id, position: home.position, count: home.batch.count };
    const evidence = await proofOfReceipt(db, receiptId, place);
    const outputs = evidence && outputsOf(receipt, evidence);
    if (!outputs) return undefined;
    const output = encodeOutputs(outputs);
    if (settledAt === undefined)
      return { opening: openings.alone(receipt), output, signature, evidence: toHex(evidence) };
    const opening = home ? await openings.ofBatch(home, receipt) : openings.alone(receipt);
    return { opening, output, signature: "0x", evidence: "0x" };
  }

  return async ({ policy }) => {
    const ids = await receiptsAbout(db, policy.modelIds, policy.inputHash, MAX_CANDIDATES);
    const found: Candidate[] = [];
    const time = BigInt(Math.floor(now() / 1_000));
    for (const id of ids) {
      const one = await candidate(id);
      if (one && answers(policy, one.receipt, one, time)) found.push(one);
    }
    for (const one of preferred(found)) {
      const answer = await answerOf(one);
      if (answer) return answer;
    }
    return undefined;
  };
}
