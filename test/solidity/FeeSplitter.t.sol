// SPDX-License-Identifier: MIT
pragma solidity 0.8.34;

import {FeeRates, FeeShares, PendingRates} from "../../contracts/interfaces/IFeeSplitter.sol";
import {Lineage, ModelContributor, ModelParent} from "../../contracts/interfaces/IModelLineage.sol";
import {ModelSource} from "../../contracts/interfaces/IModelSources.sol";
import {ModelVersion} from "../../contracts/interfaces/IModelRegistry.sol";
import {INodeRegistry} from "../../contracts/interfaces/INodeRegistry.sol";
import {FeeInbox} from "../../contracts/opg/FeeInbox.sol";
import {FeeInboxes} from "../../contracts/opg/FeeInboxes.sol";
import {FeeSplitter} from "../../contracts/opg/FeeSplitter.sol";
import {OPGToken} from "../../contracts/opg/OPGToken.sol";
import {ModelRegistry} from "../../contracts/registry/ModelRegistry.sol";
import {NodeRegistry} from "../../contracts/registry/NodeRegistry.sol";
import {FeeStaking} from "./FeeParts.sol";
import {vm} from "./Vm.sol";

/// @notice Somebody: calls what it is told to.
contract FeeActor {
    function act(address target, bytes calldata data) external returns (bool done, bytes memory answer) {
        return target.call(data);
    }
}

/// @notice Real registries, real OPG and a splitter; the contract holds the whole supply and names everybody.
abstract contract FeeWorld {
    uint256 internal constant WHOLE = 10_000;
    uint256 internal constant START = 736 * 28 days + 10 days;

    OPGToken internal token;
    ModelRegistry internal models;
    NodeRegistry internal nodes;
    FeeStaking internal staking;
    FeeSplitter internal splitter;
    FeeActor internal treasury = new FeeActor();
    bytes32[] internal nodeIds;
    address[] internal operators;
    uint256 private _contents;

    constructor() {
        vm.warp(START);
        address[] memory to = new address[](1);
        uint256[] memory amounts = new uint256[](1);
        (to[0], amounts[0]) = (address(this), 1_000_000_000e18);
        token = new OPGToken(to, amounts);
        staking = new FeeStaking(token);
        models = new ModelRegistry(address(this), address(this), new bytes32[](0));
        nodes = new NodeRegistry(address(this), address(this), staking);
        splitter = _splitter(FeeRates(8_000, 1_000, 500, 400, 100));
        for (uint256 i = 0; i < 2; ++i) {
            FeeActor operator = new FeeActor();
            operators.push(address(operator));
            INodeRegistry.NodeKind kind = INodeRegistry.NodeKind(i);
            (, bytes memory id) = operator.act(address(nodes), abi.encodeCall(nodes.registerNode, (kind, "")));
            nodeIds.push(abi.decode(id, (bytes32)));
        }
    }

    function _splitter(FeeRates memory rates) internal returns (FeeSplitter made) {
        made = new FeeSplitter(token, address(treasury), nodes, models, staking, rates);
        token.approve(address(made), type(uint256).max);
    }

    function _version(Lineage memory lineage) internal returns (ModelVersion memory) {
        return
            ModelVersion({
                contentHash: keccak256(abi.encode(++_contents)),
                uri: "",
                modes: 1,
                verifier: address(0),
                verifyingKey: "",
                signals: "",
                lineage: lineage,
                licence: "",
                sources: new ModelSource[](0)
            });
    }

    function _lineage(uint16 royalty, uint256 parents, uint256 contributors) internal pure returns (Lineage memory) {
        return Lineage(royalty, new ModelParent[](parents), new ModelContributor[](contributors));
    }

    /// @dev Rates within the caps, any of them.
    function _rates(uint256 seed) internal pure returns (FeeRates memory rates) {
        rates.model = uint16((seed & 0xffff) % 2_001);
        rates.stakers = uint16(((seed >> 16) & 0xffff) % 1_501);
        rates.treasury = uint16(((seed >> 32) & 0xffff) % 1_001);
        rates.settler = uint16(((seed >> 48) & 0xffff) % 201);
        rates.node = uint16(WHOLE - rates.model - rates.stakers - rates.treasury - rates.settler);
    }
}

