// SPDX-License-Identifier: MIT
// The program in operation, as its operator meets it: commands, metrics, logs, traces, and a stop in the middle of work.
import { expect } from "chai";
import { spawn, type ChildProcess } from "node:child_process";
import { readFileSync, writeFileSync } from "node:fs";
import { createServer, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { join } from "node:path";
import { encryptKeystoreJson, formatEther, parseEther, Wallet } from "ethers";
import { parse } from "yaml";
import { freePort } from "../../demo/wire.ts";
import { receiptToWire } from "../../relayer/api/schemas.ts";
import { makeBatch } from "../../relayer/batches/seal.ts";
import * as protocol from "../../relayer/protocol/index.ts";
import type { Domain, Hex, Receipt } from "../../relayer/protocol/index.ts";
import { findBatch } from "../../relayer/store/batches.ts";
import { openDatabase } from "../../relayer/store/database.ts";
import { openHttpDoor } from "../support/http-door.ts";
import { deployProtocol, Mode, type Protocol } from "../support/protocol.ts";
import { removeDir, request, tempDir, type Answer } from "./support/relayer.ts";

const sleep = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms));
const tsx = ["--import", import.meta.resolve("tsx"), "relayer/main.ts"];

interface Span {
  name: string;
  traceId: string;
  attributes: { key: string; value: { stringValue?: string } }[];
}

