// SPDX-License-Identifier: MIT
import { expect } from "chai";
import { Wallet, ZeroAddress } from "ethers";
import { type ReceiptFields } from "../support/protocol.ts";
import { keyBytes } from "../support/groth16.ts";
import { RiskVault__factory, type RiskVault } from "../../typechain/index.ts";
import { packedReturns } from "./features.ts";
import { Reason } from "../support/outcome.ts";
import {
  DAY,
  Mode,
  type Consumer,
  type Settled,
  deployConsumer,
  developmentSetup,
  mask,
  registerProved,
  word,
} from "./support.ts";

const UNIT = 10n ** 18n;
/** 17 daily closes with rises and falls, in loan units of 6 decimals. */
const PRICES = [
  2000, 2010, 1995, 1990, 2040, 2041, 2003, 1950, 1990, 1991, 2100, 2080, 2050, 2049, 2049, 1999, 2000,
].map((price) => BigInt(price) * 10n ** 6n);
const MAX_SCORE_AGE = 6 * 3600;
const MAX_PRICE_AGE = 4 * DAY;

describe("RiskVault", () => {
  let c: Consumer;
  let vault: RiskVault;
  let collateral: Token;
  let loan: Token;
  let clean: { restore(): Promise<void> };
  let addresses: { vault: string; borrower: string };

  type Token = Awaited<ReturnType<Consumer["ethers"]["deployContract"]>>;

  before(async () => {
    c = await deployConsumer();
    const { deployer, other: borrower } = c.signers;
    collateral = await c.ethers.deployContract("FreeToken", ["Collateral"]);
    loan = await c.ethers.deployContract("FreeToken", ["Loan"]);
    vault = await deployVault({});
    addresses = { vault: await vault.getAddress(), borrower: borrower.address };
    await vault.connect(deployer).postPrices(PRICES);
    await loan.getFunction("mint")(addresses.vault, 1_000_000n * 10n ** 6n);
    await collateral.getFunction("mint")(borrower, 10n * UNIT);
    for (const token of [collateral, loan])
      await (token.connect(borrower) as Token).getFunction("approve")(addresses.vault, 2n ** 255n);
    await vault.connect(borrower).deposit(10n * UNIT);
    vault = vault.connect(borrower);
    clean = await c.networkHelpers.takeSnapshot();
  });
  afterEach(() => clean.restore());

  async function deployVault(over: object) {
    const { deployer } = c.signers;
    const terms = {
      collateral: await collateral.getAddress(),
      loan: await loan.getAddress(),
      collateralUnit: UNIT,
      lender: deployer.address,
      priceFeed: deployer.address,
      model: c.provedModel,
      calmLimit: 8000,
      riskyLimit: 3000,
      maxScoreAge: MAX_SCORE_AGE,
      minSettled: 0,
      maxPriceAge: MAX_PRICE_AGE,
      ...over,
    };
    const deployed = await c.ethers.deployContract("RiskVault", [await c.registry.getAddress(), terms]);
    return RiskVault__factory.connect(await deployed.getAddress(), deployer);
  }

  const score = (value: bigint, over: Partial<ReceiptFields> = {}, by?: Wallet) =>
    c.settleProved(packedReturns(PRICES), [value], over, by);
  async function apply(value: bigint) {
    const settled = await score(value);
    await vault.applyScore(settled.opening, [value]);
    return settled;
  }
  async function refuses({ opening }: Settled, error: string, ...args: unknown[]) {
    await expect(vault.applyScore(opening, [10n]))
      .to.be.revertedWithCustomError(vault, `InferenceConsumer_${error}`)
      .withArgs(...args);
    await expect(vault.borrow(1n)).to.be.revertedWithCustomError(vault, "RiskVault_NoCurrentScore");
  }

  it("builds the model's input from its own prices: sixteen returns, the oldest in the lowest byte [R11]", async () => {
    expect(await vault.currentInput()).to.equal(word(packedReturns(PRICES)));
    // +0.5 % is 10 steps of 1/2000 above the middle.
    expect(BigInt(await vault.currentInput()) & 0xffn).to.equal(138n);
    await vault.connect(c.signers.deployer).postPrices([2200n * 10n ** 6n, 1000n * 10n ** 6n]);
    const later = [...PRICES, 2200n * 10n ** 6n, 1000n * 10n ** 6n].slice(-17);
    expect(await vault.currentInput()).to.equal(word(packedReturns(later)));
    expect(BigInt(await vault.currentInput()) >> 120n, "held to a byte").to.equal(0n);
  });

  it("lends on a fresh proved score over its own prices, the less the riskier", async () => {
    const { receipt } = await apply(10n);
    const worth = 10n * 2000n * 10n ** 6n;
    const calm = 8000n - (5000n * 10n) / 255n;
    expect(await vault.borrowLimit(addresses.borrower)).to.equal((worth * calm) / 10_000n);
    expect((await vault.score()).receiptId).to.equal(c.receiptId(receipt));
    await vault.borrow(15_000n * 10n ** 6n);
    expect(await loan.getFunction("balanceOf")(addresses.borrower)).to.equal(15_000n * 10n ** 6n);
    await apply(255n);
    const risky = (worth * 3000n) / 10_000n;
    expect(await vault.borrowLimit(addresses.borrower)).to.equal(risky);
    await expect(vault.borrow(1n))
      .to.be.revertedWithCustomError(vault, "RiskVault_OverLimit")
      .withArgs(15_000n * 10n ** 6n + 1n, risky);
  });

  it("takes a score out of a proved batch too", async () => {
    const { openings } = await c.settleProvedBatch([
      { input: 5n, outputs: [3n] },
      { input: packedReturns(PRICES), outputs: [77n] },
    ]);
    await vault.applyScore(openings[1]!, [77n]);
    expect((await vault.score()).value).to.equal(77n);
  });

  it("lends nothing without a score", async () => {
    await expect(vault.borrow(1n)).to.be.revertedWithCustomError(vault, "RiskVault_NoCurrentScore").withArgs(0n, 0n);
  });

  describe("refuses a score that", () => {
    it("is a signed word and no proof", async () => {
      const signed = await c.settleSigned({ inputHash: word(packedReturns(PRICES)) });
      await refuses(signed, "ModeNotAccepted", Mode.VANILLA, mask(Mode.ZKML));
      const enclave = await c.settleSigned({ mode: Mode.TEE, inputHash: word(packedReturns(PRICES)) });
      await refuses(enclave, "ModeNotAccepted", Mode.TEE, mask(Mode.ZKML));
    });

    it("is perfectly proved over invented prices [R11]", async () => {
      const calmDays = packedReturns(PRICES.map(() => 2000n));
      const invented = await c.settleProved(calmDays, [0n]);
      await refuses(invented, "WrongInput", word(packedReturns(PRICES)), word(calmDays));
    });

    it("is packed in the opposite order [R11]", async () => {
      const packed = packedReturns(PRICES);
      let reversed = 0n;
      for (let i = 0n; i < 16n; i++) reversed |= ((packed >> (8n * i)) & 0xffn) << (8n * (15n - i));
      const settled = await c.settleProved(reversed, [0n]);
      await refuses(settled, "WrongInput", word(packed), word(reversed));
    });

    it("is stale", async () => {
      const settled = await score(10n);
      await c.networkHelpers.time.increaseTo(settled.receipt.completedAt + BigInt(MAX_SCORE_AGE) + 1n);
      await refuses(settled, "TooOld", settled.receipt.completedAt, MAX_SCORE_AGE);
    });

    it("was of the prices before the newest", async () => {
      const settled = await score(10n);
      await vault.connect(c.signers.deployer).postPrices([1000n * 10n ** 6n]);
      const next = packedReturns([...PRICES.slice(1), 1000n * 10n ** 6n]);
      await refuses(settled, "WrongInput", word(next), word(packedReturns(PRICES)));
    });

    it("rests on a distrusted key, model version or verifier [R4]", async () => {
      const targets = [
        { contract: c.nodes, target: c.keyId, reason: Reason.KeyDistrusted },
        { contract: c.models, target: c.provedModel, reason: Reason.ModelDistrusted },
        { contract: c.models, target: word(BigInt(await c.groth16.getAddress())), reason: Reason.VerifierDistrusted },
      ];
      const settled = await score(10n);
      const id = c.receiptId(settled.receipt);
      const trusted = await c.networkHelpers.takeSnapshot();
      for (const { contract, target, reason } of targets) {
        const from = await c.registry.settledAt(id);
        await c.govern(contract, c.nodes.interface.encodeFunctionData("distrust", [target, from]));
        await refuses(settled, "NotVerified", id, reason);
        await trusted.restore();
      }
    });

    it("rests on a frozen key [R8]", async () => {
      const settled = await score(10n);
      await c.nodes.connect(c.signers.guardian).freeze(c.keyId);
      await refuses(settled, "NotVerified", c.receiptId(settled.receipt), Reason.KeyFrozen);
    });

    it("is of another model version, even one with the same verifying key", async () => {
      const copy = await registerProved(c, "a copy", keyBytes(developmentSetup));
      const settled = await score(10n, { modelId: copy });
      await refuses(settled, "ModelNotAccepted", copy);
    });

    it("carries a signature that is not its key's", async () => {
      const stranger = Wallet.createRandom();
      const failed = await score(10n, {}, new Wallet(stranger.privateKey)).catch((error: Error) => error.message);
      expect(failed).to.equal("Not settled, reason 9");
    });

    it("was applied before [R9]", async () => {
      const settled = await apply(10n);
      await expect(vault.applyScore(settled.opening, [10n]))
        .to.be.revertedWithCustomError(vault, "InferenceConsumer_AlreadyUsed")
        .withArgs(settled.receipt.requestId);
    });

    it("is another number than the proof's", async () => {
      const { opening } = await score(200n);
      await expect(vault.applyScore(opening, [10n])).to.be.revertedWithCustomError(
        vault,
        "InferenceConsumer_WrongOutput",
      );
    });
  });

  it("waits where its terms ask for a minimum time since settlement [R4]", async () => {
    const waiting = await deployVault({ minSettled: 600 });
    await waiting.postPrices(PRICES);
    const { opening, receipt } = await score(10n);
    const settledAt = await c.registry.settledAt(c.receiptId(receipt));
    await expect(waiting.applyScore(opening, [10n]))
      .to.be.revertedWithCustomError(waiting, "InferenceConsumer_TooFresh")
      .withArgs(settledAt, 600n);
    await c.networkHelpers.time.increaseTo(settledAt + 600n);
    await waiting.applyScore(opening, [10n]);
    expect(await waiting.isScoreCurrent()).to.equal(true);
  });

  it("lets a score that was taken at the end of its age live no longer than its receipt", async () => {
    const { opening, receipt } = await score(10n);
    const end = receipt.completedAt + BigInt(MAX_SCORE_AGE);
    await c.networkHelpers.time.increaseTo(end - 10n);
    await vault.applyScore(opening, [10n]);
    expect((await vault.score()).expiresAt).to.equal(end);
    await c.networkHelpers.time.increaseTo(end + 1n);
    expect(await vault.isScoreCurrent()).to.equal(false);
  });

  it("lets nobody shorten the life of a score by bringing an older one of the same prices", async () => {
    const older = await score(10n);
    await c.networkHelpers.time.increase(3600);
    await apply(10n);
    const { expiresAt } = await vault.score();
    await expect(vault.applyScore(older.opening, [10n]))
      .to.be.revertedWithCustomError(vault, "RiskVault_NotNewer")
      .withArgs(expiresAt);
    expect((await vault.score()).expiresAt).to.equal(expiresAt);
  });

  it("ends a score with the next price", async () => {
    await apply(10n);
    await vault.connect(c.signers.deployer).postPrices(PRICES.slice(0, 1));
    expect(await vault.isScoreCurrent()).to.equal(false);
    await expect(vault.borrow(1n)).to.be.revertedWithCustomError(vault, "RiskVault_NoCurrentScore");
  });

  it("drops a score once what it rests on is doubted, and not because someone spoils an opening [R4]", async () => {
    const { opening, receipt } = await apply(10n);
    const id = c.receiptId(receipt);
    const spoiled = { ...opening, batch: { ...opening.batch, count: 1 } };
    for (const attempt of [opening, spoiled]) {
      await expect(vault.revokeScore(attempt))
        .to.be.revertedWithCustomError(vault, "RiskVault_NothingToRevoke")
        .withArgs(id);
    }
    const other = await score(10n);
    await c.nodes.connect(c.signers.guardian).freeze(c.keyId);
    await expect(vault.revokeScore(other.opening)).to.be.revertedWithCustomError(vault, "RiskVault_NothingToRevoke");
    await expect(vault.revokeScore(opening)).to.emit(vault, "ScoreRevoked").withArgs(id);
    expect(await vault.isScoreCurrent()).to.equal(false);
  });

  describe("never locks a borrower in", () => {
    it("takes repayment and returns all collateral without price or score", async () => {
      await apply(10n);
      await vault.borrow(1000n * 10n ** 6n);
      await c.networkHelpers.time.increase(MAX_PRICE_AGE + 1);
      await vault.repay(1000n * 10n ** 6n);
      await vault.withdraw(10n * UNIT);
      expect(await collateral.getFunction("balanceOf")(addresses.borrower)).to.equal(10n * UNIT);
    });

    it("releases what the debt does not need without a score, counting with the worst one", async () => {
      await apply(0n);
      await vault.borrow(3000n * 10n ** 6n);
      await c.networkHelpers.time.increase(MAX_SCORE_AGE + 1);
      // 3,000 at 30 % of 2,000 each takes five units of collateral.
      await vault.withdraw(5n * UNIT);
      await expect(vault.withdraw(1n)).to.be.revertedWithCustomError(vault, "RiskVault_OverLimit");
    });

    it("judges what the debt needs by no price that is too old", async () => {
      await apply(0n);
      await vault.borrow(1n);
      const pricedAt = await vault.pricedAt();
      await c.networkHelpers.time.increase(MAX_PRICE_AGE + 1);
      await expect(vault.withdraw(1n)).to.be.revertedWithCustomError(vault, "RiskVault_StalePrice").withArgs(pricedAt);
    });

    it("takes and returns no more than there is", async () => {
      await expect(vault.repay(1n)).to.be.revertedWithCustomError(vault, "RiskVault_TooMuch").withArgs(1n, 0n);
      await expect(vault.withdraw(10n * UNIT + 1n))
        .to.be.revertedWithCustomError(vault, "RiskVault_TooMuch")
        .withArgs(10n * UNIT + 1n, 10n * UNIT);
    });
  });

  it("lets the feed alone write prices, none of them zero, and the lender alone take idle funds", async () => {
    const { deployer, other } = c.signers;
    await expect(vault.postPrices(PRICES)).to.be.revertedWithCustomError(vault, "RiskVault_NotAllowed").withArgs(other);
    const feed = vault.connect(deployer);
    await expect(feed.postPrices([1n, 0n]))
      .to.be.revertedWithCustomError(vault, "RiskVault_ZeroPrice")
      .withArgs(1n);
    await expect(feed.postPrices([])).to.be.revertedWithCustomError(vault, "RiskVault_NotEnoughPrices");
    await expect(vault.withdrawLiquidity(1n)).to.be.revertedWithCustomError(vault, "RiskVault_NotAllowed");
    await vault.connect(deployer).withdrawLiquidity(5n);
    expect(await loan.getFunction("balanceOf")(deployer)).to.equal(5n);
  });

  it("has no input to ask about before it knows seventeen prices", async () => {
    const young = await deployVault({});
    await young.postPrices(PRICES.slice(1));
    await expect(young.currentInput())
      .to.be.revertedWithCustomError(young, "RiskVault_NotEnoughPrices")
      .withArgs(16n, 17n);
  });

  it("refuses terms under which it would lend on anything", async () => {
    for (const terms of [
      { loan: await collateral.getAddress() },
      { collateralUnit: 0 },
      { lender: ZeroAddress },
      { priceFeed: ZeroAddress },
      { maxScoreAge: 366 * DAY },
      { calmLimit: 10_000 },
      { riskyLimit: 8001 },
      { maxScoreAge: 0 },
      { minSettled: MAX_SCORE_AGE },
    ]) {
      await expect(deployVault(terms)).to.be.revertedWithCustomError(vault, "RiskVault_BadTerms");
    }
  });
});
