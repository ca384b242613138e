// SPDX-License-Identifier: GPL-3.0-or-later
import type { Command } from "commander";
import { isHexString } from "ethers";
import { ConfigError, type Config } from "./config/index.ts";
import { listOpenSales, type OpenSale } from "./gateway/reconcile.ts";
import type { Hex } from "./protocol/index.ts";
import { openDatabase, type Database } from "./store/database.ts";
import { recordRefund } from "./store/sales.ts";

type Run = (action: () => Promise<void>) => Promise<void>;

/** `relayer sales` and `relayer refunded`, over a gateway's ledger. */
export function salesCommands(program: Command, configuration: () => Config, main: Run): void {
  program
    .command("sales")
    .description("sales of a gateway that were paid and not served, or served and not paid, and what follows from each")
    .option("--json", "as JSON")
    .action(({ json }: { json?: boolean }) =>
      main(() =>
        withLedger(configuration(), async (db) => {
          const open = await listOpenSales(db);
          const text = json ? JSON.stringify(open, bigintAsText) : open.map(describe).join("\n");
          console.log(text || "Work and money agree.");
        }),
      ),
    );
  program
    .command("refunded")
    .description("records that you gave the money of a sale back")
    .argument("<request>", "request id, as sales prints it")
    .argument("<transaction>", "hash of your transfer")
    .action((request: string, transaction: string) =>
      main(() =>
        withLedger(configuration(), async (db) => {
          for (const hash of [request, transaction])
            if (!isHexString(hash, 32)) throw new ConfigError("config_invalid", `${hash} is no hash of 32 bytes`);
          const [id, hash] = [request, transaction].map((one) => one.toLowerCase() as Hex);
          if (!(await recordRefund(db, id!, hash!, Date.now())))
            throw new ConfigError("config_invalid", `${request} was not paid, was served, or is refunded already`);
          console.log("Recorded.");
        }),
      ),
    );
}

const describe = ({ requestId, state, payer, amount, rule }: OpenSale): string =>
  `${requestId} ${state}: ${amount} of ${payer}; ${rule}`;
const bigintAsText = (_: string, value: unknown): unknown => (typeof value === "bigint" ? String(value) : value);

async function withLedger(config: Config, use: (db: Database) => Promise<void>): Promise<void> {
  const database = await openDatabase({ dataDir: config.store.dataDir, url: config.store.databaseUrl });
  try {
    await use(database.db);
  } finally {
    await database.close();
  }
}
