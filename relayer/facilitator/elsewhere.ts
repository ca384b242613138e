// SPDX-License-Identifier: MIT
// Anybody may carry an authorization to its token. Where somebody else did, the payee was paid all the same.
import { toBeHex, zeroPadValue } from "ethers";
import { NodeRefused } from "../chain/errors.ts";
import type { Rpc } from "../chain/rpc.ts";
import { findTransaction, type Finality, type RpcLog, type RpcReceipt } from "../chain/sending.ts";
import type { Hex } from "../protocol/index.ts";
import { eip3009 } from "./eip3009.ts";

export interface ExpectedPayment {
  token: Hex;
  payer: Hex;
  nonce: Hex;
  payTo: Hex;
  amount: bigint;
}

/** Nodes may be so many blocks apart. */
const MARGIN_BLOCKS = 64;

/**
 * Whether a transaction used this very authorization to pay this payee: the token's word that the nonce was used, and the
 * transfer right behind it. A transfer somewhere in the same transaction would not do: it may be another payment's.
 */
export function paidUnderNonce(receipt: RpcReceipt, expected: ExpectedPayment): boolean {
  if (BigInt(receipt.status) !== 1n) return false;
  return receipt.logs.some((log, place) => {
    const used = parse(log, expected.token);
    const moved = parse(receipt.logs[place + 1], expected.token);
    if (used?.name !== "AuthorizationUsed" || moved?.name !== "Transfer") return false;
    const [authorizer, nonce] = used.args as unknown as [string, string];
    const [from, to, value] = moved.args as unknown as [string, string, bigint];
    const lower = [authorizer, nonce, from, to].map((one) => one.toLowerCase());
    const wanted = [expected.payer, expected.nonce, expected.payer, expected.payTo];
    return lower.every((one, index) => one === wanted[index]) && value === expected.amount;
  });
}

function parse(log: RpcLog | undefined, token: Hex) {
  // ERC-20's Approval and others may have as many topics: what is none of ours parses to null.
  return log !== undefined && log.address.toLowerCase() === token ? eip3009.parseLog(log) : null;
}

/**
 * Looks for the transaction by which somebody else carried an authorization to its token.
 * @returns its hash and whether it is final; nothing where the nonce was used otherwise.
 * @throws {ChainUnavailable}
 */
export async function findElsewhere(
  { rpc, finality }: { rpc: Rpc; finality: Finality },
  expected: ExpectedPayment,
  fromBlock: number,
): Promise<{ hash: Hex; final: boolean } | undefined> {
  const { topicHash } = eip3009.getEvent("AuthorizationUsed")!;
  const logs = await rpc
    .request<{ transactionHash: Hex }[]>("eth_getLogs", [
      {
        address: expected.token,
        topics: [topicHash, zeroPadValue(expected.payer, 32), expected.nonce],
        fromBlock: toQuantity(Math.max(0, fromBlock - MARGIN_BLOCKS)),
        toBlock: "latest",
      },
    ])
    .catch((error: unknown) => {
      // A node that does not search so far knows nothing against it either, but nothing for it.
      if (error instanceof NodeRefused) return [];
      throw error;
    });
  for (const { transactionHash } of logs) {
    const { finding, receipt } = await findTransaction(rpc, transactionHash);
    if (finding.at !== "block" || !receipt || !paidUnderNonce(receipt, expected)) continue;
    const final = finding.agreed && finding.blockNumber <= (await finalBlock(rpc, finality));
    return { hash: transactionHash.toLowerCase() as Hex, final };
  }
  return undefined;
}

async function finalBlock(rpc: Rpc, finality: Finality): Promise<number> {
  if ("tag" in finality) {
    const block = await rpc.request<{ number: string } | null>("eth_getBlockByNumber", [finality.tag, false]);
    return Number(block?.number ?? -1);
  }
  return Number(await rpc.request<string>("eth_blockNumber", [])) - finality.confirmations + 1;
}

const toQuantity = (value: number): string => toBeHex(value).replace(/^0x0+(?=.)/, "0x");
