import { randomBytes } from "node:crypto";
import { expect } from "chai";
import { id, Interface, toBeHex, Wallet, ZeroAddress, ZeroHash } from "ethers";
import { artifacts } from "hardhat";
import { type Hex, MerkleLog } from "../../relayer/protocol/index.ts";
import { CONTEXT_REASONS, contextHash, memoryRegistry, type MemoryContext } from "../../relayer/memory/index.ts";
import { MemoryRegistry__factory } from "../../typechain/index.ts";
import { Mode, type ReceiptFields } from "../support/protocol.ts";
import { useWorld } from "../support/world.ts";

const LABEL = id("label") as Hex;
const NEVER = 2n ** 64n - 1n;
const ids = (count: number) => Array.from({ length: count }, (_, i) => id(`entry ${i}`) as Hex);
const WHOLE = { modelId: ZeroHash, nodeId: ZeroHash, firstEntry: 0n, endEntry: NEVER };

describe("MemoryRegistry", () => {
  const world = useWorld();

  async function setUp() {
    const w = world();
    const { other, operator, deployer } = w.signers;
    const memories = MemoryRegistry__factory.connect(await w.contracts.memoryRegistry.getAddress(), other);
    const log = new MerkleLog(ids(20));
    const memoryId = (await memories.memoryIdOf(other.address, LABEL)) as Hex;
    const commit = (count: number, before: number, by = memories) =>
      by.commit(LABEL, log.root(count), count, id(`blob ${count}`), before === 0 ? [] : log.consistency(before, count));
    return { w, memories, log, memoryId, commit, other, operator, deployer };
  }

  describe("heads", () => {
    it("belong to who commits them, and are told in full", async () => {
      const { w, memories, log, memoryId, commit, other, deployer } = await setUp();
      const second = (await w.now()) + 100n;
      await w.at(second);
      await expect(commit(3, 0))
        .to.emit(memories, "MemoryCommitted")
        .withArgs(memoryId, other.address, 0, LABEL, log.root(3), ZeroHash, 3, id("blob 3"));
      await w.at(second + 50n);
      await expect(commit(8, 3))
        .to.emit(memories, "MemoryCommitted")
        .withArgs(memoryId, other.address, 1, LABEL, log.root(8), log.root(3), 8, id("blob 8"));
      const heads = [
        [log.root(3), ZeroHash, 3n, id("blob 3"), second],
        [log.root(8), log.root(3), 8n, id("blob 8"), second + 50n],
      ];
      expect(await memories.heads(memoryId, 0, 10)).to.deep.equal(heads);
      expect(await memories.heads(memoryId, 1, 10)).to.deep.equal(heads.slice(1));
      expect(await memories.heads(memoryId, 0, 1)).to.deep.equal(heads.slice(0, 1));
      expect(await memories.heads(memoryId, 2, 10)).to.deep.equal([]);
      expect(await memories.head(memoryId, 1)).to.deep.equal(heads[1]);
      expect(await memories.headCount(memoryId)).to.equal(2n);
      await expect(memories.head(memoryId, 2))
        .to.be.revertedWithCustomError(memories, "MemoryRegistry_UnknownHead")
        .withArgs(memoryId, 2);
      // The same label by another account is another memory.
      await commit(5, 0, memories.connect(deployer));
      expect(await memories.headCount(memoryId)).to.equal(2n);
      expect(await memories.headCount(await memories.memoryIdOf(deployer.address, LABEL))).to.equal(1n);
    });

    it("only ever grow, and only over what is there", async () => {
      const { memories, log, commit } = await setUp();
      const root = log.root(4);
      await expect(memories.commit(LABEL, ZeroHash, 1, id("blob"), [])).to.be.revertedWithCustomError(
        memories,
        "MemoryRegistry_EmptyCommit",
      );
      await expect(memories.commit(LABEL, root, 1, ZeroHash, [])).to.be.revertedWithCustomError(
        memories,
        "MemoryRegistry_EmptyCommit",
      );
      await expect(memories.commit(LABEL, root, 0, id("blob"), []))
        .to.be.revertedWithCustomError(memories, "MemoryRegistry_NothingAdded")
        .withArgs(0, 0);
      await expect(memories.commit(LABEL, root, 4, id("blob"), [root])).to.be.revertedWithCustomError(
        memories,
        "MemoryRegistry_ProofOfNothing",
      );
      await commit(4, 0);
      for (const count of [3, 4])
        await expect(memories.commit(LABEL, log.root(count), count, id("blob"), []))
          .to.be.revertedWithCustomError(memories, "MemoryRegistry_NothingAdded")
          .withArgs(4, count);
      const refused = (root: string, count: number, proof: string[]) =>
        expect(memories.commit(LABEL, root, count, id("blob"), proof))
          .to.be.revertedWithCustomError(memories, "MemoryRegistry_NotAnExtension")
          .withArgs(log.root(4), 4);
      await refused(log.root(9), 9, []);
      await refused(log.root(9), 9, log.consistency(3, 9));
      await refused(log.root(10), 10, log.consistency(4, 9));
      await refused(new MerkleLog(ids(10).slice(1)).root(), 9, log.consistency(4, 9));
      // A proof of a million siblings costs its sender alone, and ends at the tree's height.
      await refused(log.root(9), 9, [...log.consistency(4, 9), ...Array.from({ length: 200 }, () => ZeroHash)]);
      await commit(9, 4);
    });

    it("take the number of entries at their owner's word, whom alone a false one harms", async () => {
      const { memories, log, memoryId, commit } = await setUp();
      await commit(4, 0);
      await memories.commit(LABEL, log.root(9), 10, id("blob"), log.consistency(4, 9));
      // What opened still opens at its place, and to nothing else there.
      for (const place of [0, 3, 7]) {
        expect(await memories.isEntry(memoryId, 1, log.at(place), place, log.inclusion(place, 9))).to.equal(true);
        expect(await memories.isEntry(memoryId, 1, log.at(place), place ^ 1, log.inclusion(place, 9))).to.equal(false);
      }
      // The places that are none open to nothing, ever, and the true log goes on no more.
      for (const place of [8, 9])
        for (const proof of [log.inclusion(8, 9), log.inclusion(8, 10)])
          expect(await memories.isEntry(memoryId, 1, log.at(8), place, proof)).to.equal(false);
      await expect(
        memories.commit(LABEL, log.root(12), 12, id("blob"), log.consistency(10, 12)),
      ).to.be.revertedWithCustomError(memories, "MemoryRegistry_NotAnExtension");
    });

    it("are found by any moment, also where two come in one second", async () => {
      const { w, memories, memoryId, commit } = await setUp();
      const start = (await w.now()) + 100n;
      expect(await memories.headAt(memoryId, start)).to.deep.equal([false, 0n]);
      await w.networkHelpers.time.setNextBlockTimestamp(start);
      await commit(1, 0);
      for (const [count, before, at] of [
        [2, 1, 10n],
        [3, 2, 20n],
        [7, 3, 1_000n],
      ] as const) {
        await w.at(start + at);
        await commit(count, before);
      }
      for (const [at, found, index] of [
        [-1n, false, 0n],
        [0n, true, 0n],
        [9n, true, 0n],
        [10n, true, 1n],
        [19n, true, 1n],
        [20n, true, 2n],
        [999n, true, 2n],
        [1_000n, true, 3n],
        [10n ** 9n, true, 3n],
      ] as const)
        expect(await memories.headAt(memoryId, start + at), String(at)).to.deep.equal([found, index]);
      expect(await memories.headAt(memoryId, NEVER)).to.deep.equal([true, 3n]);
    });

    it("open their entries and no others, at no other place", async () => {
      const { memories, log, memoryId, commit } = await setUp();
      await commit(5, 0);
      await commit(12, 5);
      for (let place = 0; place < 12; place++)
        expect(await memories.isEntry(memoryId, 1, log.at(place), place, log.inclusion(place, 12))).to.equal(true);
      expect(await memories.isEntry(memoryId, 0, log.at(4), 4, log.inclusion(4, 5))).to.equal(true);
      expect(await memories.isEntry(memoryId, 0, log.at(5), 5, log.inclusion(5, 12))).to.equal(false);
      expect(await memories.isEntry(memoryId, 1, log.at(4), 4, log.inclusion(4, 5))).to.equal(false);
      expect(await memories.isEntry(memoryId, 1, log.at(4), 5, log.inclusion(4, 12))).to.equal(false);
      expect(await memories.isExtension(memoryId, 0, 1, log.consistency(5, 12))).to.equal(true);
      expect(await memories.isExtension(memoryId, 1, 1, [])).to.equal(true);
      expect(await memories.isExtension(memoryId, 1, 0, log.consistency(5, 12))).to.equal(false);
    });
  });

  describe("grants", () => {
    it("are numbered, kept as they were given, and the owner's alone to give and end", async () => {
      const { w, memories, memoryId, operator, deployer } = await setUp();
      const second = (await w.now()) + 100n;
      await w.at(second);
      const scope = { modelId: w.modelId, nodeId: w.nodeId, firstEntry: 2n, endEntry: 9n };
      await expect(memories.grant(LABEL, operator.address, second + 500n, scope))
        .to.emit(memories, "MemoryGranted")
        .withArgs(1, memoryId, operator.address, second + 500n, Object.values(scope));
      const given = [memoryId, operator.address, second, second + 500n, Object.values(scope)];
      expect(await memories.grantOf(1)).to.deep.equal(given);
      for (const who of [deployer, operator])
        await expect(memories.connect(who).revoke(LABEL, 1)).to.be.revertedWithCustomError(
          memories,
          "MemoryRegistry_UnknownGrant",
        );
      await w.at(second + 60n);
      await expect(memories.revoke(LABEL, 1))
        .to.emit(memories, "MemoryRevoked")
        .withArgs(1, memoryId, operator.address, second + 60n);
      expect((await memories.grantOf(1)).until).to.equal(second + 60n);
      await expect(memories.revoke(LABEL, 1))
        .to.be.revertedWithCustomError(memories, "MemoryRegistry_GrantEnded")
        .withArgs(1, second + 60n);
      await expect(memories.revoke(LABEL, 2)).to.be.revertedWithCustomError(memories, "MemoryRegistry_UnknownGrant");
      expect((await memories.grantOf(2)).reader).to.equal(ZeroAddress);
    });

    it("are to somebody, of something, for a time", async () => {
      const { w, memories, operator } = await setUp();
      const until = (await w.now()) + 1_000n;
      await expect(memories.grant(LABEL, ZeroAddress, until, WHOLE)).to.be.revertedWithCustomError(
        memories,
        "MemoryRegistry_BadGrant",
      );
      for (const [firstEntry, endEntry] of [
        [5n, 5n],
        [6n, 5n],
      ] as const)
        await expect(memories.grant(LABEL, operator.address, until, { ...WHOLE, firstEntry, endEntry }))
          .to.be.revertedWithCustomError(memories, "MemoryRegistry_BadGrant")
          .withArgs(operator.address, firstEntry, endEntry);
      await w.at(until);
      await expect(memories.grant(LABEL, operator.address, until, WHOLE))
        .to.be.revertedWithCustomError(memories, "MemoryRegistry_BadExpiry")
        .withArgs(until);
      for (const late of [2n ** 40n, NEVER])
        await expect(memories.grant(LABEL, operator.address, late, WHOLE))
          .to.be.revertedWithCustomError(memories, "MemoryRegistry_BadExpiry")
          .withArgs(late);
    });
  });

  describe("the context of a receipt", () => {
    /** Two heads, a grant to the operator from before the first one on, and a receipt between the heads. */
    async function granted(scope: Partial<typeof WHOLE> = {}, reader?: string) {
      const base = await setUp();
      const { w, memories, log, memoryId, commit, operator } = base;
      const start = (await w.now()) + 100n;
      await w.at(start - 10n);
      await memories.grant(LABEL, reader ?? operator.address, start + 5_000n, { ...WHOLE, ...scope });
      await w.at(start);
      await commit(5, 0);
      await w.at(start + 1_000n);
      await commit(12, 5);
      const context: MemoryContext = {
        memoryId,
        index: 0n,
        root: log.root(5),
        count: 5n,
        firstEntry: 1n,
        endEntry: 5n,
        grantId: 1n,
        salt: `0x${randomBytes(32).toString("hex")}`,
      };
      const receiptWith = (over: Partial<MemoryContext> = {}, fields: Partial<ReceiptFields> = {}) =>
        w.receiptIn(fields.mode ?? Mode.VANILLA, {
          contextHash: contextHash({ ...context, ...over }),
          completedAt: start + 500n,
          ...fields,
        });
      const reasonOf = async (over: Partial<MemoryContext> = {}, fields: Partial<ReceiptFields> = {}) => {
        const { valid, reason } = await memories.checkContext(await receiptWith(over, fields), { ...context, ...over });
        expect(valid).to.equal(reason === 0n);
        return CONTEXT_REASONS[Number(reason)];
      };
      return { ...base, start, context, receiptWith, reasonOf };
    }

    it("holds where the head stood at completion and the node held the grant, with all the times", async () => {
      const { memories, start, context, receiptWith } = await granted();
      expect(await memories.contextHashOf(context)).to.equal(contextHash(context));
      expect(await memories.checkContext(await receiptWith(), context)).to.deep.equal([
        ...[true, 0n, start, start + 1_000n, start - 10n, start + 5_000n],
      ]);
      const newest = { ...context, index: 1n, root: new MerkleLog(ids(12)).root(), count: 12n, endEntry: 12n };
      const receipt = await receiptWith(newest, { completedAt: start + 1_000n });
      expect(await memories.checkContext(receipt, newest)).to.deep.equal([
        ...[true, 0n, start + 1_000n, NEVER, start - 10n, start + 5_000n],
      ]);
    });

    it("holds from the second of its head to the second before the next", async () => {
      const { start, reasonOf } = await granted();
      for (const [at, expected] of [
        [-1n, "NotTheHead"],
        [0n, "None"],
        [999n, "None"],
        [1_000n, "NotTheHead"],
      ] as const)
        expect(await reasonOf({}, { completedAt: start + at }), String(at)).to.equal(expected);
    });

    it("is that of the receipt, of a head that is there, over entries that it has", async () => {
      const { memories, context, receiptWith, reasonOf } = await granted();
      const receipt = await receiptWith();
      for (const other of [{ salt: id("guess") as Hex }, { grantId: 2n }, { index: 1n }, { endEntry: 4n }])
        expect(await memories.checkContext(receipt, { ...context, ...other })).to.deep.equal([
          false,
          1n,
          0n,
          0n,
          0n,
          0n,
        ]);
      expect(await reasonOf({ index: 2n })).to.equal("UnknownHead");
      expect(await reasonOf({ count: 6n })).to.equal("UnknownHead");
      expect(await reasonOf({ root: id("root") as Hex })).to.equal("UnknownHead");
      expect(await reasonOf({ memoryId: id("none") as Hex })).to.equal("UnknownHead");
      expect(await reasonOf({ firstEntry: 5n })).to.equal("BadRange");
      expect(await reasonOf({ endEntry: 6n })).to.equal("BadRange");
      expect(await reasonOf({ firstEntry: 0n, endEntry: 1n })).to.equal("None");
    });

    it("needs a grant of this memory, to this node's operator", async () => {
      const { w, memories, deployer, start, reasonOf } = await granted();
      expect(await reasonOf({ grantId: 0n })).to.equal("UnknownGrant");
      expect(await reasonOf({ grantId: 2n })).to.equal("UnknownGrant");
      await memories.connect(deployer).grant(LABEL, w.signers.operator.address, start + 5_000n, WHOLE);
      expect(await reasonOf({ grantId: 2n })).to.equal("UnknownGrant");
      // A key of nobody's, one of another node, and the right one under another mode's registry.
      expect(await reasonOf({}, { keyId: id("no key") })).to.equal("WrongReader");
      const otherNode = await w.registerNode(w.signers.deployer);
      const otherKey = await w.addOperatorKey(otherNode, new Wallet(id("another")), w.signers.deployer);
      expect(await reasonOf({}, { keyId: otherKey })).to.equal("WrongReader");
      expect(await reasonOf({}, { mode: Mode.TEE, keyId: w.keyId })).to.equal("WrongReader");
      expect(await reasonOf({}, { mode: Mode.TEE })).to.equal("None");
      expect(await reasonOf({}, { mode: Mode.ZKML })).to.equal("None");
    });

    it("can be granted to one key alone: an enclave's, say", async () => {
      const { w, reasonOf } = await granted({}, world().enclaveKey.address);
      expect(await reasonOf({}, { mode: Mode.TEE })).to.equal("None");
      expect(await reasonOf({}, { mode: Mode.VANILLA })).to.equal("WrongReader");
      const second = await w.admitEnclave(w.nodeId, new Wallet(id("second enclave")), id("image 9"));
      expect(await reasonOf({}, { mode: Mode.TEE, keyId: second })).to.equal("WrongReader");
    });

    it("keeps to the scope: one version, one node, some entries", async () => {
      const narrow = { modelId: world().modelId, nodeId: world().nodeId, firstEntry: 1n, endEntry: 4n };
      const { w, operator, reasonOf } = await granted(narrow);
      expect(await reasonOf({ endEntry: 4n })).to.equal("None");
      expect(await reasonOf({ firstEntry: 0n, endEntry: 4n })).to.equal("OutsideScope");
      expect(await reasonOf({ endEntry: 5n })).to.equal("OutsideScope");
      expect(await reasonOf({ endEntry: 4n }, { modelId: w.vanillaModelId })).to.equal("WrongModel");
      const second = await w.registerNode(operator);
      const keyId = await w.addOperatorKey(second, new Wallet(id("another")));
      expect(await reasonOf({ endEntry: 4n }, { keyId })).to.equal("WrongNode");
      expect(toBeHex(BigInt(second), 32)).to.not.equal(w.nodeId);
    });

    it("is covered from the grant to its end or revocation, and what was covered before stays so", async () => {
      const { w, memories, start, context, receiptWith, reasonOf } = await granted();
      await w.at(start + 2_000n);
      await memories.grant(LABEL, w.signers.operator.address, start + 3_000n, WHOLE);
      const newest = { index: 1n, root: new MerkleLog(ids(12)).root(), count: 12n, grantId: 2n };
      for (const [at, expected] of [
        [1_999n, "NotInForce"],
        [2_000n, "None"],
        [2_999n, "None"],
        [3_000n, "NotInForce"],
      ] as const)
        expect(await reasonOf(newest, { completedAt: start + at }), String(at)).to.equal(expected);
      await w.at(start + 2_500n);
      await memories.revoke(LABEL, 2);
      expect(await reasonOf(newest, { completedAt: start + 2_499n })).to.equal("None");
      expect(await reasonOf(newest, { completedAt: start + 2_500n })).to.equal("NotInForce");
      const receipt = await receiptWith(newest, { completedAt: start + 2_500n });
      expect((await memories.checkContext(receipt, { ...context, ...newest })).grantUntil).to.equal(start + 2_500n);
    });

    it("is a fact beside the receipt: settled and opened like any other", async () => {
      const { w, memories, context, receiptWith } = await granted();
      const receipt = await receiptWith({}, { completedAt: (await w.now()) - 600n });
      await w.registry.settleReceipts([w.signedReceipt(receipt)]);
      expect((await w.openAlone(receipt)).verified).to.equal(true);
      expect((await memories.checkContext(receipt, context)).valid).to.equal(true);
    });
  });

  it("is spoken to as the compiler says, names of fields and reasons included", async () => {
    const compiled = new Interface((await artifacts.readArtifact("MemoryRegistry")).abi);
    for (const fragment of memoryRegistry.fragments) {
      const signature = fragment.format("sighash");
      const other = compiled.fragments.find((one) => one.type === "function" && one.format("sighash") === signature);
      expect(other, `no ${signature}`).to.not.equal(undefined);
      expect(fragment.format("full")).to.equal(other!.format("full"));
    }
    const { readFileSync } = await import("node:fs");
    const source = readFileSync("contracts/interfaces/IMemoryRegistry.sol", "utf8");
    const body = /enum ContextReason \{([^}]*)\}/.exec(source)![1]!.replace(/\/\/.*$/gm, "");
    expect([...CONTEXT_REASONS]).to.deep.equal(body.split(",").map((name) => name.trim()));
  });
});
