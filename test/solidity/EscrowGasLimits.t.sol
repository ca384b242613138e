// SPDX-License-Identifier: MIT
pragma solidity 0.8.34;

import {ClaimWords} from "../../contracts/opg/ClaimWords.sol";
import {IFeeSplitter} from "../../contracts/interfaces/IFeeSplitter.sol";
import {Channel, Claim, ClaimGroup} from "../../contracts/interfaces/IInferenceEscrow.sol";
import {Batch, Receipt, SignedBatch, SignedReceipt} from "../../contracts/interfaces/InferenceTypes.sol";
import {InferenceEscrow} from "../../contracts/opg/InferenceEscrow.sol";
import {PlainSplitter} from "./PlainSplitter.sol";
import {vm} from "./Vm.sol";
import {World} from "./World.sol";

/// @notice Claims of three payers, of which one is bad, collected with every amount of gas.
contract EscrowGasLimitsTest is World {
    uint256 private constant FEE = 1e15;
    uint256 private constant GOOD = 3;
    uint256 private constant STEP = 37;

    InferenceEscrow private escrow;
    bytes32 private nodeId;
    bytes private collectAll;

    /// @dev What a call came to that was undone.
    error Tried(bool ok, uint256 amount, uint256 gasUsed);

    function setUp() external {
        escrow = new InferenceEscrow(token, registry, nodes, IFeeSplitter(address(new PlainSplitter(token))));
        nodeId = nodes.nodeOf(keyIds[0]);
        token.approve(address(escrow), FEE * 9);
        for (uint256 p = 0; p < 3; ++p) escrow.deposit(vm.addr(_payerSecret(p)), nodeId, FEE * 3);
        ClaimGroup[] memory groups = new ClaimGroup[](2);
        groups[0] = _together();
        groups[1] = _alone();
        collectAll = abi.encodeCall(escrow.collectBatch, (groups));
    }

    /// @notice A call with too little gas reverts whole; one that returns has paid every good claim. [R2]
    function test_noClaimIsSkippedForWantOfGas() external {
        (bool ok, uint256 amount, uint256 gasUsed) = _try(10_000_000);
        require(ok && amount == FEE * GOOD, "is not good at all");
        (uint256 reverted, uint256 paid) = (0, 0);
        for (uint256 gas_ = 1_000; gas_ < gasUsed + gasUsed / 8; gas_ += STEP) {
            (ok, amount, ) = _try(gas_);
            if (ok) ++paid;
            else ++reverted;
            require(!ok || amount == FEE * GOOD, "skipped for want of gas");
        }
        require(reverted > 1_000 && paid > 100, "looks at both sides");
    }

    /// @dev Calls, and undoes what it did: each amount of gas meets the same state, nothing of it warm.
    function attempt(uint256 gas_) external {
        uint256 before = gasleft();
        (bool ok, bytes memory answer) = address(escrow).call{gas: gas_}(collectAll);
        revert Tried(ok, ok ? abi.decode(answer, (uint256)) : 0, before - gasleft());
    }

    function _try(uint256 gas_) private returns (bool ok, uint256 amount, uint256 gasUsed) {
        (, bytes memory answer) = address(this).call(abi.encodeCall(this.attempt, (gas_)));
        assembly ("memory-safe") {
            ok := mload(add(answer, 0x24))
            amount := mload(add(answer, 0x44))
            gasUsed := mload(add(answer, 0x64))
        }
    }

    /// @dev Two receipts of one batch.
    function _together() private returns (ClaimGroup memory group) {
        Receipt[2] memory receipts = [_receipt(0), _receipt(1)];
        bytes32[2] memory leaves;
        for (uint256 i = 0; i < 2; ++i)
            leaves[i] = keccak256(abi.encodePacked(bytes1(0), registry.receiptId(receipts[i])));
        SignedBatch[] memory batches = new SignedBatch[](1);
        bytes32 root = keccak256(abi.encodePacked(bytes1(0x01), leaves[0], leaves[1]));
        batches[0].batch = Batch(keyIds[0], 0, root, 2, 0, address(this));
        batches[0].signature = _sign(_secret(0), registry.batchDigest(batches[0].batch));
        require(registry.settleBatches(batches) == 1, "settles");
        (group.batch, group.nodeId, group.modelId) = (batches[0].batch, nodeId, modelId);
        group.claims = new Claim[](2);
        for (uint256 i = 0; i < 2; ++i) group.claims[i] = _claim(i, receipts[i], uint32(i));
    }

    /// @dev Two receipts that settled alone; the voucher of the second is spoilt.
    function _alone() private returns (ClaimGroup memory group) {
        SignedReceipt[] memory items = new SignedReceipt[](2);
        (group.nodeId, group.modelId, group.claims) = (nodeId, modelId, new Claim[](2));
        group.batch.keyId = keyIds[0];
        for (uint256 i = 0; i < 2; ++i) {
            // The third payer, and the first again with another request.
            Receipt memory receipt = _receipt(i == 0 ? 2 : 0);
            receipt.outputHash = "alone";
            (items[i].receipt, items[i].signature) = (receipt, _sign(_secret(0), registry.receiptId(receipt)));
            group.claims[i] = _claim(i == 0 ? 2 : 0, receipt, 0);
        }
        group.claims[1].r = bytes32(uint256(1));
        require(registry.settleReceipts(items) == 2, "settles");
    }

    function _channel(uint256 p) private view returns (Channel memory) {
        address payer = vm.addr(_payerSecret(p));
        return Channel(payer, payer, nodeId, modelId, 1, 0);
    }

    function _receipt(uint256 p) private view returns (Receipt memory receipt) {
        (receipt.modelId, receipt.keyId, receipt.sequence) = (modelId, keyIds[0], 1);
        receipt.requestId = keccak256(abi.encode(escrow.channelIdOf(_channel(p)), uint64(1)));
        receipt.payer = vm.addr(_payerSecret(p));
        receipt.cumulativeFee = uint128(FEE);
        receipt.completedAt = uint64(block.timestamp);
    }

    function _claim(uint256 p, Receipt memory receipt, uint32 index) private view returns (Claim memory claim) {
        claim.payer = ClaimWords.payerWord(receipt.payer, 1, index);
        claim.signer = ClaimWords.signerWord(address(0), 0, 1);
        claim.fees = ClaimWords.feesWord(uint128(FEE), uint128(FEE));
        claim.answer = ClaimWords.answerWord(receipt.completedAt, 0);
        claim.outputHash = receipt.outputHash;
        bytes32 digest = escrow.voucherDigest(escrow.channelIdOf(_channel(p)), 1, 0, uint128(FEE));
        (uint8 v, bytes32 r, bytes32 s) = vm.sign(_payerSecret(p), digest);
        (claim.r, claim.vs) = (r, bytes32(uint256(s) | (uint256(v - 27) << 255)));
    }

    function _payerSecret(uint256 p) private pure returns (uint256) {
        return 0xa11ce + p;
    }
}
