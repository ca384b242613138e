/**
 * Writes docs/policies.txt: what `hardhat opg:policy` prints of the example consumers, each deployed on a local chain. A
 * change of what an example accepts, or a function that states nothing, shows itself in a review.
 *
 *   npm run policies            writes the file
 *   npm run policies -- --check fails where the file is out of date
 */
import { readFileSync, writeFileSync } from "node:fs";
import { artifacts } from "hardhat";
import { policyReport } from "../tasks/policy/action.ts";
import { textOf } from "../tasks/policy/text.ts";
import { deployWorld } from "../test/support/world.ts";
import { EXAMPLES } from "./policies-examples.ts";

const TARGET = "docs/policies.txt";
const HEAD = `Written by npm run policies: what "npm run hardhat -- opg:policy ADDRESS" prints of each example, with words in the place
of ids. TwentyLines states nothing, and shows how that looks.
`;

const w = await deployWorld();
const registry = await w.registry.getAddress();
const labels = new Map([
  [registry.toLowerCase(), "the InferenceRegistry"],
  [w.modelId.toLowerCase(), "the model version"],
  [w.keyId.toLowerCase(), "the node's key"],
  [w.enclaveKeyId.toLowerCase(), "the enclave's key"],
]);
const parts: string[] = [];
for (const { contract, args } of EXAMPLES) {
  const deployed = await w.ethers.deployContract(contract, await args(w, registry));
  const address = await deployed.getAddress();
  labels.set(address.toLowerCase(), "its address");
  parts.push(textOf(await policyReport(w.ethers.provider, artifacts, address), labels));
}
const text = [HEAD, ...parts.map((part) => `${"-".repeat(120)}\n${part}\n`)].join("\n");
const isCurrent = (): boolean => readFileSync(TARGET, "utf8") === text;
if (!process.argv.includes("--check")) writeFileSync(TARGET, text);
else if (!isCurrent()) {
  console.error(`${TARGET} is out of date: run npm run policies`);
  process.exit(1);
}
console.log(`${parts.length} consumers`);
process.exit(0);
