// SPDX-License-Identifier: MIT
// What was acknowledged survives: the program itself is killed, restarted and stopped here.
import { expect } from "chai";
import { spawn, type ChildProcess } from "node:child_process";
import { existsSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { parseEther, Wallet } from "ethers";
import { receiptToWire } from "../../relayer/api/schemas.ts";
import { makeBatch } from "../../relayer/batches/seal.ts";
import * as protocol from "../../relayer/protocol/index.ts";
import type { Domain, Hex, Receipt } from "../../relayer/protocol/index.ts";
import { openHttpDoor } from "../support/http-door.ts";
import { deployProtocol, Mode, type Protocol } from "../support/protocol.ts";
import { removeDir, request, tempDir, type Answer } from "./support/relayer.ts";

describe("the relayer program", () => {
  let p: Protocol;
  let door: Awaited<ReturnType<typeof openHttpDoor>>;
  let domain: Domain;
  let key: Wallet;
  let keyId: Hex;
  let modelId: Hex;
  let sender: Wallet;
  let dataDir: string;
  const running = new Set<ChildProcess>();

  before(async () => {
    p = await deployProtocol();
    door = await openHttpDoor(p.connection.provider);
    domain = { chainId: 31337n, verifyingContract: (await p.registry.getAddress()).toLowerCase() as Hex };
    key = new Wallet(Wallet.createRandom().privateKey);
    keyId = (await p.addOperatorKey(await p.registerNode(), key)) as Hex;
    modelId = (await p.registerModel(1 << Mode.VANILLA)) as Hex;
    sender = new Wallet(Wallet.createRandom().privateKey);
    await p.networkHelpers.setBalance(sender.address, parseEther("10"));
  });
  after(async () => {
    await door.close();
    await p.connection.close();
  });
  beforeEach(() => {
    dataDir = tempDir();
  });
  afterEach(async () => {
    for (const child of running) await kill(child, "SIGKILL");
    removeDir(dataDir);
  });

  function configure(patientMs: number): string {
    const file = join(dataDir, "relayer.json");
    const policy = { maxCount: 1_000, patientMs, impatientMs: patientMs };
    writeFileSync(
      file,
      JSON.stringify({
        chain: {
          ...{ chainId: 31337, registry: domain.verifyingContract, rpcUrls: [door.url] },
          ...{ finality: { confirmations: 1 }, pollMs: 100 },
        },
        http: { port: 0, batchesPerMinutePerKey: 10_000 },
        store: { dataDir: "data" },
        settlement: { policy, sweepMs: 100 },
      }),
    );
    return file;
  }

  /** Starts `npm run relayer` without npm, and waits for the line that says where it listens. */
  async function start(file: string): Promise<{ child: ChildProcess; url: string; output: () => string }> {
    const env = { ...process.env, RELAYER_PRIVATE_KEY: sender.privateKey, RELAYER_LOG: "debug" };
    const child = spawn(
      process.execPath,
      ["--import", import.meta.resolve("tsx"), "relayer/main.ts", "--config", file],
      {
        env,
        stdio: ["ignore", "pipe", "pipe"],
      },
    );
    running.add(child);
    child.once("exit", () => running.delete(child));
    let output = "";
    const url = await new Promise<string>((resolve, reject) => {
      const read = (chunk: Buffer): void => {
        output += chunk.toString();
        const found = /listens on (http:\S+)/.exec(output);
        if (found && output.includes("keeps data")) resolve(found[1]!);
      };
      child.stdout!.on("data", read);
      child.stderr!.on("data", read);
      child.once("exit", (code) => reject(new Error(`ended with ${code}: ${output}`)));
    });
    return { child, url, output: () => output };
  }
  function kill(child: ChildProcess, signal: NodeJS.Signals): Promise<number | null> {
    if (child.exitCode !== null || child.signalCode !== null) return Promise.resolve(child.exitCode);
    const ended = new Promise<number | null>((resolve) => child.once("exit", (code) => resolve(code)));
    child.kill(signal);
    return ended;
  }

  const sign = (digest: Hex): Hex => key.signingKey.sign(digest).serialized as Hex;
  async function receipt(): Promise<Receipt> {
    const made = (await p.receipt({ keyId, modelId })) as unknown as Receipt;
    return { ...made, payer: made.payer.toLowerCase() as Hex };
  }
  const signed = (one: Receipt) => ({ receipt: receiptToWire(one), signature: sign(protocol.receiptId(domain, one)) });
  function batchBody(receipts: Receipt[]) {
    const { batch } = makeBatch(domain, receipts, `0x${"55".repeat(20)}`);
    const digest = protocol.batchDigest(domain, batch);
    return { digest, body: { batch, signature: sign(digest), receipts: receipts.map(signed) } };
  }
  const post = (url: string, body: object): Promise<Answer> =>
    request(url, { method: "POST", headers: { "content-type": "application/json" }, body: JSON.stringify(body) });

  it("still has what it acknowledged when it is killed right after, and settles it once [R9] [FM:memory-only-buffer] [FM:queue-wiped] [FM:timeout-resettle]", async () => {
    const file = configure(3_000);
    let relayer = await start(file);
    const receipts = [await receipt(), await receipt(), await receipt()];
    const { digest, body } = batchBody(receipts);
    const alone = await receipt();
    expect((await post(`${relayer.url}/v1/receipts`, signed(alone))).status).to.equal(201);
    expect((await post(`${relayer.url}/v1/batches`, body)).status).to.equal(201);
    await kill(relayer.child, "SIGKILL");

    relayer = await start(file);
    const known = await request(`${relayer.url}/v1/receipts/${protocol.receiptId(domain, receipts[2]!)}`);
    expect(known.status).to.equal(200);
    expect(known.body.receipt).to.deep.equal(receiptToWire(receipts[2]!));
    expect(known.body).to.include({ batch: digest, index: 2 });
    const single = await request(`${relayer.url}/v1/receipts/${protocol.receiptId(domain, alone)}`);
    expect(single.body).to.include({ state: "verified", batch: null });
    expect((await post(`${relayer.url}/v1/batches`, body)).status).to.equal(200);

    // Killed at whatever it does next, a few times over: in the end the batch is settled, by one transaction.
    for (const pause of [2_500, 600, 300]) {
      await new Promise((resolve) => setTimeout(resolve, pause));
      await kill(relayer.child, "SIGKILL");
      relayer = await start(file);
    }
    let state = "";
    for (let tries = 0; state !== "final" && tries < 200; tries++) {
      state = (await request(`${relayer.url}/v1/batches/${digest}`)).body.state;
      await new Promise((resolve) => setTimeout(resolve, 100));
    }
    expect(state).to.equal("final");
    expect(await p.registry.settledAt(digest)).to.not.equal(0n);
    expect((await p.registry.queryFilter(p.registry.filters.BatchSettled(digest))).length).to.equal(1);
    expect((await p.registry.queryFilter(p.registry.filters.ItemSkipped())).length).to.equal(0);
  }).timeout(120_000);

  it("stops when told to, gives its directory back, and never shows its key [R8]", async () => {
    const file = configure(60_000);
    const relayer = await start(file);
    const second = await start(file).then(
      () => "started",
      (error: Error) => error.message,
    );
    expect(second).to.contain("data_dir_in_use");
    const poll = request(`${relayer.url}/v1/keys/${keyId}/seals?wait=30`);
    await new Promise((resolve) => setTimeout(resolve, 200));
    const started = Date.now();
    expect(await kill(relayer.child, "SIGTERM")).to.equal(0);
    expect(Date.now() - started).to.be.below(8_000);
    expect((await poll).status).to.equal(204);
    expect(existsSync(join(dataDir, "data", "relayer.pid"))).to.equal(false);
    expect(relayer.output()).to.contain(sender.address);
    expect(relayer.output().toLowerCase()).to.not.contain(sender.privateKey.slice(2).toLowerCase());
  }).timeout(60_000);

  it("says what is wrong with its configuration, and starts with nothing half done [R8]", async () => {
    const file = join(dataDir, "bad.json");
    writeFileSync(
      file,
      JSON.stringify({ chain: { chainId: 31337, registry: "0x12", rpcUrls: ["http://127.0.0.1:1"] } }),
    );
    const refused = await start(file).then(
      () => "started",
      (error: Error) => error.message,
    );
    expect(refused).to.contain("ended with 1").and.contain("chain.registry");
  }).timeout(30_000);
});
