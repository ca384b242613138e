// SPDX-License-Identifier: MIT
// A PostgreSQL server of its own for a measurement, with what it says being on disk; where one is installed.
import { execFileSync, spawn, spawnSync } from "node:child_process";
import { chmodSync, chownSync, existsSync, globSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { freePort } from "../demo/wire.ts";

export interface MeasuredServer {
  url: string;
  stop(): Promise<void>;
}

/** Starts it in a temporary folder; undefined where no PostgreSQL is installed. */
export async function postgresIfThere(): Promise<MeasuredServer | undefined> {
  const found = globSync("/usr/lib/postgresql/*/bin").sort((a, b) => Number(a.split("/")[4]) - Number(b.split("/")[4]));
  const bin = found.at(-1) ?? (process.env["PATH"] ?? "").split(":").find((at) => existsSync(join(at, "initdb")));
  if (bin === undefined) return undefined;
  const folder = mkdtempSync(join(tmpdir(), "bench-postgres-"));
  const identity: { uid?: number; gid?: number } = {};
  if (process.getuid?.() === 0) {
    identity.uid = Number(execFileSync("id", ["-u", "postgres"]).toString());
    identity.gid = Number(execFileSync("id", ["-g", "postgres"]).toString());
    chownSync(folder, identity.uid, identity.gid);
  }
  chmodSync(folder, 0o700);
  const [data, port] = [join(folder, "data"), await freePort()];
  const init = ["-D", data, "-U", "bench", "-A", "trust", "-E", "UTF8"];
  const made = spawnSync(join(bin, "initdb"), init, { ...identity, cwd: folder });
  if (made.status !== 0) throw new Error(`initdb failed: ${made.stderr.toString()}`);
  const where = ["-D", data, "-p", String(port), "-h", "127.0.0.1", "-k", folder];
  const settings = ["-c", "shared_buffers=256MB", "-c", "max_wal_size=4GB"];
  const server = spawn(join(bin, "postgres"), [...where, ...settings], { ...identity, cwd: folder, stdio: "ignore" });
  // However the measurement ends, nothing of it stays.
  const remove = (): void => {
    server.kill("SIGKILL");
    rmSync(folder, { recursive: true, force: true });
  };
  const interrupted = (): never => process.exit(130);
  process.once("exit", remove);
  for (const signal of ["SIGINT", "SIGTERM"]) process.once(signal, interrupted);
  const stop = async (): Promise<void> => {
    process.off("exit", remove);
    for (const signal of ["SIGINT", "SIGTERM"]) process.off(signal, interrupted);
    if (server.exitCode === null) {
      const ended = new Promise((resolve) => server.once("exit", resolve));
      server.kill("SIGINT");
      await ended;
    }
    rmSync(folder, { recursive: true, force: true });
  };
  const ready = ["-q", "-h", "127.0.0.1", "-p", String(port)];
  for (let tries = 0; spawnSync(join(bin, "pg_isready"), ready).status !== 0; tries++) {
    if (tries > 300 || server.exitCode !== null) {
      await stop();
      throw new Error("PostgreSQL did not start");
    }
    await new Promise((resolve) => setTimeout(resolve, 100));
  }
  return { url: `postgres://bench@127.0.0.1:${port}/postgres`, stop };
}
