// SPDX-License-Identifier: MIT
// Until when requests that were asked on chain can be answered, for whoever seals and settles what answers them.
import { Interface } from "ethers";
import { Counter, Gauge, type Registry } from "prom-client";
import type { Log } from "../chain/manager-options.ts";
import type { Rpc } from "../chain/rpc.ts";
import type { RpcLog } from "../chain/sending.ts";
import type { Hex } from "../protocol/index.ts";

/** Of InferenceRequests: what opens a request, and what ends it. A test holds it against the compiled contract. */
export const requestEvents = new Interface([
  "event Requested(bytes32 indexed requestId,address indexed requester,bytes32 indexed modelId,(bytes32 modelId,bytes32 inputHash,bytes32 contextHash,bytes32 nodeId,uint96 maxFee,uint40 deadline,uint8 modeMask,uint32 callbackGas) terms)",
  "event Fulfilled(bytes32 indexed requestId,bytes32 indexed nodeId,bytes32 indexed receiptId,uint256 fee,uint256 rest,uint256 load)",
  "event Cancelled(bytes32 indexed requestId,uint256 refund)",
  "event TimedOut(bytes32 indexed requestId,bytes32 indexed nodeId,uint256 refund,uint256 penalty,uint256 load)",
  "event Excused(bytes32 indexed requestId,bytes32 indexed nodeId,uint8 reason,uint256 refund,uint256 bond,uint256 load)",
]);
const TOPICS = ["Requested", "Fulfilled", "Cancelled", "TimedOut", "Excused"].map(
  (name) => requestEvents.getEvent(name)!.topicHash,
);

/** A request that nobody has ended yet, as far as is known. */
export interface OpenRequest {
  requestId: Hex;
  /** Time left, milliseconds, as it was asked: what a pause adds is not counted, which errs on the early side. */
  leftMs: number;
}

export interface DeadlinesOptions {
  rpc: Rpc;
  /** InferenceRequests. */
  requests: Hex;
  lookbackBlocks: number;
  logBlocks: number;
  pollMs: number;
  maxOpen: number;
  log: Log;
  now?: () => number;
}

export interface Deadlines {
  /**
   * Open requests with at most so much time left, the first to end first. None where nothing is known: that is counted,
   * and makes nobody wait longer than without deadlines.
   */
  within(ms: number): OpenRequest[];
  /** Reads what is new on the chain. @throws {ChainUnavailable} {@link NodeRefused} */
  look(): Promise<void>;
  start(): void;
  stop(): void;
  /** Adds its metrics to a registry. */
  measure(registry: Registry): void;
}

/** Blocks that are read again each time: what a reorganisation put there since would be missed otherwise. */
const OVERLAP = 64;
/** So many are told at once. Those within a margin are few; who opens more of them pays a fee for each. */
const MOST_TOLD = 1_000;

/** Follows the requests of a contract by their events, in memory: a new start reads them again. */
export function createDeadlines(options: DeadlinesOptions): Deadlines {
  const { rpc, requests, lookbackBlocks, logBlocks, pollMs, maxOpen, log, now = Date.now } = options;
  /** By request, milliseconds. */
  const open = new Map<Hex, number>();
  let next: number | null = null;
  let knownAt = -Infinity;
  let left = 0;
  let unknown = 0;
  let timer: NodeJS.Timeout | undefined;
  let running = false;

  function note(entry: RpcLog): void {
    const event = requestEvents.parseLog(entry);
    if (event === null) return;
    const requestId = String(event.args["requestId"]).toLowerCase() as Hex;
    if (event.name === "Requested") {
      const deadline = (event.args["terms"] as { deadline: bigint }).deadline;
      open.set(requestId, Number(deadline) * 1_000);
    } else open.delete(requestId);
  }

  /** Forgets what is over, and where there are too many, those that end last. */
  function tidy(): void {
    for (const [requestId, deadline] of open) if (deadline < now()) open.delete(requestId);
    if (open.size <= maxOpen) return;
    const last = [...open].sort(([, a], [, b]) => b - a).slice(0, open.size - maxOpen);
    for (const [requestId] of last) open.delete(requestId);
    left += last.length;
  }

  async function look(): Promise<void> {
    const head = Number(await rpc.request<string>("eth_blockNumber", []));
    const hex = (block: number): string => `0x${block.toString(16)}`;
    for (let from = Math.max(0, (next ?? head - lookbackBlocks) - OVERLAP); from <= head; from += logBlocks) {
      const to = Math.min(head, from + logBlocks - 1);
      const filter = { address: requests, topics: [TOPICS], fromBlock: hex(from), toBlock: hex(to) };
      for (const entry of await rpc.request<RpcLog[]>("eth_getLogs", [filter])) note(entry);
      tidy();
      next = to + 1;
    }
    knownAt = now();
  }

  async function turn(): Promise<void> {
    try {
      await look();
    } catch (error) {
      log.warn({ error: (error as Error).message }, "deadlines of requests could not be read");
    }
    if (running) timer = setTimeout(() => void turn(), pollMs);
  }
  /** What was read long ago may lack what is urgent now. */
  const isKnown = (): boolean => now() - knownAt <= 3 * pollMs + 60_000;

  return {
    look,
    within(ms) {
      if (!isKnown()) unknown++;
      const found: OpenRequest[] = [];
      for (const [requestId, deadline] of open) {
        const leftMs = deadline - now();
        if (leftMs >= 0 && leftMs <= ms) found.push({ requestId, leftMs });
      }
      return found.sort((a, b) => a.leftMs - b.leftMs).slice(0, MOST_TOLD);
    },
    start() {
      running = true;
      void turn();
    },
    stop() {
      running = false;
      clearTimeout(timer);
    },
    measure(registry) {
      const registers = [registry];
      const gauge = (name: string, help: string, value: () => number): Gauge =>
        new Gauge({
          ...{ name, help, registers },
          collect() {
            this.set(value());
          },
        });
      gauge("relayer_requests_open", "Requests on chain that may still be answered", () => open.size);
      gauge("relayer_requests_known", "1 while the deadlines of requests are known", () => (isKnown() ? 1 : 0));
      const counter = (name: string, help: string, take: () => number): Counter =>
        new Counter({
          ...{ name, help, registers },
          collect() {
            this.inc(take());
          },
        });
      counter(
        "relayer_deadlines_unknown_total",
        "Times that receipts were sealed or settled without knowing deadlines",
        () => {
          const taken = unknown;
          unknown = 0;
          return taken;
        },
      );
      counter("relayer_requests_forgotten_total", "Open requests that there was no room to remember", () => {
        const taken = left;
        left = 0;
        return taken;
      });
    },
  };
}
