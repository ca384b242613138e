import { buildModule } from "@nomicfoundation/hardhat-ignition/modules";
import type { ContractFuture, IgnitionModuleBuilder } from "@nomicfoundation/ignition-core";

type Future = ContractFuture<string>;

/**
 * The key market. It depends on nothing but its admin, the governance timelock, so it can stand on a chain without the
 * registries. A percent of 1e18 is 100 %.
 */
export function twinMarket(m: IgnitionModuleBuilder, admin: Future | ReturnType<typeof m.getParameter<string>>) {
  return m.contract("TwinMarket", [
    admin,
    m.getParameter<bigint>("divisor"),
    m.getParameter<bigint>("protocolFeePercent"),
    m.getParameter<bigint>("subjectFeePercent"),
  ]);
}

/** Links from twins to what answers for them, over one set of registries. */
export function twinAgents(
  m: IgnitionModuleBuilder,
  market: Future,
  parts: { inferenceRegistry: Future; modelRegistry: Future; nodeRegistry: Future; enclaveRegistry: Future },
) {
  return m.contract("TwinAgents", [
    market,
    parts.inferenceRegistry,
    parts.modelRegistry,
    parts.nodeRegistry,
    parts.enclaveRegistry,
  ]);
}

/** What `hardhat ignition deploy deploy/modules/twin.ts` takes: a market beside registries that are there already. */
export const TwinMarkets = buildModule("TwinMarkets", (m) => {
  const market = twinMarket(m, m.getParameter<string>("admin"));
  const at = (name: string, id: string) => m.contractAt(name, m.getParameter<string>(id), { id });
  const agents = twinAgents(m, market, {
    inferenceRegistry: at("InferenceRegistry", "inferenceRegistry"),
    modelRegistry: at("ModelRegistry", "modelRegistry"),
    nodeRegistry: at("NodeRegistry", "nodeRegistry"),
    enclaveRegistry: at("EnclaveRegistry", "enclaveRegistry"),
  });
  return { market, agents };
});

export default TwinMarkets;
