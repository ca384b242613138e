// SPDX-License-Identifier: MIT
// The whole way of money, with nothing pretended: payer, node, relayer, collector, and the InferenceEscrow on a chain.
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { expect } from "chai";
import { Interface, JsonRpcProvider, parseEther, Wallet } from "ethers";
import fc from "fast-check";
import { artifacts } from "hardhat";
import { createRelayer, type Relayer } from "../../relayer/app.ts";
import {
  answerToWire,
  collectedOf,
  createCollector,
  createEscrowReader,
  createPayee,
  createPayer,
  gasOf,
  inferenceEscrow,
  openPayeeStore,
  planCollection,
  REFUSALS,
  type CollectorOptions,
  type EscrowReader,
  type Payee,
  type PayeeStore,
  type Payer,
  type PayerOptions,
} from "../../relayer/channels/index.ts";
import { parseConfig } from "../../relayer/config/index.ts";
import { createNode, createRelayerClient, localKey, type InferenceNode } from "../../relayer/node/index.ts";
import * as protocol from "../../relayer/protocol/index.ts";
import type { Channel, Domain, Hex } from "../../relayer/protocol/index.ts";
import { collectedWords, deployEscrow, type EscrowWorld } from "../escrow/support.ts";
import * as any from "../protocol/arbitraries.ts";
import { openHttpDoor } from "../support/http-door.ts";
import { NO_BATCH } from "../support/protocol.ts";
import { codeOf } from "./support/channels.ts";
import { random, removeDir, tempDir } from "./support/relayer.ts";

const lower = (text: string): Hex => text.toLowerCase() as Hex;
const sleep = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms));
const DAY = 86_400n;
const FEE = 10n ** 15n;

