// SPDX-License-Identifier: MIT
import type { Command } from "commander";
import { createChainReader } from "../chain/reader.ts";
import { createRpc } from "../chain/rpc.ts";
import type { Config } from "../config/index.ts";
import { printable } from "../printable.ts";
import { openDatabase } from "../store/database.ts";
import type { Report } from "./reconciler.ts";
import { reconcilerOf } from "./service.ts";
import type { Finding } from "./types.ts";

type Run = (action: () => Promise<void>) => Promise<void>;

/** `relayer reconcile`: exit code 0 where ledger and chain agree as far as is known, 1 where not, 2 where nothing is known. */
export function reconcileCommand(program: Command, configuration: () => Config, main: Run): void {
  program
    .command("reconcile")
    .description("compares the ledger with the chain, over the subgraph or the chain's logs, and changes nothing")
    .option("--json", "as JSON")
    .option("--newest <items>", "only the newest batches and lone receipts, this many of each")
    .action(({ json, newest }: { json?: boolean; newest?: string }) =>
      main(async () => {
        const report = await reconcileOnce(configuration(), newest === undefined ? undefined : Number(newest));
        console.log(json ? JSON.stringify(report) : describeReport(report));
        process.exitCode = report.verdict === "mismatch" ? 1 : report.verdict === "unknown" ? 2 : 0;
      }),
    );
}

/** One comparison of all of a ledger, or of its newest items. */
export async function reconcileOnce(config: Config, newest?: number): Promise<Report> {
  const { chain: at } = config;
  const rpc = createRpc({ urls: at.rpcUrls, chainId: at.chainId, timeoutMs: at.requestTimeoutMs });
  const domain = { chainId: BigInt(at.chainId), verifyingContract: at.registry };
  const chain = await createChainReader({ rpc, domain, ttlMs: at.cacheMs });
  const database = await openDatabase({ dataDir: config.store.dataDir, url: config.store.databaseUrl });
  try {
    const reconciler = reconcilerOf({ config, db: database.db, rpc, chain });
    const { next: _, ...report } = await reconciler.run(newest === undefined ? {} : { newest });
    return report;
  } finally {
    await database.close();
  }
}

/** A report for people. */
export function describeReport({ verdict, source, index, finalBlock, upTo, ...rest }: Report): string {
  const { compared, unchecked, counts, findings, reason } = rest;
  const lines = [`${verdict}: ${compared} items of the ledger held against ${source ?? "nothing"}`];
  if (reason) lines.push(`  nothing is known: ${reason}`);
  if (upTo !== null) lines.push(`  up to block ${upTo} of ${finalBlock} final`);
  if (unchecked > 0) lines.push(`  ${unchecked} older than the logs that were read: raise reconcile.maxLogBlocks`);
  if (index.state !== "none") {
    const where = index.block === null ? "" : `, at block ${index.block}`;
    lines.push(`  the index is ${index.state}${where}${index.reason ? `: ${index.reason}` : ""}`);
  }
  for (const [kind, count] of Object.entries(counts)) if (count > 0) lines.push(`  ${kind}: ${count}`);
  const shown = findings.filter(({ kind }) => kind !== "behind").slice(0, SHOWN);
  for (const finding of shown) lines.push(`    ${describe(finding)}`);
  // An index's words may stand in any of them.
  return lines.map((line) => line.match(/^ */)![0] + printable(line.trimStart())).join("\n");
}

const SHOWN = 50;

function describe(finding: Finding): string {
  const { kind, ...facts } = finding;
  const parts = Object.entries(facts).map(
    ([name, value]) => `${name} ${typeof value === "object" ? JSON.stringify(value) : value}`,
  );
  return `${kind} ${parts.join(", ")}`;
}
