// SPDX-License-Identifier: MIT
pragma solidity 0.8.34;

import {DisputedChannel, Fault, Flaw, IDisputes, SignedStatement} from "../../contracts/interfaces/IDisputes.sol";
import {Batch, Receipt} from "../../contracts/interfaces/InferenceTypes.sol";
import {Disputes} from "../../contracts/staking/Disputes.sol";
import {RecordingSlasher} from "./RecordingSlasher.sol";
import {World} from "./World.sol";

/// @notice What counts as a fault, for generated receipts, against a second telling of the rules.
contract DisputesTest is World {
    RecordingSlasher private immutable _slasher;
    Disputes private immutable _disputes;

    constructor() {
        _slasher = new RecordingSlasher();
        _disputes = new Disputes(registry, nodes, enclaves, _slasher);
    }

    /// @notice Receipts of different requests are never an equivocation, whatever else they say, and cost nobody
    /// anything. [R9]
    function testFuzz_differentRequestsNeverContradict(Receipt memory a, Receipt memory b, uint8 key) external {
        if (a.requestId == b.requestId) return;
        key %= 3;
        (a.keyId, b.keyId) = (keyIds[key], keyIds[key]);
        (Flaw flaw, ) = _disputes.equivocation(_alone(a, key), _alone(b, key));
        require(flaw == Flaw.DifferentRequests, "verdict");
        (bool ok, ) = address(_disputes).call(
            abi.encodeCall(IDisputes.reportEquivocation, (_alone(a, key), _alone(b, key)))
        );
        require(!ok && _slasher.count() == 0, "a report");
    }

    /// @notice Of two statements about one request, exactly the five fields count, alone or as leaves. [R9]
    function testFuzz_equivocation(Receipt memory a, Receipt memory b, uint8 key, uint16 same, uint8 form) external {
        key %= 3;
        (a.keyId, b.keyId) = (keyIds[key], keyIds[key]);
        b.requestId = a.requestId;
        if (same & 1 != 0) b.modelId = a.modelId;
        if (same & 2 != 0) b.inputHash = a.inputHash;
        if (same & 4 != 0) b.outputHash = a.outputHash;
        if (same & 8 != 0) b.contextHash = a.contextHash;
        if (same & 16 != 0) b.cumulativeFee = a.cumulativeFee;
        bool differ =
            keccak256(abi.encode(a.modelId, a.inputHash, a.outputHash, a.contextHash, a.cumulativeFee)) !=
                keccak256(abi.encode(b.modelId, b.inputHash, b.outputHash, b.contextHash, b.cumulativeFee));

        SignedStatement memory first = form & 1 == 0 ? _alone(a, key) : _leaf(a, b.outputHash, key);
        SignedStatement memory second = form & 2 == 0 ? _alone(b, key) : _leaf(b, a.outputHash, key);
        (Flaw flaw, Fault memory fault) = _disputes.equivocation(first, second);
        require(flaw == (differ ? Flaw.None : Flaw.NoContradiction), "verdict");
        if (!differ) return;

        require(_disputes.reportEquivocation(first, second) == 500, "slashed");
        require(fault.receiptId == registry.receiptId(a) && fault.otherReceiptId == registry.receiptId(b), "ids");
        (address operator, , uint256 bps, address reporter) = _slasher.calls(0);
        require(operator == address(this) && bps == 500 && reporter == address(this), "told to slash");
        (flaw, ) = _disputes.equivocation(second, first);
        require(flaw == Flaw.AlreadyProven, "once");
    }

    /// @notice Two receipts of a channel, generated near each other, are a fault exactly where the later total fell.
    function testFuzz_channelFault(
        DisputedChannel memory channel,
        uint64[2] memory places,
        uint128[2] memory totals,
        uint8[2] memory keys,
        bool near
    ) external {
        channel.nodeId = nodes.nodeOf(keyIds[0]);
        if (near) (places[1], totals[1]) = (places[0] ^ (places[1] % 4), totals[0] ^ (totals[1] % 4));
        bytes32 id = keccak256(
            abi.encode(
                block.chainid,
                channel.escrow,
                channel.payer,
                channel.signer,
                channel.nodeId,
                channel.modelId,
                channel.modeMask,
                channel.lane
            )
        );
        SignedStatement[2] memory statements;
        for (uint256 i = 0; i < 2; ++i) {
            Receipt memory receipt;
            (receipt.sequence, receipt.cumulativeFee) = (places[i], totals[i]);
            receipt.requestId = keccak256(abi.encode(id, places[i]));
            receipt.keyId = keyIds[keys[i] % 3];
            statements[i] = _alone(receipt, keys[i] % 3);
        }
        (Flaw flaw, Fault memory fault) = _disputes.channelFault(channel, statements[0], statements[1]);
        bool guilty = places[0] > 0 && places[0] < places[1] && totals[0] > totals[1];
        require((flaw == Flaw.None) == guilty, "verdict");
        if (!guilty) return;
        require(fault.subject == id && fault.keyId == keyIds[keys[1] % 3], "the later answers");
        require(_disputes.reportChannelFault(channel, statements[0], statements[1]) == 200, "slashed");
        (flaw, ) = _disputes.channelFault(channel, statements[0], statements[1]);
        require(flaw == Flaw.AlreadyProven, "once");
        channel.lane ^= 1;
        (flaw, ) = _disputes.channelFault(channel, statements[0], statements[1]);
        require(flaw == Flaw.NotOfTheChannel, "another channel");
    }

    /// @notice A leaf is foreign exactly where key or mode is not the batch's.
    function testFuzz_foreignLeaf(Receipt memory receipt, bytes32 sibling, uint8 key, uint8 what) external {
        key %= 3;
        if (what & 1 == 0) receipt.keyId = keyIds[key];
        SignedStatement memory evidence = _leaf(receipt, sibling, key);
        Batch memory batch = evidence.opening.batch;
        (batch.keyId, batch.mode) = (keyIds[key], what & 2 == 0 ? receipt.mode : uint8(what));
        evidence.signature = _sign(_secret(key), registry.batchDigest(batch));
        bool foreign = receipt.keyId != batch.keyId || receipt.mode != batch.mode;
        (Flaw flaw, Fault memory fault) = _disputes.foreignLeaf(evidence);
        require(flaw == (foreign ? Flaw.None : Flaw.OwnLeaf), "verdict");
        (flaw, , ) = _disputes.statement(evidence);
        require((flaw == Flaw.None) == !foreign, "a statement or a fault, never both");
        if (!foreign) return;
        require(fault.keyId == keyIds[key] && fault.subject == registry.batchDigest(batch), "whose fault");
        require(_disputes.reportForeignLeaf(evidence) == 500, "slashed");
        (flaw, ) = _disputes.foreignLeaf(evidence);
        require(flaw == Flaw.AlreadyProven, "once");
    }

    /// @notice Nothing that is changed about evidence after it was signed proves anything.
    function testFuzz_tampered(Receipt memory a, bytes32 sibling, uint8 key, uint8 part, uint256 bits) external view {
        key %= 3;
        a.keyId = keyIds[key];
        SignedStatement memory evidence = part & 1 == 0 ? _alone(a, key) : _leaf(a, sibling, key);
        (Flaw flaw, , ) = _disputes.statement(evidence);
        require(flaw == Flaw.None, "honest");
        bits |= 1 << (part & 7);
        Receipt memory receipt = evidence.opening.receipt;
        Batch memory batch = evidence.opening.batch;
        part = (part >> 3) % (part & 1 == 0 ? 9 : 14);
        if (part == 0) receipt.requestId ^= bytes32(bits);
        else if (part == 1) receipt.modelId ^= bytes32(bits);
        else if (part == 2) receipt.inputHash ^= bytes32(bits);
        else if (part == 3) receipt.outputHash ^= bytes32(bits);
        else if (part == 4) receipt.contextHash ^= bytes32(bits);
        else if (part == 5) receipt.completedAt ^= 1;
        else if (part == 6) receipt.cumulativeFee ^= 1;
        else if (part == 7) receipt.keyId ^= bytes32(bits);
        else if (part == 8) evidence.signature[bits % 65] ^= 0x01;
        else if (part == 9) batch.root ^= bytes32(bits);
        else if (part == 10) batch.count += 1;
        else if (part == 11) batch.dataHash ^= bytes32(bits);
        else if (part == 12) evidence.opening.proof[0] ^= bytes32(bits);
        else evidence.opening.index = 1;
        (flaw, , ) = _disputes.statement(evidence);
        require(flaw != Flaw.None, "tampered");
    }

    function _alone(Receipt memory receipt, uint256 key) private view returns (SignedStatement memory made) {
        made.opening.receipt = receipt;
        made.signature = _sign(_secret(key), registry.receiptId(receipt));
    }

    /// @dev The first of two leaves.
    function _leaf(
        Receipt memory receipt,
        bytes32 sibling,
        uint256 key
    ) private view returns (SignedStatement memory made) {
        made.opening.receipt = receipt;
        made.opening.proof = new bytes32[](1);
        made.opening.proof[0] = sibling;
        bytes32 leaf = keccak256(abi.encodePacked(bytes1(0x00), registry.receiptId(receipt)));
        Batch memory batch = made.opening.batch;
        batch.root = keccak256(abi.encodePacked(bytes1(0x01), leaf, sibling));
        (batch.keyId, batch.mode, batch.count) = (receipt.keyId, receipt.mode, 2);
        made.signature = _sign(_secret(key), registry.batchDigest(batch));
    }
}
