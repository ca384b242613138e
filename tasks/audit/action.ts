import { readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { isAddress } from "ethers";
import type { HardhatRuntimeEnvironment } from "hardhat/types/hre";
import type { Hex } from "../../relayer/protocol/index.ts";
import { LogError } from "../unlocks/logs.ts";
import { type Audit, auditOf } from "./audit.ts";
import { IndexError } from "./index-source.ts";
import { checkIndex } from "./checks/index.ts";
import { leafSource } from "./leaves.ts";
import { type Addresses, readHistory } from "./read.ts";
import { htmlOf } from "./report/html.ts";
import { jsonOf } from "./report/json.ts";
import { textOf } from "./report/text.ts";

/** The audit cannot be made as it was asked for. */
export class AuditError extends Error {
  readonly code = "bad_audit_request";
  override readonly name = "AuditError";
}

export interface AuditArguments {
  from: number;
  to: number;
  start: number;
  leaves: string;
  subgraph: string;
  addresses: string;
  format: string;
  output: string;
  chunk: number;
}

const FORMATS: Record<string, (audit: Audit) => string> = { text: textOf, json: jsonOf, html: htmlOf };
const NEEDED = ["InferenceRegistry", "NodeRegistry", "EnclaveRegistry", "ModelRegistry", "OPGToken"] as const;
const OTHERS = [
  "InferenceEscrow",
  "InferenceRequests",
  "FeeSplitter",
  "Disputes",
  "OPGStaking",
  "OPGVesting",
  "TwinMarket",
] as const;

/** Audits the network Hardhat was given. Exit code 1 for a mismatch, and where something could not be told. */
export default async function audit(args: AuditArguments, hre: HardhatRuntimeEnvironment): Promise<void> {
  try {
    await run(args, hre);
  } catch (problem) {
    if (![AuditError, LogError, IndexError].some((known) => problem instanceof known)) throw problem;
    console.error((problem as Error).message);
    process.exitCode = 1;
  }
}

async function run(args: AuditArguments, hre: HardhatRuntimeEnvironment): Promise<void> {
  const print = FORMATS[args.format];
  if (print === undefined)
    throw new AuditError(`No format "${args.format}": one of ${Object.keys(FORMATS).join(", ")}.`);
  if (args.chunk < 1) throw new AuditError(`--chunk ${args.chunk}: at least one block at a time.`);
  const { ethers } = await hre.network.create();
  const { provider } = ethers;
  const chainId = Number((await provider.getNetwork()).chainId);
  const newest = await provider.getBlockNumber();
  const to = args.to < 0 ? newest : args.to;
  if (to > newest) throw new AuditError(`--to ${to}: the chain's newest block is ${newest}.`);
  if (args.from > to) throw new AuditError(`--from ${args.from} is after --to ${to}.`);
  const file =
    args.addresses || join(hre.config.paths.ignition, "deployments", `chain-${chainId}`, "deployed_addresses.json");
  const addresses = addressesOf(file, await readFile(file, "utf8").catch(() => undefined));
  if ((await provider.getCode(addresses.InferenceRegistry)) === "0x")
    throw new AuditError(
      `There is no contract at ${addresses.InferenceRegistry} on chain id ${chainId}: was the local chain restarted?`,
    );
  const progress = process.stderr.isTTY
    ? (done: number, of: number) => process.stderr.write(`\rreading ${done} of ${of}${done === of ? "\n" : ""}`)
    : undefined;
  const history = await readHistory({
    ...{ provider, addresses, start: args.start, from: args.from, to, leaves: leafSource(args.leaves) },
    ...{ chunk: args.chunk, ...(progress ? { progress } : {}) },
  });
  const result = await auditOf(history, args.subgraph === "" ? [] : await checkIndex(history, args.subgraph));
  if (args.output === "") console.log(print(result));
  else await writeFile(args.output, print(result));
  if (!result.clean) process.exitCode = 1;
}

/**
 * Addresses by contract name, from `{"Module#Contract": "0x…"}` as Ignition writes it or `{"Contract": "0x…"}`.
 * @throws {AuditError} naming what is missing.
 */
export function addressesOf(file: string, content: string | undefined): Addresses {
  if (content === undefined) throw new AuditError(`Cannot read ${file}: deploy the protocol, or name --addresses.`);
  const named = new Map<string, Hex>();
  for (const [name, address] of Object.entries(JSON.parse(content) as Record<string, unknown>))
    if (isAddress(address)) named.set(name.split("#").at(-1)!, address.toLowerCase() as Hex);
  const missing = NEEDED.filter((name) => !named.has(name));
  if (missing.length > 0) throw new AuditError(`${file} has no address of ${missing.join(", ")}.`);
  const known = [...NEEDED, ...OTHERS].flatMap((name) => (named.has(name) ? [[name, named.get(name)!] as const] : []));
  return Object.fromEntries(known) as unknown as Addresses;
}
