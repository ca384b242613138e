// SPDX-License-Identifier: MIT

/** The registry's reasons by name, in the order of the enum in InferenceTypes.sol. */
export const Reason = {
  KeyDistrusted: 10n,
  KeyFrozen: 11n,
  ModelDistrusted: 17n,
  VerifierDistrusted: 19n,
  NotSettled: 28n,
} as const;
