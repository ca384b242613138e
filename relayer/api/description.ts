// SPDX-License-Identifier: MIT
// What the API says of itself.

/** Head of the API's own description. */
export const OPENAPI = {
  openapi: "3.1.0",
  info: {
    title: "OpenGradient settlement relayer",
    version: "1.0.0",
    description:
      "Takes signed receipts, signed batches and proved batches, and carries them to the chain. An answer of 201 says " +
      "that it is durable. The relayer decides nothing: ask the InferenceRegistry whether a receipt is verified. " +
      "Every POST but that of an API key takes an Idempotency-Key, good for a day.",
  },
} as const;

/**
 * Health for strangers: whether something fails, not the words in which it does, nor which hosts are asked: with some
 * providers a host is half of a key. Those are in the log.
 */
export function withoutErrors(health: Record<string, unknown>): Record<string, unknown> {
  const json = JSON.stringify(health, (name, value: unknown) =>
    name === "lastError" || name === "host" ? undefined : value,
  );
  return JSON.parse(json) as Record<string, unknown>;
}
