// SPDX-License-Identifier: MIT
import { expect } from "chai";
import { MaxUint256, ZeroHash, keccak256, toUtf8Bytes } from "ethers";
import { Reason } from "../support/outcome.ts";
import { outputHashOf } from "../support/groth16.ts";
import { coder } from "../support/protocol.ts";
import {
  DAY,
  Mode,
  Origin,
  type Consumer,
  type OpeningFields,
  type PolicyFields,
  deployConsumer,
  mask,
  word,
} from "./support.ts";

const INPUT = 0x1234n;
const OUTPUTS = [42n];

describe("InferenceConsumer", () => {
  let c: Consumer;
  let clean: { restore(): Promise<void> };

  before(async () => {
    c = await deployConsumer();
    clean = await c.networkHelpers.takeSnapshot();
  });
  afterEach(() => clean.restore());

  const now = async () => BigInt(await c.networkHelpers.time.latest());
  const onInput = (over: Partial<PolicyFields> = {}) => c.policy({ inputHash: word(INPUT), ...over });

  async function refuses(opening: OpeningFields, policy: PolicyFields, error: string, ...args: unknown[]) {
    const tries = [c.harness.getFunction("requireVerified"), c.harness.getFunction("consumeVerified")];
    for (const attempt of tries) {
      await expect(attempt.staticCall(opening, policy))
        .to.be.revertedWithCustomError(c.harness, `InferenceConsumer_${error}`)
        .withArgs(...args);
    }
  }

  it("refuses an address without a contract as its registry", async () => {
    const nobody = c.signers.other.address;
    await expect(c.ethers.deployContract("ConsumerHarness", [nobody]))
      .to.be.revertedWithCustomError(c.harness, "InferenceConsumer_NotARegistry")
      .withArgs(nobody);
  });

  describe("policies that say too little", () => {
    let opening: OpeningFields;
    before(async () => {
      ({ opening } = await c.settleProved(INPUT, OUTPUTS));
    });

    it("refuses a zero policy, field by field, before anything is asked of the registry [R11]", async () => {
      const zero = { ...onInput(), modes: 0, modelIds: [], origins: 0n, maxAge: 0n };
      await refuses(opening, zero, "EmptyPolicyModes");
      await refuses(opening, { ...zero, modes: mask(Mode.ZKML) }, "EmptyPolicyModels");
      await refuses(opening, { ...onInput(), origins: 0n }, "EmptyPolicyOrigin");
      await refuses(opening, { ...onInput(), origins: Origin.KEYS, keyIds: [] }, "EmptyPolicyKeys");
      await refuses(opening, { ...onInput(), maxAge: 0n }, "EmptyPolicyMaxAge");
    });

    it("refuses modes and origins that do not exist, instead of ignoring them [R11]", async () => {
      await refuses(opening, onInput({ modes: 8 | mask(Mode.ZKML) }), "UnknownPolicyModes", 10);
      await refuses(opening, onInput({ origins: 8n | Origin.INPUT }), "UnknownPolicyOrigins", 9n);
    });

    it("refuses ages between which no receipt can lie", async () => {
      await refuses(opening, onInput({ maxAge: 60n, minSettled: 61n }), "ImpossiblePolicyAges", 61n, 60n);
    });
  });

  describe("what a receipt is accepted for", () => {
    it("accepts a proved receipt over the expected input, settled alone (count 0) or in a batch [R11]", async () => {
      const alone = await c.settleProved(INPUT, OUTPUTS);
      const { openings } = await c.settleProvedBatch([
        { input: INPUT, outputs: OUTPUTS },
        { input: 7n, outputs: OUTPUTS },
      ]);
      for (const opening of [alone.opening, openings[0]!]) {
        const result = await c.harness.getFunction("requireVerified").staticCall(opening, onInput());
        expect(result.verified).to.equal(true);
        expect(result.receiptId).to.equal(c.receiptId(opening.receipt));
      }
      await refuses(openings[1]!, onInput(), "WrongInput", word(INPUT), word(7n));
    });

    it("does not take a receipt that settled in a batch for one that settled alone", async () => {
      const { receipts } = await c.settleProvedBatch([
        { input: INPUT, outputs: OUTPUTS },
        { input: 7n, outputs: OUTPUTS },
      ]);
      const opening = c.openingAlone(receipts[0]!);
      await refuses(opening, onInput(), "NotVerified", c.receiptId(receipts[0]!), Reason.NotSettled);
    });

    it("knows an expected input of zero from no expected input [R11]", async () => {
      const zero = await c.settleProved(0n, OUTPUTS);
      const other = await c.settleProved(INPUT, OUTPUTS);
      const policy = c.policy({ origins: Origin.INPUT | Origin.KEYS, keyIds: [c.keyId], inputHash: ZeroHash });
      expect((await c.harness.getFunction("requireVerified").staticCall(zero.opening, policy)).verified).to.equal(true);
      await refuses(other.opening, policy, "WrongInput", ZeroHash, word(INPUT));
    });

    it("refuses a mode outside the mask, with both numbers", async () => {
      const { opening } = await c.settleSigned();
      const policy = c.policy({ modelIds: [c.signedModel], inputHash: opening.receipt.inputHash });
      await refuses(opening, policy, "ModeNotAccepted", Mode.VANILLA, mask(Mode.ZKML));
      await refuses(opening, { ...policy, modes: mask(Mode.TEE) }, "ModeNotAccepted", Mode.VANILLA, mask(Mode.TEE));
    });

    it("accepts an attested enclave's answer where the policy says so", async () => {
      const { opening } = await c.settleSigned({ mode: Mode.TEE }, 3);
      const policy = c.policy({
        modes: mask(Mode.TEE, Mode.ZKML),
        modelIds: [c.provedModel, c.signedModel],
        inputHash: opening.receipt.inputHash,
      });
      const result = await c.harness.getFunction("requireVerified").staticCall(opening, policy);
      expect(result.mode).to.equal(BigInt(Mode.TEE));
    });

    it("refuses a receipt of another model version", async () => {
      const { opening } = await c.settleProved(INPUT, OUTPUTS);
      await refuses(opening, onInput({ modelIds: [c.signedModel] }), "ModelNotAccepted", c.provedModel);
    });

    it("refuses a key outside the set, also where the input is right [R11]", async () => {
      const { opening } = await c.settleProved(INPUT, OUTPUTS);
      const keyed = onInput({ origins: Origin.INPUT | Origin.KEYS, keyIds: [c.enclaveId] });
      await refuses(opening, keyed, "KeyNotAccepted", c.keyId);
      const accepted = { ...keyed, keyIds: [c.enclaveId, c.keyId] };
      const result = await c.harness.getFunction("requireVerified").staticCall(opening, accepted);
      expect(result.verified).to.equal(true);
    });

    it("takes memory for input: an answer computed with other memory than named is refused [R11]", async () => {
      const contextHash = keccak256(toUtf8Bytes("planted memory"));
      const { opening } = await c.settleSigned({ mode: Mode.TEE, contextHash });
      const policy = c.policy({
        modes: mask(Mode.TEE),
        modelIds: [c.signedModel],
        inputHash: opening.receipt.inputHash,
      });
      await refuses(opening, policy, "WrongContext", ZeroHash, contextHash);
      const named = { ...policy, contextHash };
      expect((await c.harness.getFunction("requireVerified").staticCall(opening, named)).verified).to.equal(true);
      const byKey = { ...policy, origins: Origin.KEYS, keyIds: [c.enclaveId] };
      expect((await c.harness.getFunction("requireVerified").staticCall(opening, byKey)).verified).to.equal(true);
    });
  });

  describe("requests", () => {
    it("opens requests under ids of chain, contract and counter, with the input it remembers [R5]", async () => {
      const address = await c.harness.getAddress();
      for (const counter of [0n, 1n]) {
        const id = keccak256(coder.encode(["uint256", "address", "uint256"], [31337n, address, counter]));
        await expect(c.harness.getFunction("openRequest")(word(INPUT)))
          .to.emit(c.harness, "InferenceRequested")
          .withArgs(id, word(INPUT));
        expect(await c.harness.getFunction("inferenceRequest")(id)).to.deep.equal([true, word(INPUT)]);
      }
      expect(await c.harness.getFunction("inferenceRequestCount")()).to.equal(2n);
      expect(await c.harness.getFunction("inferenceRequest")(ZeroHash)).to.deep.equal([false, ZeroHash]);
    });

    it("remembers a request over an input of zero, and refuses the one input that would read as none", async () => {
      const id = await c.harness.getFunction("openRequest").staticCall(ZeroHash);
      await c.harness.getFunction("openRequest")(ZeroHash);
      expect(await c.harness.getFunction("inferenceRequest")(id)).to.deep.equal([true, ZeroHash]);
      await expect(c.harness.getFunction("openRequest")(word(MaxUint256)))
        .to.be.revertedWithCustomError(c.harness, "InferenceConsumer_InvalidInput")
        .withArgs(word(MaxUint256));
    });

    it("accepts the answer to a request it opened, over the input it opened it with [R11]", async () => {
      const requestId: string = await c.harness.getFunction("openRequest").staticCall(word(INPUT));
      await c.harness.getFunction("openRequest")(word(INPUT));
      const policy = c.policy({ origins: Origin.REQUEST, requestId });
      const wrong = await c.settleProved(7n, OUTPUTS, { requestId });
      await refuses(wrong.opening, policy, "WrongInput", word(INPUT), word(7n));
      const other = await c.settleProved(INPUT, OUTPUTS);
      await refuses(other.opening, policy, "WrongRequest", requestId, other.receipt.requestId);
      const right = await c.settleProved(INPUT, OUTPUTS, { requestId });
      await expect(c.harness.getFunction("consumeVerified")(right.opening, policy))
        .to.emit(c.harness, "InferenceUsed")
        .withArgs(requestId, c.receiptId(right.receipt));
    });

    it("refuses an answer to a request that another consumer opened [R11]", async () => {
      const requestId: string = await c.otherConsumer.getFunction("openRequest").staticCall(word(INPUT));
      await c.otherConsumer.getFunction("openRequest")(word(INPUT));
      const { opening } = await c.settleProved(INPUT, OUTPUTS, { requestId });
      await refuses(opening, c.policy({ origins: Origin.REQUEST, requestId }), "UnknownRequest", requestId);
    });
  });

  describe("use", () => {
    it("lets two consumers use one receipt, once each [R9]", async () => {
      const { opening, receipt } = await c.settleProved(INPUT, OUTPUTS);
      for (const consumer of [c.harness, c.otherConsumer]) {
        expect(await consumer.getFunction("isInferenceUsed")(receipt.requestId)).to.equal(false);
        await consumer.getFunction("consumeVerified")(opening, onInput());
        expect(await consumer.getFunction("isInferenceUsed")(receipt.requestId)).to.equal(true);
        await expect(consumer.getFunction("consumeVerified")(opening, onInput()))
          .to.be.revertedWithCustomError(consumer, "InferenceConsumer_AlreadyUsed")
          .withArgs(receipt.requestId);
      }
    });

    it("acts once on a request, however many receipts answer it [R9]", async () => {
      const first = await c.settleProved(INPUT, OUTPUTS);
      const { requestId } = first.receipt;
      const second = await c.settleProved(INPUT, OUTPUTS, { requestId, cumulativeFee: 1n });
      await c.harness.getFunction("consumeVerified")(first.opening, onInput());
      await expect(c.harness.getFunction("consumeVerified")(second.opening, onInput()))
        .to.be.revertedWithCustomError(c.harness, "InferenceConsumer_AlreadyUsed")
        .withArgs(requestId);
    });

    it("leaves no mark of a refused receipt, and views pass after use [R9]", async () => {
      const { opening, receipt } = await c.settleProved(INPUT, OUTPUTS);
      await expect(
        c.harness.getFunction("consumeVerified")(opening, onInput({ inputHash: word(7n) })),
      ).to.be.revertedWithCustomError(c.harness, "InferenceConsumer_WrongInput");
      expect(await c.harness.getFunction("isInferenceUsed")(receipt.requestId)).to.equal(false);
      await c.harness.getFunction("consumeVerified")(opening, onInput());
      const again = await c.harness.getFunction("requireVerified").staticCall(opening, onInput());
      expect(again.verified).to.equal(true);
    });
  });

  describe("time", () => {
    it("accepts a receipt up to its greatest age, counted from completion, and not a second longer", async () => {
      // Long enough after the key began to be valid.
      await c.networkHelpers.time.increase(2000);
      const late = await c.settleProved(INPUT, OUTPUTS, { completedAt: (await now()) - 1000n });
      await c.networkHelpers.time.increaseTo(late.receipt.completedAt + 3600n);
      const result = await c.harness.getFunction("requireVerified").staticCall(late.opening, onInput());
      expect(result.verified).to.equal(true);
      await c.networkHelpers.time.increase(1);
      await refuses(late.opening, onInput(), "TooOld", late.receipt.completedAt, 3600n);
    });

    it("lets a signer whose clock runs ahead win no lifetime: age counts from settlement then [R4]", async () => {
      const { opening } = await c.settleProved(INPUT, OUTPUTS, { completedAt: (await now()) + 290n });
      const { settledAt } = await c.harness.getFunction("requireVerified").staticCall(opening, onInput());
      expect(settledAt < opening.receipt.completedAt).to.equal(true);
      await c.networkHelpers.time.increaseTo(settledAt + 3601n);
      await refuses(opening, onInput(), "TooOld", settledAt, 3600n);
    });

    it("waits for the minimum time since settlement, whatever the age since completion [R4]", async () => {
      const { opening } = await c.settleProved(INPUT, OUTPUTS);
      const policy = onInput({ minSettled: 600n });
      const { settledAt } = await c.harness.getFunction("requireVerified").staticCall(opening, onInput());
      await c.networkHelpers.time.increaseTo(settledAt + 599n);
      await refuses(opening, policy, "TooFresh", settledAt, 600n);
      await c.networkHelpers.time.increaseTo(settledAt + 600n);
      expect((await c.harness.getFunction("requireVerified").staticCall(opening, policy)).verified).to.equal(true);
    });
  });

  describe("what the registry no longer vouches for", () => {
    async function distrusted(contract: { getAddress(): Promise<string> }, target: string) {
      const { opening, receipt } = await c.settleProved(INPUT, OUTPUTS);
      const from = await c.registry.settledAt(c.receiptId(receipt));
      await c.govern(contract, c.nodes.interface.encodeFunctionData("distrust", [target, from]));
      return { opening, id: c.receiptId(receipt) };
    }

    it("refuses a receipt whose key was distrusted, with the registry's reason [R4]", async () => {
      const { opening, id } = await distrusted(c.nodes, c.keyId);
      await refuses(opening, onInput(), "NotVerified", id, Reason.KeyDistrusted);
    });

    it("refuses a receipt whose model version was distrusted [R4]", async () => {
      const { opening, id } = await distrusted(c.models, c.provedModel);
      await refuses(opening, onInput(), "NotVerified", id, Reason.ModelDistrusted);
    });

    it("refuses a receipt whose proof verifier was distrusted [R4]", async () => {
      const verifier = word(BigInt(await c.groth16.getAddress()));
      const { opening, id } = await distrusted(c.models, verifier);
      await refuses(opening, onInput(), "NotVerified", id, Reason.VerifierDistrusted);
    });

    it("refuses while something is frozen, and accepts again when the freeze has lifted itself [R8]", async () => {
      const { opening, receipt } = await c.settleProved(INPUT, OUTPUTS);
      await c.nodes.connect(c.signers.guardian).freeze(c.keyId);
      await refuses(opening, onInput(), "NotVerified", c.receiptId(receipt), Reason.KeyFrozen);
      await c.networkHelpers.time.increase(10 * DAY);
      const policy = onInput({ maxAge: BigInt(11 * DAY) });
      expect((await c.harness.getFunction("requireVerified").staticCall(opening, policy)).verified).to.equal(true);
    });

    it("refuses what never settled", async () => {
      const { receipt } = await c.settleProved(INPUT, OUTPUTS);
      const invented = { ...receipt, cumulativeFee: 2n };
      await refuses(c.openingAlone(invented), onInput(), "NotVerified", c.receiptId(invented), Reason.NotSettled);
    });
  });

  describe("answers", () => {
    it("checks circuit outputs against the receipt, values and order included [R6]", async () => {
      const { receipt } = await c.settleProved(INPUT, OUTPUTS);
      const check = c.harness.getFunction("requireCircuitOutputs");
      await check.staticCall(receipt, OUTPUTS);
      for (const outputs of [[], [43n], [42n, 0n]]) {
        await expect(check.staticCall(receipt, outputs))
          .to.be.revertedWithCustomError(c.harness, "InferenceConsumer_WrongOutput")
          .withArgs(receipt.outputHash, outputHashOf(outputs));
      }
      await expect(check.staticCall({ ...receipt, outputScheme: 0 }, OUTPUTS))
        .to.be.revertedWithCustomError(c.harness, "InferenceConsumer_WrongOutputScheme")
        .withArgs(2, 0);
    });

    it("checks artifacts against the receipt: one left out is another answer [R6]", async () => {
      const text = { kind: 0, mediaType: "text/plain", hash: keccak256(toUtf8Bytes("approved")) };
      const image = { kind: 2, mediaType: "image/png", hash: keccak256(toUtf8Bytes("pixels")) };
      const encoded = coder.encode(["tuple(uint8 kind, string mediaType, bytes32 hash)[]"], [[text, image]]);
      const outputHash = keccak256(`0xff${encoded.slice(2)}`);
      const receipt = await c.receipt({ outputHash, outputScheme: 0 });
      const check = c.harness.getFunction("requireArtifacts");
      await check.staticCall(receipt, [text, image]);
      for (const artifacts of [[text], [image, text], []]) {
        await expect(check.staticCall(receipt, artifacts)).to.be.revertedWithCustomError(
          c.harness,
          "InferenceConsumer_WrongOutput",
        );
      }
      await expect(check.staticCall({ ...receipt, outputScheme: 2 }, [text, image]))
        .to.be.revertedWithCustomError(c.harness, "InferenceConsumer_WrongOutputScheme")
        .withArgs(0, 2);
    });
  });
});
