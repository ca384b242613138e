import { expect } from "chai";
import { id, ZeroAddress, ZeroHash } from "ethers";
import { TwinAgents__factory, TwinMarket__factory, type TwinAgents, type TwinMarket } from "../../typechain/index.ts";
import { Mode } from "../support/protocol.ts";
import { deployWorld, SECONDS, type World } from "../support/world.ts";
import { BASE_DIVISOR, BUY, CLAIM_SIGNED, CREATE, ID, idOf, NEVER, PERCENT, SELL, useMarket } from "./support.ts";

const Status = { None: 0n, Proposed: 1n, Confirmed: 2n } as const;

describe("What answers for a twin [R3]", () => {
  let w: World;
  let market: TwinMarket;
  let agents: TwinAgents;
  let restore: () => Promise<void>;

  before(async () => {
    w = await deployWorld();
    const made = await w.ethers.deployContract("TwinMarket", [w.signers.admin.address, BASE_DIVISOR, PERCENT, PERCENT]);
    market = TwinMarket__factory.connect(await made.getAddress(), w.signers.other);
    const registries = [w.registry, w.models, w.nodes, w.enclaves];
    const linked = await w.ethers.deployContract("TwinAgents", [made, ...registries]);
    agents = TwinAgents__factory.connect(await linked.getAddress(), w.signers.other);
    await market[CREATE](ID, "https://twin.fun/x");
    const snapshot = await w.networkHelpers.takeSnapshot();
    restore = () => snapshot.restore();
  });
  afterEach(() => restore());

  const operator = () => agents.connect(w.signers.operator);
  const link = () => [ID, w.modelId, w.keyId] as const;
  /** A settled receipt of this world's model, opened. */
  async function settled(mode: number) {
    const receipt = await w.receiptIn(mode);
    await w.registry.settleReceipts([w.signedReceipt(receipt)]);
    return w.openingAlone(receipt);
  }

  it("needs two sides: the twin's owner says it, the operator of the key's node agrees", async () => {
    const opening = await settled(Mode.VANILLA);
    await expect(agents.link(...link()))
      .to.emit(agents, "AgentLinkChanged")
      .withArgs(...link(), Status.Proposed, w.signers.other.address);
    expect(await agents.linkStatus(...link())).to.equal(Status.Proposed);
    const waiting = await agents.isBackedBy(ID, opening);
    expect([waiting.backed, waiting.verification.verified]).to.deep.equal([false, true]);
    for (const by of [w.signers.other, w.signers.deployer])
      await expect(agents.connect(by).confirm(...link()))
        .to.be.revertedWithCustomError(agents, "TwinAgents_NotOperator")
        .withArgs(w.keyId, by.address);
    await expect(operator().confirm(...link()))
      .to.emit(agents, "AgentLinkChanged")
      .withArgs(...link(), Status.Confirmed, w.signers.operator.address);
    expect((await agents.isBackedBy(ID, opening)).backed).to.equal(true);
  });

  it("is confirmed at once where the owner operates the node, and holds for enclave keys too", async () => {
    const mine = idOf("operator's own");
    await market.connect(w.signers.operator)[CREATE](mine, "");
    for (const [keyId, mode] of [
      [w.keyId, Mode.VANILLA],
      [w.enclaveKeyId, Mode.TEE],
    ] as const) {
      await operator().link(mine, w.modelId, keyId);
      expect(await agents.linkStatus(mine, w.modelId, keyId)).to.equal(Status.Confirmed);
      const { backed, verification } = await agents.isBackedBy(mine, await settled(mode));
      expect([backed, verification.mode]).to.deep.equal([true, BigInt(mode)]);
    }
  });

  it("is the owner's to say, of models and keys that exist", async () => {
    await expect(agents.connect(w.signers.deployer).link(...link()))
      .to.be.revertedWithCustomError(agents, "TwinAgents_NotOwner")
      .withArgs(ID, w.signers.deployer.address);
    await expect(agents.link(idOf("none"), w.modelId, w.keyId)).to.be.revertedWithCustomError(
      agents,
      "TwinAgents_NotOwner",
    );
    for (const unknown of [ZeroHash, id("nothing")]) {
      await expect(agents.link(ID, unknown, w.keyId))
        .to.be.revertedWithCustomError(agents, "TwinAgents_UnknownModel")
        .withArgs(unknown);
      await expect(agents.link(ID, w.modelId, unknown))
        .to.be.revertedWithCustomError(agents, "TwinAgents_UnknownKey")
        .withArgs(unknown);
      await expect(operator().confirm(ID, w.modelId, unknown)).to.be.revertedWithCustomError(
        agents,
        "TwinAgents_NotOperator",
      );
    }
  });

  it("goes from none to proposed to confirmed, and either side can dissolve it", async () => {
    await expect(operator().confirm(...link()))
      .to.be.revertedWithCustomError(agents, "TwinAgents_BadStatus")
      .withArgs(...link(), Status.None);
    await expect(agents.unlink(...link())).to.be.revertedWithCustomError(agents, "TwinAgents_BadStatus");
    const opening = await settled(Mode.VANILLA);
    for (const by of [agents, operator()]) {
      await agents.link(...link());
      await expect(agents.link(...link()))
        .to.be.revertedWithCustomError(agents, "TwinAgents_BadStatus")
        .withArgs(...link(), Status.Proposed);
      await operator().confirm(...link());
      await expect(operator().confirm(...link())).to.be.revertedWithCustomError(agents, "TwinAgents_BadStatus");
      await expect(agents.connect(w.signers.deployer).unlink(...link())).to.be.revertedWithCustomError(
        agents,
        "TwinAgents_NotOwner",
      );
      await expect(by.unlink(...link())).to.emit(agents, "AgentLinkChanged");
      expect((await agents.isBackedBy(ID, opening)).backed).to.equal(false);
    }
  });

  it("cannot be confirmed once the twin went over: the present owner never said it", async () => {
    const { other, deployer } = w.signers;
    await agents.link(...link());
    const digest = { digitalTwinId: ID, newOwner: deployer.address, nonce: 0n, deadline: NEVER };
    const verifyingContract = await market.getAddress();
    const domain = { name: "OpenGradient TwinMarket", version: "1", chainId: 31337n, verifyingContract };
    const types = {
      TransferTwin: [
        { name: "digitalTwinId", type: "bytes16" },
        { name: "newOwner", type: "address" },
        { name: "nonce", type: "uint256" },
        { name: "deadline", type: "uint256" },
      ],
    };
    const consent = await other.signTypedData(domain, types, digest);
    await market.connect(deployer)[CLAIM_SIGNED](ID, NEVER, consent);
    await expect(operator().confirm(...link()))
      .to.be.revertedWithCustomError(agents, "TwinAgents_NotOwner")
      .withArgs(ID, other.address);
    // The present owner's own word counts, once it cleared the old one away.
    await agents.connect(deployer).unlink(...link());
    await agents.connect(deployer).link(...link());
    await operator().confirm(...link());
    expect(await agents.linkStatus(...link())).to.equal(Status.Confirmed);
  });

  it("is backed by receipts of the linked model and key alone, and only once they settled", async () => {
    await agents.link(...link());
    await operator().confirm(...link());
    const unsettled = await w.receiptIn(Mode.VANILLA);
    expect((await agents.isBackedBy(ID, w.openingAlone(unsettled))).backed).to.equal(false);
    // Another key of the same node, and another model under the same key.
    expect((await agents.isBackedBy(ID, await settled(Mode.TEE))).backed).to.equal(false);
    const other = await w.receiptIn(Mode.VANILLA, { modelId: w.vanillaModelId });
    await w.registry.settleReceipts([w.signedReceipt(other)]);
    const answer = await agents.isBackedBy(ID, w.openingAlone(other));
    expect([answer.backed, answer.verification.verified]).to.deep.equal([false, true]);
    expect((await agents.isBackedBy(idOf("none"), await settled(Mode.VANILLA))).backed).to.equal(false);
  });

  it("is no longer backed by what the registry stops believing: no copy is kept [R4]", async () => {
    await agents.link(...link());
    await operator().confirm(...link());
    const opening = await settled(Mode.VANILLA);
    expect((await agents.isBackedBy(ID, opening)).backed).to.equal(true);
    const snapshot = await w.networkHelpers.takeSnapshot();
    await w.freeze(w.nodes, w.keyId);
    const frozen = await agents.isBackedBy(ID, opening);
    expect([frozen.backed, frozen.verification.frozen]).to.deep.equal([false, true]);
    await w.goTo((await w.now()) + SECONDS.freeze);
    expect((await agents.isBackedBy(ID, opening)).backed).to.equal(true);
    await snapshot.restore();
    await w.distrust(w.nodes, w.keyId, (await w.now()) - 100n);
    const distrusted = await agents.isBackedBy(ID, opening);
    expect([distrusted.backed, distrusted.verification.distrusted]).to.deep.equal([false, true]);
  });

  it("cannot be deployed over nothing", async () => {
    const parts = [market, w.registry, w.models, w.nodes, w.enclaves];
    for (let i = 0; i < parts.length; i++)
      await expect(
        w.ethers.deployContract(
          "TwinAgents",
          parts.map((part, j) => (i === j ? ZeroAddress : part)),
        ),
      ).to.be.revertedWithCustomError(agents, "TwinAgents_ZeroAddress");
  });
});

