// SPDX-License-Identifier: MIT
// The operator's part of the API: every route under a key with its scope.
import { createRoute, type OpenAPIHono, z } from "@hono/zod-openapi";
import type { MiddlewareHandler } from "hono";
import { onlyJson, readBody } from "../api/limits.ts";
import { Problem, problemSchema } from "../api/problems.ts";
import type { Log } from "../chain/manager-options.ts";
import type { Domain } from "../protocol/index.ts";
import { QueueError, type DeadLetter } from "../queue/bull.ts";
import { createApiKey, listApiKeys, revokeApiKey } from "../store/api-keys.ts";
import type { Database } from "../store/database.ts";
import { StoreError } from "../store/errors.ts";
import type { Scope } from "../store/schema-operation.ts";
import { requireScope } from "./auth.ts";
import { batchPage, receiptPage, transactionPage } from "./lists.ts";
import * as messages from "./messages.ts";
import { retry, type WakeUp } from "./retry.ts";
import type { Status } from "./status.ts";

export interface OperatorOptions {
  db: Database;
  domain: Domain;
  status: () => Promise<Status>;
  /** Ends the rest of a parked call. */
  unpark: (transactionId: string) => boolean;
  wake: (work: WakeUp["work"], key: string) => void;
  /** Undefined without Redis, which keeps them. */
  deadLetters: { list(): Promise<DeadLetter[]>; replay(work: string, key: string): Promise<void> } | undefined;
  idempotent: MiddlewareHandler;
  log: Log;
}

const MAX_BODY_BYTES = 16_384;
const MAX_HELD_BYTES = 1_000_000;

const problem = (description: string) => ({
  description,
  content: { "application/problem+json": { schema: problemSchema } },
});
const json = <T extends z.ZodType>(description: string, schema: T) => ({
  description,
  content: { "application/json": { schema } },
});
const refusals = {
  400: problem("Malformed"),
  401: problem("No API key, or one that is none"),
  403: problem("The API key lacks the scope"),
  429: problem("Too many requests"),
};
const posts = {
  ...refusals,
  409: problem("It would change nothing, or the first request under this Idempotency-Key still runs"),
  422: problem("This Idempotency-Key was used for another request"),
};
const body = <T extends z.ZodType>(schema: T) => ({
  body: { required: true, content: { "application/json": { schema } } },
});
const under = (scope: Scope) => ({ tags: ["operator"], security: [{ apiKey: [scope] }] });

const routes = {
  status: createRoute({
    ...{ method: "get", path: "/v1/operator/status", summary: "How the relayer stands", ...under("read") },
    responses: { 200: json("Now", messages.statusAnswer), ...refusals },
  } as const),
  receipts: createRoute({
    ...{ method: "get", path: "/v1/operator/receipts", summary: "Receipts, newest first", ...under("read") },
    request: { query: messages.itemQuery },
    responses: { 200: json("A page", messages.receiptList), ...refusals },
  } as const),
  batches: createRoute({
    ...{ method: "get", path: "/v1/operator/batches", summary: "Batches, newest first", ...under("read") },
    request: { query: messages.itemQuery },
    responses: { 200: json("A page", messages.batchList), ...refusals },
  } as const),
  transactions: createRoute({
    ...{ method: "get", path: "/v1/operator/transactions", summary: "Calls and their signed forms", ...under("read") },
    request: { query: messages.transactionQuery },
    responses: { 200: json("A page", messages.transactionList), ...refusals },
  } as const),
  deadLetters: createRoute({
    ...{ method: "get", path: "/v1/operator/dead-letters", summary: "Work that failed too often", ...under("read") },
    responses: { 200: json("All", messages.deadLetterList), ...refusals, 404: problem("None are kept without Redis") },
  } as const),
  retry: createRoute({
    ...{ method: "post", path: "/v1/operator/retry", summary: "Make one thing due now", ...under("retry") },
    request: body(messages.retryRequest),
    responses: { 200: json("Done", messages.retryAnswer), ...posts, 404: problem("Not known here") },
  } as const),
  replay: createRoute({
    ...{ method: "post", path: "/v1/operator/replay", summary: "Try dead letters again now", ...under("retry") },
    request: body(messages.replayRequest),
    responses: { 200: json("Done", messages.replayAnswer), ...posts, 404: problem("None are kept without Redis") },
  } as const),
  listKeys: createRoute({
    ...{ method: "get", path: "/v1/operator/keys", summary: "API keys, without their secrets", ...under("admin") },
    responses: { 200: json("All", messages.apiKeyList), ...refusals },
  } as const),
  makeKey: createRoute({
    ...{ method: "post", path: "/v1/operator/keys", summary: "Make an API key; no Idempotency-Key", ...under("admin") },
    request: body(messages.newApiKey),
    responses: { 201: json("Made; its secret is shown this once", messages.madeApiKey), ...refusals },
  } as const),
  revokeKey: createRoute({
    ...{ method: "delete", path: "/v1/operator/keys/{id}", summary: "End an API key for good", ...under("admin") },
    request: { params: z.object({ id: z.string().regex(/^[0-9a-f]{12}$/) }) },
    responses: { 200: json("Revoked", messages.apiKeySchema), ...refusals, 404: problem("No such key") },
  } as const),
};

