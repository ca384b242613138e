import { expect } from "chai";
import { DAY, MINIMUM, OPG, useStaking } from "./support.ts";

describe("OPGStaking, pools", () => {
  const world = useStaking();

  describe("own stake", () => {
    it("suffices from the minimum on, for the kind of its pool alone [R12]", async () => {
      const { staking, open, signers } = world();
      await open(MINIMUM - 1n);
      expect(await staking.isSufficient(signers.operator, 0)).to.equal(false);
      await expect(staking.connect(signers.other).stake(signers.operator, 0, 1n))
        .to.emit(staking, "Staked")
        .withArgs(signers.operator, 0, signers.other, 1n, [MINIMUM, 0n, 0n, 0n, 0n, 0n, 0n, MINIMUM, 0n, 0n]);
      expect(await staking.isSufficient(signers.operator, 0)).to.equal(true);
      for (const kind of [1, 2, 3, 4, 255]) expect(await staking.isSufficient(signers.operator, kind)).to.equal(false);
      expect(await staking.isSufficient(signers.other, 0)).to.equal(false);
    });

    it("needs a pool that the operator itself created, of a kind there is, once", async () => {
      const { staking, signers } = world();
      const { operator, other } = signers;
      await expect(staking.connect(other).stake(operator, 0, OPG))
        .to.be.revertedWithCustomError(staking, "OPGStaking_NoPool")
        .withArgs(operator, 0);
      await expect(staking.connect(other).delegate(operator, 0, OPG)).to.be.revertedWithCustomError(
        staking,
        "OPGStaking_NoPool",
      );
      await expect(staking.connect(operator).createPool(4, 0))
        .to.be.revertedWithCustomError(staking, "OPGStaking_NoSuchKind")
        .withArgs(4);
      await expect(staking.connect(operator).createPool(3, 250))
        .to.emit(staking, "PoolCreated")
        .withArgs(operator, 3, 250);
      await expect(staking.connect(operator).createPool(3, 0))
        .to.be.revertedWithCustomError(staking, "OPGStaking_PoolExists")
        .withArgs(operator, 3);
      await expect(staking.connect(operator).stake(operator, 3, 0)).to.be.revertedWithCustomError(
        staking,
        "OPGStaking_ZeroAmount",
      );
    });

    it("leaves after 21 days, to the second and whoever calls, and only to the operator [R12]", async () => {
      const { staking, token, open, next, now, signers, address } = world();
      const { operator, anyone } = signers;
      await open();
      const asked = (await now()) + 100n;
      await next(asked);
      await expect(staking.connect(operator).unbond(0, 4_000n * OPG))
        .to.emit(staking, "Unbonded")
        .withArgs(operator, 0, 4_000n * OPG, 4_000n * OPG, asked + 21n * DAY, [
          6_000n * OPG,
          4_000n * OPG,
          4_000n * OPG,
          0n,
          0n,
          0n,
          0n,
          6_000n * OPG,
          0n,
          0n,
        ]);
      expect(await staking.stakeRequests(operator, 0)).to.deep.equal([[4_000n * OPG, asked + 21n * DAY]]);
      await next(asked + 21n * DAY - 1n);
      await expect(staking.connect(anyone).withdrawStake(operator, 0))
        .to.be.revertedWithCustomError(staking, "OPGStaking_NothingMatured")
        .withArgs(asked + 21n * DAY);
      const before = await token.balanceOf(operator);
      await next(asked + 21n * DAY);
      await expect(staking.connect(anyone).withdrawStake(operator, 0))
        .to.emit(staking, "Withdrawn")
        .withArgs(operator, 0, operator, true, 1n, 4_000n * OPG, [
          6_000n * OPG,
          0n,
          0n,
          0n,
          0n,
          0n,
          0n,
          6_000n * OPG,
          0n,
          0n,
        ]);
      expect((await token.balanceOf(operator)) - before).to.equal(4_000n * OPG);
      expect(await token.balanceOf(address)).to.equal(await staking.accounted());
      await expect(staking.withdrawStake(operator, 0))
        .to.be.revertedWithCustomError(staking, "OPGStaking_NothingMatured")
        .withArgs(0n);
    });

    it("cannot unbond more than there is, nothing, or another's", async () => {
      const { staking, open, signers } = world();
      await open();
      const by = staking.connect(signers.operator);
      await expect(by.unbond(0, MINIMUM + 1n))
        .to.be.revertedWithCustomError(staking, "OPGStaking_NotEnough")
        .withArgs(MINIMUM + 1n, MINIMUM);
      await expect(by.unbond(0, 0)).to.be.revertedWithCustomError(staking, "OPGStaking_ZeroAmount");
      await expect(staking.connect(signers.other).unbond(0, 1))
        .to.be.revertedWithCustomError(staking, "OPGStaking_NotEnough")
        .withArgs(1n, 0n);
    });
  });

  describe("delegation", () => {
    it("fits up to nine times the own stake at an own share of a tenth, and says how much still does", async () => {
      const { staking, open, signers } = world();
      const { operator, alice } = signers;
      await open();
      expect(await staking.capacity(operator, 0)).to.equal(9n * MINIMUM);
      await staking.connect(alice).delegate(operator, 0, 8n * MINIMUM);
      await expect(staking.connect(alice).delegate(operator, 0, MINIMUM + 1n))
        .to.be.revertedWithCustomError(staking, "OPGStaking_BeyondCapacity")
        .withArgs(MINIMUM + 1n, MINIMUM);
      await staking.connect(alice).delegate(operator, 0, MINIMUM);
      expect(await staking.capacity(operator, 0)).to.equal(0n);
      expect(await staking.isSufficient(operator, 0)).to.equal(true);
    });

    it("is not taken below the minimum of own stake", async () => {
      const { staking, open, signers } = world();
      await open(MINIMUM - 1n);
      await expect(staking.connect(signers.alice).delegate(signers.operator, 0, OPG))
        .to.be.revertedWithCustomError(staking, "OPGStaking_BeyondCapacity")
        .withArgs(OPG, 0n);
    });

    it("counts an announced higher own share at once, so that nobody can push an operator under it [R12]", async () => {
      const { staking, open, wait, signers } = world();
      const { operator, alice, admin } = signers;
      await open();
      await staking.connect(admin).setOwnShare(0, 2_000);
      expect(await staking.capacity(operator, 0)).to.equal(4n * MINIMUM);
      await staking.connect(alice).delegate(operator, 0, 4n * MINIMUM);
      await wait(4n * DAY);
      expect(await staking.isSufficient(operator, 0)).to.equal(true);
    });

    it("stops the operator's stake from sufficing where own stake falls below its share [R12]", async () => {
      const { staking, open, signers } = world();
      const { operator, alice } = signers;
      await open(2n * MINIMUM);
      await staking.connect(alice).delegate(operator, 0, 18n * MINIMUM);
      expect(await staking.isSufficient(operator, 0)).to.equal(true);
      await staking.connect(operator).unbond(0, 1);
      expect(await staking.isSufficient(operator, 0)).to.equal(false);
      await staking.connect(operator).stake(operator, 0, 1);
      expect(await staking.isSufficient(operator, 0)).to.equal(true);
    });

    it("unbonds by shares, earns nothing meanwhile and is paid after 21 days to the second", async () => {
      const { staking, token, open, next, now, signers } = world();
      const { operator, alice, anyone } = signers;
      await open();
      await expect(staking.connect(alice).delegate(operator, 0, 50n * OPG))
        .to.emit(staking, "Delegated")
        .withArgs(operator, 0, alice, 50n * OPG, 50n * OPG, 50n * OPG, [
          MINIMUM,
          0n,
          0n,
          50n * OPG,
          50n * OPG,
          0n,
          0n,
          MINIMUM + 50n * OPG,
          0n,
          0n,
        ]);
      const asked = (await now()) + 10n;
      await next(asked);
      await expect(staking.connect(alice).undelegate(operator, 0, 20n * OPG))
        .to.emit(staking, "Undelegated")
        .withArgs(operator, 0, alice, 20n * OPG, 30n * OPG, 20n * OPG, 20n * OPG, asked + 21n * DAY, [
          MINIMUM,
          0n,
          0n,
          30n * OPG,
          30n * OPG,
          20n * OPG,
          20n * OPG,
          MINIMUM + 30n * OPG,
          0n,
          0n,
        ]);
      await staking.connect(anyone).addRewards(operator, 0, 1_000n * OPG);
      expect((await staking.requests(operator, 0, alice))[0]!.amount).to.equal(20n * OPG);
      await next(asked + 21n * DAY - 1n);
      await expect(staking.withdraw(operator, 0, alice))
        .to.be.revertedWithCustomError(staking, "OPGStaking_NothingMatured")
        .withArgs(asked + 21n * DAY);
      await next(asked + 21n * DAY);
      const before = await token.balanceOf(alice);
      await staking.connect(anyone).withdraw(operator, 0, alice);
      expect((await token.balanceOf(alice)) - before).to.equal(20n * OPG);
    });

    it("is none or at least one OPG at the first price, so that nobody can make a share dear", async () => {
      const { staking, open, signers } = world();
      const { operator, alice } = signers;
      await open();
      const by = staking.connect(alice);
      await expect(by.delegate(operator, 0, OPG - 1n))
        .to.be.revertedWithCustomError(staking, "OPGStaking_PositionTooSmall")
        .withArgs(OPG - 1n, OPG);
      await by.delegate(operator, 0, OPG);
      await by.delegate(operator, 0, 1n);
      await expect(by.undelegate(operator, 0, 2n)).to.be.revertedWithCustomError(
        staking,
        "OPGStaking_PositionTooSmall",
      );
      await expect(by.undelegate(operator, 0, OPG + 2n))
        .to.be.revertedWithCustomError(staking, "OPGStaking_NotEnough")
        .withArgs(OPG + 2n, OPG + 1n);
      await expect(by.undelegate(operator, 0, 0n)).to.be.revertedWithCustomError(staking, "OPGStaking_ZeroAmount");
      await by.undelegate(operator, 0, OPG + 1n);
      expect(await staking.position(operator, 0, alice)).to.deep.equal([0n, 0n]);
    });

    it("is the delegator's alone, in the pool it chose", async () => {
      const { staking, open, signers } = world();
      const { operator, alice, bob } = signers;
      await open();
      await open(MINIMUM, 1);
      await staking.connect(alice).delegate(operator, 0, 5n * OPG);
      await expect(staking.connect(bob).undelegate(operator, 0, OPG)).to.be.revertedWithCustomError(
        staking,
        "OPGStaking_NotEnough",
      );
      await expect(staking.connect(alice).undelegate(operator, 1, OPG)).to.be.revertedWithCustomError(
        staking,
        "OPGStaking_NotEnough",
      );
    });
  });

  describe("requests", () => {
    it("are at most 16 at a time, each pays when it matures, and a place is free again (R8)", async () => {
      const { staking, token, open, next, now, signers } = world();
      const { operator, alice } = signers;
      await open();
      await staking.connect(alice).delegate(operator, 0, 100n * OPG);
      const start = (await now()) + 10n;
      for (let i = 0n; i < 16n; i++) {
        await next(start + i * DAY);
        await staking.connect(alice).undelegate(operator, 0, (i + 1n) * 10n);
      }
      await expect(staking.connect(alice).undelegate(operator, 0, 1n))
        .to.be.revertedWithCustomError(staking, "OPGStaking_TooManyRequests")
        .withArgs(start + 21n * DAY);
      // One holder's open requests are no hindrance to another.
      await staking.connect(signers.bob).delegate(operator, 0, OPG);
      await staking.connect(signers.bob).undelegate(operator, 0, OPG);

      const before = await token.balanceOf(alice);
      await next(start + 23n * DAY);
      await expect(staking.withdraw(operator, 0, alice)).to.emit(staking, "Withdrawn");
      expect((await token.balanceOf(alice)) - before).to.equal(10n + 20n + 30n);
      expect(await staking.requests(operator, 0, alice)).to.have.length(13);
      for (let i = 0; i < 3; i++) await staking.connect(alice).undelegate(operator, 0, 7n);
      await next(start + 60n * DAY);
      await staking.withdraw(operator, 0, alice);
      expect((await token.balanceOf(alice)) - before).to.equal(10n * 136n + 21n);
      expect(await staking.requests(operator, 0, alice)).to.have.length(0);
    });

    it("of own stake are bounded in the same way (R8)", async () => {
      const { staking, open, wait, signers } = world();
      const by = staking.connect(signers.operator);
      await open(2n * MINIMUM);
      for (let i = 0; i < 16; i++) await by.unbond(0, 1n);
      await expect(by.unbond(0, 1n)).to.be.revertedWithCustomError(staking, "OPGStaking_TooManyRequests");
      await wait(21n * DAY);
      await by.withdrawStake(signers.operator, 0);
      await by.unbond(0, 1n);
      expect(await staking.stakeRequests(signers.operator, 0)).to.have.length(1);
    });
  });
});
