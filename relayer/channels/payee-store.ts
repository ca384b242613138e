// SPDX-License-Identifier: MIT
import type { Hex } from "../protocol/index.ts";
import { receiptFromWire, receiptToWire, type SignedReceipt } from "../node/wire.ts";
import { amountText, atOnce, openLedger, sequenceText } from "./ledger.ts";
import { parseRequest, requestToWire, type ChannelRequest } from "./messages.ts";

/** A voucher that was taken, before its request is served. */
export interface Taken {
  requestId: Hex;
  channelId: Hex;
  request: ChannelRequest;
  /** EIP-712 digest of the voucher. */
  digest: Hex;
  /** The key it is served with. */
  keyId: Hex;
  /** Most that the channel may have cost after it, as the node reckons: the receipt's fee is not above. */
  cumulativeFee: bigint;
}

/** The same with its receipt, once there is one. */
export interface Entry extends Taken {
  answer: (SignedReceipt & { receiptId: Hex }) | null;
}

/** A channel that owes more than is known to be paid. */
export interface UnpaidChannel {
  channelId: Hex;
  payer: Hex;
  /** What it has cost, a request that is under way included. */
  owed: bigint;
  paid: bigint;
}

/**
 * What a node must not forget of its channels. One for all keys and models of a node, as they share its payers'
 * balances; one process at a time. Every method is durable when it returns.
 */
export interface PayeeStore {
  /** By channel: the request that is under way in this process, and how many callers wait for it. */
  readonly running: Map<Hex, { requestId: Hex; callers: number }>;
  find(requestId: Hex): Entry | null;
  /** The highest sequence that was taken in a channel. */
  head(channelId: Hex): Entry | null;
  /** `cumulativeFee` of the last receipt of a channel; 0 before the first. */
  lastFee(channelId: Hex): bigint;
  take(taken: Taken): void;
  /** What was taken under a key and has no receipt here, abandoned requests included. */
  unanswered(keyId: Hex): Entry[];
  keep(requestId: Hex, answer: SignedReceipt & { receiptId: Hex }): void;
  /** Channels of a payer, or of all, that owe more than is known to be paid. */
  unpaid(payer?: Hex): UnpaidChannel[];
  /** What the chain said at a block. Older blocks than one heard of before change nothing. */
  recordPaid(payer: Hex, block: number, paid: ReadonlyMap<Hex, bigint>): void;
  /** The latest block heard of for a payer; −1 for none. */
  seenBlock(payer: Hex): number;
  /** Request ids of a channel's receipts over more than is known to be paid, the highest sequence first. */
  due(channelId: Hex): Hex[];
  close(): void;
}

const SCHEMA = `
  CREATE TABLE IF NOT EXISTS channels (
    channel_id TEXT PRIMARY KEY,
    payer TEXT NOT NULL,
    owed TEXT NOT NULL,
    paid TEXT NOT NULL
  ) STRICT;
  CREATE INDEX IF NOT EXISTS channels_unpaid ON channels (payer) WHERE owed > paid;
  CREATE TABLE IF NOT EXISTS payers (payer TEXT PRIMARY KEY, block INTEGER NOT NULL) STRICT;
  CREATE TABLE IF NOT EXISTS vouchers (
    request_id TEXT PRIMARY KEY,
    channel_id TEXT NOT NULL,
    sequence TEXT NOT NULL,
    request TEXT NOT NULL,
    digest TEXT NOT NULL,
    key_id TEXT NOT NULL,
    cumulative_fee TEXT NOT NULL,
    receipt_id TEXT,
    receipt TEXT,
    receipt_signature TEXT,
    receipt_fee TEXT,
    UNIQUE (channel_id, sequence)
  ) STRICT;
  CREATE INDEX IF NOT EXISTS vouchers_unanswered ON vouchers (key_id) WHERE receipt_id IS NULL;`;

type Row = Record<string, string | null>;

