import { concat, keccak256, toBeHex } from "ethers";
import { createNode, localKey, type InferenceNode, type RelayerClient } from "../../../relayer/node/index.ts";
import type { NodeKey, RequestStore } from "../../../relayer/node/index.ts";
import * as protocol from "../../../relayer/protocol/index.ts";
import type { Batch, Domain, Hex, Receipt } from "../../../relayer/protocol/index.ts";
import { channelIdOf, requestIdOf, type DisputesWorld, type Statement } from "../../staking/disputesSupport.ts";
import { merkleProofOf, NO_BATCH } from "../../support/protocol.ts";

export interface AskPlan {
  lane: number | null;
  place: number;
  input: number;
  context: number;
  total: number;
  fate: "fine" | "fails" | "slow";
}
/** Asks that arrive at once; a delivery to a relayer with its own mind; a new start, and when it ends. */
export type Step =
  | { asks: AskPlan[] }
  | { relayer: "takes" | "loses" | "rejects" | "forgets" }
  | { key: number; dies: number; after: boolean };

class Killed extends Error {
  readonly code = "killed";
}
const FORESEEN = ["killed", "infer_failed", "request_id_taken", "channel_out_of_order", "relayer_lost"];
const failing = (code: string) => Object.assign(new Error(code), { code });
const word = (number: number): Hex => toBeHex(number, 32) as Hex;
const MODEL = word(0xaa);

