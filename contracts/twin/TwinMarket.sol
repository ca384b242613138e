// SPDX-License-Identifier: MIT
pragma solidity 0.8.34;

import {LowLevelCall} from "@openzeppelin/contracts/utils/LowLevelCall.sol";
import {ReentrancyGuardTransient} from "@openzeppelin/contracts/utils/ReentrancyGuardTransient.sol";
import {SafeCast} from "@openzeppelin/contracts/utils/math/SafeCast.sol";
import {ITwinHoldings} from "../interfaces/ITwinHoldings.sol";
import {ITwinMarket, Order, Quote, Twin} from "../interfaces/ITwinMarket.sol";
import {BondingCurve} from "./BondingCurve.sol";
import {TwinFees} from "./TwinFees.sol";
import {Twins} from "./Twins.sol";

/// @title TwinMarket
/// @notice See {ITwinMarket}, where every function, event and error is documented.
/// @dev Ether goes out in one place, as the last thing a call does, to who asked for it: a receiver that reverts or
/// comes back harms its own call. Amounts of ether fit 128 bits because `liabilities` does and all of them are parts of
/// it; it grows only in a buy, so a sale cannot overflow anything.
contract TwinMarket is Twins, TwinFees, ReentrancyGuardTransient {
    /// @inheritdoc ITwinMarket
    uint256 public constant MAX_CREATOR_SHARES = 300;
    /// @inheritdoc ITwinMarket
    uint256 public constant MAX_OPENING = 1 days;
    /// @inheritdoc ITwinMarket
    uint256 public constant MAX_BATCH = 32;

    /// @dev What a trade reads and writes of a twin, in one slot. `openingEndsAt` is the time of creation where there is
    /// no opening, so it is never 0 for a twin that exists.
    struct Book {
        uint128 fees;
        uint48 supply;
        uint40 openingEndsAt;
        uint40 openingLimit;
    }

    struct Holding {
        uint48 shares;
        uint64 boughtAt;
    }

    /// @dev `liabilities`: the worth of all supplies and all fees not paid out; `protocolFees` is a part of it.
    struct Totals {
        uint128 liabilities;
        uint128 protocolFees;
    }

    /// @inheritdoc ITwinMarket
    uint256 public immutable divisor;
    /// @inheritdoc ITwinMarket
    uint256 public immutable largestSupply;
    uint256 private immutable _unit;

    /// @inheritdoc ITwinMarket
    mapping(address account => uint256) public feesOwed;

    Totals private _totals;
    mapping(bytes16 digitalTwinId => Book) private _books;
    mapping(bytes16 digitalTwinId => mapping(address account => Holding)) private _holdings;

    /// @param divisor_ See {ITwinMarket}: 1,600,000 on Base, 50,000,000 on BNB chain as of Twin.fun.
    /// @param protocolPercent The first fees; within their caps.
    constructor(
        address admin_,
        uint256 divisor_,
        uint256 protocolPercent,
        uint256 subjectPercent
    ) TwinFees(admin_, protocolPercent, subjectPercent) {
        _unit = BondingCurve.unit(divisor_);
        divisor = divisor_;
        largestSupply = BondingCurve.largestSupply(_unit);
    }

    // ---------------------------------------------------------------------------------------------------- creation

    /// @inheritdoc ITwinMarket
    function createDigitalTwin(bytes16 digitalTwinId, string calldata url) external payable nonReentrant {
        _create(digitalTwinId, url, msg.sender, 0, 0);
        (uint256 amount, ) = _sharesForBudget(0, msg.value, MAX_CREATOR_SHARES);
        _collect(_mintShares(digitalTwinId, amount, type(uint256).max, false));
    }

    /// @inheritdoc ITwinMarket
    function createDigitalTwin(
        bytes16 digitalTwinId,
        string calldata url,
        address claimant,
        uint256 shares,
        uint256 openingDuration,
        uint256 openingLimit
    ) external payable nonReentrant {
        if (shares > MAX_CREATOR_SHARES) revert TwinMarket_TooManyAtCreation(shares, MAX_CREATOR_SHARES);
        _create(digitalTwinId, url, claimant, openingDuration, openingLimit);
        Quote memory none;
        _collect(shares == 0 ? none : _mintShares(digitalTwinId, shares, type(uint256).max, false));
    }

    // ----------------------------------------------------------------------------------------------------- trading

    /// @inheritdoc ITwinMarket
    function buyShares(bytes16 digitalTwinId, uint256 amount) external payable nonReentrant {
        _collect(_mintShares(digitalTwinId, amount, type(uint256).max, true));
    }

    /// @inheritdoc ITwinMarket
    function buyShares(
        bytes16 digitalTwinId,
        uint256 amount,
        uint256 maxCost,
        uint256 deadline
    ) external payable nonReentrant {
        _requireInTime(deadline);
        _collect(_mintShares(digitalTwinId, amount, maxCost, true));
    }

    /// @inheritdoc ITwinMarket
    function sellShares(bytes16 digitalTwinId, uint256 amount) external nonReentrant {
        _payOut(_burnShares(digitalTwinId, amount, 0));
    }

    /// @inheritdoc ITwinMarket
    function sellShares(bytes16 digitalTwinId, uint256 amount, uint256 minPayout) external nonReentrant {
        _payOut(_burnShares(digitalTwinId, amount, minPayout));
    }

    /// @inheritdoc ITwinMarket
    function sellShares(
        bytes16 digitalTwinId,
        uint256 amount,
        uint256 minPayout,
        uint256 deadline
    ) external nonReentrant {
        _requireInTime(deadline);
        _payOut(_burnShares(digitalTwinId, amount, minPayout));
    }

    /// @inheritdoc ITwinMarket
    function buySharesBatch(Order[] calldata orders, uint256 deadline) external payable nonReentrant {
        _requireInTime(deadline);
        _requireBatch(orders.length);
        Quote memory sum;
        for (uint256 i = 0; i < orders.length; ++i)
            _add(sum, _mintShares(orders[i].digitalTwinId, orders[i].amount, orders[i].limit, true));
        _collect(sum);
    }

    /// @inheritdoc ITwinMarket
    function sellSharesBatch(Order[] calldata orders, uint256 deadline) external nonReentrant {
        _requireInTime(deadline);
        _requireBatch(orders.length);
        Quote memory sum;
        for (uint256 i = 0; i < orders.length; ++i)
            _add(sum, _burnShares(orders[i].digitalTwinId, orders[i].amount, orders[i].limit));
        _payOut(sum);
    }

    // -------------------------------------------------------------------------------------------------------- fees

    /// @inheritdoc ITwinMarket
    function claimSubjectFees(bytes16 digitalTwinId, address to) external nonReentrant returns (uint256 amount) {
        address twinOwner_ = twinOwner(digitalTwinId);
        if (to == address(0)) revert TwinMarket_ZeroAddress();
        if (msg.sender != twinOwner_ && to != twinOwner_) revert TwinMarket_NotOwner(digitalTwinId, msg.sender);
        Book storage book = _books[digitalTwinId];
        amount = book.fees;
        book.fees = 0;
        emit SubjectFeesClaimed(digitalTwinId, twinOwner_, to, amount);
        _release(to, amount);
    }

    /// @inheritdoc ITwinMarket
    function claimProtocolFees(address to) external nonReentrant returns (uint256 amount) {
        if (to == address(0)) revert TwinMarket_ZeroAddress();
        if (msg.sender != admin && to != admin) revert TwinMarket_NotAdmin(msg.sender);
        amount = _totals.protocolFees;
        _totals.protocolFees = 0;
        emit ProtocolFeesClaimed(to, amount);
        _release(to, amount);
    }

    /// @inheritdoc ITwinMarket
    function claimOwedFees(address to) external nonReentrant returns (uint256 amount) {
        if (to == address(0)) revert TwinMarket_ZeroAddress();
        amount = feesOwed[msg.sender];
        feesOwed[msg.sender] = 0;
        emit OwedFeesClaimed(msg.sender, to, amount);
        _release(to, amount);
    }

    // ------------------------------------------------------------------------------------------------------- views

    /// @inheritdoc ITwinHoldings
    function holds(bytes16 digitalTwinId, address account, uint256 minimum) external view returns (bool) {
        return _holdings[digitalTwinId][account].shares >= minimum;
    }

    /// @inheritdoc ITwinHoldings
    function holdsSince(
        bytes16 digitalTwinId,
        address account,
        uint256 minimum,
        uint256 since
    ) external view returns (bool) {
        Holding memory holding = _holdings[digitalTwinId][account];
        return holding.shares >= minimum && holding.boughtAt <= since;
    }

    /// @inheritdoc ITwinMarket
    function twin(bytes16 digitalTwinId) external view returns (Twin memory) {
        Book memory book = _books[digitalTwinId];
        if (book.openingEndsAt == 0) revert TwinMarket_UnknownTwin(digitalTwinId);
        Identity storage identity = _identityOf(digitalTwinId);
        return
            Twin({
                owner: identity.owner,
                claimant: identity.claimant,
                nonce: identity.nonce,
                supply: book.supply,
                unclaimedFees: book.fees,
                openingEndsAt: book.openingEndsAt,
                openingLimit: book.openingLimit,
                url: identity.url
            });
    }

    /// @inheritdoc ITwinMarket
    function sharesSupply(bytes16 digitalTwinId) external view returns (uint256) {
        return _books[digitalTwinId].supply;
    }

    /// @inheritdoc ITwinMarket
    function sharesBalance(bytes16 digitalTwinId, address account) external view returns (uint256) {
        return _holdings[digitalTwinId][account].shares;
    }

    /// @inheritdoc ITwinMarket
    function unclaimedProtocolFees() external view returns (uint256) {
        return _totals.protocolFees;
    }

    /// @inheritdoc ITwinMarket
    function liabilities() external view returns (uint256) {
        return _totals.liabilities;
    }

    /// @inheritdoc ITwinMarket
    function getBuyPrice(bytes16 digitalTwinId, uint256 amount) external view returns (uint256) {
        return quoteBuy(digitalTwinId, amount).price;
    }

    /// @inheritdoc ITwinMarket
    function getSellPrice(bytes16 digitalTwinId, uint256 amount) external view returns (uint256) {
        return quoteSell(digitalTwinId, amount).price;
    }

    /// @inheritdoc ITwinMarket
    function getBuyPriceAfterFee(bytes16 digitalTwinId, uint256 amount) external view returns (uint256) {
        return quoteBuy(digitalTwinId, amount).total;
    }

    /// @inheritdoc ITwinMarket
    function getSellPriceAfterFee(bytes16 digitalTwinId, uint256 amount) external view returns (uint256) {
        return quoteSell(digitalTwinId, amount).total;
    }

    /// @inheritdoc ITwinMarket
    function sharesForBudget(
        bytes16 digitalTwinId,
        uint256 budget
    ) external view returns (uint256 amount, Quote memory quote) {
        uint256 supply = _books[digitalTwinId].supply;
        return _sharesForBudget(supply, budget, largestSupply - supply);
    }

    /// @inheritdoc ITwinMarket
    function sharesForPayout(
        bytes16 digitalTwinId,
        uint256 payout
    ) external view returns (uint256 amount, Quote memory quote) {
        uint256 supply = _books[digitalTwinId].supply;
        (uint256 protocolPercent, uint256 subjectPercent) = feesAt(block.timestamp);
        amount = supply;
        // What a sale pays grows with the amount, as the smallest step of a price is 2 wei and fees take 10 % at most.
        for (uint256 least = 0; least < amount;) {
            uint256 middle = (least + amount) / 2;
            if (_quoteSell(supply, middle, protocolPercent, subjectPercent).total >= payout) amount = middle;
            else least = middle + 1;
        }
        quote = _quoteSell(supply, amount, protocolPercent, subjectPercent);
    }

    /// @inheritdoc ITwinMarket
    function quoteBuy(bytes16 digitalTwinId, uint256 amount) public view returns (Quote memory) {
        (uint256 protocolPercent, uint256 subjectPercent) = feesAt(block.timestamp);
        return _quoteBuy(_books[digitalTwinId].supply, amount, protocolPercent, subjectPercent);
    }

    /// @inheritdoc ITwinMarket
    function quoteSell(bytes16 digitalTwinId, uint256 amount) public view returns (Quote memory) {
        (uint256 protocolPercent, uint256 subjectPercent) = feesAt(block.timestamp);
        return _quoteSell(_books[digitalTwinId].supply, amount, protocolPercent, subjectPercent);
    }

    // -------------------------------------------------------------------------------------------------- accounting

    function _create(
        bytes16 digitalTwinId,
        string calldata url,
        address claimant,
        uint256 duration,
        uint256 limit
    ) private {
        if (duration > MAX_OPENING || limit > type(uint40).max || (duration == 0) != (limit == 0))
            revert TwinMarket_BadOpening(duration, limit);
        _nameTwin(digitalTwinId, url, claimant);
        uint256 endsAt = block.timestamp + duration;
        _books[digitalTwinId] = Book(0, 0, uint40(endsAt), uint40(limit));
        address waiting = claimant == msg.sender ? address(0) : claimant;
        emit TwinCreated(digitalTwinId, msg.sender, waiting, url, endsAt, limit);
    }

    /// @param inOpening False only for the keys that a creator takes with the creation.
    function _mintShares(
        bytes16 digitalTwinId,
        uint256 amount,
        uint256 maxCost,
        bool inOpening
    ) private returns (Quote memory quote) {
        if (amount == 0) revert TwinMarket_ZeroAmount();
        Book memory book = _books[digitalTwinId];
        if (book.openingEndsAt == 0) revert TwinMarket_UnknownTwin(digitalTwinId);
        (uint256 protocolPercent, uint256 subjectPercent) = _chargedFees();
        quote = _quoteBuy(book.supply, amount, protocolPercent, subjectPercent);
        if (quote.total > maxCost) revert TwinMarket_CostTooHigh(quote.total, maxCost);

        uint256 held = _holdings[digitalTwinId][msg.sender].shares + amount;
        if (inOpening && block.timestamp < book.openingEndsAt && held > book.openingLimit)
            revert TwinMarket_AboveOpeningLimit(held, book.openingLimit, book.openingEndsAt);
        // Keys fit 48 bits because the quote went through.
        _holdings[digitalTwinId][msg.sender] = Holding(uint48(held), uint64(block.timestamp));
        book.supply += uint48(amount);
        _record(digitalTwinId, book, true, amount, quote);
    }

    function _burnShares(
        bytes16 digitalTwinId,
        uint256 amount,
        uint256 minPayout
    ) private returns (Quote memory quote) {
        if (amount == 0) revert TwinMarket_ZeroAmount();
        uint256 held = _holdings[digitalTwinId][msg.sender].shares;
        if (amount > held) revert TwinMarket_NotEnoughShares(held, amount);
        Book memory book = _books[digitalTwinId];
        (uint256 protocolPercent, uint256 subjectPercent) = _chargedFees();
        quote = _quoteSell(book.supply, amount, protocolPercent, subjectPercent);
        if (quote.total < minPayout) revert TwinMarket_PayoutTooLow(quote.total, minPayout);

        _holdings[digitalTwinId][msg.sender].shares = uint48(held - amount);
        book.supply -= uint48(amount);
        _record(digitalTwinId, book, false, amount, quote);
    }

    function _record(bytes16 digitalTwinId, Book memory book, bool isBuy, uint256 amount, Quote memory quote) private {
        book.fees += uint128(quote.subjectFee);
        _books[digitalTwinId] = book;
        emit Trade(
            msg.sender,
            digitalTwinId,
            isBuy,
            amount,
            quote.price,
            quote.protocolFee,
            quote.subjectFee,
            book.supply
        );
    }

    /// @dev Takes the cost of what was bought out of the ether sent, and gives back the rest.
    function _collect(Quote memory sum) private {
        if (msg.value < sum.total) revert TwinMarket_InsufficientPayment(sum.total, msg.value);
        Totals memory totals = _totals;
        totals.liabilities = SafeCast.toUint128(totals.liabilities + sum.total);
        totals.protocolFees += uint128(sum.protocolFee);
        _totals = totals;
        _send(msg.sender, msg.value - sum.total);
    }

    function _payOut(Quote memory sum) private {
        Totals memory totals = _totals;
        totals.liabilities -= uint128(sum.total);
        totals.protocolFees += uint128(sum.protocolFee);
        _totals = totals;
        _send(msg.sender, sum.total);
    }

    /// @dev Pays fees out.
    function _release(address to, uint256 amount) private {
        if (amount == 0) revert TwinMarket_NothingToClaim();
        _totals.liabilities -= uint128(amount);
        _send(to, amount);
    }

    /// @dev What the receiver returns is not copied: it could be made long enough to cost the caller all gas.
    function _send(address to, uint256 amount) private {
        if (amount != 0 && !LowLevelCall.callNoReturn(to, amount, "")) revert TwinMarket_TransferFailed(to, amount);
    }

    function _keepFeesFor(bytes16 digitalTwinId, address formerOwner) internal override returns (uint256 amount) {
        Book storage book = _books[digitalTwinId];
        amount = book.fees;
        book.fees = 0;
        feesOwed[formerOwner] += amount;
    }

    function _sharesForBudget(
        uint256 supply,
        uint256 budget,
        uint256 most
    ) private view returns (uint256 amount, Quote memory quote) {
        (uint256 protocolPercent, uint256 subjectPercent) = feesAt(block.timestamp);
        for (uint256 beyond = most + 1; beyond - amount > 1;) {
            uint256 middle = (amount + beyond) / 2;
            if (_quoteBuy(supply, middle, protocolPercent, subjectPercent).total <= budget) amount = middle;
            else beyond = middle;
        }
        quote = _quoteBuy(supply, amount, protocolPercent, subjectPercent);
    }

    function _quoteBuy(
        uint256 supply,
        uint256 amount,
        uint256 protocolPercent,
        uint256 subjectPercent
    ) private view returns (Quote memory quote) {
        if (amount > largestSupply - supply) revert TwinMarket_AmountTooLarge(amount, largestSupply - supply);
        quote = _withFees(BondingCurve.price(_unit, supply, amount), protocolPercent, subjectPercent);
        quote.total = quote.price + quote.protocolFee + quote.subjectFee;
    }

    function _quoteSell(
        uint256 supply,
        uint256 amount,
        uint256 protocolPercent,
        uint256 subjectPercent
    ) private view returns (Quote memory quote) {
        if (amount > supply) revert TwinMarket_NotEnoughShares(supply, amount);
        quote = _withFees(BondingCurve.price(_unit, supply - amount, amount), protocolPercent, subjectPercent);
        quote.total = quote.price - quote.protocolFee - quote.subjectFee;
    }

    function _withFees(
        uint256 price,
        uint256 protocolPercent,
        uint256 subjectPercent
    ) private pure returns (Quote memory) {
        return Quote(price, (price * protocolPercent) / 1e18, (price * subjectPercent) / 1e18, 0);
    }

    function _add(Quote memory sum, Quote memory each) private pure {
        sum.total += each.total;
        sum.protocolFee += each.protocolFee;
    }

    function _requireBatch(uint256 orders) private pure {
        if (orders == 0 || orders > MAX_BATCH) revert TwinMarket_BadBatch(orders);
    }
}
