import type { History } from "../history.ts";
import { inRange } from "../history.ts";
import { indexSource, type IndexRow, type IndexSource } from "../index-source.ts";
import { Check, type Line } from "./check.ts";

/** Rows of the index, and events that they stand for, each as one string that says all that matters. */
interface Pair {
  collection: string;
  fields: string;
  row: (row: IndexRow) => unknown[];
  events: (history: History) => unknown[][];
}

const id = (value: unknown) => (value as { id: string } | null)?.id ?? "nobody";
const NOBODY = `0x${"0".repeat(40)}`;
const orNobody = (address: string) => (address === NOBODY ? "nobody" : address);

const PAIRS: Pair[] = [
  {
    collection: "batches",
    fields: "count root settler settledAt transaction",
    row: (row) => [
      row["id"],
      row["count"],
      row["root"],
      row["settler"] ?? "nobody",
      row["settledAt"],
      row["transaction"],
    ],
    events: ({ batches }) => [
      ...batches.map(({ digest, batch, time, transaction }) => [
        ...[digest, batch.count, batch.root, orNobody(batch.settler), time, transaction],
      ]),
    ],
  },
  {
    collection: "settledReceipts",
    fields: "requestId settledAt transaction",
    row: (row) => [row["id"], row["requestId"], row["settledAt"], row["transaction"]],
    events: ({ receipts }) =>
      receipts.map(({ receiptId, requestId, time, transaction }) => [receiptId, requestId, time, transaction]),
  },
  {
    collection: "collections",
    fields: "channel { id } sequence amount paid transaction",
    row: (row) => [id(row["channel"]), row["sequence"], row["amount"], row["paid"], row["transaction"]],
    events: ({ collected }) =>
      collected.map(({ channelId, sequence, amount, paid, transaction }) => [
        ...[channelId, sequence, amount, paid, transaction],
      ]),
  },
  {
    collection: "feePayments",
    fields:
      "node { id } model { id } settler payer epoch amount nodeShare modelShare stakersShare treasuryShare settlerShare transaction",
    row: (row) => [
      ...[id(row["node"]), id(row["model"]), row["settler"] ?? "nobody", row["payer"], row["epoch"], row["amount"]],
      ...[row["nodeShare"], row["modelShare"], row["stakersShare"], row["treasuryShare"], row["settlerShare"]],
      row["transaction"],
    ],
    events: ({ feesPaid }) =>
      feesPaid.map(({ nodeId, modelId, settler, payer, epoch, amount, shares, transaction }) => [
        ...[nodeId, modelId, orNobody(settler), payer, epoch, amount, shares.node, shares.model],
        ...[shares.stakers, shares.treasury, shares.settler, transaction],
      ]),
  },
  {
    collection: "slashes",
    fields: "reporter amount reward transaction",
    row: (row) => [row["reporter"], row["amount"], row["reward"], row["transaction"]],
    events: ({ slashes }) =>
      slashes.map(({ reporter, amount, reward, transaction }) => [reporter, amount, reward, transaction]),
  },
  {
    collection: "faults",
    fields: "key { id } requestId slashed bps transaction",
    row: (row) => [id(row["key"]), row["requestId"], row["slashed"], row["bps"], row["transaction"]],
    events: ({ faults }) =>
      faults.map(({ keyId, requestId, slashed, bps, transaction }) => [keyId, requestId, slashed, bps, transaction]),
  },
  {
    collection: "twinTrades",
    fields: "price protocolFee subjectFee transaction",
    row: (row) => [row["price"], row["protocolFee"], row["subjectFee"], row["transaction"]],
    events: ({ twinFees }) =>
      twinFees.flatMap((each) =>
        each.kind === "trade" ? [[each.price, each.protocol, each.subject, each.transaction]] : [],
      ),
  },
];

/** The index against the logs, entity by entity. One that lags is behind, and none of its rows is missing. */
export async function checkIndex(history: History, url: string): Promise<Line[]> {
  return compareIndex(history, indexSource(url));
}

export async function compareIndex(history: History, index: IndexSource): Promise<Line[]> {
  const line = new Check(
    "index",
    "The public index says what the chain's logs say.",
    `rows of ${PAIRS.map(({ collection }) => collection).join(", ")} against the same events read by eth_getLogs, field by field`,
  );
  const head = await index.head();
  if (head.failed) line.cannotTell("index", "it stopped at an error of its own");
  if (head.number < history.to)
    line.cannotTell("index", `it is behind: at block ${head.number}, asked for ${history.to}`);
  if (line.unknown.length > 0) return [line];
  for (const { collection, fields, row, events } of PAIRS) {
    const rows = (await index.rows(collection, fields, history.from, history.to)).map(row);
    compare(line, collection, rows, events(inBlocks(history)));
  }
  return [line];
}

/** Both as bags of strings: what is too many on either side is a mismatch. */
function compare(line: Check, collection: string, rows: unknown[][], events: unknown[][]): void {
  const count = new Map<string, number>();
  for (const event of events) count.set(event.join(" "), (count.get(event.join(" ")) ?? 0) + 1);
  for (const row of rows) count.set(row.join(" "), (count.get(row.join(" ")) ?? 0) - 1);
  for (const [subject, balance] of count)
    line.require(balance === 0, {
      subject: `${collection}: ${subject}`,
      expected: balance > 0 ? "a row for this event" : "an event for this row",
      found: "none",
      transaction: null,
    });
}

/** Only the events of the range. */
function inBlocks(history: History): History {
  const within = <T extends Parameters<typeof inRange>[1]>(events: T[]): T[] =>
    events.filter((each) => inRange(history, each));
  return {
    ...history,
    batches: within(history.batches),
    receipts: within(history.receipts),
    collected: within(history.collected),
    feesPaid: within(history.feesPaid),
    slashes: within(history.slashes),
    faults: within(history.faults),
    twinFees: within(history.twinFees),
  };
}
