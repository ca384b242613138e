// SPDX-License-Identifier: MIT
import { createHash, randomBytes, timingSafeEqual } from "node:crypto";
import { and, asc, eq, isNull, lt, or } from "drizzle-orm";
import { fromHex, toHex } from "../protocol/index.ts";
import type { Database } from "./database.ts";
import { apiKeys, type Scope } from "./schema-operation.ts";

/** An API key without what could be used. */
export interface ApiKey {
  /** Public part of the key, its name in lists and logs. */
  id: string;
  label: string;
  scopes: Scope[];
  /** Null: no bound of its own. */
  receiptsPerMinute: number | null;
  /** Unix milliseconds. */
  createdAt: number;
  lastUsedAt: number | null;
  revokedAt: number | null;
}

const SHAPE = /^ogr_([0-9a-f]{12})_[A-Za-z0-9_-]{43}$/;
const USED_EVERY_MS = 60_000;

const hashOf = (secret: string): Buffer => createHash("sha256").update(secret).digest();

function toKey(row: typeof apiKeys.$inferSelect): ApiKey {
  const { prefix, label, scopes, receiptsPerMinute, createdAt, lastUsedAt, revokedAt } = row;
  return { id: prefix, label, scopes, receiptsPerMinute, createdAt, lastUsedAt, revokedAt };
}

/** Makes a key. @returns it, and the secret, which is never to be had again. */
export async function createApiKey(
  db: Database,
  wanted: { label: string; scopes: readonly Scope[]; receiptsPerMinute: number | null },
  now = Date.now(),
): Promise<{ key: ApiKey; secret: string }> {
  const prefix = randomBytes(6).toString("hex");
  const secret = `ogr_${prefix}_${randomBytes(32).toString("base64url")}`;
  const scopes = [...new Set(wanted.scopes)];
  const [row] = await db
    .insert(apiKeys)
    .values({ ...wanted, scopes, prefix, hash: toHex(hashOf(secret)), createdAt: now })
    .returning();
  return { key: toKey(row!), secret };
}

/** The key of a secret that somebody showed; undefined if there is none, or it was revoked. */
export async function findApiKey(db: Database, secret: string, now = Date.now()): Promise<ApiKey | undefined> {
  const prefix = SHAPE.exec(secret)?.[1];
  if (prefix === undefined) return undefined;
  const [row] = await db.select().from(apiKeys).where(eq(apiKeys.prefix, prefix));
  if (!row || !timingSafeEqual(fromHex(row.hash), hashOf(secret)) || row.revokedAt !== null) return undefined;
  // A write for every request would cost more than the request.
  const before = now - USED_EVERY_MS;
  if (row.lastUsedAt === null || row.lastUsedAt < before)
    await db
      .update(apiKeys)
      .set({ lastUsedAt: now })
      .where(and(eq(apiKeys.id, row.id), or(isNull(apiKeys.lastUsedAt), lt(apiKeys.lastUsedAt, before))));
  return toKey(row);
}

/** All keys there ever were, the oldest first. */
export async function listApiKeys(db: Database): Promise<ApiKey[]> {
  return (await db.select().from(apiKeys).orderBy(asc(apiKeys.id)).limit(1_000)).map(toKey);
}

/** Ends a key at once and for good. @returns it; undefined if there is none. */
export async function revokeApiKey(db: Database, id: string, now = Date.now()): Promise<ApiKey | undefined> {
  await db
    .update(apiKeys)
    .set({ revokedAt: now })
    .where(and(eq(apiKeys.prefix, id), isNull(apiKeys.revokedAt)));
  const [row] = await db.select().from(apiKeys).where(eq(apiKeys.prefix, id));
  return row && toKey(row);
}
