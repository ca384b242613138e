import { readFile } from "node:fs/promises";
import { getAddress, isAddress } from "ethers";
import { z } from "zod";
import { ALLOCATIONS } from "./modules/opg.ts";

/** Id of the published development phase 1, whose secrets everybody knows; see `DevelopmentPhase1.sol`. */
export const DEVELOPMENT_PHASE1_ID = "0xd2da25398014dc2e4b3c7649dc93d576de7e3d58e8fd5076de9d93f62976abe4";

/** The one chain id on which development parts may live. */
export const DEVELOPMENT_CHAIN_ID = 31337;

const address = z
  .string()
  .refine((value) => isAddress(value), "is not an address: set it in the parameter file before deploying");
const common = {
  guardian: address,
  timelockDelaySeconds: z.number().int().nonnegative(),
  proposers: z.array(address).min(1, "names nobody who could propose: governance would be dead"),
  executors: z.array(address).min(1, "names nobody who could execute; the zero address lets anyone"),
  phase1Ids: z.array(z.string().regex(/^0x[0-9a-f]{64}$/)),
};
const development = z.strictObject({ ...common, attestationRoot: address });
const production = z.strictObject({
  ...common,
  phase1Ids: common.phase1Ids
    .min(1, "is empty: bring the id of a public powers of tau (docs/ceremony.md), or no ZKML model can register")
    .refine((ids) => !ids.includes(DEVELOPMENT_PHASE1_ID), "names the development phase 1, whose secrets are public"),
  operatorStake: address,
  attestationVerifier: address,
});

const byAllocation = <T extends z.ZodType>(each: T) =>
  z.strictObject(Object.fromEntries(ALLOCATIONS.map((name) => [name, each])) as Record<Allocation, T>);
/** Beneficiaries of a schedule of our own. */
const schedule = byAllocation(address);
/** Where the real OPG and its vesters are. `graceDays`: how long after its day a tranche may stay unpaid. */
const existing = z.strictObject({
  token: address,
  fromBlock: z.number().int().nonnegative(),
  graceDays: z.number().int().nonnegative(),
  vesters: byAllocation(z.array(address)).refine((vesters) => {
    const all = Object.values(vesters).flat().map(getAddress);
    return new Set(all).size === all.length;
  }, "name an address twice: a vester pays one allocation"),
});

/** See `IOPGGovernor.Settings`; the contract holds the same bounds. */
const governance = z
  .strictObject({
    votingDelaySeconds: z.number().int().nonnegative(),
    votingPeriodSeconds: z.number().int().positive(),
    timelockDelaySeconds: z.number().int().nonnegative(),
    proposalThresholdOPG: z.number().int().nonnegative().max(10_000_000),
    quorumPercent: z.number().int().nonnegative().max(20),
    minimumQuorumOPG: z.number().int().positive(),
  })
  .refine(
    (cycle) => cycle.votingDelaySeconds + cycle.votingPeriodSeconds + cycle.timelockDelaySeconds <= 10 * 86_400,
    "takes longer than a guardian's freeze lasts: ten days from proposal to execution",
  );

const files = {
  local: z.strictObject({ OpenGradientDevelopment: development, OPG: schedule, OPGGovernance: governance }),
  newToken: z.strictObject({ OpenGradient: production, OPG: schedule, OPGGovernance: governance }),
  existingToken: z.strictObject({ OpenGradient: production, OPGExisting: existing, OPGExistingGovernance: governance }),
};

/** A part of the supply, by name. */
export type Allocation = (typeof ALLOCATIONS)[number];
/** See `OPGExisting` in a parameter file. */
export type ExistingToken = z.infer<typeof existing>;

/** The chain where the real OPG lives. */
const EXISTING_TOKEN_CHAIN_ID = 8453;

/** Chain ids that have a parameter file. */
export const PARAMETER_FILES: Readonly<Record<number, string>> = {
  [DEVELOPMENT_CHAIN_ID]: "local.json",
  8453: "base.json",
  84532: "base-sepolia.json",
};

/** A parameter file that cannot be deployed from. */
export class ParameterError extends Error {
  readonly code = "bad_parameters";
  override readonly name = "ParameterError";
}

/** Content of a chain's parameter file, unchecked, with the file's name. */
async function readFileOf(chainId: number): Promise<{ file: string; content: unknown }> {
  const file = PARAMETER_FILES[chainId];
  if (file === undefined) throw new ParameterError(`No parameter file for chain id ${chainId} in deploy/parameters/.`);
  return {
    file: `deploy/parameters/${file}`,
    content: JSON.parse(await readFile(new URL(`./parameters/${file}`, import.meta.url), "utf8")),
  };
}

function checked<T>(file: string, parsed: z.ZodSafeParseResult<T>, unnamed = 1): T {
  if (parsed.success) return parsed.data;
  const problems = parsed.error.issues.map((issue) => `${issue.path.slice(unnamed).join(".")} ${issue.message}`);
  throw new ParameterError(`${file}: ${problems.join("; ")}.`);
}

/**
 * Reads and checks the parameters of a chain, in Ignition's form (module id → parameter → value).
 *
 * @throws {ParameterError} naming each value that is missing or cannot be right, before anything is sent.
 */
export async function readParameters(chainId: number) {
  const { file, content } = await readFileOf(chainId);
  if (chainId === DEVELOPMENT_CHAIN_ID) return checked(file, files.local.safeParse(content));
  return chainId === EXISTING_TOKEN_CHAIN_ID
    ? checked(file, files.existingToken.safeParse(content))
    : checked(file, files.newToken.safeParse(content));
}

/**
 * Where the real OPG lives on a chain, or undefined where the token is ours. Reads nothing else of the file: watching
 * the unlocks must not wait for a deployment's parameters.
 *
 * @throws {ParameterError} naming what cannot be right.
 */
export async function readExistingToken(chainId: number): Promise<ExistingToken | undefined> {
  if (chainId !== EXISTING_TOKEN_CHAIN_ID) return undefined;
  const { file, content } = await readFileOf(chainId);
  return checkExistingToken(file, (content as { OPGExisting?: unknown }).OPGExisting);
}

/**
 * Checks a description of an existing OPG, from whatever file.
 *
 * @throws {ParameterError} naming what cannot be right.
 */
export function checkExistingToken(file: string, content: unknown): ExistingToken {
  return checked(file, existing.safeParse(content), 0);
}
