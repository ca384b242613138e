import { spawn } from "node:child_process";
import { mkdtempSync, rmSync } from "node:fs";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { freePort } from "../../demo/wire.ts";
import { findGnd } from "./binary.ts";

export interface GndOptions {
  /** PostgreSQL with `btree_gist` and `postgres_fdw`, an empty database in UTF-8 and the C locale. */
  databaseUrl: string;
  /** JSON-RPC of the chain to index. */
  rpcUrl: string;
  /** A built manifest: `…/build/subgraph.yaml`. */
  manifest: string;
  /** Name of the network in the manifest. */
  network: string;
  /** Where it answers GraphQL; a free port by default. */
  port?: number;
  /** Patience until it serves. Milliseconds. */
  startMs?: number;
  env?: Readonly<Record<string, string>>;
}

export interface Gnd {
  /** GraphQL endpoint of the deployment. */
  url: string;
  pid: number;
  log(): string;
  /** Warnings and errors of its log. */
  troubles(): string;
  /** Ends it, and leaves its database alone. */
  stop(): Promise<void>;
  /** The same without a word of warning. */
  kill(): Promise<void>;
}

/** Where an index stands. */
export interface IndexHead {
  number: number;
  hash: string | null;
  hasIndexingErrors: boolean;
}

const LOG_CHARACTERS = 200_000;

/** Starts graph-node over a built subgraph; resolves when it answers `_meta`. */
export async function startGnd(options: GndOptions): Promise<Gnd> {
  const binary = findGnd();
  const { databaseUrl, rpcUrl, manifest, network, startMs = 300_000 } = options;
  const ipfs = await startIpfsStub();
  const folder = mkdtempSync(join(tmpdir(), "opengradient-gnd-"));
  const port = options.port ?? (await freePort());
  const others = ["--admin-port", "--index-node-port", "--metrics-port"];
  const ports: string[] = [];
  for (const name of others) ports.push(name, String(await freePort()));
  const child = spawn(
    binary,
    [
      ...["dev", "--manifests", `${manifest}:.`, "--postgres-url", databaseUrl],
      ...["--ethereum-rpc", `${network}:archive:${rpcUrl}`],
      ...["--ipfs", ipfs.url, "--database-dir", folder, "--http-port", String(port), ...ports],
    ],
    {
      cwd: dirname(manifest),
      env: { ...process.env, ...SETTINGS, ...options.env },
      stdio: ["ignore", "pipe", "pipe"],
      // A group of its own: a terminal's Ctrl-C must not end it before its database is told.
      detached: true,
    },
  );
  let output = "";
  let troubles = "";
  const keep = (chunk: Buffer): void => {
    const text = chunk.toString();
    output = (output + text).slice(-LOG_CHARACTERS);
    // It tries again for ever what fails for reasons that might pass, and says so once among many other lines.
    const lines = text.split("\n").filter((line) => /\b(ERRO|WARN|CRIT)\b|panicked/.test(line));
    if (lines.length > 0) troubles = `${troubles}${lines.join("\n")}\n`.slice(-LOG_CHARACTERS);
  };
  child.stdout.on("data", keep);
  child.stderr.on("data", keep);
  const ended = new Promise<void>((resolve) => {
    child.once("exit", () => resolve());
    child.once("error", () => resolve());
  });
  const last = (): void => {
    child.kill("SIGKILL");
    rmSync(folder, { recursive: true, force: true });
  };
  process.once("exit", last);

  let stopped: Promise<void> | undefined;
  async function end(signal: "SIGINT" | "SIGKILL"): Promise<void> {
    // It ignores SIGTERM when it hangs, and may then ignore SIGINT too.
    child.kill(signal);
    const kill = setTimeout(() => child.kill("SIGKILL"), 5_000);
    await ended;
    clearTimeout(kill);
    process.removeListener("exit", last);
    await ipfs.close();
    rmSync(folder, { recursive: true, force: true });
  }
  const stop = (): Promise<void> => (stopped ??= end("SIGINT"));
  const kill = (): Promise<void> => (stopped ??= end("SIGKILL"));

  const url = `http://127.0.0.1:${port}/subgraphs/name/subgraph-0`;
  const deadline = Date.now() + startMs;
  while ((await indexHead(url).catch(() => null)) === null) {
    const why =
      child.exitCode !== null || child.signalCode !== null || child.pid === undefined
        ? "ended"
        : Date.now() > deadline
          ? "did not serve in time"
          : undefined;
    if (why) {
      await stop();
      throw new Error(`graph-node ${why}:\n${output.slice(-8_000)}`);
    }
    await new Promise((resolve) => setTimeout(resolve, 200));
  }
  return { url, pid: child.pid!, log: () => output, troubles: () => troubles, stop, kill };
}

