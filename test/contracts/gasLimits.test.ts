import { expect } from "chai";
import { getBytes } from "ethers";
import { P, withWord } from "../support/groth16.ts";
import { Mode } from "../support/protocol.ts";
import { useWorld, type World } from "../support/world.ts";

/** Least gas limit of a transaction with this calldata (EIP-7623). */
const floorOf = (data: string) => getBytes(data).reduce((sum, byte) => sum + (byte === 0 ? 10 : 40), 21_000);

/**
 * Whoever submits a call chooses its gas, and settling is open to anyone: no amount may make a good item look bad, or
 * a stranger could have a node's items skipped, again and again, at a time of its choosing.
 */
describe("Gas limits [R2]", () => {
  const world = useWorld();

  /** What a call with so much gas would answer, or that it reverts as a whole. */
  async function settledWith(w: World, data: string, gas: number): Promise<string> {
    const call = {
      from: w.signers.other.address,
      to: await w.registry.getAddress(),
      data,
      gas: "0x" + gas.toString(16),
    };
    try {
      return `settles ${BigInt(await w.ethers.provider.send("eth_call", [call, "latest"]))}`;
    } catch (error) {
      const text = `${(error as Error).message} ${JSON.stringify((error as { data?: unknown }).data)}`;
      if (text.includes(w.registry.interface.getError("InferenceRegistry_OutOfGas")!.selector)) return "reverts";
      return /out of gas|call failed to execute/i.test(text) ? "reverts" : text;
    }
  }

  /** Every answer over a sweep: coarse over the whole range, and fine around the least amount that settles. */
  async function sweep(w: World, data: string, enough: number, coarse: number): Promise<string[]> {
    const seen = new Set<string>();
    const floor = floorOf(data);
    for (let gas = floor; gas < enough; gas += coarse) seen.add(await settledWith(w, data, gas));
    let [low, high] = [floor, enough];
    while (high - low > 1) {
      const middle = (low + high) >> 1;
      if ((await settledWith(w, data, middle)) === "reverts") low = middle;
      else high = middle;
    }
    for (let gas = high - 16_000; gas < high + 16_000; gas += 331)
      seen.add(await settledWith(w, data, Math.max(gas, floor)));
    for (let gas = high - 30; gas < high + 30; gas++) seen.add(await settledWith(w, data, gas));
    return [...seen].sort();
  }

  it("a good signed batch settles or the call reverts", async () => {
    const w = world();
    const items = [w.signedBatch([await w.receiptIn(Mode.VANILLA)]), w.signedBatch([await w.receiptIn(Mode.TEE)])];
    const data = w.registry.interface.encodeFunctionData("settleBatches", [items]);
    expect(await sweep(w, data, 250_000, 401)).to.deep.equal(["reverts", "settles 2"]);
  });

  for (const n of [1, 3]) {
    it(`a good batch of ${n} proofs settles or the call reverts`, async () => {
      const w = world();
      const items = [];
      for (let i = 0; i < n; i++) items.push(await w.proved({}, `sweep ${i}`));
      const data = w.registry.interface.encodeFunctionData("settleProvedBatches", [[w.proofBatch(items)]]);
      expect(await sweep(w, data, 350_000 + 100_000 * n, 2_999)).to.deep.equal(["reverts", "settles 1"]);
    });
  }

  for (const order of ["before", "after"]) {
    it(`a good proved batch with a bad one ${order} it settles or the call reverts`, async () => {
      const w = world();
      const good = w.proofBatch([await w.proved({}, "good 1"), await w.proved({}, "good 2")]);
      const poisoned = await w.proved({}, "bad");
      for (const evidence of [withWord(poisoned.evidence, 0, P), withWord(poisoned.evidence, 9, 1n)]) {
        const bad = w.proofBatch([{ ...poisoned, evidence }]);
        const items = order === "before" ? [bad, good] : [good, bad];
        const data = w.registry.interface.encodeFunctionData("settleProvedBatches", [items]);
        expect(await sweep(w, data, 900_000, 14_999)).to.deep.equal(["reverts", "settles 1"]);
      }
    });
  }

  it("good single receipts of every mode settle or the call reverts, a bad one among them", async () => {
    const w = world();
    const { receipt, evidence } = await w.proved({}, "single");
    const bad = w.signedReceipt(receipt, withWord(evidence, 0, P));
    const items = [
      bad,
      w.signedReceipt(receipt, evidence),
      w.signedReceipt(await w.receiptIn(Mode.VANILLA)),
      w.signedReceipt(await w.receiptIn(Mode.TEE)),
    ];
    for (const each of [items, [...items].reverse()]) {
      const data = w.registry.interface.encodeFunctionData("settleReceipts", [each]);
      expect(await sweep(w, data, 1_000_000, 14_999)).to.deep.equal(["reverts", "settles 3"]);
    }
  });

  it("out of gas inside a proof check says so by name, with the place of the item", async () => {
    const w = world();
    const items = [w.proofBatch([await w.proved()]), w.proofBatch([await w.proved()])];
    const data = w.registry.interface.encodeFunctionData("settleProvedBatches", [items]);
    const to = await w.registry.getAddress();
    const places = new Set<number>();
    for (let gas = floorOf(data) + 60_000; gas < 640_000; gas += 2_999) {
      try {
        await w.ethers.provider.send("eth_call", [{ to, data, gas: "0x" + gas.toString(16) }, "latest"]);
      } catch (error) {
        const bytes = /0x[0-9a-f]{72}/.exec(JSON.stringify(error) + (error as Error).message)?.[0];
        const parsed = bytes && w.registry.interface.parseError(bytes);
        if (parsed) places.add(Number(parsed.args["index"]));
      }
    }
    expect([...places].sort()).to.deep.equal([0, 1]);
  });
});
