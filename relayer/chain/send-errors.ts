// SPDX-License-Identifier: MIT
/**
 * What a node means when it refuses a raw transaction. Nodes agree on no codes, so the text decides; the texts are
 * those of geth, reth, erigon, nethermind, besu, anvil and Hardhat.
 */
export type SendErrorKind =
  /** It is in the pool: as good as sent. */
  | "already_known"
  /** The nonce is used up: by one of our own hashes, or by somebody else. Only looking up tells. */
  | "nonce_too_low"
  /** The node misses a lower nonce. */
  | "nonce_too_high"
  /** The pool holds a transaction of this nonce that pays more. */
  | "replacement_underpriced"
  /** Less than the block or the pool asks for. */
  | "fee_too_low"
  | "insufficient_funds"
  /** This transaction will not be taken in this form, however often it is sent. */
  | "invalid"
  /** The node has no room now. */
  | "pool_full"
  /** The node runs the transaction at once, and reports its revert: it is mined all the same. */
  | "mined_and_reverted"
  /** Nothing is known: the node may have taken it. */
  | "unknown";

// The first that matches decides. "replacement" comes before "underpriced", and "insufficient" before "gas limit",
// because the longer messages quote the shorter ones.
const patterns: readonly (readonly [SendErrorKind, RegExp])[] = [
  ["already_known", /already known|known transaction|already ?imported|alreadyknown|existing tx with same hash/i],
  [
    "nonce_too_low",
    /nonce (is )?too low|nonce has already been used|oldnonce|old nonce|invalid nonce[^]*(next|expected)|transaction nonce is too low/i,
  ],
  [
    "nonce_too_high",
    /nonce (is )?too high|noncegap|nonce gap|noncetoofarinfuture|future transaction tries to replace/i,
  ],
  [
    "replacement_underpriced",
    /replacement (transaction|tx)[^]*underpriced|replacementnotallowed|could not replace|insufficient gas price to replace|replacement fee too low/i,
  ],
  [
    "insufficient_funds",
    /insufficient (funds|balance)|insufficientfunds|doesn't have enough funds|upfront cost exceeds account balance|not enough funds/i,
  ],
  [
    "fee_too_low",
    /underpriced|max fee per gas less than block base fee|(maxfeepergas|gasprice|gas price)[^]*too low|feetoolow|fee too low|gas price[^]*(below|less than)|feecap[^]*below/i,
  ],
  ["pool_full", /txpool is full|mempool is full|account limit exceeded|in-flight transaction limit|already reserved/i],
  [
    "invalid",
    /intrinsic gas too (low|high)|requires at least \d+ gas|exceeds (the )?(block|transaction) gas|exceeds transaction gas cap|gas limit too high|gas limit is \d+ and exceeds|gaslimitexceeded|oversized data|invalid chain ?id|incompatible eip-?155|invalid sender|invalid signature|transaction type not supported|exceeds the configured cap|higher than max fee per gas|floor data gas|max initcode size|rlp/i,
  ],
  ["mined_and_reverted", /vm exception while processing transaction|transaction reverted|execution reverted/i],
];

/**
 * Classifies the message of a node that refused `eth_sendRawTransaction`. An unfamiliar text is `unknown`, which never
 * leads to anything that assumes the transaction was not taken.
 */
export function classifySendError(message: string): SendErrorKind {
  for (const [kind, pattern] of patterns) if (pattern.test(message)) return kind;
  return "unknown";
}
