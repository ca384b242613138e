// SPDX-License-Identifier: MIT
pragma solidity 0.8.34;

import {ITwinHoldings} from "../../contracts/interfaces/ITwinHoldings.sol";
import {ITwinMarket, Order} from "../../contracts/interfaces/ITwinMarket.sol";

/// @notice An account with code that does what it is told, and what it likes when ether arrives.
contract TwinActor {
    enum Mood {
        Takes,
        Reverts,
        Burns,
        Returns,
        ReEnters
    }

    /// @notice How ether is met.
    Mood public mood;
    /// @notice What is called on the way back in, and at whom.
    address public target;
    bytes public reentry;
    /// @notice Whether the last way back in went through, and what came of it.
    bool public reentered;
    bytes public answer;

    receive() external payable {
        if (mood == Mood.Reverts) revert();
        if (mood == Mood.Burns) while (true) {}
        if (mood == Mood.Returns) {
            // A long answer, which a caller that copies it pays for.
            assembly ("memory-safe") {
                return(0, 1000000)
            }
        }
        if (mood == Mood.ReEnters) (reentered, answer) = target.call(reentry);
    }

    function be(Mood mood_, address target_, bytes calldata reentry_) external {
        (mood, target, reentry, reentered, answer) = (mood_, target_, reentry_, false, "");
    }

    /// @notice Calls `to` with the ether it has or was given, and reverts as that reverts.
    function act(address to, uint256 value, bytes calldata data) external payable returns (bytes memory) {
        (bool ok, bytes memory result) = to.call{value: value}(data);
        if (ok) return result;
        assembly ("memory-safe") {
            revert(add(result, 0x20), mload(result))
        }
    }

    /// @notice The same, telling whether it went through.
    function attempt(address to, uint256 value, bytes calldata data) external payable returns (bool ok) {
        (ok, ) = to.call{value: value}(data);
    }

    /// @notice Accepts every signature of what it was told to accept.
    bytes32 public accepted;

    function accept(bytes32 digest) external {
        accepted = digest;
    }

    function isValidSignature(bytes32 digest, bytes calldata) external view returns (bytes4) {
        return digest == accepted && digest != 0 ? this.isValidSignature.selector : bytes4(0xffffffff);
    }
}

/// @notice Forces ether into an account that does not want it.
contract EtherForcer {
    constructor(address payable to) payable {
        selfdestruct(to);
    }
}

/// @notice A service for holders of a twin's keys, as a consumer would write it: bought for the occasion does not count.
contract HoldersOnly {
    ITwinHoldings public immutable holdings;
    bytes16 public immutable digitalTwinId;
    uint256 public constant MINIMUM = 2;
    uint256 public constant HELD_FOR = 1 hours;
    mapping(address account => uint256) public requests;

    error HoldersOnly_NotAHolder(address account);

    constructor(ITwinHoldings holdings_, bytes16 digitalTwinId_) {
        (holdings, digitalTwinId) = (holdings_, digitalTwinId_);
    }

    function ask() external {
        if (!holdings.holds(digitalTwinId, msg.sender, MINIMUM)) revert HoldersOnly_NotAHolder(msg.sender);
        ++requests[msg.sender];
    }

    function askAsLongHolder() external {
        if (!holdings.holdsSince(digitalTwinId, msg.sender, MINIMUM, block.timestamp - HELD_FOR))
            revert HoldersOnly_NotAHolder(msg.sender);
        ++requests[msg.sender];
    }
}

/// @notice Buys, asks and sells in one transaction.
contract FlashHolder {
    receive() external payable {}

    function run(ITwinMarket market, HoldersOnly service, uint256 amount, bool long) external payable {
        bytes16 id = service.digitalTwinId();
        market.buyShares{value: msg.value}(id, amount);
        if (long) service.askAsLongHolder();
        else service.ask();
        market.sellShares(id, amount);
    }
}
