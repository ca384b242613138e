// SPDX-License-Identifier: MIT
import { expect } from "chai";
import { eq } from "drizzle-orm";
import fc from "fast-check";
import { createOpenings } from "../../relayer/api/openings.ts";
import { pathAt, pathsOf, pathsOfIds, proofFrom } from "../../relayer/batches/paths.ts";
import { makeBatch, packSignatures } from "../../relayer/batches/seal.ts";
import * as protocol from "../../relayer/protocol/index.ts";
import { insertBatch, keepPaths, readBatch, type BatchSummary } from "../../relayer/store/batches.ts";
import { openDatabase, type OpenDatabase } from "../../relayer/store/database.ts";
import { findReceipt, type ReceiptHome } from "../../relayer/store/receipts.ts";
import { batches } from "../../relayer/store/schema.ts";
import { domain, makeKey, makeReceipt, random, removeDir, tempDir } from "./support/relayer.ts";

const GROUP = 16;
const key = makeKey();
const receiptsOf = (count: number) => Array.from({ length: count }, () => makeReceipt(key, random()));

describe("paths that are kept of a batch's tree", () => {
  it("prove as the whole tree does, whatever the count and the place [R3]", () => {
    // Every count, all places of small batches and places spread over large ones. The ids are the same: the shape differs.
    const all = Array.from({ length: 300 }, () => Buffer.from(random().slice(2), "hex"));
    for (let count = 1; count <= all.length; count++) {
      const ids = all.slice(0, count);
      const levels = protocol.merkleLevels(ids.map(protocol.leafOf));
      const paths = pathsOf(levels);
      expect(Buffer.compare(paths, pathsOfIds(Buffer.concat(ids)))).to.equal(0);
      const root = protocol.toHex(levels.at(-1)![0]!);
      for (let index = count < 40 ? 0 : count % 7; index < count; index += count < 40 ? 1 : 7) {
        const start = index - (index % GROUP);
        const proof = proofFrom({ root, count }, index, ids.slice(start, start + GROUP), pathAt(paths, count, index));
        expect(proof, `${index} of ${count}`).to.deep.equal(protocol.proofOf(levels, index));
      }
    }
  });

  it("never prove anything once one of their bytes, or of the group's, is another [R3] [FM:root-from-caller]", () => {
    const count = fc.integer({ min: 1, max: 300 });
    const place = fc.nat({ max: 2 ** 30 });
    fc.assert(
      fc.property(count, place, place, fc.integer({ min: 1, max: 255 }), (size, at, where, change) => {
        const ids = Array.from({ length: size }, () => new Uint8Array(Buffer.from(random().slice(2), "hex")));
        const levels = protocol.merkleLevels(ids.map(protocol.leafOf));
        const [root, index] = [protocol.toHex(levels.at(-1)![0]!), at % size];
        const group = ids.slice(index - (index % GROUP), index - (index % GROUP) + GROUP);
        const path = new Uint8Array(pathAt(pathsOf(levels), size, index));
        const proof = protocol.proofOf(levels, index);
        // One byte of what the proof is made of: the group's ids, then the siblings above that exist.
        const byte = where % (32 * group.length + path.length);
        if (byte < 32 * group.length) group[byte >> 5]![byte % 32]! ^= change;
        else path[byte - 32 * group.length]! ^= change;
        const made = proofFrom({ root, count: size }, index, group, path);
        // A place that stays empty, as the node above is promoted, is not read.
        if (made !== undefined) {
          expect(byte).to.be.at.least(32 * group.length);
          expect(made).to.deep.equal(proof);
        }
      }),
      { numRuns: 300 },
    );
    const ids = Array.from({ length: 40 }, () => Buffer.from(random().slice(2), "hex"));
    const levels = protocol.merkleLevels(ids.map(protocol.leafOf));
    const batch = { root: protocol.toHex(levels.at(-1)![0]!), count: 40 };
    const path = pathAt(pathsOf(levels), 40, 3);
    for (const wrong of [path.subarray(1), path.subarray(32), Buffer.concat([path, path]), new Uint8Array()])
      expect(proofFrom(batch, 3, ids.slice(0, GROUP), wrong)).to.equal(undefined);
    expect(proofFrom(batch, 3, ids.slice(0, 3), path)).to.equal(undefined);
  });
});

