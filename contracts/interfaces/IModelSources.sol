// SPDX-License-Identifier: MIT
pragma solidity ^0.8.24;

/// @notice Data that somebody lets models be trained on, as its owner declares it.
/// @param contentHash Commitment to the data, for whoever is shown it; a salted one where it could be guessed.
/// @param uri Where the data or its description is to be found, at most {IModelSources-MAX_SOURCE_URI} bytes.
/// @param terms What it may be used for: an SPDX identifier or the URI of a licence; 1 to
/// {IModelSources-MAX_LICENCE} bytes.
struct DataSource {
    bytes32 contentHash;
    string uri;
    string terms;
}

/// @notice A source that a model version was made with, as the version's owner declares it.
/// @param sourceId A registered source.
/// @param required True if the version may not be used without its consent: its settlements end with it.
struct ModelSource {
    bytes32 sourceId;
    bool required;
}

/// @notice A source as it stands. Consent ends new uses; it cannot undo training that happened.
/// @param owner Who may withdraw consent.
/// @param pendingOwner To whom it was offered; zero for nobody.
/// @param withdrawnFrom Unix seconds from which consent is withdrawn, perhaps to come; `type(uint256).max` for never.
/// @param number Sources are counted from 1.
struct SourceState {
    address owner;
    address pendingOwner;
    uint256 withdrawnFrom;
    uint256 number;
}

/// @notice A source of a version and its consent. Consent ends new uses; it cannot undo training that happened.
/// @param withdrawnFrom Unix seconds from which consent is withdrawn, perhaps to come; `type(uint256).max` for never.
struct SourceUse {
    bytes32 sourceId;
    bool required;
    uint256 withdrawnFrom;
}

/// @notice What withdrawn consent means for a version. All moments are unix seconds, perhaps to come, and
/// `type(uint256).max` for never. A version that contains withdrawn data was trained on it and remains so: withdrawal
/// cannot undo past training.
/// @param contains True if consent of any source of its own or of an ancestor, required or not, is withdrawn now.
/// @param derivable True if new versions may name it as a parent: no required source of it or of an ancestor was
/// withdrawn, nor is its withdrawal announced.
/// @param ownFrom From when a source of its own is withdrawn.
/// @param inheritedFrom From when a source of an ancestor is withdrawn.
/// @param blockedFrom From when a source is withdrawn that it declares as required: what settles from then on does not
/// count. Sources of ancestors block their own versions only.
struct WithdrawnData {
    bool contains;
    bool derivable;
    uint256 ownFrom;
    uint256 inheritedFrom;
    uint256 blockedFrom;
}

/// @title IModelSources
/// @notice Data sources with consent that can be withdrawn, and what versions declare of them.
///
/// **What withdrawal does.** New versions that declare the source, or derive from one that requires it, are refused from
/// the announcement on. {CONSENT_NOTICE} later, settlements of versions that declare it as required no longer count
/// (R10); versions that derive from one that declares it are marked as containing withdrawn data.
///
/// **What it cannot do.** It does not undo training: whatever was trained on the data still is, wherever its weights are.
/// What settled before stays settled, and fees that were paid stay paid. {consentLimits} says so to whoever reads any of
/// these views.
///
/// **Whose word it is.** A source is what its owner says it is, and a version declares what its owner admits: nothing
/// here finds out what a model was trained on. Whoever declares a source as required puts the version's future
/// settlements into the hands of that source's owner, with {CONSENT_NOTICE} to find another.
///
/// @dev Consent belongs to the source's owner alone: nobody else can withdraw it, bring it back or hand the source on,
/// governance neither. Whether a moment is before or after a withdrawal never changes once that moment has passed: a
/// withdrawal lies {CONSENT_NOTICE} ahead when it is announced, and can be cancelled until it takes effect only. So
/// what a receipt reads as in this respect is final in the block it settles in.
interface IModelSources {
    /// @notice A source was registered.
    /// @param number How many there are now.
    event SourceRegistered(
        bytes32 indexed sourceId,
        address indexed owner,
        uint256 number,
        bytes32 contentHash,
        string uri,
        string terms
    );
    /// @notice A source was offered to somebody; to nobody where `pendingOwner` is zero.
    event SourceOffered(bytes32 indexed sourceId, address indexed owner, address indexed pendingOwner);
    /// @notice A source has another owner.
    event SourceTransferred(bytes32 indexed sourceId, address indexed previousOwner, address indexed owner);
    /// @notice Consent is withdrawn from `withdrawnFrom` on. Training that happened is not undone by it.
    event ConsentWithdrawn(bytes32 indexed sourceId, address indexed owner, uint256 withdrawnFrom);
    /// @notice A withdrawal was cancelled before it took effect.
    event WithdrawalCancelled(bytes32 indexed sourceId, address indexed owner);
    /// @notice A version was registered that declares a licence or sources. Versions that declare neither emit nothing.
    event DataDeclared(bytes32 indexed modelId, string licence, ModelSource[] sources);

