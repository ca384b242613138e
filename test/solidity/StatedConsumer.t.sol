// SPDX-License-Identifier: MIT
pragma solidity ^0.8.24;

import {ModeMask, Origins, Policy} from "../../contracts/consumer/Policy.sol";
import {IInferencePolicies} from "../../contracts/interfaces/IInferencePolicies.sol";
import {IInferenceRegistry} from "../../contracts/interfaces/IInferenceRegistry.sol";
import {Opening, Reason, Verification} from "../../contracts/interfaces/InferenceTypes.sol";
import {ToldRegistry} from "./Consumer.t.sol";
import {StatedHarness} from "./LookupHarness.sol";

interface Vm {
    function warp(uint256 timestamp) external;
}

/// @notice That a check is never weaker than what is stated of the function it runs in.
contract StatedConsumerTest {
    Vm private constant VM = Vm(0x7109709ECfa91a80626fF3989D68f67F5b1DD12D);
    uint256 private constant NOW = 1_800_000_000;

    ToldRegistry private registry;
    StatedHarness private consumer;
    bytes32 private requestId;

    function setUp() external {
        VM.warp(NOW);
        registry = new ToldRegistry();
        consumer = new StatedHarness(IInferenceRegistry(address(registry)));
        requestId = consumer.openRequest(bytes32(uint256(1)));
    }

    /// @notice Whatever a function accepts, its statement accepts too [R11]. Values are few, so that they meet.
    function testFuzz_NothingPassesThatIsNotStated(uint256 seed) external {
        Policy memory stated = _policy(seed);
        Policy memory used = _policy(seed >> 64);
        Opening memory opening = _opening(seed >> 128);
        consumer.state(stated);
        (bool passes, ) = _try(StatedHarness.check.selector, opening, used);
        if (!passes) return;
        // What is named when called is the caller's to name, where the statement leaves it open.
        if (stated.inputHash == 0) stated.inputHash = used.inputHash;
        if (stated.requestId == 0) stated.requestId = used.requestId;
        (bool asStated, ) = _try(StatedHarness.checkPlainly.selector, opening, stated);
        require(asStated, "accepted what is not stated");
    }

    /// @notice What is stated, completed with input and request, is as good as a check that is bound by nothing [R11].
    function testFuzz_TheStatedPolicyItselfIsNeverRefused(uint256 seed, uint8 more) external {
        Policy memory used = _policy(seed);
        Opening memory opening = _opening(seed >> 128);
        for (uint256 i = 0; i < more % 3; ++i) consumer.state(_policy(seed >> (8 * (i + 1))));
        Policy memory stated = _policy(seed);
        stated.inputHash = 0;
        stated.requestId = 0;
        consumer.state(stated);
        (bool bound, bytes memory why) = _try(StatedHarness.check.selector, opening, used);
        (bool free, bytes memory whyFree) = _try(StatedHarness.checkPlainly.selector, opening, used);
        require(bound == free && keccak256(why) == keccak256(whyFree), "not the same");
    }

    /// @notice A function that states nothing can check nothing, by whatever policy [R11].
    function testFuzz_AFunctionWithoutStatementChecksNothing(uint256 seed) external {
        Policy memory policy = _policy(seed);
        consumer.state(policy);
        (bool passes, bytes memory why) = _try(StatedHarness.checkElsewhere.selector, _opening(seed >> 128), policy);
        require(!passes, "unstated");
        bytes memory expected = abi.encodeWithSelector(
            IInferencePolicies.InferencePolicies_NotAsStated.selector,
            StatedHarness.checkElsewhere.selector
        );
        require(keccak256(why) == keccak256(expected), "another reason");
    }

    /// @notice The view says what was stated, for each function that has it.
    function testFuzz_TheViewSaysWhatIsStated(uint256 seed) external {
        Policy memory policy = _policy(seed);
        consumer.state(policy);
        bytes32 expected = keccak256(abi.encode(policy));
        require(consumer.inferencePolicies().length == 3, "entries");
        for (uint256 i = 0; i < 3; ++i)
            require(keccak256(abi.encode(consumer.inferencePolicies()[i].policy)) == expected, "policy");
        require(consumer.inferencePolicies()[0].selector == StatedHarness.check.selector, "selector");
    }

    function _try(
        bytes4 selector,
        Opening memory opening,
        Policy memory policy
    ) private returns (bool ok, bytes memory why) {
        registry.tell(
            Verification({
                verified: true,
                distrusted: false,
                frozen: false,
                mode: opening.receipt.mode,
                reason: Reason.None,
                settledAt: uint64(opening.receipt.completedAt + 5),
                receiptId: "receipt"
            })
        );
        (ok, why) = address(consumer).staticcall(abi.encodeWithSelector(selector, opening, policy));
        if (ok) why = "";
    }

    /// @dev Mostly sound, and of few values: two of them are often alike in all but one thing.
    function _policy(uint256 seed) private view returns (Policy memory policy) {
        policy.modes = ModeMask.wrap(uint8(1 + ((seed >> 0) % 7)));
        policy.modelIds = _ids(seed >> 3);
        policy.origins = 1 + ((seed >> 6) % 7);
        policy.inputHash = bytes32((seed >> 9) % 2);
        policy.requestId = (seed >> 11) % 4 == 0 ? bytes32(0) : requestId;
        policy.keyIds = _ids(seed >> 13);
        policy.contextHash = (seed >> 16) % 8 == 0 ? bytes32(uint256(1)) : bytes32(0);
        policy.maxAge = 10 + ((seed >> 19) % 3);
        policy.minSettled = (seed >> 22) % 3;
        if (policy.origins & Origins.INPUT == 0) policy.inputHash = 0;
    }

    function _ids(uint256 seed) private pure returns (bytes32[] memory ids) {
        uint256 mask = 1 + (seed % 3);
        ids = new bytes32[](mask == 3 ? 2 : 1);
        ids[0] = bytes32(mask == 2 ? uint256(2) : 1);
        if (mask == 3) ids[1] = bytes32(uint256(2));
    }

    function _opening(uint256 seed) private view returns (Opening memory opening) {
        opening.receipt.mode = uint8(seed % 3);
        opening.receipt.modelId = bytes32(1 + ((seed >> 2) % 2));
        opening.receipt.keyId = bytes32(1 + ((seed >> 3) % 2));
        opening.receipt.inputHash = (seed >> 4) % 4 == 0 ? bytes32(0) : bytes32(uint256(1));
        opening.receipt.requestId = (seed >> 6) % 4 == 0 ? bytes32(0) : requestId;
        opening.receipt.contextHash = (seed >> 8) % 8 == 0 ? bytes32(uint256(1)) : bytes32(0);
        opening.receipt.completedAt = uint64(NOW - 5 - ((seed >> 11) % 8));
    }
}
