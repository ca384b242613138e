// SPDX-License-Identifier: GPL-3.0-or-later
import type { Command } from "commander";
import { isHexString } from "ethers";
import { ConfigError, type Config } from "./config/index.ts";
import { listOpenSales, type OpenSale } from "./gateway/reconcile.ts";
import { printable } from "./printable.ts";
import type { Hex } from "./protocol/index.ts";
import { openDatabase, type Database } from "./store/database.ts";
import { endUnfetched, recordRefund } from "./store/sales.ts";

type Run = (action: () => Promise<void>) => Promise<void>;

/** `relayer sales`, `withdraw` and `refunded`, over a gateway's ledger. */
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
    .command("withdraw")
    .description("gives an answer that was paid and not fetched to nobody any more, so that you can refund it")
    .argument("<request>", "request id, as sales prints it")
    .action((request: string) =>
      main(() =>
        withLedger(configuration(), async (db) => {
          if (!(await endUnfetched(db, hashOf(request), Date.now())))
            throw new ConfigError("config_invalid", `${request} was not paid, was served, or is worked on`);
          console.log("Withdrawn: a refund is owed.");
        }),
      ),
    );
  program
    .command("refunded")
    .description("records that you gave the money of a sale back that owes it")
    .argument("<request>", "request id, as sales prints it")
    .argument("<transaction>", "hash of your transfer")
    .action((request: string, transaction: string) =>
      main(() =>
        withLedger(configuration(), async (db) => {
          if (!(await recordRefund(db, hashOf(request), hashOf(transaction), Date.now())))
            throw new ConfigError("config_invalid", `${request} owes nothing: withdraw what was not fetched first`);
          console.log("Recorded.");
        }),
      ),
    );
}

function hashOf(text: string): Hex {
  if (!isHexString(text, 32)) throw new ConfigError("config_invalid", `${printable(text)} is no hash of 32 bytes`);
  return text.toLowerCase() as Hex;
}

// A reason may be a facilitator's words.
const describe = ({ requestId, state, payer, amount, reason, rule }: OpenSale): string =>
  printable(`${requestId} ${state}: ${amount} of ${payer}; ${rule}${reason === null ? "" : ` (${reason})`}`);
const bigintAsText = (_: string, value: unknown): unknown => (typeof value === "bigint" ? String(value) : value);

async function withLedger(config: Config, use: (db: Database) => Promise<void>): Promise<void> {
  const database = await openDatabase({ dataDir: config.store.dataDir, url: config.store.databaseUrl });
  try {
    await use(database.db);
  } finally {
    await database.close();
  }
}
