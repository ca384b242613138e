// SPDX-License-Identifier: MIT
import { network } from "hardhat";
import { evidenceOf, idsOf, makeItems, makeSetup } from "../support/groth16.ts";
import { deployVerifier, MODEL } from "./fixture.ts";

describe("Groth16Verifier gas", () => {
  it("prints", async () => {
    const { verifier, setup, ethers, address } = await deployVerifier();
    const items = makeItems(setup, 128);
    for (const n of [1, 2, 4, 8, 16, 32, 64, 128]) {
      const part = items.slice(0, n);
      const evidence = evidenceOf(part);
      const row = [n];
      for (const data of [
        verifier.interface.encodeFunctionData("verify", [MODEL, idsOf(part), evidence]),
        verifier.interface.encodeFunctionData("hashes", [MODEL, evidence]),
      ]) {
        const ok = await ethers.provider.call({ to: address, data });
        const all = await ethers.provider.estimateGas({ to: address, data });
        const [s] = await ethers.getSigners();
        const tx = await s!.sendTransaction({ to: address, data, gasLimit: 16_000_000n });
        const used = (await tx.wait())!.gasUsed;
        const bytes = ethers.getBytes(data);
        const zero = bytes.filter((b) => b === 0).length;
        row.push(ok.length > 66 ? 1 : Number(ok), Number(used) - 21000 - zero * 4 - (bytes.length - zero) * 16);
      }
      console.log(...row, "per proof", Math.round(row[2]! / n), Math.round(row[4]! / n), "above precompiles", n > 1 ? (row[2]! - (45000 + 34000 * (n + 3) + (2*(n-1) + 5) * 6000 + (n - 1 + 3) * 150)) / n : row[2]! - 181000 - 3*6150);
    }
  });
});
