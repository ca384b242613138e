import { formatUnits } from "ethers";
import type { Calendar, Tranche } from "./calendar.ts";
import { SUPPLY } from "./schedule.ts";

export const FORMATS = ["table", "json", "csv"] as const;
export type Format = (typeof FORMATS)[number];

/** Exact OPG, without an exponent. */
const exact = (wei: bigint) => formatUnits(wei, 18);
const day = (seconds: number) => new Date(seconds * 1_000).toISOString().slice(0, 10);
/** Percent of the supply, exact to a millionth. */
function share(wei: bigint): string {
  const millionths = (wei * 100_000_000n) / SUPPLY;
  return `${millionths / 1_000_000n}.${String(millionths % 1_000_000n).padStart(6, "0")}`;
}
/** For eyes: thousands apart, to the nearest cent. */
function rounded(wei: bigint): string {
  const [whole, cents] = formatUnits((wei + 5n * 10n ** 15n) / 10n ** 16n, 2).split(".");
  return `${BigInt(whole!).toLocaleString("en-US")}.${(cents ?? "").padEnd(2, "0").slice(0, 2)}`;
}

/** The calendar as the user asked for it, without a closing line break. */
export function print(calendar: Calendar, format: Format): string {
  if (format === "json") return json(calendar);
  return format === "csv" ? csv(calendar) : table(calendar);
}

function json({ token, source, now, tranches, scheduled, released, deviations }: Calendar): string {
  const time = (seconds: number) => new Date(seconds * 1_000).toISOString();
  const content = {
    token,
    source,
    asOf: time(now),
    supply: exact(SUPPLY),
    scheduled: exact(scheduled),
    released: exact(released),
    tranches: tranches.map((each) => ({
      month: each.month,
      date: time(each.due),
      allocation: each.allocation,
      amount: exact(each.amount),
      percentOfSupply: share(each.amount),
      circulatingSupply: exact(each.circulating),
      status: each.status,
      released: exact(each.released),
      transactions: each.transactions.map(({ hash, at, amount }) => ({ hash, date: time(at), amount: exact(amount) })),
    })),
    deviations,
  };
  return JSON.stringify(content, null, 2);
}

const COLUMNS = [
  "month",
  "date",
  "allocation",
  "amount",
  "percent_of_supply",
  "circulating_supply",
  "status",
  "released",
  "transactions",
  "transaction_dates",
];

function csv({ tranches }: Calendar): string {
  const row = (each: Tranche) => [
    each.month,
    day(each.due),
    each.allocation,
    exact(each.amount),
    share(each.amount),
    exact(each.circulating),
    each.status,
    exact(each.released),
    each.transactions.map(({ hash }) => hash).join(" "),
    each.transactions.map(({ at }) => day(at)).join(" "),
  ];
  return [COLUMNS, ...tranches.map(row)].map((cells) => cells.join(",")).join("\n");
}

function table({ token, source, now, tranches, scheduled, released, deviations }: Calendar): string {
  const head = ["month", "date", "allocation", "amount (OPG)", "% supply", "circulating", "released", "status", "by"];
  const rows = tranches.map((each) => [
    String(each.month),
    day(each.due),
    each.allocation,
    rounded(each.amount),
    share(each.amount).slice(0, -2),
    rounded(each.circulating),
    each.status === "future" ? "" : rounded(each.released),
    each.status,
    each.transactions.map(({ hash, at }) => `${hash} ${day(at)}`).join(", "),
  ]);
  const left = new Set([1, 2, 7, 8]);
  const widths = head.map((title, i) => Math.max(title.length, ...rows.map((row) => row[i]!.length)));
  const line = (cells: string[]) =>
    cells
      .map((cell, i) => (left.has(i) ? cell.padEnd(widths[i]!) : cell.padStart(widths[i]!)))
      .join("  ")
      .trimEnd();
  return [
    `OPG ${token}, ${day(now)}, read from ${source === "vesting" ? "the unlock contract" : "transfers of the vesters"}`,
    "",
    line(head),
    ...rows.map(line),
    "",
    `Scheduled so far ${rounded(scheduled)} OPG, released ${rounded(released)} OPG of ${rounded(SUPPLY)}.`,
    deviations.length === 0
      ? "The chain keeps to the schedule."
      : `${deviations.length} deviations from the schedule:\n${deviations.map(({ code, allocation, message }) => `  ${code} ${allocation}: ${message}`).join("\n")}`,
  ].join("\n");
}
