// SPDX-License-Identifier: MIT
// What travels between a consumer contract and a gateway (ERC-3668), as `ILookupConsumer.sol` has it. Both directions are
// ABI-encoded, so that the contract reads what the gateway wrote without anybody in between.
import { AbiCoder, Interface, type Result } from "ethers";
import { type Hex, type Opening, ProtocolError } from "../protocol/index.ts";

const RECEIPT =
  "tuple(bytes32 requestId, bytes32 modelId, bytes32 inputHash, bytes32 outputHash, uint8 outputScheme, " +
  "bytes32 contextHash, bytes32 keyId, address payer, uint64 sequence, uint128 cumulativeFee, uint64 completedAt, uint8 mode)";
const BATCH = "tuple(bytes32 keyId, uint8 mode, bytes32 root, uint32 count, bytes32 dataHash, address settler)";
const OPENING = `tuple(${RECEIPT} receipt, ${BATCH} batch, uint32 index, bytes32[] proof)`;
const ANSWER = `tuple(${OPENING} opening, bytes output, bytes signature, bytes evidence)`;
const POLICY =
  "tuple(uint8 modes, bytes32[] modelIds, uint256 origins, bytes32 inputHash, bytes32 requestId, bytes32[] keyIds, " +
  "bytes32 contextHash, uint256 maxAge, uint256 minSettled)";

/** What a gateway is asked. */
export const inferenceLookup = new Interface([
  `function inferenceFor(bytes question, ${POLICY} policy) view returns (${ANSWER})`,
]);
/** What a contract reverts with to have a gateway asked. */
export const offchainLookup = new Interface([
  "error OffchainLookup(address sender, string[] urls, bytes callData, bytes4 callbackFunction, bytes extraData)",
]);

const coder = AbiCoder.defaultAbiCoder();

/** Origins of an input, as a policy's mask has them; all that are named must hold. */
export const Origin = { INPUT: 1n, REQUEST: 2n, KEYS: 4n } as const;

/** Most model versions, and most keys, that a question may name. */
const MAX_IDS = 64;

/** What a contract will accept; see `Policy.sol`. Seconds, and masks of `1 << mode`. */
export interface LookupPolicy {
  modes: number;
  modelIds: Hex[];
  origins: bigint;
  inputHash: Hex;
  requestId: Hex;
  keyIds: Hex[];
  contextHash: Hex;
  maxAge: bigint;
  minSettled: bigint;
}

/** A question as it comes to a gateway. */
export interface LookupQuery {
  /** The question itself; empty where the input hash is enough. */
  question: Hex;
  policy: LookupPolicy;
}

/** Receipt, evidence and output: all that a transaction needs. */
export interface LookupAnswer {
  opening: Opening;
  /** Circuit outputs or contents, ABI-encoded. */
  output: Hex;
  /** Of the receipt alone, where it may have to be settled first; else `0x`. */
  signature: Hex;
  /** The proof that goes with the signature, for ZKML. */
  evidence: Hex;
}

/** Reads a question. @throws {ProtocolError} `malformed_lookup` for what no contract of ours asks. */
export function decodeQuery(data: string): LookupQuery {
  const query = readQuery(data);
  const { modelIds, keyIds } = query.policy;
  if (modelIds.length > MAX_IDS || keyIds.length > MAX_IDS)
    throw new ProtocolError("malformed_lookup", `A question may name ${MAX_IDS} model versions and as many keys`);
  return query;
}

function readQuery(data: string): LookupQuery {
  try {
    const [question, policy] = inferenceLookup.decodeFunctionData("inferenceFor", data) as unknown as [Hex, Result];
    const [modes, modelIds, origins, inputHash, requestId, keyIds, contextHash, maxAge, minSettled] = [...policy] as [
      ...[bigint, Result, bigint, Hex, Hex, Result, Hex, bigint, bigint],
    ];
    return {
      question,
      policy: {
        ...{ modes: Number(modes), modelIds: [...modelIds] as Hex[], origins, inputHash, requestId },
        ...{ keyIds: [...keyIds] as Hex[], contextHash, maxAge, minSettled },
      },
    };
  } catch (error) {
    throw new ProtocolError("malformed_lookup", `No call of inferenceFor: ${(error as Error).message.slice(0, 200)}`);
  }
}

/** The call data of a question. */
export function encodeQuery({ question, policy }: LookupQuery): Hex {
  return inferenceLookup.encodeFunctionData("inferenceFor", [question, policy]) as Hex;
}

/** The bytes that a contract's callback takes. */
export function encodeAnswer(answer: LookupAnswer): Hex {
  return coder.encode([ANSWER], [answer]) as Hex;
}

/** Circuit outputs as they stand in an answer. */
export function encodeOutputs(outputs: readonly bigint[]): Hex {
  return coder.encode(["uint256[]"], [outputs]) as Hex;
}