    /// @notice No such source.
    error ModelSources_UnknownSource(bytes32 sourceId);
    /// @notice This source exists, perhaps with its consent withdrawn; one with other terms is another source.
    error ModelSources_AlreadyRegistered(bytes32 sourceId);
    /// @notice A source needs a commitment to its content.
    error ModelSources_EmptyContent();
    /// @notice A source needs terms.
    error ModelSources_EmptyTerms();
    /// @notice A text is longer than allowed; both in bytes.
    error ModelSources_TooLong(uint256 length, uint256 most);
    /// @notice The source is `owner`'s.
    error ModelSources_NotOwner(bytes32 sourceId, address caller, address owner);
    /// @notice The source was not offered to the caller.
    error ModelSources_NotOffered(bytes32 sourceId, address caller);
    /// @notice Consent is withdrawn from `withdrawnFrom` on, which may lie ahead.
    error ModelSources_Withdrawn(bytes32 sourceId, uint256 withdrawnFrom);
    /// @notice There is no withdrawal that could be cancelled.
    error ModelSources_NotWithdrawn(bytes32 sourceId);
    /// @notice More sources than {MAX_SOURCES}.
    error ModelSources_TooManySources(uint256 count);
    /// @notice A version names a source twice.
    error ModelSources_DuplicateSource(bytes32 sourceId);

    /// @notice Registers data and consents to its use under its terms; the caller is its owner. Open to anyone: that
    /// the data is the caller's to consent to is the caller's word.
    /// @return sourceId See {sourceIdOf}.
    function registerSource(DataSource calldata declared) external returns (bytes32 sourceId);

    /// @notice Offers a source to somebody, who has to accept; to the zero address to take an offer back. Owner only.
    function offerSource(bytes32 sourceId, address to) external;

    /// @notice Takes a source over that was offered to the caller, with whatever was announced of its consent.
    function acceptSource(bytes32 sourceId) external;

    /// @notice Withdraws consent, {CONSENT_NOTICE} from now; refused to new versions at once. Owner only, and for ever
    /// once in effect: whoever consents again registers another source. It cannot undo past training.
    /// @return withdrawnFrom Unix seconds.
    function withdrawConsent(bytes32 sourceId) external returns (uint256 withdrawnFrom);

    /// @notice Takes a withdrawal back that is not in effect yet. Owner only.
    function cancelWithdrawal(bytes32 sourceId) external;

    /// @notice A source as it stands and as it was declared. Where consent is withdrawn, past training is not undone.
    function source(bytes32 sourceId) external view returns (SourceState memory state, DataSource memory declared);

    /// @notice keccak256(abi.encode(chainId, this registry, registering owner, contentHash, keccak256(bytes(uri)),
    /// keccak256(bytes(terms)))). It stays when the source changes hands.
    function sourceIdOf(address owner, DataSource calldata declared) external view returns (bytes32);

    /// @notice How many sources there are.
    function sourceCount() external view returns (uint256);

    /// @notice Licence and sources of a version, with their consent as it stands. Where consent is withdrawn, the
    /// version was trained on that data all the same.
    /// @return licence SPDX identifier or URI of the version's licence; empty where none was declared.
    function dataOf(bytes32 modelId) external view returns (string memory licence, SourceUse[] memory sources);

    /// @notice From when consent of a required source of a version is withdrawn: what settles from then on does not
    /// count. Unix seconds, perhaps to come; `type(uint256).max` for never, and for what is no version. What was
    /// trained before, and what settled before, is not undone.
    function blockedFrom(bytes32 modelId) external view returns (uint256);

    /// @notice What cannot be promised, in words, for whoever shows one of these views to people: withdrawal cannot
    /// undo past training.
    function consentLimits() external pure returns (string memory);

    /// @notice Between the announcement of a withdrawal and its effect: 4 days (R10).
    function CONSENT_NOTICE() external view returns (uint256);

    /// @notice Most sources of a version: 8.
    function MAX_SOURCES() external view returns (uint256);

    /// @notice Most bytes of a licence, and of a source's terms: 128.
    function MAX_LICENCE() external view returns (uint256);

    /// @notice Most bytes of a source's URI: 256.
    function MAX_SOURCE_URI() external view returns (uint256);
}
