import { network } from "hardhat";
import { id, type ContractTransactionResponse, type Signer } from "ethers";
import { TwinMarket__factory, type TwinMarket } from "../../typechain/index.ts";

/** Divisors of Twin.fun: on Base, and on BNB chain. */
export const BASE_DIVISOR = 1_600_000n;
export const BNB_DIVISOR = 50_000_000n;
export const PERCENT = 10n ** 16n;
export const NOTICE = 48n * 3_600n;
export const NEVER = 2n ** 64n;
export const ID = idOf("twin");
export const Kind = { Protocol: 0, Subject: 1 } as const;

/** An id of 16 bytes. */
export function idOf(label: string): string {
  return id(label).slice(0, 34);
}

/** How a TwinActor meets ether. */
export const Mood = { Takes: 0, Reverts: 1, Burns: 2, Returns: 3, ReEnters: 4 } as const;

// Ethers wants overloads by their whole signature.
export const BUY = "buyShares(bytes16,uint256)";
export const BUY_BOUNDED = "buyShares(bytes16,uint256,uint256,uint256)";
export const SELL = "sellShares(bytes16,uint256)";
export const SELL_MIN = "sellShares(bytes16,uint256,uint256)";
export const SELL_BOUNDED = "sellShares(bytes16,uint256,uint256,uint256)";
export const CREATE = "createDigitalTwin(bytes16,string)";
export const CREATE_FULL = "createDigitalTwin(bytes16,string,address,uint256,uint256,uint256)";
export const CLAIM = "claimOwnership(bytes16)";
export const CLAIM_SIGNED = "claimOwnership(bytes16,uint256,bytes)";

/** The curve written out, one key at a time: shares nothing with the contract. Wei of the k-th key, from 0. */
export function keyPrice(k: bigint, divisor: bigint): bigint {
  return (k * k * 10n ** 18n) / divisor;
}

/** Price of `amount` keys on top of `supply`, key by key. */
export function slowPrice(supply: bigint, amount: bigint, divisor: bigint): bigint {
  let sum = 0n;
  for (let k = supply; k < supply + amount; k++) sum += keyPrice(k, divisor);
  return sum;
}

/** The published formula with big integers: (sum2 − sum1) · 1e18 / divisor. */
export function price(supply: bigint, amount: bigint, divisor: bigint): bigint {
  const sum = (n: bigint) => (n <= 0n ? 0n : ((n - 1n) * n * (2n * n - 1n)) / 6n);
  return ((sum(supply + amount) - sum(supply)) * 10n ** 18n) / divisor;
}

/** Fees as clients compute them. */
export function withFees(value: bigint, protocol: bigint, subject: bigint) {
  const protocolFee = (value * protocol) / 10n ** 18n;
  const subjectFee = (value * subject) / 10n ** 18n;
  return {
    price: value,
    protocolFee,
    subjectFee,
    cost: value + protocolFee + subjectFee,
    payout: value - protocolFee - subjectFee,
  };
}

export interface MarketOptions {
  divisor?: bigint;
  protocol?: bigint;
  subject?: bigint;
}

