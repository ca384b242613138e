// SPDX-License-Identifier: MIT
pragma solidity 0.8.34;

import {IStakeSlasher} from "../../contracts/interfaces/IStakeSlasher.sol";

/// @notice Writes down what it is told to slash, and takes a wei a basis point. Can call back first, as no staking does.
contract RecordingSlasher is IStakeSlasher {
    struct Call {
        address operator;
        uint8 kind;
        uint256 bps;
        address reporter;
    }

    Call[] public calls;
    address private _target;
    bytes private _data;
    /// @notice Whether the call back went through.
    bool public reentered;

    /// @notice What to call back with in the middle of the next slash.
    function callBack(address target, bytes calldata data) external {
        (_target, _data) = (target, data);
    }

    /// @inheritdoc IStakeSlasher
    function slash(address operator, uint8 kind, uint256 bps, address reporter) external returns (uint256) {
        calls.push(Call(operator, kind, bps, reporter));
        if (_target != address(0)) (reentered, ) = _target.call(_data);
        return bps;
    }

    /// @notice How many times it was called.
    function count() external view returns (uint256) {
        return calls.length;
    }
}
