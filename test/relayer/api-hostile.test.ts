// SPDX-License-Identifier: MIT
import { expect } from "chai";
import { createServer } from "node:http";
import { connect, type AddressInfo, type Socket } from "node:net";
import { networkOf } from "../../relayer/api/limits.ts";
import { createSealWaiting } from "../../relayer/api/seal-waiting.ts";
import { ChainUnavailable, NodeRefused } from "../../relayer/chain/errors.ts";
import { createRpc } from "../../relayer/chain/rpc.ts";
import {
  batchBody,
  makeChain,
  makeKey,
  makeReceipt,
  random,
  receiptBody,
  removeDir,
  startRelayer,
  tempDir,
} from "./support/relayer.ts";
import type { Key, RunningRelayer } from "./support/relayer.ts";
import type { Hex } from "../../relayer/protocol/index.ts";

describe("relayer API against hostile clients", () => {
  let relayer: RunningRelayer;
  let chain: ReturnType<typeof makeChain>;
  let key: Key;
  let model: Hex;
  const dataDir = tempDir();
  const sockets: Socket[] = [];
  before(async () => {
    chain = makeChain();
    key = chain.addKey(makeKey());
    model = chain.addModel(1);
    relayer = await startRelayer(chain, dataDir, {
      http: { maxInFlight: 2, maxBodyBytes: 1_000_000 },
      sealing: { policy: { maxCount: 1, patientMs: 0, impatientMs: 0 } },
    });
  });
  afterEach(() => {
    for (const socket of sockets.splice(0)) socket.destroy();
    chain.state.down = false;
    expect(relayer.errors.splice(0)).to.deep.equal([]);
  });
  after(async () => {
    await relayer.close();
    removeDir(dataDir);
  });

  /** Sends a part of a request and keeps the connection open. */
  const stall = (text: string): Promise<void> =>
    new Promise((resolve, reject) => {
      const { hostname, port } = new URL(relayer.url);
      const socket = connect(Number(port), hostname, () => socket.write(text, () => resolve()));
      socket.once("error", reject);
      sockets.push(socket);
    });
  const sleep = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms));

  it("works on while slow clients hold their requests back [R8]", async () => {
    const head = "POST /v1/batches HTTP/1.1\r\nhost: relayer\r\ncontent-type: application/json\r\n";
    for (let n = 0; n < 20; n++) await stall(`${head}content-length: 900000\r\n\r\n{"batch":`);
    for (let n = 0; n < 20; n++) await stall(`${head}transfer-encoding: chunked\r\n\r\n1\r\n{\r\n`);
    await sleep(50);
    expect((await relayer.post("/v1/batches", batchBody(key, [makeReceipt(key, model)]).body)).status).to.equal(201);
    // Those that hang up half-way are no failure of ours.
    for (const socket of sockets.splice(0)) socket.destroy();
    await sleep(50);
  });

  it("bounds what it holds of all bodies together, and takes the next when they are gone [R8]", async () => {
    const head = "POST /v1/batches HTTP/1.1\r\nhost: relayer\r\ncontent-type: application/json\r\n";
    for (let n = 0; n < 2; n++) await stall(`${head}content-length: 1000000\r\n\r\n${" ".repeat(999_500)}`);
    await sleep(100);
    const { body } = batchBody(key, [makeReceipt(key, model), makeReceipt(key, model)]);
    const refused = await relayer.post("/v1/batches", body);
    expect([refused.status, refused.body.code]).to.deep.equal([503, "busy"]);
    expect(refused.headers.get("retry-after")).to.equal("1");
    for (const socket of sockets.splice(0)) socket.destroy();
    await sleep(100);
    expect((await relayer.post("/v1/batches", body)).status).to.equal(201);
  });

  it("answers briefly, whatever was sent [R8]", async () => {
    const keys = `{${Array.from({ length: 50_000 }, (_, place) => `"unknown${place}":0`).join(",")}}`;
    const nested = `{"batch":${"[".repeat(400_000)}${"]".repeat(400_000)}}`;
    const flood = `{"receipts":[${"{},".repeat(300_000)}{}]}`;
    const poison = '{"__proto__":{"isAdmin":true},"constructor":{"prototype":{"isAdmin":true}}}';
    for (const body of [keys, nested, flood, poison]) {
      const answer = await relayer.post("/v1/batches", body);
      expect([answer.status, answer.body.code]).to.deep.equal([400, "malformed"]);
      expect(JSON.stringify(answer.body).length).to.be.lessThan(5_000);
    }
    expect({}).to.not.have.property("isAdmin");
  });

  it("tells strangers nothing of what nodes and database say [R8]", async () => {
    const secret = "https://user:hunter2@node.example/v2/api-key";
    const { signingKey, head } = chain.reader;
    const causes = [
      new ChainUnavailable("eth_call", [new Error(secret)]),
      new NodeRefused("eth_call", -32_000, `project ${secret} is over its plan`, "0x"),
    ];
    for (const cause of causes) {
      const fail = (): Promise<never> => Promise.reject(cause);
      Object.assign(chain.reader, { signingKey: fail, head: fail });
      const stranger = makeKey();
      const answers = [
        await relayer.post("/v1/receipts", receiptBody(stranger, makeReceipt(stranger, model))),
        await relayer.get("/readyz"),
        await relayer.get("/healthz"),
      ];
      expect(answers.map(({ status }) => status).slice(0, 1)).to.deep.equal([503]);
      for (const { body } of answers) expect(JSON.stringify(body)).to.not.match(/hunter2|api-key|lastError/);
    }
    Object.assign(chain.reader, { signingKey, head });
  });

  it("tells whoever asks of an offer, however many wait [R8]", async () => {
    const elsewhere = await startRelayer(chain, tempDir(), { sealing: { policy: { maxCount: 1 } } });
    const aborts = new AbortController();
    try {
      const poll = (keyId: Hex, wait: number): Promise<globalThis.Response> =>
        fetch(`${elsewhere.url}/v1/keys/${keyId}/seals?wait=${wait}`, { signal: aborts.signal });
      const waiting = Array.from({ length: 200 }, () => poll(random(), 30).catch(() => null));
      await sleep(500);
      expect((await poll(key.keyId, 1)).status).to.equal(503);
      const receipt = receiptBody(key, makeReceipt(key, model));
      expect((await elsewhere.post("/v1/receipts", receipt)).status).to.equal(201);
      let offer = await poll(key.keyId, 30);
      for (let tries = 0; offer.status !== 200 && tries < 50; tries++) {
        await sleep(50);
        offer = await poll(key.keyId, 30);
      }
      expect(((await offer.json()) as { receiptIds: Hex[] }).receiptIds).to.have.length(1);
      aborts.abort();
      await Promise.all(waiting);
    } finally {
      await elsewhere.close();
    }
  });

  it("gives the places of those who stopped waiting back", async () => {
    const places = createSealWaiting();
    const stops = Array.from({ length: 200 }, () => new AbortController());
    const waits = stops.map(({ signal }) => places.wait(random(), "10.0.0.1", 60_000, signal));
    expect([places.full("10.0.0.1"), places.full("10.0.0.2")]).to.deep.equal([true, false]);
    for (const stop of stops) stop.abort();
    await Promise.all(waits);
    expect(places.full("10.0.0.1")).to.equal(false);
  });

  it("takes all addresses of an IPv6 network for one client, and believes no header [R8]", async () => {
    expect(networkOf("2001:db8:1:2::1")).to.equal(networkOf("2001:0DB8:1:2:ffff:ffff:ffff:ffff"));
    expect(networkOf("2001:db8:1:2::1")).to.not.equal(networkOf("2001:db8:1:3::1"));
    expect(networkOf("::1")).to.equal("0:0:0:0::/64");
    expect(networkOf("fe80::1%eth0")).to.equal("fe80:0:0:0::/64");
    expect(networkOf("::ffff:192.0.2.7")).to.equal("192.0.2.7");
    expect(networkOf("192.0.2.8")).to.equal("192.0.2.8");

    const directory = tempDir();
    const limited = await startRelayer(chain, directory, { http: { requestsPerSecond: 0.01, burst: 2 } });
    try {
      const statuses: number[] = [];
      for (let n = 0; n < 4; n++) {
        const headers = {
          "x-forwarded-for": `198.51.100.${n}`,
          forwarded: `for=198.51.100.${n}`,
          "x-real-ip": `1.1.1.${n}`,
        };
        statuses.push((await fetch(`${limited.url}/v1/receipts/${random()}`, { headers })).status);
      }
      expect(statuses).to.deep.equal([404, 404, 429, 429]);
    } finally {
      await limited.close();
      removeDir(directory);
    }
  });

  it("keeps its metrics few, whatever paths and methods are asked for [R8]", async () => {
    const series = async (): Promise<number> =>
      // Asked for once a second, whoever asks.
      sleep(1_100).then(
        async () => String((await relayer.get("/metrics")).body).match(/^relayer_request_seconds_count/gm)?.length ?? 0,
      );
    const probe = async (n: number): Promise<void> => {
      await relayer.get(`/v1/${n}/${random()}`);
      await relayer.get(`/${random()}`);
      await fetch(`${relayer.url}/v1/batches/${random()}`, { method: "PROPFIND" });
    };
    await probe(0);
    await series();
    const before = await series();
    for (let n = 1; n < 30; n++) await probe(n);
    expect(await series()).to.equal(before);
  });
});

describe("a node's URL with a password", () => {
  it("is used without quoting it anywhere [R8]", async () => {
    let authorization: string | undefined;
    const node = createServer((request, response) => {
      authorization = request.headers.authorization;
      response.end('{"jsonrpc":"2.0","id":1,"result":"0x1"}');
    });
    await new Promise<void>((resolve) => node.listen(0, "127.0.0.1", resolve));
    const { port } = node.address() as AddressInfo;
    const rpc = createRpc({ urls: [`http://user:hunter2@127.0.0.1:${port}/api-key`], chainId: 1, timeoutMs: 2_000 });
    expect(await rpc.request("eth_blockNumber", [])).to.equal("0x1");
    expect(Buffer.from(authorization!.replace("Basic ", ""), "base64").toString()).to.equal("user:hunter2");
    node.closeAllConnections();
    await new Promise((resolve) => node.close(resolve));
    const error = await rpc.request("eth_blockNumber", []).then(
      () => null,
      (failure: Error) => failure,
    );
    expect(error).to.have.property("code", "chain_unavailable");
    expect(`${error!.message} ${JSON.stringify(rpc.health())} ${String(error!.cause)}`).to.not.match(/hunter2|api-key/);
  });
});