/** Where the index stands, or null while it has no block yet. @throws where it does not answer. */
export async function indexHead(url: string): Promise<IndexHead | null> {
  const response = await fetch(url, {
    method: "POST",
    headers: { "content-type": "application/json" },
    body: JSON.stringify({ query: "{_meta {hasIndexingErrors block {number hash}}}" }),
    signal: AbortSignal.timeout(10_000),
  });
  const { data } = (await response.json()) as {
    data?: { _meta: { hasIndexingErrors: boolean; block: { number: number; hash: string | null } } | null };
  };
  if (!data?._meta) return null;
  return { ...data._meta.block, hasIndexingErrors: data._meta.hasIndexingErrors };
}

/**
 * Waits until a block is indexed, and until what is indexed is on the chain: during a reorganisation an index may be as
 * far on the branch that lost.
 */
export async function indexed(gnd: Gnd, rpcUrl: string, block: number, patienceMs = 120_000): Promise<IndexHead> {
  const deadline = Date.now() + patienceMs;
  for (;;) {
    const head = await indexHead(gnd.url).catch(() => null);
    if (head?.hasIndexingErrors) throw new Error(`The subgraph failed:\n${gnd.troubles().slice(-8_000)}`);
    if (head && head.number >= block && head.hash === (await hashOf(rpcUrl, head.number))) return head;
    if (Date.now() > deadline)
      throw new Error(`Block ${block} was not indexed, but ${head?.number}:\n${gnd.troubles().slice(-8_000)}`);
    await new Promise((resolve) => setTimeout(resolve, 100));
  }
}

async function hashOf(rpcUrl: string, block: number): Promise<string | null> {
  const params = [`0x${block.toString(16)}`, false];
  const response = await fetch(rpcUrl, {
    method: "POST",
    headers: { "content-type": "application/json" },
    body: JSON.stringify({ jsonrpc: "2.0", id: 1, method: "eth_getBlockByNumber", params }),
  });
  const { result } = (await response.json()) as { result: { hash: string } | null };
  return result?.hash ?? null;
}

/** graph-node is patient with public chains; a local one makes a block whenever asked. */
const SETTINGS = {
  ETHEREUM_POLLING_INTERVAL: "200",
  GRAPH_LOG: "info",
  GRAPH_LOG_TIME_FORMAT: "%H:%M:%S%.3f",
  // It makes an error for each short read of a handler's memory, millions of them: with their stacks it takes four times as long.
  RUST_BACKTRACE: "0",
};

/** graph-node asks an IPFS node whether it is there; ours says so, and has nothing: a local build needs no file from it. */
async function startIpfsStub(): Promise<{ url: string; close(): Promise<void> }> {
  const server = createServer((_, response) => {
    response.writeHead(412).end();
  });
  await new Promise<void>((resolve, reject) => {
    server.once("error", reject);
    server.listen(0, "127.0.0.1", resolve);
  });
  const { port } = server.address() as AddressInfo;
  return {
    url: `http://127.0.0.1:${port}`,
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
      }),
  };
}
