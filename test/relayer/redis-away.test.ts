// SPDX-License-Identifier: MIT
// A relayer that is to share its work over a Redis which nobody has reached yet. Nothing but the ledger is needed to take
// receipts, so nothing but the ledger is waited for.
import { expect } from "chai";
import { existsSync } from "node:fs";
import { join } from "node:path";
import { createServer, type Socket } from "node:net";
import type { AddressInfo } from "node:net";
import { freePort } from "../../demo/wire.ts";
import { deadLetterCommands } from "../../relayer/dead-letters.ts";
import { parseConfig } from "../../relayer/config/index.ts";
import { Command } from "commander";
import {
  batchBody,
  domain,
  makeChain,
  makeKey,
  makeReceipt,
  removeDir,
  startRelayer,
  tempDir,
  type RunningRelayer,
} from "./support/relayer.ts";

/** Connecting was tried for four minutes before. */
const STARTS_WITHIN_MS = 120_000;

describe("relayer without its Redis", () => {
  const open: RunningRelayer[] = [];
  const folders: string[] = [];
  afterEach(async () => {
    for (const relayer of open.splice(0)) await relayer.close();
    for (const folder of folders.splice(0)) removeDir(folder);
  });

  async function start(redisUrl: string, dataDir = tempDir()) {
    const chain = makeChain();
    const key = makeKey();
    chain.addKey(key);
    const model = chain.addModel(1);
    const relayer = await startRelayer(chain, dataDir, { queue: { redisUrl } });
    open.push(relayer);
    if (!folders.includes(dataDir)) folders.push(dataDir);
    return { relayer, dataDir, batch: batchBody(key, [makeReceipt(key, model), makeReceipt(key, model)]) };
  }

  it("starts, says in one line and to whoever asks that it works alone, and takes batches for good [FM:queue-wiped]", async () => {
    const began = performance.now();
    const url = `redis://127.0.0.1:${await freePort()}`;
    const { relayer, dataDir, batch } = await start(url);
    expect(performance.now() - began).to.be.below(STARTS_WITHIN_MS);
    expect((await relayer.get("/readyz")).body).to.include({ status: "ready", queue: "alone" });
    expect((await relayer.post("/v1/batches", batch.body)).status).to.equal(201);
    const name = batch.body.batch.dataHash.slice(2);
    const leaves = join(dataDir, "leaves", name.slice(0, 2), `${name}.leaves`);
    for (let tries = 0; !existsSync(leaves); tries++) {
      if (tries > 400) throw new Error("nobody published the leaves");
      await new Promise((resolve) => setTimeout(resolve, 50));
    }
    // Bull's connections go on failing; nobody is told of every try.
    expect(relayer.warnings).to.deep.equal(["Redis is away: working alone"]);
    expect(relayer.errors).to.deep.equal([]);

    await relayer.close();
    open.splice(0);
    const again = await start(url, dataDir);
    expect((await again.relayer.get(`/v1/batches/${batch.digest}`)).status).to.equal(200);
  });

  it("does not wait for a Redis that takes the call and says nothing", async () => {
    const held: Socket[] = [];
    const silent = createServer((socket) => void held.push(socket));
    await new Promise<void>((resolve) => silent.listen(0, "127.0.0.1", resolve));
    try {
      const began = performance.now();
      const { relayer } = await start(`redis://127.0.0.1:${(silent.address() as AddressInfo).port}`);
      expect(performance.now() - began).to.be.below(STARTS_WITHIN_MS);
      expect((await relayer.get("/readyz")).body).to.include({ queue: "alone" });
    } finally {
      for (const relayer of open.splice(0)) await relayer.close();
      for (const socket of held) socket.destroy();
      await new Promise((resolve) => silent.close(resolve));
    }
  });

  it("commands that look into Redis say at once that it is not there", async () => {
    const config = parseConfig({
      chain: { chainId: 31337, registry: domain.verifyingContract, rpcUrls: ["http://127.0.0.1:9"] },
      queue: { redisUrl: `redis://127.0.0.1:${await freePort()}` },
    });
    const program = new Command();
    let code: unknown;
    deadLetterCommands(
      program,
      () => config,
      (action) => action().catch((error: { code?: string }) => void (code = error.code)),
    );
    await program.parseAsync(["dead-letters"], { from: "user" });
    expect(code).to.equal("redis_unreachable");
  });
});
