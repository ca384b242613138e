// SPDX-License-Identifier: MIT
import { readFile, rename, writeFile } from "node:fs/promises";
import { Contract, concat, keccak256, toBeHex, type Provider, type Signer } from "ethers";
import { certificateSignature, documentSignature, readCertificate, readDocument } from "./document.ts";
import { signatureHints } from "./signature-hints.ts";

/** Where certificates of a document stand. */
export type CertificateStep = "cached" | "sent" | "verified";

/** What is told while certificates are being verified. */
export interface Progress {
  /** Place in the chain, 0 for the root. */
  readonly index: number;
  readonly total: number;
  /** keccak256 of the certificate. */
  readonly certificate: string;
  readonly step: CertificateStep;
  readonly transaction?: string;
  readonly gasUsed?: bigint;
}

/** Somebody who pays for transactions, with a connection to a chain. */
export type Payer = Signer & { provider: Provider | null };

/** What the last run sent and has not seen mined: certificate or key to transaction hash. */
export interface Journal {
  read(): Promise<Record<string, string>>;
  write(entries: Record<string, string>): Promise<void>;
}

/** A journal in a file, replaced as a whole so that a crash leaves the old or the new one. */
export function fileJournal(path: string): Journal {
  return {
    async read() {
      const text = await readFile(path, "utf8").catch((error: NodeJS.ErrnoException) => {
        if (error.code === "ENOENT") return "{}";
        throw error;
      });
      return JSON.parse(text) as Record<string, string>;
    },
    async write(entries) {
      await writeFile(`${path}.new`, JSON.stringify(entries));
      await rename(`${path}.new`, path);
    },
  };
}

/** Why a registration stopped. Each may be tried again; what was done stays done. */
export type RegistrationProblem = "step_failed" | "wrong_key" | "wrong_document" | "chain_behind";

/** A step did not succeed; the enclave cannot be used until it does. */
export class RegistrationError extends Error {
  override readonly name = "RegistrationError";
  readonly code: RegistrationProblem;

  constructor(code: RegistrationProblem, message: string, cause?: unknown) {
    super(message, { cause });
    this.code = code;
  }
}

const ABI = [
  "function rootFingerprint() view returns (bytes32)",
  "function rootCertificate() view returns (bytes32)",
  "function cacheRoot(bytes root) returns (bytes32)",
  "function cacheCertificate(bytes parent, bytes certificate, bytes hints) returns (bytes32)",
  "function certificateOf(bytes32) view returns (tuple(uint8 role, uint40 notBefore, uint40 notAfter, uint8 pathLength, bytes32 parent))",
];

/** Gas a step is sent with above its estimate, which walks over calldata prices exactly. */
const GAS_MARGIN = 20_000n;
/** Blocks between polls of a sent transaction are the provider's affair; this bounds the wait in milliseconds. */
const WAIT_MS = 180_000;

/**
 * Makes the chain know every certificate of a document, the root first, one transaction each. What the chain knows is
 * skipped, and what an earlier run sent is waited for before anything is sent again: it may be stopped at any moment
 * and run again.
 */
export async function cacheCertificates(
  attestation: string,
  signer: Payer,
  document: Uint8Array,
  journal: Journal,
  report: (progress: Progress) => void = () => undefined,
): Promise<void> {
  const { certificates } = readDocument(document);
  const contract = new Contract(attestation, ABI, signer);
  for (const [index, der] of certificates.entries()) {
    const certificate = keccak256(der);
    const parent = index === 0 ? undefined : certificates[index - 1]!;
    const tell = (step: CertificateStep, more: Partial<Progress> = {}): void =>
      report({ index, total: certificates.length, certificate, step, ...more });

    await settled(journal, signer, certificate);
    if (await isCached(contract, certificate, parent)) {
      tell("cached");
      continue;
    }
    const { name, values } = stepCall(der, parent);
    const done = await sendStep(journal, certificate, contract, name, values, (transaction) =>
      tell("sent", { transaction }),
    );
    tell("verified", done);
  }
}

/** Sends one step and waits for it; what it is for stands in the journal meanwhile. */
export async function sendStep(
  journal: Journal,
  target: string,
  contract: Contract,
  name: string,
  values: unknown[],
  onSent: (transaction: string) => void,
): Promise<{ transaction: string; gasUsed: bigint }> {
  const call = contract.getFunction(name);
  const gasLimit = (await call.estimateGas(...values)) + GAS_MARGIN;
  const sent = await call.send(...values, { gasLimit });
  await journal.write({ ...(await journal.read()), [target]: sent.hash });
  onSent(sent.hash);
  const receipt = await sent.wait(1, WAIT_MS).catch((cause: Error) => {
    throw new RegistrationError("step_failed", `${name} did not succeed in ${sent.hash}: ${cause.message}`, cause);
  });
  const { [target]: _, ...others } = await journal.read();
  await journal.write(others);
  return { transaction: sent.hash, gasUsed: receipt!.gasUsed };
}

/** Waits for what an earlier run sent, unless the network has forgotten it. */
export async function settled(journal: Journal, payer: Payer, target: string): Promise<void> {
  const hash = (await journal.read())[target];
  const known = hash && (await payer.provider?.getTransaction(hash));
  if (known) await known.wait(1, WAIT_MS).catch(() => undefined);
}

/** What `admit` takes: uint16 length ‖ document ‖ hints for its signature. */
export function attestationEvidence(document: Uint8Array): string {
  const hints = signatureHints(documentSignature(readDocument(document)));
  return concat([toBeHex(document.length, 2), document, hints]);
}

function stepCall(der: Uint8Array, parent: Uint8Array | undefined): { name: string; values: Uint8Array[] } {
  if (!parent) return { name: "cacheRoot", values: [der] };
  const hints = signatureHints(certificateSignature(readCertificate(der), readCertificate(parent)));
  return { name: "cacheCertificate", values: [parent, der, hints] };
}

async function isCached(contract: Contract, certificate: string, parent: Uint8Array | undefined): Promise<boolean> {
  if (!parent) return (await contract.getFunction("rootCertificate")()) === certificate;
  const known = (await contract.getFunction("certificateOf")(certificate)) as { role: bigint; parent: string };
  return known.role !== 0n && known.parent === keccak256(parent);
}
