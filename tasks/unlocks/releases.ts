import { Contract, getAddress, Interface, type Log, type Provider, zeroPadValue } from "ethers";
import { ALLOCATIONS } from "../../deploy/modules/opg.ts";
import type { Allocation, ExistingToken } from "../../deploy/parameters.ts";
import { blockTimes, readLogs } from "./logs.ts";
import { dueAt, LAST_MONTH, scheduledByMonth, SUPPLY } from "./schedule.ts";

/** Tokens that really left for their beneficiary. */
export interface Release {
  allocation: Allocation;
  amount: bigint;
  /** Seconds. */
  at: number;
  transaction: string;
}

/** Something on the chain that the schedule does not say. */
export interface Deviation {
  code: "schedule_differs" | "ahead" | "late" | "misdirected" | "short" | "unchecked";
  allocation: Allocation | "all";
  message: string;
}

/** What a chain has to say about the unlocks. */
export interface Found {
  token: string;
  /** How releases are known: by the schedule's own contract, or by transfers of vester addresses. */
  source: "vesting" | "transfers";
  /** Time of the last block that was read, in seconds. */
  now: number;
  releases: Release[];
  deviations: Deviation[];
  /** Seconds after which an unpaid tranche is late; undefined where anyone may release it at any time. */
  grace: number | undefined;
}

const erc20 = new Interface([
  "event Transfer(address indexed from, address indexed to, uint256 value)",
  "function balanceOf(address) view returns (uint256)",
]);
const vestingAbi = new Interface([
  "event Released(uint8 indexed allocation, address indexed beneficiary, uint256 amount, uint256 released, uint256 remaining)",
  "function token() view returns (address)",
  "function beneficiary(uint8) view returns (address)",
  "function calendar(uint256) view returns (uint64 due, uint256[7] tranches, uint256[7] cumulative)",
]);
const TRANSFER = erc20.getEvent("Transfer")!.topicHash;
const RELEASED = vestingAbi.getEvent("Released")!.topicHash;

interface Transfer {
  from: string;
  to: string;
  value: bigint;
  log: Log;
}

/** Transfers of a token out of some addresses. */
async function transfersFrom(
  provider: Provider,
  token: string,
  from: string[],
  range: { from: number; to: number },
  chunk: number,
): Promise<Transfer[]> {
  const topics = [TRANSFER, from.map((each) => zeroPadValue(each, 32))];
  const logs = await readLogs(provider, { address: token, topics }, range, chunk);
  return logs.map((log) => {
    const [sender, to, value] = erc20.decodeEventLog("Transfer", log.data, log.topics) as unknown as [
      string,
      string,
      bigint,
    ];
    return { from: getAddress(sender), to: getAddress(to), value, log };
  });
}

/** The releases of an `OPGVesting`, and whether it is the published schedule that it keeps. */
export async function releasesOfVesting(
  provider: Provider,
  vesting: string,
  options: { fromBlock: number; chunk: number },
): Promise<Found> {
  const contract = new Contract(vesting, vestingAbi, provider);
  const token = getAddress(String(await contract.getFunction("token")()));
  const last = await provider.getBlock("latest");
  const range = { from: options.fromBlock, to: last!.number };
  const timeOf = blockTimes(provider);
  const deviations = await scheduleDeviations(contract);

  const logs = await readLogs(provider, { address: vesting, topics: [RELEASED] }, range, options.chunk);
  const owed = new Map<string, bigint>();
  const releases: Release[] = [];
  for (const log of logs) {
    const { allocation, beneficiary, amount } = vestingAbi.decodeEventLog("Released", log.data, log.topics);
    const name = ALLOCATIONS[Number(allocation)]!;
    if (getAddress(String(beneficiary)) !== getAddress(String(await contract.getFunction("beneficiary")(allocation))))
      deviations.push({
        code: "misdirected",
        allocation: name,
        message: `${log.transactionHash} went to ${beneficiary}`,
      });
    const key = `${log.transactionHash} ${getAddress(String(beneficiary))}`;
    owed.set(key, (owed.get(key) ?? 0n) + (amount as bigint));
    releases.push({ allocation: name, amount, at: await timeOf(log.blockNumber), transaction: log.transactionHash });
  }

  // What the contract says it sent, held against what the token says it sent.
  for (const { to, value, log } of await transfersFrom(provider, token, [vesting], range, options.chunk)) {
    const key = `${log.transactionHash} ${to}`;
    owed.set(key, (owed.get(key) ?? 0n) - value);
  }
  for (const [key, rest] of owed)
    if (rest !== 0n)
      deviations.push({ code: "misdirected", allocation: "all", message: `Transfers and releases differ in ${key}` });
  const sent = releases.reduce((sum, { amount }) => sum + amount, 0n);
  const held = BigInt(
    await new Contract(token, erc20, provider).getFunction("balanceOf")(vesting, { blockTag: range.to }),
  );
  if (held + sent < SUPPLY)
    deviations.push({
      code: "short",
      allocation: "all",
      message: `${vesting} holds ${held} wei and owes ${SUPPLY - sent} over its life`,
    });
  return { token, source: "vesting", now: last!.timestamp, releases, deviations, grace: undefined };
}

async function scheduleDeviations(contract: Contract): Promise<Deviation[]> {
  const deviations: Deviation[] = [];
  for (let month = 0; month <= LAST_MONTH; month++) {
    const [due, , cumulative] = (await contract.getFunction("calendar")(month)) as [bigint, bigint[], bigint[]];
    if (Number(due) !== dueAt(month))
      deviations.push({ code: "schedule_differs", allocation: "all", message: `month ${month} is due at ${due}` });
    for (const [i, name] of ALLOCATIONS.entries())
      if (cumulative[i] !== scheduledByMonth(name, month))
        deviations.push({
          code: "schedule_differs",
          allocation: name,
          message: `month ${month} is ${cumulative[i]} wei in the contract and ${scheduledByMonth(name, month)} published`,
        });
  }
  return deviations;
}

/**
 * The releases of vesters whose code is not ours: what left them, by the token's Transfer logs alone. Transfers between
 * vesters of one allocation are none.
 */
export async function releasesOfVesters(provider: Provider, existing: ExistingToken, chunk: number): Promise<Found> {
  const last = await provider.getBlock("latest");
  const timeOf = blockTimes(provider);
  const owner = new Map<string, Allocation>();
  const deviations: Deviation[] = [];
  for (const name of ALLOCATIONS) {
    for (const vester of existing.vesters[name]) owner.set(getAddress(vester), name);
    if (existing.vesters[name].length === 0)
      deviations.push({ code: "unchecked", allocation: name, message: "no vester address is known in the parameters" });
  }
  const range = { from: existing.fromBlock, to: last!.number };
  const transfers =
    owner.size === 0 ? [] : await transfersFrom(provider, existing.token, [...owner.keys()], range, chunk);
  const releases: Release[] = [];
  for (const { from, to, value, log } of transfers) {
    const allocation = owner.get(from)!;
    if (value === 0n || owner.get(to) === allocation) continue;
    releases.push({ allocation, amount: value, at: await timeOf(log.blockNumber), transaction: log.transactionHash });
  }
  const grace = existing.graceDays * 86_400;
  return { token: existing.token, source: "transfers", now: last!.timestamp, releases, deviations, grace };
}
