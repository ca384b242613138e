import { execFile } from "node:child_process";
import { expect } from "chai";
import { network } from "hardhat";
import { sha256 } from "ethers";
import { developmentRoot } from "../../demo/development-enclave.ts";
import { checkDeployment } from "../../deploy/check.ts";
import { OpenGradient, OpenGradientDevelopment, OpenGradientExisting } from "../../deploy/modules/protocol.ts";
import { checkParameters, DEVELOPMENT_PHASE1_ID, ParameterError, readParameters } from "../../deploy/parameters.ts";
import local from "../../deploy/parameters/local.json" with { type: "json" };
import { InferenceEscrow__factory, OPGGenesis__factory, OPGStaking__factory } from "../../typechain/index.ts";

const A_REAL_PHASE1 = "0x" + "a1".repeat(32);
const MILLION = 1_000_000n * 10n ** 18n;

type Contracts = Record<string, { getAddress(): Promise<string> }>;

async function message(promise: Promise<unknown>): Promise<string> {
  return promise.then(
    () => "nothing failed",
    (problem: Error) => problem.message,
  );
}
async function addressesOf(contracts: Contracts): Promise<Record<string, string>> {
  const addresses: Record<string, string> = {};
  for (const [name, contract] of Object.entries(contracts)) addresses[name] = await contract.getAddress();
  return addresses;
}
/** What a public chain's file would hold, with parts of this one. */
async function productionParameters(phase1Id = A_REAL_PHASE1) {
  const { OpenGradientDevelopment: local, OPGGovernance } = await readParameters(31337);
  const { attestationRoot: _, ...shared } = local!;
  return { parameters: { ...shared, phase1Ids: [phase1Id] }, OPGGovernance: OPGGovernance! };
}

