// SPDX-License-Identifier: MIT
import { createRoute, type OpenAPIHono, z } from "@hono/zod-openapi";
import type { MiddlewareHandler } from "hono";
import { HTTPException } from "hono/http-exception";
import { timeout } from "hono/timeout";
import { inFlightLimit, onlyJson, rateLimit, readBody, type RateLimit } from "../api/limits.ts";
import { Problem, problemSchema } from "../api/problems.ts";
import { hex } from "../api/schemas.ts";
import { paymentRequest, paymentStatus, settleAnswer, supportedAnswer, verifyAnswer } from "./messages.ts";
import type { PaymentRequest } from "./messages.ts";
import type { Facilitator } from "./service.ts";
import { paymentRequestV1, requestFromV1, settleToV1 } from "./v1.ts";

export interface FacilitatorApiOptions {
  /** Shared with the other endpoints: one address, one allowance. */
  limited: MiddlewareHandler;
  rate: RateLimit;
  maxInFlight: number;
  /** Time for a request, without the wait for an outcome. Milliseconds. */
  timeoutMs: number;
}

/** Largest request, and all that are held at once. */
const MAX_BODY_BYTES = 32_768;
const MAX_HELD_BYTES = 32_000_000;
/** Chain questions of a verification are few and short. */
const VERIFIES_A_PLACE = 8;
/** Each payment that was verified may be asked after so often. */
const SETTLES_A_VERIFY = 4;
/** Longest `x402.waitMs`. */
const LONGEST_WAIT_MS = 60_000;

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
  413: problem("Too large"),
  415: problem("Not JSON"),
  429: problem("Too many requests"),
  503: problem("Busy, or the chain cannot be asked: nothing is known"),
};
const anyVersion = z.union([paymentRequest, paymentRequestV1]);
const body = { body: { required: true, content: { "application/json": { schema: anyVersion } } } };

/** In version 2's words. @throws {Problem} `malformed` */
function asV2(request: z.output<typeof anyVersion>): { version: 1 | 2; request: PaymentRequest } {
  if ("accepted" in request.paymentPayload) return { version: 2, request: request as PaymentRequest };
  const parsed = paymentRequest.safeParse(requestFromV1(request as z.output<typeof paymentRequestV1>));
  if (!parsed.success) throw new Problem("malformed");
  return { version: 1, request: parsed.data };
}

/**
 * Adds the facilitator, under `/x402` and where a base URL without a path leads stock clients. What x402 has words for
 * is answered in them with 200, as clients want it; problems are ours.
 */
export function mountFacilitator(api: OpenAPIHono, facilitator: Facilitator, options: FacilitatorApiOptions): void {
  const { limited, rate, maxInFlight, timeoutMs } = options;
  const reads = readBody({ maxBytes: MAX_BODY_BYTES, maxHeldBytes: MAX_HELD_BYTES });
  const verifies = inFlightLimit(maxInFlight * VERIFIES_A_PLACE);
  // By the time of a settlement the work is done: who keeps within the limit of verifications never meets this one.
  const settles = rateLimit({ perSecond: rate.perSecond * SETTLES_A_VERIFY, burst: rate.burst * SETTLES_A_VERIFY });
  const inTime = (ms: number): MiddlewareHandler => timeout(ms, new HTTPException(503));

  for (const prefix of ["/x402", ""]) {
    const hide = prefix === "";
    api.use(`${prefix}/supported`, limited);
    api.use(`${prefix}/verify`, limited, onlyJson, reads, verifies, inTime(timeoutMs));
    api.use(`${prefix}/settle`, settles, onlyJson, reads, inTime(timeoutMs + LONGEST_WAIT_MS));

    const supported = createRoute({
      ...{ method: "get", path: `${prefix}/supported`, summary: "What payments are settled here (x402 v2)", hide },
      responses: { 200: json("Schemes by network", supportedAnswer), 429: problem("Too many requests") },
    } as const);
    const verify = createRoute({
      ...{ method: "post", path: `${prefix}/verify`, summary: "Check a payment and reserve it, once", hide },
      request: body,
      responses: { 200: json("Whether it is good; good once only", verifyAnswer), ...refusals },
    } as const);
    const settle = createRoute({
      ...{ method: "post", path: `${prefix}/settle`, summary: "Settle a payment and wait for its transfer", hide },
      request: body,
      responses: { 200: json("Paid, refused, or `settlement_pending`", settleAnswer), ...refusals },
    } as const);
    api.openapi(supported, async (c) => c.json(await facilitator.getSupported(), 200));
    api.openapi(verify, async (c) => c.json(await facilitator.verify(asV2(c.req.valid("json")).request), 200));
    api.openapi(settle, async (c) => {
      const { version, request } = asV2(c.req.valid("json"));
      const settled = await facilitator.settle(request);
      return c.json(version === 1 ? settleToV1(settled) : settled, 200);
    });
  }

  api.use("/x402/payments/*", limited);
  const getPayment = createRoute({
    method: "get",
    path: "/x402/payments/{requestId}",
    summary: "Where a payment stands, for whoever lost an answer",
    request: { params: z.object({ requestId: hex(32) }) },
    responses: {
      200: json("Known", paymentStatus),
      400: problem("Malformed"),
      404: problem("Not known here"),
      429: problem("Too many requests"),
    },
  });
  api.openapi(getPayment, async (c) => {
    const { requestId } = c.req.valid("param");
    const status = await facilitator.status(requestId);
    if (!status) throw new Problem("not_found", `No payment ${requestId} was presented here`);
    return c.json(status, 200);
  });
}
