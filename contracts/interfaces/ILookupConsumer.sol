// SPDX-License-Identifier: MIT
pragma solidity ^0.8.24;

import {Policy} from "../consumer/Policy.sol";
import {Opening} from "./InferenceTypes.sol";

/// @notice One piece of an answer under output scheme 0, with its bytes; its {Artifact} holds their hash instead.
struct Content {
    uint8 kind;
    string mediaType;
    bytes data;
}

/// @notice What a gateway answers: receipt, evidence and output, all that one transaction needs.
/// @param opening The receipt and its place among the settled ones. While it is not settled, its batch has count 0.
/// @param output Circuit outputs as `abi.encode(uint256[])`, or contents as `abi.encode(Content[])`, by the scheme.
/// @param signature The key's signature over the receipt id if the receipt may have to be settled first, else empty.
/// @param evidence The proof that goes with it, for ZKML.
struct LookupAnswer {
    Opening opening;
    bytes output;
    bytes signature;
    bytes evidence;
}

/// @title IInferenceLookup
/// @notice What a gateway is asked, as a call (ERC-3668): no contract implements it. The answer is
/// `abi.encode(LookupAnswer)`. A gateway is believed in nothing.
interface IInferenceLookup {
    /// @param question The question itself, for a gateway that has models run; empty where the input hash is enough.
    /// @param policy What the contract will accept, the input hash of this very question included.
    function inferenceFor(bytes calldata question, Policy calldata policy) external view returns (LookupAnswer memory);
}

/// @title ILookupConsumer
/// @notice A contract that acts on inferences which ran before the transaction: it names its question by reverting (ERC-3668),
/// and is handed receipt, evidence and output in its callback.
interface ILookupConsumer {
    /// @notice Ask one of `urls` with `callData`, and call `callbackFunction` with the answer and `extraData` (ERC-3668).
    /// A client must check that `sender` is the contract it called.
    error OffchainLookup(address sender, string[] urls, bytes callData, bytes4 callbackFunction, bytes extraData);

    /// @notice A contract needs one gateway to name, and at most `most`.
    error LookupConsumer_WrongGatewayCount(uint256 count, uint256 most);
    /// @notice What came back is not one `abi.encode(LookupAnswer)`.
    error LookupConsumer_MalformedAnswer();
    /// @notice Somebody else paid for the answer, so it is not theirs to spend.
    error LookupConsumer_NotPaidBy(address expected, address found);

    /// @notice Gateways that know answers, with `{sender}` and `{data}` to be replaced (ERC-3668).
    function lookupUrls() external view returns (string[] memory);
}
