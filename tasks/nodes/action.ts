import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { Contract, isAddress, isHexString, type Provider } from "ethers";
import type { HardhatRuntimeEnvironment } from "hardhat/types/hre";
import { REASONS } from "../../relayer/chain/abi.ts";
import type { Hex } from "../../relayer/protocol/index.ts";
import { FITS, nodeMatch, nodeRegistry } from "../../relayer/routing/index.ts";
import { type Found, print } from "./print.ts";

/** The command was asked for something that cannot be. */
export class NodesError extends Error {
  readonly code = "bad_nodes_request";
  override readonly name = "NodesError";
}

export interface NodesArguments {
  model: string;
  mode: string;
  matcher: string;
  json: boolean;
}

const MODES = ["VANILLA", "ZKML", "TEE"];
/** As many as the contract examines in a call. */
const PAGE = 64;
const NOBODY = 1;
const UNKNOWN = 2;

/** Prints who can serve. Exit code 1 where nobody can, 2 where that could not be found out. */
export default async function nodes(args: NodesArguments, hre: HardhatRuntimeEnvironment): Promise<void> {
  try {
    const found = await find(args, hre);
    console.log(print(found, args.json));
    if (found.candidates.length === 0) process.exitCode = NOBODY;
  } catch (problem) {
    // Ours say what to do; Hardhat would print any error of a task as a bug of its own.
    if (!(problem instanceof NodesError)) throw problem;
    console.error(problem.message);
    process.exitCode = UNKNOWN;
  }
}

async function find(args: NodesArguments, hre: HardhatRuntimeEnvironment): Promise<Found> {
  const mode = MODES.indexOf(args.mode.toUpperCase());
  if (mode === -1) throw new NodesError(`No mode "${args.mode}": one of ${MODES.join(", ")}.`);
  if (!isHexString(args.model, 32)) throw new NodesError(`--model "${args.model}" is not 0x and 64 hex digits.`);
  const { ethers } = await hre.network.create();
  const chainId = Number((await ethers.provider.getNetwork()).chainId);
  const matcher = args.matcher === "" ? await deployedMatcher(hre.config.paths.ignition, chainId) : args.matcher;
  if (!isAddress(matcher)) throw new NodesError(`--matcher ${matcher} is not an address.`);
  if ((await ethers.provider.getCode(matcher)) === "0x")
    throw new NodesError(`There is no contract at ${matcher} on chain id ${chainId}: was the local chain restarted?`);
  return ask(ethers.provider, matcher, args.model as Hex, mode);
}

/** All pages, of one block. */
async function ask(provider: Provider, matcher: string, modelId: Hex, mode: number): Promise<Found> {
  const block = await provider.getBlockNumber();
  const at = { blockTag: block };
  const match = new Contract(matcher, nodeMatch, provider);
  const registry = new Contract((await match.getFunction("nodeRegistry")(at)) as string, nodeRegistry, provider);
  const found: Found = {
    modelId,
    mode: MODES[mode]!,
    block,
    candidates: [],
    counts: {},
    paths: {},
    total: 0,
    without: 0,
  };
  const add = (to: Record<string, number>, names: readonly string[], numbers: bigint[]) => {
    for (const [i, many] of numbers.entries())
      if (many > 0n) to[names[i] ?? `Reason${i}`] = (to[names[i] ?? `Reason${i}`] ?? 0) + Number(many);
  };
  for (let from = 0; ;) {
    const page = await match.getFunction("matchNodes")(modelId, mode, from, PAGE, at);
    for (const { nodeId, keyId, free } of page.candidates) {
      const { operator, endpoint } = await registry.getFunction("node")(nodeId, at);
      found.candidates.push({ nodeId: Number(nodeId), operator, endpoint, keyId, free: Number(free) });
    }
    add(found.counts, FITS, page.counts);
    add(found.paths, REASONS, page.paths);
    from = Number(page.next);
    [found.total, found.without] = [Number(page.total), Number(page.without)];
    if (from >= found.total) return found;
  }
}

/** The matcher in Ignition's record of a chain, whatever module deployed it. */
export async function deployedMatcher(ignition: string, chainId: number): Promise<string> {
  const file = join(ignition, "deployments", `chain-${chainId}`, "deployed_addresses.json");
  const addresses = JSON.parse(await readFile(file, "utf8").catch(() => "{}")) as Record<string, string>;
  const matchers = Object.entries(addresses).filter(([name]) => name.endsWith("#NodeMatch"));
  if (matchers.length === 1) return matchers[0]![1];
  const what = matchers.length === 0 ? "No NodeMatch" : "More than one NodeMatch";
  throw new NodesError(`${what} in ${file}: name one with --matcher, and its chain with --network.`);
}
