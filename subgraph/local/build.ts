import { spawnSync } from "node:child_process";
import { createHash } from "node:crypto";
import {
  cpSync,
  existsSync,
  globSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  renameSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { delimiter, join } from "node:path";
import { fileURLToPath } from "node:url";
import { parse, stringify } from "yaml";
import { fromRecord, renderManifest } from "../scripts/manifest.ts";

const root = fileURLToPath(new URL("../..", import.meta.url));
const folder = join(root, "subgraph");
/** Name of the local chain in manifests. */
export const NETWORK = "local";

interface Manifest {
  dataSources: { name: string; source: { address: string; startBlock: number } }[];
}

/** What the build depends on. Addresses are not in it: they stand in the manifest only. */
const SOURCES = ["schema.graphql", "template.yaml", "contracts.ts", "package-lock.json", "abis/*.json", "src/**/*.ts"];

/**
 * Compiles the subgraph, once for each state of its sources, and returns the folder: types from the schema, then one
 * WebAssembly module for each mapping.
 */
export function buildSubgraph(): string {
  const hash = createHash("sha256");
  for (const file of SOURCES.flatMap((pattern) => globSync(pattern, { cwd: folder })).sort())
    hash
      .update(file)
      .update("\0")
      .update(readFileSync(join(folder, file)));
  const cache = join(root, ".cache/subgraph");
  const built = join(cache, hash.digest("hex").slice(0, 16));
  if (existsSync(built)) return built;
  mkdirSync(cache, { recursive: true });
  // Built aside and moved in place: whoever builds at the same time finds nothing or all of it.
  const work = mkdtempSync(join(cache, "building-"));
  try {
    for (const part of ["schema.graphql", "abis", "src"])
      cpSync(join(folder, part), join(work, part), { recursive: true });
    // Its compiler looks for graph-ts beside the manifest.
    symlinkSync(join(folder, "node_modules"), join(work, "node_modules"), "dir");
    writeFileSync(join(work, "subgraph.yaml"), renderManifest(fromRecord(NETWORK, everywhere())));
    graph(["codegen", "subgraph.yaml"], work);
    graph(["build", "subgraph.yaml"], work);
    if (!existsSync(built)) renameSync(join(work, "build"), built);
  } finally {
    rmSync(work, { recursive: true, force: true });
  }
  return built;
}

/** A deployment that has every contract, wherever. */
function everywhere() {
  const contracts = new Proxy<Record<string, string>>({}, { get: () => `0x${"01".repeat(20)}` });
  return { chainId: 31337, startBlock: 0, contracts };
}

function graph(args: readonly string[], cwd: string): void {
  const modules = join(folder, "node_modules");
  const cli = join(modules, "@graphprotocol/graph-cli/bin/run.js");
  if (!existsSync(cli)) throw new Error("The subgraph's tools are not installed: run npm ci in subgraph/");
  const run = spawnSync(process.execPath, [cli, ...args], {
    cwd,
    env: { ...process.env, PATH: `${join(modules, ".bin")}${delimiter}${process.env["PATH"]}` },
  });
  if (run.status !== 0) throw new Error(`graph ${args[0]} failed:\n${run.stdout.toString()}${run.stderr.toString()}`);
}

/**
 * Copies a build and gives its manifest the addresses of a deployment, by their names in a deployment's record.
 * @returns the manifest, in a folder of its own
 */
export function placeSubgraph(built: string, contracts: Readonly<Record<string, string>>, startBlock = 0): string {
  const placed = mkdtempSync(join(tmpdir(), "opengradient-subgraph-"));
  cpSync(built, placed, { recursive: true });
  const file = join(placed, "subgraph.yaml");
  const manifest = parse(readFileSync(file, "utf8")) as Manifest;
  const at = fromRecord(NETWORK, { chainId: 31337, startBlock, contracts: { ...contracts } }).contracts;
  manifest.dataSources = manifest.dataSources.flatMap((source) => {
    const place = at[source.name];
    return place ? [{ ...source, source: { ...source.source, ...place } }] : [];
  });
  if (manifest.dataSources.length === 0) throw new Error("None of the subgraph's contracts is in this deployment.");
  writeFileSync(file, stringify(manifest, { lineWidth: 0 }));
  return file;
}
