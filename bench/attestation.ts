import { createHash } from "node:crypto";
import { attestationEvidence, cacheCertificates } from "../relayer/attestation/registration.ts";
import { signatureHints } from "../relayer/attestation/signature-hints.ts";
import { newKeys } from "../demo/development-authority.ts";
import { deployNitro } from "../test/attestation/support.ts";
import { row, type Row } from "./row.ts";

/** What the public on-chain verifier of Nitro documents was measured at, on the same rules. */
const REFERENCE = { signature: 4_000_000, cold: 41_300_000, warm: 13_800_000 };
const TARGET = { signature: 3_200_000, cold: 30_000_000, warm: 10_000_000 };

/** Gas of an attestation: one signature, and a chain of AWS's shape with its document, cold and warm. */
export async function attestationGas(): Promise<Row[]> {
  const n = await deployNitro();
  const keys = newKeys();
  const message = Buffer.from("bench");
  const digest = createHash("sha384").update(message).digest();
  const signature = keys.sign(message);
  const hints = signatureHints({ digest, signature, publicKey: keys.publicKey });
  const one = Number(await n.es384.verifyDigest.estimateGas(digest, signature, keys.publicKey, hints));

  const made = await n.attest({ publicKey: Buffer.alloc(64, 1), userData: Buffer.alloc(32, 2) });
  const steps: number[] = [];
  const journal = { read: async () => ({}), write: async () => undefined };
  await cacheCertificates(await n.nitro.getAddress(), n.signers.stranger, made, journal, ({ gasUsed }) => {
    if (gasUsed) steps.push(Number(gasUsed));
  });
  const document = Number(await n.nitro.verifyAttestation.estimateGas(attestationEvidence(made)));
  const cold = steps.reduce((sum, gas) => sum + gas, document);
  const warm = steps[steps.length - 1]! + document;
  return [
    row("P-384 signature, hints included", one, "gas", "lower", {
      baseline: REFERENCE.signature,
      target: TARGET.signature,
    }),
    row("largest certificate step", Math.max(...steps), "gas", "lower", { target: 16_777_216 }),
    row("attestation document, certificates cached", document, "gas", "lower", { target: 16_777_216 }),
    row("attestation, nothing cached", cold, "gas", "lower", { baseline: REFERENCE.cold, target: TARGET.cold }),
    row("attestation, authorities cached", warm, "gas", "lower", { baseline: REFERENCE.warm, target: TARGET.warm }),
  ];
}
