// SPDX-License-Identifier: MIT
// Ids and commitments that are computed rarely: ethers' AbiCoder is good enough here.
import { AbiCoder, concat, keccak256, toUtf8Bytes } from "ethers";
import { ProtocolError, toHex } from "./bytes.ts";
import type { Artifact, Hex } from "./types.ts";

const abi = AbiCoder.defaultAbiCoder();
const hash = (types: string[], values: unknown[]): Hex => keccak256(abi.encode(types, values)) as Hex;

/** keccak256(abi.encode(uint8 kind, bytes publicKey)); `publicKey` is x ‖ y, 64 bytes, for secp256k1 kinds. */
export function keyId(kind: number, publicKey: Uint8Array): Hex {
  if (kind !== 2 && publicKey.length !== 64) {
    throw new ProtocolError("bad_public_key", `A secp256k1 key is 64 bytes x ‖ y, got ${publicKey.length}`);
  }
  return hash(["uint8", "bytes"], [kind, publicKey]);
}

/** Request id of an ask made on chain (R5). */
export function onChainRequestId(chainId: bigint, contract: Hex, counter: bigint): Hex {
  return hash(["uint256", "address", "uint256"], [chainId, contract, counter]);
}

/** Request id of a prepaid x402 payment (R5). */
export function x402RequestId(chainId: bigint, token: Hex, payer: Hex, authorizationNonce: Hex): Hex {
  return hash(["uint256", "address", "address", "bytes32"], [chainId, token, payer, authorizationNonce]);
}

/** Input hash of VANILLA and TEE: salted, because leaves are published and prompts can be guessed. */
export function saltedInputHash(salt: Hex, request: Uint8Array): Hex {
  return keccak256(concat(["0xfe", salt, keccak256(request)])) as Hex;
}

/** Input hash of ZKML: the circuit's input signal as 32 bytes. */
export function signalInputHash(signal: bigint): Hex {
  return `0x${signal.toString(16).padStart(64, "0")}`;
}

/** Output scheme 0: hash over a tagged, ordered list of artifacts (R6). */
export function artifactsHash(artifacts: readonly Artifact[]): Hex {
  const list = artifacts.map((artifact) => [artifact.kind, artifact.mediaType, artifact.hash]);
  return keccak256(concat(["0xff", abi.encode(["tuple(uint8,string,bytes32)[]"], [list])])) as Hex;
}

/** Output scheme 1: the text alone, as OpenGradient hashes it. */
export function textHash(content: string): Hex {
  return keccak256(toUtf8Bytes(content)) as Hex;
}

/** Output scheme 2: circuit outputs, as the proof verifier computes it from its signals. */
export function circuitOutputHash(outputs: readonly bigint[]): Hex {
  return hash(["uint8", "uint256[]"], [2, outputs]);
}

/** keccak256 of a text as UTF-8, or of bytes: the `hash` of an {@link Artifact}. */
export function contentHash(content: string | Uint8Array): Hex {
  return keccak256(typeof content === "string" ? toUtf8Bytes(content) : toHex(content)) as Hex;
}
