// SPDX-License-Identifier: MIT
// Requests that follow from the relayer's own OpenAPI document, sent to a whole relayer in its own process. A route that is
// added is fuzzed without a line here.
import { readFileSync } from "node:fs";
import { expect } from "chai";
import { sql } from "drizzle-orm";
import fc from "fast-check";
import { PROBLEMS, type ProblemCode } from "../../relayer/api/problems.ts";
import { openDatabase, rows } from "../../relayer/store/database.ts";
import { checkLeaks, readOpenApi, type OpenApi, type Operation } from "../support/openapi.ts";
import {
  goodRequest,
  requestsOf,
  strangeRequests,
  type FuzzedRequest,
  type Seeds,
} from "../support/openapi-requests.ts";
import { bytesOf, sendRaw, type RawAnswer } from "../support/raw-http.ts";
import { goodRequests, startWholeRelayer, type WholeRelayer } from "./support/whole-relayer.ts";

/** Requests an operation; `npm test -- --long` sends many more. */
const RUNS = process.env["FUZZ_LONG"] ? 3_000 : 60;
/** The same on every day, so that nobody's change fails by chance; long runs draw one. What failed is said with it. */
const SEED = Number(process.env["FUZZ_SEED"] ?? (process.env["FUZZ_LONG"] ? Math.floor(Math.random() * 2 ** 31) : 4));
const REACHED = [
  ...(["201", "400", "422"].map((status) => ["POST /v1/receipts", status]) as [string, string][]),
  ...(["201", "400", "422"].map((status) => ["POST /v1/batches", status]) as [string, string][]),
  ...(["200", "400", "404"].map((status) => ["GET /v1/receipts/{id}", status]) as [string, string][]),
  ...([
    ["GET /v1/twin/fees", "200"],
    ["GET /v1/twin/fees/stream", "200"],
    ["POST /v1/proofs", "201"],
  ] as [string, string][]),
];
/** What a process may take beyond what it had after its start, however it is treated. */
const MOST_GROWTH = 300e6;
/** Longest refusal. */
const MOST_PROBLEM_BYTES = 8_000;
/** Statuses with which Node's HTTP parser refuses what is no HTTP, before the relayer hears of it. */
const PARSER = new Set([0, 400, 408, 413, 414, 417, 431, 501, 505]);

