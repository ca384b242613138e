/**
 * Deploys the protocol to the network Hardhat was given (`npm run deploy -- --network base`), checks what came out and
 * writes `deployments/<chainId>.json`. An interrupted run goes on where it stopped: Ignition keeps a journal.
 */
import { mkdir, writeFile } from "node:fs/promises";
import hre from "hardhat";
import { formatEther } from "ethers";
import { checkDeployment } from "./check.ts";
import { OpenGradient, OpenGradientDevelopment, OpenGradientExisting } from "./modules/protocol.ts";
import { DEVELOPMENT_CHAIN_ID, EXISTING_TOKEN_CHAIN_ID, readParameters } from "./parameters.ts";

/** Amounts of wei are longer than JSON's numbers. */
const readable = (_: string, value: unknown): unknown => (typeof value === "bigint" ? String(value) : value);

const { ethers, ignition, networkName } = await hre.network.create();
const [deployer] = await ethers.getSigners();
if (deployer === undefined) throw new Error("No account: set DEPLOYER_PRIVATE_KEY in the environment or the keystore.");
const chainId = Number((await ethers.provider.getNetwork()).chainId);

try {
  const parameters = await readParameters(chainId);
  const before = await ethers.provider.getBalance(deployer.address);
  const module =
    chainId === DEVELOPMENT_CHAIN_ID
      ? OpenGradientDevelopment
      : chainId === EXISTING_TOKEN_CHAIN_ID
        ? OpenGradientExisting
        : OpenGradient;
  const deployed = await ignition.deploy(module as typeof OpenGradient, { parameters, displayUi: false });
  const addresses: Record<string, string> = {};
  for (const [name, contract] of Object.entries(deployed)) addresses[name] = await contract.getAddress();

  const checks = await checkDeployment(ethers.provider, addresses, deployer.address);
  for (const { what, ok } of checks) console.log(`${ok ? "ok    " : "FAILED"} ${what}`);
  const cost = before - (await ethers.provider.getBalance(deployer.address));
  console.log(`Cost: ${formatEther(cost)} ETH, paid by ${deployer.address} on ${networkName} (chain id ${chainId})`);

  const record = { chainId, block: await ethers.provider.getBlockNumber(), contracts: addresses, parameters };
  const content = JSON.stringify(record, readable, 2) + "\n";
  if (hre.config.networks[networkName]?.type === "edr-simulated") {
    // The chain ends with this process: a file would name what is not there.
    console.log(`Dry run. A deployment would write deployments/${chainId}.json:\n${content}`);
  } else {
    await mkdir("deployments", { recursive: true });
    await writeFile(`deployments/${chainId}.json`, content);
    console.log(`Wrote deployments/${chainId}.json`);
  }

  // Ignition remembers constructor arguments and sources of what it deployed, so it can verify them too.
  if (process.env["ETHERSCAN_API_KEY"] !== undefined && chainId !== DEVELOPMENT_CHAIN_ID)
    await hre.tasks.getTask(["ignition", "verify"]).run({ deploymentId: `chain-${chainId}` });
  if (checks.some(({ ok }) => !ok)) process.exitCode = 1;
} catch (problem) {
  console.error(problem instanceof Error ? problem.message : problem);
  process.exitCode = 1;
}
