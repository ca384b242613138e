// SPDX-License-Identifier: MIT
pragma solidity 0.8.34;

import {RsaPss} from "../../contracts/verification/RsaPss.sol";
import {GatewayHandler} from "./GatewayHandler.t.sol";
import {GatewayVectors} from "./GatewayVectors.sol";

/// @notice Settling, waiting, pausing, freezing, distrusting, retiring, beating and handing over in any order.
contract GatewayAnswersInvariantTest {
    GatewayHandler private handler;

    function setUp() external {
        handler = new GatewayHandler();
    }

    /// @notice Where calls go; a name the runner asks for.
    function targetContracts() external view returns (address[] memory targets) {
        targets = new address[](1);
        targets[0] = address(handler);
    }

    /// @notice A settlement time never changes; verified is settled and satisfies every condition of R4; what read as
    /// distrusted is never revived; no answer is ever a receipt. [R3][R4][R9]
    function invariant_answers() external view {
        handler.checkAnswers();
    }

    /// @notice Keys follow each other once and end as was said; heartbeats strictly grow. [R4][FM:heartbeat-replay]
    function invariant_line() external view {
        handler.checkLine();
    }
}

/// @notice The library alone, over signatures that are valid but for what is changed.
contract RsaPssTest {
    function verify(bytes calldata publicKey, bytes32 message, bytes calldata signature) external view returns (bool) {
        return RsaPss.verify(publicKey, message, signature);
    }

    /// @notice What was signed is taken, and nothing that differs from it in any bits of any part.
    function testFuzz_anyChange(uint8 which, uint8 part, uint16 at, uint8 bits) external view {
        uint256 i = which % GatewayVectors.COUNT;
        bytes memory key = GatewayVectors.PUBLIC_KEY;
        bytes memory signature = GatewayVectors.signature(i);
        bytes32 message = keccak256(abi.encodePacked(bytes32(i + 1), bytes32(i + 101), GatewayVectors.timestamp(i)));
        require(this.verify(key, message, signature), "a signature is refused");
        if (bits == 0) bits = 1;
        if (part % 3 == 0) key[at % key.length] ^= bytes1(bits);
        else if (part % 3 == 1) signature[at % signature.length] ^= bytes1(bits);
        else message ^= bytes32(uint256(bits) << (8 * (at % 32)));
        require(!this.verify(key, message, signature), "something else is taken");
    }

    /// @notice Whatever is no signature is refused, of whatever length, and nothing reverts.
    function testFuzz_noise(bytes calldata key, bytes32 message, bytes calldata signature) external view {
        require(!this.verify(key, message, signature), "noise");
        require(!this.verify(GatewayVectors.PUBLIC_KEY, message, signature), "noise under a key");
    }
}