/// @notice Everything that can happen to fees, in any order, beside a plain account of what must follow.
contract FeeHandler is FeeWorld {
    uint256 private constant VERSIONS = 5;

    bytes32[VERSIONS] private _versions;
    address[] private _accounts;
    uint256 private _now = START;
    uint256 private _donated;

    mapping(address account => uint256) private _credit;
    mapping(bytes32 modelId => uint256) private _balance;
    uint256 private _stakers;
    /// @dev Rates of epochs whose notice has begun, as they were then: whatever is announced later, they stay.
    mapping(uint256 epoch => bytes32) private _final;

    /// @dev Two roots, a version of both with contributors, one of that, and one of everything before: three deep.
    constructor() {
        _accounts = operators;
        _accounts.push(address(treasury));
        for (uint160 i = 0; i < 8; ++i) _accounts.push(address(0xACC0 + i));
        Lineage[VERSIONS] memory plan;
        (plan[0], plan[1]) = (_lineage(100, 0, 0), _lineage(0, 0, 1));
        (plan[2], plan[3], plan[4]) = (_lineage(2_500, 2, 3), _lineage(0, 1, 0), _lineage(3, 4, 4));
        for (uint256 i = 0; i < VERSIONS; ++i) {
            for (uint256 j = 0; j < plan[i].parents.length; ++j) {
                bytes32 parent = _versions[i == 3 ? 2 : j];
                (, , Lineage memory asks) = models.lineage(parent);
                plan[i].parents[j] = ModelParent(parent, asks.royalty + uint16(j));
            }
            for (uint160 j = 0; j < plan[i].contributors.length; ++j)
                plan[i].contributors[j] = ModelContributor(address(0xACC0 + j), uint16(1 + 999 * j));
            FeeActor owner = new FeeActor();
            _accounts.push(address(owner));
            bytes memory call = abi.encodeCall(models.register, (_version(plan[i])));
            (bool done, bytes memory id) = owner.act(address(models), call);
            require(done, "register");
            _versions[i] = abi.decode(id, (bytes32));
        }
    }

    // ------------------------------------------------------------------------------------------- what can happen

    function wait(uint32 time) external {
        _now += time % 40 days;
        vm.warp(_now);
    }

    function pay(uint8 node, uint8 version, uint8 settler, uint8 back, uint256 amount) external {
        vm.warp(_now);
        amount = 1 + (amount % (amount % 3 == 0 ? 20_000 : 1e24));
        address to = settler % 4 == 0 ? address(0) : _accounts[settler % _accounts.length];
        uint256 epoch = _now / 28 days - (back % 4);
        bytes32 modelId = _versions[version % VERSIONS];
        FeeRates memory rates = splitter.ratesAt(epoch);
        _noteFinal(epoch);

        splitter.pay(nodeIds[node % 2], modelId, to, epoch, amount);
        uint256 rest = amount;
        rest -= _owe(address(treasury), (amount * rates.treasury) / WHOLE);
        if (to != address(0)) rest -= _owe(to, (amount * rates.settler) / WHOLE);
        _balance[modelId] += (amount * rates.model) / WHOLE;
        _stakers += (amount * rates.stakers) / WHOLE;
        _owe(operators[node % 2], rest - (amount * rates.model) / WHOLE - (amount * rates.stakers) / WHOLE);
    }

    function distribute(uint8 version) external {
        vm.warp(_now);
        bytes32 modelId = _versions[version % VERSIONS];
        uint256 amount = _balance[modelId];
        (bool done, ) = address(splitter).call(abi.encodeCall(splitter.distributeModel, (modelId)));
        require(done == (amount != 0), "distributes exactly where there is something");
        (address owner, , Lineage memory declared) = models.lineage(modelId);
        _balance[modelId] = 0;
        uint256 rest = amount;
        for (uint256 i = 0; i < declared.contributors.length; ++i)
            rest -= _owe(declared.contributors[i].account, (amount * declared.contributors[i].bps) / WHOLE);
        for (uint256 i = 0; i < declared.parents.length; ++i) {
            uint256 share = (amount * declared.parents[i].bps) / WHOLE;
            _balance[declared.parents[i].modelId] += share;
            rest -= share;
        }
        _owe(owner, rest);
    }

    function claim(uint8 who, bool several) external {
        vm.warp(_now);
        address[] memory accounts = new address[](several ? 3 : 1);
        for (uint256 i = 0; i < accounts.length; ++i) accounts[i] = _accounts[(who + i) % _accounts.length];
        uint256[] memory held = new uint256[](accounts.length);
        for (uint256 i = 0; i < accounts.length; ++i) held[i] = token.balanceOf(accounts[i]);
        if (several) {
            splitter.claimMany(accounts);
        } else {
            (bool done, ) = address(splitter).call(abi.encodeCall(splitter.claim, (accounts[0])));
            require(done == (_credit[accounts[0]] != 0), "pays exactly where something is credited");
        }
        for (uint256 i = 0; i < accounts.length; ++i) {
            require(token.balanceOf(accounts[i]) == held[i] + _credit[accounts[i]], "arrived");
            _credit[accounts[i]] = 0;
        }
    }

    function donate(uint64 amount) external {
        token.transfer(address(splitter), amount);
        _donated += amount;
    }

    function announce(uint256 seed) external {
        vm.warp(_now);
        _noteAllFinal();
        bytes memory call = abi.encodeCall(splitter.announceRates, (_rates(seed)));
        (bool done, bytes memory answer) = treasury.act(address(splitter), call);
        require(done, "announce");
        uint256 epoch = abi.decode(answer, (uint256));
        require(epoch * 28 days >= _now + 4 days && (epoch - 1) * 28 days < _now + 4 days, "first epoch after notice");
        require(_hash(splitter.ratesAt(epoch)) == _hash(_rates(seed)), "announced");
    }

    function announceTooMuch(uint256 seed, uint8 party) external {
        vm.warp(_now);
        FeeRates memory rates = _rates(seed);
        if (party % 5 == 0) rates.model = 2_001 + uint16(seed % 1_000);
        if (party % 5 == 1) rates.stakers = 1_501 + uint16(seed % 1_000);
        if (party % 5 == 2) rates.treasury = 1_001 + uint16(seed % 1_000);
        if (party % 5 == 3) rates.settler = 201 + uint16(seed % 1_000);
        if (party % 5 == 4) rates.node += 1;
        else rates.node = uint16(WHOLE - rates.model - rates.stakers - rates.treasury - rates.settler);
        (bool done, ) = treasury.act(address(splitter), abi.encodeCall(splitter.announceRates, (rates)));
        require(!done, "beyond the caps");
    }

    function withdraw() external {
        vm.warp(_now);
        _noteAllFinal();
        PendingRates[] memory pending = splitter.pendingRates();
        bool open = pending.length != 0 && !pending[pending.length - 1].isFinal;
        (bool done, ) = treasury.act(address(splitter), abi.encodeCall(splitter.withdrawRates, ()));
        require(done == open, "withdraws exactly what can be withdrawn");
    }

    // ------------------------------------------------------------------------------------------ what must follow

    function check() external {
        vm.warp(_now);
        uint256 owed = 0;
        for (uint256 i = 0; i < _accounts.length; ++i) {
            require(splitter.credit(_accounts[i]) == _credit[_accounts[i]], "credit");
            owed += _credit[_accounts[i]];
        }
        for (uint256 i = 0; i < VERSIONS; ++i) {
            require(splitter.modelBalance(_versions[i]) == _balance[_versions[i]], "balance");
            owed += _balance[_versions[i]];
        }
        require(token.balanceOf(address(splitter)) == owed + _donated, "holds what it owes, to the wei");
        require(token.balanceOf(address(staking)) == _stakers, "stakers");
        require(token.allowance(address(splitter), address(staking)) == 0, "allowance");
        _noteAllFinal();
        PendingRates[] memory pending = splitter.pendingRates();
        require(pending.length <= 2, "pending");
        for (uint256 i = 0; i < pending.length; ++i) {
            require(pending[i].startsAt > _now, "in effect");
            require(pending[i].isFinal == (pending[i].startsAt < _now + 4 days), "final");
        }
    }

    function _owe(address account, uint256 amount) private returns (uint256) {
        _credit[account] += amount;
        return amount;
    }

    function _noteAllFinal() private {
        for (uint256 epoch = START / 28 days; epoch * 28 days < _now + 4 days; ++epoch) _noteFinal(epoch);
    }

    /// @dev The caps hold for every epoch, and what was final is as it was.
    function _noteFinal(uint256 epoch) private {
        FeeRates memory rates = splitter.ratesAt(epoch);
        require(
            rates.model <= 2_000 && rates.stakers <= 1_500 && rates.treasury <= 1_000 && rates.settler <= 200,
            "caps"
        );
        require(
            uint256(rates.node) + rates.model + rates.stakers + rates.treasury + rates.settler == WHOLE,
            "rates are whole"
        );
        if (_final[epoch] == 0) _final[epoch] = _hash(rates);
        require(_final[epoch] == _hash(rates), "changed after its notice began");
    }

    function _hash(FeeRates memory rates) private pure returns (bytes32) {
        return keccak256(abi.encode(rates));
    }
}