describe("relayer API, fuzzed from its OpenAPI document", () => {
  let relayer: WholeRelayer;
  let api: OpenApi;
  let seeds: Seeds;
  let before0: number;
  /** Bodies that were answered with 201 or found good, by operation: what the ledger may hold. */
  const accepted = new Map<string, Set<string>>();
  const heard = new Set<string>();

  before(async function () {
    this.timeout(300_000);
    relayer = await startWholeRelayer();
    api = readOpenApi(await (await fetch(`${relayer.url}/openapi.json`)).json());
    seeds = await goodRequests(relayer);
    before0 = await memory();
  });
  after(() => relayer.close());

  async function memory(): Promise<number> {
    const metrics = await (await fetch(`${relayer.url}/metrics`)).text();
    return Number(/^process_resident_memory_bytes (\d+)/m.exec(metrics)![1]);
  }

  const secrets = (): string[] => [relayer.sender.privateKey.slice(2), relayer.dataDir, process.cwd()];

  function checkProblem(answer: RawAnswer): ProblemCode {
    const text = answer.body.toString();
    expect(text.length).to.be.lessThan(MOST_PROBLEM_BYTES);
    const body = JSON.parse(text) as { code: ProblemCode; status: number; type: string };
    expect(Object.keys(PROBLEMS)).to.include(body.code);
    expect([body.status, answer.status]).to.deep.equal([PROBLEMS[body.code][0], PROBLEMS[body.code][0]]);
    expect(body.type).to.equal(`urn:opengradient:problem:${body.code}`);
    return body.code;
  }

  /** What every answer of an operation must be: documented, of the form that is documented, and silent about the rest. */
  function check(operation: Operation, request: FuzzedRequest, answer: RawAnswer): void {
    if (request.brokenHttp && PARSER.has(answer.status) && answer.body.length === 0) return;
    checkLeaks(answer.body.toString(), secrets());
    expect(answer.headers["x-content-type-options"], "nosniff").to.equal("nosniff");
    const status = String(answer.status);
    heard.add(`${operation.method} ${operation.path} ${status}`);
    const contents = operation.responses.get(status);
    expect(contents, `${operation.method} ${operation.path} answers ${status}: ${answer.body.toString()}`).to.not.equal(
      undefined,
    );
    if (answer.status >= 500) expect(answer.status).to.equal(503);
    const type = answer.headers["content-type"]?.split(";")[0];
    if (contents!.size === 0) return expect(answer.body.length).to.equal(0) as never;
    expect([...contents!.keys()]).to.include(type);
    const schema = contents!.get(type!);
    if (type === "application/problem+json") checkProblem(answer);
    const json =
      type === "text/event-stream" ? /^data: (.*)$/m.exec(answer.body.toString())![1]! : answer.body.toString();
    if (schema) expect(api.problemsOf(schema, JSON.parse(json)), json.slice(0, 500)).to.deep.equal([]);
  }

  const until = (operation: Operation): { until?: string } =>
    [...operation.responses.values()].some((contents) => contents.has("text/event-stream")) ? { until: "data: " } : {};

  /** Sends what a generator makes, and returns each kind of fault once, with a request that shows it. */
  async function faultsOf<T extends FuzzedRequest>(
    requests: fc.Arbitrary<T>,
    runs: number,
    judge: (request: T) => Promise<void>,
  ): Promise<string[]> {
    const faults = new Map<string, string>();
    for (const request of fc.sample(requests, { numRuns: runs, seed: SEED })) {
      try {
        await judge(request);
      } catch (error) {
        const kind = (error as Error).message.split("\n")[0]!.slice(0, 300);
        if (!faults.has(kind)) faults.set(kind, `${kind}\n    ${bytesOf(request).toString("latin1").slice(0, 1_500)}`);
      }
    }
    return [...faults.values()];
  }

  it("describes every answer it gives to good, bad and broken requests of every operation, without failing [R8] [FM:poison-item]", async function () {
    this.timeout(3_600_000);
    expect(api.operations.length).to.be.greaterThan(13);
    const faults: string[] = [];
    for (const operation of api.operations) {
      const name = `${operation.method} ${operation.path}`;
      // First what is good, as it is: what comes after it meets a ledger that holds something.
      for (const body of seeds.bodies[name] ?? []) await judge(goodRequest(operation, body));
      const found = await faultsOf(requestsOf(api, operation, seeds), RUNS, judge);
      async function judge(request: FuzzedRequest): Promise<void> {
        const answer = await sendRaw(relayer.url, bytesOf(request), {
          ...until(operation),
          end: (request.cut ?? 0) > 0,
        });
        if (answer.status === 201 || isGoodPayment(name, answer))
          accepted.set(name, (accepted.get(name) ?? new Set()).add(identity(request.body!)));
        check(operation, request, answer);
      }
      faults.push(...found.map((fault) => `${name}: ${fault}`));
      expect(relayer.alive(), name).to.equal(true);
    }
    expect(faults, `FUZZ_SEED=${SEED}`).to.deep.equal([]);
    // The generators reach what they are for: acceptance, refusal by form and by content, what is known, and payments.
    for (const [name, status] of REACHED) expect([...heard]).to.include(`${name} ${status}`);
    expect(accepted.get("POST /x402/verify")?.size).to.be.greaterThan(0);
  });

  it("measures what the dashboard of its parts asks for, with every part on", async () => {
    const { panels } = JSON.parse(readFileSync("ops/grafana/parts.json", "utf8")) as {
      panels: { targets?: { expr: string }[] }[];
    };
    const asked = panels.flatMap(({ targets = [] }) =>
      targets.flatMap(({ expr }) => expr.match(/relayer_[a-z0-9_]+/g) ?? []),
    );
    expect(asked.length).to.be.above(15);
    const scrape = await (await fetch(`${relayer.url}/metrics`)).text();
    // What a gateway sells it measures in its own process.
    const sold = /^relayer_gateway_(sales|payments|charged|served)/;
    for (const name of asked) if (!sold.test(name)) expect(scrape, name).to.contain(`# TYPE ${name} `);
  });

  it("answers other methods, paths and forms with a problem it documents, or not at all [R8]", async function () {
    this.timeout(1_800_000);
    const faults = await faultsOf(strangeRequests(api), RUNS * 6, async (request) => {
      const known = api.operations.find(
        ({ method, path }) => method === request.method && matches(path, request.target),
      );
      const answer = await sendRaw(relayer.url, bytesOf(request), known ? until(known) : { until: "data: " });
      checkLeaks(answer.body.toString().replaceAll(/^# .*$/gm, ""), secrets());
      const name = `${request.method} ${request.target.slice(0, 100)} answers ${answer.status}`;
      if (known && answer.status !== 400) return check(known, request, answer);
      expect(answer.status < 500 || answer.status === 501, name).to.equal(true);
      const isProblem = answer.headers["content-type"]?.startsWith("application/problem+json") === true;
      if (isProblem && request.method !== "HEAD") checkProblem(answer);
      else if (answer.status >= 400) expect(answer.body.toString(), name).to.equal("");
    });
    expect(faults, `FUZZ_SEED=${SEED}`).to.deep.equal([]);
    expect(relayer.alive()).to.equal(true);
  });

  it("keeps its memory, says nothing of itself in its log, and holds in its ledger what it accepted and nothing else [R8] [FM:poison-item]", async function () {
    this.timeout(300_000);
    const grown = (await memory()) - before0;
    expect(grown, `${Math.round(grown / 1e6)} MB`).to.be.lessThan(MOST_GROWTH);
    expect((await fetch(`${relayer.url}/readyz`)).status).to.equal(200);
    expect(await relayer.stop(), relayer.log()).to.equal(0);
    const log = relayer.log();
    expect(log).to.not.contain(relayer.sender.privateKey.slice(2));
    const failures = log.split("\n").filter((line) => /a request failed|unhandled|uncaught/i.test(line));
    expect(failures).to.deep.equal([]);
    // Whatever clients wrote, each line of the log is one entry.
    for (const line of log.split("\n").filter((text) => text !== ""))
      expect(() => JSON.parse(line), line).to.not.throw();
    const ledger = await openDatabase({ dataDir: relayer.dataDir });
    try {
      const count = async (table: string): Promise<number> =>
        Number((await rows<{ n: number }>(ledger.db, sql`select count(*) as n from ${sql.identifier(table)}`))[0]!.n);
      const of = (...names: string[]): number => names.reduce((sum, name) => sum + (accepted.get(name)?.size ?? 0), 0);
      expect(await count("singles")).to.equal(of("POST /v1/receipts"));
      expect(await count("batches")).to.equal(of("POST /v1/batches", "POST /v1/proofs", "POST /v1/seals/{id}"));
      expect(await count("payments")).to.equal(
        new Set([...(accepted.get("POST /x402/verify") ?? []), ...(accepted.get("POST /x402/settle") ?? [])]).size,
      );
    } finally {
      await ledger.close();
    }
  });
});

/** What makes two bodies one submission: the receipt or batch that they are about. */
function identity(body: Buffer): string {
  const { receipt, batch, paymentPayload } = JSON.parse(body.toString().replace(/^\ufeff/, "")) as Record<
    string,
    never
  >;
  const payload = (paymentPayload as { payload?: { authorization?: { nonce?: string } } } | undefined)?.payload;
  return JSON.stringify(receipt ?? batch ?? payload?.authorization?.nonce);
}

function isGoodPayment(name: string, answer: RawAnswer): boolean {
  if (answer.status !== 200 || !/\/(?:verify|settle)$/.test(name)) return false;
  const { isValid, success, errorReason } = JSON.parse(answer.body.toString()) as Record<string, unknown>;
  return isValid === true || success === true || errorReason === "settlement_pending";
}

function matches(path: string, target: string): boolean {
  const pattern = path.split("/").map((part) => (part.startsWith("{") ? "[^/]+" : part.replaceAll(".", "\\.")));
  return new RegExp(`^${pattern.join("/")}$`).test(target);
}
