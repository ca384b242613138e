import { expect } from "chai";
import { id, Wallet, ZeroAddress, ZeroHash } from "ethers";
import { Mode, type ReceiptFields } from "../support/protocol.ts";
import { BPS, channelIdOf, flawName, hash, notProven, requestIdOf, tampered, useDisputes } from "./disputesSupport.ts";

describe("Disputes", () => {
  const world = useDisputes();
  const twice = (mode: number, over?: Partial<ReceiptFields>) => world().twice(mode, over);

  describe("equivocation", () => {
    const fields: (keyof ReceiptFields)[] = ["modelId", "inputHash", "outputHash", "contextHash", "cumulativeFee"];
    for (const field of fields) {
      it(`is one key that signs two values of ${field} for one request`, async () => {
        const w = world();
        const other = field === "cumulativeFee" ? 7n : hash("another");
        const [a, b] = await twice(Mode.VANILLA, { [field]: other });
        const report = w.disputes.reportEquivocation(w.alone(a), w.alone(b));
        await expect(report).to.emit(w.disputes, "FaultProven");
        expect(await w.slashes()).to.deep.equal([
          [w.signers.operator.address, 0n, BPS.equivocation, w.signers.other.address],
        ]);
      });
    }

    it("is not what differs in time, payer, sequence, scheme or mode alone", async () => {
      const w = world();
      const harmless: Partial<ReceiptFields>[] = [
        { completedAt: 1n },
        { payer: w.stranger.address },
        { sequence: 9n },
        { outputScheme: 1 },
        { mode: Mode.ZKML },
        {},
      ];
      for (const over of harmless) {
        const [a, b] = await twice(Mode.VANILLA, over);
        await notProven(w, w.disputes.reportEquivocation(w.alone(a), w.alone(b, w.operatorKey)), "NoContradiction");
      }
      expect(await w.slashes()).to.deep.equal([]);
    });

    it("says everything in its event, and the dry run says the same", async () => {
      const w = world();
      const [a, b] = await twice(Mode.VANILLA);
      const evidence = [w.alone(a), w.alone(b)] as const;
      const expected = [
        ...[0n, 0n, w.signers.operator.address, w.nodeId, w.keyId, a.requestId, w.receiptId(a)],
        ...[w.keyId, a.requestId, w.receiptId(b), ZeroHash, BPS.equivocation],
      ];
      const { flaw, fault } = await w.disputes.equivocation(...evidence);
      expect(flawName(flaw)).to.equal("None");
      expect([...fault]).to.deep.equal(expected);
      expect(await w.disputes.reportEquivocation.staticCall(...evidence)).to.equal(BPS.equivocation);
      await expect(w.disputes.reportEquivocation(...evidence))
        .to.emit(w.disputes, "FaultProven")
        .withArgs(0n, w.keyId, w.signers.operator.address, w.signers.other.address, BPS.equivocation, expected);
      expect(await w.disputes.provenBps(w.keyId, a.requestId)).to.equal(BPS.equivocation);
    });

    it("counts a leaf of a signed batch like a signed receipt, in any mixture", async () => {
      const w = world();
      for (const [left, right] of [
        ["alone", "leaf"],
        ["leaf", "alone"],
        ["leaf", "leaf"],
      ]) {
        const [a, b] = await twice(Mode.VANILLA);
        const filler = [await w.receiptIn(0), await w.receiptIn(0)];
        const statements = [
          left === "alone" ? w.alone(a) : w.leaf([...filler, a], 2),
          right === "alone" ? w.alone(b) : w.leaf([filler[0]!, b, filler[1]!], 1),
        ] as const;
        await expect(w.disputes.reportEquivocation(...statements)).to.emit(w.disputes, "FaultProven");
      }
      expect((await w.slashes()).length).to.equal(3);
    });

    it("holds an operator to what its enclaves sign", async () => {
      const w = world();
      const [a, b] = await twice(Mode.TEE);
      await expect(w.disputes.reportEquivocation(w.alone(a), w.leaf([b], 0))).to.emit(w.disputes, "FaultProven");
      expect(await w.slashes()).to.deep.equal([
        [w.signers.operator.address, 0n, BPS.equivocation, w.signers.other.address],
      ]);
    });

    it("slashes the pool of the node's kind", async () => {
      const w = world();
      const proxy = await w.registerNode(w.signers.admin, 1n);
      const key = new Wallet(id("proxy key"));
      const keyId = await w.addOperatorKey(proxy, key, w.signers.admin);
      const [a, b] = await twice(Mode.VANILLA);
      const statements = [w.alone({ ...a, keyId }, key), w.alone({ ...b, keyId }, key)] as const;
      await w.disputes.reportEquivocation(...statements);
      expect((await w.slashes())[0]!.slice(0, 2)).to.deep.equal([w.signers.admin.address, 1n]);
    });

    it("needs one key and one request", async () => {
      const w = world();
      const [a, b] = await twice(Mode.VANILLA);
      const elsewhere = { ...b, requestId: hash("another request") };
      await notProven(w, w.disputes.reportEquivocation(w.alone(a), w.alone(elsewhere)), "DifferentRequests");
      const enclave = { ...b, keyId: w.enclaveKeyId };
      const statement = w.alone(enclave, w.enclaveKey);
      await notProven(w, w.disputes.reportEquivocation(w.alone(a), statement), "DifferentKeys");
    });
  });

  describe("channel fault", () => {
    it("is a total that falls, between receipts of one channel however far apart", async () => {
      const w = world();
      const channel = w.channel();
      const a = await w.inChannel(channel, 2n, 100n);
      const b = await w.inChannel(channel, 70n, 99n);
      const evidence = [channel, w.alone(a), w.leaf([await w.receiptIn(0), b], 1)] as const;
      const expected = [
        ...[1n, 0n, w.signers.operator.address, w.nodeId, w.keyId, b.requestId, w.receiptId(b)],
        ...[w.keyId, a.requestId, w.receiptId(a), channelIdOf(channel), BPS.channelFault],
      ];
      const { flaw, fault } = await w.disputes.channelFault(...evidence);
      expect([flawName(flaw), ...fault]).to.deep.equal(["None", ...expected]);
      await expect(w.disputes.reportChannelFault(...evidence))
        .to.emit(w.disputes, "FaultProven")
        .withArgs(1n, w.keyId, w.signers.operator.address, w.signers.other.address, BPS.channelFault, expected);
      expect(await w.slashes()).to.deep.equal([
        [w.signers.operator.address, 0n, BPS.channelFault, w.signers.other.address],
      ]);
    });

    it("is not a total that stays or rises, nor the two the wrong way round", async () => {
      const w = world();
      const channel = w.channel();
      const flawOf = async (s1: bigint, c1: bigint, s2: bigint, c2: bigint) => {
        const a = w.alone(await w.inChannel(channel, s1, c1));
        const b = w.alone(await w.inChannel(channel, s2, c2));
        return flawName((await w.disputes.channelFault(channel, a, b)).flaw);
      };
      expect(await flawOf(1n, 10n, 2n, 10n)).to.equal("TotalDidNotFall");
      expect(await flawOf(1n, 10n, 2n, 11n)).to.equal("TotalDidNotFall");
      expect(await flawOf(2n, 10n, 1n, 9n)).to.equal("NotInOrder");
      expect(await flawOf(2n, 10n, 2n, 9n)).to.equal("NotInOrder");
      expect(await flawOf(0n, 10n, 1n, 9n)).to.equal("NotInOrder");
      expect(await flawOf(1n, 10n, 2n, 9n)).to.equal("None");
    });

    it("needs both request ids to be of the channel, every field of which counts", async () => {
      const w = world();
      const channel = w.channel();
      const a = w.alone(await w.inChannel(channel, 1n, 10n));
      const b = w.alone(await w.inChannel(channel, 2n, 9n));
      const others: Partial<typeof channel>[] = [
        { escrow: ZeroAddress },
        { payer: ZeroAddress },
        { signer: ZeroAddress },
        { nodeId: ZeroHash },
        { modelId: ZeroHash },
        { modeMask: 2 },
        { lane: 4n },
      ];
      for (const over of others)
        expect(flawName((await w.disputes.channelFault(w.channel(over), a, b)).flaw)).to.equal("NotOfTheChannel");
      const elsewhere = w.channel({ lane: 4n });
      const otherA = w.alone(await w.inChannel(elsewhere, 1n, 10n));
      const otherB = w.alone(await w.inChannel(elsewhere, 2n, 9n));
      expect(flawName((await w.disputes.channelFault(channel, otherA, b)).flaw)).to.equal("NotOfTheChannel");
      expect(flawName((await w.disputes.channelFault(channel, a, otherB)).flaw)).to.equal("NotOfTheChannel");
      const foreignChain = requestIdOf(channelIdOf(channel, 1n), 2n);
      const abroad = w.alone(await w.inChannel(channel, 2n, 9n, { requestId: foreignChain }));
      expect(flawName((await w.disputes.channelFault(channel, a, abroad)).flaw)).to.equal("NotOfTheChannel");
    });

    it("follows a node through a change of keys, enclave keys included, and no other node", async () => {
      const w = world();
      const second = new Wallet(id("second key"));
      const secondId = await w.addOperatorKey(w.nodeId, second);
      const alien = new Wallet(id("alien key"));
      const alienNode = await w.registerNode(w.signers.admin);
      const alienId = await w.addOperatorKey(alienNode, alien, w.signers.admin);
      const channel = w.channel();
      const a = await w.inChannel(channel, 1n, 10n);
      const b = await w.inChannel(channel, 2n, 9n);
      const flawOf = async (left: Parameters<typeof w.alone>, right: Parameters<typeof w.alone>) =>
        flawName((await w.disputes.channelFault(channel, w.alone(...left), w.alone(...right))).flaw);
      expect(await flawOf([a], [{ ...b, keyId: secondId }, second])).to.equal("None");
      expect(await flawOf([a], [{ ...b, keyId: w.enclaveKeyId, mode: 2 }])).to.equal("None");
      expect(await flawOf([a], [{ ...b, keyId: alienId }, alien])).to.equal("KeyOfAnotherNode");
      expect(await flawOf([{ ...a, keyId: alienId }, alien], [b])).to.equal("KeyOfAnotherNode");
      expect(await flawOf([{ ...a, keyId: alienId }, alien], [{ ...b, keyId: alienId }, alien])).to.equal(
        "KeyOfAnotherNode",
      );
      expect(await flawOf([a, w.stranger], [b])).to.equal("BadSignature");
      expect(await flawOf([a], [b, w.stranger])).to.equal("BadSignature");
    });
  });

  describe("foreign leaf", () => {
    it("is a receipt of another key in a signed batch: the batch's key answers for it", async () => {
      const w = world();
      const foreign = { ...(await w.receiptIn(Mode.VANILLA)), keyId: hash("somebody's key") };
      const evidence = w.leaf([await w.receiptIn(0), foreign], 1);
      const expected = [
        ...[2n, 0n, w.signers.operator.address, w.nodeId, w.keyId, foreign.requestId, w.receiptId(foreign)],
        ...[foreign.keyId, ZeroHash, ZeroHash, w.batchDigest(evidence.opening.batch), BPS.foreignLeaf],
      ];
      const { flaw, fault } = await w.disputes.foreignLeaf(evidence);
      expect([flawName(flaw), ...fault]).to.deep.equal(["None", ...expected]);
      await expect(w.disputes.reportForeignLeaf(evidence))
        .to.emit(w.disputes, "FaultProven")
        .withArgs(2n, w.keyId, w.signers.operator.address, w.signers.other.address, BPS.foreignLeaf, expected);
      expect(await w.slashes()).to.deep.equal([
        [w.signers.operator.address, 0n, BPS.foreignLeaf, w.signers.other.address],
      ]);
    });

    it("is a receipt of another mode", async () => {
      const w = world();
      const foreign = await w.receiptIn(Mode.ZKML);
      const evidence = w.leaf([await w.receiptIn(Mode.VANILLA), foreign], 1);
      expect(flawName((await w.disputes.foreignLeaf(evidence)).flaw)).to.equal("None");
      const enclaves = await w.receiptIn(Mode.TEE);
      const batch = w.leaf([enclaves, { ...enclaves, mode: Mode.VANILLA }], 1);
      await w.disputes.reportForeignLeaf(batch);
    });

    it("is nothing else", async () => {
      const w = world();
      const own = await w.receiptIn(Mode.VANILLA);
      const foreign = { ...own, keyId: w.enclaveKeyId };
      const flawOf = async (evidence: ReturnType<typeof w.alone>) =>
        flawName((await w.disputes.foreignLeaf(evidence)).flaw);
      const guilty = w.leaf([own, foreign], 1);
      expect(await flawOf(w.leaf([own, foreign], 0))).to.equal("OwnLeaf");
      expect(await flawOf(w.alone(foreign, w.enclaveKey))).to.equal("NotABatch");
      expect(await flawOf(tampered(guilty, { index: 2 }))).to.equal("IndexOutOfRange");
      expect(await flawOf(tampered(guilty, { index: 0 }))).to.equal("NotInBatch");
      expect(await flawOf(tampered(guilty, { proof: [] }))).to.equal("ProofLengthMismatch");
      expect(await flawOf(w.leaf([own, foreign], 1, {}, w.stranger))).to.equal("BadSignature");
      expect(await flawOf(w.leaf([own, foreign], 1, { keyId: hash("nobody's") }, w.stranger))).to.equal("UnknownKey");
      await notProven(w, w.disputes.reportForeignLeaf(tampered(guilty, { index: 0 })), "NotInBatch");
    });

    it("does not shield the key that the leaf names", async () => {
      const w = world();
      const [first, second] = await twice(Mode.TEE);
      // Also not for request 0, which the fault's empty field spells.
      const [a, b] = [first, second].map((receipt) => ({ ...receipt, requestId: ZeroHash })) as [
        ReceiptFields,
        ReceiptFields,
      ];
      await w.disputes.reportForeignLeaf(w.leaf([a], 0, { keyId: w.keyId, mode: 0 }, w.operatorKey));
      await expect(w.disputes.reportEquivocation(w.alone(a), w.alone(b))).to.emit(w.disputes, "FaultProven");
    });
  });

  it("names the caller as reporter, and has no other way to", async () => {
    const w = world();
    const [a, b] = await twice(Mode.VANILLA);
    await w.disputes.connect(w.signers.guardian).reportEquivocation(w.alone(a), w.alone(b));
    expect((await w.slashes())[0]![3]).to.equal(w.signers.guardian.address);
  });

  it("is not deployed over a part that is missing", async () => {
    const w = world();
    const addresses = await Promise.all([w.registry, w.nodes, w.enclaves, w.slasher].map((part) => part.getAddress()));
    for (let missing = 0; missing < 4; missing++) {
      const parts = addresses.map((address, place) => (place === missing ? ZeroAddress : address));
      await expect(w.ethers.deployContract("Disputes", parts)).to.be.revertedWithCustomError(
        w.disputes,
        "Disputes_ZeroAddress",
      );
    }
    expect(await w.disputes.domainSeparator()).to.equal(await w.registry.domainSeparator());
    expect(await w.disputes.nodeRegistry()).to.equal(addresses[1]);
    expect(await w.disputes.enclaveRegistry()).to.equal(addresses[2]);
    expect(await w.disputes.staking()).to.equal(addresses[3]);
  });
});
