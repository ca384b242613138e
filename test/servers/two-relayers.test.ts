// SPDX-License-Identifier: MIT
// Two relayers with one key on one ledger and one Redis, and workers beside them.
import { expect } from "chai";
import { spawn, spawnSync, type ChildProcess } from "node:child_process";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { parseEther, Wallet } from "ethers";
import { createRelayer, type Relayer } from "../../relayer/app.ts";
import { makeBatch } from "../../relayer/batches/seal.ts";
import { parseConfig, type ConfigInput } from "../../relayer/config/index.ts";
import { createRelayerClient } from "../../relayer/node/index.ts";
import * as protocol from "../../relayer/protocol/index.ts";
import type { Domain, Hex, Receipt } from "../../relayer/protocol/index.ts";
import { openHttpDoor } from "../support/http-door.ts";
import * as groth16 from "../support/groth16.ts";
import { deployProtocol, Mode, NO_DATA, NO_LINEAGE, type Protocol } from "../support/protocol.ts";
import { startRedis, type RedisServer } from "../support/redis.ts";
import { random, removeDir, tempDir } from "../relayer/support/relayer.ts";
import { freshDatabase } from "./fresh-database.ts";

const sleep = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms));

describe("two relayers and a worker that share ledger, key and Redis", () => {
  let p: Protocol;
  let door: Awaited<ReturnType<typeof openHttpDoor>>;
  let redis: RedisServer;
  let dataDir: string;
  let domain: Domain;
  let config: ConfigInput;
  let key: { wallet: Wallet; keyId: Hex };
  const sender = new Wallet(Wallet.createRandom().privateKey);
  const relayers: Relayer[] = [];
  const children: ChildProcess[] = [];
  const silent = { info: () => undefined, warn: () => undefined, error: () => undefined };

  before(async () => {
    p = await deployProtocol();
    door = await openHttpDoor(p.connection.provider);
    redis = await startRedis();
    domain = { chainId: 31337n, verifyingContract: (await p.registry.getAddress()).toLowerCase() as Hex };
    await p.networkHelpers.setBalance(sender.address, parseEther("100"));
    const nodeId = await p.registerNode();
    const wallet = new Wallet(Wallet.createRandom().privateKey);
    key = { wallet, keyId: (await p.addOperatorKey(nodeId, wallet)) as Hex };
    dataDir = tempDir();
    config = {
      chain: {
        ...{ chainId: 31337, registry: domain.verifyingContract, rpcUrls: [door.url] },
        ...{ finality: { confirmations: 1 }, pollMs: 100, cacheMs: 0 },
      },
      http: { port: 0, requestsPerSecond: 1_000, burst: 1_000, batchesPerMinutePerKey: 10_000 },
      store: { dataDir, databaseUrl: await freshDatabase("two") },
      queue: { redisUrl: redis.url, callsPerMinute: 6_000, runs: ["publish", "seal", "settle", "send"] },
      settlement: { policy: { maxCount: 3, patientMs: 200, impatientMs: 400 }, sweepMs: 100, retryMs: 100 },
    };
    const signer = { address: sender.address, signTransaction: sender.signTransaction.bind(sender) };
    for (let i = 0; i < 2; i++) relayers.push(await createRelayer(parseConfig(config), { signer, log: silent }));
  });
  after(async () => {
    for (const child of children) child.kill("SIGKILL");
    for (const relayer of relayers) await relayer.close();
    await door.close();
    await redis.stop();
    await p.connection.close();
    removeDir(dataDir);
  });

  const sign = (digest: Hex): Hex => key.wallet.signingKey.sign(digest).serialized as Hex;
  async function receipt(over: Partial<Receipt>): Promise<Receipt> {
    const made = (await p.receipt({ keyId: key.keyId, modelId: over.modelId! })) as unknown as Receipt;
    return { ...made, payer: made.payer.toLowerCase() as Hex, ...over };
  }
  async function final(url: string, ids: readonly Hex[]): Promise<void> {
    const client = createRelayerClient({ url });
    for (const id of ids)
      for (let tries = 0; (await client.receiptStatus(id))?.["state"] !== "final"; tries++) {
        if (tries > 1_200) throw new Error(`${id} is not final: ${(await client.receiptStatus(id))?.["state"]}`);
        await sleep(50);
      }
  }

  it("settle every batch once, whoever took it, and never use a nonce twice [FM:nonce-manager] [FM:job-twice]", async () => {
    const modelId = (await p.registerModel(1 << Mode.VANILLA)) as Hex;
    const digests: Hex[] = [];
    const ids: Hex[] = [];
    await Promise.all(
      Array.from({ length: 16 }, async (_, i) => {
        const receipts = await Promise.all(Array.from({ length: 2 }, () => receipt({ modelId })));
        const made = makeBatch(domain, receipts, `0x${"55".repeat(20)}`);
        const digest = protocol.batchDigest(domain, made.batch);
        digests.push(digest);
        ids.push(...receipts.map((one) => protocol.receiptId(domain, one)));
        const client = createRelayerClient({ url: relayers[i % 2]!.url });
        await client.postBatch({
          ...{ batch: made.batch, signature: sign(digest) },
          receipts: receipts.map((one) => ({ receipt: one, signature: sign(protocol.receiptId(domain, one)) })),
        });
      }),
    );
    await final(relayers[0]!.url, ids);
    const settled = (await p.registry.queryFilter(p.registry.filters.BatchSettled())).map(({ args }) => args.digest);
    expect(settled.toSorted()).to.deep.equal(digests.toSorted());
    const skipped = await p.registry.queryFilter(p.registry.filters.ItemSkipped());
    expect(skipped, "no call carried what another had settled").to.deep.equal([]);
    const sent = await p.connection.provider.request({
      method: "eth_getTransactionCount",
      params: [sender.address, "latest"],
    });
    expect(Number(sent)).to.be.within(1, 16);
  });

  it("have their proofs checked by a worker of another process, that holds no key", async () => {
    const setup = groth16.makeSetup(3, "OpenGradient development phase 1:");
    const version = {
      ...{ contentHash: random(), uri: "ipfs://scorer", modes: 1 << Mode.ZKML, signals: "in, out, binding" },
      ...{ verifier: await p.groth16.getAddress(), verifyingKey: groth16.keyBytes(setup) },
      lineage: NO_LINEAGE,
      ...NO_DATA,
    };
    await p.models.register(version);
    const modelId = (await p.models.modelIdOf(p.signers.deployer.address, version)) as Hex;
    const [input, output] = [groth16.scalar("in"), groth16.scalar("out")];
    const hashes = { inputHash: protocol.signalInputHash(input), outputHash: protocol.circuitOutputHash([output]) };
    const one = await receipt({ ...hashes, modelId, mode: Mode.ZKML, outputScheme: 2 });
    const id = protocol.receiptId(domain, one);
    const proof = groth16.prove(setup, [input, output, protocol.bindingOf(id)], 5n, 7n);
    const evidence = groth16.itemEvidence(proof, [input, output]) as Hex;
    const client = createRelayerClient({ url: relayers[1]!.url });
    await client.postReceipt({ receipt: one, signature: sign(id) }, evidence);
    await sleep(1_000);
    expect((await client.receiptStatus(id))?.["state"], "nobody verifies yet").to.equal("received");

    const file = join(dataDir, "worker.json");
    writeFileSync(file, JSON.stringify({ ...config, queue: { ...config.queue, runs: ["verify"] } }));
    const { RELAYER_PRIVATE_KEY: _, ...env } = process.env;
    const worker = spawn("tsx", ["relayer/main.ts", "--config", file, "worker"], { env, stdio: "pipe" });
    children.push(worker);
    let said = "";
    for (const stream of [worker.stdout, worker.stderr]) stream.on("data", (chunk: Buffer) => void (said += chunk));
    await final(relayers[0]!.url, [id]);
    expect(said).to.match(/^Worker verifies for 0x/);
    const ended = new Promise((resolve) => worker.once("exit", resolve));
    worker.kill("SIGTERM");
    expect(await ended, said).to.equal(0);
  });

  it("tell an operator of dead letters, and replay only what is one", () => {
    const file = join(dataDir, "relayer.json");
    writeFileSync(file, JSON.stringify(config));
    const relayer = (...words: string[]) => spawnSync("tsx", ["relayer/main.ts", "--config", file, ...words]);
    const none = relayer("dead-letters", "--json");
    expect([none.status, JSON.parse(none.stdout.toString())]).to.deep.equal([0, []]);
    const refused = relayer("replay", "verify", "batches 1");
    expect([refused.status, refused.stdout.toString()]).to.deep.equal([1, ""]);
    expect(refused.stderr.toString()).to.match(/^not_dead: verify batches 1 is no dead letter; see dead-letters .*\n$/);
  });

  it("are looked at by doctor and status, on the ledger itself [FM:redis-evicts]", async () => {
    const file = join(dataDir, "relayer.json");
    const env = { ...process.env, RELAYER_PRIVATE_KEY: sender.privateKey };
    const relayer = (...words: string[]) =>
      new Promise<{ code: number | null; out: string }>((resolve) => {
        // Not spawnSync: the chain answers in this process.
        const child = spawn("tsx", ["relayer/main.ts", "--config", file, ...words], { env, stdio: "pipe" });
        let out = "";
        child.stdout.on("data", (chunk: Buffer) => void (out += chunk));
        child.once("close", (code) => resolve({ code, out }));
      });
    const looked = async () => {
      const { out } = await relayer("doctor", "--json");
      const found = JSON.parse(out).findings as { check: string; status: string; detail: string }[];
      return new Map(found.map((one) => [one.check, `${one.status}: ${one.detail}`]));
    };
    const well = await looked();
    expect(well.get("redis")).to.equal("ok: Redis answers and evicts nothing");
    // The test's server runs without fsync, and that is told.
    expect(well.get("database")).to.match(/^warn: PostgreSQL has fsync off/);
    await redis.say("CONFIG", "SET", "maxmemory-policy", "allkeys-lru");
    expect((await looked()).get("redis")).to.equal("fail: Redis evicts keys: allkeys-lru");
    await redis.say("CONFIG", "SET", "maxmemory-policy", "noeviction");
    const status = JSON.parse((await relayer("status", "--json")).out);
    expect(status.sender.address).to.equal(sender.address);
    expect(status.backlog).to.deep.include({ table: "batches", state: "final", count: 16, oldestSeconds: null });
  });
});
