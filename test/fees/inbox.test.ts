import { expect } from "chai";
import { id, toBeHex, ZeroAddress, ZeroHash } from "ethers";
import { inOrder as authorizationInOrder, sign } from "../opg/support.ts";
import { FIRST, OPG, EPOCH, useFees, type Fees } from "./support.ts";

const FEE = 10n * OPG;

describe("FeeInbox", () => {
  const fees = useFees();
  const addressOf = (f: Fees, nodeId = f.nodeId, modelId = f.modelId) => f.inboxes.inboxOf(nodeId, modelId);

  it("takes tokens before it has code; who sweeps first creates it and is the settler", async () => {
    const f = fees();
    const { settler } = f.people;
    const inbox = await addressOf(f);
    await f.token.transfer(inbox, FEE);
    expect(await f.ethers.provider.getCode(inbox)).to.equal("0x");
    expect(await f.inboxes.sweep.staticCall(f.nodeId, f.modelId)).to.equal(FEE);
    const sent = await f.inboxes.sweep(f.nodeId, f.modelId);
    await expect(sent).to.emit(f.inboxes, "InboxCreated").withArgs(f.nodeId, f.modelId, inbox);
    await expect(sent).to.emit(f.inboxAt(inbox), "Swept").withArgs(settler.address, FEE);
    const shares = [8n * OPG, OPG, OPG / 2n, (OPG * 4n) / 10n, OPG / 10n];
    await expect(sent)
      .to.emit(f.splitter, "FeesPaid")
      .withArgs(f.nodeId, f.modelId, settler.address, inbox, FIRST, FEE, shares);
    expect(await f.token.balanceOf(inbox)).to.equal(0n);
    expect(await f.splitter.credit(f.signers.operator)).to.equal(8n * OPG);
    expect(await f.splitter.credit(settler)).to.equal(OPG / 10n);
  });

  it("is swept again and again, each time of what arrived since", async () => {
    const f = fees();
    const inbox = await addressOf(f);
    for (const amount of [FEE, 1n, FEE / 2n]) {
      await f.token.transfer(inbox, amount);
      await expect(f.inboxes.sweep(f.nodeId, f.modelId))
        .to.emit(f.inboxAt(inbox), "Swept")
        .withArgs(f.people.settler.address, amount);
    }
    expect(await f.token.allowance(inbox, f.splitter)).to.equal(0n);
    expect(await f.splitter.credit(f.signers.operator)).to.equal(12n * OPG + 1n);
  });

  it("says clearly that there is nothing to sweep", async () => {
    const f = fees();
    const inbox = f.inboxAt(await addressOf(f));
    await expect(f.inboxes.sweep(f.nodeId, f.modelId)).to.be.revertedWithCustomError(inbox, "FeeInbox_NothingToSweep");
    await f.inboxes.create(f.nodeId, f.modelId);
    await expect(inbox.sweep(ZeroAddress)).to.be.revertedWithCustomError(inbox, "FeeInbox_NothingToSweep");
  });

  it("is swept directly too, for a settler that the sweeper names, or for none", async () => {
    const f = fees();
    const inbox = f.inboxAt(await f.inboxes.create.staticCall(f.nodeId, f.modelId));
    await f.inboxes.create(f.nodeId, f.modelId);
    await f.token.transfer(inbox, FEE);
    await inbox.connect(f.signers.other).sweep(f.signers.other);
    expect(await f.splitter.credit(f.signers.other)).to.equal(OPG / 10n);
    await f.token.transfer(inbox, FEE);
    await inbox.sweep(ZeroAddress);
    expect(await f.splitter.credit(f.signers.operator)).to.equal((161n * OPG) / 10n);
  });

  it("is created once, at the address that was known before, and names what it pays", async () => {
    const f = fees();
    const inbox = await addressOf(f);
    await expect(f.inboxes.create(f.nodeId, f.modelId)).to.emit(f.inboxes, "InboxCreated");
    await expect(f.inboxes.create(f.nodeId, f.modelId)).not.to.emit(f.inboxes, "InboxCreated");
    expect(await f.inboxes.create.staticCall(f.nodeId, f.modelId)).to.equal(inbox);
    expect(await f.inboxAt(inbox).pays()).to.deep.equal([f.nodeId, f.modelId]);
    const others = [
      await addressOf(f, toBeHex(2, 32)),
      await addressOf(f, f.nodeId, f.vanillaModelId),
      await addressOf(f, f.modelId, f.nodeId),
    ];
    expect(new Set([inbox, ...others]).size).to.equal(4);
  });

  it("pays at the rates of the epoch it is swept in", async () => {
    const f = fees();
    const inbox = await addressOf(f);
    await f.token.transfer(inbox, FEE);
    await f.announce({ node: 9_000n, model: 1_000n, stakers: 0n, treasury: 0n, settler: 0n });
    await f.goTo((FIRST + 1n) * EPOCH);
    await f.inboxes.sweep(f.nodeId, f.modelId);
    expect(await f.splitter.credit(f.signers.operator)).to.equal(9n * OPG);
  });

  it("takes what an x402 client pays with an EIP-3009 signature alone", async () => {
    const f = fees();
    const { payer } = f.people;
    const authorization = {
      from: payer.address,
      to: await addressOf(f),
      value: FEE,
      validAfter: 0n,
      validBefore: (await f.now()) + 600n,
      nonce: id("payment"),
    };
    const { serialized } = await sign(f.token, payer, "TransferWithAuthorization", authorization);
    const { "transferWithAuthorization(address,address,uint256,uint256,uint256,bytes32,bytes)": send } =
      f.token.connect(f.signers.other);
    await send(...authorizationInOrder(authorization), serialized);
    await f.inboxes.sweep(f.nodeId, f.modelId);
    expect(await f.splitter.credit(f.signers.operator)).to.equal(8n * OPG);
  });

  it("knows no other token: what is sent of one stays, and is no obstacle", async () => {
    const f = fees();
    const inbox = await addressOf(f);
    const { hostile } = await f.overHostileToken();
    await hostile.transfer(inbox, 5n);
    await expect(f.inboxes.sweep(f.nodeId, f.modelId)).to.be.revertedWithCustomError(
      f.inboxAt(inbox),
      "FeeInbox_NothingToSweep",
    );
    await f.token.transfer(inbox, FEE);
    await f.inboxes.sweep(f.nodeId, f.modelId);
    expect([await hostile.balanceOf(inbox), await f.token.balanceOf(inbox)]).to.deep.equal([5n, 0n]);
  });

  it("keeps what was sent for a node or a version that does not exist, until it does", async () => {
    const f = fees();
    const next = toBeHex((await f.nodes.nodeCount()) + 1n, 32);
    const inbox = await addressOf(f, next);
    await f.token.transfer(inbox, FEE);
    await expect(f.inboxes.sweep(next, f.modelId))
      .to.be.revertedWithCustomError(f.splitter, "FeeSplitter_UnknownNode")
      .withArgs(next);
    expect(await f.token.balanceOf(inbox)).to.equal(FEE);
    expect(await f.registerNode(f.signers.other)).to.equal(next);
    await f.inboxes.sweep(next, f.modelId);
    expect(await f.splitter.credit(f.signers.other)).to.equal(8n * OPG);
    await f.token.transfer(await addressOf(f, f.nodeId, ZeroHash), FEE);
    await expect(f.inboxes.sweep(f.nodeId, ZeroHash)).to.be.revertedWithCustomError(
      f.splitter,
      "FeeSplitter_UnknownModel",
    );
  });

  it("leaves to nobody what is sent to the code that inboxes share", async () => {
    const f = fees();
    const shared = f.inboxAt(await f.inboxes.implementation());
    await f.token.transfer(shared, FEE);
    await expect(shared.sweep(f.people.settler)).to.be.revertedWithCustomError(f.splitter, "FeeSplitter_UnknownNode");
  });

  it("cannot be swept twice by a token that calls back", async () => {
    const f = fees();
    const { hostile, splitter } = await f.overHostileToken();
    const made = await f.ethers.deployContract("FeeInboxes", [await splitter.getAddress()]);
    const inboxes = f.inboxes.attach(await made.getAddress()) as Fees["inboxes"];
    const inbox = f.inboxAt(await inboxes.inboxOf(f.nodeId, f.modelId));
    await inboxes.create(f.nodeId, f.modelId);
    await hostile.transfer(inbox, FEE);
    await hostile.callOnTransfer(inbox, inbox.interface.encodeFunctionData("sweep", [f.signers.other.address]));
    await inbox.sweep(f.people.settler);
    expect(await hostile.went()).to.equal(false);
    expect(await splitter.credit(f.signers.operator)).to.equal(8n * OPG);
    expect(await splitter.credit(f.signers.other)).to.equal(0n);
  });
});
