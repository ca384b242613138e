// SPDX-License-Identifier: MIT
pragma solidity ^0.8.24;

import {ERC20} from "@openzeppelin/contracts/token/ERC20/ERC20.sol";
import {InferenceConsumer} from "../../contracts/consumer/InferenceConsumer.sol";
import {Policy} from "../../contracts/consumer/Policy.sol";
import {ReturnFeatures} from "../../contracts/consumer/examples/ReturnFeatures.sol";
import {IInferenceRegistry} from "../../contracts/interfaces/IInferenceRegistry.sol";
import {Artifact, Opening, Receipt, Verification} from "../../contracts/interfaces/InferenceTypes.sol";

/// @notice Opens what consumers inherit to tests, with any policy.
contract ConsumerHarness is InferenceConsumer {
    constructor(IInferenceRegistry registry) InferenceConsumer(registry) {}

    function openRequest(bytes32 inputHash) external returns (bytes32) {
        return _openRequest(inputHash);
    }

    function requireVerified(
        Opening calldata opening,
        Policy memory policy
    ) external view returns (Verification memory) {
        return _requireVerified(opening, policy);
    }

    function consumeVerified(Opening calldata opening, Policy memory policy) external {
        _consumeVerified(opening, policy);
    }

    function requireCircuitOutputs(Receipt calldata receipt, uint256[] calldata outputs) external pure {
        _requireCircuitOutputs(receipt, outputs);
    }

    function requireArtifacts(Receipt calldata receipt, Artifact[] calldata artifacts) external pure {
        _requireArtifacts(receipt, artifacts);
    }

    /// @notice Gas of the inherited check, and of what it adds to the registry's own. Each in a call of its own, so that
    /// both find cold storage.
    function gasOfRequireVerified(Opening calldata opening, Policy memory policy) external view returns (uint256) {
        uint256 before = gasleft();
        _requireVerified(opening, policy);
        return before - gasleft();
    }

    function gasOfConsumeVerified(Opening calldata opening, Policy memory policy) external returns (uint256) {
        uint256 before = gasleft();
        _consumeVerified(opening, policy);
        return before - gasleft();
    }

    function gasOfRegistry(Opening calldata opening) external view returns (uint256) {
        uint256 before = gasleft();
        inferenceRegistry.verification(opening);
        return before - gasleft();
    }
}

/// @notice The vault's arithmetic, to be compared with an independent one.
contract ReturnFeaturesHarness {
    function inputHash(uint256[] calldata prices) external pure returns (bytes32) {
        return ReturnFeatures.inputHash(prices);
    }
}

/// @notice A token that anyone may mint.
contract FreeToken is ERC20 {
    constructor(string memory name) ERC20(name, name) {}

    function mint(address to, uint256 amount) external {
        _mint(to, amount);
    }
}
