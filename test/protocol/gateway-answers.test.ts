// SPDX-License-Identifier: MIT
import { constants, sign, verify } from "node:crypto";
import { expect } from "chai";
import { AbiCoder, keccak256, solidityPackedKeccak256, toUtf8Bytes } from "ethers";
import fc from "fast-check";
import { verifyGatewayAnswer } from "../../relayer/evidence/gateway-answer.ts";
import {
  EMPTY_OUTPUT_HASH,
  gatewayChatHash,
  gatewayHeartbeat,
  gatewayKeyId,
  gatewayMessage,
  gatewayOutputHash,
  gatewayRequestHash,
  gatewayRequestHashOfText,
  gatewayRequestId,
  isGatewayKey,
  ProtocolError,
  teeId,
  type GatewayAnswer,
  type Hex,
} from "../../relayer/protocol/index.ts";
import { newRsaKey, pssEncoding, pssSignature, rawSignature } from "../support/rsa.ts";
import * as any from "./arbitraries.ts";

/** As OpenGradient publishes it. */
const VECTOR = {
  request: '{"messages": [{"content": "Hello, world", "role": "user"}], "model": "gpt-4o", "temperature": 0.0}',
  requestHash: "0x5b598c054a4cf49d32963f2cf0a86e21906f2ee663c744478d631fb448013d4e",
  output: "Hi there",
  outputHash: "0x3e92a13b68d1868e828788f049395ed44b701955777c5f51f0b3559bb05dbaf8",
  timestamp: 1_767_225_600n,
  message: "0x01c5d04232705cf58f4526cab4641c9684c707bdecedaceb6b5c5d7db414786d",
} as const;
const abi = AbiCoder.defaultAbiCoder();

