/**
 * `tsx bench/twin-attacks.ts`: what a sandwich and a sniper take from others in the key market, with and without the
 * bounds that it offers. The attacker's best size is searched with big integers; each figure is then played on a chain,
 * transaction by transaction in the attacker's order, and has to come out the same.
 */
import { pathToFileURL } from "node:url";
import { formatEther, id, Wallet } from "ethers";
import {
  BUY,
  BUY_BOUNDED,
  CREATE_FULL,
  deployMarket,
  ID,
  NEVER,
  PERCENT,
  price,
  SELL,
  SELL_BOUNDED,
  withFees,
  type Market,
} from "../test/twin/support.ts";

const ETHER = 10n ** 18n;
/** The attacker's purse, in keys: more than it ever pays to use here. */
const MOST = 400n;
/** What traders who bound their trade allow it to move. */
const TOLERANCE_PERCENT = 1n;

export interface Attack {
  name: string;
  /** Wei the attacker is better off by; 0 where no size pays. */
  profit: bigint;
  /** Wei the victim is worse off by than without the attack. */
  harm: bigint;
  /** Keys that the attacker moves. */
  size: bigint;
}

interface Fees {
  protocol: bigint;
  subject: bigint;
}

const cost = (m: Market, fees: Fees, supply: bigint, keys: bigint) =>
  withFees(price(supply, keys, m.divisor), fees.protocol, fees.subject).cost;
const payout = (m: Market, fees: Fees, supply: bigint, keys: bigint) =>
  withFees(price(supply - keys, keys, m.divisor), fees.protocol, fees.subject).payout;

/** The size of the attacker's two trades that brings most; 0 where none brings anything. */
function best(profitOf: (keys: bigint) => bigint): bigint {
  let size = 0n;
  for (let keys = 1n; keys <= MOST; keys++) if (profitOf(keys) > (size === 0n ? 0n : profitOf(size))) size = keys;
  return size;
}

/** Ether of an account with gas left out: gas is free in these runs. */
async function run(m: Market, profit: bigint, who: { address: string }, play: () => Promise<unknown>) {
  const before = await m.balance(who);
  await play();
  const came = (await m.balance(who)) - before;
  if (came !== profit) throw new Error(`Played ${came}, reckoned ${profit}`);
}

/** A market where gas costs nothing, so that balances tell trades alone, with one twin of so many keys. */
async function scene(fees: Fees, supply: bigint): Promise<Market> {
  const m = await deployMarket(fees);
  await m.networkHelpers.setNextBlockBaseFeePerGas(0n);
  for (const who of [m.alice, m.bob, m.eve, m.creator])
    await m.networkHelpers.setBalance(who.address, 1_000_000n * ETHER);
  if (supply > 0n) {
    await m.create("twin", 1n);
    await m.as(m.bob)[BUY](ID, supply - 1n, { value: 1_000n * ETHER });
  }
  return m;
}
const free = async (m: Market) => {
  await m.networkHelpers.setNextBlockBaseFeePerGas(0n);
  return { gasPrice: 0n };
};

/** Eve buys ahead of Alice's purchase of `keys` at a supply of `supply` and sells after it. */
async function sandwichedBuy(fees: Fees, supply: bigint, keys: bigint, bounded: boolean): Promise<Attack> {
  const m = await scene(fees, supply);
  const fair = cost(m, fees, supply, keys);
  const most = bounded ? fair + (fair * TOLERANCE_PERCENT) / 100n : 1_000n * ETHER;
  const profitOf = (size: bigint) =>
    cost(m, fees, supply + size, keys) > most
      ? -1n
      : payout(m, fees, supply + size + keys, size) - cost(m, fees, supply, size);
  const size = best(profitOf);
  const profit = size === 0n ? 0n : profitOf(size);
  const harm = cost(m, fees, supply + size, keys) - fair;
  await run(m, profit, m.eve, async () => {
    if (size > 0n) await m.as(m.eve)[BUY](ID, size, { value: 1_000n * ETHER, ...(await free(m)) });
    await m.as(m.alice)[BUY_BOUNDED](ID, keys, most, NEVER, { value: most, ...(await free(m)) });
    if (size > 0n) await m.as(m.eve)[SELL](ID, size, await free(m));
  });
  return { name: "", profit, harm, size };
}

