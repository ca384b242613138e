// SPDX-License-Identifier: MIT
// Why a payment is refused, in the words of x402 where it has any: clients and their SDKs know these.

export const REASONS = {
  version: "invalid_x402_version",
  scheme: "invalid_exact_evm_scheme",
  network: "invalid_exact_evm_network_mismatch",
  payloadType: "unsupported_payload_type",
  noCode: "asset_not_deployed_contract",
  noEip3009: "invalid_exact_evm_eip3009_not_supported",
  tokenName: "invalid_exact_evm_token_name_mismatch",
  tokenVersion: "invalid_exact_evm_token_version_mismatch",
  signature: "invalid_exact_evm_signature",
  validBefore: "invalid_exact_evm_payload_authorization_valid_before",
  validAfter: "invalid_exact_evm_payload_authorization_valid_after",
  nonceUsed: "invalid_exact_evm_nonce_already_used",
  balance: "invalid_exact_evm_insufficient_balance",
  permit2Missing: "permit2_proxy_not_deployed",
  permit2Signature: "invalid_permit2_signature",
  permit2Expired: "permit2_deadline_expired",
  permit2Nonce: "permit2_invalid_nonce",
  permit2Allowance: "permit2_allowance_required",
  permit2Simulation: "permit2_simulation_failed",
  recipient: "invalid_exact_evm_recipient_mismatch",
  value: "invalid_exact_evm_payload_authorization_value_mismatch",
  failed: "invalid_exact_evm_transaction_failed",
  noTransfer: "invalid_exact_evm_transfer_event_mismatch",
  pending: "settlement_pending",
  duplicate: "duplicate_settlement",
  // Ours: what this facilitator's operator does not take.
  asset: "asset_not_accepted",
  payTo: "pay_to_not_accepted",
  amount: "amount_not_accepted",
} as const;

/**
 * The reason behind a revert, from its text: EIP-3009 tokens revert with strings, Permit2 with errors, whose selectors are
 * `InvalidNonce()` and `SignatureExpired(uint256)`, and with a string that says nothing where the token refused.
 */
export function reasonOfRevert(message: string): string {
  if (/0x756688fe/i.test(message)) return REASONS.permit2Nonce;
  if (/0xcd21db4f/i.test(message)) return REASONS.permit2Expired;
  if (/TRANSFER_FROM_FAILED/.test(message)) return REASONS.permit2Simulation;
  if (/authorization is expired/i.test(message)) return REASONS.validBefore;
  if (/authorization is not yet valid/i.test(message)) return REASONS.validAfter;
  if (/authorization is used/i.test(message)) return REASONS.nonceUsed;
  if (/exceeds balance|insufficient.*balance/i.test(message)) return REASONS.balance;
  if (/invalid signature/i.test(message)) return REASONS.signature;
  return REASONS.failed;
}
