// SPDX-License-Identifier: MIT
// What bounds and protects submissions: idempotency keys, quotas, API keys, browsers.
import { expect } from "chai";
import { createRelayerClient } from "../../relayer/node/index.ts";
import { createApiKey } from "../../relayer/store/api-keys.ts";
import { openDatabase } from "../../relayer/store/database.ts";
import { createIdempotencyStore } from "../../relayer/store/idempotency.ts";
import { createQuotas } from "../../relayer/operator/quotas.ts";
import * as protocol from "../../relayer/protocol/index.ts";
import {
  batchBody,
  domain,
  makeChain,
  makeKey,
  makeReceipt,
  random,
  receiptBody,
  removeDir,
  request,
  startRelayer,
  tempDir,
  type Answer,
  type RunningRelayer,
} from "./support/relayer.ts";

const post = (relayer: RunningRelayer, path: string, body: unknown, headers: Record<string, string>): Promise<Answer> =>
  request(relayer.url + path, {
    method: "POST",
    headers: { "content-type": "application/json", ...headers },
    body: JSON.stringify(body),
  });

describe("submissions", () => {
  const chain = makeChain();
  const key = chain.addKey(makeKey());
  const model = chain.addModel(1);
  let dataDir: string;
  let relayer: RunningRelayer;
  beforeEach(() => {
    dataDir = tempDir();
  });
  afterEach(async () => {
    await relayer.close();
    removeDir(dataDir);
  });
  const batch = (size = 1) =>
    batchBody(
      key,
      Array.from({ length: size }, () => makeReceipt(key, model)),
    );

  it("are answered under one Idempotency-Key as the first time, and never for another body [FM:timeout-resettle]", async () => {
    relayer = await startRelayer(chain, dataDir);
    const { body } = batch();
    const keyed = { "idempotency-key": "order-1" };
    const first = await post(relayer, "/v1/batches", body, keyed);
    expect([first.status, first.headers.get("idempotency-replayed")]).to.deep.equal([201, null]);
    const again = await post(relayer, "/v1/batches", body, keyed);
    expect([again.status, again.headers.get("idempotency-replayed")], "201 as the first time").to.deep.equal([
      201,
      "true",
    ]);
    expect(again.body).to.deep.equal(first.body);
    const other = await post(relayer, "/v1/batches", batch().body, keyed);
    expect([other.status, other.body.code]).to.deep.equal([422, "idempotency_key_reused"]);
    const elsewhere = await post(relayer, "/v1/receipts", body, keyed);
    expect(elsewhere.body.code, "the path counts too").to.equal("idempotency_key_reused");
    expect((await post(relayer, "/v1/batches", body, {})).status, "without a key it is known already").to.equal(200);
    for (const bad of [" ", "a b", "x".repeat(256)])
      expect((await post(relayer, "/v1/batches", body, { "idempotency-key": bad })).status, bad).to.be.oneOf([
        400, 200,
      ]);
    expect((await post(relayer, "/v1/batches", body, { "idempotency-key": "x".repeat(256) })).body.code).to.equal(
      "malformed",
    );
    // What was refused had no effect: its key is free for the request put right.
    const refused = await post(
      relayer,
      "/v1/batches",
      { ...body, signature: `0x${"11".repeat(65)}` },
      { "idempotency-key": "order-2" },
    );
    expect(refused.status).to.equal(422);
    expect((await post(relayer, "/v1/batches", batch().body, { "idempotency-key": "order-2" })).status).to.equal(201);
    // It is in the ledger, so a restart knows it.
    await relayer.close();
    relayer = await startRelayer(chain, dataDir);
    expect((await post(relayer, "/v1/batches", body, keyed)).headers.get("idempotency-replayed")).to.equal("true");
  });

  it("under one key at once are worked on once, and a key is good for a day [R8]", async () => {
    relayer = await startRelayer(chain, dataDir);
    await relayer.close();
    const ledger = await openDatabase({ dataDir });
    let now = Date.now();
    const store = createIdempotencyStore(ledger.db, () => now);
    const [mine, theirs] = [random(), random()];
    const taken = await Promise.all(Array.from({ length: 5 }, () => store.take("a", "k", mine)));
    expect(taken.map(({ is }) => is).toSorted()).to.deep.equal(["running", "running", "running", "running", "yours"]);
    const yours = taken.find(({ is }) => is === "yours") as { id: number; at: number };
    expect(await store.take("a", "k", theirs)).to.deep.equal({ is: "reused" });
    expect((await store.take("b", "k", theirs)).is, "another owner's key is another key").to.equal("yours");
    const answer = { status: 201, contentType: "application/json", body: "{}" };
    await store.keep(yours, answer);
    expect(await store.take("a", "k", mine)).to.deep.equal({ is: "answered", answer });
    now += 86_400_001;
    expect((await store.take("a", "k", theirs)).is, "a day later it is free").to.equal("yours");
    now += 120_001;
    expect((await store.take("a", "k", mine)).is, "its process died unanswered").to.equal("yours");
    await ledger.close();
    relayer = await startRelayer(chain, dataDir);
  });

  it("of one signing key are bounded, and repeats and forgeries cost its owner nothing", async () => {
    relayer = await startRelayer(chain, dataDir, { http: { batchesPerMinutePerKey: 2, receiptsPerMinutePerKey: 1 } });
    const [one, two, three] = [batch(), batch(), batch()];
    expect((await relayer.post("/v1/batches", one.body)).status).to.equal(201);
    for (let i = 0; i < 5; i++) {
      expect((await relayer.post("/v1/batches", one.body)).status).to.equal(200);
      const forged = { ...batch().body, signature: `0x${"11".repeat(65)}` };
      expect((await relayer.post("/v1/batches", forged)).body.code).to.equal("bad_signature");
    }
    expect((await relayer.post("/v1/batches", two.body)).status).to.equal(201);
    const refused = await relayer.post("/v1/batches", three.body);
    expect([refused.status, refused.body.code]).to.deep.equal([429, "quota_exceeded"]);
    expect(refused.body.detail).to.contain(key.keyId);
    expect(Number(refused.headers.get("retry-after"))).to.be.within(1, 30);
    expect((await relayer.post("/v1/batches", two.body)).status, "what is known stays known").to.equal(200);
    const other = chain.addKey(makeKey());
    expect((await relayer.post("/v1/batches", batchBody(other, [makeReceipt(other, model)]).body)).status).to.equal(
      201,
    );
    expect((await relayer.post("/v1/receipts", receiptBody(key, makeReceipt(key, model)))).status).to.equal(201);
    const second = await relayer.post("/v1/receipts", receiptBody(key, makeReceipt(key, model)));
    expect(second.body.code).to.equal("quota_exceeded");
  });

  it("count receipts with proofs as batches, and let a large one pass once it is saved up for", () => {
    let now = 0;
    const quotas = createQuotas({ batchesPerMinutePerKey: 1, receiptsPerMinutePerKey: 1_000 }, () => now);
    const keyId = random();
    const proved = { kind: "receipt", keyId, mode: protocol.Mode.ZKML, receipts: 1 } as const;
    quotas.take(proved);
    expect(() => quotas.take(proved)).to.throw("quota");
    now += 60_000;
    quotas.take(proved);
    const mine = {
      id: "x",
      label: "",
      scopes: [],
      receiptsPerMinute: 100,
      createdAt: 0,
      lastUsedAt: null,
      revokedAt: null,
    };
    const large = () => quotas.take({ kind: "batch", keyId: random(), mode: 0, receipts: 250 }, mine);
    large();
    now += 60_000;
    expect(large, "150 too many were taken on credit").to.throw("API key x");
    now += 100_000;
    large();
  });

  it("need an API key where the operator says so, and are counted under it [R8]", async () => {
    const ledger = await openDatabase({ dataDir });
    const make = (scopes: ("submit" | "read")[], receiptsPerMinute: number | null) =>
      createApiKey(ledger.db, { label: "", scopes, receiptsPerMinute });
    const [submit, few, read] = [await make(["submit"], null), await make(["submit"], 3), await make(["read"], null)];
    await ledger.close();
    relayer = await startRelayer(chain, dataDir, { http: { submissionKeys: "required" } });
    const bearer = (secret: string) => ({ authorization: `Bearer ${secret}` });
    for (const path of ["/v1/batches", "/v1/receipts", "/v1/proofs", "/v1/seals/1"])
      expect((await relayer.post(path, {})).body.code, path).to.equal("unauthorized");
    expect((await post(relayer, "/v1/batches", batch().body, bearer(read.secret))).body.code).to.equal(
      "insufficient_scope",
    );
    expect((await post(relayer, "/v1/batches", batch().body, bearer(submit.secret))).status).to.equal(201);
    expect((await post(relayer, "/v1/batches", batch(3).body, bearer(few.secret))).status).to.equal(201);
    const over = await post(relayer, "/v1/batches", batch(1).body, bearer(few.secret));
    expect([over.status, over.body.code]).to.deep.equal([429, "quota_exceeded"]);
    // Our own nodes' client shows its key.
    const receipt = makeReceipt(key, model);
    const signed = { receipt, signature: key.sign(protocol.receiptId(domain, receipt)) };
    await createRelayerClient({ url: relayer.url, apiKey: submit.secret }).postReceipt(signed, "0x");
    const refused = await createRelayerClient({ url: relayer.url })
      .postReceipt(signed, "0x")
      .catch((error: Error) => error);
    expect(refused).to.include({ name: "RelayerProblem", code: "unauthorized", status: 401 });
    expect(
      (await relayer.get(`/v1/receipts/${protocol.receiptId(domain, receipt)}`)).status,
      "reading is free",
    ).to.equal(200);
  });

  it("from browsers are let in from named pages only, look-ups from all, and every answer says what it is not for", async () => {
    relayer = await startRelayer(chain, dataDir);
    const from = (path: string, origin: string) =>
      request(relayer.url + path, { headers: { origin, "x-request-id": "trace-7" } });
    const off = await from("/v1/receipts/0x12", "https://a.example");
    expect(off.headers.get("access-control-allow-origin")).to.equal(null);
    expect(off.headers.get("x-content-type-options")).to.equal("nosniff");
    expect(off.headers.get("x-frame-options")).to.equal("DENY");
    expect(off.headers.get("content-security-policy")).to.contain("default-src 'none'");
    expect(off.headers.get("x-request-id")).to.equal("trace-7");
    const odd = await request(`${relayer.url}/healthz`, { headers: { "x-request-id": "<script>" } });
    expect(odd.headers.get("x-request-id")).to.match(/^[0-9a-f-]{36}$/);
    await relayer.close();
    relayer = await startRelayer(chain, dataDir, { http: { corsOrigins: ["https://a.example/"] } });
    expect((await from("/healthz", "https://a.example")).headers.get("access-control-allow-origin")).to.equal(
      "https://a.example",
    );
    expect((await from("/healthz", "https://b.example")).headers.get("access-control-allow-origin")).to.equal(null);
    expect((await from("/v1/lookup/0x12/0x", "https://b.example")).headers.get("access-control-allow-origin")).to.equal(
      "*",
    );
  });
});
