// SPDX-License-Identifier: MIT

/** Redis cannot be used as it is. `code` is stable. */
export class QueueError extends Error {
  override readonly name = "QueueError";
  readonly code: "redis_unreachable" | "redis_evicts" | "unknown_work" | "not_dead";
  constructor(code: QueueError["code"], message: string, cause?: unknown) {
    super(message, { cause });
    this.code = code;
  }
}