describe("a relayer in operation", function () {
  this.timeout(600_000);
  let p: Protocol;
  let door: Awaited<ReturnType<typeof openHttpDoor>>;
  let collector: Server;
  const traced: string[] = [];
  let domain: Domain;
  let dataDir: string;
  let file: string;
  let url: string;
  let env: NodeJS.ProcessEnv;
  let relayer: ChildProcess;
  let digest: Hex;
  const key = new Wallet(Wallet.createRandom().privateKey);
  const sender = new Wallet(Wallet.createRandom().privateKey);
  let keyId: Hex;
  let modelId: Hex;
  /** Everything that any process of this suite printed. */
  let printed = "";
  const secrets = {
    password: "keystore-password-9f3",
    rpcPassword: "rpc-pass-77aa",
    rpcKey: "0123456789abcdef0123456789abcdef",
    databasePassword: "database-pass-5e1",
    signerToken: "signer-token-441c",
    privateKey: sender.privateKey,
    bare: sender.privateKey.slice(2),
    apiKey: "",
  };

  const hear = (child: ChildProcess, more: (chunk: string) => void = () => undefined): void => {
    for (const stream of [child.stdout!, child.stderr!])
      stream.on("data", (chunk: Buffer) => {
        printed += chunk.toString();
        more(chunk.toString());
      });
  };

  /** Runs a command to its end. */
  async function command(words: string[], over: NodeJS.ProcessEnv = {}, config = file) {
    const child = spawn(process.execPath, [...tsx, ...(config ? ["--config", config] : []), ...words], {
      env: { ...env, ...over },
      stdio: ["ignore", "pipe", "pipe"],
    });
    let [out, err] = ["", ""];
    child.stdout.on("data", (chunk: Buffer) => void (out += chunk.toString()));
    child.stderr.on("data", (chunk: Buffer) => void (err += chunk.toString()));
    const code = await new Promise<number | null>((resolve) => child.once("close", resolve));
    printed += out + err;
    return { code, out, err };
  }

  before(async () => {
    p = await deployProtocol();
    door = await openHttpDoor(p.connection.provider);
    collector = createServer(async (req, response) => {
      const chunks: Buffer[] = [];
      for await (const chunk of req) chunks.push(chunk as Buffer);
      if (req.url === "/v1/traces") traced.push(Buffer.concat(chunks).toString());
      response.writeHead(200, { "content-type": "application/json" }).end("{}");
    });
    await new Promise<void>((resolve) => collector.listen(0, "127.0.0.1", resolve));
    domain = { chainId: 31337n, verifyingContract: (await p.registry.getAddress()).toLowerCase() as Hex };
    keyId = (await p.addOperatorKey(await p.registerNode(), key)) as Hex;
    modelId = (await p.registerModel(1 << Mode.VANILLA)) as Hex;
    await p.networkHelpers.setBalance(sender.address, parseEther("10"));
    dataDir = tempDir();
    const keystore = await encryptKeystoreJson(
      { address: sender.address, privateKey: sender.privateKey },
      secrets.password,
      { scrypt: { N: 2, r: 1, p: 1 } },
    );
    writeFileSync(join(dataDir, "key.json"), keystore);
    const port = await freePort();
    url = `http://127.0.0.1:${port}`;
    const node = new URL(`/v3/${secrets.rpcKey}`, door.url);
    Object.assign(node, { username: "me", password: secrets.rpcPassword });
    const policy = { maxCount: 1_000, patientMs: 100, impatientMs: 100 };
    file = join(dataDir, "relayer.json");
    writeFileSync(
      file,
      JSON.stringify({
        chain: {
          ...{ chainId: 31337, registry: domain.verifyingContract, rpcUrls: [node.href, "http://127.0.0.1:9"] },
          ...{ finality: { confirmations: 1 }, pollMs: 100 },
        },
        http: { port, batchesPerMinutePerKey: 10_000, requestsPerSecond: 1_000, burst: 1_000 },
        store: { dataDir: "data" },
        settlement: { policy, sweepMs: 100 },
        keystore: "key.json",
      }),
    );
    const { RELAYER_PRIVATE_KEY: _, ...own } = process.env;
    env = { ...own, RELAYER_KEYSTORE_PASSWORD: secrets.password, RELAYER_LOG: "debug" };
    const made = await command(["keys", "create", "--scope", "admin", "--label", "mine", "--json"]);
    expect(made.code, made.err).to.equal(0);
    secrets.apiKey = JSON.parse(made.out).secret;
    // The one place that it is to be seen in.
    printed = "";
    env = {
      ...env,
      RELAYER_API_KEY: secrets.apiKey,
      OTEL_EXPORTER_OTLP_ENDPOINT: `http://127.0.0.1:${(collector.address() as AddressInfo).port}`,
      OTEL_BSP_SCHEDULE_DELAY: "500",
    };
    relayer = spawn(process.execPath, [...tsx, "--config", file], { env, stdio: ["ignore", "pipe", "pipe"] });
    await new Promise<void>((resolve, reject) => {
      let said = "";
      hear(relayer, (chunk) => {
        said += chunk;
        if (said.includes("keeps data")) resolve();
      });
      relayer.once("exit", (code) => reject(new Error(`ended with ${code}: ${said}`)));
    });
  });
  after(async () => {
    relayer?.kill("SIGKILL");
    collector.closeAllConnections();
    collector.close();
    await door.close();
    await p.connection.close();
    removeDir(dataDir);
  });

  async function batch(count: number) {
    const receipts = await Promise.all(
      Array.from({ length: count }, async (): Promise<Receipt> => {
        const made = (await p.receipt({ keyId, modelId })) as unknown as Receipt;
        return { ...made, payer: made.payer.toLowerCase() as Hex, modelId };
      }),
    );
    const sign = (hash: Hex): Hex => key.signingKey.sign(hash).serialized as Hex;
    const made = makeBatch(domain, receipts, `0x${"55".repeat(20)}`);
    const id = protocol.batchDigest(domain, made.batch);
    const signed = receipts.map((receipt) => ({
      receipt: receiptToWire(receipt),
      signature: sign(protocol.receiptId(domain, receipt)),
    }));
    return { digest: id, body: { batch: made.batch, signature: sign(id), receipts: signed } };
  }
  const post = (body: unknown, headers: Record<string, string> = {}): Promise<Answer> =>
    request(`${url}/v1/batches`, {
      method: "POST",
      headers: { "content-type": "application/json", ...headers },
      body: JSON.stringify(body),
    });

  it("settles, and says in its log which request and which ids each line is about", async () => {
    const made = await batch(3);
    ({ digest } = made);
    const traceparent = `00-${"ab".repeat(16)}-${"cd".repeat(8)}-01`;
    expect((await post(made.body, { "x-request-id": "order-66", traceparent })).status).to.equal(201);
    for (let tries = 0; (await request(`${url}/v1/batches/${digest}`)).body.state !== "final"; tries++) {
      expect(tries, printed).to.be.below(1_200);
      await sleep(50);
    }
    const lines = printed.split("\n").flatMap((line) => (line.startsWith("{") ? [JSON.parse(line)] : []));
    const about = (message: string) => lines.find(({ msg }) => msg === message);
    expect(about("took a batch")).to.include({ requestId: "order-66", batch: digest, count: 3, keyId });
    expect(about("published leaves")).to.include({ batch: digest });
    expect(about("queued a settlement call").items).to.deep.equal([digest]);
    expect(about("a send is final")).to.include({ outcome: "succeeded" });
  });

  it("measures what dashboard and alerts ask for: each name exists, and gas and balance are the chain's [FM:out-of-funds]", async () => {
    let scrape = "";
    for (let tries = 0; tries < 400 && !/relayer_gas_used_total\{kind="settleBatches"\}/.test(scrape); tries++) {
      await sleep(100);
      scrape = (await request(`${url}/metrics`)).body;
    }
    const names = new Set([...scrape.matchAll(/^# TYPE (\S+) (\S+)$/gm)].map(([, name, type]) => `${name} ${type}`));
    const has = (name: string): boolean =>
      ["gauge", "counter"].some((type) => names.has(`${name} ${type}`)) ||
      names.has(`${name.replace(/_(bucket|count|sum)$/, "")} histogram`);
    const dashboard = JSON.parse(readFileSync("ops/grafana/relayer.json", "utf8"));
    const rules = parse(readFileSync("ops/prometheus/alerts.yaml", "utf8")).groups[0].rules;
    const expressions: string[] = [
      ...dashboard.panels.flatMap(
        (panel: { targets?: { expr: string }[] }) => panel.targets?.map(({ expr }) => expr) ?? [],
      ),
      ...dashboard.templating.list.map(({ definition = "" }: { definition?: string }) => definition),
      ...rules.map(({ expr }: { expr: string }) => expr),
    ];
    const asked = new Set(expressions.flatMap((expr) => expr.match(/\b(relayer|process|nodejs)_[a-z0-9_]+/g) ?? []));
    expect(asked.size).to.be.above(25);
    expect([...asked].filter((name) => !has(name))).to.deep.equal([]);
    const own = [...names]
      .map((name) => name.split(" ")[0]!)
      .filter((name) => name.startsWith("relayer_") && !name.includes("twin"));
    const unseen = own.filter((name) => ![...asked].some((one) => one.startsWith(name)));
    // The dashboard shows the head's number; how old it is, the alert asks.
    expect(unseen, "measured and never looked at").to.deep.equal([]);
    for (const { alert, annotations } of rules) {
      const anchor = annotations.runbook.split("#")[1];
      expect(readFileSync("docs/operating.md", "utf8").toLowerCase(), alert).to.contain(`### ${anchor}`);
    }

    const value = (sample: string): number => {
      const line = scrape.split("\n").find((one) => one.startsWith(`${sample} `));
      expect(line, sample).to.be.a("string");
      return Number(line!.split(" ").at(-1));
    };
    const [settled] = await p.registry.queryFilter(p.registry.filters.BatchSettled());
    const receipt = await settled!.getTransactionReceipt();
    expect(value('relayer_gas_used_total{kind="settleBatches"}')).to.equal(Number(receipt.gasUsed));
    expect(value('relayer_gas_spent_ether_total{kind="settleBatches"}')).to.equal(Number(formatEther(receipt.fee)));
    expect(value('relayer_items{table="batches",state="final"}')).to.equal(1);
    expect(value("relayer_ledger_up")).to.equal(1);
    const [node] = [new URL(door.url).host];
    expect(value(`relayer_rpc_up{endpoint="0",host="${node}"}`)).to.equal(1);
    expect(value('relayer_rpc_up{endpoint="1",host="127.0.0.1:9"}')).to.equal(0);
    expect(value("relayer_account_balance_ether")).to.be.within(9.9, 10);
    for (const secret of [secrets.rpcPassword, secrets.rpcKey, "/v3"]) expect(scrape).to.not.contain(secret);
  });

  it("answers its operator's commands, with one JSON document each, and with one line where it cannot", async () => {
    const [status, byUrl, receipts, none, doctor, config] = await Promise.all([
      command(["status", "--json"]),
      command(["status", "--url", url], {}, ""),
      command(["receipts", "--limit", "2", "--state", "final", "--json"]),
      command(["retry", digest, "--json"]),
      command(["doctor", "--json"], { RELAYER_SIGNER_TOKEN: secrets.signerToken }),
      command(["config", "--json"], { DATABASE_URL: `postgres://me:${secrets.databasePassword}@127.0.0.1:1/ledger` }),
    ]);
    expect([status.code, status.err]).to.deep.equal([0, ""]);
    expect(JSON.parse(status.out).sender.address).to.equal(sender.address);
    expect(JSON.parse(status.out).backlog).to.deep.include({
      table: "batches",
      state: "final",
      count: 1,
      oldestSeconds: null,
    });
    expect(byUrl.out)
      .to.match(/sends from 0x\w{40}: 9\.9\d+ ether/)
      .and.to.match(/settleBatches +1 /);
    const page = JSON.parse(receipts.out);
    expect([page.items.length, page.items[0].batch, typeof page.next]).to.deep.equal([2, digest, "string"]);
    expect([none.code, none.out]).to.deep.equal([1, ""]);
    expect(none.err).to.match(/^not_retryable: .*settled for good\n$/);
    const shown = JSON.parse(config.out);
    expect(shown.chain.rpcUrls[0]).to.match(/^http:\/\/\*\*\*@127\.0\.0\.1:\d+\/\*\*\*$/);
    expect(shown.store.databaseUrl).to.equal("postgres://***@127.0.0.1:1/ledger");
    expect(shown.settlement.maxGas).to.equal("14000000");
    const found = Object.fromEntries(
      JSON.parse(doctor.out).findings.map((one: { check: string; status: string }) => [one.check, one.status]),
    );
    expect(found, doctor.out).to.include({ key: "ok", nodes: "warn", registry: "ok", balance: "ok", finality: "ok" });
    expect(found).to.include({ database: "ok", files: "ok", redis: "ok", x402: "ok" });
    expect([doctor.code, JSON.parse(doctor.out).ok]).to.deep.equal([0, true]);
  });

  it("finds what is wrong before a start does, each with a way out, and ends with 1 [FM:redis-evicts]", async () => {
    const wrong = JSON.parse(readFileSync(file, "utf8"));
    const at = join(dataDir, "wrong.json");
    Object.assign(wrong.chain, { registry: `0x${"12".repeat(20)}`, finality: { confirmations: 1 } });
    wrong.x402 = { token: `0x${"13".repeat(20)}`, name: "A", version: "1", payTo: "any", maxAmount: "1" };
    wrong.store.dataDir = "key.json/no";
    writeFileSync(at, JSON.stringify(wrong));
    const [one, two] = await Promise.all([
      command(
        ["doctor", "--json"],
        { REDIS_URL: "redis://:redis-pass-0b@127.0.0.1:1", RELAYER_KEYSTORE_PASSWORD: "wrong-password-1" },
        at,
      ),
      command(
        ["doctor"],
        {
          RELAYER_RPC_URLS: "http://127.0.0.1:9",
          DATABASE_URL: `postgres://me:${secrets.databasePassword}@127.0.0.1:1/x`,
        },
        at,
      ),
    ]);
    expect(one.code).to.equal(1);
    const { findings } = JSON.parse(one.out);
    const failed = findings.filter(({ status }: { status: string }) => status === "fail");
    expect(failed.map(({ check }: { check: string }) => check)).to.deep.equal([
      "key",
      "registry",
      "balance",
      "files",
      "redis",
      "x402",
    ]);
    for (const { check, fix } of failed) expect(fix, check).to.match(/\w{3}/);
    expect(two.code).to.equal(1);
    expect(two.out)
      .to.match(/^fail {2}database: /m)
      .and.to.match(/^fail {2}nodes: .*\n {6}→ check chain\.rpcUrls/m);
    expect(one.out + one.err)
      .to.not.contain("wrong-password-1")
      .and.not.contain("redis-pass-0b");
  });

  it("stops at a signal in the middle of submissions: what was acknowledged is in the ledger [R9]", async () => {
    const acknowledged: Hex[] = [];
    const clients = Array.from({ length: 6 }, async () => {
      for (;;) {
        const made = await batch(2);
        const answer = await post(made.body).catch(() => null);
        if (answer?.status === 201) acknowledged.push(made.digest);
        else if (answer === null) return;
      }
    });
    for (let tries = 0; acknowledged.length < 10; tries++) {
      expect(tries).to.be.below(1_200);
      await sleep(50);
    }
    const ended = new Promise<number | null>((resolve) => relayer.once("exit", (code) => resolve(code)));
    const began = Date.now();
    relayer.kill("SIGTERM");
    expect(await ended, printed.slice(-2_000)).to.equal(0);
    expect(Date.now() - began).to.be.below(60_000);
    await Promise.all(clients);
    const ledger = await openDatabase({ dataDir: join(dataDir, "data") });
    for (const one of acknowledged) expect(await findBatch(ledger.db, one), one).to.include({ digest: one });
    await ledger.close();
  });

  it("sent traces of request, work and call, joined to the client's own, with ids and without secrets", () => {
    const spans: Span[] = traced.flatMap((text) =>
      JSON.parse(text).resourceSpans.flatMap(({ scopeSpans }: { scopeSpans: { spans: Span[] }[] }) =>
        scopeSpans.flatMap(({ spans: some }) => some),
      ),
    );
    const value = (span: Span, name: string): string | undefined =>
      span.attributes.find(({ key: one }) => one === name)?.value.stringValue;
    const http = spans.find((span) => value(span, "request.id") === "order-66")!;
    expect([http.name, http.traceId, value(http, "batch.digest")]).to.deep.equal([
      "HTTP POST",
      "ab".repeat(16),
      digest,
    ]);
    expect(value(http, "http.route")).to.equal("/v1/batches");
    expect(spans.some((span) => span.name === "relayer.publish" && value(span, "batch.digest") === digest)).to.equal(
      true,
    );
    const settle = spans.find((span) => span.name === "relayer.settle" && JSON.stringify(span).includes(digest));
    expect(settle, "the call that carried it").to.be.an("object");
    expect(
      spans.some((span) => span.name === "relayer.call.final" && value(span, "transaction.hash") !== undefined),
    ).to.equal(true);
    for (const [name, secret] of Object.entries(secrets)) expect(traced.join(""), name).to.not.contain(secret);
  });

  it("printed no secret, whatever it was asked and whatever failed [R1]", async () => {
    // A start that fails talks most.
    const failing = await Promise.all([
      command([], { RELAYER_PRIVATE_KEY: `${sender.privateKey}0` }),
      command([], { DATABASE_URL: `postgres://me:${secrets.databasePassword}@127.0.0.1:1/ledger` }),
    ]);
    for (const { code, err } of failing) expect([code, err.trim().length > 0]).to.deep.equal([1, true]);
    expect(printed.length).to.be.above(10_000);
    for (const [name, secret] of Object.entries(secrets)) {
      expect(secret.length, name).to.be.above(12);
      expect(printed.includes(secret), name).to.equal(false);
    }
  });
});
