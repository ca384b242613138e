// SPDX-License-Identifier: MIT
pragma solidity ^0.8.24;

import {IEnclaveRegistry} from "./IEnclaveRegistry.sol";
import {IInferenceRegistry} from "./IInferenceRegistry.sol";
import {Reason} from "./InferenceTypes.sol";

/// @notice What an OpenGradient gateway signs today, and all that it signs.
/// @param requestHash keccak256 of the request as Python's `json.dumps(d, sort_keys=True)` prints it.
/// @param outputHash keccak256 of the answer's text, or of its tool calls as JSON. Of an image: of the empty text.
/// @param timestamp Unix seconds, by the enclave's clock.
struct GatewayAnswer {
    bytes32 requestHash;
    bytes32 outputHash;
    uint256 timestamp;
}

/// @notice An answer with its signature.
/// @param key Which of the public keys of the call it is signed by.
/// @param signature 256 bytes RSASSA-PSS (SHA-256, MGF1-SHA-256, salt 32) over
/// keccak256(abi.encodePacked(requestHash, outputHash, uint256 timestamp)).
struct SignedAnswer {
    GatewayAnswer answer;
    uint256 key;
    bytes signature;
}

/// @notice What a gateway answer does not say, as bits of `AnswerVerification.notCovered`.
library NotCovered {
    /// @notice No model version: a name may stand in the request, and it is the gateway's word.
    uint16 internal constant MODEL = 1 << 0;
    /// @notice Nobody pays for it here.
    uint16 internal constant PAYER = 1 << 1;
    /// @notice No price.
    uint16 internal constant FEE = 1 << 2;
    /// @notice No channel and no place in one.
    uint16 internal constant SEQUENCE = 1 << 3;
    /// @notice No memory that it was computed with.
    uint16 internal constant CONTEXT = 1 << 4;
    /// @notice No verification mode.
    uint16 internal constant MODE = 1 << 5;
    /// @notice No chain and no contract: it settles on every chain where its key is registered.
    uint16 internal constant CHAIN = 1 << 6;
    /// @notice No image and no other attachment: image answers sign the empty text.
    uint16 internal constant IMAGES = 1 << 7;
    /// @notice No count of tokens.
    uint16 internal constant USAGE = 1 << 8;
    /// @notice All of it, of every answer.
    uint16 internal constant ALL = (1 << 9) - 1;
}

/// @notice What the chain knows of a gateway answer (R3).
/// @dev There is no model, payer, fee, sequence, context or mode here, because the gateway signed none.
/// @param verified True if it settled, R4 holds now, and neither key nor image is frozen or distrusted.
/// @param distrusted True if key or image were compromised when it settled.
/// @param frozen True if key or image is frozen now; a freeze lifts by itself.
/// @param emptyOutput True if the signed answer is the empty text. That is what an image answer signs: it tells nothing
/// of any image.
/// @param notCovered What the signature does not cover, by {NotCovered}; of every answer all of it.
/// @param reason The first thing that stands in the way; `None` if verified.
/// @param settledAt Unix seconds of settlement; 0 if not settled.
/// @param requestId keccak256(abi.encode(keyId, message)).
/// @param nodeId The node of the key; zero for unknown keys.
/// @param measurement The image the key was attested in; zero for unknown keys.
struct AnswerVerification {
    bool verified;
    bool distrusted;
    bool frozen;
    bool emptyOutput;
    uint16 notCovered;
    Reason reason;
    uint64 settledAt;
    bytes32 requestId;
    bytes32 nodeId;
    bytes32 measurement;
}

/// @title IGatewayAnswers
/// @notice A ledger for what OpenGradient's gateways sign today, unchanged, kept apart from receipts on purpose: such an
/// answer says what was asked, what was answered and when, and nothing of a model version, a payer, a fee, a sequence, a
/// context, a mode, an image or a chain. It pays for nothing, fulfils no request, is evidence in no dispute, and no
/// consumer's policy accepts it: none of those contracts asks here. The same signature settles on every chain where its
/// key is registered.
/// @dev Nobody holds a power here. Keys and images are distrusted and frozen in {IEnclaveRegistry}; settlement pauses and
/// closes with {IInferenceRegistry}; reading never does.
interface IGatewayAnswers {
    /// @notice An answer settled.
    event AnswerSettled(
        bytes32 indexed requestId,
        bytes32 indexed keyId,
        bytes32 requestHash,
        bytes32 outputHash,
        uint64 timestamp
    );
    /// @notice An item of a call was left out and harmed nothing else (R2). Names its place only (R1).
    event AnswerSkipped(uint256 indexed index, Reason indexed reason);

    /// @notice A registry cannot be the zero address.
    error GatewayAnswers_ZeroAddress();
    /// @notice New settlement is paused until `until`, here as in the inference registry.
    error GatewayAnswers_Paused(uint64 until);
    /// @notice The inference registry closed at `at`, and this with it.
    error GatewayAnswers_Closed(uint64 at);
    /// @notice The public key is not the one that `teeId` names, but the one of `found`.
    error GatewayAnswers_WrongKey(bytes32 teeId, bytes32 found);
    /// @notice The answer does not settle.
    error GatewayAnswers_NotSettled(Reason reason);

    /// @notice Settles answers one by one. Open to anyone (R1); a bad item is skipped with an event (R2); an answer
    /// settles once (R9). Running out of gas inside an item reverts the call.
    /// @param publicKeys DER SubjectPublicKeyInfo of each key that signed some of them.
    /// @return settled How many items settled.
    function settleAnswers(
        bytes[] calldata publicKeys,
        SignedAnswer[] calldata items
    ) external returns (uint256 settled);

    /// @notice Settles one answer from what OpenGradient's own relay takes, and the public key. Reverts where it does not
    /// settle.
    /// @param teeId keccak256(publicKey), as OpenGradient names enclaves.
    /// @param inputHash The `requestHash` of {GatewayAnswer}.
    function settleIndividual(
        bytes32 teeId,
        bytes32 inputHash,
        bytes32 outputHash,
        uint256 timestamp,
        bytes calldata publicKey,
        bytes calldata signature
    ) external returns (bytes32 requestId);

    /// @notice Verified? since when? distrusted or frozen? if not, why not, and what does it not say (R3, R4)?
    /// @param keyId The key, as the enclave registry has it: keccak256(abi.encode(uint8(2), publicKey)).
    function answerVerification(
        bytes32 keyId,
        GatewayAnswer calldata answer
    ) external view returns (AnswerVerification memory);

    /// @notice When an answer settled; 0 if it did not. Settled is not verified: see {answerVerification}.
    function settledAt(bytes32 requestId) external view returns (uint64);

    /// @notice keccak256(abi.encode(keyId, keccak256(abi.encodePacked(requestHash, outputHash, uint256 timestamp)))): the
    /// same on every chain.
    function requestIdOf(bytes32 keyId, GatewayAnswer calldata answer) external pure returns (bytes32);

    /// @notice What governance approves images for that answer here, in the place of a model version
    /// ({IEnclaveRegistry-approveMeasurement}): an attestation says which image runs, not that it deserves belief.
    function APPROVAL() external view returns (bytes32);

    /// @notice Where keys and images are registered.
    function enclaveRegistry() external view returns (IEnclaveRegistry);

    /// @notice Whose pauses and whose end are followed.
    function inferenceRegistry() external view returns (IInferenceRegistry);
}
