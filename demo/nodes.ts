// SPDX-License-Identifier: GPL-3.0-or-later
import { join } from "node:path";
import { getBytes, hexlify, keccak256, randomBytes, toUtf8Bytes } from "ethers";
import { loadModel, type CircuitModel, type ModelInput } from "../circuits/model.ts";
import type { ModelName } from "../circuits/models/definitions.ts";
import { createProver } from "../circuits/prover.ts";
import { encodeProof } from "../relayer/evidence/groth16/encode.ts";
import {
  createNode,
  fileJournal,
  localKey,
  registerEnclave,
  signKeyRegistration,
  type CertificateProgress,
  type InferenceNode,
  type KeyProgress,
  type NodeKey,
  type Served,
} from "../relayer/node/index.ts";
import {
  artifactsHash,
  circuitOutputHash,
  KeyKind,
  Mode,
  saltedInputHash,
  signalInputHash,
  type Domain,
  type Hex,
  type Receipt,
} from "../relayer/protocol/index.ts";
import { type Account, type Chain, mined } from "./chain.ts";
import { startEnclave } from "./development-enclave.ts";
import { passVote } from "./economy.ts";
import type { Payments } from "./payments.ts";
import { line, table } from "./text.ts";

const DAY = 86_400;
/** What an answer costs, in wei of OPG. */
const PRICES = { plain: 10n ** 15n, enclave: 2n * 10n ** 15n, proved: 10n ** 16n };
/** What a cold registration costs elsewhere; see docs/attestation.md. */
const GAS_ELSEWHERE = "41,300,000";

export interface Models {
  risk: CircuitModel;
  digits: CircuitModel;
  riskId: Hex;
  digitsId: Hex;
}

/** Registers both models; each may be proved, and answered on a signature as well. */
export async function registerModels(chain: Chain): Promise<Models> {
  const register = async (name: ModelName) => {
    const model = await loadModel(name);
    const version = {
      contentHash: keccak256(model.verifyingKeyBytes),
      uri: `https://example.org/models/${name}`,
      modes: (1 << Mode.VANILLA) | (1 << Mode.ZKML) | (1 << Mode.TEE),
      verifier: await chain.models.groth16Verifier(),
      verifyingKey: model.verifyingKeyBytes,
      signals: model.signals.join("; "),
      lineage: { royalty: 0, parents: [], contributors: [] },
      licence: "MIT",
      sources: [],
    };
    await mined(chain.models.register(version));
    return { model, modelId: (await chain.models.modelIdOf(chain.as("operator").address, version)) as Hex };
  };
  const { model: risk, modelId: riskId } = await register("risk-scorer");
  const { model: digits, modelId: digitsId } = await register("digits");
  return { risk, digits, riskId, digitsId };
}

export async function registerNode(chain: Chain, endpoint: string, by: Account = "operator"): Promise<Hex> {
  const receipt = await mined(chain.nodes.connect(chain.as(by)).registerNode(0, endpoint));
  const event = receipt.logs
    .map((log) => chain.nodes.interface.parseLog(log))
    .find((e) => e?.name === "NodeRegistered");
  return event!.args["nodeId"] as Hex;
}

export async function addOperatorKey(chain: Chain, nodeId: Hex, by: Account = "operator"): Promise<NodeKey> {
  const key = localKey(hexlify(randomBytes(32)) as Hex);
  const { publicKey, signature } = await signKeyRegistration(key, {
    chainId: 31337n,
    nodeRegistry: chain.addresses.nodeRegistry as Hex,
    nodeId,
    operator: (await chain.as(by).getAddress()) as Hex,
  });
  const until = Math.floor(Date.now() / 1000) + 30 * DAY;
  await mined(chain.nodes.connect(chain.as(by)).addOperatorKey(nodeId, publicKey, until, signature));
  return key;
}

/**
 * Starts an enclave and registers its key as an operator's process does at every start: a document from the enclave, its
 * certificates one by one, the key. Then governance approves its image. The path is real, the hardware is not.
 */
