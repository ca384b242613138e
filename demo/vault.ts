import { readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { isError } from "ethers";
import type { Opening } from "../relayer/protocol/index.ts";
import { DevelopmentToken__factory, RiskVault__factory } from "../typechain/index.ts";
import { type Chain, mined } from "./chain.ts";

const require = createRequire(import.meta.url);
const DAYS = 17;

/** Closing prices of the S&P 500 in cents, real ones, oldest first. */
export function closingPrices(): bigint[] {
  const file = require.resolve("vega-datasets").replace(/vega-datasets.*/, "vega-datasets/data/sp500-2000.csv");
  const [head, ...rows] = readFileSync(file, "utf8").trim().split("\n");
  const column = head!.split(",").indexOf("close");
  return rows.map((row) => BigInt(Math.round(Number(row.split(",")[column]) * 100)));
}

/** A vault that lends on a proved risk score, with prices, liquidity and a borrower who has put in collateral. */
export async function openVault(chain: Chain, model: string) {
  const deployer = chain.as("deployer");
  const stock = await (await new DevelopmentToken__factory(deployer).deploy("Index Share", "IDX")).waitForDeployment();
  const dollar = await (await new DevelopmentToken__factory(deployer).deploy("Dollar", "USD")).waitForDeployment();
  const borrower = chain.as("borrower");
  const vault = await new RiskVault__factory(deployer).deploy(chain.addresses.inferenceRegistry, {
    collateral: await stock.getAddress(),
    loan: await dollar.getAddress(),
    collateralUnit: 10n ** 18n,
    lender: deployer.address,
    priceFeed: chain.as("priceFeed").address,
    model,
    calmLimit: 8_000n,
    riskyLimit: 3_000n,
    maxScoreAge: 3_600n,
    minSettled: 0n,
    maxPriceAge: 86_400n,
  });
  await vault.waitForDeployment();
  const address = await vault.getAddress();
  await mined(stock.transfer(borrower.address, 10n ** 18n));
  await mined(dollar.transfer(address, 10n ** 6n));
  await mined(stock.connect(borrower).approve(address, 10n ** 18n));
  await mined(vault.connect(borrower).deposit(10n ** 18n));
  await mined(vault.connect(chain.as("priceFeed")).postPrices(closingPrices().slice(-DAYS)));
  return vault.connect(borrower);
}
export type Vault = Awaited<ReturnType<typeof openVault>>;

/** The 16 bytes that the vault wants judged. */
export async function valuesToScore(vault: Vault): Promise<number[]> {
  const packed = BigInt(await vault.currentInput());
  return Array.from({ length: DAYS - 1 }, (_, i) => Number((packed >> BigInt(8 * i)) & 0xffn));
}

/** Hands a score to the vault; returns what it said, in one line. */
export async function tryScore(vault: Vault, opening: Opening, outputs: readonly bigint[]): Promise<string> {
  try {
    await mined(vault.applyScore(opening, [...outputs]));
    return `accepted: score ${outputs.join(", ")}`;
  } catch (problem) {
    return `refused: ${reasonOf(vault, problem)}`;
  }
}

function reasonOf(vault: Vault, problem: unknown): string {
  if (isError(problem, "CALL_EXCEPTION")) {
    const parsed = problem.data ? vault.interface.parseError(problem.data) : null;
    if (parsed) return `${parsed.name}(${parsed.args.map((value) => short(String(value))).join(", ")})`;
  }
  return problem instanceof Error ? problem.message : String(problem);
}

const short = (value: string): string => (value.length > 20 ? `${value.slice(0, 10)}…` : value);
