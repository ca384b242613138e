// SPDX-License-Identifier: MIT

/** The ledger cannot do what was asked. `code` is stable. */
export class StoreError extends Error {
  override readonly name = "StoreError";
  readonly code: string;
  constructor(code: string, message: string, cause?: unknown) {
    super(message, { cause });
    this.code = code;
  }
}

/** One key signed two different receipts for one request: a provable fault of its operator. */
export class Equivocation extends StoreError {
  /** Positions in what was handed in. */
  readonly positions: readonly number[];
  constructor(positions: readonly number[]) {
    super(
      "equivocation",
      `The key signed another receipt for the same requestId before (positions ${positions.slice(0, 10).join(", ")}); ` +
        "a node answers a repeated request with the receipt it stored",
    );
    this.positions = positions;
  }
}
