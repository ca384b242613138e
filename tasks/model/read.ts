import { Contract, type Provider } from "ethers";

/** Unix seconds; `null` for never. */
export type Moment = number | null;

export interface SourceReport {
  sourceId: string;
  required: boolean;
  withdrawnFrom: Moment;
  owner: string;
  contentHash: string;
  uri: string;
  terms: string;
}

/** A version that another one names as a parent, with its own parents. */
export interface AncestorReport {
  modelId: string;
  owner: string;
  licence: string;
  /** Basis points of the child's fees that it gets. */
  bps: number;
  /** Basis points that it asks of whoever derives from it. */
  royalty: number;
  withdrawnFrom: Moment;
  blockedFrom: Moment;
  parents: AncestorReport[];
}

/** A model version as a chain has it at one block. */
export interface ModelReport {
  modelId: string;
  /** Time of the block that was read, in seconds. */
  now: number;
  owner: string;
  contentHash: string;
  uri: string;
  modes: string[];
  licence: string;
  sources: SourceReport[];
  containsWithdrawnData: boolean;
  derivable: boolean;
  ownFrom: Moment;
  inheritedFrom: Moment;
  blockedFrom: Moment;
  royalty: number;
  parents: AncestorReport[];
  /** What withdrawal cannot do, in the registry's words. */
  limits: string;
}

const ABI = [
  "function modelState(bytes32,uint8) view returns ((uint256 modes,address verifier,uint256 distrustedFrom,uint256 frozenUntil,uint256 verifierDistrustedFrom,uint256 verifierFrozenUntil) state)",
  "function model(bytes32) view returns (address owner, (bytes32 contentHash,string uri,uint8 modes,address verifier,bytes verifyingKey,string signals,(uint16 royalty,(bytes32 modelId,uint16 bps)[] parents,(address account,uint16 bps)[] contributors) lineage,string licence,(bytes32 sourceId,bool required)[] sources) version)",
  "function dataOf(bytes32) view returns (string licence, (bytes32 sourceId,bool required,uint256 withdrawnFrom)[] sources)",
  "function source(bytes32) view returns ((address owner,address pendingOwner,uint256 withdrawnFrom,uint256 number) state, (bytes32 contentHash,string uri,string terms) declared)",
  "function withdrawnData(bytes32) view returns ((bool contains,bool derivable,uint256 ownFrom,uint256 inheritedFrom,uint256 blockedFrom) data)",
  "function ancestors(bytes32,uint256) view returns ((bytes32 modelId,bytes32 child,uint16 bps,uint8 generation,uint16 royalty,address owner,string licence,uint256 withdrawnFrom,uint256 blockedFrom)[] found, bool complete)",
  "function consentLimits() view returns (string)",
  "function MAX_ANCESTORS() view returns (uint256)",
];
const MODES = ["VANILLA", "ZKML", "TEE"];

interface Entry {
  modelId: string;
  child: string;
  bps: bigint;
  royalty: bigint;
  owner: string;
  licence: string;
  withdrawnFrom: bigint;
  blockedFrom: bigint;
}

/** Never is the largest number there; every other moment of a registry fits into 40 bits. */
const moment = (from: bigint): Moment => (from >= 1n << 40n ? null : Number(from));

/** Reads a version and everything it derives from, all at one block; `null` where there is no such version. */
export async function readModel(provider: Provider, registry: string, modelId: string): Promise<ModelReport | null> {
  const contract = new Contract(registry, ABI, provider);
  const block = (await provider.getBlock("latest"))!;
  const ask = (name: string, ...args: unknown[]) => contract.getFunction(name)(...args, { blockTag: block.number });
  if ((await ask("modelState", modelId, 0)).modes === 0n) return null;
  const [answer, uses, withdrawn, limits, most] = await Promise.all([
    ask("model", modelId),
    ask("dataOf", modelId),
    ask("withdrawnData", modelId),
    ask("consentLimits"),
    ask("MAX_ANCESTORS"),
  ]);
  const { found } = await ask("ancestors", modelId, most);
  const sources = await Promise.all(
    uses.sources.map(async (use: { sourceId: string; required: boolean; withdrawnFrom: bigint }) => {
      const { state, declared } = await ask("source", use.sourceId);
      return {
        ...{ sourceId: use.sourceId, required: use.required, withdrawnFrom: moment(use.withdrawnFrom) },
        ...{ owner: state.owner, contentHash: declared.contentHash, uri: declared.uri, terms: declared.terms },
      } satisfies SourceReport;
    }),
  );
  const { version } = answer;
  return {
    ...{ modelId, now: block.timestamp, owner: answer.owner, contentHash: version.contentHash, uri: version.uri },
    modes: MODES.filter((_, mode) => (Number(version.modes) >> mode) % 2 === 1),
    ...{ licence: version.licence, sources, containsWithdrawnData: withdrawn.contains, derivable: withdrawn.derivable },
    ownFrom: moment(withdrawn.ownFrom),
    inheritedFrom: moment(withdrawn.inheritedFrom),
    blockedFrom: moment(withdrawn.blockedFrom),
    royalty: Number(version.lineage.royalty),
    parents: treeOf(modelId, [...found] as Entry[]),
    limits,
  };
}

/** The parents of a version out of the list of all ways, which has a version's parents as often as it has the version. */
export function treeOf(child: string, entries: readonly Entry[]): AncestorReport[] {
  const parents = new Map(entries.filter((entry) => entry.child === child).map((entry) => [entry.modelId, entry]));
  return [...parents.values()].map((entry) => ({
    ...{ modelId: entry.modelId, owner: entry.owner, licence: entry.licence },
    ...{ bps: Number(entry.bps), royalty: Number(entry.royalty) },
    withdrawnFrom: moment(entry.withdrawnFrom),
    blockedFrom: moment(entry.blockedFrom),
    parents: treeOf(entry.modelId, entries),
  }));
}
