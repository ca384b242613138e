// SPDX-License-Identifier: MIT
import { AbiCoder, keccak256 } from "ethers";
import {
  channelRequestId,
  fromHex,
  KeyKind,
  Mode,
  receiptId,
  toHex,
  ZERO_ADDRESS,
  ZERO_HASH,
} from "../protocol/index.ts";
import type { Domain, Hex, Receipt } from "../protocol/index.ts";
import { createRelayerClient, type RelayerClient } from "./client.ts";
import { createDelivery, type Prover } from "./delivery.ts";
import { ChannelMismatch, RequestIdTaken } from "./errors.ts";
import type { NodeKey } from "./keys.ts";
import { openRequestStore, type ChannelPlace, type Decided, type Issued } from "./request-store.ts";
import type { RequestStore } from "./request-store.ts";
import { answerSeals } from "./seals.ts";

/** What is asked of a node, as far as the receipt says it. */
export interface Ask {
  /** One id for payment, answer and proof (R5). Never two different requests under one. */
  requestId: Hex;
  inputHash: Hex;
  payer?: Hex;
  contextHash?: Hex;
  /** Place in a payment channel; 0, for no channel, where left out. */
  sequence?: bigint;
  /** The channel that `sequence` counts in, from 1: the request id follows from both (R5). Lane by lane, in order. */
  channelId?: Hex;
  /** OPG base units; with sequence 0 the fee of this request alone. */
  cumulativeFee?: bigint;
}

/** The part of it that the receipt repeats. */
type ReceiptAsk = Required<Omit<Ask, "channelId">>;

/** What the model answered. */
export interface Answer {
  outputHash: Hex;
  /** One of `OutputScheme`; 0, an artifact list, where left out. */
  outputScheme?: number;
  /** What the asker gets; kept, and given again to whoever repeats the request. */
  body: Uint8Array;
  /** ZKML: whatever the prover needs to prove this run later. Kept until the proof is made. */
  witness?: Uint8Array;
  /** Where the answer cost less than was asked for: the receipt's fee, not above the ask's. */
  cumulativeFee?: bigint;
}

/** An answer with its receipt, signed on its own: whoever holds it can settle it without node or relayer. */
export type Served = Issued & { repeated: boolean };

export interface NodeOptions {
  key: NodeKey;
  /** One of `Mode`. TEE takes an enclave key, the others an operator key. */
  mode: number;
  modelId: Hex;
  domain: Domain;
  /** The relayer's URL, or a client of one's own. */
  relayer: string | RelayerClient;
  /** File of the request store, or a store of one's own. */
  store: string | RequestStore;
  /** Who receives the settler's share of fees; nobody where left out. */
  settler?: Hex;
  /** ZKML: proves one run. */
  prove?: Prover;
  /** `batches`: this node seals and posts batches. `receipts`: it posts them singly, and the relayer seals. */
  delivery?: "batches" | "receipts";
  /** Receipts in a batch, at most. */
  batchSize?: number;
  /** Time between deliveries of the loop. Milliseconds. */
  deliverEveryMs?: number;
  /** Seconds one long poll for seals waits. */
  sealWaitSeconds?: number;
  now?: () => number;
  onError?: (error: Error) => void;
}

export interface InferenceNode {
  readonly key: NodeKey;
  /**
   * Answers a request once. The id is reserved durably before `infer` runs, and the receipt is kept before it is signed;
   * a repeat gets the stored answer and receipt. So an honest node never signs two things under one id, not even where a
   * signature was lost on its way back from the key. All keys of a node share one store.
   * @throws {RequestIdTaken} for another request under a known id.
   * @throws {ChannelMismatch} for a sequence without its channel, {ChannelOutOfOrder} for one that goes back.
   */
  serve(ask: Ask, infer: () => Promise<Answer>): Promise<Served>;
  /** What this node answered under a request id; `null` if nothing, or not yet. */
  issued(requestId: Hex): Issued | null;
  /** Proves, seals and posts what is waiting. Throws only what the store throws; the rest goes to `onError`. */
  deliver(): Promise<void>;
  /** Delivers from time to time and answers seals, until `stop`. */
  start(): void;
  stop(): Promise<void>;
}

