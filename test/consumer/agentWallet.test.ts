// SPDX-License-Identifier: MIT
import { expect } from "chai";
import { type BaseContract, MaxUint256, ZeroAddress, concat, keccak256, toUtf8Bytes } from "ethers";
import { artifactsHash, contentHash, type Artifact, type Hex } from "../../relayer/protocol/index.ts";
import { AgentWallet__factory, type AgentWallet, type DevelopmentToken } from "../../typechain/index.ts";
import { coder } from "../support/protocol.ts";
import { deployExamples, type Examples } from "./examplesSupport.ts";
import { DAY, Mode, mask, word } from "./support.ts";

const MAX_AGE = DAY;
const REST = 600;
const PERIOD = 7 * DAY;
const SMALL = 100n;
const MOST = 1_000n;
const PER_PERIOD = 1_500n;
const QUESTION = keccak256(toUtf8Bytes("what shall we do?"));
/** A question to a circuit is a number below its field. */
const NUMBER = 1234n;

interface ActionFields {
  target: string;
  value: bigint;
  data: string;
  nonce: bigint;
}

describe("AgentWallet", () => {
  let c: Examples;
  let wallet: AgentWallet;
  let address: string;
  let token: DevelopmentToken;
  let target: BaseContract;
  let clean: { restore(): Promise<void> };
  const payee = "0x00000000000000000000000000000000000c0ffe";

  before(async () => {
    c = await deployExamples();
    const { deployer: owner, operator: agent } = c.signers;
    const deployed = await c.ethers.deployContract("AgentWallet", [
      await c.registry.getAddress(),
      owner.address,
      agent.address,
      c.model,
      c.pairModel,
      MAX_AGE,
      REST,
      PERIOD,
    ]);
    address = await deployed.getAddress();
    wallet = AgentWallet__factory.connect(address, owner);
    token = await c.freeToken("Listed");
    await token.transfer(address, 10_000n);
    await owner.sendTransaction({ to: address, value: 10_000n });
    await wallet.setLimit(ZeroAddress, SMALL, MOST, PER_PERIOD);
    await wallet.setLimit(await token.getAddress(), SMALL, MOST, PER_PERIOD);
    target = await c.ethers.deployContract("ReenteringTarget");
    clean = await c.networkHelpers.takeSnapshot();
  });
  afterEach(() => clean.restore());

  const anyone = () => wallet.connect(c.signers.other);
  async function ask(inputHash = QUESTION) {
    const nonce = await wallet.inferenceRequestCount();
    const requestId = await wallet.connect(c.signers.operator).ask.staticCall(nonce, inputHash);
    await wallet.connect(c.signers.operator).ask(nonce, inputHash);
    return { nonce, requestId };
  }
  const pay = (nonce: bigint, value: bigint, to = payee): ActionFields => ({ target: to, value, data: "0x", nonce });
  const transfer = async (nonce: bigint, amount: bigint, to = payee): Promise<ActionFields> => ({
    target: await token.getAddress(),
    value: 0n,
    data: token.interface.encodeFunctionData("transfer", [to, amount]),
    nonce,
  });
  /** The hash of an action from its description, apart from the contract. */
  const hashOf = ({ target: to, value, data, nonce }: ActionFields, of = address) => {
    const type = "Action(uint256 chainId,address wallet,address target,uint256 value,bytes32 dataHash,uint256 nonce)";
    return keccak256(
      coder.encode(
        ["bytes32", "uint256", "address", "address", "uint256", "bytes32", "uint256"],
        [keccak256(toUtf8Bytes(type)), 31337n, of, to, value, keccak256(data), nonce],
      ),
    ) as Hex;
  };
  const answerOf = (hash: Hex): Artifact[] => [
    { kind: 0, mediaType: "text/plain", hash: contentHash("I will pay.") },
    { kind: 1, mediaType: "application/octet-stream", hash },
  ];
  /** What an enclave answers, settled. */
  async function attest(requestId: string, artifacts: Artifact[], over: object = {}) {
    const signed = await c.sign(Mode.TEE, 0n, [], {
      requestId,
      inputHash: QUESTION,
      outputHash: artifactsHash(artifacts),
      outputScheme: 0,
      ...over,
    });
    return c.settle(signed);
  }
  const limbs = (hash: string): [bigint, bigint] => [BigInt(hash) >> 128n, BigInt(hash) & (2n ** 128n - 1n)];
  /** Asks and has an enclave answer with this action. */
  async function attested(make: (nonce: bigint) => ActionFields | Promise<ActionFields>) {
    const { nonce, requestId } = await ask();
    const action = await make(nonce);
    const artifacts = answerOf(hashOf(action));
    return { action, artifacts, requestId, opening: await attest(requestId, artifacts) };
  }
  /** Asks and has the action proved; it has rested. */
  async function proved(make: (nonce: bigint) => ActionFields | Promise<ActionFields>, rest = true) {
    const { nonce, requestId } = await ask(word(NUMBER));
    const action = await make(nonce);
    const outputs = limbs(hashOf(action));
    const opening = await c.settlePair(NUMBER, outputs, { requestId });
    if (rest) await c.networkHelpers.time.increase(REST);
    return { action, outputs, opening };
  }
  const native = (account: string) => c.ethers.provider.getBalance(account);
  const refuse = (attempt: Promise<unknown>, error: string, ...args: unknown[]) => {
    const refused = expect(attempt).to.be.revertedWithCustomError(wallet, error);
    return args.length === 0 ? refused : refused.withArgs(...args);
  };

  describe("carries out", () => {
    it("a small payment on an enclave's word, whoever brings it, exactly as answered", async () => {
      const { action, artifacts, opening } = await attested((nonce) => pay(nonce, SMALL));
      expect(await wallet.actionHash(action)).to.equal(hashOf(action));
      await expect(anyone().executeAttested(action, opening, artifacts))
        .to.emit(wallet, "Executed")
        .withArgs(action.nonce, hashOf(action), payee, ZeroAddress, SMALL, PER_PERIOD - SMALL);
      expect(await native(payee)).to.equal(SMALL);
    });

    it("a small transfer of a listed token on an enclave's word", async () => {
      const { action, artifacts, opening } = await attested((nonce) => transfer(nonce, SMALL));
      await anyone().executeAttested(action, opening, artifacts);
      expect(await token.balanceOf(payee)).to.equal(SMALL);
      expect(await wallet.available(await token.getAddress())).to.equal(PER_PERIOD - SMALL);
      expect(await wallet.available(ZeroAddress), "each asset by itself").to.equal(PER_PERIOD);
    });

    it("a large payment and a large transfer on a proof", async () => {
      for (const make of [(nonce: bigint) => pay(nonce, MOST), (nonce: bigint) => transfer(nonce, MOST)]) {
        const { action, outputs, opening } = await proved(make);
        await anyone().executeProved(action, opening, outputs);
      }
      expect([await native(payee), await token.balanceOf(payee)]).to.deep.equal([MOST, MOST]);
    });

    it("a call that the owner allowed, on a proof", async () => {
      const poke = target.interface.getFunction("poke")!.selector;
      await wallet.allowCall(await target.getAddress(), poke, true);
      const data = target.interface.encodeFunctionData("poke", [5n]);
      const to = await target.getAddress();
      const { action, outputs, opening } = await proved((nonce) => ({ target: to, value: 10n, data, nonce }));
      await anyone().executeProved(action, opening, outputs);
      expect([await target.getFunction("calls")(), await target.getFunction("received")()]).to.deep.equal([1n, 10n]);
    });
  });

  describe("never moves money", () => {
    it("on a plain operator's signature, whatever the size", async () => {
      const { nonce, requestId } = await ask();
      const action = pay(nonce, 1n);
      const artifacts = answerOf(hashOf(action));
      const signed = await c.sign(Mode.VANILLA, 0n, [], {
        requestId,
        inputHash: QUESTION,
        outputHash: artifactsHash(artifacts),
        outputScheme: 0,
      });
      const opening = await c.settle(signed);
      const error = "InferenceConsumer_ModeNotAccepted";
      await refuse(anyone().executeAttested(action, opening, artifacts), error, Mode.VANILLA, mask(Mode.TEE));
      const outputs = limbs(hashOf(action));
      const plain = await c.settle(await c.sign(Mode.VANILLA, 0n, outputs, { requestId, inputHash: QUESTION }));
      await refuse(anyone().executeProved(action, plain, outputs), error, Mode.VANILLA, mask(Mode.ZKML));
    });

    it("beyond the small limit on an enclave's word", async () => {
      const { action, artifacts, opening } = await attested((nonce) => pay(nonce, SMALL + 1n));
      await refuse(
        anyone().executeAttested(action, opening, artifacts),
        "AgentWallet_NeedsProof",
        ZeroAddress,
        SMALL + 1n,
      );
      const asset = await token.getAddress();
      const other = await attested((nonce) => transfer(nonce, SMALL + 1n));
      await refuse(
        anyone().executeAttested(other.action, other.opening, other.artifacts),
        "AgentWallet_NeedsProof",
        asset,
        SMALL + 1n,
      );
    });

    it("by a call that nobody can measure, on an enclave's word", async () => {
      const to = await target.getAddress();
      await wallet.allowCall(to, target.interface.getFunction("poke")!.selector, true);
      const data = target.interface.encodeFunctionData("poke", [5n]);
      const { action, artifacts, opening } = await attested((nonce) => ({ target: to, value: 0n, data, nonce }));
      await refuse(anyone().executeAttested(action, opening, artifacts), "AgentWallet_NeedsProof", ZeroAddress, 0n);
    });

    it("twice for one request [R9]", async () => {
      const { action, artifacts, opening, requestId } = await attested((nonce) => pay(nonce, SMALL));
      await anyone().executeAttested(action, opening, artifacts);
      const used = "InferenceConsumer_AlreadyUsed";
      await refuse(anyone().executeAttested(action, opening, artifacts), used, requestId);
      // Nor by another receipt that answers it.
      const second = await attest(requestId, artifacts, { cumulativeFee: 3n });
      await refuse(anyone().executeAttested(action, second, artifacts), used, requestId);
      expect(await native(payee)).to.equal(SMALL);
    });

    it("for an action that differs in any byte from what was answered [R6]", async () => {
      const { action, artifacts, opening } = await attested((nonce) => transfer(nonce, 60n));
      const second = await ask();
      const altered: ActionFields[] = [
        { ...action, data: token.interface.encodeFunctionData("transfer", [payee, 61n]) },
        { ...action, data: token.interface.encodeFunctionData("transfer", [c.signers.other.address, 60n]) },
        pay(action.nonce, 60n),
        pay(action.nonce, 60n, c.signers.other.address),
      ];
      for (const other of altered)
        await refuse(anyone().executeAttested(other, opening, artifacts), "ArtifactHash_NotCovered", 1, hashOf(other));
      // Another nonce is another request, which this receipt does not answer.
      const renumbered = { ...action, nonce: second.nonce };
      await refuse(anyone().executeAttested(renumbered, opening, artifacts), "InferenceConsumer_WrongRequest");
    });

    it("for another action than was proved, to the byte [R6]", async () => {
      const { action, outputs, opening } = await proved((nonce) => pay(nonce, MOST));
      for (const other of [
        { ...action, value: MOST - 1n },
        { ...action, target: c.signers.other.address },
      ])
        await refuse(
          anyone().executeProved(other, opening, outputs),
          "AgentWallet_OtherAction",
          hashOf(action),
          hashOf(other),
        );
      const shifted: [bigint, bigint] = [outputs[0] + 1n, outputs[1]];
      await refuse(anyone().executeProved(action, opening, shifted), "InferenceConsumer_WrongOutput");
    });

    it("where the proved model decided against it: its outputs are no hash", async () => {
      const { nonce, requestId } = await ask(word(NUMBER));
      const action = pay(nonce, 5n);
      for (const outputs of [
        [0n, 0n],
        [2n ** 128n, 0n],
      ] as [bigint, bigint][]) {
        const opening = await c.settlePair(NUMBER, outputs, { requestId });
        await c.networkHelpers.time.increase(REST);
        await refuse(
          anyone().executeProved(action, opening, outputs),
          "AgentWallet_OtherAction",
          word(0n),
          hashOf(action),
        );
      }
    });

    it("for one of two tool calls: which one would be the caller's choice [R6]", async () => {
      const { nonce, requestId } = await ask();
      const [one, two] = [pay(nonce, 10n), pay(nonce, 90n)];
      const artifacts = [...answerOf(hashOf(one)), answerOf(hashOf(two))[1]!];
      const opening = await attest(requestId, artifacts);
      for (const action of [one, two])
        await refuse(anyone().executeAttested(action, opening, artifacts), "ArtifactHash_NotTheOnly", 1, 2n);
    });

    it("for a text or an image with the action's hash", async () => {
      const { nonce, requestId } = await ask();
      const action = pay(nonce, 10n);
      const artifacts = [{ kind: 2, mediaType: "image/png", hash: hashOf(action) }];
      const opening = await attest(requestId, artifacts);
      await refuse(anyone().executeAttested(action, opening, artifacts), "ArtifactHash_NotCovered", 1, hashOf(action));
    });

    it("for a request that it did not open, or another wallet did [R11]", async () => {
      const { nonce } = await ask();
      const action = pay(nonce, 10n);
      const artifacts = answerOf(hashOf(action));
      const foreign = await attest(word(1n), artifacts);
      await refuse(anyone().executeAttested(action, foreign, artifacts), "InferenceConsumer_WrongRequest");
      const never = pay(99n, 10n);
      await refuse(anyone().executeAttested(never, foreign, answerOf(hashOf(never))), "AgentWallet_NotOpen", 99n);
    });

    it("for an answer to another question, or by another model [R11]", async () => {
      const { nonce, requestId } = await ask();
      const action = pay(nonce, 10n);
      const artifacts = answerOf(hashOf(action));
      const invented = await attest(requestId, artifacts, { inputHash: word(4n) });
      await refuse(anyone().executeAttested(action, invented, artifacts), "InferenceConsumer_WrongInput");
      const other = await attest(requestId, artifacts, { modelId: c.signedModel });
      await refuse(
        anyone().executeAttested(action, other, artifacts),
        "InferenceConsumer_ModelNotAccepted",
        c.signedModel,
      );
    });

    it("for an action of another wallet", async () => {
      const { nonce, requestId } = await ask();
      const action = pay(nonce, 10n);
      const artifacts = answerOf(hashOf(action, payee));
      const opening = await attest(requestId, artifacts);
      await refuse(anyone().executeAttested(action, opening, artifacts), "ArtifactHash_NotCovered");
    });

    it("on an answer that is stale, or a request that is", async () => {
      const { action, artifacts, opening } = await attested((nonce) => pay(nonce, 10n));
      await c.networkHelpers.time.increase(MAX_AGE + 1);
      await refuse(anyone().executeAttested(action, opening, artifacts), "AgentWallet_NotOpen", action.nonce);
    });

    it("on a proof that has not rested [R4]", async () => {
      const { action, outputs, opening } = await proved((nonce) => pay(nonce, MOST), false);
      await refuse(anyone().executeProved(action, opening, outputs), "InferenceConsumer_TooFresh");
    });

    it("on a distrusted enclave's word [R4]", async () => {
      const { action, artifacts, opening } = await attested((nonce) => pay(nonce, 10n));
      await c.enclaves.connect(c.signers.guardian).freeze(c.enclaveId);
      await refuse(anyone().executeAttested(action, opening, artifacts), "InferenceConsumer_NotVerified");
    });
  });

  describe("stays within", () => {
    it("the limit of one action, proved or not", async () => {
      const { action, outputs, opening } = await proved((nonce) => pay(nonce, MOST + 1n));
      await refuse(
        anyone().executeProved(action, opening, outputs),
        "AgentWallet_OverLimit",
        ZeroAddress,
        MOST + 1n,
        MOST,
      );
    });

    it("the limit of any period, however its actions are spread over it", async () => {
      const run = async (value: bigint) => {
        const { action, outputs, opening } = await proved((nonce) => pay(nonce, value));
        return anyone().executeProved(action, opening, outputs);
      };
      await run(MOST);
      const first = await c.now();
      await c.networkHelpers.time.increase(PERIOD - DAY);
      await run(PER_PERIOD - MOST);
      const { action, outputs, opening } = await proved((nonce) => pay(nonce, 1n));
      await refuse(anyone().executeProved(action, opening, outputs), "AgentWallet_OverPeriod", ZeroAddress, 1n, 0n);
      // The same limits written again forget nothing.
      await wallet.setLimit(ZeroAddress, SMALL, MOST, PER_PERIOD);
      await refuse(anyone().executeProved(action, opening, outputs), "AgentWallet_OverPeriod", ZeroAddress, 1n, 0n);
      // Nor does an action that moves nothing.
      const idle = await attested((nonce) => pay(nonce, 0n));
      await anyone().executeAttested(idle.action, idle.opening, idle.artifacts);
      expect(await wallet.available(ZeroAddress)).to.equal(0n);
      await c.networkHelpers.time.increaseTo(first + BigInt(PERIOD) - 1n);
      expect(await wallet.available(ZeroAddress), "the last second of it").to.equal(0n);
      // The first payment left the window; the second has not.
      await c.networkHelpers.time.increaseTo(first + BigInt(PERIOD));
      expect(await wallet.available(ZeroAddress)).to.equal(MOST);
    });

    it("assets that the owner listed", async () => {
      const bare = await c.ethers.deployContract("AgentWallet", [
        await c.registry.getAddress(),
        c.signers.deployer.address,
        c.signers.operator.address,
        c.model,
        c.pairModel,
        MAX_AGE,
        REST,
        PERIOD,
      ]);
      const fresh = AgentWallet__factory.connect(await bare.getAddress(), c.signers.other);
      await expect(fresh.sizeOf(pay(0n, 0n)))
        .to.be.revertedWithCustomError(fresh, "AgentWallet_NotListed")
        .withArgs(ZeroAddress);
      await expect(fresh.sizeOf(await transfer(0n, 1n))).to.be.revertedWithCustomError(
        fresh,
        "AgentWallet_ForbiddenCall",
      );
    });

    it("the one function of a listed token: no approval opens a way around the limits, even if allowed", async () => {
      const to = await token.getAddress();
      const face = token.interface;
      await wallet.allowCall(to, face.getFunction("approve").selector, true);
      const other = c.signers.other.address;
      const plain = face.encodeFunctionData("transfer", [other, 1n]);
      for (const [data, value] of [
        [face.encodeFunctionData("approve", [other, MaxUint256]), 0n],
        [face.encodeFunctionData("transferFrom", [address, other, 1n]), 0n],
        [concat([plain, "0x00"]), 0n],
        [plain, 1n],
        ["0xa9", 0n],
      ] as const)
        await refuse(wallet.sizeOf({ target: to, value, data, nonce: 0n }), "AgentWallet_ForbiddenCall");
    });

    it("the calls that the owner allowed, and never one to itself", async () => {
      const to = await target.getAddress();
      const poke = target.interface.encodeFunctionData("poke", [5n]);
      await refuse(wallet.sizeOf({ target: to, value: 0n, data: poke, nonce: 0n }), "AgentWallet_ForbiddenCall");
      const stop = wallet.interface.encodeFunctionData("stop");
      await wallet.allowCall(address, stop.slice(0, 10), true);
      await refuse(wallet.sizeOf({ target: address, value: 0n, data: stop, nonce: 0n }), "AgentWallet_ForbiddenCall");
      await wallet.allowCall(to, "0x00000000", true);
      await refuse(wallet.sizeOf({ target: to, value: 0n, data: "0x0000", nonce: 0n }), "AgentWallet_ForbiddenCall");
    });
  });

  describe("is not fooled by whom it pays", () => {
    it("who calls back in with the same receipt, or spends beyond the period with another [R9]", async () => {
      const to = await target.getAddress();
      const first = await attested((nonce) => pay(nonce, SMALL, to));
      const again = wallet.interface.encodeFunctionData("executeAttested", [
        first.action,
        first.opening,
        first.artifacts,
      ]);
      await target.getFunction("callBack")(address, again);
      await anyone().executeAttested(first.action, first.opening, first.artifacts);
      expect([
        await target.getFunction("calls")(),
        await target.getFunction("reentered")(),
        await native(to),
      ]).to.deep.equal([1n, false, SMALL]);
      expect(wallet.interface.parseError(await target.getFunction("answer")())?.name).to.equal(
        "InferenceConsumer_AlreadyUsed",
      );

      await wallet.setLimit(ZeroAddress, SMALL, SMALL, SMALL + 50n);
      const [one, two] = [
        await attested((nonce) => pay(nonce, 30n, to)),
        await attested((nonce) => pay(nonce, 30n, to)),
      ];
      const next = wallet.interface.encodeFunctionData("executeAttested", [two.action, two.opening, two.artifacts]);
      await target.getFunction("callBack")(address, next);
      await anyone().executeAttested(one.action, one.opening, one.artifacts);
      expect(wallet.interface.parseError(await target.getFunction("answer")())?.name).to.equal(
        "AgentWallet_OverPeriod",
      );
      expect(await native(to)).to.equal(SMALL + 30n);
    });

    it("who refuses: nothing is used up, and it can be tried again", async () => {
      const to = await target.getAddress();
      await target.getFunction("setRefuses")(true);
      const { action, artifacts, opening, requestId } = await attested((nonce) => pay(nonce, SMALL, to));
      await expect(anyone().executeAttested(action, opening, artifacts)).to.be.revertedWith("refuses");
      expect(await wallet.isInferenceUsed(requestId)).to.equal(false);
      expect(await wallet.available(ZeroAddress)).to.equal(PER_PERIOD);
      await target.getFunction("setRefuses")(false);
      await anyone().executeAttested(action, opening, artifacts);
    });

    it("a token that says false has not been paid out", async () => {
      const silent = await c.ethers.deployContract("SilentToken");
      await wallet.setLimit(await silent.getAddress(), SMALL, MOST, PER_PERIOD);
      const { action, artifacts, opening, requestId } = await attested(async (nonce) => ({
        ...(await transfer(nonce, 5n)),
        target: await silent.getAddress(),
      }));
      await refuse(anyone().executeAttested(action, opening, artifacts), "SafeERC20FailedOperation");
      expect(await wallet.isInferenceUsed(requestId)).to.equal(false);
    });
  });

  describe("is its owner's", () => {
    it("who stops it at any time: nothing that was asked before is carried out, ever", async () => {
      const { action, artifacts, opening } = await attested((nonce) => pay(nonce, SMALL));
      await wallet.stop();
      await refuse(anyone().executeAttested(action, opening, artifacts), "AgentWallet_IsStopped");
      await refuse(ask(), "AgentWallet_IsStopped");
      await wallet.resume();
      await refuse(anyone().executeAttested(action, opening, artifacts), "AgentWallet_NotOpen", action.nonce);
      const next = await attested((nonce) => pay(nonce, SMALL));
      await anyone().executeAttested(next.action, next.opening, next.artifacts);
    });

    it("who withdraws everything, stopped or not [R8]", async () => {
      await wallet.stop();
      await wallet.withdraw(ZeroAddress, payee, 10_000n);
      await wallet.withdraw(await token.getAddress(), payee, 10_000n);
      expect([await native(payee), await token.balanceOf(payee)]).to.deep.equal([10_000n, 10_000n]);
    });

    it("who voids one request", async () => {
      const { action, artifacts, opening } = await attested((nonce) => pay(nonce, SMALL));
      await wallet.cancel(action.nonce);
      await refuse(anyone().executeAttested(action, opening, artifacts), "AgentWallet_NotOpen", action.nonce);
      await refuse(wallet.cancel(action.nonce), "AgentWallet_NotOpen", action.nonce);
    });

    it("and nobody else's: the agent asks, and everybody else does not even that [R11]", async () => {
      const { other, operator: agent } = c.signers;
      await refuse(anyone().ask(0n, QUESTION), "AgentWallet_NotAllowed", other.address);
      for (const by of [wallet.connect(agent), anyone()]) {
        const caller = by.runner === agent ? agent.address : other.address;
        for (const attempt of [
          () => by.withdraw(ZeroAddress, caller, 1n),
          () => by.stop(),
          () => by.resume(),
          () => by.cancel(0n),
          () => by.setLimit(ZeroAddress, 1n, 1n, 1n),
          () => by.allowCall(payee, "0x12345678", true),
        ])
          await refuse(attempt(), "AgentWallet_NotAllowed", caller);
      }
    });
  });

  it("opens requests by the number that the question names, so that two who ask do not mix them up", async () => {
    await ask();
    await refuse(wallet.ask(0n, QUESTION), "AgentWallet_WrongNonce", 1n, 0n);
  });

  it("refuses limits out of order and terms that would never or always act", async () => {
    await refuse(wallet.setLimit(ZeroAddress, 2n, 1n, 5n), "AgentWallet_BadLimit", 2n, 1n, 5n);
    await refuse(wallet.setLimit(ZeroAddress, 1n, 6n, 5n), "AgentWallet_BadLimit", 1n, 6n, 5n);
    const good = [await c.registry.getAddress(), payee, payee, c.model, c.pairModel, MAX_AGE, REST, PERIOD];
    for (const [place, value] of [
      [1, ZeroAddress],
      [5, 0],
      [5, 31 * DAY],
      [6, MAX_AGE],
      [7, 0],
    ] as const) {
      const terms = good.map((term, i) => (i === place ? value : term));
      await refuse(c.ethers.deployContract("AgentWallet", terms), "AgentWallet_BadTerms");
    }
  });
});
