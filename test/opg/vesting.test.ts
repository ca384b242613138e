import { expect } from "chai";
import { network } from "hardhat";
import { ALLOCATIONS, OPG, OPGExisting } from "../../deploy/modules/opg.ts";
import { ParameterError, readExistingToken, readParameters } from "../../deploy/parameters.ts";
import { OPGGenesis__factory, OPGToken__factory, OPGVesting__factory } from "../../typechain/index.ts";
import { BENEFICIARIES, beneficiaries, SUPPLY } from "./support.ts";

const EVENT = Date.UTC(2026, 3, 21) / 1_000;
const [ECOSYSTEM, FOUNDATION, CONTRIBUTORS, , STAKING, LIQUIDITY] = [0, 1, 2, 3, 4, 5];

async function deploy(startsAt = new Date("2026-04-01T00:00:00Z"), chain: "default" | "baseDryRun" = "default") {
  const connection = await network.create({ network: chain, override: { initialDate: startsAt } });
  const { ethers, ignition } = connection;
  const [deployer, anyone] = await ethers.getSigners();
  const deployed = await ignition.deploy(OPG);
  const genesis = OPGGenesis__factory.connect(await deployed.genesis.getAddress(), deployer);
  await genesis.launch(beneficiaries);
  return {
    ...connection,
    deployer: deployer!,
    anyone: anyone!,
    token: OPGToken__factory.connect(await deployed.token.getAddress(), deployer),
    vesting: OPGVesting__factory.connect(await genesis.vesting(), anyone),
    genesis,
  };
}

describe("OPGVesting", () => {
  it("unlocks 8,083,333.33 OPG of ecosystem and foundation on 21 June 2026, to the wei", async () => {
    const { vesting } = await deploy();
    const { due, tranches } = await vesting.calendar(2);
    expect(new Date(Number(due) * 1_000).toISOString()).to.equal("2026-06-21T00:00:00.000Z");
    expect(tranches[ECOSYSTEM]).to.equal(6_000_000n * 10n ** 18n);
    expect(tranches[FOUNDATION]).to.equal(2_083_333_333_333_333_333_333_333n);
    expect(tranches[ECOSYSTEM]! + tranches[FOUNDATION]!).to.equal(8_083_333_333_333_333_333_333_333n);
  });

  it("keeps calendar months through leap years, as the JavaScript engine knows them", async () => {
    const { vesting } = await deploy();
    for (const month of [0, 1, 9, 10, 21, 22, 23, 34, 70, 71, 96, 886, 887, 4_486, 4_487, 12_000]) {
      const date = Date.UTC(2026, 3 + month, 21) / 1_000;
      expect(await vesting.dueAt(month)).to.equal(date);
      expect(await vesting.monthAt(date)).to.deep.equal([true, BigInt(month)]);
      expect(await vesting.monthAt(date - 1)).to.deep.equal(month === 0 ? [false, 0n] : [true, BigInt(month - 1)]);
    }
    await expect(vesting.dueAt(12_001)).to.be.revertedWithCustomError(vesting, "UnlockCalendar_TooFar");
  });

  it("releases what is due, at the second it is due, to the beneficiary, whoever calls", async () => {
    const { networkHelpers, token, vesting, anyone } = await deploy();
    const to = await vesting.beneficiary(FOUNDATION!);
    await networkHelpers.time.setNextBlockTimestamp(EVENT - 1);
    await expect(vesting.release(FOUNDATION!))
      .to.be.revertedWithCustomError(vesting, "OPGVesting_NothingDue")
      .withArgs(FOUNDATION, 0);
    await networkHelpers.time.setNextBlockTimestamp(EVENT);
    const atEvent = 50_000_000n * 10n ** 18n;
    await expect(vesting.release(FOUNDATION!))
      .to.emit(vesting, "Released")
      .withArgs(FOUNDATION, to, atEvent, atEvent, 100_000_000n * 10n ** 18n);
    await networkHelpers.time.setNextBlockTimestamp(Date.UTC(2026, 5, 21) / 1_000);
    await vesting.release(FOUNDATION!);
    expect(await token.balanceOf(to)).to.equal(atEvent + 4_166_666_666_666_666_666_666_666n);
    expect(await token.balanceOf(anyone)).to.equal(0n);
    await expect(vesting.release(FOUNDATION!)).to.be.revertedWithCustomError(vesting, "OPGVesting_NothingDue");
  });

  it("holds contributors and investors through month 12 and pays the first of 36 tranches in month 13", async () => {
    const { vesting } = await deploy();
    const total = 150_000_000n * 10n ** 18n;
    const at = (month: number) => vesting.scheduledByMonth(CONTRIBUTORS!, month);
    expect([await at(0), await at(12), await at(13), await at(47), await at(48), await at(10_000)]).to.deep.equal([
      0n,
      0n,
      total / 36n,
      (total * 35n) / 36n,
      total,
      total,
    ]);
  });

  it("ends with the whole supply released and nothing left over", async () => {
    const { networkHelpers, token, vesting } = await deploy();
    await networkHelpers.time.increaseTo(Date.UTC(2034, 3, 21) / 1_000 - 10);
    await vesting.release(STAKING!);
    expect(await vesting.released(STAKING!)).to.equal((100_000_000n * 10n ** 18n * 95n) / 96n);
    await networkHelpers.time.increaseTo(Date.UTC(2034, 3, 21) / 1_000);
    for (let id = 0; id < ALLOCATIONS.length; id++) await vesting.release(id);
    expect(await token.balanceOf(await vesting.getAddress())).to.equal(0n);
  });

  it("leaves what a short balance could not send claimable", async () => {
    const { ethers, networkHelpers, deployer } = await deploy();
    const plain = await ethers.deployContract("DevelopmentToken", ["Plain", "PLAIN"]);
    const others = ALLOCATIONS.map(() => ethers.Wallet.createRandom().address);
    const made = await ethers.deployContract("OPGVesting", [await plain.getAddress(), others]);
    const vesting = OPGVesting__factory.connect(await made.getAddress(), deployer);
    await networkHelpers.time.increaseTo(EVENT);
    await expect(vesting.release(LIQUIDITY!)).to.be.revertedWithCustomError(plain, "ERC20InsufficientBalance");
    expect(await vesting.released(LIQUIDITY!)).to.equal(0n);
  });

  it("refuses beneficiaries that could never use what they get", async () => {
    const { ethers, token, vesting } = await deploy();
    const good = ALLOCATIONS.map(() => ethers.Wallet.createRandom().address);
    const address = await token.getAddress();
    for (const bad of [ethers.ZeroAddress, address])
      await expect(ethers.deployContract("OPGVesting", [address, good.with(3, bad)]))
        .to.be.revertedWithCustomError(vesting, "OPGVesting_BadBeneficiary")
        .withArgs(3, bad);
  });

  it("has no function that changes anything but release [R8]", async () => {
    const { vesting } = await deploy();
    const writes = vesting.interface.fragments.filter(
      (part) => part.type === "function" && "constant" in part && !part.constant,
    );
    expect(writes.map((part) => ("name" in part ? part.name : ""))).to.deep.equal(["release"]);
  });
});

