/**
 * `npm run test:servers`: the suites that need a server from outside npm, against a real PostgreSQL and real Redis servers
 * of their own. It starts them in temporary folders on free ports, and leaves nothing behind. Where one is not installed
 * it fails and says how to install it: it never skips.
 *
 * With DATABASE_URL set, that server is used instead; its database must be empty.
 */
import { spawnSync } from "node:child_process";
import { globSync } from "node:fs";
import { type PostgresServer, startPostgres } from "../test/support/postgres.ts";

// The suites start Redis servers of their own, to wipe and stop them.
if (spawnSync("redis-server", ["--version"]).status !== 0)
  throw new Error("No Redis server found. On Debian: apt-get install redis-server.");

const given = process.env["DATABASE_URL"];
const server: Pick<PostgresServer, "url" | "stop"> =
  given === undefined ? await startPostgres() : { url: given, stop: async () => undefined };
try {
  const files = globSync("test/servers/**/*.test.ts").sort();
  const run = spawnSync("hardhat", ["test", "mocha", ...files], {
    env: { ...process.env, TEST_DATABASE_URL: server.url },
    stdio: ["ignore", "pipe", "inherit"],
  });
  const output = run.stdout.toString();
  process.stdout.write(output);
  const count = (word: string) => Number(new RegExp(`^\\s*(\\d+) ${word}`, "m").exec(output)?.[1] ?? 0);
  const failed = count("failing") + count("pending");
  console.log(`\n${count("passing")} passed, ${failed} failed`);
  process.exitCode = run.status === 0 && failed === 0 && count("passing") > 0 ? 0 : 1;
} finally {
  await server.stop();
}
