// SPDX-License-Identifier: MIT
pragma solidity 0.8.34;

import {EvidenceRules} from "../../contracts/inference/EvidenceRules.sol";
import {IEnclaveRegistry} from "../../contracts/interfaces/IEnclaveRegistry.sol";
import {Ancestor, Lineage, ModelParent} from "../../contracts/interfaces/IModelLineage.sol";
import {IModelRegistry, ModelVersion} from "../../contracts/interfaces/IModelRegistry.sol";
import {DataSource, ModelSource, WithdrawnData} from "../../contracts/interfaces/IModelSources.sol";
import {INodeRegistry} from "../../contracts/interfaces/INodeRegistry.sol";
import {Reason} from "../../contracts/interfaces/InferenceTypes.sol";
import {ModelRegistry} from "../../contracts/registry/ModelRegistry.sol";
import {vm} from "./Vm.sol";

/// @notice Sources, versions of random lineage and withdrawals in any order, beside a plain account of what must
/// follow. The handler is everybody in one: owner of sources and versions, and governance.
contract ConsentHandler is EvidenceRules {
    uint256 private constant NEVER = type(uint256).max;
    uint256 private constant NOTICE = 4 days;

    struct Version {
        bytes32 id;
        uint256 depth;
        uint256 distrustedFrom;
        uint256[] parents;
        uint256[] sources;
        bool[] required;
    }

    /// @dev What was read of a version when a moment was now.
    struct Sample {
        uint256 version;
        uint256 moment;
        bool blocked;
    }

    ModelRegistry private immutable MODELS;
    /// @notice Calls so far: what the test asks about next follows from it.
    uint256 public turn;
    uint256 private _now = 1_800_000_000;
    bytes32[] private _ids;
    uint256[] private _withdrawnFrom;
    Version[] private _versions;
    Sample[] private _samples;

    constructor() EvidenceRules(INodeRegistry(address(1)), IEnclaveRegistry(address(2)), IModelRegistry(address(3))) {
        vm.warp(_now);
        MODELS = new ModelRegistry(address(this), address(this), new bytes32[](0));
        for (uint256 i = 0; i < 3; ++i) addSource();
        register(0);
    }

    function wait(uint24 time) external {
        _now += time;
        _tick();
    }

    function addSource() public {
        if (_ids.length == 12) return;
        _tick();
        _ids.push(MODELS.registerSource(DataSource(bytes32(_ids.length + 1), "", "terms")));
        _withdrawnFrom.push(NEVER);
    }

    function withdraw(uint256 which) external {
        _tick();
        which %= _ids.length;
        (bool done, ) = address(MODELS).call(abi.encodeCall(MODELS.withdrawConsent, (_ids[which])));
        require(done == (_withdrawnFrom[which] == NEVER), "withdrawn once");
        if (done) _withdrawnFrom[which] = _now + NOTICE;
    }

    function cancel(uint256 which) external {
        _tick();
        which %= _ids.length;
        (bool done, ) = address(MODELS).call(abi.encodeCall(MODELS.cancelWithdrawal, (_ids[which])));
        require(done == (_withdrawnFrom[which] != NEVER && _now < _withdrawnFrom[which]), "until it is in effect");
        if (done) _withdrawnFrom[which] = NEVER;
    }

    function distrust(uint256 which, uint24 ago) external {
        _tick();
        Version storage version = _versions[which % _versions.length];
        if (version.distrustedFrom <= _now - ago) return;
        MODELS.distrust(version.id, uint64(_now - ago));
        version.distrustedFrom = _now - ago;
    }

    /// @notice A version of up to three parents and up to eight sources; taken exactly where none of it is withdrawn.
    function register(uint256 seed) public {
        if (_versions.length == 16) return;
        _tick();
        Version storage version = _versions.push();
        version.distrustedFrom = NEVER;
        _draw(version, seed);
        (Lineage memory lineage, ModelSource[] memory sources, bool sound) = _declare(version);
        (bool done, bytes memory answer) = address(MODELS).call(
            abi.encodeCall(
                MODELS.register,
                (
                    ModelVersion({
                        contentHash: bytes32(_versions.length),
                        uri: "",
                        modes: 5,
                        verifier: address(0),
                        verifyingKey: "",
                        signals: "",
                        lineage: lineage,
                        licence: seed % 3 == 0 ? "MIT" : "",
                        sources: sources
                    })
                )
            )
        );
        require(done == sound, "taken exactly where consent stands");
        if (done) version.id = abi.decode(answer, (bytes32));
        else _versions.pop();
    }

    /// @notice Notes what one version reads as now.
    function sample(uint256 which) external {
        _tick();
        which %= _versions.length;
        if (_samples.length == 12) return;
        _samples.push(Sample(which, _now, MODELS.blockedFrom(_versions[which].id) <= _now));
    }

    /// @notice What the registry says of one version, and of every moment that was noted.
    function check(uint256 which) external {
        _tick();
        which %= _versions.length;
        Version storage version = _versions[which];
        (uint256 required, uint256 any) = _own(which);
        (uint256 requiredAbove, uint256 anyAbove) = _above(which);
        WithdrawnData memory data = MODELS.withdrawnData(version.id);
        require(data.ownFrom == any && data.inheritedFrom == anyAbove, "marked");
        require(data.blockedFrom == required && MODELS.blockedFrom(version.id) == required, "blocked");
        require(data.contains == (any <= _now || anyAbove <= _now), "contains");
        require(data.derivable == (required == NEVER && requiredAbove == NEVER), "derivable");
        _checkVerdicts(version, required);
        _checkAncestors(which);
        for (uint256 i = 0; i < _samples.length; ++i) {
            bool blocked = MODELS.blockedFrom(_versions[_samples[i].version].id) <= _samples[i].moment;
            require(blocked == _samples[i].blocked, "a moment that passed reads as it read then");
        }
    }

    function _tick() private {
        vm.warp(_now);
        ++turn;
    }

    /// @dev What a receipt reads as, settled around every moment that matters.
    function _checkVerdicts(Version storage version, uint256 required) private view {
        (uint256 own, uint256 verifier) = MODELS.packedModelState(version.id, 0);
        uint256[6] memory moments = [_now, _now + NOTICE, required, required, version.distrustedFrom, _now];
        moments[3] = required == NEVER ? 1 : required - 1;
        moments[5] = version.distrustedFrom == NEVER ? 1 : version.distrustedFrom - 1;
        for (uint256 i = 0; i < 6; ++i) {
            uint256 at = moments[i];
            if (at == NEVER) continue;
            Reason expected =
                at >= version.distrustedFrom
                    ? Reason.ModelDistrusted
                    : at >= required
                        ? Reason.ConsentWithdrawn
                        : Reason.None;
            require(_checkModelAt(own, verifier, at) == expected, "verdict");
        }
        require(_checkModel(own, 0) == Reason.None && _checkModel(own, 1) == Reason.ModelForbidsMode, "modes");
        require(MODELS.modelState(version.id, 0).distrustedFrom == version.distrustedFrom, "distrust alone");
    }

    /// @dev The walk names every way there is, with the right consent at its end.
    function _checkAncestors(uint256 which) private view {
        (Ancestor[] memory found, bool complete) = MODELS.ancestors(_versions[which].id, 84);
        require(complete && found.length == _ways(which), "ways");
        (uint256 required, uint256 any) = (NEVER, NEVER);
        for (uint256 i = 0; i < found.length; ++i) {
            if (found[i].blockedFrom < required) required = found[i].blockedFrom;
            if (found[i].withdrawnFrom < any) any = found[i].withdrawnFrom;
            require(i == 0 || found[i].generation >= found[i - 1].generation, "by generation");
        }
        (uint256 requiredAbove, uint256 anyAbove) = _above(which);
        require(required == requiredAbove && any == anyAbove, "what the walk sees");
    }

    function _draw(Version storage version, uint256 seed) private {
        uint256 others = _versions.length - 1;
        for (uint256 i = 0; i < 3 && others != 0; ++i) {
            uint256 each = uint256(keccak256(abi.encode(seed, "parent", i)));
            if (each % 2 == 0 && !_has(version.parents, (each >> 8) % others))
                version.parents.push((each >> 8) % others);
        }
        for (uint256 i = 0; i < 8; ++i) {
            uint256 each = uint256(keccak256(abi.encode(seed, "source", i)));
            if (each % 4 != 0 || _has(version.sources, (each >> 8) % _ids.length)) continue;
            version.sources.push((each >> 8) % _ids.length);
            version.required.push((each >> 16) % 2 == 0);
        }
    }

    function _declare(
        Version storage version
    ) private returns (Lineage memory lineage, ModelSource[] memory sources, bool sound) {
        sound = true;
        lineage.parents = new ModelParent[](version.parents.length);
        for (uint256 i = 0; i < version.parents.length; ++i) {
            uint256 parent = version.parents[i];
            lineage.parents[i].modelId = _versions[parent].id;
            (uint256 required, ) = _upTo(parent);
            if (required != NEVER || _versions[parent].depth == 3) sound = false;
            if (_versions[parent].depth >= version.depth) version.depth = _versions[parent].depth + 1;
        }
        sources = new ModelSource[](version.sources.length);
        for (uint256 i = 0; i < sources.length; ++i) {
            sources[i] = ModelSource(_ids[version.sources[i]], version.required[i]);
            if (_withdrawnFrom[version.sources[i]] != NEVER) sound = false;
        }
    }

    function _own(uint256 which) private view returns (uint256 required, uint256 any) {
        (required, any) = (NEVER, NEVER);
        Version storage version = _versions[which];
        for (uint256 i = 0; i < version.sources.length; ++i) {
            uint256 from = _withdrawnFrom[version.sources[i]];
            if (from < any) any = from;
            if (version.required[i] && from < required) required = from;
        }
    }

    function _above(uint256 which) private view returns (uint256 required, uint256 any) {
        (required, any) = (NEVER, NEVER);
        for (uint256 i = 0; i < _versions[which].parents.length; ++i) {
            (uint256 requiredThere, uint256 anyThere) = _upTo(_versions[which].parents[i]);
            if (requiredThere < required) required = requiredThere;
            if (anyThere < any) any = anyThere;
        }
    }

    function _upTo(uint256 which) private view returns (uint256 required, uint256 any) {
        (required, any) = _own(which);
        (uint256 requiredAbove, uint256 anyAbove) = _above(which);
        if (requiredAbove < required) required = requiredAbove;
        if (anyAbove < any) any = anyAbove;
    }

    function _ways(uint256 which) private view returns (uint256 ways) {
        for (uint256 i = 0; i < _versions[which].parents.length; ++i) ways += 1 + _ways(_versions[which].parents[i]);
    }

    function _has(uint256[] storage list, uint256 value) private view returns (bool) {
        for (uint256 i = 0; i < list.length; ++i) if (list[i] == value) return true;
        return false;
    }
}

/// @notice Whatever the order of calls, versions are blocked and marked exactly as a plain account has it, and no moment
/// that passed ever reads otherwise. [R4][R10]
contract ModelConsentInvariantTest {
    ConsentHandler private handler;

    function setUp() external {
        handler = new ConsentHandler();
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
        (each[0], each[1]) = (ConsentHandler.wait.selector, ConsentHandler.addSource.selector);
        (each[2], each[3]) = (ConsentHandler.withdraw.selector, ConsentHandler.cancel.selector);
        (each[4], each[5]) = (ConsentHandler.register.selector, ConsentHandler.sample.selector);
        (each[6], each[7]) = (ConsentHandler.distrust.selector, ConsentHandler.check.selector);
        selected[0] = FuzzSelector(address(handler), each);
    }

    /// @notice The versions in turn.
    function invariant_consent() external {
        handler.check(uint256(keccak256(abi.encode(handler.turn()))));
    }

    struct FuzzSelector {
        address addr;
        bytes4[] selectors;
    }
}
