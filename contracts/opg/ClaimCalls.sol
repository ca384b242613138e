// SPDX-License-Identifier: MIT
pragma solidity 0.8.34;

import {Claim, ClaimGroup} from "../interfaces/IInferenceEscrow.sol";
import {IInferenceRegistry} from "../interfaces/IInferenceRegistry.sol";
import {Batch, Reason} from "../interfaces/InferenceTypes.sol";
import {ClaimWords} from "./ClaimWords.sol";

/// @title ClaimCalls
/// @notice The registry's questions about the receipts that claims stand for. A receipt is put together where the call
/// needs it, from the words of the claim: the compiler's encoder would cost several times as much.
/// @dev The batch is taken as it comes: the registry refuses one with bits beyond a field's type
/// (`ReceiptLib_NonCanonical`), and an index that is none. Fields of a claim are read by their width, and {channelOf}
/// refuses what is beyond them: nothing else needs to.
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
        (uint256 payer, uint256 signer, uint256 answer) = (claim.payer, claim.signer, claim.answer);
        if ((signer >> ClaimWords.SIGNER_END) | (answer >> ClaimWords.ANSWER_END) != 0)
            revert ClaimCalls_NonCanonical();
        (uint256 lane, uint256 modeMask) = (uint64(signer >> ClaimWords.LANE), signer >> ClaimWords.MODE_MASK);
        payer = uint160(payer);
        signer = uint160(signer);
        if (signer == 0) signer = payer;
        assembly ("memory-safe") {
            let free := mload(0x40)
            mstore(free, chainid())
            mstore(add(free, 0x20), escrow)
            mstore(add(free, 0x40), payer)
            mstore(add(free, 0x60), signer)
            mstore(add(free, 0x80), nodeId)
            mstore(add(free, 0xa0), modelId)
            mstore(add(free, 0xc0), modeMask)
            mstore(add(free, 0xe0), lane)
            id := keccak256(free, 0x100)
        }
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
            // Taken, so that nothing between here and the reader of the answer writes over it.
            mstore(0x40, add(answer, add(0x2c0, shl(5, proof.length))))
            mstore(answer, selector)
            calldatacopy(add(answer, 0x04), batch, 0xc0)
        }
        unchecked {
            _writeReceipt(answer + 0xc4, batch, modelId, channel, claim);
        }
        assembly ("memory-safe") {
            // The highest 32 bits of the first word: `ClaimWords.INDEX`.
            mstore(add(answer, 0x244), shr(224, calldataload(claim)))
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

    /// @notice Reads what {settledReceipt} was answered.
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
            let claim := claims.offset
            for {
                let to := add(indices, 0x20)
            } lt(to, siblings) {
                to := add(to, 0x20)
            } {
                // The highest 32 bits of the first word: `ClaimWords.INDEX`.
                mstore(to, shr(224, calldataload(claim)))
                claim := add(claim, 0x120)
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
        Claim calldata claim;
        assembly ("memory-safe") {
            claim := claims.offset
        }
        uint256 from;
        uint256 end;
        assembly ("memory-safe") {
            from := add(channels, 0x20)
            end := add(from, shl(5, claims.length))
        }
        unchecked {
            for (; from < end; from += 0x20) {
                bytes32 channel;
                assembly ("memory-safe") {
                    channel := mload(from)
                }
                _writeReceipt(to, batch, modelId, channel, claim);
                to += 0x180;
                assembly ("memory-safe") {
                    claim := add(claim, 0x120)
                }
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
            // index 32 ‖ sequence 64 ‖ payer 160
            let word := calldataload(claim)
            let sequence := and(shr(160, word), 0xffffffffffffffff)
            mstore(0x00, channel)
            mstore(0x20, sequence)
            mstore(to, keccak256(0x00, 0x40))
            mstore(add(to, 0x20), modelId)
            // Input and output.
            calldatacopy(add(to, 0x40), add(claim, 0x80), 0x40)
            mstore(add(to, 0xa0), calldataload(add(claim, 0xc0)))
            mstore(add(to, 0xc0), calldataload(batch))
            mstore(add(to, 0xe0), shr(96, shl(96, word)))
            mstore(add(to, 0x100), sequence)
            // maxCumulative 128 ‖ cumulativeFee 128
            mstore(add(to, 0x120), shr(128, shl(128, calldataload(add(claim, 0x40)))))
            // zero 184 ‖ outputScheme 8 ‖ completedAt 64
            word := calldataload(add(claim, 0x60))
            mstore(add(to, 0x80), shr(64, word))
            mstore(add(to, 0x140), and(word, 0xffffffffffffffff))
            mstore(add(to, 0x160), calldataload(add(batch, 0x20)))
        }
    }
}
