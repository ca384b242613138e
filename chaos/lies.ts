// SPDX-License-Identifier: MIT
// What nodes do to a relayer: outages, and lies. Each is a rule for the proxies between them.
import { Transaction } from "ethers";
import type { Fault, RpcCall } from "../test/support/fault-proxy.ts";
import { InferenceRegistry__factory } from "../typechain/index.ts";

export interface Disturbance {
  name: string;
  /** How many of the two configured nodes misbehave. A relayer cannot know a lie from the only answer it has. */
  nodes: 1 | 2;
  rule: (call: RpcCall) => Fault | undefined;
}

const hex = (value: number): string => `0x${Math.max(0, value).toString(16)}`;
const always = (fault: Fault) => (): Fault => fault;
/** Changes what a node says to one method. */
const changing =
  (method: string, result: (honest: unknown, call: RpcCall) => unknown) =>
  (call: RpcCall): Fault | undefined =>
    call.method === method ? { kind: "change", result: (honest) => result(honest, call) } : undefined;

/** A block as if the chain were so much longer or shorter. */
const moved = (by: number) => (honest: unknown) => {
  const block = honest as { number: string } | null;
  return block && { ...block, number: hex(Number(block.number) + by) };
};

const refusing = (code: number, message: string) => (call: RpcCall) =>
  call.method === "eth_sendRawTransaction" ? ({ kind: "refuse", code, message } as const) : undefined;

/** Look-ups of when something was settled start so. */
const SETTLED_AT = InferenceRegistry__factory.createInterface().getFunction("settledAt").selector;

export const outages: Disturbance[] = [
  { name: "RPC: one node hangs", nodes: 1, rule: always({ kind: "hang" }) },
  { name: "RPC: all nodes hang", nodes: 2, rule: always({ kind: "hang" }) },
  { name: "RPC: all answer HTTP 500", nodes: 2, rule: always({ kind: "http", status: 500, body: "oops" }) },
  { name: "RPC: all answer no JSON", nodes: 2, rule: always({ kind: "http", status: 200, body: "<html>" }) },
  { name: "RPC: all cut the line after acting", nodes: 2, rule: always({ kind: "lose_reply" }) },
];

export const lies: Disturbance[] = [
  {
    name: "lie: another chain id",
    nodes: 1,
    rule: (call) => (call.method === "eth_chainId" ? { kind: "answer", result: "0x1" } : undefined),
  },
  { name: "lie: a head that stands still behind", nodes: 1, rule: changing("eth_getBlockByNumber", moved(-15)) },
  // By as much as makes the newest block final: the node below answers what is asked of that block.
  { name: "lie: a head too high", nodes: 1, rule: changing("eth_getBlockByNumber", moved(5)) },
  { name: "lie: no receipt for what is mined", nodes: 1, rule: changing("eth_getTransactionReceipt", () => null) },
  {
    name: "lie: a forged receipt",
    nodes: 1,
    rule: changing("eth_getTransactionReceipt", (honest, { params }) => {
      return honest ?? { ...FORGED, transactionHash: params[0] };
    }),
  },
  {
    name: "lie: a nonce too high",
    nodes: 1,
    rule: changing("eth_getTransactionCount", (honest) => hex(Number(honest) + 5)),
  },
  { name: "lie: nonce 0", nodes: 1, rule: changing("eth_getTransactionCount", () => "0x0") },
  {
    name: "lie: everything is settled already",
    nodes: 1,
    rule: (call) => {
      const data = (call.params[0] as { data?: string } | undefined)?.data;
      if (call.method !== "eth_call" || !data?.startsWith(SETTLED_AT)) return undefined;
      return { kind: "answer", result: `0x${"1".padStart(64, "0")}` };
    },
  },
  {
    name: "lie: no code anywhere",
    nodes: 1,
    rule: (call) => (call.method === "eth_call" ? { kind: "answer", result: "0x" } : undefined),
  },
  { name: "lie: already known", nodes: 2, rule: refusing(-32000, "already known") },
  { name: "lie: nonce too low", nodes: 2, rule: refusing(-32000, "nonce too low: next nonce 99, tx nonce 1") },
  { name: "lie: replacement underpriced", nodes: 2, rule: refusing(-32000, "replacement transaction underpriced") },
  {
    name: "lie: taken, and thrown away",
    nodes: 2,
    rule: (call) => (call.method === "eth_sendRawTransaction" ? { kind: "answer", result: hashOf(call) } : undefined),
  },
];

/** What nodes say of the chain, and go on saying while they stand still. */
const ABOUT_NOW = /^eth_(getTransactionReceipt|getTransactionCount|getBlockByNumber|getTransactionByHash|blockNumber)$/;

/**
 * Nodes that stand still: they take what is sent, and it is mined, but of what there is they know no more than when they
 * were asked first. Whoever waits for such a node signs a dearer transaction for a nonce that was used.
 */
export function standingStill(): Disturbance {
  const said = new Map<string, unknown>();
  return {
    name: "RPC: all nodes stand still",
    nodes: 2,
    rule(call) {
      if (!ABOUT_NOW.test(call.method)) return undefined;
      const question = JSON.stringify([call.method, call.params]);
      return {
        kind: "change",
        result(honest) {
          if (!said.has(question)) said.set(question, honest);
          return said.get(question);
        },
      };
    },
  };
}

const FORGED = {
  ...{ blockHash: `0x${"fe".repeat(32)}`, blockNumber: "0x1", status: "0x1", gasUsed: "0x5208" },
  ...{ effectiveGasPrice: "0x1", logs: [] as unknown[] },
};

/** Hash of what an `eth_sendRawTransaction` carries. */
export const hashOf = (call: RpcCall): string => Transaction.from(String(call.params[0])).hash!;
