import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { isAddress } from "ethers";
import type { HardhatRuntimeEnvironment } from "hardhat/types/hre";
import { eventToWire } from "../../relayer/twin/wire.ts";
import { FeeSource, increasePending } from "./source.ts";
import { OLD_BLOCK_SECONDS, type Place, plainReason, screen } from "./text.ts";
import { watch } from "./watch.ts";

/** The command was asked for something that cannot be. */
export class TwinFeesError extends Error {
  readonly code = "bad_twin_fees_request";
  override readonly name = "TwinFeesError";
}

export interface TwinFeesArguments {
  watch: boolean;
  market: string;
  format: string;
  interval: number;
  failOnIncrease: boolean;
}

/** Exit code for `--fail-on-increase`, told apart from 1, which is not being able to tell. */
export const INCREASE_PENDING = 2;

/** Prints the fees once, or until it is ended. */
export default async function twinFees(args: TwinFeesArguments, hre: HardhatRuntimeEnvironment): Promise<void> {
  try {
    process.exitCode = await run(args, hre);
  } catch (problem) {
    // Ours say what to do; Hardhat would print any error of a task as a bug of its own.
    if (!(problem instanceof TwinFeesError)) throw problem;
    console.error(problem.message);
    process.exitCode = 1;
  }
}

/** Refuses what cannot be, before anything is connected to. @throws {TwinFeesError} */
export function checked({ format, interval, market }: TwinFeesArguments): "text" | "json" {
  if (format !== "text" && format !== "json") throw new TwinFeesError(`No format "${format}": text or json.`);
  if (!(interval >= 0.2 && interval <= 3_600)) throw new TwinFeesError(`--interval ${interval}: 0.2 to 3600 seconds.`);
  if (market !== "" && !isAddress(market)) throw new TwinFeesError(`--market ${market} is not an address.`);
  return format;
}

async function run(args: TwinFeesArguments, hre: HardhatRuntimeEnvironment): Promise<number> {
  const format = checked(args);
  const connection = await hre.network.create(readOnly(hre));
  try {
    const { chainId } = connection.networkConfig;
    if (chainId === undefined) throw new TwinFeesError("The configuration of this network names no chain id.");
    const market = args.market === "" ? await deployedMarket(hre.config.paths.ignition, chainId) : args.market;
    // People read how old the newest block is; scripts go by what they are told, and by the exit code.
    const forScripts = args.failOnIncrease || (args.watch && (format === "json" || !process.stdout.isTTY));
    const maxAge = forScripts ? OLD_BLOCK_SECONDS : undefined;
    const source = new FeeSource(connection.ethers.provider, market, maxAge);
    const place = { market, chainId };
    const { failOnIncrease } = args;
    if (!args.watch) return await once(source, place, format, failOnIncrease);
    const code = await watch(source, place, { format, intervalMs: args.interval * 1_000, failOnIncrease });
    // A question that no node answers would hold up whoever pressed Ctrl-C until it times out.
    if (!source.idle()) process.exit(code);
    return code;
  } finally {
    // Else its idle connections would hold the command up.
    await connection.close();
  }
}

/** The network that Hardhat was given, without its accounts: who only reads needs no deployer's key. */
function readOnly({ globalOptions, config }: HardhatRuntimeEnvironment) {
  const network = globalOptions.network ?? "default";
  return config.networks[network]?.type === "http" ? { network, override: { accounts: "remote" as const } } : network;
}

async function once(source: FeeSource, place: Place, format: string, failOnIncrease: boolean): Promise<number> {
  const reading = await source.read().catch((problem: Error) => {
    throw new TwinFeesError(`The fees cannot be read: ${plainReason(problem)}.`);
  });
  const now = Date.now();
  const knowledge = { last: { reading, seenAt: now, readAt: now }, unknownSince: null };
  if (format === "json") console.log(JSON.stringify(eventToWire(knowledge, [], place, now), null, 2));
  else console.log(screen(knowledge, place, now).join("\n"));
  return failOnIncrease && increasePending(reading) ? INCREASE_PENDING : 0;
}

/** The key market in Ignition's record of a chain, whatever module deployed it. */
export async function deployedMarket(ignition: string, chainId: number): Promise<string> {
  const file = join(ignition, "deployments", `chain-${chainId}`, "deployed_addresses.json");
  const addresses = JSON.parse(await readFile(file, "utf8").catch(() => "{}")) as Record<string, string>;
  const markets = Object.entries(addresses).filter(([name]) => name.endsWith("#TwinMarket"));
  if (markets.length === 1) return markets[0]![1];
  const found = markets.length === 0 ? "No key market" : "More than one key market";
  throw new TwinFeesError(`${found} in ${file}: name one with --market, and its chain with --network.`);
}
