// SPDX-License-Identifier: MIT
pragma solidity ^0.8.24;

/// @title IProofVerifier
/// @notice One proof system behind one door. A model version pins its verifier for ever (R10): a new proof
/// system, or a repaired verifier, serves new model versions only.
/// @dev What a proof's signals mean belongs to the verifier, so a later verifier may cover several receipts with
/// one proof. The settlement registry asks for `hashes` first, computes the receipt ids from them, then `verify`.
///
/// A verifier tells three things apart, because a registry skips a bad item but must never be made to skip a good
/// one by a caller who sends too little gas (R2): it returns false for a proof that does not hold, reverts with its
/// own error for evidence it cannot read, and reverts with {ProofVerifier_OutOfGas} where it could not finish.
interface IProofVerifier {
    /// @notice Gas ran short before the check was complete: nothing is known about the evidence.
    error ProofVerifier_OutOfGas();

    /// @notice The receipt fields that follow from the evidence alone, one of each a receipt.
    /// @param modelId The model version whose key and signal layout apply.
    /// @param evidence Proofs and signals in the verifier's own format.
    /// @return inputHashes What each proof says was asked.
    /// @return outputHashes What each proof says was answered.
    function hashes(
        bytes32 modelId,
        bytes calldata evidence
    ) external view returns (bytes32[] memory inputHashes, bytes32[] memory outputHashes);

    /// @notice True if every receipt is covered by a valid proof that is bound to it.
    /// @param modelId The model version whose key applies.
    /// @param receiptIds EIP-712 digests of the receipts, in the order of the evidence.
    /// @param evidence The same bytes that were given to {hashes}.
    function verify(
        bytes32 modelId,
        bytes32[] calldata receiptIds,
        bytes calldata evidence
    ) external view returns (bool);

    /// @notice Which receipts have a proof that does not hold. For people and relayers, not for settlement: it
    /// checks the proofs one by one.
    /// @return indexes Places of the bad proofs, ascending; empty if all hold.
    function invalidProofs(
        bytes32 modelId,
        bytes32[] calldata receiptIds,
        bytes calldata evidence
    ) external view returns (uint256[] memory indexes);

    /// @notice Reverts with the verifier's own reason unless `key` is a verifying key that it can stand behind.
    /// @param key The key in the verifier's own format.
    function requireValidKey(bytes calldata key) external view;
}
