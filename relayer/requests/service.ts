// SPDX-License-Identifier: MIT
import { setTimeout as sleep } from "node:timers/promises";
import type { Provider, Signer } from "ethers";
import { inferenceRegistry } from "../chain/abi.ts";
import { gasLimitFor } from "../chain/gas.ts";
import type { InferenceNode, Issued } from "../node/index.ts";
import { fromHex, Mode, toHex, ZERO_ADDRESS, ZERO_HASH, type Hex, type Opening } from "../protocol/index.ts";
import { inferenceRequests } from "./abi.ts";
import { declineReason, mayPass, type AskedRequest, type Terms } from "./decide.ts";
import { OutputMismatch, RequestStuck } from "./errors.ts";
import { outputMatches, type Output } from "./output.ts";
import { createRequestsReader } from "./reader.ts";
import { openAskedStore, type AskedStore } from "./store.ts";

export interface RequestServiceOptions extends Partial<Omit<Terms, "nodeId" | "mode">> {
  nodeId: Hex;
  modelId: Hex;
  mode: number;
  /** Signs receipts and keeps answers; its store is what makes an answer one answer. */
  node: InferenceNode;
  /** Address of `InferenceRequests`. */
  requests: Hex;
  provider: Provider;
  /** The node's operator, or an agent of it. Pays gas, and where it is the operator the bonds. */
  signer: Signer;
  /** File of the store, or a store of one's own. */
  store: string | AskedStore;
  /** What an answer costs, OPG base units; a request with a lower maximum is left to others. */
  price: (request: AskedRequest) => bigint | Promise<bigint>;
  /** The input, where it was not given on chain; `null` if it cannot be had now. It has to hash to `inputHash`. */
  readInput?: (request: AskedRequest) => Promise<Uint8Array | null>;
  infer: (request: AskedRequest, input: Uint8Array) => Promise<Output & { witness?: Uint8Array }>;
  /** Where a receipt settled, by a relayer's word, which the chain checks; `null` if it did not yet. */
  openingOf?: (receiptId: Hex) => Promise<Opening | null>;
  /** The proof of an answer, to settle it alone under ZKML. */
  evidenceOf?: (issued: Issued) => Promise<Hex>;
  /**
   * Where fewer seconds are left, a receipt is not waited for but settled alone, or excused where it is frozen. Settled
   * alone it is a day and a half after it was made, too: in three it could not settle any more.
   */
  hurrySeconds?: bigint;
  /** The first block to read where nothing was read before: that of the deployment. */
  fromBlock?: number;
  /** Blocks that must stand on a block before a request in it counts. */
  confirmations?: number;
  blocksAtOnce?: number;
  everyMs?: number;
  onError?: (error: Error) => void;
}

const MAX_CALLBACK_GAS = 2_000_000;
/** Half of MAX_DELAY: the other half is for a pause, and for a transaction that takes its time (R4). */
const SETTLE_ALONE_AFTER = 129_600n;

