// SPDX-License-Identifier: MIT
pragma solidity ^0.8.24;

import {Artifact, OutputSchemes} from "../interfaces/InferenceTypes.sol";
import {ReceiptLib} from "./ReceiptLib.sol";

/// @title AnswerOutput
/// @notice The form in which an answer travels on chain, by output scheme, and whether it is what a receipt committed to.
/// There is one answer for a hash, and one form of it in bytes: whoever carries it cannot leave a part out or add one, nor
/// bytes that a decoder skips, which whoever is called back with them would pay for.
/// @dev Scheme 0: abi.encode(Artifact[] artifacts, bytes[] contents), contents of texts and tool calls (kinds 0 and 1)
/// in full, empty for images, files and whatever else: those are too large, and their hashes are in the artifacts.
/// Scheme 1: the text. Scheme 2: abi.encode(uint256[] outputs).
library AnswerOutput {
    /// @notice Artifacts up to this kind are carried.
    uint8 internal constant LAST_CARRIED_KIND = 1;

    /// @notice Whether `output` is the answer behind `outputHash`. Reverts without a word for bytes that are no such form.
    function matches(uint8 scheme, bytes32 outputHash, bytes calldata output) internal pure returns (bool) {
        if (scheme == OutputSchemes.TEXT) return keccak256(output) == outputHash;
        if (scheme == OutputSchemes.CIRCUIT) {
            uint256[] memory outputs = abi.decode(output, (uint256[]));
            if (keccak256(abi.encode(outputs)) != keccak256(output)) return false;
            return ReceiptLib.circuitOutputHash(outputs) == outputHash;
        }
        if (scheme != OutputSchemes.ARTIFACTS) return false;

        (Artifact[] memory artifacts, bytes[] memory contents) = abi.decode(output, (Artifact[], bytes[]));
        if (contents.length != artifacts.length || ReceiptLib.artifactsHash(artifacts) != outputHash) return false;
        for (uint256 i = 0; i < artifacts.length; ++i) {
            bool good =
                artifacts[i].kind > LAST_CARRIED_KIND
                    ? contents[i].length == 0
                    : keccak256(contents[i]) == artifacts[i].hash;
            if (!good) return false;
        }
        return keccak256(abi.encode(artifacts, contents)) == keccak256(output);
    }
}