/** A node with everything around it, and a record of all that its keys ever signed, delivered or not. */
export function court(options: {
  world: DisputesWorld;
  probe: Awaited<ReturnType<DisputesWorld["ethers"]["deployContract"]>>;
  secrets: Hex[];
  openStore: () => RequestStore;
}) {
  const { world, probe, secrets, openStore } = options;
  const domain: Domain = { chainId: 31337n, verifyingContract: world.domain.verifyingContract.toLowerCase() as Hex };
  const channels = [0n, 1n].map((lane) => world.channel({ lane, modelId: MODEL }));
  const decided = new Map<Hex, Receipt>();
  const receipts = new Map<Hex, { receipt: Receipt; signature: Hex }>();
  const batches = new Map<Hex, { batch: Batch; signature: Hex; ids: Hex[] }>();
  const unknown: Hex[] = [];
  const posted: Receipt[] = [];
  let waiting: Receipt[] = [];
  let relayer: (Step & { relayer: string })["relayer"] = "takes";
  let runs = 0;
  let process = start(0, Infinity, false);

  /** Puts a signature with what was signed. The last tree that the store gave out is the only one it can be over. */
  function record(digest: Hex, signature: Hex): void {
    const receipt = decided.get(digest);
    if (receipt) return void receipts.set(digest, { receipt, signature });
    const first = waiting[0];
    if (!first) return void unknown.push(digest);
    const { keyId, mode } = first;
    const ids = waiting.map((leaf) => protocol.receiptId(domain, leaf));
    const dataHash = protocol.dataHashOf(protocol.leavesDocument(domain, { keyId, mode }, waiting));
    const batch = {
      keyId,
      mode,
      root: protocol.merkleRoot(ids),
      count: ids.length,
      dataHash,
      settler: protocol.ZERO_ADDRESS,
    };
    if (protocol.batchDigest(domain, batch) !== digest) return void unknown.push(digest);
    batches.set(digest, { batch, signature, ids });
  }

  /** One life of the process: it dies at a touch of store or key, before that is done or right after. */
  function start(which: number, dies: number, after: boolean) {
    const store = openStore();
    let left = dies;
    let dead = false;
    function touch<T>(work: () => T): T {
      if (dead) throw new Killed();
      dead = left-- <= 0;
      if (dead && !after) throw new Killed();
      const result = work();
      if (dead) throw new Killed();
      return result;
    }
    const plain = localKey(secrets[which]!);
    const key: NodeKey = {
      ...plain,
      sign: (digest) =>
        touch(() => {
          const signature = plain.sign(digest) as Hex;
          record(digest, signature);
          return signature;
        }),
    };
    const watched = Object.fromEntries(
      Object.entries(store as unknown as Record<string, (...args: never[]) => unknown>).map(([name, method]) => [
        name,
        (...args: never[]) =>
          touch(() => {
            if (name === "decide") noteDecision(args[0]! as { receiptId: Hex; receipt: Receipt });
            const result = method(...args);
            if (name === "waiting") waiting = (result as { receipt: Receipt }[]).map(({ receipt }) => receipt);
            return result;
          }),
      ]),
    ) as unknown as RequestStore;
    const node: InferenceNode = createNode({
      ...{ key, mode: 0, modelId: MODEL, domain, store: watched, relayer: client(), batchSize: 3 },
      onError: (error) => foreseen(error),
    });
    return { node, isDead: () => dead, close: () => store.close() };
  }
  const noteDecision = ({ receiptId, receipt }: { receiptId: Hex; receipt: Receipt }) =>
    decided.set(receiptId, receipt);

  function client(): RelayerClient {
    const maybe = async () => {
      if (relayer === "loses") throw failing("relayer_lost");
    };
    return {
      postReceipt: async ({ receipt }) => {
        await maybe();
        posted.push(receipt);
      },
      postBatch: maybe,
      postProofs: maybe,
      answerSeal: maybe,
      nextSeal: async () => null,
      receiptStatus: async () => null,
      batchStatus: async () => {
        await maybe();
        if (relayer === "forgets") return null;
        const rejected = relayer === "rejects";
        return { state: rejected ? "rejected" : "final", reason: null, invalid: rejected ? [0] : [] };
      },
    };
  }

  /** Anything else than what a schedule can bring about is a fault of the node or of this court. */
  function foreseen(error: unknown): null {
    const { code, name } = error as { code?: string; name?: string };
    if (name !== "BatchRejected" && !FORESEEN.includes(code ?? "")) throw error;
    return null;
  }

  async function serve({ lane, place, input, context, total, fate }: AskPlan): Promise<void> {
    const channelId = lane === null ? undefined : (channelIdOf(channels[lane]!) as Hex);
    const requestId = channelId ? requestIdOf(channelId, BigInt(place)) : keccak256(concat(["0x04", word(place)]));
    const ask = {
      requestId: requestId as Hex,
      inputHash: word(100 + input),
      contextHash: word(context),
      cumulativeFee: BigInt(total),
      ...(channelId ? { channelId, sequence: BigInt(place) } : {}),
    };
    // No two runs answer the same, as with a model that samples.
    const infer = async () => {
      const run = ++runs;
      if (fate === "slow") await new Promise((resolve) => setTimeout(resolve, 5));
      if (fate === "fails") throw failing("infer_failed");
      return { outputHash: word(1_000 + run), body: new Uint8Array([run % 256]) };
    };
    await process.node.serve(ask, infer).then((served) => {
      // What leaves is what was signed for it, and answers what was asked.
      if (receipts.get(served.receiptId)?.signature !== served.signature) throw new Error("an unsigned answer left");
      if (served.receipt.requestId !== ask.requestId || served.receipt.inputHash !== ask.inputHash)
        throw new Error("another request's answer left");
    }, foreseen);
  }

  const statements = (): Statement[] => [
    ...[...receipts.values()].map(({ receipt, signature }) => ({
      opening: { receipt, batch: NO_BATCH, index: 0, proof: [] },
      signature,
    })),
    ...[...batches.values()].flatMap(({ batch, signature, ids }) =>
      ids.map((id, index) => ({
        opening: { receipt: decided.get(id)!, batch, index, proof: merkleProofOf(ids, index) },
        signature,
      })),
    ),
  ];

  return {
    async run(steps: readonly Step[]): Promise<void> {
      for (const step of steps) {
        if ("key" in step || process.isDead()) {
          process.close();
          process = "key" in step ? start(step.key, step.dies, step.after) : start(0, Infinity, false);
        }
        if ("asks" in step) await Promise.all(step.asks.map(serve));
        if ("relayer" in step) {
          relayer = step.relayer;
          await process.node.deliver().catch(foreseen);
        }
      }
      process.close();
    },

    /** Receipts that reached the relayer alone. */
    posted,

    /** Every receipt that was ever signed, alone and in every batch that was ever signed over it. */
    statements,

    /** Signs a tree over a receipt that says it is another key's. */
    signBlindly(over: Partial<Receipt>): void {
      const { receipt } = [...receipts.values()][0]!;
      const foreign = { ...receipt, ...over };
      const id = protocol.receiptId(domain, foreign);
      const batch = {
        ...{ keyId: receipt.keyId, mode: receipt.mode, root: protocol.merkleRoot([id]), count: 1 },
        dataHash: word(0),
        settler: protocol.ZERO_ADDRESS,
      };
      const digest = protocol.batchDigest(domain, batch);
      decided.set(id, foreign);
      batches.set(digest, { batch, signature: localKey(secrets[0]!).sign(digest) as Hex, ids: [id] });
    },

    /** What the contract finds in all of it; an equivocation is found from both sides. */
    async faults() {
      if (unknown.length > 0) throw new Error(`the node signed what nobody knows: ${unknown.join()}`);
      const all = statements();
      const found = await Promise.all(
        all.map((_, place) => probe.getFunction("faultsOf").staticCall(world.disputes, channels, all, place)),
      );
      const sum = (kind: number) => found.reduce((count, kinds) => count + Number(kinds[kind]), 0);
      return { equivocations: sum(0), channelFaults: sum(1), foreignLeaves: sum(2) };
    },
  };
}
export type Court = ReturnType<typeof court>;
