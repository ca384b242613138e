// SPDX-License-Identifier: MIT
// Which receipts answer a question. Kept for receipts with a proof only: their output is in the proof, while of a signed
// answer the ledger has no more than a hash.
import { and, desc, eq, inArray, sql } from "drizzle-orm";
import { circuitOutputHash, LEAF_SIZE, LEAVES_HEADER_SIZE, toHex, type Hex, type Receipt } from "../protocol/index.ts";
import type { Database } from "./database.ts";
import { batches, questions, receiptIndex, singles } from "./schema.ts";

type Inserter = Pick<Database, "insert" | "execute">;

/** Notes what a receipt with a proof is about. Repeating it changes nothing. */
export async function noteQuestion(tx: Inserter, receiptId: Hex, { modelId, inputHash }: Receipt): Promise<void> {
  await tx.insert(questions).values({ receiptId, modelId, inputHash }).onConflictDoNothing();
}

/** The same for every receipt of a proved batch, in one statement: the bytes are cut apart by the database. */
export async function noteQuestions(tx: Inserter, batchId: number): Promise<void> {
  await tx.execute(sql`
    insert into ${questions} (receipt_id, model_id, input_hash)
    select i.receipt_id,
           substring(b.document from ${LEAVES_HEADER_SIZE + 33}::int + ${LEAF_SIZE}::int * i.position for 32),
           substring(b.document from ${LEAVES_HEADER_SIZE + 65}::int + ${LEAF_SIZE}::int * i.position for 32)
    from ${receiptIndex} as i join ${batches} as b on b.id = i.batch_id where b.id = ${batchId}::bigint
    on conflict do nothing`);
}

/**
 * Receipts with a proof that are about an input, newest first; not those whose proof is unchecked or does not hold, which
 * any key can hand in without end, before the others.
 */
export async function receiptsAbout(
  db: Database,
  modelIds: readonly Hex[],
  inputHash: Hex,
  limit: number,
): Promise<Hex[]> {
  if (modelIds.length === 0) return [];
  const found = await db
    .select({ receiptId: questions.receiptId })
    .from(questions)
    .where(
      and(
        ...[eq(questions.inputHash, inputHash), inArray(questions.modelId, [...modelIds])],
        sql`(exists (select from ${singles} as s
                     where s.receipt_id = ${questions.receiptId} and s.state not in ('received', 'rejected'))
             or exists (select from ${receiptIndex} as i join ${batches} as b on b.id = i.batch_id
                        where i.receipt_id = ${questions.receiptId} and b.state not in ('received', 'rejected')))`,
      ),
    )
    .orderBy(desc(questions.id))
    .limit(limit);
  return found.map(({ receiptId }) => receiptId);
}

/** The proof of a receipt: its own, or its part of a batch's. Null where there is none. */
export async function proofOfReceipt(
  db: Database,
  receiptId: Hex,
  home: { batchId: number; position: number; count: number } | null,
): Promise<Uint8Array | null> {
  if (home === null) {
    const [row] = await db.select({ evidence: singles.evidence }).from(singles).where(eq(singles.receiptId, receiptId));
    return row?.evidence ?? null;
  }
  // Proofs of one key are of one length.
  const length = sql`length(${batches.evidence}) / ${home.count}::int`;
  const [row] = await db
    .select({
      evidence: sql<Uint8Array | null>`substring(${batches.evidence} from 1 + ${home.position}::int * (${length}) for (${length}))`,
    })
    .from(batches)
    .where(eq(batches.id, home.batchId));
  return row?.evidence ?? null;
}

/** A ‖ B ‖ C, before the signals. */
const PROOF_BYTES = 256;

/** The outputs that a proof states; undefined where they are not what the receipt commits to. */
export function outputsOf(receipt: Receipt, evidence: Uint8Array): bigint[] | undefined {
  const outputs: bigint[] = [];
  // The input is the first signal.
  for (let at = PROOF_BYTES + 32; at + 32 <= evidence.length; at += 32)
    outputs.push(BigInt(toHex(evidence.subarray(at, at + 32))));
  return circuitOutputHash(outputs) === receipt.outputHash ? outputs : undefined;
}
