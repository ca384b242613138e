// SPDX-License-Identifier: MIT
// Everything that a relayer needs to do its work, looked at one by one; what is wrong comes with a way out.
import { closeSync, fsyncSync, mkdirSync, openSync, rmSync, writeSync } from "node:fs";
import { join } from "node:path";
import { randomUUID } from "node:crypto";
import { formatEther, formatUnits } from "ethers";
import { createChainReader, type ChainReader } from "../chain/reader.ts";
import { createRpc, type Rpc } from "../chain/rpc.ts";
import type { Config, Environment } from "../config/index.ts";
import { checkOffers } from "../facilitator/offer.ts";
import { REASONS } from "../facilitator/reasons.ts";
import { tokenDomain } from "../facilitator/service.ts";
import { MAX_SKEW, type Hex } from "../protocol/index.ts";
import { openSigner } from "../signer/index.ts";
import { rows } from "../store/database.ts";
import { StoreError } from "../store/errors.ts";
import { sql } from "drizzle-orm";
import { probeChain, type ChainProbe } from "./probe.ts";
import { evictionPolicy } from "./redis.ts";
import { openLedger } from "./source.ts";

export interface Finding {
  check: string;
  status: "ok" | "warn" | "fail";
  detail: string;
  /** What to do about it. */
  fix?: string;
}

type Verdict = Omit<Finding, "check">;
const ok = (detail: string): Verdict => ({ status: "ok", detail });
const warn = (detail: string, fix: string): Verdict => ({ status: "warn", detail, fix });
const fail = (detail: string, fix: string): Verdict => ({ status: "fail", detail, fix });

/** Gas of a call that settles one signed batch, and how many of them the account should be good for. */
const CALL_GAS = 70_000n;
const CALLS_AHEAD = 1_000n;
/** A node whose newest block is older stands still, or our clock is ahead of the chain's. Seconds. */
const OLD_BLOCK = 120;
const CLOCK_SLACK = 15;

/** Looks at everything, in order; never throws. `told` hears of each finding at once. */
export async function examine(
  config: Config,
  env: Environment = process.env,
  told: (finding: Finding) => void = () => undefined,
  now: () => number = Date.now,
): Promise<Finding[]> {
  const findings: Finding[] = [];
  async function look(check: string, fix: string, work: () => Promise<Verdict>): Promise<void> {
    const verdict = await work().catch((error: Error) => fail(error.message, fix));
    const finding = { check, ...verdict };
    findings.push(finding);
    told(finding);
  }
  const { chain: at } = config;
  const rpc = createRpc({ urls: at.rpcUrls, chainId: at.chainId, timeoutMs: at.requestTimeoutMs });
  let sender: string | null = null;
  let probe: ChainProbe | undefined;

  await look("key", "set RELAYER_PRIVATE_KEY, or keystore and RELAYER_KEYSTORE_PASSWORD, or signer", async () => {
    const signer = await openSigner(config, env);
    sender = signer.address;
    if (!config.signer) return ok(`sends from ${sender}`);
    return proveSigner(signer, at.chainId);
  });
  await look("nodes", "check chain.rpcUrls and chain.chainId", async () => {
    probe = await probeChain(rpc, sender);
    return judgeNodes(rpc, probe, at.chainId);
  });
  const reachable = (): ChainProbe => {
    if (!probe || probe.head === null) throw new Error("not looked at: no node answers");
    return probe;
  };
  await look("registry", "check chain.registry and chain.chainId; see deployments/<chainId>.json", async () => {
    reachable();
    const registry = at.registry as Hex;
    if ((await rpc.request<string>("eth_getCode", [registry, "latest"])) === "0x")
      return fail(`no contract at ${registry}`, "check chain.registry; see deployments/<chainId>.json");
    const domain = { chainId: BigInt(at.chainId), verifyingContract: registry };
    return judgeRegistry(await createChainReader({ rpc, domain }), registry, now());
  });
  await look("balance", "send ether to the account that pays", async () => judgeBalance(reachable(), config));
  await look("clock", "let a time service (chrony, systemd-timesyncd) set this machine's clock", async () =>
    judgeClock(reachable(), now()),
  );
  await look("finality", "use chain.finality.confirmations", async () => {
    reachable();
    if (!("tag" in at.finality)) return ok(`${at.finality.confirmations} confirmations`);
    const block = await rpc.request<{ number: string } | null>("eth_getBlockByNumber", [at.finality.tag, false]);
    if (!block) return fail(`the node has no ${at.finality.tag} block`, "use chain.finality.confirmations");
    return ok(
      `${at.finality.tag} block is ${Number(block.number)}, ${reachable().head! - Number(block.number)} behind`,
    );
  });
  await look("database", "check DATABASE_URL or store.dataDir", () => judgeLedger(config));
  await look("files", "make store.dataDir writable for this user, and see that its disk is not full", async () => {
    for (const directory of [config.store.dataDir, join(config.store.dataDir, "leaves")]) writeSynced(directory);
    return ok(`${config.store.dataDir} and its leaves can be written and synced`);
  });
  await look("redis", "check REDIS_URL; set maxmemory-policy noeviction", () => judgeRedis(config));
  await look("x402", "check the section x402", async () => {
    if (!config.x402) return ok("not configured");
    reachable();
    const { token, name, version, permit2 } = config.x402;
    const offers = await checkOffers(rpc, tokenDomain(config.x402, at.chainId), permit2);
    const { eip3009 } = offers;
    if (!eip3009.offered && (!offers.permit2.offered || eip3009.reason === REASONS.tokenName))
      return fail(`${eip3009.reason}: ${eip3009.detail}`, "check x402.token, x402.name and x402.version");
    const taken = eip3009.offered ? `EIP-3009 payments as ${name} ${version}` : "no EIP-3009 payments";
    const over = offers.permit2.offered ? "payments over Permit2" : `none over Permit2: ${offers.permit2.detail}`;
    return ok(`${token} takes ${taken}; ${over}`);
  });
  return findings;
}

