// SPDX-License-Identifier: MIT
pragma solidity 0.8.34;

import {Governor} from "@openzeppelin/contracts/governance/Governor.sol";
import {GovernorCountingSimple} from "@openzeppelin/contracts/governance/extensions/GovernorCountingSimple.sol";
import {GovernorSettings} from "@openzeppelin/contracts/governance/extensions/GovernorSettings.sol";
import {GovernorTimelockControl} from "@openzeppelin/contracts/governance/extensions/GovernorTimelockControl.sol";
import {GovernorVotes} from "@openzeppelin/contracts/governance/extensions/GovernorVotes.sol";
import {GovernorVotesQuorumFraction} from "@openzeppelin/contracts/governance/extensions/GovernorVotesQuorumFraction.sol";
import {IVotes} from "@openzeppelin/contracts/governance/utils/IVotes.sol";
import {Math} from "@openzeppelin/contracts/utils/math/Math.sol";
import {IOPGGovernor} from "../interfaces/IOPGGovernor.sol";
import {OPGTimelock} from "./OPGTimelock.sol";

/// @title OPGGovernor
/// @notice See {IOPGGovernor}, where what is not OpenZeppelin's is documented.
contract OPGGovernor is
    IOPGGovernor,
    GovernorSettings,
    GovernorCountingSimple,
    GovernorVotesQuorumFraction,
    GovernorTimelockControl
{
    /// @inheritdoc IOPGGovernor
    uint256 public constant MAX_VOTING = 8 days;
    /// @inheritdoc IOPGGovernor
    uint256 public constant MAX_THRESHOLD = 10_000_000e18;
    /// @inheritdoc IOPGGovernor
    uint256 public constant MAX_QUORUM_PERCENT = 20;
    /// @inheritdoc IOPGGovernor
    uint256 public immutable minimumQuorum;

    /// @dev Governor and timelock need each other's address: made here, the circle closes without anybody holding a
    /// role in between.
    /// @param votes OPG, or OPGVotes where OPG has no votes.
    constructor(
        IVotes votes,
        Settings memory settings
    )
        Governor("OPGGovernor")
        GovernorSettings(settings.votingDelay, settings.votingPeriod, settings.proposalThreshold * 1e18)
        GovernorVotes(votes)
        GovernorVotesQuorumFraction(settings.quorumPercent)
        GovernorTimelockControl(_makeTimelock(settings.timelockDelay))
    {
        minimumQuorum = settings.minimumQuorum * 1e18;
    }

    /// @notice Votes that a proposal with this snapshot needs, in wei.
    function quorum(uint256 timepoint) public view override(Governor, GovernorVotesQuorumFraction) returns (uint256) {
        return Math.max(super.quorum(timepoint), minimumQuorum);
    }

    /// @inheritdoc GovernorSettings
    function proposalThreshold() public view override(Governor, GovernorSettings) returns (uint256) {
        return super.proposalThreshold();
    }

    /// @inheritdoc GovernorTimelockControl
    function state(uint256 proposalId) public view override(Governor, GovernorTimelockControl) returns (ProposalState) {
        return super.state(proposalId);
    }

    /// @inheritdoc GovernorTimelockControl
    function proposalNeedsQueuing(
        uint256 proposalId
    ) public view override(Governor, GovernorTimelockControl) returns (bool) {
        return super.proposalNeedsQueuing(proposalId);
    }

    function _setVotingDelay(uint48 newVotingDelay) internal override {
        _requireShort(uint256(newVotingDelay) + votingPeriod());
        super._setVotingDelay(newVotingDelay);
    }

    function _setVotingPeriod(uint32 newVotingPeriod) internal override {
        _requireShort(votingDelay() + newVotingPeriod);
        super._setVotingPeriod(newVotingPeriod);
    }

    function _setProposalThreshold(uint256 newProposalThreshold) internal override {
        if (newProposalThreshold > MAX_THRESHOLD) revert OPGGovernor_ThresholdTooHigh(newProposalThreshold);
        super._setProposalThreshold(newProposalThreshold);
    }

    function _updateQuorumNumerator(uint256 newQuorumNumerator) internal override {
        if (newQuorumNumerator > MAX_QUORUM_PERCENT) revert OPGGovernor_QuorumTooHigh(newQuorumNumerator);
        super._updateQuorumNumerator(newQuorumNumerator);
    }

    function _queueOperations(
        uint256 proposalId,
        address[] memory targets,
        uint256[] memory values,
        bytes[] memory calldatas,
        bytes32 descriptionHash
    ) internal override(Governor, GovernorTimelockControl) returns (uint48) {
        return super._queueOperations(proposalId, targets, values, calldatas, descriptionHash);
    }

    function _executeOperations(
        uint256 proposalId,
        address[] memory targets,
        uint256[] memory values,
        bytes[] memory calldatas,
        bytes32 descriptionHash
    ) internal override(Governor, GovernorTimelockControl) {
        super._executeOperations(proposalId, targets, values, calldatas, descriptionHash);
    }

    function _cancel(
        address[] memory targets,
        uint256[] memory values,
        bytes[] memory calldatas,
        bytes32 descriptionHash
    ) internal override(Governor, GovernorTimelockControl) returns (uint256) {
        return super._cancel(targets, values, calldatas, descriptionHash);
    }

    function _executor() internal view override(Governor, GovernorTimelockControl) returns (address) {
        return super._executor();
    }

    function _makeTimelock(uint256 delay) private returns (OPGTimelock) {
        address[] memory proposers = new address[](1);
        proposers[0] = address(this);
        // The zero address as executor: anyone.
        return new OPGTimelock(delay, proposers, new address[](1));
    }

    function _requireShort(uint256 secondsOfVoting) private pure {
        if (secondsOfVoting > MAX_VOTING) revert OPGGovernor_CycleTooLong(secondsOfVoting);
    }
}
