// SPDX-License-Identifier: MIT
import { expect } from "chai";
import { eq } from "drizzle-orm";
import { createApiKey } from "../../relayer/store/api-keys.ts";
import { openDatabase } from "../../relayer/store/database.ts";
import { apiKeys, batches, transactions } from "../../relayer/store/schema.ts";
import type { Scope } from "../../relayer/store/schema-operation.ts";
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

describe("the operator's API", () => {
  const chain = makeChain();
  const key = chain.addKey(makeKey());
  const model = chain.addModel(1);
  const dataDir = tempDir();
  const secrets = {} as Record<Scope, string>;
  let relayer: RunningRelayer;
  let firstPage: string[];
  const ids: string[] = [];

  before(async () => {
    // Keys are made while the relayer stands still, as `relayer keys create` does; calls too, in states of old.
    const ledger = await openDatabase({ dataDir });
    for (const scope of ["read", "retry", "admin", "submit"] as const)
      secrets[scope] = (
        await createApiKey(ledger.db, { label: scope, scopes: [scope], receiptsPerMinute: null })
      ).secret;
    const call = { chainId: 31337, sender: random(20), to: random(20), data: new Uint8Array(), createdAt: 1_000 };
    await ledger.db.insert(transactions).values([
      { ...call, state: "final", succeeded: true, minedHash: random() },
      { ...call, state: "failed", reason: "would_revert: no" },
      { ...call, state: "queued", createdAt: 2_000 },
    ]);
    await ledger.close();
    relayer = await startRelayer(chain, dataDir);
    for (const size of [3, 2]) {
      const receipts = Array.from({ length: size }, () => makeReceipt(key, model));
      ids.unshift(...receipts.map((one) => protocol.receiptId(domain, one)));
      expect((await relayer.post("/v1/batches", batchBody(key, receipts).body)).status).to.equal(201);
      const alone = makeReceipt(key, model);
      ids.unshift(protocol.receiptId(domain, alone));
      expect((await relayer.post("/v1/receipts", receiptBody(key, alone))).status).to.equal(201);
    }
  });
  after(async () => {
    await relayer.close();
    removeDir(dataDir);
  });

  const as = (secret: string, path: string, method = "GET", body?: unknown, headers = {}): Promise<Answer> =>
    request(relayer.url + path, {
      method,
      headers: { authorization: `Bearer ${secret}`, "content-type": "application/json", ...headers },
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
    });

  it("answers nobody without a key, whatever they ask [R8]", async () => {
    const { body: document } = await relayer.get("/openapi.json");
    const paths = Object.entries(document.paths as Record<string, object>).filter(([path]) =>
      path.includes("operator"),
    );
    expect(paths.length).to.equal(9);
    for (const [path, methods] of paths)
      for (const method of Object.keys(methods)) {
        const at = relayer.url + path.replace("{id}", "0".repeat(12));
        const stranger = await request(at, { method: method.toUpperCase() });
        expect([stranger.status, stranger.body.code], `${method} ${path}`).to.deep.equal([401, "unauthorized"]);
        expect(stranger.headers.get("www-authenticate")).to.equal('Bearer realm="relayer"');
        expect(stranger.headers.get("content-type")).to.equal("application/problem+json");
        const forged = await as(
          `ogr_${"0".repeat(12)}_${"A".repeat(43)}`,
          path.replace("{id}", "0".repeat(12)),
          method.toUpperCase(),
        );
        expect([forged.status, forged.body.code]).to.deep.equal([401, "invalid_token"]);
      }
  });

  it("tells keys of one prefix apart, and takes no secret that is nearly one [R8]", async () => {
    const good = secrets.read;
    const last = good.at(-2) === "A" ? "B" : "A";
    for (const bad of [
      good.slice(0, -1),
      `${good}A`,
      good.slice(0, -2) + last + good.at(-1)!,
      good.toUpperCase(),
      "",
      "x".repeat(300),
    ])
      expect((await as(bad, "/v1/operator/status")).status, bad).to.equal(401);
    const basic = { headers: { authorization: `Basic ${Buffer.from(`a:${good}`).toString("base64")}` } };
    expect((await request(`${relayer.url}/v1/operator/status`, basic)).status).to.equal(401);
    expect((await as(good, "/v1/operator/status")).status).to.equal(200);
  });

  it("lets each scope do its own, and admin everything [R8]", async () => {
    const asks: [Scope, string, string, unknown?][] = [
      ["read", "/v1/operator/receipts", "GET"],
      ["read", "/v1/operator/batches", "GET"],
      ["read", "/v1/operator/transactions", "GET"],
      ["retry", "/v1/operator/retry", "POST", { id: "999" }],
      ["retry", "/v1/operator/replay", "POST", {}],
      ["admin", "/v1/operator/keys", "GET"],
      ["admin", "/v1/operator/keys", "POST", {}],
    ];
    for (const [scope, path, method, body] of asks)
      for (const mine of ["read", "retry", "admin", "submit"] as const) {
        const answer = await as(secrets[mine], path, method, body);
        const may = mine === scope || mine === "admin";
        expect(answer.status, `${mine} ${method} ${path}`).to.be.below(500);
        expect(answer.status === 403, `${mine} ${method} ${path}: ${answer.status}`).to.equal(!may);
        if (may) continue;
        expect(answer.body.code).to.equal("insufficient_scope");
        expect(answer.headers.get("www-authenticate")).to.contain(`error="insufficient_scope", scope="${scope}"`);
      }
  });

  it("shows a new key once, keeps only its hash, and takes it no more when it is revoked", async () => {
    const made = await as(secrets.admin, "/v1/operator/keys", "POST", { label: "mine", scopes: ["read"] });
    expect(made.status).to.equal(201);
    expect(made.headers.get("cache-control")).to.equal("no-store");
    const { secret, key: about } = made.body;
    expect((await as(secret, "/v1/operator/status")).status).to.equal(200);
    const listed = await as(secrets.admin, "/v1/operator/keys");
    expect(JSON.stringify(listed.body)).to.contain(about.id).and.not.contain(secret.slice(17));
    const own = listed.body.items.find(({ id }: { id: string }) => id === about.id);
    expect(own).to.include({ label: "mine", revokedAt: null });
    expect(own.lastUsedAt).to.be.a("number");
    expect((await as(secrets.admin, `/v1/operator/keys/${about.id}`, "DELETE")).body.revokedAt).to.be.a("number");
    expect((await as(secret, "/v1/operator/status")).body.code).to.equal("invalid_token");
    expect((await as(secrets.admin, "/v1/operator/keys/000000000000", "DELETE")).status).to.equal(404);
    const kept = await as(secrets.admin, "/v1/operator/keys", "POST", { scopes: ["read"] }, { "idempotency-key": "k" });
    expect([kept.status, kept.body.code]).to.deep.equal([400, "malformed"]);
  });

  it("pages through receipts newest first, each once, also while new ones come [R8]", async () => {
    for (const limit of [1, 2, 3, 100]) {
      const seen: string[] = [];
      let cursor = "";
      do {
        const page = (await as(secrets.read, `/v1/operator/receipts?limit=${limit}${cursor}`)).body;
        expect(page.items.length).to.be.within(1, limit);
        seen.push(...page.items.map(({ receiptId }: { receiptId: string }) => receiptId));
        if (cursor === "") firstPage = seen.slice();
        cursor = page.next === null ? "" : `&cursor=${page.next}`;
        // It comes before what was read already.
        if (limit === 2 && seen.length === 2) {
          const late = makeReceipt(key, model);
          await relayer.post("/v1/receipts", receiptBody(key, late));
          ids.unshift(protocol.receiptId(domain, late));
        }
      } while (cursor !== "");
      const expected = limit === 2 ? ids.slice(1) : ids;
      // A batch's receipts keep their places in it; between batches and single ones the newer is first.
      expect(seen.toSorted(), `limit ${limit}`).to.deep.equal(expected.toSorted());
      expect(seen[0]).to.equal(limit === 2 ? ids[1] : ids[0]);
    }
    expect(firstPage.length).to.equal(8);
  });

  it("filters by state, key and time, bounds pages, and refuses cursors that it did not make", async () => {
    const items = async (query: string) => (await as(secrets.read, `/v1/operator/batches?${query}`)).body.items;
    expect((await items("state=verified")).length).to.equal(2);
    expect(await items("state=final")).to.deep.equal([]);
    expect((await items(`key=${key.keyId}`)).length).to.equal(2);
    expect(await items(`key=${random()}`)).to.deep.equal([]);
    expect(await items(`since=${Date.now() + 60_000}`)).to.deep.equal([]);
    const none = Buffer.from("{}").toString("base64url");
    for (const bad of ["limit=0", "limit=201", "limit=x", "state=lost", "key=0x12", "cursor=zzz", `cursor=${none}`]) {
      const answer = await as(secrets.read, `/v1/operator/receipts?${bad}`);
      expect([answer.status, answer.body.code], bad).to.deep.equal([400, "malformed"]);
    }
    const calls = await as(secrets.read, "/v1/operator/transactions?limit=2");
    expect(calls.body.items.map(({ state }: { state: string }) => state)).to.deep.equal(["queued", "failed"]);
    const rest = await as(secrets.read, `/v1/operator/transactions?limit=2&cursor=${calls.body.next}`);
    expect([rest.body.items.length, rest.body.next]).to.deep.equal([1, null]);
    const { items: failed } = (await as(secrets.read, "/v1/operator/transactions?state=failed")).body;
    expect(failed[0]).to.include({ reason: "would_revert: no", hash: null });
  });

  it("tells how the relayer stands, with what is unknown as null [FM:outage-not-found]", async () => {
    const { body } = await as(secrets.read, "/v1/operator/status");
    expect(body.backlog).to.deep.include({
      table: "batches",
      state: "verified",
      count: 2,
      oldestSeconds: body.backlog.find(({ table }: { table: string }) => table === "batches").oldestSeconds,
    });
    expect(body.chain).to.include({ chainId: 31337, head: null, blockAgeSeconds: null });
    expect(body.chain.endpoints).to.deep.equal([
      { host: "127.0.0.1:9", up: false, latencyMs: null, head: null, lag: null },
    ]);
    expect(body.sender).to.deep.equal({
      address: `0x${"22".repeat(20)}`,
      balanceWei: null,
      latestNonce: null,
      pendingNonce: null,
    });
    expect(body.works.map(({ work }: { work: string }) => work)).to.have.members([
      "verify",
      "publish",
      "seal",
      "settle",
      "send",
    ]);
    expect(body.transactions).to.have.length(1);
    expect(body.deadLetters).to.equal(null);
  });

  it("retries what time alone holds up, and says of all else why that would change nothing [FM:poison-item]", async () => {
    const retry = (id: string) => as(secrets.retry, "/v1/operator/retry", "POST", { id });
    const waits = batchBody(key, [makeReceipt(key, model)]);
    const refused = batchBody(key, [makeReceipt(key, model)]);
    const unknown = batchBody(key, [makeReceipt(key, model)]);
    for (const { body } of [waits, refused, unknown]) await relayer.post("/v1/batches", body);
    await relayer.close();
    const ledger = await openDatabase({ dataDir });
    const set = (digest: string, values: Partial<typeof batches.$inferInsert>) =>
      ledger.db
        .update(batches)
        .set(values)
        .where(eq(batches.digest, digest as protocol.Hex));
    await set(waits.digest, { tries: 7, dueAt: Date.now() + 3_600_000 });
    await set(refused.digest, { state: "rejected", reason: "BadSignature" });
    await set(unknown.digest, { state: "rejected", reason: "UnknownModel", transactionId: 1 });
    await ledger.close();
    relayer = await startRelayer(chain, dataDir);

    expect((await retry(waits.digest)).body).to.deep.equal({
      kind: "batch",
      id: waits.digest,
      state: "verified",
      did: "due_now",
    });
    expect((await retry(unknown.digest)).body).to.include({ state: "verified", did: "reopened" });
    const { items } = (await as(secrets.read, "/v1/operator/batches")).body;
    const of = (digest: string) => items.find((one: { digest: string }) => one.digest === digest);
    expect(of(waits.digest), "it goes on travelling alone").to.include({ tries: 1, dueAt: 0 });
    expect(of(unknown.digest)).to.include({ state: "verified", reason: null, transactionId: null, tries: 1 });
    const why: [string, number, string, RegExp][] = [
      [refused.digest, 409, "not_retryable", /set aside as BadSignature/],
      ["1", 409, "not_retryable", /is final/],
      ["2", 409, "not_retryable", /failed for good \(would_revert: no\)/],
      ["99", 404, "not_found", /no transaction 99/],
      [random(), 404, "not_found", /No receipt/],
      ["0x12", 400, "malformed", /./],
    ];
    for (const [id, status, code, detail] of why) {
      const answer = await retry(id);
      expect([answer.status, answer.body.code], id).to.deep.equal([status, code]);
      expect(answer.body.detail).to.match(detail);
    }
    expect((await retry("3")).body).to.include({ kind: "transaction", state: "queued", did: "due_now" });
    expect((await as(secrets.read, "/v1/operator/dead-letters")).status).to.equal(404);
  });

  it("keeps no secret of a key in the ledger", async () => {
    await relayer.close();
    const ledger = await openDatabase({ dataDir });
    const kept = JSON.stringify(await ledger.db.select().from(apiKeys));
    await ledger.close();
    relayer = await startRelayer(chain, dataDir);
    for (const secret of Object.values(secrets)) expect(kept).to.not.contain(secret.slice(17));
    expect(kept).to.contain(secrets.read.slice(4, 16));
  });
});
