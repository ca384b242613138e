import { expect } from "chai";
import { id, toBeHex } from "ethers";
import { reasonOf } from "../support/outcome.ts";
import { Mode, type ReceiptFields } from "../support/protocol.ts";
import { MEASUREMENT, SECONDS, useWorld, type World } from "../support/world.ts";

const MODES = [Mode.VANILLA, Mode.ZKML, Mode.TEE];

/** What evidence rests on, and the receipts that fall with it. */
const TARGETS = [
  { name: "an operator key", word: "Key", modes: [Mode.VANILLA, Mode.ZKML], of: (w: World) => [w.nodes, w.keyId] },
  { name: "an enclave key", word: "Key", modes: [Mode.TEE], of: (w: World) => [w.enclaves, w.enclaveKeyId] },
  { name: "a model version", word: "Model", modes: MODES, of: (w: World) => [w.models, w.modelId] },
  {
    name: "a verifier",
    word: "Verifier",
    modes: [Mode.ZKML],
    of: async (w: World) => [w.models, toBeHex(await w.groth16.getAddress(), 32)],
  },
  {
    name: "a measurement",
    word: "Measurement",
    modes: [Mode.TEE],
    of: async (w: World) => [w.enclaves, await w.enclaves.measurementTarget(MEASUREMENT)],
  },
] as const;
type Contract = World["nodes"] | World["enclaves"] | World["models"];

