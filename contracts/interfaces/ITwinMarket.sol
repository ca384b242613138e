// SPDX-License-Identifier: MIT
pragma solidity ^0.8.24;

import {ITwinHoldings} from "./ITwinHoldings.sol";

/// @notice The two shares that a trade pays on top of, or out of, the curve's price.
enum Fee {
    Protocol,
    Subject
}

/// @notice One fee as it stands in the block that is asked. A percent of 1e18 is 100 %.
/// @param present What a trade in this block pays.
/// @param pending What was announced and does not apply yet; equal to `present` where nothing is pending.
/// @param effectiveAt Unix seconds: trades in blocks of this time or later pay `pending`; 0 where nothing is pending.
struct FeeState {
    uint256 present;
    uint256 pending;
    uint256 effectiveAt;
}

/// @notice What a trade would cost or pay in this block, in wei.
/// @param price By the curve alone, before fees.
/// @param protocolFee Part for the protocol.
/// @param subjectFee Part for the twin's owner.
/// @param total What a buyer pays (price and fees), or a seller gets (price less fees).
struct Quote {
    uint256 price;
    uint256 protocolFee;
    uint256 subjectFee;
    uint256 total;
}

/// @notice One trade of a batch.
/// @param digitalTwinId Which twin.
/// @param amount How many keys.
/// @param limit The most it may cost, or the least it must pay, fees counted, in wei.
struct Order {
    bytes16 digitalTwinId;
    uint256 amount;
    uint256 limit;
}

/// @notice A twin as the market knows it.
/// @param owner Whom the subject's fees belong to; zero while unclaimed.
/// @param claimant Who alone may claim it; zero once claimed.
/// @param nonce Number of the consents and cancellations so far; the next consent is signed with it.
/// @param supply Keys in existence.
/// @param unclaimedFees Subject's fees that nobody has taken yet, in wei.
/// @param openingEndsAt Unix seconds: before then no account may come to hold more than `openingLimit` keys by buying.
/// The time of creation where there is no opening.
/// @param openingLimit See there; 0 where there is no opening.
/// @param url As given at creation; never changes.
struct Twin {
    address owner;
    address claimant;
    uint256 nonce;
    uint256 supply;
    uint256 unclaimedFees;
    uint256 openingEndsAt;
    uint256 openingLimit;
    string url;
}

/// @title ITwinMarket
/// @notice A market for the keys ("shares") of digital twins on a bonding curve. Fees have caps in code and cannot rise
/// without 48 hours of notice; a holder can always sell; nobody has power over anything else.
/// @dev Price of `a` keys at a supply of `s`, in wei: (Q(s + a) − Q(s)) · 1e18 / divisor, where Q(n) = 0² + 1² + … +
/// (n − 1)² = (n − 1)n(2n − 1)/6. The divisor divides 1e18, so prices are whole and a supply's keys are worth exactly
/// Q(supply) · 1e18 / divisor whatever way it came about. A fee is ⌊price · percent / 1e18⌋ as clients compute it; no
/// fee backs a price, so the rounding cannot touch solvency.
///
/// Function names and the Trade event are those of Twin.fun. The short forms of create, buy and sell are for what
/// exists; new code uses the forms with bounds. Keys cannot be transferred. Ether that nobody traded with (forced in)
/// belongs to nobody and changes nothing.
interface ITwinMarket is ITwinHoldings {
    // ------------------------------------------------------------------------------------------------------ events

    /// @notice A trade, as Twin.fun emits it: nothing is indexed, so that present front ends go on reading it.
    /// @param ethAmount The curve's price, before fees, in wei.
    /// @param supply Keys in existence after the trade.
    event Trade(
        address trader,
        bytes16 digitalTwinId,
        bool isBuy,
        uint256 shareAmount,
        uint256 ethAmount,
        uint256 protocolEthAmount,
        uint256 subjectEthAmount,
        uint256 supply
    );

