// SPDX-License-Identifier: MIT
import { expect } from "chai";
import { mkdirSync, rmSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { parseConfig } from "../../relayer/config/index.ts";
import type { Hex } from "../../relayer/protocol/index.ts";
import { blocksOf, cidOf } from "../../relayer/publication/cid.ts";
import { fileStore, pathOf } from "../../relayer/publication/files.ts";
import { ipfsStore } from "../../relayer/publication/ipfs.ts";
import { publicationIn } from "../../relayer/publication/publication.ts";
import { s3Store, type S3Options } from "../../relayer/publication/s3.ts";
import { createPublications } from "../../relayer/publication/stores.ts";
import { walrusStore, type WalrusOptions } from "../../relayer/publication/walrus.ts";
import type { StoreFault, StoreRequest, StoreServer } from "../support/stores/http-store.ts";
import { startKuboServer, type KuboServer } from "../support/stores/kubo-server.ts";
import { startS3Server, type S3Server } from "../support/stores/s3-server.ts";
import { startWalrusServer, type WalrusServer } from "../support/stores/walrus-server.ts";
import { codeOf } from "./support/channels.ts";
import { removeDir, tempDir } from "./support/relayer.ts";
import { largeDocument, leavesOf, storeSuite, type StoreUnderTest } from "./support/store-suite.ts";

const NOISE = Buffer.from("something else");
const TIMEOUT_MS = 500;
const secretAccessKey = "a secret of the store";
const credentials = { accessKeyId: "relayer", secretAccessKey };

/** Faults of a server, by whether a request reads or writes. */
function misbehaving(server: StoreServer, writes: (request: StoreRequest) => boolean): StoreUnderTest["misbehave"] {
  const faults: Record<string, StoreFault> = {
    ...{ silent: { kind: "silent" }, endless: { kind: "endless" }, error: { kind: "status", status: 502 } },
    ...{ redirect: { kind: "redirect", to: "http://127.0.0.1:9/" }, cut: { kind: "cut", after: true } },
  };
  return (how, what) => {
    server.fault = (request) => (how !== null && writes(request) === (what === "writes") ? faults[how] : undefined);
  };
}

const s3Options = (server: S3Server, over: Partial<S3Options> = {}): S3Options => ({
  ...{ endpoint: server.url, region: "eu-west-1", bucket: "opengradient", prefix: "leaves/", pathStyle: true },
  ...{ retentionDays: null, credentials, timeoutMs: TIMEOUT_MS, ...over },
});
const ipfsOptions = (server: KuboServer) => ({ rpcUrl: server.url, gatewayUrl: null, timeoutMs: TIMEOUT_MS });
const walrusOptions = (server: WalrusServer, over: Partial<WalrusOptions> = {}): WalrusOptions => ({
  ...{ publisherUrl: server.url, aggregatorUrl: server.url, epochs: 4, epochMs: 1_000_000, timeoutMs: TIMEOUT_MS },
  ...over,
});

storeSuite("leaves in files", false, async () => {
  const directory = tempDir();
  const fileOf = (dataHash: Hex): string => join(directory, pathOf(dataHash));
  return {
    store: fileStore(directory),
    damage: (dataHash) => {
      mkdirSync(dirname(fileOf(dataHash)), { recursive: true });
      writeFileSync(fileOf(dataHash), NOISE);
    },
    remove: (dataHash) => rmSync(fileOf(dataHash)),
    close: () => removeDir(directory),
  };
});

storeSuite("leaves in a store that speaks S3", true, async () => {
  const server = await startS3Server(secretAccessKey, "eu-west-1");
  const nameOf = (dataHash: Hex): string => `opengradient/leaves/${pathOf(dataHash)}`;
  return {
    store: s3Store(s3Options(server)),
    damage: (dataHash) => void server.objects.set(nameOf(dataHash), NOISE),
    remove: (dataHash) => void server.objects.delete(nameOf(dataHash)),
    misbehave: misbehaving(server, ({ method }) => method === "PUT")!,
    close: () => server.close(),
  };
});

storeSuite("leaves in IPFS", true, async () => {
  const server = await startKuboServer();
  return {
    store: ipfsStore(ipfsOptions(server)),
    damage: (dataHash) => void server.blocks.set(cidOf("raw", dataHash), NOISE),
    remove: (dataHash) => {
      server.pins.delete(cidOf("raw", dataHash));
      server.blocks.delete(cidOf("raw", dataHash));
    },
    misbehave: misbehaving(server, ({ url }) => !url.pathname.endsWith("/cat"))!,
    close: () => server.close(),
  };
});

storeSuite("leaves in Walrus", true, async () => {
  const server = await startWalrusServer();
  // Blob ids are the store's own, so the last one is meant.
  const last = (): string => [...server.blobs.keys()].at(-1)!;
  let whole: Buffer;
  const store = walrusStore(walrusOptions(server));
  return {
    store: { ...store, settleMs: [10] },
    // An aggregator serves something else: a publisher knows better, and stores nothing anew.
    damage: () => {
      const blob = server.blobs.get(last())!;
      [whole, blob.bytes] = [blob.bytes, NOISE];
    },
    mends: () => void (server.blobs.get(last())!.bytes = whole),
    remove: () => void server.blobs.delete(last()),
    misbehave: misbehaving(server, ({ method }) => method === "PUT")!,
    close: () => server.close(),
  };
});

describe("the configured stores", () => {
  const config = (publication: object) =>
    parseConfig({
      chain: { chainId: 1, registry: `0x${"11".repeat(20)}`, rpcUrls: ["http://127.0.0.1:9"] },
      store: { dataDir: "nowhere" },
      publication,
    });
  const s3 = { endpoint: "http://127.0.0.1:9", bucket: "leaves" };
  const names = (list: readonly { name: string }[]): string[] => list.map(({ name }) => name);

  it("take their secrets from the environment alone, and are all required unless some are named [R1]", () => {
    const env = { RELAYER_S3_ACCESS_KEY_ID: "id", RELAYER_S3_SECRET_ACCESS_KEY: "secret" };
    const ipfs = { rpcUrl: "http://127.0.0.1:9" };
    const all = createPublications(config({ s3, ipfs }), env);
    expect([names(all.all), names(all.required)]).to.deep.equal([
      ["files", "s3", "ipfs"],
      ["files", "s3", "ipfs"],
    ]);
    const some = createPublications(config({ s3, ipfs, files: false, required: ["ipfs"] }), env);
    expect([names(some.all), names(some.required)]).to.deep.equal([["s3", "ipfs"], ["ipfs"]]);
    expect(() => createPublications(config({ s3 }), {})).to.throw("RELAYER_S3_SECRET_ACCESS_KEY");
  });

  it("send credentials to whom they are for", async () => {
    const seen: (string | undefined)[] = [];
    const [kubo, walrus] = [await startKuboServer(), await startWalrusServer()];
    for (const server of [kubo, walrus])
      server.fault = ({ method, headers }) => {
        if (method !== "GET") seen.push(headers.authorization);
        return undefined;
      };
    try {
      const walrusAt = { publisherUrl: walrus.url, aggregatorUrl: walrus.url };
      const env = { RELAYER_IPFS_AUTHORIZATION: "Basic a", RELAYER_WALRUS_AUTHORIZATION: "Bearer b" };
      const { all } = createPublications(config({ files: false, ipfs: { rpcUrl: kubo.url }, walrus: walrusAt }), env);
      const { document, batch } = leavesOf(1);
      for (const store of all) await store.publish(batch.dataHash, document);
      expect(new Set(seen)).to.deep.equal(new Set(["Basic a", "Bearer b"]));
      expect(walrus.requests.at(-1)!.headers.authorization).to.equal(undefined);
    } finally {
      await Promise.all([kubo.close(), walrus.close()]);
    }
  });
});

describe("a store that speaks S3", () => {
  let server: S3Server;
  beforeEach(async () => {
    server = await startS3Server(secretAccessKey, "eu-west-1");
  });
  afterEach(() => server.close());
  const { document, batch } = leavesOf(2);
  const put = (over: Partial<S3Options> = {}) =>
    publicationIn(s3Store(s3Options(server, over))).publish(batch.dataHash, document);
  const puts = (): StoreRequest[] => server.requests.filter(({ method }) => method === "PUT");

  it("takes nothing that is not signed with the operator's secret", async () => {
    const wrong = { accessKeyId: "relayer", secretAccessKey: "a guess" };
    const refused = await put({ credentials: wrong }).catch((error: Error) => error);
    expect(refused).to.have.property("code", "store_refused");
    expect((refused as Error).message)
      .to.contain("SignatureDoesNotMatch")
      .and.not.contain("a guess");
    expect(server.objects.size).to.equal(0);
    await put();
    expect([...server.objects.keys()]).to.deep.equal([`opengradient/leaves/${pathOf(batch.dataHash)}`]);
  });

  it("puts an object only where there is none, and unconditionally where the server knows no conditions", async () => {
    expect(await put()).to.deep.equal({ locator: null, expiresAt: null });
    expect(puts().map(({ headers }) => headers["if-none-match"])).to.deep.equal(["*"]);
    server.requests.length = 0;
    server.fault = ({ headers }) =>
      headers["if-none-match"] === undefined ? undefined : { kind: "status", status: 501, body: "NotImplemented" };
    await put();
    expect(puts().map(({ headers }) => headers["if-none-match"])).to.deep.equal(["*", undefined]);
  });

  it("starts the bucket's days anew with each publication, and says when they end", async () => {
    const now = (): number => 1_000_000;
    for (let times = 1; times <= 2; times++) {
      expect(await put({ retentionDays: 30, now })).to.deep.equal({
        locator: null,
        expiresAt: 1_000_000 + 30 * 86_400_000,
      });
      expect(puts().length).to.equal(times);
      expect(puts().at(-1)!.headers["if-none-match"]).to.equal(undefined);
    }
  });

  it("names the bucket in the host or in the path", async () => {
    const hosts: string[] = [];
    const store = s3Store(s3Options(server, { endpoint: "http://s3.invalid:1", pathStyle: false, timeoutMs: 5_000 }));
    await store.get(batch.dataHash, null, 1).catch((error: Error) => hosts.push(error.message));
    expect(hosts[0]).to.contain("opengradient.s3.invalid:1");
  });
});

describe("names of leaves in IPFS", () => {
  it("follow from dataHash alone up to 4,922 receipts, and from the document above", () => {
    // From Kubo 0.39: printf hello | ipfs block put --cid-codec=raw --mhtype=keccak-256
    const hello = "0x1c8aff950685c2ed4bc3174f3472287b56d9517b9c948127319a09a7a36deac8";
    expect(cidOf("raw", hello)).to.equal("bafkrwia4rl7zkbufylwuxqyxj42hekd3k3mvc644ssasomm2bgt2g3pkza");
    const small = new Uint8Array(94 + 213 * 4_922);
    expect(blocksOf(small).map(({ codec }) => codec)).to.deep.equal(["raw"]);
    const large = Uint8Array.from({ length: 94 + 213 * 4_923 }, (_, index) => index % 251);
    const blocks = blocksOf(large);
    expect(blocks.map(({ codec }) => codec)).to.deep.equal([...Array.from({ length: 5 }, () => "raw"), "dag-pb"]);
    expect(Buffer.compare(Buffer.concat(blocks.slice(0, -1).map(({ bytes }) => bytes)), large)).to.equal(0);
    // From Kubo 0.39: the same bytes by `ipfs add --cid-version=1 --raw-leaves --hash=keccak-256 --chunker=size-262144`
    expect(blocks.at(-1)!.cid).to.equal("bafybwicdbnp7kjb2rmij34vbu2xryzq34d4rytrtilimqcrmmhckk7ag2u");
  });
});

describe("IPFS", () => {
  let server: KuboServer;
  beforeEach(async () => {
    server = await startKuboServer();
  });
  afterEach(() => server.close());

  it("pins what is published, so that no clean-up of the node takes it", async () => {
    const { document, batch } = leavesOf(2);
    const { locator, expiresAt } = await publicationIn(ipfsStore(ipfsOptions(server))).publish(
      batch.dataHash,
      document,
    );
    expect([locator, expiresAt]).to.deep.equal([cidOf("raw", batch.dataHash), null]);
    expect([...server.pins]).to.deep.equal([locator]);
  });

  it("refuses a node that names a block otherwise than its content [R1]", async () => {
    const { document, batch } = leavesOf(2);
    const other = JSON.stringify({ Key: cidOf("raw", leavesOf(1).batch.dataHash), Size: 1 });
    server.fault = () => ({ kind: "status", status: 200, body: other });
    expect(await codeOf(ipfsStore(ipfsOptions(server)).put(batch.dataHash, document, false))).to.equal("store_refused");
  });

  it("repairs a file of several blocks, whichever of them is damaged or gone", async () => {
    const publication = publicationIn(ipfsStore({ ...ipfsOptions(server), timeoutMs: 20_000 }));
    const { document, dataHash } = largeDocument(5_000);
    const { locator } = await publication.publish(dataHash, document);
    const cids = blocksOf(document).map(({ cid }) => cid);
    for (const [cid, bytes] of [
      [cids[1]!, NOISE],
      [cids.at(-1)!, NOISE],
      [cids[0]!, undefined],
    ] as const) {
      if (bytes) server.blocks.set(cid, bytes);
      else server.blocks.delete(cid);
      expect(
        await codeOf(publication.read(dataHash, locator).then((found) => found === undefined || Promise.reject(found))),
      ).to.be.oneOf(["damaged", null]);
      await publication.publish(dataHash, document, true);
      expect(Buffer.compare((await publication.read(dataHash, locator))!, document)).to.equal(0);
    }
  });

  it("reads back over a gateway where one is named, and takes its search in vain for an absence", async () => {
    const gateway = publicationIn(ipfsStore({ ...ipfsOptions(server), gatewayUrl: server.url }));
    const { document, dataHash } = largeDocument(5_000);
    const { locator } = await gateway.publish(dataHash, document);
    expect(Buffer.compare((await gateway.read(dataHash, locator))!, document)).to.equal(0);
    expect(server.requests.some(({ url }) => url.pathname === `/ipfs/${locator}`)).to.equal(true);
    expect(await gateway.read(leavesOf(1).batch.dataHash)).to.equal(undefined);
  });
});

describe("Walrus", () => {
  let server: WalrusServer;
  beforeEach(async () => {
    server = await startWalrusServer();
  });
  afterEach(() => server.close());
  const { document, batch } = leavesOf(2);
  const EPOCH_MS = 1_000_000;
  const publish = (epochs: number, at: number, anew = false) =>
    publicationIn(walrusStore(walrusOptions(server, { epochs, now: () => at }))).publish(
      batch.dataHash,
      document,
      anew,
    );

  it("counts only epochs that are sure to be whole, and buys permanent storage", async () => {
    const placed = await publish(4, 5_000);
    expect(placed.expiresAt).to.equal(5_000 + 3 * EPOCH_MS);
    expect(server.requests[0]!.url.search).to.equal("?epochs=4&permanent=true");
    expect(placed.locator).to.equal([...server.blobs.keys()][0]);
  });

  it("stores for longer when it is published anew, and takes over what others stored for long enough", async () => {
    await publish(4, 0);
    server.clock.epoch += 3;
    const renewed = await publish(4, 3 * EPOCH_MS, true);
    expect(renewed.expiresAt).to.equal(6 * EPOCH_MS);
    expect([...server.blobs.values()][0]!.endEpoch).to.equal(37);
    const taken = await publish(2, 3 * EPOCH_MS);
    expect(taken).to.deep.equal({ locator: renewed.locator, expiresAt: 4 * EPOCH_MS });
  });

  it("believes the epochs that it got, not those that it asked for", async () => {
    const { url } = server;
    server.fault = ({ method }) => {
      if (method !== "PUT") return undefined;
      const blobObject = { blobId: "A".repeat(43), registeredEpoch: 30, storage: { endEpoch: 31 } };
      return { kind: "status", status: 200, body: JSON.stringify({ newlyCreated: { blobObject } }) };
    };
    const store = walrusStore(walrusOptions(server, { epochs: 9, publisherUrl: url, now: () => 7 }));
    expect((await store.put(batch.dataHash, document, false)).expiresAt).to.equal(7);
  });

  it("waits for an aggregator that is late, and refuses answers that are none", async () => {
    server.late.reads = 1;
    await publish(4, 0);
    for (const body of [
      "",
      "{}",
      '{"newlyCreated":{"blobObject":{"blobId":"../x"}}}',
      '{"error":{"errorMsg":"full"}}',
    ]) {
      server.fault = () => ({ kind: "status", status: 200, body });
      expect(await codeOf(publish(4, 0)), body).to.equal("store_refused");
    }
  });
});
