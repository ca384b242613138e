import { expect } from "chai";
import { id, keccak256, toBeHex, toUtf8Bytes, ZeroHash } from "ethers";
import { AskedScore__factory } from "../../typechain/index.ts";
import { outputHashOf } from "../support/groth16.ts";
import { Reason } from "../support/outcome.ts";
import { reprove } from "../support/proofs.ts";
import { coder, Mode } from "../support/protocol.ts";
import { Act, artifactsOf, BOND, FEE, HOUR, Status, TEXT, useRequests, type RequestsWorld } from "./support.ts";

describe("InferenceRequests: calling back", () => {
  const world = useRequests();
  const LIMIT = 12_000_000n;

  /** Fulfils, and says what the node got and whether the requester took the answer. */
  async function brought(w: RequestsWorld, over: object = {}, output = TEXT) {
    const requestId = await w.accepted(over);
    const opening = await w.answered(requestId, { outputHash: output.outputHash });
    const [fees, credit] = [await w.feesOf(), await w.requests.credit(w.signers.operator.address)];
    const receipt = (await (
      await w.requests.connect(w.signers.deployer).fulfil(requestId, opening, output.output, { gasLimit: LIMIT })
    ).wait())!;
    const names = receipt.logs.map((log) => w.requests.interface.parseLog(log)?.name);
    return {
      requestId,
      opening,
      gasUsed: receipt.gasUsed,
      paid: (await w.feesOf()) - fees,
      bond: (await w.requests.credit(w.signers.operator.address)) - credit,
      taken: names.includes("CallbackSucceeded"),
      failed: names.includes("CallbackFailed"),
    };
  }

  it("brings the requester request, receipt and answer", async () => {
    const w = world();
    const { requestId, taken, failed } = await brought(w);
    expect([taken, failed]).to.deep.equal([true, false]);
    expect(await w.requester.last()).to.equal(requestId);
    expect(await w.requester.output()).to.equal(TEXT.output);
    expect(await w.requests.undelivered(requestId)).to.equal(ZeroHash);
  });

  it("a requester that reverts, burns its gas or answers with a mountain of bytes changes nothing of the payment [FM:consumer-revert]", async () => {
    const w = world();
    for (const act of [Act.Revert, Act.Burn, Act.RevertLong]) {
      await w.requester.behave(act);
      const { requestId, opening, paid, bond, taken, failed, gasUsed } = await brought(w);
      expect([paid, bond]).to.deep.equal([FEE, BOND]);
      expect([taken, failed]).to.deep.equal([false, true]);
      expect(await w.statusOf(requestId)).to.equal(Status.Fulfilled);
      expect(await w.requests.undelivered(requestId)).to.equal(w.receiptId(opening.receipt));
      // What the requester named, and what everything else costs: nothing for bytes that come back.
      expect(gasUsed).to.be.lessThan(500_000n + 300_000n);
    }
  });

  it("gives the requester the gas it named, whatever little or much there is, or reverts as a whole [R2]", async () => {
    const w = world();
    const requestId = await w.accepted();
    const opening = await w.answered(requestId);
    const anyone = w.requests.connect(w.signers.deployer);
    let [worked, refused] = [0, 0];
    for (let gasLimit = 580_000n; gasLimit <= 680_000n; gasLimit += 1_000n) {
      const snapshot = await w.networkHelpers.takeSnapshot();
      const receipt = await anyone
        .fulfil(requestId, opening, TEXT.output, { gasLimit })
        .then((sent) => sent.wait())
        .catch(() => null);
      if (receipt === null) refused++;
      else {
        worked++;
        const seen = await w.requester.gasSeen();
        // Its own first steps cost a little of it.
        expect(seen).to.be.within(497_000n, 500_000n);
        expect(await w.requester.answers()).to.equal(1n);
      }
      await snapshot.restore();
    }
    expect(Math.min(worked, refused)).to.be.greaterThan(5);
  });

  it("does not call who asked for no callback, and says so", async () => {
    const w = world();
    const { taken, failed, paid } = await brought(w, { callbackGas: 0 });
    expect([taken, failed, paid]).to.deep.equal([false, false, FEE]);
    expect(await w.requester.answers()).to.equal(0n);
  });

  it("a requester that comes back finds everything done: it is paid its rest, may ask again, and fulfils nothing twice [R9]", async () => {
    const w = world();
    const requestId = await w.accepted({ callbackGas: 2_000_000 });
    const opening = await w.answered(requestId, { cumulativeFee: FEE - 3n });
    const call = (name: "fulfil" | "timeOut" | "claim" | "retryCallback" | "cancel", args: unknown[]) =>
      w.requests.interface.encodeFunctionData(name as "claim", args as [string]);
    const attempts: [string, string][] = [
      [call("fulfil", [requestId, opening, TEXT.output]), "InferenceRequests_WrongStatus"],
      [call("timeOut", [requestId]), "InferenceRequests_WrongStatus"],
      [call("cancel", [requestId]), "InferenceRequests_WrongStatus"],
      [call("retryCallback", [requestId, opening, TEXT.output]), "InferenceRequests_NothingToDeliver"],
      [call("claim", [w.requesterAt]), ""],
      [w.requests.interface.encodeFunctionData("request", [await w.terms(), "0x"]), ""],
    ];
    for (const [data, error] of attempts) {
      const snapshot = await w.networkHelpers.takeSnapshot();
      await w.requester.callInCallback(w.requestsAt, data);
      await w.requests.fulfil(requestId, opening, TEXT.output, { gasLimit: LIMIT });
      const result = await w.requester.result();
      if (error === "") expect(result).to.equal("0x" + Buffer.from("succeeded").toString("hex"));
      else expect(w.requests.interface.parseError(result)!.name).to.equal(error);
      expect(await w.requester.answers()).to.equal(1n);
      expect(await w.feesOf()).to.equal(FEE - 3n);
      await snapshot.restore();
    }
  });

  it("a failed answer waits for its requester alone, which takes it once, if it is believed then [R9]", async () => {
    const w = world();
    await w.requester.behave(Act.Revert);
    const { requestId, opening } = await brought(w);
    const retry = () => w.requester.retry(requestId, opening, TEXT.output, { gasLimit: LIMIT });
    await expect(w.requests.retryCallback(requestId, opening, TEXT.output)).to.be.revertedWithCustomError(
      w.requests,
      "InferenceRequests_NotRequester",
    );
    await expect(retry())
      .to.be.revertedWithCustomError(w.requests, "InferenceRequests_CallbackFailed")
      .withArgs(requestId);
    await w.requester.behave(Act.Take);
    const other = await w.answered(requestId, { outputHash: keccak256(toUtf8Bytes("no")), outputScheme: 1 });
    await expect(w.requester.retry(requestId, other, toUtf8Bytes("no"))).to.be.revertedWithCustomError(
      w.requests,
      "InferenceRequests_NothingToDeliver",
    );
    const snapshot = await w.networkHelpers.takeSnapshot();
    await w.distrust(w.models, w.modelId, opening.receipt.completedAt);
    await expect(retry())
      .to.be.revertedWithCustomError(w.requests, "InferenceRequests_NotVerified")
      .withArgs(Reason.ModelDistrusted);
    await snapshot.restore();
    await expect(retry()).to.emit(w.requests, "CallbackSucceeded").withArgs(requestId);
    expect(await w.requester.output()).to.equal(TEXT.output);
    await expect(retry()).to.be.revertedWithCustomError(w.requests, "InferenceRequests_NothingToDeliver");
  });

  it("a long answer costs whoever brings it, and reaches the requester whole", async () => {
    const w = world();
    const long = artifactsOf([{ kind: 0, mediaType: "text/plain", content: "ä".repeat(600) }]);
    // Too little gas to keep it, and enough.
    expect((await brought(w, {}, long)).failed).to.equal(true);
    expect((await brought(w, { callbackGas: 2_000_000 }, long)).taken).to.equal(true);
    expect(await w.requester.output()).to.equal(long.output);
  });

  describe("to a contract that inherits InferenceRequester", () => {
    const PRICE = 5n * 10n ** 18n;
    const FEATURES = toBeHex(0x0102n, 32);
    async function asked(w: RequestsWorld, score = 77n) {
      const made = await w.ethers.deployContract("AskedScore", [w.requestsAt, w.modelId]);
      const scores = AskedScore__factory.connect(await made.getAddress(), w.signers.deployer);
      await w.token.approve(await scores.getAddress(), PRICE);
      const requestId = w.requestIdOf(await w.requests.requestCount());
      await scores.ask(FEATURES, PRICE);
      const receipt = await w.receiptIn(Mode.ZKML, {
        ...{ requestId, inputHash: FEATURES, outputHash: outputHashOf([score]) },
        ...{ payer: await scores.getAddress(), cumulativeFee: PRICE / 2n },
      });
      await w.accept(requestId);
      const evidence = reprove(w.setup, [BigInt(FEATURES), score], w.receiptId(receipt));
      await w.registry.settleReceipts([w.signedReceipt(receipt, evidence)]);
      const output = coder.encode(["uint256[]"], [[score]]);
      return { scores, requestId, receipt, opening: w.openingAlone(receipt), output };
    }

    it("a proved score arrives, once, and what it did not cost pays for the next question", async () => {
      const w = world();
      const { scores, requestId, opening, output } = await asked(w);
      expect(await scores.isAwaited(requestId)).to.equal(true);
      await expect(w.requests.fulfil(requestId, opening, output))
        .to.emit(scores, "Scored")
        .withArgs(FEATURES, 77n)
        .and.to.emit(w.requests, "CallbackSucceeded")
        .withArgs(requestId);
      const { value, completedAt } = await scores.scoreOf(FEATURES);
      expect([value, completedAt]).to.deep.equal([77n, opening.receipt.completedAt]);
      expect(await scores.isAwaited(requestId)).to.equal(false);
      const at = await scores.getAddress();
      expect(await w.requests.credit(at)).to.equal(PRICE / 2n);
      await w.token.approve(at, PRICE);
      await scores.ask(FEATURES, PRICE);
      expect(await w.requests.credit(at)).to.equal(0n);
      expect(await w.token.balanceOf(at)).to.equal(PRICE / 2n);
    });

    it("an answer that it cannot use is refused, and the node is paid all the same [FM:consumer-revert]", async () => {
      const w = world();
      const { scores, requestId, opening, output } = await asked(w, 2n ** 192n);
      await expect(w.requests.fulfil(requestId, opening, output)).to.emit(w.requests, "CallbackFailed");
      expect(await w.feesOf()).to.equal(PRICE / 2n);
      expect((await scores.scoreOf(FEATURES)).completedAt).to.equal(0n);
      expect(await scores.isAwaited(requestId)).to.equal(true);
      await expect(scores.retry(requestId, opening, output)).to.be.revertedWithCustomError(
        w.requests,
        "InferenceRequests_CallbackFailed",
      );
    });

    it("takes answers from the requests contract alone, and only to what it asked [R9] [R11]", async () => {
      const w = world();
      const { scores, requestId, receipt } = await asked(w);
      const answer = { receiptId: ZeroHash, settledAt: 0n, receipt, output: "0x" };
      await expect(scores.onInference(requestId, answer))
        .to.be.revertedWithCustomError(scores, "InferenceRequester_NotCalledBack")
        .withArgs(w.signers.deployer.address);
      const requests = await w.ethers.getImpersonatedSigner(w.requestsAt);
      await w.networkHelpers.setBalance(w.requestsAt, 10n ** 18n);
      await expect(scores.connect(requests).onInference(id("never asked"), answer))
        .to.be.revertedWithCustomError(scores, "InferenceRequester_NotAwaited")
        .withArgs(id("never asked"));
      await expect(
        scores.connect(requests).onInference(requestId, { ...answer, receipt: { ...receipt, outputScheme: 0 } }),
      )
        .to.be.revertedWithCustomError(scores, "InferenceRequester_WrongOutputScheme")
        .withArgs(2n, 0n);
      const output = coder.encode(["uint256[]"], [[77n]]);
      await expect(scores.connect(requests).onInference(requestId, { ...answer, output }))
        .to.emit(scores, "Scored")
        .withArgs(receipt.inputHash, 77n);
      await expect(
        scores.connect(requests).onInference(requestId, { ...answer, output }),
      ).to.be.revertedWithCustomError(scores, "InferenceRequester_NotAwaited");
      expect((await scores.scoreOf(receipt.inputHash)).value).to.equal(77n);
      await expect(
        w.ethers.deployContract("AskedScore", [w.signers.other.address, w.modelId]),
      ).to.be.revertedWithCustomError(scores, "InferenceRequester_NotRequests");
    });

    it("gets its fee and the penalty back where nobody answers", async () => {
      const w = world();
      const { scores, requestId } = await asked(w);
      await w.goTo((await w.now()) + 2n * HOUR);
      await w.requests.timeOut(requestId);
      expect(await w.token.balanceOf(await scores.getAddress())).to.equal(PRICE + 10n ** 18n);
    });
  });
});
