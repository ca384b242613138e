import { expect } from "chai";
import { Interface, ZeroAddress } from "ethers";
import { deployToken, domainOf, inOrder, sign, SUPPLY, type Authorization } from "./support.ts";

const TRANSFER =
  "transferWithAuthorization(address,address,uint256,uint256,uint256,bytes32,uint8,bytes32,bytes32)" as const;
const TRANSFER_BYTES = "transferWithAuthorization(address,address,uint256,uint256,uint256,bytes32,bytes)" as const;
const RECEIVE =
  "receiveWithAuthorization(address,address,uint256,uint256,uint256,bytes32,uint8,bytes32,bytes32)" as const;
const RECEIVE_BYTES = "receiveWithAuthorization(address,address,uint256,uint256,uint256,bytes32,bytes)" as const;
const CANCEL = "cancelAuthorization(address,bytes32,uint8,bytes32,bytes32)" as const;
const CANCEL_BYTES = "cancelAuthorization(address,bytes32,bytes)" as const;

/** As `parseEip3009TransferError` of @x402/evm 2.27.0 tells reasons apart, in its order. */
function x402Reason(message: string): string {
  if (/authorization.*(expired|valid before)/i.test(message)) return "valid_before";
  if (/authorization.*not.*valid/i.test(message)) return "valid_after";
  if (/authorization.*used/i.test(message)) return "nonce_used";
  if (/transfer.*exceeds.*balance|insufficient.*balance/i.test(message)) return "insufficient_balance";
  if (/invalid.*signature/i.test(message)) return "signature";
  return "transaction_failed";
}

/** The string that a call reverts with, read from its data as a client without our ABI does. */
async function revertString(call: Promise<unknown>): Promise<string> {
  const failure = await call.then(
    () => undefined,
    (problem: { data?: string }) => problem,
  );
  if (failure?.data === undefined) throw new Error("The call went through or failed without data.");
  return String(new Interface(["error Error(string)"]).decodeErrorResult("Error", failure.data)[0]);
}

