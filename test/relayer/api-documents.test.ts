// SPDX-License-Identifier: MIT
import { expect } from "chai";
import { openDatabase } from "../../relayer/store/database.ts";
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
  startRelayer,
  tempDir,
  type RunningRelayer,
} from "./support/relayer.ts";

describe("relayer API: what it tells", () => {
  const chain = makeChain();
  const key = chain.addKey(makeKey());
  const model = chain.addModel(1);
  const dataDir = tempDir();
  let relayer: RunningRelayer;
  before(async () => {
    relayer = await startRelayer(chain, dataDir);
  });
  after(async () => {
    await relayer.close();
    removeDir(dataDir);
  });

  it("describes every endpoint in an OpenAPI 3.1 document made of the schemas that validate [R8]", async () => {
    const { status, body } = await relayer.get("/openapi.json");
    expect(status).to.equal(200);
    expect(body.openapi).to.equal("3.1.0");
    expect(Object.keys(body.paths)).to.have.members([
      "/v1/receipts",
      "/v1/batches",
      "/v1/proofs",
      "/v1/receipts/{id}",
      "/v1/batches/{digest}",
      "/v1/keys/{keyId}/seals",
      "/v1/seals/{id}",
      "/v1/leaves/{dataHash}",
      "/v1/leaves/{dataHash}/places",
      "/v1/twin/fees",
      "/v1/twin/fees/stream",
      "/v1/lookup/{sender}/{data}",
      "/v1/lookup",
      "/v1/operator/status",
      "/v1/operator/receipts",
      "/v1/operator/batches",
      "/v1/operator/transactions",
      "/v1/operator/dead-letters",
      "/v1/operator/retry",
      "/v1/operator/replay",
      "/v1/operator/keys",
      "/v1/operator/keys/{id}",
    ]);
    const { Receipt: schema } = body.components.schemas;
    expect(schema.properties.requestId.pattern).to.equal("^0x[0-9a-f]{64}$");
    expect(schema.properties.cumulativeFee.type).to.equal("string");
    expect(schema.additionalProperties).to.equal(false);
    const answers = Object.keys(body.paths["/v1/batches"].post.responses);
    expect(answers).to.include.members(["200", "201", "400", "409", "413", "422", "429", "503"]);
  });

  it("knows each receipt of a batch with its place and proof, and nothing of others [R3] [FM:outage-not-found]", async () => {
    const receipts = Array.from({ length: 7 }, () => makeReceipt(key, model));
    const { body, digest } = batchBody(key, receipts);
    expect((await relayer.post("/v1/batches", body)).body).to.deep.equal({
      ...{ digest, count: 7, state: "verified", reason: null },
    });
    for (const [index, one] of receipts.entries()) {
      const id = protocol.receiptId(domain, one);
      const known = (await relayer.get(`/v1/receipts/${id}`)).body;
      expect(known).to.include({ receiptId: id, state: "verified", batch: digest, index, settledAt: null });
      expect(known.receipt).to.deep.equal(body.receipts[index]!.receipt);
      expect(known.signature).to.equal(body.receipts[index]!.signature);
      const { proof, batch } = known.opening;
      expect(protocol.verifyProof(batch.root, batch.count, index, id, proof)).to.equal(true);
    }
    // The chain is not needed to tell what the ledger holds.
    chain.state.down = true;
    const unknown = await relayer.get(`/v1/receipts/${random()}`);
    expect([unknown.status, unknown.body.code]).to.deep.equal([404, "not_found"]);
    expect((await relayer.get(`/v1/batches/${digest}`)).status).to.equal(200);
    chain.state.down = false;
  });

  it("reports health, readiness and metrics [FM:supervised-loop]", async () => {
    const health = (await relayer.get("/healthz")).body;
    expect(health.status).to.equal("ok");
    expect(health.works).to.have.all.keys("verify", "seal", "publish", "republish", "settle", "send");
    expect((await relayer.get("/readyz")).body.status).to.equal("ready");
    await relayer.post("/v1/receipts", receiptBody(key, makeReceipt(key, model)));
    await relayer.post("/v1/receipts", {});
    const metrics: string = (await relayer.get("/metrics")).body;
    expect(metrics).to.match(/relayer_receipts_received_total\{endpoint="batches"\} 7/);
    expect(metrics).to.match(/relayer_receipts_received_total\{endpoint="receipts"\} 1/);
    expect(metrics).to.match(/relayer_requests_refused_total\{code="malformed"\} 1/);
    expect(metrics).to.match(/relayer_items\{table="batches",state="verified"\} 1/);
    expect(metrics).to.match(/relayer_request_seconds_count\{method="POST",route="\/v1\/batches",status="201"\} 1/);
  });

  it("keeps its directory for itself: a second process would destroy the ledger [R8]", async () => {
    const refused = await openDatabase({ dataDir }).catch((error: Error) => error);
    expect(refused).to.have.property("code", "data_dir_in_use");
  });
});
