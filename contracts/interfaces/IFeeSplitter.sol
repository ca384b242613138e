// SPDX-License-Identifier: MIT
pragma solidity ^0.8.24;

import {IERC20} from "@openzeppelin/contracts/token/ERC20/IERC20.sol";

/// @notice The periods in which rates stay as they are. An epoch follows from a moment alone, so whoever knows when a
/// receipt settled knows its epoch without storing it.
library FeeEpochs {
    /// @notice Length of an epoch in seconds.
    uint256 internal constant LENGTH = 28 days;

    /// @notice Number of the epoch that a moment (unix seconds) belongs to.
    function at(uint256 timestamp) internal pure returns (uint256 epoch) {
        return timestamp / LENGTH;
    }

    /// @notice First second of an epoch.
    function startOf(uint256 epoch) internal pure returns (uint256 timestamp) {
        return epoch * LENGTH;
    }
}

/// @notice What each party gets of a fee, in basis points; together 10,000.
/// @param node The operator of the node that answered.
/// @param model The model version: owner, contributors and the versions it derives from.
/// @param stakers Everybody whose stake stands behind the operator's nodes of that kind.
/// @param treasury The timelock that governance acts through.
/// @param settler Who brought the batch to the chain.
struct FeeRates {
    uint16 node;
    uint16 model;
    uint16 stakers;
    uint16 treasury;
    uint16 settler;
}

/// @notice What each party got of one fee, in wei, by the fields of {FeeRates}; together the whole fee.
struct FeeShares {
    uint256 node;
    uint256 model;
    uint256 stakers;
    uint256 treasury;
    uint256 settler;
}

/// @notice Rates that were announced and are not in effect yet.
/// @param epoch First epoch that they apply to.
/// @param startsAt When that epoch starts, in unix seconds.
/// @param isFinal Whether it is too late to withdraw or replace them: from {IFeeSplitter.RATE_NOTICE} before the start.
struct PendingRates {
    uint256 epoch;
    uint256 startsAt;
    bool isFinal;
    FeeRates rates;
}

/// @title IFeeSplitter
/// @notice Where every fee for an inference is divided, whatever way it was paid. Nothing is pushed to anybody but
/// staking: shares are credited, and anyone may have an account paid what it is credited (R8).
/// @dev The admin's one power is to announce rates, within constant caps, for a whole epoch that starts at least
/// {RATE_NOTICE} later (R10). It can take nothing, stop nothing and redirect nothing.
interface IFeeSplitter {
    /// @notice A fee was divided.
    /// @param settler Zero where the fee names none: its share is the node's then.
    /// @param payer Who called {pay}: escrow, an inbox, or anybody.
    /// @param epoch Whose rates applied.
    /// @param amount The whole fee, in wei; the sum of `shares`.
    event FeesPaid(
        bytes32 indexed nodeId,
        bytes32 indexed modelId,
        address indexed settler,
        address payer,
        uint256 epoch,
        uint256 amount,
        FeeShares shares
    );
    /// @notice An account was credited.
    /// @param amount Credited now, in wei.
    /// @param credit What the account can claim, this included.
    event Credited(address indexed account, uint256 amount, uint256 credit);
    /// @notice A model version was credited, by a fee or by a version that derives from it.
    /// @param amount Credited now, in wei.
    /// @param balance What {distributeModel} would divide, this included.
    event ModelCredited(bytes32 indexed modelId, uint256 amount, uint256 balance);
    /// @notice What a model version held was divided; its balance is 0 now.
    /// @param amount What was divided, in wei: the sum of the {Credited} and {ModelCredited} that follow.
    event ModelDistributed(bytes32 indexed modelId, uint256 amount);
    /// @notice An account was paid everything it was credited; its credit is 0 now.
    event Claimed(address indexed account, uint256 amount);
    /// @notice Of several accounts this one could not be paid: the token refused. Its credit is as it was.
    event ClaimFailed(address indexed account, uint256 credit);
    /// @notice Rates apply from `epoch` on, instead of what had been announced for that epoch.
    /// @param startsAt When that epoch starts, in unix seconds.
    event RatesAnnounced(uint256 indexed epoch, uint256 startsAt, FeeRates rates);
    /// @notice What had been announced from `epoch` on will not be: `rates`, those before, stay.
    event RatesWithdrawn(uint256 indexed epoch, FeeRates rates);

