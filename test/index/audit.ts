// The audit over a chain and the index beside it, as its command makes it.
import { execFile } from "node:child_process";
import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import pg from "pg";
import type { Chain } from "../../demo/chain.ts";
import { addressesOf } from "../../tasks/audit/action.ts";
import { type Audit, auditOf } from "../../tasks/audit/audit.ts";
import { checkIndex } from "../../tasks/audit/checks/index.ts";
import { readHistory } from "../../tasks/audit/read.ts";
import { removeDir, tempDir } from "../relayer/support/relayer.ts";
import type { Activity } from "./activity.ts";

/** Names of the contracts whose key in a deployment's record is another one. */
const NAMES: Record<string, string> = {
  ...{ token: "OPGToken", escrow: "InferenceEscrow", staking: "OPGStaking", vesting: "OPGVesting" },
};
const named = (chain: Chain): string =>
  JSON.stringify(
    Object.fromEntries(
      Object.entries(chain.addresses).map(([key, address]) => [
        NAMES[key] ?? key.charAt(0).toUpperCase() + key.slice(1),
        address,
      ]),
    ),
  );

/** All books up to a block, the index among them. */
export async function auditBooks(chain: Chain, { leaves }: Activity, subgraph: string, to: number): Promise<Audit> {
  const addresses = addressesOf("a deployment", named(chain));
  const history = await readHistory({
    ...{ provider: chain.provider, addresses, start: 0, from: 0, to, chunk: 1_000 },
    leaves: async (dataHash) => {
      const document = leaves.get(dataHash);
      return document ? { document } : { problem: "not published" };
    },
  });
  return auditOf(history, await checkIndex(history, subgraph));
}

/** The same by the command. */
export async function auditCommand(
  chain: Chain,
  { leaves }: Activity,
  subgraph: string,
  to: number,
): Promise<{ code: number; output: string }> {
  const folder = tempDir();
  try {
    const file = join(folder, "addresses.json");
    writeFileSync(file, named(chain));
    for (const [dataHash, document] of leaves) {
      const name = dataHash.slice(2);
      mkdirSync(join(folder, name.slice(0, 2)), { recursive: true });
      writeFileSync(join(folder, name.slice(0, 2), `${name}.leaves`), document);
    }
    const args = ["opg:audit", "--network", "localhost", "--addresses", file, "--leaves", folder, "--to", String(to)];
    const env = { ...process.env, LOCALHOST_RPC_URL: chain.url };
    // Not synchronously: the chain is in this process and has to answer.
    return await new Promise((resolve) => {
      execFile("hardhat", [...args, "--subgraph", subgraph], { env }, (problem, output, errors) =>
        resolve({ code: problem === null ? 0 : Number(problem.code), output: `${output}${errors}` }),
      );
    });
  } finally {
    removeDir(folder);
  }
}

/** Adds a wei to one share of one fee, behind graph-node's back. @returns how to take it away again */
export async function seedMismatch(databaseUrl: string): Promise<() => Promise<void>> {
  const add = async (wei: number): Promise<void> => {
    const client = new pg.Client({ connectionString: databaseUrl });
    await client.connect();
    try {
      const { rows } = await client.query<{ name: string }>(
        "select name from deployment_schemas order by id desc limit 1",
      );
      const table = `"${rows[0]!.name}".fee_payment`;
      const { rowCount } = await client.query(
        `update ${table} set node_share = node_share + $1 where vid = (select min(vid) from ${table})`,
        [wei],
      );
      if (rowCount !== 1) throw new Error("The index has no fee.");
    } finally {
      await client.end();
    }
  };
  await add(1);
  return () => add(-1);
}
