// SPDX-License-Identifier: MIT
import type { Hex } from "../protocol/index.ts";

/** A request id that was used for another request. Answering it would be signing two things under one id. */
export class RequestIdTaken extends Error {
  override readonly name = "RequestIdTaken";
  readonly code = "request_id_taken";
  constructor(requestId: Hex) {
    super(`${requestId} was used for a different request; ask again under a new id`);
  }
}

/** A place in a channel that its request id does not follow from. A receipt with it could never be paid. */
export class ChannelMismatch extends Error {
  override readonly name = "ChannelMismatch";
  readonly code = "channel_mismatch";
  constructor(requestId: Hex, sequence: bigint) {
    super(
      `${requestId} is not keccak256(channelId, ${sequence}); a sequence of 1 or more needs the channel it counts in, ` +
        "and 0 is for requests without a channel",
    );
  }
}

/** A channel never goes back: neither its sequence nor its total. Signing that would be a provable fault. */
export class ChannelOutOfOrder extends Error {
  override readonly name = "ChannelOutOfOrder";
  readonly code = "channel_out_of_order";
  constructor(channelId: Hex, sequence: bigint, reason: string) {
    super(`place ${sequence} of channel ${channelId} is refused: ${reason}; ask with the next sequence and total`);
  }
}

/** A seal that names leaves this node did not issue, or that does not add up. It is not signed. */
export class SealRefused extends Error {
  override readonly name = "SealRefused";
  readonly code = "seal_refused";
  constructor(sealId: string, reason: string) {
    super(`seal ${sealId} is not signed: ${reason}; the receipts settle in a batch of this node's own instead`);
  }
}

/** The relayer answered with a problem (RFC 9457). `code` is the problem's own. */
export class RelayerProblem extends Error {
  override readonly name = "RelayerProblem";
  readonly code: string;
  readonly status: number;
  /** Everything the problem says, for example `positions` of the receipts it is about. */
  readonly problem: Readonly<Record<string, unknown>>;
  constructor(status: number, problem: Readonly<Record<string, unknown>>) {
    const code = typeof problem.code === "string" ? problem.code : `http_${status}`;
    super(`the relayer refused (${status} ${code}): ${String(problem.detail ?? problem.title ?? "no reason given")}`);
    this.code = code;
    this.status = status;
    this.problem = problem;
  }
}

/** A batch that the relayer took and could not settle. Its receipts are set aside, or wait for another batch. */
export class BatchRejected extends Error {
  override readonly name = "BatchRejected";
  readonly code = "batch_rejected";
  constructor(digest: Hex, reason: string, bad: number, count: number) {
    super(`batch ${digest} was rejected (${reason}): ${bad} of ${count} receipts set aside, the others sealed anew`);
  }
}

/** The relayer could not be reached, or had no time. What was posted is kept, and posted again. */
export class RelayerUnavailable extends Error {
  override readonly name = "RelayerUnavailable";
  readonly code = "relayer_unavailable";
  constructor(url: string, cause: unknown) {
    super(`${url} gave no answer (${cause instanceof Error ? cause.message : String(cause)}); it is tried again`, {
      cause,
    });
  }
}
