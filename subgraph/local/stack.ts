import { rmSync } from "node:fs";
import { dirname } from "node:path";
import { type PostgresServer, startPostgres } from "../../test/support/postgres.ts";
import { freePort } from "../../demo/wire.ts";
import { findGnd } from "./binary.ts";
import { buildSubgraph, NETWORK, placeSubgraph } from "./build.ts";
import { type Gnd, startGnd } from "./gnd.ts";

export interface IndexOptions {
  /** JSON-RPC of the chain. */
  rpcUrl: string;
  /** Addresses by their names in a deployment's record. */
  contracts: Readonly<Record<string, string>>;
  /** Where it answers GraphQL; a free port by default. */
  port?: number;
  /** A PostgreSQL server to use instead of one of its own. */
  databaseUrl?: string;
}

export interface Index {
  /** GraphQL endpoint of the deployment. */
  url: string;
  databaseUrl: string;
  gnd: Gnd;
  /** Kills graph-node, as a machine that fails does, and starts it again on the same database. */
  restart(meanwhile?: () => Promise<void>): Promise<void>;
  /** Ends all of it and deletes what it kept. */
  stop(): Promise<void>;
}

/** PostgreSQL, graph-node and the subgraph, compiled where need be, beside a chain that runs already. */
export async function startIndex({ rpcUrl, contracts, port, databaseUrl }: IndexOptions): Promise<Index> {
  findGnd(); // before anything else is started
  const manifest = placeSubgraph(buildSubgraph(), contracts);
  const closers: (() => Promise<void> | void)[] = [() => rmSync(dirname(manifest), { recursive: true, force: true })];
  const stop = async (): Promise<void> => {
    for (const close of closers.splice(0).reverse()) await close();
  };
  try {
    const server: Pick<PostgresServer, "url"> = databaseUrl ? { url: databaseUrl } : await ownPostgres(closers);
    const settings = { databaseUrl: server.url, rpcUrl, manifest, network: NETWORK };
    const at = port ?? (await freePort());
    const index: Index = {
      url: "",
      databaseUrl: server.url,
      gnd: await startGnd({ ...settings, port: at }),
      async restart(meanwhile) {
        await index.gnd.kill();
        await meanwhile?.();
        index.gnd = await startGnd({ ...settings, port: at });
      },
      stop,
    };
    index.url = index.gnd.url;
    closers.push(() => index.gnd.stop());
    return index;
  } catch (error) {
    await stop();
    throw error;
  }
}

async function ownPostgres(closers: (() => Promise<void> | void)[]): Promise<PostgresServer> {
  const server = await startPostgres();
  closers.push(() => server.stop());
  return server;
}
