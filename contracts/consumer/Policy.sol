// SPDX-License-Identifier: MIT
pragma solidity ^0.8.24;

import {Modes} from "../interfaces/InferenceTypes.sol";

/// @notice A set of modes. A type of its own, so that a mode's number cannot stand where a set is meant: the number of
/// ZKML is 1, and as a set 1 is VANILLA.
type ModeMask is uint8;

using {either as |} for ModeMask global;

/// @notice Modes of both sets.
function either(ModeMask a, ModeMask b) pure returns (ModeMask) {
    return ModeMask.wrap(ModeMask.unwrap(a) | ModeMask.unwrap(b));
}

/// @notice The modes a policy may accept; join them with `|`. What each leaves to trust: docs/consuming.md.
library Accept {
    /// @notice A signed record and no proof: whoever holds an accepted key decides what was answered.
    ModeMask internal constant VANILLA = ModeMask.wrap(uint8(1 << Modes.VANILLA));
    /// @notice Proved computation of the model over the input of the receipt.
    ModeMask internal constant ZKML = ModeMask.wrap(uint8(1 << Modes.ZKML));
    /// @notice Answer of an attested enclave.
    ModeMask internal constant TEE = ModeMask.wrap(uint8(1 << Modes.TEE));
}

/// @notice Which evidence a consumer accepts (R11). Built with {Policies}; whatever is not said is refused.
/// @param modes Accepted modes, at least one.
/// @param modelIds Accepted model versions, at least one.
/// @param origins Mask of what decides where the input came from, see {Origins}; at least one, and all named must hold.
/// @param inputHash The expected input; counts with {Origins-INPUT} only, as zero is an input too.
/// @param requestId A request that this consumer opened; counts with {Origins-REQUEST} only.
/// @param keyIds Accepted signing keys; counts with {Origins-KEYS} only, and then at least one.
/// @param contextHash The memory the answer was computed with, zero for none. It is input as well, so it is checked
/// wherever input or request is named; under keys alone the keys answer for it.
/// @param maxAge Seconds since the earlier of completion and settlement. Completion is the signer's word and may run
/// ahead of the chain by minutes; counting from the earlier one, nothing is gained by that. At least 1.
/// @param minSettled Seconds since settlement: time for a compromise to become known. 0 for none.
struct Policy {
    ModeMask modes;
    bytes32[] modelIds;
    uint256 origins;
    bytes32 inputHash;
    bytes32 requestId;
    bytes32[] keyIds;
    bytes32 contextHash;
    uint256 maxAge;
    uint256 minSettled;
}

using Policies for Policy global;

/// @notice What may decide where an input came from. A proof says f(x) = y, never that x is true.
library Origins {
    /// @notice The consumer knows the hash of the input.
    uint256 internal constant INPUT = 1;
    /// @notice The consumer asked for it, and remembers with which input.
    uint256 internal constant REQUEST = 2;
    /// @notice The consumer trusts the holders of these keys with the input.
    uint256 internal constant KEYS = 4;
}

/// @title Policies
/// @notice Builds policies: `Policies.accept(Accept.ZKML | Accept.TEE, model, 1 hours).onInput(hash)`. Each step changes
/// the policy it is called on and returns it.
library Policies {
    /// @notice Starts a policy, which stays useless until it names an origin.
    /// @param modes Accepted modes.
    /// @param modelId The accepted model version.
    /// @param maxAge Seconds since the earlier of completion and settlement.
    function accept(ModeMask modes, bytes32 modelId, uint256 maxAge) internal pure returns (Policy memory policy) {
        policy.modes = modes;
        policy.modelIds = new bytes32[](1);
        policy.modelIds[0] = modelId;
        policy.maxAge = maxAge;
    }

    /// @notice Accepts one model version more.
    function orModel(Policy memory policy, bytes32 modelId) internal pure returns (Policy memory) {
        bytes32[] memory known = policy.modelIds;
        bytes32[] memory modelIds = new bytes32[](known.length + 1);
        for (uint256 i = 0; i < known.length; ++i) modelIds[i] = known[i];
        modelIds[known.length] = modelId;
        policy.modelIds = modelIds;
        return policy;
    }

    /// @notice Origin: the receipt's input has this hash.
    function onInput(Policy memory policy, bytes32 inputHash) internal pure returns (Policy memory) {
        policy.origins |= Origins.INPUT;
        policy.inputHash = inputHash;
        return policy;
    }

    /// @notice Origin: the receipt answers this request, opened by this consumer, over the input it was opened with.
    function onRequest(Policy memory policy, bytes32 requestId) internal pure returns (Policy memory) {
        policy.origins |= Origins.REQUEST;
        policy.requestId = requestId;
        return policy;
    }

    /// @notice States, for others to read, that the function names the input when it is called; see `StatedConsumer`.
    function statesInput(Policy memory policy) internal pure returns (Policy memory) {
        policy.origins |= Origins.INPUT;
        return policy;
    }

    /// @notice States that the function names a request of this consumer when it is called.
    function statesRequest(Policy memory policy) internal pure returns (Policy memory) {
        policy.origins |= Origins.REQUEST;
        return policy;
    }

    /// @notice Origin: one of these keys signed the receipt.
    function byKeys(Policy memory policy, bytes32[] memory keyIds) internal pure returns (Policy memory) {
        policy.origins |= Origins.KEYS;
        policy.keyIds = keyIds;
        return policy;
    }

    /// @notice The answer may rest on this memory snapshot, and on no other.
    function withContext(Policy memory policy, bytes32 contextHash) internal pure returns (Policy memory) {
        policy.contextHash = contextHash;
        return policy;
    }

    /// @notice The receipt settled at least this many seconds ago.
    function settledFor(Policy memory policy, uint256 minSettled) internal pure returns (Policy memory) {
        policy.minSettled = minSettled;
        return policy;
    }
}
