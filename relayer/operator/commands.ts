// SPDX-License-Identifier: GPL-3.0-or-later
// The commands of an operator. With --json: one document on standard output, and nothing else there.
import { InvalidArgumentError, Option, type Command } from "commander";
import { configKeys, describeConfig, ENVIRONMENT, type Config } from "../config/index.ts";
import { ITEM_STATES } from "../store/schema.ts";
import { SCOPES, type Scope } from "../store/schema-operation.ts";
import { examine } from "./doctor.ts";
import { itemQuery, MAX_LIMIT, TRANSACTION_STATES, transactionQuery } from "./messages.ts";
import { publicConfig } from "./secrets.ts";
import { openSource, type Source, type SourceOptions } from "./source.ts";
import { showBatches, showReceipts, showStatus, showTransactions, table } from "./tables.ts";

/** Runs a command: one line and exit code 1 for whatever goes wrong. */
type Run = (action: () => Promise<void>) => Promise<void>;

interface Common {
  json?: boolean;
  url?: string;
}
interface Listing extends Common {
  state?: string;
  key?: string;
  since?: number;
  limit: number;
  cursor?: string;
}

const print = (json: boolean | undefined, value: unknown, text: () => string): void =>
  console.log(json ? JSON.stringify(value) : text());

/** Adds `config`, `status`, `receipts`, `batches`, `transactions`, `retry`, `keys` and `doctor`. */
export function operatorCommands(
  program: Command,
  configuration: () => Config,
  hasConfiguration: () => boolean,
  main: Run,
): void {
  const command = (name: string, description: string): Command =>
    program
      .command(name)
      .description(description)
      .option("--url <url>", "asks the relayer there, with the key in RELAYER_API_KEY")
      .option("--json", "as one JSON document");
  const using = (options: SourceOptions, use: (source: Source) => Promise<void>): Promise<void> =>
    main(async () => {
      const source = await openSource(options);
      try {
        await use(source);
      } finally {
        await source.close();
      }
    });
  const from = ({ url }: Common): SourceOptions => ({ url, configuration });

  program
    .command("config")
    .description("every key with its default and meaning; with --config what is in force, without secrets")
    .option("--defaults", "keys, defaults and meanings, also where a file is given")
    .option("--json", "as one JSON document")
    .action(({ json, defaults }: { json?: boolean; defaults?: boolean }) =>
      main(async () => {
        if (defaults || !hasConfiguration())
          return print(json, { keys: configKeys(), environment: ENVIRONMENT }, describeConfig);
        const shown = publicConfig(configuration());
        return print(json, shown, () => JSON.stringify(shown, null, 2));
      }),
    );

  command("status", "backlog, account, calls, nodes and queues").action((options: Common) =>
    using(from(options), async (source) => {
      const status = await source.status();
      print(options.json, status, () => showStatus(status));
    }),
  );

  const listing = (name: string, description: string, states: readonly string[], keyed: boolean): Command => {
    const made = command(name, description)
      .addOption(new Option("--state <state>", "only those in this state").choices(states))
      .option("--since <time>", "only those from then on: 90m, 12h, 7d, or an ISO date", parseSince)
      .option("--limit <count>", `at most so many, up to ${MAX_LIMIT}`, parseLimit, 50)
      .option("--cursor <cursor>", "goes on where the page before ended");
    return keyed ? made.option("--key <keyId>", "only those of this signing key") : made;
  };
  listing("receipts", "receipts, newest first", ITEM_STATES, true).action((options: Listing) =>
    using(from(options), async (source) => {
      const page = await source.receipts(itemQuery.parse(options));
      print(options.json, page, () => showReceipts(page));
    }),
  );
  listing("batches", "batches, newest first", ITEM_STATES, true).action((options: Listing) =>
    using(from(options), async (source) => {
      const page = await source.batches(itemQuery.parse(options));
      print(options.json, page, () => showBatches(page));
    }),
  );
  listing("transactions", "calls and what they cost, newest first", TRANSACTION_STATES, false).action(
    (options: Listing) =>
      using(from(options), async (source) => {
        const page = await source.transactions(transactionQuery.parse(options));
        print(options.json, page, () => showTransactions(page));
      }),
  );

  command("retry", "makes one thing due now; says why where that would change nothing")
    .argument("<id>", "a receipt id, a batch digest, or the number of a transaction")
    .action((id: string, options: Common) =>
      using(from(options), async (source) => {
        const done = await source.retry(id.toLowerCase());
        const what = done.did === "reopened" ? "was set aside, and waits for a call again" : "is due now";
        print(options.json, done, () => `${done.kind} ${done.id} ${what} (${done.state})`);
      }),
    );

  keyCommands(program, configuration, using);

  program
    .command("doctor")
    .description("looks at everything that a relayer needs; exit code 1 if something fails")
    .option("--json", "as one JSON document")
    .action(({ json }: Common) =>
      main(async () => {
        const told = json
          ? undefined
          : ({ check, status, detail, fix }: Awaited<ReturnType<typeof examine>>[number]): void =>
              console.log(`${status.padEnd(4)}  ${check}: ${detail}${fix === undefined ? "" : `\n      → ${fix}`}`);
        const findings = await examine(configuration(), process.env, told);
        const failed = findings.some(({ status }) => status === "fail");
        if (json) console.log(JSON.stringify({ ok: !failed, findings }));
        if (failed) process.exitCode = 1;
      }),
    );
}

