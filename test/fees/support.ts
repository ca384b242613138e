import { id, Wallet, ZeroAddress, type Addressable, type BaseContractMethod, type Contract } from "ethers";
import {
  FeeInbox__factory,
  FeeInboxes__factory,
  FeeSplitter__factory,
  OPGGenesis__factory,
  OPGToken__factory,
  OPGVesting__factory,
} from "../../typechain/index.ts";
import { NO_DATA, NO_LINEAGE } from "../support/protocol.ts";
import { deployWorld, SECONDS } from "../support/world.ts";

export const OPG = 10n ** 18n;
export const EPOCH = 28n * SECONDS.day;
export const NOTICE = 4n * SECONDS.day;
/** Ten days into an epoch. */
export const FIRST = 736n;
const START = FIRST * EPOCH + 10n * SECONDS.day;

export const RATES = { node: 8_000n, model: 1_000n, stakers: 500n, treasury: 400n, settler: 100n };
export const inOrder = (r: typeof RATES) => [r.node, r.model, r.stakers, r.treasury, r.settler];

/** The world, with OPG as its genesis made it, a splitter, inboxes, and staking that only takes. */
export async function deployFees() {
  const w = await deployWorld(new Date(Number(START) * 1_000));
  const { ethers } = w;
  const [, , , , , , payer, settler, contributor] = await ethers.getSigners();
  if (!payer || !settler || !contributor) throw new Error("The local chain has fewer than nine accounts.");
  const genesis = OPGGenesis__factory.connect(
    await (await ethers.deployContract("OPGGenesis")).getAddress(),
    w.signers.deployer,
  );
  await genesis.launch(Array(7).fill(payer.address) as never);
  await OPGVesting__factory.connect(await genesis.vesting(), payer).release(0);
  const token = OPGToken__factory.connect(await genesis.token(), payer);
  const timelock = await w.contracts.timelock.getAddress();

  /** A splitter over any token, with staking of its own; `payer` has approved everything to it. */
  async function splitterOver(address: string, rates = RATES) {
    const staking = (await ethers.deployContract("FeeStaking", [address], payer)) as TestContract<"misbehave" | "take">;
    const deployed = await ethers.deployContract("FeeSplitter", [
      address,
      timelock,
      await w.nodes.getAddress(),
      await w.models.getAddress(),
      await staking.getAddress(),
      rates,
    ]);
    const splitter = FeeSplitter__factory.connect(await deployed.getAddress(), payer);
    await OPGToken__factory.connect(address, payer).approve(splitter, 2n ** 256n - 1n);
    return { staking, splitter };
  }
  const { staking, splitter } = await splitterOver(await token.getAddress());
  const inboxes = FeeInboxes__factory.connect(
    await (await ethers.deployContract("FeeInboxes", [await splitter.getAddress()])).getAddress(),
    settler,
  );
  const inboxAt = (address: string) => FeeInbox__factory.connect(address, settler);

  /** A token that misbehaves as told, held by `payer`, and a splitter over it. */
  async function overHostileToken() {
    const hostile = (await ethers.deployContract("FeeToken", payer)) as TestContract<
      "behave" | "refuse" | "callOnTransfer" | "transfer" | "balanceOf"
    >;
    return { hostile, ...(await splitterOver(await hostile.getAddress())) };
  }

  let made = 0;
  /** Registers a version of a new content that answers in VANILLA. */
  async function derived(lineage: Partial<typeof NO_LINEAGE> | object, by = w.signers.deployer) {
    const version = {
      ...{ contentHash: id(`derived ${made++}`), uri: "", modes: 1, verifier: ZeroAddress, verifyingKey: "0x" },
      ...{ signals: "", lineage: { ...NO_LINEAGE, ...lineage }, ...NO_DATA },
    };
    await w.models.connect(by).register(version);
    return w.models.modelIdOf(by.address, version);
  }

  const announce = (rates: typeof RATES) =>
    w.govern(splitter, splitter.interface.encodeFunctionData("announceRates", [rates]));
  /** The splitter in the hands of the timelock, for what must happen at one certain second. */
  async function asTimelock() {
    await w.networkHelpers.setBalance(timelock, OPG);
    await w.networkHelpers.impersonateAccount(timelock);
    return splitter.connect(await ethers.getSigner(timelock));
  }
  const withdraw = () => w.govern(splitter, splitter.interface.encodeFunctionData("withdrawRates"));

  /** Pays a fee for the world's node and model, at the rates of the running epoch unless told otherwise. */
  async function pay(amount: bigint, over: Partial<Paid> = {}) {
    const { nodeId, modelId, settler: to, epoch } = { ...{ nodeId: w.nodeId, modelId: w.modelId }, ...over };
    const now = (await w.now()) / EPOCH;
    return splitter.pay(nodeId, modelId, to ?? settler!.address, epoch ?? now, amount);
  }
  /** Everything the splitter owes. */
  async function owed(accounts: (string | Addressable)[], models: string[]) {
    let sum = 0n;
    for (const account of accounts) sum += await splitter.credit(account);
    for (const modelId of models) sum += await splitter.modelBalance(modelId);
    return sum;
  }

  return {
    ...w,
    token,
    timelock,
    staking,
    splitter,
    splitterOver,
    overHostileToken,
    inboxes,
    inboxAt,
    people: { payer, settler, contributor },
    derived,
    announce,
    withdraw,
    asTimelock,
    pay,
    owed,
  };
}
interface Paid {
  nodeId: string;
  modelId: string;
  settler: string;
  epoch: bigint;
}

/** A contract of test/solidity: there are no generated types of these. */
type TestContract<Names extends string> = Contract & Record<Names | "rewards" | "went" | "answer", BaseContractMethod>;

export type Fees = Awaited<ReturnType<typeof deployFees>>;

/** Each test of a suite starts from the same state of the same chain. */
export function useFees(): () => Fees {
  let fees: Fees;
  let restore: () => Promise<void>;
  before(async () => {
    fees = await deployFees();
    const snapshot = await fees.networkHelpers.takeSnapshot();
    restore = () => snapshot.restore();
  });
  afterEach(() => restore());
  return () => fees;
}

export const addressOf = (n: number) => new Wallet(id(`account ${n}`)).address;
