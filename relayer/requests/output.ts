// SPDX-License-Identifier: MIT
// The form in which answers travel on chain: contracts/verification/AnswerOutput.sol.
import { AbiCoder, hexlify, keccak256, toUtf8Bytes } from "ethers";
import {
  artifactsHash,
  circuitOutputHash,
  contentHash,
  OutputScheme,
  textHash,
  type Artifact,
  type Hex,
} from "../protocol/index.ts";

const abi = AbiCoder.defaultAbiCoder();
const ARTIFACTS = "tuple(uint8 kind,string mediaType,bytes32 hash)[]";
/** Artifacts up to this kind are carried whole: texts and tool calls. */
const LAST_CARRIED_KIND = 1;

/** An answer as a receipt commits to it and as it travels. */
export interface Output {
  outputScheme: number;
  outputHash: Hex;
  output: Hex;
}

/** One piece of an answer with its bytes. */
export interface Part {
  kind: number;
  mediaType: string;
  content: string | Uint8Array;
}

/** Scheme 0. Texts and tool calls travel whole; of images and files their hashes do, and the bytes go another way. */
export function artifactsOutput(parts: readonly Part[]): Output {
  const artifacts = parts.map(({ kind, mediaType, content }) => ({ kind, mediaType, hash: contentHash(content) }));
  const contents = parts.map(({ kind, content }) =>
    kind > LAST_CARRIED_KIND ? "0x" : typeof content === "string" ? toUtf8Bytes(content) : content,
  );
  return {
    outputScheme: OutputScheme.ARTIFACTS,
    outputHash: artifactsHash(artifacts),
    output: abi.encode([ARTIFACTS, "bytes[]"], [artifacts, contents]) as Hex,
  };
}

/** Scheme 1. */
export function textOutput(text: string): Output {
  return {
    outputScheme: OutputScheme.TEXT,
    outputHash: textHash(text),
    output: hexlify(toUtf8Bytes(text)) as Hex,
  };
}

/** Scheme 2. */
export function circuitOutput(outputs: readonly bigint[]): Output {
  return {
    outputScheme: OutputScheme.CIRCUIT,
    outputHash: circuitOutputHash(outputs),
    output: abi.encode(["uint256[]"], [outputs]) as Hex,
  };
}

/** Whether the contract would take `output` for the answer behind its hash. */
export function outputMatches({ outputScheme, outputHash, output }: Output): boolean {
  try {
    if (outputScheme === OutputScheme.TEXT) return keccak256(output) === outputHash;
    if (outputScheme === OutputScheme.CIRCUIT) {
      const [outputs] = abi.decode(["uint256[]"], output) as unknown as [bigint[]];
      return circuitOutputHash([...outputs]) === outputHash && abi.encode(["uint256[]"], [[...outputs]]) === output;
    }
    if (outputScheme !== OutputScheme.ARTIFACTS) return false;
    const [found, contents] = abi.decode([ARTIFACTS, "bytes[]"], output) as unknown as [
      { kind: bigint; mediaType: string; hash: Hex }[],
      Hex[],
    ];
    const artifacts: Artifact[] = found.map(({ kind, mediaType, hash }) => ({ kind: Number(kind), mediaType, hash }));
    if (contents.length !== artifacts.length || artifactsHash(artifacts) !== outputHash) return false;
    const carried = artifacts.every(({ kind, hash }, i) =>
      kind > LAST_CARRIED_KIND ? contents[i] === "0x" : keccak256(contents[i]!) === hash,
    );
    // One form in bytes: a decoder skips what is behind the answer.
    return carried && abi.encode([ARTIFACTS, "bytes[]"], [artifacts, [...contents]]) === output;
  } catch {
    return false;
  }
}
