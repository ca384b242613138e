import { randomBytes } from "node:crypto";
import { mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect } from "chai";
import { id } from "ethers";
import { type Hex, keccak, toHex } from "../../relayer/protocol/index.ts";
import {
  auditEntries,
  type BlobStore,
  encodeSegment,
  fileBlobs,
  fileJournal,
  loadHistory,
  MemoryError,
  type MemoryOptions,
  openEntry,
  openMemory,
  proveEntry,
  proveExtension,
  readHeads,
  sealEntry,
  verifyEntry,
  verifyExtension,
} from "../../relayer/memory/index.ts";
import { MemoryRegistry__factory } from "../../typechain/index.ts";
import { useWorld } from "../support/world.ts";

const INTERACTIONS = 1_000;
const text = (place: number) => Buffer.from(`interaction ${place}: ${"word ".repeat(place % 90)}`);
const codeOf = async (work: Promise<unknown>): Promise<string> =>
  work.then(
    () => "nothing failed",
    (problem: unknown) => (problem instanceof MemoryError ? problem.code : String(problem)),
  );
/** A store that answers something else for some ids. */
const lying = (blobs: BlobStore, lies: Record<Hex, Uint8Array | null>): BlobStore => ({
  put: blobs.put,
  get: async (of) => (of in lies ? lies[of]! : blobs.get(of)),
});

