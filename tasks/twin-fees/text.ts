// What traders read: plain words, full dates, no terms of the trade's engineers.
import { FEES, type FeeChange, type FeeName, type FeesKnowledge, type FeesReading } from "../../relayer/twin/fees.ts";
import { chainTime, percentOf, stepsOf, tradeOfOneEther } from "../../relayer/twin/wire.ts";

const NAMES: Record<FeeName, string> = { protocol: "protocol fee", subject: "subject fee" };
const RECEIVERS: Record<FeeName, string> = { protocol: "to the market", subject: "to the twin's owner" };
/** A newest block older than this says that the node stands still, or the clock is wrong. */
export const OLD_BLOCK_SECONDS = 120;

const percent = (share: bigint): string => `${percentOf(share)}%`;
const capital = (text: string): string => text[0]!.toUpperCase() + text.slice(1);

/** "2026-11-23 12:40:05 UTC" */
export function moment(seconds: number): string {
  return `${new Date(seconds * 1_000).toISOString().slice(0, 19).replace("T", " ")} UTC`;
}

/** "1 day 23 h 59 min 12 s", without the units of which there are none. */
export function duration(seconds: number): string {
  const units: [number, string, string][] = [
    [Math.floor(seconds / 86_400), "day", "days"],
    [Math.floor(seconds / 3_600) % 24, "h", "h"],
    [Math.floor(seconds / 60) % 60, "min", "min"],
    [seconds % 60, "s", "s"],
  ];
  const shown = units
    .filter(([count]) => count > 0)
    .map(([count, one, many]) => `${count} ${count === 1 ? one : many}`);
  return shown.length === 0 ? "0 s" : shown.join(" ");
}

/** An error in one short line that cannot move a terminal's cursor; what a node or a library adds is not for traders. */
export function plainReason({ message }: Error): string {
  const line = message
    .split("\n")[0]!
    .replace(/^HHE\d+: /, "")
    .replace(/\p{Cc}/gu, " ")
    .replace(/[.:\s]+$/, "");
  return line.length <= 120 ? line : `${line.slice(0, 120)}…`;
}

/** What happened, as one sentence or two. */
export function sentence(change: FeeChange): string {
  const name = NAMES[change.fee];
  const by = change.transaction === null ? "" : ` (transaction ${change.transaction})`;
  switch (change.kind) {
    case "increase_announced": {
      const { present, announced, effectiveAt, at } = change;
      const when = `${moment(effectiveAt)}, in ${duration(Math.max(0, effectiveAt - at))}`;
      return `WARNING: the ${name} goes up from ${percent(present)} to ${percent(announced)} on ${when}${by}.`;
    }
    case "increase_withdrawn":
      return `The increase of the ${name} to ${percent(change.withdrawn)} was called off${by}.`;
    case "increased":
      return `The ${name} went up from ${percent(change.previous)} to ${percent(change.present)}${by}.`;
    case "decreased":
      return `The ${name} went down from ${percent(change.previous)} to ${percent(change.present)}${by}.`;
  }
}

/** The fees in one line. */
export function summary({ fees }: FeesReading): string {
  const each = FEES.map((fee) => `${NAMES[fee]} ${percent(fees[fee].present)} (never above ${percent(fees[fee].cap)})`);
  const together = percent(fees.protocol.present + fees.subject.present);
  return `${capital(each.join(", "))}, together ${together}.`;
}

/**
 * A warning for each increase that is announced.
 * @param now Unix seconds, for the time that is left.
 * @param old Whether it is not known what became of it.
 */
export function warnings({ fees }: FeesReading, now: number, old = false): string[] {
  return FEES.flatMap((fee) => {
    const { present, increase } = fees[fee];
    if (increase === null) return [];
    const left = increase.effectiveAt - now;
    const rise = `from ${percent(present)} to ${percent(increase.percent)}`;
    const when = moment(increase.effectiveAt);
    if (left > 0) return [`WARNING: the ${NAMES[fee]} goes up ${rise} on ${when}, in ${duration(left)}.`];
    if (old) return [`WARNING: the ${NAMES[fee]} was to go up ${rise} on ${when}.`];
    // Its time has come, and no block yet.
    return [`WARNING: the ${NAMES[fee]} goes up ${rise} with the next block.`];
  });
}

