// SPDX-License-Identifier: MIT
pragma solidity 0.8.34;

import {IERC20} from "@openzeppelin/contracts/token/ERC20/IERC20.sol";

/// @notice A splitter that keeps what it is paid and remembers for what.
contract PlainSplitter {
    IERC20 private immutable token;

    /// @notice By keccak256(abi.encode(nodeId, modelId, settler, epoch)).
    mapping(bytes32 => uint256) public paid;

    constructor(IERC20 token_) {
        token = token_;
    }

    function pay(bytes32 nodeId, bytes32 modelId, address settler, uint256 epoch, uint256 amount) external {
        paid[keccak256(abi.encode(nodeId, modelId, settler, epoch))] += amount;
        require(token.transferFrom(msg.sender, address(this), amount), "not paid");
    }
}
