// SPDX-License-Identifier: MIT
pragma solidity 0.8.34;

import {Clones} from "@openzeppelin/contracts/proxy/Clones.sol";
import {IERC20} from "@openzeppelin/contracts/token/ERC20/IERC20.sol";
import {SafeERC20} from "@openzeppelin/contracts/token/ERC20/utils/SafeERC20.sol";
import {IFeeInbox} from "../interfaces/IFeeInbox.sol";
import {FeeEpochs, IFeeSplitter} from "../interfaces/IFeeSplitter.sol";

/// @title FeeInbox
/// @notice See {IFeeInbox}, where every function, event and error is documented.
/// @dev Node and model version are at the end of each clone's code, so an inbox has no storage at all. The contract that
/// clones point to has none there: for it the splitter knows no node.
contract FeeInbox is IFeeInbox {
    using SafeERC20 for IERC20;

    /// @notice Where everything goes.
    IFeeSplitter public immutable splitter;
    /// @notice The only token that this knows.
    IERC20 public immutable token;

    constructor(IFeeSplitter splitter_) {
        splitter = splitter_;
        token = splitter_.token();
    }

    /// @inheritdoc IFeeInbox
    function sweep(address settler) external returns (uint256 amount) {
        amount = token.balanceOf(address(this));
        if (amount == 0) revert FeeInbox_NothingToSweep();
        (bytes32 nodeId, bytes32 modelId) = pays();
        emit Swept(settler, amount);
        token.forceApprove(address(splitter), amount);
        splitter.pay(nodeId, modelId, settler, FeeEpochs.at(block.timestamp), amount);
    }

    /// @inheritdoc IFeeInbox
    function pays() public view returns (bytes32 nodeId, bytes32 modelId) {
        return abi.decode(Clones.fetchCloneArgs(address(this)), (bytes32, bytes32));
    }
}