/** What can be said with certainty about the time to come. */
function outlook({ block, fees, notice }: FeesReading): string[] {
  const until = moment(block.timestamp + notice);
  if (FEES.some((fee) => fees[fee].increase !== null))
    return ["Until then trades pay the present fees or less. An increase may still be called off."];
  return [`No increase is announced. Trades before ${until} pay these fees or less, whatever is decided from now on.`];
}

export interface Place {
  market: string;
  chainId: number;
}

/** Everything, as lines for a terminal. */
export function screen(
  knowledge: FeesKnowledge,
  { market, chainId }: Place,
  now: number,
  happened: string[] = [],
): string[] {
  const { last, unknownSince } = knowledge;
  const head = [`Trading fees of the key market ${market} on chain ${chainId}`];
  const gone = (since: number) => `CANNOT REACH THE CHAIN since ${moment(since / 1_000)}.`;
  const heard = happened.length === 0 ? [] : ["", "What happened while you were watching:", ...happened];
  if (last === null)
    return [...head, unknownSince === null ? "" : `${gone(unknownSince)} Nothing is known yet.`, ...heard];
  const { reading } = last;
  const { block } = reading;
  const old = unknownSince !== null;
  const time = chainTime(last, now);
  const notes = old ? [`${gone(unknownSince)} The fees below are OLD and may have changed.`] : [];
  const age = Math.floor(now / 1_000) - block.timestamp;
  if (!old && age > OLD_BLOCK_SECONDS)
    notes.push(`The newest block that the node knows is ${duration(age)} old: the fees may have changed since.`);
  const news = [...warnings(reading, time, old), ...(old ? [] : outlook(reading))];
  return [
    ...head,
    `As of block ${block.number}, ${moment(block.timestamp)}`,
    ...(notes.length === 0 ? [] : ["", ...notes]),
    "",
    ...news,
    ...(news.length === 0 ? [] : [""]),
    ...feeTable(reading, old),
    "",
    ...tradeTable(reading, old),
    ...heard,
  ];
}

function feeTable({ fees }: FeesReading, old: boolean): string[] {
  const rows = FEES.map((fee) => {
    const { present, increase, cap } = fees[fee];
    const announced = increase === null ? "–" : percent(increase.percent);
    return [`${capital(NAMES[fee])} (${RECEIVERS[fee]})`, percent(present), announced, percent(cap)];
  });
  const sum = (of: (fee: FeeName) => bigint) => percent(FEES.reduce((total, fee) => total + of(fee), 0n));
  const any = FEES.some((fee) => fees[fee].increase !== null);
  const together = [
    "Both together",
    sum((fee) => fees[fee].present),
    any ? sum((fee) => fees[fee].increase?.percent ?? fees[fee].present) : "–",
    sum((fee) => fees[fee].cap),
  ];
  return table([["", old ? "then" : "now", "announced", "can never be above"], ...rows, together]);
}

function tradeTable(reading: FeesReading, old: boolean): string[] {
  const steps = stepsOf(reading);
  const trades = steps.map(tradeOfOneEther);
  return table([
    [
      "Keys priced at 1 ETH",
      ...steps.map(({ from }) => (from === null ? (old ? "then" : "now") : `from ${moment(from)}`)),
    ],
    ["Buying them costs you", ...trades.map(({ buyerPays }) => `${buyerPays} ETH`)],
    ["Selling them brings you", ...trades.map(({ sellerGets }) => `${sellerGets} ETH`)],
  ]);
}

/** Columns under each other: the first to the left, the others to the right. */
function table(rows: string[][]): string[] {
  const widths = rows[0]!.map((_, i) => Math.max(...rows.map((row) => row[i]!.length)));
  return rows.map((row) =>
    row.map((cell, i) => (i === 0 ? cell.padEnd(widths[i]!) : cell.padStart(widths[i]!))).join("   "),
  );
}
