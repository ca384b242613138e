/**
 * The contracts that the subgraph follows: where their ABIs come from, under which name a deployment's record has them,
 * and which of their events nobody needs an index of.
 */

/** One contract of the subgraph; `name` is its data source, its ABI and, in lower case at the front, its mapping file. */
export interface IndexedContract {
  /** Name of the contract. */
  readonly name: string;
  /** Its artifact, below `artifacts/contracts`. */
  readonly artifact: string;
  /** Under which name `deployments/<chainId>.json` has its address; the first that is there counts. None for a template. */
  readonly records: readonly string[];
  /** Events whose handler reads the transaction's receipt. */
  readonly receipts?: readonly string[];
  /** Events without a handler, and why. */
  readonly ignored?: Readonly<Record<string, string>>;
}

const DOMAIN = { EIP712DomainChanged: "never emitted: no domain here changes" } as const;
const APPROVAL = { Approval: "an allowance moves nothing; wallets read it from the token" } as const;

/** In the order of the manifest. */
export const CONTRACTS: readonly IndexedContract[] = [
  {
    name: "InferenceRegistry",
    artifact: "inference/InferenceRegistry",
    records: ["inferenceRegistry"],
    receipts: ["BatchSettled", "ReceiptSettled"],
    ignored: DOMAIN,
  },
  { name: "NodeRegistry", artifact: "registry/NodeRegistry", records: ["nodeRegistry"], ignored: DOMAIN },
  { name: "EnclaveRegistry", artifact: "registry/EnclaveRegistry", records: ["enclaveRegistry"], ignored: DOMAIN },
  {
    name: "EnclaveHeartbeats",
    artifact: "registry/EnclaveHeartbeats",
    records: ["enclaveHeartbeats"],
    ignored: DOMAIN,
  },
  { name: "NitroAttestation", artifact: "attestation/NitroAttestation", records: ["attestationVerifier"] },
  { name: "ModelRegistry", artifact: "registry/ModelRegistry", records: ["modelRegistry"] },
  { name: "MemoryRegistry", artifact: "registry/MemoryRegistry", records: ["memoryRegistry"] },
  { name: "GatewayAnswers", artifact: "inference/GatewayAnswers", records: ["gatewayAnswers"] },
  { name: "InferenceRequests", artifact: "inference/InferenceRequests", records: ["inferenceRequests"] },
  { name: "InferenceEscrow", artifact: "opg/InferenceEscrow", records: ["escrow"], ignored: DOMAIN },
  { name: "FeeSplitter", artifact: "opg/FeeSplitter", records: ["feeSplitter"] },
  { name: "FeeInboxes", artifact: "opg/FeeInboxes", records: ["feeInboxes"] },
  { name: "OPGStaking", artifact: "staking/OPGStaking", records: ["staking"] },
  { name: "Disputes", artifact: "staking/Disputes", records: ["disputes"] },
  {
    name: "OPGToken",
    artifact: "opg/OPGToken",
    // Where OPG lives already, the votes over it are the token that this deployment made.
    records: ["token", "votes"],
    ignored: { ...DOMAIN, ...APPROVAL },
  },
  { name: "OPGGenesis", artifact: "opg/OPGGenesis", records: ["genesis"] },
  { name: "OPGVesting", artifact: "opg/OPGVesting", records: ["vesting"] },
  { name: "OPGGovernor", artifact: "governance/OPGGovernor", records: ["governor"], ignored: DOMAIN },
  { name: "OPGTimelock", artifact: "governance/OPGTimelock", records: ["timelock"] },
  { name: "TwinMarket", artifact: "twin/TwinMarket", records: ["twinMarket"], ignored: DOMAIN },
  { name: "TwinAgents", artifact: "twin/TwinAgents", records: ["twinAgents"] },
];

/** Contracts that a handler makes data sources of. */
export const TEMPLATES: readonly IndexedContract[] = [{ name: "FeeInbox", artifact: "opg/FeeInbox", records: [] }];

/** Contracts with events in this repository that are no part of the deployed protocol, and why. */
export const NOT_INDEXED: Readonly<Record<string, string>> = {
  DevelopmentExactPermit2Proxy: "stands for x402's proxy in tests",
  DevelopmentToken: "stands for somebody else's token in tests",
  OPGVotes: "indexed as OPGToken, whose events it shares",
  AgentWallet: "an example that integrators start from",
  AskedScore: "an example that integrators start from",
  CoveredImages: "an example that integrators start from",
  FastClaims: "an example that integrators start from",
  HealthCheckedMarket: "an example that integrators start from",
  RiskScores: "an example that integrators start from",
  RiskVault: "an example that integrators start from",
  TwentyLines: "an example that integrators start from",
  VolatilityFeePool: "an example that integrators start from",
};

/** File in `src/` that handles a contract's events. */
export function mappingOf(name: string): string {
  return `${name.replace(/^[A-Z]+(?=[A-Z][a-z])|^[A-Z]/, (start) => start.toLowerCase())}.ts`;
}
