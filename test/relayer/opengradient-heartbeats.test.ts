// SPDX-License-Identifier: MIT
import { expect } from "chai";
import { openDatabase, type OpenDatabase } from "../../relayer/store/database.ts";
import {
  carryHeartbeat,
  dueHeartbeats,
  findHeartbeat,
  takeHeartbeat,
  type NewHeartbeat,
} from "../../relayer/store/gateway-heartbeats.ts";
import {
  addGatewayKeys,
  changeAnswers,
  findAnswer,
  insertAnswer,
  readyAnswers,
  submitAnswers,
} from "../../relayer/store/gateways.ts";
import { encodeAnswers } from "../../relayer/opengradient/calls.ts";
import { heartbeatWork } from "../../relayer/opengradient/heartbeats.ts";
import { gatewayListener } from "../../relayer/opengradient/watcher.ts";
import { gatewayAnswers as answersAbi } from "../../relayer/opengradient/abi.ts";
import { gatewayKeyId, gatewayRequestId, teeId, toHex, type Hex } from "../../relayer/protocol/index.ts";
import type { TransactionRow } from "../../relayer/chain/transaction-store.ts";
import { newRsaKey, type RsaKey } from "../support/rsa.ts";
import { openService, sleep, type Service, type ServingRelayer } from "./support/opengradient.ts";
import { removeDir, tempDir } from "./support/relayer.ts";

describe("heartbeats that gateways send", function () {
  this.timeout(300_000);
  let s: Service;
  let relayer: ServingRelayer;
  let second: RsaKey;

  before(async () => {
    s = await openService();
    second = newRsaKey();
    await s.admitRsa(second);
    relayer = await s.start(s.directory());
  });
  after(async () => {
    await relayer.close();
    await s.close();
  });
  afterEach(() => expect(relayer.errors.splice(0)).to.deep.equal([]));

  it("are carried, and answered with the hash of a transaction that a node has [FM:false-settled]", async () => {
    const now = await s.now();
    const { status, body } = await relayer.heartbeat(s.rsa, now, { contractAddress: await s.heartbeats.getAddress() });
    expect(status).to.equal(200);
    expect(body).to.include({ success: true, teeId: s.rsa.teeId, timestamp: String(now), relayer: relayer.sender });
    expect(body.contract).to.equal(s.places.enclaveHeartbeats);
    const mined = await s.ethers.provider.waitForTransaction(body.txHash, 1, 20_000);
    expect(mined!.status).to.equal(1);
    expect(await s.heartbeats.lastHeartbeat(s.rsa.keyId)).to.equal(now);
    for (
      let tries = 0;
      !String((await relayer.get("/metrics")).body).includes('heartbeats{state="final"} 1');
      tries++
    ) {
      expect(tries).to.be.lessThan(100);
      await sleep(50);
    }
  });

  it("are refused when replayed, and when older than one that is known, on chain or here [FM:heartbeat-replay]", async () => {
    const last = await s.heartbeats.lastHeartbeat(s.rsa.keyId);
    for (const timestamp of [last, last - 1n]) {
      const { status, body } = await relayer.heartbeat(s.rsa, timestamp);
      expect([status, body.code]).to.deep.equal([409, "heartbeat_not_newer"]);
      expect(body.error).to.equal(body.detail);
    }
    // Known here only: the second waits for its turn, and an older one does not take its place.
    const later = await relayer.heartbeat(s.rsa, last + 20n);
    expect([later.status, later.body.txHash, later.body.state]).to.deep.equal([202, null, "received"]);
    for (const timestamp of [last + 20n, last + 19n])
      expect((await relayer.heartbeat(s.rsa, timestamp)).body.code).to.equal("heartbeat_not_newer");
  });

  it("are refused where the chain would: another key's, too old, from the future, of an unknown enclave", async () => {
    const now = await s.now();
    const code = async (key: RsaKey, timestamp: bigint, over: object = {}) =>
      (await relayer.heartbeat(key, timestamp, over)).body.code;
    expect(await code(second, now, { teeId: s.rsa.teeId })).to.equal("bad_signature");
    expect(await code(second, now, { timestamp: String(now + 1n) })).to.equal("bad_signature");
    expect(await code(second, now - 1_900n)).to.equal("too_old");
    expect(await code(second, now + 900n)).to.equal("future_dated");
    expect(await code(second, now - 900n)).to.equal("key_not_yet_valid");
    expect(await code(newRsaKey(), now)).to.equal("unknown_tee");
    expect(await code(second, now, { contractAddress: await s.registry.getAddress() })).to.equal("wrong_chain");
    await s.distrust(s.enclaves, second.keyId, await s.now());
    expect(await code(second, await s.now())).to.equal("key_distrusted");
    expect((await s.heartbeats.queryFilter(s.heartbeats.filters.Heartbeat(second.keyId))).length).to.equal(0);
  });
});