describe("OPGToken", () => {
  it("has a fixed supply in the hands of who the constructor names, and nobody to mint more", async () => {
    const { ethers, token, holder, payer } = await deployToken();
    expect(await token.totalSupply()).to.equal(SUPPLY);
    expect(await token.SUPPLY()).to.equal(SUPPLY);
    expect((await token.balanceOf(holder)) + (await token.balanceOf(payer))).to.equal(SUPPLY);
    const writes = token.interface.fragments
      .filter((part) => part.type === "function" && "constant" in part && !part.constant)
      .map((part) => ("name" in part ? part.name : ""));
    expect([...new Set(writes)].sort()).to.deep.equal([
      "approve",
      "cancelAuthorization",
      "delegate",
      "delegateBySig",
      "permit",
      "receiveWithAuthorization",
      "transfer",
      "transferFrom",
      "transferWithAuthorization",
    ]);
    for (const amounts of [[SUPPLY - 1n], [SUPPLY + 1n]])
      await expect(ethers.deployContract("OPGToken", [[holder.address], amounts]))
        .to.be.revertedWithCustomError(token, "OPGToken_WrongAllocation")
        .withArgs(amounts[0]);
    await expect(ethers.deployContract("OPGToken", [[holder.address], []]))
      .to.be.revertedWithCustomError(token, "OPGToken_WrongAllocation")
      .withArgs(0);
  });

  it("tells its EIP-712 domain as x402 offers carry it in `extra`", async () => {
    const { token } = await deployToken();
    const { name, version, chainId, verifyingContract } = await domainOf(token);
    const domain = await token.eip712Domain();
    expect([domain.name, domain.version, domain.chainId, domain.verifyingContract]).to.deep.equal([
      name,
      version,
      chainId,
      verifyingContract,
    ]);
    expect([await token.name(), await token.version()]).to.deep.equal([name, version]);
  });

  for (const overload of [TRANSFER, TRANSFER_BYTES] as const)
    it(`moves what was signed, whoever sends it, once: ${overload.length > 90 ? "split" : "bytes"} signature [FM:x402]`, async () => {
      const { token, payer, payee, other, authorization } = await deployToken();
      const message = await authorization();
      const { v, r, s, serialized } = await sign(token, payer, "TransferWithAuthorization", message);
      const send = () =>
        overload === TRANSFER
          ? token.connect(other)[TRANSFER](...inOrder(message), v, r, s)
          : token.connect(other)[TRANSFER_BYTES](...inOrder(message), serialized);
      const sent = send();
      await expect(sent).to.emit(token, "AuthorizationUsed").withArgs(payer.address, message.nonce);
      await expect(sent).to.emit(token, "Transfer").withArgs(payer.address, payee.address, 10n);
      expect(await token.authorizationState(payer, message.nonce)).to.equal(true);
      expect(x402Reason(await revertString(send()))).to.equal("nonce_used");
      expect(await token.balanceOf(payee)).to.equal(10n);
    });

  it("gives the reasons that standard x402 clients tell apart [FM:x402]", async () => {
    const { token, payer, other, authorization, networkHelpers } = await deployToken();
    const now = BigInt(await networkHelpers.time.latest());
    const cases: [string, Partial<Authorization>][] = [
      ["valid_before", { validBefore: now }],
      ["valid_after", { validAfter: now + 500n }],
      ["insufficient_balance", { value: 1_001n }],
    ];
    for (const [reason, over] of cases) {
      const message = await authorization(over);
      const { v, r, s } = await sign(token, payer, "TransferWithAuthorization", message);
      const text = await revertString(token[TRANSFER].staticCall(...inOrder(message), v, r, s));
      expect(x402Reason(text), text).to.equal(reason);
    }
    const message = await authorization();
    const foreign = await sign(token, other, "TransferWithAuthorization", message);
    for (const call of [
      token[TRANSFER].staticCall(...inOrder(message), foreign.v, foreign.r, foreign.s),
      token[TRANSFER_BYTES].staticCall(...inOrder(message), foreign.serialized),
      token[TRANSFER_BYTES].staticCall(...inOrder(message), "0x"),
      // What recovers to nobody is not the zero address's signature.
      token[TRANSFER_BYTES].staticCall(...inOrder({ ...message, from: ZeroAddress, value: 0n }), "0x"),
    ])
      expect(x402Reason(await revertString(call))).to.equal("signature");
  });

  for (const overload of [RECEIVE, RECEIVE_BYTES] as const)
    it(`lets the payee alone receive: ${overload.length > 90 ? "split" : "bytes"} signature`, async () => {
      const { token, payer, payee, other, authorization } = await deployToken();
      const message = await authorization();
      const { v, r, s, serialized } = await sign(token, payer, "ReceiveWithAuthorization", message);
      const send = (by: typeof payee) =>
        overload === RECEIVE
          ? token.connect(by)[RECEIVE](...inOrder(message), v, r, s)
          : token.connect(by)[RECEIVE_BYTES](...inOrder(message), serialized);
      expect(await revertString(send(other))).to.equal("EIP3009: caller must be the payee");
      // Signed to be received, it cannot be sent by others as a transfer either.
      expect(await revertString(token[TRANSFER].staticCall(...inOrder(message), v, r, s))).to.equal(
        "EIP3009: invalid signature",
      );
      await expect(send(payee)).to.emit(token, "Transfer").withArgs(payer.address, payee.address, 10n);
    });

  for (const overload of [CANCEL, CANCEL_BYTES] as const)
    it(`cancels what was not used yet: ${overload.length > 50 ? "split" : "bytes"} signature`, async () => {
      const { token, payer, other, authorization } = await deployToken();
      const message = await authorization();
      const transfer = await sign(token, payer, "TransferWithAuthorization", message);
      const cancel = async (by: typeof payer) => {
        const { v, r, s, serialized } = await sign(token, by, "CancelAuthorization", {
          authorizer: payer.address,
          nonce: message.nonce,
        });
        return overload === CANCEL
          ? token[CANCEL](payer.address, message.nonce, v, r, s)
          : token[CANCEL_BYTES](payer.address, message.nonce, serialized);
      };
      expect(await revertString(cancel(other))).to.equal("EIP3009: invalid signature");
      await expect(cancel(payer)).to.emit(token, "AuthorizationCanceled").withArgs(payer.address, message.nonce);
      const late = token[TRANSFER_BYTES].staticCall(...inOrder(message), transfer.serialized);
      expect(await revertString(late)).to.equal("EIP3009: authorization is used or canceled");
      expect(await revertString(cancel(payer))).to.equal("EIP3009: authorization is used or canceled");
    });

  it("goes on taking the key's signature from an account that has code by EIP-7702", async () => {
    const { token, payer, payee, networkHelpers, authorization } = await deployToken();
    const message = await authorization();
    const { serialized } = await sign(token, payer, "TransferWithAuthorization", message);
    await networkHelpers.setCode(payer.address, "0xef0100" + (await token.getAddress()).slice(2));
    await token[TRANSFER_BYTES](...inOrder(message), serialized);
    expect(await token.balanceOf(payee)).to.equal(10n);
  });

  it("takes a permit once and before its deadline", async () => {
    const { token, payer, other, networkHelpers } = await deployToken();
    const deadline = BigInt(await networkHelpers.time.latest()) + 100n;
    const permit = { owner: payer.address, spender: other.address, value: 7n, nonce: 0n, deadline };
    const types = {
      Permit: ["address owner", "address spender", "uint256 value", "uint256 nonce", "uint256 deadline"].map((part) => {
        const [type, name] = part.split(" ");
        return { type: type!, name: name! };
      }),
    };
    const signature = await payer.signTypedData(await domainOf(token), types, permit);
    const [r, s, v] = [signature.slice(0, 66), "0x" + signature.slice(66, 130), Number("0x" + signature.slice(130))];
    const use = () => token.permit(payer.address, other.address, 7n, deadline, v, r, s);
    await use();
    expect(await token.allowance(payer, other)).to.equal(7n);
    await expect(use()).to.be.revertedWithCustomError(token, "ERC2612InvalidSigner");
    await networkHelpers.time.increaseTo(deadline + 1n);
    await expect(use()).to.be.revertedWithCustomError(token, "ERC2612ExpiredSignature");
  });

  it("counts delegated votes on a clock of seconds", async () => {
    const { token, payer, other, networkHelpers } = await deployToken();
    expect(await token.CLOCK_MODE()).to.equal("mode=timestamp");
    await token.connect(payer).delegate(other.address);
    const then = await networkHelpers.time.latest();
    await networkHelpers.time.increase(10);
    await token.connect(payer).transfer(other.address, 400n);
    expect(await token.clock()).to.equal(await networkHelpers.time.latest());
    expect(await token.getVotes(other)).to.equal(600n);
    await networkHelpers.time.increase(1);
    expect(await token.getPastVotes(other, then)).to.equal(1_000n);
    expect(await token.getPastTotalSupply(then)).to.equal(SUPPLY);
  });
});

