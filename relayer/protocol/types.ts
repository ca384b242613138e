// SPDX-License-Identifier: MIT
// The words of the protocol, named as in contracts/interfaces/InferenceTypes.sol. Formats and rules: docs/protocol.md.

/** `0x` and lower-case hex digits. Digests, ids and addresses are always held in lower case, so that `===` compares. */
export type Hex = `0x${string}`;

/** How an answer is evidenced. Names, not ranks: never compare them with `<`; a policy is a mask of `1 << mode`. */
export const Mode = { VANILLA: 0, ZKML: 1, TEE: 2 } as const;
export type Mode = (typeof Mode)[keyof typeof Mode];

/** Kinds of signing key; part of every key id. */
export const KeyKind = { OPERATOR: 0, ENCLAVE_SECP256K1: 1, ENCLAVE_RSA: 2 } as const;
export type KeyKind = (typeof KeyKind)[keyof typeof KeyKind];

/** How `outputHash` commits to the answer (R6). */
export const OutputScheme = { ARTIFACTS: 0, TEXT: 1, CIRCUIT: 2 } as const;
export type OutputScheme = (typeof OutputScheme)[keyof typeof OutputScheme];

/** Where receipts are valid: the chain and its `InferenceRegistry`. */
export interface Domain {
  readonly chainId: bigint;
  readonly verifyingContract: Hex;
}

/** A signed statement of which model ran, on what input, with what output, by whom, for which payer. */
export interface Receipt {
  /** One id shared by payment, answer and proof (R5). */
  requestId: Hex;
  /** One immutable model version. */
  modelId: Hex;
  inputHash: Hex;
  outputHash: Hex;
  /** One of {@link OutputScheme}. */
  outputScheme: number;
  /** The memory snapshot the answer was computed with; zero where none. */
  contextHash: Hex;
  /** The signing key. */
  keyId: Hex;
  payer: Hex;
  /** uint64: place in the payment channel; 0 where no channel is used. */
  sequence: bigint;
  /** uint128, OPG base units: channel total after this receipt; with sequence 0 the fee of this request alone. */
  cumulativeFee: bigint;
  /** uint64, unix seconds. */
  completedAt: bigint;
  /** One of {@link Mode}. */
  mode: number;
}

/** Many receipts of one key under one signature; identified by its EIP-712 digest, settles once (R9). */
export interface Batch {
  keyId: Hex;
  mode: number;
  /** Merkle root over the receipt ids. */
  root: Hex;
  /** uint32: number of leaves. */
  count: number;
  /** keccak256 of the leaves document: a claim, not evidence of availability. */
  dataHash: Hex;
  /** Who receives the settler's share of fees. */
  settler: Hex;
}

/** What a reader hands to the registry to learn whether a receipt is settled. */
export interface Opening {
  receipt: Receipt;
  /** The batch it settled in; a batch of count 0 says that it settled alone. */
  batch: Batch;
  index: number;
  /** Siblings from the leaf up; a level where the node is promoted has none. */
  proof: Hex[];
}

/** One piece of an answer under output scheme 0. */
export interface Artifact {
  /** 0 text, 1 tool calls, 2 image, 3 file. */
  kind: number;
  /** For example `text/plain`. */
  mediaType: string;
  /** keccak256 of the bytes. */
  hash: Hex;
}

/** Rule R4, seconds: how far an answer may be dated ahead of the block it settles in, and how old it may be there. */
export const MAX_SKEW = 5n * 60n;
export const MAX_DELAY = 3n * 86_400n;

export const ZERO_HASH: Hex = `0x${"0".repeat(64)}`;
export const ZERO_ADDRESS: Hex = `0x${"0".repeat(40)}`;
