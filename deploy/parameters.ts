import { readFile } from "node:fs/promises";
import type { SolidityParameterType } from "@nomicfoundation/ignition-core";
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
const hash = z.string().regex(/^0x[0-9a-f]{64}$/);
const bps = z.number().int().min(0).max(10_000);
/** A number for each kind of node, by `INodeRegistry.NodeKind`: local inference, LLM proxy, full, data. */
const byKind = <T extends z.ZodType>(each: T) => z.tuple([each, each, each, each]);
/** See `TwinMarket`, which holds the same bounds: price in units of 1/divisor ETH, fees in basis points. */
const twin = {
  twinDivisor: z
    .number()
    .int()
    .positive()
    .refine((divisor) => 10n ** 18n % BigInt(divisor) === 0n, "does not divide 1e18: prices would be rounded"),
  twinProtocolFeeBps: bps.max(500),
  twinSubjectFeeBps: bps.max(500),
};
const common = {
  ...twin,
  guardian: address,
  phase1Ids: z.array(hash),
  /** Least own stake, in whole OPG; the contract holds the same bound. */
  minimumStakesOPG: byKind(z.number().int().positive().max(1_000_000)),
  /** Least part of a pool that is the operator's own. */
  ownSharesBps: byKind(bps.min(100).max(5_000)),
  feeRatesBps: z
    .strictObject({ node: bps, model: bps, stakers: bps, treasury: bps, settler: bps })
    .refine(
      (rates) => Object.values(rates).reduce((sum, share) => sum + share, 0) === 10_000,
      "do not make 10,000 together",
    ),
};
const inFile = z.looseObject(common);
/** Who gets the supply as it unlocks; the stakers' part goes to staking. */
const beneficiaries = Object.fromEntries(
  ALLOCATIONS.filter((name) => name !== "stakingRewards").map((name) => [name, address]),
) as Record<Exclude<Allocation, "stakingRewards">, typeof address>;
/** `attestationRoot`: SHA-256 of the root certificate below which enclaves are attested. */
const development = z.strictObject({ ...common, ...beneficiaries, attestationRoot: hash });
const onPublicChain = {
  ...common,
  phase1Ids: common.phase1Ids
    .min(1, "is empty: bring the id of a public powers of tau (docs/ceremony.md), or no ZKML model can register")
    .refine((ids) => !ids.includes(DEVELOPMENT_PHASE1_ID), "names the development phase 1, whose secrets are public"),
};
const production = z.strictObject({ ...onPublicChain, ...beneficiaries });
const productionExisting = z.strictObject(onPublicChain);

const byAllocation = <T extends z.ZodType>(each: T) =>
  z.strictObject(Object.fromEntries(ALLOCATIONS.map((name) => [name, each])) as Record<Allocation, T>);
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

/** See `IOPGGovernor.Settings`; the contract holds the same bounds, but for the timelock's delay. */
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
/** Where people rely on it. The timelock's delay can never be changed, so a mistake here would be for ever. */
const publicGovernance = governance.refine(
  (cycle) =>
    cycle.votingDelaySeconds >= 86_400 &&
    cycle.votingPeriodSeconds >= 4 * 86_400 &&
    cycle.timelockDelaySeconds >= 2 * 86_400,
  "governs faster than everybody is told: a day, four days of voting, two days in the timelock",
);

const files = {
  local: z.strictObject({ OpenGradientDevelopment: development, OPGGovernance: governance }),
  newToken: z.strictObject({ OpenGradient: production, OPGGovernance: publicGovernance }),
  existingToken: z.strictObject({
    OpenGradientExisting: productionExisting,
    OPGExisting: existing,
    OPGExistingGovernance: publicGovernance,
  }),
};

/** A part of the supply, by name. */
export type Allocation = (typeof ALLOCATIONS)[number];
/** See `OPGExisting` in a parameter file. */
export type ExistingToken = z.infer<typeof existing>;

/** The chain where the real OPG lives. */
export const EXISTING_TOKEN_CHAIN_ID = 8453;

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
  return checkParameters(chainId, file, content);
}

/**
 * Checks the parameters of a chain, from whatever file.
 *
 * @throws {ParameterError} as {@link readParameters} does.
 */
export function checkParameters(chainId: number, file: string, content: unknown) {
  if (chainId === DEVELOPMENT_CHAIN_ID) return inUnits(checked(file, files.local.safeParse(content)));
  return chainId === EXISTING_TOKEN_CHAIN_ID
    ? inUnits(checked(file, files.existingToken.safeParse(content)))
    : inUnits(checked(file, files.newToken.safeParse(content)));
}

/** As contracts take it: a file says stakes in whole OPG and the market's fees in basis points, as people do. */
function inUnits<File extends Record<string, object>>(file: File) {
  return Object.fromEntries(
    Object.entries(file).map(([module, values]) => {
      if (!("minimumStakesOPG" in values)) return [module, values];
      const { minimumStakesOPG, twinDivisor, twinProtocolFeeBps, twinSubjectFeeBps, ...others } = values as z.infer<
        typeof inFile
      >;
      const units = {
        minimumStakes: minimumStakesOPG.map((whole) => BigInt(whole) * 10n ** 18n),
        twinDivisor: BigInt(twinDivisor),
        twinProtocolFee: BigInt(twinProtocolFeeBps) * 10n ** 14n,
        twinSubjectFee: BigInt(twinSubjectFeeBps) * 10n ** 14n,
      };
      return [module, { ...others, ...units }];
    }),
  ) as Record<string, Record<string, SolidityParameterType>>;
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