describe("OPGVotes", () => {
  it("wraps a plain ERC-20 one for one, votes with it and gives it back", async () => {
    const { ethers, networkHelpers, holder, other } = await deployToken();
    const plain = await ethers.deployContract("DevelopmentToken", ["Plain", "PLAIN"]);
    const votes = await ethers.deployContract("OPGVotes", [await plain.getAddress()]);
    await plain.approve(await votes.getAddress(), 500n);
    await votes.depositFor(other.address, 500n);
    await votes.connect(other).getFunction("delegate")(other.address);
    const then = await networkHelpers.time.latest();
    await networkHelpers.time.increase(5);
    expect([await votes.decimals(), await votes.totalSupply()]).to.deep.equal([18n, 500n]);
    expect(await votes.getPastVotes(other.address, then)).to.equal(500n);
    await votes.connect(other).getFunction("withdrawTo")(holder.address, 500n);
    expect([await votes.totalSupply(), await votes.getVotes(other.address)]).to.deep.equal([0n, 0n]);
    expect(await plain.balanceOf(await votes.getAddress())).to.equal(0n);
    await expect(votes.connect(other).getFunction("withdrawTo")(holder.address, 1n)).to.be.revertedWithCustomError(
      votes,
      "ERC20InsufficientBalance",
    );
  });
});
