import { readFileSync } from "node:fs";
import { expect } from "chai";
import { Interface } from "ethers";
import { artifacts } from "hardhat";
import * as abi from "../../relayer/chain/abi.ts";

describe("ABI fragments", () => {
  const held: [string, Interface][] = [
    ["InferenceRegistry", abi.inferenceRegistry],
    ["NodeRegistry", abi.keyRegistry],
    ["EnclaveRegistry", abi.keyRegistry],
    ["EnclaveRegistry", abi.enclaveRegistry],
    ["ModelRegistry", abi.modelRegistry],
  ];
  for (const [name, fragments] of held) {
    it(`of ${name} equal what the compiler says, names of fields included`, async () => {
      const compiled = new Interface((await artifacts.readArtifact(name)).abi);
      expect(fragments.fragments.length).to.be.greaterThan(0);
      for (const fragment of fragments.fragments) {
        const signature = fragment.format("sighash");
        const other = compiled.fragments.find((one) => one.type === fragment.type && one.format() === signature);
        expect(other, `${name} has no ${signature}`).to.not.equal(undefined);
        expect(fragment.format("full")).to.equal(other!.format("full"));
      }
    });
  }

  it("name every reason as the contract does", () => {
    const source = readFileSync("contracts/interfaces/InferenceTypes.sol", "utf8");
    const body = /enum Reason \{([^}]*)\}/.exec(source)![1]!.replace(/\/\/.*$/gm, "");
    expect([...abi.REASONS]).to.deep.equal(body.split(",").map((name) => name.trim()));
    expect(abi.reasonName(200n)).to.equal("Reason200");
  });
});