    /// @notice A twin exists from here on. `claimant` is zero where the creator owns it at once. Keys that the creator
    /// took with it follow in a Trade of the same transaction.
    event TwinCreated(
        bytes16 indexed digitalTwinId,
        address indexed creator,
        address indexed claimant,
        string url,
        uint256 openingEndsAt,
        uint256 openingLimit
    );

    /// @notice A twin has a new owner. `previousOwner` is zero for the first one.
    /// @param nonce The nonce from here on.
    /// @param credited Fees earned under the previous owner and kept for it, in wei; see {feesOwed}.
    event OwnershipClaimed(
        bytes16 indexed digitalTwinId,
        address indexed previousOwner,
        address indexed newOwner,
        uint256 nonce,
        uint256 credited
    );

    /// @notice Consents signed with an earlier nonce are void.
    event ConsentsCancelled(bytes16 indexed digitalTwinId, address indexed owner, uint256 nonce);

    /// @notice A fee will rise: trades in blocks of time `effectiveAt` or later pay `announced`, unless this is
    /// withdrawn or replaced before. Percents, 1e18 = 100 %.
    event FeeIncreaseAnnounced(Fee indexed fee, uint256 present, uint256 announced, uint256 effectiveAt);

    /// @notice An announced increase will not happen: withdrawn, or replaced by what follows in the same transaction.
    event FeeIncreaseWithdrawn(Fee indexed fee, uint256 present, uint256 withdrawn);

    /// @notice A fee is another one from here on: a decrease, or an announced increase that ran out. For an increase
    /// this comes with the first transaction that touches the fee from `effectiveAt` on, ahead of its Trade.
    event FeeChanged(Fee indexed fee, uint256 previous, uint256 present);

    /// @notice A twin's fees went out to whom its owner said.
    event SubjectFeesClaimed(bytes16 indexed digitalTwinId, address indexed owner, address indexed to, uint256 amount);

    /// @notice The protocol's fees went out to whom the admin said.
    event ProtocolFeesClaimed(address indexed to, uint256 amount);

    /// @notice Fees kept for a former owner went out to whom it said.
    event OwedFeesClaimed(address indexed account, address indexed to, uint256 amount);

    // ------------------------------------------------------------------------------------------------------ errors

    /// @notice The divisor must divide 1e18, or rounding would eat the reserve, and be less than it: keys of a wei are
    /// too small for fees to be counted on.
    error BondingCurve_BadDivisor(uint256 divisor);
    /// @notice An account that must be named is zero: the admin, a claimant (its fees would be nobody's), a receiver.
    error TwinMarket_ZeroAddress();
    /// @notice Only the admin sets fees or says where the protocol's go.
    error TwinMarket_NotAdmin(address caller);
    /// @notice `percent` is above the constant cap of this fee.
    error TwinMarket_FeeAboveCap(Fee fee, uint256 percent, uint256 cap);
    /// @notice No increase of this fee is waiting.
    error TwinMarket_NothingAnnounced(Fee fee);
    /// @notice This id is taken.
    error TwinMarket_TwinExists(bytes16 digitalTwinId);
    /// @notice There is no such twin.
    error TwinMarket_UnknownTwin(bytes16 digitalTwinId);
    /// @notice A creator takes at most `largest` keys at creation.
    error TwinMarket_TooManyAtCreation(uint256 amount, uint256 largest);
    /// @notice An opening lasts at most MAX_OPENING and has a limit of 1 to 2^40 − 1; without one, both are 0.
    error TwinMarket_BadOpening(uint256 duration, uint256 limit);
    /// @notice Before `endsAt` nobody may come to hold more than `limit` keys by buying.
    error TwinMarket_AboveOpeningLimit(uint256 wouldHold, uint256 limit, uint256 endsAt);
    /// @notice The caller is not the owner of this twin.
    error TwinMarket_NotOwner(bytes16 digitalTwinId, address caller);
    /// @notice Only the claimant named at creation may claim this twin; zero: it was claimed.
    error TwinMarket_NotClaimant(bytes16 digitalTwinId, address claimant, address caller);
    /// @notice Not a signature by `owner` over {consentDigest} for this caller, the present nonce and this deadline.
    error TwinMarket_BadConsent(bytes16 digitalTwinId, address owner, uint256 nonce);
    /// @notice A trade is of one key at least.
    error TwinMarket_ZeroAmount();
    /// @notice The block's time is beyond the caller's deadline.
    error TwinMarket_Expired(uint256 deadline);
    /// @notice The ether sent does not cover the cost, fees counted.
    error TwinMarket_InsufficientPayment(uint256 cost, uint256 paid);
    /// @notice The caller's bound on the cost, fees counted.
    error TwinMarket_CostTooHigh(uint256 cost, uint256 maxCost);
    /// @notice The caller's bound on the payout, fees counted.
    error TwinMarket_PayoutTooLow(uint256 payout, uint256 minPayout);
    /// @notice The caller, or for a quote everybody together, holds `held` keys.
    error TwinMarket_NotEnoughShares(uint256 held, uint256 amount);
    /// @notice At most `largest` more keys of this twin can exist.
    error TwinMarket_AmountTooLarge(uint256 amount, uint256 largest);
    /// @notice A batch has 1 to MAX_BATCH orders.
    error TwinMarket_BadBatch(uint256 orders);
    /// @notice There is nothing to pay out.
    error TwinMarket_NothingToClaim();
    /// @notice The receiver did not take the ether; nothing else of the call happened either.
    error TwinMarket_TransferFailed(address to, uint256 amount);

