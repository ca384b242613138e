/** What moving OPG costs: fees, stake and disputes, in the world of scripts/gas.ts. */
import { id, parseEther, Wallet, ZeroAddress } from "ethers";
import { Mode, NO_BATCH, type ReceiptFields } from "../test/support/protocol.ts";
import { costOfCollecting } from "../test/escrow/collections.ts";
import type { World } from "../test/support/world.ts";
import { executionGas } from "../test/verification/fixture.ts";

type Sent = Promise<{ wait(): Promise<{ gasUsed: bigint } | null> }>;
/** The next transaction's moment; see scripts/gas.ts. */
type Tick = (seconds?: bigint) => Promise<bigint>;

const KIND = 0n;
const OPG = 10n ** 18n;
const UNBONDING = 21n * 86_400n;

/** Most gas that a figure may cost. */
export const TARGETS: Record<string, number> = {
  "collect, VANILLA, own key": 75_000,
  "collectBatch of 50, each, VANILLA, own key": 30_000,
  "fees: pay, receivers known": 190_000,
  "fees: claim": 75_000,
  "fees: distributeModel, no lineage": 60_000,
  "stake, on top": 104_000,
  "delegate, on top": 117_000,
  "undelegate, second request": 114_000,
  "withdraw, 2 requests": 89_000,
  "report an equivocation": 215_000,
  "verification of 1 settled alone, VANILLA, 1 required source, execution": 23_000,
  "verification of 1 settled alone, VANILLA, 8 required sources, execution": 40_000,
};

/** Adds its figures to those of the others. */
export async function measureEconomy(w: World, tick: Tick, figures: Record<string, number>): Promise<void> {
  const { token, staking, splitter, inboxes, signers } = w;
  const { deployer, operator, other } = signers;
  const [stakingAt, splitterAt] = [await staking.getAddress(), await splitter.getAddress()];
  for (const [who, spender] of [
    [deployer, stakingAt],
    [deployer, splitterAt],
    [operator, stakingAt],
    [other, stakingAt],
  ] as const) {
    if (who !== deployer) await token.transfer(who.address, 100_000n * OPG);
    await token.connect(who).approve(spender, parseEther("1000000000"));
  }
  const gasOf = async (sent: () => Sent): Promise<number> => {
    await tick();
    return Number((await (await sent()).wait())!.gasUsed);
  };
  const measure = async (name: string, sent: () => Sent) => (figures[name] = await gasOf(sent));

  // A pool that runs beside a stream that flows.
  const [own, by] = [staking.connect(operator), staking.connect(other)];
  for (const prepared of [
    () => own.stake(operator.address, KIND, 90_000n * OPG),
    () => token.transfer(stakingAt, 1_000_000n * OPG),
    () => staking.sync(),
    () => staking.compound(operator.address, KIND),
  ]) {
    await tick(600n);
    await prepared();
  }
  await measure("stake, on top", () => own.stake(operator.address, KIND, OPG));
  await measure("delegate, first of a delegator", () => by.delegate(operator.address, KIND, 1_000n * OPG));
  await measure("delegate, on top", () => by.delegate(operator.address, KIND, OPG));
  await measure("unbond, first request", () => own.unbond(KIND, OPG));
  await measure("undelegate, first request", () => by.undelegate(operator.address, KIND, OPG));
  await measure("undelegate, second request", () => by.undelegate(operator.address, KIND, OPG));
  await measure("compound", () => staking.compound(operator.address, KIND));

  const epoch = await splitter.currentEpoch();
  const paying = splitter.connect(deployer);
  const fee = parseEther("1.23456789");
  const pay = (settler: string) => () => paying.pay(w.nodeId, w.modelId, settler, epoch, fee);
  await measure("fees: pay, receivers new", pay(other.address));
  await measure("fees: pay, receivers known", pay(other.address));
  await measure("fees: pay, no settler", pay(ZeroAddress));
  await measure("fees: distributeModel, no lineage", () => splitter.distributeModel(w.modelId));
  await measure("fees: claim", () => splitter.claim(operator.address));
  const inbox = await inboxes.inboxOf(w.nodeId, w.modelId);
  for (const name of ["first", "later"]) {
    await tick();
    await token.transfer(inbox, fee);
    await measure(`fees: sweep an inbox, ${name}`, () => inboxes.sweep(w.nodeId, w.modelId));
  }

  const statement = (receipt: ReceiptFields) => ({
    opening: { receipt, batch: NO_BATCH, index: 0, proof: [] as string[] },
    signature: w.signedReceipt(receipt).signature,
  });
  const said = await w.receiptIn(Mode.VANILLA, { requestId: id("twice"), inputHash: id("a"), outputHash: id("b") });
  const contradicted = { ...said, outputHash: id("c") };
  await measure("report an equivocation", () =>
    w.disputes.reportEquivocation(statement(said), statement(contradicted)),
  );

  await tick(UNBONDING);
  await measure("withdrawStake, 1 request", () => staking.withdrawStake(operator.address, KIND));
  await measure("withdraw, 2 requests", () => staking.withdraw(operator.address, KIND, other.address));
  await registerAll(w);
  // However long that took.
  await tick(86_400n);
  await staking.compound(other.address, KIND);
  await tick(86_400n);
  await staking.compound(other.address, KIND);
  const { own: everything } = await staking.pool(other.address, KIND);
  await measure("unbond, ending 64 keys of 8 nodes", () => by.unbond(KIND, everything));
}

