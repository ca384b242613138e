// SPDX-License-Identifier: MIT
pragma solidity 0.8.34;

import {ERC20} from "@openzeppelin/contracts/token/ERC20/ERC20.sol";

/// @notice What a staked token must not be, switched on one by one: it keeps a fee, answers false, calls back in the
/// middle of a transfer, or refuses to move at all.
contract HostileStakeToken is ERC20 {
    enum Mood {
        Plain,
        TakesFee,
        AnswersFalse,
        CallsBack,
        Refuses
    }

    Mood public mood;
    address private _target;
    bytes private _data;
    /// @notice What came of the last call back.
    bool public calledBack;
    bytes public answer;

    constructor() ERC20("Hostile", "HOSTILE") {
        _mint(msg.sender, 1_000_000_000e18);
    }

    function become(Mood mood_, address target, bytes calldata data) external {
        (mood, _target, _data, calledBack) = (mood_, target, data, false);
    }

    function seize(address from, uint256 value) external {
        _burn(from, value);
    }

    function transferFrom(address from, address to, uint256 value) public override returns (bool) {
        return _moved(super.transferFrom(from, to, value), to);
    }

    function transfer(address to, uint256 value) public override returns (bool) {
        return _moved(super.transfer(to, value), to);
    }

    function _moved(bool ok, address to) private returns (bool) {
        require(mood != Mood.Refuses, "refused");
        if (mood == Mood.TakesFee) _burn(to, 1);
        // Both sides of a transfer: what a hook of an ERC-777 would see.
        if (mood == Mood.CallsBack) (calledBack, answer) = _target.call(_data);
        return ok && mood != Mood.AnswersFalse;
    }
}
