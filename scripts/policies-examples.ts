/** The example consumers as scripts/policies.ts deploys them: with terms that a reader of the output can follow. */
import type { World } from "../test/support/world.ts";

/** A contract and how its constructor is called. */
export interface Example {
  contract: string;
  args: (w: World, registry: string) => Promise<unknown[]>;
}

const GATEWAY = "https://relayer.example/v1/lookup/{sender}/{data}";
const HOUR = 3_600;

const token = async (ethers: World["ethers"], name: string) =>
  (await ethers.deployContract("DevelopmentToken", [name, name])).getAddress();

export const EXAMPLES: Example[] = [
  {
    contract: "RiskVault",
    async args({ ethers, modelId, signers }, registry) {
      const terms = {
        collateral: await token(ethers, "STOCK"),
        loan: await token(ethers, "DOLLAR"),
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
  {
    contract: "HealthCheckedMarket",
    async args({ ethers, modelId, signers: { deployer } }, registry) {
      const [stock, dollar] = [await token(ethers, "STOCK"), await token(ethers, "DOLLAR")];
      const feed = [deployer.address, deployer.address, 96 * HOUR];
      return [registry, modelId, 6 * HOUR, 128, stock, dollar, 10n ** 18n, ...feed];
    },
  },
  {
    contract: "VolatilityFeePool",
    async args({ ethers, modelId }, registry) {
      const fees = { minFee: 500, maxFee: 10_000, safeFee: 5_000 };
      const tokens = { token0: await token(ethers, "STOCK"), token1: await token(ethers, "DOLLAR") };
      return [registry, { ...tokens, model: modelId, ...fees, maxAge: 24 * HOUR, interval: HOUR }];
    },
  },
  {
    contract: "AgentWallet",
    args: async ({ modelId, signers: { deployer, operator } }, registry) =>
      Promise.resolve([registry, deployer.address, operator.address, modelId, modelId, HOUR, HOUR / 6, 24 * HOUR]),
  },
  {
    contract: "FastClaims",
    async args({ ethers, modelId, signers: { deployer } }, registry) {
      const money = await token(ethers, "DOLLAR");
      return [registry, money, deployer.address, modelId, 6 * HOUR, 1_000n, 10_000n, 24 * HOUR];
    },
  },
  { contract: "CoveredImages", args: async ({ modelId }, registry) => [registry, modelId, HOUR, "ipfs://"] },
  { contract: "TwentyLines", args: async ({ modelId }, registry) => [registry, modelId] },
];
