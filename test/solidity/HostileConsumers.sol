// SPDX-License-Identifier: MIT
pragma solidity ^0.8.24;

/// @notice What a wallet pays or calls, and what calls back in the middle of it.
contract ReenteringTarget {
    address private _wallet;
    bytes private _call;
    bool public refuses;
    uint256 public calls;
    uint256 public received;
    bool public reentered;
    bytes public answer;

    /// @notice Calls this once when it is paid or called next.
    function callBack(address wallet, bytes calldata data) external {
        (_wallet, _call) = (wallet, data);
    }

    function setRefuses(bool refuses_) external {
        refuses = refuses_;
    }

    /// @notice A function that an action may be allowed to call.
    function poke(uint256) external payable {
        _happen();
    }

    receive() external payable {
        _happen();
    }

    function _happen() private {
        require(!refuses, "refuses");
        ++calls;
        received += msg.value;
        address wallet = _wallet;
        if (wallet == address(0)) return;
        _wallet = address(0);
        (bool ok, bytes memory data) = wallet.call(_call);
        (reentered, answer) = (ok, data);
    }
}

/// @notice A token whose transfers say false and move nothing.
contract SilentToken {
    mapping(address => uint256) public balanceOf;

    function mint(address to, uint256 amount) external {
        balanceOf[to] += amount;
    }

    function transfer(address, uint256) external pure returns (bool) {
        return false;
    }
}
