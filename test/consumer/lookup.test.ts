// SPDX-License-Identifier: MIT
import { expect } from "chai";
import { concat, getBytes, hexlify, id, keccak256, toUtf8Bytes, toUtf8String } from "ethers";
import { decodeQuery, offchainLookup, Origin } from "../../relayer/lookup/messages.ts";
import { artifactsHash, type Hex } from "../../relayer/protocol/index.ts";
import type { RiskScores } from "../../typechain/index.ts";
import { coder, type ReceiptFields } from "../support/protocol.ts";
import { Reason } from "../support/outcome.ts";
import { type Consumer, deployConsumer, mask, Mode, word } from "./support.ts";
import { answer, deployScores, extra, FEATURES, GATEWAY, HOUR, outputs, unsettled } from "./lookupSupport.ts";

const FACE = "InferenceConsumer";

describe("LookupConsumer", () => {
  let c: Consumer;
  let scores: RiskScores;
  let paid: Awaited<ReturnType<Consumer["ethers"]["deployContract"]>>;
  let clean: { restore(): Promise<void> };

  before(async () => {
    c = await deployConsumer();
    scores = await deployScores(c);
    const args = [await c.registry.getAddress(), [GATEWAY], c.signedModel];
    paid = await c.ethers.deployContract("PaidAnswers", args, c.signers.other);
    clean = await c.networkHelpers.takeSnapshot();
  });
  afterEach(() => clean.restore());

  /** What a call reverts with, whatever the caller knows of it. */
  async function revertOf(call: Promise<unknown>): Promise<string> {
    const error = (await call.then(
      () => undefined,
      (problem: unknown) => problem,
    )) as { data?: string } | undefined;
    if (error?.data === undefined) throw new Error(`No revert with data: ${String(error)}`);
    return error.data;
  }
  const refused = async (response: string, error: string, input = FEATURES) =>
    expect(scores.recordAnswer(response, extra(input))).to.be.revertedWithCustomError(scores, error);

  describe("asks", () => {
    it("by reverting with its own address, its gateways and what it will accept of this very question [R11]", async () => {
      for (const method of ["scoreOf", "record"] as const) {
        const data = await revertOf(scores[method].staticCall(word(FEATURES)));
        const [sender, urls, callData, callback, extraData] = offchainLookup.decodeErrorResult("OffchainLookup", data);
        expect(sender).to.equal(await scores.getAddress());
        expect([...urls]).to.deep.equal([GATEWAY]);
        const name = method === "record" ? "recordAnswer" : "scoreAnswer";
        expect(callback).to.equal(scores.interface.getFunction(name).selector);
        expect(extraData).to.equal(extra(FEATURES));
        const { question, policy } = decodeQuery(callData);
        expect(question).to.equal("0x");
        expect(policy).to.deep.equal({
          ...{ modes: mask(Mode.ZKML), modelIds: [c.provedModel], origins: Origin.INPUT, inputHash: word(FEATURES) },
          ...{ requestId: word(0n), keyIds: [], contextHash: word(0n), maxAge: BigInt(HOUR), minSettled: 0n },
        });
      }
    });

    it("with the question itself where a gateway is to have it run", async () => {
      const data = await revertOf(paid.getFunction("claim").staticCall(word(7n)));
      const [, , callData] = offchainLookup.decodeErrorResult("OffchainLookup", data);
      expect(toUtf8String(decodeQuery(callData as string).question)).to.equal("what is it worth?");
    });

    it("only for a callback that states a policy, and of one to eight gateways [R8]", async () => {
      await expect(paid.getFunction("askUnstated").staticCall()).to.be.revertedWithCustomError(
        paid,
        "InferencePolicies_NotAsStated",
      );
      for (const count of [0, 9]) {
        const attempt = deployScores(c, Array<string>(count).fill(GATEWAY));
        await expect(attempt).to.be.revertedWithCustomError(scores, "LookupConsumer_WrongGatewayCount");
      }
      expect(await (await deployScores(c, Array<string>(8).fill(GATEWAY))).lookupUrls()).to.have.length(8);
    });
  });

  describe("acts on an answer", () => {
    it("that nobody settled: settles, opens and records it in one transaction [R1] [R9]", async () => {
      const { response, id: receiptId, receipt } = await unsettled(c, FEATURES, [42n]);
      expect(await scores.recordAnswer.staticCall(response, extra(FEATURES))).to.equal(42n);
      await expect(scores.recordAnswer(response, extra(FEATURES)))
        .to.emit(scores, "ScoreRecorded")
        .withArgs(word(FEATURES), 42n, receiptId)
        .and.to.emit(scores, "InferenceUsed")
        .withArgs(receipt.requestId, receiptId)
        .and.to.emit(c.registry, "ReceiptSettled");
      expect((await scores.recorded(word(FEATURES))).value).to.equal(42n);
      expect(await c.registry.settledAt(receiptId)).to.be.greaterThan(0n);
    });

    it("that settled before, alone or in a batch [R3]", async () => {
      const alone = await c.settleProved(FEATURES, [9n]);
      const alonely = answer(alone.opening, outputs(9n));
      expect(await scores.scoreAnswer(alonely, extra(FEATURES))).to.equal(9n);
      await scores.recordAnswer(alonely, extra(FEATURES));
      const { openings } = await c.settleProvedBatch([
        { input: 5n, outputs: [3n] },
        { input: FEATURES, outputs: [77n] },
      ]);
      const batched = answer(openings[1]!, outputs(77n));
      expect(await scores.scoreAnswer(batched, extra(FEATURES))).to.equal(77n);
      await scores.recordAnswer(batched, extra(FEATURES));
      expect((await scores.recorded(word(FEATURES))).value).to.equal(77n);
    });

    it("that somebody settled meanwhile, and even while settlement is paused [R2] [R8]", async () => {
      const { response, receipt, signature, evidence } = await unsettled(c, FEATURES, [42n]);
      const later = await unsettled(c, FEATURES, [43n]);
      await c.registry.settleReceipts([{ receipt, signature, evidence }]);
      await c.registry.connect(c.signers.guardian).pause();
      await scores.recordAnswer(response, extra(FEATURES));
      expect((await scores.recorded(word(FEATURES))).value).to.equal(42n);
      await expect(scores.recordAnswer(later.response, extra(FEATURES))).to.be.revertedWithCustomError(
        c.registry,
        "InferenceRegistry_Paused",
      );
    });

    it("in a view only where its receipt is settled [R3]", async () => {
      const { response, id: receiptId } = await unsettled(c, FEATURES, [42n]);
      await expect(scores.scoreAnswer(response, extra(FEATURES)))
        .to.be.revertedWithCustomError(scores, `${FACE}_NotVerified`)
        .withArgs(receiptId, Reason.NotSettled);
    });

    it("whose contents are all that the receipt commits to [R6]", async () => {
      const parts = [
        { kind: 0, mediaType: "text/plain", data: hexlify(toUtf8Bytes("eleven")) },
        { kind: 2, mediaType: "image/png", data: "0x8950" },
      ];
      const outputHash = artifactsHash(
        parts.map(({ kind, mediaType, data }) => ({ kind, mediaType, hash: keccak256(data) as Hex })),
      );
      const contents = (of: typeof parts) => coder.encode(["tuple(uint8 kind, string mediaType, bytes data)[]"], [of]);
      const { opening } = await c.settleSigned({ inputHash: word(7n), outputHash }, 3);
      await paid.getFunction("claimAnswer")(answer(opening, contents(parts)), extra(7n));
      expect(await paid.getFunction("lastText")()).to.equal("eleven");
      const second = await c.settleSigned({ inputHash: word(7n), outputHash });
      for (const wrong of [parts.slice(0, 1), [...parts].reverse(), [{ ...parts[0]!, data: "0x00" }, parts[1]!]])
        await expect(
          paid.getFunction("claimAnswer")(answer(second.opening, contents(wrong)), extra(7n)),
        ).to.be.revertedWithCustomError(paid, `${FACE}_WrongOutput`);
    });
  });

  describe("refuses an answer", () => {
    it("to another question, whatever the gateway or the caller says of it [R11]", async () => {
      const { response } = await unsettled(c, 0x1234n, [42n]);
      await refused(response, `${FACE}_WrongInput`);
    });

    it("with another output than the proof's [R6]", async () => {
      const { receipt, signature, evidence } = await unsettled(c, FEATURES, [200n]);
      const opening = c.openingAlone(receipt);
      await refused(answer(opening, outputs(10n), signature, evidence), `${FACE}_WrongOutput`);
      await refused(answer(opening, outputs(200n, 1n), signature, evidence), `${FACE}_WrongOutput`);
    });

    it("in a mode, of a model, with memory or at an age that is not stated [R4] [R11]", async () => {
      const signed = await c.settleSigned({ inputHash: word(FEATURES), outputScheme: 2 });
      await refused(answer(signed.opening, outputs(1n)), `${FACE}_ModeNotAccepted`);
      const cases: [Partial<ReceiptFields>, string][] = [
        [{ modelId: id("another") }, `${FACE}_ModelNotAccepted`],
        [{ contextHash: id("memory") }, `${FACE}_WrongContext`],
      ];
      for (const [over, error] of cases) {
        const { receipt } = await unsettled(c, FEATURES, [1n], over);
        await refused(answer(c.openingAlone(receipt), outputs(1n)), error);
      }
      const old = await c.settleProved(FEATURES, [1n]);
      await c.networkHelpers.time.increase(HOUR + 1);
      await refused(answer(old.opening, outputs(1n)), `${FACE}_TooOld`);
    });

    it("whose score is no number it can keep", async () => {
      const { response } = await unsettled(c, FEATURES, [1n << 192n]);
      await refused(response, "RiskScores_OutOfRange");
    });

    it("that is signed by somebody else, or proved for another receipt [R1]", async () => {
      const { receipt, evidence, signature } = await unsettled(c, FEATURES, [42n]);
      const forged = c.enclave.signingKey.sign(c.receiptId(receipt)).serialized;
      const other = await unsettled(c, FEATURES, [42n]);
      const opening = c.openingAlone(receipt);
      await refused(answer(opening, outputs(42n), forged, evidence), `${FACE}_NotVerified`);
      await refused(answer(opening, outputs(42n), signature, other.evidence), `${FACE}_NotVerified`);
    });

    it("that it acted on before, without looking at its evidence again [R9]", async () => {
      const { response, receipt } = await unsettled(c, FEATURES, [42n]);
      await scores.recordAnswer(response, extra(FEATURES));
      const again = answer(c.openingAlone(receipt), outputs(42n), "0x12", "0x34");
      for (const repeated of [response, again])
        await expect(scores.recordAnswer(repeated, extra(FEATURES)))
          .to.be.revertedWithCustomError(scores, `${FACE}_AlreadyUsed`)
          .withArgs(receipt.requestId);
    });

    it("that is none, wherever it is cut or twisted, and changes nothing", async () => {
      const { response } = await unsettled(c, FEATURES, [42n]);
      const bytes = getBytes(response);
      const nothing = ["0x", "0x00", hexlify(bytes.slice(0, 0x9f)), concat([word(0x40n), hexlify(bytes.slice(32))])];
      for (const broken of nothing) await refused(broken, "LookupConsumer_MalformedAnswer");
      for (let cut = 0xa0; cut < bytes.length; cut += 149)
        await expect(scores.recordAnswer.staticCall(hexlify(bytes.slice(0, cut)), extra(FEATURES))).to.be.rejected;
      for (let word_ = 1; word_ < 5; word_++) {
        const twisted = getBytes(response);
        twisted.fill(0xff, 32 * word_, 32 * word_ + 32);
        await expect(scores.recordAnswer.staticCall(hexlify(twisted), extra(FEATURES))).to.be.rejected;
      }
      expect((await scores.recorded(word(FEATURES))).recordedAt).to.equal(0n);
    });
  });

  describe("in front of others", () => {
    it("has the same effect whoever brings the answer first, once [R9]", async () => {
      const { response, receipt } = await unsettled(c, FEATURES, [42n]);
      const thief = scores.connect(c.signers.operator);
      await thief.recordAnswer(response, extra(FEATURES));
      expect((await scores.recorded(word(FEATURES))).value).to.equal(42n);
      await expect(scores.recordAnswer(response, extra(FEATURES)))
        .to.be.revertedWithCustomError(scores, `${FACE}_AlreadyUsed`)
        .withArgs(receipt.requestId);
    });

    it("leaves an answer to whoever paid for it where the effect is the bringer's, even to be settled [R9]", async () => {
      const text = [{ kind: 0, mediaType: "text/plain", data: hexlify(toUtf8Bytes("eleven")) }];
      const hash = keccak256(text[0]!.data) as Hex;
      const receipt = await c.receipt({
        ...{ keyId: c.keyId, modelId: c.signedModel, inputHash: word(7n), payer: c.signers.other.address },
        outputHash: artifactsHash([{ kind: 0, mediaType: "text/plain", hash }]),
      });
      const signature = c.key.signingKey.sign(c.receiptId(receipt)).serialized;
      const output = coder.encode(["tuple(uint8 kind, string mediaType, bytes data)[]"], [text]);
      const response = answer(c.openingAlone(receipt), output, signature);
      const thief = c.signers.operator;
      await expect(paid.connect(thief).getFunction("claimAnswer")(response, extra(7n)))
        .to.be.revertedWithCustomError(paid, "LookupConsumer_NotPaidBy")
        .withArgs(thief.address, c.signers.other.address);
      // Settling it, which a thief can, is in nobody's way.
      await c.registry.connect(thief).settleReceipts([{ receipt, signature, evidence: "0x" }]);
      await paid.getFunction("claimAnswer")(response, extra(7n));
      expect(await paid.getFunction("credit")(c.signers.other.address)).to.equal(1n);
    });
  });
});
