// SPDX-License-Identifier: MIT
// Nodes that answer without pause, with the client that operators use, and what the relayers acknowledged of it.
import { hexlify, randomBytes, Wallet } from "ethers";
import {
  createNode,
  createRelayerClient,
  localKey,
  RelayerProblem,
  type InferenceNode,
  type NodeOptions,
  type RelayerClient,
} from "../relayer/node/index.ts";
import {
  batchDigest,
  circuitOutputHash,
  KeyKind,
  Mode,
  OutputScheme,
  receiptId,
  signalInputHash,
  type Domain,
  type Hex,
} from "../relayer/protocol/index.ts";
import { itemEvidence, keyBytes, prove, scalar, type Setup } from "../test/support/groth16.ts";
import { developmentSetup } from "../test/support/proofs.ts";
import { NO_DATA, NO_LINEAGE, type Protocol } from "../test/support/protocol.ts";

/** What was answered with success, and is therefore owed. */
export interface Acknowledged {
  /** Receipt ids, by the time of the first acknowledgement, unix milliseconds. */
  receipts: Map<Hex, number>;
  /** Digests of batches that nodes made themselves. */
  batches: { digest: Hex; at: number }[];
  /** Such batches that a relayer denied to know later on. */
  forgotten: Set<Hex>;
}

export interface Load {
  acknowledged: Acknowledged;
  /** Receipts signed so far, by kind of node. */
  made: Record<string, number>;
  /** Errors the nodes met, by their code or first words. */
  problems: Map<string, number>;
  /** Lets the nodes answer from now on. */
  start(): void;
  /** Asks no more, and resolves when all that was answered is acknowledged. Nodes go on delivering and sealing. */
  stop(): Promise<void>;
  /** Ends the nodes. */
  end(): Promise<unknown>;
}

/** A node that answers: how, how much, and to whom it hands in. */
export interface NodePlan {
  title: string;
  mode: number;
  /** Receipts a round. */
  rate: number;
  delivery?: "batches" | "receipts";
  urls: string[];
  /** It hands in to each of them, and not to the first that answers. */
  everywhere?: boolean;
}

const sleep = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms));
const random = (): Hex => hexlify(randomBytes(32)) as Hex;
const MEASUREMENT = `0x${"5a".repeat(32)}`;
const ROUND_MS = 800;
const EASE = 4;
const PATIENCE_MS = 240_000;

/** Nodes of relayers that share a ledger: any of them may be asked. */
export const onOneLedger = (urls: string[]): NodePlan[] => [
  { title: "VANILLA", mode: Mode.VANILLA, rate: 12, urls },
  { title: "TEE", mode: Mode.TEE, rate: 8, urls },
  { title: "singles", mode: Mode.VANILLA, rate: 3, delivery: "receipts", urls },
  { title: "ZKML", mode: Mode.ZKML, rate: 1, urls },
];

/**
 * Nodes of relayers that know nothing of each other. Batches go to both, who both try to settle them. A receipt that is
 * handed in alone goes to one: two relayers would seal it into a batch each, which harms nobody (R9) and is not once.
 */
export const onTwoLedgers = ([first, second]: [string, string]): NodePlan[] => [
  { title: "VANILLA, to both", mode: Mode.VANILLA, rate: 8, urls: [first, second], everywhere: true },
  { title: "ZKML, to both", mode: Mode.ZKML, rate: 1, urls: [first, second], everywhere: true },
  { title: "singles, to the first", mode: Mode.VANILLA, rate: 3, delivery: "receipts", urls: [first] },
  { title: "singles, to the second", mode: Mode.VANILLA, rate: 3, delivery: "receipts", urls: [second] },
];

