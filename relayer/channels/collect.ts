// SPDX-License-Identifier: MIT
// From receipts that settled to calls of `InferenceEscrow.collectBatch`: pure, apart from the walk over the relayer's word.
import { z } from "zod";
import {
  batchDigest,
  compactSignature,
  joinProofs,
  verifyProof,
  ZERO_ADDRESS,
  ZERO_HASH,
  type Batch,
  type Domain,
  type Hex,
  type Receipt,
} from "../protocol/index.ts";
import { inferenceEscrow } from "./abi.ts";
import type { ChannelRequest } from "./messages.ts";
import type { Entry, PayeeStore } from "./payee-store.ts";

/** A voucher and its receipt with its place among the settled ones: all that the escrow asks for. */
export interface Collectable {
  requestId: Hex;
  channelId: Hex;
  request: ChannelRequest;
  receipt: Receipt;
  /** Of count 0 where the receipt settled alone. */
  batch: Batch;
  index: number;
  proof: Hex[];
}

const hex = (bytes: number) => z.string().regex(new RegExp(`^0x[0-9a-f]{${2 * bytes}}$`)) as unknown as z.ZodType<Hex>;
const statusSchema = z.object({
  state: z.string(),
  opening: z
    .object({
      batch: z.object({
        keyId: hex(32),
        mode: z.number().int(),
        root: hex(32),
        count: z.number().int(),
        dataHash: hex(32),
        settler: hex(20),
      }),
      index: z.number().int(),
      proof: z.array(hex(32)),
    })
    .nullish(),
});

/** Receipts of a channel that are asked for one by one; further back, ever more are passed over. */
const ONE_BY_ONE = 16;

/**
 * The youngest receipt of a channel that `pays`: its fee is the channel's total, so the ones before it need no collecting, and one
 * that never settles is covered by the next. Where the youngest sixteen are not settled the steps double, down to the
 * oldest: what is passed over is found the next time.
 * @param statusOf `receiptStatus` of a relayer's client: a hint where to look.
 * @param pays Whether the escrow would pay for it; `older` where it would not, and may for one before it.
 */
export async function findCollectable(
  store: Pick<PayeeStore, "due" | "find">,
  channelId: Hex,
  statusOf: (receiptId: Hex) => Promise<unknown>,
  pays: (item: Collectable) => Promise<"yes" | "no" | "older">,
): Promise<Collectable | null> {
  const due = store.due(channelId);
  for (let back = 0, step = 1; due.length > 0; back = Math.min(back + step, due.length - 1)) {
    const entry = store.find(due[back]!)!;
    const status = statusSchema.nullable().parse(await statusOf(entry.answer!.receiptId));
    const settled = status?.state === "mined" || status?.state === "final";
    const found = settled && status.opening ? place(entry, status.opening) : null;
    const verdict = found ? await pays(found) : "older";
    if (verdict === "yes") return found;
    if (verdict === "no" || back === due.length - 1) return null;
    if (back >= ONE_BY_ONE) step *= 2;
  }
  return null;
}

function place(
  { requestId, channelId, request, answer }: Entry,
  { batch, index, proof }: Pick<Collectable, "batch" | "index" | "proof">,
): Collectable | null {
  const { receipt, receiptId } = answer!;
  if (batch.count === 0)
    return { requestId, channelId, request, receipt, batch: aloneOf(receipt), index: 0, proof: [] };
  if (!verifyProof(batch.root, batch.count, index, receiptId, proof)) return null;
  return { requestId, channelId, request, receipt, batch, index, proof };
}

/** What stands for the batch of receipts that settled alone: of it only key and mode count. */
const aloneOf = ({ keyId, mode }: Receipt): Batch => ({
  ...{ keyId, mode, root: ZERO_HASH, count: 0, dataHash: ZERO_HASH, settler: ZERO_ADDRESS },
});

/** `Claim` of IInferenceEscrow.sol: four words hold several fields each, as `ClaimWords` has them. */
export function claimOf({ request, receipt, index }: Collectable) {
  const { payer, signer, modeMask, lane } = request.channel;
  const { sequence, inputHash, maxCumulative } = request;
  const { outputHash, outputScheme, contextHash, cumulativeFee, completedAt } = receipt;
  // A payer that signs itself is not named twice.
  const session = signer === payer ? 0n : BigInt(signer);
  return {
    payer: BigInt(payer) | (sequence << 160n) | (BigInt(index) << 224n),
    signer: session | (lane << 160n) | (BigInt(modeMask) << 224n),
    fees: cumulativeFee | (maxCumulative << 128n),
    answer: completedAt | (BigInt(outputScheme) << 64n),
    ...{ inputHash, outputHash, contextHash },
    ...compactSignature(request.signature),
  };
}

