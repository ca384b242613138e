// SPDX-License-Identifier: MIT
// A gateway that dies between its steps: what the ledger says then, and what reconciliation makes of it.
import { expect } from "chai";
import { id, Wallet } from "ethers";
import { listOpenSales, recordRefund, type PaymentService } from "../../relayer/gateway/index.ts";
import type { Hex } from "../../relayer/protocol/index.ts";
import type { SaleState } from "../../relayer/store/sales.ts";
import { openShop, say, type Shop } from "./support/gateway.ts";
import { PRICE } from "./support/x402.ts";

const DAY_MS = 86_400_000;
/** Of a gateway that died: whoever waits for it waits for ever. */
const never = () => new Promise<never>(() => undefined);

describe("a gateway's books", () => {
  let shop: Shop;
  let payer: Wallet;
  let url: string;
  before(async () => {
    shop = await openShop({}, { confirmations: 4 });
    payer = await shop.s.newPayer();
    url = await shop.start();
  });
  after(() => shop.close());
  afterEach(() => (shop.state.during = () => Promise.resolve()));

  const get = (requestId: Hex) => shop.fetchAgain(url, requestId, payer);
  /** Sends a payment to a gateway that dies in a step, and comes back when it is dead. */
  async function dieIn(
    path: string,
    step: "work" | "settle" | "settled" | "charged",
    state: SaleState,
  ): Promise<{ header: string; requestId: Hex }> {
    const payments: PaymentService = {
      ...shop.real,
      async settle(...all) {
        if (step === "settle") return never();
        const settled = await shop.real.settle(...all);
        return step === "settled" ? never() : settled;
      },
    };
    if (step === "work") shop.state.during = never;
    const dying = await shop.start({ payments });
    const { header, requestId } = await shop.headerOf(payer);
    const client = new AbortController();
    const asked = fetch(dying + path, { ...say(header), signal: client.signal }).catch(() => undefined);
    if (step === "charged") shop.state.during = async () => client.abort();
    await shop.reached(requestId, state);
    client.abort();
    await asked;
    shop.state.during = () => Promise.resolve();
    return { header, requestId };
  }
  async function paidBy(action: () => Promise<unknown>): Promise<number> {
    const before = await shop.s.received();
    await action();
    return Number(((await shop.s.received()) - before) / PRICE);
  }

  it("gives up work that stopped before it was charged, and never charges it", async () => {
    const { requestId } = await dieIn("/b", "work", "working");
    const paid = await paidBy(async () => {
      const { changed } = await shop.reconcile();
      expect(changed).to.deep.include({ requestId, from: "working", to: "failed" });
      expect((await shop.reconcile()).changed.map((one) => one.requestId)).not.to.include(requestId);
    });
    expect(paid).to.equal(0);
    const answer = await get(requestId);
    expect([answer.status, await answer.text()].join(" "))
      .to.contain("410")
      .and.contain("Nothing was charged");
  });

  it("charges an answer once whose gateway died before it asked for the money, and keeps it for its payer [FM:x402-lost-reply]", async () => {
    const { requestId } = await dieIn("/b", "settle", "answered");
    const { runs } = shop.state;
    const paid = await paidBy(async () => {
      expect((await shop.reconcile()).changed).to.deep.include({ requestId, from: "answered", to: "charged" });
      await shop.reconcile();
    });
    expect(paid).to.equal(1);
    expect((await listOpenSales(shop.db)).find((one) => one.requestId === requestId)?.state).to.equal("charged");
    expect(await (await get(requestId)).text()).to.equal("you said hello");
    await shop.reached(requestId, "served");
    expect(shop.state.runs).to.equal(runs);
  });

  it("learns from the facilitator's books that it was paid, where it died before it could write that down [FM:x402-lost-reply] [FM:timeout-resettle]", async () => {
    const { requestId } = await dieIn("/b", "settled", "answered");
    // Sent by the dead one; this one only looks.
    while (!["mined", "final"].includes((await shop.real.status!(requestId))?.state ?? ""))
      await new Promise((resolve) => setTimeout(resolve, 50));
    const sent = await shop.s.sent();
    expect((await shop.reconcile()).changed).to.deep.include({ requestId, from: "answered", to: "charged" });
    expect(await shop.s.sent()).to.equal(sent);
    expect(await (await get(requestId)).text()).to.equal("you said hello");
  });

  it("keeps an answer that was paid and that no connection took, and gives it out later [FM:x402-lost-reply]", async () => {
    const { requestId } = await dieIn("/b", "charged", "charged");
    expect((await listOpenSales(shop.db)).map((one) => one.requestId)).to.include(requestId);
    expect(await (await get(requestId)).text()).to.equal("you said hello");
    await shop.reached(requestId, "served");
    expect((await listOpenSales(shop.db)).map((one) => one.requestId)).not.to.include(requestId);
  });

  it("owes a refund for work that stopped after it was paid, until the operator records one", async () => {
    const { requestId } = await dieIn("/prepaid", "work", "charged");
    expect((await shop.reconcile()).changed).to.deep.include({ requestId, from: "charged", to: "owed" });
    const open = (await listOpenSales(shop.db)).find((one) => one.requestId === requestId)!;
    expect(open).to.include({ state: "owed", payer: payer.address.toLowerCase(), amount: PRICE });
    expect(open.rule).to.contain("refund");
    expect((await get(requestId)).status).to.equal(410);
    const refund = id("a transfer back") as Hex;
    expect(await recordRefund(shop.db, requestId, refund, Date.now())).to.equal(true);
    expect(await recordRefund(shop.db, requestId, id("another") as Hex, Date.now())).to.equal(false);
    expect(await shop.stateOf(requestId)).to.equal("refunded");
    expect(await (await get(requestId)).text()).to.contain(refund);
  });

  it("finds the answer that the node kept, where the gateway died with it after it was paid", async () => {
    const { requestId } = await dieIn("/prepaid", "work", "charged");
    // The node had signed it: its store is older than the gateway's, and outlives it.
    const { node } = shop.products[2]!;
    const kept = { ...node, issued: () => shop.requests.issued(other.requestId) };
    const other = await shop.headerOf(payer);
    await (await fetch(`${url}/prepaid`, say(other.header))).text();
    shop.products[2]!.node = kept;
    try {
      await shop.reconcile();
    } finally {
      shop.products[2]!.node = node;
    }
    expect(await shop.stateOf(requestId)).to.equal("charged");
    expect(await (await get(requestId)).text()).to.equal("you said hello");
  });

  it("leaves unknown what the facilitator does not tell, and asks again", async () => {
    const { requestId } = await dieIn("/b", "settle", "answered");
    const silent = () => Promise.reject(new Error("no route"));
    const { changed } = await shop.reconcile({ verify: silent, settle: silent, status: silent });
    expect(changed.map((one) => one.requestId)).not.to.include(requestId);
    expect(await shop.stateOf(requestId)).to.equal("answered");
    await shop.reconcile();
    expect(await shop.stateOf(requestId)).to.equal("charged");
  });

  it("settles again what was served and whose payment a reorganisation took away, and limits who let it lapse [FM:reorg-off] [FM:x402-drained]", async () => {
    const { ethers, networkHelpers } = shop.s.connection;
    for (const comesBack of [true, false]) {
      const poor = await shop.s.newPayer(PRICE);
      const { header, requestId } = await shop.headerOf(poor);
      const snapshot = await networkHelpers.takeSnapshot();
      expect(await (await fetch(`${url}/b`, say(header))).text()).to.equal("you said hello");
      await shop.reached(requestId, "served");
      // The block vanishes, and in the one that takes its place the payer's money went elsewhere.
      await snapshot.restore();
      await shop.s.token.connect(poor).transfer(await ethers.resolveAddress(shop.s.sender.address), PRICE);
      for (let tries = 0; (await shop.real.status!(requestId))?.state !== "failed"; tries++) {
        await networkHelpers.mine();
        await new Promise((resolve) => setTimeout(resolve, 200));
        if (tries > 400) throw new Error(JSON.stringify(await shop.real.status!(requestId)));
      }
      const before = await shop.reconcile();
      expect(before.changed).to.deep.include({ requestId, from: "served", to: "uncharged" });
      expect((await listOpenSales(shop.db)).find((one) => one.requestId === requestId)?.state).to.equal("uncharged");
      if (comesBack) {
        await shop.s.token.transfer(poor.address, PRICE);
        expect(await paidBy(() => shop.reconcile())).to.equal(1);
        await shop.reached(requestId, "served");
        continue;
      }
      const later = () => Date.now() + 2 * 3_600_000;
      await shop.reconcile(shop.real, later);
      expect(await shop.stateOf(requestId)).to.equal("lost");
      await shop.s.token.transfer(poor.address, 5n * PRICE);
      const next = [await shop.headerOf(poor), await shop.headerOf(poor)];
      const answers = [];
      for (const { header: one } of next) answers.push((await fetch(`${url}/b`, say(one))).status);
      expect(answers).to.deep.equal([200, 429]);
    }
  });

  it("forgets answers when their time is over, of sales that are final", async () => {
    const { header, requestId } = await shop.headerOf(payer);
    await (await fetch(`${url}/b`, say(header))).text();
    for (let tries = 0; (await shop.real.status!(requestId))?.state !== "final" && tries < 300; tries++) {
      await shop.s.connection.networkHelpers.mine();
      await new Promise((resolve) => setTimeout(resolve, 100));
    }
    await shop.reconcile();
    expect((await get(requestId)).status).to.equal(200);
    const { forgotten } = await shop.reconcile(shop.real, () => Date.now() + 8 * DAY_MS);
    expect(forgotten).to.be.greaterThan(0);
    const gone = await get(requestId);
    expect([gone.status, await gone.text()].join(" "))
      .to.contain("410")
      .and.contain("is gone");
  });
}).timeout(300_000);
