/** What of requests on chain is broken on purpose; see scripts/mutants.ts. */
import type { Mutant } from "./mutants-economy.ts";

const REQUESTS = "contracts/inference/InferenceRequests.sol";
const ACCOUNTS = "contracts/inference/RequestAccounts.sol";
const OUTPUT = "contracts/verification/AnswerOutput.sol";
const BASE = "contracts/consumer/InferenceRequester.sol";

const asking = "test/requests/asking.test.ts";
const answering = "test/requests/fulfilling.test.ts";
const callback = "test/requests/callback.test.ts";
const timeOuts = "test/requests/timeOuts.test.ts";
const stateful = "test/solidity/InferenceRequests.t.sol";

export const ASKED: Mutant[] = [
  [REQUESTS, "if ((gasleft() * 63) / 64 < callbackGas + CALL_OVERHEAD)", "if (gasleft() < callbackGas)", callback],
  [REQUESTS, "own.status = RequestStatus.Fulfilled;", "", stateful],
  [REQUESTS, "undelivered[requestId] = 0;", "", callback],
  [
    REQUESTS,
    "if (msg.sender != own.requester) revert InferenceRequests_NotRequester(own.requester, msg.sender);\n        (,",
    "(,",
    callback,
  ],
  [REQUESTS, "if (receipt.payer != own.requester) return Mismatch.Payer;", "", answering],
  [REQUESTS, "if (receipt.contextHash != own.contextHash) return Mismatch.Context;", "", answering],
  [REQUESTS, "receipt.cumulativeFee > own.maxFee", "receipt.cumulativeFee > own.maxFee + 1", answering],
  [REQUESTS, "return keyNode == _nodeOf(own) ? Mismatch.None : Mismatch.Node;", "return Mismatch.None;", answering],
  [REQUESTS, "opening.batch.count == 0 ? address(0) : opening.batch.settler", "opening.batch.settler", answering],
  [REQUESTS, "if (block.timestamp > last) revert InferenceRequests_TooLate(last);\n    }", "}", answering],
  [REQUESTS, "if (block.timestamp <= last) revert", "if (block.timestamp < last) revert", answering],
  [REQUESTS, "pausedUntil >= deadline + MAX_PAUSE", "pausedUntil > deadline + MAX_PAUSE", timeOuts],
  [REQUESTS, "Math.min(pausedUntil - own.since, MAX_PAUSE)", "MAX_PAUSE", timeOuts],
  [REQUESTS, "own.since = uint40(block.timestamp);", "", timeOuts],
  [REQUESTS, "accepted ? bondOf(refund) : 0", "bondOf(refund)", stateful],
  [REQUESTS, "if (load > offer.capacity)", "if (load > offer.capacity + 1)", asking],
  [REQUESTS, "if (!nodeRegistry.hasStake(nodeId)) revert InferenceRequests_StakeTooLow(nodeId);", "", asking],
  [REQUESTS, "block.timestamp < key.frozenUntil", "false", asking],
  [REQUESTS, "closesAt != 0 && deadline >= closesAt", "closesAt != 0 && deadline > closesAt", asking],
  [REQUESTS, "_requireBeforeClosing(own.deadline);", "", asking],
  [REQUESTS, "reason != Reason.KeyFrozen &&", "reason != Reason.KeyFrozen && reason != Reason.NotSettled &&", timeOuts],
  [
    ACCOUNTS,
    "if (!token.trySafeTransfer(account, amount)) _credit(account, amount);",
    "token.safeTransfer(account, amount);",
    timeOuts,
  ],
  [ACCOUNTS, "credit[account] = 0;", "", asking],
  [ACCOUNTS, "_fees[key] = 0;", "", answering],
  [ACCOUNTS, "msg.sender != account && _agents[account] != 0", "false", asking],
  [ACCOUNTS, "if (isAgent[msg.sender][agent] != allowed) {", "{", asking],
  [OUTPUT, "contents[i].length == 0", "true", answering],
  [OUTPUT, "return keccak256(abi.encode(artifacts, contents)) == keccak256(output);", "return true;", answering],
  [OUTPUT, "if (keccak256(abi.encode(outputs)) != keccak256(output)) return false;", "", answering],
  [OUTPUT, "contents.length != artifacts.length ||", "", answering],
  [BASE, "isAwaited[requestId] = false;", "", callback],
];
