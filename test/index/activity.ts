// What a protocol does in a day, in a minute: something for most contracts that the subgraph follows, with real keys.
import { hexlify, id, keccak256, parseEther, randomBytes, Wallet, ZeroHash } from "ethers";
import { type Chain, mined } from "../../demo/chain.ts";
import { delegate, LOCAL_INFERENCE, passVote, stakeAll, tokenEvent } from "../../demo/economy.ts";
import { addOperatorKey, registerNode } from "../../demo/nodes.ts";
import { makeBatch } from "../../relayer/batches/seal.ts";
import { encodeSettlement, type SettlementItem } from "../../relayer/chain/settlement.ts";
import type { NodeKey } from "../../relayer/node/index.ts";
import {
  batchDigest,
  type Domain,
  type Hex,
  type Receipt,
  receiptId,
  ZERO_ADDRESS,
} from "../../relayer/protocol/index.ts";
import type { Settled } from "../../relayer/reconcile/types.ts";
import {
  FeeInboxes__factory,
  MemoryRegistry__factory,
  TwinAgents__factory,
  TwinMarket__factory,
} from "../../typechain/index.ts";
import { NO_DATA, NO_LINEAGE } from "../support/protocol.ts";

const lower = (value: string): Hex => value.toLowerCase() as Hex;
const random = (): Hex => hexlify(randomBytes(32)) as Hex;

export interface Activity {
  domain: Domain;
  nodeId: Hex;
  key: NodeKey;
  modelId: Hex;
  /** Settles signed batches of these sizes and as many receipts alone, in one call each. */
  settle(sizes: readonly number[], alone?: number): Promise<Settled[]>;
  /** Leaves of what was settled, by their hash: published, as a relayer does. */
  leaves: ReadonlyMap<Hex, Uint8Array>;
  pay(amount: bigint): Promise<void>;
  trade(keys: bigint): Promise<void>;
}

/** Of the one twin. */
export const TWIN = "0x00112233445566778899aabbccddeeff";

/** Token event, stake, a node with a key, a model, deposits, a key market's twin, a memory. */
export async function begin(chain: Chain): Promise<Activity> {
  const domain: Domain = { chainId: 31337n, verifyingContract: lower(chain.addresses.inferenceRegistry) };
  await tokenEvent(chain);
  await stakeAll(chain);
  const nodeId = await registerNode(chain, "http://127.0.0.1:9000");
  const key = await addOperatorKey(chain, nodeId);
  const version = {
    ...{ contentHash: keccak256(Buffer.from("weights")), uri: "ipfs://weights", modes: 1, verifier: ZERO_ADDRESS },
    ...{ verifyingKey: "0x", signals: "", lineage: NO_LINEAGE, ...NO_DATA },
  };
  await mined(chain.models.register(version));
  const modelId = (await chain.models.modelIdOf(chain.as("operator").address, version)) as Hex;
  await mined(chain.nodes.setOffer(nodeId, modelId, 1, 10));

  const payer = chain.as("borrower");
  await mined(chain.token.transfer(payer.address, parseEther("100")));
  await mined(chain.token.connect(payer).approve(chain.addresses.escrow, parseEther("50")));
  await mined(chain.escrow.deposit(payer.address, nodeId, parseEther("50")));
  await mined(chain.escrow.thaw(nodeId, parseEther("7")));
  await mined(chain.token.connect(payer).approve(chain.addresses.feeSplitter, parseEther("50")));

  const twins = TwinMarket__factory.connect(chain.addresses.twinMarket, payer);
  const twin = TWIN;
  const leaves = new Map<Hex, Uint8Array>();
  await mined(twins["createDigitalTwin(bytes16,string)"](twin, "https://twin.example", { value: parseEther("0.01") }));
  const memory = MemoryRegistry__factory.connect(chain.addresses.memoryRegistry, payer);
  await mined(memory.commit(id("label"), random(), 3n, random(), []));

  async function settle(sizes: readonly number[], alone = 0): Promise<Settled[]> {
    const { timestamp } = (await chain.provider.getBlock("latest"))!;
    const receipt = (): Receipt => ({
      ...{ requestId: random(), modelId, inputHash: random(), outputHash: random(), outputScheme: 0 },
      ...{ contextHash: ZeroHash as Hex, keyId: key.keyId, payer: lower(payer.address), sequence: 0n },
      ...{ cumulativeFee: 10n ** 16n, completedAt: BigInt(timestamp), mode: 0 },
    });
    const items: SettlementItem[] = [];
    const settled: Omit<Settled, "settledAt" | "block" | "transaction">[] = [];
    for (const size of sizes) {
      const { batch, document } = makeBatch(
        domain,
        Array.from({ length: size }, receipt),
        lower(chain.as("relayer").address),
      );
      const digest = batchDigest(domain, batch);
      leaves.set(batch.dataHash, document);
      items.push({ kind: "signed", batch, signature: await key.sign(digest) });
      settled.push({ id: digest, kind: "batch", keyId: key.keyId, mode: 0, count: size, root: batch.root });
    }
    const found = await send(items, settled);
    const singles: SettlementItem[] = [];
    const ids: typeof settled = [];
    for (let i = 0; i < alone; i++) {
      const one = receipt();
      const digest = receiptId(domain, one);
      singles.push({ kind: "receipt", receipt: one, signature: await key.sign(digest), evidence: "0x" });
      ids.push({ id: digest, kind: "receipt", keyId: key.keyId, mode: 0, count: 1, root: null });
    }
    return [...found, ...(await send(singles, ids))];
  }
  async function send(items: SettlementItem[], settled: Omit<Settled, "settledAt" | "block" | "transaction">[]) {
    if (items.length === 0) return [];
    const sent = await chain
      .as("relayer")
      .sendTransaction({ to: domain.verifyingContract, data: encodeSettlement(items) });
    const { blockNumber: block, hash } = (await sent.wait())!;
    const settledAt = (await chain.provider.getBlock(block))!.timestamp;
    return settled.map((one): Settled => ({ ...one, settledAt, block, transaction: hash as Hex }));
  }

  return {
    ...{ domain, nodeId, key, modelId, leaves, settle },
    async pay(amount) {
      const epoch = await chain.splitter.currentEpoch();
      const settler = chain.as("relayer").address;
      await mined(chain.splitter.connect(payer).pay(nodeId, modelId, settler, epoch, amount));
    },
    async trade(keys) {
      const { total } = await twins.quoteBuy(twin, keys);
      await mined(twins["buyShares(bytes16,uint256)"](twin, keys, { value: total * 2n }));
      await mined(twins["sellShares(bytes16,uint256)"](twin, keys / 2n));
    },
  };
}