/** Has a signer elsewhere sign what can never be sent: it pays nothing to itself, for no gas. */
async function proveSigner(signer: Awaited<ReturnType<typeof openSigner>>, chainId: number): Promise<Verdict> {
  await signer.signTransaction({
    ...{ type: 2, chainId, nonce: 0, to: signer.address, data: "0x", value: 0n, gasLimit: 0n },
    ...{ maxFeePerGas: 0n, maxPriorityFeePerGas: 0n },
  });
  return ok(`a signer elsewhere signs for ${signer.address}`);
}

function judgeNodes(rpc: Rpc, probe: ChainProbe, chainId: number): Verdict {
  const health = rpc.health();
  const told = probe.endpoints.map(({ host, up, head }, index) =>
    up ? `${host} at block ${head ?? "unknown"}` : `${host}: ${health[index]!.lastError ?? "no answer"}`,
  );
  const detail = `chain ${chainId}: ${told.join("; ")}`;
  const up = probe.endpoints.filter((endpoint) => endpoint.up).length;
  if (probe.head === null) return fail(detail, "check chain.rpcUrls and chain.chainId");
  if (up < probe.endpoints.length) return warn(detail, "repair or remove the nodes that do not answer");
  if (up === 1) return warn(detail, "give a second node in chain.rpcUrls: one alone can be wrong, or away");
  const behind = probe.endpoints.filter(({ lag }) => (lag ?? 0) > 5);
  return behind.length > 0 ? warn(detail, `${behind.map(({ host }) => host).join(", ")} lag behind`) : ok(detail);
}

async function judgeRegistry(reader: ChainReader, registry: string, now: number): Promise<Verdict> {
  const { pausedUntil, closesAt } = await reader.settlementStatus();
  const time = BigInt(Math.floor(now / 1000));
  const day = (seconds: bigint): string => new Date(Number(seconds) * 1000).toISOString();
  if (closesAt !== 0n)
    return warn(
      `${registry} closes at ${day(closesAt)}`,
      "move to its successor before: see deployments/<chainId>.json",
    );
  if (pausedUntil > time) return warn(`settlement is paused until ${day(pausedUntil)}`, "nothing: it lifts by itself");
  return ok(`${registry} hashes receipts as this release does`);
}

