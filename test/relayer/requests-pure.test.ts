import { expect } from "chai";
import fc from "fast-check";
import { Interface } from "ethers";
import { readFileSync } from "node:fs";
import { artifacts } from "hardhat";
import { ZERO_HASH, type Hex } from "../../relayer/protocol/index.ts";
import { inferenceRequests, STATUSES } from "../../relayer/requests/abi.ts";
import { declinedBecause, declineReason, mayPass, type Terms } from "../../relayer/requests/index.ts";
import { artifactsOutput, circuitOutput, outputMatches, textOutput } from "../../relayer/requests/index.ts";
import { encodeArtifacts } from "../requests/support.ts";

const NODE: Hex = `0x${"0".repeat(63)}1`;
const OTHER: Hex = `0x${"0".repeat(63)}2`;
const part = fc.record({
  kind: fc.integer({ min: 0, max: 3 }),
  mediaType: fc.constantFrom("text/plain", "application/json", "image/png"),
  content: fc.uint8Array({ maxLength: 40 }),
});

describe("requests on chain: what needs no chain", () => {
  it("ABI fragments and statuses equal what the compiler says", async () => {
    const compiled = new Interface((await artifacts.readArtifact("InferenceRequests")).abi);
    for (const fragment of inferenceRequests.fragments) {
      const found = compiled.fragments.find((one) => one.type === fragment.type && one.format() === fragment.format());
      expect(found?.format("full"), fragment.format()).to.equal(fragment.format("full"));
    }
    const source = readFileSync("contracts/interfaces/IInferenceRequests.sol", "utf8");
    const body = /enum RequestStatus \{([^}]*)\}/.exec(source)![1]!.replace(/\/\/.*$/gm, "");
    expect([...STATUSES]).to.deep.equal(body.split(",").map((name) => name.trim()));
  });

  it("an answer matches its own hash, and no other part's, order's or length's does [R6]", () => {
    fc.assert(
      fc.property(fc.array(part, { minLength: 1, maxLength: 5 }), fc.nat(), (parts, which) => {
        const whole = artifactsOutput(parts);
        expect(outputMatches(whole)).to.equal(true);
        const less = artifactsOutput(parts.slice(1));
        expect(outputMatches({ ...whole, output: less.output })).to.equal(false);
        const i = which % parts.length;
        const changed = parts.map((one, j) =>
          i === j ? { ...one, content: new Uint8Array([...one.content, 1]) } : one,
        );
        expect(outputMatches({ ...whole, output: artifactsOutput(changed).output })).to.equal(false);
        // Bytes of an image are no part of what travels, and a text's are.
        const artifactsOf = parts.map(({ kind, mediaType }, j) => ({
          kind,
          mediaType,
          hash: `0x${String(j).padStart(64, "0")}`,
        }));
        expect(outputMatches({ ...whole, output: encodeArtifacts(artifactsOf, []) as Hex })).to.equal(false);
      }),
    );
    fc.assert(
      fc.property(fc.array(fc.bigInt({ min: 0n, max: 2n ** 256n - 1n }), { maxLength: 5 }), (outputs) => {
        const found = circuitOutput(outputs);
        expect(outputMatches(found)).to.equal(true);
        expect(outputMatches({ ...found, output: circuitOutput([...outputs, 0n]).output })).to.equal(false);
      }),
    );
    fc.assert(
      fc.property(fc.string({ unit: "grapheme" }), (text) => {
        const found = textOutput(text);
        expect(outputMatches(found)).to.equal(true);
        expect(outputMatches({ ...found, output: `${found.output}00` })).to.equal(false);
        expect(outputMatches({ ...found, outputScheme: 3 })).to.equal(false);
      }),
    );
    expect(outputMatches({ outputScheme: 0, outputHash: ZERO_HASH, output: "0x12" })).to.equal(false);
  });

  it("a request is taken exactly where its terms allow this node to answer in time", () => {
    const terms: Terms = {
      nodeId: NODE,
      mode: 1,
      capacity: 3,
      minSeconds: 600n,
      maxCallbackGas: 500_000,
      contexts: false,
    };
    const asked = fc.record({
      requestId: fc.constant(ZERO_HASH),
      requester: fc.constant(ZERO_HASH),
      modelId: fc.constant(ZERO_HASH),
      inputHash: fc.constant(ZERO_HASH),
      contextHash: fc.constantFrom(ZERO_HASH, OTHER),
      nodeId: fc.constantFrom(ZERO_HASH, NODE, OTHER),
      maxFee: fc.bigInt({ min: 1n, max: 2n ** 96n - 1n }),
      deadline: fc.bigInt({ min: 1_500n, max: 1_700n }),
      modeMask: fc.integer({ min: 1, max: 7 }),
      callbackGas: fc.constantFrom(0, 500_000, 500_001),
    });
    fc.assert(
      fc.property(asked, fc.integer({ min: 0, max: 4 }), (request, underWay) => {
        const reason = declineReason(request, terms, underWay, 1_000n);
        const fits =
          request.nodeId !== OTHER &&
          [2, 3, 6, 7].includes(request.modeMask) &&
          request.contextHash === ZERO_HASH &&
          request.deadline >= 1_600n &&
          request.callbackGas <= 500_000;
        expect(reason === null).to.equal(fits && underWay < 3);
        // Only what may change is looked at again.
        if (reason !== null) {
          expect(mayPass(reason)).to.equal(fits);
          expect(declinedBecause(reason)).to.not.equal("");
        }
      }),
    );
  });
});
