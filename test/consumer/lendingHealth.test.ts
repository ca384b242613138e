// SPDX-License-Identifier: MIT
import { expect } from "chai";
import {
  HealthCheckedMarket__factory,
  type DevelopmentToken,
  type HealthCheckedMarket,
} from "../../typechain/index.ts";
import { packedReturns } from "./features.ts";
import { deployExamples, type Examples } from "./examplesSupport.ts";
import { DAY, Mode, mask, word } from "./support.ts";

const UNIT = 10n ** 18n;
const PRICES = Array.from({ length: 17 }, (_, i) => 1_000n + BigInt((i * 37) % 50));
const LAST = PRICES[16]!;
const MAX_AGE = 3_600n;
const MAX_PRICE_AGE = BigInt(DAY);
const UNHEALTHY_FROM = 128n;
const Health = { UNKNOWN: 0n, HEALTHY: 1n, UNHEALTHY: 2n };

describe("LendingHealthCheck, by the example of HealthCheckedMarket", () => {
  let c: Examples;
  let market: HealthCheckedMarket;
  let feed: HealthCheckedMarket;
  let loan: DevelopmentToken;
  let collateral: DevelopmentToken;
  let clean: { restore(): Promise<void> };

  before(async () => {
    c = await deployExamples();
    const { deployer, other: borrower, operator: liquidator } = c.signers;
    [collateral, loan] = [await c.freeToken("Collateral"), await c.freeToken("Loan")];
    const deployed = await c.ethers.deployContract("HealthCheckedMarket", [
      await c.registry.getAddress(),
      c.model,
      MAX_AGE,
      UNHEALTHY_FROM,
      await collateral.getAddress(),
      await loan.getAddress(),
      UNIT,
      deployer.address,
      deployer.address,
      MAX_PRICE_AGE,
    ]);
    const address = await deployed.getAddress();
    feed = HealthCheckedMarket__factory.connect(address, deployer);
    market = feed.connect(borrower);
    for (const price of PRICES) await feed.postPrice(price);
    await loan.transfer(address, 1_000_000n);
    await collateral.transfer(borrower, 10n * UNIT);
    await loan.transfer(liquidator, 1_000_000n);
    for (const account of [borrower, liquidator])
      for (const token of [loan, collateral]) await token.connect(account).approve(address, 2n ** 200n);
    await market.deposit(10n * UNIT);
    clean = await c.networkHelpers.takeSnapshot();
  });
  afterEach(() => clean.restore());

  const inputOf = (ltv: bigint, prices = PRICES) => (ltv << 128n) | packedReturns(prices);
  async function answer(ltv: bigint, risk: bigint, mode: number = Mode.ZKML, over: object = {}) {
    const input = BigInt(await market.healthInput(ltv));
    const signed = await c.sign(mode, input, [risk], over);
    return mode === Mode.ZKML ? c.settleProof(signed, input, [risk]) : c.settle(signed);
  }
  async function record(ltv: bigint, risk: bigint) {
    const opening = await answer(ltv, risk);
    await market.connect(c.signers.operator).recordHealth(ltv, opening, [risk]);
    return opening;
  }
  /** Amount that is `ltv` hundredths of the whole collateral. */
  const debtAt = (ltv: bigint) => (10n * LAST * ltv) / 100n;
  const refuse = (attempt: Promise<unknown>, error: string, ...args: unknown[]) => {
    const refused = expect(attempt).to.be.revertedWithCustomError(market, error);
    return args.length === 0 ? refused : refused.withArgs(...args);
  };

  it("asks about a loan-to-value at the market's own prices [R11]", async () => {
    expect(await market.healthInput(60n)).to.equal(word(inputOf(60n)));
    expect(await market.healthInput(10_000n), "held to a byte").to.equal(word(inputOf(255n)));
    expect(await market.ltvOf(1n, 10_000n), "rounded against the borrower").to.equal(1n);
    expect(await market.ltvOf(1n, 0n)).to.equal(255n);
    expect(await market.ltvOf(0n, 0n)).to.equal(0n);
  });

  it("lends on a proof that the position is healthy afterwards, and on none about another one", async () => {
    await refuse(market.borrow(debtAt(60n)), "HealthCheckedMarket_NotHealthy", 60n, Health.UNKNOWN);
    await record(50n, 10n);
    await refuse(market.borrow(debtAt(60n)), "HealthCheckedMarket_NotHealthy", 60n, Health.UNKNOWN);
    await record(60n, UNHEALTHY_FROM - 1n);
    await market.borrow(debtAt(60n));
    expect(await market.currentLtv(c.signers.other)).to.equal(60n);
    expect(await loan.balanceOf(c.signers.other)).to.equal(debtAt(60n));
  });

  it("lends nothing on a proof that it is unhealthy, nor beyond the hard line on any proof", async () => {
    await record(60n, UNHEALTHY_FROM);
    await refuse(market.borrow(debtAt(60n)), "HealthCheckedMarket_NotHealthy", 60n, Health.UNHEALTHY);
    await record(86n, 0n);
    await refuse(market.borrow(debtAt(86n)), "HealthCheckedMarket_NotHealthy", 86n, Health.HEALTHY);
  });

  describe("takes over no answer that", () => {
    it("is not proved, neither an operator's nor an enclave's", async () => {
      for (const mode of [Mode.VANILLA, Mode.TEE]) {
        const opening = await answer(60n, 1n, mode);
        await refuse(
          market.recordHealth(60n, opening, [1n]),
          "InferenceConsumer_ModeNotAccepted",
          mode,
          mask(Mode.ZKML),
        );
      }
    });

    it("is about another loan-to-value or invented prices, however well it is proved [R11]", async () => {
      const opening = await answer(20n, 1n);
      await refuse(
        market.recordHealth(60n, opening, [1n]),
        "InferenceConsumer_WrongInput",
        word(inputOf(60n)),
        word(inputOf(20n)),
      );
      const flat = inputOf(
        60n,
        PRICES.map(() => 5n),
      );
      const invented = await c.settleProof(await c.sign(Mode.ZKML, flat, [0n]), flat, [0n]);
      await refuse(market.recordHealth(60n, invented, [0n]), "InferenceConsumer_WrongInput");
    });

    it("is stale, another model's, another number, or recorded before [R9]", async () => {
      const opening = await answer(60n, 1n);
      await refuse(market.recordHealth(60n, opening, [0n]), "InferenceConsumer_WrongOutput");
      const foreign = await answer(60n, 1n, Mode.ZKML, { modelId: c.provedModel });
      await refuse(market.recordHealth(60n, foreign, [1n]), "InferenceConsumer_ModelNotAccepted");
      await market.recordHealth(60n, opening, [1n]);
      await refuse(market.recordHealth(60n, opening, [1n]), "InferenceConsumer_AlreadyUsed");
      const second = await answer(60n, 1n);
      await c.networkHelpers.time.increase(MAX_AGE + 1n);
      await refuse(market.recordHealth(60n, second, [1n]), "InferenceConsumer_TooOld");
    });

    it("counts less long than the one that is known", async () => {
      const older = await answer(60n, 1n);
      await c.networkHelpers.time.increase(60);
      await record(60n, 1n);
      const { expiresAt } = await market.healthAnswers(word(inputOf(60n)));
      await refuse(market.recordHealth(60n, older, [1n]), "LendingHealthCheck_NotNewer", expiresAt);
    });
  });

  it("ends an answer with its age and with the next price", async () => {
    await record(60n, 1n);
    expect(await market.healthOf(60n)).to.equal(Health.HEALTHY);
    const { expiresAt } = await market.healthAnswers(word(inputOf(60n)));
    const fresh = await c.networkHelpers.takeSnapshot();
    await c.networkHelpers.time.increaseTo(expiresAt);
    expect(await market.healthOf(60n)).to.equal(Health.HEALTHY);
    await c.networkHelpers.time.increaseTo(expiresAt + 1n);
    expect(await market.healthOf(60n)).to.equal(Health.UNKNOWN);
    await fresh.restore();
    await feed.postPrice(900n);
    expect(await market.healthOf(60n)).to.equal(Health.UNKNOWN);
  });

  it("withdraws an answer that is doubted, and no other [R4]", async () => {
    const opening = await record(60n, 1n);
    const id = c.receiptId(opening.receipt);
    await refuse(market.withdrawHealth(opening), "LendingHealthCheck_NothingToWithdraw", id);
    const other = await answer(60n, 1n);
    await c.nodes.connect(c.signers.guardian).freeze(c.keyId);
    await refuse(market.withdrawHealth(other), "LendingHealthCheck_NothingToWithdraw");
    await market.withdrawHealth(opening);
    expect(await market.healthOf(60n)).to.equal(Health.UNKNOWN);
  });

  describe("liquidates", () => {
    const liquidate = (amount: bigint) => market.connect(c.signers.operator).liquidate(c.signers.other, amount);
    beforeEach(async () => {
      await record(60n, 1n);
      await market.borrow(debtAt(60n));
    });

    it("a position that is proved unhealthy as it stands, up to half of its debt", async () => {
      await refuse(liquidate(1n), "HealthCheckedMarket_NotLiquidatable", 60n, Health.HEALTHY);
      await feed.postPrice(LAST - 1n);
      await refuse(liquidate(1n), "HealthCheckedMarket_NotLiquidatable", 61n, Health.UNKNOWN);
      await record(61n, 200n);
      const debt = debtAt(60n);
      const most = (debt + 1n) / 2n;
      await refuse(liquidate(most + 1n), "HealthCheckedMarket_TooMuch", most + 1n, most);
      await liquidate(most);
      const seized = (most * 105n * UNIT) / (100n * (LAST - 1n));
      const position = await market.positions(c.signers.other);
      expect([position.collateral, position.debt]).to.deep.equal([10n * UNIT - seized, debt - most]);
      expect(await collateral.balanceOf(c.signers.operator)).to.equal(seized);
    });

    it("beyond the hard line without any model, so that lenders do not hang on nodes", async () => {
      await feed.postPrice((LAST * 60n) / 86n);
      await liquidate(100n);
      expect(await loan.balanceOf(c.signers.operator)).to.equal(1_000_000n - 100n);
    });

    it("nobody below the safe line, whatever a model says", async () => {
      await market.repay(debtAt(60n) - debtAt(30n));
      await record(30n, 255n);
      await refuse(liquidate(1n), "HealthCheckedMarket_NotLiquidatable", 30n, Health.UNHEALTHY);
    });

    it("nobody by a price that is too old", async () => {
      await c.networkHelpers.time.increase(MAX_PRICE_AGE + 1n);
      await refuse(liquidate(1n), "HealthCheckedMarket_StalePrice");
    });

    it("no more collateral than there is", async () => {
      await feed.postPrice(10n);
      const most = (debtAt(60n) + 1n) / 2n;
      await liquidate(most);
      expect((await market.positions(c.signers.other)).collateral).to.equal(0n);
    });
  });

  describe("never locks a borrower in", () => {
    it("takes repayment and returns all collateral without price, proof or registry [R8]", async () => {
      await record(1n, 1n);
      await market.borrow(100n);
      await c.registry.connect(c.signers.guardian).pause();
      await c.networkHelpers.time.increase(MAX_PRICE_AGE + 1n);
      await market.repay(100n);
      await market.withdraw(10n * UNIT);
      expect(await collateral.balanceOf(c.signers.other)).to.equal(10n * UNIT);
    });

    it("releases collateral down to the safe line without the model, and beyond on its word", async () => {
      await record(15n, 1n);
      await market.borrow(debtAt(15n));
      await market.withdraw(5n * UNIT);
      expect(await market.currentLtv(c.signers.other)).to.equal(30n);
      await refuse(market.withdraw(UNIT), "HealthCheckedMarket_NotHealthy", 38n, Health.UNKNOWN);
      await record(38n, 1n);
      await market.withdraw(UNIT);
    });

    it("takes and returns no more than there is", async () => {
      await refuse(market.repay(1n), "HealthCheckedMarket_TooMuch", 1n, 0n);
      await refuse(market.withdraw(10n * UNIT + 1n), "HealthCheckedMarket_TooMuch", 10n * UNIT + 1n, 10n * UNIT);
    });
  });

  it("lets the feed alone write prices and the lender alone take idle funds", async () => {
    const { other } = c.signers;
    await refuse(market.postPrice(1n), "HealthCheckedMarket_NotAllowed", other.address);
    await refuse(feed.postPrice(0n), "HealthCheckedMarket_ZeroPrice");
    await refuse(market.withdrawLiquidity(1n), "HealthCheckedMarket_NotAllowed", other.address);
    const before = await loan.balanceOf(c.signers.deployer);
    await feed.withdrawLiquidity(7n);
    expect((await loan.balanceOf(c.signers.deployer)) - before).to.equal(7n);
  });
});
