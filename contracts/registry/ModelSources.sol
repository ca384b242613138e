// SPDX-License-Identifier: MIT
pragma solidity 0.8.34;

import {SafeCast} from "@openzeppelin/contracts/utils/math/SafeCast.sol";
import {SSTORE2} from "../verification/SSTORE2.sol";
import {DataSource, IModelSources, ModelSource, SourceState, SourceUse} from "../interfaces/IModelSources.sol";

/// @title ModelSources
/// @notice See {IModelSources}, where every function, event and error is documented.
abstract contract ModelSources is IModelSources {
    /// @inheritdoc IModelSources
    uint256 public constant CONSENT_NOTICE = 4 days;
    /// @inheritdoc IModelSources
    uint256 public constant MAX_SOURCES = 8;
    /// @inheritdoc IModelSources
    uint256 public constant MAX_LICENCE = 128;
    /// @inheritdoc IModelSources
    uint256 public constant MAX_SOURCE_URI = 256;

    /// @dev The moment of a withdrawal that nobody announced.
    uint40 internal constant GIVEN = type(uint40).max;

    /// @dev The lowest bit of each of a version's entries: whether its source is required.
    uint256 private constant REQUIRED = 0x0000000100000001000000010000000100000001000000010000000100000001;
    uint256 private constant ENTRY = 32;

    /// @param withdrawnFrom `GIVEN` while no withdrawal was announced.
    /// @param pointer Where the declaration is kept as code.
    struct Source {
        address owner;
        uint40 withdrawnFrom;
        address pendingOwner;
        address pointer;
        bytes32 sourceId;
    }

    /// @inheritdoc IModelSources
    uint256 public sourceCount;

    mapping(bytes32 sourceId => uint256) private _numbers;
    /// @dev From 1.
    mapping(uint256 number => Source) private _sources;
    /// @dev `number ‖ required` in 32 bits each, the first lowest, so that settlement finds all of a version's sources
    /// with one read.
    mapping(bytes32 modelId => uint256) private _entries;
    mapping(bytes32 modelId => string) private _licences;

    /// @inheritdoc IModelSources
    function registerSource(DataSource calldata declared) external returns (bytes32 sourceId) {
        if (declared.contentHash == 0) revert ModelSources_EmptyContent();
        if (bytes(declared.terms).length == 0) revert ModelSources_EmptyTerms();
        _requireShort(declared.terms, MAX_LICENCE);
        _requireShort(declared.uri, MAX_SOURCE_URI);
        sourceId = sourceIdOf(msg.sender, declared);
        if (_numbers[sourceId] != 0) revert ModelSources_AlreadyRegistered(sourceId);
        uint256 number = ++sourceCount;
        _numbers[sourceId] = number;
        _sources[number] = Source({
            owner: msg.sender,
            withdrawnFrom: GIVEN,
            pendingOwner: address(0),
            pointer: SSTORE2.write(abi.encode(declared)),
            sourceId: sourceId
        });
        emit SourceRegistered(sourceId, msg.sender, number, declared.contentHash, declared.uri, declared.terms);
    }

    /// @inheritdoc IModelSources
    function offerSource(bytes32 sourceId, address to) external {
        _ownedSource(sourceId).pendingOwner = to;
        emit SourceOffered(sourceId, msg.sender, to);
    }

    /// @inheritdoc IModelSources
    function acceptSource(bytes32 sourceId) external {
        Source storage found = _sourceOf(sourceId);
        if (msg.sender != found.pendingOwner) revert ModelSources_NotOffered(sourceId, msg.sender);
        address previous = found.owner;
        found.owner = msg.sender;
        found.pendingOwner = address(0);
        emit SourceTransferred(sourceId, previous, msg.sender);
    }

    /// @inheritdoc IModelSources
    function withdrawConsent(bytes32 sourceId) external returns (uint256 withdrawnFrom) {
        Source storage found = _ownedSource(sourceId);
        if (found.withdrawnFrom != GIVEN) revert ModelSources_Withdrawn(sourceId, found.withdrawnFrom);
        withdrawnFrom = block.timestamp + CONSENT_NOTICE;
        found.withdrawnFrom = uint40(withdrawnFrom);
        emit ConsentWithdrawn(sourceId, msg.sender, withdrawnFrom);
    }

    /// @inheritdoc IModelSources
    function cancelWithdrawal(bytes32 sourceId) external {
        Source storage found = _ownedSource(sourceId);
        uint256 from = found.withdrawnFrom;
        if (from == GIVEN) revert ModelSources_NotWithdrawn(sourceId);
        // From then on receipts were refused: consent that came back would change what they read as.
        if (block.timestamp >= from) revert ModelSources_Withdrawn(sourceId, from);
        found.withdrawnFrom = GIVEN;
        emit WithdrawalCancelled(sourceId, msg.sender);
    }

    /// @inheritdoc IModelSources
    function source(bytes32 sourceId) external view returns (SourceState memory state, DataSource memory declared) {
        Source storage found = _sourceOf(sourceId);
        state = SourceState({
            owner: found.owner,
            pendingOwner: found.pendingOwner,
            withdrawnFrom: _moment(found.withdrawnFrom),
            number: _numbers[sourceId]
        });
        declared = abi.decode(SSTORE2.read(found.pointer), (DataSource));
    }

    /// @inheritdoc IModelSources
    function sourceIdOf(address owner, DataSource calldata declared) public view returns (bytes32) {
        return
            keccak256(
                abi.encode(
                    block.chainid,
                    address(this),
                    owner,
                    declared.contentHash,
                    keccak256(bytes(declared.uri)),
                    keccak256(bytes(declared.terms))
                )
            );
    }

    /// @inheritdoc IModelSources
    function dataOf(bytes32 modelId) external view returns (string memory licence, SourceUse[] memory sources) {
        _requireOwner(modelId);
        licence = _licences[modelId];
        sources = _uses(modelId);
    }

    /// @inheritdoc IModelSources
    function blockedFrom(bytes32 modelId) external view returns (uint256) {
        return _moment(_consentEnd(modelId));
    }

    /// @inheritdoc IModelSources
    function consentLimits() external pure returns (string memory) {
        return
            "Withdrawing consent stops new versions and, after the notice, new settlements of versions that require the data. It cannot undo past training: models that were trained on the data still are, and what settled before stays. Sources and lineage are declared by their owners; nothing here finds out what a model was trained on.";
    }

    /// @dev What a new version declares, checked and as it is kept.
    function _checkSources(ModelSource[] calldata sources) internal view returns (uint256 entries, bool required) {
        uint256 count = sources.length;
        if (count > MAX_SOURCES) revert ModelSources_TooManySources(count);
        for (uint256 i = 0; i < count; ++i) {
            bytes32 sourceId = sources[i].sourceId;
            for (uint256 j = 0; j < i; ++j) {
                if (sources[j].sourceId == sourceId) revert ModelSources_DuplicateSource(sourceId);
            }
            Source storage found = _sourceOf(sourceId);
            if (found.withdrawnFrom != GIVEN) revert ModelSources_Withdrawn(sourceId, found.withdrawnFrom);
            uint256 entry = (_numbers[sourceId] << 1) | (sources[i].required ? 1 : 0);
            entries |= uint256(SafeCast.toUint32(entry)) << (ENTRY * i);
        }
        required = entries & REQUIRED != 0;
    }

    /// @dev Keeps what {_checkSources} passed. Most versions declare nothing and pay for nothing.
    function _declareData(
        bytes32 modelId,
        uint256 entries,
        string calldata licence,
        ModelSource[] calldata sources
    ) internal {
        if (entries == 0 && bytes(licence).length == 0) return;
        _requireShort(licence, MAX_LICENCE);
        if (entries != 0) _entries[modelId] = entries;
        if (bytes(licence).length != 0) _licences[modelId] = licence;
        emit DataDeclared(modelId, licence, sources);
    }

    /// @dev When the consent of a version's required sources ends; `GIVEN` where nobody announced it. At most
    /// `MAX_SOURCES` + 1 reads, and right without anybody's help.
    function _consentEnd(bytes32 modelId) internal view returns (uint40 end) {
        end = GIVEN;
        for (uint256 rest = _entries[modelId]; rest != 0; rest >>= ENTRY) {
            if (rest & 1 == 0) continue;
            uint40 from = _sources[uint32(rest) >> 1].withdrawnFrom;
            if (from < end) end = from;
        }
    }

    /// @dev When the first of a version's sources is withdrawn: of those it requires, and of any.
    function _withdrawals(bytes32 modelId) internal view returns (uint40 required, uint40 any) {
        (required, any) = (GIVEN, GIVEN);
        for (uint256 rest = _entries[modelId]; rest != 0; rest >>= ENTRY) {
            uint40 from = _sources[uint32(rest) >> 1].withdrawnFrom;
            if (from < any) any = from;
            if (rest & 1 != 0 && from < required) required = from;
        }
    }

    function _licenceOf(bytes32 modelId) internal view returns (string memory) {
        return _licences[modelId];
    }

    /// @dev A version's sources as it declared them.
    function _sourcesOf(bytes32 modelId) internal view returns (ModelSource[] memory sources) {
        SourceUse[] memory uses = _uses(modelId);
        sources = new ModelSource[](uses.length);
        for (uint256 i = 0; i < uses.length; ++i) sources[i] = ModelSource(uses[i].sourceId, uses[i].required);
    }

    /// @dev To the interface's form, in which never is the largest number.
    function _moment(uint40 moment) internal pure returns (uint256) {
        return moment == GIVEN ? type(uint256).max : moment;
    }

    /// @dev Reverts where there is no such version.
    function _requireOwner(bytes32 modelId) internal view virtual returns (address);

    function _uses(bytes32 modelId) private view returns (SourceUse[] memory uses) {
        uint256 entries = _entries[modelId];
        uint256 count = 0;
        while (count < MAX_SOURCES && entries >> (ENTRY * count) != 0) ++count;
        uses = new SourceUse[](count);
        for (uint256 i = 0; i < count; ++i) {
            uint256 entry = uint32(entries >> (ENTRY * i));
            Source storage found = _sources[entry >> 1];
            uses[i] = SourceUse(found.sourceId, entry & 1 != 0, _moment(found.withdrawnFrom));
        }
    }

    function _sourceOf(bytes32 sourceId) private view returns (Source storage found) {
        uint256 number = _numbers[sourceId];
        if (number == 0) revert ModelSources_UnknownSource(sourceId);
        return _sources[number];
    }

    function _ownedSource(bytes32 sourceId) private view returns (Source storage found) {
        found = _sourceOf(sourceId);
        if (msg.sender != found.owner) revert ModelSources_NotOwner(sourceId, msg.sender, found.owner);
    }

    function _requireShort(string calldata text, uint256 most) private pure {
        uint256 length = bytes(text).length;
        if (length > most) revert ModelSources_TooLong(length, most);
    }
}
