import { isAddress, type Provider } from "ethers";
import type { ArtifactManager } from "hardhat/types/artifacts";
import type { HardhatRuntimeEnvironment } from "hardhat/types/hre";
import { compiledOf } from "./artifact.ts";
import { readRegistry, readStatements } from "./read.ts";
import { type Report, reportOf } from "./report.ts";
import { jsonOf, textOf } from "./text.ts";

/** The command was asked for something that cannot be. */
export class PolicyError extends Error {
  readonly code = "bad_policy_request";
  override readonly name = "PolicyError";
}

export interface PolicyArguments {
  address: string;
  contract: string;
  json: boolean;
  strict: boolean;
}

/** Prints what a consumer acts on. With --strict, exit code 1 where something is missing or unsound. */
export default async function policy(args: PolicyArguments, hre: HardhatRuntimeEnvironment): Promise<void> {
  try {
    const report = await run(args, hre);
    console.log(args.json ? jsonOf(report) : textOf(report));
    if (args.strict && report.problems.length > 0) process.exitCode = 1;
  } catch (problem) {
    // Ours say what to do; Hardhat would print any error of a task as a bug of its own.
    if (!(problem instanceof PolicyError)) throw problem;
    console.error(problem.message);
    process.exitCode = 1;
  }
}

async function run({ address, contract }: PolicyArguments, hre: HardhatRuntimeEnvironment): Promise<Report> {
  if (!isAddress(address)) throw new PolicyError(`${address} is not an address.`);
  const network = hre.globalOptions.network ?? "default";
  // Who only reads needs nobody's key.
  const readOnly =
    hre.config.networks[network]?.type === "http" ? { network, override: { accounts: "remote" as const } } : network;
  const connection = await hre.network.create(readOnly);
  try {
    return await policyReport(connection.ethers.provider, hre.artifacts, address, contract);
  } finally {
    await connection.close();
  }
}

/** The report of the contract at an address. @throws {PolicyError} if there is none, or none that is known here. */
export async function policyReport(
  provider: Provider,
  artifacts: ArtifactManager,
  address: string,
  contract = "",
): Promise<Report> {
  const [code, { chainId }] = await Promise.all([provider.getCode(address), provider.getNetwork()]);
  if (code === "0x")
    throw new PolicyError(`There is no contract at ${address} on chain id ${chainId}: name its chain with --network.`);
  if (contract !== "" && !(await artifacts.artifactExists(contract)))
    throw new PolicyError(`No artifact of ${contract}: build it here first.`);
  const compiled = await compiledOf(artifacts, code, contract);
  if (compiled === undefined)
    throw new PolicyError(
      `The code at ${address} is of no contract that was built here: build it with the settings it was deployed with, ` +
        "or name it with --contract.",
    );
  const [statements, registry] = await Promise.all([
    readStatements(provider, address),
    readRegistry(provider, address),
  ]);
  return reportOf(compiled, { address, chainId: Number(chainId), registry }, statements);
}
