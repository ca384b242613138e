/**
 * Builds the subgraph of a network (`npm run subgraph:build -- base`, `local` without a name), and prints the deployment
 * id of the build: the name that The Graph gives to exactly this schema, these mappings and these addresses. Whoever
 * builds the same sources gets the same id, so an index can be held against the source it claims to run.
 *
 * `--check` builds every network that networks.json has addresses of and fails where an id is not the pinned one;
 * `--pin` writes the ids to deployments.json instead.
 */
import { readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { cidOf } from "./cid.ts";
import { readNetworks, renderManifest, ManifestError, type SubgraphNetwork } from "./manifest.ts";
import { cliYaml, graph, install, ROOT, SubgraphToolError } from "./run.ts";

interface Mapping {
  abis: { file: unknown }[];
  file: unknown;
}
interface BuiltManifest {
  schema: { file: unknown };
  dataSources: { mapping: Mapping }[];
  templates: { mapping: Mapping }[];
}

/** Id of what is in `build/`: graph-cli's manifest with every file named by its address, hashed as graph-cli writes it. */
function deploymentId(): string {
  const yaml = cliYaml();
  const build = join(ROOT, "build");
  const manifest = yaml.load(readFileSync(join(build, "subgraph.yaml"), "utf8")) as BuiltManifest;
  const named = (file: unknown): object => ({ "/": `/ipfs/${cidOf(readFileSync(join(build, String(file))))}` });
  manifest.schema.file = named(manifest.schema.file);
  for (const { mapping } of [...manifest.dataSources, ...manifest.templates]) {
    for (const abi of mapping.abis) abi.file = named(abi.file);
    mapping.file = named(mapping.file);
  }
  return cidOf(Buffer.from(yaml.dump(manifest, { noRefs: true, sortKeys: true })));
}

/** Builds a network into `build/`. */
export function build(network: SubgraphNetwork): string {
  install();
  writeFileSync(join(ROOT, "subgraph.yaml"), renderManifest(network));
  for (const folder of ["build", "generated"]) rmSync(join(ROOT, folder), { recursive: true, force: true });
  graph("codegen");
  graph("build");
  return deploymentId();
}

/** Ids of all networks with addresses; null for those that nothing is deployed on. */
function ids(networks: Record<string, SubgraphNetwork>): Record<string, string | null> {
  const found: Record<string, string | null> = {};
  // The local one last: what stays in build/ has every contract, and is what the tests run.
  const order = Object.entries(networks).sort(([a], [b]) => Number(a === "local") - Number(b === "local"));
  for (const name of Object.keys(networks)) found[name] = null;
  for (const [name, network] of order)
    found[name] = Object.keys(network.contracts).length === 0 ? null : build(network);
  return found;
}

function main(args: readonly string[]): void {
  const networks = readNetworks();
  const file = join(ROOT, "deployments.json");
  if (args.includes("--pin")) {
    writeFileSync(file, JSON.stringify(ids(networks), null, 2) + "\n");
    return;
  }
  if (args.includes("--check")) {
    const pinned = JSON.parse(readFileSync(file, "utf8")) as Record<string, string | null>;
    for (const [name, id] of Object.entries(ids(networks))) {
      const ok = pinned[name] === id;
      console.log(
        `${ok ? "ok    " : "FAILED"} ${name}: ${id ?? "nothing deployed"}${ok ? "" : `, pinned ${pinned[name]}`}`,
      );
      if (!ok) process.exitCode = 1;
    }
    if (process.exitCode === 1) console.error("Way out, where the change is meant: npm run subgraph:build -- --pin");
    return;
  }
  const name = args[0] ?? "local";
  const network = networks[name];
  if (network === undefined) throw new ManifestError(`networks.json has no ${name}`);
  console.log(`${name}: ${build(network)}`);
}

if (process.argv[1] !== undefined && import.meta.filename === process.argv[1]) {
  try {
    main(process.argv.slice(2));
  } catch (problem) {
    if (!(problem instanceof ManifestError || problem instanceof SubgraphToolError)) throw problem;
    console.error(problem.message);
    process.exitCode = 1;
  }
}