    // --------------------------------------------------------------------------------------------------- constants

    /// @notice Cap of the protocol's fee: 5 %. No fee above it can ever apply.
    function MAX_PROTOCOL_FEE_PERCENT() external view returns (uint256);

    /// @notice Cap of the subject's fee: 5 %. Both together never exceed 10 %.
    function MAX_SUBJECT_FEE_PERCENT() external view returns (uint256);

    /// @notice Notice of an increase: 48 hours, in seconds.
    function FEE_NOTICE() external view returns (uint256);

    /// @notice Keys that a creator may take together with the creation: 300, which is what Twin.fun on BNB chain asks.
    /// Not all it may hold: like anyone it may buy more right behind, within the opening's limit.
    function MAX_CREATOR_SHARES() external view returns (uint256);

    /// @notice Longest opening: 1 day, in seconds.
    function MAX_OPENING() external view returns (uint256);

    /// @notice Most orders in a batch: 32.
    function MAX_BATCH() external view returns (uint256);

    /// @notice The curve's divisor; never changes.
    function divisor() external view returns (uint256);

    /// @notice Most keys of one twin: with it the price, fees at their caps counted, still fits 128 bits. Every quote
    /// up to here is exact, every amount beyond is refused.
    function largestSupply() external view returns (uint256);

    /// @notice Who sets fees inside their caps and receives the protocol's: the governance timelock. Never changes.
    function admin() external view returns (address);

    /// @notice The admin, under the name that existing clients ask for.
    function owner() external view returns (address);

    // ------------------------------------------------------------------------------------------------------- twins

    /// @notice Creates a twin that the caller owns, and buys for the caller as many keys as the ether sent covers:
    /// always the first (it is free), at most MAX_CREATOR_SHARES. What is left over comes back. No opening.
    /// @param digitalTwinId Any id that is not taken.
    function createDigitalTwin(bytes16 digitalTwinId, string calldata url) external payable;

    /// @notice Creates a twin and buys the first keys of it in one step, so that nobody can come between.
    /// @param claimant The owner. If it is not the caller, it has to call {claimOwnership} once; fees wait for it.
    /// @param shares Keys for the caller: 0 to MAX_CREATOR_SHARES; their cost comes from the ether sent, the rest of
    /// which comes back. An opening's limit does not apply to them.
    /// @param openingDuration Seconds, at most MAX_OPENING; 0 for no opening.
    /// @param openingLimit Most keys that an account may come to hold by buying during the opening. One person may use
    /// several accounts: it makes sniping dearer, not impossible.
    function createDigitalTwin(
        bytes16 digitalTwinId,
        string calldata url,
        address claimant,
        uint256 shares,
        uint256 openingDuration,
        uint256 openingLimit
    ) external payable;

