// SPDX-License-Identifier: MIT

/** An error that travels: `code` is stable, `details` are decimal or hex strings. */
abstract class ChannelError<Code extends string> extends Error {
  readonly code: Code;
  readonly details: Readonly<Record<string, string>>;
  constructor(code: Code, message: string, details: Record<string, unknown>, cause?: unknown) {
    super(message, cause === undefined ? undefined : { cause });
    this.code = code;
    this.details = Object.fromEntries(Object.entries(details).map(([name, value]) => [name, String(value)]));
  }
  toJSON(): { code: Code; detail: string; details: Readonly<Record<string, string>> } {
    return { code: this.code, detail: this.message, details: this.details };
  }
}

const REFUSALS = {
  malformed: "the message is none; see docs/channels.md for its form",
  wrong_node: "the channel pays another node",
  wrong_model: "the channel is for another model version than is served here",
  mode_not_allowed: "the channel does not allow the mode that is served here",
  bad_voucher: "the voucher is not signed by the channel's signer; check chain id, escrow and every field",
  voucher_conflict: "another voucher was taken at this sequence; send that one again, or take a higher sequence",
  sequence_passed: "a higher sequence was taken in this lane; take the next one",
  lane_busy: "a request is under way in this lane; wait for it, or use another lane",
  other_key: "this was taken under a key that the node no longer serves with; use another lane",
  unknown_history: "the channel has paid for more than is known here; use another lane",
  voucher_too_low: "the voucher does not cover the price; sign a higher maxCumulative at the next sequence",
  session_not_opened: "the payer has not opened the channel for this signer; send openChannel first",
  session_expired: "the session ends before an answer would be there; open another one",
  session_limit: "the session's limit is spent; open another one",
  escrow_too_small: "what the payer has set aside for this node does not cover it; deposit, or take back a thaw",
  too_many_channels: "too many channels of this payer wait to be collected; use fewer lanes, or come back later",
  chain_unknown: "the chain could not be asked whether this can be paid, and nothing is served on trust; come back",
} as const;
export type RefusalCode = keyof typeof REFUSALS;

/** Why a node does not serve a request. Sent to the payer as it is. */
export class RequestRefused extends ChannelError<RefusalCode> {
  override readonly name = "RequestRefused";
  constructor(code: RefusalCode, details: Record<string, unknown> = {}, cause?: unknown) {
    super(code, REFUSALS[code], details, cause);
  }
}

const NOT_SIGNED = {
  lanes_busy: "every lane has a request under way; wait, retry or abandon one, or configure more lanes",
  over_budget: "what was signed would pass the budget",
  over_deposit: "what was signed would pass what is set aside for this node; deposit more",
  over_limit: "what the channel may have cost would pass the session's limit; open another session",
  session_not_opened: "the channel is not opened for this signer; send openChannel first",
  session_expired: "the session has ended; open another one",
  unknown_history: "the lane has paid for requests that are not in this ledger; use another one (firstLane)",
  not_pending: "this request has its answer, or was never made here",
} as const;

/** Why a payer's client signs nothing. */
export class NotSigned extends ChannelError<keyof typeof NOT_SIGNED> {
  override readonly name = "NotSigned";
  constructor(code: keyof typeof NOT_SIGNED, details: Record<string, unknown> = {}) {
    super(code, NOT_SIGNED[code], details);
  }
}

const BAD_RECEIPTS = {
  malformed: "the answer is no receipt with a signature",
  unknown_request: "the receipt answers nothing that was asked here",
  mismatch: "the receipt says something else than was asked or answered",
  fee_out_of_range: "the receipt's fee is above what was signed",
  bad_time: "the receipt is dated outside the life of its key, the time of the request, or now",
  wrong_key: "the receipt's key is not one of this node for this mode, or is distrusted",
  bad_signature: "the receipt is not signed by its key",
  equivocation: "the node signed two different receipts for one request; both are kept here",
  channel_fault: "the channel's fee falls from one receipt to a later one: a provable fault, both are kept here",
} as const;

/** Why a receipt does not count. The lane stays blocked: the node may hold the voucher against another one. */
export class ReceiptRefused extends ChannelError<keyof typeof BAD_RECEIPTS> {
  override readonly name = "ReceiptRefused";
  constructor(code: keyof typeof BAD_RECEIPTS, details: Record<string, unknown> = {}, cause?: unknown) {
    super(code, BAD_RECEIPTS[code], details, cause);
  }
}

/** The chain could not be asked: nothing is known, and nothing is done on a guess. */
export class EscrowUnknown extends Error {
  override readonly name = "EscrowUnknown";
  readonly code = "escrow_unknown";
  constructor(what: string, cause: unknown) {
    super(`${what} could not be read (${cause instanceof Error ? cause.message : String(cause)}); ask again`, {
      cause,
    });
  }
}

/** Another process has the file open. Two over one file could sign two things for one request. */
export class LedgerInUse extends Error {
  override readonly name = "LedgerInUse";
  readonly code = "ledger_in_use";
  constructor(file: string) {
    super(`${file} is open in another process; run one, or give each a file and lanes of its own`);
  }
}