/** Claims that share batch, node and model version, by ascending place. */
export interface ClaimGroup {
  batch: Batch;
  nodeId: Hex;
  modelId: Hex;
  items: Collectable[];
}

export interface CollectBounds {
  /** Claims in one call. */
  maxClaims: number;
  /** Gas one call may need, below the 16,777,216 of a transaction. */
  maxGas: bigint;
  /** Calldata of one call. Nodes refuse transactions of more than 128 KiB. */
  maxBytes: number;
}

export const COLLECT_BOUNDS: CollectBounds = { maxClaims: 128, maxGas: 14_000_000n, maxBytes: 100_000 };

// Upper bounds, from measured calls: a claim takes a signature, a new slot for its channel and one that changes; a group
// a look-up of key, model version and batch, and a new slot for its fees.
const CALL_GAS = 30_000n;
const GROUP_GAS = 110_000n;
const CLAIM_GAS = 75_000n;
const SIBLING_GAS = 800n;
const GROUP_BYTES = 13 * 32;
const CLAIM_BYTES = 9 * 32;
/** Selector, and where the list begins. */
const CALL_BYTES = 4 + 2 * 32;

/** What one more claim adds at most; proofs that are joined are never longer than all of them. */
function sizeOf({ proof }: Collectable, opensGroup: boolean): { gas: bigint; bytes: number } {
  const bytes = CLAIM_BYTES + 32 * proof.length + (opensGroup ? GROUP_BYTES : 0);
  return { gas: CLAIM_GAS + SIBLING_GAS * BigInt(proof.length) + (opensGroup ? GROUP_GAS : 0n), bytes };
}

/** Gas that a call with these groups needs at most. */
export function gasOf(groups: readonly ClaimGroup[]): bigint {
  const sizes = groups.flatMap(({ items }) => items.map((item, i) => sizeOf(item, i === 0).gas));
  return sizes.reduce((sum, gas) => sum + gas, CALL_GAS);
}

/** Spreads claims over calls that fit a transaction, and over groups that share a proof. */
export function planCollection(
  domain: Domain,
  items: readonly Collectable[],
  bounds: CollectBounds = COLLECT_BOUNDS,
): ClaimGroup[][] {
  const keyOf = ({ batch, receipt, request }: Collectable): string => {
    const { nodeId, modelId } = request.channel;
    const where = batch.count === 0 ? `alone ${receipt.keyId} ${receipt.mode}` : batchDigest(domain, batch);
    return `${where} ${nodeId} ${modelId}`;
  };
  const grouped = new Map<string, Collectable[]>();
  for (const item of items) {
    const key = keyOf(item);
    const group = grouped.get(key);
    if (group) group.push(item);
    else grouped.set(key, [item]);
  }
  const calls: ClaimGroup[][] = [];
  let room = { claims: 0, gas: 0n, bytes: 0 };
  for (const group of grouped.values()) {
    group.sort((a, b) => a.index - b.index);
    let open: ClaimGroup | null = null;
    for (const item of group) {
      let { gas, bytes } = sizeOf(item, open === null);
      if (room.claims === 0 || gas > room.gas || bytes > room.bytes) {
        calls.push([]);
        room = { claims: bounds.maxClaims, gas: bounds.maxGas - CALL_GAS, bytes: bounds.maxBytes - CALL_BYTES };
        open = null;
        ({ gas, bytes } = sizeOf(item, true));
      }
      if (!open) {
        const { nodeId, modelId } = item.request.channel;
        open = { batch: item.batch, nodeId, modelId, items: [] };
        calls.at(-1)!.push(open);
      }
      open.items.push(item);
      room = { claims: room.claims - 1, gas: room.gas - gas, bytes: room.bytes - bytes };
    }
  }
  return calls;
}

/** Calldata of `collectBatch`. */
export function encodeCollectBatch(groups: readonly ClaimGroup[]): Hex {
  const encoded = groups.map(({ batch, nodeId, modelId, items }) => ({
    ...{ batch, nodeId, modelId, claims: items.map(claimOf) },
    proof: batch.count === 0 ? [] : joinProofs(batch.count, items),
  }));
  return inferenceEscrow.encodeFunctionData("collectBatch", [encoded]) as Hex;
}

/** Arguments of `collect` and `collectable`. */
export function collectArguments(item: Collectable): [Batch, Hex, Hex, ReturnType<typeof claimOf>, Hex[]] {
  const { nodeId, modelId } = item.request.channel;
  return [item.batch, nodeId, modelId, claimOf(item), item.proof];
}
