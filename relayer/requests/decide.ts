// SPDX-License-Identifier: MIT
import { ZERO_HASH, type Hex } from "../protocol/index.ts";
import type { DeclineCode } from "./errors.ts";

/** A request as the chain tells it. */
export interface AskedRequest {
  requestId: Hex;
  requester: Hex;
  modelId: Hex;
  inputHash: Hex;
  contextHash: Hex;
  /** The node that is asked; zero for any. */
  nodeId: Hex;
  maxFee: bigint;
  /** Unix seconds, inclusive. */
  deadline: bigint;
  modeMask: number;
  callbackGas: number;
  /** The input itself, where it was given on chain; its hash was computed there. */
  given: { salt: Hex; input: Hex } | null;
  /** Where the requester says that the input is. */
  pointer: Hex;
}

/** What a node takes. */
export interface Terms {
  nodeId: Hex;
  mode: number;
  /** Requests under way at the same time. */
  capacity: number;
  /** Seconds that must be left to answer, settle and fulfil. */
  minSeconds: bigint;
  /** Most gas of a callback: whoever fulfils pays for it. */
  maxCallbackGas: number;
  /** Whether requests over memory are answered. */
  contexts: boolean;
}

/** Why a request is left to others; `null` if it can be taken as far as its terms say. Whether it pays is for the price. */
export function declineReason(
  request: Omit<AskedRequest, "given" | "pointer">,
  terms: Terms,
  underWay: number,
  now: bigint,
): DeclineCode | null {
  if (request.nodeId !== ZERO_HASH && request.nodeId !== terms.nodeId) return "other_node";
  if (((request.modeMask >> terms.mode) & 1) === 0) return "mode_not_allowed";
  if (request.contextHash !== ZERO_HASH && !terms.contexts) return "memory_not_held";
  if (request.deadline < now + terms.minSeconds) return "too_late";
  if (request.callbackGas > terms.maxCallbackGas) return "callback_too_dear";
  return underWay >= terms.capacity ? "at_capacity" : null;
}

/** A reason that may pass with time: the request is looked at again. */
export const mayPass = (code: DeclineCode): boolean => code === "at_capacity" || code === "input_unavailable";
