import { expect } from "chai";
import { id, Signature, ZeroHash, toBeHex, TypedDataEncoder, concat, getBytes, hexlify, dataSlice } from "ethers";
import { outcomeOf, reasonOf } from "../support/outcome.ts";
import { batchTypes, Mode } from "../support/protocol.ts";
import { useWorld } from "../support/world.ts";

/** Order of secp256k1. */
const N = 0xfffffffffffffffffffffffffffffffebaaedce6af48a03bbfd25e8cd0364141n;

describe("InferenceRegistry: signed batches", () => {
  const world = useWorld();

  for (const [name, mode] of [
    ["VANILLA", Mode.VANILLA],
    ["TEE", Mode.TEE],
  ] as const) {
    it(`settles a ${name} batch for any caller, in one slot, and tells the whole batch [R1][R3]`, async () => {
      const w = world();
      const receipts = [await w.receiptIn(mode), await w.receiptIn(mode), await w.receiptIn(mode)];
      const item = w.signedBatch(receipts);
      const digest = w.batchDigest(item.batch);
      expect(await w.registry.settledAt(digest)).to.equal(0n);
      const sent = w.registry.connect(w.signers.other).settleBatches([item]);
      const { batch } = item;
      await expect(sent)
        .to.emit(w.registry, "BatchSettled")
        .withArgs(digest, batch.keyId, mode, batch.root, 3, batch.dataHash, batch.settler);
      const { timestamp, settled } = await outcomeOf(sent);
      expect(settled).to.deep.equal([digest]);
      expect(await w.registry.settledAt(digest)).to.equal(timestamp);
      for (let i = 0; i < 3; i++) {
        expect(await w.open(receipts, item, i)).to.deep.equal({
          verified: true,
          distrusted: false,
          frozen: false,
          mode,
          reason: "None",
          settledAt: timestamp,
          receiptId: w.receiptId(receipts[i]!),
        });
      }
    });
  }

  it("settles nothing and says nothing for an empty call", async () => {
    const w = world();
    expect(await w.registry.settleBatches.staticCall([])).to.equal(0n);
    const { settled, skipped } = await outcomeOf(w.registry.settleBatches([]));
    expect([...settled, ...skipped]).to.deep.equal([]);
  });

  it("settles a batch once, whether repeated in the same call or later, by anyone [R9][FM:timeout-resettle]", async () => {
    const w = world();
    const item = w.signedBatch([await w.receiptIn(Mode.VANILLA)]);
    const first = await outcomeOf(w.registry.settleBatches([item, item]));
    expect(first.settled).to.have.length(1);
    expect(first.skipped).to.deep.equal([{ kind: "SignedBatch", index: 1, reason: "AlreadySettled" }]);
    await w.goTo(first.timestamp + 1_000n);
    expect(await reasonOf(w.registry.connect(w.signers.other).settleBatches([item]))).to.equal("AlreadySettled");
    expect(await w.registry.settledAt(w.batchDigest(item.batch))).to.equal(first.timestamp);
  });

  it("settles batches of a key in any order: there is no sequence to block on [R9][FM:nonce-gap]", async () => {
    const w = world();
    const items = [];
    for (let i = 0; i < 3; i++) items.push(w.signedBatch([await w.receiptIn(Mode.VANILLA)]));
    expect(await reasonOf(w.registry.settleBatches([items[2]!]))).to.equal("None");
    expect((await outcomeOf(w.registry.settleBatches([items[1]!, items[0]!]))).settled).to.have.length(2);
  });

  it("skips each bad item with its place and reason, and settles all others [R2][FM:poison-item]", async () => {
    const w = world();
    const receipt = await w.receiptIn(Mode.VANILLA);
    const good = [];
    for (let i = 0; i < 3; i++) good.push(w.signedBatch([await w.receiptIn(i === 1 ? Mode.TEE : Mode.VANILLA)]));
    const bad = {
      EmptyBatch: w.signedBatch([receipt], { count: 0 }),
      UnknownMode: w.signedBatch([receipt], { mode: 3 }),
      ModeNeedsProof: w.signedBatch([receipt], { mode: Mode.ZKML }),
      UnknownKey: w.signedBatch([receipt], { keyId: id("nobody") }),
      BadSignature: { ...w.signedBatch([receipt]), signature: "0x" },
    };
    const items = [good[0]!, ...Object.values(bad), good[1]!, good[0]!, good[2]!];
    expect(await w.registry.settleBatches.staticCall(items)).to.equal(3n);
    const { settled, skipped } = await outcomeOf(w.registry.settleBatches(items));
    expect(settled).to.deep.equal(good.map(({ batch }) => w.batchDigest(batch)));
    expect(skipped.map(({ index, reason }) => [index, reason])).to.deep.equal([
      ...Object.keys(bad).map((reason, i) => [i + 1, reason]),
      [7, "AlreadySettled"],
    ]);
  });

  it("a skip names place and reason and repeats nothing that the caller chose [R1]", async () => {
    const w = world();
    const item = w.signedBatch([await w.receiptIn(Mode.VANILLA)], { keyId: id("chosen by the caller") });
    const mined = (await (await w.registry.settleBatches([item])).wait())!;
    expect(mined.logs).to.have.length(1);
    const { topics, data } = mined.logs[0]!;
    const { topicHash } = w.registry.interface.getEvent("ItemSkipped");
    expect(topics).to.deep.equal([topicHash, toBeHex(0, 32), toBeHex(0, 32), toBeHex(7, 32)]);
    expect(data).to.equal("0x");
  });

  it("a failed attempt changes no state: the same batch settles afterwards [R2][FM:false-settled]", async () => {
    const w = world();
    const item = w.signedBatch([await w.receiptIn(Mode.VANILLA)]);
    expect(await reasonOf(w.registry.settleBatches([{ ...item, signature: "0x1234" }]))).to.equal("BadSignature");
    expect(await w.registry.settledAt(w.batchDigest(item.batch))).to.equal(0n);
    expect(await reasonOf(w.registry.settleBatches([item]))).to.equal("None");
  });

  describe("refuses as BadSignature [R1][FM:unchecked-evidence]", () => {
    it("a batch changed in any field after signing", async () => {
      const w = world();
      const { batch, signature } = w.signedBatch([await w.receiptIn(Mode.VANILLA)]);
      for (const change of [
        { root: id("other") },
        { count: 2 },
        { dataHash: id("other") },
        { settler: w.signers.other.address },
      ])
        expect(await reasonOf(w.registry.settleBatches([{ batch: { ...batch, ...change }, signature }]))).to.equal(
          "BadSignature",
        );
    });

    it("a signature by another key, of another registry, of another chain, or of a receipt", async () => {
      const w = world();
      const receipt = await w.receiptIn(Mode.VANILLA);
      const { batch } = w.signedBatch([receipt]);
      const over = (domain: object) =>
        w.operatorKey.signingKey.sign(TypedDataEncoder.hash({ ...w.domain, ...domain }, batchTypes, batch)).serialized;
      for (const signature of [
        w.signBatch([receipt], w.stranger).signature,
        over({ chainId: 8453n }),
        over({ verifyingContract: await w.nodes.getAddress() }),
        over({ version: "2" }),
        w.operatorKey.signingKey.sign(w.receiptId(receipt)).serialized,
        w.operatorKey.signingKey.sign(TypedDataEncoder.from(batchTypes).hash(batch)).serialized,
      ])
        expect(await reasonOf(w.registry.settleBatches([{ batch, signature }]))).to.equal("BadSignature");
      expect(await reasonOf(w.registry.settleBatches([{ batch, signature: over({}) }]))).to.equal("None");
    });

    it("a malleated signature: high s, compact form, a foreign v, missing or additional bytes", async () => {
      const w = world();
      const { batch, signature } = w.signedBatch([await w.receiptIn(Mode.VANILLA)]);
      const { r, s, v } = Signature.from(signature);
      const flipped = concat([r, toBeHex(N - BigInt(s), 32), toBeHex(v === 27 ? 28 : 27)]);
      const compact = Signature.from(signature).compactSerialized;
      for (const bad of [
        flipped,
        compact,
        concat([r, s, toBeHex(v - 27, 1)]),
        concat([r, s, "0xff"]),
        dataSlice(signature, 0, 64),
        concat([signature, "0x00"]),
        concat([ZeroHash, ZeroHash, "0x1b"]),
        "0x",
        hexlify(new Uint8Array(4_000).fill(0xff)),
      ])
        expect(await reasonOf(w.registry.settleBatches([{ batch, signature: bad }])), bad).to.equal("BadSignature");
    });
  });

  it("refuses keys in the other registry's mode: an operator never speaks as an enclave, nor the reverse", async () => {
    const w = world();
    const vanilla = await w.receiptIn(Mode.VANILLA, { keyId: w.enclaveKeyId });
    const tee = await w.receiptIn(Mode.TEE, { keyId: w.keyId });
    for (const receipt of [vanilla, tee])
      for (const key of [w.operatorKey, w.enclaveKey]) {
        const { batch, signature } = w.signBatch([receipt], key);
        expect(await reasonOf(w.registry.settleBatches([{ batch, signature }]))).to.equal("UnknownKey");
      }
  });

  it("refuses a measurement's number in place of an enclave key", async () => {
    const w = world();
    const receipt = await w.receiptIn(Mode.TEE, { keyId: toBeHex(1, 32) });
    const item = w.signedBatch([receipt]);
    expect(await reasonOf(w.registry.settleBatches([item]))).to.equal("UnknownKey");
  });

  it("refuses every mode that has no meaning", async () => {
    const w = world();
    for (const mode of [3, 4, 128, 255]) {
      const item = w.signedBatch([await w.receiptIn(Mode.VANILLA)], { mode });
      expect(await reasonOf(w.registry.settleBatches([item]))).to.equal("UnknownMode");
    }
  });

  it("refuses a distrusted key, whoever distrusted it [R4]", async () => {
    const w = world();
    const item = w.signedBatch([await w.receiptIn(Mode.VANILLA)]);
    const other = w.signedBatch([await w.receiptIn(Mode.TEE)]);
    await w.nodes.distrustOwnKey(w.keyId);
    await w.distrust(w.enclaves, w.enclaveKeyId, 0n);
    const { settled, skipped } = await outcomeOf(w.registry.settleBatches([item, other]));
    expect(settled).to.deep.equal([]);
    expect(skipped.map(({ reason }) => reason)).to.deep.equal(["KeyDistrusted", "KeyDistrusted"]);
  });

  it("takes a batch of the largest count there is for the price of any other", async () => {
    const w = world();
    const item = w.signedBatch([await w.receiptIn(Mode.VANILLA)], { count: 2 ** 32 - 1 });
    expect(await reasonOf(w.registry.settleBatches([item]))).to.equal("None");
  });

  it("reverts on a field with bits beyond its type, which has no canonical digest", async () => {
    const w = world();
    const item = w.signedBatch([await w.receiptIn(Mode.VANILLA)]);
    const data = getBytes(w.registry.interface.encodeFunctionData("settleBatches", [[item]]));
    const to = await w.registry.getAddress();
    // selector, array offset, length, item offset; then keyId, mode, root, count, dataHash, settler.
    const words = 4 + 3 * 32;
    for (const [field, byte] of [
      [1, 30],
      [1, 0],
      [3, 27],
      [5, 11],
    ] as const) {
      const dirty = Uint8Array.from(data);
      dirty[words + field * 32 + byte] = 1;
      await expect(w.signers.deployer.sendTransaction({ to, data: hexlify(dirty) })).to.be.revertedWithCustomError(
        w.registry,
        "ReceiptLib_NonCanonical",
      );
    }
    await w.signers.deployer.sendTransaction({ to, data: hexlify(data) });
    expect(await w.registry.settledAt(w.batchDigest(item.batch))).to.not.equal(0n);
  });

  it("names digests as EIP-712 does, domain included", async () => {
    const w = world();
    const receipt = await w.receiptIn(Mode.TEE, { sequence: 2n ** 64n - 1n, cumulativeFee: 2n ** 128n - 1n });
    const { batch } = w.signedBatch([receipt]);
    expect(await w.registry.receiptId(receipt)).to.equal(w.receiptId(receipt));
    expect(await w.registry.batchDigest(batch)).to.equal(w.batchDigest(batch));
    expect(await w.registry.domainSeparator()).to.equal(TypedDataEncoder.hashDomain(w.domain));
  });
});
