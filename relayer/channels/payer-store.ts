// SPDX-License-Identifier: MIT
import type { Channel, Hex, Receipt } from "../protocol/index.ts";
import { receiptFromWire, receiptToWire, type SignedReceipt } from "../node/wire.ts";
import { amountText, openLedger, sequenceText } from "./ledger.ts";

/**
 * A request a payer made. `open`: its lane waits for the answer. `abandoned`: the payer moved on, and the node may still
 * hold the voucher against a receipt. `answered`: its receipt was checked and counts.
 */
export interface Made {
  requestId: Hex;
  channelId: Hex;
  channel: Channel;
  sequence: bigint;
  inputHash: Hex;
  contextHash: Hex;
  maxCumulative: bigint;
  /** Unix seconds. */
  madeAt: bigint;
  state: "open" | "abandoned" | "answered";
  /** Of the voucher; `null` until it is signed. */
  signature: Hex | null;
  answer: SignedReceipt | null;
}

/** Where a channel stands, by what was signed and answered. */
export interface Standing {
  /** Highest sequence that was used; 0 for none. */
  last: bigint;
  /** Fee of the receipts so far: what is owed. */
  owed: bigint;
  /** Most that the channel may have cost before the next request, as an honest node reckons: a later receipt's total
   * covers the requests before it, so only those after the last receipt can add. */
  covered: bigint;
  /** Most that the channel can ever be made to pay, whatever the node signs: the highest voucher. */
  liable: bigint;
}

/** What a payer must not forget: what it signed. One process at a time; every method is durable when it returns. */
export interface PayerStore {
  make(request: Omit<Made, "state" | "signature" | "answer">): void;
  find(requestId: Hex): Made | null;
  recordSignature(requestId: Hex, signature: Hex): void;
  abandon(requestId: Hex): void;
  answer(requestId: Hex, answer: SignedReceipt): void;
  /** A receipt that proves a fault together with one that was kept. */
  keepEvidence(requestId: Hex, answer: SignedReceipt): void;
  evidence(): (SignedReceipt & { requestId: Hex })[];
  standing(channelId: Hex): Standing;
  /** Least and most that a receipt at this sequence may say, by the receipts around it; `null` for no bound. */
  around(channelId: Hex, sequence: bigint): { least: bigint; most: bigint | null };
  /** Requests whose answer is waited for, the oldest first. */
  open(): Made[];
  /** Channels that were signed for, at one node or all. */
  channels(nodeId?: Hex): Hex[];
  close(): void;
}

const SCHEMA = `
  CREATE TABLE IF NOT EXISTS requests (
    request_id TEXT PRIMARY KEY,
    channel_id TEXT NOT NULL,
    channel TEXT NOT NULL,
    node_id TEXT NOT NULL,
    sequence TEXT NOT NULL,
    input_hash TEXT NOT NULL,
    context_hash TEXT NOT NULL,
    max_cumulative TEXT NOT NULL,
    made_at INTEGER NOT NULL,
    state TEXT NOT NULL DEFAULT 'open',
    signature TEXT,
    receipt TEXT,
    receipt_signature TEXT,
    receipt_fee TEXT,
    UNIQUE (channel_id, sequence)
  ) STRICT;
  CREATE UNIQUE INDEX IF NOT EXISTS one_open_in_a_lane ON requests (channel_id) WHERE state = 'open';
  CREATE INDEX IF NOT EXISTS requests_unanswered ON requests (channel_id, sequence) WHERE state <> 'answered';
  CREATE INDEX IF NOT EXISTS requests_signed ON requests (channel_id, max_cumulative);
  CREATE INDEX IF NOT EXISTS requests_answered ON requests (channel_id, sequence, receipt_fee) WHERE state = 'answered';
  CREATE INDEX IF NOT EXISTS requests_node ON requests (node_id, channel_id);
  CREATE TABLE IF NOT EXISTS evidence (
    request_id TEXT NOT NULL,
    receipt TEXT NOT NULL,
    signature TEXT NOT NULL,
    UNIQUE (request_id, receipt)
  ) STRICT;`;

type Row = Record<string, string | number | null>;

