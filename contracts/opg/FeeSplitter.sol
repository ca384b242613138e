// SPDX-License-Identifier: MIT
pragma solidity 0.8.34;

import {IERC20} from "@openzeppelin/contracts/token/ERC20/IERC20.sol";
import {SafeERC20} from "@openzeppelin/contracts/token/ERC20/utils/SafeERC20.sol";
import {ReentrancyGuardTransient} from "@openzeppelin/contracts/utils/ReentrancyGuardTransient.sol";
import {Math} from "@openzeppelin/contracts/utils/math/Math.sol";
import {Checkpoints} from "@openzeppelin/contracts/utils/structs/Checkpoints.sol";
import {FeeEpochs, FeeRates, FeeShares, IFeeSplitter, PendingRates} from "../interfaces/IFeeSplitter.sol";
import {Lineage} from "../interfaces/IModelLineage.sol";
import {IModelRegistry} from "../interfaces/IModelRegistry.sol";
import {INodeRegistry} from "../interfaces/INodeRegistry.sol";
import {IStakeRewards} from "../interfaces/IStakeRewards.sol";

/// @title FeeSplitter
/// @notice See {IFeeSplitter}, where every function, event and error is documented.
/// @dev Holds, to the wei, what accounts are credited and what model versions hold, and whatever anybody sent without
/// {pay}, which nobody can take out again.
contract FeeSplitter is ReentrancyGuardTransient, IFeeSplitter {
    using SafeERC20 for IERC20;
    using Checkpoints for Checkpoints.Trace208;

    /// @inheritdoc IFeeSplitter
    uint256 public constant RATE_NOTICE = 4 days;
    /// @inheritdoc IFeeSplitter
    uint256 public constant MAX_MODEL_BPS = 2_000;
    /// @inheritdoc IFeeSplitter
    uint256 public constant MAX_STAKERS_BPS = 1_500;
    /// @inheritdoc IFeeSplitter
    uint256 public constant MAX_TREASURY_BPS = 1_000;
    /// @inheritdoc IFeeSplitter
    uint256 public constant MAX_SETTLER_BPS = 200;
    /// @inheritdoc IFeeSplitter
    uint256 public constant MAX_CLAIMS = 64;

    uint256 private constant WHOLE = 10_000;

    /// @inheritdoc IFeeSplitter
    IERC20 public immutable token;
    /// @inheritdoc IFeeSplitter
    address public immutable admin;
    /// @notice Where the operator of a node is looked up.
    INodeRegistry public immutable nodes;
    /// @notice Where model versions and their lineage are looked up.
    IModelRegistry public immutable models;
    /// @notice Where the stakers' share goes.
    IStakeRewards public immutable staking;

    /// @inheritdoc IFeeSplitter
    mapping(address account => uint256) public credit;
    /// @inheritdoc IFeeSplitter
    mapping(bytes32 modelId => uint256) public modelBalance;

    /// @dev By first epoch, packed by {_pack}; the first entry is of epoch 0.
    Checkpoints.Trace208 private _rates;

    /// @param admin_ The timelock, which is the treasury too.
    /// @param rates In effect from the start, and for what settled before.
    constructor(
        IERC20 token_,
        address admin_,
        INodeRegistry nodes_,
        IModelRegistry models_,
        IStakeRewards staking_,
        FeeRates memory rates
    ) {
        if (
            address(token_) == address(0) ||
            admin_ == address(0) ||
            address(nodes_) == address(0) ||
            address(models_) == address(0) ||
            address(staking_) == address(0)
        ) revert FeeSplitter_ZeroAddress();
        token = token_;
        admin = admin_;
        nodes = nodes_;
        models = models_;
        staking = staking_;
        _setRates(0, rates);
    }

    modifier onlyAdmin() {
        if (msg.sender != admin) revert FeeSplitter_NotAdmin(msg.sender);
        _;
    }

    /// @inheritdoc IFeeSplitter
    function pay(
        bytes32 nodeId,
        bytes32 modelId,
        address settler,
        uint256 epoch,
        uint256 amount
    ) external nonReentrant {
        if (epoch > currentEpoch()) revert FeeSplitter_FutureEpoch(epoch, currentEpoch());
        if (amount == 0) revert FeeSplitter_NothingToPay();
        (address operator, INodeRegistry.NodeKind kind, ) = nodes.nodeStatus(nodeId);
        if (operator == address(0)) revert FeeSplitter_UnknownNode(nodeId);
        if (models.modelState(modelId, 0).modes == 0) revert FeeSplitter_UnknownModel(modelId);

        uint256 held = _pull(amount);
        FeeShares memory shares = sharesOf(amount, epoch, settler != address(0));
        emit FeesPaid(nodeId, modelId, settler, msg.sender, epoch, amount, shares);
        _credit(operator, shares.node);
        _creditModel(modelId, shares.model);
        _credit(admin, shares.treasury);
        _credit(settler, shares.settler);
        if (shares.stakers != 0) _reward(operator, uint8(kind), shares.stakers, held);
    }

    /// @inheritdoc IFeeSplitter
    function distributeModel(bytes32 modelId) external nonReentrant returns (uint256 amount) {
        amount = modelBalance[modelId];
        if (amount == 0) revert FeeSplitter_NothingToDistribute(modelId);
        modelBalance[modelId] = 0;
        emit ModelDistributed(modelId, amount);

        (address owner, , Lineage memory declared) = models.lineage(modelId);
        uint256 rest = amount;
        for (uint256 i = 0; i < declared.contributors.length; ++i) {
            uint256 share = (amount * declared.contributors[i].bps) / WHOLE;
            rest -= share;
            _credit(declared.contributors[i].account, share);
        }
        for (uint256 i = 0; i < declared.parents.length; ++i) {
            uint256 share = (amount * declared.parents[i].bps) / WHOLE;
            rest -= share;
            _creditModel(declared.parents[i].modelId, share);
        }
        _credit(owner, rest);
    }

    /// @inheritdoc IFeeSplitter
    function claim(address account) external nonReentrant returns (uint256 amount) {
        amount = credit[account];
        if (amount == 0) revert FeeSplitter_NothingToClaim(account);
        credit[account] = 0;
        emit Claimed(account, amount);
        token.safeTransfer(account, amount);
    }

    /// @inheritdoc IFeeSplitter
    function claimMany(address[] calldata accounts) external nonReentrant returns (uint256 paid) {
        if (accounts.length > MAX_CLAIMS) revert FeeSplitter_TooManyAccounts(accounts.length, MAX_CLAIMS);
        for (uint256 i = 0; i < accounts.length; ++i) {
            uint256 amount = credit[accounts[i]];
            if (amount == 0) continue;
            credit[accounts[i]] = 0;
            if (token.trySafeTransfer(accounts[i], amount)) {
                paid += amount;
                emit Claimed(accounts[i], amount);
            } else {
                // Nothing could change it meanwhile: every function that does is locked.
                credit[accounts[i]] = amount;
                emit ClaimFailed(accounts[i], amount);
            }
        }
    }

    /// @inheritdoc IFeeSplitter
    function announceRates(FeeRates calldata rates) external onlyAdmin returns (uint256 epoch) {
        epoch = _openEpoch();
        _setRates(epoch, rates);
    }

    /// @inheritdoc IFeeSplitter
    function withdrawRates() external onlyAdmin {
        uint256 epoch = _openEpoch();
        (, uint48 latest, ) = _rates.latestCheckpoint();
        // Nothing is ever announced for a later epoch than the one that is open now.
        if (latest != epoch) revert FeeSplitter_NothingToWithdraw(epoch);
        _rates._checkpoints.pop();
        emit RatesWithdrawn(epoch, ratesAt(epoch));
    }

    /// @inheritdoc IFeeSplitter
    function pendingRates() external view returns (PendingRates[] memory pending) {
        (uint256 current, uint256 open, uint256 length) = (currentEpoch(), _openEpoch(), _rates.length());
        // The open epoch is at most the one after next, so this ends after two.
        uint256 count = 0;
        while (_rates.at(uint32(length - 1 - count))._key > current) ++count;
        pending = new PendingRates[](count);
        for (uint256 i = 0; i < count; ++i) {
            Checkpoints.Checkpoint208 memory found = _rates.at(uint32(length - count + i));
            pending[i] = PendingRates({
                epoch: found._key,
                startsAt: FeeEpochs.startOf(found._key),
                isFinal: found._key < open,
                rates: _unpack(found._value)
            });
        }
    }

    /// @inheritdoc IFeeSplitter
    function currentEpoch() public view returns (uint256) {
        return FeeEpochs.at(block.timestamp);
    }

    /// @inheritdoc IFeeSplitter
    function ratesAt(uint256 epoch) public view returns (FeeRates memory) {
        return _unpack(_rates.upperLookupRecent(uint48(Math.min(epoch, type(uint48).max))));
    }

    /// @inheritdoc IFeeSplitter
    function sharesOf(uint256 amount, uint256 epoch, bool settled) public view returns (FeeShares memory shares) {
        FeeRates memory rates = ratesAt(epoch);
        shares.model = (amount * rates.model) / WHOLE;
        shares.stakers = (amount * rates.stakers) / WHOLE;
        shares.treasury = (amount * rates.treasury) / WHOLE;
        if (settled) shares.settler = (amount * rates.settler) / WHOLE;
        shares.node = amount - shares.model - shares.stakers - shares.treasury - shares.settler;
    }

    /// @dev Takes exactly `amount` from the caller.
    /// @return held What this holds then.
    function _pull(uint256 amount) private returns (uint256 held) {
        uint256 before = token.balanceOf(address(this));
        token.safeTransferFrom(msg.sender, address(this), amount);
        held = token.balanceOf(address(this));
        if (held != before + amount) revert FeeSplitter_TokenTookFee(amount, Math.saturatingSub(held, before));
    }

    function _credit(address account, uint256 amount) private {
        if (amount == 0) return;
        uint256 total = credit[account] + amount;
        credit[account] = total;
        emit Credited(account, amount, total);
    }

    function _creditModel(bytes32 modelId, uint256 amount) private {
        if (amount == 0) return;
        uint256 total = modelBalance[modelId] + amount;
        modelBalance[modelId] = total;
        emit ModelCredited(modelId, amount, total);
    }

    /// @dev Staking may take the stakers' share and no wei else: what is left here is others'. As it takes all it may,
    /// no allowance outlives the call.
    function _reward(address operator, uint8 kind, uint256 share, uint256 held) private {
        token.forceApprove(address(staking), share);
        staking.addRewards(operator, kind, share);
        uint256 left = token.balanceOf(address(this));
        if (left + share != held) revert FeeSplitter_StakingTookOther(share, Math.saturatingSub(held, left));
    }

    /// @dev The first epoch whose rates are not final yet.
    function _openEpoch() private view returns (uint256) {
        return FeeEpochs.at(block.timestamp + RATE_NOTICE + FeeEpochs.LENGTH - 1);
    }

    function _setRates(uint256 epoch, FeeRates memory rates) private {
        if (
            uint256(rates.node) + rates.model + rates.stakers + rates.treasury + rates.settler != WHOLE ||
            rates.model > MAX_MODEL_BPS ||
            rates.stakers > MAX_STAKERS_BPS ||
            rates.treasury > MAX_TREASURY_BPS ||
            rates.settler > MAX_SETTLER_BPS
        ) revert FeeSplitter_BadRates(rates);
        _rates.push(uint48(epoch), _pack(rates));
        emit RatesAnnounced(epoch, FeeEpochs.startOf(epoch), rates);
    }

    function _pack(FeeRates memory rates) private pure returns (uint208) {
        return
            (uint208(rates.node) << 64) |
            (uint208(rates.model) << 48) |
            (uint208(rates.stakers) << 32) |
            (uint208(rates.treasury) << 16) |
            rates.settler;
    }

    function _unpack(uint208 packed) private pure returns (FeeRates memory) {
        return
            FeeRates({
                node: uint16(packed >> 64),
                model: uint16(packed >> 48),
                stakers: uint16(packed >> 32),
                treasury: uint16(packed >> 16),
                settler: uint16(packed)
            });
    }
}
