// SPDX-License-Identifier: MIT
pragma solidity ^0.8.24;

import {DevelopmentVerifyingKeys} from "../../contracts/development/DevelopmentVerifyingKeys.sol";
import {IProofVerifier} from "../../contracts/interfaces/IProofVerifier.sol";
import {BN254_P, BN254_R} from "../../contracts/verification/Bn254.sol";
import {Groth16Verifier} from "../../contracts/verification/Groth16Verifier.sol";

/// @notice The proof verifier under generated proofs, faults and amounts of gas.
/// @dev With the setup's secrets known, any statement has a proof: a and b are free, and c follows from the equation.
/// G2 points cannot be multiplied on chain, so b is one of two known scalars.
contract Groth16VerifierTest {
    bytes32 private constant MODEL = "model";
    uint256 private constant SIGNALS = 3;
    uint256 private constant STRIDE = 320;

    // Secrets of the setup. beta is 1, gamma and delta as below, so that only known G2 points are needed.
    uint256 private constant ALPHA = 0xa1fa;
    uint256 private constant DELTA = 2;

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

    Groth16Verifier private verifier;

    function setUp() external {
        bytes memory key = bytes.concat(_g1(ALPHA), G2_ONE, G2_ONE, G2_TWO);
        for (uint256 j = 0; j <= SIGNALS; ++j) key = bytes.concat(key, _g1(_ic(j)));
        bytes32[] memory phase1Ids = new bytes32[](1);
        phase1Ids[0] = keccak256(bytes.concat(_g1(ALPHA), G2_ONE, G2_ONE));
        DevelopmentVerifyingKeys keys = new DevelopmentVerifyingKeys();
        keys.set(MODEL, key);
        verifier = new Groth16Verifier(keys, phase1Ids);
        verifier.requireValidKey(key);
    }

    /// @notice Good proofs are accepted together, each statement's hashes are its own, and no proof is named bad.
    function testFuzz_acceptsGoodProofs(uint256 seed, uint8 count) external view {
        (bytes32[] memory ids, bytes memory evidence) = _batch(seed, 1 + (count % 12));
        require(verifier.verify(MODEL, ids, evidence), "good batch refused");
        require(verifier.invalidProofs(MODEL, ids, evidence).length == 0, "good proof named");
        (bytes32[] memory inputs, bytes32[] memory outputs) = verifier.hashes(MODEL, evidence);
        require(inputs.length == ids.length && outputs.length == ids.length, "not one hash a proof");
        for (uint256 i = 0; i < ids.length; ++i) {
            uint256[] memory output = new uint256[](1);
            output[0] = _word(evidence, i * STRIDE + 288);
            require(inputs[i] == bytes32(_word(evidence, i * STRIDE + 256)), "input hash");
            require(outputs[i] == keccak256(abi.encode(uint8(2), output)), "output hash");
        }
    }

    /// @notice Any change of any bit of the evidence is refused, and the proof it hit is named. [ZK4]
    function testFuzz_refusesAnyChange(uint256 seed, uint8 count, uint256 where, uint8 bit) external view {
        (bytes32[] memory ids, bytes memory evidence) = _batch(seed, 1 + (count % 6));
        where = where % (evidence.length / 32);
        _setWord(evidence, where * 32, _word(evidence, where * 32) ^ (1 << bit));
        require(!verifier.verify(MODEL, ids, evidence), "changed evidence accepted");
        uint256[] memory bad = verifier.invalidProofs(MODEL, ids, evidence);
        require(bad.length == 1 && bad[0] == where / 10, "wrong proof named");
    }

    /// @notice Adding a field's modulus to a signal or a coordinate is refused. [ZK4][FM:signal-range]
    function testFuzz_refusesAliases(uint256 seed, uint8 count, uint256 where, uint8 times) external view {
        (bytes32[] memory ids, bytes memory evidence) = _batch(seed, 1 + (count % 6));
        where = where % (evidence.length / 32);
        uint256 modulus = where % 10 < 8 ? BN254_P : BN254_R;
        // value + 4 · modulus < 5 · modulus < 2^256.
        _setWord(evidence, where * 32, _word(evidence, where * 32) + (1 + (times % 4)) * modulus);
        require(!verifier.verify(MODEL, ids, evidence), "alias accepted");
    }

    /// @notice Any two different proofs exchanged are refused.
    function testFuzz_refusesExchangedProofs(uint256 seed, uint8 count, uint256 i, uint256 j) external view {
        uint256 n = 2 + (count % 5);
        (bytes32[] memory ids, bytes memory evidence) = _batch(seed, n);
        i = i % n;
        j = (i + 1 + (j % (n - 1))) % n;
        (ids[i], ids[j]) = (ids[j], ids[i]);
        require(!verifier.verify(MODEL, ids, evidence), "exchanged receipts accepted");
    }

    /// @notice With any amount of gas a good batch is good, or the call reverts without another reason than gas. [R2]
    function testFuzz_gasNeverMakesGoodProofsBad(uint256 seed, uint8 count, uint256 gasLimit) external view {
        uint256 n = 1 + (count % 4);
        (bytes32[] memory ids, bytes memory evidence) = _batch(seed, n);
        bytes memory call = abi.encodeCall(IProofVerifier.verify, (MODEL, ids, evidence));
        _requireTrueOrOutOfGas(call, gasLimit % (260_000 + 80_000 * n));
    }

    /// @notice The same, through all the amounts at which one step after the other is starved. [R2]
    function test_gasNeverMakesGoodProofsBad() external view {
        for (uint256 n = 1; n <= 3; ++n) {
            (bytes32[] memory ids, bytes memory evidence) = _batch(n, n);
            bytes memory call = abi.encodeCall(IProofVerifier.verify, (MODEL, ids, evidence));
            for (uint256 gasLimit = 0; gasLimit < 100_000; gasLimit += 89) _requireTrueOrOutOfGas(call, gasLimit);
            for (uint256 gasLimit = 100_000; gasLimit < 420_000; gasLimit += 997) {
                _requireTrueOrOutOfGas(call, gasLimit);
            }
        }
    }

    function _requireTrueOrOutOfGas(bytes memory call, uint256 gasLimit) private view {
        (bool ok, bytes memory answer) = address(verifier).staticcall{gas: gasLimit}(call);
        if (ok) {
            require(abi.decode(answer, (bool)), "good batch called bad");
        } else if (answer.length != 0) {
            require(
                answer.length == 4 && bytes4(answer) == IProofVerifier.ProofVerifier_OutOfGas.selector,
                "another reason than gas"
            );
        }
    }

    /// @dev n receipts with good proofs.
    function _batch(uint256 seed, uint256 n) private view returns (bytes32[] memory ids, bytes memory evidence) {
        ids = new bytes32[](n);
        for (uint256 i = 0; i < n; ++i) {
            ids[i] = keccak256(abi.encode(seed, i, "receipt"));
            uint256 input = uint256(keccak256(abi.encode(seed, i, "input"))) % BN254_R;
            uint256 output = uint256(keccak256(abi.encode(seed, i, "output"))) % BN254_R;
            uint256 a = uint256(keccak256(abi.encode(seed, i, "a"))) % BN254_R;
            uint256 b = 1 + (uint256(keccak256(abi.encode(seed, i, "b"))) % 2);
            uint256 x = _ic(0);
            x = addmod(x, mulmod(_ic(1), input, BN254_R), BN254_R);
            x = addmod(x, mulmod(_ic(2), output, BN254_R), BN254_R);
            x = addmod(x, mulmod(_ic(3), uint256(ids[i]) >> 8, BN254_R), BN254_R);
            uint256 c = addmod(mulmod(a, b, BN254_R), 2 * BN254_R - ALPHA - x, BN254_R);
            // Division by delta = 2.
            c = mulmod(c, (BN254_R + 1) / 2, BN254_R);
            evidence = bytes.concat(evidence, _g1(a), b == 1 ? G2_ONE : G2_TWO, _g1(c), abi.encode(input, output));
        }
    }

    function _ic(uint256 j) private pure returns (uint256) {
        return uint256(keccak256(abi.encode("ic", j))) % BN254_R;
    }

    function _g1(uint256 scalar) private view returns (bytes memory point) {
        bool ok;
        (ok, point) = address(7).staticcall(abi.encode(uint256(1), uint256(2), scalar));
        require(ok, "multiplication");
    }

    function _word(bytes memory data, uint256 offset) private pure returns (uint256 value) {
        assembly ("memory-safe") {
            value := mload(add(add(data, 0x20), offset))
        }
    }

    function _setWord(bytes memory data, uint256 offset, uint256 value) private pure {
        assembly ("memory-safe") {
            mstore(add(add(data, 0x20), offset), value)
        }
    }
}