async function admitEnclave({ chain, models, folder }: Setting, nodeId: Hex): Promise<NodeKey> {
  const key = localKey(hexlify(randomBytes(32)) as Hex, KeyKind.ENCLAVE_SECP256K1);
  const enclave = startEnclave("demo image", getBytes(key.publicKey));
  const steps: string[][] = [];
  let total = 0n;
  const wish = {
    registry: chain.addresses.enclaveRegistry,
    operator: chain.as("operator"),
    nodeId,
    keyId: key.keyId,
    attest: enclave.attest,
    lifeSeconds: 30 * DAY,
    journal: fileJournal(join(folder, "attestation-journal.json")),
    report: (progress: CertificateProgress | KeyProgress) => {
      if (progress.step === "sent") return;
      const what = "index" in progress ? `certificate ${progress.index + 1} of ${progress.total}` : "the key";
      total += progress.gasUsed ?? 0n;
      steps.push([what, progress.step, Number(progress.gasUsed ?? 0n).toLocaleString("en")]);
    },
  };
  await registerEnclave(wish);
  table(["the enclave node registers", "", "gas"], steps);
  line(
    `  ${Number(total).toLocaleString("en")} gas together; ${GAS_ELSEWHERE} by the public verifier of such documents`,
  );
  // A node that starts again finds its key known, and sends nothing.
  await registerEnclave(wish);
  const data = chain.enclaves.interface.encodeFunctionData("approveMeasurement", [
    enclave.measurement,
    models.digitsId,
  ]);
  await passVote(chain, chain.addresses.enclaveRegistry, data, "Approve the demo's enclave image for the digits model");
  return key;
}

/** What is asked of a node in the demo, and what it answers with. */
export interface Job {
  model: CircuitModel;
  input: ModelInput;
}

/** An answer as the asker has it. */
export interface Answered {
  receiptId: Hex;
  receipt: Receipt;
  /** The node's, over this receipt alone: whoever holds it can settle it. */
  signature: Hex;
  outputs: readonly bigint[];
  /** Milliseconds the answer took, and when it was there, unix milliseconds. */
  took: number;
  answeredAt: number;
}

export interface DemoNode {
  mode: number;
  title: string;
  node: InferenceNode;
  key: NodeKey;
  /** Runs the model and signs a receipt. */
  ask(job: Job): Promise<Answered>;
  close(): Promise<void>;
}

/** A node that proves, which also answers what a contract asked on chain. */
export interface ProvingNode extends DemoNode {
  /** Unpaid: the contract's own request id, and no channel. */
  answerRequest(requestId: Hex, input: ModelInput): Promise<Answered>;
}

interface Setting {
  chain: Chain;
  payments: Payments;
  models: Models;
  domain: Domain;
  relayerUrl: string;
  folder: string;
  onError: (error: Error) => void;
}

function answered({ receiptId, receipt, signature }: Served, outputs: readonly bigint[], started: number): Answered {
  return { receiptId, receipt, signature, outputs, took: performance.now() - started, answeredAt: Date.now() };
}

/** What every node here is made of. */
function optionsOf({ chain, domain, relayerUrl, folder, onError }: Setting, title: string) {
  return {
    domain,
    relayer: relayerUrl,
    settler: chain.as("relayer").address.toLowerCase() as Hex,
    store: join(folder, `${title.replaceAll(" ", "-")}.sqlite`),
    onError,
  };
}

/** The plain node and the enclave: the answer is a text, committed as a list of artifacts, and a signature. */
async function signedNode(
  setting: Setting,
  title: string,
  place: { nodeId: Hex; modelId: Hex; mode: number; price: bigint },
  key: NodeKey,
): Promise<DemoNode> {
  const { nodeId, modelId, mode } = place;
  const node = createNode({ key, mode, modelId, ...optionsOf(setting, title) });
  const payee = await setting.payments.payeeOf(node, nodeId, modelId, mode);
  return {
    mode,
    title,
    node,
    key,
    close: () => node.stop(),
    async ask({ model, input }) {
      const started = performance.now();
      const asked = hexlify(Uint8Array.from(input.values)) as Hex;
      let outputs: readonly bigint[] = [];
      const inputHash = saltedInputHash(hexlify(randomBytes(32)) as Hex, getBytes(asked));
      const served = await setting.payments.ask(payee, { ...place, inputHash }, async () => {
        ({ outputs } = model.evaluate(input));
        const text = toUtf8Bytes(outputs.join(","));
        const hash = keccak256(text) as Hex;
        return { outputHash: artifactsHash([{ kind: 0, mediaType: "text/plain", hash }]), body: text };
      });
      return answered(served, outputs, started);
    },
  };
}

