import { expect } from "chai";
import { DAY, MINIMUM, OPG, useStaking } from "./support.ts";

describe("OPGStaking, rewards", () => {
  const world = useStaking();

  describe("of fees", () => {
    it("raise what a share is worth, for those who are in at that moment", async () => {
      const { staking, open, signers, address, token } = world();
      const { operator, alice, bob, anyone } = signers;
      await open();
      await staking.connect(alice).delegate(operator, 0, MINIMUM);
      await staking.connect(anyone).addRewards(operator, 0, 2_000n * OPG);
      expect((await staking.position(operator, 0, alice)).amount).to.equal(11_000n * OPG);
      await expect(staking.connect(bob).delegate(operator, 0, 11_000n * OPG))
        .to.emit(staking, "Delegated")
        .withArgs(operator, 0, bob, 11_000n * OPG, MINIMUM, MINIMUM, (totals: bigint[]) => totals[3] === 22_000n * OPG);
      await staking.connect(anyone).addRewards(operator, 0, 3_300n * OPG);
      expect((await staking.position(operator, 0, alice)).amount).to.equal(12_100n * OPG);
      expect((await staking.position(operator, 0, bob)).amount).to.equal(12_100n * OPG);
      await staking.connect(alice).undelegate(operator, 0, MINIMUM);
      expect((await staking.requests(operator, 0, alice))[0]!.amount).to.equal(12_100n * OPG);
      expect(await token.balanceOf(address)).to.equal(await staking.accounted());
    });

    it("never lower the own share, whatever the amounts: the wei that does not divide is the operator's", async () => {
      const { staking, open, signers } = world();
      const { operator, alice, anyone } = signers;
      await open(MINIMUM + 1n);
      await staking.connect(alice).delegate(operator, 0, await staking.capacity(operator, 0));
      for (const amount of [1n, 2n, 3n, 7n, 9n, 11n, 10n ** 18n + 1n]) {
        await staking.connect(anyone).addRewards(operator, 0, amount);
        expect(await staking.isSufficient(operator, 0)).to.equal(true);
      }
    });

    it("of a pool that holds nothing, or that never was, go to the stream", async () => {
      const { staking, open, signers } = world();
      const { operator, anyone } = signers;
      await open(0n);
      await expect(staking.connect(anyone).addRewards(operator, 0, 5n * OPG)).to.emit(staking, "StreamToppedUp");
      await staking.connect(anyone).addRewards(operator, 200, 5n * OPG);
      expect((await staking.stream()).remaining).to.equal(10n * OPG);
    });

    it("of nothing change nothing and stop nobody", async () => {
      const { staking, signers } = world();
      await expect(staking.addRewards(signers.operator, 0, 0)).not.to.emit(staking, "StreamToppedUp");
    });
  });

  describe("of the stream", () => {
    it("come over thirty days to all bonded stake by amount, and compound once collected", async () => {
      const { staking, token, open, next, now, signers, address } = world();
      const { operator, other, alice } = signers;
      await open();
      await open(MINIMUM, 2, other);
      await staking.connect(alice).delegate(operator, 0, 2n * MINIMUM);
      await token.transfer(address, 120_000n * OPG);
      const start = (await now()) + 10n;
      await next(start);
      await expect(staking.sync())
        .to.emit(staking, "StreamToppedUp")
        .withArgs(120_000n * OPG, 120_000n * OPG, start + 30n * DAY);
      await next(start + 15n * DAY);
      await staking.compound(operator, 0);
      let pool = await staking.pool(operator, 0);
      expect([pool.own, pool.delegated, pool.totalBonded]).to.deep.equal([
        MINIMUM + 15_000n * OPG,
        2n * MINIMUM + 30_000n * OPG,
        4n * MINIMUM + 45_000n * OPG,
      ]);
      expect(await staking.pendingRewards(other, 2)).to.equal(15_000n * OPG);
      // From here on 75,000 of 85,000 bonded are the first pool's: 60,000 × 75/85 more.
      await next(start + 40n * DAY);
      await staking.compound(operator, 0);
      pool = await staking.pool(operator, 0);
      const expected = 75_000n * OPG + (60_000n * OPG * 75n) / 85n;
      expect(expected - (pool.own + pool.delegated)).to.be.within(0n, 100_000n);
      await staking.compound(other, 2);
      const { remaining, allocated } = await staking.stream();
      expect(remaining + allocated).to.be.lessThan(200_000n);
      expect(await token.balanceOf(address)).to.equal(await staking.accounted());
    });

    it("pass by what unbonds, and who joins late", async () => {
      const { staking, token, open, next, now, signers, address } = world();
      const { operator, alice, bob } = signers;
      await open();
      await staking.connect(alice).delegate(operator, 0, MINIMUM);
      await token.transfer(address, 30_000n * OPG);
      const start = (await now()) + 10n;
      await next(start);
      await staking.sync();
      await next(start + 10n * DAY);
      await staking.connect(alice).undelegate(operator, 0, MINIMUM);
      expect((await staking.requests(operator, 0, alice))[0]!.amount).to.equal(MINIMUM + 5_000n * OPG);
      await staking.connect(bob).delegate(operator, 0, 5_000n * OPG);
      expect((await staking.position(operator, 0, bob)).amount).to.equal(5_000n * OPG);
      await next(start + 31n * DAY);
      await staking.compound(operator, 0);
      expect((await staking.requests(operator, 0, alice))[0]!.amount).to.equal(MINIMUM + 5_000n * OPG);
      const pool = await staking.pool(operator, 0);
      expect(40_000n * OPG - pool.own - pool.delegated).to.be.within(0n, 100_000n);
    });

    it("wait where nothing is bonded, and lose nothing by it", async () => {
      const { staking, token, open, next, now, signers, address } = world();
      await token.transfer(address, 30n * OPG);
      const start = (await now()) + 10n;
      await next(start);
      await staking.sync();
      await next(start + 12n * DAY);
      await open(0n);
      await staking.connect(signers.operator).stake(signers.operator, 0, OPG - 1n);
      const waited = await now();
      await next(waited + 5n * DAY);
      await staking.connect(signers.operator).stake(signers.operator, 0, 1n);
      expect((await staking.stream()).remaining).to.equal(30n * OPG);
      const { end } = await staking.stream();
      expect(end - (await now())).to.equal(30n * DAY);
      await next(end);
      await staking.compound(signers.operator, 0);
      expect((await staking.pool(signers.operator, 0)).own).to.equal(31n * OPG);
    });

    it("cannot be stretched or hastened with dust", async () => {
      const { staking, token, open, now, next, address } = world();
      await open();
      await token.transfer(address, 30_000n * OPG);
      await staking.sync();
      const { end } = await staking.stream();
      for (let i = 0n; i < 40n; i++) {
        await token.transfer(address, 1n);
        await staking.sync();
      }
      expect((await staking.stream()).end).to.equal(end);
      await next(end - 15n * DAY);
      await staking.sync();
      await token.transfer(address, (await staking.stream()).remaining);
      await staking.sync();
      // As much again with thirty days to go meets fifteen days left in the middle.
      expect((await staking.stream()).end - (await now())).to.be.within(
        (225n * DAY) / 10n - 5n,
        (225n * DAY) / 10n + 5n,
      );
    });

    it("lose nothing to a rhythm of calls that is too fast for the accumulator", async () => {
      const { staking, token, open, next, signers, address } = world();
      await open(1_000_000n * OPG);
      await token.transfer(address, 10n ** 7n);
      await staking.sync();
      for (let i = 0; i < 30; i++) await staking.compound(signers.operator, 0);
      const { remaining, end } = await staking.stream();
      expect(remaining).to.equal(10n ** 7n);
      await next(end);
      await staking.compound(signers.operator, 0);
      expect((await staking.pool(signers.operator, 0)).own).to.equal(1_000_000n * OPG + 10n ** 7n);
    });

    it("take the published tranches from the vesting, whoever asks, and go on where it has nothing", async () => {
      const { staking, token, vesting, open, next, signers, address } = world();
      await open();
      await expect(staking.sync()).not.to.emit(staking, "StreamToppedUp");
      const second = await vesting.dueAt(2);
      await next(second);
      // Due, but the vesting was never funded: what is here otherwise is taken all the same.
      await token.transfer(address, OPG);
      await expect(staking.sync()).to.emit(staking, "StreamToppedUp");
      await token.transfer(await vesting.getAddress(), 100_000_000n * OPG);
      const tranches = await vesting.scheduledByMonth(4, 2);
      await expect(staking.connect(signers.anyone).sync())
        .to.emit(vesting, "Released")
        .and.to.emit(staking, "StreamToppedUp");
      expect(await token.balanceOf(address)).to.equal(MINIMUM + OPG + tranches);
      expect(await staking.accounted()).to.equal(MINIMUM + OPG + tranches);
      // Released by somebody else, it is found too.
      await next(await vesting.dueAt(3));
      await vesting.release(4);
      await expect(staking.sync()).to.emit(staking, "StreamToppedUp");
      expect(await staking.accounted()).to.equal(await token.balanceOf(address));
    });
  });
});
