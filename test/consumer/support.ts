// SPDX-License-Identifier: MIT
import { Wallet, ZeroHash, concat, keccak256, toBeHex, toUtf8Bytes } from "ethers";
import { bindingOf, itemEvidence, keyBytes, makeSetup, outputHashOf, prove, scalar } from "../support/groth16.ts";
import {
  type BatchFields,
  deployProtocol,
  Mode,
  NO_DATA,
  NO_LINEAGE,
  type Protocol,
  type ReceiptFields,
} from "../support/protocol.ts";

export { Mode };
export const DAY = 86_400;
export const word = (value: bigint): string => toBeHex(value, 32);
export const mask = (...modes: number[]): number => modes.reduce((all, mode) => all | (1 << mode), 0);

/** Origins of an input, as the policy's mask has them. */
export const Origin = { INPUT: 1n, REQUEST: 2n, KEYS: 4n } as const;

export interface PolicyFields {
  modes: number;
  modelIds: string[];
  origins: bigint;
  inputHash: string;
  requestId: string;
  keyIds: string[];
  contextHash: string;
  maxAge: bigint;
  minSettled: bigint;
}

/** What a reader hands in. */
export interface OpeningFields {
  receipt: ReceiptFields;
  batch: BatchFields;
  index: number;
  proof: string[];
}

/** A settled receipt and how to open it. */
export interface Settled {
  receipt: ReceiptFields;
  opening: OpeningFields;
}

/** A setup over the published development phase 1: whoever knows it proves anything, which is what tests need. */
export const developmentSetup = {
  ...makeSetup(3, "consumer"),
  alpha: scalar("OpenGradient development phase 1: alpha"),
  beta: scalar("OpenGradient development phase 1: beta"),
};

/** A proof that one input gives these outputs, bound to a receipt. */
export function evidenceFor(receiptId: string, input: bigint, outputs: bigint[]): string {
  const signals = [input, ...outputs];
  const proof = prove(developmentSetup, [...signals, bindingOf(receiptId)], scalar("a"), scalar("b"));
  return itemEvidence(proof, signals);
}

/** Compact form of a receipt in a proved batch. */
const compact = (r: ReceiptFields): string =>
  concat([
    r.requestId,
    r.contextHash,
    r.payer,
    toBeHex(r.sequence, 8),
    toBeHex(r.cumulativeFee, 16),
    toBeHex(r.completedAt, 8),
  ]);