describe("the ledger of gateways", function () {
  this.timeout(180_000);
  let database: OpenDatabase;
  let directory: string;
  const PLACE: Hex = `0x${"c0".repeat(20)}`;
  const BEATS: Hex = `0x${"c1".repeat(20)}`;
  const keys = [newRsaKey(), newRsaKey(), newRsaKey()].map(({ der }) => ({
    ...{ teeId: teeId(der), keyId: gatewayKeyId(der), publicKey: new Uint8Array(der) },
  }));
  const NOW = 1_800_000_000_000;
  const beat = (index: number, timestamp: number): NewHeartbeat => ({
    ...{ keyId: keys[index]!.keyId, teeId: keys[index]!.teeId, timestamp, signature: new Uint8Array(256) },
    receivedAt: NOW,
  });
  const call = (to: Hex, data = "0x", createdAt = NOW) => ({ chainId: 1, sender: PLACE, to, data, createdAt });
  const silent = { info: () => undefined, warn: () => undefined, error: () => undefined };

  before(async () => {
    directory = tempDir();
    database = await openDatabase({ dataDir: directory });
    await addGatewayKeys(database.db, PLACE, keys, 100);
  });
  after(async () => {
    await database.close();
    removeDir(directory);
  });

  it("keeps of a key's heartbeats the newest, carries each once, and lets a key wait for its turn", async () => {
    const { db } = database;
    const wide = { most: 10, since: NOW - 60_000 };
    expect(await takeHeartbeat(db, beat(0, 100))).to.equal(true);
    expect(await takeHeartbeat(db, beat(0, 101))).to.equal(true);
    expect(await takeHeartbeat(db, beat(0, 101))).to.equal(false);
    expect(await takeHeartbeat(db, beat(0, 99))).to.equal(false);
    expect(await carryHeartbeat(db, call(BEATS), beat(0, 100), wide), "replaced").to.equal(false);
    expect(await carryHeartbeat(db, call(BEATS), beat(0, 101), wide)).to.equal(true);
    expect(await carryHeartbeat(db, call(BEATS), beat(0, 101), wide), "carried").to.equal(false);
    expect(await takeHeartbeat(db, beat(0, 102))).to.equal(true);
    expect((await dueHeartbeats(db, NOW - 1, 10)).length, "it has had its turn").to.equal(0);
    const due = await dueHeartbeats(db, NOW, 10);
    expect(due.map(({ timestamp }) => timestamp)).to.deep.equal([102]);
    expect(due[0]!.publicKey).to.deep.equal(keys[0]!.publicKey);
  });

  it("carries no more in a minute than it is told, and drops what waited until it was too old", async () => {
    const { db } = database;
    let sent = 0;
    const time = { now: NOW };
    const work = heartbeatWork({
      ...{ db, chainId: 1, place: BEATS, everyMs: 600_000, perMinute: 2, sender: PLACE, sweepMs: 1, log: silent },
      blockTimes: async () => ({ latest: BigInt(time.now) / 1_000n, next: BigInt(time.now) / 1_000n }),
      ...{ submitted: () => void sent++, now: () => time.now },
    });
    const seconds = NOW / 1_000;
    await takeHeartbeat(db, beat(0, seconds));
    await takeHeartbeat(db, beat(1, seconds));
    await takeHeartbeat(db, beat(2, seconds));
    // The first key had its turn at this moment, which counts towards the two.
    await work.run("all");
    expect(sent).to.equal(1);
    time.now += 61_000;
    await work.run("all");
    expect(sent).to.equal(2);
    time.now += 1_900_000;
    await work.run("all");
    expect(sent).to.equal(2);
    expect(await findHeartbeat(db, keys[0]!.keyId)).to.include({ state: "rejected", reason: "OutOfTime" });
  });

  it("follows a call through blocks, reorganisations, reverts and failures, and repeats change nothing [FM:false-settled] [FM:reorg-off]", async () => {
    const { db } = database;
    const settledAt = new Map<Hex, bigint>();
    let released = 0;
    const listener = gatewayListener({
      ...{ db, gatewayAnswers: PLACE, enclaveHeartbeats: BEATS, retryMs: 1_000, log: silent, now: () => NOW },
      ...{ reader: { settledAt: async (id) => settledAt.get(id) ?? 0n }, released: () => void released++ },
    });
    const { keyId, publicKey } = keys[0]!;
    const ids: Hex[] = [];
    for (const n of [1, 2, 3, 4]) {
      const hash = toHex(new Uint8Array(32).fill(n));
      const answer = { requestHash: hash, outputHash: hash, timestamp: 5 };
      ids.push(gatewayRequestId(keyId, { ...answer, timestamp: 5n }));
      const fresh = { ...answer, requestId: ids.at(-1)!, keyId, signature: new Uint8Array(256), individual: false };
      await insertAnswer(db, { ...fresh, receivedAt: NOW });
      expect((await insertAnswer(db, { ...fresh, individual: true, receivedAt: NOW + 1 })).isNew).to.equal(false);
    }
    async function send(): Promise<TransactionRow> {
      const rows = await readyAnswers(db, NOW + 10_000_000, 10);
      const items = rows.map((row) => ({ ...row, publicKey, answer: { ...row, timestamp: BigInt(row.timestamp) } }));
      const data = encodeAnswers(items);
      const places = rows.map(({ id }) => id);
      expect(await submitAnswers(db, call(PLACE, data), places)).to.equal(true);
      expect(await submitAnswers(db, call(PLACE, data), places), "in a call already").to.equal(false);
      const id = (await findAnswer(db, rows[0]!.requestId))!.transactionId!;
      return { id: String(id), to: PLACE, data } as unknown as TransactionRow;
    }
    const states = async (): Promise<string[]> =>
      Promise.all(ids.map(async (id) => (await findAnswer(db, id))!).map(async (row) => (await row).state));
    const event = (name: "AnswerSettled" | "AnswerSkipped", args: unknown[]) => ({
      ...{ address: PLACE, ...(answersAbi.encodeEventLog(name, args) as { topics: string[]; data: string }) },
    });
    const receipt = (status: string, logs: object[] = []) =>
      ({
        transactionHash: `0x${"ee".repeat(32)}`,
        blockHash: "0x1",
        blockNumber: "0x1",
        status,
        gasUsed: "0x1",
        logs,
      }) as never;

    // Reverted, and never mined: nothing settled, everything waits for another call.
    for (const end of ["reverted", "failed"] as const) {
      const row = await send();
      expect(await states()).to.deep.equal(Array(4).fill("submitted"));
      if (end === "reverted") await listener.final(row, receipt("0x0"));
      else await listener.failed(row, "would_revert: secret words of a node");
      expect(await states()).to.deep.equal(Array(4).fill("received"));
      expect((await findAnswer(db, ids[0]!))!.reason).to.equal(end === "reverted" ? "reverted" : "would_revert");
      await listener.failed(row, "again");
      expect((await findAnswer(db, ids[0]!))!.tries).to.equal(end === "reverted" ? 1 : 2);
    }
    expect(released).to.equal(4);

    const row = await send();
    const zero = `0x${"00".repeat(32)}`;
    const settledLog = event("AnswerSettled", [ids[0], keyId, zero, zero, 5]);
    const elsewhere = { ...event("AnswerSettled", [ids[3], keyId, zero, zero, 5]), address: BEATS };
    const logs = [settledLog, event("AnswerSkipped", [1, 9]), event("AnswerSkipped", [2, 27]), elsewhere];
    settledAt.set(ids[0]!, 77n);
    settledAt.set(ids[2]!, 66n);
    await listener.mined(row, receipt("0x1", logs));
    // A skip may vanish; another contract's log says nothing.
    expect(await states()).to.deep.equal(["mined", "submitted", "mined", "submitted"]);
    await listener.unmined(row);
    expect(await states()).to.deep.equal(Array(4).fill("submitted"));
    for (let twice = 0; twice < 2; twice++) {
      await listener.final(row, receipt("0x1", logs));
      expect(await states()).to.deep.equal(["final", "rejected", "final", "received"]);
    }
    expect((await findAnswer(db, ids[1]!))!.reason).to.equal("BadSignature");
    expect((await findAnswer(db, ids[2]!))!.settledAt).to.equal(66);
    await changeAnswers(db, Number(row.id), [{ requestId: ids[3]!, state: "final", reason: null, settledAt: 1 }]);
    expect((await findAnswer(db, ids[3]!))!.state, "it left that call").to.equal("received");
  });
});
