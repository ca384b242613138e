// SPDX-License-Identifier: MIT
pragma solidity ^0.8.24;

import {Artifact, Batch, Receipt} from "../../contracts/interfaces/InferenceTypes.sol";
import {CompactReceipts} from "../../contracts/verification/CompactReceipts.sol";
import {ReceiptLib} from "../../contracts/verification/ReceiptLib.sol";
import {SSTORE2} from "../../contracts/verification/SSTORE2.sol";

/// @dev The libraries behind calls, as they read calldata.
contract FormatsCaller {
    function receiptHash(Receipt calldata receipt) external pure returns (bytes32) {
        return ReceiptLib.structHash(receipt);
    }

    function batchHash(Batch calldata batch) external pure returns (bytes32) {
        return ReceiptLib.structHash(batch);
    }

    function compactIds(
        bytes calldata receipts,
        bytes32 keyId,
        bytes32 modelId,
        bytes32[] memory inputs,
        bytes32[] memory outputs,
        bytes32 domain
    ) external pure returns (bytes32[] memory ids, uint64 oldest, uint64 newest) {
        return CompactReceipts.receiptIds(receipts, keyId, modelId, inputs, outputs, domain);
    }

    function store(bytes memory data) external returns (address) {
        return SSTORE2.write(data);
    }
}

