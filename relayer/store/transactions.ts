// SPDX-License-Identifier: MIT
import { and, asc, eq, inArray, isNotNull, ne, sql } from "drizzle-orm";
import type { AttemptRow, TransactionRow, TransactionStore } from "../chain/transaction-store.ts";
import { fromHex, toHex, type Hex } from "../protocol/index.ts";
import { lock, type Database } from "./database.ts";
import { attempts, transactions } from "./schema.ts";

const lower = (value: string): Hex => value.toLowerCase() as Hex;

/** Queues a call inside a transaction that may do more: items are marked submitted together with their call. */
export async function insertTransaction(
  tx: Pick<Database, "insert">,
  send: { chainId: number; sender: string; to: string; data: string; createdAt: number },
): Promise<number> {
  const [row] = await tx
    .insert(transactions)
    .values({
      chainId: send.chainId,
      sender: lower(send.sender),
      to: lower(send.to),
      data: fromHex(send.data),
      state: "queued",
      createdAt: send.createdAt,
    })
    .returning({ id: transactions.id });
  return row!.id;
}

/** The rows of calls and their attempts: each method is one database transaction, durable when it returns. */
export function createTransactionStore(db: Database): TransactionStore {
  const set = (id: string, values: Partial<typeof transactions.$inferInsert>) => async (tx: Pick<Database, "update">) =>
    void (await tx
      .update(transactions)
      .set(values)
      .where(eq(transactions.id, Number(id))));

  return {
    async activeTransactions(chainId, sender, limit) {
      const found = await db
        .select()
        .from(transactions)
        .where(
          and(
            eq(transactions.chainId, chainId),
            eq(transactions.sender, lower(sender)),
            inArray(transactions.state, ["queued", "pending", "mined"]),
          ),
        )
        .orderBy(sql`${transactions.nonce} asc nulls last`, asc(transactions.id))
        .limit(limit);
      return found.map(toRow);
    },

    async attemptsOf(ids) {
      if (ids.length === 0) return [];
      const found = await db
        .select()
        .from(attempts)
        .where(inArray(attempts.transactionId, ids.map(Number)))
        .orderBy(asc(attempts.signedAt));
      return found.map(toAttempt);
    },

    prepareAttempt: (attempt, gasLimit, seenNonce) =>
      db.transaction(async (tx) => {
        const [row] = await tx
          .select()
          .from(transactions)
          .where(eq(transactions.id, Number(attempt.transactionId)));
        if (!row) throw new Error(`no transaction ${attempt.transactionId}`);
        // One nonce at a time for a sender, whichever process asks.
        await lock(tx, `nonces of ${row.chainId} ${row.sender}`);
        // Only what is read under the lock counts: another process may have sent this meanwhile.
        const [now] = await tx
          .select({ nonce: transactions.nonce })
          .from(transactions)
          .where(eq(transactions.id, row.id));
        if (now?.nonce !== seenNonce) return false;
        const [owner] = await tx
          .select({ id: transactions.id })
          .from(transactions)
          .where(
            and(
              eq(transactions.chainId, row.chainId),
              eq(transactions.sender, row.sender),
              isNotNull(transactions.nonce),
              eq(transactions.nonce, attempt.nonce),
              ne(transactions.state, "failed"),
              ne(transactions.id, row.id),
            ),
          )
          .limit(1);
        if (owner) return false;
        await set(attempt.transactionId, { nonce: attempt.nonce, gasLimit, state: "pending" })(tx);
        const { hash, nonce, fees, purpose, state, raw, signedAt, sentAt } = attempt;
        await tx.insert(attempts).values({
          hash: lower(hash),
          transactionId: row.id,
          nonce,
          ...fees,
          purpose,
          state,
          raw: fromHex(raw),
          signedAt,
          sentAt,
        });
        return true;
      }),

    async recordSent(hash, state, sentAt) {
      await db
        .update(attempts)
        .set({ state, sentAt })
        .where(eq(attempts.hash, lower(hash)));
    },

    recordMined: (id, hash, minedBlock, blockHash) =>
      db.transaction(async (tx) => {
        const minedHash = lower(hash);
        await set(id, { state: "mined", minedHash, minedBlock, minedBlockHash: lower(blockHash) })(tx);
        await tx
          .update(attempts)
          .set({
            state: sql`case when ${attempts.hash} = ${Buffer.from(fromHex(hash))} then 'mined' else 'replaced' end`,
          })
          .where(eq(attempts.transactionId, Number(id)));
      }),

    recordUnmined: (id) =>
      db.transaction(async (tx) => {
        await set(id, { state: "pending", minedHash: null, minedBlock: null, minedBlockHash: null })(tx);
        await tx
          .update(attempts)
          .set({ state: "unknown" })
          .where(eq(attempts.transactionId, Number(id)));
      }),

    recordFinal: (id, hash, succeeded, finalAt) =>
      set(id, { state: "final", minedHash: lower(hash), succeeded, finalAt })(db),

    recordFailed: (id, reason, finalAt) => set(id, { state: "failed", reason, finalAt })(db),

    enqueueTransaction: async (send) => String(await insertTransaction(db, send)),
  };
}

function toRow(row: typeof transactions.$inferSelect): TransactionRow {
  return {
    id: String(row.id),
    chainId: row.chainId,
    sender: row.sender,
    nonce: row.nonce,
    to: row.to,
    data: toHex(row.data),
    gasLimit: row.gasLimit,
    state: row.state,
    mined: row.minedHash && { hash: row.minedHash, blockNumber: row.minedBlock!, blockHash: row.minedBlockHash! },
  };
}

function toAttempt(row: typeof attempts.$inferSelect): AttemptRow {
  return {
    transactionId: String(row.transactionId),
    hash: row.hash,
    nonce: row.nonce,
    fees: { maxFeePerGas: row.maxFeePerGas, maxPriorityFeePerGas: row.maxPriorityFeePerGas },
    purpose: row.purpose,
    state: row.state,
    raw: toHex(row.raw),
    signedAt: row.signedAt,
    sentAt: row.sentAt,
  };
}