function judgeBalance(probe: ChainProbe, config: Config): Verdict {
  if (probe.balance === null) return fail("the balance is not known", "see key and nodes above");
  const has = `${formatEther(probe.balance)} ether`;
  if (probe.balance === 0n) return fail(has, "send ether to the account that pays");
  const price = (probe.baseFeePerGas ?? 0n) * 2n + 1n;
  const calls = probe.balance / (price * CALL_GAS);
  const detail = `${has}, for about ${calls} calls at twice the present ${formatUnits(probe.baseFeePerGas ?? 0n, "gwei")} gwei`;
  if ((probe.baseFeePerGas ?? 0n) > config.fees.maxFeePerGas)
    return warn(detail, "gas costs more than fees.maxFeePerGas: calls wait until it does not, or you raise it");
  return calls < CALLS_AHEAD ? warn(detail, "send ether to the account that pays") : ok(detail);
}

function judgeClock(probe: ChainProbe, now: number): Verdict {
  const age = Math.round(now / 1000) - probe.blockTime!;
  const fix = "let a time service (chrony, systemd-timesyncd) set this machine's clock";
  if (age < -Number(MAX_SKEW)) return fail(`this clock is at least ${-age} s behind the chain's`, fix);
  if (age < -CLOCK_SLACK) return warn(`this clock is at least ${-age} s behind the chain's`, fix);
  if (age > OLD_BLOCK)
    return warn(
      `the newest block is ${age} s old: the nodes stand still, or this clock is ahead`,
      `check both; ${fix}`,
    );
  return ok(`the newest block is ${Math.max(0, age)} s old`);
}

async function judgeLedger(config: Config): Promise<Verdict> {
  const { databaseUrl, dataDir } = config.store;
  try {
    const ledger = await openLedger(config, false);
    try {
      await ledger.ping();
      if (databaseUrl === undefined) return ok(`embedded in ${dataDir}, schema current`);
      const [row] = await rows<{ fsync: string; commit: string }>(
        ledger.db,
        sql`select current_setting('fsync') as fsync, current_setting('synchronous_commit') as commit`,
      );
      if (row!.fsync !== "on" || row!.commit === "off")
        return warn(
          `PostgreSQL has fsync ${row!.fsync} and synchronous_commit ${row!.commit}: a crash loses what was acknowledged`,
          "set both to on",
        );
      return ok("PostgreSQL, schema current, commits are durable");
    } finally {
      await ledger.close();
    }
  } catch (error) {
    if (!(error instanceof StoreError)) throw error;
    if (error.code === "data_dir_in_use") return ok(`embedded in ${dataDir}, open in a running relayer`);
    if (error.code === "no_ledger") return warn(`no ledger in ${dataDir} yet`, "nothing, if this is the first start");
    return fail(error.message, "start a relayer of this release on the ledger once: it brings it up to date");
  }
}

async function judgeRedis(config: Config): Promise<Verdict> {
  const { redisUrl } = config.queue;
  if (redisUrl === undefined) return ok("not configured: this process runs its work by itself");
  const policy = await evictionPolicy(redisUrl);
  if (policy === null)
    return warn("Redis answers, and does not tell its maxmemory-policy", "see that it is noeviction");
  if (policy !== "noeviction") return fail(`Redis evicts keys: ${policy}`, "set maxmemory-policy noeviction");
  return ok("Redis answers and evicts nothing");
}

/** Writes as the relayer does: a file that is on the disk when this returns. */
function writeSynced(directory: string): void {
  mkdirSync(directory, { recursive: true });
  const file = join(directory, `.doctor-${randomUUID()}`);
  const handle = openSync(file, "wx");
  try {
    writeSync(handle, "can this be written?");
    fsyncSync(handle);
  } finally {
    closeSync(handle);
    rmSync(file, { force: true });
  }
}
