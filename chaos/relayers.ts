// SPDX-License-Identifier: MIT
// The real relayer as an operator runs it, under a supervisor that starts it again whenever it ends, and behind proxies
// that stand between it and its nodes.
import { spawn, spawnSync, type ChildProcess } from "node:child_process";
import { appendFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import type { ConfigInput } from "../relayer/config/index.ts";
import { startFaultProxy, type Fault, type FaultProxy, type RpcCall } from "../test/support/fault-proxy.ts";

export type Rule = (call: RpcCall, endpoint: number) => Fault | undefined;

export interface Supervised {
  name: string;
  url: string;
  /** What its nodes do to its calls; `endpoint` is their number in its configuration. */
  rule: Rule;
  /** Its state directory. */
  folder: string;
  configFile: string;
  /** SIGKILL; the supervisor starts it again. */
  kill(): void;
  /** How often it was killed by us, and how often it ended by itself. */
  kills: number;
  crashes: string[];
  /** Moves its wall clock. Seconds from the real one. */
  setClock(seconds: number): void;
  running(): boolean;
  /** SIGTERM, and no start after it. @returns its exit code. */
  stop(): Promise<number | null>;
}

export interface RelayerSettings {
  name: string;
  folder: string;
  chainUrl: string;
  /** Where it listens. */
  port: number;
  key?: string;
  config: (own: { port: number; rpcUrls: string[] }) => ConfigInput;
  /** Further words of the command line. */
  words?: string[];
}

const root = fileURLToPath(new URL("..", import.meta.url));
const clock = fileURLToPath(new URL("./clock.mjs", import.meta.url));
const RESTART_MS = 300;
const ENDPOINTS = 2;
const STOP_MS = 30_000;

/** Starts a relayer, or a worker, with two endpoints of its own, and keeps it running. */
export async function superviseRelayer(settings: RelayerSettings): Promise<Supervised> {
  const { name, folder, chainUrl, port, key, words = [] } = settings;
  const proxies: FaultProxy[] = [];
  for (let i = 0; i < ENDPOINTS; i++) proxies.push(await startFaultProxy(chainUrl));
  const configFile = join(folder, `${name}.json`);
  const clockFile = join(folder, `${name}.clock`);
  const logFile = join(folder, `${name}.log`);
  writeFileSync(configFile, JSON.stringify(settings.config({ port, rpcUrls: proxies.map(({ url }) => url) })));
  writeFileSync(clockFile, "0");
  let child: ChildProcess | undefined;
  let stopping = false;
  let ended: Promise<number | null> = Promise.resolve(null);
  let timer: NodeJS.Timeout | undefined;

  const self: Supervised = {
    ...{ name, folder, configFile, url: `http://127.0.0.1:${port}`, kills: 0, crashes: [] },
    rule: () => undefined,
    kill() {
      if (!child || child.exitCode !== null || child.killed) return;
      self.kills++;
      child.kill("SIGKILL");
    },
    setClock: (seconds) => writeFileSync(clockFile, String(seconds * 1_000)),
    running: () => child !== undefined && child.exitCode === null && child.signalCode === null,
    async stop() {
      stopping = true;
      clearTimeout(timer);
      child?.kill("SIGTERM");
      const force = setTimeout(() => child?.kill("SIGKILL"), STOP_MS);
      const code = await ended;
      clearTimeout(force);
      for (const proxy of proxies) await proxy.close();
      return code;
    },
  };
  proxies.forEach((proxy, endpoint) => {
    proxy.rule = (call) => {
      proxy.calls.length = 0; // nobody reads them here, and there are many
      return self.rule(call, endpoint);
    };
  });

  function start(): void {
    const { RELAYER_PRIVATE_KEY: _, ...env } = process.env;
    const started = spawn(
      process.execPath,
      ["--import", "tsx", "--import", clock, "relayer/main.ts", "--config", configFile, ...words],
      {
        cwd: root,
        env: { ...env, CHAOS_CLOCK: clockFile, ...(key ? { RELAYER_PRIVATE_KEY: key } : {}) },
        stdio: ["ignore", "pipe", "pipe"],
      },
    );
    child = started;
    let tail = "";
    for (const stream of [started.stdout, started.stderr])
      stream.on("data", (chunk: Buffer) => {
        appendFileSync(logFile, chunk);
        if (stream === started.stderr) tail = (tail + chunk.toString()).slice(-2_000);
      });
    ended = new Promise((resolve) => started.once("exit", (code) => resolve(code)));
    started.once("exit", (code, signal) => {
      if (stopping) return;
      if (signal !== "SIGKILL") self.crashes.push(`${name} ended by itself (${code ?? signal}): ${lastWords(tail)}`);
      timer = setTimeout(start, RESTART_MS);
    });
  }
  start();
  return self;
}

/** Where what a process said at its end begins: its log before that is JSON. */
function lastWords(text: string): string {
  const lines = text.trim().split("\n");
  return lines.find((line) => !line.startsWith("{") && lines.indexOf(line) > 0) ?? lines.at(-1) ?? "";
}

/** Resolves when a relayer is able to work. */
export async function ready(relayer: Supervised, patienceMs = 180_000): Promise<void> {
  const until = Date.now() + patienceMs;
  while (
    !(await fetch(`${relayer.url}/readyz`).then(
      (answer) => answer.ok,
      () => false,
    ))
  ) {
    if (Date.now() > until) throw new Error(`${relayer.name} is not ready after ${patienceMs} ms`);
    await new Promise((resolve) => setTimeout(resolve, 100));
  }
}

/** What `relayer dead-letters --json` says. */
export function deadLetters(relayer: Supervised): { work: string; key: string; reason: string }[] {
  const asked = spawnSync(
    process.execPath,
    ["--import", "tsx", "relayer/main.ts", "--config", relayer.configFile, "dead-letters", "--json"],
    { cwd: root },
  );
  if (asked.status !== 0) throw new Error(`dead-letters failed: ${asked.stderr.toString()}`);
  return JSON.parse(asked.stdout.toString()) as { work: string; key: string; reason: string }[];
}
