// SPDX-License-Identifier: MIT
pragma solidity ^0.8.24;

import {IInferenceRegistry} from "./IInferenceRegistry.sol";
import {Reason} from "./InferenceTypes.sol";

/// @title IInferenceConsumer
/// @notice What every contract that acts on inferences shows to the outside: its requests, what it used, and why it
/// refused. Errors in the order in which they are found.
interface IInferenceConsumer {
    /// @notice This contract asks for an inference over an input; whoever can may answer under `requestId` (R5).
    event InferenceRequested(bytes32 indexed requestId, bytes32 indexed inputHash);
    /// @notice This contract acted on a receipt; nothing under `requestId` is acted on here again (R9).
    event InferenceUsed(bytes32 indexed requestId, bytes32 indexed receiptId);

    /// @notice There is no contract at the registry's address.
    error InferenceConsumer_NotARegistry(address registry);
    /// @notice An input hash of 256 one bits is no hash of anything, and is kept free to mean "not requested".
    error InferenceConsumer_InvalidInput(bytes32 inputHash);

    /// @notice The policy accepts no mode: nothing could pass.
    error InferenceConsumer_EmptyPolicyModes();
    /// @notice The policy accepts modes that do not exist; `modes` is a mask of `1 << mode`.
    error InferenceConsumer_UnknownPolicyModes(uint8 modes);
    /// @notice The policy names no model version: it would act on any model's word.
    error InferenceConsumer_EmptyPolicyModels();
    /// @notice The policy names no origin of the input: "any key, any input" proves nothing about the world (R11).
    error InferenceConsumer_EmptyPolicyOrigin();
    /// @notice The policy names origins that do not exist; see `Origins`.
    error InferenceConsumer_UnknownPolicyOrigins(uint256 origins);
    /// @notice The policy relies on keys and names none.
    error InferenceConsumer_EmptyPolicyKeys();
    /// @notice The policy has no maximum age.
    error InferenceConsumer_EmptyPolicyMaxAge();
    /// @notice The policy asks for more time since settlement than it lets a receipt live.
    error InferenceConsumer_ImpossiblePolicyAges(uint256 minSettled, uint256 maxAge);

    /// @notice This contract acted on `requestId` before (R9).
    error InferenceConsumer_AlreadyUsed(bytes32 requestId);
    /// @notice The receipt's mode is not in the mask.
    error InferenceConsumer_ModeNotAccepted(uint8 mode, uint8 modes);
    /// @notice The receipt is of another model version.
    error InferenceConsumer_ModelNotAccepted(bytes32 modelId);
    /// @notice The receipt is signed by a key that the policy does not name.
    error InferenceConsumer_KeyNotAccepted(bytes32 keyId);
    /// @notice The receipt answers another request than the policy names.
    error InferenceConsumer_WrongRequest(bytes32 expected, bytes32 found);
    /// @notice This contract never opened the request.
    error InferenceConsumer_UnknownRequest(bytes32 requestId);
    /// @notice The receipt is about another input, however well it is proved (R11).
    error InferenceConsumer_WrongInput(bytes32 expected, bytes32 found);
    /// @notice The answer was computed with other memory than the policy names; zero for none.
    error InferenceConsumer_WrongContext(bytes32 expected, bytes32 found);
    /// @notice The registry does not vouch for the receipt, for this reason.
    error InferenceConsumer_NotVerified(bytes32 receiptId, Reason reason);
    /// @notice More than `maxAge` seconds passed since `from`, the earlier of completion and settlement.
    error InferenceConsumer_TooOld(uint256 from, uint256 maxAge);
    /// @notice Fewer than `minSettled` seconds passed since settlement: try again later.
    error InferenceConsumer_TooFresh(uint256 settledAt, uint256 minSettled);

    /// @notice The receipt commits to its answer in another way.
    error InferenceConsumer_WrongOutputScheme(uint8 expected, uint8 found);
    /// @notice What was handed in is not what the receipt says was answered.
    error InferenceConsumer_WrongOutput(bytes32 expected, bytes32 found);

    /// @notice The registry whose receipts this contract acts on; it never changes.
    function inferenceRegistry() external view returns (IInferenceRegistry);

    /// @notice How many requests this contract opened; their ids count from 0.
    function inferenceRequestCount() external view returns (uint256);

    /// @notice Whether this contract opened `requestId`, and over which input.
    function inferenceRequest(bytes32 requestId) external view returns (bool opened, bytes32 inputHash);

    /// @notice Whether this contract acted on `requestId`.
    function isInferenceUsed(bytes32 requestId) external view returns (bool);
}
