// SPDX-License-Identifier: GPL-3.0-or-later
import type { Command } from "commander";
import { ConfigError, type Config } from "./config/index.ts";
import { printable } from "./printable.ts";
import { createBullQueue, type DeadLetter, type SharedQueue } from "./queue/bull.ts";
import { queuePrefix } from "./queues.ts";

/** Kinds of work that have dead letters; the others are never given up. */
const KINDS = ["verify", "publish"] as const;

type Run = (action: () => Promise<void>) => Promise<void>;

/** `relayer dead-letters` and `relayer replay`. */
export function deadLetterCommands(program: Command, configuration: () => Config, main: Run): void {
  program
    .command("dead-letters")
    .description("pieces of work that failed too often, with the reason; they are tried again by themselves in time")
    .option("--json", "as JSON")
    .action(({ json }: { json?: boolean }) =>
      main(() =>
        withQueue(configuration(), async (queue) => {
          const letters = await queue.deadLetters();
          console.log(json ? JSON.stringify(letters) : letters.map(describe).join("\n") || "No dead letters.");
        }),
      ),
    );
  program
    .command("replay")
    .description("tries dead letters again now")
    .argument("[work]", "verify or publish; all kinds without it")
    .argument("[key]", "one piece, as dead-letters prints it; all of the kind without it")
    .option("--json", "as JSON")
    .action((work: string | undefined, key: string | undefined, { json }: { json?: boolean }) =>
      main(() =>
        withQueue(configuration(), async (queue) => {
          const chosen =
            key === undefined
              ? (await queue.deadLetters()).filter((letter) => work === undefined || letter.work === work)
              : [{ work: work!, key }];
          for (const letter of chosen) await queue.replay(letter.work, letter.key);
          console.log(json ? JSON.stringify({ replayed: chosen.length }) : `${chosen.length} tried again.`);
        }),
      ),
    );
}

const describe = ({ work, key, reason, failures, diedAt }: DeadLetter): string =>
  `${printable(`${work} ${key}: ${reason}`)} (after ${failures} tries, ${new Date(diedAt).toISOString()})`;

async function withQueue(config: Config, use: (queue: SharedQueue) => Promise<void>): Promise<void> {
  const { redisUrl } = config.queue;
  if (redisUrl === undefined)
    throw new ConfigError("config_invalid", "Dead letters are kept in Redis: set REDIS_URL or queue.redisUrl");
  // It looks and tells; it runs no work.
  const none = { find: async () => [], run: async () => undefined, concurrency: 1, sweepMs: 1_000, deadAfter: 1 };
  const works = Object.fromEntries(KINDS.map((kind) => [kind, none]));
  const queue = await createBullQueue(works, { redisUrl, prefix: queuePrefix(config), runs: [], required: true });
  try {
    await use(queue);
  } finally {
    await queue.close();
  }
}
