import { expect } from "chai";
import { createHash } from "node:crypto";
import { generatorTable } from "../../relayer/attestation/generator-table.ts";
import { signatureHints } from "../../relayer/attestation/signature-hints.ts";
import { newKeys } from "../../demo/development-authority.ts";
import { useNitro } from "./support.ts";

/** Gas in thousands of what makes up an attestation; docs/attestation.md says the same. */
describe("ES384: gas", function () {
  this.timeout(120_000);
  const nitro = useNitro();

  it("verifies a signature for less than 1.05 M, transaction and hints included, whatever the key", async () => {
    const n = nitro();
    const [whole, inside, bytes]: [number[], number[], number[]] = [[], [], []];
    for (let i = 0; i < 12; i++) {
      const keys = newKeys();
      const message = Buffer.from(`gas ${i}`);
      const signature = keys.sign(message);
      const digest = createHash("sha384").update(message).digest();
      const hints = signatureHints({ digest, signature, publicKey: keys.publicKey });
      whole.push(Number(await n.es384.verifyDigest.estimateGas(digest, signature, keys.publicKey, hints)));
      inside.push(Number(await n.harness.gasOf(n.es384, digest, signature, keys.publicKey, hints)));
      bytes.push(hints.length);
    }
    const mean = (list: number[]): number => Math.round(list.reduce((a, b) => a + b, 0) / list.length);
    console.log(`      transaction ${mean(whole)}, of it execution ${mean(inside)}; hints ${mean(bytes)} bytes`);
    for (const gas of whole) expect(gas).to.be.below(1_050_000);
  });

  it("walks a doubling and a hash block for bounded gas", async () => {
    const n = nitro();
    const keys = newKeys();
    const signature = keys.sign(Buffer.from("walk"));
    const digest = createHash("sha384").update("walk").digest();
    const hints = Buffer.from(signatureHints({ digest, signature, publicKey: keys.publicKey }));
    // The same hints with other first steps: doublings and additions of nonsense cost what right ones do.
    const slopes = hints.subarray(52 + 2 * hints.readUInt16BE(2));
    const walk = async (steps: number[]): Promise<number> => {
      const list = Buffer.alloc(2 * steps.length);
      steps.forEach((step, i) => list.writeUInt16BE(step, 2 * i));
      const head = Buffer.from(hints.subarray(0, 52));
      head.writeUInt16BE(steps.length, 2);
      const made = Buffer.concat([head, list, slopes]);
      return Number(await n.harness.gasOf(n.es384, digest, signature, keys.publicKey, made));
    };
    const skip = (31 << 11) | 1023;
    const [none, doubled, added] = [
      await walk([0, 1]),
      await walk([0, skip, skip, 1]),
      await walk([0, 8, 9, 10, 11, 1]),
    ];
    const doubling = (doubled - none) / 62;
    const addition = (added - none) / 4;
    const blocks = [256, 4_352].map(async (length) => n.harness.gasOfSha384(Buffer.alloc(length, 1)));
    const block = (Number(await blocks[1]) - Number(await blocks[0])) / 32;
    console.log(
      `      doubling ${Math.round(doubling)}, addition ${Math.round(addition)}, hash block ${Math.round(block)}`,
    );
    console.log(`      before the first step ${none}; table ${generatorTable().length} bytes`);
    expect(doubling).to.be.below(2_050);
    expect(addition).to.be.below(2_550);
    expect(block).to.be.below(27_500);
  });
});