    /// @notice A contract or the admin that is not there.
    error FeeSplitter_ZeroAddress();
    /// @notice Only the timelock may do this.
    error FeeSplitter_NotAdmin(address caller);
    /// @notice Rates make 10,000 together, and none is above its cap.
    error FeeSplitter_BadRates(FeeRates rates);
    /// @notice Nothing is announced that could still be withdrawn: rates of epochs before `epoch` are final.
    error FeeSplitter_NothingToWithdraw(uint256 epoch);
    /// @notice The rates of an epoch to come may still change: `current` is the last that fees can name.
    error FeeSplitter_FutureEpoch(uint256 epoch, uint256 current);
    /// @notice A fee of nothing.
    error FeeSplitter_NothingToPay();
    /// @notice There is no such node.
    error FeeSplitter_UnknownNode(bytes32 nodeId);
    /// @notice There is no such model version.
    error FeeSplitter_UnknownModel(bytes32 modelId);
    /// @notice The token moved something else than it was told to.
    error FeeSplitter_TokenTookFee(uint256 asked, uint256 got);
    /// @notice Staking took something else than the stakers' share.
    error FeeSplitter_StakingTookOther(uint256 share, uint256 taken);
    /// @notice The account is credited nothing.
    error FeeSplitter_NothingToClaim(address account);
    /// @notice More accounts than one call pays.
    error FeeSplitter_TooManyAccounts(uint256 count, uint256 max);
    /// @notice The model version holds nothing.
    error FeeSplitter_NothingToDistribute(bytes32 modelId);

    /// @notice Divides a fee. Pulls `amount` from the caller, who has approved it; open to anyone, as nobody loses by
    /// being paid. Reverts as a whole or divides as a whole: what is refused stays with the caller.
    /// @dev Shares are rounded down; what rounding leaves, and a missing settler's share, is the node's. The stakers'
    /// share goes to staking in the same call. Neither a retired node nor a distrusted model loses its share.
    /// @param nodeId The node that answered; its operator gets the node's share.
    /// @param modelId The version it answered with; its share waits for {distributeModel}.
    /// @param settler Who gets the settler's share; zero for nobody.
    /// @param epoch Whose rates apply: `FeeEpochs.at` of the time of settlement (R10); not in the future.
    /// @param amount In wei; not 0.
    function pay(bytes32 nodeId, bytes32 modelId, address settler, uint256 epoch, uint256 amount) external;

    /// @notice Divides what a model version holds, one level: contributors and the versions it derives from get their
    /// basis points, rounded down, its owner the rest. Open to anyone. At most 16 + 4 + 1 credits (R8).
    /// @return amount What was divided, in wei; never 0.
    function distributeModel(bytes32 modelId) external returns (uint256 amount);

    /// @notice Pays an account everything it is credited. Open to anyone; the account alone is paid.
    /// @return amount What was paid, in wei; never 0.
    function claim(address account) external returns (uint256 amount);

    /// @notice The same for several accounts. One that cannot be paid keeps its credit and harms no other (R2); one
    /// that is credited nothing is passed over.
    /// @param accounts At most {MAX_CLAIMS}.
    /// @return paid What was paid to all together, in wei.
    function claimMany(address[] calldata accounts) external returns (uint256 paid);

    /// @notice Announces rates for the first epoch that starts at least {RATE_NOTICE} from now, and for all after it.
    /// Replaces what was announced for that same epoch. Admin only.
    /// @return epoch The first epoch that they apply to.
    function announceRates(FeeRates calldata rates) external returns (uint256 epoch);

    /// @notice Takes back the latest announcement, as long as its epoch is {RATE_NOTICE} or more away: the rates of an
    /// epoch are final from then on, in both directions. Admin only.
    function withdrawRates() external;

    /// @notice Rates of an epoch: past, present, or as announced so far.
    function ratesAt(uint256 epoch) external view returns (FeeRates memory);

    /// @notice Announced rates that are not in effect, soonest first: none, one, or one that is final and one after it.
    function pendingRates() external view returns (PendingRates[] memory);

    /// @notice How a fee would be divided now, in wei.
    /// @param settled Whether there is a settler.
    function sharesOf(uint256 amount, uint256 epoch, bool settled) external view returns (FeeShares memory);

    /// @notice The epoch that is running.
    function currentEpoch() external view returns (uint256);

    /// @notice What an account can claim, in wei.
    function credit(address account) external view returns (uint256);

    /// @notice What {distributeModel} would divide, in wei.
    function modelBalance(bytes32 modelId) external view returns (uint256);

    /// @notice The token that fees are paid in.
    function token() external view returns (IERC20);

    /// @notice The timelock: gets the treasury's share, and may announce rates.
    function admin() external view returns (address);

    /// @notice Seconds of notice before rates change: 4 days (R10).
    function RATE_NOTICE() external view returns (uint256);

    /// @notice Most accounts that one call pays.
    function MAX_CLAIMS() external view returns (uint256);
}
