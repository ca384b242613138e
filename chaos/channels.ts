// SPDX-License-Identifier: MIT
// Payers with channels, the node they pay, and its collector, over the relayers that are being broken: claims can only be
// collected with receipts that settled, and money may move only once, whatever is taken back.
import { hexlify, JsonRpcProvider, parseEther, randomBytes, Wallet } from "ethers";
import {
  answerToWire,
  collectedOf,
  createCollector,
  createEscrowReader,
  createPayee,
  createPayer,
  openPayeeStore,
  type Payer,
} from "../relayer/channels/index.ts";
import { createNode, localKey } from "../relayer/node/index.ts";
import { contentHash, Mode, type Domain, type Hex } from "../relayer/protocol/index.ts";
import type { Protocol } from "../test/support/protocol.ts";
import type { ChaosChain } from "./chain.ts";
import type { Account, Verdict } from "./judge.ts";
import { recordingClient, type Load } from "./load.ts";

const FEE = 10n ** 15n;
const DEPOSIT = 100_000n * FEE;
const ETHER = parseEther("100");
const PAYERS = 3;
const LANES = 2;
const ASK_MS = 700;
const COLLECT_MS = 2_500;
/** A collector's call that is taken back with its block never comes; it is looked for no longer than this. */
const MINED_MS = 10_000;

export interface Channels {
  /** Pays for the collector's calls. */
  account: Account;
  start(): void;
  /** Asks no more; collecting goes on. */
  stop(): Promise<void>;
  /** Collects what is left, and holds the escrow against what was acknowledged. */
  judge(acknowledged: ReadonlyMap<Hex, number>, out: Verdict, patienceMs: number): Promise<void>;
  end(): Promise<void>;
}

const sleep = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms));
const random = (): Hex => hexlify(randomBytes(32)) as Hex;
const lower = (text: string): Hex => text.toLowerCase() as Hex;

