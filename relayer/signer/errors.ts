// SPDX-License-Identifier: MIT
/** The remote signer did not sign what it was asked for. `code` is stable; nothing was sent. */
export class SignerError extends Error {
  override readonly name = "SignerError";
  readonly code: "signer_unreachable" | "signer_refused" | "signer_wrong";
  constructor(code: SignerError["code"], message: string, cause?: unknown) {
    super(message, { cause });
    this.code = code;
  }
}
