import { expect } from "chai";
import { gasLimitFor } from "../../relayer/chain/gas.ts";
import { DAY, MINIMUM, OPG, useStaking } from "./support.ts";

/** What calls may cost once a pool runs, with a stream that flows: the snapshot of all has the figures to the unit. */
const TARGETS = {
  "stake, on top": 104_000n,
  "delegate, first of a delegator": 135_000n,
  "delegate, on top": 117_000n,
  "unbond, first request": 152_000n,
  "undelegate, first request": 132_000n,
  "undelegate, second request": 114_000n,
  "withdrawStake, 1 request": 86_000n,
  "withdraw, 2 requests": 89_000n,
  "withdraw, 16 requests": 170_000n,
  addRewards: 106_000n,
  compound: 70_000n,
  "slash, nothing ends": 108_000n,
  "sync, with a donation": 60_000n,
};

describe("OPGStaking, gas", () => {
  const world = useStaking();

  it("stays within its targets, in a pool that runs beside a stream that flows", async () => {
    const { staking, token, open, wait, slash, gasOf, signers, address } = world();
    const { operator, alice, bob, anyone } = signers;
    const gas: Record<string, bigint> = {};
    await open(100n * MINIMUM, 0, operator, 500n);
    await staking.connect(bob).delegate(operator, 0, 10n * MINIMUM);
    await token.transfer(address, 1_000_000n * OPG);
    await staking.sync();
    await wait(DAY);
    await staking.compound(operator, 0);
    const measure = async (name: keyof typeof TARGETS, sent: () => Parameters<typeof gasOf>[0]) => {
      await wait(600n);
      gas[name] = await gasOf(sent());
    };
    const by = staking.connect(alice);
    await measure("stake, on top", () => staking.connect(operator).stake(operator, 0, OPG));
    await measure("delegate, first of a delegator", () => by.delegate(operator, 0, 1_000n * OPG));
    await measure("delegate, on top", () => by.delegate(operator, 0, OPG));
    await measure("unbond, first request", () => staking.connect(operator).unbond(0, OPG));
    await measure("undelegate, first request", () => by.undelegate(operator, 0, OPG));
    await measure("undelegate, second request", () => by.undelegate(operator, 0, OPG));
    await measure("addRewards", () => staking.connect(anyone).addRewards(operator, 0, OPG));
    await measure("compound", () => staking.compound(operator, 0));
    await slash(1n);
    await measure("slash, nothing ends", () => slash(1n));
    await token.transfer(address, OPG);
    await measure("sync, with a donation", () => staking.sync());
    await wait(21n * DAY);
    await measure("withdrawStake, 1 request", () => staking.withdrawStake(operator, 0));
    await measure("withdraw, 2 requests", () => staking.withdraw(operator, 0, alice));
    for (let i = 0; i < 16; i++) await by.undelegate(operator, 0, OPG);
    await wait(21n * DAY);
    await measure("withdraw, 16 requests", () => staking.withdraw(operator, 0, alice));
    for (const [name, most] of Object.entries(TARGETS)) expect(gas[name], name).to.be.lessThan(most);
    if (process.env["SHOW_GAS"]) console.log(gas);
  });

  it("costs more a second after the stream moved than in that second, where a node may estimate; gasLimitFor covers it", async () => {
    const { staking, token, open, signers, address, networkHelpers, ethers } = world();
    const { operator, anyone } = signers;
    await open(100n * MINIMUM, 0, operator, 500n);
    await token.transfer(address, 1_000_000n * OPG);
    await staking.sync();
    await staking.compound(operator, 0);
    const call = await staking.addRewards.populateTransaction(operator, 0, OPG);
    // As go-ethereum does: on the latest block, at its own second.
    const asked = [{ ...call, from: anyone.address }, "latest"];
    const estimated = BigInt((await ethers.provider.send("eth_estimateGas", asked)) as string);
    const before = await networkHelpers.takeSnapshot();
    await expect(anyone.sendTransaction({ ...call, gasLimit: estimated })).to.revert(ethers);
    await before.restore();
    await expect(anyone.sendTransaction({ ...call, gasLimit: gasLimitFor(estimated) })).to.not.revert(ethers);
  });

  it("has room left under the size limit of a contract", async () => {
    const { ethers, address } = world();
    expect((await ethers.provider.getCode(address)).length / 2 - 1).to.be.lessThan(24_576);
  });
});