/** The protocol with a node, its key, an enclave, one proved and one signed model, and a consumer that takes any policy. */
export async function deployConsumer() {
  const p = await deployProtocol();
  const key = new Wallet(keccak256(toUtf8Bytes("node key")));
  const enclave = new Wallet(keccak256(toUtf8Bytes("enclave key")));
  const measurement = keccak256(toUtf8Bytes("image"));
  const nodeId = await p.registerNode();
  const keyId = await p.addOperatorKey(nodeId, key);
  const enclaveId = await p.admitEnclave(nodeId, enclave, measurement);
  const signedModel = await p.registerModel(mask(Mode.VANILLA, Mode.TEE), "language model");
  const approve = p.enclaves.interface.encodeFunctionData("approveMeasurement", [measurement, signedModel]);
  await p.govern(p.enclaves, approve);
  const provedModel = await registerProved(p, "risk model", keyBytes(developmentSetup));
  const registryAddress = await p.registry.getAddress();
  const harness = await p.ethers.deployContract("ConsumerHarness", [registryAddress]);
  const otherConsumer = await p.ethers.deployContract("ConsumerHarness", [registryAddress]);

  /** A signed and proved receipt, settled alone. */
  async function settleProved(
    input: bigint,
    outputs: bigint[],
    over: Partial<ReceiptFields> = {},
    by = key,
  ): Promise<Settled> {
    const receipt = await p.receipt({
      keyId,
      modelId: provedModel,
      mode: Mode.ZKML,
      inputHash: word(input),
      outputHash: outputHashOf(outputs),
      outputScheme: 2,
      ...over,
    });
    const id = p.receiptId(receipt);
    const evidence = evidenceFor(id, input, outputs);
    const signature = by.signingKey.sign(id).serialized;
    await expectSettled(p, await p.registry.settleReceipts([{ receipt, signature, evidence }]));
    return { receipt, opening: p.openingAlone(receipt) };
  }

  /** Proved receipts, settled as one batch under one key. */
  async function settleProvedBatch(claims: { input: bigint; outputs: bigint[]; requestId?: string }[]) {
    const receipts: ReceiptFields[] = [];
    for (const { input, outputs, requestId } of claims) {
      receipts.push(
        await p.receipt({
          keyId,
          modelId: provedModel,
          mode: Mode.ZKML,
          inputHash: word(input),
          outputHash: outputHashOf(outputs),
          outputScheme: 2,
          ...(requestId === undefined ? {} : { requestId }),
        }),
      );
    }
    const { batch, ids, signature } = p.signBatch(receipts, key);
    const evidence = concat(claims.map(({ input, outputs }, i) => evidenceFor(ids[i]!, input, outputs)));
    const compacts = concat(receipts.map(compact));
    const item = { batch, modelId: provedModel, signature, receipts: compacts, evidence };
    await expectSettled(p, await p.registry.settleProvedBatches([item]));
    return { receipts, batch, openings: receipts.map((_, i) => p.opening(receipts, batch, i)) };
  }

  /** A receipt that rests on a signature, settled in a batch of `size`. */
  async function settleSigned(
    over: Partial<ReceiptFields> = {},
    size = 1,
    by = over.mode === Mode.TEE ? enclave : key,
  ): Promise<Settled> {
    const common = { keyId: by === enclave ? enclaveId : keyId, modelId: signedModel, ...over };
    const receipts = [await p.receipt(common)];
    for (let i = 1; i < size; i++) receipts.push(await p.receipt({ ...common, requestId: word(BigInt(i)) }));
    const { batch, signature } = p.signBatch(receipts, by);
    await expectSettled(p, await p.registry.settleBatches([{ batch, signature }]));
    return { receipt: receipts[0]!, opening: p.opening(receipts, batch, 0) };
  }

  /** A policy that accepts ZKML receipts of the proved model over the input. */
  const policy = (over: Partial<PolicyFields> = {}): PolicyFields => ({
    modes: mask(Mode.ZKML),
    modelIds: [provedModel],
    origins: Origin.INPUT,
    inputHash: ZeroHash,
    requestId: ZeroHash,
    keyIds: [],
    contextHash: ZeroHash,
    maxAge: 3600n,
    minSettled: 0n,
    ...over,
  });

  return {
    ...p,
    key,
    keyId,
    nodeId,
    enclave,
    enclaveId,
    measurement,
    signedModel,
    provedModel,
    harness,
    otherConsumer,
    settleProved,
    settleProvedBatch,
    settleSigned,
    policy,
  };
}
export type Consumer = Awaited<ReturnType<typeof deployConsumer>>;

/** Registers a model version with a verifying key. */
export async function registerProved(p: Protocol, name: string, verifyingKey: string): Promise<string> {
  const version = {
    contentHash: keccak256(toUtf8Bytes(name)),
    uri: `ipfs://${name}`,
    modes: mask(Mode.ZKML),
    verifier: await p.groth16.getAddress(),
    verifyingKey,
    signals: "input, output, binding",
    lineage: NO_LINEAGE,
    ...NO_DATA,
  };
  await p.models.register(version);
  return p.models.modelIdOf(p.signers.deployer.address, version);
}

/** Settlement skips a bad item instead of failing; a test that goes on with an unsettled receipt would test nothing. */
async function expectSettled(
  p: Protocol,
  sent: { wait(): Promise<{ logs: readonly { topics: readonly string[] }[] } | null> },
) {
  const skipped = p.registry.interface.getEvent("ItemSkipped").topicHash;
  const mined = await sent.wait();
  const skip = mined!.logs.find((log) => log.topics[0] === skipped);
  if (skip !== undefined) throw new Error(`Not settled, reason ${BigInt(skip.topics[3]!)}`);
}
