import { expect } from "chai";
import { DAY, MINIMUM, OPG, useStaking, type Staking } from "./support.ts";

const Mood = { Plain: 0, TakesFee: 1, AnswersFalse: 2, CallsBack: 3, Refuses: 4 };

describe("OPGStaking, attacks", () => {
  const world = useStaking();

  describe("on the price of a share", () => {
    it("a donation to the contract moves no pool, and is everybody's", async () => {
      const { staking, token, open, signers, address } = world();
      const { operator, alice, bob } = signers;
      await open();
      await staking.connect(alice).delegate(operator, 0, OPG);
      await token.connect(alice).transfer(address, 500_000n * OPG);
      await staking.connect(bob).delegate(operator, 0, OPG);
      expect(await staking.position(operator, 0, bob)).to.deep.equal([OPG, OPG]);
    });

    it("a first delegator who has it raised forty thousand times over costs the next at most the price of one share, 40,000 wei", async () => {
      const { staking, token, open, signers } = world();
      const { operator, alice, bob, anyone } = signers;
      await open(MINIMUM, 0, operator, 0n);
      await staking.connect(alice).delegate(operator, 0, OPG);
      await token.transfer(anyone, 500_000_000n * OPG);
      await staking.connect(anyone).addRewards(operator, 0, 400_000_000n * OPG);
      const price = (await staking.position(operator, 0, alice)).amount;
      expect(price).to.be.greaterThan(39_000n * OPG);
      // A delegator below the price of the smallest position is refused, never robbed.
      await expect(staking.connect(bob).delegate(operator, 0, price / 2n)).to.be.revertedWithCustomError(
        staking,
        "OPGStaking_PositionTooSmall",
      );
      const amount = 2n * price + 12_345_678_901n;
      await staking.connect(bob).delegate(operator, 0, amount);
      const left = (await staking.position(operator, 0, bob)).amount;
      // At most the price of one share, which is a billionth of a billionth of the smallest position.
      expect(amount - left).to.be.within(0n, price / OPG + 1n);
      // And when the first leaves, the next starts from the price that is there; after the last, from one again.
      await staking.connect(alice).undelegate(operator, 0, OPG);
      await staking.connect(bob).undelegate(operator, 0, (await staking.position(operator, 0, bob)).shares);
      expect((await staking.pool(operator, 0)).delegated).to.equal(0n);
      await staking.connect(bob).delegate(operator, 0, OPG);
      expect(await staking.position(operator, 0, bob)).to.deep.equal([OPG, OPG]);
    });

    it("joining just before a reward and leaving pays three weeks without earning, still liable", async () => {
      const { staking, open, slash, signers } = world();
      const { operator, alice, bob, anyone } = signers;
      await open();
      await staking.connect(alice).delegate(operator, 0, MINIMUM);
      await staking.connect(bob).delegate(operator, 0, 8n * MINIMUM);
      await staking.connect(anyone).addRewards(operator, 0, 10n * OPG);
      await staking.connect(bob).undelegate(operator, 0, 8n * MINIMUM);
      await staking.connect(anyone).addRewards(operator, 0, 1_000n * OPG);
      expect((await staking.requests(operator, 0, bob))[0]!.amount).to.equal(8n * MINIMUM + 8n * OPG);
      for (let i = 0; i < 3; i++) await slash(1_000n);
      expect((await staking.requests(operator, 0, bob))[0]!.amount).to.be.lessThan(8n * MINIMUM);
    });
  });

  describe("of the token", () => {
    async function hostile(w: Staking) {
      const { ethers, signers, staking: real, deployAt, wiring, parameters } = w;
      const { admin, deployer, operator, alice, anyone } = signers;
      const token = await ethers.deployContract("HostileStakeToken");
      const at = await deployAt("OPGStaking", await token.getAddress(), admin.address, ...parameters);
      const staking = real.attach(at) as typeof real;
      await staking.connect(deployer).wire(...wiring);
      const become = (mood: number, to = at, data = "0x") => token.getFunction("become")(mood, to, data);
      for (const each of [operator, alice, anyone]) {
        await token.getFunction("transfer")(each.address, 10n * MINIMUM);
        await (token.connect(each) as typeof token).getFunction("approve")(at, 2n ** 256n - 1n);
      }
      await staking.connect(operator).createPool(0, 0);
      await staking.connect(operator).stake(operator, 0, MINIMUM);
      await staking.connect(alice).delegate(operator, 0, MINIMUM);
      return { staking, token, become, at };
    }

    it("a fee, or an answer of false, is refused at every door", async () => {
      const w = world();
      const { operator, alice, anyone } = w.signers;
      const { staking, become, token } = await hostile(w);
      const doors = [
        () => staking.connect(operator).stake(operator, 0, OPG),
        () => staking.connect(alice).delegate(operator, 0, OPG),
        () => staking.connect(anyone).addRewards(operator, 0, OPG),
      ];
      await become(Mood.TakesFee);
      for (const door of doors)
        await expect(door())
          .to.be.revertedWithCustomError(staking, "OPGStaking_TokenTookFee")
          .withArgs(OPG, OPG - 1n);
      await become(Mood.AnswersFalse);
      for (const door of doors)
        await expect(door())
          .to.be.revertedWithCustomError(staking, "SafeERC20FailedOperation")
          .withArgs(await token.getAddress());
    });

    it("calling back in the middle of any transfer gets nowhere", async () => {
      const w = world();
      const { operator, alice, disputes } = w.signers;
      const { staking, become, token } = await hostile(w);
      const face = staking.interface;
      const calls = [
        face.encodeFunctionData("sync"),
        face.encodeFunctionData("claim", [disputes.address]),
        face.encodeFunctionData("compound", [operator.address, 0]),
        face.encodeFunctionData("withdraw", [operator.address, 0, alice.address]),
        face.encodeFunctionData("withdrawStake", [operator.address, 0]),
        face.encodeFunctionData("addRewards", [operator.address, 0, 1n]),
        face.encodeFunctionData("stake", [operator.address, 0, 1n]),
        face.encodeFunctionData("delegate", [operator.address, 0, OPG]),
        face.encodeFunctionData("undelegate", [operator.address, 0, OPG]),
        face.encodeFunctionData("unbond", [0, 1n]),
        face.encodeFunctionData("setCommission", [0, 1n]),
      ];
      const refused = staking.interface.getError("ReentrancyGuardReentrantCall")!.selector;
      await staking.connect(alice).undelegate(operator, 0, MINIMUM);
      await w.wait(21n * DAY);
      const snapshot = await w.networkHelpers.takeSnapshot();
      for (const data of calls)
        for (const outer of [
          () => staking.connect(operator).stake(operator, 0, OPG),
          () => staking.withdraw(operator, 0, alice),
        ]) {
          await become(Mood.CallsBack, await staking.getAddress(), data);
          await outer();
          expect(await token.getFunction("calledBack")()).to.equal(false);
          expect(await token.getFunction("answer")()).to.equal(refused);
          await snapshot.restore();
        }
    });

    it("refusing to move cannot stop a slash, nor the end of keys [FM:slashing-paused]", async () => {
      const w = world();
      const { operator, anyone, disputes } = w.signers;
      const { staking, become } = await hostile(w);
      await become(Mood.Refuses);
      await staking.connect(disputes).slash(operator, 0, 1_000n, anyone);
      expect((await staking.pool(operator, 0)).own).to.equal((MINIMUM * 8n) / 10n);
      expect(await staking.isSufficient(operator, 0)).to.equal(false);
      await expect(staking.claim(anyone)).to.be.revertedWith("refused");
      await become(Mood.Plain);
      await staking.claim(anyone);
    });

    it("taking back what was staked streams nothing and blocks nobody who can still be paid", async () => {
      const w = world();
      const { operator } = w.signers;
      const { staking, token, at } = await hostile(w);
      await token.getFunction("seize")(at, 3n * OPG);
      await staking.sync();
      expect((await staking.stream()).remaining).to.equal(0n);
      await staking.connect(operator).unbond(0, OPG);
      await w.wait(21n * DAY);
      await expect(staking.withdrawStake(operator, 0)).to.emit(staking, "Withdrawn");
    });
  });
});
