// SPDX-License-Identifier: GPL-3.0-or-later
import { Command } from "commander";
import { pino } from "pino";
import { ConfigError, describeConfig, keystoreWarning, loadConfig, type Config } from "./config/index.ts";
import type { Log } from "./chain/manager-options.ts";
import { deadLetterCommands } from "./dead-letters.ts";
import { operatorCommands } from "./operator/commands.ts";
import { scrubber, secretsOf } from "./operator/secrets.ts";
import { openSigner } from "./signer/index.ts";
import { verifyCommand } from "./verify/command.ts";
import { salesCommands } from "./sales.ts";
import { printable } from "./printable.ts";
import { reconcileCommand } from "./reconcile/command.ts";

const program = new Command("relayer")
  .description("Carries signed and proved inferences to the chain, and decides nothing.")
  .option("--config <file>", "configuration, YAML or JSON; verify needs none")
  .addHelpText("after", () => `\n${describeConfig()}`)
  .action(() => main(run));

// Known before any configuration is; more come with it.
let scrub = scrubber(secretsOf(undefined, process.env));
const file = (): string | undefined => program.opts<{ config?: string }>().config;

function configuration(): Config {
  const path = file();
  if (path === undefined) throw new ConfigError("config_unreadable", "Say --config and a file, YAML or JSON");
  const config = loadConfig(path);
  scrub = scrubber(secretsOf(config, process.env));
  return config;
}

program
  .command("worker")
  .description("verifies evidence for the relayers that share this ledger and Redis, and does nothing else")
  .action(() => main(work));
deadLetterCommands(program, configuration, main);
operatorCommands(program, configuration, () => file() !== undefined, main);
verifyCommand(program, main);
salesCommands(program, configuration, main);
reconcileCommand(program, configuration, main);

async function run(): Promise<void> {
  const config = configuration();
  const log = logOf(config);
  const warning = keystoreWarning(config);
  if (warning !== undefined) log.warn({}, warning);
  // Commands start without what only a relayer needs.
  const { createRelayer } = await import("./app.ts");
  const relayer = await createRelayer(config, { signer: await openSigner(config), log });
  console.log(`Relayer listens on ${relayer.url}`);
  console.log(`  sends from   ${relayer.sender}`);
  console.log(`  settles in   ${relayer.registry} on chain ${config.chain.chainId}`);
  console.log(`  keeps data   ${config.store.databaseUrl ? "in Postgres" : config.store.dataDir}`);
  if (config.queue.redisUrl) console.log("  shares work  over Redis");
  if (relayer.dashboard) console.log(`  shows queues ${relayer.dashboard}`);
  stopOnSignal(relayer, log);
}

async function work(): Promise<void> {
  const config = configuration();
  const log = logOf(config);
  const { createWorker } = await import("./worker.ts");
  const worker = await createWorker(config, log);
  console.log(`Worker verifies for ${config.chain.registry} on chain ${config.chain.chainId}`);
  stopOnSignal(worker, log);
}

function logOf(config: Config): Log {
  const options = { level: config.log, hooks: { streamWrite: (line: string) => scrub(line) } };
  return pino(options, pino.destination({ dest: 2, sync: true })) as unknown as Log;
}

function stopOnSignal(what: { close(): Promise<void> }, log: Log): void {
  let stopping = false;
  const stop = (): void => {
    if (stopping) process.exit(130); // asked twice: what is committed is safe
    stopping = true;
    log.info({}, "stopping");
    what.close().then(
      () => process.exit(0),
      (error: Error) => {
        log.error({ error: error.message }, "did not stop cleanly");
        process.exit(1);
      },
    );
  };
  process.on("SIGINT", stop);
  process.on("SIGTERM", stop);
}

/** One line and exit code 1 for whatever goes wrong. */
async function main(action: () => Promise<void>): Promise<void> {
  try {
    await action();
  } catch (thrown) {
    const error = thrown as Error & { code?: string };
    const text = scrub(`${error.code ? `${error.code}: ` : ""}${error.message}`);
    console.error(text.split("\n").map(printable).join("\n"));
    process.exit(1);
  }
}

await program.parseAsync();