/** Sets up payers with deposits, and a node that they pay. Before blocks come by the clock. */
export async function prepareChannels(setting: {
  chain: ChaosChain;
  domain: Domain;
  urls: string[];
  load: Load;
  settler: Hex;
  /** The least that outlives every reorganisation here: what is paid counts only then. */
  confirmations: number;
}): Promise<Channels> {
  const { chain, domain, urls, load, settler, confirmations } = setting;
  const p: Protocol = chain.protocol;
  const provider = new JsonRpcProvider(chain.url, 31337, {
    staticNetwork: true,
    cacheTimeout: -1,
    pollingInterval: 300,
  });
  const escrow: Domain = { chainId: domain.chainId, verifyingContract: lower(await p.escrow.getAddress()) };
  const modelId = (await p.registerModel(1 << Mode.VANILLA, "chaos channels")) as Hex;
  const nodeId = (await p.registerNode()) as Hex;
  const operator = new Wallet(random());
  await p.addOperatorKey(nodeId, operator);
  const collecting = new Wallet(random(), provider);
  await chain.rpc.request("anvil_setBalance", [collecting.address, `0x${ETHER.toString(16)}`]);

  const onError = (error: Error & { code?: string }): void => {
    const what = `channels: ${error.code ?? error.message.slice(0, 60)}`;
    load.problems.set(what, (load.problems.get(what) ?? 0) + 1);
  };
  const relayer = recordingClient({ urls }, domain, load.acknowledged);
  const reader = createEscrowReader({ provider, escrow: escrow.verifyingContract, ttlMs: 500, confirmations });
  const node = createNode({
    ...{ key: localKey(operator.privateKey as Hex), mode: Mode.VANILLA, modelId, domain, relayer, settler, onError },
    ...{ store: ":memory:", deliverEveryMs: 2_000, batchSize: 60 },
  });
  const store = openPayeeStore(":memory:");
  const payee = createPayee({ node, nodeId, modelId, mode: Mode.VANILLA, escrow, reader, store });
  const collector = createCollector({
    ...{ nodeId, domain, escrow: escrow.verifyingContract, store, reader, relayer, onError },
    ...{ signer: collecting, waitMs: MINED_MS },
  });

  const payers: { address: Hex; payer: Payer }[] = [];
  await p.token.approve(escrow.verifyingContract, DEPOSIT * BigInt(PAYERS));
  for (let i = 0; i < PAYERS; i++) {
    const wallet = new Wallet(random());
    await p.escrow.connect(p.token.runner).deposit(wallet.address, nodeId, DEPOSIT);
    const address = lower(wallet.address);
    const signer = { address, sign: (digest: Hex): Hex => wallet.signingKey.sign(digest).serialized as Hex };
    const own = { payer: address, signer, escrow, domain, reader, store: ":memory:", budget: DEPOSIT, lanes: LANES };
    payers.push({ address, payer: createPayer(own) });
  }
  const held = await p.token.balanceOf(escrow.verifyingContract);

  /** What each channel owes by receipts that a payer took: by receipt, its channel and the channel's total after it. */
  const claims = new Map<Hex, { channelId: Hex; total: bigint }>();
  const outputHash = contentHash("yes");
  const infer = async () => ({ outputHash, body: new TextEncoder().encode("yes") });
  async function askOnce(payer: Payer): Promise<void> {
    const wish = { nodeId, modelId, modeMask: 1 << Mode.VANILLA, inputHash: random(), maxFee: FEE };
    // A node that could not answer, as it could not look at the chain, is asked the same again.
    const [pending] = payer.pending();
    const asked = pending ? await payer.retry(pending) : await payer.request(wish);
    const served = await payee.serve(JSON.parse(JSON.stringify(asked.message)), { price: FEE, infer });
    const { receipt, receiptId } = await payer.accept(JSON.parse(JSON.stringify(answerToWire(served))), outputHash);
    const { channelId } = store.find(receipt.requestId)!;
    claims.set(receiptId, { channelId, total: receipt.cumulativeFee });
    load.made["channels"] = claims.size;
  }
  const stopping = new AbortController();
  const ended = new AbortController();
  async function pays(payer: Payer): Promise<void> {
    while (!stopping.signal.aborted) {
      await askOnce(payer).catch(onError);
      await sleep(ASK_MS);
    }
  }
  let calls = 0;
  async function collects(): Promise<void> {
    while (!ended.signal.aborted) {
      await collector.collect().then((done) => void (calls += done.calls.length), onError);
      await sleep(COLLECT_MS);
    }
  }
  let closed = false;
  let asking: Promise<unknown> = Promise.resolve();
  let collected: Promise<unknown> = Promise.resolve();

  /** The highest total of each channel that is acknowledged, and what the escrow has paid. */
  async function channels(acknowledged: ReadonlyMap<Hex, number>) {
    const owed = new Map<Hex, bigint>();
    for (const [receiptId, { channelId, total }] of claims)
      if (acknowledged.has(receiptId) && total > (owed.get(channelId) ?? 0n)) owed.set(channelId, total);
    const rows = [...owed].map(async ([channelId, total]) => {
      const { paid } = await p.escrow.session(channelId);
      return { channelId, total, paid };
    });
    return Promise.all(rows);
  }

  return {
    account: { name: "collector", address: collecting.address, balance: ETHER, granted: 0n },
    start() {
      node.start();
      asking = Promise.all(payers.map(({ payer }) => pays(payer)));
      collected = collects();
    },
    async stop() {
      stopping.abort();
      await asking;
    },

    async judge(acknowledged, { violations, figures }, patienceMs) {
      const until = Date.now() + patienceMs;
      let rows = await channels(acknowledged);
      while (rows.some(({ total, paid }) => paid < total) && Date.now() < until) {
        await sleep(1_000);
        rows = await channels(acknowledged);
      }
      ended.abort();
      await collected;
      for (const { channelId, total, paid } of rows)
        if (paid !== total) violations.push(`channel ${channelId} paid ${paid}, and ${total} is acknowledged`);
      const paid = rows.reduce((sum, row) => sum + row.paid, 0n);
      const owed = rows.reduce((sum, row) => sum + row.total, 0n);
      await judgeEscrow(paid, violations);
      figures.push(
        [
          "channels, claims acknowledged",
          `${rows.length}, ${[...claims.keys()].filter((id) => acknowledged.has(id)).length}`,
        ],
        ["collections sent", String(calls)],
        ["owed by them, collected", `${owed}, ${paid}`],
      );
    },

    async end() {
      if (closed) return;
      closed = true;
      stopping.abort();
      ended.abort();
      await Promise.all([asking, collected]);
      await node.stop();
      for (const { payer } of payers) payer.close();
      store.close();
      provider.destroy();
    },
  };

  /** The escrow's books to the last unit: events, balances, fees that wait or went on, and the token it holds. */
  async function judgeEscrow(paid: bigint, violations: string[]): Promise<void> {
    const logs = await p.escrow.queryFilter(p.escrow.filters.Collected());
    const amounts = logs.map(({ args: { payment, totals } }) => collectedOf({ payment, totals }).amount);
    const told = amounts.reduce((sum, amount) => sum + amount, 0n);
    if (told !== paid) violations.push(`payments of the escrow make ${told}, its channels say ${paid}`);
    const owed = payers.reduce((sum, { payer }) => sum + payer.exposure().owed, 0n);
    if (owed !== paid) violations.push(`payers took answers for ${owed}, and ${paid} was collected`);
    let left = 0n;
    for (const { address } of payers) left += (await p.escrow.account(address, nodeId)).balance;
    const missing = DEPOSIT * BigInt(PAYERS) - left - paid;
    if (missing !== 0n) violations.push(`${missing} of the deposits are unaccounted for`);
    const groups = new Map<string, Parameters<typeof p.escrow.forward>>();
    for (const { args } of await p.escrow.queryFilter(p.escrow.filters.FeesAccrued()))
      groups.set(`${args.modelId} ${args.settler} ${args.epoch}`, [
        args.nodeId,
        args.modelId,
        args.settler,
        args.epoch,
      ]);
    let forwarded = 0n;
    for (const group of groups.values()) {
      forwarded += await p.escrow.fees(...(group as [string, string, string, bigint]));
      await (await p.escrow.forward(...group)).wait();
    }
    if (forwarded !== paid) violations.push(`${forwarded} of ${paid} went on to the splitter`);
    const holds = await p.token.balanceOf(escrow.verifyingContract);
    if (held - holds !== paid) violations.push(`the escrow holds ${holds}, and should ${held - paid}`);
  }
}
