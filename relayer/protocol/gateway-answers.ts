// SPDX-License-Identifier: MIT
// What OpenGradient's gateways sign today, to the byte. Such an answer names no model version, payer, fee, sequence,
// context, mode or chain: docs/enclaves.md.
import { keccak_256 } from "./keccak.ts";
import { keccak, ProtocolError, toHex, view, writeHex } from "./bytes.ts";
import { keyId } from "./hashes.ts";
import { parsePythonJson, pythonJson, type PythonValue } from "./python-json.ts";
import { KeyKind, type Hex } from "./types.ts";

/** What a gateway signs, and all that it signs. */
export interface GatewayAnswer {
  /** See {@link gatewayRequestHash}. */
  requestHash: Hex;
  /** See {@link gatewayOutputHash}. */
  outputHash: Hex;
  /** uint256, unix seconds, by the enclave's clock. */
  timestamp: bigint;
}

/** Output hash of an image answer: that of the empty text. It tells nothing of the image. */
export const EMPTY_OUTPUT_HASH: Hex = keccak(new Uint8Array());

/** A chat request as a gateway hashes it: the first three always, the others where they are set. */
export interface GatewayChat {
  messages: readonly PythonValue[];
  model: string;
  /** A float to the gateway, whatever the client wrote. */
  temperature: number;
  max_tokens?: bigint;
  stop?: PythonValue;
  tools?: PythonValue;
  response_format?: PythonValue;
  web_search?: PythonValue;
}

const utf8 = (text: string): Hex => keccak(new TextEncoder().encode(text));

/** keccak256 of what `json.dumps(request, sort_keys=True)` prints. */
export function gatewayRequestHash(request: PythonValue): Hex {
  return utf8(pythonJson(request));
}

/** The same of JSON text, in which `0` is an int and `0.0` a float. Throws `malformed_json`. */
export function gatewayRequestHashOfText(json: string): Hex {
  return gatewayRequestHash(parsePythonJson(json));
}

/** The same of a chat request; fields that are not set are left out. */
export function gatewayChatHash(chat: GatewayChat): Hex {
  const set = Object.entries(chat).filter(([, value]) => value !== undefined);
  return gatewayRequestHash(Object.fromEntries(set) as Record<string, PythonValue>);
}

/** Output hash of a text, or of tool calls, which are hashed as JSON. */
export function gatewayOutputHash(output: string | { toolCalls: PythonValue }): Hex {
  return utf8(typeof output === "string" ? output : pythonJson(output.toolCalls));
}

/** The 32 bytes that a gateway signs: keccak256(requestHash ‖ outputHash ‖ uint256 timestamp). */
export function gatewayMessage(answer: GatewayAnswer): Hex {
  const words = Buffer.alloc(96);
  writeHex(words, 0, answer.requestHash, 32);
  writeHex(words, 32, answer.outputHash, 32);
  writeWord(words, 64, answer.timestamp);
  return keccak(words);
}

/** Id of an answer on every chain: keccak256(abi.encode(keyId, message)). */
export function gatewayRequestId(gatewayKeyId: Hex, answer: GatewayAnswer): Hex {
  const words = Buffer.alloc(64);
  writeHex(words, 0, gatewayKeyId, 32);
  writeHex(words, 32, gatewayMessage(answer), 32);
  return keccak(words);
}

/** OpenGradient's name of an enclave: keccak256 of its DER SubjectPublicKeyInfo. */
export function teeId(publicKey: Uint8Array): Hex {
  return toHex(keccak_256(publicKey));
}

/** This protocol's name of the same key. */
export function gatewayKeyId(publicKey: Uint8Array): Hex {
  return keyId(KeyKind.ENCLAVE_RSA, publicKey);
}

/** The 32 bytes that a gateway signs to say that it is alive: keccak256(teeId ‖ uint256 timestamp). */
export function gatewayHeartbeat(publicKey: Uint8Array, timestamp: bigint): Hex {
  const words = Buffer.alloc(64);
  words.set(keccak_256(publicKey), 0);
  writeWord(words, 32, timestamp);
  return keccak(words);
}

const RSA_HEAD = Buffer.from("30820122300d06092a864886f70d01010105000382010f003082010a0282010100", "hex");
const RSA_TAIL = Buffer.from("0203010001", "hex");

/**
 * Whether these bytes are an RSA-2048 key with exponent 65537 as DER SubjectPublicKeyInfo, exactly as the chain takes it:
 * one form, the modulus odd and with its highest bit.
 */
export function isGatewayKey(publicKey: Uint8Array): boolean {
  if (publicKey.length !== 294) return false;
  const bytes = view(publicKey);
  const framed = bytes.subarray(0, 33).equals(RSA_HEAD) && bytes.subarray(289).equals(RSA_TAIL);
  return framed && bytes[33]! > 0x7f && (bytes[288]! & 1) === 1;
}

function writeWord(target: Buffer, offset: number, value: bigint): void {
  if (value < 0n || value >= 1n << 256n) throw new ProtocolError("out_of_range", `${value} is no uint256`);
  writeHex(target, offset, `0x${value.toString(16).padStart(64, "0")}`, 32);
}