/** Versions with lineage and data sources: what declaring them costs, and what opening a receipt of them does. */
export async function measureConsent(w: World, tick: Tick, figures: Record<string, number>): Promise<void> {
  const { models, registry } = w;
  const gasOf = async (sent: () => Sent): Promise<number> => {
    await tick();
    return Number((await (await sent()).wait())!.gasUsed);
  };
  const ids: string[] = [];
  for (let i = 0; i < 8; i++) {
    const source = { contentHash: id(`data ${i}`), uri: "https://example.org/data", terms: "CC-BY-4.0" };
    figures["registerSource"] = await gasOf(() => models.registerSource(source));
    ids.push(await models.sourceIdOf(w.signers.deployer.address, source));
  }
  const plain = { ...w.version, modes: 5, verifier: ZeroAddress, verifyingKey: "0x", signals: "" };
  const register = async (name: string, over: object): Promise<string> => {
    const version = { ...plain, contentHash: id(name), ...over };
    figures[`register, ${name}`] = await gasOf(() => models.register(version));
    return models.modelIdOf(w.signers.deployer.address, version);
  };
  const using = (count: number) => ({
    licence: "Apache-2.0",
    sources: ids.slice(0, count).map((sourceId) => ({ sourceId, required: true })),
  });
  const openings: [string, string][] = [["no source", await register("without data, second", {})]];
  for (const [count, name] of [
    [1, "1 required source"],
    [8, "8 required sources"],
  ] as const)
    openings.push([name, await register(`licence and ${name}`, using(count))]);
  const parents = [1, 2].map((i) => ({ modelId: openings[i]![1], bps: 100 }));
  await register("2 parents, of them with sources", { lineage: { royalty: 0, parents, contributors: [] } });

  const address = await registry.getAddress();
  for (const [name, modelId] of openings) {
    const completedAt = await tick();
    const fixed = { requestId: id(name), inputHash: id("input"), outputHash: id("output"), modelId, completedAt };
    const receipt = await w.receiptIn(Mode.VANILLA, fixed);
    await tick();
    await registry.settleReceipts([w.signedReceipt(receipt)]);
    const data = registry.interface.encodeFunctionData("verification", [w.openingAlone(receipt)]);
    if (!(await w.openAlone(receipt)).verified) throw new Error(`Measured a receipt that is not verified: ${name}`);
    figures[`verification of 1 settled alone, VANILLA, ${name}, execution`] = await executionGas(
      { ethers: w.ethers, address },
      data,
    );
  }
  figures["withdrawConsent"] = await gasOf(() => models.withdrawConsent(ids[0]!));
  figures["cancelWithdrawal"] = await gasOf(() => models.cancelWithdrawal(ids[0]!));
}

/** Vouchers collected over a settled batch of 1,024, by payers' own keys and by session signers. */
export async function measureCollecting(figures: Record<string, number>): Promise<void> {
  for (const sessions of [false, true])
    for (const [name, mode] of Object.entries(Mode)) {
      const { alone, each } = await costOfCollecting(mode, sessions);
      const by = `${name}, ${sessions ? "session" : "own key"}`;
      figures[`collect, ${by}`] = alone;
      figures[`collectBatch of 50, each, ${by}`] = each;
    }
}

/** As many nodes and keys as an operator may have of a kind. */
async function registerAll(w: World): Promise<void> {
  const { other } = w.signers;
  const enclaves = w.enclaves.connect(other);
  for (let node = 0; node < 8; node++) {
    const nodeId = await w.registerNode(other);
    for (let key = 0; key < 4; key++) {
      await w.addOperatorKey(nodeId, new Wallet(id(`key ${node} ${key}`)), other);
      const document = await w.attest(nodeId, new Wallet(id(`enclave ${node} ${key}`)), id("image 2"));
      await enclaves.admit(nodeId, document, (await w.now()) + 20n * 86_400n);
    }
  }
}
