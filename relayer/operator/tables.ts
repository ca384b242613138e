// SPDX-License-Identifier: MIT
// How answers look to people. `--json` is for programs.
import { formatEther, formatUnits } from "ethers";
import type { Source } from "./source.ts";
import type { Status } from "./status.ts";

type Listed<K extends "receipts" | "batches" | "transactions"> = Awaited<ReturnType<Source[K]>>;

/** Columns padded to their longest cell. */
export function table(head: readonly string[], lines: readonly (readonly unknown[])[]): string {
  const cells = [head, ...lines].map((line) => line.map((cell) => (cell === null ? "-" : String(cell))));
  const widths = head.map((_, column) => Math.max(...cells.map((line) => line[column]!.length)));
  return cells
    .map((line) =>
      line
        .map((cell, column) => cell.padEnd(widths[column]!))
        .join("  ")
        .trimEnd(),
    )
    .join("\n");
}

const time = (millis: number): string => new Date(millis).toISOString().slice(0, 19) + "Z";

/** 90 → `2m`: coarse, as a person asks how old something is. */
export function age(seconds: number | null): string {
  if (seconds === null) return "-";
  if (seconds < 90) return `${seconds}s`;
  if (seconds < 5_400) return `${Math.round(seconds / 60)}m`;
  if (seconds < 129_600) return `${Math.round(seconds / 3_600)}h`;
  return `${Math.round(seconds / 86_400)}d`;
}

const pages = (next: string | null): string => (next === null ? "" : `\n\nmore: --cursor ${next}`);

export function showReceipts({ items, next }: Listed<"receipts">): string {
  if (items.length === 0) return "No receipts.";
  const lines = items.map((one) => [
    ...[one.receiptId, one.reason ? `${one.state} (${one.reason})` : one.state, time(one.receivedAt)],
    ...[one.batch === null ? "alone" : `${one.batch} ${one.index}`, one.transactionId],
  ]);
  return table(["receipt", "state", "received", "batch", "transaction"], lines) + pages(next);
}

export function showBatches({ items, next }: Listed<"batches">): string {
  if (items.length === 0) return "No batches.";
  const lines = items.map((one) => [
    ...[one.digest, one.count, one.reason ? `${one.state} (${one.reason})` : one.state, time(one.receivedAt)],
    ...[one.tries, one.dueAt > 0 ? time(one.dueAt) : "now", one.transactionId],
  ]);
  return table(["batch", "receipts", "state", "received", "tries", "due", "transaction"], lines) + pages(next);
}

export function showTransactions({ items, next }: Listed<"transactions">): string {
  if (items.length === 0) return "No transactions.";
  const lines = items.map((one) => [
    ...[one.id, one.reason ? `${one.state} (${one.reason})` : one.state, one.kind, one.nonce, one.attempts.length],
    ...[one.hash ?? one.attempts.at(-1)?.hash ?? null, one.gasUsed],
    ...[one.feeWei === null ? null : formatEther(one.feeWei), time(one.createdAt)],
  ]);
  const head = ["id", "state", "kind", "nonce", "attempts", "hash", "gas", "ether", "queued"];
  return table(head, lines) + pages(next);
}

export function showStatus(status: Status): string {
  const { chain, sender, deadLetters } = status;
  const gwei = chain.baseFeePerGas === null ? "unknown" : `${formatUnits(chain.baseFeePerGas, "gwei")} gwei`;
  const parts = [
    `chain ${chain.chainId}, block ${chain.head ?? "unknown"}, ${age(chain.blockAgeSeconds)} old, base fee ${gwei}`,
    `sends from ${sender.address ?? "unknown"}: ${sender.balanceWei === null ? "unknown" : formatEther(sender.balanceWei)} ether, nonce ${sender.latestNonce ?? "unknown"}, pending ${sender.pendingNonce ?? "unknown"}`,
    table(
      ["node", "up", "block", "behind", "ms"],
      chain.endpoints.map(({ host, up, head, lag, latencyMs }) => [
        ...[host, up ? "yes" : "NO", head, lag, latencyMs === null ? null : Math.round(latencyMs)],
      ]),
    ),
    status.backlog.length === 0
      ? "The ledger is empty."
      : table(
          ["items", "state", "count", "oldest"],
          status.backlog.map((row) => [row.table, row.state, row.count, age(row.oldestSeconds)]),
        ),
    table(
      ["work", "due", "since", "failures"],
      status.works.map((row) => [row.work, row.due, age(row.lagSeconds), row.consecutiveFailures]),
    ),
  ];
  if (status.transactions.length > 0)
    parts.push(
      table(
        ["transaction", "state", "kind", "nonce", "attempts", "age", "rests because"],
        status.transactions.map((row) => [
          ...[row.id, row.state, row.kind, row.nonce, row.attempts, age(row.ageSeconds), row.parked],
        ]),
      ),
    );
  if (status.spent.length > 0)
    parts.push(
      table(
        ["spent on", "calls", "gas", "ether"],
        status.spent.map(({ kind, calls, gas, wei }) => [kind, calls, gas, formatEther(wei)]),
      ),
    );
  const dead = Object.entries(deadLetters ?? {}).filter(([, count]) => count > 0);
  if (deadLetters)
    parts.push(
      dead.length === 0 ? "No dead letters." : `Dead letters: ${dead.map(([w, n]) => `${w} ${n}`).join(", ")}`,
    );
  return parts.join("\n\n");
}
