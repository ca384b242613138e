import { deployWorld, type World } from "../test/support/world.ts";
import { Mode } from "../test/support/protocol.ts";
import { executionGas } from "../test/verification/fixture.ts";
import { row, type Row } from "./row.ts";

/** Opening one receipt in 1,024, cold, execution only, beside one that settled alone and needs no tree. */
export async function openingGas(): Promise<Row[]> {
  const world = await deployWorld();
  const rows: Row[] = [];
  for (const [name, mode, target] of [
    ["VANILLA", Mode.VANILLA, 25_000],
    ["TEE", Mode.TEE, 30_000],
  ] as const) {
    const alone = await world.receiptIn(mode, {});
    await (await world.registry.settleReceipts([world.signedReceipt(alone, "0x")])).wait();
    const receipts = [];
    for (let i = 0; i < 1_024; i++) receipts.push(await world.receiptIn(mode, {}));
    const item = world.signedBatch(receipts);
    await (await world.registry.settleBatches([item])).wait();
    const baseline = await gasOf(world, world.openingAlone(alone));
    const value = await gasOf(world, world.opening(receipts, item.batch, 700));
    rows.push(row(`opening one in 1,024, ${name}, execution only`, value, "gas", "lower", { baseline, target }));
  }
  const alone = await world.proved({});
  await (await world.registry.settleReceipts([world.signedReceipt(alone.receipt, alone.evidence)])).wait();
  const proved = [];
  for (let i = 0; i < 64; i++) proved.push(await world.proved({}, `opening ${i}`));
  const batch = world.proofBatch(proved);
  await (await world.registry.settleProvedBatches([batch])).wait();
  const receipts = proved.map(({ receipt }) => receipt);
  const baseline = await gasOf(world, world.openingAlone(alone.receipt));
  const value = await gasOf(world, world.opening(receipts, batch.batch, 40));
  // 1,024 proofs do not fit a transaction; gas-snapshot.json has that figure for a batch put in place.
  rows.push(row("opening one in 64, ZKML, execution only", value, "gas", "lower", { baseline, target: 30_000 }));
  return rows;
}

async function gasOf(world: World, opening: ReturnType<World["openingAlone"]>): Promise<number> {
  const { verified, reason } = await world.registry.verification(opening);
  if (!verified) throw new Error(`Measured an opening that is not verified: reason ${reason}`);
  const data = world.registry.interface.encodeFunctionData("verification", [opening]);
  return executionGas({ ethers: world.ethers, address: await world.registry.getAddress() }, data);
}
