// SPDX-License-Identifier: MIT
import { expect } from "chai";
import fc from "fast-check";
import { type BaseContract, hexlify, keccak256, toUtf8Bytes } from "ethers";
import { artifactsHash, contentHash, type Artifact, type Hex } from "../../relayer/protocol/index.ts";
import { CoveredImages__factory } from "../../typechain/index.ts";
import { deployExamples, type Examples } from "./examplesSupport.ts";
import { Mode, type OpeningFields, mask } from "./support.ts";

const KIND = { text: 0, toolCalls: 1, image: 2, file: 3 } as const;
const TEXT = toUtf8Bytes("A lighthouse at dusk, twice.");
const IMAGES = ["first picture", "second picture"].map((bytes) => toUtf8Bytes(bytes));
const of = (kind: number, mediaType: string, content: Uint8Array): Artifact => ({
  kind,
  mediaType,
  hash: contentHash(content),
});
const ANSWER = [
  of(KIND.text, "text/plain", TEXT),
  of(KIND.image, "image/png", IMAGES[0]!),
  of(KIND.image, "image/webp", IMAGES[1]!),
];
const PROMPT = keccak256(toUtf8Bytes("salted prompt"));

describe("ArtifactHash", () => {
  let c: Examples;
  let lib: BaseContract;
  let clean: { restore(): Promise<void> };
  before(async () => {
    c = await deployExamples();
    lib = await c.ethers.deployContract("ArtifactHashHarness");
    clean = await c.networkHelpers.takeSnapshot();
  });
  afterEach(() => clean.restore());

  it("computes the same hash as the TypeScript of relayers and nodes, whatever was answered [R6]", async () => {
    const artifact = fc.record({
      kind: fc.integer({ min: 0, max: 3 }),
      mediaType: fc.string({ unit: "grapheme", maxLength: 40 }),
      hash: fc.uint8Array({ minLength: 0, maxLength: 64 }).map((bytes) => contentHash(bytes)),
    });
    await fc.assert(
      fc.asyncProperty(fc.array(artifact, { maxLength: 6 }), async (artifacts) => {
        expect(await lib.getFunction("compute")(artifacts)).to.equal(artifactsHash(artifacts));
      }),
      { numRuns: 40 },
    );
    const [kind, mediaType, hash] = await lib.getFunction("artifact")(KIND.image, "image/png", IMAGES[0]!);
    expect({ kind: Number(kind), mediaType, hash }).to.deep.equal(ANSWER[1]);
  });

  it("finds a content by kind and hash, first place first, and no other [R6]", async () => {
    const twice = [...ANSWER, ANSWER[1]!];
    const find = async (kind: number, hash: string) => [...(await lib.getFunction("find")(twice, kind, hash))];
    expect(await find(KIND.image, ANSWER[1]!.hash)).to.deep.equal([true, 1n]);
    expect(await find(KIND.image, ANSWER[2]!.hash)).to.deep.equal([true, 2n]);
    expect(await find(KIND.text, ANSWER[1]!.hash), "an image is no text").to.deep.equal([false, 0n]);
    expect(await find(KIND.image, PROMPT)).to.deep.equal([false, 0n]);
    for (const [index, covered] of [true, false, false, false].entries())
      expect(await lib.getFunction("coversAt")(twice, index, KIND.text, ANSWER[0]!.hash)).to.equal(covered);
    expect(await lib.getFunction("coversAt")(twice, 99, KIND.text, ANSWER[0]!.hash), "beyond the end").to.equal(false);
  });

  it("takes a list for the answer only whole, in order, and under the scheme that lists it [R6]", async () => {
    const receipt = await c.receipt({ outputHash: artifactsHash(ANSWER), outputScheme: 0 });
    expect(await lib.getFunction("isAnswer")(receipt, ANSWER)).to.equal(true);
    const others: Artifact[][] = [
      ANSWER.slice(0, 2),
      [...ANSWER].reverse(),
      [...ANSWER, ANSWER[0]!],
      [{ ...ANSWER[0]!, mediaType: "text/html" }, ...ANSWER.slice(1)],
      [{ ...ANSWER[0]!, kind: KIND.file }, ...ANSWER.slice(1)],
    ];
    for (const other of others) {
      expect(await lib.getFunction("isAnswer")(receipt, other)).to.equal(false);
      await expect(lib.getFunction("requireCovered")(receipt, other, KIND.image, ANSWER[1]!.hash))
        .to.be.revertedWithCustomError(lib, "ArtifactHash_NotTheAnswer")
        .withArgs(receipt.outputHash, artifactsHash(other));
    }
    expect(await lib.getFunction("isAnswer")({ ...receipt, outputScheme: 1 }, ANSWER), "text only").to.equal(false);
  });

  it("tells which is the only one of its kind, as a caller might choose among several [R6]", async () => {
    const receipt = await c.receipt({ outputHash: artifactsHash(ANSWER) });
    await lib.getFunction("requireOnly")(receipt, ANSWER, KIND.text, ANSWER[0]!.hash);
    await expect(lib.getFunction("requireOnly")(receipt, ANSWER, KIND.image, ANSWER[1]!.hash))
      .to.be.revertedWithCustomError(lib, "ArtifactHash_NotTheOnly")
      .withArgs(KIND.image, 2n);
    await expect(lib.getFunction("requireOnly")(receipt, ANSWER, KIND.file, PROMPT)).to.be.revertedWithCustomError(
      lib,
      "ArtifactHash_NotCovered",
    );
  });

  describe("CoveredImages", () => {
    async function open() {
      const { other, operator } = c.signers;
      const deployed = await c.ethers.deployContract("CoveredImages", [
        await c.registry.getAddress(),
        c.signedModel,
        3600,
        "ipfs://by-hash/",
      ]);
      const images = CoveredImages__factory.connect(await deployed.getAddress(), other);
      const requestId = await images.ask.staticCall(PROMPT);
      await images.ask(PROMPT);
      const answer = (over: object = {}) =>
        c.settleSigned({ mode: Mode.TEE, requestId, inputHash: PROMPT, outputHash: artifactsHash(ANSWER), ...over }, 3);
      return { images, requestId, answer, other, operator };
    }

    it("mints an image that the receipt covers, and can be held to its bytes [R6]", async () => {
      const { images, answer, other } = await open();
      const { opening, receipt } = await answer();
      await expect(images.mint(opening, ANSWER, ANSWER[2]!.hash))
        .to.emit(images, "PictureMinted")
        .withArgs(1n, ANSWER[2]!.hash, c.receiptId(receipt));
      expect(await images.ownerOf(1n)).to.equal(other.address);
      const picture = await images.picture(1n);
      expect([...picture]).to.deep.equal([ANSWER[2]!.hash, c.receiptId(receipt), PROMPT, "image/webp"]);
      expect(await images.isImageOf(1n, IMAGES[1]!)).to.equal(true);
      expect(await images.isImageOf(1n, IMAGES[0]!)).to.equal(false);
      expect(await images.tokenURI(1n)).to.equal(`ipfs://by-hash/${ANSWER[2]!.hash}`);
    });

    it("refuses an image that the receipt does not cover [R6]", async () => {
      const { images, answer } = await open();
      const { opening } = await answer();
      const forged = contentHash(toUtf8Bytes("another picture"));
      await expect(images.mint(opening, ANSWER, forged))
        .to.be.revertedWithCustomError(images, "ArtifactHash_NotCovered")
        .withArgs(KIND.image, forged);
      // Slipped into the list, it is no longer the list that was signed.
      const slipped = [...ANSWER, { kind: KIND.image, mediaType: "image/png", hash: forged }];
      await expect(images.mint(opening, slipped, forged)).to.be.revertedWithCustomError(
        images,
        "ArtifactHash_NotTheAnswer",
      );
      // The text is part of the answer and no image.
      await expect(images.mint(opening, ANSWER, ANSWER[0]!.hash)).to.be.revertedWithCustomError(
        images,
        "ArtifactHash_NotCovered",
      );
    });

    it("refuses images of a receipt that commits to its text alone, as OpenGradient's do [R6]", async () => {
      const { images, answer } = await open();
      const { opening } = await answer({ outputScheme: 1, outputHash: keccak256(TEXT) });
      await expect(images.mint(opening, ANSWER, ANSWER[1]!.hash)).to.be.revertedWithCustomError(
        images,
        "ArtifactHash_NotTheAnswer",
      );
    });

    it("mints one picture a request, to who asked, on an enclave's word alone [R9] [R11]", async () => {
      const { images, answer, operator, requestId } = await open();
      const plain = await answer({ mode: Mode.VANILLA });
      await expect(images.mint(plain.opening, ANSWER, ANSWER[1]!.hash))
        .to.be.revertedWithCustomError(images, "InferenceConsumer_ModeNotAccepted")
        .withArgs(Mode.VANILLA, mask(Mode.TEE));
      const { opening } = await answer();
      await expect(images.connect(operator).mint(opening, ANSWER, ANSWER[1]!.hash))
        .to.be.revertedWithCustomError(images, "CoveredImages_NotTheAsker")
        .withArgs(requestId, operator.address);
      const foreign = await c.settleSigned({ mode: Mode.TEE, outputHash: artifactsHash(ANSWER) });
      await expect(images.mint(foreign.opening, ANSWER, ANSWER[1]!.hash)).to.be.revertedWithCustomError(
        images,
        "CoveredImages_NotTheAsker",
      );
      await images.mint(opening, ANSWER, ANSWER[1]!.hash);
      await expect(images.mint(opening, ANSWER, ANSWER[2]!.hash))
        .to.be.revertedWithCustomError(images, "InferenceConsumer_AlreadyUsed")
        .withArgs(requestId);
    });

    it("refuses an answer that is too old, or about another prompt [R11]", async () => {
      const { images, answer } = await open();
      const other: { opening: OpeningFields } = await answer({
        inputHash: hexlify(TEXT.slice(0, 28)).padEnd(66, "0") as Hex,
      });
      await expect(images.mint(other.opening, ANSWER, ANSWER[1]!.hash)).to.be.revertedWithCustomError(
        images,
        "InferenceConsumer_WrongInput",
      );
      const { opening } = await answer();
      await c.networkHelpers.time.increase(3601);
      await expect(images.mint(opening, ANSWER, ANSWER[1]!.hash)).to.be.revertedWithCustomError(
        images,
        "InferenceConsumer_TooOld",
      );
    });
  });
});
