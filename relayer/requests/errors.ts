// SPDX-License-Identifier: MIT
import type { Hex } from "../protocol/index.ts";

const DECLINED = {
  other_node: "another node is asked",
  mode_not_allowed: "the request does not allow the mode that is served here",
  memory_not_held: "the request names memory that is not answered with here",
  too_late: "too little time is left until the deadline",
  callback_too_dear: "the callback wants more gas than this node carries",
  at_capacity: "as many requests are under way as this node takes",
  input_unavailable: "the input could not be had, or is not the one that was asked about",
  fee_too_low: "the maximum fee is below the price",
} as const;
/** Why a node leaves a request to others. */
export type DeclineCode = keyof typeof DECLINED;
/** The same in words. */
export const declinedBecause = (code: DeclineCode): string => DECLINED[code];

/** An answer whose output is not what its hash commits to: it could never be fulfilled. */
export class OutputMismatch extends Error {
  override readonly name = "OutputMismatch";
  readonly code = "output_mismatch";
  constructor(requestId: Hex) {
    super(
      `the output of ${requestId} does not match its hash; return what artifactsOutput, textOutput or circuitOutput make`,
    );
  }
}

/** One request could not be brought further now. It is tried again; others go on. */
export class RequestStuck extends Error {
  override readonly name = "RequestStuck";
  readonly code = "request_stuck";
  readonly requestId: Hex;
  constructor(requestId: Hex, doing: string, cause: unknown) {
    super(
      `${doing} ${requestId} failed and is tried again: ${cause instanceof Error ? cause.message : String(cause)}`,
      {
        cause,
      },
    );
    this.requestId = requestId;
  }
}
