// SPDX-License-Identifier: MIT
pragma solidity ^0.8.24;

import {BN254_R} from "../../contracts/verification/Bn254.sol";

/// @notice Groth16 proofs of any statement under a setup whose secrets are known: a and b are free, and c follows from
/// the equation. beta, gamma and b are 1 and delta is 2, as G2 points cannot be multiplied on chain.
library SyntheticProofs {
    uint256 private constant ALPHA = 0xa1fa;
    uint256 private constant SIGNALS = 3;
    bytes private constant G2_ONE =
        hex"198e9393920d483a7260bfb731fb5d25f1aa493335a9e71297e485b7aef312c2"
        hex"1800deef121f1e76426a00665e5c4479674322d4f75edadd46debd5cd992f6ed"
        hex"090689d0585ff075ec9e99ad690c3395bc4b313370b38ef355acdadcd122975b"
        hex"12c85ea5db8c6deb4aab71808dcb408fe3d1e7690c43d37b4ce6cc0166fa7daa";
    bytes private constant G2_TWO =
        hex"203e205db4f19b37b60121b83a7333706db86431c6d835849957ed8c3928ad79"
        hex"27dc7234fd11d3e8c36c59277c3e6f149d5cd3cfa9a62aee49f8130962b4b3b9"
        hex"195e8aa5b7827463722b8c153931579d3505566b4edf48d498e185f0509de152"
        hex"04bb53b8977e5f92a0bc372742c4830944a59b4fe6b1c0466e2a6dad122b5d2e";

    /// @notice The verifying key.
    function key() internal view returns (bytes memory bytes_) {
        bytes_ = bytes.concat(_g1(ALPHA), G2_ONE, G2_ONE, G2_TWO);
        for (uint256 j = 0; j <= SIGNALS; ++j) bytes_ = bytes.concat(bytes_, _g1(_ic(j)));
    }

    /// @notice Which phase 1 the key is made from.
    function phase1Id() internal view returns (bytes32) {
        return keccak256(bytes.concat(_g1(ALPHA), G2_ONE, G2_ONE));
    }

    /// @notice Evidence of one receipt with these signals.
    function prove(bytes32 receiptId, uint256 input, uint256 output) internal view returns (bytes memory) {
        uint256 a = uint256(receiptId) % BN254_R;
        uint256 x = _ic(0);
        x = addmod(x, mulmod(_ic(1), input, BN254_R), BN254_R);
        x = addmod(x, mulmod(_ic(2), output, BN254_R), BN254_R);
        x = addmod(x, mulmod(_ic(3), uint256(receiptId) >> 8, BN254_R), BN254_R);
        uint256 c = addmod(a, 2 * BN254_R - ALPHA - x, BN254_R);
        // Division by delta.
        c = mulmod(c, (BN254_R + 1) / 2, BN254_R);
        return bytes.concat(_g1(a), G2_ONE, _g1(c), abi.encode(input, output));
    }

    function _ic(uint256 j) private pure returns (uint256) {
        return uint256(keccak256(abi.encode("ic", j))) % BN254_R;
    }

    function _g1(uint256 scalar) private view returns (bytes memory point) {
        bool ok;
        (ok, point) = address(7).staticcall(abi.encode(uint256(1), uint256(2), scalar));
        require(ok, "multiplication");
    }
}