describe("payment channels over the real InferenceEscrow", () => {
  let w: EscrowWorld;
  let door: Awaited<ReturnType<typeof openHttpDoor>>;
  let provider: JsonRpcProvider;
  let relayer: Relayer;
  let folder: string;
  let domain: Domain;
  let escrow: Domain;
  let nodeId: Hex;
  let modelId: Hex;
  let collecting: Wallet;
  let reader: EscrowReader;
  let node: InferenceNode;
  let store: PayeeStore;
  let payee: Payee;
  const errors: string[] = [];
  const clock = { now: 0 };
  const now = (): number => clock.now;
  const closing: (() => void)[] = [];

  before(async () => {
    w = await deployEscrow();
    door = await openHttpDoor(w.connection.provider);
    provider = new JsonRpcProvider(door.url, 31337, {
      staticNetwork: true,
      pollingInterval: 20,
      cacheTimeout: -1,
      batchMaxCount: 1,
    });
    folder = tempDir();
    domain = { chainId: 31337n, verifyingContract: lower(await w.registry.getAddress()) };
    escrow = { chainId: 31337n, verifyingContract: lower(await w.escrow.getAddress()) };
    [nodeId, modelId] = [w.nodeId as Hex, w.modelId as Hex];
    const sender = new Wallet(Wallet.createRandom().privateKey);
    collecting = new Wallet(Wallet.createRandom().privateKey, provider);
    for (const { address } of [sender, collecting]) await w.networkHelpers.setBalance(address, parseEther("100"));
    const quick = { maxCount: 20, patientMs: 100, impatientMs: 200 };
    relayer = await createRelayer(
      parseConfig({
        chain: {
          ...{ chainId: 31337, registry: domain.verifyingContract, rpcUrls: [door.url] },
          ...{ finality: { confirmations: 1 }, pollMs: 50, cacheMs: 0 },
        },
        http: { port: 0, requestsPerSecond: 1_000, burst: 1_000, batchesPerMinutePerKey: 10_000 },
        store: { dataDir: join(folder, "relayer") },
        settlement: { policy: quick, sweepMs: 50, retryMs: 100 },
      }),
      {
        signer: { address: sender.address, signTransaction: (transaction) => sender.signTransaction(transaction) },
        log: {
          info: () => undefined,
          warn: () => undefined,
          error: (details, message) => void errors.push(`${message} ${JSON.stringify(details)}`),
        },
      },
    );
    reader = createEscrowReader({ provider, escrow: escrow.verifyingContract, ttlMs: 0, confirmations: 0 });
    node = createNode({
      ...{ key: localKey(w.operatorKey.privateKey as Hex), mode: 0, modelId, domain, relayer: relayer.url, now },
      ...{ store: join(folder, "requests.db"), settler: lower(w.signers.deployer.address), batchSize: 7 },
      onError: (error) => void errors.push(error.message),
    });
    store = openPayeeStore(join(folder, "payee.db"));
    payee = createPayee({ node, nodeId, modelId, mode: 0, escrow, reader, store, now });
    await tick();
  });
  after(async () => {
    for (const close of closing) close();
    store.close();
    await relayer.close();
    provider.destroy();
    await door.close();
    await w.connection.close();
    removeDir(folder);
  });
  afterEach(() => expect(errors.splice(0)).to.deep.equal([]));

  /** The chain's clock runs by blocks here; everybody goes by it. */
  async function tick(): Promise<void> {
    clock.now = Number(await w.now()) * 1_000;
  }
  const signerOf = ({ address, signingKey }: Wallet) => ({
    address: lower(address),
    sign: (digest: Hex): Hex => signingKey.sign(digest).serialized as Hex,
  });
  async function newPayer(deposit: bigint, over: Partial<PayerOptions> = {}) {
    const wallet = new Wallet(Wallet.createRandom().privateKey, provider);
    await w.networkHelpers.setBalance(wallet.address, parseEther("1"));
    await w.fund(wallet.address, deposit);
    const payer = createPayer({
      ...{
        payer: lower(wallet.address),
        signer: signerOf(wallet),
        escrow,
        domain,
        reader,
        budget: parseEther("1"),
        now,
      },
      ...{ store: join(folder, `${wallet.address}.db`), ...over },
    });
    closing.push(() => payer.close());
    await tick();
    return { wallet, payer };
  }
  const wish = () => ({ nodeId, modelId, modeMask: 1, inputHash: random(), maxFee: 3n * FEE });
  const infer = async () => ({ outputHash: protocol.contentHash("yes"), body: Buffer.from("yes"), fee: FEE });
  async function ask(payer: Payer) {
    const { message } = await payer.request(wish());
    const served = await payee.serve(JSON.parse(JSON.stringify(message)), { price: 2n * FEE, infer });
    return payer.accept(JSON.parse(JSON.stringify(answerToWire(served))), served.receipt.outputHash);
  }
  const collector = (over: Partial<CollectorOptions> = {}) =>
    createCollector({
      ...{ nodeId, domain, escrow: escrow.verifyingContract, store, reader, signer: collecting },
      ...{ relayer: createRelayerClient({ url: relayer.url }), onError: (error) => void errors.push(error.message) },
      ...over,
    });
  async function settled(receiptIds: Hex[]): Promise<void> {
    await node.deliver();
    const client = createRelayerClient({ url: relayer.url });
    for (const id of receiptIds)
      for (let tries = 0; (await client.receiptStatus(id))?.["state"] !== "final"; tries++) {
        if (tries > 400) throw new Error(`${id} never settled`);
        await sleep(50);
      }
  }
  const balanceOf = async (payer: Wallet) => (await w.escrow.account(payer.address, nodeId)).balance;

  it("its ABI here is the compiled one, names of fields and refusals included", async () => {
    const compiled = new Interface((await artifacts.readArtifact("InferenceEscrow")).abi);
    for (const fragment of inferenceEscrow.fragments) {
      const other = compiled.fragments.find((one) => one.type === fragment.type && one.format() === fragment.format());
      expect(fragment.format("full")).to.equal(other?.format("full"));
    }
    const source = readFileSync("contracts/interfaces/IInferenceEscrow.sol", "utf8");
    const body = /enum Refusal \{([^}]*)\}/.exec(source)![1]!.replace(/\/\/.*$/gm, "");
    expect([...REFUSALS]).to.deep.equal(body.split(",").map((name) => name.trim()));
  });

  it("the numbers of a payment are read back from its two words, whatever they are", () => {
    const uint = (bits: bigint) => fc.bigInt({ min: 0n, max: (1n << bits) - 1n });
    const amounts = { amount: uint(96n), paid: uint(96n), owed: uint(96n), balance: uint(96n) };
    fc.assert(
      fc.property(fc.record({ sequence: uint(64n), ...amounts }), (numbers) => {
        const [payment, totals] = collectedWords(numbers.sequence, numbers);
        expect(collectedOf({ payment, totals })).to.deep.equal(numbers);
      }),
    );
  });

  it("the contract computes the same ids and digests [R5] [R7]", async () => {
    const uint = (bits: bigint) => fc.bigInt({ min: 0n, max: (1n << bits) - 1n });
    const fields = { nodeId: any.word, modelId: any.word, modeMask: fc.integer({ min: 0, max: 255 }), lane: uint(64n) };
    const channel: fc.Arbitrary<Channel> = fc.record({ payer: any.address, signer: any.address, ...fields });
    await fc.assert(
      fc.asyncProperty(channel, uint(64n), any.word, uint(128n), async (one, sequence, inputHash, maxCumulative) => {
        const channelId = protocol.channelId({ ...one, chainId: 31337n, escrow: escrow.verifyingContract });
        expect(await w.escrow.channelIdOf(one)).to.equal(channelId);
        const digest = protocol.voucherDigest(escrow, { channelId, sequence, inputHash, maxCumulative });
        expect(await w.escrow.voucherDigest(channelId, sequence, inputHash, maxCumulative)).to.equal(digest);
      }),
      { numRuns: 20 },
    );
  });

  it("from deposit to splitter: lanes, sessions, many batches, collected with the youngest receipts [R7] [R9]", async () => {
    const payers = [await newPayer(parseEther("1"), { lanes: 2 }), await newPayer(parseEther("1"))];
    const session = Wallet.createRandom();
    const third = await newPayer(parseEther("1"), { signer: signerOf(new Wallet(session.privateKey)) });
    const channel = { payer: third.wallet.address, signer: session.address, nodeId, modelId, modeMask: 1, lane: 0n };
    await w.escrow.connect(third.wallet).openChannel(channel, 100n * FEE, (await w.now()) + 30n * DAY);
    await tick();

    const ids: Hex[] = [];
    for (let round = 0; round < 4; round++) {
      const asked = [...payers, payers[0]!, third].map(({ payer }) => ask(payer));
      for (const { receiptId, fee } of await Promise.all(asked)) {
        expect(fee).to.equal(FEE);
        ids.push(receiptId);
      }
    }
    expect(store.unpaid()).to.have.length(4);
    await settled(ids);

    const [groups] = planCollection(domain, (await collector().collectables()).payable);
    const planned = gasOf(groups!);
    const { calls, leftOut, fees } = await collector().collect();
    expect(leftOut).to.deep.equal([]);
    expect(calls).to.have.length(1);
    expect(calls[0]).to.deep.include({ amount: 16n * FEE });
    expect(calls[0]!.channels).to.have.length(4);
    expect(calls[0]!.gasUsed < planned, `${calls[0]!.gasUsed} of ${planned} planned`).to.equal(true);
    const balances = [8n, 4n, 4n].map((spent) => parseEther("1") - spent * FEE);
    const wallets = [...payers, third].map(({ wallet }) => wallet);
    expect(await Promise.all(wallets.map(balanceOf))).to.deep.equal(balances);
    expect(await collector().collect()).to.deep.equal({ calls: [], leftOut: [], fees: [] });
    expect(store.unpaid()).to.deep.equal([]);

    const before = await w.token.balanceOf(await w.splitter.getAddress());
    for (const fee of fees) {
      expect(fee).to.deep.include({ nodeId, modelId, settler: lower(w.signers.deployer.address) });
      const estimated = await w.escrow.forward.estimateGas(fee.nodeId, fee.modelId, fee.settler, fee.epoch);
      const sent = await provider.getTransaction(await collector().forward(fee));
      expect(sent!.gasLimit > (estimated * 11n) / 10n + 40_000n, "more gas than estimated").to.equal(true);
    }
    expect((await w.token.balanceOf(await w.splitter.getAddress())) - before).to.equal(16n * FEE);

    // The channel goes on: only the difference is paid.
    const { receiptId } = await ask(payers[1]!.payer);
    await settled([receiptId]);
    expect((await collector().collect()).calls.map(({ amount }) => amount)).to.deep.equal([FEE]);
  });

  it("spreads claims over calls, and leaves small sums for later", async () => {
    const many: Awaited<ReturnType<typeof newPayer>>[] = [];
    while (many.length < 5) many.push(await newPayer(parseEther("1")));
    const ids: Hex[] = [];
    for (const { payer } of many) ids.push((await ask(payer)).receiptId);
    ids.push((await ask(many[0]!.payer)).receiptId);
    await settled(ids);
    const small = await collector({ minAmount: 2n * FEE }).collect();
    expect(small.calls.map(({ amount }) => amount)).to.deep.equal([2n * FEE]);
    expect(small.leftOut.map(({ refusal }) => refusal)).to.deep.equal(Array.from({ length: 4 }, () => "TooLittle"));
    const bounds = { maxClaims: 3, maxGas: 14_000_000n, maxBytes: 100_000 };
    const { calls } = await collector({ bounds }).collect();
    expect(calls.map(({ channels }) => channels.length)).to.deep.equal([3, 1]);
  });

  it("waits for no call for ever, and what it did not see mined is paid once [FM:timeout-resettle]", async () => {
    const { wallet, payer } = await newPayer(parseEther("1"));
    const { receiptId } = await ask(payer);
    await settled([receiptId]);
    const mining = (on: boolean) => w.connection.provider.request({ method: "evm_setAutomine", params: [on] });
    await mining(false);
    try {
      expect(await codeOf(collector({ waitMs: 300 }).collect())).to.equal("TIMEOUT");
      // Nothing is known of the first call, so another goes out: the chain pays for one of them.
      expect(await codeOf(collector({ waitMs: 300 }).collect())).to.equal("TIMEOUT");
    } finally {
      await w.networkHelpers.mine(1);
      await mining(true);
    }
    expect(await balanceOf(wallet)).to.equal(parseEther("1") - FEE);
    expect(await collector().collect()).to.deep.equal({ calls: [], leftOut: [], fees: [] });
    expect(store.unpaid()).to.deep.equal([]);
  });

  it("serves and signs only over what the escrow holds and was not asked back; nothing while no node answers [R7]", async () => {
    const { wallet, payer } = await newPayer(3n * FEE);
    const pending = await payer.request(wish());
    await w.escrow.connect(wallet).thaw(nodeId, 2n * FEE);
    expect(await codeOf(payee.serve(pending.message, { price: 2n * FEE, infer }))).to.equal("escrow_too_small");
    await w.escrow.connect(wallet).thaw(nodeId, 0n);
    const away = createEscrowReader({
      provider: new JsonRpcProvider("http://127.0.0.1:1", 31337, { staticNetwork: true }),
      escrow: escrow.verifyingContract,
    });
    const blind = createPayee({ node, nodeId, modelId, mode: 0, escrow, reader: away, store, now });
    expect(await codeOf(blind.serve(pending.message, { price: FEE, infer }))).to.equal("chain_unknown");
    expect(await codeOf(payee.serve(pending.message, { price: 2n * FEE, infer }))).to.equal(null);
  });

  it("reads keys of nodes and enclaves, and deposits only once blocks stand on them", async () => {
    expect(await reader.signingKey(w.keyId as Hex, 0)).to.deep.include({
      ...{ signer: lower(w.operatorKey.address), kind: 0, nodeId },
    });
    expect(await reader.signingKey(w.enclaveKeyId as Hex, 2)).to.deep.include({
      ...{ signer: lower(w.enclaveKey.address), kind: 1, nodeId },
    });
    expect(await reader.signingKey(random(), 0)).to.equal(null);
    const { wallet } = await newPayer(FEE);
    const careful = createEscrowReader({ provider, escrow: escrow.verifyingContract, confirmations: 2, ttlMs: 0 });
    const look = () => careful.snapshot(lower(wallet.address), nodeId, []);
    expect((await look()).balance).to.equal(0n);
    await w.networkHelpers.mine(2);
    expect((await look()).balance).to.equal(FEE);
  });

  it("an answer is remembered for a short time only, and asked for anew for channels it does not cover", async () => {
    const { wallet } = await newPayer(FEE);
    const time = { now: 0 };
    const options = { provider, escrow: escrow.verifyingContract, confirmations: 0, ttlMs: 1_000, now: () => time.now };
    const caching = createEscrowReader(options);
    const look = (ids: Hex[] = [], fresh = false) => caching.snapshot(lower(wallet.address), nodeId, ids, fresh);
    expect((await look()).balance).to.equal(FEE);
    await w.fund(wallet.address, FEE);
    expect((await look()).balance).to.equal(FEE);
    expect((await look([random()])).balance).to.equal(2n * FEE);
    await w.fund(wallet.address, FEE);
    expect((await look([], true)).balance).to.equal(3n * FEE);
    await w.fund(wallet.address, FEE);
    time.now = 999;
    expect((await look()).balance).to.equal(3n * FEE);
    time.now = 1_000;
    expect((await look()).balance).to.equal(4n * FEE);
  });

  it("collects receipts that settled alone; where the youngest is not payable, with one before it", async () => {
    const session = Wallet.createRandom();
    const { wallet, payer } = await newPayer(parseEther("1"), { signer: signerOf(new Wallet(session.privateKey)) });
    const channel = { payer: wallet.address, signer: session.address, nodeId, modelId, modeMask: 1, lane: 0n };
    const expiry = (await w.now()) + 700n;
    await w.escrow.connect(wallet).openChannel(channel, 100n * FEE, expiry);
    await tick();
    const first = await ask(payer);
    // A run that took until after the session's end: served, and not payable.
    const { message } = await payer.request(wish());
    await w.goTo(expiry + 1n);
    const served = await payee.serve(message, {
      price: FEE,
      infer: async () => {
        await tick();
        return infer();
      },
    });
    for (const id of [first.receiptId, served.receiptId]) {
      const { receipt, signature } = id === served.receiptId ? served : node.issued(first.receipt.requestId)!;
      await w.registry.settleReceipts([{ receipt, signature, evidence: "0x" }]);
    }
    const opening = { batch: NO_BATCH, index: 0, proof: [] };
    const stub = { receiptStatus: async () => ({ state: "final", opening }) };
    const { calls, leftOut } = await collector({ relayer: stub }).collect();
    expect(calls.map(({ amount }) => amount)).to.deep.equal([FEE]);
    expect(leftOut.map(({ requestId, refusal }) => [requestId, refusal])).to.deep.include([
      served.receipt.requestId,
      "SessionExpired",
    ]);
  });

  it("a relayer that answers nonsense, or another proof, costs nobody but itself [R1]", async () => {
    const { payer } = await newPayer(parseEther("1"));
    const { receipt, receiptId } = await ask(payer);
    await settled([receiptId]);
    const client = createRelayerClient({ url: relayer.url });
    const lies: unknown[] = [
      "yes",
      { state: "final", opening: { batch: { ...NO_BATCH, count: 3 }, index: 9, proof: [] } },
    ];
    for (const lie of lies) {
      const relayer = { receiptStatus: async () => lie as Record<string, unknown> };
      expect((await collector({ relayer, onError: () => undefined }).collect()).calls).to.deep.equal([]);
    }
    const alone = { state: "final", opening: { batch: NO_BATCH, index: 0, proof: [] } };
    const { calls, leftOut } = await collector({ relayer: { receiptStatus: async () => alone } }).collect();
    expect(calls).to.deep.equal([]);
    const [mine] = leftOut.filter(({ requestId }) => requestId === receipt.requestId);
    expect(mine).to.include({ refusal: "NotVerified", reason: "NotSettled" });
    expect((await collector({ relayer: client }).collect()).calls).to.have.length(1);
  });
});
