// SPDX-License-Identifier: MIT
// What strangers, nodes and neighbours try against a relayer; docs/security.md names each. Fuzzing is api-fuzz.test.ts's.
import { expect } from "chai";
import { chmodSync, globSync, readFileSync, writeFileSync } from "node:fs";
import { createServer, type RequestListener } from "node:http";
import { connect, type AddressInfo, type Socket } from "node:net";
import { join } from "node:path";
import { brotliCompressSync, gzipSync } from "node:zlib";
import { encryptKeystoreJsonSync, Wallet } from "ethers";
import { createRpc } from "../../relayer/chain/rpc.ts";
import { keystoreWarning, loadConfig, loadSigner } from "../../relayer/config/index.ts";
import { fileStore } from "../../relayer/publication/files.ts";
import { publicationIn } from "../../relayer/publication/publication.ts";
import { fetchBounded } from "../../relayer/consumer/fetch-bounded.ts";
import { fileBlobs } from "../../relayer/memory/blobs.ts";
import { printable } from "../../relayer/printable.ts";
import type { Hex } from "../../relayer/protocol/index.ts";
import { secretIn } from "../../scripts/secrets.ts";
import { readOpenApi, checkLeaks } from "../support/openapi.ts";
import { bytesOf, sendRaw, type RawAnswer } from "../support/raw-http.ts";
import {
  batchBody,
  makeChain,
  makeKey,
  makeReceipt,
  random,
  removeDir,
  startRelayer,
  tempDir,
} from "./support/relayer.ts";
import type { RunningRelayer } from "./support/relayer.ts";

const sleep = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms));
const json: [string, string] = ["content-type", "application/json"];

