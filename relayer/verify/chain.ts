// SPDX-License-Identifier: MIT
// What an outsider asks of the chain: every node that is named, at one block, and all must say the same.
import { boundedText } from "../bounded-text.ts";
import type { Result } from "ethers";
import { inferenceRegistry, reasonName } from "../chain/abi.ts";
import { ChainUnavailable } from "../chain/errors.ts";
import { createChainReader, type ChainReader, type Verification } from "../chain/reader.ts";
import { createRpc, type Rpc } from "../chain/rpc.ts";
import type { Batch, Domain, Hex, Opening, Receipt } from "../protocol/index.ts";
import { VerifyError } from "./errors.ts";

/** A log of the registry, as far as it is needed. */
export interface RegistryLog {
  topics: string[];
  data: string;
  transactionHash: string;
  blockNumber: string;
}

export interface AuditedChain {
  domain: Domain;
  rpc: Rpc;
  /** Keys and models, from the first node that answers. */
  reader: ChainReader;
  /** The block that everything is asked at. */
  block: number;
  /** Nodes that were asked. */
  nodes: number;
  settledAt(id: Hex): Promise<bigint>;
  verification(opening: Opening): Promise<Verification>;
  /** The reason of each of some receipts of a batch; `None` for one that is verified. */
  settledReceipts(batch: Batch, receipts: readonly Receipt[], indices: number[], proof: Hex[]): Promise<string[]>;
  timeOf(block: number): Promise<bigint>;
  logs(filter: { topics: (string | string[] | null)[]; fromBlock: number; toBlock: number }): Promise<RegistryLog[]>;
}

const hex = (value: number): string => `0x${value.toString(16)}`;

/**
 * Opens the registry over all these nodes.
 * @throws {ChainUnavailable} {@link WrongRegistry} if it is no registry, or hashes receipts in another way.
 */
export async function openAuditedChain(urls: readonly string[], registry: Hex): Promise<AuditedChain> {
  const chainId = await chainIdOf(urls[0]!);
  const rpc = createRpc({ urls, chainId, timeoutMs: 30_000 });
  const domain: Domain = { chainId: BigInt(chainId), verifyingContract: registry };

  /** What every node says; they must agree. */
  async function askAll<T>(method: string, params: readonly unknown[]): Promise<T[]> {
    const answers = await rpc.requestAll<T>(method, params);
    const failures = answers.flatMap((answer) => (answer.ok ? [] : [answer.error]));
    // A node that says nothing may be the one that would say otherwise.
    if (failures.length > 0) throw new ChainUnavailable(method, failures);
    return answers.map((answer) => (answer as { value: T }).value);
  }
  const heads = await askAll<string>("eth_blockNumber", []);
  const block = Math.min(...heads.map(Number));
  const reader = await createChainReader({ rpc, domain });

  async function call(name: string, args: readonly unknown[]): Promise<Result> {
    const data = inferenceRegistry.encodeFunctionData(name, args);
    const [first, ...others] = await askAll<string>("eth_call", [{ to: registry, data }, hex(block)]);
    if (others.some((other) => other !== first))
      throw new VerifyError(
        "nodes_disagree",
        `The nodes answer ${name} differently at block ${block}: one of them lies`,
      );
    return inferenceRegistry.decodeFunctionResult(name, first!);
  }

  return {
    ...{ domain, rpc, reader, block, nodes: urls.length },
    settledAt: async (id) => (await call("settledAt", [id]))[0] as bigint,
    verification: async (opening) => {
      const [found] = (await call("verification", [opening])) as unknown as [Result];
      const { verified, distrusted, frozen, mode, reason, settledAt, receiptId } = found;
      return { verified, distrusted, frozen, mode: Number(mode), reason: reasonName(reason), settledAt, receiptId };
    },
    settledReceipts: async (batch, receipts, indices, proof) => {
      const [, , reasons] = (await call("settledReceipts", [batch, receipts, indices, proof])) as unknown as [
        ...[string, bigint[], bigint[]],
      ];
      return [...reasons].map(reasonName);
    },
    timeOf: async (number) => {
      const found = await rpc.request<{ timestamp: string } | null>("eth_getBlockByNumber", [hex(number), false]);
      if (!found) throw new ChainUnavailable("eth_getBlockByNumber", [new Error(`the node has no block ${number}`)]);
      return BigInt(found.timestamp);
    },
    logs: ({ topics, fromBlock, toBlock }) =>
      rpc.request<RegistryLog[]>("eth_getLogs", [
        { address: registry, topics, fromBlock: hex(fromBlock), toBlock: hex(toBlock) },
      ]),
  };
}

/** Of an answer that is one number. */
const MAX_ANSWER_BYTES = 16_384;

async function chainIdOf(url: string): Promise<number> {
  const { host, username, password } = new URL(url);
  const target = new URL(url);
  target.username = target.password = "";
  const headers: Record<string, string> = { "content-type": "application/json" };
  if (username) {
    const pair = `${decodeURIComponent(username)}:${decodeURIComponent(password)}`;
    headers["authorization"] = `Basic ${Buffer.from(pair).toString("base64")}`;
  }
  try {
    const response = await fetch(target, {
      method: "POST",
      headers,
      body: JSON.stringify({ jsonrpc: "2.0", id: 1, method: "eth_chainId", params: [] }),
      signal: AbortSignal.timeout(30_000),
      redirect: "error",
    });
    const { result } = JSON.parse(await boundedText(response, MAX_ANSWER_BYTES)) as { result?: string };
    return Number(fromNumber(result));
  } catch (error) {
    throw new ChainUnavailable("eth_chainId", [new Error(`${host}: ${(error as Error).message}`)]);
  }
}

function fromNumber(value: string | undefined): bigint {
  if (value === undefined || !/^0x[0-9a-f]+$/i.test(value)) throw new Error("an answer that is none");
  return BigInt(value);
}
