// SPDX-License-Identifier: MIT
import { least, lowestBlock } from "./agreement.ts";
import { ChainUnavailable, NodeRefused } from "./errors.ts";
import type { Rpc } from "./rpc.ts";
import { classifySendError, type SendErrorKind } from "./send-errors.ts";
import type { ChainView, Finding } from "./send-machine.ts";

/** Final when so many blocks, its own included, stand on it; or when the chain itself says `finalized`. */
export type Finality = { confirmations: number } | { tag: "finalized" | "safe" };

/** A log as a node gives it. */
export interface RpcLog {
  address: string;
  topics: string[];
  data: string;
}

/** A transaction receipt as a node gives it, as far as it is used here. */
export interface RpcReceipt {
  transactionHash: string;
  blockHash: string;
  blockNumber: string;
  status: string;
  gasUsed: string;
  logs: RpcLog[];
}

const hex = (value: number): string => `0x${value.toString(16)}`;

/**
 * What sends are decided by, and the nonce the pool lacks next. Every node is asked, and the least of what they say
 * counts: a head that is too high would make final what a reorganisation can still take, and a nonce that is too high
 * would leave a gap for ever.
 * @throws {ChainUnavailable}
 */
export async function readChain(
  rpc: Rpc,
  sender: string,
  finality: Finality,
): Promise<ChainView & { pendingNonce: number; headBlock: number }> {
  const count = (block: string) => least(rpc, "eth_getTransactionCount", [sender, block]);
  const head = await lowestBlock(rpc, "latest");
  if (!head) throw new ChainUnavailable("eth_getBlockByNumber", [new Error("the node has no latest block")]);
  const headBlock = Number(head.number);
  const finalBlock =
    "tag" in finality
      ? Number((await lowestBlock(rpc, finality.tag))?.number ?? -1)
      : headBlock - finality.confirmations + 1;
  const [finalNonce, latestNonce, pendingNonce, tip] = await Promise.all([
    finalBlock < 0 ? 0 : count(hex(finalBlock)),
    count("latest"),
    count("pending"),
    rpc.request<string>("eth_maxPriorityFeePerGas", []),
  ]);
  return {
    finalBlock,
    headBlock,
    finalNonce,
    latestNonce: Math.max(latestNonce, finalNonce),
    pendingNonce: Math.max(pendingNonce, latestNonce, finalNonce),
    market: { baseFeePerGas: BigInt(head.baseFeePerGas ?? 0), priorityFeePerGas: BigInt(tip) },
  };
}

/**
 * Looks a hash up at every node. One node that has it mined outweighs any that lacks it; but it counts as agreed only
 * when all that answered say the same, so that no single node can declare a send final.
 */
export async function findTransaction(
  rpc: Rpc,
  hash: string,
): Promise<{ finding: Finding; receipt: RpcReceipt | null }> {
  const answers = await rpc.requestAll<RpcReceipt | null>("eth_getTransactionReceipt", [hash]);
  const heard = answers.filter((answer) => answer.ok).map((answer) => answer.value);
  if (heard.length === 0) return { finding: { at: "unknown" }, receipt: null };
  const receipt = heard.find((value) => value?.blockHash) ?? null;
  if (receipt) {
    const agreed = heard.every((value) => value?.blockHash === receipt.blockHash && value.status === receipt.status);
    const { blockNumber, blockHash, status } = receipt;
    return {
      finding: { at: "block", blockNumber: Number(blockNumber), blockHash, succeeded: BigInt(status) === 1n, agreed },
      receipt,
    };
  }
  try {
    const pooled = await rpc.request<object | null>("eth_getTransactionByHash", [hash]);
    if (pooled !== null) return { finding: { at: "pool" }, receipt: null };
  } catch (error) {
    if (!(error instanceof ChainUnavailable || error instanceof NodeRefused)) throw error;
    return { finding: { at: "unknown" }, receipt: null };
  }
  return { finding: { at: "nowhere", agreed: heard.length === answers.length }, receipt: null };
}

// Of several nodes' refusals the one that says most about where the transaction stands.
const tellingFirst: readonly SendErrorKind[] = [
  "already_known",
  "mined_and_reverted",
  "nonce_too_low",
  "insufficient_funds",
  "replacement_underpriced",
  "fee_too_low",
  "nonce_too_high",
  "invalid",
  "pool_full",
  "unknown",
];

/** Hands a raw transaction to every node. `kind` null: one of them took it. Never throws: no answer is `unknown`. */
export async function broadcast(rpc: Rpc, raw: string): Promise<{ kind: SendErrorKind | null; message: string }> {
  const answers = await rpc.requestAll<string>("eth_sendRawTransaction", [raw]);
  if (answers.some((answer) => answer.ok)) return { kind: null, message: "" };
  const refusals = answers
    .filter((answer) => !answer.ok)
    .map(({ error }) => ({
      kind: error instanceof NodeRefused ? classifySendError(error.message) : ("unknown" as const),
      message: error.message,
    }))
    .sort((a, b) => tellingFirst.indexOf(a.kind) - tellingFirst.indexOf(b.kind));
  return refusals[0] ?? { kind: "unknown", message: "no node" };
}
