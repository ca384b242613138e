// SPDX-License-Identifier: MIT

/** A verification could not be carried out: nothing is known. `code` is stable. */
export class VerifyError extends Error {
  override readonly name = "VerifyError";
  readonly code: "bad_argument" | "nodes_disagree" | "not_found" | "no_leaves" | "no_event";
  constructor(code: VerifyError["code"], message: string) {
    super(message);
    this.code = code;
  }
}
