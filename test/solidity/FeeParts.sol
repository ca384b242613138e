// SPDX-License-Identifier: MIT
pragma solidity 0.8.34;

import {ERC20} from "@openzeppelin/contracts/token/ERC20/ERC20.sol";
import {IERC20} from "@openzeppelin/contracts/token/ERC20/IERC20.sol";
import {IOperatorStake} from "../../contracts/interfaces/IOperatorStake.sol";
import {IStakeRewards} from "../../contracts/interfaces/IStakeRewards.sol";

/// @notice Takes rewards as staking does, and does nothing with them; or misbehaves. Calls every stake enough.
contract FeeStaking is IOperatorStake, IStakeRewards {
    IERC20 private immutable _token;

    mapping(address operator => mapping(uint8 kind => uint256)) public rewards;
    /// @notice Wei that it takes too little.
    uint256 public shy;
    /// @notice Called, if set, in the middle of every reward; what it answered is kept.
    address public target;
    bytes public data;
    bool public went;
    bytes public answer;

    error FeeStaking_Closed();

    constructor(IERC20 token) {
        _token = token;
    }

    function isSufficient(address, uint8) external pure returns (bool) {
        return true;
    }

    function endKeys(bytes32) external {}

    function misbehave(uint256 shy_, address target_, bytes calldata data_) external {
        (shy, target, data) = (shy_, target_, data_);
    }

    function addRewards(address operator, uint8 kind, uint256 amount) external {
        if (shy == type(uint256).max) revert FeeStaking_Closed();
        if (target != address(0)) (went, answer) = target.call(data);
        rewards[operator][kind] += amount - shy;
        _token.transferFrom(msg.sender, address(this), amount - shy);
    }

    /// @notice Takes what its allowance lets it take, from whoever.
    function take(address from, uint256 amount) external {
        _token.transferFrom(from, address(this), amount);
    }
}

/// @notice A token that does one thing wrong, as told.
contract FeeToken is ERC20 {
    enum Habit {
        None,
        KeepsOneWei,
        SaysFalse,
        MovesNothing
    }

    Habit public habit;
    mapping(address account => bool) public refuses;
    address public target;
    bytes public data;
    bool public went;
    bytes public answer;

    error FeeToken_Refused(address to);

    constructor() ERC20("Fee", "FEE") {
        _mint(msg.sender, 1e30);
    }

    function behave(Habit habit_) external {
        habit = habit_;
    }

    function refuse(address to) external {
        refuses[to] = true;
    }

    /// @notice Calls this in the middle of every transfer and keeps what it answered.
    function callOnTransfer(address target_, bytes calldata data_) external {
        (target, data) = (target_, data_);
    }

    function transfer(address to, uint256 value) public override returns (bool) {
        return _quirk(msg.sender, to, value);
    }

    function transferFrom(address from, address to, uint256 value) public override returns (bool) {
        _spendAllowance(from, msg.sender, value);
        return _quirk(from, to, value);
    }

    function _quirk(address from, address to, uint256 value) private returns (bool) {
        if (refuses[to]) revert FeeToken_Refused(to);
        if (target != address(0)) (went, answer) = target.call(data);
        if (habit == Habit.SaysFalse) return false;
        if (habit == Habit.MovesNothing) return true;
        _transfer(from, to, value);
        if (habit == Habit.KeepsOneWei) _burn(to, 1);
        return true;
    }
}
