// SPDX-License-Identifier: MIT
import { keccak256, toUtf8Bytes, type Wallet } from "ethers";
import { bindingOf, itemEvidence, keyBytes, makeSetup, outputHashOf, prove, scalar } from "../support/groth16.ts";
import { NO_DATA, NO_LINEAGE, type ReceiptFields } from "../support/protocol.ts";
import { outcomeOf } from "../support/outcome.ts";
import { DevelopmentToken__factory } from "../../typechain/index.ts";
import { deployConsumer, developmentSetup, evidenceFor, mask, Mode, word } from "./support.ts";

/** A setup for models with two outputs, over the published development phase 1. */
export const pairSetup = { ...makeSetup(4, "pair"), alpha: developmentSetup.alpha, beta: developmentSetup.beta };

/** {@link deployConsumer}, with models that an enclave may answer for as well, and receipts that are signed and not settled. */
export async function deployExamples() {
  const c = await deployConsumer();
  const register = async (name: string, modes: number, verifyingKey: string) => {
    const version = {
      contentHash: keccak256(toUtf8Bytes(name)),
      uri: `ipfs://${name}`,
      modes,
      verifier: await c.groth16.getAddress(),
      verifyingKey,
      signals: "input, outputs, binding",
      lineage: NO_LINEAGE,
      ...NO_DATA,
    };
    await c.models.register(version);
    return c.models.modelIdOf(c.signers.deployer.address, version);
  };
  const everyMode = mask(Mode.VANILLA, Mode.ZKML, Mode.TEE);
  const model = await register("assessor", everyMode, keyBytes(developmentSetup));
  const pairModel = await register("deciding circuit", mask(Mode.ZKML), keyBytes(pairSetup));
  const approve = c.enclaves.interface.encodeFunctionData("approveMeasurement", [c.measurement, model]);
  await c.govern(c.enclaves, approve);

  const keyOf = (mode: number): Wallet => (mode === Mode.TEE ? c.enclave : c.key);

  /** A receipt over circuit outputs with its signature, unproved and not settled. */
  async function sign(mode: number, input: bigint, outputs: bigint[], over: Partial<ReceiptFields> = {}, by?: Wallet) {
    const receipt = await c.receipt({
      mode,
      keyId: mode === Mode.TEE ? c.enclaveId : c.keyId,
      modelId: model,
      inputHash: word(input),
      outputHash: outputHashOf(outputs),
      outputScheme: 2,
      ...over,
    });
    const signature = (by ?? keyOf(mode)).signingKey.sign(c.receiptId(receipt)).serialized;
    return { receipt, signature, evidence: "0x" };
  }
  type Signed = Awaited<ReturnType<typeof sign>>;

  /** Settles a signed receipt alone, with the proof that it needs. */
  async function settle(signed: Signed, evidence = "0x") {
    const { skipped } = await outcomeOf(c.registry.settleReceipts([{ ...signed, evidence }]));
    if (skipped.length > 0) throw new Error(`Not settled: ${skipped[0]!.reason}`);
    return c.openingAlone(signed.receipt);
  }

  /** Settles a ZKML receipt with a proof of these outputs. */
  const settleProof = (signed: Signed, input: bigint, outputs: bigint[]) =>
    settle(signed, evidenceFor(c.receiptId(signed.receipt), input, outputs));

  /** A proved receipt of the model with two outputs, settled. */
  async function settlePair(input: bigint, outputs: [bigint, bigint], over: Partial<ReceiptFields> = {}) {
    const signed = await sign(Mode.ZKML, input, outputs, { modelId: pairModel, ...over });
    const signals = [input, ...outputs];
    const binding = bindingOf(c.receiptId(signed.receipt));
    const proof = prove(pairSetup, [...signals, binding], scalar("pair a"), scalar("pair b"));
    return settle(signed, itemEvidence(proof, signals));
  }

  const now = async () => BigInt(await c.networkHelpers.time.latest());
  /** A plain token, all of it the deployer's. */
  const freeToken = async (name: string) =>
    (await new DevelopmentToken__factory(c.signers.deployer).deploy(name, name)).waitForDeployment();
  return { ...c, model, pairModel, sign, settle, settleProof, settlePair, now, freeToken };
}
export type Examples = Awaited<ReturnType<typeof deployExamples>>;
