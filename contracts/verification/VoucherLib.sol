// SPDX-License-Identifier: MIT
pragma solidity ^0.8.24;

/// @title VoucherLib
/// @notice Byte formats of payment channels and vouchers (docs/protocol.md, "Formats").
library VoucherLib {
    bytes32 internal constant VOUCHER_TYPEHASH = keccak256(
        "Voucher(bytes32 channelId,uint64 sequence,bytes32 inputHash,uint128 maxCumulative)"
    );
    bytes32 internal constant OPEN_CHANNEL_TYPEHASH = keccak256(
        "OpenChannel(bytes32 channelId,uint96 limit,uint40 expiry,uint256 deadline)"
    );

    /// @notice Id of a channel (R7): keccak256(abi.encode(chainId, escrow, payer, signer, nodeId, modelId, modeMask, lane)).
    function channelId(
        address escrow,
        address payer,
        address signer,
        bytes32 nodeId,
        bytes32 modelId,
        uint8 modeMask,
        uint64 lane
    ) internal view returns (bytes32 result) {
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
            result := keccak256(free, 0x100)
        }
    }

    /// @notice EIP-712 struct hash of a voucher: what the payer's signer signs before it is served.
    /// @param sequence Place of the request in the channel, from 1.
    /// @param inputHash What is asked.
    /// @param maxCumulative Most that the channel may have cost after this request, in wei.
    function voucherHash(
        bytes32 channel,
        uint64 sequence,
        bytes32 inputHash,
        uint128 maxCumulative
    ) internal pure returns (bytes32 result) {
        bytes32 typehash = VOUCHER_TYPEHASH;
        assembly ("memory-safe") {
            let free := mload(0x40)
            mstore(free, typehash)
            mstore(add(free, 0x20), channel)
            mstore(add(free, 0x40), sequence)
            mstore(add(free, 0x60), inputHash)
            mstore(add(free, 0x80), maxCumulative)
            result := keccak256(free, 0xa0)
        }
    }

    /// @notice Who signed a digest, by ECDSA with a signature of EIP-2098; zero for nobody. Low s only.
    /// @dev `ECDSA.tryRecover` of OpenZeppelin without the error it also returns: a channel pays for this with each
    /// request.
    /// @param r First half.
    /// @param vs `s`, and `v − 27` in its highest bit.
    function recover(bytes32 digest, bytes32 r, bytes32 vs) internal view returns (address signer) {
        assembly ("memory-safe") {
            let free := mload(0x40)
            let s := shr(1, shl(1, vs))
            mstore(free, digest)
            mstore(add(free, 0x20), add(shr(255, vs), 27))
            mstore(add(free, 0x40), r)
            mstore(add(free, 0x60), s)
            mstore(0x00, 0)
            // Half the order of the curve.
            if iszero(gt(s, 0x7fffffffffffffffffffffffffffffff5d576e7357a4501ddfe92f46681b20a0)) {
                pop(staticcall(gas(), 0x01, free, 0x80, 0x00, 0x20))
            }
            signer := mload(0x00)
        }
    }
}