describe("deployment", () => {
  it("leaves the deployer without power or token, and every contract within the size limit [R8]", async () => {
    const { ethers, ignition } = await network.create();
    const [deployer] = await ethers.getSigners();
    const contracts = await ignition.deploy(OpenGradientDevelopment, { parameters: await readParameters(31337) });
    const addresses = await addressesOf(contracts);
    const checks = await checkDeployment(ethers.provider, addresses, deployer!.address);
    expect(checks.filter(({ ok }) => !ok)).to.deep.equal([]);
    expect(checks).to.have.length(Object.keys(addresses).length + 3 + 4 + 8 + 5 + 3 + 3 + 5 + 1 + 4 + 5);

    // The two things that a deployer could do are done, and cannot be done again.
    const staking = OPGStaking__factory.connect(addresses["staking"]!, deployer);
    const wired = [
      await staking.nodes(),
      await staking.enclaves(),
      deployer!.address,
      await staking.vesting(),
    ] as const;
    await expect(staking.wire(...wired)).to.be.revertedWithCustomError(staking, "OPGStaking_AlreadyWired");
    const genesis = OPGGenesis__factory.connect(addresses["genesis"]!, deployer);
    const mine = Array.from({ length: 7 }, () => deployer!.address) as Parameters<typeof genesis.launch>[0];
    await expect(genesis.launch(mine)).to.be.revertedWithCustomError(genesis, "OPGGenesis_AlreadyLaunched");
  });

  it("names the development root in the local parameters, whose key everybody can make", () => {
    expect(local.OpenGradientDevelopment.attestationRoot).to.equal(sha256(developmentRoot().der));
    const wrong = { ...local.OpenGradientDevelopment, attestationRoot: "0x00" };
    expect(() => checkParameters(31337, "a file", { ...local, OpenGradientDevelopment: wrong })).to.throw(
      ParameterError,
      "attestationRoot",
    );
  });

  it("runs as a command, says what it checked and where everything is, and in a dry run writes nothing", async () => {
    const { code, output } = await new Promise<{ code: number; output: string }>((resolve) =>
      execFile("hardhat", ["run", "--no-compile", "deploy/main.ts"], (problem, stdout, stderr) =>
        resolve({ code: problem === null ? 0 : 1, output: problem === null ? stdout : stdout + stderr }),
      ),
    );
    expect(code, output).to.equal(0);
    expect(output).to.not.contain("FAILED");
    const record = JSON.parse(output.slice(output.indexOf("{"), output.lastIndexOf("}") + 1));
    expect(Object.keys(record.contracts)).to.include.members(["escrow", "staking", "disputes", "twinMarket"]);
    expect(record.parameters.OpenGradientDevelopment.minimumStakes[0]).to.equal("10000000000000000000000");
  });

  it("finds a deployment whose last steps are missing, or whose parts answer to somebody else", async () => {
    const { ethers, ignition } = await network.create();
    const [deployer] = await ethers.getSigners();
    const contracts = await ignition.deploy(OpenGradientDevelopment, { parameters: await readParameters(31337) });
    const addresses = await addressesOf(contracts);
    const unwired = await ethers.deployContract("OPGStaking", [
      addresses["token"],
      deployer!.address,
      [MILLION, MILLION, MILLION, MILLION],
      [1_000, 1_000, 1_000, 1_000],
    ]);
    const registry = await ethers.deployContract("ModelRegistry", [deployer!.address, deployer!.address, []]);
    const genesis = await ethers.deployContract("OPGGenesis");
    const broken = {
      ...addresses,
      staking: await unwired.getAddress(),
      modelRegistry: await registry.getAddress(),
      genesis: await genesis.getAddress(),
    };
    const failed = (await checkDeployment(ethers.provider, broken, deployer!.address)).filter(({ ok }) => !ok);
    expect(failed.map(({ what }) => what)).to.deep.equal([
      "modelRegistry answers to the timelock",
      "staking answers to the timelock",
      "the deployer is not the guardian of modelRegistry",
      "staking works with nodeRegistry",
      "staking works with enclaveRegistry",
      "staking works with disputes",
      "nodes are matched by modelRegistry",
      "the supply went into the unlock schedule",
      "staking rewards go to staking",
      "staking releases them",
    ]);
  });

  describe("on a chain with Base's chain id", () => {
    it("refuses the development parts, and the whole development module", async () => {
      const { ethers, ignition } = await network.create("baseDryRun");
      const [deployer] = await ethers.getSigners();
      const factory = await ethers.getContractFactory("DevelopmentAttestationVerifier");
      expect(await message(factory.deploy(deployer!.address))).to.contain("DevelopmentOnly_PublicChain(8453)");
      const problem = await message(
        ignition.deploy(OpenGradientDevelopment, { parameters: await readParameters(31337) }),
      );
      expect(problem).to.contain("NitroAttestation_ForeignRoot");
    });

    it("refuses a phase 1 whose secrets are public, and takes a real one [ZK1] [FM:phase2-skipped]", async () => {
      const { ethers, ignition } = await network.create("baseDryRun");
      const [deployer] = await ethers.getSigners();
      const deploy = async (phase1Id: string) => {
        const { parameters, OPGGovernance } = await productionParameters(phase1Id);
        return ignition.deploy(OpenGradient, { parameters: { OpenGradient: parameters, OPGGovernance } });
      };
      expect(await message(deploy(DEVELOPMENT_PHASE1_ID))).to.contain("Groth16Verifier_DevelopmentPhase1(8453)");
      const contracts = await deploy(A_REAL_PHASE1);
      const checks = await checkDeployment(ethers.provider, await addressesOf(contracts), deployer!.address);
      expect(checks.filter(({ ok }) => !ok)).to.deep.equal([]);
    });

    it("stands on an OPG that exists, of which it asks no more than ERC-20", async () => {
      const { ethers, ignition } = await network.create("baseDryRun");
      const [deployer, operator, payer] = await ethers.getSigners();
      const plain = await ethers.deployContract("PlainOPG", [
        [operator!.address, payer!.address],
        [MILLION, MILLION],
      ]);
      const token = await plain.getAddress();
      const { parameters, OPGGovernance } = await productionParameters();
      const contracts = await ignition.deploy(OpenGradientExisting, {
        parameters: {
          OpenGradientExisting: parameters,
          OPGExisting: { token },
          OPGExistingGovernance: OPGGovernance,
        },
      });
      const addresses = await addressesOf(contracts);
      const checks = await checkDeployment(ethers.provider, addresses, deployer!.address);
      expect(checks.filter(({ ok }) => !ok)).to.deep.equal([]);

      const staking = OPGStaking__factory.connect(addresses["staking"]!, operator);
      await staking.createPool(0, 0);
      await plain.connect(operator!).getFunction("approve")(addresses["staking"], MILLION);
      await staking.stake(operator!.address, 0, MILLION);
      expect(await staking.isSufficient(operator!.address, 0)).to.equal(true);
      await contracts.nodeRegistry.connect(operator!).getFunction("registerNode")(0, "https://node");
      const escrow = InferenceEscrow__factory.connect(addresses["escrow"]!, payer);
      await plain.connect(payer!).getFunction("approve")(addresses["escrow"], MILLION);
      const nodeId = ethers.toBeHex(1, 32);
      await escrow.deposit(payer!.address, nodeId, MILLION);
      expect(await plain.getFunction("balanceOf")(addresses["escrow"])).to.equal(MILLION);
    });

    it("names every parameter that is missing before it sends anything", async () => {
      const problem = await readParameters(8453).catch((reason: unknown) => reason);
      expect(problem).to.be.instanceOf(ParameterError);
      for (const name of ["guardian", "phase1Ids"]) expect((problem as Error).message).to.contain(name);
    });

    it("names what is out of its bounds", async () => {
      const ours = local.OpenGradientDevelopment;
      const wrong = [
        [{ feeRatesBps: { ...ours.feeRatesBps, node: 7_999 } }, "feeRatesBps do not make 10,000 together"],
        [{ minimumStakesOPG: [1, 1, 1, 1_000_001] }, "minimumStakesOPG.3"],
        [{ ownSharesBps: [99, 100, 100, 100] }, "ownSharesBps.0"],
      ] as const;
      for (const [over, said] of wrong)
        expect(() => checkParameters(31337, "a file", { ...local, OpenGradientDevelopment: { ...ours, ...over } }))
          .to.throw(ParameterError)
          .with.property("message")
          .that.contains(said);
    });

    it("refuses to govern a public chain faster than was promised: the timelock's delay is for ever [R10]", () => {
      const { attestationRoot: _root, phase1Ids: _ids, ...shared } = local.OpenGradientDevelopment;
      const OpenGradient = { ...shared, phase1Ids: [A_REAL_PHASE1] };
      const cycle = { votingDelaySeconds: 86_400, votingPeriodSeconds: 345_600, timelockDelaySeconds: 172_800 };
      const file = (over: object) => ({ OpenGradient, OPGGovernance: { ...local.OPGGovernance, ...cycle, ...over } });
      checkParameters(84_532, "a file", file({}));
      for (const [name, least] of Object.entries(cycle))
        expect(() => checkParameters(84_532, "a file", file({ [name]: least - 1 })))
          .to.throw(ParameterError)
          .with.property("message")
          .that.contains("governs faster than everybody is told");
    });
  });
});