describe("a memory", () => {
  const world = useWorld();

  async function setUp(over: Partial<MemoryOptions> = {}) {
    const w = world();
    const folder = await mkdtemp(join(tmpdir(), "memory-"));
    const registry = MemoryRegistry__factory.connect(await w.contracts.memoryRegistry.getAddress(), w.signers.other);
    const options: MemoryOptions = {
      signer: w.signers.other,
      registry: await registry.getAddress(),
      label: id("label") as Hex,
      key: randomBytes(32),
      blobs: fileBlobs(join(folder, "blobs")),
      journal: fileJournal(join(folder, "waiting")),
      ...over,
    };
    const verify = async (memoryId: Hex, blobs = options.blobs) =>
      loadHistory(memoryId, await readHeads(w.ethers.provider, options.registry, memoryId), blobs);
    return { w, folder, registry, options, verify };
  }

  describe("of 1,000 interactions", () => {
    it("proves any of them, and that none was dropped, changed or moved, to who has the chain and the blobs alone", async () => {
      const { w, registry, options, verify } = await setUp();
      const memory = await openMemory(options);
      for (let place = 0; place < INTERACTIONS; place++) {
        expect(await memory.append(text(place))).to.equal(place);
        // Heads of many sizes, powers of two among them.
        if ([0, 1, 3, 63, 127, 200, 511, 730, INTERACTIONS - 1].includes(place)) await memory.commit();
      }
      const { memoryId } = memory;

      // A verifier: no key, nothing of the owner's.
      const heads = await readHeads(w.ethers.provider, options.registry, memoryId);
      expect(heads.map(({ count }) => count)).to.deep.equal([1, 2, 4, 64, 128, 201, 512, 731, 1_000]);
      const history = await verify(memoryId);
      await auditEntries(history, options.blobs);
      for (let place = 0; place < INTERACTIONS; place++) {
        const proof = proveEntry(history, place);
        expect(verifyEntry(heads, proof)).to.equal(true);
        // It holds of this entry at this place, and of nothing else.
        expect(verifyEntry(heads, { ...proof, place: (place + 1) % INTERACTIONS })).to.equal(false);
        expect(verifyEntry(heads, { ...proof, entryId: history.log.at((place + 1) % INTERACTIONS) })).to.equal(false);
      }
      for (let later = 0; later < heads.length; later++)
        for (let earlier = 0; earlier <= later; earlier++)
          expect(verifyExtension(heads, proveExtension(history, earlier, later))).to.equal(true);

      // The chain says the same.
      for (const place of [0, 4, 63, 500, 999]) {
        const { index, entryId, proof } = proveEntry(history, place);
        expect(await registry.isEntry(memoryId, index, entryId, place, proof)).to.equal(true);
        expect(await registry.isEntry(memoryId, index, entryId, place + 1, proof)).to.equal(false);
      }
      const { proof } = proveExtension(history, 3, 8);
      expect(await registry.isExtension(memoryId, 3, 8, proof)).to.equal(true);
      expect(await registry.isExtension(memoryId, 2, 8, proof)).to.equal(false);

      // One entry is disclosed, and no other opens with it.
      const blob = (await options.blobs.get(history.log.at(321)))!;
      const secret = await memory.disclose(321);
      expect(toHex(openEntry(blob, { memoryId, place: 321 }, secret))).to.equal(toHex(text(321)));
      const next = (await options.blobs.get(history.log.at(322)))!;
      expect(() => openEntry(next, { memoryId, place: 322 }, secret)).to.throw(MemoryError);
    }).timeout(300_000);

    it("shows a dropped, a moved, a changed and a slipped in entry, and a blob that is not what it was", async () => {
      const { w, options, verify } = await setUp();
      const memory = await openMemory(options);
      for (let place = 0; place < INTERACTIONS; place++) {
        await memory.append(text(place));
        if (place % 250 === 249) await memory.commit();
      }
      const { memoryId } = memory;
      const history = await verify(memoryId);
      const heads = await readHeads(w.ethers.provider, options.registry, memoryId);
      const ids = history.log.slice(250, 500);

      // Whoever keeps the blobs gives other lists: each is no longer what its id names.
      const dropped = encodeSegment(ids.filter((_, i) => i !== 7));
      const moved = encodeSegment([ids[1]!, ids[0]!, ...ids.slice(2)]);
      for (const list of [dropped, moved, encodeSegment(ids).subarray(1)])
        expect(await codeOf(verify(memoryId, lying(options.blobs, { [heads[1]!.blobId]: list })))).to.equal(
          "blob_tampered",
        );
      // The owner itself names another list in its place: it does not lead to the root on the chain.
      const tell = async (list: Uint8Array) => {
        const blobId = await options.blobs.put(list);
        const told = heads.map((head, i) => (i === 1 ? { ...head, blobId } : head));
        return codeOf(loadHistory(memoryId, told, options.blobs));
      };
      expect(await tell(dropped)).to.equal("bad_segment");
      expect(await tell(encodeSegment([...ids, ids[0]!]))).to.equal("bad_segment");
      expect(await tell(moved)).to.equal("not_the_history");
      expect(await tell(encodeSegment([id("slipped in") as Hex, ...ids.slice(1)]))).to.equal("not_the_history");
      // A head whose list is withheld.
      expect(await codeOf(verify(memoryId, lying(options.blobs, { [heads[2]!.blobId]: null })))).to.equal(
        "blob_missing",
      );

      // A sealed entry that was changed, exchanged for another or lost.
      const victim = history.log.at(77);
      const changed = Buffer.from((await options.blobs.get(victim))!);
      changed[200]! ^= 1;
      const other = (await options.blobs.get(history.log.at(78)))!;
      for (const [lie, code] of [
        [changed, "blob_tampered"],
        [other, "blob_tampered"],
        [null, "blob_missing"],
      ] as const) {
        const store = lying(options.blobs, { [victim]: lie });
        expect(await codeOf(auditEntries(history, store))).to.equal(code);
        const reader = await openMemory({ ...options, blobs: store });
        expect(await codeOf(reader.read(77))).to.equal(code);
        expect(toHex(await reader.read(78))).to.equal(toHex(text(78)));
      }
    }).timeout(300_000);
  });

  it("cannot be rewritten on the chain by its own owner", async () => {
    const { registry, options } = await setUp();
    const memory = await openMemory(options);
    for (let place = 0; place < 5; place++) await memory.append(text(place));
    await memory.commit();
    const { log } = memory.history();
    const { MerkleLog } = await import("../../relayer/protocol/index.ts");
    const ids = log.slice(0, 5);
    for (const rewritten of [
      [ids[1]!, ids[0]!, ...ids.slice(2)],
      [...ids.slice(1), id("six") as Hex],
      [...ids.slice(0, 4), id("five") as Hex],
    ]) {
      const other = new MerkleLog([...rewritten, id("new") as Hex]);
      await expect(
        registry.commit(options.label, other.root(), other.count, id("blob"), other.consistency(5)),
      ).to.be.revertedWithCustomError(registry, "MemoryRegistry_NotAnExtension");
    }
  });

  it("opens again as it was left: what was acknowledged and not committed waits", async () => {
    const { options } = await setUp();
    const first = await openMemory(options);
    for (let place = 0; place < 3; place++) await first.append(text(place));
    await first.commit();
    for (let place = 3; place < 6; place++) await first.append(text(place));

    const second = await openMemory(options);
    expect([second.waiting(), second.history().log.count]).to.deep.equal([3, 6]);
    for (let place = 0; place < 6; place++) expect(toHex(await second.read(place))).to.equal(toHex(text(place)));
    await second.commit();
    expect(await codeOf(second.commit())).to.equal("nothing_to_commit");
    expect((await openMemory(options)).waiting()).to.equal(0);
  });

  it("takes no line of its journal that was cut off, and none that it did not write", async () => {
    const { folder, options } = await setUp();
    const memory = await openMemory(options);
    await memory.append(text(0));
    const file = join(folder, "waiting");
    const written = await readFile(file, "utf8");
    await writeFile(file, `${written}1 0xabc`);
    const again = await openMemory(options);
    expect(again.waiting()).to.equal(1);
    await again.append(text(1));
    expect((await openMemory(options)).waiting()).to.equal(2);
    await writeFile(file, "what is this\n");
    expect(await codeOf(openMemory(options))).to.equal("bad_journal");
  });

  it("knows a commit that was mined before its journal was cleared", async () => {
    const { folder, options } = await setUp();
    const memory = await openMemory(options);
    await memory.append(text(0));
    const before = await readFile(join(folder, "waiting"));
    await memory.commit();
    await writeFile(join(folder, "waiting"), before);
    const again = await openMemory(options);
    expect([again.waiting(), again.history().log.count]).to.deep.equal([0, 1]);
  });

  it("of two clients takes the first one's head; the other opens it again and keeps its entries", async () => {
    const { folder, options } = await setUp();
    const mine = await openMemory(options);
    await mine.append(text(0));
    await mine.commit();
    const theirs = await openMemory({ ...options, journal: fileJournal(join(folder, "other")) });
    await theirs.append(text(100));
    await mine.append(text(1));
    await mine.append(text(2));
    await theirs.commit();
    expect(await codeOf(mine.commit())).to.equal("head_moved");
    const again = await openMemory(options);
    expect(again.waiting()).to.equal(2);
    await again.commit();
    const texts = await Promise.all([0, 1, 2, 3].map((place) => again.read(place)));
    expect(texts.map(toHex)).to.deep.equal([0, 100, 1, 2].map((place) => toHex(text(place))));
  });

  it("gives a place once, however many entries come together", async () => {
    const { options } = await setUp();
    const memory = await openMemory(options);
    const places = await Promise.all(Array.from({ length: 20 }, (_, i) => memory.append(text(i))));
    expect(new Set(places).size).to.equal(20);
    await memory.commit();
    const texts = await Promise.all(places.map((place) => memory.read(place)));
    expect(texts.map(toHex)).to.deep.equal(places.map((_, i) => toHex(text(i))));
  });

  it("reads nothing under another key", async () => {
    const { options } = await setUp();
    const memory = await openMemory(options);
    await memory.append(text(0));
    await memory.commit();
    const stranger = await openMemory({ ...options, key: randomBytes(32) });
    expect(await codeOf(stranger.read(0))).to.equal("wrong_key");
  });

  it("seals nothing with randomness that repeats itself, and an audit finds what was sealed so", async () => {
    const { options, verify } = await setUp();
    const stuck = (length: number) => new Uint8Array(length).fill(7);
    const memory = await openMemory({ ...options, random: stuck });
    await memory.append(text(0));
    expect(await codeOf(memory.append(text(1)))).to.equal("nonce_reused");
    expect(memory.waiting()).to.equal(1);
    // A client that does not look: its entry joins under a nonce that was used.
    const blob = sealEntry(text(1), options.key, { memoryId: memory.memoryId, place: 1 }, stuck);
    await options.journal.add({ place: 1, id: await options.blobs.put(blob) });
    await (await openMemory(options)).commit();
    expect(await codeOf(auditEntries(await verify(memory.memoryId), options.blobs))).to.equal("nonce_reused");
  });

  it("refuses an old entry that is replayed at a new place", async () => {
    const { options } = await setUp();
    const memory = await openMemory(options);
    await memory.append(text(0));
    await options.journal.add({ place: 1, id: memory.history().log.at(0) });
    const again = await openMemory(options);
    expect(await codeOf(again.read(1))).to.equal("wrong_key");
    await again.commit();
    expect(await codeOf(auditEntries(again.history(), options.blobs))).to.equal("nonce_reused");
  });

  it("keeps blobs by what they are: what a file became is found out, what is gone is said", async () => {
    const { folder, options } = await setUp();
    const bytes = randomBytes(100);
    const of = await options.blobs.put(bytes);
    expect(of).to.equal(keccak(bytes));
    expect(toHex((await options.blobs.get(of))!)).to.equal(toHex(bytes));
    await rm(join(folder, "blobs"), { recursive: true });
    expect(await options.blobs.get(of)).to.equal(null);
  });
});