describe("Keys as a pass", () => {
  const market = useMarket({}, (m) => m.create("twin", 5n));
  const hour = 3_600n;

  it("let in who holds the minimum, and nobody else", async () => {
    const m = market();
    const deployed = await m.ethers.deployContract("HoldersOnly", [m.address, ID]);
    const ask = (by: typeof m.alice) => (deployed.connect(by) as typeof deployed).getFunction("ask")();
    await m.as(m.alice)[BUY](ID, 1n, { value: 10n ** 18n });
    expect(await m.market.holds(ID, m.alice, 1n)).to.equal(true);
    expect(await m.market.holds(ID, m.alice, 2n)).to.equal(false);
    expect(await m.market.holds(idOf("none"), m.eve, 0n)).to.equal(true);
    await expect(ask(m.alice)).to.be.revertedWithCustomError(deployed, "HoldersOnly_NotAHolder");
    await m.as(m.alice)[BUY](ID, 1n, { value: 10n ** 18n });
    await ask(m.alice);
    await m.as(m.alice)[SELL](ID, 1n);
    await expect(ask(m.alice)).to.be.revertedWithCustomError(deployed, "HoldersOnly_NotAHolder");
  });

  it("count from the last purchase for who asks for time, which keeps out keys bought for the occasion", async () => {
    const m = market();
    await m.at((await m.now()) + 10n);
    await m.as(m.alice)[BUY](ID, 2n, { value: 10n ** 18n });
    const bought = await m.now();
    expect(await m.market.holdsSince(ID, m.alice, 2n, bought)).to.equal(true);
    expect(await m.market.holdsSince(ID, m.alice, 3n, bought)).to.equal(false);
    expect(await m.market.holdsSince(ID, m.alice, 2n, bought - 1n)).to.equal(false);
    await m.goTo(bought + hour);
    await m.as(m.alice)[SELL](ID, 1n);
    expect(await m.market.holdsSince(ID, m.alice, 1n, bought)).to.equal(true);
    await m.as(m.alice)[BUY](ID, 1n, { value: 10n ** 18n });
    expect(await m.market.holdsSince(ID, m.alice, 1n, bought)).to.equal(false);
  });

  it("can be borrowed from the curve for one transaction where only the moment is asked, and not where time is", async () => {
    const m = market();
    const service = await m.ethers.deployContract("HoldersOnly", [m.address, ID]);
    const flash = await m.ethers.deployContract("FlashHolder");
    const run = (long: boolean) => flash.getFunction("run")(m.address, service, 2n, long, { value: 10n ** 18n });
    await run(false);
    expect(await service.getFunction("requests")(flash)).to.equal(1n);
    await expect(run(true)).to.be.revertedWithCustomError(service, "HoldersOnly_NotAHolder");
    await m.as(m.alice)[BUY](ID, 2n, { value: 10n ** 18n });
    await m.goTo((await m.now()) + hour);
    await (service.connect(m.alice) as typeof service).getFunction("askAsLongHolder")();
    expect(await service.getFunction("requests")(m.alice)).to.equal(1n);
  });
});

describe("Deployment of the market", () => {
  it("stands under the timelock with the parameters of the file, its links over the same registries", async () => {
    const { contracts } = await deployWorld();
    const [market, agents] = [contracts.twinMarket, contracts.twinAgents];
    for (const [name, value] of [
      ["admin", await contracts.timelock.getAddress()],
      ["divisor", BASE_DIVISOR],
      ["protocolFeePercent", (25n * PERCENT) / 10n],
      ["subjectFeePercent", (25n * PERCENT) / 10n],
    ] as const)
      expect(await market.getFunction(name)()).to.equal(value);
    for (const name of ["inferenceRegistry", "modelRegistry", "nodeRegistry", "enclaveRegistry"] as const)
      expect(await agents.getFunction(name)()).to.equal(await contracts[name].getAddress());
    expect(await agents.getFunction("market")()).to.equal(await market.getAddress());
  });
});