describe("a relayer among strangers", () => {
  const chain = makeChain();
  const key = chain.addKey(makeKey());
  const model = chain.addModel(1);
  const dataDir = tempDir();
  const sockets: Socket[] = [];
  let relayer: RunningRelayer;
  before(async () => {
    relayer = await startRelayer(chain, dataDir, { http: { timeoutMs: 1_000, maxConnectionsEach: 40 } });
  });
  afterEach(() => {
    for (const socket of sockets.splice(0)) socket.destroy();
    expect(relayer.errors.splice(0)).to.deep.equal([]);
  });
  after(async () => {
    await relayer.close();
    removeDir(dataDir);
  });

  const raw = (text: string): Promise<RawAnswer> =>
    sendRaw(relayer.url, Buffer.from(text, "latin1"), { timeoutMs: 20_000 });
  function open(): Promise<Socket> {
    const { hostname, port } = new URL(relayer.url);
    return new Promise((resolve, reject) => {
      const socket = connect(Number(port), hostname, () => resolve(socket));
      socket.on("error", reject);
      sockets.push(socket);
    });
  }
  const closed = (socket: Socket): Promise<number> => {
    const from = Date.now();
    return new Promise((resolve) => {
      socket.on("data", () => undefined);
      socket.once("close", () => resolve(Date.now() - from));
    });
  };

  it("tells browsers with every answer that nothing here is a page, a script or a frame", async () => {
    for (const path of ["/healthz", "/metrics", "/openapi.json", "/v1/receipts/0x12", "/nothing"]) {
      const { headers } = await relayer.get(path);
      expect(headers.get("x-content-type-options"), path).to.equal("nosniff");
      expect(headers.get("content-security-policy"), path).to.equal("default-src 'none'; frame-ancestors 'none'");
      expect(headers.get("x-frame-options"), path).to.equal("DENY");
      expect(headers.get("referrer-policy"), path).to.equal("no-referrer");
      expect(headers.get("x-powered-by"), path).to.equal(null);
      expect(headers.get("access-control-allow-origin"), path).to.equal(null);
    }
    // Wallets ask the gateway out of pages of any origin; nothing that a browser keeps goes along.
    const { headers } = await relayer.get(`/v1/lookup/${random(20)}/0x`);
    expect(headers.get("access-control-allow-origin")).to.equal("*");
    expect(headers.get("access-control-allow-credentials")).to.equal(null);
  });

  it("wants a key for every route of operators that changes something, and names the scheme [R8]", async () => {
    const api = readOpenApi((await relayer.get("/openapi.json")).body);
    const operators = api.operations.filter(({ path }) => path.startsWith("/v1/operator"));
    const others = api.operations.filter(({ path, method }) => method !== "GET" && !path.startsWith("/v1/operator"));
    for (const { method, path, security } of operators.filter((one) => one.method !== "GET")) {
      expect(security, `${method} ${path}`).to.be.an("array").that.is.not.empty;
      for (const authorization of [undefined, "", "Bearer ", "Bearer x", "Basic Og==", `Bearer ${"0".repeat(64)}`]) {
        const headers: [string, string][] = [
          json,
          ...(authorization === undefined ? [] : [["authorization", authorization] as [string, string]]),
        ];
        const target = path.replaceAll(/\{[^}]+\}/g, "1");
        const answer = await sendRaw(relayer.url, bytesOf({ method, target, headers, body: Buffer.from("{}") }));
        expect([401, 404], `${method} ${path}`).to.include(answer.status);
        if (answer.status === 404)
          expect(api.operations.find((one) => one.path === path)!.responses.has("404")).to.equal(true);
      }
    }
    // What anyone may send carries its own evidence, or asks and changes nothing.
    const open = others.map(({ method, path }) => `${method} ${path}`);
    const evident = ["/v1/receipts", "/v1/batches", "/v1/proofs", "/v1/seals/{id}", "/v1/lookup"];
    for (const name of open)
      expect(
        evident.some((path) => name === `POST ${path}`) || /^POST \/(?:x402|v1\/(?:gateway|opengradient))/.test(name),
        `${name} changes something without a key: say here what is its evidence`,
      ).to.equal(true);
  });

  it("reads no compressed body: what would be gigabytes is a few bytes that are no JSON", async () => {
    const bomb = Buffer.alloc(50_000_000, "[");
    for (const [encoding, body] of [
      ["gzip", gzipSync(bomb)],
      ["br", brotliCompressSync(bomb)],
      ["deflate", gzipSync(bomb)],
    ] as const) {
      const headers: [string, string][] = [json, ["content-encoding", encoding]];
      const answer = await sendRaw(relayer.url, bytesOf({ method: "POST", target: "/v1/batches", headers, body }));
      expect(answer.status, encoding).to.equal(400);
    }
  });

  it("takes a request for one request, whatever its lengths say", async () => {
    const smuggled = "GET /metrics HTTP/1.1\r\nhost: a\r\n\r\n";
    const head = "POST /v1/batches HTTP/1.1\r\nhost: a\r\ncontent-type: application/json\r\nconnection: close\r\n";
    const both = await raw(`${head}content-length: 5\r\ntransfer-encoding: chunked\r\n\r\n0\r\n\r\n${smuggled}`);
    const twice = await raw(`${head}content-length: 2\r\ncontent-length: 40\r\n\r\n{}${smuggled}`);
    const hidden = await raw(`${head}transfer-encoding: xchunked\r\n\r\n0\r\n\r\n${smuggled}`);
    const folded = await raw(`${head}x: a\r\n content-length: 40\r\n\r\n${smuggled}`);
    const bare = await raw(`${head}content-length: 2\n\r\n\r\n{}${smuggled}`);
    for (const answer of [both, twice, hidden, folded, bare]) {
      expect(answer.status).to.equal(400);
      expect(answer.body.toString()).to.not.contain("relayer_");
    }
    // A body where none belongs is the body of its own request.
    const got = await raw(
      `GET /healthz HTTP/1.1\r\nhost: a\r\nconnection: close\r\ncontent-length: ${smuggled.length}\r\n\r\n${smuggled}`,
    );
    expect(got.status).to.equal(200);
    expect(got.body.toString()).to.not.contain("HTTP/1.1");
  });

  it("closes connections that send nothing, half a head, or a byte a second", async () => {
    const silent = await open();
    const half = await open();
    half.write("GET /healthz HTTP/1.1\r\nhost:");
    const drip = await open();
    drip.write(
      "POST /v1/batches HTTP/1.1\r\nhost: a\r\ncontent-type: application/json\r\ncontent-length: 100000\r\n\r\n{",
    );
    const dripping = setInterval(() => drip.write(" "), 200);
    const times = await Promise.all([silent, half, drip].map(closed));
    clearInterval(dripping);
    // Looked for every five seconds, after the second that is allowed; the rest is for a busy machine.
    for (const time of times) expect(time).to.be.lessThan(40_000);
    expect((await relayer.get("/healthz")).status).to.equal(200);
  }).timeout(60_000);

  it("gives one address so many connections and no more, and their places back", async () => {
    const kept: Socket[] = [];
    const answers: Promise<boolean>[] = [];
    for (let n = 0; n < 60; n++) {
      const socket = await open();
      kept.push(socket);
      answers.push(
        new Promise((resolve) => {
          socket.once("data", () => resolve(true));
          socket.once("close", () => resolve(false));
        }),
      );
      socket.on("error", () => undefined);
      socket.write("GET /healthz HTTP/1.1\r\nhost: a\r\n\r\n");
    }
    const served = (await Promise.all(answers)).filter(Boolean).length;
    expect(served).to.be.within(20, 40);
    for (const socket of kept) socket.destroy();
    await sleep(200);
    expect((await relayer.get("/healthz")).status).to.equal(200);
  });

  it("asks neither node nor database again for whoever asks again how it is, and names no host", async () => {
    let asked = 0;
    const { head } = chain.reader;
    Object.assign(chain.reader, { head: () => (asked++, head()) });
    await sleep(1_100);
    const answers = await Promise.all(Array.from({ length: 30 }, () => relayer.get("/readyz")));
    Object.assign(chain.reader, { head });
    expect(asked).to.be.lessThan(10);
    for (const { status, body } of answers) {
      expect(status).to.equal(200);
      expect(JSON.stringify(body)).to.not.contain("127.0.0.1");
      checkLeaks(JSON.stringify(body), [dataDir]);
    }
  });

  it("takes no words of a statement: what clients write is a parameter everywhere", async () => {
    const words = ["' or 1=1 --", "0x'; drop table batches; --", "\\x", "1; select pg_sleep(10)"];
    for (const word of words)
      for (const path of ["receipts", "batches", "keys"]) {
        const answer = await relayer.get(`/v1/${path}/${encodeURIComponent(word)}${path === "keys" ? "/seals" : ""}`);
        expect(answer.status, word).to.equal(400);
      }
    expect((await relayer.post("/v1/batches", batchBody(key, [makeReceipt(key, model)]).body)).status).to.equal(201);
  });
});