describe("openings of batched receipts", () => {
  const documents: Uint8Array[] = [];
  let reads = 0;
  const warnings: string[] = [];
  const kept = new Map<number, Uint8Array>();
  const log = { warn: (_: object, message: string) => void warnings.push(message) };
  const made = (count: number) => {
    const receipts = receiptsOf(count);
    const { batch, document, paths } = makeBatch(domain, receipts, random(20));
    const id = documents.push(document) - 1;
    const row = { ...batch, id, digest: protocol.batchDigest(domain, batch) } as BatchSummary;
    const home = (position: number, withPath: boolean): ReceiptHome => {
      const start = protocol.LEAVES_HEADER_SIZE + protocol.LEAF_SIZE * (position - (position % GROUP));
      const group = document.slice(start, start + GROUP * protocol.LEAF_SIZE);
      return { batch: row, position, group, path: withPath ? pathAt(paths, count, position) : null };
    };
    return { receipts, row, paths, home };
  };
  const sources = {
    documentOf: async (id: number) => {
      reads++;
      return documents[id]!;
    },
    keep: async (id: number, paths: Uint8Array) => void kept.set(id, paths),
    log,
  };
  const openings = createOpenings(domain, sources);
  const expectProofs = async (count: number, { receipts, row, home }: ReturnType<typeof made>, withPaths: boolean) => {
    const all = await Promise.all(receipts.map((receipt, n) => openings.ofBatch(home(n, withPaths), receipt)));
    all.forEach(({ proof, receipt }, index) => {
      const id = protocol.receiptId(domain, receipt);
      expect(protocol.verifyProof(row.root, count, index, id, proof)).to.equal(true);
    });
  };

  it("prove each receipt from the paths, without reading the batch [R3]", async () => {
    const before = reads;
    for (const count of [1, 2, 7, 16, 17, 600]) await expectProofs(count, made(count), true);
    expect([reads, warnings]).to.deep.equal([before, []]);
  });

  it("prove each receipt of a batch whose paths were never kept, hash it once for all who ask, and keep them [R3]", async () => {
    for (const count of [1, 2, 3, 7, 600]) {
      const batch = made(count);
      const before = reads;
      await expectProofs(count, batch, false);
      expect(reads - before).to.equal(1);
      expect(Buffer.compare(kept.get(batch.row.id)!, batch.paths)).to.equal(0);
    }
  });

  it("go out right from a damaged path, and mend it; damaged leaves give none [R3] [FM:root-from-caller]", async () => {
    const { receipts, row, paths, home } = made(100);
    const [sound, before] = [home(50, true), reads];
    const path = new Uint8Array(sound.path!);
    path[40]! ^= 1;
    const { proof } = await openings.ofBatch({ ...sound, path }, receipts[50]!);
    expect(protocol.verifyProof(row.root, 100, 50, protocol.receiptId(domain, receipts[50]!), proof)).to.equal(true);
    expect([reads - before, warnings.pop()]).to.deep.equal([
      1,
      "a kept path leads to no root; the batch is hashed anew",
    ]);
    expect(Buffer.compare(kept.get(row.id)!, paths)).to.equal(0);

    const other = made(100);
    documents[other.row.id]![protocol.LEAVES_HEADER_SIZE + 7]! ^= 1;
    const refused = await openings.ofBatch(other.home(5, true), other.receipts[5]!).catch((error: Error) => error);
    expect(refused).to.have.property("code", "corrupt_batch");
    expect(kept.has(other.row.id)).to.equal(false);
  });

  it("are hashed once though the ledger takes no paths [FM:supervised-loop]", async () => {
    const { receipts, row, home } = made(20);
    const failing = createOpenings(domain, { ...sources, keep: () => Promise.reject(new Error("read-only")) });
    const before = reads;
    for (const index of [0, 19]) {
      const { proof } = await failing.ofBatch(home(index, false), receipts[index]!);
      const id = protocol.receiptId(domain, receipts[index]!);
      expect(protocol.verifyProof(row.root, 20, index, id, proof)).to.equal(true);
    }
    expect([reads - before, warnings.pop()]).to.deep.equal([1, "a batch's paths could not be kept"]);
  });

  it("let others have their turn while a batch is hashed, and refuse more than can wait [R8]", async () => {
    const large = Array.from({ length: 9 }, () => made(2_000));
    let turns = 0;
    const ticking = setInterval(() => turns++, 1);
    const outcomes = await Promise.allSettled(
      large.map(({ receipts, home }) => openings.ofBatch(home(0, false), receipts[0]!)),
    );
    clearInterval(ticking);
    expect(outcomes.map(({ status }) => status)).to.deep.equal([...Array<string>(8).fill("fulfilled"), "rejected"]);
    expect((outcomes[8] as PromiseRejectedResult).reason).to.have.property("code", "busy");
    expect(turns).to.be.greaterThan(20);
    const { receipts, home } = large[8]!;
    expect((await openings.ofBatch(home(1, false), receipts[1]!)).proof).to.have.length(11);
  });
});

