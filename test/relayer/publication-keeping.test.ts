// SPDX-License-Identifier: MIT
// What is published before a root settles, and how it stays published: the real ledger over stores that fail.
import { expect } from "chai";
import { PGlite } from "@electric-sql/pglite";
import { readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { Registry } from "prom-client";
import { packSignatures } from "../../relayer/batches/seal.ts";
import { batchDigest, type Hex } from "../../relayer/protocol/index.ts";
import { fileStore, pathOf } from "../../relayer/publication/files.ts";
import { publicationMetrics } from "../../relayer/publication/metrics.ts";
import { publicationIn, type Publication } from "../../relayer/publication/publication.ts";
import { publishWork } from "../../relayer/publication/publish.ts";
import { republishWork, type RepublishOptions } from "../../relayer/publication/republish.ts";
import { s3Store } from "../../relayer/publication/s3.ts";
import { walrusStore } from "../../relayer/publication/walrus.ts";
import { insertBatch, readBatch } from "../../relayer/store/batches.ts";
import { openDatabase, type OpenDatabase } from "../../relayer/store/database.ts";
import { publicationsOf } from "../../relayer/store/publications.ts";
import { readyItems } from "../../relayer/store/settlement.ts";
import { startS3Server, type S3Server } from "../support/stores/s3-server.ts";
import { startWalrusServer, type WalrusServer } from "../support/stores/walrus-server.ts";
import { codeOf } from "./support/channels.ts";
import {
  domain,
  makeChain,
  makeKey,
  makeReceipt,
  batchBody,
  random,
  removeDir,
  startRelayer,
  tempDir,
} from "./support/relayer.ts";
import { leavesOf } from "./support/store-suite.ts";

const DAY = 86_400_000;
const EPOCH = 14 * DAY;
const START = 1_800_000_000_000;
const log = { info: () => undefined, warn: () => undefined, error: () => undefined };

describe("keeping leaves published", () => {
  let directory: string;
  let database: OpenDatabase;
  let s3: S3Server;
  let walrus: WalrusServer;
  let stores: Record<"files" | "s3" | "walrus", Publication>;
  const clock = { now: START };
  const now = (): number => clock.now;
  let renewed: string[];

  before(async () => {
    directory = tempDir();
    database = await openDatabase({ dataDir: directory });
  });
  after(async () => {
    await database.close();
    removeDir(directory);
  });
  beforeEach(async () => {
    s3 = await startS3Server("secret", "us-east-1");
    walrus = await startWalrusServer();
    clock.now = START;
    renewed = [];
    const timeoutMs = 2_000;
    stores = {
      files: publicationIn(fileStore(join(directory, "leaves"))),
      s3: publicationIn(
        s3Store({
          ...{ endpoint: s3.url, region: "us-east-1", bucket: "leaves", prefix: "", pathStyle: true, now, timeoutMs },
          ...{ retentionDays: null, credentials: { accessKeyId: "relayer", secretAccessKey: "secret" } },
        }),
      ),
      walrus: publicationIn({
        ...walrusStore({
          publisherUrl: walrus.url,
          aggregatorUrl: walrus.url,
          epochs: 4,
          epochMs: EPOCH,
          now,
          timeoutMs,
        }),
        settleMs: [],
      }),
    };
  });
  afterEach(async () => {
    await Promise.all([s3.close(), walrus.close()]);
    // Each test has a ledger of its own.
    await database.db.execute("truncate batches, receipt_index, publications");
  });

  async function arrive(receivedAt = START): Promise<{ id: number; dataHash: Hex; digest: Hex }> {
    const { batch, document, receiptIds, paths } = leavesOf(2);
    const digest = batchDigest(domain, batch);
    const signatures = packSignatures([random(65), random(65)]);
    const { id } = await insertBatch(database.db, {
      ...{
        batch,
        digest,
        document,
        receiptIds,
        signatures,
        paths,
        signature: random(65),
        state: "verified",
        receivedAt,
      },
    });
    return { id, dataHash: batch.dataHash, digest };
  }
  const publishing = (required: Publication[], all = required) =>
    publishWork({
      ...{ db: database.db, publications: { required, all }, concurrency: 1, retryMs: 1_000, sweepMs: 1_000 },
      ...{ published: () => undefined, log, now },
    });
  const keeping = (all: Publication[], over: Partial<RepublishOptions> = {}) =>
    republishWork({
      ...{ db: database.db, publications: { required: all, all }, renewBeforeMs: 7 * DAY, checkEveryMs: 30 * DAY },
      ...{ keepMs: null, retryMs: 1_000, sweepMs: 1_000, log, now },
      renewed: (store, why) => renewed.push(`${store} ${why}`),
      ...over,
    });
  /** One sweep: what is found is run, and what fails stays for later. */
  async function sweep(work: ReturnType<typeof keeping>): Promise<string[]> {
    const keys = await work.find();
    for (const key of keys) await work.run(key).catch(() => undefined);
    return keys;
  }
  const statesOf = async (id: number) =>
    Object.fromEntries((await publicationsOf(database.db, id)).map(({ store, state }) => [store, state]));
  const ready = async (): Promise<number[]> => (await readyItems(database.db, now(), 100)).map(({ id }) => id);
  const puts = (): number => s3.requests.filter(({ method }) => method === "PUT").length;

  it("lets no root settle before every required store gave its leaves back whole [R3] [FM:false-settled]", async () => {
    const { id } = await arrive();
    const work = publishing([stores.files, stores.s3, stores.walrus]);
    expect(await work.find()).to.deep.equal([String(id)]);
    s3.fault = ({ method }) => (method === "PUT" ? { kind: "status", status: 503 } : undefined);
    expect(await codeOf(work.run(String(id)))).to.equal("store_refused");
    expect(await ready()).to.deep.equal([]);
    expect(await statesOf(id)).to.deep.equal({ files: "published", walrus: "published" });
    // It waits, and is not put again where it is already.
    expect(await work.find()).to.deep.equal([]);
    clock.now += 60_000;
    s3.fault = () => undefined;
    const before = walrus.requests.length;
    expect(await work.find()).to.deep.equal([String(id)]);
    await work.run(String(id));
    expect(await ready()).to.deep.equal([id]);
    expect(await statesOf(id)).to.deep.equal({ files: "published", s3: "published", walrus: "published" });
    expect(walrus.requests.length).to.equal(before);
    expect((await publicationsOf(database.db, id)).map(({ expiresAt }) => expiresAt)).to.deep.equal([
      ...[null, null, START + 3 * EPOCH],
    ]);
    await work.run(String(id)); // a job may run twice
    expect(puts()).to.equal(2);
  });

  it("holds up no other batch for one whose store fails [R2] [FM:poison-item]", async () => {
    const [bad, good] = [await arrive(), await arrive()];
    s3.fault = ({ url }) =>
      url.pathname.includes(bad.dataHash.slice(2)) ? { kind: "status", status: 400 } : undefined;
    const work = publishing([stores.s3]);
    for (const key of await work.find()) await work.run(key).catch(() => undefined);
    expect(await ready()).to.deep.equal([good.id]);
    expect((await readBatch(database.db, bad.id))!.published).to.equal(false);
  });

  it("does not wait for a store that is not required, and gives it the leaves when it can", async () => {
    const { id } = await arrive();
    walrus.fault = () => ({ kind: "status", status: 500 });
    const work = keeping([stores.files, stores.walrus]);
    expect(await sweep(work)).to.deep.equal([]);
    await publishing([stores.files], [stores.files, stores.walrus]).run(String(id));
    expect(await ready()).to.deep.equal([id]);
    expect(await sweep(work)).to.deep.equal([`${id} walrus`]);
    expect(await statesOf(id)).to.deep.equal({ files: "published", walrus: "missing" });
    // Later each time.
    expect(await sweep(work)).to.deep.equal([]);
    clock.now += 2_000;
    expect(await sweep(work)).to.deep.equal([`${id} walrus`]);
    clock.now += 1_500;
    expect(await sweep(work)).to.deep.equal([]);
    clock.now += 2_000;
    walrus.fault = () => undefined;
    await sweep(work);
    expect(await statesOf(id)).to.deep.equal({ files: "published", walrus: "published" });
    expect(renewed).to.deep.equal(["walrus absent"]);
    expect(await sweep(work)).to.deep.equal([]);
  });

  it("copies everything into a store that is added later", async () => {
    const ids = [(await arrive()).id, (await arrive()).id];
    for (const id of ids) await publishing([stores.files]).run(String(id));
    const work = keeping([stores.files, stores.s3]);
    expect(await sweep(work)).to.deep.equal(ids.map((id) => `${id} s3`));
    expect(s3.objects.size).to.equal(2);
    // The whole ledger is compared once an hour, not each time.
    await sweep(work);
    const late = await arrive();
    await publishing([stores.files]).run(String(late.id));
    expect(await sweep(work)).to.deep.equal([]);
    clock.now += 3_600_001;
    expect(await sweep(work)).to.deep.equal([`${late.id} s3`]);
  });

  it("publishes anew before a store's time is over, and not long before", async () => {
    const { id } = await arrive();
    await publishing([stores.walrus]).run(String(id));
    const work = keeping([stores.walrus], { checkEveryMs: 1_000 * DAY });
    clock.now = START + 3 * EPOCH - 7 * DAY - 1;
    expect(await sweep(work)).to.deep.equal([]);
    clock.now += 2;
    walrus.clock.epoch += 2;
    expect(await sweep(work)).to.deep.equal([`${id} walrus`]);
    expect(renewed).to.deep.equal(["walrus expiring"]);
    expect((await publicationsOf(database.db, id))[0]!.expiresAt).to.equal(clock.now + 3 * EPOCH);
    expect([...walrus.blobs.values()][0]!.endEpoch).to.equal(36);
    expect(await sweep(work)).to.deep.equal([]);
  });

  it("reads everything back by and by, and writes anew what is damaged or gone", async () => {
    const made = [await arrive(), await arrive(), await arrive()];
    for (const { id } of made) await publishing([stores.files, stores.s3]).run(String(id));
    const work = keeping([stores.files, stores.s3]);
    s3.objects.set(`leaves/${pathOf(made[0]!.dataHash)}`, Buffer.from("noise"));
    s3.objects.delete(`leaves/${pathOf(made[1]!.dataHash)}`);
    rmSync(join(directory, "leaves", pathOf(made[1]!.dataHash)));
    writeFileSync(join(directory, "leaves", pathOf(made[2]!.dataHash)), "noise");
    clock.now += 30 * DAY;
    expect(await sweep(work)).to.deep.equal([]);
    clock.now += 1;
    expect((await sweep(work)).length).to.equal(6);
    expect(renewed.toSorted()).to.deep.equal(["files lost", "files lost", "s3 lost", "s3 lost"]);
    for (const { dataHash } of made)
      for (const store of [stores.files, stores.s3]) expect(await store.read(dataHash)).to.not.equal(undefined);
    // What was found whole was not written, and is left alone for as long again.
    expect(puts()).to.equal(5);
    expect(await sweep(work)).to.deep.equal([]);
  });

  it("takes an outage for no loss, and forgets no loss that it cannot repair yet [FM:outage-not-found]", async () => {
    const { id, dataHash } = await arrive();
    await publishing([stores.s3]).run(String(id));
    const work = keeping([stores.s3]);
    clock.now += 31 * DAY;
    s3.fault = () => ({ kind: "status", status: 502 });
    await sweep(work);
    expect(await statesOf(id)).to.deep.equal({ s3: "published" });
    s3.objects.clear();
    s3.fault = ({ method }) => (method === "PUT" ? { kind: "status", status: 507 } : undefined);
    clock.now += 10_000;
    await sweep(work);
    expect(await statesOf(id)).to.deep.equal({ s3: "lost" });
    const metrics = publicationMetrics();
    const registry = new Registry();
    metrics.measure(registry, database.db);
    expect(await registry.metrics()).to.contain('relayer_publications{store="s3",state="lost"} 1');
    s3.fault = () => undefined;
    clock.now += 10_000;
    await sweep(work);
    expect(await statesOf(id)).to.deep.equal({ s3: "published" });
    expect(await stores.s3.read(dataHash)).to.not.equal(undefined);
    expect(renewed).to.deep.equal(["s3 lost"]);
  });

  it("looks after nothing that is older than the operator keeps it", async () => {
    const { id } = await arrive(START - 100 * DAY);
    await publishing([stores.walrus]).run(String(id));
    clock.now += 20 * EPOCH;
    expect(await sweep(keeping([stores.walrus, stores.s3], { keepMs: 90 * DAY }))).to.deep.equal([]);
    expect((await sweep(keeping([stores.walrus, stores.s3]))).toSorted()).to.deep.equal([`${id} s3`, `${id} walrus`]);
  });

  it("brings what was published before there was this table into it", async () => {
    const client = await PGlite.create();
    const folder = "relayer/store/migrations";
    const files = readdirSync(folder)
      .filter((name) => name.endsWith(".sql"))
      .toSorted();
    const apply = async (name: string) => {
      for (const statement of readFileSync(join(folder, name), "utf8").split("--> statement-breakpoint"))
        await client.exec(statement);
    };
    for (const name of files.filter((name) => name < "0005")) await apply(name);
    const bytes = "'\\x00'";
    for (const published of [true, false])
      await client.exec(
        `insert into batches (digest, proved, key_id, mode, root, count, data_hash, settler, signature, document, signatures, published, state, received_at)
         values ('\\x0${published ? 1 : 2}', false, ${bytes}, 0, ${bytes}, 1, ${bytes}, ${bytes}, ${bytes}, ${bytes}, ${bytes}, ${published}, 'final', 77)`,
      );
    await apply(files.find((name) => name.startsWith("0005"))!);
    const { rows } = await client.query("select batch_id, store, state, published_at, checked_at from publications");
    expect(rows).to.deep.equal([{ batch_id: 1, store: "files", state: "published", published_at: 77, checked_at: 77 }]);
    await client.close();
  });
}).timeout(120_000);

describe("leaves over HTTP", () => {
  it("serves them under their hash for ever, and says where else they are [R3]", async () => {
    const dataDir = tempDir();
    const walrus = await startWalrusServer();
    const chain = makeChain();
    const key = chain.addKey(makeKey());
    const modelId = chain.addModel(1);
    const stores = { walrus: { publisherUrl: walrus.url, aggregatorUrl: walrus.url, epochs: 10 } };
    const relayer = await startRelayer(chain, dataDir, {
      publication: { ...stores, required: ["files"], sweepMs: 50 },
    });
    try {
      const { body, digest } = batchBody(key, [makeReceipt(key, modelId), makeReceipt(key, modelId)]);
      const { dataHash } = body.batch;
      expect((await relayer.get(`/v1/leaves/${dataHash}`)).body).to.include({ status: 404, code: "not_found" });
      expect((await relayer.post("/v1/batches", body)).status).to.equal(201);
      const until = async (path: string, holds: (answer: Awaited<ReturnType<typeof relayer.get>>) => boolean) => {
        for (let tries = 0; tries < 400; tries++) {
          const answer = await relayer.get(path);
          if (holds(answer)) return answer;
          await new Promise((resolve) => setTimeout(resolve, 25));
        }
        throw new Error(`never: ${path}`);
      };
      await until(`/v1/batches/${digest}`, (answer) => answer.body.published === true);
      const response = await fetch(`${relayer.url}/v1/leaves/${dataHash.toUpperCase().replace("0X", "0x")}`);
      const document = new Uint8Array(await response.arrayBuffer());
      const { dataHashOf } = await import("../../relayer/protocol/index.ts");
      expect(dataHashOf(document)).to.equal(dataHash);
      expect(response.headers.get("cache-control")).to.equal("public, max-age=31536000, immutable");
      expect(response.headers.get("content-type")).to.equal("application/octet-stream");
      const etag = response.headers.get("etag")!;
      const again = await fetch(`${relayer.url}/v1/leaves/${dataHash}`, { headers: { "if-none-match": etag } });
      expect([again.status, await again.text()]).to.deep.equal([304, ""]);
      const places = await until(`/v1/leaves/${dataHash}/places`, (answer) => answer.body.places?.length === 2);
      expect(places.body.places[0]).to.deep.equal({ store: "files", locator: null, expiresAt: null });
      expect(places.body.places[1].locator).to.equal([...walrus.blobs.keys()][0]);
      expect((await relayer.get(`/v1/leaves/${random()}`)).status).to.equal(404);
      expect((await relayer.get(`/v1/leaves/${random()}/places`)).status).to.equal(404);
      expect((await relayer.get("/v1/leaves/0x12")).status).to.equal(400);
      const { body: metrics } = await relayer.get("/metrics");
      expect(metrics).to.contain('relayer_publications{store="files",state="published"} 1');
      expect(metrics).to.contain('relayer_publication_soonest_expiry_timestamp_seconds{store="walrus"}');
      expect(relayer.errors).to.deep.equal([]);
    } finally {
      await relayer.close();
      await walrus.close();
      removeDir(dataDir);
    }
  }).timeout(180_000);
});