    /// @notice Takes a twin that waits for its first owner. Only the claimant named at creation; all fees since then
    /// are the new owner's.
    function claimOwnership(bytes16 digitalTwinId) external;

    /// @notice Takes a twin over from its owner, for the caller, with the owner's signed consent. There is no other
    /// way to change an owner. Fees earned so far are kept for the former owner, see {claimOwedFees}.
    /// @param deadline Unix seconds, inclusive, as signed.
    /// @param signature By the owner over {consentDigest}: ECDSA, or whatever a contract accepts by EIP-1271.
    function claimOwnership(bytes16 digitalTwinId, uint256 deadline, bytes calldata signature) external;

    /// @notice Makes every consent signed so far void. Owner only.
    function cancelConsents(bytes16 digitalTwinId) external;

    /// @notice EIP-712 digest of TransferTwin(bytes16 digitalTwinId,address newOwner,uint256 nonce,uint256 deadline),
    /// domain "OpenGradient TwinMarket", version "1". The nonce is the twin's present one: it grows with every change
    /// of owner and every cancellation, so a consent is used once.
    function consentDigest(bytes16 digitalTwinId, address newOwner, uint256 deadline) external view returns (bytes32);

    /// @notice A twin; reverts where there is none.
    function twin(bytes16 digitalTwinId) external view returns (Twin memory);

    /// @notice Owner of a twin; zero while it is unclaimed, and where there is none.
    function twinOwner(bytes16 digitalTwinId) external view returns (address);

    // ------------------------------------------------------------------------------------------------------ trading

    /// @notice Buys keys; what was sent beyond the cost comes back. The ether sent is the only bound.
    function buyShares(bytes16 digitalTwinId, uint256 amount) external payable;

    /// @notice Buys keys for at most `maxCost`, fees counted, in a block of time `deadline` or earlier.
    function buyShares(bytes16 digitalTwinId, uint256 amount, uint256 maxCost, uint256 deadline) external payable;

    /// @notice Sells keys at whatever they bring: exposed to sandwiches, for existing clients.
    function sellShares(bytes16 digitalTwinId, uint256 amount) external;

    /// @notice Sells keys for at least `minPayout`, fees counted.
    function sellShares(bytes16 digitalTwinId, uint256 amount, uint256 minPayout) external;

    /// @notice Sells keys for at least `minPayout`, fees counted, in a block of time `deadline` or earlier. No role,
    /// setting or other account can make a sell revert that meets its bounds; the seller has to be able to receive.
    function sellShares(bytes16 digitalTwinId, uint256 amount, uint256 minPayout, uint256 deadline) external;

    /// @notice Buys in up to MAX_BATCH twins, all or nothing, each order within its own limit; twins may repeat. What
    /// was sent beyond the sum comes back.
    function buySharesBatch(Order[] calldata orders, uint256 deadline) external payable;

    /// @notice Sells in up to MAX_BATCH twins, all or nothing, each order within its own limit; one payout.
    function sellSharesBatch(Order[] calldata orders, uint256 deadline) external;

    // ------------------------------------------------------------------------------------------------------- quotes

    /// @notice Price before fees of the next `amount` keys, in wei. For a twin that does not exist, of its first.
    function getBuyPrice(bytes16 digitalTwinId, uint256 amount) external view returns (uint256);

    /// @notice Price before fees of the last `amount` keys, in wei.
    function getSellPrice(bytes16 digitalTwinId, uint256 amount) external view returns (uint256);

    /// @notice What a buyer pays in this block, in wei.
    function getBuyPriceAfterFee(bytes16 digitalTwinId, uint256 amount) external view returns (uint256);