/** Registers nodes, keys and models. They answer from `start` until `stop`. */
export async function prepareLoad(setting: {
  protocol: Protocol;
  domain: Domain;
  plans: NodePlan[];
  settler: Hex;
  /** Of the model versions: one for each load of a chain. */
  label: string;
}): Promise<Load> {
  const { protocol: p, domain, plans, settler, label } = setting;
  const acknowledged: Acknowledged = { receipts: new Map(), batches: [], forgotten: new Set() };
  const problems = new Map<string, number>();
  const made: Record<string, number> = {};
  const onError = (error: Error & { code?: string }): void => {
    const what = error.code ?? error.message.slice(0, 60);
    problems.set(what, (problems.get(what) ?? 0) + 1);
  };

  const setup = developmentSetup();
  const { plain, proved } = await registerModels(p, setup, label);
  if (plans.some(({ mode }) => mode === Mode.TEE))
    await p.govern(p.enclaves, p.enclaves.interface.encodeFunctionData("approveMeasurement", [MEASUREMENT, plain]));
  const proofs: Partial<NodeOptions> = {
    prove: async ({ witness, binding }) => {
      const signals = (JSON.parse(Buffer.from(witness).toString()) as string[]).map(BigInt);
      return itemEvidence(prove(setup, [...signals, binding], 5n, 7n), signals) as Hex;
    },
  };
  // One node with a key for each way of handing in: an operator may have eight nodes, and a node four keys.
  const nodeId = await p.registerNode();
  const node = async (plan: NodePlan) => {
    const { mode, delivery = "batches" } = plan;
    const wallet = new Wallet(random());
    if (mode === Mode.TEE) await p.admitEnclave(nodeId, wallet, MEASUREMENT);
    else await p.addOperatorKey(nodeId, wallet);
    const kind = mode === Mode.TEE ? KeyKind.ENCLAVE_SECP256K1 : KeyKind.OPERATOR;
    const key = localKey(wallet.privateKey as Hex, kind);
    const modelId = mode === Mode.ZKML ? proved : plain;
    const relayer = recordingClient(plan, domain, acknowledged);
    // Nodes are not what is tried here: nobody kills them.
    const store = ":memory:";
    const client = createNode({
      ...{ key, mode, modelId, domain, relayer, settler, store, onError, delivery },
      ...{ deliverEveryMs: 2_000, sealWaitSeconds: 2, batchSize: 60, ...(mode === Mode.ZKML ? proofs : {}) },
    });
    return { ...plan, client };
  };
  const nodes: Awaited<ReturnType<typeof node>>[] = [];
  for (const plan of plans) nodes.push(await node(plan));

  const stopping = new AbortController();
  async function ask({ title, mode, rate, client }: (typeof nodes)[number]): Promise<void> {
    client.start();
    while (!stopping.signal.aborted) {
      const began = Date.now();
      for (let i = 0; i < rate && !stopping.signal.aborted; i++) {
        await answerOne(client, mode);
        made[title] = (made[title] ?? 0) + 1;
        await sleep(0); // proxies run in this process too
      }
      // A machine with much else to do is given less: relayers that never catch up would show nothing but that.
      await sleep(Math.max(ROUND_MS, EASE * (Date.now() - began)));
    }
  }
  let asking: Promise<unknown> = Promise.resolve();

  return {
    ...{ acknowledged, made, problems },
    start: () => void (asking = Promise.all(nodes.map(ask))),
    async stop() {
      stopping.abort();
      await asking;
      const total = (): number => Object.values(made).reduce((sum, count) => sum + count, 0);
      const until = Date.now() + PATIENCE_MS;
      while (acknowledged.receipts.size < total() && Date.now() < until) await sleep(200);
    },
    end: () => Promise.all(nodes.map(({ client }) => client.stop())),
  };
}

