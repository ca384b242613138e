/** What moves OPG before anything is asked: the token event, stake, delegation, and a vote. */
import { formatEther, id, parseEther } from "ethers";
import { type Account, type Chain, mined } from "./chain.ts";

/** Of `INodeRegistry.NodeKind`. */
export const LOCAL_INFERENCE = 0;
const LIQUIDITY = 5;
const FOUNDATION = 1;
const FOR = 1;

export const opg = (wei: bigint): string =>
  `${Number(formatEther(wei)).toLocaleString("en", { maximumFractionDigits: 4 })} OPG`;

/** The token event: anyone releases what is due, and it goes where deployment said. */
export async function tokenEvent(chain: Chain): Promise<void> {
  for (const allocation of [FOUNDATION, LIQUIDITY]) await mined(chain.vesting.release(allocation));
  const foundation = chain.as("foundation");
  await mined(chain.token.connect(foundation).delegate(foundation.address));
}

/** Hands an account OPG, as if it had bought some. */
export async function buy(chain: Chain, account: Account, amount: bigint): Promise<void> {
  await mined(chain.token.transfer(chain.as(account).address, amount));
}

/** Stakes an operator's own OPG behind its nodes. */
export async function stake(chain: Chain, operator: Account, amount: bigint): Promise<void> {
  const as = chain.as(operator);
  await buy(chain, operator, amount);
  await mined(chain.staking.connect(as).createPool(LOCAL_INFERENCE, 1_000n));
  await mined(chain.token.connect(as).approve(chain.addresses.staking, amount));
  await mined(chain.staking.connect(as).stake(as.address, LOCAL_INFERENCE, amount));
}

/** Puts somebody else's OPG behind an operator. */
export async function delegate(chain: Chain, operator: Account, amount: bigint): Promise<void> {
  const as = chain.as("delegator");
  await buy(chain, "delegator", amount);
  await mined(chain.token.connect(as).approve(chain.addresses.staking, amount));
  await mined(chain.staking.connect(as).delegate(chain.as(operator).address, LOCAL_INFERENCE, amount));
}

/** An operator and a delegator stake; on the local chain the minimum is 10,000 OPG. */
export async function stakeAll(chain: Chain): Promise<string[][]> {
  await stake(chain, "operator", parseEther("20000"));
  await delegate(chain, "operator", parseEther("50000"));
  await stake(chain, "cheat", parseEther("10000"));
  await delegate(chain, "cheat", parseEther("5000"));
  const rows: string[][] = [];
  for (const name of ["operator", "cheat"] as const) {
    const { own, delegated } = await chain.staking.pool(chain.as(name).address, LOCAL_INFERENCE);
    rows.push([name, opg(own), opg(delegated)]);
  }
  return rows;
}

/** Passes one call by a vote of OPG, through governor and timelock; on the local chain a cycle takes seconds. */
export async function passVote(chain: Chain, target: string, data: string, why: string): Promise<void> {
  const { governor } = chain;
  const call = [[target], [0n], [data]] as [string[], bigint[], string[]];
  await mined(governor.propose(...call, why));
  const proposal = await governor.getProposalId(...call, id(why));
  await until(async () => (await governor.state(proposal)) === 1n);
  await mined(governor.castVote(proposal, FOR));
  await until(async () => (await governor.state(proposal)) === 4n);
  await mined(governor.queue(...call, id(why)));
  const ready = await governor.proposalEta(proposal);
  await until(async () => BigInt((await chain.provider.getBlock("latest"))!.timestamp) >= ready);
  await mined(governor.execute(...call, id(why)));
}

async function until(reached: () => Promise<boolean>): Promise<void> {
  for (let tries = 0; !(await reached()); tries++) {
    if (tries > 300) throw new Error("A vote did not move on in 30 seconds.");
    await new Promise((resolve) => setTimeout(resolve, 100));
  }
}
