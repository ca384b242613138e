import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { isAddress, type Provider } from "ethers";
import type { HardhatRuntimeEnvironment } from "hardhat/types/hre";
import { checkExistingToken, ParameterError, readExistingToken } from "../../deploy/parameters.ts";
import { calendarOf } from "./calendar.ts";
import { LogError } from "./logs.ts";
import { type Format, FORMATS, print } from "./print.ts";
import { type Found, releasesOfVesters, releasesOfVesting } from "./releases.ts";

/** The command was asked for something that cannot be. */
export class UnlocksError extends Error {
  readonly code = "bad_unlocks_request";
  override readonly name = "UnlocksError";
}

export interface UnlocksArguments {
  format: string;
  vesting: string;
  vesters: string;
  fromBlock: number;
  chunk: number;
}

/** Prints the calendar of the network Hardhat was given. A deviation is exit code 1, and so is not being able to tell. */
export default async function unlocks(args: UnlocksArguments, hre: HardhatRuntimeEnvironment): Promise<void> {
  try {
    await run(args, hre);
  } catch (problem) {
    // Ours say what to do; Hardhat would print any error of a task as a bug of its own.
    if (![UnlocksError, ParameterError, LogError].some((known) => problem instanceof known)) throw problem;
    console.error((problem as Error).message);
    process.exitCode = 1;
  }
}

async function run(args: UnlocksArguments, hre: HardhatRuntimeEnvironment): Promise<void> {
  const format = FORMATS.find((each) => each === args.format) as Format | undefined;
  if (format === undefined) throw new UnlocksError(`No format "${args.format}": one of ${FORMATS.join(", ")}.`);
  if (args.chunk < 1) throw new UnlocksError(`--chunk ${args.chunk}: at least one block at a time.`);
  const { ethers } = await hre.network.create();
  const chainId = Number((await ethers.provider.getNetwork()).chainId);
  const calendar = calendarOf(await find(ethers.provider, chainId, args, hre.config.paths.ignition));
  console.log(print(calendar, format));
  if (calendar.deviations.length === 0) return;
  if (format === "csv")
    for (const { code, allocation, message } of calendar.deviations) console.error(`${code} ${allocation}: ${message}`);
  process.exitCode = 1;
}

/** Where releases are read: what the caller names, else the chain's real OPG, else our own deployment on it. */
async function find(provider: Provider, chainId: number, args: UnlocksArguments, ignition: string): Promise<Found> {
  if (args.vesters !== "") {
    const existing = checkExistingToken(args.vesters, JSON.parse(await readFile(args.vesters, "utf8")));
    return releasesOfVesters(provider, existing, args.chunk);
  }
  if (args.vesting === "") {
    const existing = await readExistingToken(chainId);
    if (existing !== undefined) return releasesOfVesters(provider, existing, args.chunk);
  }
  const vesting = args.vesting === "" ? await deployedVesting(ignition, chainId) : args.vesting;
  if (!isAddress(vesting)) throw new UnlocksError(`--vesting ${vesting} is not an address.`);
  if ((await provider.getCode(vesting)) === "0x")
    throw new UnlocksError(`There is no contract at ${vesting} on chain id ${chainId}: was the local chain restarted?`);
  return releasesOfVesting(provider, vesting, args);
}

/** The unlock contract in Ignition's record of a chain. */
export async function deployedVesting(ignition: string, chainId: number): Promise<string> {
  const file = join(ignition, "deployments", `chain-${chainId}`, "deployed_addresses.json");
  const addresses = JSON.parse(await readFile(file, "utf8").catch(() => "{}")) as Record<string, string>;
  const vesting = Object.entries(addresses).find(([name]) => name.endsWith("#OPGVesting"))?.[1];
  if (vesting === undefined)
    throw new UnlocksError(`No unlock contract in ${file}: deploy the protocol, or name one with --vesting.`);
  return vesting;
}
