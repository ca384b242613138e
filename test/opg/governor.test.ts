import { expect } from "chai";
import { network } from "hardhat";
import { id, ZeroAddress, ZeroHash } from "ethers";
import { OPGExistingGovernance, OPGGovernance } from "../../deploy/modules/opg.ts";
import { DEVELOPMENT_PHASE1_ID } from "../../deploy/parameters.ts";
import {
  ModelRegistry__factory,
  OPGGovernor__factory,
  OPGToken__factory,
  OPGVesting__factory,
  OPGGenesis__factory,
  OPGTimelock__factory,
} from "../../typechain/index.ts";
import { dueAt } from "../../tasks/unlocks/schedule.ts";
import { BENEFICIARIES, beneficiaries } from "./support.ts";

const MILLION = 1_000_000n * 10n ** 18n;
const DAY = 86_400;
const FOUNDATION = 1;
const AGAINST = 0;
const FOR = 1;
const SETTINGS = {
  votingDelay: DAY,
  votingPeriod: 4 * DAY,
  timelockDelay: 2 * DAY,
  proposalThreshold: 1_000_000,
  quorumPercent: 4,
  minimumQuorum: 10_000_000,
};
/** The same as a public chain's parameter file has them. */
const PARAMETERS = {
  votingDelaySeconds: SETTINGS.votingDelay,
  votingPeriodSeconds: SETTINGS.votingPeriod,
  timelockDelaySeconds: SETTINGS.timelockDelay,
  proposalThresholdOPG: SETTINGS.proposalThreshold,
  quorumPercent: SETTINGS.quorumPercent,
  minimumQuorumOPG: SETTINGS.minimumQuorum,
};
const State = { Defeated: 3n, Succeeded: 4n } as const;

/** OPG, its governor, a registry under the governor's timelock, and the foundation with 50,000,000 votes. */
async function governed() {
  const connection = await network.create({ network: "default", override: { initialDate: new Date("2026-04-01") } });
  const { ethers, ignition, networkHelpers } = connection;
  const signers = await ethers.getSigners();
  const [deployer, guardian] = [signers[0]!, signers[2]!];
  const holder = signers.find(({ address }) => address === BENEFICIARIES.foundation)!;
  const deployed = await ignition.deploy(OPGGovernance, { parameters: { OPGGovernance: PARAMETERS } });
  const genesis = OPGGenesis__factory.connect(await deployed.genesis.getAddress(), deployer);
  await genesis.launch(beneficiaries);
  const token = OPGToken__factory.connect(await deployed.token.getAddress(), holder);
  const governor = OPGGovernor__factory.connect(await deployed.governor.getAddress(), holder);
  const timelock = OPGTimelock__factory.connect(await deployed.timelock.getAddress(), deployer);
  const made = await ethers.deployContract("ModelRegistry", [
    await timelock.getAddress(),
    guardian.address,
    [DEVELOPMENT_PHASE1_ID],
  ]);
  const models = ModelRegistry__factory.connect(await made.getAddress(), deployer);

  await networkHelpers.time.increaseTo(dueAt(0));
  await OPGVesting__factory.connect(await genesis.vesting(), deployer).release(FOUNDATION);
  await token.delegate(holder.address);
  await networkHelpers.time.increase(1);

  /** Proposes one call and returns what every later step names it by. */
  async function propose(target: { getAddress(): Promise<string> }, data: string, why = "because") {
    const call = [[await target.getAddress()], [0n], [data], id(why)] as [string[], bigint[], string[], string];
    await governor.propose(call[0], call[1], call[2], why);
    return { call, proposal: await governor.getProposalId(...call) };
  }
  /** Waits for the vote, votes as the holder, and waits for its end. */
  async function vote(proposal: bigint, support: number) {
    await networkHelpers.time.increase(DAY + 1);
    await governor.castVote(proposal, support);
    await networkHelpers.time.increase(4 * DAY + 1);
  }
  async function passed(target: { getAddress(): Promise<string> }, data: string, why?: string) {
    const { call, proposal } = await propose(target, data, why);
    await vote(proposal, FOR);
    await governor.queue(...call);
    await networkHelpers.time.increase(2 * DAY + 1);
    return call;
  }
  return {
    ...connection,
    deployer,
    guardian,
    holder,
    signers,
    token,
    governor,
    timelock,
    models,
    propose,
    vote,
    passed,
  };
}

