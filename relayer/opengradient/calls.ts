// SPDX-License-Identifier: MIT
// Answers as calls of GatewayAnswers, and what became of them, read from the logs.
import { reasonName } from "../chain/abi.ts";
import type { CallBounds } from "../chain/settlement.ts";
import type { RpcReceipt } from "../chain/sending.ts";
import { fromHex, gatewayKeyId, gatewayRequestId, toHex, type GatewayAnswer, type Hex } from "../protocol/index.ts";
import { gatewayAnswers } from "./abi.ts";

/** An answer as it is settled. */
export interface AnswerItem {
  answer: GatewayAnswer;
  publicKey: Uint8Array;
  signature: Uint8Array;
}

/** What a mined call did to one answer. */
export type AnswerOutcome = { requestId: Hex } & (
  | { is: "settled" }
  | { is: "skipped"; reason: string }
  /** The logs say neither. Not to be taken for settled. */
  | { is: "unknown" }
);

// Upper bounds, from measured calls: 114,700 gas for one answer, 74,700 each of ten. Of an answer 512 bytes are sent,
// of a key 352.
const CALL_GAS = 21_000n;
const KEY_GAS = 30_000n;
const ITEM_GAS = 80_000n;
const KEY_BYTES = 384;
const ITEM_BYTES = 512;
const CALL_BYTES = 132;
const GAS_A_BYTE = 16n;

/** Calldata of one call; every key is sent once. */
export function encodeAnswers(items: readonly AnswerItem[]): Hex {
  const publicKeys: Hex[] = [];
  const places = new Map<Hex, number>();
  const sent = items.map(({ answer, publicKey, signature }) => {
    const key = toHex(publicKey);
    if (!places.has(key)) places.set(key, publicKeys.push(key) - 1);
    return { answer, key: places.get(key)!, signature };
  });
  return gatewayAnswers.encodeFunctionData("settleAnswers", [publicKeys, sent]) as Hex;
}

/** Request ids of the answers that a call carries, in its order: a transaction's row needs to remember nothing else. */
export function decodeAnswers(data: string): Hex[] {
  const parsed = gatewayAnswers.parseTransaction({ data });
  if (parsed?.name !== "settleAnswers") return [];
  const keyIds = [...(parsed.args["publicKeys"] as string[])].map((key) => gatewayKeyId(fromHex(key)));
  return [...(parsed.args["items"] as { answer: Record<keyof GatewayAnswer, never>; key: bigint }[])].map((item) => {
    const { requestHash, outputHash, timestamp } = item.answer;
    return gatewayRequestId(keyIds[Number(item.key)]!, { requestHash, outputHash, timestamp });
  });
}

/**
 * Puts answers into as few calls as fit the bounds, in order. Where even one fits no call it is tried alone: the node's
 * estimate says so then, and nothing else suffers.
 */
export function planAnswers<T extends Pick<AnswerItem, "publicKey">>(items: readonly T[], bounds: CallBounds): T[][] {
  const calls: T[][] = [];
  let keys = new Set<Hex>();
  let [gas, bytes] = [0n, 0];
  for (const item of items) {
    const key = toHex(item.publicKey);
    const size = (known: boolean): [bigint, number] => {
      const more = ITEM_BYTES + (known ? 0 : KEY_BYTES);
      return [ITEM_GAS + (known ? 0n : KEY_GAS) + GAS_A_BYTE * BigInt(more), more];
    };
    let [moreGas, moreBytes] = size(keys.has(key));
    if (calls.length === 0 || gas + moreGas > bounds.maxGas || bytes + moreBytes > bounds.maxBytes) {
      calls.push([]);
      keys = new Set();
      [gas, bytes] = [CALL_GAS, CALL_BYTES];
      [moreGas, moreBytes] = size(false);
    }
    calls.at(-1)!.push(item);
    keys.add(key);
    gas += moreGas;
    bytes += moreBytes;
  }
  return calls;
}

/**
 * What became of the answers of a mined call. Only logs of the contract itself count, and only one that names the answer
 * settles it.
 */
export function readAnswerOutcomes(place: Hex, requestIds: readonly Hex[], receipt: RpcReceipt): AnswerOutcome[] {
  const settled = new Set<string>();
  const skipped = new Map<number, string>();
  for (const log of BigInt(receipt.status) === 1n ? receipt.logs : []) {
    if (log.address.toLowerCase() !== place) continue;
    const event = gatewayAnswers.parseLog(log);
    if (event?.name === "AnswerSettled") settled.add(String(event.args["requestId"]));
    if (event?.name === "AnswerSkipped")
      skipped.set(Number(event.args["index"]), reasonName(event.args["reason"] as bigint));
  }
  return requestIds.map((requestId, index) => {
    const reason = skipped.get(index);
    if (reason !== undefined) return { requestId, is: "skipped", reason };
    return { requestId, is: settled.has(requestId) ? "settled" : "unknown" };
  });
}
