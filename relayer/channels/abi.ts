// SPDX-License-Identifier: MIT
import { Interface } from "ethers";

// Written out, so that payers and nodes start without a compiler. A test holds it against the compiled contracts.
const BATCH = "(bytes32 keyId,uint8 mode,bytes32 root,uint32 count,bytes32 dataHash,address settler)";
const CHANNEL = "(address payer,address signer,bytes32 nodeId,bytes32 modelId,uint8 modeMask,uint64 lane)";
const CLAIM =
  "(uint256 payer,uint256 signer,uint256 fees,uint256 answer,bytes32 inputHash,bytes32 outputHash,bytes32 contextHash," +
  "bytes32 r,bytes32 vs)";

export const inferenceEscrow = new Interface([
  "function deposit(address payer,bytes32 nodeId,uint256 amount)",
  "function thaw(bytes32 nodeId,uint256 amount)",
  "function withdraw(bytes32 nodeId) returns (uint256 amount)",
  `function openChannel(${CHANNEL} channel,uint96 limit,uint40 expiry)`,
  `function withdrawSigner(${CHANNEL} channel)`,
  `function collect(${BATCH} batch,bytes32 nodeId,bytes32 modelId,${CLAIM} claim,bytes32[] proof) returns (uint256 amount)`,
  `function collectBatch((${BATCH} batch,bytes32 nodeId,bytes32 modelId,${CLAIM}[] claims,bytes32[] proof)[] groups) returns (uint256 amount)`,
  `function collectable(${BATCH} batch,bytes32 nodeId,bytes32 modelId,${CLAIM} claim,bytes32[] proof) view returns (uint256 amount,uint8 refusal,uint8 reason)`,
  "function forward(bytes32 nodeId,bytes32 modelId,address settler,uint256 epoch) returns (uint256 amount)",
  "function account(address payer,bytes32 nodeId) view returns (uint256 balance,uint256 thawing,uint256 readyAt)",
  "function session(bytes32 channelId) view returns (uint256 paid,uint256 owed,uint256 limit,uint256 expiry)",
  "function inferenceRegistry() view returns (address)",
  "event Collected(bytes32 indexed channelId,uint256 payment,uint256 totals)",
  "event FeesAccrued(bytes32 indexed nodeId,bytes32 indexed modelId,address indexed settler,uint256 epoch,uint256 amount,uint256 fees)",
  "event ClaimSkipped(uint256 indexed group,uint256 indexed index,uint8 indexed refusal,uint8 reason)",
]);

/** The numbers of a `Collected` event, in wei but the sequence. */
export interface Collected {
  sequence: bigint;
  /** Paid now. */
  amount: bigint;
  /** What the channel has paid so far, this included. */
  paid: bigint;
  /** What of it waits in the channel for `release`. */
  owed: bigint;
  /** What is left in the payer's balance for this node. */
  balance: bigint;
}

const AMOUNT = 2n ** 96n - 1n;

/** Reads the two words of a `Collected` event. */
export function collectedOf({ payment, totals }: { payment: bigint; totals: bigint }): Collected {
  const [amount, owed] = [(payment >> 96n) & AMOUNT, (totals >> 96n) & AMOUNT];
  return { sequence: payment >> 192n, amount, paid: payment & AMOUNT, owed, balance: totals & AMOUNT };
}

/** `Refusal` of IInferenceEscrow.sol, by number. */
export const REFUSALS = [
  "None",
  "NotVerified",
  "OtherNode",
  "WrongSequence",
  "ModeNotAllowed",
  "BadVoucher",
  "NotOpened",
  "SessionExpired",
  "NothingDue",
  "LimitReached",
  "EscrowEmpty",
  "OtherRequest",
] as const;
export type Refusal = (typeof REFUSALS)[number];
