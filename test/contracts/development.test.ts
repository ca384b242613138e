import { expect } from "chai";
import { network } from "hardhat";
import { OpenGradientDevelopment } from "../../deploy/modules/protocol.ts";
import { readParameters } from "../../deploy/parameters.ts";
import localParameters from "../../deploy/parameters/local.json" with { type: "json" };

describe("Development parts", () => {
  it("DevelopmentAttestationVerifier and DevelopmentExactPermit2Proxy deploy on chain id 31337 and on no other", async () => {
    for (const chainId of [31337, 1, 8453, 84532, 31338]) {
      const { ethers } = await network.create({ network: "default", override: { chainId } });
      const [signer] = await ethers.getSigners();
      for (const name of ["DevelopmentAttestationVerifier", "DevelopmentExactPermit2Proxy"]) {
        const factory = await ethers.getContractFactory(name);
        if (chainId === 31337) await factory.deploy(signer!.address);
        else
          await expect(factory.deploy(signer!.address))
            .to.be.revertedWithCustomError(factory, "DevelopmentOnly_PublicChain")
            .withArgs(chainId);
      }
    }
  });

  it("the development deployment as a whole is refused on a chain that calls itself Base", async () => {
    const { ignition } = await network.create({ network: "baseDryRun" });
    const parameters = await readParameters(31337);
    const refused = await ignition.deploy(OpenGradientDevelopment, { parameters }).then(
      () => "deployed",
      (error: Error) => error.message,
    );
    expect(refused).to.include("NitroAttestation_ForeignRoot");
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
});
