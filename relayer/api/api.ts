// SPDX-License-Identifier: MIT
import { OpenAPIHono } from "@hono/zod-openapi";
import type { Context } from "hono";
import { timeout } from "hono/timeout";
import { HTTPException } from "hono/http-exception";
import { packSignatures } from "../batches/seal.ts";
import { pathsOfIds } from "../batches/paths.ts";
import type { ChainReader } from "../chain/reader.ts";
import { ChainUnavailable, NodeRefused } from "../chain/errors.ts";
import type { Log } from "../chain/manager-options.ts";
import type { EvidenceVerifier } from "../evidence/evidence.ts";
import { ledgerAnswers } from "../lookup/ledger.ts";
import { mountLookup } from "../lookup/api.ts";
import { mountFacilitator } from "../facilitator/api.ts";
import type { Facilitator } from "../facilitator/service.ts";
import { mountOperator, type OperatorOptions } from "../operator/api.ts";
import { acceptKey, requireScope } from "../operator/auth.ts";
import { idempotent } from "../operator/idempotency.ts";
import { protection } from "../operator/protection.ts";
import { createQuotas, type QuotaOptions } from "../operator/quotas.ts";
import { traceRequests, type Tracing } from "../operator/tracing.ts";
import { mountLeaves } from "../publication/api.ts";
import { mountGateways } from "../opengradient/api.ts";
import type { Gateways } from "../opengradient/service.ts";
import { fromHex, leavesDocument } from "../protocol/index.ts";
import { batchOf, findBatch, insertBatch, keepPaths, readBatch, type NewBatch } from "../store/batches.ts";
import type { Database } from "../store/database.ts";
import { Equivocation, StoreError } from "../store/errors.ts";
import { createIdempotencyStore } from "../store/idempotency.ts";
import { findReceipt, minedHash } from "../store/receipts.ts";
import { insertSingle, offeredSeal, readSeal, receiptOf, sealBatch } from "../store/singles.ts";
import { mountTwinFees } from "../twin/api.ts";
import type { FeesFeed } from "../twin/feed.ts";
import type { Door } from "./door.ts";
import { OPENAPI, withoutErrors } from "./description.ts";
import { clientOf, inFlightLimit, onlyJson, rateLimit, readBody, type RateLimit, onceASecond } from "./limits.ts";
import type { Metrics } from "./metrics.ts";
import { createOpenings } from "./openings.ts";
import { Problem, respond, type ProblemCode } from "./problems.ts";
import { routes } from "./routes.ts";
import { receiptFromWire, receiptToWire, submissionSchemas, type Bounds } from "./schemas.ts";
import type { SealWaiting } from "./seal-waiting.ts";

export interface ApiOptions {
  db: Database;
  chain: ChainReader;
  door: Door;
  verifiers: Record<number, EvidenceVerifier>;
  metrics: Metrics;
  sealWaiting: SealWaiting;
  /** What `/v1/twin/fees` tells; undefined where no market is watched. */
  twinFees: FeesFeed | undefined;
  /** Mounted under `/x402`; undefined where no payments are carried. */
  facilitator: Facilitator | undefined;
  /** At the paths of OpenGradient's facilitator; undefined where gateways are not served. */
  gateways: (Gateways & { heartbeatWaitMs: number }) | undefined;
  /** Called after something new was committed. */
  wake: (work: "verify" | "seal" | "publish", key: string) => void;
  /** What `/readyz` answers; rejects while the relayer cannot do its work. */
  ready: () => Promise<Record<string, unknown>>;
  /** What `/healthz` answers. */
  health: () => Record<string, unknown>;
  bounds: Bounds & QuotaOptions & { maxBodyBytes: number; maxInFlight: number };
  /** Whether submissions need an API key. */
  submissionKeys: "optional" | "required";
  /** Pages that may ask from browsers. */
  corsOrigins: readonly string[];
  tracing: Tracing;
  /** What the operator's routes ask of the running relayer. */
  operator: Pick<OperatorOptions, "status" | "unpark" | "wake" | "deadLetters">;
  rate: RateLimit;
  /** Milliseconds. */
  timeoutMs: number;
  log: Log;
  now?: () => number;
}

