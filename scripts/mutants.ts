/**
 * Breaks the contracts on purpose, one guard at a time, and sees that the fitting test fails. A mutant that lives is a
 * guard that no test holds: exit 1. Arguments are words; only mutants that contain one of them run. With --check it only
 * looks whether every mutant still has its place, which takes no time and is what CI does.
 *
 * Works on the files in place and puts them back, also when it is interrupted.
 */
import { spawnSync } from "node:child_process";
import { readFileSync, writeFileSync } from "node:fs";
import { ECONOMY, type Mutant } from "./mutants-economy.ts";
import { ASKED } from "./mutants-requests.ts";

const RULES = "contracts/inference/EvidenceRules.sol";
const LEDGER = "contracts/inference/InferenceRegistry.sol";
const KEYS = "contracts/registry/KeyRegistry.sol";
const NODES = "contracts/registry/NodeRegistry.sol";
const ENCLAVES = "contracts/registry/EnclaveRegistry.sol";
const BEATS = "contracts/registry/EnclaveHeartbeats.sol";
const GATEWAYS = "contracts/inference/GatewayAnswers.sol";
const PSS = "contracts/verification/RsaPss.sol";
const MODELS = "contracts/registry/ModelRegistry.sol";
const DISTRUST = "contracts/governance/Distrustable.sol";
const SOURCES = "contracts/registry/ModelSources.sol";
const ANCESTRY = "contracts/registry/ModelLineage.sol";
const TREE = "contracts/verification/MerkleTree.sol";
const FORMATS = "contracts/verification/ReceiptLib.sol";
const COMPACT = "contracts/verification/CompactReceipts.sol";

const signed = "test/contracts/signedBatches.test.ts";
const proved = "test/contracts/provedBatches.test.ts";
const single = "test/contracts/singleReceipts.test.ts";
const opening = "test/contracts/opening.test.ts";
const compromise = "test/contracts/compromise.test.ts";
const powers = "test/contracts/boundedPowers.test.ts";
const nodes = "test/contracts/nodeRegistry.test.ts";
const enclaves = "test/contracts/enclaveRegistry.test.ts";
const rotation = "test/contracts/keyRotation.test.ts";
const beats = "test/contracts/enclaveHeartbeats.test.ts";
const gateways = "test/contracts/gatewayAnswers.test.ts";
const rsaKeys = "test/contracts/rsaKeyLimits.test.ts";
const revocation = "test/contracts/enclaveRevocation.test.ts";
const pss = "test/verification/rsaPss.test.ts";
const models = "test/contracts/modelRegistry.test.ts";
const consent = "test/contracts/modelConsent.test.ts";
const sources = "test/contracts/modelSources.test.ts";
const gas = "test/contracts/gasLimits.test.ts";
const rules = "test/solidity/EvidenceRules.t.sol";
const consentInAnyOrder = "test/solidity/ModelConsent.t.sol";
const tree = "test/solidity/MerkleTree.t.sol";
const formats = "test/solidity/Formats.t.sol";
const starved = "test/solidity/GasLimits.t.sol";

