// SPDX-License-Identifier: MIT
import { expect } from "chai";
import { openPayeeStore } from "../../relayer/channels/index.ts";
import { localKey } from "../../relayer/node/index.ts";
import * as protocol from "../../relayer/protocol/index.ts";
import { codeOf, forged, idOf, infer, makeSides, modelId, nodeId, owner, signerOf } from "./support/channels.ts";
import { wish, word, type Sides } from "./support/channels.ts";

describe("payment channels: the node's side", () => {
  let sides: Sides;
  beforeEach(() => {
    sides = makeSides();
  });
  afterEach(() => sides.end());
  const work = { price: 5n, infer };

  it("serves a request that a voucher pays for, with a receipt of its place in the channel (R5, R7)", async () => {
    const { payee, store } = sides.startNode();
    const pending = await sides.startPayer().request(wish());
    const served = await payee.serve(pending.message, work);
    expect(served.receipt).to.deep.include({
      ...{ requestId: pending.requestId, sequence: 1n, cumulativeFee: 5n, payer: owner.address, modelId },
    });
    expect(protocol.channelRequestId(idOf(pending), 1n)).to.equal(pending.requestId);
    expect(store.unpaid()).to.deep.equal([{ channelId: idOf(pending), payer: owner.address, owed: 5n, paid: 0n }]);
  });

  it("answers a repeat with the stored receipt, without the chain, after a restart too (R9)", async () => {
    const first = sides.startNode();
    const pending = await sides.startPayer().request(wish());
    const served = await first.payee.serve(pending.message, work);
    first.stop();
    sides.chain.state.down = true;
    const again = await sides.startNode().payee.serve(pending.message, { ...work, infer: () => Promise.reject() });
    expect(again).to.deep.equal({ ...served, repeated: true });
  });

  it("refuses what is no request, or not signed by the channel's signer (R7)", async () => {
    const { payee } = sides.startNode();
    const pending = await sides.startPayer().request(wish());
    const { message } = pending;
    const { channel } = message;
    const refusals: [unknown, string][] = [
      [null, "malformed"],
      [{ ...message, sequence: "0" }, "malformed"],
      [{ ...message, sequence: "01" }, "malformed"],
      [{ ...message, maxCumulative: (1n << 128n).toString() }, "malformed"],
      [{ ...message, channel: { ...channel, modeMask: 8 } }, "malformed"],
      [{ ...message, extra: 1 }, "malformed"],
      [forged(pending, { channel: { ...channel, nodeId: word(9) } }), "wrong_node"],
      [forged(pending, { channel: { ...channel, modelId: word(9) } }), "wrong_model"],
      [forged(pending, { channel: { ...channel, modeMask: 6 } }), "mode_not_allowed"],
      [forged(pending, {}, signerOf("0b")), "bad_voucher"],
      [{ ...message, maxCumulative: "11" }, "bad_voucher"],
      [{ ...message, inputHash: word(2) }, "bad_voucher"],
      [{ ...message, channel: { ...channel, lane: "1" } }, "bad_voucher"],
    ];
    for (const [one, code] of refusals) expect(await codeOf(payee.serve(one, work)), code).to.equal(code);
    expect(await codeOf(payee.serve(message, work))).to.equal(null);
  });

  it("serves nothing that the escrow would not pay today (R7)", async () => {
    const { payee } = sides.startNode();
    const pending = await sides.startPayer().request(wish());
    const { state } = sides.chain;
    expect(await codeOf(payee.serve(pending.message, { ...work, price: 11n }))).to.equal("voucher_too_low");
    state.balance = 4n;
    expect(await codeOf(payee.serve(pending.message, work))).to.equal("escrow_too_small");
    Object.assign(state, { balance: 100n, thawing: 96n });
    expect(await codeOf(payee.serve(pending.message, work))).to.equal("escrow_too_small");
    Object.assign(state, { thawing: 95n, down: true });
    expect(await codeOf(payee.serve(pending.message, work))).to.equal("chain_unknown");
    state.down = false;
    expect(await codeOf(payee.serve(pending.message, work))).to.equal(null);
  });

  it("counts what other lanes of the same payer owe against the same balance (R7)", async () => {
    const { payee } = sides.startNode();
    const payer = sides.startPayer({ lanes: 3 });
    const [a, b, c] = [await payer.request(wish()), await payer.request(wish()), await payer.request(wish())];
    sides.chain.state.balance = 14n;
    const served = await Promise.all([a, b, c].map(({ message }) => codeOf(payee.serve(message, work))));
    expect(served).to.deep.equal([null, null, "escrow_too_small"]);
    sides.chain.collect(idOf(a), 10n, 5n);
    sides.chain.state.balance += 1n;
    expect(await codeOf(payee.serve(c.message, work))).to.equal(null);
  });

  it("asks about a bounded number of channels for one request (R8)", async () => {
    const { payee } = sides.startNode({ maxUnpaidChannels: 2 });
    const payer = sides.startPayer({ lanes: 3 });
    const asked = [await payer.request(wish()), await payer.request(wish()), await payer.request(wish())];
    for (const { message } of asked.slice(0, 2)) await payee.serve(message, work);
    expect(await codeOf(payee.serve(asked[2]!.message, work))).to.equal("too_many_channels");
  });

  it("decides on one view of the chain, never on one older than it has heard of", async () => {
    const { payee, store } = sides.startNode();
    const payer = sides.startPayer({ lanes: 2 });
    const [a, b] = [await payer.request(wish()), await payer.request(wish())];
    sides.chain.state.block = 9;
    await payee.serve(a.message, work);
    sides.chain.state.block = 8;
    expect(await codeOf(payee.serve(b.message, work))).to.equal("chain_unknown");
    store.recordPaid(owner.address, 8, new Map([[idOf(a), 5n]]));
    expect(store.unpaid()).to.have.length(1);
    sides.chain.state.block = 10;
    expect(await codeOf(payee.serve(b.message, work))).to.equal(null);
  });

  it("a session signer counts only as far as its payer opened it: limit and expiry (R7)", async () => {
    const session = signerOf("0c");
    const { payee } = sides.startNode({ serveWithin: 60 });
    const expiry = BigInt(sides.clock.now / 1_000) + 100n;
    const payer = sides.startPayer({ signer: session });
    expect(await codeOf(payer.request(wish()))).to.equal("session_not_opened");
    const fields = { payer: owner.address, signer: session.address, nodeId, modelId, modeMask: 1, lane: 0n };
    const id = protocol.channelId({ ...fields, chainId: 31337n, escrow: `0x${"22".repeat(20)}` });
    sides.chain.sessions.set(id, { paid: 0n, limit: 10n, expiry });
    const pending = await payer.request(wish());
    for (const [state, code] of [
      [{ paid: 0n, limit: 0n, expiry: 0n }, "session_not_opened"],
      [{ paid: 0n, limit: 10n, expiry: expiry - 41n }, "session_expired"],
      [{ paid: 0n, limit: 4n, expiry }, "session_limit"],
      [{ paid: 0n, limit: 5n, expiry: expiry - 40n }, null],
    ] as const) {
      sides.chain.sessions.set(id, state);
      expect(await codeOf(payee.serve(pending.message, work))).to.equal(code);
    }
  });

  it("one request at a time in a lane, and repeats of it wait for the same answer (R7)", async () => {
    const { payee, store } = sides.startNode();
    const pending = await sides.startPayer().request(wish());
    let finish = (): void => undefined;
    let runs = 0;
    const slow = async () => {
      runs++;
      await new Promise<void>((resolve) => (finish = resolve));
      return infer();
    };
    const first = payee.serve(pending.message, { price: 5n, infer: slow });
    const second = payee.serve(pending.message, { price: 5n, infer: slow });
    await new Promise((resolve) => setTimeout(resolve, 20));
    const next = forged(pending, { sequence: "2", maxCumulative: "30" });
    expect(await codeOf(payee.serve(next, work))).to.equal("lane_busy");
    finish();
    const [a, b] = await Promise.all([first, second]);
    expect(a.signature).to.equal(b.signature);
    expect(runs).to.equal(1);
    expect(store.running.size).to.equal(0);
    expect(await codeOf(payee.serve(next, work))).to.equal(null);
  });

  it("goes up with gaps and never back: what was passed is not served, so the fee cannot fall (R7)", async () => {
    const { payee } = sides.startNode();
    const one = await sides.startPayer().request(wish());
    const [three, two] = ["3", "2"].map((sequence) => forged(one, { sequence, maxCumulative: "40" }));
    await payee.serve(one.message, work);
    const failing = { price: 30n, infer: () => Promise.reject(new Error("out of memory")) };
    expect(await codeOf(payee.serve(two, failing))).to.equal("out of memory");
    expect((await payee.serve(three, work)).receipt.cumulativeFee).to.equal(10n);
    expect(await codeOf(payee.serve(two, work))).to.equal("sequence_passed");
    const other = forged(one, { inputHash: word(8) });
    expect(await codeOf(payee.serve(other, work))).to.equal("voucher_conflict");
    const memory = { ...one.message, contextHash: word(8) };
    expect(await codeOf(payee.serve(memory, work))).to.equal("voucher_conflict");
  });

  it("a failed run is tried again at the price it was taken for", async () => {
    const { payee, store } = sides.startNode();
    const pending = await sides.startPayer().request(wish());
    await codeOf(payee.serve(pending.message, { price: 5n, infer: () => Promise.reject(new Error("no")) }));
    expect(store.unpaid()[0]!.owed).to.equal(5n);
    const served = await payee.serve(pending.message, { price: 9n, infer });
    expect(served.receipt.cumulativeFee).to.equal(5n);
  });

  it("charges what an answer did cost, and never more than its price", async () => {
    const { payee, store } = sides.startNode();
    const payer = sides.startPayer();
    const fees = [2n, 99n, 0n];
    const totals: bigint[] = [];
    for (const fee of fees) {
      const pending = await payer.request(wish());
      const served = await payee.serve(pending.message, {
        price: 5n,
        infer: async () => ({ ...(await infer()), fee }),
      });
      await payer.accept({ receipt: wireOf(served.receipt), signature: served.signature }, served.receipt.outputHash);
      totals.push(served.receipt.cumulativeFee);
    }
    expect(totals).to.deep.equal([2n, 7n, 7n]);
    expect(store.unpaid()[0]!.owed).to.equal(7n);
  });

  it("a node's answer costs what was asked for or less, by the node's own rule too", async () => {
    const { node } = sides.startNode();
    const ask = { requestId: word(1), inputHash: word(2), cumulativeFee: 5n };
    const dear = node.serve(ask, async () => ({ ...(await infer()), cumulativeFee: 6n }));
    expect(await codeOf(dear)).to.match(/never costs more/);
    expect(node.issued(word(1))).to.equal(null);
    const cheap = await node.serve(ask, async () => ({ ...(await infer()), cumulativeFee: 4n }));
    expect(node.issued(word(1))?.receipt.cumulativeFee).to.equal(4n);
    expect(await node.serve(ask, infer), "a repeat").to.deep.equal({ ...cheap, repeated: true });
  });

  it("killed between the node's signature and its own note: the receipt is found at the next start", async () => {
    const first = sides.startNode();
    const pending = await sides.startPayer().request(wish());
    first.store.keep = () => {
      throw new Error("killed");
    };
    expect(await codeOf(first.payee.serve(pending.message, work))).to.equal("killed");
    first.stop();
    const { payee, store } = sides.startNode();
    expect(store.due(idOf(pending))).to.deep.equal([pending.requestId]);
    const next = forged(pending, { sequence: "2", maxCumulative: "30" });
    expect((await payee.serve(next, work)).receipt.cumulativeFee).to.equal(10n);
  });

  it("a note that failed is made up for before the lane goes on", async () => {
    const { payee, store } = sides.startNode();
    const pending = await sides.startPayer().request(wish());
    const { keep } = store;
    store.keep = () => {
      throw new Error("disk full");
    };
    expect(await codeOf(payee.serve(pending.message, work))).to.equal("disk full");
    store.keep = keep;
    const next = forged(pending, { sequence: "2", maxCumulative: "30" });
    expect((await payee.serve(next, work)).receipt.cumulativeFee).to.equal(10n);
    expect(store.due(idOf(pending))).to.have.length(2);
  });

  it("a lane that hangs on a key no longer served with stays shut: nobody else knows whether it has a receipt", async () => {
    const first = sides.startNode();
    const pending = await sides.startPayer().request(wish());
    await codeOf(first.payee.serve(pending.message, { price: 5n, infer: () => Promise.reject(new Error("no")) }));
    first.stop();
    const { payee } = sides.startNode({}, { key: localKey(`0x${"08".repeat(32)}`), store: sides.file("other.db") });
    expect(await codeOf(payee.serve(pending.message, work))).to.equal("other_key");
    const next = forged(pending, { sequence: "2", maxCumulative: "30" });
    expect(await codeOf(payee.serve(next, work))).to.equal("other_key");
  });

  it("a channel that has paid before and is not in the ledger is refused: its fee could fall (R7)", async () => {
    const pending = await sides.startPayer().request(wish());
    sides.chain.collect(idOf(pending), 10n, 3n);
    const { payee } = sides.startNode();
    expect(await codeOf(payee.serve(pending.message, work))).to.equal("unknown_history");
  });

  it("one process holds the ledger", () => {
    const { stop } = sides.startNode();
    expect(() => openPayeeStore(sides.file("payee.db")))
      .to.throw()
      .with.property("code", "ledger_in_use");
    stop();
    openPayeeStore(sides.file("payee.db")).close();
  });

  it("a refusal travels as JSON with what the payer needs to know", async () => {
    const { payee } = sides.startNode();
    const pending = await sides.startPayer().request(wish());
    const refusal = await payee.serve(pending.message, { price: 11n, infer }).catch((error: unknown) => error);
    expect(JSON.parse(JSON.stringify(refusal))).to.deep.include({
      code: "voucher_too_low",
      details: { cumulativeFee: "11", maxCumulative: "10" },
    });
  });
});

const wireOf = ({ sequence, cumulativeFee, completedAt, ...rest }: protocol.Receipt) => ({
  ...{ ...rest, sequence: String(sequence), cumulativeFee: String(cumulativeFee), completedAt: String(completedAt) },
});
