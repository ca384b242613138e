import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { isAddress, isHexString } from "ethers";
import type { HardhatRuntimeEnvironment } from "hardhat/types/hre";
import { json, text } from "./print.ts";
import { readModel } from "./read.ts";

/** The command was asked for something that cannot be. */
export class ModelError extends Error {
  readonly code = "bad_model_request";
  override readonly name = "ModelError";
}

export interface ModelArguments {
  id: string;
  json: boolean;
  registry: string;
}

/** Prints a model version of the network Hardhat was given. Exit code 1 where there is none. */
export default async function model(args: ModelArguments, hre: HardhatRuntimeEnvironment): Promise<void> {
  try {
    await run(args, hre);
  } catch (problem) {
    // Ours say what to do; Hardhat would print any error of a task as a bug of its own.
    if (!(problem instanceof ModelError)) throw problem;
    console.error(problem.message);
    process.exitCode = 1;
  }
}

async function run(args: ModelArguments, hre: HardhatRuntimeEnvironment): Promise<void> {
  if (!isHexString(args.id, 32)) throw new ModelError(`${args.id} is no model id: 32 bytes in hex, 0x and 64 digits.`);
  const { ethers } = await hre.network.create();
  const chainId = Number((await ethers.provider.getNetwork()).chainId);
  const registry = args.registry === "" ? await deployedRegistry(hre.config.paths.ignition, chainId) : args.registry;
  if (!isAddress(registry)) throw new ModelError(`--registry ${registry} is not an address.`);
  if ((await ethers.provider.getCode(registry)) === "0x")
    throw new ModelError(`There is no contract at ${registry} on chain id ${chainId}: was the local chain restarted?`);
  const found = await readModel(ethers.provider, registry, args.id.toLowerCase());
  if (found === null) throw new ModelError(`The registry ${registry} knows no version ${args.id}.`);
  console.log(args.json ? json(found) : text(found));
}

/** The model registry in Ignition's record of a chain. */
export async function deployedRegistry(ignition: string, chainId: number): Promise<string> {
  const file = join(ignition, "deployments", `chain-${chainId}`, "deployed_addresses.json");
  const addresses = JSON.parse(await readFile(file, "utf8").catch(() => "{}")) as Record<string, string>;
  const registry = Object.entries(addresses).find(([name]) => name.endsWith("#ModelRegistry"))?.[1];
  if (registry === undefined)
    throw new ModelError(`No model registry in ${file}: deploy the protocol, or name one with --registry.`);
  return registry;
}
