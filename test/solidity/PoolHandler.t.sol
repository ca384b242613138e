// SPDX-License-Identifier: MIT
pragma solidity 0.8.34;

import {VolatilityFeePool} from "../../contracts/consumer/examples/VolatilityFeePool.sol";
import {Opening, Receipt, SignedReceipt} from "../../contracts/interfaces/InferenceTypes.sol";
import {ReceiptLib} from "../../contracts/verification/ReceiptLib.sol";
import {FreeToken} from "./ConsumerHarness.sol";
import {SyntheticProofs} from "./SyntheticProofs.sol";
import {vm} from "./Vm.sol";
import {World} from "./World.sol";

/// @notice Swapping, adding, taking out, sampling and reading in any order, with settled receipts.
contract PoolHandler is World {
    uint256 private constant MOST = 1e12;
    uint256 private constant MIN_FEE = 500;
    uint256 private constant MAX_FEE = 30_000;
    uint256 private constant SAFE_FEE = 3_000;
    uint256 private constant MAX_AGE = 6 hours;
    uint256 private constant INTERVAL = 10 minutes;

    VolatilityFeePool public pool;
    FreeToken[2] private _tokens;
    uint256 private _keysUntil;
    uint256 private _readUntil;
    uint256 private _readFee;
    uint256 private _samples;
    uint256 private _sampledAt;
    uint256 private _shares;
    uint256[2] private _donated;
    uint256 private _counter;

    constructor() {
        _keysUntil = block.timestamp + KEY_LIFE;
        for (uint256 i = 0; i < 2; ++i) _tokens[i] = new FreeToken("T");
        pool = new VolatilityFeePool(
            registry,
            VolatilityFeePool.Terms({
                token0: _tokens[0],
                token1: _tokens[1],
                model: modelId,
                minFee: MIN_FEE,
                maxFee: MAX_FEE,
                safeFee: SAFE_FEE,
                maxAge: MAX_AGE,
                interval: INTERVAL
            })
        );
        for (uint256 i = 0; i < 2; ++i) {
            _tokens[i].mint(address(this), type(uint128).max);
            _tokens[i].approve(address(pool), type(uint256).max);
        }
        _shares = pool.deposit(2e9, 3e9, 1);
        _sampledAt = block.timestamp;
        for (uint256 i = 0; i < 17; ++i) {
            vm.warp(block.timestamp + INTERVAL);
            sample();
            swap(uint64(1e6 * (i + 1)), i % 2 == 0);
        }
    }

    // ------------------------------------------------------------------------------------------- what can happen

    function wait(uint32 time) external {
        vm.warp(block.timestamp + (time % 2 hours));
    }

    function donate(uint32 amount, bool one) external {
        require(_tokens[one ? 1 : 0].transfer(address(pool), amount), "transfer");
        _donated[one ? 1 : 0] += amount;
    }

    function swap(uint64 amount, bool one) public {
        uint256 amountIn = amount % MOST;
        (uint256 r0, uint256 r1) = (pool.reserve0(), pool.reserve1());
        (uint256 rIn, uint256 rOut) = one ? (r1, r0) : (r0, r1);
        // The same price by another way: what must stay, rounded up.
        uint256 counted = (amountIn * (1e6 - _fee())) / 1e6;
        uint256 stays = (rIn * rOut + rIn + counted - 1) / (rIn + counted);
        uint256 due = rOut - stays;
        bytes memory call = abi.encodeCall(
            pool.swap,
            (_tokens[one ? 1 : 0], amountIn, 0, address(this), block.timestamp)
        );
        (bool ok, bytes memory answer) = address(pool).call(call);
        require(ok == (due != 0), "a swap that pays anything happens");
        if (!ok) return;
        require(abi.decode(answer, (uint256)) == due, "what is due");
        require(uint256(pool.reserve0()) * pool.reserve1() >= r0 * r1, "k never falls");
        if (amountIn >= 1e6) require(uint256(pool.reserve0()) * pool.reserve1() > r0 * r1, "the fee stays");
    }

    function deposit(uint64 offer0, uint64 offer1) external {
        (uint256 k, uint256 supply) = _state();
        uint256[2] memory held = _held();
        (uint256 a0, uint256 a1) = (offer0 % MOST, offer1 % MOST);
        (bool ok, bytes memory answer) = address(pool).call(abi.encodeCall(pool.deposit, (a0, a1, 0)));
        if (!ok) return;
        _shares += abi.decode(answer, (uint256));
        uint256[2] memory left = _held();
        require(held[0] - left[0] <= a0 && held[1] - left[1] <= a1, "not more than offered");
        _checkShare(k, supply);
    }

    function withdraw(uint64 part) external {
        uint256 shares = part % (_shares + 1);
        (uint256 k, uint256 supply) = _state();
        pool.withdraw(shares, 0, 0);
        _shares -= shares;
        _checkShare(k, supply);
    }

    function sample() public {
        (bool ok, ) = address(pool).call(abi.encodeCall(pool.sample, ()));
        require(ok == (block.timestamp >= _sampledAt + INTERVAL), "a sample an interval");
        if (!ok) return;
        ++_samples;
        _sampledAt = block.timestamp;
    }

    function read(uint16 score, bool proved) external {
        if (block.timestamp > _keysUntil) return;
        uint256 input = uint256(pool.currentInput());
        uint256[] memory outputs = new uint256[](1);
        outputs[0] = score;
        Opening memory opening;
        Receipt memory receipt = opening.receipt;
        receipt.requestId = bytes32(++_counter);
        receipt.modelId = modelId;
        receipt.inputHash = bytes32(input);
        receipt.outputHash = ReceiptLib.circuitOutputHash(outputs);
        receipt.outputScheme = 2;
        receipt.keyId = keyIds[proved ? 0 : 2];
        receipt.completedAt = uint64(block.timestamp);
        receipt.mode = proved ? 1 : 2;
        bytes32 id = registry.receiptId(receipt);
        SignedReceipt[] memory one = new SignedReceipt[](1);
        bytes memory evidence = proved ? SyntheticProofs.prove(id, input, score) : bytes("");
        one[0] = SignedReceipt(receipt, _sign(_secret(proved ? 0 : 2), id), evidence);
        require(registry.settleReceipts(one) == 1, "settles");
        (, uint64 known, , ) = pool.reading();
        bool expected = known != _samples || block.timestamp + MAX_AGE > _readUntil;
        (bool ok, ) = address(pool).call(abi.encodeCall(pool.applyReading, (opening, outputs)));
        require(ok == expected, "a reading that lives longer counts");
        if (!ok) return;
        _readUntil = block.timestamp + MAX_AGE;
        uint256 held = score > 255 ? 255 : score;
        _readFee = MIN_FEE + ((MAX_FEE - MIN_FEE) * held + 254) / 255;
    }

    // ------------------------------------------------------------------------------------------- what must hold

    function check() external view {
        require(pool.fee() == _fee(), "the fee of the reading, or the safe one");
        require(pool.fee() >= MIN_FEE && pool.fee() <= MAX_FEE, "between the bounds");
        require(_tokens[0].balanceOf(address(pool)) == pool.reserve0() + _donated[0], "reserve of one");
        require(_tokens[1].balanceOf(address(pool)) == pool.reserve1() + _donated[1], "reserve of the other");
        require(pool.totalSupply() == _shares + 1_000, "shares");
    }

    function _fee() private view returns (uint256) {
        return block.timestamp <= _readUntil ? _readFee : SAFE_FEE;
    }

    function _state() private view returns (uint256 k, uint256 supply) {
        return (uint256(pool.reserve0()) * pool.reserve1(), pool.totalSupply());
    }

    function _held() private view returns (uint256[2] memory) {
        return [_tokens[0].balanceOf(address(this)), _tokens[1].balanceOf(address(this))];
    }

    /// @dev What a share is worth of both together never falls.
    function _checkShare(uint256 k, uint256 supply) private view {
        (uint256 k2, uint256 supply2) = _state();
        require(k2 * supply * supply >= k * supply2 * supply2, "no share is diluted");
    }
}
