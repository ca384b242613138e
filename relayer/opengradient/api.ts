// SPDX-License-Identifier: MIT
import { createRoute, type OpenAPIHono, z } from "@hono/zod-openapi";
import type { MiddlewareHandler } from "hono";
import { HTTPException } from "hono/http-exception";
import { timeout } from "hono/timeout";
import { inFlightLimit, readBody } from "../api/limits.ts";
import { Problem, problemSchema } from "../api/problems.ts";
import { GATEWAY_STATES } from "../store/schema-gateways.ts";
import type { Gateways } from "./service.ts";

export interface GatewaysApiOptions {
  /** Shared with the other endpoints: one address, one allowance. */
  limited: MiddlewareHandler;
  maxInFlight: number;
  /** Time for a request, without the wait for a transaction. Milliseconds. */
  timeoutMs: number;
  /** Longest wait of a heartbeat. Milliseconds. */
  heartbeatWaitMs: number;
  /** Whether `/supported` is the x402 facilitator's already. */
  hasFacilitator: boolean;
}

const MAX_BODY_BYTES = 32_768;
const MAX_HELD_BYTES = 8_000_000;
const HEARTBEATS_AT_ONCE = 64;

const gatewayProblem = problemSchema
  .extend({ error: z.string().openapi({ description: "The detail again, where gateways look for it" }) })
  .openapi("GatewayProblem");
const problem = (description: string) => ({
  description,
  content: { "application/problem+json": { schema: gatewayProblem } },
});
const json = <T extends z.ZodType>(description: string, schema: T) => ({
  description,
  content: { "application/json": { schema } },
});
const refusals = {
  400: problem("Malformed; the code names the field"),
  422: problem("Well-formed, but nothing the chain would take; the code says why"),
  429: problem("Too many requests"),
  431: problem("The header is too large"),
  503: problem("Busy, or the chain cannot be asked: nothing is known"),
};
const state = z.enum(GATEWAY_STATES);
const job = z
  .object({
    jobId: z.string(),
    queue: z.string(),
    status: z.enum(["queued", "processing", "succeeded", "failed"]).openapi({
      description: "`succeeded` once settled for good",
    }),
    settlementType: z.enum(["batch", "individual"]),
    createdAt: z.string(),
    updatedAt: z.string(),
    result: z
      .object({ success: z.boolean(), transaction: z.string(), network: z.string(), settledAt: z.number().int() })
      .optional(),
    error: z.string().optional(),
    requestId: z.string(),
    state,
    transactionHash: z.string().nullable(),
  })
  .openapi("GatewayJob");
const relayed = z
  .object({
    success: z.literal(true),
    txHash: z.string().nullable(),
    teeId: z.string(),
    timestamp: z.string(),
    relayer: z.string(),
    contract: z.string(),
    state,
  })
  .openapi("RelayedHeartbeat");
const usage = z
  .object({
    totalRequests: z.number().int(),
    daily: z.array(z.object({ day: z.string(), requestCount: z.number().int() })),
  })
  .openapi("GatewayUsage");

/** Gateways read what went wrong from `error`, and log it. */
const alsoAsError: MiddlewareHandler = async (c, next) => {
  await next();
  if (!c.res.headers.get("content-type")?.startsWith("application/problem+json")) return;
  const body = (await c.res.clone().json()) as { detail: string };
  const headers = new Headers(c.res.headers);
  headers.delete("content-length");
  const { status } = c.res;
  c.res = undefined;
  c.res = new Response(JSON.stringify({ ...body, error: body.detail }), { status, headers });
};

/** Adds the paths that OpenGradient's gateways know, at the root, where their base URL leads. */
export function mountGateways(api: OpenAPIHono, gateways: Gateways, options: GatewaysApiOptions): void {
  const { limited, maxInFlight, timeoutMs } = options;
  const reads = readBody({ maxBytes: MAX_BODY_BYTES, maxHeldBytes: MAX_HELD_BYTES });
  const inTime = (ms: number): MiddlewareHandler => timeout(ms, new HTTPException(503));
  // Not `/settle/*`, which is `/settle` too: there the x402 facilitator has its own limit.
  for (const path of ["/settle_data", "/heartbeat", "/settle/:jobId", "/usage"]) api.use(path, alsoAsError, limited);
  api.use("/settle_data", reads, inFlightLimit(maxInFlight), inTime(timeoutMs));
  api.use("/heartbeat", reads, inFlightLimit(HEARTBEATS_AT_ONCE), inTime(timeoutMs + options.heartbeatWaitMs));

  const settleData = createRoute({
    ...{ method: "post", path: "/settle_data", summary: "Hand in an answer of an OpenGradient gateway" },
    request: {
      headers: z.object({
        "x-settlement-type": z
          .string()
          .optional()
          .openapi({ description: "private, batch or individual; batch if unset" }),
        "x-settlement-data": z.string().optional().openapi({ description: "base64 of the JSON that a gateway makes" }),
      }),
    },
    responses: {
      200: json("Private: nothing is done", z.object({ settlementJob: z.null(), notes: z.string() })),
      202: json("Durable, or known already under the same id", z.object({ settlementJob: job })),
      ...refusals,
    },
  } as const);
  api.openapi(settleData, async (c) => {
    const headers = { type: c.req.header("x-settlement-type"), data: c.req.header("x-settlement-data") };
    const settlementJob = await gateways.settle(headers);
    if (settlementJob) return c.json({ settlementJob }, 202);
    return c.json({ settlementJob: null, notes: "Private: nothing is kept, and nothing goes on chain." }, 200);
  });

  const getJob = createRoute({
    ...{ method: "get", path: "/settle/{jobId}", summary: "Where an answer of a gateway stands" },
    request: { params: z.object({ jobId: z.string().max(100) }) },
    responses: {
      200: json("Known", job),
      400: problem("Malformed"),
      404: problem("Not known here"),
      429: problem("Too many requests"),
    },
  } as const);
  api.openapi(getJob, async (c) => {
    const { jobId } = c.req.valid("param");
    const found = await gateways.job(jobId);
    if (!found) throw new Problem("not_found", "No answer was handed in here under this id");
    return c.json(found, 200);
  });

  const heartbeat = createRoute({
    ...{ method: "post", path: "/heartbeat", summary: "Hand in a heartbeat of an OpenGradient gateway" },
    responses: {
      200: json("A node has the transaction that carries it", relayed),
      202: json("Durable; it waits for its turn, unless a newer one comes", relayed),
      409: problem("Not newer than one that is known"),
      ...refusals,
    },
  } as const);
  api.openapi(heartbeat, async (c) => {
    const body: unknown = await c.req.json().catch(() => {
      throw new Problem("malformed", "A heartbeat is a JSON object");
    });
    const done = await gateways.heartbeat(body);
    return done.txHash === null ? c.json(done, 202) : c.json(done, 200);
  });

  const getUsage = createRoute({
    ...{ method: "get", path: "/usage", summary: "Answers of gateways handed in, by day" },
    responses: { 200: json("The last 30 days", usage), 429: problem("Too many requests") },
  } as const);
  api.openapi(getUsage, async (c) => c.json(await gateways.usage(), 200));
  api.get("/health", (c) => c.json({ status: "ok" }));
  // Gateways ask it when they start; without payments there is nothing to pay with here.
  if (!options.hasFacilitator)
    api.get("/supported", limited, (c) => c.json({ kinds: [], extensions: [], signers: {} }));
}
