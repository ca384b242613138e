// SPDX-License-Identifier: MIT
import type { Hex } from "../protocol/index.ts";

export { RelayerProblem, RelayerUnavailable } from "../client/errors.ts";

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

/** A batch that the relayer took and could not settle. Its receipts are set aside, or wait for another batch. */
export class BatchRejected extends Error {
  override readonly name = "BatchRejected";
  readonly code = "batch_rejected";
  constructor(digest: Hex, reason: string, bad: number, count: number) {
    super(`batch ${digest} was rejected (${reason}): ${bad} of ${count} receipts set aside, the others sealed anew`);
  }
}