/** A vote through governor and timelock, more stake, more delegation, some of it on its way out. */
export async function economy(chain: Chain): Promise<void> {
  await delegate(chain, "cheat", parseEther("1234.567"));
  await mined(chain.staking.unbond(LOCAL_INFERENCE, parseEther("1000")));
  await mined(
    chain.staking
      .connect(chain.as("delegator"))
      .undelegate(chain.as("operator").address, LOCAL_INFERENCE, parseEther("77")),
  );
  const call = chain.models.interface.encodeFunctionData("approveVerifier", [Wallet.createRandom().address]);
  await passVote(chain, chain.addresses.modelRegistry, call, "one more verifier");
}

/** What is left of a day: rewards, freezes, sources, shares, grants, links, inboxes, and what was skipped. */
export async function oddments(chain: Chain, { nodeId, modelId, key, domain }: Activity): Promise<void> {
  const [payer, operator, guardian, relayer] = (["borrower", "operator", "guardian", "relayer"] as const).map(chain.as);
  const { addresses } = chain;

  // Rewards: what lies in staking without a purpose is streamed, and collected by whoever asks.
  await mined(chain.token.transfer(addresses.staking, parseEther("120000")));
  await mined(chain.staking.sync());
  await chain.provider.send("evm_mine", []);
  await mined(chain.staking.compound(operator!.address, LOCAL_INFERENCE));

  // Fees: an inbox, what a model version holds, what an operator is owed.
  const inboxes = FeeInboxes__factory.connect(addresses.feeInboxes, payer);
  await mined(inboxes.create(nodeId, modelId));
  await mined(chain.token.connect(payer!).transfer(await inboxes.inboxOf(nodeId, modelId), parseEther("0.3")));
  await mined(inboxes.sweep(nodeId, modelId));
  await mined(chain.splitter.distributeModel(modelId));
  await mined(chain.splitter.claim(operator!.address));
  await mined(chain.escrow.approveReserver(addresses.inferenceRequests, parseEther("2")));

  // Trust, data, memory, twins.
  const spare = await addOperatorKey(chain, nodeId);
  await mined(chain.nodes.connect(guardian!).freeze(spare.keyId));
  await mined(chain.models.registerSource({ contentHash: random(), uri: "ipfs://data", terms: "CC-BY-4.0" }));
  const memory = MemoryRegistry__factory.connect(addresses.memoryRegistry, payer);
  const { timestamp } = (await chain.provider.getBlock("latest"))!;
  const scope = { modelId: ZeroHash, nodeId: ZeroHash, firstEntry: 0n, endEntry: 3n };
  await mined(memory.grant(id("label"), operator!.address, timestamp + 86_400, scope));
  const twins = TwinMarket__factory.connect(addresses.twinMarket, payer);
  await mined(twins.claimSubjectFees(TWIN, payer!.address));
  await mined(TwinAgents__factory.connect(addresses.twinAgents, payer).link(TWIN, modelId, key.keyId));

  // A batch that nobody signed is left out.
  const batch = {
    ...{ keyId: key.keyId, mode: 0, root: random(), count: 1, dataHash: random() },
    settler: lower(relayer!.address),
  };
  const data = encodeSettlement([{ kind: "signed", batch, signature: `0x${"11".repeat(65)}` }]);
  await (await relayer!.sendTransaction({ to: domain.verifyingContract, data })).wait();
}
