// SPDX-License-Identifier: MIT
pragma solidity ^0.8.24;

import {
    Accept,
    IInferenceRegistry,
    InferenceConsumer,
    ModeMask,
    Opening,
    Origins,
    Policies,
    Policy,
    Verification
} from "./InferenceConsumer.sol";
import {IInferencePolicies, PolicyEntry, UncheckedFunction} from "../interfaces/IInferencePolicies.sol";

/// @title StatedConsumer
/// @notice An `InferenceConsumer` whose policies can be read on chain, function by function, and are what it checks by.
/// List them in {_policies}, start each check from {_statedPolicy}, and name the other functions in {_unchecked}:
///
///     _consumeVerified(opening, _statedPolicy().onInput(currentInput()));
///
/// @dev The view and the check read the same function of the contract, by `msg.sig`, so a statement cannot drift away from
/// what is done: every check is refused that is weaker than what is stated for the function called. A function that is
/// not listed can check nothing at all. What remains to be read in the source is how the input is built, and whether a
/// function acts on something that it did not check.
abstract contract StatedConsumer is InferenceConsumer, IInferencePolicies {
    /// @inheritdoc IInferencePolicies
    function inferencePolicies() external view returns (PolicyEntry[] memory) {
        return _policies();
    }

    /// @inheritdoc IInferencePolicies
    function uncheckedFunctions() external view returns (UncheckedFunction[] memory) {
        return _unchecked();
    }

    /// @notice The policies of this contract. Origins that are named when called are stated with `statesInput` and
    /// `statesRequest`. It runs with every check, so keep it to immutables where you can.
    function _policies() internal view virtual returns (PolicyEntry[] memory);

    /// @notice Every other function that changes state, inherited ones too.
    function _unchecked() internal view virtual returns (UncheckedFunction[] memory);

    /// @notice What is stated first for the function that was called; to be completed with its input or request.
    /// @dev By `msg.sig`: inside an internal call it is the outer function that answers for what happens.
    function _statedPolicy() internal view returns (Policy memory) {
        return _policyOf(msg.sig);
    }

    /// @notice What is stated first for a function. Reverts if nothing is.
    function _policyOf(bytes4 selector) internal view returns (Policy memory) {
        PolicyEntry[] memory entries = _policies();
        for (uint256 i = 0; i < entries.length; ++i) {
            if (entries[i].selector == selector) return entries[i].policy;
        }
        revert InferencePolicies_NotAsStated(selector);
    }

    /// @dev {_consumeVerified} comes through here too.
    function _requireVerified(
        Opening calldata opening,
        Policy memory policy
    ) internal view override returns (Verification memory) {
        PolicyEntry[] memory entries = _policies();
        for (uint256 i = 0; i < entries.length; ++i) {
            if (entries[i].selector == msg.sig && _isWithin(policy, entries[i].policy))
                return super._requireVerified(opening, policy);
        }
        revert InferencePolicies_NotAsStated(msg.sig);
    }

    /// @dev Whether a policy accepts nothing that the stated one does not.
    function _isWithin(Policy memory policy, Policy memory stated) private pure returns (bool) {
        uint8 modes = ModeMask.unwrap(policy.modes);
        return
            modes & ~ModeMask.unwrap(stated.modes) == 0 &&
            _isSubset(policy.modelIds, stated.modelIds) &&
            stated.origins & ~policy.origins == 0 &&
            (stated.inputHash == 0 || policy.inputHash == stated.inputHash) &&
            (stated.requestId == 0 || policy.requestId == stated.requestId) &&
            (stated.origins & Origins.KEYS == 0 || _isSubset(policy.keyIds, stated.keyIds)) &&
            policy.contextHash == stated.contextHash &&
            policy.maxAge <= stated.maxAge &&
            policy.minSettled >= stated.minSettled;
    }

    function _isSubset(bytes32[] memory part, bytes32[] memory whole) private pure returns (bool) {
        for (uint256 i = 0; i < part.length; ++i) {
            uint256 j = 0;
            while (j < whole.length && whole[j] != part[i]) ++j;
            if (j == whole.length) return false;
        }
        return true;
    }
}
