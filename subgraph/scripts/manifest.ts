/**
 * Renders `subgraph.yaml` from `template.yaml`, the ABIs and the addresses of a network: of `networks.json`, or of the
 * record that a deployment wrote.
 */
import { existsSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { parse, stringify } from "yaml";
import { CONTRACTS, mappingOf, TEMPLATES, type IndexedContract } from "../contracts.ts";

/** What `deploy/main.ts` writes, as far as it matters here. */
export interface DeploymentRecord {
  chainId: number;
  /** First block that can hold an event of it; 0 where the record does not say. */
  startBlock?: number;
  contracts: Record<string, string>;
}

/** Where a data source begins. */
export interface SourceAddress {
  address: string;
  startBlock: number;
}

/** A network of `networks.json`. */
export interface SubgraphNetwork {
  /** As graph-node calls the chain. */
  network: string;
  chainId: number;
  contracts: Record<string, SourceAddress>;
}

interface AbiInput {
  name: string;
  type: string;
  indexed?: boolean;
  components?: AbiInput[];
}
interface AbiEvent {
  name: string;
  inputs: AbiInput[];
}

const ROOT = join(import.meta.dirname, "..");

/** A network cannot be rendered. */
export class ManifestError extends Error {
  override readonly name = "ManifestError";
}

/** Reads `networks.json`. */
export function readNetworks(): Record<string, SubgraphNetwork> {
  return JSON.parse(readFileSync(join(ROOT, "networks.json"), "utf8")) as Record<string, SubgraphNetwork>;
}

/** A network with the addresses of a deployment's record. */
export function fromRecord(network: string, record: DeploymentRecord): SubgraphNetwork {
  const contracts: Record<string, SourceAddress> = {};
  for (const { name, records } of CONTRACTS) {
    const address = records.map((key) => record.contracts[key]).find((each) => each !== undefined);
    if (address !== undefined) contracts[name] = { address, startBlock: record.startBlock ?? 0 };
  }
  return { network, chainId: record.chainId, contracts };
}

/** Events of a contract by their ABI. */
export function eventsOf(name: string): AbiEvent[] {
  return JSON.parse(readFileSync(join(ROOT, "abis", `${name}.json`), "utf8")) as AbiEvent[];
}

function typeOf({ type, components = [] }: AbiInput): string {
  return type.startsWith("tuple") ? `(${components.map(typeOf).join(",")})${type.slice("tuple".length)}` : type;
}

/** An event as a manifest names it. */
export function signatureOf({ name, inputs }: AbiEvent): string {
  return `${name}(${inputs.map((input) => (input.indexed ? "indexed " : "") + typeOf(input)).join(",")})`;
}

function dataSource(contract: IndexedContract, network: string, source: Partial<SourceAddress>): object {
  const { name, ignored = {}, receipts = [] } = contract;
  return {
    kind: "ethereum/contract",
    name,
    network,
    source: { abi: name, ...source },
    mapping: {
      kind: "ethereum/events",
      apiVersion: "0.0.9",
      language: "wasm/assemblyscript",
      entities: ["Protocol"],
      abis: [{ name, file: `./abis/${name}.json` }],
      eventHandlers: eventsOf(name)
        .filter((event) => ignored[event.name] === undefined)
        .map((event) => ({
          event: signatureOf(event),
          handler: `handle${event.name}`,
          ...(receipts.includes(event.name) ? { receipt: true } : {}),
        })),
      file: `./src/${mappingOf(name)}`,
    },
  };
}

/**
 * The manifest of a network.
 * @throws ManifestError where the network has no addresses.
 */
export function renderManifest(network: SubgraphNetwork): string {
  const sources = CONTRACTS.filter(({ name }) => network.contracts[name] !== undefined);
  if (sources.length === 0)
    throw new ManifestError(
      `Nothing is deployed on ${network.network}: networks.json has no address of it. Way out: --record deployments/${network.chainId}.json`,
    );
  const manifest = parse(readFileSync(join(ROOT, "template.yaml"), "utf8")) as Record<string, unknown>;
  manifest["dataSources"] = sources.map((contract) =>
    dataSource(contract, network.network, network.contracts[contract.name] as SourceAddress),
  );
  manifest["templates"] = TEMPLATES.map((contract) => dataSource(contract, network.network, {}));
  return stringify(manifest, { lineWidth: 0 });
}

/** `[network] [--record FILE] [--as NAME] [--out FILE]`; a record's network is called `--as`. */
function main(args: readonly string[]): void {
  const option = (name: string): string | undefined => {
    const at = args.indexOf(name);
    return at === -1 ? undefined : args[at + 1];
  };
  const name = args[0] === undefined || args[0].startsWith("--") ? "local" : args[0];
  const known = readNetworks()[name];
  if (known === undefined) throw new ManifestError(`networks.json has no ${name}`);
  const record = option("--record");
  if (record !== undefined && !existsSync(record)) throw new ManifestError(`There is no ${record}`);
  const network =
    record === undefined
      ? known
      : fromRecord(option("--as") ?? known.network, JSON.parse(readFileSync(record, "utf8")) as DeploymentRecord);
  writeFileSync(option("--out") ?? join(ROOT, "subgraph.yaml"), renderManifest(network));
}

if (process.argv[1] !== undefined && import.meta.filename === process.argv[1]) {
  try {
    main(process.argv.slice(2));
  } catch (problem) {
    if (!(problem instanceof ManifestError)) throw problem;
    console.error(problem.message);
    process.exitCode = 1;
  }
}
