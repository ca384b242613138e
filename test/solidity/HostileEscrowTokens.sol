// SPDX-License-Identifier: MIT
pragma solidity 0.8.34;

import {ERC20} from "@openzeppelin/contracts/token/ERC20/ERC20.sol";

/// @notice What a token can do to an escrow: keep a hundredth, say false and do nothing, or call back in the middle.
contract HostileToken is ERC20 {
    bool public takesFee;
    bool public refuses;
    address private _target;
    bytes private _call;
    bytes public answer;

    constructor(uint256 supply) ERC20("Hostile", "HOST") {
        _mint(msg.sender, supply);
    }

    function behave(bool takesFee_, bool refuses_) external {
        (takesFee, refuses) = (takesFee_, refuses_);
    }

    /// @notice Calls this once in the middle of the next transfer.
    function callBack(address target, bytes calldata data) external {
        (_target, _call) = (target, data);
    }

    function transfer(address to, uint256 amount) public override returns (bool) {
        return !refuses && super.transfer(to, amount);
    }

    function transferFrom(address from, address to, uint256 amount) public override returns (bool) {
        return !refuses && super.transferFrom(from, to, amount);
    }

    function _update(address from, address to, uint256 amount) internal override {
        if (takesFee && from != address(0)) {
            super._update(from, address(0xdead), amount / 100);
            amount -= amount / 100;
        }
        super._update(from, to, amount);
        address target = _target;
        if (target == address(0)) return;
        _target = address(0);
        (bool ok, bytes memory data) = target.call(_call);
        answer = ok ? bytes("succeeded") : data;
    }
}

/// @notice A splitter that takes a wei less than it is paid.
contract ShortSplitter {
    ERC20 private immutable token;

    constructor(ERC20 token_) {
        token = token_;
    }

    function pay(bytes32, bytes32, address, uint256, uint256 amount) external {
        require(token.transferFrom(msg.sender, address(this), amount - 1), "not paid");
    }
}

/// @notice A payer that is a contract: accepts what its owner's key signed.
contract ContractPayer {
    bytes32 private _accepted;

    function accept(bytes32 digest) external {
        _accepted = digest;
    }

    function isValidSignature(bytes32 digest, bytes calldata) external view returns (bytes4) {
        return digest == _accepted ? bytes4(0x1626ba7e) : bytes4(0);
    }
}