describe("a relayer and the nodes it asks", () => {
  async function node(answer: RequestListener): Promise<{ url: string; asked: string[]; close(): Promise<void> }> {
    const asked: string[] = [];
    const server = createServer((request, response) => {
      asked.push(`${request.method} ${request.url} ${request.headers.authorization ?? ""}`);
      answer(request, response);
    });
    await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
    return {
      url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
      asked,
      close: () => {
        server.closeAllConnections();
        return new Promise((resolve) => server.close(() => resolve()));
      },
    };
  }
  const failure = (work: Promise<unknown>): Promise<Error> =>
    work.then(
      () => expect.fail("it was taken"),
      (error: Error) => error,
    );
  const reasons = (error: Error): string => `${error.message} ${JSON.stringify(error)} ${String(error.cause)}`;

  it("is led nowhere else by a node, neither to the metadata of its cloud nor into its network", async () => {
    const inside = await node((_, response) => response.end('{"jsonrpc":"2.0","id":1,"result":"0x1"}'));
    for (const status of [301, 302, 307, 308]) {
      const leads = await node((_, response) => response.writeHead(status, { location: `${inside.url}/secret` }).end());
      const rpc = createRpc({ urls: [leads.url.replace("//", "//user:hunter2@")], chainId: 1, timeoutMs: 5_000 });
      expect(await failure(rpc.request("eth_blockNumber", []))).to.have.property("code", "chain_unavailable");
      await leads.close();
    }
    expect(inside.asked).to.deep.equal([]);
    await inside.close();
  });

  it("reads so much of a node's answer and no more, before and after it is unpacked", async () => {
    const bomb = gzipSync(Buffer.alloc(200_000_000, "0"), { level: 9 });
    const packs = await node((_, response) => response.writeHead(200, { "content-encoding": "gzip" }).end(bomb));
    let poured = 0;
    const pours = await node((_, response) => {
      const pour = (): void => {
        while (!response.destroyed && poured < 500_000_000 && response.write(Buffer.alloc(1_000_000, 48)))
          poured += 1_000_000;
      };
      response.on("drain", pour);
      pour();
    });
    for (const { url, close } of [packs, pours]) {
      const before = process.memoryUsage().rss;
      const rpc = createRpc({ urls: [url], chainId: 1, timeoutMs: 60_000 });
      const error = await failure(rpc.request("eth_blockNumber", []));
      expect(`${reasons(error)} ${JSON.stringify(rpc.health())}`).to.match(/more than 32000000 bytes/);
      expect(process.memoryUsage().rss - before).to.be.lessThan(400e6);
      await close();
    }
    expect(poured).to.be.lessThan(300_000_000);
  }).timeout(120_000);
});