/** Adds the operator's routes, under `/v1/operator`. The rate limit for addresses comes before, a stranger's too. */
export function mountOperator(api: OpenAPIHono, options: OperatorOptions): void {
  const { db, domain, deadLetters, idempotent, log } = options;
  api.openAPIRegistry.registerComponent("securitySchemes", "apiKey", {
    type: "http",
    scheme: "bearer",
    description: "An API key of this relayer: relayer keys create --scope …",
  });
  const reads = readBody({ maxBytes: MAX_BODY_BYTES, maxHeldBytes: MAX_HELD_BYTES });
  const guard = (scope: Scope, ...paths: string[]): void => {
    for (const path of paths) api.use(path, noStore, requireScope(db, scope), onlyJson, reads);
  };
  guard("read", ...["status", "receipts", "batches", "transactions", "dead-letters"].map((x) => `/v1/operator/${x}`));
  guard("retry", "/v1/operator/retry", "/v1/operator/replay");
  // This pattern is for /v1/operator/keys itself too.
  guard("admin", "/v1/operator/keys/*");
  for (const path of ["/v1/operator/retry", "/v1/operator/replay"]) api.use(path, idempotent);

  api.openapi(routes.status, async (c) => c.json(await options.status(), 200));
  api.openapi(routes.receipts, async (c) => c.json(await receiptPage(db, domain, c.req.valid("query")), 200));
  api.openapi(routes.batches, async (c) => c.json(await batchPage(db, c.req.valid("query")), 200));
  api.openapi(routes.transactions, async (c) => c.json(await transactionPage(db, c.req.valid("query")), 200));

  const letters = (): NonNullable<OperatorOptions["deadLetters"]> => {
    if (!deadLetters) throw new Problem("not_found", "Dead letters are kept in Redis, and none is configured");
    return deadLetters;
  };
  api.openapi(routes.deadLetters, async (c) => c.json({ items: await letters().list() }, 200));
  api.openapi(routes.replay, async (c) => {
    const { work, key } = c.req.valid("json");
    const chosen =
      work !== undefined && key !== undefined
        ? [{ work, key }]
        : (await letters().list()).filter((letter) => work === undefined || letter.work === work);
    for (const one of chosen) await letters().replay(one.work, one.key).catch(asProblem);
    log.info({ requestId: c.get("requestId"), apiKey: c.get("apiKey")?.id, replayed: chosen.length }, "replayed");
    return c.json({ replayed: chosen.length }, 200);
  });
  api.openapi(routes.retry, async (c) => {
    const { id } = c.req.valid("json");
    const { result, wake } = await retry(db, id, options.unpark).catch(asProblem);
    options.wake(wake.work, wake.key);
    log.info({ requestId: c.get("requestId"), apiKey: c.get("apiKey")?.id, ...result }, "an operator's retry");
    return c.json(result, 200);
  });

  api.openapi(routes.listKeys, async (c) => c.json({ items: await listApiKeys(db) }, 200));
  api.openapi(routes.makeKey, async (c) => {
    // Its answer would have to be kept, and the secret in it.
    if (c.req.header("idempotency-key") !== undefined)
      throw new Problem("malformed", "Keys are made without an Idempotency-Key: their secret is kept nowhere");
    const made = await createApiKey(db, c.req.valid("json"));
    const { id, scopes } = made.key;
    log.info({ requestId: c.get("requestId"), apiKey: c.get("apiKey")?.id, made: id, scopes }, "an API key was made");
    return c.json(made, 201);
  });
  api.openapi(routes.revokeKey, async (c) => {
    const { id } = c.req.valid("param");
    const revoked = await revokeApiKey(db, id);
    if (!revoked) throw new Problem("not_found", `There is no API key ${id}`);
    log.info({ requestId: c.get("requestId"), apiKey: c.get("apiKey")?.id, revoked: id }, "an API key was revoked");
    return c.json(revoked, 200);
  });
}

const noStore: MiddlewareHandler = async (c, next) => {
  await next();
  c.header("cache-control", "no-store");
};

function asProblem(error: Error): never {
  if (error instanceof StoreError && error.code === "not_known") throw new Problem("not_found", error.message);
  if (error instanceof StoreError && error.code === "not_retryable") throw new Problem("not_retryable", error.message);
  if (error instanceof QueueError && error.code === "not_dead") throw new Problem("not_found", error.message);
  if (error instanceof QueueError && error.code === "unknown_work") throw new Problem("not_found", error.message);
  throw error;
}