function keyCommands(
  program: Command,
  configuration: () => Config,
  using: (options: SourceOptions, use: (source: Source) => Promise<void>) => Promise<void>,
): void {
  const keys = program.command("keys").description("API keys of operators and, where wanted, of nodes");
  const command = (name: string, description: string): Command =>
    keys
      .command(name)
      .description(description)
      .option("--url <url>", "asks the relayer there, with an admin key in RELAYER_API_KEY")
      .option("--json", "as one JSON document");
  const from = ({ url }: Common): SourceOptions => ({ url, configuration, create: true });

  command("create", "makes a key, and shows it this once")
    .addOption(
      new Option("--scope <scope...>", "what it may do; admin may everything")
        .choices([...SCOPES])
        .makeOptionMandatory(),
    )
    .option("--label <text>", "whose it is", "")
    .option("--receipts-per-minute <count>", "quota of submissions under it", parseCount)
    .action((options: Common & { scope: Scope[]; label: string; receiptsPerMinute?: number }) =>
      using(from(options), async (source) => {
        const { scope: scopes, label, receiptsPerMinute = null } = options;
        const made = await source.createKey({ label, scopes, receiptsPerMinute });
        print(
          options.json,
          made,
          () => `${made.secret}\n\nThis is the only time it is shown. Revoke it as ${made.key.id}.`,
        );
      }),
    );
  command("list", "keys without their secrets").action((options: Common) =>
    using(from(options), async (source) => {
      const items = await source.listKeys();
      const day = (millis: number | null): string => (millis === null ? "-" : new Date(millis).toISOString());
      print(options.json, { items }, () =>
        items.length === 0
          ? "No keys."
          : table(
              ["id", "scopes", "label", "last used", "revoked"],
              items.map((one) => [one.id, one.scopes.join(","), one.label, day(one.lastUsedAt), day(one.revokedAt)]),
            ),
      );
    }),
  );
  command("revoke", "ends a key at once and for good")
    .argument("<id>", "as keys list tells it")
    .action((id: string, options: Common) =>
      using(from(options), async (source) => {
        const revoked = await source.revokeKey(id);
        print(options.json, revoked, () => `${revoked.id} is revoked.`);
      }),
    );
}

const UNITS: Record<string, number> = { s: 1_000, m: 60_000, h: 3_600_000, d: 86_400_000 };

/** `90m` ago, or a date; unix milliseconds. */
function parseSince(text: string): number {
  const span = /^(\d{1,9})([smhd])$/.exec(text);
  const at = span ? Date.now() - Number(span[1]) * UNITS[span[2]!]! : Date.parse(text);
  if (!Number.isFinite(at)) throw new InvalidArgumentError("Say 90m, 12h, 7d, or an ISO date.");
  return Math.max(0, at);
}

function parseCount(text: string): number {
  if (!/^[1-9]\d{0,7}$/.test(text)) throw new InvalidArgumentError("A whole number, 1 or more.");
  return Number(text);
}

function parseLimit(text: string): number {
  const count = parseCount(text);
  if (count > MAX_LIMIT) throw new InvalidArgumentError(`At most ${MAX_LIMIT}.`);
  return count;
}
