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
}

export interface Load {
  acknowledged: Acknowledged;
  /** Receipts signed so far, by kind of node. */
  made: Record<string, number>;
  /** Errors the nodes met, by their code or first words. */
  problems: Map<string, number>;
  /** Asks no more, and resolves when all that was answered is acknowledged. Nodes go on delivering and sealing. */
  stop(): Promise<void>;
  /** Ends the nodes. */
  end(): Promise<unknown>;
}

const sleep = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms));
const random = (): Hex => hexlify(randomBytes(32)) as Hex;
const MEASUREMENT = `0x${"5a".repeat(32)}`;
const ROUND_MS = 800;
const PATIENCE_MS = 120_000;

/** Receipts that each kind of node makes a round. */
const RATES = { VANILLA: 12, TEE: 8, singles: 3, ZKML: 1 } as const;

/** Registers nodes, keys and models, and lets the nodes answer until `stop`. */
export async function startLoad(setting: {
  protocol: Protocol;
  domain: Domain;
  urls: string[];
  settler: Hex;
}): Promise<Load> {
  const { protocol: p, domain, urls, settler } = setting;
  const acknowledged: Acknowledged = { receipts: new Map(), batches: [] };
  const problems = new Map<string, number>();
  const made: Record<string, number> = {};
  const relayer = recordingClient(urls, domain, acknowledged);
  const onError = (error: Error & { code?: string }): void => {
    const what = error.code ?? error.message.slice(0, 60);
    problems.set(what, (problems.get(what) ?? 0) + 1);
  };

  const setup = developmentSetup();
  const { plain, proved } = await registerModels(p, setup);
  await p.govern(p.enclaves, p.enclaves.interface.encodeFunctionData("approveMeasurement", [MEASUREMENT, plain]));
  const node = async (title: keyof typeof RATES, mode: number, over: Partial<NodeOptions> = {}) => {
    const wallet = new Wallet(random());
    const nodeId = await p.registerNode();
    if (mode === Mode.TEE) await p.admitEnclave(nodeId, wallet, MEASUREMENT);
    else await p.addOperatorKey(nodeId, wallet);
    const kind = mode === Mode.TEE ? KeyKind.ENCLAVE_SECP256K1 : KeyKind.OPERATOR;
    const key = localKey(wallet.privateKey as Hex, kind);
    const modelId = mode === Mode.ZKML ? proved : plain;
    // Nodes are not what is tried here: nobody kills them.
    const store = ":memory:";
    const client = createNode({
      ...{ key, mode, modelId, domain, relayer, settler, store, onError },
      ...{ deliverEveryMs: 2_000, sealWaitSeconds: 2, batchSize: 60, ...over },
    });
    return { title, mode, client };
  };
  const nodes = [
    await node("VANILLA", Mode.VANILLA),
    await node("TEE", Mode.TEE),
    await node("singles", Mode.VANILLA, { delivery: "receipts" }),
    await node("ZKML", Mode.ZKML, {
      prove: async ({ witness, binding }) => {
        const signals = (JSON.parse(Buffer.from(witness).toString()) as string[]).map(BigInt);
        return itemEvidence(prove(setup, [...signals, binding], 5n, 7n), signals) as Hex;
      },
    }),
  ];

  const stopping = new AbortController();
  async function ask({ title, mode, client }: (typeof nodes)[number]): Promise<void> {
    client.start();
    while (!stopping.signal.aborted) {
      for (let i = 0; i < RATES[title] && !stopping.signal.aborted; i++) {
        await answerOne(client, mode);
        made[title] = (made[title] ?? 0) + 1;
        await sleep(0); // proxies run in this process too
      }
      await sleep(ROUND_MS);
    }
  }
  const asking = Promise.all(nodes.map(ask));

  return {
    ...{ acknowledged, made, problems },
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

async function registerModels(p: Protocol, setup: Setup): Promise<{ plain: Hex; proved: Hex }> {
  const plain = (await p.registerModel((1 << Mode.VANILLA) | (1 << Mode.TEE), "chaos")) as Hex;
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
function recordingClient(urls: string[], domain: Domain, acknowledged: Acknowledged): RelayerClient {
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
  const note = (ids: readonly Hex[]): void => {
    const at = Date.now();
    for (const id of ids) if (!acknowledged.receipts.has(id)) acknowledged.receipts.set(id, at);
  };
  const idsOf = (signed: { receipts: { receipt: Parameters<typeof receiptId>[1] }[] }): Hex[] =>
    signed.receipts.map(({ receipt }) => receiptId(domain, receipt));
  return {
    async postReceipt(signed, evidence) {
      await any((client) => client.postReceipt(signed, evidence));
      note([receiptId(domain, signed.receipt)]);
    },
    async postBatch(signed) {
      await any((client) => client.postBatch(signed));
      note(idsOf(signed));
      acknowledged.batches.push({ digest: batchDigest(domain, signed.batch), at: Date.now() });
    },
    async postProofs(signed) {
      await any((client) => client.postProofs(signed));
      note(idsOf(signed));
    },
    nextSeal: (keyId, waitSeconds, signal) => any((client) => client.nextSeal(keyId, waitSeconds, signal)),
    answerSeal: (sealId, signature) => any((client) => client.answerSeal(sealId, signature)),
    batchStatus: (digest) => any((client) => client.batchStatus(digest)),
    receiptStatus: (id) => any((client) => client.receiptStatus(id)),
  };
}