const MUTANTS: Mutant[] = [
  [RULES, "completedAt > settledAt + MAX_SKEW", "completedAt >= settledAt + MAX_SKEW", opening],
  [RULES, "settledAt > completedAt + MAX_DELAY", "settledAt >= completedAt + MAX_DELAY", opening],
  [
    RULES,
    "completedAt > uint40(key >> At.KEY_VALID_UNTIL)",
    "completedAt >= uint40(key >> At.KEY_VALID_UNTIL)",
    opening,
  ],
  [
    RULES,
    "completedAt < uint40(key >> At.KEY_VALID_FROM) ||",
    "completedAt <= uint40(key >> At.KEY_VALID_FROM) ||",
    opening,
  ],
  [
    RULES,
    "settledAt >= uint40(found.key >> At.DISTRUSTED_FROM)",
    "settledAt > uint40(found.key >> At.DISTRUSTED_FROM)",
    compromise,
  ],
  [
    RULES,
    "settledAt < uint40(model >> At.DISTRUSTED_FROM)",
    "settledAt <= uint40(model >> At.DISTRUSTED_FROM)",
    compromise,
  ],
  [RULES, "mode == Modes.ZKML && settledAt", "mode == Modes.TEE && settledAt", compromise],
  [RULES, "mode == Modes.TEE && settledAt", "mode == Modes.ZKML && settledAt", compromise],
  [
    RULES,
    "block.timestamp < uint40(found.model >> At.FROZEN_UNTIL)",
    "block.timestamp <= uint40(found.model >> At.FROZEN_UNTIL)",
    compromise,
  ],
  [RULES, "mode == Modes.TEE && block.timestamp", "mode == Modes.VANILLA && block.timestamp", compromise],
  [RULES, "== (mode == Modes.TEE) ? Reason.None : Reason.KeyForbidsMode", "== true ? Reason.None : Reason.None", rules],
  [RULES, "mode == Modes.ZKML ? scheme == OutputSchemes.CIRCUIT : ", "", single],
  [RULES, "completedAt <= uint40(approval >> At.APPROVED_UNTIL)", "true", compromise],
  [RULES, "modes & (1 << mode) == 0 ? Reason.ModelForbidsMode : Reason.None", "Reason.None", single],

  [LEDGER, "if (_settledAt[digest] != 0) return (key, Reason.AlreadySettled);", "", signed],
  [LEDGER, "if (_settledAt[id] != 0) return Reason.AlreadySettled;", "", single],
  [LEDGER, "if (batch.count == 0) return (key, Reason.EmptyBatch);", "", signed],
  [LEDGER, "if (item.batch.mode != Modes.ZKML) (", "if (item.batch.mode != 77) (", signed],
  [LEDGER, "|| recovered != signer) return", ") return", signed],
  [LEDGER, "if (mode > Modes.TEE) return (key, Reason.UnknownMode);", "", signed],
  [
    LEDGER,
    "if (block.timestamp >= uint40(key >> StandingLayout.DISTRUSTED_FROM)) reason = Reason.KeyDistrusted;",
    "",
    signed,
  ],
  [LEDGER, "MerkleTree.rootInPlace(receiptIds) == batch.root ?", "true ?", proved],
  [
    LEDGER,
    "if (item.receipts.length != uint256(batch.count) * CompactReceipts.SIZE) return Reason.CountMismatch;",
    "",
    proved,
  ],
  [LEDGER, "if (inputs.length != item.batch.count || outputs.length != item.batch.count)", "if (false)", proved],
  [LEDGER, "reason = _checkTimes(oldest, block.timestamp, key);", "", proved],
  [LEDGER, "if (reason == Reason.None) reason = _checkTimes(newest, block.timestamp, key);", "", proved],
  [
    LEDGER,
    "return valid ? Reason.None : Reason.InvalidProof;",
    "return valid || true ? Reason.None : Reason.None;",
    proved,
  ],
  [LEDGER, "block.timestamp >= uint40(verifier >> StandingLayout.DISTRUSTED_FROM)", "false", proved],
  [LEDGER, "if (inputs.length != 1 || outputs.length != 1) return Reason.CountMismatch;", "", single],
  [LEDGER, "inputs[0] != receipt.inputHash || ", "", single],
  [LEDGER, " || outputs[0] != receipt.outputHash", "", single],
  [LEDGER, "inputs[0] = id;", "inputs[0] = receipt.requestId;", single],
  [LEDGER, "revert InferenceRegistry_OutOfGas(place);", "return;", gas],
  [LEDGER, "problem.length < 4 || ", "", starved],
  [LEDGER, "if (index >= count) return (0, Reason.IndexOutOfRange);", "", opening],
  [LEDGER, "if (!wellFormed) return (0, Reason.ProofLengthMismatch);", "", opening],
  [LEDGER, "if (root != batch.root) return (0, Reason.NotInBatch);", "", opening],
  [LEDGER, "if (receipt.keyId != batch.keyId) return (settledAt_, Reason.KeyMismatch);", "", opening],
  [LEDGER, "sameMode ? Reason.None : Reason.ModeMismatch", "Reason.None", opening],
  [
    LEDGER,
    "reason = _checkEvidence(receipt, result.settledAt,",
    "reason = _checkEvidence(receipt, block.timestamp,",
    opening,
  ],
  [
    LEDGER,
    "_checkDistrust(found, mode, result.settledAt);",
    "_checkDistrust(found, mode, block.timestamp);",
    compromise,
  ],
  [RULES, "reason = _checkApproval(found.approval, completedAt);", "", opening],
  [LEDGER, "_pauseAgainFrom = until + PAUSE_COOL_DOWN;", "_pauseAgainFrom = until;", powers],
  [
    LEDGER,
    "if (block.timestamp < _pausedUntil) revert InferenceRegistry_Paused",
    "if (block.timestamp <= _pausedUntil) revert InferenceRegistry_Paused",
    powers,
  ],
  [LEDGER, "block.timestamp >= _closesAt) revert", "block.timestamp > _closesAt) revert", powers],
  [LEDGER, "if (_closesAt != 0) revert InferenceRegistry_ClosingAlreadyAnnounced(_closesAt);", "", powers],

  [KEYS, "if (_isEnrolled(keyId)) revert", "if (false) revert", nodes],
  [KEYS, "if (_live[nodeId].length == MAX_LIVE_KEYS) revert", "if (false) revert", nodes],
  [KEYS, "_requireOperatorOfKey(keyId);\n        _distrust(", "_distrust(", compromise],
  [KEYS, "validUntil < block.timestamp || validUntil > _validUntil(keyId)", "validUntil < block.timestamp", nodes],
  [KEYS, "if (_hasStake(nodeId)) revert KeyRegistry_StakeSuffices(nodeId);", "", nodes],
  [KEYS, "if (_validUntil(live[i - 1]) > block.timestamp) {", "if (true) {", nodes],
  [KEYS, "if (state.validFrom == 0) return state;", "", enclaves],
  [NODES, "found.status != NodeStatus.Retired && ", "", nodes],
  [NODES, "if (recovered != signer) revert", "if (false) revert", nodes],
  [NODES, "_requireServes(nodeId);\n        if (!_hasStake", "if (!_hasStake", nodes],
  [NODES, "_removeLive(msg.sender, found.kind, nodeId);", "", nodes],
  [ENCLAVES, "if (seen.userData != expected) revert", "if (false) revert", enclaves],
  [
    ENCLAVES,
    "seen.issuedAt + MAX_ATTESTATION_AGE < block.timestamp",
    "seen.issuedAt + MAX_ATTESTATION_AGE <= block.timestamp",
    enclaves,
  ],
  [ENCLAVES, "if (approval.until != 0) revert EnclaveRegistry_ApprovalWithdrawn(measurement, modelId);", "", enclaves],
  [ENCLAVES, "kind == KeyKinds.ENCLAVE_RSA && RsaPss.isKey(publicKey)", "kind == KeyKinds.ENCLAVE_RSA", rsaKeys],
  [
    ENCLAVES,
    "if (keyState(keyId).distrustedFrom <= at || imageDistrusted)",
    "if (keyState(keyId).distrustedFrom < at || imageDistrusted)",
    rotation,
  ],
  [
    ENCLAVES,
    "block.timestamp >= key.distrustedFrom || block.timestamp < key.frozenUntil",
    "block.timestamp >= key.distrustedFrom",
    rotation,
  ],
  [BEATS, "if (timestamp <= last)", "if (timestamp < last)", beats],
  [BEATS, " && block.timestamp <= key.validUntil;", ";", beats],
  [GATEWAYS, "if (_settledAt[requestId] != 0) return (requestId, Reason.AlreadySettled);", "", gateways],
  [
    GATEWAYS,
    "timestamp < from || timestamp > uint40(signer.approval >> At.APPROVED_UNTIL)",
    "timestamp < from",
    gateways,
  ],
  [GATEWAYS, "_checkDistrust(signer, at)", "_checkDistrust(signer, block.timestamp)", revocation],
  [PSS, "|| !_isBelow(signature, publicKey)", "", pss],
  [PSS, "eq(and(mload(add(encoded, 0xe0)), 0xff), 0xbc)", "1", pss],
  [PSS, "iszero(shr(255, mload(encoded)))", "1", pss],
  [MODELS, "if (!isApprovedVerifier(version.verifier)) revert", "if (false) revert", models],
  [MODELS, "|| _isEnrolled(target)) revert", ") revert", models],
  [MODELS, "if (_isEnrolled(modelId)) revert", "if (false) revert", models],
  [MODELS, "if (end < distrustedFrom) own", "if (end > distrustedFrom) own", consent],
  [SOURCES, "if (rest & 1 == 0) continue;", "", consent],
  [SOURCES, "if (block.timestamp >= from) revert", "if (block.timestamp > from) revert", sources],
  [SOURCES, "if (msg.sender != found.pendingOwner) revert", "if (false) revert", sources],
  [ANCESTRY, "_withdrawalsUpTo(parent);", "_withdrawals(parent);", consentInAnyOrder],
  [ANCESTRY, "sourced: sourced || above", "sourced: sourced", consentInAnyOrder],
  [RULES, "return trusted && model &", "return model &", consent],
  [DISTRUST, "if (state.distrustedFrom <= from) revert", "if (false) revert", compromise],
  [DISTRUST, "if (state.freezeSpent) revert", "if (false) revert", compromise],
  [DISTRUST, "if (from > block.timestamp) revert", "if (false) revert", compromise],

  [
    TREE,
    "mstore8(0x00, 0x00)\n            mstore(0x01, receiptId)",
    "mstore8(0x00, 0x01)\n            mstore(0x01, receiptId)",
    tree,
  ],
  [TREE, "} apart {", "} 1 {", tree],
  [TREE, "wellFormed := eq(at, end)", "wellFormed := iszero(gt(at, end))", tree],
  [TREE, "if and(width, 1) {", "if 0 {", tree],
  [
    FORMATS,
    "or(shr(64, calldataload(add(receipt, 0x140))), shr(8, calldataload(add(receipt, 0x160))))",
    "shr(64, calldataload(add(receipt, 0x140)))",
    formats,
  ],
  [FORMATS, "shr(8, calldataload(add(batch, 0x20))),", "0,", formats],
  [COMPACT, "if lt(completedAt, oldest) {", "if 0 {", formats],
  [COMPACT, "mstore(add(words, 0x180), 1)", "mstore(add(words, 0x180), 0)", formats],
  ...ECONOMY,
  ...ASKED,
];

