// SPDX-License-Identifier: MIT
pragma solidity 0.8.34;

import {ClaimWords} from "../../contracts/opg/ClaimWords.sol";
import {FeeEpochs, IFeeSplitter} from "../../contracts/interfaces/IFeeSplitter.sol";
import {Channel, Claim, ClaimGroup, Refusal, Reservation} from "../../contracts/interfaces/IInferenceEscrow.sol";
import {Batch, Opening, Receipt, SignedBatch, SignedReceipt} from "../../contracts/interfaces/InferenceTypes.sol";
import {InferenceEscrow} from "../../contracts/opg/InferenceEscrow.sol";
import {OPGToken} from "../../contracts/opg/OPGToken.sol";
import {PlainSplitter} from "./PlainSplitter.sol";
import {vm} from "./Vm.sol";
import {World} from "./World.sol";

/// @notice Speaking as another account, for one call.
interface Prank {
    function prank(address sender) external;
}

/// @notice Everything that can happen to the escrow, in any order, beside a plain account of what must follow.
/// @dev The account shares no code with the contract: sums in mappings, and the rules as R7 is written.
contract EscrowHandler is World {
    Prank private constant AS = Prank(address(uint160(uint256(keccak256("hevm cheat code")))));
    uint256 private constant MAX_ITEMS = 12;
    uint256 private constant MAX_RESERVATIONS = 6;
    uint256 private constant SESSION = 0x5e5510;
    uint256 private constant SUPPLY = 1_000_000_000e18;
    /// @dev That of the beginning; it ends three and a half days later, well within the life of the keys.
    uint256 private constant FIRST_EPOCH = 744;

    InferenceEscrow public escrow;
    OPGToken private opg;
    PlainSplitter private splitter;
    bytes32 private nodeId;

    struct Item {
        uint256 channel;
        Batch batch;
        Receipt receipt;
        uint128 max;
        Claim claim;
        bytes32[] proof;
        bytes32 digest;
        bytes submission;
    }
    struct Asked {
        bytes32 requestId;
        uint256 counter;
        uint256 payer;
        uint256 amount;
        uint256 expiry;
        bytes32 inputHash;
    }

    Item[] private _items;
    Asked[] private _asked;
    Channel[4] private _channels;

    // Per payer.
    uint256[3] private _balance;
    uint256[3] private _thawing;
    uint256[3] private _readyAt;
    // Per channel: two by payers' own keys, two by session signers.
    uint256[4] private _paid;
    uint256[4] private _signed;
    uint256[4] private _limit;
    uint256[4] private _expiry;
    // By everything else.
    uint256 private _forwarded;
    uint256 private _collected;
    uint256 private _reserved;
    uint256 private _donated;
    uint256 private _counter;
    uint256 private _keyFrom;
    mapping(bytes32 receiptId => uint256) private _paidFor;
    /// @dev What was collected of receipts that this settler settled in this epoch.
    mapping(address settler => mapping(uint256 epoch => uint256)) private _earned;

    constructor() {
        address[] memory holders = new address[](1);
        uint256[] memory amounts = new uint256[](1);
        (holders[0], amounts[0]) = (address(this), SUPPLY);
        opg = new OPGToken(holders, amounts);
        splitter = new PlainSplitter(opg);
        escrow = new InferenceEscrow(opg, registry, nodes, IFeeSplitter(address(splitter)));
        opg.approve(address(escrow), SUPPLY);
        nodeId = nodes.nodeOf(keyIds[0]);
        _keyFrom = nodes.keyState(keyIds[0]).validFrom;
        for (uint256 i = 0; i < 4; ++i) {
            address payer = vm.addr(_payerSecret(_payerOf(i)));
            address signer = i < 2 ? payer : vm.addr(SESSION + i);
            // One takes VANILLA alone, one TEE alone, two take both.
            _channels[i] = Channel(payer, signer, nodeId, modelId, [1, 5, 4, 5][i], uint64(i));
        }
    }

    // ------------------------------------------------------------------------------------------- what can happen

    function deposit(uint8 who, uint64 amount) external {
        uint256 p = who % 3;
        amount = amount % 1e6;
        if (amount == 0) return;
        escrow.deposit(_payer(p), nodeId, amount);
        _credit(p, amount);
    }

    function donate(uint16 amount) external {
        require(opg.transfer(address(escrow), amount), "transfer");
        _donated += amount;
    }

    function wait(uint32 time) external {
        vm.warp(block.timestamp + (time % 3 days));
    }

    function thaw(uint8 who, uint64 amount) external {
        uint256 p = who % 3;
        amount = uint64(amount % (_balance[p] + 2));
        AS.prank(_payer(p));
        (bool ok, ) = address(escrow).call(abi.encodeCall(escrow.thaw, (nodeId, amount)));
        require(ok == (amount <= _balance[p]), "asking back what is there, always");
        if (ok) (_thawing[p], _readyAt[p]) = (amount, block.timestamp + 14 days);
    }

    function withdraw(uint8 who) external {
        uint256 p = who % 3;
        uint256 due = _min(_thawing[p], _balance[p]);
        uint256 held = opg.balanceOf(_payer(p));
        AS.prank(_payer(p));
        (bool ok, ) = address(escrow).call(abi.encodeCall(escrow.withdraw, (nodeId)));
        require(ok == (due != 0 && block.timestamp >= _readyAt[p]), "nothing blocks an exit");
        if (!ok) return;
        require(opg.balanceOf(_payer(p)) == held + due, "arrived");
        _balance[p] -= due;
        _thawing[p] = 0;
    }

    function open(uint8 which, uint32 limit, uint32 life) external {
        uint256 c = 2 + (which % 2);
        uint40 expiry = uint40(block.timestamp + (life % 10 days));
        AS.prank(_channels[c].payer);
        (bool ok, ) = address(escrow).call(abi.encodeCall(escrow.openChannel, (_channels[c], limit, expiry)));
        require(ok == (_expiry[c] == 0 && limit != 0 && expiry > block.timestamp), "opens once");
        if (ok) (_limit[c], _expiry[c]) = (limit, expiry);
    }

    function withdrawSigner(uint8 which, uint8 rarely) external {
        if (rarely % 4 != 0) return;
        uint256 c = 2 + (which % 2);
        uint256 ends = _limit[c] == 0 ? block.timestamp : block.timestamp + 14 days;
        AS.prank(_channels[c].payer);
        (bool ok, ) = address(escrow).call(abi.encodeCall(escrow.withdrawSigner, (_channels[c])));
        require(ok == (_expiry[c] == 0 || _expiry[c] > ends), "withdraws");
        if (ok) _expiry[c] = ends;
    }

    /// @dev Two requests of any channels in one batch, or the first of them alone, by an operator's or an enclave's key.
    function serve(uint8 first, uint8 second, uint256 seed, bool alone, bool settleNow) external {
        if (_items.length + 2 > MAX_ITEMS) return;
        bool tee = (seed >> 90) & 1 == 1;
        Receipt[2] memory receipts = [
            _receipt(first % 4, seed, tee),
            _receipt(second % 4, uint256(keccak256(abi.encode(seed))), tee)
        ];
        bytes32[2] memory ids = [registry.receiptId(receipts[0]), registry.receiptId(receipts[1])];
        if (ids[0] == ids[1]) return;
        if (alone) _serveAlone(first % 4, receipts[0], ids[0]);
        else _serveTogether([first % 4, second % 4], receipts, ids, seed);
        if (settleNow) _submit(_items.length - 1);
    }

    function submit(uint8 which) external {
        if (_items.length != 0) _submit(which % _items.length);
    }

    function collect(uint8 which) external {
        if (_items.length == 0) return;
        Item storage item = _items[which % _items.length];
        uint256 expected = _due(item);
        bytes memory data = abi.encodeCall(escrow.collect, (item.batch, nodeId, modelId, item.claim, item.proof));
        (uint256 said, Refusal refusal, ) = escrow.collectable(item.batch, nodeId, modelId, item.claim, item.proof);
        (bool ok, bytes memory answer) = address(escrow).call(data);
        require(ok == (expected != 0) && said == expected && ok == (refusal == Refusal.None), "collects what is due");
        if (!ok) return;
        require(abi.decode(answer, (uint256)) == expected, "pays what is due");
        _book(item, expected);
    }

    /// @dev All of one batch, or all that settled alone, in one group; some of their vouchers are spoilt.
    function collectBatch(uint8 which, uint8 spoilt) external {
        if (_items.length == 0) return;
        bytes32 digest = _items[which % _items.length].digest;
        Batch memory of_ = _items[which % _items.length].batch;
        ClaimGroup[] memory groups = new ClaimGroup[](1);
        uint256[] memory members = new uint256[](_items.length);
        uint256 n = 0;
        for (uint256 i = 0; i < _items.length; ++i) {
            bool alone = _items[i].batch.count == 0 && _items[i].batch.keyId == of_.keyId;
            if (of_.count == 0 ? alone : _items[i].digest == digest) members[n++] = i;
        }
        groups[0].batch = _items[members[0]].batch;
        (groups[0].nodeId, groups[0].modelId) = (nodeId, modelId);
        groups[0].claims = new Claim[](n);
        uint256 expected = 0;
        for (uint256 i = 0; i < n; ++i) {
            Item storage item = _items[members[i]];
            groups[0].claims[i] = item.claim;
            if ((spoilt >> i) & 1 == 1) {
                groups[0].claims[i].fees += 1 << 128;
                continue;
            }
            uint256 due = _due(item);
            if (due != 0) _book(item, due);
            expected += due;
        }
        require(escrow.collectBatch(groups) == expected, "pays what is due to each");
    }

    function release(uint8 which) external {
        Channel[] memory channels = new Channel[](2);
        (channels[0], channels[1]) = (_channels[which % 4], _channels[(which >> 2) % 4]);
        (, uint256 a, , ) = escrow.session(escrow.channelIdOf(channels[0]));
        (, uint256 b, , ) = escrow.session(escrow.channelIdOf(channels[1]));
        require(escrow.release(channels) == (which % 4 == (which >> 2) % 4 ? a : a + b), "moves what waits");
    }

    function forward(uint8 settler, bool before) external {
        uint256 epoch = FeeEpochs.at(block.timestamp) - (before ? 1 : 0);
        address to = address(uint160(settler % 3));
        uint256 waits = escrow.fees(nodeId, modelId, to, epoch);
        (bool ok, ) = address(escrow).call(abi.encodeCall(escrow.forward, (nodeId, modelId, to, epoch)));
        require(ok == (waits != 0), "forwards what waits");
        if (ok) _forwarded += waits;
    }

    /// @dev With nothing left in channels, each settler and each epoch has what was earned there, to the wei.
    function settleUp() external {
        Channel[] memory channels = new Channel[](4);
        for (uint256 c = 0; c < 4; ++c) channels[c] = _channels[c];
        escrow.release(channels);
        for (uint256 epoch = FIRST_EPOCH; epoch <= FeeEpochs.at(block.timestamp); ++epoch)
            for (uint160 s = 0; s < 3; ++s) {
                uint256 paid = splitter.paid(keccak256(abi.encode(nodeId, modelId, address(s), epoch)));
                uint256 waits = escrow.fees(nodeId, modelId, address(s), epoch);
                require(paid + waits == _earned[address(s)][epoch], "the settler's, of that epoch");
            }
    }

    function reserve(uint8 who, uint64 amount, bool approved) external {
        if (_asked.length == MAX_RESERVATIONS) return;
        uint256 p = who % 3;
        uint96 set = uint96(amount % (_balance[p] + 2));
        AS.prank(_payer(p));
        escrow.approveReserver(address(this), approved ? set : set / 2);
        Reservation memory terms = Reservation({
            payer: _payer(p),
            amount: set,
            nodeId: nodeId,
            modelId: modelId,
            inputHash: bytes32(uint256(amount)),
            modeMask: 7,
            expiry: uint40(block.timestamp + 1 days)
        });
        (bool ok, bytes memory answer) = address(escrow).call(abi.encodeCall(escrow.reserve, (++_counter, terms)));
        require(ok == (set != 0 && set <= _balance[p] && approved), "reserves what is approved and there");
        if (!ok) return;
        bytes32 requestId = keccak256(abi.encode(block.chainid, address(this), _counter));
        require(abi.decode(answer, (bytes32)) == requestId, "request id");
        _asked.push(Asked(requestId, _counter, p, set, terms.expiry, terms.inputHash));
        _balance[p] -= set;
        _reserved += set;
    }

    function answerReserved(uint8 which, uint64 fee) external {
        if (_asked.length == 0) return;
        Asked storage asked = _asked[which % _asked.length];
        Opening memory opening;
        Receipt memory receipt = opening.receipt;
        (receipt.requestId, receipt.inputHash, receipt.modelId) = (asked.requestId, asked.inputHash, modelId);
        (receipt.keyId, receipt.payer) = (keyIds[0], _payer(asked.payer));
        receipt.cumulativeFee = uint128(fee % 2e6);
        receipt.completedAt = uint64(block.timestamp);
        SignedReceipt[] memory single = new SignedReceipt[](1);
        (single[0].receipt, single[0].signature) = (receipt, _sign(_secret(0), registry.receiptId(receipt)));
        registry.settleReceipts(single);
        bool good = block.timestamp <= _keyFrom + KEY_LIFE && block.timestamp <= asked.expiry && asked.amount != 0;
        (bool ok, ) = address(escrow).call(abi.encodeCall(escrow.collectReserved, (asked.requestId, opening)));
        require(ok == good, "an answer in time is paid, once");
        if (!ok) return;
        uint256 paid = _min(receipt.cumulativeFee, asked.amount);
        _collected += paid;
        _earned[address(0)][FeeEpochs.at(block.timestamp)] += paid;
        _credit(asked.payer, asked.amount - paid);
        _reserved -= asked.amount;
        asked.amount = 0;
    }

    /// @dev By anyone, or by who reserved: this contract.
    function returnReservation(uint8 which, bool own) external {
        if (_asked.length == 0) return;
        Asked storage asked = _asked[which % _asked.length];
        (bool ok, ) = address(escrow).call(
            own
                ? abi.encodeCall(escrow.returnOwnReservation, (asked.counter))
                : abi.encodeCall(escrow.returnReservation, (asked.requestId))
        );
        uint256 from = asked.expiry + (own ? 1 : 14 days);
        require(ok == (asked.amount != 0 && block.timestamp >= from), "returns in time");
        if (!ok) return;
        _credit(asked.payer, asked.amount);
        _reserved -= asked.amount;
        asked.amount = 0;
    }

    // -------------------------------------------------------------------------------------------- what must hold

    /// @notice Every wei is in one place, and each place says what the account says.
    function checkMoney() external view {
        uint256 balances = 0;
        for (uint256 p = 0; p < 3; ++p) {
            (uint256 balance, uint256 thawing, ) = escrow.account(_payer(p), nodeId);
            require(balance == _balance[p], "balance");
            require(thawing == _min(_thawing[p], _balance[p]), "thawing");
            balances += balance;
        }
        uint256 waiting = 0;
        for (uint256 c = 0; c < 4; ++c) {
            (, uint256 owed, , ) = escrow.session(escrow.channelIdOf(_channels[c]));
            waiting += owed;
        }
        uint256 epoch = FeeEpochs.at(block.timestamp);
        for (uint256 at = FIRST_EPOCH; at <= epoch; ++at)
            for (uint160 s = 0; s < 3; ++s) waiting += escrow.fees(nodeId, modelId, address(s), at);
        require(waiting + _forwarded == _collected, "fees");
        uint256 reserved = 0;
        for (uint256 i = 0; i < _asked.length; ++i) reserved += escrow.reservation(_asked[i].requestId).amount;
        require(reserved == _reserved, "reservations");
        require(opg.balanceOf(address(escrow)) == balances + waiting + reserved + _donated, "conservation");
        require(opg.balanceOf(address(splitter)) == _forwarded, "forwarded");
    }

    /// @notice No channel paid more than was ever signed for it or its limit allows, no request more than it cost.
    function checkChannels() external view {
        for (uint256 c = 0; c < 4; ++c) {
            (uint256 paid, , uint256 limit, uint256 expiry) = escrow.session(escrow.channelIdOf(_channels[c]));
            require(paid == _paid[c] && paid <= _signed[c], "beyond what was signed");
            require(c < 2 || paid <= _limit[c], "beyond its limit");
            require(limit == _limit[c] && expiry == _expiry[c], "session");
        }
        for (uint256 i = 0; i < _items.length; ++i) {
            require(_paidFor[_id(_items[i])] <= _items[i].receipt.cumulativeFee, "a receipt paid beyond its fee");
        }
    }

    // ---------------------------------------------------------------------------------------------------- making

    /// @dev What R7 says of an item now.
    function _due(Item storage item) private view returns (uint256 due) {
        uint256 settledAt = registry.settledAt(item.digest);
        uint256 completedAt = item.receipt.completedAt;
        if (settledAt == 0 || completedAt < _keyFrom || completedAt > _keyFrom + KEY_LIFE) return 0;
        if (settledAt > completedAt + 3 days) return 0;
        uint256 c = item.channel;
        if ((_channels[c].modeMask >> item.receipt.mode) & 1 == 0) return 0;
        due = _min(item.max, item.receipt.cumulativeFee);
        if (c >= 2) {
            if (_limit[c] == 0 || completedAt > _expiry[c]) return 0;
            due = _min(due, _limit[c]);
        }
        due = due <= _paid[c] ? 0 : _min(due - _paid[c], _balance[_payerOf(c)]);
    }

    function _book(Item storage item, uint256 amount) private {
        _paid[item.channel] += amount;
        _balance[_payerOf(item.channel)] -= amount;
        _collected += amount;
        _paidFor[_id(item)] += amount;
        address settler = item.batch.count == 0 ? address(0) : item.batch.settler;
        _earned[settler][FeeEpochs.at(registry.settledAt(item.digest))] += amount;
    }

    function _id(Item storage item) private view returns (bytes32) {
        return keccak256(abi.encode(item.channel, item.receipt.sequence, item.receipt.outputHash));
    }

    function _credit(uint256 p, uint256 amount) private {
        _thawing[p] = _min(_thawing[p], _balance[p]);
        _balance[p] += amount;
    }

    function _submit(uint256 which) private {
        (bool ok, ) = address(registry).call(_items[which].submission);
        require(ok, "settling is never paused here");
    }

    function _serveAlone(uint256 c, Receipt memory receipt, bytes32 id) private {
        SignedReceipt[] memory single = new SignedReceipt[](1);
        (single[0].receipt, single[0].signature) = (receipt, _sign(_secret(receipt.mode), id));
        Batch memory none;
        (none.keyId, none.mode, none.settler) = (receipt.keyId, receipt.mode, address(1));
        _add(c, none, receipt, 0, new bytes32[](0), id);
        _items[_items.length - 1].submission = abi.encodeCall(registry.settleReceipts, (single));
    }

    function _serveTogether(
        uint8[2] memory cs,
        Receipt[2] memory receipts,
        bytes32[2] memory ids,
        uint256 seed
    ) private {
        bytes32[2] memory leaves = [_leaf(ids[0]), _leaf(ids[1])];
        bytes32 root = keccak256(abi.encodePacked(bytes1(0x01), leaves[0], leaves[1]));
        SignedBatch[] memory batches = new SignedBatch[](1);
        Receipt memory first = receipts[0];
        batches[0].batch = Batch(first.keyId, first.mode, root, 2, bytes32(seed), address(uint160(seed % 3)));
        bytes32 digest = registry.batchDigest(batches[0].batch);
        batches[0].signature = _sign(_secret(first.mode), digest);
        for (uint256 i = 0; i < 2; ++i) {
            bytes32[] memory proof = new bytes32[](1);
            proof[0] = leaves[1 - i];
            _add(cs[i], batches[0].batch, receipts[i], uint32(i), proof, digest);
            _items[_items.length - 1].submission = abi.encodeCall(registry.settleBatches, (batches));
        }
    }

    function _add(
        uint256 c,
        Batch memory batch,
        Receipt memory receipt,
        uint32 index,
        bytes32[] memory proof,
        bytes32 digest
    ) private {
        Item storage item = _items.push();
        (item.channel, item.batch, item.proof, item.digest) = (c, batch, proof, digest);
        Channel storage channel = _channels[c];
        // Often more or less than the fee.
        uint128 max = receipt.cumulativeFee + uint128(uint256(receipt.outputHash) % 9) * 1_000;
        if (uint256(receipt.outputHash) % 3 == 0) max = receipt.cumulativeFee / 2 + 1;
        if (max > _signed[c]) _signed[c] = max;
        bytes32 digestOf = escrow.voucherDigest(escrow.channelIdOf(channel), receipt.sequence, receipt.inputHash, max);
        uint256 key = c < 2 ? _payerSecret(_payerOf(c)) : SESSION + c;
        (uint8 v, bytes32 r, bytes32 s) = vm.sign(key, digestOf);
        (item.receipt, item.max) = (receipt, max);
        _pack(item, index);
        (item.claim.r, item.claim.vs) = (r, bytes32(uint256(s) | (uint256(v - 27) << 255)));
    }

    /// @dev All of a claim but its signature. A payer that signs itself is named or not.
    function _pack(Item storage item, uint32 index) private {
        Receipt memory receipt = item.receipt;
        Channel storage channel = _channels[item.channel];
        address signer = item.channel < 2 && index == 0 ? address(0) : channel.signer;
        Claim storage claim = item.claim;
        claim.payer = ClaimWords.payerWord(channel.payer, receipt.sequence, index);
        claim.signer = ClaimWords.signerWord(signer, channel.lane, channel.modeMask);
        claim.fees = ClaimWords.feesWord(receipt.cumulativeFee, item.max);
        claim.answer = ClaimWords.answerWord(receipt.completedAt, receipt.outputScheme);
        claim.inputHash = receipt.inputHash;
        claim.outputHash = receipt.outputHash;
        claim.contextHash = receipt.contextHash;
    }

    /// @dev Keys are numbered as modes are: 0 signs VANILLA, 2 is the enclave's.
    function _receipt(uint256 c, uint256 seed, bool tee) private view returns (Receipt memory receipt) {
        receipt.sequence = uint64(1 + (seed % 5));
        receipt.requestId = keccak256(abi.encode(escrow.channelIdOf(_channels[c]), receipt.sequence));
        receipt.modelId = modelId;
        receipt.inputHash = bytes32(seed % 7);
        receipt.outputHash = bytes32(seed);
        receipt.mode = tee ? 2 : 0;
        receipt.keyId = keyIds[receipt.mode];
        receipt.payer = _channels[c].payer;
        receipt.cumulativeFee = uint128((seed >> 16) % 1e6);
        receipt.completedAt = uint64(block.timestamp - ((seed >> 40) % 1 days) * ((seed >> 80) % 2));
    }

    function _leaf(bytes32 id) private pure returns (bytes32) {
        return keccak256(abi.encodePacked(bytes1(0), id));
    }

    function _start() internal pure override returns (uint256) {
        return 1_802_000_000;
    }

    function _payer(uint256 p) private pure returns (address) {
        return vm.addr(_payerSecret(p));
    }

    function _payerSecret(uint256 p) private pure returns (uint256) {
        return 0xa11ce + p;
    }

    /// @dev The first payer has two channels.
    function _payerOf(uint256 c) private pure returns (uint256) {
        return c == 3 ? 0 : c;
    }

    function _min(uint256 a, uint256 b) private pure returns (uint256) {
        return a < b ? a : b;
    }
}
