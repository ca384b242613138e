// SPDX-License-Identifier: MIT
// Replays a day of base fees and load under sealing policies, and prints cost against delay: what the defaults stand on.
import { readFileSync, writeFileSync } from "node:fs";
import { Command } from "commander";
import type { WaitPolicy } from "../relayer/batches/policy.ts";
import { createRpc } from "../relayer/chain/rpc.ts";
import { parseConfig } from "../relayer/config/index.ts";
import { generateFees, MAINNET, parseFees, quantileOf, recordFees, ROLLUP, type FeeTrace } from "./sealing/fees.ts";
import { generateLoad, type LoadModel } from "./sealing/load.ts";
import { randomFrom } from "./sealing/random.ts";
import { delayAt, simulate, type Outcome, type Policies, type SettlementGas, type Timing } from "./sealing/simulate.ts";

const MINUTE = 60_000;
const NEVER = Number.MAX_SAFE_INTEGER;
const LOADS: LoadModel[] = [
  { name: "1/min", perSecond: 1 / 60, keys: 4, onChain: 0.02 },
  { name: "1/s", perSecond: 1, keys: 4, onChain: 0.02 },
  { name: "20/s", perSecond: 20, keys: 4, onChain: 0.02 },
];
const TIMING: Timing = { sweepMs: 1_000, signMs: 2_000, sendMs: 1_000, fulfilMs: 30_000, tip: 1_000_000n };

/** What a relayer does with no word in its configuration. */
function defaults(): Policies {
  const registry = `0x${"11".repeat(20)}`;
  const config = parseConfig({ chain: { chainId: 1, registry, rpcUrls: ["http://127.0.0.1:1"] } });
  const { sealing, settlement } = config;
  return {
    name: "defaults",
    sealing: sealing.policy,
    settlement: settlement.policy,
    aloneAfterMs: sealing.aloneAfterMs,
  };
}

/** Measured, in gas-snapshot.json. */
function measuredGas(): SettlementGas {
  const file = new URL("../gas-snapshot.json", import.meta.url);
  const text = readFileSync(file, "utf8");
  const of = (name: string): number => {
    const found = new RegExp(`"${name.replaceAll(/[.,()]/g, "\\$&")}": (\\d+)`).exec(text);
    if (!found) throw new Error(`gas-snapshot.json has no ${name}; run npm run gas`);
    return Number(found[1]);
  };
  return {
    firstBatch: of("settleBatches, 1 VANILLA batch of 1,000"),
    furtherBatch: of("settleBatches, each further batch"),
    alone: of("settleReceipts, 1 VANILLA receipt"),
  };
}

/** The defaults, what stands at either end of them, and what lies around them. */
function policiesFor(fees: FeeTrace): Policies[] {
  const usual = defaults();
  const with_ = (name: string, sealing: Partial<WaitPolicy>, settlement: Partial<WaitPolicy> = {}): Policies => ({
    ...usual,
    name,
    sealing: { ...usual.sealing, ...sealing },
    settlement: { ...usual.settlement, ...settlement },
  });
  const cheapest = quantileOf(fees, 0.4);
  const atOnce = { maxCount: 1, patientMs: 0, impatientMs: 0 };
  return [
    with_("never wait", atOnce, atOnce),
    with_("size only", { maxCount: 1_000, patientMs: NEVER, impatientMs: NEVER, marginMs: -NEVER }, atOnce),
    with_(
      "age only, 10 min",
      { maxCount: NEVER, patientMs: 10 * MINUTE, impatientMs: 10 * MINUTE, marginMs: -NEVER },
      atOnce,
    ),
    usual,
    with_("defaults, no deadlines", { marginMs: -NEVER }, { marginMs: -NEVER }),
    ...[15_000, 5 * MINUTE, 20 * MINUTE].map((patientMs) =>
      with_(`patient ${patientMs / 1_000} s`, {
        patientMs,
        impatientMs: Math.max(patientMs, usual.sealing.impatientMs),
      }),
    ),
    with_("maxCount 100", { maxCount: 100 }),
    with_("maxCount 10,000", { maxCount: 10_000 }),
    ...[10, 60].map((minutes) =>
      with_(
        `cheap is below 40 %, ${minutes} min`,
        { cheapBaseFee: cheapest, impatientMs: minutes * MINUTE },
        { cheapBaseFee: cheapest, impatientMs: minutes * MINUTE },
      ),
    ),
    with_("calls at once", {}, atOnce),
    with_("calls wait 5 min", {}, { patientMs: 5 * MINUTE }),
  ];
}

interface Row {
  policy: string;
  receipts: number;
  calls: number;
  "gas each": string;
  "gwei each": string;
  "ETH a day": string;
  p50: string;
  p95: string;
  p99: string;
  missed: string;
}

