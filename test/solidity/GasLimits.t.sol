// SPDX-License-Identifier: MIT
pragma solidity 0.8.34;

import {Batch, ProvedBatch, Receipt} from "../../contracts/interfaces/InferenceTypes.sol";
import {MerkleTree} from "../../contracts/verification/MerkleTree.sol";
import {SyntheticProofs} from "./SyntheticProofs.sol";
import {World} from "./World.sol";

/// @notice A contract may pass on any amount of gas, far below what a transaction with so much calldata must carry:
/// here the early steps of a large batch starve, which no transaction can bring about.
contract GasLimitsTest is World {
    uint256 private constant COUNT = 280;

    /// @notice A good batch settles or the whole call reverts, whichever step runs out of gas. [R2]
    function test_aLargeGoodBatchIsNeverSkipped() external {
        bytes memory call_ = abi.encodeCall(registry.settleProvedBatches, (_batch()));
        for (uint256 gas_ = 20_000; gas_ < 900_000; gas_ += 3_331) _requireReverts(call_, gas_);
        for (uint256 gas_ = 900_000; gas_ < 13_000_000; gas_ += 611_111) _requireReverts(call_, gas_);
        (bool ok, bytes memory answer) = address(registry).call(call_);
        require(ok && abi.decode(answer, (uint256)) == 1, "is not good at all");
    }

    function _requireReverts(bytes memory call_, uint256 gas_) private {
        (bool ok, ) = address(registry).call{gas: gas_}(call_);
        require(!ok, "skipped for want of gas");
    }

    /// @dev One receipt so many times: a good batch with a single proof to make.
    function _batch() private view returns (ProvedBatch[] memory items) {
        uint256[] memory outputs = new uint256[](1);
        outputs[0] = 7;
        Receipt memory receipt;
        receipt.modelId = modelId;
        receipt.keyId = keyIds[0];
        receipt.inputHash = bytes32(uint256(5));
        receipt.outputHash = keccak256(abi.encode(uint8(2), outputs));
        receipt.outputScheme = 2;
        receipt.completedAt = uint64(block.timestamp);
        receipt.mode = 1;
        bytes32 id = registry.receiptId(receipt);

        items = new ProvedBatch[](1);
        bytes memory proof = SyntheticProofs.prove(id, 5, 7);
        bytes memory compact = abi.encodePacked(new bytes(108), receipt.completedAt);
        bytes32[] memory ids = new bytes32[](COUNT);
        for (uint256 i = 0; i < COUNT; ++i) {
            ids[i] = id;
            items[0].evidence = bytes.concat(items[0].evidence, proof);
            items[0].receipts = bytes.concat(items[0].receipts, compact);
        }
        items[0].modelId = modelId;
        items[0].batch = Batch(keyIds[0], 1, MerkleTree.rootInPlace(ids), uint32(COUNT), 0, address(this));
        items[0].signature = _sign(_secret(0), registry.batchDigest(items[0].batch));
    }
}
