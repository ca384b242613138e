// SPDX-License-Identifier: MIT
// The newest heartbeat of each gateway. Every change compares with the state it started from, as jobs may run twice.
import { and, asc, count, eq, gt, lt, lte } from "drizzle-orm";
import type { Hex } from "../protocol/index.ts";
import { lock, type Database } from "./database.ts";
import type { NewCall } from "./gateways.ts";
import { gatewayHeartbeats as heartbeats, gatewayKeys as keys, type GatewayState } from "./schema-gateways.ts";
import { insertTransaction } from "./transactions.ts";

export type HeartbeatRow = typeof heartbeats.$inferSelect;

/** A heartbeat that passed the door. */
export interface NewHeartbeat {
  keyId: Hex;
  teeId: Hex;
  /** Unix seconds. */
  timestamp: number;
  signature: Uint8Array;
  receivedAt: number;
}

/**
 * Commits a heartbeat in the place of the key's older one, carried or not.
 * @returns false, with nothing written, if it is not newer than that.
 */
export async function takeHeartbeat(db: Database, fresh: NewHeartbeat): Promise<boolean> {
  const values = { ...fresh, state: "received" as const, reason: null, transactionId: null };
  const taken = await db
    .insert(heartbeats)
    .values(values)
    .onConflictDoUpdate({ target: heartbeats.keyId, set: values, setWhere: lt(heartbeats.timestamp, fresh.timestamp) })
    .returning({ keyId: heartbeats.keyId });
  return taken.length > 0;
}

export async function findHeartbeat(db: Database, keyId: Hex): Promise<HeartbeatRow | undefined> {
  const [row] = await db.select().from(heartbeats).where(eq(heartbeats.keyId, keyId));
  return row;
}

/** Heartbeats whose key had none carried since `carriedBefore`, and that wait, the longest first. */
export async function dueHeartbeats(
  db: Database,
  carriedBefore: number,
  limit: number,
): Promise<(HeartbeatRow & { publicKey: Uint8Array })[]> {
  const found = await db
    .select()
    .from(heartbeats)
    .innerJoin(keys, eq(keys.keyId, heartbeats.keyId))
    .where(and(eq(heartbeats.state, "received"), lte(heartbeats.carriedAt, carriedBefore)))
    .orderBy(asc(heartbeats.receivedAt))
    .limit(limit);
  return found.map((row) => ({ ...row.gateway_heartbeats, publicKey: row.gateway_keys.publicKey }));
}

/**
 * Queues the call that carries a heartbeat, if it is still the newest of its key, waits, and fewer than `most` of all
 * keys were carried since `since`. @returns whether it did.
 */
export async function carryHeartbeat(
  db: Database,
  call: NewCall,
  row: Pick<HeartbeatRow, "keyId" | "timestamp">,
  { most, since }: { most: number; since: number },
): Promise<boolean> {
  return db.transaction(async (tx) => {
    await lock(tx, "heartbeats");
    const [recent] = await tx.select({ count: count() }).from(heartbeats).where(gt(heartbeats.carriedAt, since));
    if (recent!.count >= most) return false;
    const is = and(eq(heartbeats.keyId, row.keyId), eq(heartbeats.timestamp, row.timestamp));
    const [found] = await tx.select({ state: heartbeats.state }).from(heartbeats).where(is).for("update");
    if (found?.state !== "received") return false;
    const transactionId = await insertTransaction(tx, call);
    await tx.update(heartbeats).set({ state: "submitted", transactionId, carriedAt: call.createdAt }).where(is);
    return true;
  });
}

/** Gives a heartbeat up that waited too long. */
export async function dropHeartbeat(db: Database, row: Pick<HeartbeatRow, "keyId" | "timestamp">, reason: string) {
  await db
    .update(heartbeats)
    .set({ state: "rejected", reason })
    .where(
      and(
        ...[eq(heartbeats.keyId, row.keyId), eq(heartbeats.timestamp, row.timestamp), eq(heartbeats.state, "received")],
      ),
    );
}

/** What a turn of its call means for a heartbeat; a newer one has left the call. */
export async function changeHeartbeat(
  db: Database,
  transactionId: number,
  change: { state: GatewayState; reason: string | null },
): Promise<void> {
  await db.update(heartbeats).set(change).where(eq(heartbeats.transactionId, transactionId));
}