/** The HTTP API. */
export function createApi(options: ApiOptions): OpenAPIHono {
  const { db, chain, door, metrics, sealWaiting, tracing, wake, log, now = Date.now } = options;
  const openings = createOpenings(chain.domain, {
    documentOf: async (id) => (await readBatch(db, id))!.document,
    keep: (id, paths) => keepPaths(db, id, paths),
    log,
  });
  const api = new OpenAPIHono({
    defaultHook: (result, c) => {
      if (result.success) return undefined;
      const errors = result.error.issues
        .slice(0, 10)
        .map(({ path, message }) => ({ path: brief(path.map(String).join(".")), message: brief(message) }));
      return refuse(c, new Problem("malformed"), errors);
    },
  });

  function refuse(c: Context, problem: Problem, errors?: { path: string; message: string }[]): Response {
    metrics.refused.inc({ code: problem.code });
    return respond(c, problem, errors);
  }

  api.onError((error, c) => refuse(c, problemOf(error, c, log)));
  api.notFound((c) => refuse(c, new Problem("not_found", `There is no ${brief(c.req.method)} ${brief(c.req.path)}`)));
  api.use(metrics.timing, ...protection(options.corsOrigins), traceRequests(tracing));
  const limited = rateLimit(options.rate);
  for (const path of ["/v1/*", "/openapi.json"]) api.use(path, limited);
  const { maxBodyBytes, maxInFlight } = options.bounds;
  const once = idempotent(createIdempotencyStore(db, now));
  const quotas = createQuotas(options.bounds, now);
  const submissions = [
    options.submissionKeys === "required" ? requireScope(db, "submit") : acceptKey(db, "submit"),
    readBody({ maxBytes: maxBodyBytes, maxHeldBytes: maxBodyBytes * maxInFlight }),
    inFlightLimit(maxInFlight),
    timeout(options.timeoutMs, new HTTPException(503)),
    once,
  ] as const;
  for (const path of ["/v1/receipts", "/v1/batches", "/v1/proofs", "/v1/seals/*"])
    api.use(path, onlyJson, ...submissions);

  const route = routes(submissionSchemas(options.bounds));

  api.openapi(route.postReceipt, async (c) => {
    const body = c.req.valid("json");
    const fresh = await door.receipt({ ...body, receipt: receiptFromWire(body.receipt) });
    // A receipt that is on its way in a batch is not carried a second time, at this relayer's cost.
    const batched = await findReceipt(db, fresh.receiptId);
    if (batched?.home && batched.state !== "rejected")
      return c.json({ receiptId: fresh.receiptId, state: batched.state }, 200);
    const { keyId, mode } = fresh.receipt;
    if (!batched || batched.state === "rejected")
      quotas.take({ kind: "receipt", keyId, mode, receipts: 1 }, c.get("apiKey"));
    const { id, isNew } = await insertSingle(db, fresh);
    if (isNew) {
      tracing.note({ "receipt.id": fresh.receiptId });
      log.info({ requestId: c.get("requestId"), receipt: fresh.receiptId, keyId }, "took a receipt");
      metrics.received.inc({ endpoint: "receipts" });
      wake(fresh.state === "received" ? "verify" : "seal", fresh.state === "received" ? `singles ${id}` : "all");
      return c.json({ receiptId: fresh.receiptId, state: fresh.state }, 201);
    }
    const known = await findReceipt(db, fresh.receiptId);
    return c.json({ receiptId: fresh.receiptId, state: known!.state }, 200);
  });

  async function keep(c: Context, fresh: NewBatch, endpoint: string) {
    const { keyId, mode, count } = fresh.batch;
    if (!(await findBatch(db, fresh.digest)))
      quotas.take({ kind: "batch", keyId, mode, receipts: count }, c.get("apiKey"));
    const { id, isNew } = await insertBatch(db, fresh);
    if (isNew) {
      tracing.note({ "batch.digest": fresh.digest });
      log.info({ requestId: c.get("requestId"), batch: fresh.digest, count, keyId }, "took a batch");
      metrics.received.inc({ endpoint }, fresh.batch.count);
      wake(fresh.proof ? "verify" : "publish", fresh.proof ? `batches ${id}` : String(id));
    }
    const known = isNew ? { state: fresh.state, reason: null } : (await findBatch(db, fresh.digest))!;
    const { state, reason } = known;
    return c.json({ digest: fresh.digest as string, count: fresh.batch.count, state, reason }, isNew ? 201 : 200);
  }

  api.openapi(route.postBatch, async (c) => {
    const body = c.req.valid("json");
    const receipts = body.receipts.map((one) => ({ ...one, receipt: receiptFromWire(one.receipt) }));
    return keep(c, await door.batch({ ...body, receipts }), "batches");
  });

  api.openapi(route.postProofs, async (c) => {
    const body = c.req.valid("json");
    const receipts = body.receipts.map((one) => ({ ...one, receipt: receiptFromWire(one.receipt) }));
    return keep(c, await door.proofs({ ...body, receipts }), "proofs");
  });

  api.openapi(route.getReceipt, async (c) => {
    const { id } = c.req.valid("param");
    const known = await findReceipt(db, id);
    if (!known) throw new Problem("not_found", `No receipt ${id} was handed in here`);
    const { receipt, signature, state, reason, settledAt, home } = known;
    // Until it is sealed or sent alone nobody knows under what it will settle.
    const alone = !home && (state === "submitted" || state === "mined" || state === "final");
    const opening = home ? await openings.ofBatch(home, receipt) : alone ? openings.alone(receipt) : null;
    return c.json(
      {
        receiptId: id,
        ...{ state, reason, signature, settledAt },
        receipt: receiptToWire(receipt),
        batch: home?.batch.digest ?? null,
        index: home?.position ?? null,
        opening: opening && { ...opening, receipt: receiptToWire(opening.receipt) },
        transactionHash: known.transactionHash,
      },
      200,
    );
  });

  api.openapi(route.getBatch, async (c) => {
    const { digest } = c.req.valid("param");
    const row = await findBatch(db, digest);
    if (!row) throw new Problem("not_found", `No batch ${digest} was handed in here`);
    const { state, reason, signature, modelId, invalid, published, settledAt } = row;
    return c.json(
      {
        ...{ digest, state, reason, signature, modelId, invalid, published, settledAt },
        batch: batchOf(row),
        transactionHash: await minedHash(db, row.transactionId),
      },
      200,
    );
  });

  api.openapi(route.getSeals, async (c) => {
    const { keyId } = c.req.valid("param");
    const client = clientOf(c);
    const until = now() + c.req.valid("query").wait * 1000;
    for (;;) {
      const offer = await offeredSeal(db, keyId);
      if (offer) {
        const { seal, receiptIds } = offer;
        return c.json({ id: String(seal.id), batch: batchOf(seal), receiptIds }, 200);
      }
      const left = until - now();
      if (left <= 0 || c.req.raw.signal.aborted) return c.body(null, 204);
      // Whoever asks is told of an offer; only waiting for one takes a place.
      if (sealWaiting.full(client)) throw new Problem("busy");
      const asked = now();
      await sealWaiting.wait(keyId, client, left, c.req.raw.signal);
      // Woken without an offer is the shutdown, or an offer taken by someone else: the client asks again.
      if (now() - asked < left && !(await offeredSeal(db, keyId))) return c.body(null, 204);
    }
  });

  api.openapi(route.postSeal, async (c) => {
    const id = Number(c.req.valid("param").id);
    const { signature } = c.req.valid("json");
    const seal = await readSeal(db, id);
    if (!seal) throw new Problem("not_found", `No batch was offered under ${id}`);
    const { keyId, mode, digest, count } = seal;
    const verdict = await options.verifiers[mode]!.inspect({ keyId, mode, digest, signature });
    if (!verdict.ok) throw new Problem(verdict.reason as ProblemCode, verdict.detail);
    const known = await findBatch(db, digest);
    const batchId = await sealBatch(
      db,
      id,
      signature,
      (_, members) => {
        const receiptIds = new Uint8Array(32 * members.length);
        members.forEach((member, index) => receiptIds.set(fromHex(member.receiptId), 32 * index));
        const document = leavesDocument(chain.domain, { keyId, mode }, members.map(receiptOf));
        const signatures = packSignatures(members.map((member) => member.signature));
        return { document, receiptIds, signatures, paths: pathsOfIds(receiptIds) };
      },
      now(),
    );
    wake("publish", String(batchId));
    const { state, reason } = (await findBatch(db, digest))!;
    return c.json({ digest: digest as string, count, state, reason }, known ? 200 : 201);
  });

  mountTwinFees(api, options.twinFees);
  if (options.facilitator)
    mountFacilitator(api, options.facilitator, {
      limited,
      rate: options.rate,
      maxInFlight,
      timeoutMs: options.timeoutMs,
    });
  mountOperator(api, { ...options.operator, db, domain: chain.domain, idempotent: once, log });
  mountLeaves(api, db);
  if (options.gateways) {
    const { heartbeatWaitMs } = options.gateways;
    const hasFacilitator = options.facilitator !== undefined;
    mountGateways(api, options.gateways, {
      ...{ limited, maxInFlight, timeoutMs: options.timeoutMs, heartbeatWaitMs, hasFacilitator },
    });
  }
  mountLookup(api, { answer: ledgerAnswers({ db, openings }, now), maxInFlight, timeoutMs: options.timeoutMs });

  api.doc31("/openapi.json", OPENAPI);
  api.get("/healthz", (c) => c.json({ status: "ok", ...withoutErrors(options.health()) }));
  const ready = onceASecond(options.ready, now);
  api.get("/readyz", async (c) => {
    try {
      return c.json({ status: "ready", ...withoutErrors(await ready()) });
    } catch (error) {
      log.warn({ error: brief((error as Error).message) }, "not ready");
      return refuse(c, error instanceof ChainUnavailable ? problemOf(error, c, log) : new Problem("internal"));
    }
  });
  const measured = onceASecond(() => metrics.registry.metrics(), now);
  api.get("/metrics", async (c) => c.text(await measured(), 200, { "content-type": metrics.registry.contentType }));
  return api;
}

