import { expect } from "chai";
import { id } from "ethers";
import { multiproofOf } from "../escrow/support.ts";
import { REASONS } from "../support/outcome.ts";
import { Mode, type ReceiptFields } from "../support/protocol.ts";
import { SECONDS, useWorld, type World } from "../support/world.ts";

/** What the lean questions say, beside what {verification} says of each receipt by itself. */
describe("Receipts of one batch asked for together", () => {
  const world = useWorld();

  async function compare(w: World, receipts: ReceiptFields[]): Promise<string[]> {
    const { batch } = w.signedBatch(receipts);
    await w.registry.settleBatches([w.signedBatch(receipts)]);
    const places = receipts.map((_, i) => i).filter((i) => i !== 3);
    const asked = places.map((i) => receipts[i]!);
    const proof = multiproofOf(receipts.map(w.receiptId), places);
    const [nodeId, settledAts, reasons] = await w.registry.settledReceipts(batch, asked, places, proof);
    expect(nodeId).to.equal(w.nodeId);
    for (const [n, place] of places.entries()) {
      const opening = w.opening(receipts, batch, place);
      const one = await w.registry.verification(opening);
      expect(reasons[n], `receipt ${place}`).to.equal(one.reason);
      expect(settledAts[n]).to.equal(one.settledAt);
      const alone = await w.registry.settledReceipt(batch, receipts[place]!, place, opening.proof);
      expect([...alone]).to.deep.equal([w.nodeId, one.settledAt, one.reason]);
    }
    return reasons.map((reason) => REASONS[Number(reason)]!);
  }

  it("is said of each what is said of it alone, whatever stands before it: times, models, schemes [R2] [R4]", async () => {
    const w = world();
    await w.goTo((await w.now()) + 2n * SECONDS.day);
    const now = await w.now();
    const { validFrom } = await w.nodes.keyState(w.keyId);
    const times = [now - 100n, now - 10n, now - 50n, now, validFrom - 1n, now + 400n, validFrom, now - 60n];
    const receipts = await Promise.all(times.map((completedAt) => w.receiptIn(Mode.VANILLA, { completedAt })));
    const unlike: Partial<ReceiptFields>[] = [
      { modelId: id("nobody's") },
      { modelId: w.vanillaModelId },
      { outputScheme: 3 },
      { outputScheme: 1 },
      { modelId: w.vanillaModelId, completedAt: validFrom - 1n },
      {},
    ];
    for (const over of unlike) receipts.push(await w.receiptIn(Mode.VANILLA, { completedAt: now - 20n, ...over }));
    expect(await compare(w, receipts)).to.deep.equal([
      "None",
      "None",
      "None",
      "OutsideKeyValidity",
      "CompletedInFuture",
      "None",
      "None",
      "UnknownModel",
      "None",
      "UnknownOutputScheme",
      "None",
      "OutsideKeyValidity",
      "None",
    ]);
  });

  it("is refused to all while their key or image is frozen, and to what settled after a compromise [R4] [R8]", async () => {
    const w = world();
    const some = (mode: number) => Promise.all([0, 1, 2, 4, 5].map(() => w.receiptIn(mode)));
    await w.freeze(w.nodes, w.keyId);
    expect(new Set(await compare(w, await some(Mode.VANILLA)))).to.deep.equal(new Set(["KeyFrozen"]));
    expect(new Set(await compare(w, await some(Mode.TEE)))).to.deep.equal(new Set(["None"]));
    await w.freeze(w.models, w.modelId);
    expect(new Set(await compare(w, await some(Mode.TEE)))).to.deep.equal(new Set(["ModelFrozen"]));
    await w.distrust(w.models, w.modelId, (await w.now()) - 1n);
    expect(new Set(await compare(w, await some(Mode.TEE)))).to.deep.equal(new Set(["ModelDistrusted"]));
  });
});
