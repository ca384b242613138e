// SPDX-License-Identifier: MIT
pragma solidity ^0.8.24;

import {InferenceConsumer} from "../../contracts/consumer/InferenceConsumer.sol";
import {
    Accept,
    IInferenceRegistry,
    LookupAnswer,
    LookupConsumer,
    Opening,
    Policies,
    Policy,
    PolicyEntry,
    StatedConsumer,
    UncheckedFunction,
    Verification
} from "../../contracts/consumer/LookupConsumer.sol";

/// @notice Opens what stated consumers inherit to tests, with policies that a test states.
contract StatedHarness is StatedConsumer {
    Policy[] private _stated;

    constructor(IInferenceRegistry registry) InferenceConsumer(registry) {}

    function state(Policy memory policy) external {
        _stated.push(policy);
    }

    function openRequest(bytes32 inputHash) external returns (bytes32) {
        return _openRequest(inputHash);
    }

    function check(Opening calldata opening, Policy memory policy) external view returns (Verification memory) {
        return _requireVerified(opening, policy);
    }

    function consume(Opening calldata opening, Policy memory policy) external {
        _consumeVerified(opening, policy);
    }

    /// @notice The same check in a function that states nothing.
    function checkElsewhere(
        Opening calldata opening,
        Policy memory policy
    ) external view returns (Verification memory) {
        return _requireVerified(opening, policy);
    }

    /// @notice The check without its statement.
    function checkPlainly(Opening calldata opening, Policy memory policy) external view returns (Verification memory) {
        return InferenceConsumer._requireVerified(opening, policy);
    }

    function consumeAsStated(Opening calldata opening, bytes32 inputHash) external {
        _consumeVerified(opening, _statedPolicy().onInput(inputHash));
    }

    function _policies() internal view override returns (PolicyEntry[] memory entries) {
        uint256 count = _stated.length;
        entries = new PolicyEntry[](3 * count);
        for (uint256 i = 0; i < count; ++i) {
            entries[i] = PolicyEntry(this.check.selector, _stated[i]);
            entries[count + i] = PolicyEntry(this.consume.selector, _stated[i]);
            entries[2 * count + i] = PolicyEntry(this.consumeAsStated.selector, _stated[i]);
        }
    }

    function _unchecked() internal pure override returns (UncheckedFunction[] memory list) {
        list = new UncheckedFunction[](2);
        list[0].selector = this.state.selector;
        list[1].selector = this.openRequest.selector;
    }
}

/// @notice Pays out on an answer, to whoever paid for it: an effect that depends on who brings it.
contract PaidAnswers is LookupConsumer {
    bytes32 public immutable model;
    mapping(address account => uint256) public credit;
    string public lastText;

    constructor(IInferenceRegistry registry, string[] memory urls, bytes32 model_) LookupConsumer(registry, urls) {
        model = model_;
    }

    function claim(bytes32 inputHash) external view returns (uint256) {
        _lookUp(this.claimAnswer.selector, "what is it worth?", inputHash, abi.encode(inputHash));
    }

    function claimAnswer(bytes calldata response, bytes calldata extraData) external returns (uint256) {
        (LookupAnswer calldata answer, ) = _consumeAnswer(response, abi.decode(extraData, (bytes32)));
        _requirePaidBy(answer, msg.sender);
        lastText = string(_contentsOf(answer)[0].data);
        return credit[msg.sender] += 1;
    }

    /// @notice Asks again inside a callback, which a client must not follow.
    function askTwice(bytes32 inputHash) external view {
        _lookUp(this.askAgain.selector, "", inputHash, abi.encode(inputHash));
    }

    function askAgain(bytes calldata, bytes calldata extraData) external view {
        _lookUp(this.askAgain.selector, "", abi.decode(extraData, (bytes32)), extraData);
    }

    /// @notice Asks for a callback that states no policy.
    function askUnstated() external view {
        _lookUp(this.askTwice.selector, "", 0, "");
    }

    function _policies() internal view override returns (PolicyEntry[] memory entries) {
        entries = new PolicyEntry[](2);
        Policy memory policy = Policies.accept(Accept.VANILLA | Accept.TEE, model, 1 hours).statesInput();
        entries[0] = PolicyEntry(this.claimAnswer.selector, policy);
        entries[1] = PolicyEntry(this.askAgain.selector, policy);
    }

    function _unchecked() internal pure override returns (UncheckedFunction[] memory) {}
}

/// @notice Passes on what another contract reverts with: a look-up whose sender is not who was called.
contract LookupForwarder {
    function forward(address to, bytes calldata data) external view returns (bytes memory) {
        (bool ok, bytes memory result) = to.staticcall(data);
        if (ok) return result;
        assembly ("memory-safe") {
            revert(add(result, 0x20), mload(result))
        }
    }
}