    /// @notice What a seller gets in this block, in wei.
    function getSellPriceAfterFee(bytes16 digitalTwinId, uint256 amount) external view returns (uint256);

    /// @notice A buy of `amount` keys in this block, before and after fees. Up to {largestSupply} in all.
    function quoteBuy(bytes16 digitalTwinId, uint256 amount) external view returns (Quote memory);

    /// @notice A sale of `amount` keys in this block, before and after fees.
    function quoteSell(bytes16 digitalTwinId, uint256 amount) external view returns (Quote memory);

    /// @notice The most keys that `budget` wei buys in this block, fees counted, and what they cost. An opening's
    /// limit is not looked at.
    function sharesForBudget(
        bytes16 digitalTwinId,
        uint256 budget
    ) external view returns (uint256 amount, Quote memory quote);

    /// @notice The fewest keys whose sale pays `payout` wei in this block, fees counted, and what they bring; where all
    /// keys together do not bring it, all keys.
    function sharesForPayout(
        bytes16 digitalTwinId,
        uint256 payout
    ) external view returns (uint256 amount, Quote memory quote);

    /// @notice Keys of a twin in existence; 0 where there is no twin.
    function sharesSupply(bytes16 digitalTwinId) external view returns (uint256);

    /// @notice Keys of a twin that an account holds.
    function sharesBalance(bytes16 digitalTwinId, address account) external view returns (uint256);

    // --------------------------------------------------------------------------------------------------------- fees

    /// @notice The protocol's fee in this block; 1e18 is 100 %.
    function protocolFeePercent() external view returns (uint256);

    /// @notice The subject's fee in this block, the same for every twin; 1e18 is 100 %.
    function subjectFeePercent() external view returns (uint256);

    /// @notice Both fees: present, pending, and when the pending one applies.
    function fees() external view returns (FeeState memory protocol, FeeState memory subject);

    /// @notice The fees of a trade in a block of time `timestamp`, as far as it is known in this block. For any time less
    /// than FEE_NOTICE ahead this is an upper bound that nobody can raise any more: whatever is done from now on, a
    /// trade then pays this or less.
    /// @param timestamp Unix seconds, not in the past.
    function feesAt(uint256 timestamp) external view returns (uint256 protocolPercent, uint256 subjectPercent);

    /// @notice Sets the protocol's fee. Admin only, at most the cap. What is not above the present fee applies at once;
    /// an increase is announced and applies FEE_NOTICE later. Either replaces an increase that was still waiting, so
    /// announcing again starts the notice again.
    function setProtocolFeePercent(uint256 percent) external;

    /// @notice Sets the subject's fee, in the same way.
    function setSubjectFeePercent(uint256 percent) external;

    /// @notice Withdraws an announced increase before it applies. Admin only.
    function withdrawFeeIncrease(Fee fee) external;

    /// @notice Pays a twin's fees out. Anyone may have them sent to the owner; only the owner to somebody else.
    /// @return amount In wei; never 0.
    function claimSubjectFees(bytes16 digitalTwinId, address to) external returns (uint256 amount);

    /// @notice Pays the protocol's fees out. Anyone may have them sent to the admin; only the admin to somebody else.
    /// @return amount In wei; never 0.
    function claimProtocolFees(address to) external returns (uint256 amount);

    /// @notice Pays out what the caller earned as the owner of twins it has since given away.
    /// @return amount In wei; never 0.
    function claimOwedFees(address to) external returns (uint256 amount);

    /// @notice The protocol's fees that were not paid out yet, in wei.
    function unclaimedProtocolFees() external view returns (uint256);

    /// @notice Fees kept for a former owner, in wei.
    function feesOwed(address account) external view returns (uint256);

    /// @notice Everything the market owes, in wei: the curve's value of every supply, and all fees not paid out. The
    /// balance is never below; what is above was forced in and belongs to nobody.
    function liabilities() external view returns (uint256);
}