/** A node's side of requests that contracts ask on chain. Whatever it forgets by a crash, the chain tells it again. */
export function createRequestService(options: RequestServiceOptions) {
  const { nodeId, modelId, mode, node, signer, onError = () => undefined } = options;
  const { hurrySeconds = 300n, confirmations = 2, blocksAtOnce = 2_000, fromBlock = 0 } = options;
  const terms: Terms = {
    nodeId,
    mode,
    capacity: options.capacity ?? 8,
    minSeconds: options.minSeconds ?? 600n,
    maxCallbackGas: options.maxCallbackGas ?? MAX_CALLBACK_GAS,
    contexts: options.contexts ?? false,
  };
  const store = typeof options.store === "string" ? openAskedStore(options.store) : options.store;
  const reader = createRequestsReader(options.provider, options.requests);
  const deadlines = new Map<Hex, bigint>();
  let current: Promise<void> | null = null;
  let stopping: AbortController | null = null;
  let loop: Promise<void> = Promise.resolve();

  async function send(to: Hex, data: string, gasOnTop = 0n): Promise<void> {
    // An estimate fails where the call would revert: what the chain refuses costs no gas.
    const needed = await signer.estimateGas({ to, data });
    const gasLimit = gasLimitFor(needed + gasOnTop);
    await (await signer.sendTransaction({ to, data, gasLimit })).wait();
  }
  const call = (name: "accept" | "fulfil" | "excuse", args: unknown[]) =>
    inferenceRequests.encodeFunctionData(name, args);

  async function read(): Promise<void> {
    const last = (await reader.head()) - confirmations;
    for (let from = Math.max(store.cursor() + 1, fromBlock); from <= last; from += blocksAtOnce) {
      const to = Math.min(from + blocksAtOnce - 1, last);
      store.record(await reader.asked(modelId, from, to), to);
    }
  }

  async function inputOf(request: AskedRequest): Promise<Uint8Array | null> {
    if (request.given) return fromHex(request.given.input);
    return (await options.readInput?.(request)) ?? null;
  }

  /** @returns whether it is this node's now. */
  async function take(request: AskedRequest): Promise<boolean> {
    const { requestId } = request;
    const underWay = await reader.load(nodeId, modelId);
    const declined = declineReason(request, terms, underWay, await reader.now());
    if (declined) {
      if (!mayPass(declined)) store.close(requestId, declined);
      return false;
    }
    // What settles after that cannot be fulfilled. A withdrawal can be taken back, so the request is looked at again.
    const ends = await reader.evidenceEnds(modelId);
    if (ends !== null && ends <= request.deadline) return false;
    // Before the bond is put up, and not after: what cannot be had cannot be answered. It is asked for again until late.
    if ((await inputOf(request)) === null) return false;
    const price = store.decidePrice(requestId, await options.price(request));
    if (price > request.maxFee) {
      store.close(requestId, "fee_too_low");
      return false;
    }
    const latest = request.deadline - terms.minSeconds;
    await send(options.requests, call("accept", [requestId, node.key.keyId, latest]));
    return true;
  }

  async function answer(request: AskedRequest): Promise<Issued> {
    const { requestId, inputHash, requester, contextHash } = request;
    const kept = node.issued(requestId);
    if (kept) return kept;
    const price = store.decidePrice(requestId, await options.price(request));
    const ask = { requestId, inputHash, payer: requester, contextHash };
    return node.serve({ ...ask, cumulativeFee: price < request.maxFee ? price : request.maxFee }, async () => {
      const input = await inputOf(request);
      if (input === null) throw new Error("the input is gone");
      const found = await options.infer(request, input);
      if (!outputMatches(found)) throw new OutputMismatch(requestId);
      const { outputHash, outputScheme, output, witness } = found;
      return { outputHash, outputScheme, body: fromHex(output), ...(witness && { witness }) };
    });
  }

  const alone = ({ receipt }: Issued): Opening => {
    const batch = { keyId: ZERO_HASH, mode: 0, root: ZERO_HASH, count: 0, dataHash: ZERO_HASH, settler: ZERO_ADDRESS };
    return { receipt, batch, index: 0, proof: [] };
  };

  /** Where the receipt settled, by whatever way; `null` while it is waited for. */
  async function opened(issued: Issued, hurry: boolean): Promise<Opening | null> {
    if ((await reader.settledAlone(issued.receiptId)) !== 0n) return alone(issued);
    const found = await options.openingOf?.(issued.receiptId);
    if (found) return found;
    if (options.openingOf && !hurry) return null;
    const evidence = mode === Mode.ZKML ? await options.evidenceOf?.(issued) : "0x";
    if (evidence === undefined) return null;
    const { receipt, signature } = issued;
    const item = { receipt, signature, evidence };
    await send(await reader.registry(), inferenceRegistry.encodeFunctionData("settleReceipts", [[item]]));
    return (await reader.settledAlone(issued.receiptId)) === 0n ? null : alone(issued);
  }

  /** Brings a request as far as it goes now. */
  async function bring(request: AskedRequest): Promise<void> {
    const { requestId } = request;
    let state = await reader.state(requestId);
    if (state.status === "Open" && (await take(request))) state = await reader.state(requestId);
    if (state.status === "Open") return;
    if (state.status !== "Accepted" || state.nodeId !== nodeId) {
      deadlines.delete(requestId);
      store.close(requestId, state.status === "Accepted" ? "taken" : state.status);
      return;
    }
    deadlines.set(requestId, state.deadline);
    const issued = await answer(request);
    const now = await reader.now();
    const hurry = now + hurrySeconds >= state.deadline;
    // A deadline can be later than the last moment in which the receipt settles.
    const opening = await opened(issued, hurry || now >= issued.receipt.completedAt + SETTLE_ALONE_AFTER);
    if (opening === null) return;
    const standing = await reader.standing(opening);
    // The callback may do more than it did when it was estimated, and may fail, which is written down.
    if (standing === "verified")
      await send(options.requests, call("fulfil", [requestId, opening, toHex(issued.body)]), 100_000n);
    else if (standing === "frozen" && hurry) await send(options.requests, call("excuse", [requestId, opening]));
    else return;
    deadlines.delete(requestId);
    store.close(requestId, (await reader.state(requestId)).status);
  }

  async function once(): Promise<void> {
    await read();
    for (const request of store.open()) {
      try {
        await bring(request);
      } catch (error) {
        // One request's failure is no other's.
        onError(new RequestStuck(request.requestId, "bringing", error));
      }
    }
  }
  const step = (): Promise<void> => (current ??= once().finally(() => (current = null)));

  return {
    /**
     * Reads what is new and brings every request a step further, once. Safe to repeat, and after a crash at any place:
     * the chain refuses to be told anything twice.
     * @throws where the chain could not be read; what fails for one request goes to `onError`.
     */
    step,
    /** Deadline of the oldest request that this node is at, as of the last step; `null` for none. For a relayer's sealing. */
    oldestDeadline: (): bigint | null => {
      let oldest: bigint | null = null;
      for (const deadline of deadlines.values()) if (oldest === null || deadline < oldest) oldest = deadline;
      return oldest;
    },
    /** Why a request is not worked on any more; `null` if it is, or is not known. */
    closedBecause: (requestId: Hex) => store.closedBecause(requestId),
    start(): void {
      if (stopping) return;
      stopping = new AbortController();
      const { signal } = stopping;
      loop = (async () => {
        while (!signal.aborted) {
          await step().catch(onError);
          await sleep(options.everyMs ?? 2_000, undefined, { signal }).catch(() => undefined);
        }
      })();
    },
    async stop(): Promise<void> {
      stopping?.abort();
      await loop;
      stopping = null;
    },
  };
}
export type RequestService = ReturnType<typeof createRequestService>;
