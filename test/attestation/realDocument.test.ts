import { expect } from "chai";
import { existsSync, readFileSync } from "node:fs";
import { keccak256 } from "ethers";
import { readDocument } from "../../relayer/attestation/document.ts";
import { attestationEvidence, cacheCertificates } from "../../relayer/attestation/registration.ts";
import { deployNitro } from "./support.ts";

/** A document that AWS hardware signed, where one lies beside the project; see docs/attestation.md. */
const SAMPLE = process.env["NITRO_SAMPLE"] ?? "../shared/data/nitro/attestation-1.bin";
const AWS_ROOT = "0x641a0321a3e244efe456463195d606317ed7cdcc3c1756e09893f3c68f79bb5b";
const MADE_AT = 1_708_930_921_439;
const noJournal = { read: async () => ({}), write: async () => undefined };

/** What the public on-chain verifier of such documents was measured at. */
const REFERENCE = { signature: 4_000_000n, warm: 13_800_000n, cold: 41_300_000n };

describe("NitroAttestation: a real document", function () {
  this.timeout(300_000);

  const test = existsSync(SAMPLE)
    ? it
    : () => console.log(`    No real document at ${SAMPLE}: see docs/attestation.md`);
  test("verifies up to AWS's root at its own time, far below the reference, and at no other time", async () => {
    const n = await deployNitro(new Date(MADE_AT));
    const bytes = readFileSync(SAMPLE);
    const nitro = await n.pinned(AWS_ROOT);
    const steps: bigint[] = [];
    await cacheCertificates(await nitro.getAddress(), n.signers.stranger, bytes, noJournal, ({ gasUsed }) => {
      if (gasUsed) steps.push(gasUsed);
    });
    const evidence = attestationEvidence(bytes);
    const document = await nitro.readDocument(evidence);
    expect(document.moduleId).to.equal("i-0df237f0418feb41e-enc018d1c7ef94eb110");
    expect(document.timestamp).to.equal(BigInt(MADE_AT));
    expect(document.pcr0).to.match(/^0x17bf8f0485.*0f663790$/);
    expect(document.publicKey).to.equal("0xd239fd059dd0e0a01e280bec44903bb8143bae7e578b9844c6df5fd6351eddc0");
    expect(Buffer.from(document.userData.slice(2), "hex").toString()).to.equal(
      '{"total_memory":2091298816,"total_cpus":1}',
    );
    // Its key is neither of the kinds that sign receipts, and its user data binds no registration.
    await expect(nitro.verifyAttestation(evidence)).to.be.revertedWithCustomError(
      nitro,
      "NitroAttestation_BadUserData",
    );

    const last = await nitro.readDocument.estimateGas(evidence);
    const cold = steps.reduce((sum, gas) => sum + gas, last);
    const warm = steps[steps.length - 1]! + last;
    console.log(`      root ${steps[0]}, certificates ${steps.slice(1).join(", ")}, document ${last}`);
    console.log(`      cold ${cold} (reference ${REFERENCE.cold}), warm ${warm} (reference ${REFERENCE.warm})`);
    expect(cold * 5n).to.be.below(REFERENCE.cold);
    expect(warm * 4n).to.be.below(REFERENCE.warm);

    const enclave = readDocument(bytes).certificates[4]!;
    const { notAfter } = await nitro.certificateOf(keccak256(enclave));
    await n.networkHelpers.time.increaseTo(notAfter + 1n);
    await expect(nitro.readDocument(evidence)).to.be.revertedWithCustomError(nitro, "NitroAttestation_OutsideValidity");
  });
});
