// SPDX-License-Identifier: MIT
pragma solidity ^0.8.24;

import {Accept, ModeMask, Origins, Policies, Policy} from "../../contracts/consumer/Policy.sol";
import {ReturnFeatures} from "../../contracts/consumer/examples/ReturnFeatures.sol";
import {IInferenceConsumer} from "../../contracts/interfaces/IInferenceConsumer.sol";
import {IInferenceRegistry} from "../../contracts/interfaces/IInferenceRegistry.sol";
import {Opening, Reason, Verification} from "../../contracts/interfaces/InferenceTypes.sol";
import {ConsumerHarness} from "./ConsumerHarness.sol";

interface Vm {
    function warp(uint256 timestamp) external;
}

/// @notice Answers what it is told to, so that a consumer's own decisions are seen apart from the registry's.
contract ToldRegistry {
    Verification private _answer;

    function tell(Verification memory answer) external {
        _answer = answer;
    }

    function verification(Opening calldata) external view returns (Verification memory) {
        return _answer;
    }
}

/// @notice What policies let through, against one plain sentence a rule.
contract ConsumerTest {
    Vm private constant VM = Vm(0x7109709ECfa91a80626fF3989D68f67F5b1DD12D);
    bytes32 private constant MODEL = "model";
    bytes32 private constant KEY = "key";
    bytes32 private constant INPUT = "input";
    uint256 private constant NOW = 1_800_000_000;

    ToldRegistry private registry;
    ConsumerHarness private consumer;
    bytes32 private requestId;

    function setUp() external {
        VM.warp(NOW);
        registry = new ToldRegistry();
        consumer = new ConsumerHarness(IInferenceRegistry(address(registry)));
        requestId = consumer.openRequest(INPUT);
    }

    /// @notice The builder says what was said to it, and starts out with no origin at all [R11].
    function testFuzz_Builder(bytes32[3] memory ids, bytes32 context, uint32 maxAge, uint32 minSettled) external pure {
        Policy memory policy = Policies.accept(Accept.ZKML | Accept.TEE, ids[0], maxAge);
        require(ModeMask.unwrap(policy.modes) == 6 && policy.origins == 0 && policy.maxAge == maxAge, "start");
        bytes32[] memory keys = new bytes32[](1);
        keys[0] = ids[2];
        policy = policy.orModel(ids[1]).orModel(ids[2]).byKeys(keys).withContext(context).settledFor(minSettled);
        require(policy.modelIds.length == 3, "models");
        for (uint256 i = 0; i < 3; ++i) require(policy.modelIds[i] == ids[i], "model");
        require(policy.origins == Origins.KEYS && policy.keyIds[0] == ids[2], "keys");
        require(policy.contextHash == context && policy.minSettled == minSettled, "context and rest");
        policy = policy.onInput(ids[0]).onRequest(ids[1]);
        require(policy.origins == 7 && policy.inputHash == ids[0] && policy.requestId == ids[1], "origins");
    }

    /// @notice A mode passes exactly where it is one of the policy's, and no mask beyond the known modes passes [R11].
    function testFuzz_ModeMatrix(uint8 modes, uint8 mode) external {
        Opening memory opening = _opening();
        opening.receipt.mode = mode % 4;
        _tellVerified(NOW);
        Policy memory policy = _policy();
        policy.modes = ModeMask.wrap(modes % 12);
        bool sound = modes % 12 != 0 && modes % 12 < 8;
        bool expected = sound && _isIn(modes % 12, mode % 4);
        require(_passes(opening, policy) == expected, "mode matrix");
    }

    /// @notice No receipt passes under a mode that the protocol does not know, whatever the mask [R11].
    function testFuzz_UnknownModesNeverPass(uint8 modes, uint8 mode) external {
        if (mode < 3) return;
        Opening memory opening = _opening();
        opening.receipt.mode = mode;
        _tellVerified(NOW);
        Policy memory policy = _policy();
        policy.modes = ModeMask.wrap(modes);
        require(!_passes(opening, policy), "unknown mode");
    }

    /// @notice Every origin that is named must hold, and naming none or an unknown one passes nothing [R11].
    function testFuzz_Origins(uint8 named, bool rightInput, bool rightRequest, bool rightKey) external {
        Opening memory opening = _opening();
        if (!rightInput) opening.receipt.inputHash = "invented";
        if (!rightRequest) opening.receipt.requestId = "foreign";
        if (!rightKey) opening.receipt.keyId = "stranger";
        _tellVerified(NOW);
        Policy memory policy = _policy();
        uint256 origins = named % 10;
        policy.origins = origins;
        bool expected = origins != 0 && origins < 8;
        if (origins & Origins.INPUT != 0) expected = expected && rightInput;
        // A request stands for its input too.
        if (origins & Origins.REQUEST != 0) expected = expected && rightInput && rightRequest;
        if (origins & Origins.KEYS != 0) expected = expected && rightKey;
        require(_passes(opening, policy) == expected, "origins");
    }

    /// @notice What the registry does not call verified never passes, whatever else it says of it [R3].
    function testFuzz_UnverifiedNeverPasses(uint8 reason, bool distrusted, bool frozen, uint64 settledAt) external {
        registry.tell(
            Verification({
                verified: false,
                distrusted: distrusted,
                frozen: frozen,
                mode: 1,
                reason: Reason(reason % (uint8(type(Reason).max) + 1)),
                settledAt: settledAt,
                receiptId: "receipt"
            })
        );
        Policy memory policy = _policy();
        policy.maxAge = type(uint256).max;
        require(!_passes(_opening(), policy), "unverified");
    }

    /// @notice Age is counted from the earlier clock, rest from settlement; both ends belong to the span [R4].
    function testFuzz_Ages(
        uint16 completedAgo,
        uint16 settledAgo,
        uint16 maxAge,
        uint16 minSettled,
        bool ahead
    ) external {
        Opening memory opening = _opening();
        uint256 completed = ahead ? NOW + (completedAgo % 300) : NOW - completedAgo;
        uint256 settled = NOW - settledAgo;
        opening.receipt.completedAt = uint64(completed);
        _tellVerified(settled);
        Policy memory policy = _policy();
        policy.maxAge = maxAge;
        policy.minSettled = minSettled;
        bool expected =
            maxAge != 0 &&
                minSettled <= maxAge &&
                completed + maxAge >= NOW &&
                settled + maxAge >= NOW &&
                settled + minSettled <= NOW;
        require(_passes(opening, policy) == expected, "ages");
    }

    /// @notice A receipt is consumed once, and a refused one leaves no mark [R9].
    function testFuzz_ConsumedOnce(bytes32 usedId, bool passes) external {
        Opening memory opening = _opening();
        opening.receipt.requestId = usedId;
        _tellVerified(NOW);
        Policy memory policy = _policy();
        policy.origins = Origins.INPUT;
        if (!passes) policy.inputHash = "other";
        try consumer.consumeVerified(opening, policy) {
            require(passes, "consumed against the policy");
        } catch {
            require(!passes, "not consumed");
        }
        require(consumer.isInferenceUsed(usedId) == passes, "mark");
        policy.inputHash = INPUT;
        try consumer.consumeVerified(opening, policy) {
            require(!passes, "consumed twice");
        } catch (bytes memory problem) {
            require(passes && bytes4(problem) == IInferenceConsumer.InferenceConsumer_AlreadyUsed.selector, "again");
        }
    }

    /// @notice Packed features read back byte by byte are what each return amounts to on its own.
    function testFuzz_FeaturePacking(uint128[17] memory given) external pure {
        uint256[] memory prices = new uint256[](17);
        for (uint256 i = 0; i < 17; ++i) prices[i] = given[i] == 0 ? 1 : given[i];
        _checkPacking(prices);
    }

    /// @notice The same where returns are small, as days are, so that features are not all held at their ends.
    function testFuzz_FeaturePackingOfSmallReturns(uint128 start, int8[16] memory steps) external pure {
        uint256[] memory prices = new uint256[](17);
        prices[0] = 1e6 + (uint256(start) >> 8);
        for (uint256 i = 0; i < 16; ++i)
            prices[i + 1] = uint256(int256(prices[i]) + (int256(prices[i]) * steps[i]) / 1900);
        _checkPacking(prices);
    }

    function _checkPacking(uint256[] memory prices) private pure {
        bytes32 packed = ReturnFeatures.inputHash(prices);
        require(uint256(packed) >> 128 == 0, "sixteen bytes");
        for (uint256 i = 0; i < 16; ++i) {
            // Without signed arithmetic: rises and falls are computed apart, each rounded toward no change.
            uint256 before = prices[i];
            uint256 next = prices[i + 1];
            uint256 expected;
            if (next >= before) {
                uint256 rise = ((next - before) * 2000) / before;
                expected = rise > 127 ? 255 : 128 + rise;
            } else {
                uint256 fall = ((before - next) * 2000) / before;
                expected = fall > 128 ? 0 : 128 - fall;
            }
            // Byte i from the right: the oldest return is in the last byte of the word.
            require(uint8(packed[31 - i]) == expected, "feature");
        }
    }

    function _isIn(uint256 modes, uint256 mode) private pure returns (bool) {
        bool[3] memory accepted = [modes % 2 == 1, (modes / 2) % 2 == 1, (modes / 4) % 2 == 1];
        return mode < 3 && accepted[mode];
    }

    function _opening() private view returns (Opening memory opening) {
        opening.receipt.requestId = requestId;
        opening.receipt.modelId = MODEL;
        opening.receipt.inputHash = INPUT;
        opening.receipt.keyId = KEY;
        opening.receipt.completedAt = uint64(NOW);
        opening.receipt.mode = 1;
    }

    function _policy() private view returns (Policy memory policy) {
        policy.modes = ModeMask.wrap(2);
        policy.modelIds = new bytes32[](1);
        policy.modelIds[0] = MODEL;
        policy.origins = Origins.INPUT;
        policy.inputHash = INPUT;
        policy.requestId = requestId;
        policy.keyIds = new bytes32[](2);
        policy.keyIds[1] = KEY;
        policy.maxAge = 1 hours;
    }

    function _tellVerified(uint256 settledAt) private {
        registry.tell(
            Verification({
                verified: true,
                distrusted: false,
                frozen: false,
                mode: 1,
                reason: Reason.None,
                settledAt: uint64(settledAt),
                receiptId: "receipt"
            })
        );
    }

    function _passes(Opening memory opening, Policy memory policy) private view returns (bool) {
        try consumer.requireVerified(opening, policy) {
            return true;
        } catch {
            return false;
        }
    }
}