function problemOf(error: Error, c: Context, log: Log): Problem {
  if (error instanceof Problem) return error;
  if (error instanceof Equivocation) return new Problem("equivocation", error.message, { positions: error.positions });
  if (error instanceof StoreError && error.code === "seal_withdrawn")
    return new Problem("seal_withdrawn", error.message);
  if (error instanceof StoreError && error.code === "other_proofs") return new Problem("busy", error.message);
  if (error instanceof StoreError && error.code === "unknown_seal") return new Problem("not_found", error.message);
  // What nodes say is not for strangers: it names hosts and plans, and at times keys.
  if (error instanceof ChainUnavailable || error instanceof NodeRefused)
    return new Problem("chain_unavailable", undefined, { retryAfter: 5 });
  if (error instanceof HTTPException && error.status === 503) return new Problem("timed_out");
  // Hono's own: a body that is no JSON, mostly.
  if (error instanceof HTTPException && error.status < 500) return new Problem("malformed", error.message);
  // A failed statement quotes its parameters, which may be all of a batch.
  const details = {
    requestId: c.get("requestId"),
    path: c.req.path,
    error: brief(error.message, 1_000),
    cause: brief(String(error.cause ?? ""), 1_000),
  };
  log.error({ ...details, stack: error.stack?.split("\n    at ").slice(1, 10) }, "a request failed");
  return new Problem("internal");
}

/** What somebody else wrote, cut to a length that neither answers nor logs suffer from. */
function brief(text: string, length = 200): string {
  return text.length <= length ? text : `${text.slice(0, length)}…`;
}