/** Eve, who holds keys, sells ahead of Alice's sale of `keys` and buys back after it. */
async function sandwichedSale(fees: Fees, supply: bigint, keys: bigint, bounded: boolean): Promise<Attack> {
  const m = await scene(fees, supply - keys - MOST / 4n);
  await m.as(m.alice)[BUY](ID, keys, { value: 1_000n * ETHER });
  await m.as(m.eve)[BUY](ID, MOST / 4n, { value: 1_000n * ETHER });
  const fair = payout(m, fees, supply, keys);
  const least = bounded ? fair - (fair * TOLERANCE_PERCENT) / 100n : 0n;
  const profitOf = (size: bigint) =>
    size > MOST / 4n || payout(m, fees, supply - size, keys) < least
      ? -1n
      : payout(m, fees, supply, size) - cost(m, fees, supply - size - keys, size);
  const size = best(profitOf);
  const profit = size === 0n ? 0n : profitOf(size);
  const harm = fair - payout(m, fees, supply - size, keys);
  await run(m, profit, m.eve, async () => {
    if (size > 0n) await m.as(m.eve)[SELL](ID, size, await free(m));
    await m.as(m.alice)[SELL_BOUNDED](ID, keys, least, NEVER, await free(m));
    if (size > 0n) await m.as(m.eve)[BUY](ID, size, { value: 1_000n * ETHER, ...(await free(m)) });
  });
  return { name: "", profit, harm, size };
}

/** A crowd that comes one by one, each with so much to spend. */
const CROWD = 15;
const PURSE = ETHER / 5n;

interface Start {
  /** Keys that the creator takes with the creation. */
  creatorKeys: bigint;
  /** Most keys an account may hold during the opening; 0 for no opening. */
  limit: bigint;
  /** Accounts of the sniper, 0 for none, and keys that it wants in all. */
  accounts: bigint;
  wanted: bigint;
}

export interface Snipe {
  name: string;
  size: bigint;
  /** Wei the sniper puts in, and what it has more of in the end. */
  outlay: bigint;
  profit: bigint;
  /** Keys that the crowd gets for its money. */
  crowdKeys: bigint;
}

/** What happens at a start, with big integers alone. */
function reckonSnipe(m: Market, fees: Fees, { creatorKeys, limit, accounts, wanted }: Start): Omit<Snipe, "name"> {
  const each = accounts === 0n ? 0n : limit > 0n && limit < wanted / accounts ? limit : wanted / accounts;
  let supply = creatorKeys;
  let outlay = 0n;
  for (let i = 0n; i < accounts; i++, supply += each) outlay += cost(m, fees, supply, each);
  let crowdKeys = 0n;
  for (let i = 0; i < CROWD; i++) {
    const most = limit === 0n ? MOST : limit;
    let keys = 0n;
    while (keys < most && cost(m, fees, supply, keys + 1n) <= PURSE) keys++;
    crowdKeys += keys;
    supply += keys;
  }
  let back = 0n;
  for (let i = 0n; i < accounts; i++, supply -= each) back += payout(m, fees, supply, each);
  return { size: each * accounts, outlay, profit: back - outlay, crowdKeys };
}

/**
 * A twin starts. The sniper comes right after the creation and takes what it wants, as far as the opening lets it; then
 * the crowd; then the sniper sells everything.
 */