function rowOf(outcome: Outcome): Row {
  const { receipts, calls, gas, cost, deadlines, missed } = outcome;
  const digits = (value: number): string => value.toPrecision(3).replace(/e\+?(-?\d+)$/, " × 10^$1");
  const duration = (ms: number): string =>
    ms < 90_000
      ? `${Math.round(ms / 1_000)} s`
      : ms < 5_400_000
        ? `${Math.round(ms / MINUTE)} min`
        : `${(ms / 3_600_000).toFixed(1)} h`;
  return {
    ...{ policy: outcome.policies, receipts, calls },
    "gas each": Math.round(gas / receipts).toLocaleString("en"),
    "gwei each": digits(Number(cost) / receipts / 1e9),
    "ETH a day": digits(Number(cost) / 1e18),
    ...{
      p50: duration(delayAt(outcome, 0.5)),
      p95: duration(delayAt(outcome, 0.95)),
      p99: duration(delayAt(outcome, 0.99)),
    },
    missed: `${missed} of ${deadlines}`,
  };
}

/** A table as Markdown has it. */
function print(title: string, rows: Row[]): void {
  const names = Object.keys(rows[0]!) as (keyof Row)[];
  const cells = [names.map(String), ...rows.map((row) => names.map((name) => row[name].toLocaleString("en")))];
  const widths = names.map((_, i) => Math.max(...cells.map((line) => line[i]!.length)));
  const line = (words: string[]): string => `| ${words.map((word, i) => word.padEnd(widths[i]!)).join(" | ")} |`;
  console.log(`\n${title}\n`);
  console.log(
    [line(cells[0]!), line(widths.map((width) => "-".repeat(width))), ...cells.slice(1).map(line)].join("\n"),
  );
}

function checked(outcome: Outcome): Outcome {
  if (outcome.settledTimes.some((times) => times !== 1)) throw new Error("a receipt was lost, or settled twice");
  return outcome;
}

const program = new Command("simulate:sealing").description("cost against delay of sealing policies, over a day");
program
  .command("run", { isDefault: true })
  .option("--seed <text>", "of load and base fees", "2026-11-21")
  .option("--chain <name>", "mainnet, rollup or both", "both")
  .option("--fees <file>", "base fees of a chain instead: JSON of eth_feeHistory, or lines that end in wei")
  .option("--block-ms <ms>", "time between the blocks of that file", "12000")
  .option(
    "--loads <names>",
    `some of ${LOADS.map(({ name }) => name).join(", ")}`,
    LOADS.map(({ name }) => name).join(","),
  )
  .option("--json", "as JSON")
  .action((options: { seed: string; chain: string; fees?: string; blockMs: string; loads: string; json?: boolean }) => {
    const { seed } = options;
    const models = [MAINNET, ROLLUP].filter(({ name }) => options.chain === "both" || options.chain === name);
    const traces = options.fees
      ? [parseFees(readFileSync(options.fees, "utf8"), options.fees, Number(options.blockMs))]
      : models.map((model) => generateFees(model, randomFrom(`${seed} fees ${model.name}`)));
    const gas = measuredGas();
    const results: object[] = [];
    for (const fees of traces) {
      const gwei = (share: number): string => (Number(quantileOf(fees, share)) / 1e9).toPrecision(3);
      const about = `${fees.name}: base fee ${gwei(0)} to ${gwei(1)} gwei, median ${gwei(0.5)}`;
      for (const model of LOADS.filter(({ name }) => options.loads.split(",").includes(name))) {
        const load = generateLoad(model, randomFrom(`${seed} load ${model.name}`));
        const rows = policiesFor(fees).map((policies) => rowOf(checked(simulate(load, fees, policies, gas, TIMING))));
        results.push({ fees: fees.name, load: model.name, rows });
        if (!options.json) print(`${about}; ${model.name}`, rows);
      }
    }
    if (options.json) console.log(JSON.stringify(results, null, 2));
  });
program
  .command("record")
  .description("writes the base fees of a chain's newest blocks to a file, for --fees")
  .requiredOption("--rpc <url>", "a node")
  .requiredOption("--chain-id <id>", "its chain")
  .requiredOption("--out <file>", "where to")
  .option("--blocks <count>", "a day of mainnet by default", "7200")
  .action(async (options: { rpc: string; chainId: string; out: string; blocks: string }) => {
    const rpc = createRpc({ urls: [options.rpc], chainId: Number(options.chainId) });
    const text = await recordFees((method, params) => rpc.request(method, params), Number(options.blocks));
    writeFileSync(options.out, text);
    console.log(`${text.trim().split("\n").length - 1} base fees in ${options.out}`);
  });
await program.parseAsync();
