import { execFileSync, spawn, spawnSync, type ChildProcess } from "node:child_process";
import { randomBytes } from "node:crypto";
import { chmodSync, chownSync, existsSync, globSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { freePort } from "../../demo/wire.ts";

export interface PostgresServer {
  /** Of a database in UTF-8 with the C locale, as its owner, password included. */
  url: string;
  /** Ends the server and deletes everything it kept. */
  stop(): Promise<void>;
  /** As if its machine lost power: nothing is said to anybody. The files stay. */
  kill(): Promise<void>;
  /** Starts it again over the same files, at the same address. */
  start(): Promise<void>;
}

/** No PostgreSQL is installed here. The message says what to do. */
export class PostgresMissing extends Error {
  override readonly name = "PostgresMissing";
}

/** The newest PostgreSQL binaries of the machine: Debian keeps them off the path. */
function binaries(): string {
  const found = globSync("/usr/lib/postgresql/*/bin/postgres").sort(
    (a, b) => Number(a.split("/")[4]) - Number(b.split("/")[4]),
  );
  const debian = found.at(-1);
  if (debian !== undefined) return debian.replace(/\/postgres$/, "");
  for (const folder of (process.env["PATH"] ?? "").split(":")) if (existsSync(join(folder, "postgres"))) return folder;
  throw new PostgresMissing(
    "No PostgreSQL server found. On Debian: apt-get install postgresql. Or, where one is asked for, set DATABASE_URL.",
  );
}

/**
 * A PostgreSQL server of one's own in a temporary folder on a free port of the loopback address.
 * @param settings As `name=value`. Files are not synced unless one of them says so.
 * @throws {PostgresMissing} where none is installed.
 */
export async function startPostgres(...settings: string[]): Promise<PostgresServer> {
  const bin = binaries();
  const folder = mkdtempSync(join(tmpdir(), "opengradient-postgres-"));
  try {
    return await startIn(folder, bin, settings);
  } catch (error) {
    rmSync(folder, { recursive: true, force: true });
    throw error;
  }
}

async function startIn(folder: string, bin: string, settings: readonly string[]): Promise<PostgresServer> {
  // The password is for graph-node, which takes no URL without one; and nobody else on this machine gets in.
  const password = randomBytes(12).toString("hex");
  const passwordFile = join(folder, "password");
  writeFileSync(passwordFile, password);
  // PostgreSQL refuses to run as root; Debian's package brings a user for it.
  const identity: { uid?: number; gid?: number } = {};
  if (process.getuid?.() === 0) {
    identity.uid = Number(execFileSync("id", ["-u", "postgres"]).toString());
    identity.gid = Number(execFileSync("id", ["-g", "postgres"]).toString());
    for (const path of [folder, passwordFile]) chownSync(path, identity.uid, identity.gid);
  }
  chmodSync(folder, 0o700);
  const data = join(folder, "data");
  const port = await freePort();
  const init = spawnSync(
    join(bin, "initdb"),
    [
      ...["-D", data, "-U", "test", "-A", "scram-sha-256", "--pwfile", passwordFile],
      ...["-E", "UTF8", "--locale=C", "--no-sync"],
    ],
    { ...identity, cwd: folder },
  );
  rmSync(passwordFile);
  if (init.status !== 0) throw new Error(`initdb failed: ${init.stderr.toString()}`);
  let server: ChildProcess | undefined;
  // Whatever becomes of this process, the server ends with it, at once and without a trace.
  const last = (): void => {
    server?.kill("SIGKILL");
    rmSync(folder, { recursive: true, force: true, maxRetries: 20, retryDelay: 100 });
  };
  process.once("exit", last);

  async function start(): Promise<void> {
    const words = ["fsync=off", ...settings].flatMap((setting) => ["-c", setting]);
    const ready = ["-q", "-h", "127.0.0.1", "-p", String(port)];
    for (let tries = 0; ; tries++) {
      // After a kill the first one may be refused: children of the one before are still leaving.
      if (!server || hasEnded(server))
        server = spawn(
          join(bin, "postgres"),
          ["-D", data, "-p", String(port), "-h", "127.0.0.1", "-k", folder, ...words],
          // A group of its own: a terminal's Ctrl-C is for whoever started it, who ends it when its clients are gone.
          { ...identity, cwd: folder, stdio: "ignore", detached: true },
        );
      await new Promise((resolve) => setTimeout(resolve, 100));
      if (spawnSync(join(bin, "pg_isready"), ready).status === 0) return;
      if (tries > 300) throw new Error("PostgreSQL did not start.");
    }
  }
  async function end(signal: NodeJS.Signals): Promise<void> {
    const ending = server;
    server = undefined;
    if (!ending || hasEnded(ending)) return;
    const ended = new Promise((resolve) => ending.once("exit", resolve));
    ending.kill(signal);
    await ended;
  }
  async function stop(): Promise<void> {
    await end("SIGINT"); // fast shutdown
    process.removeListener("exit", last);
    rmSync(folder, { recursive: true, force: true });
  }
  try {
    await start();
  } catch (error) {
    await stop();
    throw error;
  }
  const url = `postgres://test:${password}@127.0.0.1:${port}/postgres`;
  return { url, stop, kill: () => end("SIGKILL"), start };
}

const hasEnded = ({ exitCode, signalCode }: ChildProcess): boolean => exitCode !== null || signalCode !== null;
