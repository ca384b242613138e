// SPDX-License-Identifier: MIT
pragma solidity 0.8.34;

import {OPGToken} from "../../contracts/opg/OPGToken.sol";
import {vm} from "./Vm.sol";

/// @dev A wallet that accepts exactly one digest, whatever the signature: what EIP-1271 leaves to a contract.
contract OneDigestWallet {
    bytes32 private immutable _accepted;

    constructor(bytes32 accepted) {
        _accepted = accepted;
    }

    function isValidSignature(bytes32 digest, bytes calldata) external view returns (bytes4) {
        return digest == _accepted ? this.isValidSignature.selector : bytes4(0xffffffff);
    }
}

/// @notice Signed transfers with generated amounts, windows and nonces.
contract OPGTokenTest {
    uint256 private constant ORDER = 0xFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFEBAAEDCE6AF48A03BBFD25E8CD0364141;

    OPGToken private token;

    function setUp() external {
        address[] memory to = new address[](1);
        uint256[] memory amounts = new uint256[](1);
        to[0] = address(this);
        amounts[0] = 1_000_000_000e18;
        token = new OPGToken(to, amounts);
    }

    /// @notice An authorization moves what it says, once, inside its window and never outside.
    function testFuzz_onceInsideItsWindow(uint64 key, uint256 value, uint40 after_, uint40 before, uint40 at) external {
        uint256 secret = uint256(key) + 1;
        address from = vm.addr(secret);
        value = value % token.SUPPLY();
        token.transfer(from, value);
        bytes32 digest = _digest(token.TRANSFER_WITH_AUTHORIZATION_TYPEHASH(), from, value, after_, before);
        (uint8 v, bytes32 r, bytes32 s) = vm.sign(secret, digest);
        vm.warp(at);
        bool inside = at > after_ && at < before;
        require(_send(from, value, after_, before, v, r, s) == inside, "window");
        require(token.balanceOf(address(0xB0B)) == (inside ? value : 0), "moved");
        require(token.authorizationState(from, bytes32("n")) == inside, "state");
        require(!_send(from, value, after_, before, v, r, s), "replay");
    }

    /// @notice The other signature of the same key over the same words, and any other v, is refused.
    function testFuzz_malleatedSignaturesFail(uint64 key, uint8 v2) external {
        uint256 secret = uint256(key) + 1;
        address from = vm.addr(secret);
        token.transfer(from, 5);
        bytes32 digest = _digest(token.TRANSFER_WITH_AUTHORIZATION_TYPEHASH(), from, 5, 0, type(uint40).max);
        (uint8 v, bytes32 r, bytes32 s) = vm.sign(secret, digest);
        vm.warp(1_000);
        bytes32 twin = bytes32(ORDER - uint256(s));
        require(!_send(from, 5, 0, type(uint40).max, v == 27 ? 28 : 27, r, twin), "high s");
        if (v2 != v) require(!_send(from, 5, 0, type(uint40).max, v2, r, s), "other v");
        require(_send(from, 5, 0, type(uint40).max, v, r, s), "the signature itself");
    }

    /// @notice No field of what was signed can be changed, nor the kind of transfer.
    function testFuzz_everythingIsSigned(uint64 key, uint8 field) external {
        uint256 secret = uint256(key) + 1;
        address from = vm.addr(secret);
        token.transfer(from, 100);
        field = field % 4;
        bytes32 kind =
            field == 3 ? token.RECEIVE_WITH_AUTHORIZATION_TYPEHASH() : token.TRANSFER_WITH_AUTHORIZATION_TYPEHASH();
        (uint8 v, bytes32 r, bytes32 s) = vm.sign(secret, _digest(kind, from, 50, 1, 5_000));
        vm.warp(1_000);
        uint256[3] memory said = [uint256(50), 1, 5_000];
        if (field < 3) said[field] += 1;
        require(!_send(from, said[0], said[1], said[2], v, r, s), "changed");
    }

    /// @notice A contract pays as it accepts by EIP-1271, by either overload, and only what it accepts.
    function testFuzz_contractsSignByTheirOwnRule(uint88 value, bytes calldata signature, bool split) external {
        bytes32 kind = token.TRANSFER_WITH_AUTHORIZATION_TYPEHASH();
        // The wallet's address goes into the digest that it accepts: it is the next one this contract creates.
        address from = _nextCreation(2);
        OneDigestWallet wallet = _make(kind, from, value);
        require(address(wallet) == from, "address");
        token.transfer(from, value);
        vm.warp(1_000);
        require(!_send(from, uint256(value) + 1, 1, 5_000, 27, 0, 0), "not accepted");
        if (split) require(_send(from, value, 1, 5_000, 27, bytes32(uint256(1)), bytes32(uint256(1))), "split");
        else token.transferWithAuthorization(from, address(0xB0B), value, 1, 5_000, bytes32("n"), signature);
        require(token.balanceOf(address(0xB0B)) == value, "moved");
    }

    function _make(bytes32 kind, address from, uint256 value) private returns (OneDigestWallet) {
        return new OneDigestWallet(_digest(kind, from, value, 1, 5_000));
    }

    /// @dev CREATE's address for a nonce below 128.
    function _nextCreation(uint8 nonce) private view returns (address) {
        return address(uint160(uint256(keccak256(abi.encodePacked(hex"d694", address(this), nonce)))));
    }

    function _send(
        address from,
        uint256 value,
        uint256 after_,
        uint256 before,
        uint8 v,
        bytes32 r,
        bytes32 s
    ) private returns (bool sent) {
        (sent, ) = address(token).call(
            abi.encodeWithSignature(
                "transferWithAuthorization(address,address,uint256,uint256,uint256,bytes32,uint8,bytes32,bytes32)",
                from,
                address(0xB0B),
                value,
                after_,
                before,
                bytes32("n"),
                v,
                r,
                s
            )
        );
    }

    function _digest(
        bytes32 kind,
        address from,
        uint256 value,
        uint256 after_,
        uint256 before
    ) private view returns (bytes32) {
        bytes32 body = keccak256(abi.encode(kind, from, address(0xB0B), value, after_, before, bytes32("n")));
        return keccak256(abi.encodePacked(hex"1901", token.DOMAIN_SEPARATOR(), body));
    }
}
