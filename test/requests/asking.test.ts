import { expect } from "chai";
import { concat, id, type Result, keccak256, toUtf8Bytes, ZeroAddress, ZeroHash } from "ethers";
import { BOND, DAY, FEE, HOUR, OPG, Status, TEXT, useRequests } from "./support.ts";

describe("InferenceRequests: asking and accepting", () => {
  const world = useRequests();

  it("a request takes its fee, has an id of chain, contract and counter, and is kept as it was asked [R5] [R11]", async () => {
    const w = world();
    const terms = await w.terms({ nodeId: w.nodeId, contextHash: id("memory"), modeMask: 5 });
    const requestId = w.requestIdOf(0n);
    await expect(w.requester.ask(terms, "0x1234"))
      .to.emit(w.requests, "Requested")
      .withArgs(requestId, w.requesterAt, w.modelId, Object.values(terms))
      .and.to.emit(w.requests, "InputAt")
      .withArgs(requestId, "0x1234");
    expect(await w.token.balanceOf(w.requestsAt)).to.equal(FEE);
    const found = (await w.requests.inferenceRequest(requestId)) as unknown as Result;
    expect(found.toObject()).to.deep.include({
      requester: w.requesterAt,
      maxFee: FEE,
      modelId: w.modelId,
      inputHash: terms.inputHash,
      contextHash: id("memory"),
      node: BigInt(w.nodeId),
      deadline: terms.deadline,
      since: await w.now(),
      callbackGas: 500_000n,
      modeMask: 5n,
      status: Status.Open,
    });
    await w.ask();
    expect(await w.statusOf(w.requestIdOf(1n))).to.equal(Status.Open);
  });

  it("an input that is given is hashed here, whatever hash the terms name [R11]", async () => {
    const w = world();
    const input = toUtf8Bytes("why?");
    const inputHash = keccak256(concat(["0xfe", id("salt"), keccak256(input)]));
    const terms = await w.terms({ inputHash: id("a lie") });
    await expect(w.requester.askWithInput(terms, id("salt"), input))
      .to.emit(w.requests, "InputGiven")
      .withArgs(w.requestIdOf(0n), id("salt"), input)
      .and.to.emit(w.requests, "Requested")
      .withArgs(w.requestIdOf(0n), w.requesterAt, w.modelId, Object.values({ ...terms, inputHash }));
    expect((await w.requests.inferenceRequest(w.requestIdOf(0n))).inputHash).to.equal(inputHash);
  });

  it("refuses no fee, no or unknown modes, times out of bounds, and callbacks that are too large or to no contract", async () => {
    const w = world();
    const base = await w.now();
    const at = base + 100n;
    const cases: [object, string, boolean?][] = [
      [{ maxFee: 0n }, "ZeroAmount"],
      [{ modeMask: 0 }, "BadModes"],
      [{ modeMask: 8 }, "BadModes"],
      [{ deadline: at }, "BadDeadline"],
      [{ deadline: at + 7n * DAY + 1n }, "BadDeadline"],
      [{ callbackGas: 2_000_001 }, "BadCallback"],
      [{ nodeId: "0x" + "00".repeat(31) + "09" }, "UnknownNode"],
      // Beyond 40 bits, where the number would be cut off.
      [{ nodeId: "0x" + "00".repeat(20) + "01" + "00".repeat(10) + "01" }, "UnknownNode"],
      [{ deadline: at + 1n, callbackGas: 2_000_000 }, ""],
      [{ deadline: at + 7n * DAY }, ""],
    ];
    for (const [over, error] of cases) {
      const terms = await w.terms(over);
      const snapshot = await w.networkHelpers.takeSnapshot();
      await w.at(at);
      const sent = w.requester.ask(terms, "0x");
      if (error === "") await sent;
      else await expect(sent).to.be.revertedWithCustomError(w.requests, `InferenceRequests_${error}`);
      await snapshot.restore();
    }
    await expect(w.requests.request(await w.terms(), "0x"))
      .to.be.revertedWithCustomError(w.requests, "InferenceRequests_BadCallback")
      .withArgs(500_000n);
    // Somebody without code asks too, and is not called back.
    await w.requests.request(await w.terms({ callbackGas: 0 }), "0x");
  });

  it("takes no deadline that the registry's closing would cut off [R10]", async () => {
    const w = world();
    await w.govern(w.registry, w.registry.interface.encodeFunctionData("announceClosing"));
    const { closesAt } = await w.registry.settlementStatus();
    await expect(w.ask({ deadline: closesAt })).to.be.revertedWithCustomError(
      w.requests,
      "InferenceRequests_BadDeadline",
    );
    await w.ask({ deadline: closesAt - 1n });
  });

  it("nobody accepts what could no longer be settled by its deadline, whoever asked before the closing was known [R10]", async () => {
    const w = world();
    const requestId = await w.ask({ deadline: (await w.now()) + 7n * DAY });
    await w.govern(w.registry, w.registry.interface.encodeFunctionData("announceClosing"));
    const { deadline } = await w.requests.inferenceRequest(requestId);
    expect((await w.registry.settlementStatus()).closesAt).to.be.lessThanOrEqual(deadline);
    await expect(w.accept(requestId))
      .to.be.revertedWithCustomError(w.requests, "InferenceRequests_BadDeadline")
      .withArgs(deadline);
    await w.requester.cancel(requestId);
  });

  it("spends an account's credit first, and only then its tokens", async () => {
    const w = world();
    await w.token.approve(w.requestsAt, FEE);
    await w.requests.connect(w.signers.deployer).deposit(w.requesterAt, FEE - 1n);
    const before = await w.token.balanceOf(w.requesterAt);
    await w.ask();
    expect(await w.token.balanceOf(w.requesterAt)).to.equal(before - 1n);
    expect(await w.requests.credit(w.requesterAt)).to.equal(0n);
  });

  it("only the requester takes a request back, gets all of it at once, and only while nobody has accepted", async () => {
    const w = world();
    const requestId = await w.ask();
    await expect(w.requests.cancel(requestId))
      .to.be.revertedWithCustomError(w.requests, "InferenceRequests_NotRequester")
      .withArgs(w.requesterAt, w.signers.operator.address);
    const before = await w.token.balanceOf(w.requesterAt);
    await expect(w.requester.cancel(requestId)).to.emit(w.requests, "Cancelled").withArgs(requestId, FEE);
    expect(await w.token.balanceOf(w.requesterAt)).to.equal(before + FEE);
    await expect(w.requester.cancel(requestId))
      .to.be.revertedWithCustomError(w.requests, "InferenceRequests_WrongStatus")
      .withArgs(requestId, Status.Cancelled);
    await expect(w.accept(requestId)).to.be.revertedWithCustomError(w.requests, "InferenceRequests_WrongStatus");
    const taken = await w.accepted();
    await expect(w.requester.cancel(taken))
      .to.be.revertedWithCustomError(w.requests, "InferenceRequests_WrongStatus")
      .withArgs(taken, Status.Accepted);
  });

  it("accepting puts up a tenth of the maximum, rounded up, and at least 1 OPG", async () => {
    const w = world();
    for (const [maxFee, bond] of [
      [1n, OPG],
      [10n * OPG, OPG],
      [10n * OPG + 1n, OPG + 1n],
      [FEE, BOND],
    ] as const)
      expect(await w.requests.bondOf(maxFee)).to.equal(bond);
    const requestId = await w.ask();
    const before = await w.token.balanceOf(w.signers.operator.address);
    await expect(w.accept(requestId))
      .to.emit(w.requests, "Accepted")
      .withArgs(requestId, w.nodeId, w.signers.operator.address, w.keyId, BOND, 1n);
    expect(await w.token.balanceOf(w.signers.operator.address)).to.equal(before - BOND);
    expect((await w.requests.inferenceRequest(requestId)).node).to.equal(BigInt(w.nodeId));
    expect(await w.requests.openRequests(w.nodeId, w.modelId)).to.equal(1n);
    await expect(w.accept(requestId)).to.be.revertedWithCustomError(w.requests, "InferenceRequests_WrongStatus");
  });

  it("nobody accepts without being the operator, an active node, stake, a live key and an offer [R12]", async () => {
    const w = world();
    const requestId = await w.ask({ deadline: (await w.now()) + 6n * DAY });
    const refused = async (error: string, sent: Promise<unknown> = w.accept(requestId)) =>
      expect(sent).to.be.revertedWithCustomError(w.requests, `InferenceRequests_${error}`);
    await refused("NotOperator", w.requests.connect(w.signers.other).accept(requestId, w.keyId, 2n ** 64n));
    await refused("KeyNotLive", w.accept(requestId, id("no key")));
    await refused("TooLate", w.requests.accept(requestId, w.keyId, await w.now()));

    const cases: [string, () => Promise<unknown>][] = [
      ["NodeNotActive", () => w.nodes.updateNode(w.nodeId, 2, "")],
      ["NotOffered", () => w.nodes.setOffer(w.nodeId, w.modelId, 0, 0)],
      ["NotOffered", () => w.nodes.setOffer(w.nodeId, w.modelId, 4, 1)],
      ["KeyNotLive", async () => w.nodes.retireKey(w.keyId, (await w.now()) + 1n)],
      ["KeyNotLive", () => w.nodes.distrustOwnKey(w.keyId)],
      ["KeyNotLive", () => w.freeze(w.nodes, w.keyId)],
    ];
    for (const [error, prepare] of cases) {
      const snapshot = await w.networkHelpers.takeSnapshot();
      await prepare();
      await w.networkHelpers.mine();
      await refused(error);
      await snapshot.restore();
    }
    // A minimum that rose, and nobody has ended the keys yet.
    const { current } = await w.staking.minimum(0n);
    await w.govern(w.staking, w.staking.interface.encodeFunctionData("setMinimum", [0n, current * 2n]));
    await w.networkHelpers.time.increase(4n * DAY + 1n);
    await refused("StakeTooLow");
  });

  it("an operator key accepts for VANILLA and ZKML, an enclave key for TEE, as far as request and offer go", async () => {
    const w = world();
    const cases = [
      [1, w.keyId, true],
      [2, w.keyId, true],
      [4, w.keyId, false],
      [3, w.enclaveKeyId, false],
      [4, w.enclaveKeyId, true],
    ] as const;
    for (const [modeMask, keyId, good] of cases) {
      const snapshot = await w.networkHelpers.takeSnapshot();
      const sent = w.accept(await w.ask({ modeMask }), keyId);
      if (good) await sent;
      else await expect(sent).to.be.revertedWithCustomError(w.requests, "InferenceRequests_NotOffered");
      await snapshot.restore();
    }
  });

  it("a request that names a node is that node's alone, and none takes more than its offer says", async () => {
    const w = world();
    const elsewhere = await w.registerNode();
    const requestId = await w.ask({ nodeId: elsewhere });
    await expect(w.accept(requestId))
      .to.be.revertedWithCustomError(w.requests, "InferenceRequests_OtherNode")
      .withArgs(elsewhere, w.nodeId);
    for (let i = 0; i < 3; i++) await w.accepted();
    await expect(w.accepted())
      .to.be.revertedWithCustomError(w.requests, "InferenceRequests_AtCapacity")
      .withArgs(w.nodeId, 3n);
    await w.fulfil(w.requestIdOf(1n));
    expect(await w.requests.openRequests(w.nodeId, w.modelId)).to.equal(2n);
    await w.accepted();
  });

  it("is accepted until its deadline, to the second", async () => {
    const w = world();
    const deadline = (await w.now()) + HOUR;
    for (const [second, good] of [
      [deadline, true],
      [deadline + 1n, false],
    ] as const) {
      const snapshot = await w.networkHelpers.takeSnapshot();
      const requestId = await w.ask({ deadline });
      await w.at(second);
      if (good) await w.accept(requestId);
      else
        await expect(w.accept(requestId))
          .to.be.revertedWithCustomError(w.requests, "InferenceRequests_TooLate")
          .withArgs(deadline);
      await snapshot.restore();
    }
  });

  it("an agent accepts from the operator's credit and from nothing else, until it is dismissed", async () => {
    const w = world();
    const agent = w.requests.connect(w.signers.other);
    const operator = w.signers.operator.address;
    await expect(w.requests.setAgent(w.signers.other.address, true))
      .to.emit(w.requests, "AgentSet")
      .withArgs(operator, w.signers.other.address, true);
    const requestId = await w.ask();
    await w.requests.deposit(operator, BOND - 1n);
    await expect(agent.accept(requestId, w.keyId, 2n ** 64n))
      .to.be.revertedWithCustomError(w.requests, "InferenceRequests_CreditTooSmall")
      .withArgs(operator, BOND - 1n, BOND);
    await w.requests.deposit(operator, 2n);
    await agent.accept(requestId, w.keyId, 2n ** 64n);
    expect(await w.requests.credit(operator)).to.equal(1n);
    await w.fulfil(requestId);
    expect(await w.requests.credit(operator)).to.equal(BOND + 1n);
    await w.requests.setAgent(w.signers.other.address, false);
    await expect(agent.accept(await w.ask(), w.keyId, 2n ** 64n)).to.be.revertedWithCustomError(
      w.requests,
      "InferenceRequests_NotOperator",
    );
  });

  it("nobody empties the credit that an agent accepts from, but whose it is, until the last agent is dismissed", async () => {
    const w = world();
    const { operator, other, deployer } = w.signers;
    await w.requests.deposit(operator, BOND);
    const [one, two] = [other.address, deployer.address];
    // Naming one twice makes it no two, and dismissing who is none takes none away.
    for (const [agent, allowed] of [
      [one, true],
      [one, true],
      [two, true],
      [w.requesterAt, false],
      [one, false],
    ] as const) {
      await w.requests.setAgent(agent, allowed);
      await expect(w.requests.connect(other).claim(operator))
        .to.be.revertedWithCustomError(w.requests, "InferenceRequests_NotAccount")
        .withArgs(operator.address, other.address);
    }
    await w.requests.connect(deployer).accept(await w.ask(), w.keyId, 2n ** 64n);
    await w.requests.deposit(operator, 2n);
    const snapshot = await w.networkHelpers.takeSnapshot();
    await w.requests.claim(operator);
    await snapshot.restore();
    await w.requests.setAgent(two, false);
    await expect(w.requests.connect(other).claim(operator))
      .to.emit(w.requests, "Claimed")
      .withArgs(operator.address, 2n);
  });

  it("pays credit to its account alone, for anyone who asks, once", async () => {
    const w = world();
    const requestId = await w.accepted();
    await w.fulfil(requestId, { cumulativeFee: FEE - 5n }, TEXT.output);
    const before = await w.token.balanceOf(w.requesterAt);
    await expect(w.requests.claim(w.requesterAt)).to.emit(w.requests, "Claimed").withArgs(w.requesterAt, 5n);
    expect(await w.token.balanceOf(w.requesterAt)).to.equal(before + 5n);
    await expect(w.requests.claim(w.requesterAt)).to.be.revertedWithCustomError(
      w.requests,
      "InferenceRequests_NothingToClaim",
    );
    await expect(w.requests.deposit(ZeroAddress, 1n)).to.be.revertedWithCustomError(
      w.requests,
      "InferenceRequests_ZeroAddress",
    );
    await expect(w.requests.deposit(w.requesterAt, 0n)).to.be.revertedWithCustomError(
      w.requests,
      "InferenceRequests_ZeroAmount",
    );
    expect(ZeroHash).to.equal(await w.requests.undelivered(requestId));
  });
});
