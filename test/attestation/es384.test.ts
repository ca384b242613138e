import { expect } from "chai";
import { createHash, createSign, generateKeyPairSync, sign } from "node:crypto";
import { network } from "hardhat";
import { generatorTable } from "../../relayer/attestation/generator-table.ts";
import { signatureHints } from "../../relayer/attestation/signature-hints.ts";
describe("tmp", () => {
  it("works", async () => {
    const { ethers } = await network.connect();
    const table = await ethers.deployContract("P384Table", [generatorTable()]);
    console.log("table", (await table.deploymentTransaction()!.wait())!.gasUsed);
    const es = await ethers.deployContract("ES384", [await table.getAddress()]);
    for (const len of [1, 111, 112, 127, 128, 600, 4400]) {
      const k = generateKeyPairSync("ec", { namedCurve: "P-384" });
      const jwk = k.publicKey.export({ format: "jwk" });
      const msg = Buffer.alloc(len, 7);
      const signature = sign("sha384", msg, { key: k.privateKey, dsaEncoding: "ieee-p1363" });
      const digest = createHash("sha384").update(msg).digest();
      const publicKey = Buffer.concat([Buffer.from(jwk.x!, "base64url"), Buffer.from(jwk.y!, "base64url")]);
      const h = signatureHints({ digest, signature, publicKey });
      console.log(len, h.length, await es.verifyDigest.estimateGas(digest, signature, publicKey, h).catch((e: Error) => e.message));
      console.log(len, h.length, await es.verify.estimateGas(msg, signature, publicKey, h).catch((e: Error) => e.message));
    }
  });
});
