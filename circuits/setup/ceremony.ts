// SPDX-License-Identifier: GPL-3.0-or-later
import { createHash, randomBytes } from "node:crypto";
import { createReadStream, existsSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { basename, join } from "node:path";
import { zKey } from "snarkjs";
import { phase1Id, type VerificationKey, verifyingKeyBytes } from "./verifying-key.ts";

/** Why a ceremony cannot go on; `code` is stable. */
export class CeremonyError extends Error {
  readonly code:
    | "already_started"
    | "not_started"
    | "powers_of_tau_mismatch"
    | "setup_failed"
    | "file_changed"
    | "beacon_missing"
    | "beacon_applied"
    | "beacon_invalid"
    | "no_contribution"
    | "verification_failed";

  constructor(code: CeremonyError["code"], message: string) {
    super(message);
    this.name = "CeremonyError";
    this.code = code;
  }
}

/** One step of phase 2. */
export interface Contribution {
  readonly kind: "contribution" | "beacon";
  readonly name: string;
  /** Hash that the contributor publishes, as snarkjs prints it (BLAKE2b-512 of their public key). */
  readonly hash: string;
  /** The key file after the step, and its SHA-256. */
  readonly file: string;
  readonly sha256: string;
  /** Public randomness and its number of hashings as a power of two; beacon only. */
  readonly beacon?: { readonly value: string; readonly power: number };
}

/** ceremony.json: what anyone needs to check the ceremony again. */
export interface CeremonyLog {
  readonly circuit: { readonly file: string; readonly sha256: string };
  readonly powersOfTau: { readonly file: string; readonly hash: string };
  readonly initialKey: { readonly file: string; readonly sha256: string };
  readonly contributions: readonly Contribution[];
  readonly result?: { readonly verifyingKeyBytes: string; readonly phase1Id: string; readonly sha256: string };
}

/**
 * Derives the initial key of a circuit from a public powers-of-tau file.
 *
 * @param expectedHash what the file's publisher states: 64 hex digits are SHA-256, 128 are BLAKE2b-512.
 * @throws CeremonyError where the file is another one, or too small for the circuit.
 */
export async function startCeremony(
  folder: string,
  r1cs: string,
  powersOfTau: string,
  expectedHash: string,
): Promise<CeremonyLog> {
  if (existsSync(logFile(folder))) {
    throw new CeremonyError("already_started", `${folder} already holds a ceremony: choose another folder`);
  }
  await checkPowersOfTau(powersOfTau, expectedHash);
  mkdirSync(folder, { recursive: true });
  const file = keyFile(0);
  const outcome: unknown = await zKey.newZKey(r1cs, powersOfTau, join(folder, file));
  if (!(outcome instanceof Uint8Array)) {
    throw new CeremonyError(
      "setup_failed",
      "snarkjs refused the files: the powers of tau must be of bn128, prepared for phase 2, and large enough for the circuit",
    );
  }
  return writeLog(folder, {
    circuit: { file: basename(r1cs), sha256: await digest(r1cs, "sha256") },
    powersOfTau: { file: basename(powersOfTau), hash: expectedHash.toLowerCase() },
    initialKey: { file, sha256: await digest(join(folder, file), "sha256") },
    contributions: [],
  });
}

/** Adds secret randomness of this machine, which nobody sees and nothing stores. */
export async function contribute(folder: string, name: string): Promise<Contribution> {
  const entropy = randomBytes(64).toString("hex");
  return step(folder, name, "contribution", (from, to) => zKey.contribute(from, to, name, entropy));
}

/**
 * Ends the contributions with randomness that nobody could know before: the value of a public beacon that was named
 * in advance, hashed 2^power times.
 */
export async function applyBeacon(folder: string, name: string, value: string, power: number): Promise<Contribution> {
  if (!/^([0-9a-f]{2}){32,255}$/i.test(value) || !Number.isInteger(power) || power < 10 || power > 63) {
    throw new CeremonyError("beacon_invalid", "A beacon is 32 to 255 bytes in hex, hashed 2^10 to 2^63 times");
  }
  return step(folder, name, "beacon", (from, to) => zKey.beacon(from, to, name, value, power), { value, power });
}

/**
 * Checks the whole chain from circuit and powers of tau to the last key, and writes what a deployment needs:
 * final.zkey, verification-key.json, and the key bytes in the log.
 *
 * @throws CeremonyError where nobody contributed, the beacon is missing, or anything does not verify.
 */
export async function finishCeremony(folder: string, r1cs: string, powersOfTau: string): Promise<CeremonyLog> {
  const log = readLog(folder);
  if (!log.contributions.some(({ kind }) => kind === "contribution")) {
    // A key as it leaves `zkey new` has δ = γ and lets anyone forge; a beacon alone is public randomness.
    throw new CeremonyError("no_contribution", "Nobody contributed to phase 2: this key would let anyone forge proofs");
  }
  if (log.contributions.at(-1)!.kind !== "beacon") {
    throw new CeremonyError(
      "beacon_missing",
      "Apply a beacon last, so that the last contributor could not choose the key",
    );
  }
  await checkPowersOfTau(powersOfTau, log.powersOfTau.hash);
  if ((await digest(r1cs, "sha256")) !== log.circuit.sha256) {
    throw new CeremonyError("file_changed", `${r1cs} is not the circuit that the ceremony began with`);
  }
  const last = await newestKey(folder, log);
  if (!(await zKey.verifyFromR1cs(r1cs, powersOfTau, last))) {
    throw new CeremonyError("verification_failed", `${last} does not follow from the circuit and the powers of tau`);
  }
  const verificationKey = (await zKey.exportVerificationKey(last)) as VerificationKey;
  const result = {
    verifyingKeyBytes: verifyingKeyBytes(verificationKey),
    phase1Id: phase1Id(verificationKey),
    sha256: await digest(last, "sha256"),
  };
  writeFileSync(join(folder, "final.zkey"), readFileSync(last));
  writeFileSync(join(folder, "verification-key.json"), `${JSON.stringify(verificationKey, null, 1)}\n`);
  return writeLog(folder, { ...log, result });
}

/** The log of a ceremony. */
export function readLog(folder: string): CeremonyLog {
  if (!existsSync(logFile(folder))) {
    throw new CeremonyError("not_started", `${logFile(folder)} does not exist: start the ceremony first`);
  }
  return JSON.parse(readFileSync(logFile(folder), "utf8")) as CeremonyLog;
}

async function step(
  folder: string,
  name: string,
  kind: Contribution["kind"],
  run: (from: string, to: string) => Promise<unknown>,
  beacon?: Contribution["beacon"],
): Promise<Contribution> {
  const log = readLog(folder);
  if (log.contributions.at(-1)?.kind === "beacon") {
    throw new CeremonyError("beacon_applied", "The beacon ended the contributions: finish the ceremony");
  }
  const from = await newestKey(folder, log);
  const file = keyFile(log.contributions.length + 1);
  const to = join(folder, file);
  const hash: unknown = await run(from, to);
  if (!(hash instanceof Uint8Array)) throw new CeremonyError("setup_failed", `snarkjs refused the ${kind} to ${from}`);
  const contribution: Contribution = {
    kind,
    name,
    hash: Buffer.from(hash).toString("hex"),
    file,
    sha256: await digest(to, "sha256"),
    ...(beacon === undefined ? {} : { beacon }),
  };
  writeLog(folder, { ...log, contributions: [...log.contributions, contribution] });
  return contribution;
}

/** Path of the latest key, which must be the file that the log knows. */
async function newestKey(folder: string, log: CeremonyLog): Promise<string> {
  const { file, sha256 } = log.contributions.at(-1) ?? log.initialKey;
  const path = join(folder, file);
  if ((await digest(path, "sha256")) !== sha256) {
    throw new CeremonyError("file_changed", `${path} is not the file of the log: fetch it again from its contributor`);
  }
  return path;
}

async function checkPowersOfTau(path: string, expected: string): Promise<void> {
  const algorithm = expected.length === 128 ? "blake2b512" : "sha256";
  const found = await digest(path, algorithm);
  if (found !== expected.toLowerCase()) {
    throw new CeremonyError("powers_of_tau_mismatch", `${algorithm} of ${path} is ${found}, expected ${expected}`);
  }
}

async function digest(path: string, algorithm: "sha256" | "blake2b512"): Promise<string> {
  const hash = createHash(algorithm);
  for await (const chunk of createReadStream(path)) hash.update(chunk as Buffer);
  return hash.digest("hex");
}

function writeLog(folder: string, log: CeremonyLog): CeremonyLog {
  writeFileSync(logFile(folder), `${JSON.stringify(log, null, 2)}\n`);
  return log;
}

const logFile = (folder: string): string => join(folder, "ceremony.json");
const keyFile = (index: number): string => `${String(index).padStart(4, "0")}.zkey`;
