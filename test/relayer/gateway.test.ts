// SPDX-License-Identifier: MIT
import {
  decodePaymentRequiredHeader,
  decodePaymentResponseHeader,
  encodePaymentSignatureHeader,
} from "@x402/core/http";
import { wrapAxiosWithPayment } from "@x402/axios";
import axios from "axios";
import { expect } from "chai";
import { Wallet, ZeroHash } from "ethers";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { Registry } from "prom-client";
import {
  answerClaim,
  checkReceipt,
  measureSales,
  PAYER_HEADER,
  RECEIPT_HEADER,
  remoteFacilitator,
  type PaymentService,
  type ReceiptHeader,
} from "../../relayer/gateway/index.ts";
import { recoverSigner, type Hex } from "../../relayer/protocol/index.ts";
import { findSale } from "../../relayer/store/sales.ts";
import { openShop, say, type Shop } from "./support/gateway.ts";
import { domain } from "./support/relayer.ts";
import { PRICE } from "./support/x402.ts";

describe("a paid gateway", () => {
  let shop: Shop;
  let payer: Wallet;
  let url: string;
  before(async () => {
    shop = await openShop();
    payer = await shop.s.newPayer();
    url = await shop.start();
  });
  after(() => shop.close());
  afterEach(() => (shop.state.during = () => Promise.resolve()));

  /** Runs of the model, transfers to the payee and transactions sent by an action. */
  async function effects<T>(action: () => Promise<T>) {
    const before = [shop.state.runs, await shop.s.received(), await shop.s.sent()] as const;
    const result = await action();
    const paid = Number(((await shop.s.received()) - before[1]) / PRICE);
    return { result, runs: shop.state.runs - before[0], paid, sent: (await shop.s.sent()) - before[2] };
  }
  const codeOf = async (response: Response): Promise<string> => ((await response.json()) as { code: string }).code;
  const errorOf = (response: Response): string | undefined =>
    decodePaymentRequiredHeader(response.headers.get("PAYMENT-REQUIRED")!).error;

  it("sells an answer to a stock @x402/fetch: payment, answer and receipt have one id [R5] [R6]", async () => {
    const body = Buffer.from("hello");
    const { result, ...done } = await effects(() =>
      shop.fetchOf(payer)(`${url}/a?tone=kind`, { method: "POST", body }),
    );
    expect(done).to.deep.equal({ runs: 1, paid: 1, sent: 1 });
    expect([result.status, await result.text()]).to.deep.equal([200, "you said hello"]);
    const settled = decodePaymentResponseHeader(result.headers.get("PAYMENT-RESPONSE")!);
    expect(settled).to.include({ success: true, payer: payer.address.toLowerCase() });
    const { requestId } = settled.extensions!["opengradient"] as { requestId: Hex };
    const sent = { method: "POST", url: `${url}/a?tone=kind`, body };
    const found = result.headers.get(RECEIPT_HEADER);
    const { receipt, receiptId, signature } = checkReceipt(found, { domain, requestId, sent });
    expect(receipt).to.include({ requestId, payer: payer.address.toLowerCase(), cumulativeFee: PRICE, sequence: 0n });
    expect(recoverSigner(receiptId, signature)).to.equal(recoverSigner(receiptId, signature)).and.not.equal(null);
    // The receipt speaks of this method, resource and body, and of no other.
    for (const other of [{ url: `${url}/b?tone=kind` }, { method: "GET" }, { body: Buffer.from("hello ") }])
      expect(() => checkReceipt(found, { domain, requestId, sent: { ...sent, ...other } })).to.throw("another request");
    expect(() => checkReceipt(found, { domain, requestId: ZeroHash as Hex, sent })).to.throw("the payment for");
    await shop.reached(requestId, "served");
  });

  it("sells to a stock @x402/axios", async () => {
    const client = wrapAxiosWithPayment(axios.create(), shop.s.clientOf(payer) as never);
    const { result, ...done } = await effects(() => client.post<string>(`${url}/b`, "hi"));
    expect(result.data).to.equal("you said hi");
    expect(done).to.deep.equal({ runs: 1, paid: 1, sent: 1 });
  });

  it("asks for the money before anything, and refuses what it cannot answer before anybody pays", async () => {
    const { result, ...done } = await effects(() => fetch(`${url}/a`, { method: "POST", body: "hello" }));
    expect(result.status).to.equal(402);
    const { accepts, resource } = decodePaymentRequiredHeader(result.headers.get("PAYMENT-REQUIRED")!);
    expect(accepts.map(({ scheme, amount }) => [scheme, amount])).to.deep.equal([["exact", String(PRICE)]]);
    expect(resource!.url).to.equal("https://gateway.example/a");
    expect(done).to.deep.equal({ runs: 0, paid: 0, sent: 0 });
    const { header } = await shop.headerOf(payer);
    expect((await fetch(`${url}/a`, say(header, ""))).status).to.equal(400);
    expect((await fetch(`${url}/nothing`, say(header))).status).to.equal(404);
    expect((await fetch(`${url}/a`, say(header, "x".repeat(300_000)))).status).to.equal(413);
    expect(errorOf(await fetch(`${url}/a`, say("nonsense")))).to.equal("malformed");
    // The payment is as good as before.
    expect((await fetch(`${url}/a`, say(header))).status).to.equal(200);
  });

  it("lands all of 40 sales at once [FM:x402-concurrent-settles]", async () => {
    const buyer = shop.fetchOf(payer);
    const { result, ...done } = await effects(() =>
      Promise.all(Array.from({ length: 40 }, (_, i) => buyer(`${url}/b`, { method: "POST", body: String(i) }))),
    );
    expect(result.map(({ status }) => status)).to.deep.equal(Array(40).fill(200));
    expect(await Promise.all(result.map((one) => one.text()))).to.include("you said 39");
    expect(done).to.deep.equal({ runs: 40, paid: 40, sent: 40 });
  });

  it("runs once for a header that comes five times, at once or in turn, and charges once [R9] [FM:x402-duplicate]", async () => {
    for (const atOnce of [true, false]) {
      const { header } = await shop.headerOf(payer);
      const { result, ...done } = await effects(async () => {
        const bring = () => fetch(`${url}/a`, say(header)).then(async (one) => [one.status, await one.text()] as const);
        if (atOnce) return Promise.all(Array.from({ length: 5 }, bring));
        const all = [];
        for (let i = 0; i < 5; i++) all.push(await bring());
        return all;
      });
      expect(result.map(([status]) => status).sort()).to.deep.equal([200, 409, 409, 409, 409]);
      for (const [status, text] of result) if (status === 409) expect(text).to.contain("duplicate_payment");
      expect(done).to.deep.equal({ runs: 1, paid: 1, sent: 1 });
    }
  });

  it("gives the paid answer again to who has the payer's key, and tells nobody else [FM:x402-lost-reply]", async () => {
    const { header, requestId } = await shop.headerOf(payer);
    expect((await fetch(`${url}/a`, say(header))).status).to.equal(200);
    // A gateway that started anew.
    const again = await shop.start();
    const get = (headers: Record<string, string>) => fetch(`${again}/answers/${requestId}`, { headers });
    const claim = async (by: Wallet, until: number) =>
      get({ [PAYER_HEADER]: `${until}.${await by.signMessage(answerClaim(requestId, until))}` });
    const soon = Math.floor(Date.now() / 1_000) + 300;
    const { result, ...done } = await effects(async () => [await claim(payer, soon), await claim(payer, soon)]);
    for (const one of result) {
      expect([one.status, await one.text()]).to.deep.equal([200, "you said hello"]);
      expect(one.headers.get(RECEIPT_HEADER)).to.be.a("string");
    }
    expect(done).to.deep.equal({ runs: 0, paid: 0, sent: 0 });
    for (const one of [
      await get({}),
      await get({ "PAYMENT-SIGNATURE": header }),
      await claim(new Wallet(Wallet.createRandom().privateKey), soon),
      await claim(payer, soon - 1_000),
      await claim(payer, soon + 1_000_000),
      await get({ [PAYER_HEADER]: `${soon}.0x` }),
      await fetch(`${again}/answers/${ZeroHash}`, { headers: { "PAYMENT-SIGNATURE": header } }),
    ])
      expect([one.status, await codeOf(one)]).to.deep.equal([404, "not_found"]);
  });

  it("takes a payment for one resource only, which is the first that it is brought to [FM:x402-other-resource]", async () => {
    const { header } = await shop.headerOf(payer);
    const { result, ...done } = await effects(async () => [
      await fetch(`${url}/a`, say(header)),
      await fetch(`${url}/b`, say(header)),
      await fetch(`${url}/a`, say(header, "another body")),
    ]);
    expect(result.map(({ status }) => status)).to.deep.equal([200, 409, 409]);
    expect(done).to.deep.equal({ runs: 1, paid: 1, sent: 1 });
    // What a stock client says that it pays for is believed against it.
    const payment = await shop.s.pay(payer);
    const named = encodePaymentSignatureHeader({ ...payment, resource: { ...payment.resource!, url: `${url}/a` } });
    expect(errorOf(await fetch(`${url}/b`, say(named)))).to.equal("payment_for_other_resource");
    expect((await fetch(`${url}/a`, say(named))).status).to.equal(200);
  });

  it("refuses payments for other terms and under other signatures before it asks anybody [FM:unchecked-evidence]", async () => {
    const payment = await shop.s.pay(payer);
    const { resource: _, ...bare } = payment;
    const over = (accepted: object) =>
      encodePaymentSignatureHeader({ ...bare, accepted: { ...bare.accepted, ...accepted } });
    const asked: string[] = [];
    const spy: PaymentService = {
      ...shop.real,
      verify: async (...all) => (asked.push("verify"), shop.real.verify(...all)),
    };
    const watched = await shop.start({ payments: spy });
    const authorization = { ...(bare.payload["authorization"] as object), value: String(PRICE + 1n) };
    const cases: [string, string][] = [
      [over({ amount: "1" }), "payment_for_other_terms"],
      [over({ payTo: payer.address }), "payment_for_other_terms"],
      [over({ asset: payer.address }), "payment_for_other_terms"],
      [over({ network: "eip155:1" }), "payment_for_other_terms"],
      [over({ scheme: "upto" }), "payment_for_other_terms"],
      [over({ scheme: "opengradient-channel" }), "unsupported_scheme"],
      [
        encodePaymentSignatureHeader({ ...bare, payload: { ...bare.payload, authorization } }),
        "invalid_exact_evm_signature",
      ],
      [encodePaymentSignatureHeader({ ...bare, payload: { permit2Authorization: {} } }), "unsupported_payload_type"],
    ];
    for (const [header, reason] of cases) expect(errorOf(await fetch(`${watched}/a`, say(header)))).to.equal(reason);
    expect(asked).to.deep.equal([]);
  });

  it("limits addresses and payers before any work, and takes nothing of theirs then [FM:x402-late-limit]", async () => {
    const strict = await shop.start({ payerRate: { perSecond: 0.001, burst: 1 } });
    const [first, second] = [await shop.headerOf(payer), await shop.headerOf(payer)];
    const { result, ...done } = await effects(async () => [
      await fetch(`${strict}/a`, say(first.header)),
      await fetch(`${strict}/a`, say(second.header)),
    ]);
    expect(result.map(({ status }) => status)).to.deep.equal([200, 429]);
    expect(Number(result[1]!.headers.get("retry-after"))).to.be.greaterThan(0);
    expect(done).to.deep.equal({ runs: 1, paid: 1, sent: 1 });
    // Nobody uses up another's share, and the payment is good elsewhere.
    const other = await shop.headerOf(await shop.s.newPayer());
    expect((await fetch(`${strict}/a`, say(other.header))).status).to.equal(200);
    expect((await fetch(`${url}/a`, say(second.header))).status).to.equal(200);
    const narrow = await shop.start({ addressRate: { perSecond: 0.001, burst: 1 } });
    expect((await fetch(`${narrow}/a`, { method: "POST", body: "hello" })).status).to.equal(402);
    const third = await shop.headerOf(payer);
    const limited = await effects(() => fetch(`${narrow}/a`, say(third.header)));
    expect([limited.result.status, limited.runs]).to.deep.equal([429, 0]);
  });

  it("serves nothing to who drains the balance while it works, and works for nobody undrained twice [FM:x402-drained]", async () => {
    const poor = await shop.s.newPayer(PRICE);
    shop.state.during = () => shop.s.token.connect(poor).transfer(shop.s.sender.address, PRICE);
    const { header, requestId } = await shop.headerOf(poor);
    const { result, ...done } = await effects(() => fetch(`${url}/a`, say(header)));
    expect([result.status, errorOf(result)]).to.deep.equal([402, "invalid_exact_evm_insufficient_balance"]);
    expect(decodePaymentResponseHeader(result.headers.get("PAYMENT-RESPONSE")!).success).to.equal(false);
    expect(await result.text()).not.to.contain("you said");
    expect(done).to.deep.equal({ runs: 1, paid: 0, sent: 0 });
    const asked = await shop.fetchAgain(url, requestId, poor);
    expect([asked.status, await codeOf(asked)]).to.deep.equal([410, "sale_over"]);
    // It cost us a run: such payers go on one at a time.
    shop.state.during = () => Promise.resolve();
    await shop.s.token.transfer(poor.address, 3n * PRICE);
    const [next, after] = [await shop.headerOf(poor), await shop.headerOf(poor)];
    expect((await fetch(`${url}/a`, say(next.header))).status).to.equal(200);
    expect((await fetch(`${url}/a`, say(after.header))).status).to.equal(429);
  });

  it("does no unpaid work at all where it charges before [FM:x402-drained]", async () => {
    const poor = await shop.s.newPayer(PRICE);
    const drains: PaymentService = {
      ...shop.real,
      async verify(...all) {
        const verified = await shop.real.verify(...all);
        await shop.s.token.connect(poor).transfer(shop.s.sender.address, PRICE);
        return verified;
      },
    };
    const drained = await shop.start({ payments: drains });
    const { header } = await shop.headerOf(poor);
    const { result, ...done } = await effects(() => fetch(`${drained}/prepaid`, say(header)));
    expect([result.status, errorOf(result)]).to.deep.equal([402, "invalid_exact_evm_insufficient_balance"]);
    expect(done).to.deep.equal({ runs: 0, paid: 0, sent: 0 });
  });

  it("charges nothing for work that failed, and says what it owes where it was paid before", async () => {
    const [after, before] = [await shop.headerOf(payer), await shop.headerOf(payer)];
    const failed = await effects(() => fetch(`${url}/broken`, say(after.header)));
    expect([failed.result.status, await codeOf(failed.result), failed.paid]).to.deep.equal([502, "work_failed", 0]);
    expect(await shop.stateOf(after.requestId)).to.equal("failed");
    const owed = await effects(() => fetch(`${url}/broken-prepaid`, say(before.header)));
    expect([owed.result.status, owed.paid]).to.deep.equal([502, 1]);
    expect(await owed.result.text()).to.contain("a refund is owed");
    expect(await shop.stateOf(before.requestId)).to.equal("owed");
  });

  it("serves once and charges once where the facilitator's reply is lost [FM:x402-lost-reply]", async () => {
    const lossy: PaymentService = {
      ...shop.real,
      async settle(...all) {
        await shop.real.settle(...all);
        throw new Error("socket hang up");
      },
    };
    const lost = await shop.start({ payments: lossy });
    const { header } = await shop.headerOf(payer);
    const { result, ...done } = await effects(() => fetch(`${lost}/a`, say(header)));
    expect([result.status, await result.text()]).to.deep.equal([200, "you said hello"]);
    expect(done).to.deep.equal({ runs: 1, paid: 1, sent: 1 });
  });

  it("asks again where a facilitator answers 429, 503 or 202 to a settlement, and serves what was paid [FM:x402-late-limit] [FM:x402-answer-shape]", async () => {
    const answers = [
      [429, {}],
      [503, {}],
      [202, { success: false, errorReason: "settlement_pending", transaction: "", network: shop.s.network }],
    ] as const;
    let asked = 0;
    // Forwards all but the first settlements.
    const front = createServer(async (request, response) => {
      const chunks: Buffer[] = [];
      for await (const chunk of request) chunks.push(chunk as Buffer);
      const early = request.url!.endsWith("/settle") ? answers[asked++] : undefined;
      const forwarded =
        early === undefined &&
        (await fetch(shop.relayer.url + request.url!, {
          method: request.method!,
          ...(request.method === "POST" ? { body: Buffer.concat(chunks) } : {}),
          headers: { "content-type": "application/json" },
        }));
      response.writeHead(forwarded ? forwarded.status : early![0], { "content-type": "application/json" });
      response.end(forwarded ? await forwarded.text() : JSON.stringify(early![1]));
    });
    await new Promise<void>((resolve) => front.listen(0, "127.0.0.1", resolve));
    const facilitator = remoteFacilitator(`http://127.0.0.1:${(front.address() as AddressInfo).port}/x402`);
    const behind = await shop.start({ payments: facilitator });
    const { header } = await shop.headerOf(payer);
    const { result, ...done } = await effects(() => fetch(`${behind}/a`, say(header)));
    expect([result.status, await result.text()]).to.deep.equal([200, "you said hello"]);
    expect(done).to.deep.equal({ runs: 1, paid: 1, sent: 1 });
    expect(asked).to.equal(4);
    front.closeAllConnections();
    await new Promise((resolve) => front.close(resolve));
  });

  it("keeps the answer for its payer where it cannot learn whether it was paid, and answers no 202 [FM:x402-lost-reply] [FM:x402-answer-shape]", async () => {
    const silent = () => Promise.reject(new Error("timed out"));
    const down: PaymentService = { verify: shop.real.verify, settle: silent, status: silent };
    const cut = await shop.start({ payments: down, chargeMs: 300 });
    const { header, requestId } = await shop.headerOf(payer);
    const unknown = await fetch(`${cut}/a`, say(header));
    expect([unknown.status, await codeOf(unknown)]).to.deep.equal([503, "settlement_pending"]);
    const get = () => shop.fetchAgain(url, requestId, payer);
    const waiting = await get();
    expect([waiting.status, await codeOf(waiting)]).to.deep.equal([409, "not_answered"]);
    const { result, ...done } = await effects(() => shop.reconcile());
    expect(result.changed).to.deep.include({ requestId, from: "answered", to: "charged" });
    expect(done).to.deep.equal({ runs: 0, paid: 1, sent: 1 });
    expect(await (await get()).text()).to.equal("you said hello");
    await shop.reached(requestId, "served");
  });

  interface Sent {
    name: string;
    data: { text?: string; code?: string; receipt?: ReceiptHeader; settlement?: { success: boolean } };
  }
  const eventsOf = (text: string): Sent[] =>
    text
      .split("\n\n")
      .filter(Boolean)
      .map((one) => {
        const lines = one.split("\n");
        const name = lines.find((line) => line.startsWith("event: "))?.slice(7) ?? "message";
        return { name, data: JSON.parse(lines.find((line) => line.startsWith("data: "))!.slice(6)) as Sent["data"] };
      });

  it("streams parts of an answer that was paid before the first of them, and ends with receipt and settlement [R5] [R6]", async () => {
    let paidAtFirstPart = 0n;
    const before = await shop.s.received();
    shop.state.during = async () => (paidAtFirstPart = (await shop.s.received()) - before);
    const init = { method: "POST", body: "hello", headers: { accept: "text/event-stream" } };
    const response = await shop.fetchOf(payer)(`${url}/a`, init);
    expect(response.headers.get("content-type")).to.equal("text/event-stream");
    const events = eventsOf(await response.text());
    expect(events.map(({ name }) => name)).to.deep.equal(["message", "message", "message", "receipt"]);
    expect(events.map(({ data }) => data.text ?? "").join("")).to.equal("you said hello");
    expect(paidAtFirstPart).to.equal(PRICE);
    const { receipt, settlement } = events.at(-1)!.data;
    expect(settlement!.success).to.equal(true);
    const requestId = receipt!.receipt.requestId;
    const sent = { method: "POST", url: `${url}/a`, body: Buffer.from("hello") };
    checkReceipt(receipt!, { domain, requestId, sent });
    await shop.reached(requestId, "served");
  });

  it("charges a client once that leaves in the middle of a stream, and keeps its answer [FM:x402-duplicate]", async () => {
    let go: () => void = () => undefined;
    const gone = new Promise<void>((resolve) => (go = resolve));
    shop.state.during = () => gone;
    const { header, requestId } = await shop.headerOf(payer);
    const abort = new AbortController();
    const { runs, paid, sent } = await effects(async () => {
      const request = say(header, "hello", { accept: "text/event-stream" });
      const response = await fetch(`${url}/a`, { ...request, signal: abort.signal });
      await response.body!.getReader().read();
      abort.abort();
      await new Promise((resolve) => setTimeout(resolve, 100));
      go();
      while ((await findSale(shop.db, requestId))?.work !== "answered")
        await new Promise((resolve) => setTimeout(resolve, 20));
      expect(await shop.stateOf(requestId)).to.equal("charged");
      expect((await fetch(`${url}/a`, say(header))).status).to.equal(409);
    });
    expect({ runs, paid, sent }).to.deep.equal({ runs: 1, paid: 1, sent: 1 });
    const answer = await shop.fetchAgain(url, requestId, payer);
    expect(await answer.text()).to.equal("you said hello");
  });

  it("counts sales by state, and payments by how they ended", async () => {
    const registry = new Registry();
    const measured = await shop.start({ metrics: measureSales(registry, shop.db) });
    const [good, again] = [await shop.headerOf(payer), await fetch(`${measured}/a`, say("nonsense"))];
    expect(again.status).to.equal(402);
    await (await fetch(`${measured}/a`, say(good.header))).text();
    await fetch(`${measured}/a`, say(good.header));
    const text = await registry.metrics();
    expect(text).to.match(/relayer_gateway_sales\{state="served"\} [1-9]/);
    expect(text).to.match(/relayer_gateway_sales\{state="owed"\} 1/);
    expect(text).to.match(/relayer_gateway_charged_not_served [1-9]/);
    expect(text).to.contain("relayer_gateway_served_not_charged 0");
    for (const outcome of ["sold", "duplicate_payment"])
      expect(text).to.contain(`relayer_gateway_payments_total{scheme="exact",outcome="${outcome}"} 1`);
    const relayed = await (await fetch(`${shop.relayer.url}/metrics`)).text();
    expect(relayed).to.match(/relayer_x402_payments\{state="(mined|final)"\} [1-9]/);
    expect(relayed).to.match(/relayer_x402_outcomes_total\{call="settle",outcome="paid"\} [1-9]/);
    expect(relayed).to.match(/relayer_x402_outcomes_total\{call="verify",outcome="duplicate_settlement"\} [1-9]/);
  });
}).timeout(300_000);