/** A node operator's whole integration: key, model, relayer and a file. */
export function createNode(options: NodeOptions): InferenceNode {
  const { key, mode, modelId, domain, now = Date.now, onError = () => undefined } = options;
  if ((key.kind === KeyKind.OPERATOR) === (mode === Mode.TEE)) {
    throw new TypeError(`a key of kind ${key.kind} cannot sign in mode ${mode}; TEE takes enclave keys, and only TEE`);
  }
  if (mode === Mode.ZKML && !options.prove) throw new TypeError("a ZKML node needs `prove`");
  const store = typeof options.store === "string" ? openRequestStore(options.store) : options.store;
  const relayer = typeof options.relayer === "string" ? createRelayerClient({ url: options.relayer }) : options.relayer;
  const delivery = createDelivery({ ...options, store, relayer, onError });
  const running = new Map<Hex, Promise<Issued>>();
  let stopping: AbortController | null = null;
  let loops: Promise<unknown> = Promise.resolve();

  async function answer(ask: ReceiptAsk, infer: () => Promise<Answer>): Promise<Issued> {
    const { outputHash, outputScheme = 0, body, witness, cumulativeFee = ask.cumulativeFee } = await infer();
    if (mode === Mode.ZKML && !witness) throw new TypeError("a ZKML answer needs its witness, or it cannot be proved");
    if (cumulativeFee > ask.cumulativeFee) throw new RangeError("an answer never costs more than was asked for");
    const receipt: Receipt = {
      ...ask,
      modelId,
      outputHash,
      outputScheme,
      cumulativeFee,
      keyId: key.keyId,
      mode,
      completedAt: BigInt(Math.floor(now() / 1e3)),
    };
    const decided = { receiptId: receiptId(domain, receipt), receipt, body };
    const kept = store.decide(decided, { witness: mode === Mode.ZKML ? witness! : null });
    return kept.issued ?? sign(kept.decided!);
  }

  /** Only what was decided is signed: the same again, however often the process dies in between. */
  async function sign({ receiptId, receipt }: Decided): Promise<Issued> {
    return store.issue(receipt, await key.sign(receiptId));
  }

  return {
    key,
    async serve(asked, infer) {
      const ask = canonical(asked);
      const fingerprint = fingerprintOf(ask, modelId, mode);
      const { requestId } = ask;
      const place = placeOf(ask, asked.channelId);
      const reserved = store.reserve({ requestId, fingerprint, keyId: key.keyId, ...(place && { place }) }, now());
      if (reserved.fingerprint !== fingerprint) throw new RequestIdTaken(ask.requestId);
      if (reserved.issued) return { ...reserved.issued, repeated: true };
      const underway = running.get(ask.requestId);
      if (underway) return { ...(await underway), repeated: true };
      // Decided and not issued: the process died in between.
      const work = (reserved.decided ? sign(reserved.decided) : answer(ask, infer)).finally(() =>
        running.delete(ask.requestId),
      );
      running.set(ask.requestId, work);
      return { ...(await work), repeated: false };
    },

    issued: (requestId) => store.issued(requestId),

    deliver: () => delivery.deliver(),

    start() {
      if (stopping) return;
      stopping = new AbortController();
      const { signal } = stopping;
      const work = [delivery.run(signal)];
      if (options.delivery === "receipts") {
        const waitSeconds = options.sealWaitSeconds ?? 25;
        work.push(answerSeals({ key, mode, domain, store, relayer, waitSeconds, signal, onError }));
      }
      loops = Promise.all(work);
    },

    async stop() {
      stopping?.abort();
      await loops;
      stopping = null;
    },
  };
}

/**
 * One spelling for one request. An id in capitals is the same id to a contract, and must not pass for a new one here:
 * that would be two receipts under one id.
 */
function canonical(ask: Ask): ReceiptAsk {
  const bytes = (hex: string, length: number): Hex => toHex(fromHex(hex, length));
  return {
    requestId: bytes(ask.requestId, 32),
    inputHash: bytes(ask.inputHash, 32),
    payer: bytes(ask.payer ?? ZERO_ADDRESS, 20),
    contextHash: bytes(ask.contextHash ?? ZERO_HASH, 32),
    sequence: ask.sequence ?? 0n,
    cumulativeFee: ask.cumulativeFee ?? 0n,
  };
}

/**
 * The place in a channel that is reserved with a request. Without the recomputed id an asker could have this node sign
 * falling totals of one channel as if they were strangers.
 */
function placeOf({ requestId, sequence, cumulativeFee }: ReceiptAsk, asked?: Hex): ChannelPlace | undefined {
  if (sequence === 0n && asked === undefined) return undefined;
  const channelId = asked && toHex(fromHex(asked, 32));
  if (!channelId || sequence < 1n || channelRequestId(channelId, sequence) !== requestId) {
    throw new ChannelMismatch(requestId, sequence);
  }
  return { channelId, sequence, cumulativeFee };
}

/** Everything of a request that its receipt would repeat: two requests with one fingerprint get one answer. */
function fingerprintOf(ask: ReceiptAsk, modelId: Hex, mode: number): Hex {
  const types = ["bytes32", "bytes32", "address", "bytes32", "uint64", "uint128", "bytes32", "uint8"];
  const { requestId, inputHash, payer, contextHash, sequence, cumulativeFee } = ask;
  const values = [requestId, inputHash, payer, contextHash, sequence, cumulativeFee, modelId, mode];
  return keccak256(AbiCoder.defaultAbiCoder().encode(types, values)) as Hex;
}