/// @notice Whatever the order of calls, no wei is lost or made, and rates keep to caps and notice. [R8][R9][R10]
contract FeeSplitterInvariantTest {
    FeeHandler private handler;

    function setUp() external {
        handler = new FeeHandler();
    }

    /// @notice Where calls go; a name the runner asks for.
    function targetContracts() external view returns (address[] memory targets) {
        targets = new address[](1);
        targets[0] = address(handler);
    }

    /// @notice Which of its functions; a name the runner asks for.
    function targetSelectors() external view returns (FuzzSelector[] memory selected) {
        selected = new FuzzSelector[](1);
        bytes4[] memory each = new bytes4[](8);
        (each[0], each[1], each[2]) = (FeeHandler.wait.selector, FeeHandler.pay.selector, FeeHandler.claim.selector);
        (each[3], each[4]) = (FeeHandler.distribute.selector, FeeHandler.donate.selector);
        (each[5], each[6]) = (FeeHandler.announce.selector, FeeHandler.withdraw.selector);
        each[7] = FeeHandler.announceTooMuch.selector;
        selected[0] = FuzzSelector(address(handler), each);
    }

    /// @notice Credits, balances, holdings and rates are what a plain account says.
    function invariant_books() external {
        handler.check();
    }

    struct FuzzSelector {
        address addr;
        bytes4[] selectors;
    }
}

