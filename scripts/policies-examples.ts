/** The example consumers as scripts/policies.ts deploys them: with terms that a reader of the output can follow. */
import type { World } from "../test/support/world.ts";

/** A contract and how its constructor is called. */
export interface Example {
  contract: string;
  args: (w: World, registry: string) => Promise<unknown[]>;
}

const GATEWAY = "https://relayer.example/v1/lookup/{sender}/{data}";
const HOUR = 3_600;

export const EXAMPLES: Example[] = [
  {
    contract: "RiskVault",
    async args({ ethers, modelId, signers }, registry) {
      const token = async (name: string) =>
        (await ethers.deployContract("DevelopmentToken", [name, name])).getAddress();
      const terms = {
        collateral: await token("STOCK"),
        loan: await token("DOLLAR"),
        collateralUnit: 10n ** 18n,
        lender: signers.deployer.address,
        priceFeed: signers.deployer.address,
        model: modelId,
        calmLimit: 8_000,
        riskyLimit: 3_000,
        maxScoreAge: 6 * HOUR,
        minSettled: HOUR / 6,
        maxPriceAge: 96 * HOUR,
      };
      return [registry, terms];
    },
  },
  { contract: "RiskScores", args: async ({ modelId }, registry) => [registry, [GATEWAY], modelId, 24 * HOUR] },
  { contract: "TwentyLines", args: async ({ modelId }, registry) => [registry, modelId] },
];
