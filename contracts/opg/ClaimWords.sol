// SPDX-License-Identifier: MIT
pragma solidity ^0.8.24;

/// @title ClaimWords
/// @notice Where the fields of a claim are in its words (`IInferenceEscrow.Claim`): number of the lowest bit.
library ClaimWords {
    // In `payer`, above the address.
    uint256 internal constant SEQUENCE = 160;
    uint256 internal constant INDEX = 224;
    // In `signer`, above the address.
    uint256 internal constant LANE = 160;
    uint256 internal constant MODE_MASK = 224;
    uint256 internal constant SIGNER_END = 232;
    // In `fees`, above the receipt's fee.
    uint256 internal constant MAX_CUMULATIVE = 128;
    // In `answer`, above the time of completion.
    uint256 internal constant OUTPUT_SCHEME = 64;
    uint256 internal constant ANSWER_END = 72;

    /// @notice The word `payer`.
    function payerWord(address payer, uint64 sequence, uint32 index) internal pure returns (uint256) {
        return uint160(payer) | (uint256(sequence) << SEQUENCE) | (uint256(index) << INDEX);
    }

    /// @notice The word `signer`.
    function signerWord(address signer, uint64 lane, uint8 modeMask) internal pure returns (uint256) {
        return uint160(signer) | (uint256(lane) << LANE) | (uint256(modeMask) << MODE_MASK);
    }

    /// @notice The word `fees`.
    function feesWord(uint128 cumulativeFee, uint128 maxCumulative) internal pure returns (uint256) {
        return cumulativeFee | (uint256(maxCumulative) << MAX_CUMULATIVE);
    }

    /// @notice The word `answer`.
    function answerWord(uint64 completedAt, uint8 outputScheme) internal pure returns (uint256) {
        return completedAt | (uint256(outputScheme) << OUTPUT_SCHEME);
    }
}
