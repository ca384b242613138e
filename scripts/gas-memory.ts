/** What memories and offers cost, in the world of scripts/gas.ts. */
import { id, ZeroHash } from "ethers";
import { type Hex, MerkleLog } from "../relayer/protocol/index.ts";
import { executionGas } from "../test/verification/fixture.ts";
import type { World } from "../test/support/world.ts";
import { MemoryRegistry__factory, NodeMatch__factory } from "../typechain/index.ts";

/** Most gas that a figure may cost. */
export const TARGETS: Record<string, number> = {
  "memory: commit, first": 130_000,
  "memory: commit, 1,000 entries more over 1,000": 125_000,
  "memory: commit, one entry more over 1,023": 125_000,
};

/** Adds its figures to those of the others. `tick` sets the next transaction's moment. */
export async function measureMemory(
  w: World,
  tick: () => Promise<bigint>,
  figures: Record<string, number>,
): Promise<void> {
  const { other, operator } = w.signers;
  const memories = MemoryRegistry__factory.connect(await w.contracts.memoryRegistry.getAddress(), other);
  const at = await w.contracts.nodeMatch.getAddress();
  const measure = async (name: string, sent: () => Promise<{ wait(): Promise<{ gasUsed: bigint } | null> }>) => {
    await tick();
    figures[name] = Number((await (await sent()).wait())!.gasUsed);
  };
  const log = new MerkleLog(Array.from({ length: 2_024 }, (_, i) => id(`entry ${i}`) as Hex));
  const commit = (label: string, count: number, before: number) => () =>
    memories.commit(
      id(label),
      log.root(count),
      count,
      id(`blob ${count}`),
      before === 0 ? [] : log.consistency(before, count),
    );
  await measure("memory: commit, first", commit("long", 1_000, 0));
  await measure("memory: commit, 1,000 entries more over 1,000", commit("long", 2_000, 1_000));
  await tick();
  await commit("odd", 1_023, 0)();
  await measure("memory: commit, one entry more over 1,023", commit("odd", 1_024, 1_023));
  const scope = { modelId: ZeroHash, nodeId: ZeroHash, firstEntry: 0n, endEntry: 2n ** 64n - 1n };
  const until = (await tick()) + 1_000_000n;
  await measure("memory: grant", () => memories.grant(id("long"), operator.address, until, scope));
  await measure("memory: revoke", () => memories.revoke(id("long"), 1));
  await measure("setOffer, new", () => w.nodes.setOffer(w.nodeId, w.modelId, 7, 4));
  await measure("setOffer, changed", () => w.nodes.setOffer(w.nodeId, w.modelId, 5, 9));
  const asked = NodeMatch__factory.createInterface().encodeFunctionData("matchNodes", [w.modelId, 2, 0, 64]);
  await tick();
  figures["matchNodes, one TEE node, execution"] = await executionGas({ ethers: w.ethers, address: at }, asked);
  await measure("setOffer, withdrawn", () => w.nodes.setOffer(w.nodeId, w.modelId, 0, 0));
}
