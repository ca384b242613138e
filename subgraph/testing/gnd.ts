/** Runs the compiled subgraph in the real graph-node over an invented chain, and asks it. */
import { spawn, type ChildProcess } from "node:child_process";
import { createWriteStream, cpSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { createServer, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { parse, stringify } from "yaml";
import { freePort } from "../../demo/wire.ts";
import { startPostgres } from "../../test/support/postgres.ts";
import { findGnd } from "../local/binary.ts";
import { ROOT, SubgraphToolError } from "../scripts/run.ts";
import type { Chain } from "./chain.ts";

/** graph-node wants an IPFS server at its start and asks nothing of it. */
async function ipfsStub(): Promise<Server> {
  const server = createServer((_, response) => response.writeHead(412).end());
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  return server;
}

/** A running graph-node with one deployment for each set of addresses. */
export interface RunningNode {
  /** Waits until every deployment has seen the chain's last block. */
  synced(): Promise<void>;
  /** Asks a deployment; fails for GraphQL errors. */
  query(deployment: number, query: string): Promise<Record<string, unknown>>;
  stop(): Promise<void>;
}

interface Answer {
  data?: Record<string, unknown>;
  errors?: { message: string }[];
}

/**
 * Starts graph-node over what `build/` holds, once for each set of addresses.
 * @param log Where its output goes.
 * @throws {GndUnavailable} or {PostgresMissing} where one of the programs is.
 */
export async function startNode(
  chain: Chain,
  deployments: readonly ((contract: string) => string)[],
  log: string,
): Promise<RunningNode> {
  const gnd = findGnd();
  // Short on purpose: a deployment's path is its name, of at most 46 characters.
  const folder = mkdtempSync(join(tmpdir(), "og-"));
  cpSync(join(ROOT, "build"), join(folder, "b"), { recursive: true });
  const built = parse(readFileSync(join(ROOT, "build/subgraph.yaml"), "utf8")) as {
    dataSources: { name: string; source: { address: string } }[];
  };
  for (const [index, addressOf] of deployments.entries()) {
    for (const source of built.dataSources) source.source.address = addressOf(source.name);
    writeFileSync(join(folder, `${index}.yaml`), "");
    writeFileSync(join(folder, "b", `${index}.yaml`), stringify(built, { lineWidth: 0 }));
  }
  const database = await startPostgres("synchronous_commit=off", "full_page_writes=off");
  const { url, server: rpc } = await chain.listen();
  const ipfs = await ipfsStub();
  const ports = [await freePort(), await freePort(), await freePort(), await freePort()];
  mkdirSync(join(log, ".."), { recursive: true });
  const output = createWriteStream(log);
  const node: ChildProcess = spawn(
    gnd,
    [
      "dev",
      ...["--manifests", deployments.map((_, index) => `${folder}/${index}.yaml:b`).join(",")],
      ...["--ethereum-rpc", `hardhat:${url}`],
      ...["--postgres-url", database.url],
      ...["--ipfs", `http://127.0.0.1:${(ipfs.address() as AddressInfo).port}`],
      ...["--http-port", String(ports[0]), "--index-node-port", String(ports[1])],
      ...["--admin-port", String(ports[2]), "--metrics-port", String(ports[3])],
    ],
    {
      cwd: folder,
      env: {
        ...process.env,
        ...{ ETHEREUM_POLLING_INTERVAL: "200", GRAPH_LOG: "error" },
        // Blocks deeper than ten are final here, and read in ranges.
        ETHEREUM_REORG_THRESHOLD: "10",
        // With it graph-node is several times slower.
        RUST_BACKTRACE: "0",
      },
    },
  );
  let failure: string | undefined;
  for (const stream of [node.stdout, node.stderr])
    stream?.on("data", (text: Buffer) => {
      output.write(text);
      failure ??= /.*Subgraph failed.*/.exec(text.toString())?.[0];
    });

  const ask = async (deployment: number, query: string): Promise<Answer> => {
    const response = await fetch(`http://127.0.0.1:${ports[0]}/subgraphs/name/subgraph-${deployment}`, {
      method: "POST",
      headers: { "content-type": "application/json" },
      body: JSON.stringify({ query }),
    });
    return (await response.json()) as Answer;
  };
  const synced = async (): Promise<void> => {
    const limit = Date.now() + 1_500_000;
    const wanted = chain.blocks.at(-1);
    for (let index = 0; index < deployments.length;) {
      if (failure !== undefined) throw new Error(`A handler failed: ${failure}`);
      if (node.exitCode !== null) throw new SubgraphToolError(`gnd ended with ${node.exitCode}; its output: ${log}`);
      const found = await ask(index, "{ _meta { hasIndexingErrors block { number hash } } }").catch((): Answer => ({}));
      const meta = found.data?.["_meta"] as { hasIndexingErrors: boolean; block: { hash: string } } | undefined;
      if (meta?.hasIndexingErrors === true) throw new Error(`deployment ${index} failed; gnd's output: ${log}`);
      if (meta?.block.hash === wanted?.hash) index++;
      else if (Date.now() > limit)
        throw new SubgraphToolError(`gnd did not reach block ${wanted?.number}: ${JSON.stringify(found)}; ${log}`);
      else await new Promise((resolve) => setTimeout(resolve, 200));
    }
  };
  return {
    synced,
    query: async (deployment, query) => {
      const { data, errors } = await ask(deployment, query);
      if (errors !== undefined || data === undefined)
        throw new Error(`${errors?.map(({ message }) => message).join("; ")}\n${query}`);
      return data;
    },
    stop: async () => {
      const ended = new Promise((resolve) => node.once("exit", resolve));
      node.kill("SIGINT");
      // It ignores everything gentler when it hangs.
      const timer = setTimeout(() => node.kill("SIGKILL"), 5_000);
      if (node.exitCode === null) await ended;
      clearTimeout(timer);
      for (const server of [rpc, ipfs]) {
        server.closeAllConnections();
        server.close();
      }
      output.end();
      await database.stop();
      rmSync(folder, { recursive: true, force: true });
    },
  };
}