describe("gateway answers", () => {
  const key = newRsaKey();
  const other = newRsaKey();
  const answers: fc.Arbitrary<GatewayAnswer> = fc.record({
    requestHash: any.word,
    outputHash: any.word,
    timestamp: fc.bigInt({ min: 0n, max: (1n << 256n) - 1n }),
  });

  it("hash as OpenGradient's do: request, output, message", () => {
    expect(gatewayRequestHashOfText(VECTOR.request)).to.equal(VECTOR.requestHash);
    const messages = [{ role: "user", content: "Hello, world" }];
    expect(gatewayChatHash({ model: "gpt-4o", temperature: 0, messages })).to.equal(VECTOR.requestHash);
    expect(gatewayRequestHash({ temperature: 0, model: "gpt-4o", messages })).to.equal(VECTOR.requestHash);
    expect(gatewayOutputHash(VECTOR.output)).to.equal(VECTOR.outputHash);
    expect(gatewayMessage(VECTOR)).to.equal(VECTOR.message);
    // A temperature of int 0 is another request.
    expect(gatewayRequestHash({ temperature: 0n, model: "gpt-4o", messages })).to.not.equal(VECTOR.requestHash);
  });

  it("hash what is set of a chat, and tool calls as JSON", () => {
    const chat = { messages: [], model: "m", temperature: 0.7, max_tokens: 5n, tools: undefined, stop: ["a"] };
    const printed = '{"max_tokens": 5, "messages": [], "model": "m", "stop": ["a"], "temperature": 0.7}';
    expect(gatewayChatHash(chat as never)).to.equal(keccak256(toUtf8Bytes(printed)));
    expect(gatewayOutputHash({ toolCalls: [{ id: "1", function: { name: "f", arguments: "é" } }] })).to.equal(
      keccak256(toUtf8Bytes('[{"function": {"arguments": "\\u00e9", "name": "f"}, "id": "1"}]')),
    );
    // A text is hashed as it is, in UTF-8; an image as no text at all.
    expect(gatewayOutputHash("é😀")).to.equal(keccak256(toUtf8Bytes("é😀")));
    expect([gatewayOutputHash(""), EMPTY_OUTPUT_HASH]).to.deep.equal([keccak256("0x"), keccak256("0x")]);
  });

  it("have the ids that the contract gives them [R5]", () => {
    fc.assert(
      fc.property(answers, (answer) => {
        const { requestHash, outputHash, timestamp } = answer;
        const types = ["bytes32", "bytes32", "uint256"];
        const message = solidityPackedKeccak256(types, [requestHash, outputHash, timestamp]);
        expect(gatewayMessage(answer)).to.equal(message);
        const id = keccak256(abi.encode(["bytes32", "bytes32"], [key.keyId, message]));
        expect(gatewayRequestId(key.keyId as Hex, answer)).to.equal(id);
        const beat = solidityPackedKeccak256(["bytes32", "uint256"], [key.teeId, timestamp]);
        expect(gatewayHeartbeat(key.der, timestamp)).to.equal(beat);
      }),
      { numRuns: 100 },
    );
    expect([gatewayKeyId(key.der), teeId(key.der)]).to.deep.equal([key.keyId, key.teeId]);
    for (const timestamp of [-1n, 1n << 256n])
      expect(() => gatewayMessage({ ...VECTOR, timestamp })).to.throw(ProtocolError, "uint256");
    expect(() => gatewayMessage({ ...VECTOR, outputHash: "0x12" })).to.throw(ProtocolError);
  });

  it("are verified at the door as on chain, and named as there [FM:unchecked-evidence]", () => {
    const signature = pssSignature(key, VECTOR.message);
    expect(verifyGatewayAnswer({ ...VECTOR, publicKey: key.der, signature })).to.deep.equal({
      ok: true,
      keyId: key.keyId,
      teeId: key.teeId,
      message: VECTOR.message,
      requestId: gatewayRequestId(key.keyId as Hex, VECTOR),
    });
    const bad: [object, string][] = [
      [{ timestamp: VECTOR.timestamp + 1n }, "bad_signature"],
      [{ outputHash: VECTOR.requestHash }, "bad_signature"],
      [{ requestHash: VECTOR.outputHash }, "bad_signature"],
      [{ publicKey: other.der }, "bad_signature"],
      [{ signature: signature.subarray(1) }, "bad_signature"],
      [{ signature: Buffer.concat([Buffer.alloc(1), signature]) }, "bad_signature"],
      [{ signature: Buffer.alloc(256, 0xff) }, "bad_signature"],
      [{ signature: Buffer.alloc(0) }, "bad_signature"],
      [{ signature: pssSignature(key, VECTOR.message, 20) }, "bad_signature"],
      [{ signature: rawSignature(key, pssEncoding(VECTOR.message, { salt: Buffer.alloc(0) })) }, "bad_signature"],
      [{ signature: pkcs1(VECTOR.message) }, "bad_signature"],
      [{ publicKey: key.der.subarray(1) }, "bad_public_key"],
      [{ publicKey: Buffer.alloc(294) }, "bad_public_key"],
      [{ publicKey: newRsaKey(2_048, 3).der }, "bad_public_key"],
      [{ publicKey: newRsaKey(3_072).der }, "bad_public_key"],
    ];
    for (const [over, reason] of bad) {
      const verdict = verifyGatewayAnswer({ ...VECTOR, publicKey: key.der, signature, ...over });
      expect(verdict).to.deep.include({ ok: false, reason });
    }
  });

  it("know a key by every byte that is not its modulus", () => {
    expect(isGatewayKey(key.der)).to.equal(true);
    const changed = (at: number, to: (byte: number) => number) => {
      const der = Buffer.from(key.der);
      der[at] = to(der[at]!);
      return der;
    };
    for (const at of [...Array.from({ length: 33 }, (_, i) => i), 289, 290, 291, 292, 293])
      expect(isGatewayKey(changed(at, (byte) => byte ^ 1)), `byte ${at}`).to.equal(false);
    expect(isGatewayKey(changed(33, (byte) => byte & 0x7f))).to.equal(false);
    expect(isGatewayKey(changed(288, (byte) => byte & 0xfe))).to.equal(false);
    expect(isGatewayKey(Buffer.concat([key.der, Buffer.alloc(1)]))).to.equal(false);
  });

  /** The older padding of the same key over the same bytes. */
  function pkcs1(message: string): Buffer {
    const bytes = Buffer.from(message.slice(2), "hex");
    const options = { key: key.privateKey, padding: constants.RSA_PKCS1_PADDING };
    const signature = sign("sha256", bytes, options);
    const publicKey = { key: key.der, format: "der", type: "spki", padding: constants.RSA_PKCS1_PADDING } as const;
    expect(verify("sha256", bytes, publicKey, signature)).to.equal(true);
    return signature;
  }
});
