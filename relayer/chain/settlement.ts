// SPDX-License-Identifier: MIT
import { batchDigest, receiptId, type Batch, type Domain, type Hex, type Receipt } from "../protocol/index.ts";
import { inferenceRegistry, reasonName } from "./abi.ts";
import { ItemTooLarge } from "./errors.ts";
import type { RpcReceipt } from "./sending.ts";

/** Something that settles as one: skipped or taken whole. Numbered as `IInferenceRegistry.ItemKind`. */
export type SettlementItem =
  | { kind: "signed"; batch: Batch; signature: Hex }
  | { kind: "proved"; batch: Batch; modelId: Hex; signature: Hex; receipts: Hex; evidence: Hex }
  | { kind: "receipt"; receipt: Receipt; signature: Hex; evidence: Hex };
export type ItemKind = SettlementItem["kind"];

const KINDS = ["signed", "proved", "receipt"] as const;
const FUNCTIONS = { signed: "settleBatches", proved: "settleProvedBatches", receipt: "settleReceipts" } as const;

export interface CallBounds {
  /** Gas one call may need, below the cap of a transaction. */
  maxGas: bigint;
  /** Calldata of one call. Nodes refuse transactions of more than 128 KiB. */
  maxBytes: number;
}

export const DEFAULT_BOUNDS: CallBounds = { maxGas: 14_000_000n, maxBytes: 100_000 };

/** What the ledger of settlements keys an item on: a batch's digest, a receipt's id (R9). */
export function itemId(domain: Domain, item: SettlementItem): Hex {
  return item.kind === "receipt" ? receiptId(domain, item.receipt) : batchDigest(domain, item.batch);
}

/** Calldata of one call. All items are of one kind, as each kind has its own function. */
export function encodeSettlement(items: readonly SettlementItem[]): Hex {
  const [first] = items;
  if (!first || items.some((item) => item.kind !== first.kind)) {
    throw new TypeError("a settlement call takes items of one kind, at least one; plan calls with planCalls");
  }
  return inferenceRegistry.encodeFunctionData(FUNCTIONS[first.kind], [items]) as Hex;
}

/** The items a call carries, read back from its calldata: a transaction's row needs to remember nothing else. */
export function decodeSettlement(data: string): SettlementItem[] {
  const parsed = inferenceRegistry.parseTransaction({ data });
  const kind = KINDS.find((one) => FUNCTIONS[one] === parsed?.name);
  if (!parsed || !kind) return [];
  const items = parsed.args[0].toObject ? [...parsed.args[0]] : [];
  return items.map((item) => {
    const { batch, receipt, ...rest } = item.toObject(true);
    const hex = Object.fromEntries(Object.entries(rest).map(([name, value]) => [name, String(value).toLowerCase()]));
    const body = kind === "receipt" ? { receipt: plain(receipt) } : { batch: plain(batch) };
    return { kind, ...body, ...hex } as unknown as SettlementItem;
  });
}

const SMALL = new Set(["mode", "count", "outputScheme"]);
/** ethers' values as ours: small integers as numbers, hex in lower case. */
function plain(fields: Record<string, unknown>): Record<string, unknown> {
  return Object.fromEntries(
    Object.entries(fields).map(([name, value]) => [
      name,
      typeof value === "string" ? value.toLowerCase() : SMALL.has(name) ? Number(value) : value,
    ]),
  );
}

const byteLength = (hex: string): number => (hex.length - 2) / 2;

// Upper bounds of what items cost apart from calldata, from measured calls: a batch takes a new slot, a key look-up,
// a signature and an event; each proof a pairing, two multiplications and its share of hashing.
const ITEM_GAS = { signed: 50_000n, proved: 200_000n, receipt: 70_000n } as const;
const PROOF_GAS = 60_000n;
const SINGLE_PROOF_GAS = 260_000n;
const CALLDATA_GAS = 16n;
const CALL_GAS = 21_000n;

/** Gas and calldata that an item adds to a call, gas not underestimated. */
export function itemSize(item: SettlementItem): { gas: bigint; bytes: number } {
  const bytes = byteLength(encodeSettlement([item]));
  let gas = ITEM_GAS[item.kind] + CALLDATA_GAS * BigInt(bytes);
  if (item.kind === "proved") gas += PROOF_GAS * BigInt(item.batch.count);
  if (item.kind === "receipt" && item.evidence !== "0x") gas += SINGLE_PROOF_GAS;
  return { gas, bytes };
}

/**
 * Puts items into as few calls as fit the bounds, in order within each kind.
 * @throws {ItemTooLarge} naming the item that does not fit a call of its own; nothing is planned then.
 */
export function planCalls(items: readonly SettlementItem[], bounds: CallBounds = DEFAULT_BOUNDS): SettlementItem[][] {
  const calls: SettlementItem[][] = [];
  for (const kind of KINDS) {
    let call: SettlementItem[] = [];
    let gas = CALL_GAS;
    let bytes = 0;
    items.forEach((item, index) => {
      if (item.kind !== kind) return;
      const size = itemSize(item);
      if (CALL_GAS + size.gas > bounds.maxGas || size.bytes > bounds.maxBytes) {
        throw new ItemTooLarge(index, CALL_GAS + size.gas, bounds.maxGas, size.bytes, bounds.maxBytes);
      }
      if (call.length > 0 && (gas + size.gas > bounds.maxGas || bytes + size.bytes > bounds.maxBytes)) {
        calls.push(call);
        [call, gas, bytes] = [[], CALL_GAS, 0];
      }
      call.push(item);
      gas += size.gas;
      bytes += size.bytes;
    });
    if (call.length > 0) calls.push(call);
  }
  return calls;
}

/** What a mined call did to one item. */
export type ItemOutcome = { id: Hex; kind: ItemKind } & (
  | { state: "settled" }
  /** Left out for a reason that stays: the item is bad, or bad for now. */
  | { state: "skipped"; reason: string }
  /** The logs say neither. Not to be taken for settled. */
  | { state: "unknown" }
);

/**
 * Reads from the logs of a mined call what became of each item. Only the registry's own logs count, and only a log
 * that names the item settles it: neither the absence of a skip nor the status of the transaction does.
 */
export function readOutcomes(domain: Domain, items: readonly SettlementItem[], receipt: RpcReceipt): ItemOutcome[] {
  const settled = new Set<string>();
  const skipped = new Map<string, string>();
  for (const log of BigInt(receipt.status) === 1n ? receipt.logs : []) {
    if (log.address.toLowerCase() !== domain.verifyingContract) continue;
    const event = inferenceRegistry.parseLog(log);
    if (event?.name === "BatchSettled" || event?.name === "ReceiptSettled") settled.add(String(event.args[0]));
    if (event?.name === "ItemSkipped") {
      skipped.set(`${KINDS[Number(event.args.kind)]} ${event.args.index}`, reasonName(event.args.reason as bigint));
    }
  }
  return items.map((item, index) => {
    const at = { id: itemId(domain, item), kind: item.kind };
    const reason = skipped.get(`${item.kind} ${index}`);
    if (reason !== undefined) return { ...at, state: "skipped", reason };
    return { ...at, state: settled.has(at.id) ? "settled" : "unknown" };
  });
}
