// SPDX-License-Identifier: MIT
import { expect } from "chai";
import { answerToWire, openPayerStore, type Payer, type Pending } from "../../relayer/channels/index.ts";
import * as protocol from "../../relayer/protocol/index.ts";
import type { Hex, Receipt } from "../../relayer/protocol/index.ts";
import { codeOf, domain, makeSides, modelId, nodeId, nodeKey, outputHash, owner } from "./support/channels.ts";
import { signerOf, wish, word, type Sides } from "./support/channels.ts";

describe("payment channels: the payer's side", () => {
  let sides: Sides;
  beforeEach(() => {
    sides = makeSides();
  });
  afterEach(() => sides.end());

  /** A receipt as a node would sign it, or one with something wrong. */
  function answer({ requestId, message }: Pending, over: Partial<Receipt> = {}, by = nodeKey) {
    const receipt: Receipt = {
      ...{ requestId, modelId, inputHash: message.inputHash as Hex, outputHash, outputScheme: 0 },
      ...{ contextHash: protocol.ZERO_HASH, keyId: nodeKey.keyId, payer: owner.address, mode: 0 },
      ...{ sequence: BigInt(message.sequence), cumulativeFee: BigInt(message.maxCumulative) },
      ...{ completedAt: BigInt(sides.clock.now / 1_000), ...over },
    };
    return answerToWire({ receipt, signature: by.sign(protocol.receiptId(domain, receipt)) as Hex });
  }
  const totals = async (payer: Payer, fees: bigint[]): Promise<string[]> => {
    const signed: string[] = [];
    for (const cumulativeFee of fees) {
      const pending = await payer.request(wish());
      signed.push(pending.message.maxCumulative);
      await payer.accept(answer(pending, { cumulativeFee }), outputHash);
    }
    return signed;
  };

  it("signs a voucher over what is owed and the price limit, one sequence after the other (R7)", async () => {
    const payer = sides.startPayer();
    expect(await totals(payer, [4n, 4n, 14n])).to.deep.equal(["10", "14", "14"]);
    const { message } = await payer.request(wish());
    expect(message).to.deep.include({ sequence: "4", maxCumulative: "24", contextHash: protocol.ZERO_HASH });
    expect(payer.exposure()).to.deep.equal({ owed: 14n, liable: 24n });
  });

  it("keeps a lane until its answer is there, and takes another for the next request (R7)", async () => {
    const payer = sides.startPayer({ lanes: 2, firstLane: 5n });
    const [a, b] = await Promise.all([payer.request(wish()), payer.request(wish())]);
    expect([a, b].map(({ message }) => message.channel.lane)).to.deep.equal(["5", "6"]);
    expect(await codeOf(payer.request(wish()))).to.equal("lanes_busy");
    await payer.accept(answer(b), outputHash);
    expect((await payer.request(wish())).message.channel.lane).to.equal("6");
  });

  it("sends the same voucher again, after a restart too, whatever the signer would sign now (R7)", async () => {
    const first = sides.startPayer();
    const pending = await first.request(wish());
    first.close();
    const broken = { ...owner, sign: () => Promise.reject(new Error("no")) };
    const payer = sides.startPayer({ signer: broken });
    expect(payer.pending()).to.deep.equal([pending.requestId]);
    expect(await payer.retry(pending.requestId)).to.deep.equal(pending);
    await payer.accept(answer(pending), outputHash);
    expect(payer.pending()).to.deep.equal([]);
    expect(await codeOf(payer.retry(pending.requestId))).to.equal("not_pending");
  });

  it("killed before it was signed: the place is kept, and signed at the retry", async () => {
    const first = sides.startPayer({ signer: { ...owner, sign: () => Promise.reject(new Error("killed")) } });
    expect(await codeOf(first.request(wish()))).to.equal("killed");
    first.close();
    const payer = sides.startPayer();
    const [requestId] = payer.pending();
    const { message } = await payer.retry(requestId!);
    expect(message).to.deep.include({ sequence: "1", maxCumulative: "10" });
  });

  it("takes addresses and ids however they are spelled, and sends them in one spelling", async () => {
    const loud = (hex: Hex): Hex => `0x${hex.slice(2).toUpperCase()}`;
    const signer = { ...owner, address: loud(owner.address) };
    const payer = sides.startPayer({ payer: loud(owner.address), signer });
    const spelled = { nodeId: loud(nodeId), modelId: loud(modelId), inputHash: loud(word(0xab)) };
    const pending = await payer.request(wish(spelled));
    const { channel, inputHash } = pending.message;
    expect(channel).to.deep.include({ payer: owner.address, signer: owner.address, nodeId, modelId });
    expect(inputHash).to.equal(word(0xab));
    expect((await payer.accept(answer(pending), loud(outputHash))).fee).to.equal(10n);
    expect(await codeOf(payer.request(wish({ inputHash: "0x12" })))).to.equal("malformed_hex");
  });

  it("sends no voucher that its signer did not sign", async () => {
    const first = sides.startPayer({ signer: { ...owner, sign: signerOf("0b").sign } });
    expect(await codeOf(first.request(wish()))).to.match(/another key/);
    first.close();
    const payer = sides.startPayer();
    expect((await payer.retry(payer.pending()[0]!)).message.sequence).to.equal("1");
  });

  it("a voucher after an abandoned request covers it, until a later receipt says what was owed (R7)", async () => {
    const payer = sides.startPayer();
    const one = await payer.request(wish());
    payer.abandon(one.requestId);
    const two = await payer.request(wish());
    expect(two.message).to.deep.include({ sequence: "2", maxCumulative: "20" });
    await payer.accept(answer(two, { cumulativeFee: 6n }), outputHash);
    expect((await payer.request(wish())).message.maxCumulative).to.equal("16");
    expect(payer.exposure()).to.deep.equal({ owed: 6n, liable: 20n });
  });

  it("takes the answer to an abandoned request when it comes after all", async () => {
    const payer = sides.startPayer();
    const one = await payer.request(wish());
    payer.abandon(one.requestId);
    expect((await payer.accept(answer(one, { cumulativeFee: 7n }), outputHash)).fee).to.equal(7n);
    expect((await payer.request(wish())).message).to.deep.include({ sequence: "2", maxCumulative: "17" });
  });

  it("never signs beyond its budget, nor beyond what is set aside and not asked back (R7)", async () => {
    const payer = sides.startPayer({ budget: 25n, lanes: 3 });
    await payer.request(wish());
    Object.assign(sides.chain.state, { balance: 40n, thawing: 21n });
    expect(await codeOf(payer.request(wish()))).to.equal("over_deposit");
    sides.chain.state.thawing = 20n;
    await payer.request(wish());
    expect(await codeOf(payer.request(wish()))).to.equal("over_budget");
    sides.chain.state.balance = 1_000n;
    expect(await codeOf(payer.request(wish()))).to.equal("over_budget");
    expect(await codeOf(payer.request(wish({ maxFee: 5n })))).to.equal(null);
  });

  it("what was paid needs no deposit any more, and counts against the budget for ever", async () => {
    const payer = sides.startPayer({ budget: 25n });
    const one = await payer.request(wish());
    await payer.accept(answer(one), outputHash);
    const fields = { payer: owner.address, signer: owner.address, nodeId, modelId, modeMask: 1, lane: 0n };
    const id = protocol.channelId({ ...fields, chainId: 31337n, escrow: `0x${"22".repeat(20)}` });
    sides.chain.state.balance = 20n;
    sides.chain.collect(id, 10n, 10n);
    expect(sides.chain.state.balance).to.equal(10n);
    const two = await payer.request(wish());
    await payer.accept(answer(two), outputHash);
    expect(await codeOf(payer.request(wish()))).to.equal("over_budget");
  });

  it("signs nothing while the chain cannot be asked, and nothing in a lane that has a history elsewhere", async () => {
    const payer = sides.startPayer();
    sides.chain.state.down = true;
    expect(await codeOf(payer.request(wish()))).to.equal("escrow_unknown");
    sides.chain.state.down = false;
    const pending = await payer.request(wish());
    payer.close();
    const other = sides.startPayer({ store: sides.file("other.db") });
    const { channel } = pending.message;
    const id = protocol.channelId({
      ...(channel as unknown as protocol.Channel),
      ...{ lane: 0n, chainId: 31337n, escrow: `0x${"22".repeat(20)}` as Hex },
    });
    sides.chain.collect(id, 10n, 1n);
    expect(await codeOf(other.request(wish()))).to.equal("unknown_history");
  });

  it("a session signs up to its limit and its end", async () => {
    const session = signerOf("0c");
    const payer = sides.startPayer({ signer: session });
    const fields = { payer: owner.address, signer: session.address, nodeId, modelId, modeMask: 1, lane: 0n };
    const id = protocol.channelId({ ...fields, chainId: 31337n, escrow: `0x${"22".repeat(20)}` });
    const at = BigInt(sides.clock.now / 1_000);
    for (const [state, code] of [
      [{ paid: 0n, limit: 0n, expiry: 0n }, "session_not_opened"],
      [{ paid: 0n, limit: 10n, expiry: at - 1n }, "session_expired"],
      [{ paid: 0n, limit: 9n, expiry: at }, "over_limit"],
      [{ paid: 0n, limit: 10n, expiry: at }, null],
    ] as const) {
      sides.chain.sessions.set(id, state);
      expect(await codeOf(payer.request(wish()))).to.equal(code);
    }
  });

  it("counts a fee only on a receipt that says what was asked, by a key of that node (R7)", async () => {
    const payer = sides.startPayer();
    await totals(payer, [6n]);
    const pending = await payer.request(wish());
    const { keys } = sides.chain;
    const state = keys.get(nodeKey.keyId)!;
    const at = BigInt(sides.clock.now / 1_000);
    const wrong: [object, string][] = [
      [answer(pending, { cumulativeFee: 17n }), "fee_out_of_range"],
      [answer(pending, { cumulativeFee: 5n }), "channel_fault"],
      [answer(pending, { inputHash: word(2) }), "mismatch"],
      [answer(pending, { outputHash: word(2) }), "mismatch"],
      [answer(pending, { contextHash: word(2) }), "mismatch"],
      [answer(pending, { modelId: word(2) }), "mismatch"],
      [answer(pending, { payer: nodeId.slice(0, 42) as Hex }), "mismatch"],
      [answer(pending, { sequence: 3n }), "mismatch"],
      [answer(pending, { mode: 1 }), "mismatch"],
      [answer(pending, { requestId: word(2) }), "unknown_request"],
      [answer(pending, { keyId: word(2) }), "wrong_key"],
      [answer(pending, { mode: 2 }), "wrong_key"],
      [answer(pending, { completedAt: at + 301n }), "bad_time"],
      [answer(pending, { completedAt: at - 301n }), "bad_time"],
      [{ ...answer(pending), signature: answer(pending, { completedAt: 1n }).signature }, "bad_signature"],
      [{ ...answer(pending), extra: 1 }, "malformed"],
    ];
    for (const [message, code] of wrong) expect(await codeOf(payer.accept(message, outputHash))).to.equal(code);
    for (const [over, code] of [
      [{ nodeId: word(2) }, "wrong_key"],
      [{ distrustedFrom: at }, "wrong_key"],
      [{ validUntil: at - 1n }, "bad_time"],
      [{ validFrom: at + 1n }, "bad_time"],
      [{ signer: owner.address }, "bad_signature"],
    ] as const) {
      keys.set(nodeKey.keyId, { ...state, ...over });
      expect(await codeOf(payer.accept(answer(pending), outputHash))).to.equal(code);
    }
    expect(payer.exposure().owed).to.equal(6n);
    expect(payer.pending()).to.deep.equal([pending.requestId]);
    keys.set(nodeKey.keyId, state);
    expect((await payer.accept(answer(pending), outputHash)).fee).to.equal(10n);
  });

  it("while the chain cannot be asked whose key it is, the lane stays blocked and nothing is owed", async () => {
    const payer = sides.startPayer();
    const pending = await payer.request(wish());
    sides.chain.state.down = true;
    expect(await codeOf(payer.accept(answer(pending), outputHash))).to.equal("escrow_unknown");
    expect(payer.pending()).to.have.length(1);
    expect(payer.exposure().owed).to.equal(0n);
  });

  it("keeps two receipts for one request, and a fee that falls, as evidence of the node's fault (R9)", async () => {
    const payer = sides.startPayer();
    const one = await payer.request(wish());
    payer.abandon(one.requestId);
    const two = await payer.request(wish());
    const taken = answer(two, { cumulativeFee: 6n });
    await payer.accept(taken, outputHash);
    expect((await payer.accept(taken, outputHash)).fee, "the same again is no fault").to.equal(6n);
    const other = answer(two, { cumulativeFee: 7n });
    expect(await codeOf(payer.accept(other, outputHash))).to.equal("equivocation");
    const late = answer(one, { cumulativeFee: 8n });
    expect(await codeOf(payer.accept(late, outputHash))).to.equal("channel_fault");
    const forgery = answer(two, { cumulativeFee: 9n }, { ...nodeKey, sign: owner.sign });
    expect(await codeOf(payer.accept(forgery, outputHash))).to.equal("bad_signature");
    expect(payer.evidence().map((kept) => answerToWire(kept))).to.deep.equal([other, late]);
    expect(payer.exposure().owed).to.equal(6n);
  });

  it("one process holds the ledger, and one request is open in a lane, by the database's own rule", () => {
    const payer = sides.startPayer();
    expect(() => openPayerStore(sides.file("payer.db")))
      .to.throw()
      .with.property("code", "ledger_in_use");
    payer.close();
    const store = openPayerStore(sides.file("payer.db"));
    const channel = { payer: owner.address, signer: owner.address, nodeId, modelId, modeMask: 1, lane: 0n };
    const made = { channelId: word(1), channel, inputHash: word(2), contextHash: word(3), madeAt: 0n };
    store.make({ ...made, requestId: word(4), sequence: 1n, maxCumulative: 1n });
    expect(() => store.make({ ...made, requestId: word(5), sequence: 2n, maxCumulative: 2n })).to.throw(/UNIQUE/);
    store.close();
  });
});
