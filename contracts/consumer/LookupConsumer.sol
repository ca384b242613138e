// SPDX-License-Identifier: MIT
pragma solidity ^0.8.24;

import {
    Accept,
    IInferenceRegistry,
    InferenceConsumer,
    Opening,
    Policies,
    Policy,
    PolicyEntry,
    StatedConsumer,
    UncheckedFunction,
    Verification
} from "./StatedConsumer.sol";
import {Content, IInferenceLookup, ILookupConsumer, LookupAnswer} from "../interfaces/ILookupConsumer.sol";
import {Artifact, Receipt, SignedReceipt} from "../interfaces/InferenceTypes.sol";

/// @title LookupConsumer
/// @notice Inherit this to act on inferences that ran before the transaction (ERC-3668). A function names its question with
/// {_lookUp}, which reverts; the client asks a gateway and calls the contract's callback, which takes the answer with
/// {_consumeAnswer}, settling the receipt first where that is still to be done: one transaction.
/// @dev A callback is a function like any other: anybody calls it, with any `extraData`. So it must work the input hash
/// out again from its own state and arguments, never take it from there, and what its caller may choose is what an
/// argument could choose. An answer can be taken out of the mempool and brought by somebody else first: let the effect
/// be the same whoever brings it, or ask {_requirePaidBy}.
abstract contract LookupConsumer is StatedConsumer, ILookupConsumer {
    /// @notice Most gateways that one contract names.
    uint256 internal constant MAX_GATEWAYS = 8;

    string[] private _urls;

    /// @param registry The `InferenceRegistry` of this chain.
    /// @param urls Gateways, for ever: they can withhold answers and change nothing about them.
    constructor(IInferenceRegistry registry, string[] memory urls) InferenceConsumer(registry) {
        if (urls.length == 0 || urls.length > MAX_GATEWAYS)
            revert LookupConsumer_WrongGatewayCount(urls.length, MAX_GATEWAYS);
        _urls = urls;
    }

    /// @inheritdoc ILookupConsumer
    function lookupUrls() public view virtual returns (string[] memory) {
        return _urls;
    }

    /// @notice Asks: reverts with {OffchainLookup}, always.
    /// @param callback The function of this contract that takes the answer, `(bytes response, bytes extraData)`. Its stated
    /// policy is what the gateway is told.
    /// @param question The question itself; may be empty.
    /// @param inputHash Its hash, as the receipt will carry it.
    /// @param extraData Arguments for the callback; nothing that it may believe.
    function _lookUp(bytes4 callback, bytes memory question, bytes32 inputHash, bytes memory extraData) internal view {
        Policy memory policy = _policyOf(callback).onInput(inputHash);
        bytes memory callData = abi.encodeCall(IInferenceLookup.inferenceFor, (question, policy));
        revert OffchainLookup(address(this), lookupUrls(), callData, callback, extraData);
    }

    /// @notice Acts on an answer: settles its receipt if that is still to be done, and marks its request as used (R9).
    /// @param response What the gateway answered.
    /// @param inputHash Of the very question that this is about, worked out here (R11).
    function _consumeAnswer(
        bytes calldata response,
        bytes32 inputHash
    ) internal returns (LookupAnswer calldata answer, Verification memory verified) {
        answer = _answerIn(response);
        Receipt calldata receipt = answer.opening.receipt;
        // Asked before settling: who comes second should not pay for a proof.
        if (isInferenceUsed(receipt.requestId)) revert InferenceConsumer_AlreadyUsed(receipt.requestId);
        _settle(answer);
        verified = _consumeVerified(answer.opening, _statedPolicy().onInput(inputHash));
    }

    /// @notice The same for views: the receipt must be settled, and no mark is left or looked at.
    function _requireAnswer(
        bytes calldata response,
        bytes32 inputHash
    ) internal view returns (LookupAnswer calldata answer, Verification memory verified) {
        answer = _answerIn(response);
        verified = _requireVerified(answer.opening, _statedPolicy().onInput(inputHash));
    }

    /// @notice Circuit outputs of an answer, shown to be what the receipt commits to.
    function _circuitOutputsOf(LookupAnswer calldata answer) internal pure returns (uint256[] memory outputs) {
        outputs = abi.decode(answer.output, (uint256[]));
        _requireCircuitOutputs(answer.opening.receipt, outputs);
    }

    /// @notice Contents of an answer, shown to be all that the receipt commits to (R6).
    function _contentsOf(LookupAnswer calldata answer) internal pure returns (Content[] memory contents) {
        contents = abi.decode(answer.output, (Content[]));
        Artifact[] memory artifacts = new Artifact[](contents.length);
        for (uint256 i = 0; i < contents.length; ++i)
            artifacts[i] = Artifact(contents[i].kind, contents[i].mediaType, keccak256(contents[i].data));
        _requireArtifacts(answer.opening.receipt, artifacts);
    }

    /// @notice Reverts unless this account paid for the inference. For effects that depend on who brings the answer: the
    /// payer is signed, so nobody can bring another's answer as their own.
    function _requirePaidBy(LookupAnswer calldata answer, address account) internal pure {
        address payer = answer.opening.receipt.payer;
        if (payer != account) revert LookupConsumer_NotPaidBy(account, payer);
    }

    /// @dev The answer in place, without a copy. All of it is the caller's anyway, wherever in the calldata it lies; what
    /// has lengths of its own is checked by the compiler's code where it is read.
    function _answerIn(bytes calldata response) private pure returns (LookupAnswer calldata answer) {
        // Offset of the struct, and its own four.
        if (response.length < 0xa0 || uint256(bytes32(response[:0x20])) != 0x20)
            revert LookupConsumer_MalformedAnswer();
        assembly ("memory-safe") {
            answer := add(response.offset, 0x20)
        }
    }

    /// @dev Whether it settled is for the opening to say. A receipt that somebody settled meanwhile is left as it is, so
    /// that a pause, or the registry's end, stands in nobody's way then.
    function _settle(LookupAnswer calldata answer) private {
        if (answer.signature.length == 0) return;
        Receipt calldata receipt = answer.opening.receipt;
        if (inferenceRegistry.settledAt(inferenceRegistry.receiptId(receipt)) != 0) return;
        SignedReceipt[] memory items = new SignedReceipt[](1);
        items[0] = SignedReceipt(receipt, answer.signature, answer.evidence);
        inferenceRegistry.settleReceipts(items);
    }
}
