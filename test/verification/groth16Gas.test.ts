// SPDX-License-Identifier: MIT
import { expect } from "chai";
import { evidenceOf, idsOf, makeItems, P, withWord, wordAt, type Item } from "../support/groth16.ts";
import {
  calldataFloor,
  callWithGas,
  deployVerifier,
  executionGas,
  MODEL,
  OUT_OF_GAS,
  type SyntheticFixture,
} from "./fixture.ts";

describe("gas of the Groth16Verifier", () => {
  let fixture: SyntheticFixture;
  let items: Item[];

  before(async () => {
    fixture = await deployVerifier();
    items = makeItems(fixture.setup, 64, "gas");
  });

  const verifyData = (part: Item[], evidence = evidenceOf(part)): string =>
    fixture.verifier.interface.encodeFunctionData("verify", [MODEL, idsOf(part), evidence]);

  /** "true" or "false", "out of gas" by name or by the machine's own word, or whatever else went wrong. */
  async function callWith(data: string, gas: number): Promise<string> {
    const answer = await callWithGas(fixture, data, gas);
    if (answer.result !== undefined) return BigInt(answer.result) === 1n ? "true" : "false";
    return answer.outOfGas ? "out of gas" : answer.reason;
  }

  /** The least gas with which the call answers at all. */
  async function enough(data: string, high: number): Promise<number> {
    let low = calldataFloor(data);
    while (high - low > 1) {
      const middle = (low + high) >> 1;
      if ((await callWith(data, middle)) === "out of gas") low = middle;
      else high = middle;
    }
    return high;
  }

  for (const n of [1, 2, 5]) {
    it(`with too little, ${n} good proofs never look bad: true or out of gas, nothing else [R2]`, async () => {
      const data = verifyData(items.slice(0, n));
      const limit = 260_000 + n * 80_000;
      const seen = new Set<string>();
      for (let gas = calldataFloor(data); gas < limit; gas += 1_499) seen.add(await callWith(data, gas));
      // Around the least gas that suffices every amount matters, as there the dearest call is starved by little.
      const least = await enough(data, limit);
      for (let gas = least - 12_000; gas < least + 12_000; gas += 113) seen.add(await callWith(data, gas));
      for (let gas = least - 40; gas < least + 40; gas++) seen.add(await callWith(data, gas));
      expect([...seen].sort()).to.deep.equal(["out of gas", "true"]);
    });

    it(`with too little, ${n} bad proofs look bad or unknown, never good [R2]`, async () => {
      const part = items.slice(0, n);
      const evidence = withWord(evidenceOf(part), 9, wordAt(evidenceOf(part), 9) ^ 1n);
      const data = verifyData(part, evidence);
      const seen = new Set<string>();
      for (let gas = calldataFloor(data); gas < 260_000 + n * 80_000; gas += 1_499) seen.add(await callWith(data, gas));
      expect([...seen].sort()).to.deep.equal(["false", "out of gas"]);
    });
  }

  it("reports running out of gas by name where it can: the last call starved by little [R2]", async () => {
    const data = verifyData(items.slice(0, 2));
    const least = await enough(data, 500_000);
    const { reason } = await callWithGas(fixture, data, least - 200);
    expect(reason).to.include(OUT_OF_GAS);
  });

  it("a malformed point costs its price, not all the gas of the caller [ZK5]", async () => {
    for (const n of [1, 8]) {
      const part = items.slice(0, n);
      const good = await executionGas(fixture, verifyData(part));
      for (let word = 0; word < 8; word++) {
        for (const at of [0, n - 1]) {
          const index = at * 10 + word;
          const evidence = evidenceOf(part);
          for (const value of [wordAt(evidence, index) ^ 1n, P, (1n << 256n) - 1n]) {
            const gas = await executionGas(fixture, verifyData(part, withWord(evidence, index, value)), 15_000_000);
            expect(gas, `${n} proofs, word ${index}`).to.be.lessThan(good + 1_000);
          }
        }
      }
    }
  });

  it("stays below its budget: per proof beyond precompile prices, and the hashes", async () => {
    const table: Record<string, number>[] = [];
    for (const n of [1, 2, 4, 8, 16, 32, 64]) {
      const part = items.slice(0, n);
      const verify = await executionGas(fixture, verifyData(part));
      const hashesData = fixture.verifier.interface.encodeFunctionData("hashes", [MODEL, evidenceOf(part)]);
      const hashes = await executionGas(fixture, hashesData);
      const floor =
        n === 1 ? 181_000 + 3 * 6_150 : 45_000 + 34_000 * (n + 3) + 6_000 * (2 * (n - 1) + 5) + 150 * (n - 1 + 3);
      table.push({ n, verify, "per proof": Math.round(verify / n), hashes, beyond: verify + hashes - floor });
    }
    console.table(table);
    const [, , , , , at32, at64] = table as Record<string, number>[];
    const perFurtherProof = (at64!["beyond"]! - at32!["beyond"]!) / 32;
    expect(perFurtherProof).to.be.lessThan(1_450);
    expect(at32!["verify"]! / 32).to.be.lessThan(52_900);
    expect(at64!["verify"]! / 64).to.be.lessThan(50_100);
  });
});