let restore = () => {};
for (const signal of ["SIGINT", "SIGTERM"] as const)
  process.on(signal, () => {
    restore();
    process.exit(1);
  });

/** True if the test fails; a mutant that does not compile proves nothing, and throws. */
function dies(test: string): boolean {
  const kind = test.endsWith(".sol") ? "solidity" : "mocha";
  const { status, stdout, stderr } = spawnSync("hardhat", ["test", kind, test], { encoding: "utf8" });
  if (`${stdout}${stderr}`.includes("Compilation failed")) throw new Error(`Does not compile:\n${stdout}${stderr}`);
  return status !== 0;
}

// All of them first: a mutant whose text is gone would otherwise be found out after many minutes.
for (const [file, from] of MUTANTS)
  if (readFileSync(file, "utf8").split(from).length !== 2)
    throw new Error(`Not exactly once in ${file} any more: ${from}`);

if (process.argv.includes("--check")) {
  console.log(`${MUTANTS.length} mutants, each with its place in the contracts.`);
  process.exit(0);
}

const wanted = process.argv.slice(2);
const survivors: string[] = [];
for (const [file, from, to, test] of MUTANTS) {
  const name = `${file}: ${from.replaceAll(/\s+/g, " ")} → ${to.replaceAll(/\s+/g, " ") || "nothing"}`;
  if (wanted.length > 0 && !wanted.some((word) => name.includes(word))) continue;
  const source = readFileSync(file, "utf8");
  restore = () => writeFileSync(file, source);
  try {
    writeFileSync(
      file,
      source.replace(from, () => to),
    );
    const killed = dies(test);
    if (!killed) survivors.push(name);
    console.log(`${killed ? "killed  " : "SURVIVED"} ${name}  [${test.split("/").at(-1)}]`);
  } finally {
    restore();
  }
}
console.log(survivors.length === 0 ? "No mutant survived." : `Survived:\n${survivors.join("\n")}`);
process.exit(survivors.length === 0 ? 0 : 1);
