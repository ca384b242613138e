// SPDX-License-Identifier: MIT
import { expect } from "chai";
import { randomBytes } from "node:crypto";
import { sql } from "drizzle-orm";
import { makeBatch, packSignatures } from "../../relayer/batches/seal.ts";
import { settlementSink } from "../../relayer/settlement/follow.ts";
import { verifyWork } from "../../relayer/settlement/verify.ts";
import type { RpcReceipt } from "../../relayer/chain/sending.ts";
import * as protocol from "../../relayer/protocol/index.ts";
import type { Hex, Receipt } from "../../relayer/protocol/index.ts";
import { findBatch, insertBatch, moveBatch, type NewBatch } from "../../relayer/store/batches.ts";
import { openDatabase, rows, type OpenDatabase } from "../../relayer/store/database.ts";
import { findReceipt } from "../../relayer/store/receipts.ts";
import { postpone, readyItems, submitCall } from "../../relayer/store/settlement.ts";
import * as singles from "../../relayer/store/singles.ts";
import { domain, makeKey, makeReceipt, random, removeDir, tempDir, type Key } from "./support/relayer.ts";

describe("ledger of record", () => {
  let database: OpenDatabase;
  const dataDir = tempDir();
  const model = random();
  const sender = random(20);
  before(async () => {
    database = await openDatabase({ dataDir });
  });
  after(async () => {
    await database.close();
    removeDir(dataDir);
  });

  function newBatch(key: Key, receipts: Receipt[], over: Partial<NewBatch> = {}): NewBatch {
    const { batch, document, receiptIds, paths } = makeBatch(domain, receipts, random(20));
    const digest = protocol.batchDigest(domain, batch);
    const signatures = packSignatures(receipts.map((one) => key.sign(protocol.receiptId(domain, one))));
    return {
      ...{ batch, digest, signature: key.sign(digest), document, receiptIds, signatures, paths },
      ...{ state: "verified", receivedAt: Date.now(), ...over },
    };
  }
  async function insertVerified(): Promise<{ id: number; digest: Hex }> {
    const key = makeKey();
    const fresh = newBatch(key, [makeReceipt(key, model), makeReceipt(key, model)]);
    const inserted = await insertBatch(database.db, fresh);
    await moveBatch(database.db, inserted.id, "verified", { published: true });
    return { ...inserted, digest: fresh.digest };
  }
  const call = () => ({ chainId: 31337, sender, to: domain.verifyingContract, data: "0x1234", createdAt: Date.now() });
  async function submitted(): Promise<{ digest: Hex; transactionId: string; id: number }> {
    const { id, digest } = await insertVerified();
    expect(await submitCall(database.db, call(), [{ table: "batches", id }])).to.equal(true);
    return { id, digest, transactionId: String((await findBatch(database.db, digest))!.transactionId) };
  }
  function sink(settledAt = 1_700_000_000n) {
    let woken = 0;
    const log = { info: () => undefined, warn: () => undefined, error: () => undefined };
    const follow = settlementSink({
      ...{ db: database.db, chain: { settledAt: async () => settledAt }, retryMs: 1_000, log },
      released: () => void woken++,
    });
    return { sink: follow, woken: () => woken };
  }
  const block = {} as RpcReceipt;

  it("puts an item into one call, however many workers reach for it [R9] [FM:job-twice]", async () => {
    const { id, digest } = await insertVerified();
    const other = await insertVerified();
    const tries = await Promise.all([
      submitCall(database.db, call(), [{ table: "batches", id }]),
      submitCall(database.db, call(), [{ table: "batches", id }]),
      submitCall(database.db, call(), [
        { table: "batches", id: other.id },
        { table: "batches", id },
      ]),
    ]);
    expect(tries.filter(Boolean).length).to.equal(1);
    expect((await findBatch(database.db, digest))!.state).to.equal("submitted");
    // A call that could not have all its items took none of them.
    expect((await findBatch(database.db, other.digest))!.state).to.equal(tries[2] ? "submitted" : "verified");
  });

  it("keeps one row a batch and sees contradictions, when the same arrives many times at once [R9] [FM:job-twice]", async () => {
    const key = makeKey();
    const [one, two] = [makeReceipt(key, model), makeReceipt(key, model)];
    const same = newBatch(key, [one, two]);
    const results = await Promise.all(Array.from({ length: 4 }, () => insertBatch(database.db, same)));
    expect(results.filter((result) => result.isNew).length).to.equal(1);
    expect(new Set(results.map((result) => result.id)).size).to.equal(1);
    const bent = newBatch(key, [makeReceipt(key, model), { ...two, outputHash: random() }]);
    const refused = await insertBatch(database.db, bent).catch((error: Error) => error);
    expect(refused).to.deep.include({ code: "equivocation", positions: [1] });
    expect(await findBatch(database.db, bent.digest)).to.equal(undefined);
  });

  it("follows a call through block, reorganisation and finality, told twice or not [FM:reorg-off] [FM:job-twice]", async () => {
    const { digest, transactionId } = await submitted();
    const { mined, unmined, final } = sink().sink;
    const fate = { id: digest, kind: "signed", state: "settled" } as const;
    const state = async () => {
      const { state: found, settledAt } = (await findBatch(database.db, digest))!;
      return [found, settledAt];
    };
    for (let twice = 0; twice < 2; twice++) {
      await mined(transactionId, [fate], block);
      expect(await state()).to.deep.equal(["mined", 1_700_000_000]);
    }
    await unmined(transactionId, [fate]);
    expect(await state()).to.deep.equal(["submitted", null]);
    await mined(transactionId, [fate], block);
    for (let twice = 0; twice < 2; twice++) await final(transactionId, [fate], block);
    expect(await state()).to.deep.equal(["final", 1_700_000_000]);
  });

  it("counts a skip only once it is final, and tries again what was left out for a passing reason [R2] [FM:false-settled]", async () => {
    const bad = await submitted();
    const frozen = await submitted();
    const { sink: follow, woken } = sink();
    const { mined, final } = follow;
    const fateOf = (digest: Hex, reason: string) => ({ id: digest, kind: "signed", state: "skipped", reason }) as const;
    await mined(bad.transactionId, [fateOf(bad.digest, "BadSignature")], block);
    expect((await findBatch(database.db, bad.digest))!.state).to.equal("submitted");
    await final(bad.transactionId, [fateOf(bad.digest, "BadSignature")], block);
    expect(await findBatch(database.db, bad.digest)).to.include({ state: "rejected", reason: "BadSignature" });
    for (let twice = 0; twice < 2; twice++)
      await final(frozen.transactionId, [fateOf(frozen.digest, "KeyFrozen")], block);
    const waiting = (await findBatch(database.db, frozen.digest))!;
    expect(waiting).to.include({ state: "verified", transactionId: null, tries: 1 });
    expect(woken()).to.be.greaterThan(0);
    const due = await readyItems(database.db, Date.now() + 2_000, 1_000);
    expect(due.map(({ id }) => id)).to.include(frozen.id);
    expect((await readyItems(database.db, Date.now(), 1_000)).map(({ id }) => id)).to.not.include(frozen.id);
  });

  it("frees the items of a call that reverted or never happened, once [FM:failed-send-landed] [FM:false-settled]", async () => {
    const { digest, transactionId, id } = await submitted();
    const item = { id: digest, kind: "signed" } as const;
    const { sink: follow } = sink();
    const free = (): Promise<void> => follow.released(transactionId, [item], "reverted");
    await free();
    expect(await findBatch(database.db, digest)).to.include({ state: "verified", transactionId: null });
    expect(await submitCall(database.db, call(), [{ table: "batches", id }])).to.equal(true);
    const second = (await findBatch(database.db, digest))!;
    // Told once more of the first call, it leaves the item where the second one has it.
    await free();
    expect(await findBatch(database.db, digest)).to.include({
      state: "submitted",
      transactionId: second.transactionId,
    });
  });

  it("moves a proof's verdict once, and puts off what could not be checked [FM:job-twice] [FM:poison-item]", async () => {
    const key = makeKey();
    const fresh = newBatch(key, [makeReceipt(key, model, { mode: 1 })], {
      proof: { modelId: model, evidence: new Uint8Array(320) },
      state: "received",
    });
    const { id } = await insertBatch(database.db, fresh);
    let answers = 0;
    let broken = true;
    const verify = async () => {
      if (broken) throw new Error("all workers are busy");
      answers++;
      return { ok: true as const };
    };
    const work = verifyWork({
      ...{ db: database.db, domain, verifiers: { 1: { verify, inspect: verify } }, concurrency: 1 },
      ...{ retryMs: 60_000, sweepMs: 1_000, verified: () => undefined },
      log: { info: () => undefined, warn: () => undefined, error: () => undefined },
    });
    expect(await work.find()).to.include(`batches ${id}`);
    const failed = await work.run(`batches ${id}`).catch((error: Error) => error.message);
    expect(failed).to.equal("all workers are busy");
    expect(await work.find()).to.not.include(`batches ${id}`);
    expect((await findBatch(database.db, fresh.digest))!.state).to.equal("received");
    broken = false;
    await Promise.all([work.run(`batches ${id}`), work.run(`batches ${id}`)]);
    await work.run(`batches ${id}`);
    expect((await findBatch(database.db, fresh.digest))!.state).to.equal("verified");
    expect(answers).to.be.at.most(2);
  });

  it("takes for due what a clock ahead put off, once the clock is put right [FM:supervised-loop]", async () => {
    const { id } = await insertVerified();
    const { db } = database;
    const now = Date.now();
    const waits = async (): Promise<boolean> =>
      !(await readyItems(db, now, 1_000)).some((item) => item.table === "batches" && item.id === id);
    await postpone(db, { table: "batches", id }, now, 5_000);
    expect(await waits()).to.equal(true);
    // However often it fails and however long the first pause, it is not mistaken for such a one.
    for (let i = 0; i < 12; i++) await postpone(db, { table: "batches", id }, now, 600_000);
    expect(await waits()).to.equal(true);
    await postpone(db, { table: "batches", id }, now + 3_600_000, 5_000);
    expect(await waits()).to.equal(false);
  });

  it("takes good proofs after bad ones of the same batch, and no verdict about the ones before [R2] [FM:poison-item]", async () => {
    const key = makeKey();
    const { db } = database;
    const receipts = [makeReceipt(key, model, { mode: 1, outputScheme: 2 })];
    const with_ = (byte: number) => ({ modelId: model, evidence: new Uint8Array(300).fill(byte) });
    const bad = newBatch(key, receipts, { state: "received", proof: with_(1) });
    const good = { ...bad, proof: with_(2) };
    const { id } = await insertBatch(db, bad);
    const busy = await insertBatch(db, good).catch((error: Error) => error);
    expect(busy, "until it is known that the first do not hold").to.have.property("code", "other_proofs");
    const invalid = { state: "rejected" as const, reason: "InvalidProof", invalid: [0] };
    expect(await moveBatch(db, id, "received", invalid, with_(1).evidence)).to.equal(true);
    expect(await insertBatch(db, bad)).to.deep.equal({ id, isNew: false });
    expect(await insertBatch(db, good)).to.deep.equal({ id, isNew: true });
    expect(await findBatch(db, bad.digest)).to.include({ state: "received", reason: null, invalid: null });
    // A process that was slow tells of the bad ones once more.
    expect(await moveBatch(db, id, "received", invalid, with_(1).evidence)).to.equal(false);
    expect(await moveBatch(db, id, "received", { state: "verified" }, with_(2).evidence)).to.equal(true);
    expect(await insertBatch(db, bad), "what is verified stays").to.deep.equal({ id, isNew: false });
    expect(await findBatch(db, bad.digest)).to.include({ state: "verified" });
  });

  it("does not acknowledge a proof while another one of the same receipt is being checked [FM:memory-only-buffer]", async () => {
    const key = makeKey();
    const receipt = makeReceipt(key, model, { mode: 1, outputScheme: 2 });
    const receiptId = protocol.receiptId(domain, receipt);
    const made = { receipt, receiptId, signature: key.sign(receiptId), state: "received" as const, receivedAt: 1 };
    await singles.insertSingle(database.db, { ...made, evidence: new Uint8Array([1]) });
    const other = singles.insertSingle(database.db, { ...made, evidence: new Uint8Array([2]) });
    expect(await other.catch((error: Error) => error)).to.have.property("code", "other_proofs");
  });

  it("offers a receipt in one batch at a time, and frees its companions when the offer is withdrawn [R9]", async () => {
    const key = makeKey();
    const { db } = database;
    const insert = async (receivedAt: number): Promise<number> => {
      const receipt = makeReceipt(key, model);
      const receiptId = protocol.receiptId(domain, receipt);
      const signature = key.sign(receiptId);
      const made = { receipt, receiptId, signature, evidence: null, state: "verified" as const, receivedAt };
      return (await singles.insertSingle(db, made)).id;
    };
    const old = await insert(1_000);
    const young = await insert(9_000);
    const rows = await singles.openReceipts(db, key.keyId, 0, 10);
    expect(rows.map((row) => row.id)).to.deep.equal([old, young]);
    const { batch } = makeBatch(domain, rows.map(singles.receiptOf), random(20));
    const digest = protocol.batchDigest(domain, batch);
    const sealId = (await singles.insertSeal(db, batch, digest, [old, young], 0))!;
    expect(await singles.insertSeal(db, { ...batch, settler: random(20) }, random(), [young], 0)).to.equal(undefined);
    expect((await singles.offeredSeal(db, key.keyId))!.receiptIds.length).to.equal(2);
    expect(await singles.goAlone(db, 5_000)).to.equal(1);
    expect(await singles.offeredSeal(db, key.keyId)).to.equal(undefined);
    expect((await singles.openReceipts(db, key.keyId, 0, 10)).map((row) => row.id)).to.deep.equal([young]);
    const late = await singles
      .sealBatch(db, sealId, key.sign(digest), () => expect.fail("it is withdrawn"), 0)
      .catch((error: Error) => error);
    expect(late).to.have.property("code", "seal_withdrawn");
    expect(
      (await readyItems(db, Date.now(), 1_000)).filter(({ table }) => table === "singles").map(({ id }) => id),
    ).to.include(old);
  });

  it("keeps the log of the embedded database short while it runs: a start after a crash reads all of it", async () => {
    const unread = async (): Promise<number> => {
      const [row] = await rows<{ mb: string }>(
        database.db,
        sql`select pg_wal_lsn_diff(pg_current_wal_lsn(), redo_lsn) / 1e6 as mb from pg_control_checkpoint()`,
      );
      return Number(row!.mb);
    };
    await database.db.execute(sql`create table filling (value bytea)`);
    for (let megabytes = 0; megabytes < 120; megabytes += 4)
      await database.db.execute(sql`insert into filling values (${randomBytes(4e6)})`);
    await database.db.execute(sql`drop table filling`);
    // All that was written is in the log once, whether or not it was shortened meanwhile.
    const until = Date.now() + 15_000;
    while ((await unread()) > 67.2 && Date.now() < until) await new Promise((resolve) => setTimeout(resolve, 200));
    expect(await unread()).to.be.lessThan(67.2);
  });

  it("tells of a receipt by the home that came furthest [R9]", async () => {
    const key = makeKey();
    const shared = makeReceipt(key, model);
    const rejected = newBatch(key, [shared], { state: "rejected" });
    const good = newBatch(key, [makeReceipt(key, model), shared]);
    await insertBatch(database.db, good);
    await insertBatch(database.db, rejected);
    const found = (await findReceipt(database.db, protocol.receiptId(domain, shared)))!;
    expect(found.state).to.equal("verified");
    expect([found.home!.batch.digest, found.home!.position]).to.deep.equal([good.digest, 1]);
    expect(await findReceipt(database.db, random())).to.equal(undefined);
  });
});
