// SPDX-License-Identifier: MIT
import { and, eq, isNull, lt, sql } from "drizzle-orm";
import type { Hex } from "../protocol/index.ts";
import type { Database } from "./database.ts";
import { idempotency } from "./schema-operation.ts";

const DAY_MS = 86_400_000;
/** A first request that was not answered in this time has died with its process. */
const ABANDONED_MS = 120_000;
/** Answers kept at most; the oldest go first. */
const MAX_ROWS = 100_000;
const TIDY_EVERY_MS = 60_000;

export interface KeptAnswer {
  status: number;
  contentType: string;
  body: string;
}

/** What became of taking a key: it is yours, or the answer of the first request, or why not. */
export type Taken =
  | { is: "yours"; id: number; at: number }
  | { is: "answered"; answer: KeptAnswer }
  | { is: "running" }
  | { is: "reused" };

export interface IdempotencyStore {
  take(owner: string, key: string, requestHash: Hex): Promise<Taken>;
  /** Keeps the answer of a request whose key was taken, unless another one has taken it since. */
  keep(taken: { id: number; at: number }, answer: KeptAnswer): Promise<void>;
  /** The request had no effect, so its key is free. */
  release(taken: { id: number; at: number }): Promise<void>;
}

/** A row keeps its id when somebody else takes an abandoned key: its time says whose it is. */
const isStill = ({ id, at }: { id: number; at: number }) =>
  and(eq(idempotency.id, id), eq(idempotency.createdAt, at), isNull(idempotency.status));

/** Keeps keys and answers in the ledger, so that every relayer of it, and the next start, knows them. */
export function createIdempotencyStore(
  db: Database,
  now: () => number = Date.now,
  maxRows = MAX_ROWS,
): IdempotencyStore {
  let tidied = 0;

  async function tidy(): Promise<void> {
    if (now() - tidied < TIDY_EVERY_MS) return;
    tidied = now();
    await db.delete(idempotency).where(lt(idempotency.createdAt, now() - DAY_MS));
    // Rows are counted, not ids: each refused request uses one up, and strangers make as many as they like.
    await db.execute(
      sql`delete from ${idempotency} where id <= (select id from ${idempotency} order by id desc offset ${maxRows} limit 1)`,
    );
  }

  return {
    async take(owner, key, requestHash) {
      await tidy();
      const at = now();
      const row = { owner, key, requestHash, createdAt: at, status: null, contentType: null, body: null };
      // One statement decides who is first. What has expired, or died unanswered, is as if it were not there.
      const [mine] = await db
        .insert(idempotency)
        .values(row)
        .onConflictDoUpdate({
          target: [idempotency.owner, idempotency.key],
          set: row,
          setWhere: sql`${idempotency.createdAt} < ${at - DAY_MS}::bigint
            or (${idempotency.status} is null and ${idempotency.createdAt} < ${at - ABANDONED_MS}::bigint)`,
        })
        .returning({ id: idempotency.id });
      if (mine) return { is: "yours", id: mine.id, at };
      const [known] = await db
        .select()
        .from(idempotency)
        .where(and(eq(idempotency.owner, owner), eq(idempotency.key, key)));
      // Released in between: whoever asks again will be first.
      if (!known) return { is: "running" };
      if (known.requestHash !== requestHash) return { is: "reused" };
      if (known.status === null) return { is: "running" };
      const { status, contentType, body } = known;
      return { is: "answered", answer: { status, contentType: contentType!, body: body! } };
    },

    async keep(taken, { status, contentType, body }) {
      await db.update(idempotency).set({ status, contentType, body }).where(isStill(taken));
    },

    async release(taken) {
      await db.delete(idempotency).where(isStill(taken));
    },
  };
}
