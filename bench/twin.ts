import type { ContractTransactionResponse } from "ethers";
import { BUY_BOUNDED, deployMarket, ID, NEVER, PERCENT, SELL_BOUNDED } from "../test/twin/support.ts";
import { row, type Row } from "./row.ts";

/** Most that a trade may cost, times the same trade at a plain friend.tech-style market. */
const TARGET = 1.15;

/**
 * Gas of buys and sells, whole transactions, beside the same trades at a plain key market that pushes both fees to
 * ordinary accounts. Both run at the same supply and percents, with the bounded forms here. Before anything is measured
 * every counter has been written once, as in a market that is in use.
 */
export async function twinGas(): Promise<Row[]> {
  const m = await deployMarket({ protocol: 5n * PERCENT, subject: 5n * PERCENT });
  const { ethers, alice, bob, creator, admin } = m;
  const deployed = await ethers.deployContract("BaselineKeyMarket");
  const plain = (who: typeof alice, name: string, ...given: unknown[]): Promise<ContractTransactionResponse> =>
    (deployed.connect(who) as typeof deployed).getFunction(name)(...given);
  await plain(m.deployer, "setFees", admin.address, 5n * PERCENT, 5n * PERCENT);
  await plain(creator, "buyShares", creator.address, 1n);
  await m.create("twin", 1n);
  const ether = 10n ** 18n;

  /** The exact cost, so that neither market has anything to give back or to keep. */
  const cost = (amount: bigint) => m.market.getBuyPriceAfterFee(ID, amount);
  async function buy(who: typeof alice, amount: bigint, over = 0n) {
    const value = (await cost(amount)) + over;
    const ours = await m.as(who)[BUY_BOUNDED](ID, amount, value, NEVER, { value });
    const theirs = await plain(who, "buyShares", creator.address, amount, { value });
    return { value: Number((await ours.wait())!.gasUsed), baseline: Number((await theirs.wait())!.gasUsed) };
  }
  async function sell(who: typeof alice, amount: bigint) {
    const least = await m.market.getSellPriceAfterFee(ID, amount);
    const ours = await m.as(who)[SELL_BOUNDED](ID, amount, least, NEVER);
    const theirs = await plain(who, "sellShares", creator.address, amount);
    return { value: Number((await ours.wait())!.gasUsed), baseline: Number((await theirs.wait())!.gasUsed) };
  }
  await buy(alice, 20n);

  const measured: [string, { value: number; baseline: number }][] = [
    ["first buy of an account", await buy(bob, 5n)],
    ["further buy", await buy(bob, 5n)],
    ["further buy, overpaid: refunded here, kept there", await buy(bob, 5n, ether)],
    ["sell of some", await sell(bob, 5n)],
    ["sell of all an account holds", await sell(bob, 10n)],
  ];
  return measured.flatMap(([name, { value, baseline }]) => [
    row(`twin keys, ${name}`, value, "gas", "lower", { baseline }),
    row("the same, times a plain key market", value / baseline, "×", "lower", { target: TARGET }),
  ]);
}
