// SPDX-License-Identifier: MIT

const REASONS = {
  unknown_method: "the contract's interface has no such method",
  not_a_lookup: "the method does not ask for a look-up; call or send it as any other",
  call_failed: "the method reverts before it asks for anything; see `revert`",
  malformed_lookup: "the contract reverts with an OffchainLookup that cannot be read, or names no gateway",
  wrong_sender: "the look-up is another contract's, passed on by the one that was called; call that one directly",
  gateway_refused: "the gateway has no answer to this question; have the inference run, or wait until it is delivered",
  no_gateway: "no gateway answered; see `attempts`, and come back, or allow a host with `allowedHosts`",
  nested_lookup: "the callback asks for another look-up, which is never followed",
  already_used: "the contract acted on this answer before, maybe brought by somebody else: it is done",
  answer_refused: "the contract refuses the answer; see `revert`",
  reverted: "the transaction was included and reverted; see `revert`",
} as const;
export type LookupErrorCode = keyof typeof REASONS;

/** What a contract reverted with. */
export interface Revert {
  /** `0x` where the node told nothing. */
  data: string;
  /** Name and values, where the contract's interface knows the error. */
  name: string | undefined;
  args: readonly string[];
}

/** A gateway that gave no answer, and why. */
export interface Attempt {
  url: string;
  reason: string;
}

/** Why a look-up came to nothing. Nothing was sent, unless the code is `reverted` or `already_used` of {@link Sent.wait}. */
export class LookupError extends Error {
  override readonly name = "LookupError";
  readonly code: LookupErrorCode;
  readonly revert: Revert | undefined;
  readonly attempts: readonly Attempt[];
  constructor(
    code: LookupErrorCode,
    more: { revert?: Revert | undefined; attempts?: readonly Attempt[]; detail?: string; cause?: unknown } = {},
  ) {
    const { revert, attempts = [], detail, cause } = more;
    const said = revert?.name === undefined ? "" : `: ${revert.name}(${revert.args.join(", ")})`;
    const tried = attempts.map(({ url, reason }) => `${url}: ${reason}`).join("; ");
    const parts = [detail, tried].filter((part) => part !== undefined && part !== "");
    super(
      `${REASONS[code]}${said}${parts.length > 0 ? ` (${parts.join("; ")})` : ""}`,
      cause === undefined ? undefined : { cause },
    );
    this.code = code;
    this.revert = revert;
    this.attempts = attempts;
  }
}
