import { expect } from "chai";
import { keccak256, parseEther, ZeroHash } from "ethers";
import { coder } from "../support/protocol.ts";
import { FEE, THAW, useEscrow, walletOf, type EscrowWorld } from "./support.ts";

/** What a node cannot prevent today. Each test states a limit of the escrow: whoever lifts it turns the test around. */
describe("InferenceEscrow: limits of what a node can count on", () => {
  const world = useEscrow();
  const DAY = 86_400n;

  /** A payer with a balance of one fee, and a settled answer that it signed a voucher for. */
  async function served(w: EscrowWorld) {
    const key = walletOf("payer").connect(w.ethers.provider);
    await w.networkHelpers.setBalance(key.address, parseEther("1"));
    await w.fund(key.address, FEE);
    const channel = w.channel(key.address);
    const answer = await w.answer(channel, 1n);
    const batch = await w.settle([answer]);
    const noProof: string[] = [];
    const args = [batch, w.nodeId, w.modelId, w.claim(channel, answer, key), noProof] as const;
    return { key, escrow: w.escrow.connect(key), args };
  }

  it("a payer takes what a node has earned out of its reach by reserving it, again and again, without any notice", async () => {
    const w = world();
    const { key, escrow, args } = await served(w);
    expect((await w.escrow.collectable(...args)).amount).to.equal(FEE);
    for (let counter = 1n; counter < 4n; counter++) {
      const terms = { payer: key.address, amount: FEE, nodeId: w.nodeId, modelId: w.modelId, inputHash: ZeroHash };
      await escrow.reserve(counter, { ...terms, modeMask: 1, expiry: (await w.now()) + 660n });
      await expect(w.escrow.collect(...args)).to.be.revertedWithCustomError(w.escrow, "InferenceEscrow_Refused");
      await w.networkHelpers.time.increase(THAW + DAY);
      const request = keccak256(coder.encode(["uint256", "address", "uint256"], [31337n, key.address, counter]));
      // Anyone may return it, so a node can be first; the payer can do both in one transaction.
      await escrow.returnReservation(request);
    }
    // What saves the node: nothing of it can be thawing meanwhile.
    await expect(escrow.withdraw(w.nodeId)).to.be.revertedWithCustomError(
      w.escrow,
      "InferenceEscrow_NothingToWithdraw",
    );
    expect((await w.escrow.collectable(...args)).amount).to.equal(FEE);
  });

  it("two freezes, one after the other, outlast the thaw: a payer withdraws what a settled answer cost", async () => {
    const w = world();
    const { key, escrow, args } = await served(w);
    await escrow.thaw(w.nodeId, FEE);
    await w.freeze(w.nodes, w.keyId);
    await w.networkHelpers.time.increase(10n * DAY - 60n);
    await w.freeze(w.models, w.modelId);
    await w.networkHelpers.time.increase(4n * DAY + 120n);
    expect((await w.escrow.collectable(...args)).amount).to.equal(0n);
    await escrow.withdraw(w.nodeId);
    expect(await w.token.balanceOf(key.address)).to.equal(FEE);
  });

  it("a node takes the settler's share from whoever brought its batch: the receipts settle again, under another settler", async () => {
    const w = world();
    const key = walletOf("payer");
    await w.fund(key.address, FEE);
    const channel = w.channel(key.address);
    const answer = await w.answer(channel, 1n);
    const relayer = w.signers.other.address;
    await w.settle([answer], { settler: relayer });
    const again = await w.settle([answer], { settler: w.stranger.address });
    await w.escrow.collectBatch([
      { batch: again, nodeId: w.nodeId, modelId: w.modelId, claims: [w.claim(channel, answer, key)], proof: [] },
    ]);
    expect(await w.feesOf(relayer, await w.now())).to.equal(0n);
    expect(await w.feesOf(w.stranger.address, await w.now())).to.equal(FEE);
  });
});