/// @notice Shares, lineages, notice and inboxes with generated amounts, rates and moments.
contract FeeSplitterTest is FeeWorld {
    /// @notice Shares are the rates rounded down, the node has the rest, and together they are the fee.
    function testFuzz_sharesSumToTheFee(uint128 amount, uint64 seed, bool settled) external {
        FeeRates memory rates = _rates(seed);
        FeeShares memory s = _splitter(rates).sharesOf(amount, block.timestamp / 28 days, settled);
        require(s.node + s.model + s.stakers + s.treasury + s.settler == amount, "sum");
        _rounded(s.model, amount, rates.model);
        _rounded(s.stakers, amount, rates.stakers);
        _rounded(s.treasury, amount, rates.treasury);
        _rounded(s.settler, amount, settled ? rates.settler : 0);
        require(s.node * WHOLE >= uint256(amount) * rates.node, "node");
        uint256 most = uint256(amount) * (rates.node + (settled ? 0 : rates.settler)) + 4 * WHOLE;
        require(s.node * WHOLE < most || amount == 0, "dust");
    }

    /// @notice A fee of any amount leaves exactly what it brought: with accounts, the version and staking.
    function testFuzz_payingLosesNothing(uint256 amount, uint64 seed, uint160 settler) external {
        amount = 1 + (amount % token.SUPPLY());
        FeeSplitter made = _splitter(_rates(seed));
        bytes32 modelId = models.register(_version(_lineage(0, 0, 0)));
        address to = address(settler);
        made.pay(nodeIds[0], modelId, to, 0, amount);
        uint256 owed = made.credit(operators[0]) + made.modelBalance(modelId) + made.credit(address(treasury));
        if (to != operators[0] && to != address(treasury)) owed += made.credit(to);
        require(owed == token.balanceOf(address(made)), "owed");
        require(owed + token.balanceOf(address(staking)) == amount, "whole");
        require(made.credit(address(0)) == 0, "nobody");
    }

    /// @notice A lineage is taken exactly where it keeps to the rules, and divides to the wei.
    function testFuzz_lineages(uint256 seed, uint8 parents, uint8 contributors, uint128 amount) external {
        Lineage memory declared = _lineage(uint16(seed % 10_100), parents % 6, contributors % 19);
        bool sound = declared.parents.length <= 4 && declared.contributors.length <= 16 && declared.royalty <= WHOLE;
        uint256 sum = 0;
        for (uint256 i = 0; i < declared.parents.length; ++i) {
            uint256 each = uint256(keccak256(abi.encode(seed, "parent", i)));
            uint16 asks = uint16(each % 1_500);
            bytes32 parent = models.register(_version(_lineage(asks, 0, 0)));
            uint16 gives = each % 7 == 0 ? uint16((each >> 32) % 1_500) : asks;
            if (gives < asks) sound = false;
            declared.parents[i] = ModelParent(parent, gives);
            sum += gives;
        }
        for (uint256 i = 0; i < declared.contributors.length; ++i) {
            uint256 each = uint256(keccak256(abi.encode(seed, "contributor", i)));
            uint160 account = each % 97 == 0 ? 0xACC0 : uint160(0xACC0 + i);
            if (i != 0 && account == 0xACC0) sound = false;
            declared.contributors[i] = ModelContributor(address(account), uint16((each >> 32) % 900));
            sum += declared.contributors[i].bps;
        }
        if (sum > WHOLE) sound = false;
        ModelVersion memory version = _version(declared);
        (bool done, bytes memory answer) = address(models).call(abi.encodeCall(models.register, (version)));
        require(done == sound, "taken exactly where sound");
        if (!done) return;
        bytes32 modelId = abi.decode(answer, (bytes32));
        (, uint256 depth, Lineage memory found) = models.lineage(modelId);
        require(keccak256(abi.encode(found)) == keccak256(abi.encode(declared)), "kept as declared");
        require(depth == (declared.parents.length == 0 ? 0 : 1), "depth");
        _divides(modelId, declared, uint256(amount) % token.SUPPLY());
    }

    function _divides(bytes32 modelId, Lineage memory declared, uint256 fee) private {
        splitter.pay(nodeIds[0], modelId, address(0), 0, fee + 100);
        uint256 amount = splitter.modelBalance(modelId);
        require(splitter.distributeModel(modelId) == amount, "amount");
        uint256 rest = amount;
        for (uint256 i = 0; i < declared.contributors.length; ++i) {
            uint256 share = splitter.credit(declared.contributors[i].account);
            _rounded(share, amount, declared.contributors[i].bps);
            rest -= share;
        }
        for (uint256 i = 0; i < declared.parents.length; ++i) {
            uint256 share = splitter.modelBalance(declared.parents[i].modelId);
            _rounded(share, amount, declared.parents[i].bps);
            rest -= share;
        }
        require(splitter.credit(address(this)) == rest, "owner");
    }

    /// @notice At whatever moment rates are announced, the first epoch that starts four days later has them, not one
    /// before.
    function testFuzz_notice(uint40 moment, uint64 seed) external {
        vm.warp(moment);
        (, bytes memory answer) = treasury.act(
            address(splitter),
            abi.encodeCall(splitter.announceRates, (_rates(seed)))
        );
        uint256 epoch = abi.decode(answer, (uint256));
        require(epoch * 28 days >= uint256(moment) + 4 days, "too soon");
        require((epoch - 1) * 28 days < uint256(moment) + 4 days, "too late");
        require(splitter.ratesAt(epoch - 1).node == 8_000, "before");
        require(splitter.ratesAt(epoch).node == _rates(seed).node, "after");
    }

    /// @notice An inbox of any two ids is where it was said to be and says what it is for; no two share a place.
    function testFuzz_inboxes(bytes32 nodeId, bytes32 modelId, bytes32 other) external {
        FeeInboxes inboxes = new FeeInboxes(splitter);
        address inbox = inboxes.inboxOf(nodeId, modelId);
        require(inboxes.create(nodeId, modelId) == inbox && inbox.code.length != 0, "place");
        (bytes32 node, bytes32 model) = FeeInbox(inbox).pays();
        require(node == nodeId && model == modelId, "ids");
        require(other == modelId || inboxes.inboxOf(nodeId, other) != inbox, "shared with a version");
        require(other == nodeId || inboxes.inboxOf(other, modelId) != inbox, "shared with a node");
    }

    function _rounded(uint256 share, uint256 amount, uint256 bps) private pure {
        require(share * WHOLE <= amount * bps && amount * bps < (share + 1) * WHOLE, "rounded down");
    }
}
