// SPDX-License-Identifier: GPL-3.0-or-later
import { spawnSync } from "node:child_process";
import { createHash } from "node:crypto";
import { existsSync, mkdirSync, readdirSync, readFileSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { join, relative } from "node:path";
import { generateCircuit } from "./generate.ts";
import { definition, MODEL_NAMES, type ModelName } from "./models/definitions.ts";
import { packageFile, ROOT } from "./paths.ts";
import { developmentKey } from "./setup/development.ts";

/** Where built circuits go; nothing in it is committed. */
export const BUILD = join(ROOT, "circuits/build");
/** Where hashes are recorded. */
export const HASHES = join(ROOT, "circuits/hashes.json");
const KEY_SOURCES = ["binary-file", "development", "field", "fixed-base", "r1cs", "verifying-key"];

/** SHA-256 of what a build must give, by model; committed, so that a compiler or a key that changed is noticed. */
export interface BuildHashes {
  readonly r1cs: string;
  readonly wasm: string;
  readonly zkey: string;
  readonly verificationKey: string;
}

/** A build that failed, or gave something else than what is recorded; `code` is stable. */
export class BuildError extends Error {
  readonly code: "compiler_failed" | "hash_mismatch";

  constructor(code: BuildError["code"], message: string) {
    super(message);
    this.name = "BuildError";
    this.code = code;
  }
}

/** The files of one built circuit. */
export function buildFiles(name: ModelName, folder = join(BUILD, name)): Record<keyof BuildHashes, string> {
  return {
    r1cs: join(folder, `${name}.r1cs`),
    wasm: join(folder, `${name}.wasm`),
    zkey: join(folder, `${name}.zkey`),
    verificationKey: join(folder, "verification-key.json"),
  };
}

/** The committed hashes. */
export function recordedHashes(): Partial<Record<ModelName, BuildHashes>> {
  return existsSync(HASHES) ? (JSON.parse(readFileSync(HASHES, "utf8")) as Record<ModelName, BuildHashes>) : {};
}

/** Hashes of the files in a folder, or undefined where one is missing. */
export function hashBuild(name: ModelName, folder?: string): BuildHashes | undefined {
  const files = Object.entries(buildFiles(name, folder));
  if (!files.every(([, path]) => existsSync(path))) return undefined;
  return Object.fromEntries(files.map(([key, path]) => [key, sha256(readFileSync(path))])) as unknown as BuildHashes;
}

/** Names the sources and tools of a build: while it stays the same there is nothing to do. */
export function buildStamp(name: ModelName): string {
  const hash = createHash("sha256").update(generateCircuit(definition(name)));
  for (const file of readdirSync(join(ROOT, "circuits/templates")).sort()) {
    hash.update(file).update(readFileSync(join(ROOT, "circuits/templates", file)));
  }
  for (const file of KEY_SOURCES) hash.update(readFileSync(join(ROOT, `circuits/setup/${file}.ts`)));
  for (const tool of ["circom2", "circomlib", "ffjavascript"]) {
    hash.update((JSON.parse(readFileSync(packageFile(tool, "package.json"), "utf8")) as { version: string }).version);
  }
  return hash.digest("hex");
}

/**
 * Compiles a circuit and makes its development key, unless both are up to date.
 *
 * @returns whether there was something to do.
 * @throws BuildError where the outcome differs from circuits/hashes.json; `update` records it instead.
 */
export async function buildCircuit(name: ModelName, update = false): Promise<boolean> {
  const folder = join(BUILD, name);
  const stampFile = join(folder, "stamp.json");
  const sources = buildStamp(name);
  const present = hashBuild(name);
  // A damaged or swapped file is built again; only what a build itself gives is held against the record.
  if (present !== undefined && existsSync(stampFile) && readFileSync(stampFile, "utf8") === stamp(sources, present)) {
    checkHashes(name, present, update);
    return false;
  }

  // Built aside and then moved, so that an interrupted or a concurrent build leaves no half folder behind.
  const aside = join(BUILD, `.${name}-${process.pid}`);
  rmSync(aside, { recursive: true, force: true });
  mkdirSync(aside, { recursive: true });
  try {
    compile(name, aside);
    const files = buildFiles(name, aside);
    const { zkey, verificationKey } = await developmentKey(readFileSync(files.r1cs));
    writeFileSync(files.zkey, zkey);
    writeFileSync(files.verificationKey, `${JSON.stringify(verificationKey, null, 1)}\n`);
    const built = hashBuild(name, aside)!;
    checkHashes(name, built, update);
    writeFileSync(join(aside, "stamp.json"), stamp(sources, built));
    rmSync(folder, { recursive: true, force: true });
    try {
      renameSync(aside, folder);
    } catch (error) {
      // Another process built the same meanwhile: its files are as good.
      if (JSON.stringify(hashBuild(name)) !== JSON.stringify(built)) throw error;
    }
  } finally {
    rmSync(aside, { recursive: true, force: true });
  }
  return true;
}

/** What a finished build leaves beside its files. */
function stamp(sources: string, files: BuildHashes): string {
  return `${JSON.stringify({ sources, files }, null, 2)}\n`;
}

/** circom resolves no `../`, so it runs from the root with the include folders named. */
function compile(name: ModelName, folder: string): void {
  const source = join(folder, `${name}.circom`);
  writeFileSync(source, generateCircuit(definition(name)));
  const compiler = packageFile("circom2", "cli.js");
  const output = relative(ROOT, folder);
  const options = ["--r1cs", "--wasm", "--O2", "-l", "circuits", "-l", "node_modules", "-o", output];
  const { status, stdout, stderr } = spawnSync(process.execPath, [compiler, relative(ROOT, source), ...options], {
    cwd: ROOT,
    encoding: "utf8",
  });
  if (status !== 0 || !existsSync(buildFiles(name, folder).r1cs)) {
    throw new BuildError("compiler_failed", `circom failed on ${name}:\n${stdout}${stderr}`);
  }
  renameSync(join(folder, `${name}_js`, `${name}.wasm`), buildFiles(name, folder).wasm);
  rmSync(join(folder, `${name}_js`), { recursive: true });
}

function checkHashes(name: ModelName, found: BuildHashes, update: boolean): void {
  const recorded = recordedHashes();
  const expected = recorded[name];
  const differing = (Object.keys(found) as (keyof BuildHashes)[]).filter((key) => found[key] !== expected?.[key]);
  if (differing.length === 0) return;
  if (!update) {
    throw new BuildError(
      "hash_mismatch",
      `The build of ${name} differs from circuits/hashes.json in ${differing.join(", ")}. Where weights, templates or ` +
        "tools were changed on purpose, record the new hashes with `npm run circuits -- --update`; otherwise find out what changed",
    );
  }
  const sorted = Object.fromEntries(MODEL_NAMES.map((key) => [key, key === name ? found : recorded[key]]));
  writeFileSync(HASHES, `${JSON.stringify(sorted, null, 2)}\n`);
}

function sha256(bytes: Uint8Array): string {
  return createHash("sha256").update(bytes).digest("hex");
}

if (process.argv[1] === import.meta.filename) {
  const update = process.argv.includes("--update");
  try {
    for (const name of MODEL_NAMES) {
      const start = performance.now();
      const built = await buildCircuit(name, update);
      console.log(`${name}: ${built ? "built" : "up to date"} in ${((performance.now() - start) / 1000).toFixed(1)} s`);
    }
  } catch (error) {
    if (!(error instanceof BuildError)) throw error;
    console.error(error.message);
    process.exitCode = 1;
  }
}