describe("what others name and the relayer opens", () => {
  it("reaches no address that is not public, in whatever way it is written", async () => {
    const bounds = { allowedHosts: [], timeoutMs: 5_000, maxBytes: 1_000, maxRedirects: 2 };
    const hosts = [
      ...["2130706433", "0x7f.1", "0177.0.0.1", "127.1", "127.0.0.1.", "0", "0.0.0.0", "localhost.", "[::]", "[::1]"],
      ...["[::ffff:7f00:1]", "[::ffff:10.0.0.1]", "[0:0:0:0:0:ffff:a9fe:a9fe]", "[64:ff9b::7f00:1]", "[fe80::1]"],
      ...[
        "[fc00::1]",
        "[2002:7f00:1::]",
        "169.254.169.254",
        "100.100.100.200",
        "%31%32%37.0.0.1",
        "127。0。0。1",
        "①②⑦.0.0.1",
      ],
    ];
    for (const host of hosts) {
      const error = await fetchBounded(`https://${host}/secret`, undefined, bounds).then(
        () => expect.fail(`${host} was reached`),
        (reason: Error) => reason,
      );
      expect(error.message, host).to.match(/not public|no address|no URL|ENOTFOUND|EAI_AGAIN/);
    }
    for (const url of [
      "http://1.1.1.1/",
      "ftp://1.1.1.1/",
      "gopher://1.1.1.1/",
      "data:,x",
      "javascript:1",
      "//1.1.1.1/",
    ]) {
      const refused = await fetchBounded(url, undefined, bounds).catch((reason: Error) => reason);
      expect(refused, url).to.be.instanceOf(Error);
    }
  });

  it("makes a path of a hash and of nothing else", async () => {
    const folder = tempDir();
    try {
      writeFileSync(join(folder, "secret"), "secret");
      const blobs = fileBlobs(join(folder, "blobs"));
      const leaves = publicationIn(fileStore(join(folder, "leaves")));
      for (const id of ["0x../../secret", "0x..", "../secret", "", `0x${"a".repeat(63)}/`, `0x${"/..".repeat(21)}a`]) {
        const [blob, document] = [blobs.get(id as Hex), leaves.read(id as Hex)].map((work) =>
          work.then(
            () => null,
            (error: Error & { code?: string }) => error.code,
          ),
        );
        expect([await blob, await document], id).to.deep.equal(["malformed_hex", "malformed_hex"]);
      }
      expect(await blobs.get(random())).to.equal(null);
    } finally {
      removeDir(folder);
    }
  });

  it("reads no configuration that grows without end, and repeats no secret of one that is wrong", () => {
    const folder = tempDir();
    try {
      const file = join(folder, "relayer.yaml");
      const levels = Array.from({ length: 12 }, (_, n) => `a${n + 1}: &a${n + 1} [${`*a${n},`.repeat(9)}*a${n}]`);
      writeFileSync(file, `a0: &a0 [x,x,x]\n${levels.join("\n")}\n`);
      const started = Date.now();
      expect(() => loadConfig(file, {}))
        .to.throw()
        .with.property("code", "config_unreadable");
      expect(Date.now() - started).to.be.lessThan(10_000);
      writeFileSync(
        file,
        'chain: { chainId: 1, registry: "0x12", rpcUrls: ["ftp://user:hunter2@node"] }\n__proto__: { admin: true }\n',
      );
      const env = { DATABASE_URL: "postgres://user:hunter2@db/x", REDIS_URL: "http://user:hunter2@redis" };
      expect(() => loadConfig(file, env))
        .to.throw(/registry/)
        .and.not.match(/hunter2/);
      expect({}).to.not.have.property("admin");
    } finally {
      removeDir(folder);
    }
  });

  it("warns of a keystore that other users of the machine can read", async () => {
    const folder = tempDir();
    try {
      const keystore = join(folder, "key.json");
      const { address, privateKey } = Wallet.createRandom();
      const password = "correct horse battery";
      const weak = { scrypt: { N: 2, r: 1, p: 1 } };
      writeFileSync(keystore, encryptKeystoreJsonSync({ address, privateKey }, password, weak), { mode: 0o600 });
      expect(keystoreWarning({ keystore })).to.equal(undefined);
      for (const mode of [0o640, 0o604, 0o644, 0o666]) {
        chmodSync(keystore, mode);
        expect(keystoreWarning({ keystore })).to.match(/chmod 600/);
      }
      expect(keystoreWarning({ keystore: undefined })).to.equal(undefined);
      const wrong = await loadSigner({ keystore }, { RELAYER_KEYSTORE_PASSWORD: "hunter2" }).catch(
        (error: Error) => error,
      );
      expect((wrong as Error).message).to.not.match(/hunter2/);
    } finally {
      removeDir(folder);
    }
  });

  it("shows what others wrote as one line without control characters", () => {
    expect(printable("a\u001b[2Jb\r\nlevel:60 \u202egnp.exe\u2028x")).to.equal("a?[2Jb?\\nlevel:60 ?gnp.exe?x");
    expect(printable("x".repeat(9_999)).length).to.be.lessThan(2_100);
  });
});

