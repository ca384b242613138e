// SPDX-License-Identifier: GPL-3.0-or-later
import cliProgress from "cli-progress";
import { InvalidArgumentError, type Command } from "commander";
import type { Hex } from "../protocol/index.ts";
import { leavesSource } from "./leaves.ts";
import { reportJson, reportLines } from "./report.ts";
import { verify } from "./verify.ts";

interface Flags {
  rpc: string[];
  registry: Hex;
  leaves?: string[];
  relayer?: string;
  batch?: Hex;
  fromBlock?: number;
  toBlock?: number;
  step: number;
  json?: boolean;
}

/** `relayer verify`: needs no configuration, no ledger and no key. */
export function verifyCommand(program: Command, main: (action: () => Promise<void>) => Promise<void>): void {
  program
    .command("verify")
    .description(
      "rebuilds a settled receipt or batch from chain and published leaves alone; exits 1 if anything differs",
    )
    .argument("<id>", "receipt id or batch digest", hexOf(32))
    .requiredOption("--rpc <url...>", "JSON-RPC nodes; all must say the same", urls)
    .requiredOption("--registry <address>", "the InferenceRegistry", hexOf(20))
    .option(
      "--leaves <source...>",
      "file, folder, URL with {dataHash}, {path} or {cid}, ipfs:GATEWAY, walrus:AGGREGATOR",
    )
    .option("--relayer <url>", "may know where leaves and receipts are; what it says is checked")
    .option("--batch <digest>", "the batch that the receipt is in", hexOf(32))
    .option("--from-block <number>", "search the receipt's batch from here on", count)
    .option("--to-block <number>", "and up to here", count)
    .option("--step <blocks>", "blocks a search asks for at once", count, 2_000)
    .option("--json", "as JSON, with the opening that contracts take")
    .action((id: Hex, flags: Flags) => main(() => run(id, flags)));
}

async function run(id: Hex, { rpc, registry, leaves = [], relayer, json, ...search }: Flags): Promise<void> {
  const named = [...leaves, ...(relayer === undefined ? [] : [`${relayer.replace(/\/$/, "")}/v1/leaves/{dataHash}`])];
  const sources = await Promise.all(named.map(leavesSource));
  const bar = progressBar();
  try {
    const options = { rpcUrls: rpc, registry, leaves: sources, relayer, ...search, progress: bar.show };
    const report = await verify(id, options);
    bar.stop();
    console.log(json ? reportJson(report) : reportLines(report).join("\n"));
    if (!report.ok) process.exitCode = 1;
  } finally {
    bar.stop();
  }
}

/** How far a search came, for people at a terminal. */
function progressBar() {
  let bar: cliProgress.SingleBar | undefined;
  return {
    show(block: number, first: number, last: number, batches: number): void {
      if (!process.stderr.isTTY) return;
      if (!bar) {
        bar = new cliProgress.SingleBar({
          format: "searching [{bar}] block {at}, {batches} batches, {eta_formatted} left",
        });
        bar.start(last - first + 1, 0, { at: first, batches });
      }
      bar.update(block - first + 1, { at: block, batches });
    },
    stop(): void {
      bar?.stop();
      bar = undefined;
    },
  };
}

const hexOf = (bytes: number) => (text: string) => {
  if (!new RegExp(`^0x[0-9a-fA-F]{${2 * bytes}}$`).test(text))
    throw new InvalidArgumentError(`0x and ${2 * bytes} hex digits.`);
  return text.toLowerCase() as Hex;
};

function urls(text: string, before: string[] = []): string[] {
  if (!/^https?:\/\//.test(text) || !URL.canParse(text))
    throw new InvalidArgumentError("http:// or https:// of a node.");
  return [...before, text];
}

function count(text: string): number {
  if (!/^[0-9]{1,15}$/.test(text)) throw new InvalidArgumentError("a whole number.");
  return Number(text);
}
