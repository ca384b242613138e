// SPDX-License-Identifier: MIT
import { Contract, ZeroHash, getBytes, hexlify } from "ethers";
import { keyId as keyIdOf, KeyKind, type Hex } from "../protocol/index.ts";
import { readDocument } from "./document.ts";
import {
  attestationEvidence,
  cacheCertificates,
  RegistrationError,
  sendStep,
  settled,
  type Journal,
  type Payer,
  type Progress,
} from "./registration.ts";

const ABI = [
  "function attestationVerifier() view returns (address)",
  "function registrationUserData(bytes32 nodeId) view returns (bytes32)",
  "function keyState(bytes32 keyId) view returns (tuple(uint256 kind, uint256 validFrom, uint256 validUntil, uint256 distrustedFrom, uint256 frozenUntil, bytes32 nodeId))",
  "error EnclaveRegistry_StaleAttestation(uint64 issuedAt)",
  "function admit(bytes32 nodeId, bytes attestation, uint64 validUntil) returns (bytes32)",
];
/** The registry's MAX_KEY_LIFE, less a minute for what its clock and ours differ. */
const LONGEST_LIFE = 90 * 86_400 - 60;
/** How long a chain may take to reach the moment of a document. */
const CHAIN_BEHIND_MS = 120_000;
const POLL_MS = 500;
const BY_LENGTH: Readonly<Record<number, number>> = { 64: KeyKind.ENCLAVE_SECP256K1, 294: KeyKind.ENCLAVE_RSA };

/** An enclave's key that shall answer for a node. */
export interface EnclaveRegistration {
  /** `EnclaveRegistry`; it names the contract that verifies. */
  readonly registry: string;
  /** The node's operator, whose word admitting is. */
  readonly operator: Payer;
  readonly nodeId: string;
  readonly keyId: string;
  /** Asks the enclave for a document over its key and this user data. Not asked if the registry has the key. */
  readonly attest: (userData: Uint8Array) => Promise<Uint8Array>;
  /** How long the key shall live; 90 days at most, and by default. */
  readonly lifeSeconds?: number;
  readonly journal: Journal;
  readonly report?: (progress: Progress | KeyProgress) => void;
}

/** What is told of the key itself, behind its certificates. */
export interface KeyProgress {
  readonly keyId: string;
  readonly step: "known" | "sent" | "admitted";
  readonly transaction?: string;
  readonly gasUsed?: bigint;
}

/**
 * Makes a registry know an enclave's key: a document from the enclave, a transaction for each certificate that the
 * chain does not know, and one that admits the key. For a node's process to call at every start: a key that is known
 * costs one call, and after a crash the next run goes on where the last one stopped, with a fresh document.
 *
 * @throws {RegistrationError} where a step does not succeed, the key has ended or is another node's, the enclave's
 * document is for something else, or the chain's clock stays behind it; the contract's own error where it refuses.
 */
export async function registerEnclave(wish: EnclaveRegistration): Promise<void> {
  const { operator, nodeId, keyId, journal, report = () => undefined } = wish;
  const registry = new Contract(wish.registry, ABI, operator);
  const ask = (name: string, ...values: string[]): Promise<string> => registry.getFunction(name)(...values);

  await settled(journal, operator, keyId);
  if (await isAdmitted(registry, wish)) return report({ keyId, step: "known" });

  const userData = await ask("registrationUserData", nodeId);
  const document = await wish.attest(getBytes(userData));
  const { timestamp } = requireFor(document, keyId, userData);
  await cacheCertificates(await ask("attestationVerifier"), operator, document, journal, report);
  await admit(wish, registry, attestationEvidence(document), Math.floor(timestamp / 1000));
}

/** Sends the last step; waits where the chain's clock is behind the enclave's, as it admits nothing from its future. */
async function admit(wish: EnclaveRegistration, registry: Contract, evidence: string, madeAt: number): Promise<void> {
  const { operator, nodeId, keyId, journal, report = () => undefined } = wish;
  const life = Math.min(wish.lifeSeconds ?? LONGEST_LIFE, LONGEST_LIFE);
  const deadline = Date.now() + CHAIN_BEHIND_MS;
  for (;;) {
    const now = await chainTime(operator);
    try {
      const done = await sendStep(journal, keyId, registry, "admit", [nodeId, evidence, now + life], (transaction) =>
        report({ keyId, step: "sent", transaction }),
      );
      return report({ keyId, step: "admitted", ...done });
    } catch (error) {
      const { data } = error as { data?: string };
      const reason = data === undefined ? null : registry.interface.parseError(data);
      if (reason?.name !== "EnclaveRegistry_StaleAttestation" || now >= madeAt) throw error;
      if (Date.now() > deadline)
        throw new RegistrationError("chain_behind", `The chain's clock, ${now}, stays behind ${madeAt}`, error);
    }
    await new Promise((resolve) => setTimeout(resolve, POLL_MS));
  }
}

/** Id of the key that a document binds. */
export function documentKeyId(document: Uint8Array): Hex {
  const { publicKey } = readDocument(document);
  const kind = BY_LENGTH[publicKey.length];
  if (kind === undefined)
    throw new RegistrationError("wrong_document", `The document binds a key of ${publicKey.length} bytes`);
  return keyIdOf(kind, publicKey);
}

/** One line of what is told, for a log or a terminal. */
export function progressLine(progress: Progress | KeyProgress): string {
  const what =
    "index" in progress
      ? `certificate ${progress.index + 1} of ${progress.total} ${progress.certificate}`
      : `key ${progress.keyId}`;
  const where = progress.transaction ? ` in ${progress.transaction}` : "";
  return `${what} ${progress.step}${where}${progress.gasUsed ? `, ${progress.gasUsed} gas` : ""}`;
}

async function isAdmitted(registry: Contract, { operator, nodeId, keyId }: EnclaveRegistration): Promise<boolean> {
  const known = (await registry.getFunction("keyState")(keyId)) as { validUntil: bigint; nodeId: string };
  if (known.nodeId === ZeroHash) return false;
  if (known.nodeId !== nodeId) throw new RegistrationError("wrong_key", `Key ${keyId} is of node ${known.nodeId}`);
  if (known.validUntil < (await chainTime(operator)))
    throw new RegistrationError("wrong_key", `Key ${keyId} ended at ${known.validUntil} for ever: make a new one`);
  return true;
}

async function chainTime({ provider }: Payer): Promise<number> {
  return (await provider!.getBlock("latest"))!.timestamp;
}

function requireFor(document: Uint8Array, keyId: string, userData: string): { timestamp: number } {
  const found = documentKeyId(document);
  if (found !== keyId) throw new RegistrationError("wrong_document", `The document binds key ${found}, not ${keyId}`);
  const read = readDocument(document);
  if (hexlify(read.userData) !== userData)
    throw new RegistrationError("wrong_document", `The document's user data is not ${userData}: another registration`);
  return read;
}
