// SPDX-License-Identifier: MIT
// Payers, bearers and strangers who want answers for nothing, or those of others.
import { x402Client } from "@x402/core/client";
import { decodePaymentRequiredHeader, encodePaymentSignatureHeader } from "@x402/core/http";
import { wrapFetchWithPayment } from "@x402/fetch";
import { ExactEvmScheme } from "@x402/evm/exact/client";
import { expect } from "chai";
import { Signature, Wallet } from "ethers";
import { connect } from "node:net";
import { eip3009 } from "../../relayer/facilitator/eip3009.ts";
import { endUnfetched, recordRefund, type Product } from "../../relayer/gateway/index.ts";
import type { Hex } from "../../relayer/protocol/index.ts";
import { findSale } from "../../relayer/store/sales.ts";
import { openShop, outputHashOf, say, type Shop } from "./support/gateway.ts";
import { PRICE } from "./support/x402.ts";

describe("a paid gateway among enemies", function () {
  this.timeout(300_000);
  let shop: Shop;
  let payer: Wallet;
  let url: string;
  before(async () => {
    shop = await openShop({ waitMs: 5_000 });
    payer = await shop.s.newPayer();
    url = await shop.start();
  });
  after(() => shop.close());
  afterEach(() => (shop.state.during = () => Promise.resolve()));

  const codeOf = async (response: Response): Promise<string> => ((await response.json()) as { code: string }).code;
  const errorOf = (response: Response): string | undefined =>
    decodePaymentRequiredHeader(response.headers.get("PAYMENT-REQUIRED")!).error;
  const hash = `0x${"77".repeat(32)}` as Hex;
  /** Work that goes on until it is told to end. */
  function held(): () => void {
    let end: () => void = () => undefined;
    const gate = new Promise<void>((resolve) => (end = resolve));
    shop.state.during = () => gate;
    return end;
  }
  /** A stock client's payment over an authorization of its own choice. */
  async function headerOver(by: Wallet, maxTimeoutSeconds: number): Promise<{ header: string; requestId: Hex }> {
    const payment = await shop.s.pay(by, { ...shop.s.requirements, maxTimeoutSeconds });
    const { resource: _, ...rest } = payment;
    const accepted = shop.s.requirements;
    return {
      header: encodePaymentSignatureHeader({ ...rest, accepted }),
      requestId: shop.s.requestIdOf(payment) as Hex,
    };
  }

  it("gives no answer to who rebuilds a stock client's header from the chain", async () => {
    let sent = "";
    const spy: typeof fetch = async (input, init) => {
      const request = new Request(input, init);
      sent = request.headers.get("PAYMENT-SIGNATURE") ?? sent;
      return fetch(request);
    };
    const bought = await wrapFetchWithPayment(spy, shop.s.clientOf(payer))(`${url}/a`, {
      method: "POST",
      body: "a secret",
    });
    expect(await bought.text()).to.equal("you said a secret");

    // All that a stranger has: the transaction, and the terms that the gateway tells everybody.
    const asked = await fetch(`${url}/a`, { method: "POST", body: "?" });
    const block = await shop.s.connection.ethers.provider.getBlock("latest", true);
    const call = block!.prefetchedTransactions[0]!;
    const [from, to, value, validAfter, validBefore, nonce, v, r, s] = eip3009.decodeFunctionData(
      "transferWithAuthorization",
      call.data,
    ) as unknown as [string, string, bigint, bigint, bigint, string, bigint, string, string];
    const authorization = {
      from,
      to,
      value: `${value}`,
      validAfter: `${validAfter}`,
      validBefore: `${validBefore}`,
      nonce,
    };
    const signature = Signature.from({ v: Number(v), r, s }).serialized;
    const imitated = new ExactEvmScheme({ address: from as Hex, signTypedData: async () => signature as Hex });
    const client = new x402Client()
      .register(shop.s.network, imitated)
      .setSpendControls({ allowedAssets: [{ network: shop.s.network, asset: shop.s.asset }] });
    const required = decodePaymentRequiredHeader(asked.headers.get("PAYMENT-REQUIRED")!);
    const shape = await client.createPaymentPayload(required);
    const rebuilt = encodePaymentSignatureHeader({ ...shape, payload: { ...shape.payload, authorization, signature } });
    const order = (header: string) => JSON.parse(Buffer.from(header, "base64").toString()) as object;
    expect(order(rebuilt), "the header is no secret").to.deep.equal(order(sent));

    const requestId = shop.s.requestIdOf({ ...shape, payload: { authorization } }) as Hex;
    const held: Record<string, string>[] = [
      { "PAYMENT-SIGNATURE": rebuilt },
      { "PAYMENT-SIGNATURE": sent },
      { "X-PAYMENT": sent },
    ];
    for (const headers of held) {
      const stolen = await fetch(`${url}/answers/${requestId}`, { headers });
      expect([stolen.status, await codeOf(stolen)]).to.deep.equal([404, "not_found"]);
    }
    const nobody = new Wallet(Wallet.createRandom().privateKey);
    expect((await shop.fetchAgain(url, requestId, nobody)).status).to.equal(404);
    expect(await (await shop.fetchAgain(url, requestId, payer)).text()).to.equal("you said a secret");
  });

  it("works for no payment that would end while it works [FM:x402-drained]", async () => {
    const { runs } = shop.state;
    const { header, requestId } = await headerOver(payer, 20);
    const refused = await fetch(`${url}/a`, say(header));
    expect([refused.status, errorOf(refused)]).to.deep.equal([
      402,
      "invalid_exact_evm_payload_authorization_valid_before",
    ]);
    expect([shop.state.runs, await findSale(shop.db, requestId)]).to.deep.equal([runs, undefined]);
    // A client whose clock is a quarter of an hour late is a client still.
    expect((await fetch(`${url}/a`, say((await headerOver(payer, 3_600 - 900)).header))).status).to.equal(200);
  });

  it("works for no more than a few payments at once that one balance cannot pay all of [FM:x402-drained]", async () => {
    const poor = await shop.s.newPayer(PRICE);
    const soon = { chargeMs: 1_000 };
    const gateways = [await shop.start(soon), await shop.start(soon)];
    const { runs } = shop.state;
    const end = held();
    const headers = await Promise.all(Array.from({ length: 12 }, () => shop.headerOf(poor)));
    const all = headers.map(({ header }, i) => fetch(`${gateways[i % 2]}/a`, say(header)));
    await new Promise((resolve) => setTimeout(resolve, 1_500));
    end();
    const answered = (await Promise.all(all)).filter(({ status }) => status === 200).length;
    expect(answered).to.equal(1);
    expect(shop.state.runs - runs).to.be.at.most(5);
  });

  it("gives no answer for money that went back, whatever was running meanwhile", async () => {
    const end = held();
    const { header, requestId } = await shop.headerOf(payer);
    const asked = fetch(`${url}/prepaid`, say(header));
    await shop.reached(requestId, "charged");
    while ((await findSale(shop.db, requestId))?.work !== "running") await new Promise((done) => setTimeout(done, 10));
    expect(await recordRefund(shop.db, requestId, hash, Date.now()), "its work runs").to.equal(false);
    expect(await endUnfetched(shop.db, requestId, Date.now()), "its work runs").to.equal(false);
    end();
    expect((await asked).status).to.equal(200);
    await shop.reached(requestId, "served");
    expect(await endUnfetched(shop.db, requestId, Date.now()), "it was served").to.equal(false);

    // An answer that nobody fetched is withdrawn before the money goes back, not after.
    const late = held();
    const client = new AbortController();
    const left = await shop.headerOf(payer);
    const gone = fetch(`${url}/prepaid`, { ...say(left.header), signal: client.signal }).catch(() => undefined);
    await shop.reached(left.requestId, "charged");
    client.abort();
    await gone;
    // Until the gateway has heard of it.
    await new Promise((done) => setTimeout(done, 300));
    late();
    while ((await findSale(shop.db, left.requestId))?.work !== "answered")
      await new Promise((done) => setTimeout(done, 10));
    expect(await recordRefund(shop.db, left.requestId, hash, Date.now()), "it can be fetched").to.equal(false);
    expect(await endUnfetched(shop.db, left.requestId, Date.now())).to.equal(true);
    expect(await shop.stateOf(left.requestId)).to.equal("owed");
    const fetched = await shop.fetchAgain(url, left.requestId, payer);
    expect([fetched.status, await codeOf(fetched)]).to.deep.equal([410, "sale_over"]);
    expect(await recordRefund(shop.db, left.requestId, hash, Date.now())).to.equal(true);
    expect(await recordRefund(shop.db, left.requestId, hash, Date.now())).to.equal(false);
  });

  it("waits for a model no longer than it may take: its place is free then, and nothing is charged for what it says later", async () => {
    const strict = await shop.start({ maxWorkMs: 300, maxInFlight: 1 });
    const before = await shop.s.received();
    for (const path of ["/b", "/prepaid"]) {
      const end = held();
      const { header, requestId } = await shop.headerOf(payer);
      const failed = await fetch(strict + path, say(header));
      expect([failed.status, await codeOf(failed)]).to.deep.equal([502, "work_failed"]);
      end();
      shop.state.during = () => Promise.resolve();
      expect(await shop.stateOf(requestId)).to.equal(path === "/b" ? "failed" : "owed");
    }
    expect((await fetch(`${strict}/b`, say((await shop.headerOf(payer)).header))).status).to.equal(200);
    // What was charged before, for which a refund is owed, and the last one.
    expect((await shop.s.received()) - before).to.equal(2n * PRICE);
  });

  it("streams no more than it would keep, so that no whole answer is had and called failed", async () => {
    shop.state.during = () => Promise.resolve();
    const small = await shop.start({ maxAnswerBytes: 10 });
    const { header, requestId } = await shop.headerOf(payer);
    const response = await fetch(`${small}/a`, say(header, "x".repeat(5_000), { accept: "text/event-stream" }));
    const text = await response.text();
    expect(text.length).to.be.lessThan(500);
    expect(text).to.contain("event: error");
    const sale = (await findSale(shop.db, requestId))!;
    expect([await shop.stateOf(requestId), sale.reason]).to.deep.equal(["owed", "work_failed, 9 bytes were streamed"]);
  });

  it("lets nobody's reconciliation give up work that goes on", async () => {
    const busy = await shop.start({ touchMs: 20 });
    const end = held();
    const { header, requestId } = await shop.headerOf(payer);
    const asked = fetch(`${busy}/prepaid`, say(header));
    await shop.reached(requestId, "charged");
    while ((await findSale(shop.db, requestId))?.work !== "running") await new Promise((done) => setTimeout(done, 10));
    for (let i = 0; i < 10; i++) {
      await new Promise((done) => setTimeout(done, 60));
      expect((await shop.reconcile(shop.real, undefined, 500)).changed.map((one) => one.requestId)).not.to.include(
        requestId,
      );
    }
    end();
    expect((await asked).status).to.equal(200);
  });

  it("works on so many sales at once, streams too, and takes no payment of the others", async () => {
    const small = await shop.start({ maxInFlight: 2 });
    const end = held();
    const streams = [];
    for (let i = 0; i < 2; i++) {
      const { header } = await shop.headerOf(payer);
      streams.push(await fetch(`${small}/a`, say(header, "hello", { accept: "text/event-stream" })));
    }
    const { header, requestId } = await shop.headerOf(payer);
    const third = await fetch(`${small}/a`, say(header));
    expect([third.status, await codeOf(third)]).to.deep.equal([503, "busy"]);
    expect(await findSale(shop.db, requestId)).to.equal(undefined);
    end();
    for (const one of streams) expect(await one.text()).to.contain("event: receipt");
    expect((await fetch(`${small}/a`, say(header))).status).to.equal(200);
  });

  it("counts no stream as served that its connection did not take", async () => {
    const part = "y".repeat(100_000);
    const long: Product = {
      ...shop.products[0]!,
      path: "/long",
      async infer({ emit }) {
        for (let i = 0; i < 160; i++) emit(part);
        const body = Buffer.from(part.repeat(160));
        return { outputHash: outputHashOf(body), body };
      },
    };
    const { hostname, port } = new URL(await shop.start({ products: [long], maxAnswerBytes: 20_000_000 }));
    const { header, requestId } = await shop.headerOf(payer);
    const socket = connect(Number(port), hostname);
    socket.on("error", () => undefined);
    // Reads the head of the answer, and then nothing more.
    socket.write(
      "POST /long HTTP/1.1\r\nhost: x\r\naccept: text/event-stream\r\ncontent-length: 1\r\n" +
        `payment-signature: ${header}\r\n\r\n?`,
    );
    socket.once("data", () => socket.pause());
    while ((await findSale(shop.db, requestId))?.work !== "answered") await new Promise((done) => setTimeout(done, 20));
    await new Promise((done) => setTimeout(done, 300));
    expect(await shop.stateOf(requestId)).to.equal("charged");
    socket.destroy();
    await new Promise((done) => setTimeout(done, 200));
    expect(await shop.stateOf(requestId)).to.equal("charged");
  });

  it("refuses headers that are no payment in a few words, whatever they are made of", async () => {
    const { header } = await shop.headerOf(payer);
    const json = JSON.parse(Buffer.from(header, "base64").toString()) as Record<string, unknown>;
    const encode = (value: unknown) => Buffer.from(JSON.stringify(value)).toString("base64");
    const headers: Record<string, string>[] = [
      { "PAYMENT-SIGNATURE": `${header}, ${header}` },
      { "PAYMENT-SIGNATURE": "\u00e9\u00ff" },
      { "PAYMENT-SIGNATURE": encode({ ...json, resource: { url: "http://[" } }) },
      { "PAYMENT-SIGNATURE": encode({ ...json, resource: { url: "\ud800" } }) },
      { "PAYMENT-SIGNATURE": encode(null) },
      { "PAYMENT-SIGNATURE": encode([]) },
      { "PAYMENT-SIGNATURE": encode({ ...json, accepted: { ...(json["accepted"] as object), amount: 1e15 } }) },
      { "PAYMENT-SIGNATURE": encode({ ...json, payload: { __proto__: null, signature: {}, authorization: [] } }) },
      { "X-PAYMENT": encode({ x402Version: 1, scheme: "exact", network: "constructor", payload: {} }) },
      { "X-PAYMENT": "A".repeat(9_000) },
    ];
    const over = json["payload"] as { authorization: Record<string, string>; signature: string };
    for (const change of [
      { value: "1e15" },
      { value: `0${PRICE}` },
      { value: `-${PRICE}` },
      { value: `${2n ** 256n}` },
      { value: "9".repeat(5_000) },
      { validBefore: `${2n ** 255n}` },
      { nonce: "0x00" },
      { from: Wallet.createRandom().address },
      { to: Wallet.createRandom().address },
    ])
      headers.push({
        "PAYMENT-SIGNATURE": encode({
          ...json,
          payload: { ...over, authorization: { ...over.authorization, ...change } },
        }),
      });
    const { runs } = shop.state;
    for (const one of headers) {
      const refused = await fetch(`${url}/a`, { method: "POST", body: "hello", headers: one });
      expect(refused.status, JSON.stringify(one).slice(0, 200)).to.equal(402);
      expect((await refused.text()).length).to.be.lessThan(2_000);
    }
    expect(shop.state.runs).to.equal(runs);
    expect((await fetch(`${url}/a`, say(header))).status).to.equal(200);
  });

  it("takes a payment signed for another amount or payee to no facilitator at all [FM:unchecked-evidence]", async () => {
    const asked: string[] = [];
    const eager = await shop.start({
      payments: {
        verify: async () => (asked.push("verify"), { isValid: true }),
        settle: async () => ({ success: true, transaction: hash, network: shop.s.network }),
      },
    });
    const wanted = shop.s.requirements;
    for (const cheat of [
      { ...wanted, amount: "1" },
      { ...wanted, payTo: payer.address },
    ]) {
      const { resource: _, ...rest } = await shop.s.pay(payer, cheat);
      const header = encodePaymentSignatureHeader({ ...rest, accepted: wanted });
      expect((await fetch(`${eager}/a`, say(header))).status).to.equal(402);
    }
    expect(asked).to.deep.equal([]);
  });

  it("tells a client that leaves in the middle of its body nothing, and its operator nothing as an error", async () => {
    const errors: string[] = [];
    const heard = await shop.start({
      log: { info: () => undefined, warn: () => undefined, error: (_, message) => void errors.push(message) },
    });
    const { hostname, port } = new URL(heard);
    for (let i = 0; i < 5; i++)
      await new Promise<void>((done) => {
        const socket = connect(Number(port), hostname, () => {
          socket.write("POST /a HTTP/1.1\r\nhost: x\r\ncontent-length: 1000\r\n\r\nhalf");
          setTimeout(() => socket.destroy(), 50);
        });
        socket.once("close", () => done());
      });
    await new Promise((done) => setTimeout(done, 100));
    expect(errors).to.deep.equal([]);
  });

  it("holds so much of all bodies together, and says to browsers that none of it is a page", async () => {
    const narrow = await shop.start({ maxHeldBytes: 10_000 });
    const { hostname, port } = new URL(narrow);
    const slow = connect(Number(port), hostname);
    slow.on("error", () => undefined);
    slow.write(`POST /a HTTP/1.1\r\nhost: x\r\ncontent-length: 9000\r\n\r\n${"x".repeat(8_000)}`);
    await new Promise((done) => setTimeout(done, 200));
    const second = await fetch(`${narrow}/a`, { method: "POST", body: "x".repeat(3_000) });
    expect([second.status, await codeOf(second)]).to.deep.equal([503, "busy"]);
    slow.destroy();
    await new Promise((done) => setTimeout(done, 200));
    const third = await fetch(`${narrow}/a`, { method: "POST", body: "x".repeat(3_000) });
    expect(third.status).to.equal(402);
    expect(third.headers.get("x-content-type-options")).to.equal("nosniff");
    expect(third.headers.get("content-security-policy")).to.contain("default-src 'none'");
  });
});
