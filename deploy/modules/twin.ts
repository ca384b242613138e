import type { ContractFuture, IgnitionModuleBuilder } from "@nomicfoundation/ignition-core";

type Future = ContractFuture<string>;

/**
 * The key market and, apart from it, the links from twins to what answers for them. The market depends on nothing but
 * its admin, so a new set of registries takes new links and no new market (R10).
 */
export function keyMarket(
  m: IgnitionModuleBuilder,
  parts: {
    timelock: Future;
    inferenceRegistry: Future;
    modelRegistry: Future;
    nodeRegistry: Future;
    enclaveRegistry: Future;
  },
) {
  const twinMarket = m.contract("TwinMarket", [
    parts.timelock,
    m.getParameter<bigint>("twinDivisor"),
    m.getParameter<bigint>("twinProtocolFee"),
    m.getParameter<bigint>("twinSubjectFee"),
  ]);
  const twinAgents = m.contract("TwinAgents", [
    twinMarket,
    parts.inferenceRegistry,
    parts.modelRegistry,
    parts.nodeRegistry,
    parts.enclaveRegistry,
  ]);
  return { twinMarket, twinAgents };
}
