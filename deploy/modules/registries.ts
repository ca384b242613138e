import { buildModule } from "@nomicfoundation/hardhat-ignition/modules";
import type { ContractFuture, IgnitionModuleBuilder } from "@nomicfoundation/ignition-core";

/**
 * Timelock first, then everything that answers to it. The deployer gets no role anywhere: proposers, guardian and
 * delay are parameters, and the timelock administers itself.
 */
function registries<Stake extends ContractFuture<string>, Verifier extends ContractFuture<string>>(
  m: IgnitionModuleBuilder,
  parts: { stake: Stake; attestationVerifier: Verifier },
) {
  const guardian = m.getParameter<string>("guardian");
  const timelock = m.contract("TimelockController", [
    m.getParameter<number>("timelockDelaySeconds"),
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
