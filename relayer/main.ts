// SPDX-License-Identifier: GPL-3.0-or-later
import { Command } from "commander";
import { pino } from "pino";
import { createRelayer } from "./app.ts";
import { describeConfig, loadConfig, loadSigner } from "./config.ts";
import type { Log } from "./chain/manager-options.ts";

const program = new Command("relayer")
  .description("Carries signed and proved inferences to the chain, and decides nothing.")
  .requiredOption("--config <file>", "configuration, YAML or JSON")
  .addHelpText("after", () => `\n${describeConfig()}`);

async function run(file: string): Promise<void> {
  const config = loadConfig(file);
  const log = pino({ level: config.log }, pino.destination({ dest: 2, sync: true })) as unknown as Log;
  const signer = await loadSigner(config);
  const relayer = await createRelayer(config, {
    signer: { address: signer.address, signTransaction: (transaction) => signer.signTransaction(transaction) },
    log,
  });
  console.log(`Relayer listens on ${relayer.url}`);
  console.log(`  sends from   ${relayer.sender}`);
  console.log(`  settles in   ${relayer.registry} on chain ${config.chain.chainId}`);
  console.log(`  keeps data   ${config.store.databaseUrl ? "in Postgres" : config.store.dataDir}`);

  let stopping = false;
  const stop = (): void => {
    if (stopping) process.exit(130); // asked twice: what is committed is safe
    stopping = true;
    log.info({}, "stopping");
    relayer.close().then(
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

program.parse();
run(program.opts<{ config: string }>().config).catch((error: Error & { code?: string }) => {
  console.error(`${error.code ? `${error.code}: ` : ""}${error.message}`);
  process.exit(1);
});