describe("deployment of OPG", () => {
  it("puts the whole supply into the schedule and leaves the deployer nothing to do", async () => {
    const { ethers, token, vesting, genesis, deployer, anyone } = await deploy();
    expect(await token.balanceOf(await vesting.getAddress())).to.equal(SUPPLY);
    expect(await vesting.token()).to.equal(await token.getAddress());
    expect(await ethers.provider.getCode(await vesting.getAddress())).to.have.length.below(2 + 2 * 24_576);
    for (const [id, name] of ALLOCATIONS.entries()) expect(await vesting.beneficiary(id)).to.equal(BENEFICIARIES[name]);
    await expect(genesis.launch(beneficiaries)).to.be.revertedWithCustomError(genesis, "OPGGenesis_AlreadyLaunched");
    await expect(genesis.connect(anyone).launch(beneficiaries))
      .to.be.revertedWithCustomError(genesis, "OPGGenesis_NotDeployer")
      .withArgs(anyone.address);
    expect(await token.balanceOf(deployer)).to.equal(0n);
  });

  it("works on a chain with Base's chain id, alone or over a token that exists", async () => {
    const { ethers, ignition, token } = await deploy(undefined, "baseDryRun");
    expect((await token.eip712Domain()).chainId).to.equal(8453n);
    const parameters = { OPGExisting: { token: await token.getAddress() } };
    const { votes } = await ignition.deploy(OPGExisting, { parameters });
    expect(await votes.getFunction("underlying")()).to.equal(await token.getAddress());
    expect(await ethers.provider.getCode(await votes.getAddress())).to.have.length.above(1_000);
  });

  it("reads parameters strictly, and where the real OPG is without those of a deployment", async () => {
    expect((await readParameters(31337)) as object).to.have.property("OPGGovernance");
    const problem = await readParameters(84532).catch((reason: unknown) => reason);
    expect(problem).to.be.instanceOf(ParameterError);
    expect((problem as Error).message).to.contain("foundation is not an address");
    const existing = await readExistingToken(8453);
    expect(existing?.token).to.equal("0xFbC2051AE2265686a469421b2C5A2D5462FbF5eB");
    expect(await readExistingToken(31337)).to.equal(undefined);
  });
});