/** A local chain with a market whose admin is an account of its own. Fees: 3 % and 2 %. */
export async function deployMarket({
  divisor = BASE_DIVISOR,
  protocol = 3n * PERCENT,
  subject = 2n * PERCENT,
}: MarketOptions = {}) {
  const connection = await network.create();
  const { ethers, networkHelpers } = connection;
  const [deployer, admin, creator, alice, bob, eve] = (await ethers.getSigners()) as [
    Signer & { address: string },
    Signer & { address: string },
    Signer & { address: string },
    Signer & { address: string },
    Signer & { address: string },
    Signer & { address: string },
  ];
  const deployed = await ethers.deployContract("TwinMarket", [admin.address, divisor, protocol, subject]);
  const market = TwinMarket__factory.connect(await deployed.getAddress(), deployer);
  const address = await market.getAddress();
  const as = (who: Signer): TwinMarket => market.connect(who);
  const now = async () => BigInt(await networkHelpers.time.latest());
  /** The next transaction's time. */
  const at = (second: bigint) => networkHelpers.time.setNextBlockTimestamp(second);
  const goTo = (second: bigint) => networkHelpers.time.increaseTo(second);
  const balance = (who: string | { address: string }) =>
    ethers.provider.getBalance(typeof who === "string" ? who : who.address);

  /** A twin of `creator`, with so many keys of its own from the start. */
  async function create(label = "twin", shares = 1n, by: Signer & { address: string } = creator) {
    const cost = withFees(price(0n, shares, divisor), protocol, subject).cost;
    await as(by)[CREATE_FULL](idOf(label), "https://twin.fun/x", by.address, shares, 0n, 0n, { value: cost });
    return idOf(label);
  }
  /** An account with code, see TwinActor. It has ether of its own. */
  async function actor() {
    const made = await ethers.deployContract("TwinActor");
    const at = await made.getAddress();
    await networkHelpers.setBalance(at, 1_000n * 10n ** 18n);
    const call = (name: string, ...given: unknown[]): Promise<ContractTransactionResponse> =>
      made.getFunction(name)(...given);
    return {
      address: at,
      be: (mood: keyof typeof Mood, target = address, reentry = "0x") => call("be", Mood[mood], target, reentry),
      /** Calls the market. */
      act: (data: string, value = 0n) => call("act", address, value, data),
      accept: (digest: string) => call("accept", digest),
      reentered: (): Promise<boolean> => made.getFunction("reentered")(),
      answer: (): Promise<string> => made.getFunction("answer")(),
    };
  }
  /** What the balance is above what the market owes; nothing unless ether was forced in. */
  const surplus = async () => (await balance(address)) - (await market.liabilities());

  return {
    ...connection,
    market,
    address,
    as,
    now,
    at,
    goTo,
    balance,
    create,
    actor,
    surplus,
    deployer,
    admin,
    creator,
    alice,
    bob,
    eve,
    divisor,
  };
}

export type Market = Awaited<ReturnType<typeof deployMarket>>;

/** Each test of a suite starts from the same state of the same chain. */
export function useMarket(options: MarketOptions = {}, prepare?: (m: Market) => Promise<unknown>): () => Market {
  let market: Market;
  let restore: () => Promise<void>;
  before(async () => {
    market = await deployMarket(options);
    await prepare?.(market);
    const snapshot = await market.networkHelpers.takeSnapshot();
    restore = () => snapshot.restore();
  });
  afterEach(() => restore());
  return () => market;
}

/** The curve's library, opened. */
export async function deployCurve() {
  const { ethers } = await network.create();
  const harness = await ethers.deployContract("BondingCurveHarness");
  const call =
    (name: string) =>
    (...given: bigint[]): Promise<bigint> =>
      harness.getFunction(name)(...given);
  return {
    harness,
    unit: call("unit"),
    sumOfSquares: call("sumOfSquares"),
    price: call("price"),
    worth: call("worth"),
    largestSupply: call("largestSupply"),
  };
}

/** Wei that an account gained by a transaction, the gas it paid apart. */
export async function gained(m: Market, who: { address: string }, action: () => Promise<ContractTransactionResponse>) {
  const before = await m.balance(who);
  const receipt = (await (await action()).wait())!;
  const gas = receipt.from === who.address ? receipt.fee : 0n;
  return (await m.balance(who)) - before + gas;
}

/** Trades of a transaction, in order. */
export async function tradesOf(m: Market, sent: ContractTransactionResponse) {
  const receipt = (await sent.wait())!;
  return receipt.logs
    .map((log) => m.market.interface.parseLog(log))
    .filter((log) => log?.name === "Trade")
    .map((log) => log!.args);
}