async function snipe(name: string, fees: Fees, start: Start): Promise<Snipe> {
  const m = await scene(fees, 0n);
  const { creatorKeys, limit, accounts } = start;
  const reckoned = reckonSnipe(m, fees, start);
  const call = [ID, "", m.creator.address, creatorKeys, limit > 0n ? 3_600n : 0n, limit] as const;
  await m.as(m.creator)[CREATE_FULL](...call, { value: 100n * ETHER });
  let sniped = 0n;
  const account = async (label: string) => {
    const wallet = new Wallet(id(label), m.ethers.provider);
    await m.networkHelpers.setBalance(wallet.address, 1_000n * ETHER);
    return wallet;
  };
  const snipers = [];
  for (let i = 0n; i < accounts; i++) {
    const wallet = await account(`sniper ${i}`);
    await m.as(wallet)[BUY](ID, reckoned.size / accounts, { value: 500n * ETHER, ...(await free(m)) });
    snipers.push(wallet);
  }
  let crowdKeys = 0n;
  for (let i = 0; i < CROWD; i++) {
    const wallet = await account(`crowd ${i}`);
    const [affordable] = await m.market.sharesForBudget(ID, PURSE);
    const keys = limit > 0n && affordable > limit ? limit : affordable;
    if (keys > 0n) await m.as(wallet)[BUY](ID, keys, { value: PURSE, ...(await free(m)) });
    crowdKeys += keys;
  }
  for (const wallet of snipers) {
    await m.as(wallet)[SELL](ID, reckoned.size / accounts, await free(m));
    sniped += (await m.balance(wallet)) - 1_000n * ETHER;
  }
  if (sniped !== reckoned.profit || crowdKeys !== reckoned.crowdKeys)
    throw new Error(`Played ${sniped} and ${crowdKeys}, reckoned ${reckoned.profit} and ${reckoned.crowdKeys}`);
  return { name, ...reckoned };
}

const NO_FEES: Fees = { protocol: 0n, subject: 0n };
const USUAL: Fees = { protocol: 3n * PERCENT, subject: 2n * PERCENT };

/** Every start, in the order of docs/twin.md. */
export async function snipes(): Promise<Snipe[]> {
  const starts: [string, Start][] = [
    ["no sniper", { creatorKeys: 1n, limit: 0n, accounts: 0n, wanted: 0n }],
    ["nothing in the sniper's way", { creatorKeys: 1n, limit: 0n, accounts: 1n, wanted: 100n }],
    ["creator takes 100 with the creation", { creatorKeys: 100n, limit: 0n, accounts: 1n, wanted: 100n }],
    ["opening of 20 keys an account", { creatorKeys: 1n, limit: 20n, accounts: 1n, wanted: 100n }],
    ["opening of 20, sniper with 5 accounts", { creatorKeys: 1n, limit: 20n, accounts: 5n, wanted: 100n }],
    ["creator takes 100, opening of 20", { creatorKeys: 100n, limit: 20n, accounts: 1n, wanted: 100n }],
  ];
  const found = [];
  for (const [name, start] of starts) found.push(await snipe(name, USUAL, start));
  return found;
}

/** Every sandwich, in the order of docs/twin.md. */
export async function sandwiches(): Promise<Attack[]> {
  const found: Attack[] = [];
  for (const [label, fees] of [
    ["no fees", NO_FEES],
    ["fees 3 % + 2 %", USUAL],
  ] as const)
    for (const [how, bounded] of [
      ["no bound", false],
      ["bound of 1 %", true],
    ] as const) {
      found.push({ ...(await sandwichedBuy(fees, 200n, 20n, bounded)), name: `buy of 20 at 200, ${label}, ${how}` });
      found.push({ ...(await sandwichedSale(fees, 200n, 20n, bounded)), name: `sale of 20 at 200, ${label}, ${how}` });
    }
  return found;
}

if (import.meta.url === pathToFileURL(process.argv[1] ?? "").href) {
  const digits = (wei: bigint) => Number(formatEther(wei)).toFixed(6).padStart(12);
  const head = (...names: string[]) => names.map((name) => name.padStart(12)).join(" ");
  console.log(`${"Sandwiches, in ether".padEnd(50)} ${head("keys", "attacker", "victim loses")}`);
  for (const { name, size, profit, harm } of await sandwiches())
    console.log(`${name.padEnd(50)} ${String(size).padStart(12)} ${digits(profit)} ${digits(harm)}`);
  console.log(`\n${"Snipers, in ether".padEnd(50)} ${head("keys", "outlay", "profit", "crowd's keys")}`);
  for (const { name, size, outlay, profit, crowdKeys } of await snipes())
    console.log(
      `${name.padEnd(50)} ${String(size).padStart(12)} ${digits(outlay)} ${digits(profit)} ${String(crowdKeys).padStart(12)}`,
    );
}
