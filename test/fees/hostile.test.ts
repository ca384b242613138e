import { expect } from "chai";
import { ZeroAddress } from "ethers";
import { FIRST, OPG, useFees, type Fees } from "./support.ts";

const FEE = 10n * OPG;
const KEEPS_ONE_WEI = 1;
const SAYS_FALSE = 2;
const MOVES_NOTHING = 3;

describe("Against the FeeSplitter", () => {
  const fees = useFees();
  type Splitter = Fees["splitter"];
  const pay = (f: Fees, splitter: Splitter, settler = f.people.settler.address) =>
    splitter.pay(f.nodeId, f.modelId, settler, FIRST, FEE);
  /** Everything that moves money, as calls an attacker would make from inside. */
  const entries = (f: Fees, splitter: Splitter) => [
    splitter.interface.encodeFunctionData("pay", [f.nodeId, f.modelId, ZeroAddress, FIRST, 1n]),
    splitter.interface.encodeFunctionData("claim", [f.people.settler.address]),
    splitter.interface.encodeFunctionData("claimMany", [[f.people.settler.address]]),
    splitter.interface.encodeFunctionData("distributeModel", [f.modelId]),
  ];

  it("a token that calls back gets in nowhere, while it pays and while it is paid out [R8]", async () => {
    const f = fees();
    const { hostile, splitter } = await f.overHostileToken();
    await pay(f, splitter);
    for (const data of entries(f, splitter)) {
      await hostile.callOnTransfer(splitter, data);
      const restore = await f.networkHelpers.takeSnapshot();
      for (const act of [
        () => pay(f, splitter),
        () => splitter.claim(f.people.settler),
        () => splitter.claimMany([f.people.settler.address]),
      ]) {
        await act();
        expect(await hostile.went()).to.equal(false);
        expect(await hostile.answer()).to.equal(splitter.interface.getError("ReentrancyGuardReentrantCall")!.selector);
        await restore.restore();
      }
    }
  });

  it("a beneficiary that is called sees its credit gone already", async () => {
    const f = fees();
    const { hostile, splitter } = await f.overHostileToken();
    await pay(f, splitter);
    const look = splitter.interface.encodeFunctionData("credit", [f.people.settler.address]);
    await hostile.callOnTransfer(splitter, look);
    await splitter.claim(f.people.settler);
    expect([await hostile.went(), BigInt(await hostile.answer())]).to.deep.equal([true, 0n]);
  });

  it("staking that calls back gets in nowhere either", async () => {
    const f = fees();
    await f.pay(FEE);
    for (const data of entries(f, f.splitter)) {
      await f.staking.misbehave(0n, f.splitter, data);
      await f.pay(FEE);
      expect(await f.staking.went()).to.equal(false);
    }
  });

  it("staking takes the stakers' share and no wei of others, then or later", async () => {
    const f = fees();
    await f.pay(FEE);
    await expect(f.staking.take(f.splitter, 1n)).to.be.revertedWithCustomError(f.token, "ERC20InsufficientAllowance");
    const more = f.staking.interface.encodeFunctionData("take", [await f.splitter.getAddress(), 1n]);
    await f.staking.misbehave(0n, f.staking, more);
    await expect(f.pay(FEE)).to.be.revertedWithCustomError(f.token, "ERC20InsufficientAllowance");
    await f.staking.misbehave(1n, ZeroAddress, "0x");
    await expect(f.pay(FEE))
      .to.be.revertedWithCustomError(f.splitter, "FeeSplitter_StakingTookOther")
      .withArgs(OPG / 2n, OPG / 2n - 1n);
    // What it hands back in the same breath does not hide that.
    await f.token.transfer(f.staking, 5n);
    const gift = f.token.interface.encodeFunctionData("transferFrom", [
      f.people.payer.address,
      await f.splitter.getAddress(),
      OPG,
    ]);
    await f.token.approve(f.staking, OPG);
    await f.staking.misbehave(0n, f.token, gift);
    await expect(f.pay(FEE))
      .to.be.revertedWithCustomError(f.splitter, "FeeSplitter_StakingTookOther")
      .withArgs(OPG / 2n, 0n);
  });

  it("staking that fails stops new fees and nothing else: claims and distributions go on, and the fee stays with who pays", async () => {
    const f = fees();
    await f.pay(FEE);
    await f.staking.misbehave(2n ** 256n - 1n, ZeroAddress, "0x");
    const before = await f.token.balanceOf(f.people.payer);
    await expect(f.pay(FEE)).to.be.revertedWithCustomError(f.staking, "FeeStaking_Closed");
    expect(await f.token.balanceOf(f.people.payer)).to.equal(before);
    await f.splitter.distributeModel(f.modelId);
    await f.splitter.claim(f.signers.operator);
    await f.splitter.claim(f.signers.deployer);
  });

  it("a token that keeps a fee, says no, or moves nothing is refused", async () => {
    const f = fees();
    const { hostile, splitter } = await f.overHostileToken();
    await hostile.behave(KEEPS_ONE_WEI);
    await expect(pay(f, splitter))
      .to.be.revertedWithCustomError(splitter, "FeeSplitter_TokenTookFee")
      .withArgs(FEE, FEE - 1n);
    await hostile.behave(MOVES_NOTHING);
    await expect(pay(f, splitter))
      .to.be.revertedWithCustomError(splitter, "FeeSplitter_TokenTookFee")
      .withArgs(FEE, 0n);
    await hostile.behave(SAYS_FALSE);
    await expect(pay(f, splitter))
      .to.be.revertedWithCustomError(splitter, "SafeERC20FailedOperation")
      .withArgs(await hostile.getAddress());
    expect(await hostile.balanceOf(splitter)).to.equal(0n);
  });

  it("a false answer to a claim leaves the credit where it was", async () => {
    const f = fees();
    const { hostile, splitter } = await f.overHostileToken();
    await pay(f, splitter);
    await hostile.behave(SAYS_FALSE);
    const { settler } = f.people;
    await expect(splitter.claim(settler)).to.be.revertedWithCustomError(splitter, "SafeERC20FailedOperation");
    await expect(splitter.claimMany([settler.address]))
      .to.emit(splitter, "ClaimFailed")
      .withArgs(settler.address, OPG / 10n);
    expect(await splitter.credit(settler)).to.equal(OPG / 10n);
  });

  it("an account that the token refuses harms only itself, alone or among others [R2]", async () => {
    const f = fees();
    const { hostile, splitter } = await f.overHostileToken();
    await pay(f, splitter);
    const [settler, operator] = [f.people.settler.address, f.signers.operator.address];
    await hostile.refuse(settler);
    await expect(splitter.claim(settler)).to.be.revertedWithCustomError(hostile, "FeeToken_Refused").withArgs(settler);
    const all = [f.timelock, settler, operator];
    expect(await splitter.claimMany.staticCall(all)).to.equal(8n * OPG + (OPG * 4n) / 10n);
    const sent = await splitter.claimMany(all);
    await expect(sent)
      .to.emit(splitter, "ClaimFailed")
      .withArgs(settler, OPG / 10n);
    await expect(sent)
      .to.emit(splitter, "Claimed")
      .withArgs(operator, 8n * OPG);
    expect([await hostile.balanceOf(operator), await splitter.credit(settler)]).to.deep.equal([8n * OPG, OPG / 10n]);
    await pay(f, splitter);
    expect(await splitter.credit(settler)).to.equal(OPG / 5n);
  });

  it("what is sent without paying changes no share and no credit", async () => {
    const f = fees();
    await f.token.transfer(f.splitter, OPG);
    await f.pay(FEE);
    expect(await f.splitter.credit(f.signers.operator)).to.equal(8n * OPG);
    await f.splitter.distributeModel(f.modelId);
    const owed = await f.owed([f.signers.operator, f.signers.deployer, f.people.settler, f.timelock], [f.modelId]);
    expect(await f.token.balanceOf(f.splitter)).to.equal(owed + OPG);
  });

  it("a caller without the money or the allowance pays nothing", async () => {
    const f = fees();
    const { other } = f.signers;
    const splitter = f.splitter.connect(other);
    await expect(pay(f, splitter)).to.be.revertedWithCustomError(f.token, "ERC20InsufficientAllowance");
    await f.token.connect(other).approve(splitter, FEE);
    await expect(pay(f, splitter)).to.be.revertedWithCustomError(f.token, "ERC20InsufficientBalance");
  });
});
