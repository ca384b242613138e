// SPDX-License-Identifier: MIT
pragma solidity ^0.8.24;

/// @title IOPGGovernor
/// @notice What OPG's governor adds to OpenZeppelin's: bounds on its own settings, which no vote can pass, and a least
/// number of votes.
/// @dev A proposal is voted on (For, Against, Abstain by OPG votes at its snapshot), queued in the timelock and executed
/// by anyone. The timelock, made by the governor's constructor, is the admin of every other contract. Its one proposer
/// and canceller is the governor; anyone executes; it administers itself: no account holds a role in it, so no key can
/// pass a vote by. The guardian has no part here.
interface IOPGGovernor {
    /// @param votingDelay Seconds between proposal and the snapshot of votes.
    /// @param votingPeriod Seconds in which votes are cast.
    /// @param timelockDelay Seconds between queueing and execution.
    /// @param proposalThreshold Votes that a proposer needs, in whole OPG.
    /// @param quorumPercent Votes For and Abstain that a proposal needs, in percent of the votes in existence.
    /// @param minimumQuorum And in whole OPG; the larger counts.
    struct Settings {
        uint48 votingDelay;
        uint32 votingPeriod;
        uint48 timelockDelay;
        uint256 proposalThreshold;
        uint256 quorumPercent;
        uint256 minimumQuorum;
    }

    /// @notice Delay and period would exceed {MAX_VOTING} together.
    error OPGGovernor_CycleTooLong(uint256 secondsOfVoting);
    /// @notice Proposing would need more than {MAX_THRESHOLD}.
    error OPGGovernor_ThresholdTooHigh(uint256 threshold);
    /// @notice A quorum would need more than {MAX_QUORUM_PERCENT}.
    error OPGGovernor_QuorumTooHigh(uint256 percent);

    /// @notice Voting delay and period together, at most, in seconds: with a timelock of two days governance ends within
    /// the ten days that a guardian's freeze lasts (R8).
    function MAX_VOTING() external view returns (uint256);

    /// @notice Votes that a proposer can be asked for, at most, in wei.
    function MAX_THRESHOLD() external view returns (uint256);

    /// @notice Quorum, at most, in percent.
    function MAX_QUORUM_PERCENT() external view returns (uint256);

    /// @notice Votes that a proposal needs however few exist, in wei; never changes. Where votes are wrapped tokens, a
    /// percentage of them alone could be bought by wrapping first.
    function minimumQuorum() external view returns (uint256);
}
