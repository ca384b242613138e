import { expect } from "chai";
import { concat, id, keccak256, toBeHex, toUtf8Bytes, Wallet, ZeroAddress, ZeroHash } from "ethers";
import type { Hex } from "../../relayer/protocol/index.ts";
import { outputMatches } from "../../relayer/requests/index.ts";
import { scalar } from "../support/groth16.ts";
import { Reason } from "../support/outcome.ts";
import { coder, Mode, type ReceiptFields } from "../support/protocol.ts";
import {
  artifactsOf,
  BOND,
  DAY,
  encodeArtifacts,
  EPOCH,
  FEE,
  HOUR,
  Mismatch,
  Status,
  TEXT,
  useRequests,
} from "./support.ts";

const circuitHash = (outputs: number[]) => keccak256(coder.encode(["uint8", "uint256[]"], [2, outputs]));

describe("InferenceRequests: answering", () => {
  const world = useRequests();

  it("a verified answer is paid: fee to node's fees, rest to the requester, bond back, and once only [R7] [R9]", async () => {
    const w = world();
    const requestId = await w.accepted();
    const opening = await w.answered(requestId, { cumulativeFee: FEE - 7n });
    const receiptId = w.receiptId(opening.receipt);
    const anyone = w.requests.connect(w.signers.other);
    await expect(anyone.fulfil(requestId, opening, TEXT.output))
      .to.emit(w.requests, "Fulfilled")
      .withArgs(requestId, w.nodeId, receiptId, FEE - 7n, 7n, 0n);
    expect(await w.feesOf()).to.equal(FEE - 7n);
    expect(await w.requests.credit(w.requesterAt)).to.equal(7n);
    expect(await w.requests.credit(w.signers.operator.address)).to.equal(BOND);
    expect(await w.statusOf(requestId)).to.equal(Status.Fulfilled);
    await expect(anyone.fulfil(requestId, opening, TEXT.output))
      .to.be.revertedWithCustomError(w.requests, "InferenceRequests_WrongStatus")
      .withArgs(requestId, Status.Fulfilled);
    await w.goTo((await w.now()) + 2n * DAY);
    await expect(w.requests.timeOut(requestId)).to.be.revertedWithCustomError(
      w.requests,
      "InferenceRequests_WrongStatus",
    );
    await w.requests.claim(w.requesterAt);
    await w.requests.claim(w.signers.operator.address);
    expect(await w.token.balanceOf(w.requestsAt)).to.equal(FEE - 7n);
  });

  it("fees go to the splitter under node, model version, settler and epoch of settlement [R7]", async () => {
    const w = world();
    const requestId = await w.accepted();
    const receipt = await w.answer(requestId);
    const item = w.signedBatch([receipt], { settler: w.signers.other.address });
    await w.registry.settleBatches([item]);
    await w.requests.fulfil(requestId, w.opening([receipt], item.batch, 0), TEXT.output);
    const epoch = (await w.now()) / EPOCH;
    const args = [w.nodeId, w.modelId, w.signers.other.address, epoch] as const;
    await expect(w.requests.forward(...args))
      .to.emit(w.splitter, "FeesPaid")
      .and.to.emit(w.requests, "Forwarded")
      .withArgs(...args, FEE);
    expect(await w.token.balanceOf(w.requestsAt)).to.equal(BOND);
    expect(await w.splitter.credit(w.signers.other.address)).to.equal(FEE / 100n);
    await expect(w.requests.forward(...args)).to.be.revertedWithCustomError(
      w.requests,
      "InferenceRequests_NothingToForward",
    );
  });

  it("a receipt alone has no settler, whatever the batch beside it says", async () => {
    const w = world();
    const requestId = await w.accepted();
    const opening = await w.answered(requestId);
    opening.batch = { ...opening.batch, settler: w.signers.other.address };
    await w.requests.fulfil(requestId, opening, TEXT.output);
    expect(await w.feesOf(ZeroAddress)).to.equal(FEE);
  });

  it("pays no answer of another request, payer, model, input, context, mode, sequence, fee or node [R5] [R11]", async () => {
    const w = world();
    const elsewhere = await w.registerNode();
    const otherKey = new Wallet(id("key of another node"));
    const otherKeyId = await w.addOperatorKey(elsewhere, otherKey);
    const requestId = await w.accepted({ modeMask: 1 << Mode.VANILLA });
    const cases: [Partial<ReceiptFields>, bigint][] = [
      [{ requestId: id("other") }, Mismatch.Request],
      [{ payer: w.signers.other.address }, Mismatch.Payer],
      [{ modelId: w.vanillaModelId }, Mismatch.Model],
      [{ inputHash: id("other") }, Mismatch.Input],
      [{ contextHash: id("other") }, Mismatch.Context],
      [{ sequence: 1n }, Mismatch.Sequence],
      [{ mode: Mode.TEE }, Mismatch.Mode],
      [{ cumulativeFee: FEE + 1n }, Mismatch.Fee],
    ];
    for (const [over, mismatch] of cases)
      await expect(w.fulfil(requestId, over))
        .to.be.revertedWithCustomError(w.requests, "InferenceRequests_WrongReceipt")
        .withArgs(mismatch);
    const opening = await w.settled(await w.answer(requestId, { keyId: otherKeyId }), otherKey);
    await expect(w.requests.fulfil(requestId, opening, TEXT.output))
      .to.be.revertedWithCustomError(w.requests, "InferenceRequests_WrongReceipt")
      .withArgs(Mismatch.Node);
    await w.fulfil(requestId);
  });

  it("pays nothing that is not settled, distrusted or frozen [R4]", async () => {
    const w = world();
    const requestId = await w.accepted();
    const receipt = await w.answer(requestId);
    const refused = (reason: bigint) =>
      expect(w.requests.fulfil(requestId, w.openingAlone(receipt), TEXT.output))
        .to.be.revertedWithCustomError(w.requests, "InferenceRequests_NotVerified")
        .withArgs(reason);
    await refused(Reason.NotSettled);
    await w.settled(receipt);
    const snapshot = await w.networkHelpers.takeSnapshot();
    await w.freeze(w.nodes, w.keyId);
    await refused(Reason.KeyFrozen);
    await snapshot.restore();
    await w.distrust(w.models, w.modelId, await w.now());
    await refused(Reason.ModelDistrusted);
  });

  it("pays any key of the node that accepted, and a proof under ZKML", async () => {
    const w = world();
    const second = new Wallet(id("second key"));
    const secondId = await w.addOperatorKey(w.nodeId, second);
    const requestId = await w.accepted();
    await w.requests.fulfil(
      requestId,
      await w.settled(await w.answer(requestId, { keyId: secondId }), second),
      TEXT.output,
    );
    const made = await w.proved({ requestId: w.requestIdOf(1n), payer: w.requesterAt, cumulativeFee: FEE }, "asked");
    await w.accepted({ inputHash: made.receipt.inputHash, modeMask: 2 });
    await w.registry.settleReceipts([w.signedReceipt(made.receipt, made.evidence)]);
    const outputs = [scalar("asked signal 1")];
    await w.requests.fulfil(w.requestIdOf(1n), w.openingAlone(made.receipt), coder.encode(["uint256[]"], [outputs]));
    expect(await w.requester.last()).to.equal(w.requestIdOf(1n));
  });

  it("delivers the whole answer as its scheme has it, and no other [R6]", async () => {
    const w = world();
    const parts = artifactsOf([
      { kind: 0, mediaType: "text/plain", content: "look" },
      { kind: 1, mediaType: "application/json", content: "{}" },
      { kind: 2, mediaType: "image/png", content: "pixels" },
    ]);
    const [text, tool, image] = ["look", "{}", "pixels"].map((part) => toUtf8Bytes(part)) as [
      Uint8Array,
      Uint8Array,
      Uint8Array,
    ];
    const empty = new Uint8Array();
    const wrongOrder = parts.artifacts.toReversed();
    const bad = [
      encodeArtifacts(parts.artifacts, [empty, tool, empty]),
      encodeArtifacts(parts.artifacts, [text, empty, empty]),
      encodeArtifacts(parts.artifacts, [text, tool, image]),
      encodeArtifacts(parts.artifacts, [text, tool]),
      encodeArtifacts(parts.artifacts, [text, tool, empty, empty]),
      encodeArtifacts(parts.artifacts.slice(0, 2), [text, tool]),
      encodeArtifacts(wrongOrder, [empty, tool, text]),
    ];
    const requestId = await w.accepted({ callbackGas: 2_000_000 });
    const opening = await w.answered(requestId, { outputHash: parts.outputHash });
    for (const output of bad)
      await expect(w.requests.fulfil(requestId, opening, output))
        .to.be.revertedWithCustomError(w.requests, "InferenceRequests_WrongOutput")
        .withArgs(parts.outputHash);
    for (const output of ["0x", "0x1234"])
      await expect(w.requests.fulfil(requestId, opening, output)).to.revert(w.ethers);
    await w.requests.fulfil(requestId, opening, parts.output);
    expect(await w.requester.output()).to.equal(parts.output);

    const schemes: [number, string, string, string][] = [
      [1, keccak256(toUtf8Bytes("yes")), "0x" + Buffer.from("yes").toString("hex"), "0x00"],
      [
        2,
        keccak256(coder.encode(["uint8", "uint256[]"], [2, [7, 8]])),
        coder.encode(["uint256[]"], [[7, 8]]),
        coder.encode(["uint256[]"], [[8, 7]]),
      ],
    ];
    for (const [outputScheme, outputHash, output, other] of schemes) {
      const next = await w.accepted();
      const found = await w.answered(next, { outputScheme, outputHash });
      await expect(w.requests.fulfil(next, found, other)).to.be.revertedWithCustomError(
        w.requests,
        "InferenceRequests_WrongOutput",
      );
      await w.requests.fulfil(next, found, output);
      expect(await w.requester.output()).to.equal(output);
    }
  });

  it("takes an answer in one form of bytes alone: nothing is added for the requester to choke on [R6]", async () => {
    const w = world();
    const word = (value: number) => toBeHex(value, 32).slice(2);
    // The same answers, with bytes behind them, or written with a gap that nothing reads.
    const shifted = `0x${word(0x40)}${word(0)}${word(1)}${word(7)}`;
    const none = `0x${word(0)}${word(9)}`;
    const forms: [number, string, string, string][] = [
      [0, TEXT.outputHash, TEXT.output, concat([TEXT.output, new Uint8Array(4_096)])],
      [0, TEXT.outputHash, TEXT.output, `${TEXT.output}00`],
      [2, circuitHash([7]), coder.encode(["uint256[]"], [[7]]), shifted],
      [2, circuitHash([]), coder.encode(["uint256[]"], [[]]), none],
    ];
    for (const [outputScheme, outputHash, output, other] of forms) {
      const requestId = await w.accepted();
      const opening = await w.answered(requestId, { outputScheme, outputHash });
      await expect(w.requests.fulfil(requestId, opening, other))
        .to.be.revertedWithCustomError(w.requests, "InferenceRequests_WrongOutput")
        .withArgs(outputHash);
      expect(outputMatches({ outputScheme, outputHash: outputHash as Hex, output: other as Hex })).to.equal(false);
      await w.requests.fulfil(requestId, opening, output);
      expect(await w.requester.output()).to.equal(output);
    }
  });

  it("is fulfilled until its deadline and timed out after it, to the second, never both [R9]", async () => {
    const w = world();
    const deadline = (await w.now()) + HOUR;
    const requestId = await w.accepted({ deadline });
    const opening = await w.answered(requestId);
    for (const [second, good] of [
      [deadline, true],
      [deadline + 1n, false],
    ] as const) {
      const snapshot = await w.networkHelpers.takeSnapshot();
      await w.at(second);
      if (good) await w.requests.fulfil(requestId, opening, TEXT.output);
      else
        await expect(w.requests.fulfil(requestId, opening, TEXT.output))
          .to.be.revertedWithCustomError(w.requests, "InferenceRequests_TooLate")
          .withArgs(deadline);
      await snapshot.restore();
      await w.at(second);
      if (good)
        await expect(w.requests.timeOut(requestId))
          .to.be.revertedWithCustomError(w.requests, "InferenceRequests_NotTimedOut")
          .withArgs(deadline);
      else await w.requests.timeOut(requestId);
      await snapshot.restore();
    }
  });

  it("a free answer is one: the whole fee comes back", async () => {
    const w = world();
    const requestId = await w.accepted();
    await w.fulfil(requestId, { cumulativeFee: 0n });
    expect(await w.requests.credit(w.requesterAt)).to.equal(FEE);
    expect(await w.feesOf()).to.equal(0n);
    expect(await w.requests.undelivered(requestId)).to.equal(ZeroHash);
  });
});
