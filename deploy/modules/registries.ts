import { buildModule } from "@nomicfoundation/hardhat-ignition/modules";
import type { IgnitionModuleBuilder } from "@nomicfoundation/ignition-core";

type Contract = ReturnType<IgnitionModuleBuilder["contract"]> | ReturnType<IgnitionModuleBuilder["contractAt"]>;

/**
 * Timelock first, then everything that answers to it. The deployer gets no role anywhere: proposers, guardian and
 * delay are parameters, and the timelock administers itself.
 */
function registries(m: IgnitionModuleBuilder, parts: { stake: Contract; attestationVerifier: Contract }) {
  const guardian = m.getParameter<string>("guardian");
  const timelock = m.contract("TimelockController", [
    m.getParameter<bigint>("timelockDelaySeconds"),
    m.getParameter<string[]>("proposers"),
    m.getParameter<string[]>("executors"),
    "0x0000000000000000000000000000000000000000",
  ]);
  const modelRegistry = m.contract("ModelRegistry", [timelock, guardian, m.getParameter<string[]>("phase1Ids")]);
  const nodeRegistry = m.contract("NodeRegistry", [timelock, guardian, parts.stake]);
  const enclaveRegistry = m.contract("EnclaveRegistry", [timelock, guardian, nodeRegistry, parts.attestationVerifier]);
  const inferenceRegistry = m.contract("InferenceRegistry", [
    timelock,
    guardian,
    nodeRegistry,
    enclaveRegistry,
    modelRegistry,
  ]);
  return { timelock, modelRegistry, nodeRegistry, enclaveRegistry, inferenceRegistry, ...parts };
}

/** For a public chain: stake and attestation are contracts that exist there. */
export const OpenGradient = buildModule("OpenGradient", (m) =>
  registries(m, {
    stake: m.contractAt("IOperatorStake", m.getParameter<string>("operatorStake"), { id: "operatorStake" }),
    attestationVerifier: m.contractAt("IAttestationVerifier", m.getParameter<string>("attestationVerifier"), {
      id: "attestationVerifier",
    }),
  }),
);

/** For a local chain: stake and attestation are stand-ins that refuse to deploy anywhere else. */
export const OpenGradientDevelopment = buildModule("OpenGradientDevelopment", (m) =>
  registries(m, {
    stake: m.contract("DevelopmentStake"),
    attestationVerifier: m.contract("DevelopmentAttestationVerifier", [m.getParameter<string>("attestationRoot")]),
  }),
);
