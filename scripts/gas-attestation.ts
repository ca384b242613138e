/**
 * What an attestation costs, step by step, in the development deployment: a chain of certificates of AWS's shape, its
 * document, and the admission of a key. Keys and moments are fixed, and signatures follow from them (RFC 6979).
 */
import { createHash } from "node:crypto";
import { getBytes, id, Wallet, type ContractTransaction } from "ethers";
import { document, publishedKeys } from "../demo/development-authority.ts";
import { developmentRoot, nitroChain } from "../demo/development-enclave.ts";
import { OpenGradientDevelopment } from "../deploy/modules/protocol.ts";
import { attestationEvidence, cacheCertificates, type Progress } from "../relayer/attestation/registration.ts";
import { signatureHints } from "../relayer/attestation/signature-hints.ts";
import { deployProtocol, publicKeyOf } from "../test/support/protocol.ts";
import { ES384__factory, NitroAttestation__factory } from "../typechain/index.ts";

/** Most gas that a figure may cost. The goals were 3.2, 30 and 10 million, below the public verifier's 4.0, 41.3, 13.8. */
export const TARGETS: Record<string, number> = {
  "attestation: P-384 signature over a digest": 3_200_000,
  "attestation: all of it, nothing known": 30_000_000,
  "attestation: all of it, authorities known": 10_000_000,
  // No step comes near what a transaction may cost (EIP-7825).
  "attestation: certificate of the enclave, cold": 1_400_000,
  "attestation: document": 2_500_000,
  "attestation: admit, a new image": 2_500_000,
};
const NAMES = ["root", "region", "zone", "instance", "enclave"];
const noJournal = { read: async () => ({}), write: async () => undefined };

/** Adds its figures to those of the others. @param start Unix seconds of the moment around which everything happens. */
export async function measureAttestation(start: bigint, figures: Record<string, number>): Promise<void> {
  const p = await deployProtocol(new Date(Number(start - 10_000n) * 1_000), OpenGradientDevelopment);
  const { signers, enclaves, networkHelpers } = p;
  const nitro = NitroAttestation__factory.connect(await p.contracts.attestationVerifier.getAddress(), signers.operator);
  const es384 = ES384__factory.connect(await nitro.es384(), signers.operator);
  const set = (name: string, gas: number): void => {
    figures[`attestation: ${name}`] = gas;
  };

  /** As a transaction, though some of them are only ever asked by other contracts. */
  const gasOf = async (call: Promise<ContractTransaction>) =>
    Number((await (await signers.operator.sendTransaction(await call)).wait())!.gasUsed);

  const keys = publishedKeys("measured signature");
  const digest = createHash("sha384").update("measured").digest();
  const signature = keys.sign(Buffer.from("measured"));
  const hints = signatureHints({ digest, signature, publicKey: keys.publicKey });
  const bare = es384.verifyDigest.populateTransaction(digest, signature, keys.publicKey, hints);
  set("P-384 signature over a digest", await gasOf(bare));

  const nodeId = await p.registerNode();
  await networkHelpers.time.increaseTo(start);
  const authorities = nitroChain(developmentRoot(), Number(start), publishedKeys);
  const userData = getBytes(await enclaves.registrationUserData(nodeId));
  const made = (name: string, chain = authorities) =>
    document({
      chain: chain.all,
      timestamp: Number(start) * 1_000,
      publicKey: getBytes(publicKeyOf(new Wallet(id(name)))),
      userData,
    });
  const first = made("first");
  const steps: number[] = [];
  const told = ({ gasUsed }: Progress): unknown => gasUsed && steps.push(Number(gasUsed));
  await cacheCertificates(await nitro.getAddress(), signers.operator, first, noJournal, told);
  for (const [i, gas] of steps.entries()) set(`certificate of the ${NAMES[i]}, cold`, gas);
  const { region, root } = authorities;
  set("certificate of the root, known", await gasOf(nitro.cacheRoot.populateTransaction(root.der)));
  set("certificate, known", await gasOf(nitro.cacheCertificate.populateTransaction(root.der, region.der, "0x")));

  const evidence = attestationEvidence(first);
  set("document", await gasOf(nitro.verifyAttestation.populateTransaction(evidence)));
  const until = start + 86_400n * 20n;
  const admit = (of: string) => gasOf(enclaves.admit.populateTransaction(nodeId, of, until));
  const newImage = await admit(evidence);
  set("admit, a new image", newImage);
  set("admit, a known image", await admit(attestationEvidence(made("second"))));
  const cold = steps.reduce((sum, gas) => sum + gas, newImage);
  set("all of it, nothing known", cold);
  set("all of it, authorities known", steps[steps.length - 1]! + newImage);
}
