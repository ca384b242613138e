// SPDX-License-Identifier: MIT
pragma solidity ^0.8.24;

import {INodeLoad} from "../../contracts/interfaces/INodeLoad.sol";

/// @notice On-chain requests as a test has them open.
contract OpenRequests is INodeLoad {
    /// @inheritdoc INodeLoad
    mapping(bytes32 nodeId => mapping(bytes32 modelId => uint256)) public openRequests;

    function set(bytes32 nodeId, bytes32 modelId, uint256 many) external {
        openRequests[nodeId][modelId] = many;
    }
}
