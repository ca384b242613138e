// SPDX-License-Identifier: MIT
pragma solidity 0.8.34;

import {Cbor} from "../../contracts/attestation/Cbor.sol";
import {Der} from "../../contracts/attestation/Der.sol";
import {X509} from "../../contracts/attestation/X509.sol";
import {INitroAttestation} from "../../contracts/interfaces/INitroAttestation.sol";
import {AttestationHarness} from "./AttestationHarness.sol";

/// @notice Readers of attestation documents under generated and damaged input: they take nothing that is not well
/// formed, fail with their own errors only (no panic, no empty revert), and for bounded gas.
contract AttestationParsersTest {
    uint256 private constant GAS_BOUND = 600_000;

    AttestationHarness private harness;
    /// @dev AWS's root certificate: public, and as good an example as any.
    bytes private certificate =
        hex"3082021130820196a003020102021100f93175681b90afe11d46ccb4e4e7f856300a06082a8648ce3d0403033049310b3009"
        hex"060355040613025553310f300d060355040a0c06416d617a6f6e310c300a060355040b0c03415753311b301906035504030c"
        hex"126177732e6e6974726f2d656e636c61766573301e170d3139313032383133323830355a170d343931303238313432383035"
        hex"5a3049310b3009060355040613025553310f300d060355040a0c06416d617a6f6e310c300a060355040b0c03415753311b30"
        hex"1906035504030c126177732e6e6974726f2d656e636c617665733076301006072a8648ce3d020106052b8104002203620004"
        hex"fc0254eba608c1f36870e29ada90be46383292736e894bfff672d989444b5051e534a4b1f6dbe3c0bc581a32b7b176070ede"
        hex"12d69a3fea211b66e752cf7dd1dd095f6f1370f4170843d9dc100121e4cf63012809664487c9796284304dc53ff4a3423040"
        hex"300f0603551d130101ff040530030101ff301d0603551d0e041604149025b50dd90547e796c396fa729dcf99a9df4b96300e"
        hex"0603551d0f0101ff040403020186300a06082a8648ce3d0403030369003066023100a37f2f91a1c9bd5ee7b8627c1698d255"
        hex"038e1f0343f95b63a9628c3d39809545a11ebcbf2e3b55d8aeee71b4c3d6adf3023100a2f39b1605b27028a5dd4ba069b501"
        hex"6e65b4fbde8fe0061d6a53197f9cdaf5d943bc61fc2beb03cb6fee8d2302f3dff6";
    mapping(bytes4 => bool) private _ours;

    function setUp() external {
        harness = new AttestationHarness();
        bytes4[17] memory ours = [
            Cbor.Cbor_Truncated.selector,
            Cbor.Cbor_UnexpectedType.selector,
            Cbor.Cbor_BadNumber.selector,
            Der.Der_UnexpectedTag.selector,
            Der.Der_BadLength.selector,
            Der.Der_BadInteger.selector,
            Der.Der_TrailingBytes.selector,
            Der.Der_BadTime.selector,
            X509.X509_Unsupported.selector,
            X509.X509_BadExtension.selector,
            X509.X509_RefusedExtension.selector,
            X509.X509_MissingExtension.selector,
            X509.X509_TooManyExtensions.selector,
            INitroAttestation.NitroAttestation_BadEnvelope.selector,
            INitroAttestation.NitroAttestation_BadField.selector,
            INitroAttestation.NitroAttestation_DebugEnclave.selector,
            bytes4(0)
        ];
        for (uint256 i = 0; i < 16; ++i) _ours[ours[i]] = true;
    }

    function test_theExampleItselfIsRead() external view {
        require(_reads(abi.encodeCall(harness.parseCertificate, (certificate))), "refused");
    }

    /// @notice Nothing generated is taken.
    function testFuzz_noBytesAreACertificate(bytes calldata data) external view {
        require(!_reads(abi.encodeCall(harness.parseCertificate, (data))), "taken");
    }

    function testFuzz_noBytesAreADocument(bytes calldata data) external view {
        require(!_reads(abi.encodeCall(harness.readFields, (data))), "taken");
    }

    /// @notice Nothing generated behind a right envelope is taken.
    function testFuzz_noBytesAreAPayload(bytes calldata data) external view {
        bytes memory payload = abi.encodePacked(bytes1(0xa9), data);
        bytes memory document = abi.encodePacked(
            hex"8444a1013822a059",
            uint16(payload.length),
            payload,
            hex"5860",
            new bytes(96)
        );
        require(!_reads(abi.encodeCall(harness.readFields, (document))), "taken");
    }

    /// @notice A damaged certificate may still be well formed; it is never a crash.
    function testFuzz_damageIsNoCrash(uint256 place, bytes1 value, uint256 other, bytes1 otherValue) external view {
        bytes memory damaged = certificate;
        damaged[place % damaged.length] = value;
        damaged[other % damaged.length] = otherValue;
        _reads(abi.encodeCall(harness.parseCertificate, (damaged)));
    }

    /// @notice The same of a document: its form may survive damage, the reader always does.
    function testFuzz_damageToADocumentIsNoCrash(
        uint256 place,
        bytes1 value,
        uint256 other,
        bytes1 otherValue
    ) external view {
        bytes memory damaged = _document();
        damaged[place % damaged.length] = value;
        damaged[other % damaged.length] = otherValue;
        _reads(abi.encodeCall(harness.readFields, (damaged)));
    }

    /// @notice A head of eight bytes says more than any document holds, or says it at more length than it needs. Only a
    /// timestamp may be so large.
    function testFuzz_noLongHeadIsTaken(uint8 which, uint8 major, uint64 length, bytes calldata rest) external view {
        bytes[9] memory fields = _fields();
        (which, major) = (which % 9, major % 8);
        bytes memory name = fields[which];
        uint256 nameLength = 1 + uint8(name[0]) - 0x60;
        assembly ("memory-safe") {
            mstore(name, nameLength)
        }
        fields[which] = abi.encodePacked(name, bytes1((major << 5) | 27), length, rest);
        bool isTime = which == 2 && major == 0 && length > type(uint32).max && rest.length == 0;
        require(_reads(abi.encodeCall(harness.readFields, (_wrapped(fields)))) == isTime, "taken");
    }

    function testFuzz_noPartIsADocument(uint256 length) external view {
        bytes memory part = _document();
        length = length % part.length;
        assembly ("memory-safe") {
            mstore(part, length)
        }
        require(!_reads(abi.encodeCall(harness.readFields, (part))), "taken");
    }

    /// @notice One of the nine fields stands where another should: one is missing and one is there twice.
    function testFuzz_noFieldStandsTwice(uint8 from, uint8 to) external view {
        bytes[9] memory fields = _fields();
        (from, to) = (from % 9, to % 9);
        fields[to] = fields[from];
        bool taken = _reads(abi.encodeCall(harness.readFields, (_wrapped(fields))));
        require(taken == (from == to), "twice");
    }

    function test_theDocumentItselfIsRead() external view {
        require(_reads(abi.encodeCall(harness.readFields, (_document()))), "refused");
    }

    /// @notice Cut short, or cut and its lengths put right: refused.
    function testFuzz_noPartIsACertificate(uint256 length) external view {
        bytes memory part = certificate;
        length = length % part.length;
        assembly ("memory-safe") {
            mstore(part, length)
        }
        require(!_reads(abi.encodeCall(harness.parseCertificate, (part))), "taken");
        if (length < 4) return;
        part[2] = bytes1(uint8((length - 4) >> 8));
        part[3] = bytes1(uint8(length - 4));
        require(!_reads(abi.encodeCall(harness.parseCertificate, (part))), "taken with its length");
    }

    function _document() private pure returns (bytes memory) {
        return _wrapped(_fields());
    }

    /// @dev The least that a document may be; signatures and certificates are not the readers' affair.
    function _fields() private pure returns (bytes[9] memory fields) {
        bytes memory register = abi.encodePacked(hex"5830", bytes32(uint256(1)), bytes16(uint128(2)));
        fields[0] = abi.encodePacked(hex"69", "module_id", hex"61", "i");
        fields[1] = abi.encodePacked(hex"66", "digest", hex"66", "SHA384");
        fields[2] = abi.encodePacked(hex"69", "timestamp", hex"1b0000018dfec31234");
        fields[3] = abi.encodePacked(hex"6b", "certificate", hex"4101");
        fields[4] = abi.encodePacked(hex"68", "cabundle", hex"814102");
        fields[5] = abi.encodePacked(hex"6a", "public_key", hex"4103");
        fields[6] = abi.encodePacked(hex"69", "user_data", hex"f6");
        fields[7] = abi.encodePacked(hex"65", "nonce", hex"f6");
        fields[8] = abi.encodePacked(hex"64", "pcrs", hex"a300", register, hex"01", register, hex"02", register);
    }

    function _wrapped(bytes[9] memory fields) private pure returns (bytes memory) {
        bytes memory payload = hex"a9";
        for (uint256 i = 0; i < 9; ++i) payload = bytes.concat(payload, fields[i]);
        return bytes.concat(hex"8444a1013822a059", bytes2(uint16(payload.length)), payload, hex"5860", new bytes(96));
    }

    /// @dev Whether the reader takes it; a refusal must be one of ours.
    function _reads(bytes memory call) private view returns (bool taken) {
        uint256 before = gasleft();
        bytes memory answer;
        (taken, answer) = address(harness).staticcall{gas: 5_000_000}(call);
        require(before - gasleft() < GAS_BOUND, "gas");
        if (!taken) require(answer.length >= 4 && _ours[bytes4(answer)], "not an error of ours");
    }
}