/** Opens the ledger of a payer; `:memory:` forgets, and is for tests that do not restart. @throws {LedgerInUse} */
export function openPayerStore(file: string): PayerStore {
  const db = openLedger(file, SCHEMA);
  const statement = {
    make: db.prepare(
      "INSERT INTO requests (request_id, channel_id, channel, node_id, sequence, input_hash, context_hash, " +
        "max_cumulative, made_at) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)",
    ),
    find: db.prepare("SELECT * FROM requests WHERE request_id = ?"),
    sign: db.prepare("UPDATE requests SET signature = ? WHERE request_id = ? AND signature IS NULL"),
    abandon: db.prepare("UPDATE requests SET state = 'abandoned' WHERE request_id = ? AND state = 'open'"),
    answer: db.prepare(
      "UPDATE requests SET state = 'answered', receipt = ?, receipt_signature = ?, receipt_fee = ? " +
        "WHERE request_id = ? AND state <> 'answered'",
    ),
    keep: db.prepare("INSERT INTO evidence (request_id, receipt, signature) VALUES (?, ?, ?) ON CONFLICT DO NOTHING"),
    evidence: db.prepare("SELECT * FROM evidence ORDER BY rowid"),
    last: db.prepare("SELECT max(sequence) AS value FROM requests WHERE channel_id = ?"),
    owed: db.prepare("SELECT max(receipt_fee) AS value FROM requests WHERE channel_id = ? AND state = 'answered'"),
    liable: db.prepare("SELECT max(max_cumulative) AS value FROM requests WHERE channel_id = ?"),
    covered: db.prepare(
      "SELECT max(max_cumulative) AS value FROM requests WHERE channel_id = ?1 AND state <> 'answered' AND sequence > " +
        "coalesce((SELECT max(sequence) FROM requests WHERE channel_id = ?1 AND state = 'answered'), '')",
    ),
    before: db.prepare(
      "SELECT max(receipt_fee) AS value FROM requests WHERE channel_id = ? AND state = 'answered' AND sequence < ?",
    ),
    after: db.prepare(
      "SELECT min(receipt_fee) AS value FROM requests WHERE channel_id = ? AND state = 'answered' AND sequence > ?",
    ),
    open: db.prepare("SELECT * FROM requests WHERE state = 'open' ORDER BY rowid"),
    channels: db.prepare("SELECT DISTINCT channel_id FROM requests"),
    channelsAt: db.prepare("SELECT DISTINCT channel_id FROM requests WHERE node_id = ?"),
  };
  const madeOf = (row: Row): Made => {
    const { lane, ...channel } = JSON.parse(row.channel as string) as Omit<Channel, "lane"> & { lane: string };
    return {
      requestId: row.request_id as Hex,
      channelId: row.channel_id as Hex,
      channel: { ...channel, lane: BigInt(lane) },
      sequence: BigInt(row.sequence!),
      inputHash: row.input_hash as Hex,
      contextHash: row.context_hash as Hex,
      maxCumulative: BigInt(row.max_cumulative!),
      madeAt: BigInt(row.made_at!),
      state: row.state as Made["state"],
      signature: row.signature as Hex | null,
      answer: row.receipt
        ? { receipt: receiptFromWire(JSON.parse(row.receipt as string)), signature: row.receipt_signature as Hex }
        : null,
    };
  };
  const valueOf = (row: unknown): bigint | null => {
    const { value } = row as { value: string | null };
    return value === null ? null : BigInt(value);
  };
  const wireOf = (receipt: Receipt): string => JSON.stringify(receiptToWire(receipt));
  const max = (a: bigint, b: bigint | null): bigint => (b !== null && b > a ? b : a);

  return {
    make: ({ requestId, channelId, channel, sequence, inputHash, contextHash, maxCumulative, madeAt }) =>
      void statement.make.run(
        ...([requestId, channelId, JSON.stringify({ ...channel, lane: String(channel.lane) })] as const),
        ...([channel.nodeId, sequenceText(sequence), inputHash, contextHash] as const),
        ...([amountText(maxCumulative), madeAt] as const),
      ),
    find: (requestId) => {
      const row = statement.find.get(requestId);
      return row ? madeOf(row as Row) : null;
    },
    recordSignature: (requestId, signature) => void statement.sign.run(signature, requestId),
    abandon: (requestId) => void statement.abandon.run(requestId),
    answer: (requestId, { receipt, signature }) =>
      void statement.answer.run(wireOf(receipt), signature, amountText(receipt.cumulativeFee), requestId),
    keepEvidence: (requestId, { receipt, signature }) => void statement.keep.run(requestId, wireOf(receipt), signature),
    evidence: () =>
      statement.evidence.all().map((row) => ({
        requestId: row.request_id as Hex,
        receipt: receiptFromWire(JSON.parse(row.receipt as string)),
        signature: row.signature as Hex,
      })),
    standing(channelId) {
      const owed = valueOf(statement.owed.get(channelId)) ?? 0n;
      return {
        last: valueOf(statement.last.get(channelId)) ?? 0n,
        owed,
        covered: max(owed, valueOf(statement.covered.get(channelId))),
        liable: valueOf(statement.liable.get(channelId)) ?? 0n,
      };
    },
    around: (channelId, sequence) => ({
      least: valueOf(statement.before.get(channelId, sequenceText(sequence))) ?? 0n,
      most: valueOf(statement.after.get(channelId, sequenceText(sequence))),
    }),
    open: () => statement.open.all().map((row) => madeOf(row as Row)),
    channels: (nodeId) =>
      (nodeId === undefined ? statement.channels.all() : statement.channelsAt.all(nodeId)).map(
        (row) => (row as Row).channel_id as Hex,
      ),
    close: () => db.close(),
  };
}