describe("openings out of the ledger", () => {
  let database: OpenDatabase;
  const dataDir = tempDir();
  before(async () => {
    database = await openDatabase({ dataDir });
  });
  after(async () => {
    await database.close();
    removeDir(dataDir);
  });

  it("are made of what one statement cuts out of a batch; of a batch of before, or a damaged one, by hashing it once [R3]", async () => {
    const { db } = database;
    let reads = 0;
    const openings = () =>
      createOpenings(domain, {
        documentOf: async (id) => {
          reads++;
          return (await readBatch(db, id))!.document;
        },
        keep: (id, paths) => keepPaths(db, id, paths),
        log: { warn: () => undefined },
      });
    for (const count of [1, 15, 16, 17, 48, 250]) {
      const receipts = receiptsOf(count);
      const { batch, document, receiptIds, paths } = makeBatch(domain, receipts, random(20));
      const [digest, signatures] = [protocol.batchDigest(domain, batch), receipts.map(() => random(65))];
      const { id } = await insertBatch(db, {
        ...{ batch, digest, signature: random(65), document, receiptIds, paths },
        ...{ signatures: packSignatures(signatures), state: "verified", receivedAt: 1 },
      });
      // As accepted, as before the migration, with one byte of another value, and cut off.
      const damaged = Uint8Array.from(paths, (byte, at) => (at % 32 === 5 ? byte ^ 1 : byte));
      for (const stored of [undefined, null, damaged, paths.subarray(0, paths.length - 3)]) {
        if (stored !== undefined) await db.update(batches).set({ paths: stored }).where(eq(batches.id, id));
        const [before, current] = [reads, openings()];
        for (const index of new Set([0, 14, 15, 16, 31, 32, count >> 1, count - 1])) {
          if (index >= count) continue;
          const receiptId = protocol.receiptId(domain, receipts[index]!);
          const found = (await findReceipt(db, receiptId))!;
          expect([found.receipt, found.signature]).to.deep.equal([receipts[index], signatures[index]]);
          const { proof, index: place } = await current.ofBatch(found.home!, found.receipt);
          expect([place, protocol.verifyProof(batch.root, count, index, receiptId, proof)]).to.deep.equal([
            index,
            true,
          ]);
        }
        const hashed = stored === null || (stored !== undefined && paths.length > 0);
        expect(reads - before, `${count} receipts`).to.equal(hashed ? 1 : 0);
        expect(Buffer.compare((await readBatch(db, id))!.paths!, paths)).to.equal(0);
      }
    }
  });
});