describe("the relayer's own source", () => {
  const sources = globSync("relayer/**/*.ts").map((file) => ({ file, text: readFileSync(file, "utf8") }));
  const uses = (pattern: RegExp, allowed: readonly string[] = []): string[] =>
    sources
      .filter(({ file, text }) => pattern.test(text) && !allowed.some((one) => file.endsWith(one)))
      .map(({ file }) => file);

  it("makes no statement out of text, runs no text as code, and starts no shell", () => {
    expect(sources.length).to.be.greaterThan(100);
    expect(uses(/sql\.raw\(|\.unsafe\(/)).to.deep.equal([]);
    expect(uses(/\.query\(\s*`[^`]*\$\{/)).to.deep.equal([]);
    expect(uses(/\beval\(|new Function\(|node:vm/)).to.deep.equal([]);
    // SQLite of channels is opened with a schema that stands in the source.
    expect(uses(/execSync|\bexec\([^)]*\$\{|shell: true|spawn\(/, ["channels/ledger.ts"])).to.deep.equal([]);
  });

  it("compares no secret by ===, and draws none from Math.random", () => {
    expect(uses(/(?:password|secret|apiKey|token)\w*\s*[!=]==\s*(?!\s|undefined|null|"|\d)/i)).to.deep.equal([]);
    expect(uses(/(?:secret|nonce|salt|token|key)\w*\s*=[^;\n]*Math\.random/i)).to.deep.equal([]);
  });

  it("asks other hosts through few doors, each of them bounded", () => {
    const doors = [
      ...["chain/rpc.ts", "client/retrying.ts", "consumer/fetch-bounded.ts", "gateway/charge.ts"],
      ...["publication/http.ts", "reconcile/index-client.ts", "signer/remote.ts", "verify/chain.ts"],
    ];
    expect(
      uses(/(?<![\w.])fetch\(|node:https?"|\baxios\b/, doors).filter(
        (file) => !TYPES_ONLY.test(readFileSync(file, "utf8")),
      ),
    ).to.deep.equal([]);
  });

  it("has no regular expression that a long text stops", () => {
    const nested = /\((?:\?:)?(?:[^()\\]|\\.)*[+*](?:[^()\\]|\\.)*\)[+*{]/;
    const found = sources.flatMap(({ file, text }) =>
      [...text.matchAll(/(?<=[=(,:\s])\/(?![/*])((?:[^/\n\\[]|\\.|\[(?:[^\]\\]|\\.)*\])+)\/[a-z]*/g)]
        .map(([, source]) => source!)
        .filter((source) => nested.test(source))
        .map((source) => `${file}: ${source}`),
    );
    expect(found).to.deep.equal([]);
  });
});

describe("the search for secrets", () => {
  it("finds what looks like one, and not hashes, addresses or places for one", () => {
    // Made here, so that it does not find this file.
    const many = (letters: string, count: number): string => letters.repeat(count).slice(0, count);
    const secrets = [
      `-----BEGIN ${"RSA "}PRIVATE KEY-----`,
      `AKIA${many("Q7ZD", 16)}`,
      `ghp_${many("aB3dE", 36)}`,
      `privateKey: "0x${many("3f9c21", 64)}"`,
      `RELAYER_PRIVATE_KEY=0x${many("3f9c21", 64)}`,
      `postgres://me:${"s3cr"}et0@db.internal/ledger`,
      `https://eth-mainnet.g.alchemy.com/v2/${many("aB3dE", 32)}`,
      `//registry.npmjs.org/:_authToken=${many("aB3dE", 36)}`,
      `mnemonic = "${Array.from({ length: 12 }, () => "legal").join(" ")}"`,
    ];
    for (const secret of secrets) expect(secretIn(`const a = 1; ${secret}`), secret).to.be.a("string");
    const others = [
      `contentHash: "0x${many("3f9c21", 64)}"`,
      `secret: "0x${"11".repeat(32)}"`,
      "RELAYER_PRIVATE_KEY=0x… npm run relayer",
      "DATABASE_URL=postgres://… REDIS_URL=redis://…",
      // oxlint-disable-next-line no-template-curly-in-string
      "postgres://${user}:${password}@${host}/x",
      "https://first.example/v2",
    ];
    for (const other of others) expect(secretIn(other), other).to.equal(undefined);
  });
});

/** `import type { Server } from "node:http"` asks nobody. */
const TYPES_ONLY = /^import type [^\n]*node:https?"/m;
