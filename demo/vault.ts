import { isError } from "ethers";
import { closes } from "../circuits/models/risk-scorer/data.ts";
import { FEATURES } from "../circuits/models/risk-scorer/features.ts";
import type { Opening } from "../relayer/protocol/index.ts";
import { DevelopmentToken__factory, RiskVault__factory } from "../typechain/index.ts";
import { type Chain, mined } from "./chain.ts";
import type { Answered } from "./nodes.ts";
import { line, table } from "./text.ts";

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
  await mined(dollar.transfer(address, 10n ** 12n));
  await mined(stock.connect(borrower).approve(address, 10n ** 18n));
  await mined(vault.connect(borrower).deposit(10n ** 18n));
  await mined(
    vault.connect(chain.as("priceFeed")).postPrices(
      closes()
        .slice(-FEATURES - 1)
        .map(({ price }) => price),
    ),
  );
  return vault.connect(borrower);
}
export type Vault = Awaited<ReturnType<typeof openVault>>;

/** The 16 bytes that the vault wants judged. */
export async function valuesToScore(vault: Vault): Promise<number[]> {
  const packed = BigInt(await vault.currentInput());
  return Array.from({ length: FEATURES }, (_, i) => Number((packed >> BigInt(8 * i)) & 0xffn));
}

/** Hands a score to the vault; returns what it said, in one line. */
async function tryScore(vault: Vault, opening: Opening, outputs: readonly bigint[]): Promise<string> {
  try {
    await mined(vault.applyScore(opening, [...outputs]));
    return `accepted: score ${outputs.join(", ")}`;
  } catch (problem) {
    return `refused: ${reasonOf(vault, problem)}`;
  }
}

type Scored = Answered & { opening: Opening };

/** Offers the vault what it must refuse, then what it asked for, and borrows on it. */
export async function lend(
  vault: Vault,
  borrower: string,
  scores: { wanted: Scored; plain: Scored; invented: Scored },
): Promise<void> {
  const { wanted, plain, invented } = scores;
  const borrow = async (amount: bigint): Promise<string> => {
    try {
      await mined(vault.borrow(amount));
      return "lent";
    } catch (problem) {
      return `refused: ${reasonOf(vault, problem)}`;
    }
  };
  const small = 10n ** 9n;
  const early = await borrow(small);
  const steps = [
    ["borrow before there is a score", early],
    ["the right score, only signed (VANILLA)", await tryScore(vault, plain.opening, plain.outputs)],
    ["a perfect proof over invented prices", await tryScore(vault, invented.opening, invented.outputs)],
    ["the proved score, with another number", await tryScore(vault, wanted.opening, [wanted.outputs[0]! + 1n])],
    ["the proved score over the vault's own prices", await tryScore(vault, wanted.opening, wanted.outputs)],
    ["the same receipt again", await tryScore(vault, wanted.opening, wanted.outputs)],
    ["borrow now", await borrow(small)],
  ] as [string, string][];
  table(["what the vault is offered", "what it does"], steps);
  const outcome = steps.map(([, said]) => said.split(":")[0]);
  const expected = ["refused", "refused", "refused", "refused", "accepted", "refused", "lent"];
  if (outcome.join() !== expected.join()) throw new Error("The vault did not do what it should have done.");
  const limit = await vault.borrowLimit(borrower);
  line(`  Its limit for the borrower is now ${limit} base units of the loan token.`);
}

function reasonOf(vault: Vault, problem: unknown): string {
  if (isError(problem, "CALL_EXCEPTION")) {
    const parsed = problem.data ? vault.interface.parseError(problem.data) : null;
    if (parsed) return `${parsed.name}(${parsed.args.map((value) => short(String(value))).join(", ")})`;
  }
  return problem instanceof Error ? problem.message : String(problem);
}

const short = (value: string): string => (value.length > 20 ? `${value.slice(0, 10)}…` : value);
