// SPDX-License-Identifier: MIT
import { expect } from "chai";
import { Wallet, ZeroHash, keccak256, toUtf8Bytes } from "ethers";
import { FastClaims__factory, type FastClaims, type DevelopmentToken } from "../../typechain/index.ts";
import { Reason } from "../support/outcome.ts";
import { type ReceiptFields } from "../support/protocol.ts";
import { deployExamples, type Examples } from "./examplesSupport.ts";
import { DAY, Mode, mask, word } from "./support.ts";

const State = { NONE: 0n, PROVISIONAL: 1n, FINAL: 2n, UNWOUND: 3n };
const WINDOW = 6 * 3600;
const MAX_AGE = DAY;
const INPUT = 77n;
const POOL = 10_000n;

describe("ProvisionalConsumer, by the example of FastClaims", () => {
  let c: Examples;
  let claims: FastClaims;
  let money: DevelopmentToken;
  let clean: { restore(): Promise<void> };
  let requestId: string;
  let original: { claims: FastClaims; requestId: string };
  let who: { insurer: string; claimant: string; submitter: string; anyone: string };

  before(async () => {
    c = await deployExamples();
    const { deployer, other, operator, guardian } = c.signers;
    who = {
      insurer: deployer.address,
      claimant: guardian.address,
      submitter: other.address,
      anyone: operator.address,
    };
    money = await c.freeToken("Money");
    claims = await deploy({});
    requestId = await open();
    clean = await c.networkHelpers.takeSnapshot();
    original = { claims, requestId };
  });
  afterEach(async () => {
    await clean.restore();
    ({ claims, requestId } = original);
  });

  async function deploy(over: { token?: string; maxValue?: bigint; maxOutstanding?: bigint; window?: number }) {
    const deployed = await c.ethers.deployContract("FastClaims", [
      await c.registry.getAddress(),
      over.token ?? (await money.getAddress()),
      who.insurer,
      c.model,
      MAX_AGE,
      over.maxValue ?? 1_000n,
      over.maxOutstanding ?? 1_500n,
      over.window ?? WINDOW,
    ]);
    const fresh = FastClaims__factory.connect(await deployed.getAddress(), c.signers.deployer);
    if (over.token !== undefined) return fresh;
    for (const account of [c.signers.deployer, c.signers.other]) {
      await money.transfer(account.address, POOL);
      await money.connect(account).approve(await fresh.getAddress(), POOL);
    }
    await fresh.fund(POOL);
    return fresh;
  }
  async function open(cover = 900n, input = INPUT) {
    const id = await claims.openClaim.staticCall(who.claimant, cover, word(input));
    await claims.openClaim(who.claimant, cover, word(input));
    await claims.connect(c.signers.guardian).nameSubmitter(id, who.submitter);
    return id;
  }
  const sign = (mode: number, output: bigint, over: Partial<ReceiptFields> = {}, by?: Wallet) =>
    c.sign(mode, INPUT, [output], { requestId, ...over }, by);
  type Signed = Awaited<ReturnType<typeof sign>>;
  const asSubmitter = () => claims.connect(c.signers.other);
  const act = (signed: Signed, output: bigint) => asSubmitter().payOnSignature(signed, [output]);
  const held = (account: string) => money.balanceOf(account);
  const state = (id = requestId) => claims.provisionalState(id);
  async function refuses(signed: Signed, output: bigint, error: string, ...args: unknown[]) {
    const attempt = expect(act(signed, output)).to.be.revertedWithCustomError(claims, error);
    await (args.length === 0 ? attempt : attempt.withArgs(...args));
    expect(await state()).to.equal(State.NONE);
  }

  describe("acts", () => {
    it("at once on a signature, unproved and unsettled, against a bond of the value and a tenth", async () => {
      const signed = await sign(Mode.ZKML, 505n);
      expect(await state()).to.equal(State.NONE);
      const id = c.receiptId(signed.receipt);
      expect(await c.registry.settledAt(id)).to.equal(0n);
      const submitted = act(signed, 505n);
      await expect(submitted).to.emit(claims, "ActedProvisionally");
      await expect(submitted).to.emit(claims, "InferenceUsed").withArgs(requestId, id);
      const at = await c.now();
      expect(await state()).to.equal(State.PROVISIONAL);
      expect([...(await claims.provisionalEffect(requestId))]).to.deep.equal([
        who.submitter,
        505n,
        State.PROVISIONAL,
        false,
        at,
        at + BigInt(WINDOW),
        556n,
        id,
      ]);
      expect(await held(who.claimant)).to.equal(505n);
      expect(await held(who.submitter)).to.equal(POOL - 556n);
      expect(await claims.pool()).to.equal(POOL - 505n);
      expect(await claims.obligations()).to.equal(556n);
      expect(await claims.outstanding()).to.equal(505n);
    });

    it("on an enclave's signature too, and never on a plain operator's", async () => {
      await refuses(
        await sign(Mode.VANILLA, 500n),
        500n,
        "InferenceConsumer_ModeNotAccepted",
        Mode.VANILLA,
        mask(Mode.TEE, Mode.ZKML),
      );
      await act(await sign(Mode.TEE, 500n), 500n);
      expect(await state()).to.equal(State.PROVISIONAL);
    });

    it("once a request, whoever signs another answer to it [R9]", async () => {
      await act(await sign(Mode.ZKML, 500n), 500n);
      for (const mode of [Mode.ZKML, Mode.TEE])
        for (const output of [500n, 501n])
          await expect(act(await sign(mode, output), output))
            .to.be.revertedWithCustomError(claims, "InferenceConsumer_AlreadyUsed")
            .withArgs(requestId);
      const proved = await sign(Mode.ZKML, 500n);
      const opening = await c.settleProof(proved, INPUT, [500n]);
      await expect(claims.payOnProof(opening, [500n]))
        .to.be.revertedWithCustomError(claims, "InferenceConsumer_AlreadyUsed")
        .withArgs(requestId);
      expect(await held(who.claimant)).to.equal(500n);
    });

    it("on no signature where a proof was acted on before [R9]", async () => {
      const proved = await sign(Mode.ZKML, 500n);
      await claims.payOnProof(await c.settleProof(proved, INPUT, [500n]), [500n]);
      await expect(act(proved, 500n)).to.be.revertedWithCustomError(claims, "InferenceConsumer_AlreadyUsed");
      expect(await held(who.claimant)).to.equal(500n);
      expect(await claims.obligations(), "no bond").to.equal(0n);
    });

    it("within the limit of one effect and of all that wait", async () => {
      const large = await deploy({ maxValue: 499n, maxOutstanding: 700n });
      claims = large;
      requestId = await open();
      await refuses(await sign(Mode.ZKML, 500n), 500n, "ProvisionalConsumer_BadValue", 500n, 499n);
      await refuses(await sign(Mode.ZKML, 0n), 0n, "ProvisionalConsumer_BadValue", 0n, 499n);
      await act(await sign(Mode.ZKML, 499n), 499n);
      requestId = await open();
      await refuses(await sign(Mode.ZKML, 202n), 202n, "ProvisionalConsumer_TooMuchOutstanding", 701n, 700n);
      await act(await sign(Mode.ZKML, 201n), 201n);
      expect(await large.outstanding()).to.equal(700n);
    });

    it("for the claimant and whom it named alone: a stranger could use a claim up for next to nothing", async () => {
      const stranger = claims.connect(c.signers.operator);
      const tiny = await sign(Mode.ZKML, 1n);
      await expect(stranger.payOnSignature(tiny, [1n]))
        .to.be.revertedWithCustomError(claims, "FastClaims_NotAllowed")
        .withArgs(who.anyone);
      await expect(stranger.nameSubmitter(requestId, who.anyone))
        .to.be.revertedWithCustomError(claims, "FastClaims_NotAllowed")
        .withArgs(who.anyone);
      expect(await state()).to.equal(State.NONE);
    });

    it("only with the bond in hand", async () => {
      const signed = await sign(Mode.ZKML, 500n);
      const poor = claims.connect(c.signers.guardian);
      await expect(poor.payOnSignature(signed, [500n])).to.be.revertedWithCustomError(
        money,
        "ERC20InsufficientAllowance",
      );
      expect(await state()).to.equal(State.NONE);
    });

    it("for the outputs that were signed and on the claim's own input alone [R11]", async () => {
      const signed = await sign(Mode.ZKML, 500n);
      await refuses(signed, 501n, "InferenceConsumer_WrongOutput");
      await refuses(await sign(Mode.ZKML, 500n, { inputHash: word(78n) }), 500n, "InferenceConsumer_WrongInput");
      await refuses(
        await sign(Mode.ZKML, 500n, { modelId: c.provedModel }),
        500n,
        "InferenceConsumer_ModelNotAccepted",
      );
      // Nobody claims anything under a request that was not opened.
      const unopened = await sign(Mode.ZKML, 500n, { requestId: word(1n) });
      await refuses(unopened, 500n, "FastClaims_NotAllowed", who.submitter);
    });

    it("not where the registry closes before the evidence must be there [R10]", async () => {
      await c.govern(c.registry, c.registry.interface.encodeFunctionData("announceClosing"));
      const { closesAt } = await c.registry.settlementStatus();
      await c.networkHelpers.time.increaseTo(closesAt - BigInt(WINDOW));
      const signed = await sign(Mode.ZKML, 500n);
      await refuses(signed, 500n, "ProvisionalConsumer_RegistryCloses", closesAt);
    });

    it("on no signature that could not settle, and says why [R4]", async () => {
      const id = (signed: Signed) => c.receiptId(signed.receipt);
      const notSigned = async (signed: Signed, reason: bigint) =>
        refuses(signed, 500n, "ProvisionalConsumer_NotSigned", id(signed), reason);
      const stranger = new Wallet(keccak256(toUtf8Bytes("stranger")));
      const later = (await c.now()) + 600n;
      await notSigned(await sign(Mode.ZKML, 500n, {}, stranger), Reason.BadSignature);
      await notSigned({ ...(await sign(Mode.ZKML, 500n)), signature: "0x" }, Reason.BadSignature);
      await notSigned(await sign(Mode.ZKML, 500n, { keyId: word(9n) }), Reason.UnknownKey);
      await notSigned(await sign(Mode.ZKML, 500n, { keyId: c.enclaveId }), Reason.UnknownKey);
      await notSigned(await sign(Mode.TEE, 500n, { keyId: c.keyId }), Reason.UnknownKey);
      await notSigned(await sign(Mode.ZKML, 500n, { completedAt: later }), Reason.CompletedInFuture);
      const { validFrom } = await c.nodes.keyState(c.keyId);
      await notSigned(await sign(Mode.ZKML, 500n, { completedAt: validFrom - 1n }), Reason.OutsideKeyValidity);
      const trusted = await c.networkHelpers.takeSnapshot();
      await c.nodes.connect(c.signers.guardian).freeze(c.keyId);
      await notSigned(await sign(Mode.ZKML, 500n), Reason.KeyFrozen);
      await trusted.restore();
      await c.nodes.connect(c.signers.operator).distrustOwnKey(c.keyId);
      await notSigned(await sign(Mode.ZKML, 500n), Reason.KeyDistrusted);
    });

    it("on no enclave whose image is not, or no longer, approved for the model [R4]", async () => {
      const withdraw = c.enclaves.interface.encodeFunctionData("withdrawMeasurement", [c.measurement, c.model]);
      await c.govern(c.enclaves, withdraw);
      await c.networkHelpers.time.increase(10);
      const signed = await sign(Mode.TEE, 500n);
      await refuses(
        signed,
        500n,
        "ProvisionalConsumer_NotSigned",
        c.receiptId(signed.receipt),
        Reason.MeasurementNotApproved,
      );
    });

    it("on no enclave whose image is frozen or distrusted now [R4] [R8]", async () => {
      const trusted = await c.networkHelpers.takeSnapshot();
      const target = await c.enclaves.measurementTarget(c.measurement);
      await c.enclaves.connect(c.signers.guardian).freeze(target);
      const frozen = await sign(Mode.TEE, 500n);
      const error = "ProvisionalConsumer_NotSigned";
      await refuses(frozen, 500n, error, c.receiptId(frozen.receipt), Reason.MeasurementFrozen);
      await trusted.restore();
      await c.govern(c.enclaves, c.enclaves.interface.encodeFunctionData("distrust", [target, await c.now()]));
      const doubted = await sign(Mode.TEE, 500n);
      await refuses(doubted, 500n, error, c.receiptId(doubted.receipt), Reason.MeasurementDistrusted);
    });

    it("on no signature that is stale", async () => {
      const signed = await sign(Mode.ZKML, 500n);
      await c.networkHelpers.time.increase(MAX_AGE + 1);
      await refuses(signed, 500n, "InferenceConsumer_TooOld", signed.receipt.completedAt, MAX_AGE);
    });
  });

  describe("becomes final", () => {
    it("when the receipt that was acted on is proved, and gives the bond back to its submitter", async () => {
      const signed = await sign(Mode.ZKML, 500n);
      await act(signed, 500n);
      const unsettled = c.openingAlone(signed.receipt);
      await expect(claims.finalise(signed.receipt, unsettled))
        .to.be.revertedWithCustomError(claims, "InferenceConsumer_NotVerified")
        .withArgs(c.receiptId(signed.receipt), Reason.NotSettled);
      const opening = await c.settleProof(signed, INPUT, [500n]);
      await expect(claims.connect(c.signers.operator).finalise(signed.receipt, opening))
        .to.emit(claims, "BecameFinal")
        .withArgs(requestId, c.receiptId(signed.receipt), 0n);
      expect(await state()).to.equal(State.FINAL);
      expect(await claims.creditOf(who.submitter)).to.equal(550n);
      await asSubmitter().claim();
      expect(await held(who.submitter)).to.equal(POOL);
      expect(await claims.obligations()).to.equal(0n);
      expect(await held(await claims.getAddress())).to.equal(await claims.pool());
    });

    it("by another receipt of the same answer in the required mode, and not by the mode that was acted on", async () => {
      const quick = await sign(Mode.TEE, 500n);
      await act(quick, 500n);
      const attested = await c.settle(quick);
      await expect(claims.finalise(quick.receipt, attested))
        .to.be.revertedWithCustomError(claims, "InferenceConsumer_ModeNotAccepted")
        .withArgs(Mode.TEE, mask(Mode.ZKML));
      const proved = await sign(Mode.ZKML, 500n);
      const opening = await c.settleProof(proved, INPUT, [500n]);
      await claims.finalise(quick.receipt, opening);
      expect(await state()).to.equal(State.FINAL);
    });

    it("by no proof of another answer, another request, or another question", async () => {
      const signed = await sign(Mode.ZKML, 500n);
      await act(signed, 500n);
      const other = await sign(Mode.ZKML, 400n);
      await expect(claims.finalise(signed.receipt, await c.settleProof(other, INPUT, [400n])))
        .to.be.revertedWithCustomError(claims, "ProvisionalConsumer_OtherAnswer")
        .withArgs(c.receiptId(signed.receipt), c.receiptId(other.receipt));
      const second = await open();
      const elsewhere = await sign(Mode.ZKML, 500n, { requestId: second });
      await expect(claims.finalise(signed.receipt, await c.settleProof(elsewhere, INPUT, [500n])))
        .to.be.revertedWithCustomError(claims, "InferenceConsumer_WrongRequest")
        .withArgs(requestId, second);
      const invented = await c.sign(Mode.ZKML, 78n, [500n], { requestId });
      await expect(
        claims.finalise(signed.receipt, await c.settleProof(invented, 78n, [500n])),
      ).to.be.revertedWithCustomError(claims, "InferenceConsumer_WrongInput");
      expect(await state()).to.equal(State.PROVISIONAL);
    });

    it("after the deadline too, while nobody unwound it, and however old the answer is by then", async () => {
      const signed = await sign(Mode.ZKML, 500n);
      await act(signed, 500n);
      await c.networkHelpers.time.increase(MAX_AGE + 3600);
      await claims.finalise(signed.receipt, await c.settleProof(signed, INPUT, [500n]));
      expect(await state()).to.equal(State.FINAL);
    });

    it("once: then nothing unwinds it, neither deadline nor another proved answer [R9]", async () => {
      const signed = await sign(Mode.ZKML, 500n);
      await act(signed, 500n);
      const opening = await c.settleProof(signed, INPUT, [500n]);
      await claims.finalise(signed.receipt, opening);
      const other = await c.settleProof(await sign(Mode.ZKML, 400n), INPUT, [400n]);
      await c.networkHelpers.time.increase(WINDOW + 1);
      for (const attempt of [
        () => claims.finalise(signed.receipt, opening),
        () => claims.contradict(signed.receipt, other),
        () => claims.unwind(requestId),
      ])
        await expect(attempt())
          .to.be.revertedWithCustomError(claims, "ProvisionalConsumer_NotProvisional")
          .withArgs(requestId, State.FINAL);
      expect(await claims.creditOf(who.submitter)).to.equal(550n);
    });

    it("for nobody who brings another receipt as the one acted on", async () => {
      const signed = await sign(Mode.ZKML, 500n);
      await act(signed, 500n);
      const twin = await sign(Mode.ZKML, 500n, { cumulativeFee: 1n });
      const opening = await c.settleProof(signed, INPUT, [500n]);
      await expect(claims.finalise(twin.receipt, opening))
        .to.be.revertedWithCustomError(claims, "ProvisionalConsumer_NotTheReceipt")
        .withArgs(c.receiptId(signed.receipt), c.receiptId(twin.receipt));
    });
  });

  describe("is unwound", () => {
    it("after the deadline by anyone, and the bond makes the pool whole and more", async () => {
      await act(await sign(Mode.ZKML, 500n), 500n);
      const deadline = await claims.deadlineOf(requestId);
      const anyone = claims.connect(c.signers.operator);
      await c.networkHelpers.time.setNextBlockTimestamp(deadline);
      await expect(anyone.unwind(requestId))
        .to.be.revertedWithCustomError(claims, "ProvisionalConsumer_StillTime")
        .withArgs(deadline);
      await c.networkHelpers.time.setNextBlockTimestamp(deadline + 1n);
      await expect(anyone.unwind(requestId)).to.emit(claims, "Unwound").withArgs(requestId, who.anyone, 525n, 25n, 0n);
      expect(await state()).to.equal(State.UNWOUND);
      expect(await claims.pool()).to.equal(POOL + 25n);
      await anyone.claim();
      expect(await held(who.anyone)).to.equal(25n);
      await expect(asSubmitter().claim())
        .to.be.revertedWithCustomError(claims, "ProvisionalConsumer_NothingToClaim")
        .withArgs(who.submitter);
      expect(await held(await claims.getAddress())).to.equal(await claims.pool());
    });

    it("at a loss for a submitter who unwinds their own", async () => {
      await act(await sign(Mode.ZKML, 500n), 500n);
      await c.networkHelpers.time.increase(WINDOW + 1);
      await asSubmitter().unwind(requestId);
      expect(await claims.creditOf(who.submitter)).to.equal(25n);
      expect(await claims.pool()).to.equal(POOL + 25n);
    });

    it("once, and for good: its request is acted on no more [R9]", async () => {
      const signed = await sign(Mode.ZKML, 500n);
      await act(signed, 500n);
      await c.networkHelpers.time.increase(WINDOW + 1);
      await claims.unwind(requestId);
      const opening = await c.settleProof(signed, INPUT, [500n]);
      for (const attempt of [() => claims.unwind(requestId), () => claims.finalise(signed.receipt, opening)])
        await expect(attempt())
          .to.be.revertedWithCustomError(claims, "ProvisionalConsumer_NotProvisional")
          .withArgs(requestId, State.UNWOUND);
      await expect(claims.payOnProof(opening, [500n])).to.be.revertedWithCustomError(
        claims,
        "InferenceConsumer_AlreadyUsed",
      );
    });

    it("before the deadline by a proof that the model answers otherwise, by whatever key", async () => {
      const liar = await sign(Mode.TEE, 900n);
      await act(liar, 900n);
      const truth = await sign(Mode.ZKML, 400n);
      const opening = await c.settleProof(truth, INPUT, [400n]);
      await claims.connect(c.signers.operator).contradict(liar.receipt, opening);
      expect(await state()).to.equal(State.UNWOUND);
      expect(await claims.creditOf(who.anyone)).to.equal(45n);
    });

    it("before the deadline by a second verified answer of the same key: equivocation", async () => {
      const first = await sign(Mode.TEE, 900n);
      await act(first, 900n);
      const second = await sign(Mode.TEE, 400n);
      await claims.contradict(first.receipt, await c.settle(second));
      expect(await state()).to.equal(State.UNWOUND);
    });

    it("not by a second answer that is only signed, not by the same answer, not by another key's mere word", async () => {
      const first = await sign(Mode.TEE, 900n);
      await act(first, 900n);
      const onlySigned = c.openingAlone((await sign(Mode.TEE, 400n)).receipt);
      await expect(claims.contradict(first.receipt, onlySigned)).to.be.revertedWithCustomError(
        claims,
        "InferenceConsumer_NotVerified",
      );
      const same = await sign(Mode.TEE, 900n, { cumulativeFee: 5n });
      await expect(claims.contradict(first.receipt, await c.settle(same)))
        .to.be.revertedWithCustomError(claims, "ProvisionalConsumer_NoContradiction")
        .withArgs(c.receiptId(first.receipt), c.receiptId(same.receipt));
      // A plain operator's word against the enclave's: otherwise a key would be enough to take a bond.
      const word_ = await sign(Mode.VANILLA, 400n);
      await expect(claims.contradict(first.receipt, await c.settle(word_))).to.be.revertedWithCustomError(
        claims,
        "InferenceConsumer_ModeNotAccepted",
      );
      const elsewhere = await sign(Mode.TEE, 400n, { requestId: word(5n) });
      await expect(claims.contradict(first.receipt, await c.settle(elsewhere))).to.be.revertedWithCustomError(
        claims,
        "ProvisionalConsumer_NoContradiction",
      );
      expect(await state()).to.equal(State.PROVISIONAL);
    });

    it("never, where nothing was acted on", async () => {
      await expect(claims.unwind(ZeroHash))
        .to.be.revertedWithCustomError(claims, "ProvisionalConsumer_NotProvisional")
        .withArgs(ZeroHash, State.NONE);
      expect(await claims.deadlineOf(requestId)).to.equal(0n);
    });
  });

  describe("has more time", () => {
    it("by a pause that falls into the window: a whole window from its end [R8]", async () => {
      await act(await sign(Mode.ZKML, 500n), 500n);
      await c.registry.connect(c.signers.guardian).pause();
      const { pausedUntil } = await c.registry.settlementStatus();
      const deadline = pausedUntil + BigInt(WINDOW);
      expect(await claims.deadlineOf(requestId)).to.equal(deadline);
      await c.networkHelpers.time.setNextBlockTimestamp(deadline);
      await expect(claims.unwind(requestId)).to.be.revertedWithCustomError(claims, "ProvisionalConsumer_StillTime");
      await c.networkHelpers.time.setNextBlockTimestamp(deadline + 1n);
      await claims.unwind(requestId);
    });

    it("not by a pause that began when it was over, nor by one before [R8]", async () => {
      await c.registry.connect(c.signers.guardian).pause();
      await c.registry.connect(c.signers.guardian).resume();
      await c.networkHelpers.time.increase(8 * DAY);
      await act(await sign(Mode.ZKML, 500n), 500n);
      const deadline = (await claims.provisionalEffect(requestId)).deadline;
      expect(await claims.deadlineOf(requestId)).to.equal(deadline);
      await c.networkHelpers.time.increaseTo(deadline + 1n);
      await c.registry.connect(c.signers.guardian).pause();
      expect(await claims.deadlineOf(requestId)).to.equal(deadline);
      await claims.unwind(requestId);
    });

    it("once, where what it rests on is frozen after it settled [R8]", async () => {
      const signed = await sign(Mode.ZKML, 500n);
      await act(signed, 500n);
      const opening = c.openingAlone(signed.receipt);
      const nothing = async () =>
        expect(claims.postpone(opening))
          .to.be.revertedWithCustomError(claims, "ProvisionalConsumer_NothingToPostpone")
          .withArgs(requestId);
      await nothing();
      await c.nodes.connect(c.signers.guardian).freeze(c.keyId);
      await nothing();
      await c.settleProof(signed, INPUT, [500n]);
      await expect(claims.finalise(signed.receipt, opening)).to.be.revertedWithCustomError(
        claims,
        "InferenceConsumer_NotVerified",
      );
      await claims.postpone(opening);
      const deadline = (await c.now()) + BigInt(10 * DAY + WINDOW);
      expect(await claims.deadlineOf(requestId)).to.equal(deadline);
      await nothing();
      await c.networkHelpers.time.increase(10 * DAY);
      await claims.finalise(signed.receipt, opening);
      expect(await state()).to.equal(State.FINAL);
    });

    it("not where the key is distrusted: that does not lift [R4]", async () => {
      const signed = await sign(Mode.ZKML, 500n);
      await act(signed, 500n);
      const opening = await c.settleProof(signed, INPUT, [500n]);
      const from = await c.registry.settledAt(c.receiptId(signed.receipt));
      await c.govern(c.nodes, c.nodes.interface.encodeFunctionData("distrust", [c.keyId, from]));
      await c.nodes.connect(c.signers.guardian).freeze(c.keyId);
      await expect(claims.postpone(opening)).to.be.revertedWithCustomError(
        claims,
        "ProvisionalConsumer_NothingToPostpone",
      );
      await c.networkHelpers.time.increase(WINDOW + 1);
      await claims.unwind(requestId);
    });
  });

  describe("keeps bonds apart", () => {
    it("from the insurer, who takes out the pool and nothing that is another's", async () => {
      await act(await sign(Mode.ZKML, 500n), 500n);
      const pool = await claims.pool();
      await expect(claims.withdrawPool(pool + 1n))
        .to.be.revertedWithCustomError(claims, "FastClaims_PoolTooSmall")
        .withArgs(pool, pool + 1n);
      await claims.withdrawPool(pool);
      expect(await held(await claims.getAddress())).to.equal(550n);
      await expect(asSubmitter().withdrawPool(0n))
        .to.be.revertedWithCustomError(claims, "FastClaims_NotAllowed")
        .withArgs(who.submitter);
    });

    it("and a claim that the pool cannot pay is not paid from a bond", async () => {
      await claims.withdrawPool(POOL - 100n);
      const signed = await sign(Mode.ZKML, 500n);
      await expect(act(signed, 500n))
        .to.be.revertedWithCustomError(claims, "FastClaims_PoolTooSmall")
        .withArgs(100n, 500n);
    });

    it("from a token that keeps a part of them, or calls back in to have an effect for an unpaid bond", async () => {
      const hostile = await c.ethers.deployContract("HostileToken", [POOL]);
      const fresh = await deploy({ token: await hostile.getAddress() });
      await hostile.getFunction("approve")(await fresh.getAddress(), POOL);
      await fresh.fund(5_000n);
      claims = fresh;
      requestId = await open();
      await fresh.connect(c.signers.guardian).nameSubmitter(requestId, who.insurer);
      const first = await sign(Mode.ZKML, 500n);
      await hostile.getFunction("behave")(true, false);
      await expect(fresh.payOnSignature(first, [500n]))
        .to.be.revertedWithCustomError(fresh, "ProvisionalConsumer_TokenTookFee")
        .withArgs(550n, 545n);
      await hostile.getFunction("behave")(false, false);
      // In the middle of the bond's transfer, the same claim again, by the token: then it must be one who may.
      await fresh.connect(c.signers.guardian).nameSubmitter(requestId, await hostile.getAddress());
      await hostile.getFunction("callBack")(
        await fresh.getAddress(),
        fresh.interface.encodeFunctionData("payOnSignature", [first, [500n]]),
      );
      const claimant = c.signers.guardian;
      await hostile.getFunction("transfer")(who.claimant, 550n);
      await (hostile.connect(claimant) as typeof hostile).getFunction("approve")(await fresh.getAddress(), 550n);
      await fresh.connect(claimant).payOnSignature(first, [500n]);
      const refusal = fresh.interface.parseError(await hostile.getFunction("answer")());
      expect(refusal?.name).to.equal("InferenceConsumer_AlreadyUsed");
      expect(await hostile.getFunction("balanceOf")(who.claimant)).to.equal(500n);
    });

    it("from who has claimed them: credit is paid once, also to one who calls back in", async () => {
      const hostile = await c.ethers.deployContract("HostileToken", [POOL]);
      const fresh = await deploy({ token: await hostile.getAddress() });
      await hostile.getFunction("approve")(await fresh.getAddress(), POOL);
      await fresh.fund(5_000n);
      claims = fresh;
      requestId = await open();
      await fresh.connect(c.signers.guardian).nameSubmitter(requestId, who.insurer);
      const signed = await sign(Mode.ZKML, 500n);
      await fresh.payOnSignature(signed, [500n]);
      await fresh.finalise(signed.receipt, await c.settleProof(signed, INPUT, [500n]));
      await hostile.getFunction("callBack")(await fresh.getAddress(), fresh.interface.encodeFunctionData("claim"));
      await fresh.claim();
      expect(await hostile.getFunction("balanceOf")(await fresh.getAddress())).to.equal(4_500n);
      await expect(fresh.claim()).to.be.revertedWithCustomError(fresh, "ProvisionalConsumer_NothingToClaim");
    });
  });

  it("refuses limits under which it would act on anything or wait for ever", async () => {
    for (const [maxValue, maxOutstanding, window] of [
      [0n, 5n, 5],
      [6n, 5n, 5],
      [5n, 5n, 0],
      [5n, 5n, 3 * DAY + 1],
    ] as const) {
      await expect(deploy({ maxValue, maxOutstanding, window }))
        .to.be.revertedWithCustomError(claims, "ProvisionalConsumer_BadLimits")
        .withArgs(maxValue, maxOutstanding, window);
    }
  });

  it("states what it acts on: proofs decide, and the signature's function says that it rests on them [R11]", async () => {
    const entries = await claims.inferencePolicies();
    const selector = (name: "payOnProof" | "finalise" | "contradict" | "payOnSignature") =>
      claims.interface.getFunction(name).selector;
    expect(entries.map((entry) => entry.selector)).to.deep.equal(
      (["payOnProof", "finalise", "contradict"] as const).map(selector),
    );
    for (const { policy } of entries) expect(policy.modes).to.equal(BigInt(mask(Mode.ZKML)));
    const unchecked = await claims.uncheckedFunctions();
    const onSignature = unchecked.find((entry) => entry.selector === selector("payOnSignature"));
    expect(onSignature?.restsOn).to.equal(selector("finalise"));
  });
});
