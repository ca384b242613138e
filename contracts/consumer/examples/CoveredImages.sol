// SPDX-License-Identifier: MIT
pragma solidity ^0.8.24;

import {ERC721} from "@openzeppelin/contracts/token/ERC721/ERC721.sol";
import {Strings} from "@openzeppelin/contracts/utils/Strings.sol";
import {PolicyEntry, UncheckedFunction} from "../../interfaces/IInferencePolicies.sol";
import {IInferenceRegistry} from "../../interfaces/IInferenceRegistry.sol";
import {Artifact, Opening, Verification} from "../../interfaces/InferenceTypes.sol";
import {ArtifactHash, ArtifactKinds} from "../ArtifactHash.sol";
import {Accept, InferenceConsumer, Policies, StatedConsumer} from "../StatedConsumer.sol";

/// @title CoveredImages
/// @notice Mints pictures that a model drew in an attested enclave. An answer is often a text and several images under
/// one output hash; a token is minted for an image in that list and for no other: not for one that came with the answer
/// but is not covered, not for the text's bytes called an image, not under a receipt that commits to its text alone.
///
/// Who asks gets the token, once a request. Whoever shows a picture as this token can be held to it: {isImageOf}.
/// @dev What is trusted: the hardware vendor and the approved image of the enclave, see docs/consuming.md.
contract CoveredImages is ERC721, StatedConsumer {
    using Strings for uint256;

    /// @notice What a token stands for.
    /// @param imageHash keccak256 of the image's bytes.
    /// @param receiptId The receipt that covers it.
    /// @param inputHash What the model was asked, salted.
    /// @param mediaType As the receipt covers it, for example `image/png`.
    struct Picture {
        bytes32 imageHash;
        bytes32 receiptId;
        bytes32 inputHash;
        string mediaType;
    }

    bytes32 public immutable model;
    /// @notice Seconds in which an answer must be minted.
    uint256 public immutable maxAge;

    uint256 public tokenCount;
    mapping(bytes32 requestId => address) public askerOf;
    mapping(uint256 tokenId => Picture) private _pictures;
    string private _base;

    event PictureMinted(uint256 indexed tokenId, bytes32 indexed imageHash, bytes32 indexed receiptId);

    /// @notice The request is another account's.
    error CoveredImages_NotTheAsker(bytes32 requestId, address caller);

    /// @param base Where images are served by hash: `base ‖ 64 hex digits`. It can withhold them and forge none.
    constructor(
        IInferenceRegistry registry,
        bytes32 model_,
        uint256 maxAge_,
        string memory base
    ) ERC721("Covered Images", "COVER") InferenceConsumer(registry) {
        model = model_;
        maxAge = maxAge_;
        _base = base;
    }

    /// @notice Asks for pictures; the token of the answer will be the caller's.
    /// @param inputHash Salted hash of the prompt.
    function ask(bytes32 inputHash) external returns (bytes32 requestId) {
        requestId = _openRequest(inputHash);
        askerOf[requestId] = msg.sender;
    }

    /// @notice Mints one image of the answer to the caller's request.
    /// @param artifacts All that was answered, in its order.
    /// @param imageHash keccak256 of the image that is wanted.
    function mint(
        Opening calldata opening,
        Artifact[] calldata artifacts,
        bytes32 imageHash
    ) external returns (uint256 tokenId) {
        bytes32 requestId = opening.receipt.requestId;
        if (askerOf[requestId] != msg.sender) revert CoveredImages_NotTheAsker(requestId, msg.sender);
        Verification memory verified = _consumeVerified(opening, _statedPolicy().onRequest(requestId));
        uint256 place = ArtifactHash.requireCovered(opening.receipt, artifacts, ArtifactKinds.IMAGE, imageHash);
        tokenId = ++tokenCount;
        _pictures[tokenId] = Picture({
            imageHash: imageHash,
            receiptId: verified.receiptId,
            inputHash: opening.receipt.inputHash,
            mediaType: artifacts[place].mediaType
        });
        emit PictureMinted(tokenId, imageHash, verified.receiptId);
        _safeMint(msg.sender, tokenId);
    }

    /// @notice What a token stands for.
    function picture(uint256 tokenId) external view returns (Picture memory) {
        _requireOwned(tokenId);
        return _pictures[tokenId];
    }

    /// @notice Whether these bytes are the token's picture; for `eth_call`, as pictures are long.
    function isImageOf(uint256 tokenId, bytes calldata image) external view returns (bool) {
        _requireOwned(tokenId);
        return keccak256(image) == _pictures[tokenId].imageHash;
    }

    /// @inheritdoc ERC721
    function tokenURI(uint256 tokenId) public view override returns (string memory) {
        _requireOwned(tokenId);
        return string.concat(_base, uint256(_pictures[tokenId].imageHash).toHexString(32));
    }

    /// @inheritdoc StatedConsumer
    function _policies() internal view override returns (PolicyEntry[] memory entries) {
        entries = new PolicyEntry[](1);
        entries[0] = PolicyEntry(this.mint.selector, Policies.accept(Accept.TEE, model, maxAge).statesRequest());
    }

    /// @inheritdoc StatedConsumer
    function _unchecked() internal pure override returns (UncheckedFunction[] memory list) {
        list = new UncheckedFunction[](6);
        list[0].selector = this.ask.selector;
        list[1].selector = this.approve.selector;
        list[2].selector = this.setApprovalForAll.selector;
        list[3].selector = this.transferFrom.selector;
        list[4].selector = bytes4(keccak256("safeTransferFrom(address,address,uint256)"));
        list[5].selector = bytes4(keccak256("safeTransferFrom(address,address,uint256,bytes)"));
    }
}
