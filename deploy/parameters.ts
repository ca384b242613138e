import { readFile } from "node:fs/promises";
import { isAddress } from "ethers";
import { z } from "zod";

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

/**
 * Reads and checks the parameters of a chain, in Ignition's form (module id → parameter → value).
 *
 * @throws {ParameterError} naming each value that is missing or cannot be right, before anything is sent.
 */
export async function readParameters(chainId: number) {
  const file = PARAMETER_FILES[chainId];
  if (file === undefined) throw new ParameterError(`No parameter file for chain id ${chainId} in deploy/parameters/.`);
  const content: unknown = JSON.parse(await readFile(new URL(`./parameters/${file}`, import.meta.url), "utf8"));
  const parsed =
    chainId === DEVELOPMENT_CHAIN_ID
      ? z.strictObject({ OpenGradientDevelopment: development }).safeParse(content)
      : z.strictObject({ OpenGradient: production }).safeParse(content);
  if (!parsed.success) {
    const problems = parsed.error.issues.map((issue) => `${issue.path.slice(1).join(".")} ${issue.message}`);
    throw new ParameterError(`deploy/parameters/${file}: ${problems.join("; ")}.`);
  }
  return parsed.data;
}
