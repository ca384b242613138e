// SPDX-License-Identifier: GPL-3.0-or-later
/**
 * `npm run demo`: the whole path on this machine, for real. A local chain, the relayer, three nodes; inferences are
 * run, signed or proved, settled, and a lending vault acts on one of them. Then everything an attacker would try first.
 *
 *   npm run demo             runs and ends
 *   npm run demo -- --keep   leaves chain, relayer and nodes running, and prints where they are
 */
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { parseArgs } from "node:util";
import { digitImages } from "../circuits/models/digits/data.ts";
import { createRelayerClient } from "../relayer/node/index.ts";
import { Mode, type Domain, type Hex, type Opening } from "../relayer/protocol/index.ts";
import { tryEverything } from "./attacks.ts";
import { startChain } from "./chain.ts";
import { type DemoNode, type Job, registerModels, startNodes } from "./nodes.ts";
import { launchRelayer } from "./relayer.ts";
import { bold, heading, line, median, progress, table } from "./text.ts";
import { openVault, tryScore, valuesToScore } from "./vault.ts";

const COUNTS = { plain: 200, enclave: 150, risk: 40, digits: 4 };
const MODE_NAMES = ["VANILLA", "ZKML", "TEE"];

const { values: options } = parseArgs({ options: { keep: { type: "boolean", default: false } } });
const folder = await mkdtemp(join(tmpdir(), "opengradient-demo-"));
const closers: (() => Promise<unknown>)[] = [() => rm(folder, { recursive: true, force: true })];
let interrupted = false;
process.once("SIGINT", () => {
  interrupted = true;
  void closeAll().then(() => process.exit(130));
});

try {
  await main();
} catch (problem) {
  if (!interrupted) console.error(problem);
  process.exitCode = 1;
} finally {
  if (!options.keep || process.exitCode === 1) await closeAll();
}
if (!options.keep) process.exit();

async function closeAll(): Promise<void> {
  for (const close of closers.splice(0).reverse()) await close().catch((problem: unknown) => console.error(problem));
}
