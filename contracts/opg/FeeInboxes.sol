// SPDX-License-Identifier: MIT
pragma solidity 0.8.34;

import {Clones} from "@openzeppelin/contracts/proxy/Clones.sol";
import {IFeeInboxes} from "../interfaces/IFeeInboxes.sol";
import {IFeeSplitter} from "../interfaces/IFeeSplitter.sol";
import {FeeInbox} from "./FeeInbox.sol";

/// @title FeeInboxes
/// @notice See {IFeeInboxes}, where every function, event and error is documented.
contract FeeInboxes is IFeeInboxes {
    /// @notice What every inbox runs.
    FeeInbox public immutable implementation;

    constructor(IFeeSplitter splitter) {
        implementation = new FeeInbox(splitter);
    }

    /// @inheritdoc IFeeInboxes
    function sweep(bytes32 nodeId, bytes32 modelId) external returns (uint256 amount) {
        return FeeInbox(create(nodeId, modelId)).sweep(msg.sender);
    }

    /// @inheritdoc IFeeInboxes
    function create(bytes32 nodeId, bytes32 modelId) public returns (address inbox) {
        inbox = inboxOf(nodeId, modelId);
        if (inbox.code.length != 0) return inbox;
        Clones.cloneDeterministicWithImmutableArgs(address(implementation), abi.encode(nodeId, modelId), 0);
        emit InboxCreated(nodeId, modelId, inbox);
    }

    /// @inheritdoc IFeeInboxes
    function inboxOf(bytes32 nodeId, bytes32 modelId) public view returns (address inbox) {
        bytes memory args = abi.encode(nodeId, modelId);
        return Clones.predictDeterministicAddressWithImmutableArgs(address(implementation), args, 0);
    }
}