describe("Compromise along a time line", () => {
  const world = useWorld();

  /** One receipt of each mode, settled alone at exactly `second`. */
  async function settleAllAt(w: World, second: bigint): Promise<ReceiptFields[]> {
    const { receipt, evidence } = await w.proved({ completedAt: second });
    const vanilla = await w.receiptIn(Mode.VANILLA, { completedAt: second });
    const tee = await w.receiptIn(Mode.TEE, { completedAt: second });
    await w.at(second);
    const items = [w.signedReceipt(vanilla), w.signedReceipt(receipt, evidence), w.signedReceipt(tee)];
    await w.registry.settleReceipts(items);
    return [vanilla, receipt, tee];
  }
  const states = (w: World, receipts: ReceiptFields[]) =>
    Promise.all(
      receipts.map(async (each) => {
        const { verified, reason, distrusted, frozen } = await w.openAlone(each);
        expect(verified).to.equal(reason === "None");
        return { reason, distrusted, frozen };
      }),
    );
  const FINE = { reason: "None", distrusted: false, frozen: false };
  const expected = (modes: readonly number[], hit: object) => MODES.map((mode) => (modes.includes(mode) ? hit : FINE));

  for (const { name, word, modes, of } of TARGETS) {
    it(`distrust of ${name} falls on what settled from that second on, not before, for ever [R4]`, async () => {
      const w = world();
      const [contract, target] = (await of(w)) as [Contract, string];
      const start = (await w.now()) + 1_000n;
      const before = await settleAllAt(w, start);
      const at = await settleAllAt(w, start + 1n);
      const after = await settleAllAt(w, start + 500n);
      await w.goTo(start + 20n * SECONDS.day);
      const hit = { reason: `${word}Distrusted`, distrusted: true, frozen: false };

      await w.distrust(contract, target, start + 1n);
      expect(await states(w, before)).to.deep.equal(MODES.map(() => FINE));
      expect(await states(w, at)).to.deep.equal(expected(modes, hit));
      expect(await states(w, after)).to.deep.equal(expected(modes, hit));

      // Only ever to earlier: what was distrusted is not revived.
      for (const later of [start + 1n, start + 2n, await w.now()])
        await expect(w.distrust(contract, target, later)).to.be.revertedWithCustomError(
          contract,
          "Distrustable_AlreadyDistrusted",
        );
      await w.distrust(contract, target, start);
      expect(await states(w, before)).to.deep.equal(expected(modes, hit));
      expect((await contract.standing(target)).distrustedFrom).to.equal(start);
    });

    it(`a freeze of ${name} hides for MAX_FREEZE, to the second, then lifts itself [R8]`, async () => {
      const w = world();
      const [contract, target] = (await of(w)) as [Contract, string];
      const receipts = await settleAllAt(w, (await w.now()) + 10n);
      const second = (await w.now()) + 100n;
      await w.at(second);
      await expect(w.freeze(contract, target))
        .to.emit(contract, "Frozen")
        .withArgs(target, second + SECONDS.freeze);
      const hit = { reason: `${word}Frozen`, distrusted: false, frozen: true };
      expect(await states(w, receipts)).to.deep.equal(expected(modes, hit));
      await w.goTo(second + SECONDS.freeze - 1n);
      expect(await states(w, receipts)).to.deep.equal(expected(modes, hit));
      await w.goTo(second + SECONDS.freeze);
      expect(await states(w, receipts)).to.deep.equal(MODES.map(() => FINE));
    });

    it(`${name} is frozen once per incident, until governance rearms [R8]`, async () => {
      const w = world();
      const [contract, target] = (await of(w)) as [Contract, string];
      await w.freeze(contract, target);
      const spent = () =>
        expect(w.freeze(contract, target))
          .to.be.revertedWithCustomError(contract, "Distrustable_FreezeSpent")
          .withArgs(target);
      await spent();
      await w.goTo((await w.now()) + SECONDS.freeze);
      await spent();
      expect((await contract.standing(target)).freezeSpent).to.equal(true);
      await expect(w.govern(contract, contract.interface.encodeFunctionData("rearmFreeze", [target])))
        .to.emit(contract, "FreezeRearmed")
        .withArgs(target);
      await w.freeze(contract, target);
      await spent();
    });

    it(`only governance names a past moment for ${name}, and nobody a future one [R4][R8]`, async () => {
      const w = world();
      const [contract, target] = (await of(w)) as [Contract, string];
      const { guardian, other, operator } = w.signers;
      for (const signer of [guardian, other, operator]) {
        const own = contract.connect(signer) as Contract;
        await expect(own.distrust(target, 1n))
          .to.be.revertedWithCustomError(contract, "Distrustable_NotAdmin")
          .withArgs(signer.address);
        await expect(own.rearmFreeze(target))
          .to.be.revertedWithCustomError(contract, "Distrustable_NotAdmin")
          .withArgs(signer.address);
      }
      for (const signer of [other, operator])
        await expect((contract.connect(signer) as Contract).freeze(target))
          .to.be.revertedWithCustomError(contract, "Distrustable_NotGuardian")
          .withArgs(signer.address);
      const soon = (await w.now()) + 1_000n;
      await w.networkHelpers.time.setNextBlockTimestamp(soon);
      await expect(w.distrust(contract, target, soon + 1_000n))
        .to.be.revertedWithCustomError(contract, "Distrustable_FutureMoment")
        .withArgs(soon + 1_000n);
      await w.distrust(contract, target, 0n);
      expect((await contract.standing(target)).distrustedFrom).to.equal(1n);
    });
  }

  it("nothing that is not registered can be distrusted, frozen, rearmed or asked for [R8]", async () => {
    const w = world();
    for (const contract of [w.nodes, w.enclaves, w.models]) {
      const target = id("nothing");
      const data = contract.interface.encodeFunctionData("rearmFreeze", [target]);
      for (const call of [
        () => w.distrust(contract, target, 1n),
        () => w.freeze(contract, target),
        () => w.govern(contract, data),
        () => contract.standing(target),
      ])
        await expect(call()).to.be.revertedWithCustomError(contract, "Distrustable_UnknownTarget").withArgs(target);
    }
  });

  it("an operator distrusts its own key from now on only; another's key not at all [R4]", async () => {
    const w = world();
    const start = (await w.now()) + 100n;
    const before = await settleAllAt(w, start);
    const other = w.nodes.connect(w.signers.other);
    for (const caller of [other, w.nodes.connect(w.signers.guardian)])
      await expect(caller.distrustOwnKey(w.keyId)).to.be.revertedWithCustomError(w.nodes, "KeyRegistry_NotOperator");
    await w.at(start + 50n);
    await expect(w.nodes.distrustOwnKey(w.keyId))
      .to.emit(w.nodes, "Distrusted")
      .withArgs(w.keyId, start + 50n, w.signers.operator.address);
    await w.enclaves.distrustOwnKey(w.enclaveKeyId);
    expect(await states(w, before)).to.deep.equal(MODES.map(() => FINE));
    await expect(w.nodes.distrustOwnKey(w.keyId)).to.be.revertedWithCustomError(
      w.nodes,
      "Distrustable_AlreadyDistrusted",
    );
    // Governance may find that it began earlier.
    await w.distrust(w.nodes, w.keyId, start);
    expect((await states(w, before))[0]!.reason).to.equal("KeyDistrusted");
  });

  it("what settles in the very second of the distrust is distrusted, even in the same block before it [R4]", async () => {
    const w = world();
    const receipt = await w.receiptIn(Mode.VANILLA);
    const item = w.signedBatch([receipt]);
    await w.ethers.provider.send("evm_setAutomine", [false]);
    const settling = await w.registry.settleBatches([item], { gasLimit: 300_000n });
    const distrusting = await w.nodes.distrustOwnKey(w.keyId, { gasLimit: 300_000n });
    await w.networkHelpers.mine();
    await w.ethers.provider.send("evm_setAutomine", [true]);
    const [settled, distrusted] = [(await settling.wait())!, (await distrusting.wait())!];
    expect(settled.blockNumber).to.equal(distrusted.blockNumber);
    expect(settled.logs).to.have.length(1);
    expect(await w.open([receipt], item)).to.deep.include({
      verified: false,
      reason: "KeyDistrusted",
      distrusted: true,
    });
  });

  it("frozen and distrusted at once reads as distrusted, and says both [R3]", async () => {
    const w = world();
    const [receipt] = (await settleAllAt(w, (await w.now()) + 10n)) as [ReceiptFields];
    await w.freeze(w.nodes, w.keyId);
    await w.distrust(w.models, w.modelId, 1n);
    expect((await states(w, [receipt]))[0]).to.deep.equal({
      reason: "ModelDistrusted",
      distrusted: true,
      frozen: true,
    });
    await w.goTo((await w.now()) + SECONDS.freeze);
    expect((await states(w, [receipt]))[0]).to.deep.equal({
      reason: "ModelDistrusted",
      distrusted: true,
      frozen: false,
    });
  });

  it("an old settlement does not outlive distrust through a second settlement, nor a new one gain by the old [R4][R9]", async () => {
    const w = world();
    const receipt = await w.receiptIn(Mode.VANILLA);
    const batch = w.signedBatch([receipt]);
    const start = (await w.now()) + 100n;
    await w.at(start);
    await w.registry.settleReceipts([w.signedReceipt(receipt)]);
    await w.at(start + 100n);
    await w.registry.settleBatches([batch]);
    await w.distrust(w.nodes, w.keyId, start + 50n);
    expect((await w.openAlone(receipt)).verified).to.equal(true);
    expect((await w.open([receipt], batch)).reason).to.equal("KeyDistrusted");
  });

  describe("orderly ends change nothing that was settled [R4][FM:validity-at-present]", () => {
    it("a key expires", async () => {
      const w = world();
      const receipts = await settleAllAt(w, (await w.now()) + 10n);
      await w.goTo((await w.now()) + 400n * SECONDS.day);
      expect(await states(w, receipts)).to.deep.equal(MODES.map(() => FINE));
    });

    it("keys and node retire, and stake is gone", async () => {
      const w = world();
      const receipts = await settleAllAt(w, (await w.now()) + 10n);
      await w.nodes.retireKey(w.keyId, (await w.now()) + 100n);
      await w.enclaves.retireKey(w.enclaveKeyId, (await w.now()) + 100n);
      await w.nodes.updateNode(w.nodeId, 3n, "");
      await w.setStake(w.signers.operator, 0n);
      expect(await states(w, receipts)).to.deep.equal(MODES.map(() => FINE));
    });

    it("a measurement is withdrawn: what completed by then stays, what completes later is not approved", async () => {
      const w = world();
      const start = (await w.now()) + 1_000n;
      const receipts = await settleAllAt(w, start);
      const data = w.enclaves.interface.encodeFunctionData("withdrawMeasurement", [MEASUREMENT, w.modelId]);
      await w.govern(w.enclaves, data);
      const until = await w.now();
      expect(await states(w, receipts)).to.deep.equal(MODES.map(() => FINE));
      const last = w.signedReceipt(await w.receiptIn(Mode.TEE, { completedAt: until }));
      const late = w.signedReceipt(await w.receiptIn(Mode.TEE, { completedAt: until + 1n }));
      expect(await reasonOf(w.registry.settleReceipts([last]))).to.equal("None");
      expect(await reasonOf(w.registry.settleReceipts([late]))).to.equal("MeasurementNotApproved");
      const batch = w.signedBatch([last.receipt, late.receipt]);
      await w.registry.settleBatches([batch]);
      expect((await w.open([last.receipt, late.receipt], batch, 0)).reason).to.equal("None");
      expect((await w.open([last.receipt, late.receipt], batch, 1)).reason).to.equal("MeasurementNotApproved");
    });

    it("a measurement approved later does not reach back", async () => {
      const w = world();
      const approve = (modelId: string) =>
        w.govern(w.enclaves, w.enclaves.interface.encodeFunctionData("approveMeasurement", [MEASUREMENT, modelId]));
      const version = { ...w.version, contentHash: id("later") };
      await w.models.register(version);
      const modelId = await w.models.modelIdOf(w.signers.deployer.address, version);
      const early = await w.receiptIn(Mode.TEE, { modelId });
      await w.goTo((await w.now()) + 10n);
      await approve(modelId);
      const from = await w.now();
      const first = await w.receiptIn(Mode.TEE, { modelId, completedAt: from });
      const justBefore = await w.receiptIn(Mode.TEE, { modelId, completedAt: from - 1n });
      for (const [receipt, reason] of [
        [early, "MeasurementNotApproved"],
        [justBefore, "MeasurementNotApproved"],
        [first, "None"],
      ] as const)
        expect(await reasonOf(w.registry.settleReceipts([w.signedReceipt(receipt)]))).to.equal(reason);
    });
  });
});
