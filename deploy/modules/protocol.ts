import { buildModule } from "@nomicfoundation/hardhat-ignition/modules";
import type {
  ContractFuture,
  IgnitionModuleBuilder,
  ModuleParameterRuntimeValue,
  StaticCallFuture,
} from "@nomicfoundation/ignition-core";
import { hexlify } from "ethers";
import { generatorTable } from "../../relayer/attestation/generator-table.ts";
import { ALLOCATIONS, OPGExistingGovernance, OPGGovernance } from "./opg.ts";
import { keyMarket } from "./twin.ts";

const NOBODY = "0x0000000000000000000000000000000000000000";

/** What everything else stands on: the token, the timelock that is the admin of it all, and who checks attestations. */
interface Ground {
  token: ContractFuture<string> | StaticCallFuture<string, string>;
  timelock: ContractFuture<"OPGTimelock">;
  attestationVerifier: ContractFuture<string>;
}

/**
 * Registries, staking, disputes, fees, escrow and the key market. Every contract answers to the timelock; the deployer names staking's
 * partners once, in the last step, since staking and the registries need each other.
 */
function protocol(m: IgnitionModuleBuilder, { token, timelock, attestationVerifier }: Ground) {
  const guardian = m.getParameter<string>("guardian");
  const staking = m.contract("OPGStaking", [
    token,
    timelock,
    m.getParameter<bigint[]>("minimumStakes"),
    m.getParameter<number[]>("ownSharesBps"),
  ]);
  const modelRegistry = m.contract("ModelRegistry", [timelock, guardian, m.getParameter<string[]>("phase1Ids")]);
  const nodeRegistry = m.contract("NodeRegistry", [timelock, guardian, staking]);
  const enclaveRegistry = m.contract("EnclaveRegistry", [timelock, guardian, nodeRegistry, attestationVerifier]);
  const inferenceRegistry = m.contract("InferenceRegistry", [
    timelock,
    guardian,
    nodeRegistry,
    enclaveRegistry,
    modelRegistry,
  ]);
  const enclaveHeartbeats = m.contract("EnclaveHeartbeats", [enclaveRegistry]);
  const gatewayAnswers = m.contract("GatewayAnswers", [inferenceRegistry, enclaveRegistry]);
  const disputes = m.contract("Disputes", [inferenceRegistry, nodeRegistry, enclaveRegistry, staking]);
  const feeSplitter = m.contract("FeeSplitter", [
    token,
    timelock,
    nodeRegistry,
    modelRegistry,
    staking,
    m.getParameter("feeRatesBps"),
  ]);
  const feeInboxes = m.contract("FeeInboxes", [feeSplitter]);
  const escrow = m.contract("InferenceEscrow", [token, inferenceRegistry, nodeRegistry, feeSplitter]);
  const memoryRegistry = m.contract("MemoryRegistry", [nodeRegistry, enclaveRegistry]);
  const inferenceRequests = m.contract("InferenceRequests", [
    token,
    inferenceRegistry,
    nodeRegistry,
    enclaveRegistry,
    feeSplitter,
  ]);
  const nodeMatch = m.contract("NodeMatch", [nodeRegistry, enclaveRegistry, modelRegistry, inferenceRequests]);
  const market = keyMarket(m, { timelock, inferenceRegistry, modelRegistry, nodeRegistry, enclaveRegistry });
  return {
    ...market,
    timelock,
    attestationVerifier,
    staking,
    modelRegistry,
    nodeRegistry,
    enclaveRegistry,
    enclaveHeartbeats,
    inferenceRegistry,
    gatewayAnswers,
    disputes,
    feeSplitter,
    feeInboxes,
    escrow,
    nodeMatch,
    memoryRegistry,
    inferenceRequests,
  };
}

/** The same on a chain without OPG: the whole supply goes into the unlock schedule, the stakers' part to staking. */
export function withNewToken(
  m: IgnitionModuleBuilder,
  attestationBy: (timelock: ContractFuture<string>) => ContractFuture<string>,
) {
  const { genesis, token, governor, timelock } = m.useModule(OPGGovernance);
  const attestationVerifier = attestationBy(timelock);
  const parts = protocol(m, { token, timelock, attestationVerifier });
  const { staking, nodeRegistry, enclaveRegistry, disputes } = parts;
  const beneficiaries = ALLOCATIONS.map((name) => (name === "stakingRewards" ? staking : m.getParameter<string>(name)));
  const launch = m.call(genesis, "launch", [beneficiaries]);
  const vesting = m.contractAt("OPGVesting", m.staticCall(genesis, "vesting", [], 0, { after: [launch] }));
  m.call(staking, "wire", [nodeRegistry, enclaveRegistry, disputes, vesting]);
  return { genesis, token, vesting, governor, ...parts };
}

/** SHA-256 of AWS's root certificate for Nitro enclaves, as AWS publishes it; the contract takes no other on a public chain. */
const AWS_ROOT = "0x641a0321a3e244efe456463195d606317ed7cdcc3c1756e09893f3c68f79bb5b";

/** AWS Nitro documents, checked by the chain itself. */
function nitroAttestation(
  m: IgnitionModuleBuilder,
  timelock: ContractFuture<string>,
  root: string | ModuleParameterRuntimeValue<string> = AWS_ROOT,
) {
  const table = m.contract("P384Table", [hexlify(generatorTable())]);
  const es384 = m.contract("ES384", [table]);
  return m.contract("NitroAttestation", [timelock, m.getParameter<string>("guardian"), es384, root]);
}

/** A public chain without OPG. */
export const OpenGradient = buildModule("OpenGradient", (m) =>
  withNewToken(m, (timelock) => nitroAttestation(m, timelock)),
);

/** A public chain where OPG lives already: no schedule of ours, and votes over the token. */
export const OpenGradientExisting = buildModule("OpenGradientExisting", (m) => {
  const { votes, governor, timelock } = m.useModule(OPGExistingGovernance);
  const token = m.staticCall(votes, "underlying");
  const parts = protocol(m, { token, timelock, attestationVerifier: nitroAttestation(m, timelock) });
  const { staking, nodeRegistry, enclaveRegistry, disputes } = parts;
  m.call(staking, "wire", [nodeRegistry, enclaveRegistry, disputes, NOBODY]);
  return { votes, governor, ...parts };
});

/** A local chain: the same contracts, over a root of our own that `NitroAttestation` refuses anywhere else. */
export const OpenGradientDevelopment = buildModule("OpenGradientDevelopment", (m) =>
  withNewToken(m, (timelock) => nitroAttestation(m, timelock, m.getParameter<string>("attestationRoot"))),
);

/** What `hardhat ignition deploy deploy/modules/protocol.ts` takes: everything, on a local chain. */
export default OpenGradientDevelopment;
