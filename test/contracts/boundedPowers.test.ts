import { expect } from "chai";
import { ZeroAddress } from "ethers";
import { reasonOf } from "../support/outcome.ts";
import { Mode } from "../support/protocol.ts";
import { SECONDS, useWorld, type World } from "../support/world.ts";

/** A call of each of the three settle functions that would succeed on an open registry. */
async function settleCalls(w: World) {
  const batch = w.signedBatch([await w.receiptIn(Mode.VANILLA)]);
  const proved = w.proofBatch([await w.proved()]);
  const single = w.signedReceipt(await w.receiptIn(Mode.TEE));
  return [
    () => w.registry.settleBatches([batch]),
    () => w.registry.settleProvedBatches([proved]),
    () => w.registry.settleReceipts([single]),
  ];
}

describe("Pause [R8]", () => {
  const world = useWorld();
  const guardian = (w: World) => w.registry.connect(w.signers.guardian);

  it("stops every way to settle for MAX_PAUSE, to the second, and lifts itself", async () => {
    const w = world();
    const calls = await settleCalls(w);
    const start = (await w.now()) + 100n;
    await w.at(start);
    await expect(guardian(w).pause())
      .to.emit(w.registry, "SettlementPaused")
      .withArgs(start + SECONDS.pause);
    expect(await w.registry.settlementStatus()).to.deep.equal([start + SECONDS.pause, 0n]);
    await w.at(start + SECONDS.pause - 3n);
    for (const call of calls)
      await expect(call())
        .to.be.revertedWithCustomError(w.registry, "InferenceRegistry_Paused")
        .withArgs(start + SECONDS.pause);
    await w.at(start + SECONDS.pause);
    for (const call of calls) expect(await reasonOf(call())).to.equal("None");
  });

  it("never stops reading", async () => {
    const w = world();
    const receipt = await w.receiptIn(Mode.VANILLA);
    await w.registry.settleReceipts([w.signedReceipt(receipt)]);
    await guardian(w).pause();
    expect((await w.openAlone(receipt)).verified).to.equal(true);
  });

  it("comes again only PAUSE_COOL_DOWN after the last pause, ended early or not", async () => {
    const w = world();
    const start = (await w.now()) + 100n;
    const again = start + SECONDS.pause + SECONDS.coolDown;
    await w.at(start);
    await guardian(w).pause();
    const cooling = () =>
      expect(guardian(w).pause())
        .to.be.revertedWithCustomError(w.registry, "InferenceRegistry_CoolingDown")
        .withArgs(again);
    await cooling();
    await w.at(start + 50n);
    await expect(guardian(w).resume()).to.emit(w.registry, "SettlementResumed");
    await cooling();
    await w.at(again - 1n);
    await cooling();
    await w.at(again);
    await guardian(w).pause();
  });

  it("is ended early by guardian or governance, and settlement goes on at once", async () => {
    const w = world();
    const [call] = await settleCalls(w);
    await guardian(w).pause();
    await w.govern(w.registry, w.registry.interface.encodeFunctionData("resume"));
    expect(await reasonOf(call!())).to.equal("None");
    await expect(guardian(w).resume()).to.be.revertedWithCustomError(w.registry, "InferenceRegistry_NotPaused");
  });

  it("belongs to the guardian; ending it to guardian and governance; nobody else", async () => {
    const w = world();
    for (const signer of [w.signers.deployer, w.signers.admin, w.signers.operator, w.signers.other]) {
      const registry = w.registry.connect(signer);
      for (const call of [() => registry.pause(), () => registry.resume()])
        await expect(call())
          .to.be.revertedWithCustomError(w.registry, "InferenceRegistry_NotAllowed")
          .withArgs(signer.address);
    }
    await expect(w.govern(w.registry, w.registry.interface.encodeFunctionData("pause")))
      .to.be.revertedWithCustomError(w.registry, "InferenceRegistry_NotAllowed")
      .withArgs(await w.contracts.timelock.getAddress());
  });

  it("a receipt not older than 2 days when it starts cannot expire by it", async () => {
    const w = world();
    const start = (await w.now()) + 3n * SECONDS.day;
    const { receipt, evidence } = await w.proved({ completedAt: start - 2n * SECONDS.day });
    const older = await w.receiptIn(Mode.VANILLA, { completedAt: start - 2n * SECONDS.day - 1n });
    await w.at(start);
    await guardian(w).pause();
    await w.at(start + SECONDS.pause);
    const mined = await w.registry.settleReceipts([w.signedReceipt(receipt, evidence)]);
    expect(await reasonOf(Promise.resolve(mined))).to.equal("None");
    expect(await reasonOf(w.registry.settleReceipts([w.signedReceipt(older)]))).to.equal("CompletedTooLongAgo");
  });
});

