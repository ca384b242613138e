import { expect } from "chai";
import { id, ZeroHash } from "ethers";
import { Reason } from "../support/outcome.ts";
import { InferenceRequests__factory } from "../../typechain/index.ts";
import { BOND, DAY, FEE, HOUR, Mismatch, OPG, Status, TEXT, useRequests } from "./support.ts";
import type { RequestsWorld, TestContract } from "./support.ts";

describe("InferenceRequests: what is not answered", () => {
  const world = useRequests();
  const pause = (w: RequestsWorld) => w.registry.connect(w.signers.guardian).pause();
  const resume = (w: RequestsWorld) => w.registry.connect(w.signers.guardian).resume();

  it("refunds the fee with the acceptor's bond, at once and by anyone, and frees the node", async () => {
    const w = world();
    const requestId = await w.accepted();
    const before = await w.token.balanceOf(w.requesterAt);
    await w.goTo((await w.now()) + HOUR + 1n);
    await expect(w.requests.connect(w.signers.deployer).timeOut(requestId))
      .to.emit(w.requests, "TimedOut")
      .withArgs(requestId, w.nodeId, FEE + BOND, BOND, 0n);
    expect(await w.token.balanceOf(w.requesterAt)).to.equal(before + FEE + BOND);
    expect(await w.token.balanceOf(w.requestsAt)).to.equal(0n);
    expect(await w.requests.openRequests(w.nodeId, w.modelId)).to.equal(0n);
    await expect(w.requests.timeOut(requestId)).to.be.revertedWithCustomError(
      w.requests,
      "InferenceRequests_WrongStatus",
    );
    await expect(w.fulfil(requestId))
      .to.be.revertedWithCustomError(w.requests, "InferenceRequests_WrongStatus")
      .withArgs(requestId, Status.TimedOut);
  });

  it("takes no penalty where nobody had accepted, and names no node, whichever was asked", async () => {
    const w = world();
    const requestId = await w.ask({ nodeId: w.nodeId });
    await w.goTo((await w.now()) + HOUR + 1n);
    await expect(w.requests.timeOut(requestId))
      .to.emit(w.requests, "TimedOut")
      .withArgs(requestId, ZeroHash, FEE, 0n, 0n);
    await expect(w.requests.timeOut(w.requestIdOf(9n)))
      .to.be.revertedWithCustomError(w.requests, "InferenceRequests_WrongStatus")
      .withArgs(w.requestIdOf(9n), Status.None);
  });

  it("a deadline moves by the time that settlement was paused since acceptance [R8]", async () => {
    const w = world();
    const deadline = (await w.now()) + HOUR;
    const requestId = await w.accepted({ deadline });
    expect(await w.requests.deadlineOf(requestId)).to.equal(deadline);
    await w.at(deadline - 600n);
    await pause(w);
    // As long as it may still last.
    expect(await w.requests.deadlineOf(requestId)).to.equal(deadline + DAY);
    await w.at(deadline + 600n);
    await expect(w.requests.timeOut(requestId)).to.be.revertedWithCustomError(
      w.requests,
      "InferenceRequests_NotTimedOut",
    );
    await w.at(deadline - 600n + DAY);
    const opening = await w.answered(requestId);
    for (const [second, good] of [
      [deadline + DAY, true],
      [deadline + DAY + 1n, false],
    ] as const) {
      const snapshot = await w.networkHelpers.takeSnapshot();
      await w.at(second);
      const sent = w.requests.fulfil(requestId, opening, TEXT.output);
      if (good) await sent;
      else
        await expect(sent)
          .to.be.revertedWithCustomError(w.requests, "InferenceRequests_TooLate")
          .withArgs(deadline + DAY);
      await snapshot.restore();
    }
  });

  it("ending a pause early shortens what it added, never below what it took [R8]", async () => {
    const w = world();
    const deadline = (await w.now()) + HOUR;
    const requestId = await w.accepted({ deadline });
    const { since } = await w.requests.inferenceRequest(requestId);
    await w.at(since + 1_000n);
    await pause(w);
    await w.at(since + 1_600n);
    await resume(w);
    // 600 seconds were lost; the registry no longer says when the pause began.
    expect(await w.requests.deadlineOf(requestId)).to.equal(deadline + 1_600n);
  });

  it("counts neither pauses before acceptance nor such as begin at the deadline or later [R8]", async () => {
    const w = world();
    const early = await w.ask({ deadline: (await w.now()) + 2n * DAY });
    await pause(w);
    await w.goTo((await w.now()) + DAY);
    await w.accept(early);
    expect(await w.requests.deadlineOf(early)).to.equal((await w.requests.inferenceRequest(early)).deadline);
    const [deadline, second] = [(await w.now()) + 7n * DAY - 60n, (await w.now()) + 6n * DAY];
    const requestId = await w.ask({ deadline });
    const short = await w.ask({ deadline: second });
    await w.accept(requestId);
    await w.accept(short);
    expect(await w.requests.deadlineOf(requestId)).to.equal(deadline);
    await w.goTo((await w.now()) + 7n * DAY);
    await pause(w);
    expect(await w.requests.deadlineOf(short)).to.equal(second);
    expect(await w.requests.deadlineOf(requestId)).to.equal(deadline);
    await w.requests.timeOut(requestId);
  });

  it("a pause that begins in the last second adds nothing, and one that begins a second before does [R8]", async () => {
    const w = world();
    const deadline = (await w.now()) + 2n * DAY;
    const requestId = await w.accepted({ deadline });
    for (const [begins, added] of [
      [deadline, 0n],
      [deadline - 1n, DAY],
    ] as const) {
      const snapshot = await w.networkHelpers.takeSnapshot();
      await w.at(begins);
      await pause(w);
      expect(await w.requests.deadlineOf(requestId)).to.equal(deadline + added);
      await snapshot.restore();
    }
  });

  it("a request that nobody accepted is refunded at its deadline through any pause [R8]", async () => {
    const w = world();
    const requestId = await w.ask();
    await pause(w);
    await w.goTo((await w.now()) + HOUR);
    await w.requests.timeOut(requestId);
    expect(await w.statusOf(requestId)).to.equal(Status.TimedOut);
  });

  it("a freeze costs nobody a bond: a node that answered in time is excused, and both get back what they put in [R8]", async () => {
    const w = world();
    const requestId = await w.accepted();
    const opening = await w.answered(requestId);
    await expect(w.requests.excuse(requestId, opening))
      .to.be.revertedWithCustomError(w.requests, "InferenceRequests_NotVerified")
      .withArgs(Reason.None);
    await w.freeze(w.models, w.modelId);
    await expect(w.requests.connect(w.signers.other).excuse(requestId, opening)).to.be.revertedWithCustomError(
      w.requests,
      "InferenceRequests_NotOperator",
    );
    const before = await w.token.balanceOf(w.requesterAt);
    await expect(w.requests.excuse(requestId, opening))
      .to.emit(w.requests, "Excused")
      .withArgs(requestId, w.nodeId, Reason.ModelFrozen, FEE, BOND, 0n);
    expect(await w.token.balanceOf(w.requesterAt)).to.equal(before + FEE);
    expect(await w.requests.credit(w.signers.operator.address)).to.equal(BOND);
    expect(await w.requests.openRequests(w.nodeId, w.modelId)).to.equal(0n);
    await expect(w.requests.excuse(requestId, opening)).to.be.revertedWithCustomError(
      w.requests,
      "InferenceRequests_WrongStatus",
    );
  });

  it("is excused by an answer to this request that settled, and in time, and by nothing else [R8]", async () => {
    const w = world();
    const requestId = await w.accepted();
    const opening = await w.answered(requestId);
    const other = await w.answered(requestId, { inputHash: id("another") });
    const unsettled = w.openingAlone(await w.answer(requestId, { outputHash: id("unsettled") }));
    await w.freeze(w.nodes, w.keyId);
    await expect(w.requests.excuse(requestId, other))
      .to.be.revertedWithCustomError(w.requests, "InferenceRequests_WrongReceipt")
      .withArgs(Mismatch.Input);
    await expect(w.requests.excuse(requestId, unsettled))
      .to.be.revertedWithCustomError(w.requests, "InferenceRequests_NotVerified")
      .withArgs(Reason.NotSettled);
    await w.goTo((await w.now()) + HOUR);
    await expect(w.requests.excuse(requestId, opening)).to.be.revertedWithCustomError(
      w.requests,
      "InferenceRequests_TooLate",
    );
  });

  describe("with a token that misbehaves", () => {
    async function picky(w: RequestsWorld) {
      const token = (await w.ethers.deployContract("PickyToken", [10n ** 30n])) as TestContract<
        "approve" | "transfer" | "takeFee" | "refuse" | "callBack" | "answer" | "balanceOf"
      >;
      const deployed = await w.ethers.deployContract("InferenceRequests", [
        await token.getAddress(),
        await w.registry.getAddress(),
        await w.nodes.getAddress(),
        await w.enclaves.getAddress(),
        await w.splitter.getAddress(),
      ]);
      const at = await deployed.getAddress();
      const requests = InferenceRequests__factory.connect(at, w.signers.deployer);
      await token.approve(at, 10n ** 30n);
      await token.transfer(w.signers.operator.address, 100n * OPG);
      await token.connect(w.signers.operator).getFunction("approve")(at, 100n * OPG);
      const ask = async () => {
        const terms = await w.terms({ callbackGas: 0 });
        const requestId = await requests.request.staticCall(terms, "0x");
        await requests.request(terms, "0x");
        return requestId;
      };
      return { token, at, requests, ask };
    }

    it("one that keeps a part is not taken", async () => {
      const w = world();
      const { token, requests } = await picky(w);
      await token.takeFee(true);
      await expect(requests.request(await w.terms({ callbackGas: 0 }), "0x"))
        .to.be.revertedWithCustomError(requests, "InferenceRequests_TokenTookFee")
        .withArgs(FEE, FEE - 1n);
    });

    it("a requester that cannot be paid is credited, and holds up no node [R8]", async () => {
      const w = world();
      const { token, requests, ask } = await picky(w);
      const requestId = await ask();
      const taken = await ask();
      await requests.connect(w.signers.operator).accept(taken, w.keyId, 2n ** 64n);
      await token.refuse(w.signers.deployer.address, true);
      await requests.cancel(requestId);
      expect(await requests.credit(w.signers.deployer.address)).to.equal(FEE);
      await w.goTo((await w.now()) + 2n * HOUR);
      await requests.timeOut(taken);
      expect(await requests.credit(w.signers.deployer.address)).to.equal(2n * FEE + BOND);
      expect(await requests.openRequests(w.nodeId, w.modelId)).to.equal(0n);
      await expect(requests.claim(w.signers.deployer.address)).to.be.revertedWith("refused");
      await token.refuse(w.signers.deployer.address, false);
      await requests.claim(w.signers.deployer.address);
    });

    it("one that calls back finds the door closed, and what it was sent for done [R9]", async () => {
      const w = world();
      const { token, at, requests, ask } = await picky(w);
      const requestId = await ask();
      await token.callBack(at, requests.interface.encodeFunctionData("claim", [w.signers.deployer.address]));
      await requests.cancel(requestId);
      expect(requests.interface.parseError(await token.answer()) ?? (await token.answer())).to.not.equal(null);
      expect((await token.answer()).slice(0, 10)).to.equal(w.ethers.id("ReentrancyGuardReentrantCall()").slice(0, 10));
      expect(await token.balanceOf(at)).to.equal(0n);
    });
  });

  it("an answer under a deadline that passed is paid by nobody, however good it is [R7]", async () => {
    const w = world();
    const requestId = await w.accepted();
    const opening = await w.answered(requestId);
    await w.goTo((await w.now()) + HOUR);
    await expect(w.requests.fulfil(requestId, opening, TEXT.output)).to.be.revertedWithCustomError(
      w.requests,
      "InferenceRequests_TooLate",
    );
    await w.requests.timeOut(requestId);
    expect(await w.feesOf()).to.equal(0n);
  });
});
