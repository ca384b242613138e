// SPDX-License-Identifier: MIT
// How much gas a transaction is given.

/** Most gas that one transaction may use since Osaka. Source: EIP-7825. */
export const TRANSACTION_GAS_CAP = 16_777_216n;

/**
 * A gas limit from an estimate: a fifth and 50,000 more, up to the cap of a transaction. Some nodes estimate at the very second
 * of the latest block (go-ethereum issue 20649; Base's take `pending` for `latest` where they have none: base/node-reth 194).
 * In the next one the call can cost more, by what it then writes anew: a checkpoint for each of two who vote (an x402
 * payment), or a slot of the stakers' stream (fees; estimated at 245,848, one ran out of gas, and 278,433 were needed).
 */
export function gasLimitFor(estimated: bigint): bigint {
  const limit = (estimated * 12n) / 10n + 50_000n;
  return limit < TRANSACTION_GAS_CAP ? limit : TRANSACTION_GAS_CAP;
}
