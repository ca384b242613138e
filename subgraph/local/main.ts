/**
 * `npm run subgraph:local`: the index beside the demo's chain, with one command: PostgreSQL, graph-node and the subgraph,
 * and the demo itself left running. Ctrl-C ends all of it and deletes what it kept.
 *
 *   npm run subgraph:local                   starts the demo, and the index as soon as its contracts are there
 *   npm run subgraph:local -- --record FILE  attaches to a chain that runs: FILE as `npm run demo -- --record` writes it
 *   … --built                                the demo's contracts and circuits are there: it does not build them again
 *   … --port 8000                            where GraphQL is answered
 *   … --check                                when the demo is through, compares every entity with the chain, and ends
 */
import { type ChildProcess, spawn } from "node:child_process";
import { existsSync, mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { parseArgs } from "node:util";
import { JsonRpcProvider } from "ethers";
import { findGnd, GndUnavailable } from "./binary.ts";
import { buildSubgraph } from "./build.ts";
import { compareIndex, describeComparison } from "./compare/index.ts";
import { indexed } from "./gnd.ts";
import { startIndex } from "./stack.ts";

interface DemoRecord {
  rpcUrl: string;
  contracts: Record<string, string>;
}

const { values: options } = parseArgs({
  options: {
    record: { type: "string" },
    port: { type: "string", default: "8000" },
    built: { type: "boolean", default: false },
    check: { type: "boolean", default: false },
  },
});
const folder = mkdtempSync(join(tmpdir(), "opengradient-index-"));
const closers: (() => Promise<void> | void)[] = [() => rmSync(folder, { recursive: true, force: true })];
let stopping: Promise<void> | undefined;
const stop = (): Promise<void> =>
  (stopping ??= (async () => {
    for (const close of closers.splice(0).reverse())
      await Promise.resolve(close()).catch((problem: unknown) => console.error(problem));
  })());
// A terminal's Ctrl-C reaches the launcher too, and comes twice: only the first counts.
for (const signal of ["SIGINT", "SIGTERM"] as const)
  process.on(signal, () => void stop().then(() => process.exit(signal === "SIGINT" ? 130 : 143)));

try {
  const agrees = await main();
  if (options.check) {
    await stop();
    process.exit(agrees ? 0 : 1);
  }
} catch (problem) {
  if (!stopping) console.error(problem instanceof GndUnavailable ? problem.message : problem);
  await stop();
  process.exit(1);
}

async function main(): Promise<boolean> {
  findGnd(); // before anything is built
  console.log("Compiling the subgraph, once for each state of its sources …");
  buildSubgraph();
  const demo = options.record === undefined ? startDemo() : undefined;
  const file = options.record ?? demo!.record;
  await until(() => existsSync(file) || demo?.ended() === true, "the demo's contracts");
  if (demo?.ended()) throw new Error("The demo ended before its contracts were there.");
  const { rpcUrl, contracts } = JSON.parse(readFileSync(file, "utf8")) as DemoRecord;
  const index = await startIndex({ rpcUrl, contracts, port: Number(options.port) });
  closers.push(() => index.stop());
  console.log(`The index answers GraphQL at ${index.url}`);
  console.log(`  of the chain at ${rpcUrl}; PostgreSQL at ${new URL(index.databaseUrl).host}. Ctrl-C ends all of it.`);
  if (!options.check) return true;

  if (demo) await until(() => demo.through() || demo.ended(), "the demo's end");
  if (demo?.ended()) throw new Error("The demo failed.");
  const provider = new JsonRpcProvider(rpcUrl, 31337, { staticNetwork: true });
  const block = await provider.getBlockNumber();
  provider.destroy();
  await indexed(index.gnd, rpcUrl, block);
  const report = await compareIndex(index.url, rpcUrl, contracts, block);
  console.log(describeComparison(report));
  return report.problems.length === 0;
}

/** The demo in a process of its own, left running when it is through. */
function startDemo(): { record: string; through(): boolean; ended(): boolean } {
  const record = join(folder, "demo.json");
  const child: ChildProcess = spawn(
    "tsx",
    [options.built ? "demo/main.ts" : "demo/start.ts", "--keep", "--record", record],
    {
      stdio: ["ignore", "pipe", "inherit"],
      // A group of its own: Ctrl-C is for us, who end the index before its chain.
      detached: true,
    },
  );
  let through = false;
  let ended = false;
  child.stdout!.on("data", (chunk: Buffer) => {
    process.stdout.write(chunk);
    through ||= chunk.toString().includes("Left running");
  });
  const gone = new Promise<void>((resolve) => {
    const done = (): void => {
      ended = true;
      resolve();
    };
    child.once("exit", done);
    child.once("error", done);
  });
  closers.push(async () => {
    if (!ended) process.kill(-child.pid!, "SIGINT");
    await gone;
  });
  return { record, through: () => through, ended: () => ended };
}

async function until(condition: () => boolean, what: string): Promise<void> {
  for (let tries = 0; !condition(); tries++) {
    if (stopping) throw new Error("stopped");
    if (tries > 12_000) throw new Error(`Waited twenty minutes for ${what}.`);
    await new Promise((resolve) => setTimeout(resolve, 100));
  }
}
