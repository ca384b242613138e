import { expect } from "chai";
import { classifySendError, type SendErrorKind } from "../../relayer/chain/send-errors.ts";

// What nodes really say. A text that is missing here has not been seen.
const seen: Record<SendErrorKind, string[]> = {
  already_known: [
    "already known",
    "Known transaction: 0x9f1ac24c5c4b6fb1b3a1f1b0b4b3a7de25c0b9a0e3ad1bb5c9de7f2a8d6bb1ec",
    "transaction already imported",
    "AlreadyKnown",
    "INTERNAL_ERROR: existing tx with same hash",
  ],
  nonce_too_low: [
    "nonce too low",
    "nonce too low: next nonce 5, tx nonce 4",
    "nonce too low: address 0xf39Fd6e51aad88F6F4ce6aB8827279cffFb92266, tx: 4 state: 5",
    "Nonce too low. Expected nonce to be 1 but got 0.",
    "Transaction nonce too low. Expected nonce to be at least 1 but got 0.",
    "OldNonce",
    "Transaction nonce is too low. Try incrementing the nonce.",
    "nonce has already been used",
  ],
  nonce_too_high: [
    "Nonce too high. Expected nonce to be 1 but got 3. Note that transactions can't be queued when automining.",
    "nonce too high",
    "NonceGap",
    "future transaction tries to replace pending",
  ],
  replacement_underpriced: [
    "replacement transaction underpriced",
    "Replacement transaction underpriced. A gasPrice/maxFeePerGas of at least 2200000000 is necessary to replace the existing transaction with nonce 0.",
    "Replacement transaction underpriced. A gasPrice/maxPriorityFeePerGas of at least 1100000000 is necessary to replace the existing transaction with nonce 0.",
    "ReplacementNotAllowed",
    "insufficient gas price to replace existing transaction",
  ],
  fee_too_low: [
    "transaction underpriced",
    "transaction underpriced: tip needed 1000000, tip permitted 1",
    "max fee per gas less than block base fee: address 0xf39Fd6e51aad88F6F4ce6aB8827279cffFb92266, maxFeePerGas: 1, baseFee: 875000000",
    "Transaction maxFeePerGas (1) is too low for the next block, which has a baseFeePerGas of 875000000",
    "Transaction gasPrice (1) is too low for the next block, which has a baseFeePerGas of 875000000",
    "FeeTooLow",
    "Gas price below current base fee",
  ],
  insufficient_funds: [
    "insufficient funds for gas * price + value: balance 0, tx cost 42000000000000, overshot 42000000000000",
    "Insufficient funds for gas * price + value",
    "Sender doesn't have enough funds to send tx. The max upfront cost is: 42000000000000 and the sender's balance is: 0.",
    "InsufficientFunds, Account balance: 0, cumulative cost: 42000000000000",
    "Upfront cost exceeds account balance",
    "insufficient funds for gas price or gas limit",
  ],
  invalid: [
    "intrinsic gas too low: gas 5, minimum needed 21000",
    "intrinsic gas too high",
    "Transaction requires at least 21000 gas but got 20000",
    "exceeds block gas limit",
    "Transaction gas limit is 30000001 and exceeds block gas limit of 30000000",
    "Transaction gas limit is 16777217 and exceeds transaction gas cap of 16777216",
    "transaction gas limit too high (cap: 16777216, tx: 16777217)",
    "oversized data: transaction size 140000, limit 131072",
    "invalid chain id for signer: have 1 want 31337",
    "tx fee (1.05 ether) exceeds the configured cap (1.00 ether)",
    "max priority fee per gas higher than max fee per gas",
    "transaction type not supported",
  ],
  pool_full: ["txpool is full", "in-flight transaction limit reached for delegated accounts", "account limit exceeded"],
  mined_and_reverted: [
    "VM Exception while processing transaction: reverted with custom error 'InferenceRegistry_Paused(1)'",
    "Transaction reverted without a reason string",
  ],
  unknown: ["upstream connect error", "service temporarily unavailable", "request timed out", ""],
};

describe("send errors", () => {
  for (const [kind, messages] of Object.entries(seen)) {
    for (const message of messages) {
      it(`reads "${message.slice(0, 60)}" as ${kind} [FM:nonce-misclassified]`, () => {
        expect(classifySendError(message)).to.equal(kind);
      });
    }
  }
});
