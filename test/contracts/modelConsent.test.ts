import { expect } from "chai";
import { toBeHex } from "ethers";
import type { Proved } from "../support/proofs.ts";
import { reasonOf } from "../support/outcome.ts";
import { type ReceiptFields, Mode } from "../support/protocol.ts";
import { CONSENT_NOTICE, dataOf, NEVER } from "../support/sources.ts";
import { MEASUREMENT, useWorld, type World } from "../support/world.ts";

const DAY = 86_400n;

describe("Withdrawn consent", () => {
  const world = useWorld();

  /** Receipts of a version, settled together at a moment: alone in VANILLA, and in a batch of each mode but ZKML. */
  async function settleAt(w: World, modelId: string, second: bigint) {
    const over = { modelId, completedAt: second };
    const alone = await w.receiptIn(Mode.VANILLA, over);
    const [vanilla, tee] = [await w.receiptIn(Mode.VANILLA, over), await w.receiptIn(Mode.TEE, over)];
    const batches = [w.signedBatch([vanilla]), w.signedBatch([tee])];
    await w.at(second);
    await w.registry.settleBatches(batches);
    return {
      second,
      alone,
      states: async () => [await w.open([vanilla], batches[0]!), await w.open([tee], batches[1]!)],
    };
  }
  const approve = (w: World, modelId: string) =>
    w.govern(w.enclaves, w.enclaves.interface.encodeFunctionData("approveMeasurement", [MEASUREMENT, modelId]));
  const single = (w: World, receipt: ReceiptFields) => reasonOf(w.registry.settleReceipts([w.signedReceipt(receipt)]));

  async function using(w: World, sources: number, others = 0) {
    const data = dataOf(w);
    const ids: string[] = [];
    for (let i = 0; i < sources + others; i++) ids.push(await data.registerSource());
    const modelId = await data.registerVersion({
      sources: [...data.optional(...ids.slice(sources)), ...data.required(...ids.slice(0, sources))],
    });
    await approve(w, modelId);
    return { data, ids, modelId };
  }

  it("blocks settlements of a version that requires the source from its second on, and none before [R4][R10]", async () => {
    const w = world();
    const { data, ids, modelId } = await using(w, 1);
    const before = await settleAt(w, modelId, (await w.now()) + 60n);
    await data.withdraw(ids[0]!);
    const from = (await w.now()) + CONSENT_NOTICE;
    expect(await w.models.blockedFrom(modelId)).to.equal(from);
    const within = await settleAt(w, modelId, from - 1n);
    const after = await settleAt(w, modelId, from);
    for (const settled of [before, within])
      for (const state of await settled.states())
        expect(state).to.deep.include({ verified: true, reason: "None", distrusted: false });
    for (const state of await after.states())
      expect(state).to.deep.include({ verified: false, reason: "ConsentWithdrawn", distrusted: false, frozen: false });
    await w.goTo(from + 1_000n * DAY);
    for (const state of await before.states()) expect(state.verified).to.equal(true);
  });

  it("reads the same through every opening view [R3]", async () => {
    const w = world();
    const { data, ids, modelId } = await using(w, 1);
    await data.withdraw(ids[0]!);
    const from = (await w.now()) + CONSENT_NOTICE;
    const over = { modelId, completedAt: from };
    const receipts = [await w.receiptIn(Mode.VANILLA, over), await w.receiptIn(Mode.VANILLA, { completedAt: from })];
    const { batch, signature } = w.signedBatch(receipts);
    await w.at(from);
    await w.registry.settleBatches([{ batch, signature }]);
    const reasons = [];
    for (const i of [0, 1]) {
      const { receipt, index, proof } = w.opening(receipts, batch, i);
      reasons.push((await w.registry.settledReceipt(batch, receipt, index, proof)).reason);
    }
    const together = await w.registry.settledReceipts(batch, receipts, [0, 1], []);
    const CONSENT_WITHDRAWN = 34n;
    expect(reasons).to.deep.equal([CONSENT_WITHDRAWN, 0n]);
    expect(together[2]).to.deep.equal(reasons);
  });

  it("refuses single receipts from then on, and takes them to the last second before", async () => {
    const w = world();
    const { data, ids, modelId } = await using(w, 1);
    await data.withdraw(ids[0]!);
    const from = (await w.now()) + CONSENT_NOTICE;
    for (const mode of [Mode.VANILLA, Mode.TEE]) {
      const receipts = [];
      for (let i = 0; i < 2; i++) receipts.push(await w.receiptIn(mode, { modelId, completedAt: from - DAY }));
      await w.at(from - (mode === Mode.TEE ? 1n : 2n));
      expect(await single(w, receipts[0]!)).to.equal("None");
    }
    for (const mode of [Mode.VANILLA, Mode.TEE]) {
      if (mode === Mode.VANILLA) await w.at(from);
      const receipt = await w.receiptIn(mode, { modelId, completedAt: from - DAY });
      expect(await single(w, receipt)).to.equal("ConsentWithdrawn");
      expect((await w.openAlone(receipt)).reason).to.equal("NotSettled");
    }
  });

  it("refuses proofs from then on, singly and in batches [FM:unchecked-evidence]", async () => {
    const w = world();
    const data = dataOf(w);
    const sourceId = await data.registerSource();
    const version = { ...w.version, sources: data.required(sourceId) };
    await w.models.register(version);
    const modelId = await w.models.modelIdOf(w.signers.deployer.address, version);
    await data.withdraw(sourceId);
    const from = (await w.now()) + CONSENT_NOTICE;
    const proofs: Proved[] = [];
    for (let i = 0; i < 4; i++) proofs.push(await w.proved({ modelId, completedAt: from - DAY }, `proof ${i}`));
    const settle = (i: number) =>
      i % 2 === 0
        ? w.registry.settleProvedBatches([w.proofBatch([proofs[i]!])])
        : w.registry.settleReceipts([w.signedReceipt(proofs[i]!.receipt, proofs[i]!.evidence)]);
    await w.at(from - 2n);
    expect(await reasonOf(settle(0))).to.equal("None");
    await w.at(from - 1n);
    expect(await reasonOf(settle(1))).to.equal("None");
    expect((await w.openAlone(proofs[1]!.receipt)).verified).to.equal(true);
    await w.at(from);
    expect(await reasonOf(settle(2))).to.equal("ConsentWithdrawn");
    expect(await reasonOf(settle(3))).to.equal("ConsentWithdrawn");
    expect((await w.openAlone(proofs[1]!.receipt)).verified).to.equal(true);
  });

  it("finds the earliest of eight required sources, wherever it stands, and no optional one", async () => {
    const w = world();
    const { data, ids, modelId } = await using(w, 6, 2);
    await data.withdraw(ids[6]!);
    expect(await w.models.blockedFrom(modelId)).to.equal(NEVER);
    await data.withdraw(ids[5]!);
    const from = (await w.now()) + CONSENT_NOTICE;
    await w.goTo((await w.now()) + DAY);
    await data.withdraw(ids[0]!);
    expect(await w.models.blockedFrom(modelId)).to.equal(from);
    expect((await w.models.packedModelState(modelId, 0)).own & (2n ** 40n - 1n)).to.equal(from);
    const after = await settleAt(w, modelId, from);
    expect((await after.states()).map((state) => state.reason)).to.deep.equal(Array(2).fill("ConsentWithdrawn"));
    // Cancelled, the other one counts.
    await expect(w.models.connect(w.signers.other).cancelWithdrawal(ids[0]!)).to.emit(w.models, "WithdrawalCancelled");
    expect(await w.models.blockedFrom(modelId)).to.equal(from);
  });

  it("is told from distrust, which comes first, whichever is earlier [R3][R4]", async () => {
    const w = world();
    const { data, ids, modelId } = await using(w, 1);
    await data.withdraw(ids[0]!);
    const from = (await w.now()) + CONSENT_NOTICE;
    const settled = [await settleAt(w, modelId, from - 1n), await settleAt(w, modelId, from + 10n)];
    settled.push(await settleAt(w, modelId, from + 20n));
    const read = async () => (await Promise.all(settled.map((each) => each.states()))).map((states) => states[0]!);
    const reasons = async () => (await read()).map(({ reason, distrusted }) => [reason, distrusted]);
    const consent = ["ConsentWithdrawn", false];
    expect(await reasons()).to.deep.equal([["None", false], consent, consent]);
    await w.distrust(w.models, modelId, from + 15n);
    expect(await reasons()).to.deep.equal([["None", false], consent, ["ModelDistrusted", true]]);
    await w.distrust(w.models, modelId, from - 5n);
    expect(await reasons()).to.deep.equal([1, 2, 3].map(() => ["ModelDistrusted", true]));
    // What reads as distrusted for ever is spared its slot.
    expect(await single(w, await w.receiptIn(Mode.VANILLA, { modelId }))).to.equal("ModelDistrusted");
    // The registry's own view keeps them apart.
    expect((await w.models.modelState(modelId, 0)).distrustedFrom).to.equal(from - 5n);
    expect(await w.models.blockedFrom(modelId)).to.equal(from);
  });

  it("does not hide that an image or a verifier is distrusted [R3]", async () => {
    const w = world();
    const { data, ids, modelId } = await using(w, 1);
    await data.withdraw(ids[0]!);
    const settled = await settleAt(w, modelId, (await w.now()) + CONSENT_NOTICE);
    await w.distrust(w.enclaves, await w.enclaves.measurementTarget(MEASUREMENT), 1n);
    const [vanilla, tee] = await settled.states();
    expect(vanilla).to.deep.include({ reason: "ConsentWithdrawn", distrusted: false });
    expect(tee).to.deep.include({ reason: "MeasurementDistrusted", distrusted: true });
    const version = { ...w.version, sources: data.required(await data.registerSource()) };
    await w.models.register(version);
    const proved = await w.models.modelIdOf(w.signers.deployer.address, version);
    const verifier = toBeHex(version.verifier, 32);
    await w.distrust(w.models, verifier, 7n);
    const { verifier: word } = await w.models.packedModelState(proved, Mode.ZKML);
    const mask = 2n ** 40n - 1n;
    expect([word & mask, (word >> 88n) & mask]).to.deep.equal([7n, mask]);
  });

  it("refuses new versions that declare the source, required or not, from the announcement on", async () => {
    const w = world();
    const data = dataOf(w);
    const sourceId = await data.registerSource();
    await data.withdraw(sourceId);
    const from = (await w.now()) + CONSENT_NOTICE;
    const refused = async () => {
      for (const sources of [data.required(sourceId), data.optional(sourceId)])
        await expect(w.models.register(data.versionOf({ sources })))
          .to.be.revertedWithCustomError(w.models, "ModelSources_Withdrawn")
          .withArgs(sourceId, from);
    };
    await refused();
    await w.goTo(from + DAY);
    await refused();
  });

  it("takes new versions again after a withdrawal was taken back", async () => {
    const w = world();
    const { data, ids, modelId } = await using(w, 1);
    await data.withdraw(ids[0]!);
    await w.models.connect(w.signers.other).cancelWithdrawal(ids[0]!);
    await data.registerVersion({ sources: data.required(ids[0]!) });
    await data.registerVersion({ parents: [modelId] });
    const settled = await settleAt(w, modelId, (await w.now()) + 2n * CONSENT_NOTICE);
    for (const state of await settled.states()) expect(state.verified).to.equal(true);
  });

  it("refuses new versions that derive from one that requires the source, at any remove; optional ones only mark", async () => {
    const w = world();
    const data = dataOf(w);
    const [needed, helpful] = [await data.registerSource(), await data.registerSource()];
    const root = await data.registerVersion({
      sources: [...data.required(needed), ...data.optional(helpful)],
    });
    const child = await data.registerVersion({ parents: [root] });
    const grandchild = await data.registerVersion({ parents: [child] });
    await data.withdraw(helpful);
    for (const parent of [root, child]) await data.registerVersion({ parents: [parent] });
    await data.withdraw(needed);
    const from = (await w.now()) + CONSENT_NOTICE;
    for (const parent of [root, child, grandchild])
      await expect(w.models.register(data.versionOf({ parents: [parent] })))
        .to.be.revertedWithCustomError(w.models, "ModelLineage_WithdrawnData")
        .withArgs(parent, from);
  });

  it("marks descendants and blocks none of their settlements; tells what is announced from what is in effect", async () => {
    const w = world();
    const data = dataOf(w);
    const [needed, helpful] = [await data.registerSource(), await data.registerSource()];
    const root = await data.registerVersion({ sources: data.required(needed) });
    const side = await data.registerVersion({ sources: data.optional(helpful) });
    const child = await data.registerVersion({ parents: [root, side] });
    const clean = await data.registerVersion({ parents: [await data.registerVersion()] });
    await approve(w, child);
    const read = async (modelId: string) => [...(await w.models.withdrawnData(modelId))];
    for (const modelId of [root, side, child, clean])
      expect(await read(modelId)).to.deep.equal([false, true, NEVER, NEVER, NEVER]);

    await data.withdraw(helpful);
    const first = (await w.now()) + CONSENT_NOTICE;
    await data.withdraw(needed);
    const second = (await w.now()) + CONSENT_NOTICE;
    expect(await read(root)).to.deep.equal([false, false, second, NEVER, second]);
    expect(await read(side)).to.deep.equal([false, true, first, NEVER, NEVER]);
    expect(await read(child)).to.deep.equal([false, false, NEVER, first, NEVER]);
    await w.goTo(first);
    expect((await read(child))[0]).to.equal(true);
    expect((await read(side))[0]).to.equal(true);
    expect((await read(root))[0]).to.equal(second <= first);
    await w.goTo(second);
    expect((await read(root))[0]).to.equal(true);
    expect(await read(clean)).to.deep.equal([false, true, NEVER, NEVER, NEVER]);
    const settled = await settleAt(w, child, second + 60n);
    for (const state of await settled.states()) expect(state.verified).to.equal(true);
  });

  it("lists ancestors parents first, with shares, licence and consent, as far as it is asked to [R8]", async () => {
    const w = world();
    const data = dataOf(w);
    const sourceId = await data.registerSource();
    const root = await data.registerVersion({ licence: "MIT", sources: data.required(sourceId) });
    const middle = await data.registerVersion({ parents: [root] });
    const bottom = await data.registerVersion({ parents: [middle, root] });
    await data.withdraw(sourceId);
    const from = (await w.now()) + CONSENT_NOTICE;
    const by = w.signers.deployer.address;
    const entry = (modelId: string, child: string, generation: bigint) => {
      const isRoot = modelId === root;
      return [
        ...[modelId, child, 0n, generation, 0n, by, isRoot ? "MIT" : ""],
        ...(isRoot ? [from, from] : [NEVER, NEVER]),
      ];
    };
    const all = [entry(middle, bottom, 1n), entry(root, bottom, 1n), entry(root, middle, 2n)];
    expect(await w.models.ancestors(bottom, 84)).to.deep.equal([all, true]);
    expect(await w.models.ancestors(bottom, NEVER)).to.deep.equal([all, true]);
    for (const most of [0, 1, 2])
      expect(await w.models.ancestors(bottom, most)).to.deep.equal([all.slice(0, most), false]);
    expect(await w.models.ancestors(bottom, 3)).to.deep.equal([all, true]);
    expect(await w.models.ancestors(root, 0)).to.deep.equal([[], true]);
    for (const view of [w.models.withdrawnData(sourceId), w.models.ancestors(sourceId, 1)])
      await expect(view).to.be.revertedWithCustomError(w.models, "Distrustable_UnknownTarget");
  });

  it("walks the widest lineage there can be: 84 ways, eight sources each, and finds the one that is withdrawn", async () => {
    const w = world();
    const data = dataOf(w);
    const ids: string[] = [];
    for (let i = 0; i < 8; i++) ids.push(await data.registerSource());
    const generation = async (parents: string[]) => {
      const made: string[] = [];
      for (let i = 0; i < 4; i++) made.push(await data.registerVersion({ parents, sources: data.required(...ids) }));
      return made;
    };
    const widest = data.versionOf({ parents: await generation(await generation(await generation([]))) });
    const sent = await w.models.register(widest);
    const modelId = await w.models.modelIdOf(w.signers.deployer.address, widest);
    const { gasUsed } = (await sent.wait())!;
    expect(gasUsed < 2_000_000n, String(gasUsed)).to.equal(true);
    const [found, complete] = await w.models.ancestors(modelId, 84);
    expect([found.length, complete]).to.deep.equal([84, true]);
    expect(found.map((each) => Number(each.generation))).to.deep.equal([
      ...Array(4).fill(1),
      ...Array(16).fill(2),
      ...Array(64).fill(3),
    ]);
    expect((await w.models.ancestors(modelId, 83)).complete).to.equal(false);
    await data.withdraw(ids[7]!);
    expect((await w.models.withdrawnData(modelId)).inheritedFrom).to.equal((await w.now()) + CONSENT_NOTICE);
  });

  describe("attacks", () => {
    it("a source's owner cannot touch what settled, nor what was served before it spoke up [R10]", async () => {
      const w = world();
      const { data, ids, modelId } = await using(w, 1);
      const served = await w.receiptIn(Mode.VANILLA, { modelId });
      await data.withdraw(ids[0]!);
      // The longest that a receipt may take to settle, with a pause of settlement on top.
      await w.at((await w.now()) + 3n * DAY - 60n);
      expect(await single(w, served)).to.equal("None");
      const settled = (await w.openAlone(served)).settledAt;
      // Taking back and withdrawing again only moves the moment away.
      const by = w.models.connect(w.signers.other);
      const announced = await w.models.blockedFrom(modelId);
      await by.cancelWithdrawal(ids[0]!);
      await by.withdrawConsent(ids[0]!);
      expect((await w.models.blockedFrom(modelId)) > announced && announced > settled).to.equal(true);
      await w.goTo(announced + 30n * DAY);
      expect((await w.openAlone(served)).verified).to.equal(true);
    });

    it("a source that is registered and withdrawn after a version touches it in nothing", async () => {
      const w = world();
      const data = dataOf(w);
      const modelId = await data.registerVersion({ sources: data.required(await data.registerSource()) });
      await approve(w, modelId);
      await data.withdraw(await data.registerSource());
      expect(await w.models.blockedFrom(modelId)).to.equal(NEVER);
      const settled = await settleAt(w, modelId, (await w.now()) + 2n * CONSENT_NOTICE);
      for (const state of await settled.states()) expect(state.verified).to.equal(true);
    });

    it("a source of the same content by a stranger gives the stranger no say over versions that name the owner's", async () => {
      const w = world();
      const data = dataOf(w);
      const declared = data.declaration();
      const { other, operator } = w.signers;
      const ids = [];
      for (const by of [other, operator]) ids.push(await data.registerSource(declared, by));
      const modelId = await data.registerVersion({ sources: data.required(ids[0]!) });
      await data.withdraw(ids[1]!, operator);
      expect(await w.models.blockedFrom(modelId)).to.equal(NEVER);
    });
  });
});
