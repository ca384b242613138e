// SPDX-License-Identifier: MIT
// Anybody may carry an authorization to its token, or to x402's proxy. Where somebody else did, the payee was paid all the
// same.
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
/** So many transactions are looked at. */
const MAX_CANDIDATES = 256;

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

/** Nonces under which a call pays so much from payer to payee, as `settle` of x402's proxy lays out its arguments. */
function settledNonces(input: string, { token, payer, payTo, amount }: ExpectedPayment): Set<string> {
  const word = (value: Hex | bigint): string => toBeHex(value, 32).slice(2);
  const [before, after] = [word(token) + word(amount), word(payer) + word(payTo)];
  // Found anywhere, so within the calls of other contracts too; a lookahead, so that none hides behind another.
  const pattern = new RegExp(`(?=${before}([0-9a-f]{64})[0-9a-f]{64}${after})`, "g");
  return new Set(Array.from(input.toLowerCase().matchAll(pattern), ([, nonce]) => `0x${nonce}`));
}

/**
 * Whether a transaction carried this very permit to x402's proxy. Permit2 says of a nonce's use nothing, and the proxy not
 * whose it was: so the call must be there to be read, and for each such call that the transaction has, so much must have
 * gone from payer to payee. A transaction then never pays for more than it moved.
 */
export function paidUnderPermit(receipt: RpcReceipt, input: string, expected: ExpectedPayment): boolean {
  if (BigInt(receipt.status) !== 1n) return false;
  const nonces = settledNonces(input, expected);
  const moved = receipt.logs.filter((log, place) => {
    const event = parse(log, expected.token);
    // What is right behind the use of an EIP-3009 nonce paid for that one.
    if (event?.name !== "Transfer" || parse(receipt.logs[place - 1], expected.token)?.name === "AuthorizationUsed")
      return false;
    const [from, to, value] = event.args as unknown as [string, string, bigint];
    return from.toLowerCase() === expected.payer && to.toLowerCase() === expected.payTo && value === expected.amount;
  });
  return nonces.has(expected.nonce) && moved.length >= nonces.size;
}

/** What to look for, and how to tell it. */
export interface Search {
  address: Hex;
  topics: string[];
  /** Whether a log may be of it. */
  isLike: (log: { data: string }) => boolean;
  paid: (receipt: RpcReceipt, input: () => Promise<string>) => Promise<boolean>;
}

/** By the token's word that the nonce was used. */
export function authorizationSearch(expected: ExpectedPayment): Search {
  const { topicHash } = eip3009.getEvent("AuthorizationUsed")!;
  return {
    address: expected.token,
    topics: [topicHash, zeroPadValue(expected.payer, 32), expected.nonce],
    isLike: () => true,
    paid: async (receipt) => paidUnderNonce(receipt, expected),
  };
}

/** By transfers of so much from payer to payee. */
export function permitSearch(expected: ExpectedPayment): Search {
  const { topicHash } = eip3009.getEvent("Transfer")!;
  return {
    address: expected.token,
    topics: [topicHash, zeroPadValue(expected.payer, 32), zeroPadValue(expected.payTo, 32)],
    isLike: ({ data }) => data === toBeHex(expected.amount, 32),
    paid: async (receipt, input) => paidUnderPermit(receipt, await input(), expected),
  };
}

/**
 * Looks for the transaction by which somebody else carried an authorization there, among the oldest since.
 * @returns its hash and whether it is final; nothing where the nonce was used otherwise.
 * @throws {ChainUnavailable}
 */
export async function findElsewhere(
  { rpc, finality }: { rpc: Rpc; finality: Finality },
  { address, topics, isLike, paid }: Search,
  fromBlock: number,
): Promise<{ hash: Hex; final: boolean } | undefined> {
  const logs = await rpc
    .request<{ transactionHash: Hex; data: string }[]>("eth_getLogs", [
      { address, topics, fromBlock: toQuantity(Math.max(0, fromBlock - MARGIN_BLOCKS)), toBlock: "latest" },
    ])
    .catch((error: unknown) => {
      // A node that does not search so far knows nothing against it either, but nothing for it.
      if (error instanceof NodeRefused) return [];
      throw error;
    });
  for (const { transactionHash } of logs.filter(isLike).slice(0, MAX_CANDIDATES)) {
    const { finding, receipt } = await findTransaction(rpc, transactionHash);
    if (finding.at !== "block" || !receipt) continue;
    const input = async (): Promise<string> =>
      (await rpc.request<{ input: string } | null>("eth_getTransactionByHash", [transactionHash]))?.input ?? "0x";
    if (!(await paid(receipt, input))) continue;
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
