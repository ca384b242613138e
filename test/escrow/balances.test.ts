import { expect } from "chai";
import { id, keccak256, MaxUint256, Signature, ZeroAddress } from "ethers";
import { sign } from "../opg/support.ts";
import { InferenceEscrow__factory } from "../../typechain/index.ts";
import { coder } from "../support/protocol.ts";
import { FEE, THAW, useEscrow, walletOf, type EscrowWorld } from "./support.ts";

describe("InferenceEscrow: balances", () => {
  const world = useEscrow();
  const payer = walletOf("payer").address;
  const balanceOf = async (w: EscrowWorld, of: string) => (await w.escrow.account(of, w.nodeId)).balance;

  it("takes a deposit for anyone from anyone, and says the new balance", async () => {
    const w = world();
    await w.fund(payer, 5n);
    await w.token.approve(await w.escrow.getAddress(), 7n);
    await expect(w.escrow.connect(w.holder).deposit(payer, w.nodeId, 7n))
      .to.emit(w.escrow, "Deposited")
      .withArgs(payer, w.nodeId, w.holder.address, 7n, 12n);
    expect(await w.token.balanceOf(await w.escrow.getAddress())).to.equal(12n);
  });

  it("refuses at the door what could never be collected or withdrawn", async () => {
    const w = world();
    const unknown = "0x" + "00".repeat(31) + "63";
    await expect(w.escrow.deposit(payer, unknown, 1n))
      .to.be.revertedWithCustomError(w.escrow, "InferenceEscrow_UnknownNode")
      .withArgs(unknown);
    await expect(w.escrow.deposit(payer, w.nodeId, 0n)).to.be.revertedWithCustomError(
      w.escrow,
      "InferenceEscrow_ZeroAmount",
    );
    await expect(w.escrow.deposit(ZeroAddress, w.nodeId, 1n)).to.be.revertedWithCustomError(
      w.escrow,
      "InferenceEscrow_ZeroPayer",
    );
  });

  it("takes a permit of the caller, and one that was used before it just the same", async () => {
    const w = world();
    const domain = {
      name: "OpenGradient",
      version: "1",
      chainId: 31337n,
      verifyingContract: await w.token.getAddress(),
    };
    const types = {
      Permit: ["owner", "spender"]
        .map((name) => ({ name, type: "address" }))
        .concat(["value", "nonce", "deadline"].map((name) => ({ name, type: "uint256" }))),
    };
    const spender = await w.escrow.getAddress();
    const permit = async (nonce: bigint) => {
      const message = { owner: w.holder.address, spender, value: 9n, nonce, deadline: MaxUint256 };
      return Signature.from(await w.holder.signTypedData(domain, types, message));
    };
    const escrow = w.escrow.connect(w.holder);
    let { v, r, s } = await permit(0n);
    await escrow.depositWithPermit(payer, w.nodeId, 9n, MaxUint256, v, r, s);
    ({ v, r, s } = await permit(1n));
    await w.token.permit(w.holder.address, spender, 9n, MaxUint256, v, r, s);
    await escrow.depositWithPermit(payer, w.nodeId, 9n, MaxUint256, v, r, s);
    expect(await balanceOf(w, payer)).to.equal(18n);
    // Without a permit that is good and without an allowance there is no deposit.
    await expect(escrow.depositWithPermit(payer, w.nodeId, 9n, MaxUint256, v, r, s)).to.be.revertedWithCustomError(
      w.token,
      "ERC20InsufficientAllowance",
    );
  });

  it("takes a signed transfer that anyone relays and nobody can direct elsewhere [R1]", async () => {
    const w = world();
    const salt = id("salt");
    const nonce = keccak256(coder.encode(["address", "bytes32", "bytes32"], [payer, w.nodeId, salt]));
    expect(await w.escrow.authorizationNonce(payer, w.nodeId, salt)).to.equal(nonce);
    const to = await w.escrow.getAddress();
    const message = { from: w.holder.address, to, value: 11n, validAfter: 0n, validBefore: MaxUint256, nonce };
    const { serialized } = await sign(w.token, w.holder, "ReceiveWithAuthorization", message);
    const send = (over: { payer?: string; nodeId?: string; amount?: bigint; salt?: string }) =>
      w.escrow.depositWithAuthorization(
        w.holder.address,
        over.payer ?? payer,
        over.nodeId ?? w.nodeId,
        over.amount ?? 11n,
        0n,
        MaxUint256,
        over.salt ?? salt,
        serialized,
      );
    const second = await w.registerNode();
    for (const other of [
      { payer: w.signers.other.address },
      { nodeId: second },
      { amount: 10n },
      { salt: id("other") },
    ])
      await expect(send(other)).to.be.revertedWith("EIP3009: invalid signature");
    await expect(send({})).to.emit(w.escrow, "Deposited").withArgs(payer, w.nodeId, w.holder.address, 11n, 11n);
    await expect(send({})).to.be.revertedWith("EIP3009: authorization is used or canceled");
  });

  it("pays back what is asked back after 14 days to the second, and no earlier [R7]", async () => {
    const w = world();
    const { other } = w.signers;
    await w.fund(other.address, 100n);
    const asked = await w.escrow.thaw(w.nodeId, 60n);
    const readyAt = BigInt((await asked.getBlock())!.timestamp) + THAW;
    await expect(asked).to.emit(w.escrow, "Thawing").withArgs(other.address, w.nodeId, 60n, readyAt);
    expect(await w.escrow.account(other.address, w.nodeId)).to.deep.equal([100n, 60n, readyAt]);
    await w.at(readyAt - 1n);
    await expect(w.escrow.withdraw(w.nodeId))
      .to.be.revertedWithCustomError(w.escrow, "InferenceEscrow_StillThawing")
      .withArgs(readyAt);
    await w.at(readyAt);
    await expect(w.escrow.withdraw(w.nodeId))
      .to.emit(w.escrow, "Withdrawn")
      .withArgs(other.address, w.nodeId, 60n, 40n);
    expect(await w.token.balanceOf(other.address)).to.equal(60n);
    await expect(w.escrow.withdraw(w.nodeId)).to.be.revertedWithCustomError(
      w.escrow,
      "InferenceEscrow_NothingToWithdraw",
    );
  });

  it("lets a new request replace the one before, its time included, and nobody ask back more than there is", async () => {
    const w = world();
    const { other } = w.signers;
    await w.fund(other.address, 100n);
    await w.escrow.thaw(w.nodeId, 60n);
    await w.goTo((await w.now()) + THAW - 10n);
    await w.escrow.thaw(w.nodeId, 100n);
    await w.goTo((await w.now()) + 20n);
    await expect(w.escrow.withdraw(w.nodeId)).to.be.revertedWithCustomError(w.escrow, "InferenceEscrow_StillThawing");
    await expect(w.escrow.thaw(w.nodeId, 101n))
      .to.be.revertedWithCustomError(w.escrow, "InferenceEscrow_InsufficientBalance")
      .withArgs(100n, 101n);
    await w.escrow.thaw(w.nodeId, 0n);
    await w.goTo((await w.now()) + THAW);
    await expect(w.escrow.withdraw(w.nodeId)).to.be.revertedWithCustomError(
      w.escrow,
      "InferenceEscrow_NothingToWithdraw",
    );
  });

  it("never counts a later deposit to what was asked back before it", async () => {
    const w = world();
    const { other } = w.signers;
    await w.fund(other.address, FEE);
    await w.escrow.thaw(w.nodeId, FEE);
    const c = w.channel(other.address, { signer: walletOf("signer").address });
    await w.escrow.openChannel(c, FEE, 2n ** 40n - 1n);
    const r = await w.answer(c, 1n);
    await w.escrow.collect(await w.settle([r]), w.nodeId, w.modelId, w.claim(c, r, walletOf("signer")), []);
    expect(await w.escrow.account(other.address, w.nodeId)).to.deep.equal([
      0n,
      0n,
      (await w.escrow.account(other.address, w.nodeId)).readyAt,
    ]);
    await w.fund(other.address, FEE);
    await w.goTo((await w.now()) + THAW);
    await expect(w.escrow.withdraw(w.nodeId)).to.be.revertedWithCustomError(
      w.escrow,
      "InferenceEscrow_NothingToWithdraw",
    );
  });

  describe("with a token that does not do as told", () => {
    async function hostile(w: EscrowWorld, splitterName = "PlainSplitter") {
      const token = await w.ethers.deployContract("HostileToken", [10n ** 30n]);
      const splitter = await w.ethers.deployContract(splitterName, [await token.getAddress()]);
      const made = await w.ethers.deployContract("InferenceEscrow", [
        await token.getAddress(),
        await w.registry.getAddress(),
        await w.nodes.getAddress(),
        await splitter.getAddress(),
      ]);
      const escrow = InferenceEscrow__factory.connect(await made.getAddress(), w.holder);
      await token.getFunction("approve")(await escrow.getAddress(), MaxUint256);
      return { token, escrow };
    }

    it("refuses one that keeps a fee, and one that says false and does nothing", async () => {
      const w = world();
      const { token, escrow } = await hostile(w);
      await token.getFunction("behave")(true, false);
      await expect(escrow.deposit(payer, w.nodeId, 1_000n))
        .to.be.revertedWithCustomError(escrow, "InferenceEscrow_TokenTookFee")
        .withArgs(1_000n, 990n);
      await token.getFunction("behave")(false, true);
      await expect(escrow.deposit(payer, w.nodeId, 1_000n)).to.be.revertedWithCustomError(
        escrow,
        "SafeERC20FailedOperation",
      );
    });

    it("refuses more than it can keep account of, donations included", async () => {
      const w = world();
      const { token, escrow } = await hostile(w);
      await token.getFunction("transfer")(await escrow.getAddress(), 2n ** 90n - 1n);
      await expect(escrow.deposit(payer, w.nodeId, 1n))
        .to.be.revertedWithCustomError(escrow, "InferenceEscrow_TooMuch")
        .withArgs(2n ** 90n);
      expect((await escrow.account(payer, w.nodeId)).balance).to.equal(0n);
    });

    it("lets it call back into nothing that moves the token", async () => {
      const w = world();
      const { token, escrow } = await hostile(w);
      const face = escrow.interface;
      const guarded = face.getError("ReentrancyGuardReentrantCall")!.selector;
      for (const data of [
        face.encodeFunctionData("deposit", [payer, w.nodeId, 1n]),
        face.encodeFunctionData("withdraw", [w.nodeId]),
        face.encodeFunctionData("forward", [w.nodeId, w.modelId, ZeroAddress, 1n]),
      ]) {
        await token.getFunction("callBack")(await escrow.getAddress(), data);
        await escrow.deposit(payer, w.nodeId, 10n);
        expect(await token.getFunction("answer")()).to.equal(guarded);
      }
      expect((await escrow.account(payer, w.nodeId)).balance).to.equal(30n);
    });
  });

  it("cannot be deployed over contracts that are not there", async () => {
    const w = world();
    const good = await Promise.all([w.token, w.registry, w.nodes, w.splitter].map((each) => each.getAddress()));
    for (let i = 0; i < 4; i++)
      await expect(w.ethers.deployContract("InferenceEscrow", good.with(i, ZeroAddress))).to.be.revertedWithCustomError(
        w.escrow,
        "InferenceEscrow_ZeroAddress",
      );
  });

  it("has no function that only somebody special may call [R8]", async () => {
    const w = world();
    const names = w.escrow.interface.fragments
      .filter((part) => part.type === "function" && "constant" in part && !part.constant)
      .map((part) => ("name" in part ? part.name : ""));
    expect(names.sort()).to.deep.equal([
      "approveReserver",
      "collect",
      "collectBatch",
      "collectReserved",
      "deposit",
      "depositWithAuthorization",
      "depositWithPermit",
      "forward",
      "openChannel",
      "openChannelBySignature",
      "release",
      "reserve",
      "returnOwnReservation",
      "returnReservation",
      "thaw",
      "withdraw",
      "withdrawSigner",
    ]);
  });
});