describe("Closing [R10]", () => {
  const world = useWorld();
  const announce = (w: World) => w.govern(w.registry, w.registry.interface.encodeFunctionData("announceClosing"));

  it("ends settlement for ever after CLOSING_NOTICE, to the second, and never reading", async () => {
    const w = world();
    const receipt = await w.receiptIn(Mode.VANILLA);
    await w.registry.settleReceipts([w.signedReceipt(receipt)]);
    const start = (await w.now()) + 100n;
    await w.at(start);
    await expect(announce(w))
      .to.emit(w.registry, "ClosingAnnounced")
      .withArgs(start + 4n * SECONDS.day);
    const closesAt = start + 4n * SECONDS.day;
    expect(await w.registry.settlementStatus()).to.deep.equal([0n, closesAt]);
    const calls = await settleCalls(w);
    await w.goTo(closesAt - 10n);
    const last = w.signedReceipt(await w.receiptIn(Mode.VANILLA));
    await w.at(closesAt - 1n);
    expect(await reasonOf(w.registry.settleReceipts([last]))).to.equal("None");
    await w.at(closesAt);
    for (const call of calls)
      await expect(call()).to.be.revertedWithCustomError(w.registry, "InferenceRegistry_Closed").withArgs(closesAt);
    expect((await w.openAlone(receipt)).verified).to.equal(true);
    expect((await w.openAlone(last.receipt)).verified).to.equal(true);
  });

  it("is announced once and never taken back", async () => {
    const w = world();
    await announce(w);
    const { closesAt } = await w.registry.settlementStatus();
    await w.goTo(closesAt + 1n);
    await expect(announce(w))
      .to.be.revertedWithCustomError(w.registry, "InferenceRegistry_ClosingAlreadyAnnounced")
      .withArgs(closesAt);
  });

  it("belongs to governance alone", async () => {
    const w = world();
    for (const signer of [w.signers.deployer, w.signers.admin, w.signers.guardian, w.signers.other])
      await expect(w.registry.connect(signer).announceClosing())
        .to.be.revertedWithCustomError(w.registry, "InferenceRegistry_NotAllowed")
        .withArgs(signer.address);
  });

  it("leaves room for what was complete at the announcement, even with the worst pause inside the notice", async () => {
    const w = world();
    const receipt = await w.receiptIn(Mode.VANILLA);
    const item = w.signedReceipt(receipt);
    await announce(w);
    const { closesAt } = await w.registry.settlementStatus();
    await w.at(receipt.completedAt + 2n * SECONDS.day);
    await w.registry.connect(w.signers.guardian).pause();
    await w.at(receipt.completedAt + 3n * SECONDS.day);
    expect(receipt.completedAt + 3n * SECONDS.day < closesAt).to.equal(true);
    expect(await reasonOf(w.registry.settleReceipts([item]))).to.equal("None");
  });

  it("the guardian cannot stretch pauses over the whole notice [R8]", async () => {
    const w = world();
    await announce(w);
    const { closesAt } = await w.registry.settlementStatus();
    await w.registry.connect(w.signers.guardian).pause();
    const { pausedUntil } = await w.registry.settlementStatus();
    expect(pausedUntil + SECONDS.coolDown > closesAt).to.equal(true);
  });
});

describe("Roles", () => {
  const world = useWorld();

  it("every registry answers to the same timelock and guardian", async () => {
    const w = world();
    const timelock = await w.contracts.timelock.getAddress();
    for (const contract of [w.registry, w.nodes, w.enclaves, w.models]) {
      expect(await contract.admin()).to.equal(timelock);
      expect(await contract.guardian()).to.equal(w.signers.guardian.address);
    }
  });

  it("no registry is deployed with a zero address for a role or a part", async () => {
    const { ethers, signers, contracts, nodes, enclaves, models, attestation } = world();
    const [a, b] = [signers.admin.address, signers.guardian.address];
    const stake = await contracts.staking.getAddress();
    const at = await Promise.all([nodes, enclaves, models, attestation].map((each) => each.getAddress()));
    const cases = [
      ["NodeRegistry", [a, b, stake], "Governed_ZeroAddress"],
      ["ModelRegistry", [a, b, []], "Governed_ZeroAddress"],
      ["EnclaveRegistry", [a, b, at[0], at[3]], "Governed_ZeroAddress"],
      ["InferenceRegistry", [a, b, at[0], at[1], at[2]], "EvidenceRules_ZeroAddress"],
    ] as const;
    for (const [name, args, error] of cases) {
      const factory = await ethers.getContractFactory(name);
      await factory.deploy(...args);
      for (let i = 0; i < args.length; i++) {
        if (typeof args[i] !== "string") continue;
        const broken = args.map((each, j) => (i === j ? ZeroAddress : each));
        const expected = i < 2 ? "Governed_ZeroAddress" : error;
        await expect(factory.deploy(...broken)).to.be.revertedWithCustomError(factory, expected);
      }
    }
  });
});
