// SPDX-License-Identifier: MIT
pragma solidity ^0.8.24;

import {Policy} from "../consumer/Policy.sol";

/// @notice Which evidence one function acts on.
/// @param selector The function. It may stand here several times: then it acts on what meets any one of its policies.
/// @param policy What it accepts at least. Where an origin is named and its value is zero, the function names the input
/// or the request itself when it is called; all the rest holds as it stands here.
struct PolicyEntry {
    bytes4 selector;
    Policy policy;
}

/// @notice A function that changes state and checks no inference itself.
/// @param selector The function.
/// @param restsOn The function whose policy stands behind what this one acts on, for example the one that stored a score
/// which is lent against here; zero if no inference matters to it.
struct UncheckedFunction {
    bytes4 selector;
    bytes4 restsOn;
}

/// @title IInferencePolicies
/// @notice What a consumer says of itself, for machines to read: for each function that changes state, which evidence
/// it acts on. `hardhat opg:policy` prints it in plain words and names every function that is not spoken of (R11).
/// @dev In `StatedConsumer` the list is not a description of the policies but the policies: what a function checks by is
/// read from the list that {inferencePolicies} returns. What it says of other functions is the author's word.
interface IInferencePolicies {
    /// @notice The function that runs has no policy that is at least as weak as what it was about to accept: its author
    /// stated another one than is used, or none.
    error InferencePolicies_NotAsStated(bytes4 selector);

    /// @notice Policies by function.
    function inferencePolicies() external view returns (PolicyEntry[] memory);

    /// @notice The other functions that change state.
    function uncheckedFunctions() external view returns (UncheckedFunction[] memory);
}