/// @notice Byte formats under generated values, held against the language's own encoder.
contract FormatsTest {
    FormatsCaller private formats;

    function setUp() external {
        formats = new FormatsCaller();
    }

    /// @notice A receipt's struct hash is what EIP-712 says.
    function testFuzz_receiptHash(Receipt memory receipt) external view {
        require(formats.receiptHash(receipt) == _plainHash(receipt), "receipt hash");
    }

    /// @notice A batch's struct hash is what EIP-712 says.
    function testFuzz_batchHash(Batch memory batch) external view {
        bytes32 typehash = keccak256(
            "Batch(bytes32 keyId,uint8 mode,bytes32 root,uint32 count,bytes32 dataHash,address settler)"
        );
        require(formats.batchHash(batch) == keccak256(abi.encode(typehash, batch)), "batch hash");
    }

    /// @notice Any bit beyond a narrow field's type is refused, as two encodings would share one meaning.
    function testFuzz_receiptRefusesDirtyBits(Receipt memory receipt, uint256 field, uint256 bit) external view {
        uint8[12] memory widths = [0, 0, 0, 0, 8, 0, 0, 160, 64, 128, 64, 8];
        field = field % 12;
        while (widths[field] == 0) field = (field + 1) % 12;
        bytes memory call = abi.encodeCall(FormatsCaller.receiptHash, (receipt));
        _requireRefused(call, 4 + field * 32, widths[field] + (bit % (256 - widths[field])));
    }

    /// @notice The same for batches.
    function testFuzz_batchRefusesDirtyBits(Batch memory batch, uint256 field, uint256 bit) external view {
        uint8[6] memory widths = [0, 8, 0, 32, 0, 160];
        field = 1 + 2 * (field % 3);
        bytes memory call = abi.encodeCall(FormatsCaller.batchHash, (batch));
        _requireRefused(call, 4 + field * 32, widths[field] + (bit % (256 - widths[field])));
    }

    /// @notice The digest puts the two EIP-712 prefix bytes before domain and struct hash.
    function testFuzz_digest(bytes32 domain, bytes32 hash) external pure {
        require(ReceiptLib.digest(domain, hash) == keccak256(abi.encodePacked(hex"1901", domain, hash)), "digest");
    }

    /// @dev What proofs and calldata say of receipts, apart from the receipts themselves.
    struct Parts {
        bytes packed;
        bytes32[] inputs;
        bytes32[] outputs;
        uint64 oldest;
        uint64 newest;
    }

    /// @notice Compact receipts give the ids of the receipts that they stand for, and the span of their times.
    function testFuzz_compactReceipts(Receipt[7] memory all, bytes32 domain, uint8 size) external view {
        Receipt[] memory receipts = new Receipt[](1 + (size % 7));
        for (uint256 i = 0; i < receipts.length; ++i) receipts[i] = all[i];
        Parts memory parts = _split(receipts);
        require(parts.packed.length == receipts.length * CompactReceipts.SIZE, "size");
        (bytes32[] memory ids, uint64 oldest, uint64 newest) = formats.compactIds(
            parts.packed,
            receipts[0].keyId,
            receipts[0].modelId,
            parts.inputs,
            parts.outputs,
            domain
        );
        require(ids.length == receipts.length && oldest == parts.oldest && newest == parts.newest, "span");
        for (uint256 i = 0; i < ids.length; ++i) {
            require(ids[i] == keccak256(abi.encodePacked(hex"1901", domain, _plainHash(receipts[i]))), "id");
        }
    }

    function _split(Receipt[] memory receipts) private pure returns (Parts memory parts) {
        parts.inputs = new bytes32[](receipts.length);
        parts.outputs = new bytes32[](receipts.length);
        parts.oldest = type(uint64).max;
        for (uint256 i = 0; i < receipts.length; ++i) {
            Receipt memory receipt = receipts[i];
            (receipt.keyId, receipt.modelId) = (receipts[0].keyId, receipts[0].modelId);
            (receipt.outputScheme, receipt.mode) = (2, 1);
            (parts.inputs[i], parts.outputs[i]) = (receipt.inputHash, receipt.outputHash);
            parts.packed = bytes.concat(parts.packed, _compact(receipt));
            if (receipt.completedAt < parts.oldest) parts.oldest = receipt.completedAt;
            if (receipt.completedAt > parts.newest) parts.newest = receipt.completedAt;
        }
    }

    /// @notice Any bytes that fit contract code come back as they were, behind one STOP.
    function testFuzz_sstore2(bytes memory data) external {
        address pointer = SSTORE2.write(data);
        require(keccak256(SSTORE2.read(pointer)) == keccak256(data), "round trip");
        require(pointer.code.length == data.length + 1 && pointer.code[0] == 0, "code");
        (bool ok, bytes memory answer) = pointer.call(data);
        require(ok && answer.length == 0, "the code can be run");
    }

    /// @notice The longest and the shortest data, and one byte too many.
    function test_sstore2Edges() external {
        require(SSTORE2.read(SSTORE2.write("")).length == 0, "empty");
        bytes memory longest = new bytes(24_575);
        longest[24_574] = 0xef;
        require(keccak256(SSTORE2.read(SSTORE2.write(longest))) == keccak256(longest), "longest");
        try formats.store(new bytes(24_576)) returns (address) {
            revert("too long accepted");
        } catch (bytes memory problem) {
            require(bytes4(problem) == SSTORE2.SSTORE2_TooLong.selector, "another reason");
        }
    }

    /// @notice With gas for the copy but not for the code there is no contract, and no pointer to nothing.
    function test_sstore2WithoutGasForTheCode() external {
        try formats.store{gas: 4_500_000}(new bytes(24_575)) returns (address) {
            revert("stored for less than code costs");
        } catch (bytes memory problem) {
            require(bytes4(problem) == SSTORE2.SSTORE2_CreateFailed.selector, "another reason");
        }
    }

    /// @notice Hashes of inputs, outputs, keys and requests as docs/protocol.md has them. [R5][R6]
    function testFuzz_namedHashes(bytes32 a, bytes memory b, address c, uint64 d, uint256[] memory e) external view {
        require(ReceiptLib.inputHash(a, b) == keccak256(bytes.concat(hex"fe", a, keccak256(b))), "input");
        require(ReceiptLib.circuitOutputHash(e) == keccak256(abi.encode(uint256(2), e)), "circuit output");
        require(ReceiptLib.keyId(1, b) == keccak256(abi.encode(uint256(1), b)), "key id");
        require(ReceiptLib.channelRequestId(a, d) == keccak256(bytes.concat(a, bytes32(uint256(d)))), "channel");
        bytes32 asker = bytes32(uint256(uint160(c)));
        bytes memory chain = abi.encode(block.chainid);
        require(
            ReceiptLib.onChainRequestId(c, d) == keccak256(bytes.concat(chain, asker, bytes32(uint256(d)))),
            "asked"
        );
        require(ReceiptLib.x402RequestId(c, c, a) == keccak256(bytes.concat(chain, asker, asker, a)), "x402");
    }

    /// @notice The order, the kind, the media type and the number of artifacts are all part of the answer. [R6]
    function testFuzz_artifacts(Artifact memory one, Artifact memory two) external pure {
        Artifact[] memory both = new Artifact[](2);
        (both[0], both[1]) = (one, two);
        Artifact[] memory swapped = new Artifact[](2);
        (swapped[0], swapped[1]) = (two, one);
        Artifact[] memory alone = new Artifact[](1);
        alone[0] = one;
        bytes32 hash = ReceiptLib.artifactsHash(both);
        require(hash == keccak256(bytes.concat(hex"ff", abi.encode(both))), "format");
        bool same = keccak256(abi.encode(one)) == keccak256(abi.encode(two));
        require((hash == ReceiptLib.artifactsHash(swapped)) == same, "order");
        require(hash != ReceiptLib.artifactsHash(alone), "number");
    }

    function _plainHash(Receipt memory receipt) private pure returns (bytes32) {
        bytes32 typehash = keccak256(
            "Receipt(bytes32 requestId,bytes32 modelId,bytes32 inputHash,bytes32 outputHash,uint8 outputScheme,bytes32 contextHash,bytes32 keyId,address payer,uint64 sequence,uint128 cumulativeFee,uint64 completedAt,uint8 mode)"
        );
        return keccak256(abi.encode(typehash, receipt));
    }

    function _compact(Receipt memory receipt) private pure returns (bytes memory) {
        return
            abi.encodePacked(
                receipt.requestId,
                receipt.contextHash,
                receipt.payer,
                receipt.sequence,
                receipt.cumulativeFee,
                receipt.completedAt
            );
    }

    function _requireRefused(bytes memory request, uint256 word, uint256 bit) private view {
        (bool ok, bytes memory answer) = address(formats).staticcall(request);
        require(ok, "clean bits refused");
        assembly ("memory-safe") {
            let at := add(add(request, 0x20), word)
            mstore(at, or(mload(at), shl(bit, 1)))
        }
        (ok, answer) = address(formats).staticcall(request);
        require(!ok && bytes4(answer) == ReceiptLib.ReceiptLib_NonCanonical.selector, "dirty bits accepted");
    }
}
