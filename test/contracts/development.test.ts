import { expect } from "chai";
import { network } from "hardhat";
import { OpenGradientDevelopment } from "../../deploy/modules/registries.ts";
import localParameters from "../../deploy/parameters/local.json" with { type: "json" };
import { useWorld } from "../support/world.ts";

describe("Development parts", () => {
  const world = useWorld();

  for (const name of ["DevelopmentStake", "DevelopmentAttestationVerifier"]) {
    it(`${name} deploys on chain id 31337 and on no other`, async () => {
      for (const chainId of [31337, 1, 8453, 84532, 31338]) {
        const { ethers } = await network.create({ network: "default", override: { chainId } });
        const [signer] = await ethers.getSigners();
        const factory = await ethers.getContractFactory(name);
        const args = name === "DevelopmentStake" ? [] : [signer!.address];
        if (chainId === 31337) await factory.deploy(...args);
        else
          await expect(factory.deploy(...args))
            .to.be.revertedWithCustomError(factory, "DevelopmentOnly_PublicChain")
            .withArgs(chainId);
      }
    });
  }

  it("the development deployment as a whole is refused on a chain that calls itself Base", async () => {
    const { ignition } = await network.create({ network: "baseDryRun" });
    const parameters = {
      OpenGradientDevelopment: { ...localParameters.OpenGradientDevelopment, timelockDelaySeconds: 1n },
    };
    const refused = await ignition.deploy(OpenGradientDevelopment, { parameters }).then(
      () => "deployed",
      (error: Error) => error.message,
    );
    expect(refused).to.include("DevelopmentOnly_PublicChain");
  });

  it("the model registry refuses the published phase 1 on a chain that calls itself Base [FM:phase2-skipped]", async () => {
    const { ethers } = await network.create({ network: "baseDryRun" });
    const [a, b] = await ethers.getSigners();
    const { phase1Ids } = localParameters.OpenGradientDevelopment;
    const factory = await ethers.getContractFactory("ModelRegistry");
    const verifier = await ethers.getContractFactory("Groth16Verifier");
    await expect(factory.deploy(a!.address, b!.address, phase1Ids))
      .to.be.revertedWithCustomError(verifier, "Groth16Verifier_DevelopmentPhase1")
      .withArgs(8453);
    await factory.deploy(a!.address, b!.address, []);
  });

  it("the pretended stake is set by its owner only, and counts from the minimum on [R12]", async () => {
    const { stake, signers } = world();
    const { other, deployer } = signers;
    expect(await stake.owner()).to.equal(deployer.address);
    await expect(stake.connect(other).setStake(other.address, 1n))
      .to.be.revertedWithCustomError(stake, "DevelopmentStake_NotOwner")
      .withArgs(other.address);
    const minimum = await stake.MINIMUM();
    await expect(stake.setStake(other.address, minimum)).to.emit(stake, "StakeSet").withArgs(other.address, minimum);
    for (const kind of [0, 1, 2, 3]) expect(await stake.isSufficient(other.address, kind)).to.equal(true);
    await stake.setStake(other.address, minimum - 1n);
    expect(await stake.isSufficient(other.address, 0)).to.equal(false);
    expect(await stake.stakeOf(other.address)).to.equal(minimum - 1n);
  });
});
