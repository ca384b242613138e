// SPDX-License-Identifier: MIT
import { expect } from "chai";
import { VolatilityFeePool__factory, type DevelopmentToken, type VolatilityFeePool } from "../../typechain/index.ts";
import { packedReturns } from "./features.ts";
import { deployExamples, type Examples } from "./examplesSupport.ts";
import { Mode, mask, word } from "./support.ts";

const FEES = { minFee: 500n, maxFee: 30_000n, safeFee: 3_000n };
const MAX_AGE = 3_600n;
const INTERVAL = 600n;
const RESERVES = [1_000_000_000n, 2_000_000_000n] as const;
const LATER = 2n ** 40n;
const payee = "0x00000000000000000000000000000000000c0ffe";

describe("VolatilityFeePool", () => {
  let c: Examples;
  let pool: VolatilityFeePool;
  let tokens: [DevelopmentToken, DevelopmentToken];
  let clean: { restore(): Promise<void> };
  /** Mean prices of the samples, from the reserves as they stood, apart from the contract. */
  let prices: bigint[];

  before(async () => {
    c = await deployExamples();
    tokens = [await c.freeToken("Zero"), await c.freeToken("One")];
    pool = await deploy({});
    await pool.deposit(...RESERVES, 1n);
    prices = [];
    let before = await reserves();
    let swappedAt = await c.now();
    for (let i = 0; i < 17; i++) {
      const sampledAt = await pool.sampledAt();
      await c.networkHelpers.time.setNextBlockTimestamp(sampledAt + INTERVAL);
      await pool.sample();
      const since = await reserves();
      prices.push(
        (priceOf(before) * (swappedAt - sampledAt) + priceOf(since) * ((await c.now()) - swappedAt)) / INTERVAL,
      );
      before = since;
      await pool.swap(tokens[i % 2]!, 10_000_000n * BigInt(i + 1), 0n, c.signers.deployer, LATER);
      swappedAt = await c.now();
    }
    clean = await c.networkHelpers.takeSnapshot();
  });
  afterEach(() => clean.restore());

  const reserves = async () => [await pool.reserve0(), await pool.reserve1()] as const;
  const priceOf = ([r0, r1]: readonly [bigint, bigint]) => (r1 << 64n) / r0;

  async function deploy(over: object) {
    const terms = {
      token0: await tokens[0].getAddress(),
      token1: await tokens[1].getAddress(),
      model: c.model,
      ...FEES,
      maxAge: MAX_AGE,
      interval: INTERVAL,
      ...over,
    };
    const deployed = await c.ethers.deployContract("VolatilityFeePool", [await c.registry.getAddress(), terms]);
    const fresh = VolatilityFeePool__factory.connect(await deployed.getAddress(), c.signers.deployer);
    for (const token of tokens) {
      await token.transfer(c.signers.deployer, 10n ** 15n);
      await token.approve(await fresh.getAddress(), 10n ** 15n);
    }
    return fresh;
  }
  const reading = async (mode: number, score: bigint, over: object = {}) => {
    const input = BigInt(await pool.currentInput());
    const signed = await c.sign(mode, input, [score], over);
    return mode === Mode.ZKML ? c.settleProof(signed, input, [score]) : c.settle(signed);
  };
  async function apply(mode: number, score: bigint) {
    const opening = await reading(mode, score);
    await pool.connect(c.signers.other).applyReading(opening, [score]);
    return opening;
  }
  const feeAt = (score: bigint) => FEES.minFee + ((FEES.maxFee - FEES.minFee) * score + 254n) / 255n;
  const refuse = (attempt: Promise<unknown>, error: string, ...args: unknown[]) => {
    const refused = expect(attempt).to.be.revertedWithCustomError(pool, error);
    return args.length === 0 ? refused : refused.withArgs(...args);
  };

  describe("reads its fee", () => {
    it("from a proof or an enclave over its own prices, between its bounds", async () => {
      expect(await pool.fee()).to.equal(FEES.safeFee);
      await apply(Mode.ZKML, 0n);
      expect(await pool.fee()).to.equal(FEES.minFee);
      await apply(Mode.TEE, 100n);
      expect(await pool.fee()).to.equal(feeAt(100n));
      await apply(Mode.ZKML, 255n);
      expect(await pool.fee()).to.equal(FEES.maxFee);
    });

    it("as the highest where a model leaves the scale", async () => {
      await apply(Mode.TEE, 2n ** 255n);
      expect(await pool.fee()).to.equal(FEES.maxFee);
    });

    it("of the time-weighted prices that it sampled itself [R11]", async () => {
      expect(prices).to.have.length(17);
      expect(new Set(prices).size, "prices move").to.be.greaterThan(10);
      expect(await pool.currentInput()).to.equal(word(packedReturns(prices)));
    });

    it("for a time, and then is the stated one, while everything goes on", async () => {
      await apply(Mode.ZKML, 255n);
      const { expiresAt } = await pool.reading();
      await c.networkHelpers.time.increaseTo(expiresAt);
      expect(await pool.fee()).to.equal(FEES.maxFee);
      await c.networkHelpers.time.increaseTo(expiresAt + 1n);
      expect(await pool.fee()).to.equal(FEES.safeFee);
      await expect(pool.swap(tokens[0], 1_000_000n, 0n, c.signers.other, LATER)).to.emit(pool, "Swapped");
    });

    it("and counts no longer than its receipt, however late it is brought", async () => {
      const opening = await reading(Mode.ZKML, 9n);
      await c.networkHelpers.time.increase(MAX_AGE - 10n);
      await pool.applyReading(opening, [9n]);
      const { expiresAt } = await pool.reading();
      expect(expiresAt).to.equal(opening.receipt.completedAt + MAX_AGE);
    });
  });

  describe("refuses a reading that", () => {
    it("is a plain operator's word", async () => {
      const opening = await reading(Mode.VANILLA, 5n);
      await refuse(
        pool.applyReading(opening, [5n]),
        "InferenceConsumer_ModeNotAccepted",
        Mode.VANILLA,
        mask(Mode.TEE, Mode.ZKML),
      );
    });

    it("is stale", async () => {
      const opening = await reading(Mode.ZKML, 5n);
      await c.networkHelpers.time.increase(MAX_AGE + 1n);
      await refuse(pool.applyReading(opening, [5n]), "InferenceConsumer_TooOld");
    });

    it("is of other prices: invented ones, or those before the newest [R11]", async () => {
      const calm = packedReturns(Array.from({ length: 17 }, () => 5n));
      const invented = await c.settleProof(await c.sign(Mode.ZKML, calm, [0n]), calm, [0n]);
      await refuse(pool.applyReading(invented, [0n]), "InferenceConsumer_WrongInput");
      const opening = await reading(Mode.ZKML, 5n);
      await c.networkHelpers.time.increase(INTERVAL);
      await pool.sample();
      await refuse(pool.applyReading(opening, [5n]), "InferenceConsumer_WrongInput");
    });

    it("is another number, another model's, or applied before [R9]", async () => {
      const opening = await reading(Mode.ZKML, 5n);
      await refuse(pool.applyReading(opening, [4n]), "InferenceConsumer_WrongOutput");
      const foreign = await reading(Mode.ZKML, 5n, { modelId: c.provedModel });
      await refuse(pool.applyReading(foreign, [5n]), "InferenceConsumer_ModelNotAccepted", c.provedModel);
      await pool.applyReading(opening, [5n]);
      await refuse(pool.applyReading(opening, [5n]), "InferenceConsumer_AlreadyUsed", opening.receipt.requestId);
    });

    it("would shorten the life of one of the same prices", async () => {
      const older = await reading(Mode.ZKML, 5n);
      await c.networkHelpers.time.increase(60);
      await apply(Mode.ZKML, 5n);
      const { expiresAt } = await pool.reading();
      await refuse(pool.applyReading(older, [5n]), "VolatilityFeePool_NotNewer", expiresAt);
    });
  });

  it("drops a reading once what it rests on is doubted, and not because someone spoils an opening [R4]", async () => {
    const opening = await apply(Mode.TEE, 200n);
    const id = c.receiptId(opening.receipt);
    const spoiled = { ...opening, batch: { ...opening.batch, count: 1 } };
    for (const attempt of [opening, spoiled])
      await refuse(pool.dropReading(attempt), "VolatilityFeePool_NothingToDrop", id);
    const other = await reading(Mode.TEE, 200n);
    await c.enclaves.connect(c.signers.guardian).freeze(c.enclaveId);
    await refuse(pool.dropReading(other), "VolatilityFeePool_NothingToDrop");
    await expect(pool.dropReading(opening)).to.emit(pool, "ReadingDropped").withArgs(id);
    expect(await pool.fee()).to.equal(FEES.safeFee);
  });

  it("swaps, deposits and pays out while nothing can be verified: registry paused, keys and model frozen [R8]", async () => {
    await apply(Mode.ZKML, 10n);
    const { guardian, deployer } = c.signers;
    await c.registry.connect(guardian).pause();
    await c.nodes.connect(guardian).freeze(c.keyId);
    await c.models.connect(guardian).freeze(c.model);
    await pool.swap(tokens[0], 1_000_000n, 0n, deployer, LATER);
    await pool.deposit(1_000_000n, 2_000_000n, 0n);
    await pool.withdraw(await pool.balanceOf(deployer), 0n, 0n);
    expect(await pool.balanceOf(deployer)).to.equal(0n);
  });

  it("keeps the fee of a swap: what comes out is the curve's, less it", async () => {
    await apply(Mode.ZKML, 128n);
    const [r0, r1] = await Promise.all([pool.reserve0(), pool.reserve1()]);
    const amount = 123_456_789n;
    const counted = (amount * (1_000_000n - feeAt(128n))) / 1_000_000n;
    const due = (r1 * counted) / (r0 + counted);
    await refuse(pool.swap(tokens[0], amount, due + 1n, payee, LATER), "VolatilityFeePool_TooLittle", due, due + 1n);
    await pool.swap(tokens[0], amount, due, payee, LATER);
    expect(await tokens[1].balanceOf(payee)).to.equal(due);
    const [s0, s1] = await Promise.all([pool.reserve0(), pool.reserve1()]);
    expect([s0, s1]).to.deep.equal([r0 + amount, r1 - due]);
    expect(s0 * s1 > r0 * r1, "k grew").to.equal(true);
  });
  it("refuses swaps that are late, of other tokens, or of nothing", async () => {
    const deadline = await c.now();
    await refuse(pool.swap(tokens[0], 5_000n, 0n, payee, deadline), "VolatilityFeePool_Expired", deadline);
    await refuse(pool.swap(pool, 5_000n, 0n, payee, LATER), "VolatilityFeePool_UnknownToken", await pool.getAddress());
    for (const dust of [0n, 1n])
      await refuse(pool.swap(tokens[1], dust, 0n, payee, LATER), "VolatilityFeePool_TooLittle", 0n, 0n);
  });

  it("takes deposits in its own proportion, rounds against who deposits, and pays out no more than a share", async () => {
    const [r0, r1, supply] = await Promise.all([pool.reserve0(), pool.reserve1(), pool.totalSupply()]);
    const before = await Promise.all(tokens.map((token) => token.balanceOf(c.signers.deployer)));
    const shares = await pool.deposit.staticCall(1_000_003n, 10n ** 12n, 0n);
    expect(shares).to.equal((1_000_003n * supply) / r0);
    await refuse(pool.deposit(1_000_003n, 10n ** 12n, shares + 1n), "VolatilityFeePool_TooLittle", shares, shares + 1n);
    await pool.deposit(1_000_003n, 10n ** 12n, shares);
    await refuse(pool.withdraw(shares, r0, 0n), "VolatilityFeePool_TooLittle");
    await refuse(pool.withdraw(shares, 0n, r1), "VolatilityFeePool_TooLittle");
    await pool.withdraw(shares, 0n, 0n);
    const after = await Promise.all(tokens.map((token) => token.balanceOf(c.signers.deployer)));
    for (const i of [0, 1]) {
      expect(after[i]! <= before[i]!, "in and out again earns nothing").to.equal(true);
      expect(before[i]! - after[i]! <= 2n).to.equal(true);
    }
  });

  it("cannot be made too dear to enter by its first depositor", async () => {
    const young = await deploy({});
    await expect(young.deposit(1_000n, 1_000n, 0n)).to.be.revertedWithCustomError(young, "VolatilityFeePool_TooLittle");
    await young.deposit(1_001n, 1_001n, 0n);
    // Donations are no reserves.
    await tokens[0].transfer(await young.getAddress(), 10n ** 12n);
    await young.connect(c.signers.deployer).deposit(5_005n, 5_005n, 5_005n);
    expect(await young.reserve0()).to.equal(6_006n);
  });

  it("samples once an interval, and knows no input before it has seventeen prices", async () => {
    const at = await pool.sampledAt();
    await refuse(pool.sample(), "VolatilityFeePool_TooEarly", at + INTERVAL);
    const young = await deploy({});
    await expect(young.sample()).to.be.revertedWithCustomError(young, "VolatilityFeePool_NotEnoughSamples");
    await expect(young.currentInput())
      .to.be.revertedWithCustomError(young, "VolatilityFeePool_NotEnoughSamples")
      .withArgs(0n, 17n);
  });

  it("counts on, and pays out, when 32 bits of seconds are over [R8]", async () => {
    await c.networkHelpers.time.increaseTo(2n ** 32n - 10n);
    await pool.sample();
    await c.networkHelpers.time.setNextBlockTimestamp(2n ** 32n + INTERVAL);
    await expect(pool.sample())
      .to.emit(pool, "PriceSampled")
      .withArgs(19n, priceOf(await reserves()));
    await pool.withdraw(1_000n, 1n, 1n);
  });

  it("lets no swap change the price of its own block's sample", async () => {
    await c.networkHelpers.time.increase(INTERVAL);
    const honest = await c.networkHelpers.takeSnapshot();
    const at = (await c.now()) + 5n;
    await c.networkHelpers.time.setNextBlockTimestamp(at);
    await pool.sample();
    const expected = await pool.currentInput();
    await honest.restore();
    await c.ethers.provider.send("evm_setAutomine", [false]);
    await c.networkHelpers.time.setNextBlockTimestamp(at);
    const gas = { gasLimit: 1_000_000n };
    await pool.swap(tokens[0], 10n ** 12n, 0n, payee, LATER, gas);
    await pool.sample(gas);
    await c.networkHelpers.mine();
    await c.ethers.provider.send("evm_setAutomine", [true]);
    expect(await pool.sampledAt()).to.equal(at);
    expect(await pool.currentInput()).to.equal(expected);
  });

  describe("refuses tokens that", () => {
    async function hostilePool() {
      const hostile = await c.ethers.deployContract("HostileToken", [10n ** 15n]);
      const fresh = await deploy({ token0: await hostile.getAddress() });
      await hostile.getFunction("approve")(await fresh.getAddress(), 10n ** 15n);
      await fresh.deposit(10n ** 9n, 10n ** 9n, 0n);
      return { hostile, fresh, token: await hostile.getAddress() };
    }

    it("keep a part of what is swapped or deposited", async () => {
      const { hostile, fresh, token } = await hostilePool();
      await hostile.getFunction("behave")(true, false);
      await expect(fresh.swap(token, 10_000n, 0n, payee, LATER))
        .to.be.revertedWithCustomError(fresh, "VolatilityFeePool_TokenTookFee")
        .withArgs(token, 10n ** 9n + 9_900n, 10n ** 9n + 10_000n);
      await expect(fresh.deposit(10_000n, 10_000n, 0n)).to.be.revertedWithCustomError(
        fresh,
        "VolatilityFeePool_TokenTookFee",
      );
    });

    it("call back in: a swap in the middle of a swap finds reserves that are not paid for", async () => {
      const { hostile, fresh, token } = await hostilePool();
      // The hostile token itself swaps and withdraws in the middle, with money of its own.
      await hostile.getFunction("transfer")(token, 10n ** 9n);
      await tokens[1].transfer(token, 10n ** 9n);
      const inner = fresh.interface.encodeFunctionData("swap", [token, 5_000n, 0n, payee, LATER]);
      await hostile.getFunction("callBack")(await fresh.getAddress(), inner);
      const [k0, k1] = [await fresh.reserve0(), await fresh.reserve1()];
      await fresh.swap(token, 10_000n, 0n, payee, LATER);
      expect(await hostile.getFunction("answer")()).to.not.equal("0x737563636565646564");
      expect((await fresh.reserve0()) * (await fresh.reserve1()) > k0 * k1).to.equal(true);
      expect(await hostile.getFunction("balanceOf")(await fresh.getAddress())).to.equal(await fresh.reserve0());
      expect(await tokens[1].balanceOf(await fresh.getAddress())).to.equal(await fresh.reserve1());
    });
  });

  it("refuses terms with fees out of order or beyond the cap", async () => {
    const [zero] = await Promise.all(tokens.map((token) => token.getAddress()));
    for (const terms of [
      { token1: zero },
      { token1: payee },
      { minFee: 3_001n },
      { safeFee: 30_001n },
      { maxFee: 50_001n },
      { maxAge: 0n },
      { interval: 0n },
    ])
      await refuse(deploy(terms), "VolatilityFeePool_BadTerms");
  });
});