/** Opens the channel ledger of a node; `:memory:` forgets, and is for tests that do not restart. @throws {LedgerInUse} */
export function openPayeeStore(file: string): PayeeStore {
  const db = openLedger(file, SCHEMA);
  const statement = {
    find: db.prepare("SELECT * FROM vouchers WHERE request_id = ?"),
    head: db.prepare("SELECT * FROM vouchers WHERE channel_id = ? ORDER BY sequence DESC LIMIT 1"),
    fee: db.prepare(
      "SELECT receipt_fee FROM vouchers WHERE channel_id = ? AND receipt_id IS NOT NULL ORDER BY sequence DESC LIMIT 1",
    ),
    take: db.prepare(
      "INSERT INTO vouchers (request_id, channel_id, sequence, request, digest, key_id, cumulative_fee) " +
        "VALUES (?, ?, ?, ?, ?, ?, ?)",
    ),
    owe: db.prepare(
      "INSERT INTO channels (channel_id, payer, owed, paid) VALUES (?, ?, ?, ?) " +
        "ON CONFLICT DO UPDATE SET owed = excluded.owed",
    ),
    keep: db.prepare(
      "UPDATE vouchers SET receipt_id = ?, receipt = ?, receipt_signature = ?, receipt_fee = ? WHERE request_id = ?",
    ),
    unanswered: db.prepare("SELECT * FROM vouchers WHERE key_id = ? AND receipt_id IS NULL"),
    unpaid: db.prepare("SELECT * FROM channels WHERE owed > paid ORDER BY channel_id"),
    unpaidBy: db.prepare("SELECT * FROM channels WHERE payer = ? AND owed > paid ORDER BY channel_id"),
    pay: db.prepare("UPDATE channels SET paid = ? WHERE channel_id = ? AND payer = ?"),
    see: db.prepare("INSERT INTO payers (payer, block) VALUES (?, ?) ON CONFLICT DO UPDATE SET block = excluded.block"),
    seen: db.prepare("SELECT block FROM payers WHERE payer = ?"),
    due: db.prepare(
      "SELECT v.request_id FROM vouchers v JOIN channels c USING (channel_id) " +
        "WHERE v.channel_id = ? AND v.receipt_fee > c.paid ORDER BY v.sequence DESC",
    ),
  };

  const entryOf = (row: Row): Entry => ({
    requestId: row.request_id as Hex,
    channelId: row.channel_id as Hex,
    request: parseRequest(JSON.parse(row.request!)),
    digest: row.digest as Hex,
    keyId: row.key_id as Hex,
    cumulativeFee: BigInt(row.cumulative_fee!),
    answer: row.receipt_id
      ? {
          receiptId: row.receipt_id as Hex,
          receipt: receiptFromWire(JSON.parse(row.receipt!)),
          signature: row.receipt_signature as Hex,
        }
      : null,
  });
  const first = (row: unknown): Entry | null => (row ? entryOf(row as Row) : null);
  const seenBlock = (payer: Hex): number =>
    Number((statement.seen.get(payer) as { block: number } | undefined)?.block ?? -1);
  const lastFee = (channelId: Hex): bigint =>
    BigInt((statement.fee.get(channelId) as { receipt_fee: string } | undefined)?.receipt_fee ?? 0);

  return {
    running: new Map(),
    find: (requestId) => first(statement.find.get(requestId)),
    head: (channelId) => first(statement.head.get(channelId)),
    lastFee,
    take: ({ requestId, channelId, request, digest, keyId, cumulativeFee }) =>
      atOnce(db, () => {
        const wire = JSON.stringify(requestToWire(request));
        const fee = amountText(cumulativeFee);
        statement.take.run(requestId, channelId, sequenceText(request.sequence), wire, digest, keyId, fee);
        statement.owe.run(channelId, request.channel.payer, fee, amountText(0n));
      }),
    keep: (requestId, { receiptId, receipt, signature }) =>
      atOnce(db, () => {
        const entry = first(statement.find.get(requestId))!;
        const wire = JSON.stringify(receiptToWire(receipt));
        statement.keep.run(receiptId, wire, signature, amountText(receipt.cumulativeFee), requestId);
        const owed = amountText(lastFee(entry.channelId));
        statement.owe.run(entry.channelId, entry.request.channel.payer, owed, amountText(0n));
      }),
    unanswered: (keyId) => statement.unanswered.all(keyId).map((row) => entryOf(row as Row)),
    unpaid: (payer) =>
      (payer === undefined ? statement.unpaid.all() : statement.unpaidBy.all(payer)).map((row) => {
        const { channel_id, payer, owed, paid } = row as Record<string, string>;
        return { channelId: channel_id as Hex, payer: payer as Hex, owed: BigInt(owed!), paid: BigInt(paid!) };
      }),
    recordPaid: (payer, block, paid) =>
      atOnce(db, () => {
        if (block < seenBlock(payer)) return;
        statement.see.run(payer, block);
        for (const [channelId, amount] of paid) statement.pay.run(amountText(amount), channelId, payer);
      }),
    seenBlock,
    due: (channelId) => statement.due.all(channelId).map((row) => (row as Row).request_id as Hex),
    close: () => db.close(),
  };
}
