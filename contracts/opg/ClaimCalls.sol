// SPDX-License-Identifier: MIT
pragma solidity 0.8.34;

import {Claim, ClaimGroup} from "../interfaces/IInferenceEscrow.sol";
import {IInferenceRegistry} from "../interfaces/IInferenceRegistry.sol";
import {Batch, Reason} from "../interfaces/InferenceTypes.sol";

/// @title ClaimCalls
/// @notice The registry's questions about the receipts that claims stand for. A receipt is put together where the call
/// needs it, from the words of the claim: the compiler's encoder would cost several times as much.
/// @dev Words are taken as they come. The registry refuses a receipt or batch with bits beyond a field's type
/// (`ReceiptLib_NonCanonical`) and an index that is none, {channelOf} looks at the rest of a claim: nothing else needs to.
library ClaimCalls {
    /// @notice A field of a claim has bits set beyond its type.
    error ClaimCalls_NonCanonical();

    /// @notice Id of a claim's channel (R7).
    function channelOf(
        address escrow,
        bytes32 nodeId,
        bytes32 modelId,
        Claim calldata claim
    ) internal view returns (bytes32 id) {
        uint256 excess;
        assembly ("memory-safe") {
            let free := mload(0x40)
            mstore(free, chainid())
            mstore(add(free, 0x20), escrow)
            mstore(add(free, 0x40), calldataload(add(claim, 0xe0)))
            mstore(add(free, 0x60), calldataload(claim))
            mstore(add(free, 0x80), nodeId)
            mstore(add(free, 0xa0), modelId)
            calldatacopy(add(free, 0xc0), add(claim, 0x20), 0x40)
            id := keccak256(free, 0x100)
            excess := or(
                or(shr(160, calldataload(claim)), shr(8, calldataload(add(claim, 0x20)))),
                or(shr(64, calldataload(add(claim, 0x40))), shr(128, calldataload(add(claim, 0x160))))
            )
        }
        if (excess != 0) revert ClaimCalls_NonCanonical();
    }

    /// @notice `settledReceipt` of a claim's receipt.
    /// @return answer For {read}.
    function settledReceipt(
        IInferenceRegistry registry,
        Batch calldata batch,
        bytes32 modelId,
        bytes32 channel,
        Claim calldata claim,
        bytes32[] calldata proof
    ) internal view returns (uint256 answer) {
        bytes4 selector = IInferenceRegistry.settledReceipt.selector;
        assembly ("memory-safe") {
            answer := mload(0x40)
            mstore(answer, selector)
            calldatacopy(add(answer, 0x04), batch, 0xc0)
        }
        unchecked {
            _writeReceipt(answer + 0xc4, batch, modelId, channel, claim);
        }
        assembly ("memory-safe") {
            mstore(add(answer, 0x244), calldataload(add(claim, 0x1c0)))
            mstore(add(answer, 0x264), 0x280)
            let size := shl(5, proof.length)
            mstore(add(answer, 0x284), proof.length)
            calldatacopy(add(answer, 0x2a4), proof.offset, size)
            let ok := staticcall(gas(), registry, answer, add(0x2a4, size), answer, 0x60)
            if or(iszero(ok), lt(returndatasize(), 0x60)) {
                returndatacopy(answer, 0x00, returndatasize())
                revert(answer, returndatasize())
            }
        }
    }

    /// @notice Reads what {settledReceipt} was answered, before anything else uses the memory.
    function read(uint256 answer) internal pure returns (bytes32 nodeId, uint256 settledAt, Reason reason) {
        assembly ("memory-safe") {
            nodeId := mload(answer)
            settledAt := mload(add(answer, 0x20))
            reason := mload(add(answer, 0x40))
        }
    }

    /// @notice `settledReceipts` of a group's receipts. Its two arrays are used where they arrive.
    /// @param channels Ids of the claims' channels.
    function settledReceipts(
        IInferenceRegistry registry,
        ClaimGroup calldata group,
        bytes32[] memory channels
    ) internal view returns (bytes32 nodeId, uint256[] memory settledAts, uint256[] memory reasons) {
        uint256 at = _writeGroup(group, channels);
        uint256 least;
        unchecked {
            // The node, two offsets, and two arrays of as many as there are claims.
            least = 0xa0 + (channels.length << 6);
        }
        assembly ("memory-safe") {
            let ok := staticcall(gas(), registry, at, sub(mload(0x40), at), 0x00, 0x00)
            if or(iszero(ok), lt(returndatasize(), least)) {
                returndatacopy(at, 0x00, returndatasize())
                revert(at, returndatasize())
            }
            // Over the call, which is no longer needed and longer than the answer.
            returndatacopy(at, 0x00, returndatasize())
            nodeId := mload(at)
            settledAts := add(at, mload(add(at, 0x20)))
            reasons := add(at, mload(add(at, 0x40)))
        }
    }

    /// @dev The whole call, from `at` to the free pointer: selector, batch, three offsets, then the arrays.
    function _writeGroup(ClaimGroup calldata group, bytes32[] memory channels) private pure returns (uint256 at) {
        bytes4 selector = IInferenceRegistry.settledReceipts.selector;
        Claim[] calldata claims = group.claims;
        bytes32[] calldata proof = group.proof;
        assembly ("memory-safe") {
            at := mload(0x40)
            let indices := add(at, add(0x144, mul(claims.length, 0x180)))
            let siblings := add(add(indices, 0x20), shl(5, claims.length))
            mstore(at, selector)
            calldatacopy(add(at, 0x04), group, 0xc0)
            mstore(add(at, 0xc4), 0x120)
            mstore(add(at, 0xe4), sub(indices, add(at, 0x04)))
            mstore(add(at, 0x104), sub(siblings, add(at, 0x04)))
            mstore(add(at, 0x124), claims.length)
            mstore(indices, claims.length)
            let index := add(claims.offset, 0x1c0)
            for {
                let to := add(indices, 0x20)
            } lt(to, siblings) {
                to := add(to, 0x20)
            } {
                mstore(to, calldataload(index))
                index := add(index, 0x1e0)
            }
            mstore(siblings, proof.length)
            calldatacopy(add(siblings, 0x20), proof.offset, shl(5, proof.length))
            mstore(0x40, add(add(siblings, 0x20), shl(5, proof.length)))
        }
        unchecked {
            _writeReceipts(at + 0x144, group.batch, group.modelId, channels, claims);
        }
    }

    function _writeReceipts(
        uint256 to,
        Batch calldata batch,
        bytes32 modelId,
        bytes32[] memory channels,
        Claim[] calldata claims
    ) private pure {
        for (uint256 i = 0; i < claims.length; ++i) {
            _writeReceipt(to, batch, modelId, channels[i], claims[i]);
            unchecked {
                to += 0x180;
            }
        }
    }

    /// @dev The receipt that answers this voucher: its request id is recomputed (R5), its input is the voucher's.
    function _writeReceipt(
        uint256 to,
        Batch calldata batch,
        bytes32 modelId,
        bytes32 channel,
        Claim calldata claim
    ) private pure {
        assembly ("memory-safe") {
            mstore(0x00, channel)
            mstore(0x20, calldataload(add(claim, 0x100)))
            mstore(to, keccak256(0x00, 0x40))
            mstore(add(to, 0x20), modelId)
            // Input, output, its scheme, context.
            calldatacopy(add(to, 0x40), add(claim, 0x60), 0x80)
            mstore(add(to, 0xc0), calldataload(batch))
            // Payer, sequence, fee, time.
            calldatacopy(add(to, 0xe0), add(claim, 0xe0), 0x80)
            mstore(add(to, 0x160), calldataload(add(batch, 0x20)))
        }
    }
}
