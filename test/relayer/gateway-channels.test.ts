// SPDX-License-Identifier: MIT
// The volume path: no transaction a call. Only what both sides read of the chain is held here.
import { decodePaymentRequiredHeader, encodePaymentSignatureHeader } from "@x402/core/http";
import { createAdaptorServer } from "@hono/node-server";
import { expect } from "chai";
import type { Server } from "node:http";
import type { AddressInfo } from "node:net";
import { buyOverChannel, CHANNEL_SCHEME, createGateway, type Product } from "../../relayer/gateway/index.ts";
import type { Payer } from "../../relayer/channels/index.ts";
import { channelRequestId, type Hex } from "../../relayer/protocol/index.ts";
import { openDatabase, type OpenDatabase } from "../../relayer/store/database.ts";
import { escrow, makeSides, modelId, nodeId, type Sides } from "./support/channels.ts";
import { outputHashOf } from "./support/gateway.ts";
import { removeDir, tempDir } from "./support/relayer.ts";

describe("a gateway that takes channels", () => {
  let dataDir: string;
  let database: OpenDatabase;
  let sides: Sides;
  let payer: Payer;
  let server: Server;
  let url: string;
  let runs = 0;
  let fail = false;
  before(async () => {
    dataDir = tempDir();
    database = await openDatabase({ dataDir });
    sides = makeSides();
    payer = sides.startPayer({ lanes: 4 });
    const { node, payee } = sides.startNode();
    const product: Product = {
      ...{ path: "/v1/echo", description: "an echo", mediaType: "text/plain", price: 10n, node, streams: true },
      channel: { payee, nodeId, modelId, mode: 0 },
      async infer({ body, emit }) {
        runs++;
        if (fail) throw new Error("out of memory");
        const text = Buffer.from(`you said ${Buffer.from(body).toString()}`);
        emit(text.toString());
        return { outputHash: outputHashOf(text), body: text };
      },
    };
    const token: Hex = `0x${"33".repeat(20)}`;
    const nobody = () => Promise.reject(new Error("no facilitator is asked for a channel"));
    const app = createGateway({
      ...{ db: database.db, payments: { verify: nobody, settle: nobody }, products: [product], escrow },
      money: { chainId: 31337, token, name: "OpenGradient", version: "1", payTo: token, maxTimeoutSeconds: 600 },
      publicUrl: "https://gateway.example",
      payerRate: { perSecond: 0.001, burst: 12 },
      log: { info: () => undefined, warn: () => undefined, error: () => undefined },
    });
    server = createAdaptorServer({ fetch: app.fetch }) as Server;
    await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
    url = `http://127.0.0.1:${(server.address() as AddressInfo).port}/v1/echo`;
  });
  after(async () => {
    server.closeAllConnections();
    await new Promise((resolve) => server.close(resolve));
    sides.end();
    await database.close();
    removeDir(dataDir);
  });
  const buyer = () => ({ payer, maxFee: 10n, outputHashOf });

  it("sells for vouchers, each counted when its receipt was checked, and says so beside exact [R5] [R7]", async () => {
    const asked = await fetch(url, { method: "POST", body: "?" });
    const { accepts } = decodePaymentRequiredHeader(asked.headers.get("PAYMENT-REQUIRED")!);
    expect(accepts.map(({ scheme }) => scheme)).to.deep.equal(["exact", CHANNEL_SCHEME]);
    const answers = [];
    for (const text of ["one", "two", "three"])
      answers.push(await buyOverChannel(url, { body: Buffer.from(text) }, buyer()));
    expect(answers.map(({ body }) => Buffer.from(body).toString())).to.deep.equal([
      "you said one",
      "you said two",
      "you said three",
    ]);
    expect(answers.map(({ receipt }) => receipt.cumulativeFee)).to.deep.equal([10n, 20n, 30n]);
    expect([payer.exposure().owed, runs]).to.deep.equal([30n, 3]);
  });

  it("runs once for a voucher that comes again, and not at all for another request or a stranger's signature [R9] [FM:x402-duplicate] [FM:x402-other-resource]", async () => {
    const seen: RequestInit[] = [];
    const spy: typeof fetch = (input, init) => (seen.push(init!), fetch(input, init));
    const ran = runs;
    const { receipt } = await buyOverChannel(url, { body: Buffer.from("again") }, { ...buyer(), fetch: spy });
    const paid = seen.at(-1)!;
    const repeat = await fetch(url, paid);
    expect([repeat.status, await repeat.text()]).to.deep.equal([200, "you said again"]);
    const streamed = await fetch(url, { ...paid, headers: { ...paid.headers, accept: "text/event-stream" } });
    expect(await streamed.text())
      .to.contain("you said again")
      .and.contain("event: receipt");
    expect(runs).to.equal(ran + 1);
    expect(receipt.requestId).not.to.equal(channelRequestId(nodeId, 1n));
    const refused = async (init: RequestInit) => {
      const response = await fetch(url, init);
      return [response.status, decodePaymentRequiredHeader(response.headers.get("PAYMENT-REQUIRED")!).error];
    };
    expect(await refused({ ...paid, body: "something else" })).to.deep.equal([402, "other_request"]);
    const header = (paid.headers as Record<string, string>)["PAYMENT-SIGNATURE"]!;
    const payment = JSON.parse(atob(header)) as { payload: { request: { maxCumulative: string } } };
    payment.payload.request.maxCumulative = "999";
    const forged = encodePaymentSignatureHeader(payment as never);
    expect(await refused({ ...paid, headers: { "PAYMENT-SIGNATURE": forged } })).to.deep.equal([402, "bad_voucher"]);
    expect(runs).to.equal(ran + 1);
  });

  it("tells a payer in the channel's words why it is not served", async () => {
    sides.chain.state.balance = 5n;
    const seen: Response[] = [];
    const spy: typeof fetch = async (input, init) => {
      const response = await fetch(input, init);
      seen.push(response.clone());
      return response;
    };
    sides.clock.now += 60_000;
    const [problem] = await Promise.allSettled([
      buyOverChannel(url, { body: Buffer.from("poor") }, { ...buyer(), fetch: spy }),
    ]);
    // The payer's own client does not sign what its deposit does not cover.
    expect((problem as PromiseRejectedResult).reason).to.have.property("code", "over_deposit");
    sides.chain.state.balance = 1_000n;
    sides.clock.now += 60_000;
    fail = true;
    const [failed] = await Promise.allSettled([
      buyOverChannel(url, { body: Buffer.from("broken") }, { ...buyer(), fetch: spy }),
    ]);
    fail = false;
    expect((failed as PromiseRejectedResult).reason).to.have.property("code", "refused");
    expect(seen.at(-1)!.status).to.equal(502);
    expect(payer.pending().length).to.equal(1);
  });
}).timeout(300_000);