async function registerModels(p: Protocol, setup: Setup, label: string): Promise<{ plain: Hex; proved: Hex }> {
  const plain = (await p.registerModel((1 << Mode.VANILLA) | (1 << Mode.TEE), label)) as Hex;
  const version = {
    ...{ contentHash: random(), uri: "ipfs://chaos", modes: 1 << Mode.ZKML, signals: "input, output, binding" },
    ...{ verifier: await p.groth16.getAddress(), verifyingKey: keyBytes(setup), lineage: NO_LINEAGE },
    ...NO_DATA,
  };
  await p.models.register(version);
  return { plain, proved: (await p.models.modelIdOf(p.signers.deployer.address, version)) as Hex };
}

async function answerOne(client: InferenceNode, mode: number): Promise<void> {
  const requestId = random();
  if (mode !== Mode.ZKML) {
    const answer = { outputHash: random(), body: new Uint8Array() };
    await client.serve({ requestId, inputHash: random() }, async () => answer);
    return;
  }
  const [input, output] = [scalar(`${requestId} in`), scalar(`${requestId} out`)];
  await client.serve({ requestId, inputHash: signalInputHash(input) }, async () => ({
    ...{ outputHash: circuitOutputHash([output]), outputScheme: OutputScheme.CIRCUIT, body: new Uint8Array() },
    witness: Buffer.from(JSON.stringify([input, output].map(String))),
  }));
}

/** The node's client over several relayers, one after the other, that writes down what was acknowledged. */
export function recordingClient(
  { urls, everywhere = false }: Pick<NodePlan, "urls" | "everywhere">,
  domain: Domain,
  acknowledged: Acknowledged,
): RelayerClient {
  const clients = urls.map((url) => createRelayerClient({ url, tries: 1, timeoutMs: 10_000 }));
  let turn = 0;
  async function any<T>(call: (client: RelayerClient) => Promise<T>): Promise<T> {
    turn++;
    for (let i = 0; ; i++) {
      try {
        return await call(clients[(turn + i) % clients.length]!);
      } catch (error) {
        const final = error instanceof RelayerProblem && error.status < 500 && error.status !== 429;
        if (final || i + 1 >= clients.length) throw error;
      }
    }
  }
  /** Hands something in, and writes it down with the first that took it. */
  async function handIn(call: (client: RelayerClient) => Promise<void>, taken: () => void): Promise<void> {
    if (!everywhere) return any(call).then(taken);
    await Promise.all(clients.map((client) => call(client).then(taken)));
  }
  const note = (ids: readonly Hex[]): void => {
    const at = Date.now();
    for (const id of ids) if (!acknowledged.receipts.has(id)) acknowledged.receipts.set(id, at);
  };
  const known = (digest: Hex): boolean => acknowledged.batches.some((batch) => batch.digest === digest);
  const idsOf = (signed: { receipts: { receipt: Parameters<typeof receiptId>[1] }[] }): Hex[] =>
    signed.receipts.map(({ receipt }) => receiptId(domain, receipt));
  return {
    postReceipt: (signed, evidence) =>
      handIn(
        (client) => client.postReceipt(signed, evidence),
        () => note([receiptId(domain, signed.receipt)]),
      ),
    postBatch: (signed) =>
      handIn(
        (client) => client.postBatch(signed),
        () => {
          note(idsOf(signed));
          const digest = batchDigest(domain, signed.batch);
          if (!known(digest)) acknowledged.batches.push({ digest, at: Date.now() });
        },
      ),
    postProofs: (signed) =>
      handIn(
        (client) => client.postProofs(signed),
        () => note(idsOf(signed)),
      ),
    nextSeal: (keyId, waitSeconds, signal) => any((client) => client.nextSeal(keyId, waitSeconds, signal)),
    answerSeal: (sealId, signature) => any((client) => client.answerSeal(sealId, signature)),
    async batchStatus(digest) {
      const status = await any((client) => client.batchStatus(digest));
      // A node hands such a batch in again. That heals what should never have happened, and would hide it.
      if (status === null && !everywhere && known(digest)) acknowledged.forgotten.add(digest);
      return status;
    },
    receiptStatus: (id) => any((client) => client.receiptStatus(id)),
  };
}