/** The proving node: the answer is what the circuit puts out, and every receipt gets its proof. */
async function provingNode(
  setting: Setting,
  title: string,
  model: CircuitModel,
  place: { nodeId: Hex; modelId: Hex; mode: number; price: bigint },
  key: NodeKey,
  onProof: () => void,
): Promise<ProvingNode> {
  const prover = await createProver(model);
  const encode = (input: ModelInput) =>
    toUtf8Bytes(JSON.stringify({ values: Array.from(input.values), salt: input.salt?.toString() }));
  const decode = (witness: Uint8Array): ModelInput => {
    const { values, salt } = JSON.parse(Buffer.from(witness).toString()) as { values: number[]; salt?: string };
    return salt === undefined ? { values } : { values, salt: BigInt(salt) };
  };
  const { nodeId, modelId, mode } = place;
  const node = createNode({
    key,
    mode,
    modelId,
    ...optionsOf(setting, title),
    prove: async ({ witness, binding }) => {
      const { proof, publicSignals } = await prover.prove(decode(witness), binding);
      onProof();
      return hexlify(encodeProof(proof, publicSignals)) as Hex;
    },
  });
  const payee = await setting.payments.payeeOf(node, nodeId, modelId, mode);
  const run = (input: ModelInput) => {
    const { inputSignal, outputs } = model.evaluate(input);
    const infer = async () => ({
      outputHash: circuitOutputHash([...outputs]),
      outputScheme: 2,
      body: toUtf8Bytes(outputs.join(",")),
      witness: encode(input),
    });
    return { inputHash: signalInputHash(inputSignal), outputs, infer };
  };
  return {
    mode,
    title,
    node,
    key,
    close: async () => {
      await node.stop();
      await prover.close();
    },
    async ask({ input }) {
      const started = performance.now();
      const { inputHash, outputs, infer } = run(input);
      const served = await setting.payments.ask(payee, { ...place, inputHash }, infer);
      return answered(served, outputs, started);
    },
    async answerRequest(requestId, input) {
      const started = performance.now();
      const { inputHash, outputs, infer } = run(input);
      return answered(await node.serve({ requestId, inputHash }, infer), outputs, started);
    },
  };
}

/** Three machines of one operator: a plain one, an enclave, and one that proves both models. */
export async function startNodes(setting: Setting, onProof: () => void) {
  const { chain, models } = setting;
  const plainId = await registerNode(chain, "http://127.0.0.1:9001");
  const enclaveId = await registerNode(chain, "http://127.0.0.1:9002");
  const provingId = await registerNode(chain, "http://127.0.0.1:9003");
  const plain = await signedNode(
    setting,
    "plain node",
    { nodeId: plainId, modelId: models.riskId, mode: Mode.VANILLA, price: PRICES.plain },
    await addOperatorKey(chain, plainId),
  );
  const enclave = await signedNode(
    setting,
    "enclave node",
    { nodeId: enclaveId, modelId: models.digitsId, mode: Mode.TEE, price: PRICES.enclave },
    await admitEnclave(setting, enclaveId),
  );
  const provingKey = await addOperatorKey(chain, provingId);
  const proving = (title: string, model: CircuitModel, modelId: Hex) => {
    const place = { nodeId: provingId, modelId, mode: Mode.ZKML, price: PRICES.proved };
    return provingNode(setting, title, model, place, provingKey, onProof);
  };
  const scorer = await proving("proving node risk", models.risk, models.riskId);
  const reader = await proving("proving node digits", models.digits, models.digitsId);
  return { plain, enclave, scorer, reader };
}