describe("OPGGovernor", () => {
  it("approves a verifier in the model registry by a vote, a queue and a delay, and in no other way", async () => {
    const { governor, timelock, models, propose, vote, deployer, signers, networkHelpers } = await governed();
    const verifier = signers[15]!.address;
    const data = models.interface.encodeFunctionData("approveVerifier", [verifier]);
    const { call, proposal } = await propose(models, data);

    await networkHelpers.time.increase(DAY - 10);
    await expect(governor.castVote(proposal, FOR)).to.be.revertedWithCustomError(
      governor,
      "GovernorUnexpectedProposalState",
    );
    await vote(proposal, FOR);
    expect(await governor.state(proposal)).to.equal(State.Succeeded);
    // Not queued yet.
    await expect(governor.execute(...call)).to.be.revertedWithCustomError(governor, "GovernorUnexpectedProposalState");
    await governor.queue(...call);
    await networkHelpers.time.increase(2 * DAY - 10);
    await expect(governor.execute(...call)).to.be.revertedWithCustomError(timelock, "TimelockUnexpectedOperationState");
    expect(await models.isApprovedVerifier(verifier)).to.equal(false);
    await networkHelpers.time.increase(20);
    await governor.connect(deployer).execute(...call);
    expect(await models.isApprovedVerifier(verifier)).to.equal(true);
  });

  it("is the one proposer and canceller of a timelock in which no account holds a role", async () => {
    const { governor, timelock, models, signers } = await governed();
    const own = [await governor.getAddress(), await timelock.getAddress()];
    const roles = [
      ["DEFAULT_ADMIN_ROLE", own[1]],
      ["PROPOSER_ROLE", own[0]],
      ["CANCELLER_ROLE", own[0]],
      ["EXECUTOR_ROLE", ZeroAddress],
    ] as const;
    for (const [role, holder] of roles) {
      const hash = await timelock[role]();
      // Every role that was ever granted is in the logs of the constructor.
      const granted = await timelock.queryFilter(timelock.filters.RoleGranted(hash));
      expect(granted.map(({ args }) => args.account)).to.deep.equal([holder]);
    }
    const data = models.interface.encodeFunctionData("approveVerifier", [signers[15]!.address]);
    for (const signer of signers.slice(0, 12))
      await expect(
        timelock.connect(signer).schedule(await models.getAddress(), 0n, data, ZeroHash, ZeroHash, 2 * DAY),
      ).to.be.revertedWithCustomError(timelock, "AccessControlUnauthorizedAccount");
  });

  it("defeats what most votes are against, and what too few votes are cast on", async () => {
    const { governor, models, token, propose, vote, signers } = await governed();
    const data = models.interface.encodeFunctionData("approveVerifier", [signers[15]!.address]);
    const against = await propose(models, data, "against");
    await vote(against.proposal, AGAINST);
    expect(await governor.state(against.proposal)).to.equal(State.Defeated);

    // 4 % of 1,000,000,000 are asked for: a wei less is not enough.
    await token.transfer(signers[15]!.address, 10n * MILLION + 1n);
    const few = await propose(models, data, "few");
    await vote(few.proposal, FOR);
    expect(await governor.state(few.proposal)).to.equal(State.Defeated);
    await token.connect(signers[15]!).transfer(BENEFICIARIES.foundation, 1n);
    const enough = await propose(models, data, "enough");
    await vote(enough.proposal, FOR);
    expect(await governor.state(enough.proposal)).to.equal(State.Succeeded);
  });

  it("takes proposals from holders of the threshold alone", async () => {
    const { governor, models, token, signers, networkHelpers } = await governed();
    const small = signers[15]!;
    await token.transfer(small.address, MILLION - 1n);
    await token.connect(small).delegate(small.address);
    await networkHelpers.time.increase(1);
    const attempt = () => governor.connect(small).propose([models], [0n], ["0x"], "mine");
    await expect(attempt())
      .to.be.revertedWithCustomError(governor, "GovernorInsufficientProposerVotes")
      .withArgs(small.address, MILLION - 1n, MILLION);
    await token.transfer(small.address, 1n);
    await networkHelpers.time.increase(1);
    await expect(attempt()).to.emit(governor, "ProposalCreated");
  });

  it("keeps its settings within constant bounds, at deployment and whatever is voted [R8]", async () => {
    const { ethers, governor, token, passed } = await governed();
    const deploy = async (over: Partial<typeof SETTINGS>) =>
      ethers.deployContract("OPGGovernor", [await token.getAddress(), { ...SETTINGS, ...over }]);
    const beyond = [
      [{ votingPeriod: 7 * DAY + 1 }, "OPGGovernor_CycleTooLong", 8 * DAY + 1],
      [{ proposalThreshold: 10_000_001 }, "OPGGovernor_ThresholdTooHigh", 10_000_001n * 10n ** 18n],
      [{ quorumPercent: 21 }, "OPGGovernor_QuorumTooHigh", 21],
    ] as const;
    for (const [over, error, value] of beyond)
      await expect(deploy(over)).to.be.revertedWithCustomError(governor, error).withArgs(value);
    await deploy({ votingPeriod: 7 * DAY, proposalThreshold: 10_000_000, quorumPercent: 20 });

    const call = await passed(governor, governor.interface.encodeFunctionData("setVotingDelay", [4 * DAY + 1]));
    await expect(governor.execute(...call))
      .to.be.revertedWithCustomError(governor, "OPGGovernor_CycleTooLong")
      .withArgs(8 * DAY + 1);
    const fine = await passed(governor, governor.interface.encodeFunctionData("setVotingDelay", [4 * DAY]), "fine");
    await governor.execute(...fine);
    expect(await governor.votingDelay()).to.equal(4 * DAY);
    await expect(governor.setVotingDelay(1)).to.be.revertedWithCustomError(governor, "GovernorOnlyExecutor");
  });

  it("keeps the timelock's delay whatever is voted: a freeze never ends before a vote can act, nor a vote early [R8]", async () => {
    const { timelock, governor, passed, deployer } = await governed();
    const call = await passed(timelock, timelock.interface.encodeFunctionData("updateDelay", [0]));
    await expect(governor.execute(...call))
      .to.be.revertedWithCustomError(timelock, "OPGTimelock_DelayIsFixed")
      .withArgs(2 * DAY);
    await expect(timelock.connect(deployer).updateDelay(0)).to.be.revertedWithCustomError(
      timelock,
      "OPGTimelock_DelayIsFixed",
    );
    expect(await timelock.getMinDelay()).to.equal(2 * DAY);
  });

  it("asks for 10,000,000 votes over wrapped tokens, however few are wrapped, on a chain with Base's id", async () => {
    const { ethers, ignition, networkHelpers } = await network.create("baseDryRun");
    const [holder] = await ethers.getSigners();
    const plain = await ethers.deployContract("PlainOPG", [[holder!.address], [100n * MILLION]]);
    const deployed = await ignition.deploy(OPGExistingGovernance, {
      parameters: {
        OPGExisting: { token: await plain.getAddress() },
        OPGExistingGovernance: PARAMETERS,
      },
    });
    const governor = OPGGovernor__factory.connect(await deployed.governor.getAddress(), holder);
    const wrap = async (amount: bigint) => {
      await plain.getFunction("approve")(await deployed.votes.getAddress(), amount);
      await deployed.votes.getFunction("depositFor")(holder!.address, amount);
      await networkHelpers.time.increase(1);
      return governor.quorum((await networkHelpers.time.latest()) - 1);
    };
    expect(await wrap(10n)).to.equal(10n * MILLION);
    expect(await governor.token()).to.equal(await deployed.votes.getAddress());
    expect(await governor.CLOCK_MODE()).to.equal("mode=timestamp");
  });
});
