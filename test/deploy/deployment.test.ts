import { expect } from "chai";
import { network } from "hardhat";
import { checkDeployment } from "../../deploy/check.ts";
import { OpenGradient, OpenGradientDevelopment } from "../../deploy/modules/registries.ts";
import { DEVELOPMENT_PHASE1_ID, ParameterError, readParameters } from "../../deploy/parameters.ts";
import localParameters from "../../deploy/parameters/local.json" with { type: "json" };

const A_REAL_PHASE1 = "0x" + "a1".repeat(32);

async function message(promise: Promise<unknown>): Promise<string> {
  return promise.then(
    () => "nothing failed",
    (problem: Error) => problem.message,
  );
}

describe("deployment", () => {
  it("leaves the deployer without power and every contract within the size limit", async () => {
    const { ethers, ignition } = await network.create();
    const [deployer] = await ethers.getSigners();
    const contracts = await ignition.deploy(OpenGradientDevelopment, { parameters: await readParameters(31337) });
    const addresses: Record<string, string> = {};
    for (const [name, contract] of Object.entries(contracts)) addresses[name] = await contract.getAddress();
    const checks = await checkDeployment(ethers.provider, addresses, deployer!.address);
    expect(checks.filter(({ ok }) => !ok)).to.deep.equal([]);
    expect(checks).to.have.length(7 + 4 + 4);
  });

  it("finds a deployer that kept a role", async () => {
    const { ethers, ignition } = await network.create();
    const [deployer] = await ethers.getSigners();
    const parameters = {
      OpenGradientDevelopment: { ...localParameters.OpenGradientDevelopment, proposers: [deployer!.address] },
    };
    const contracts = await ignition.deploy(OpenGradientDevelopment, { parameters });
    const addresses: Record<string, string> = {};
    for (const [name, contract] of Object.entries(contracts)) addresses[name] = await contract.getAddress();
    const failed = (await checkDeployment(ethers.provider, addresses, deployer!.address)).filter(({ ok }) => !ok);
    expect(failed.map(({ what }) => what)).to.deep.equal([
      "the deployer does not hold PROPOSER_ROLE",
      "the deployer does not hold CANCELLER_ROLE",
    ]);
  });

  describe("on a chain with Base's chain id", () => {
    it("refuses the development parts", async () => {
      for (const name of ["DevelopmentStake", "DevelopmentAttestationVerifier"]) {
        const { ethers } = await network.create("baseDryRun");
        const [deployer] = await ethers.getSigners();
        const factory = await ethers.getContractFactory(name);
        const args = name === "DevelopmentStake" ? [] : [deployer!.address];
        expect(await message(factory.deploy(...args))).to.contain("DevelopmentOnly_PublicChain(8453)");
      }
    });

    it("refuses the whole development module", async () => {
      const { ignition } = await network.create("baseDryRun");
      const problem = await message(
        ignition.deploy(OpenGradientDevelopment, { parameters: await readParameters(31337) }),
      );
      expect(problem).to.contain("DevelopmentOnly_PublicChain(8453)");
    });

    it("refuses a phase 1 whose secrets are public, and takes a real one [ZK1] [FM:phase2-skipped]", async () => {
      const { ethers, ignition } = await network.create("baseDryRun");
      const [deployer] = await ethers.getSigners();
      const { attestationRoot: _, ...shared } = localParameters.OpenGradientDevelopment;
      const parts = { operatorStake: deployer!.address, attestationVerifier: deployer!.address };
      const withPhase1 = (id: string) => ({ OpenGradient: { ...shared, ...parts, phase1Ids: [id] } });
      const problem = await message(ignition.deploy(OpenGradient, { parameters: withPhase1(DEVELOPMENT_PHASE1_ID) }));
      expect(problem).to.contain("Groth16Verifier_DevelopmentPhase1(8453)");

      const contracts = await ignition.deploy(OpenGradient, { parameters: withPhase1(A_REAL_PHASE1) });
      expect(await ethers.provider.getCode(await contracts.inferenceRegistry.getAddress())).to.have.length.above(1000);
    });

    it("names every parameter that is missing before it sends anything", async () => {
      const problem = await readParameters(8453).catch((reason: unknown) => reason);
      expect(problem).to.be.instanceOf(ParameterError);
      for (const name of ["guardian", "proposers", "phase1Ids", "operatorStake", "attestationVerifier"])
        expect((problem as Error).message).to.contain(name);
    });
  });
});
