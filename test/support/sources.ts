import { id, ZeroAddress } from "ethers";
import { NO_DATA, NO_LINEAGE } from "./protocol.ts";
import type { World } from "./world.ts";

export const CONSENT_NOTICE = 4n * 86_400n;
export const NEVER = 2n ** 256n - 1n;

export interface Uses {
  sourceId: string;
  required: boolean;
}

/** Sources and versions that declare them, in a world; every one has content of its own. */
export function dataOf(w: World) {
  let made = 0;
  const signers = w.signers;

  const declaration = (over: Partial<{ contentHash: string; uri: string; terms: string }> = {}) => ({
    contentHash: id(`data ${made++}`),
    uri: "ipfs://data",
    terms: "CC-BY-4.0",
    ...over,
  });
  async function registerSource(over = {}, by = signers.other): Promise<string> {
    const declared = declaration(over);
    await w.models.connect(by).registerSource(declared);
    return w.models.sourceIdOf(by.address, declared);
  }
  const withdraw = (sourceId: string, by = signers.other) => w.models.connect(by).withdrawConsent(sourceId);

  const versionOf = (over: Partial<{ licence: string; sources: Uses[]; parents: string[]; modes: number }> = {}) => ({
    ...{ contentHash: id(`weights ${made++}`), uri: "", modes: over.modes ?? 5, verifier: ZeroAddress },
    ...{ verifyingKey: "0x", signals: "", ...NO_DATA },
    lineage: { ...NO_LINEAGE, parents: (over.parents ?? []).map((modelId) => ({ modelId, bps: 0 })) },
    ...(over.licence === undefined ? {} : { licence: over.licence }),
    ...(over.sources === undefined ? {} : { sources: over.sources }),
  });
  async function registerVersion(over: Parameters<typeof versionOf>[0] = {}): Promise<string> {
    const version = versionOf(over);
    await w.models.register(version);
    return w.models.modelIdOf(signers.deployer.address, version);
  }
  const required = (...ids: string[]): Uses[] => ids.map((sourceId) => ({ sourceId, required: true }));
  const optional = (...ids: string[]): Uses[] => ids.map((sourceId) => ({ sourceId, required: false }));

  return { declaration, registerSource, withdraw, versionOf, registerVersion, required, optional };
}
