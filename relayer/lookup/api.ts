// SPDX-License-Identifier: MIT
// The gateway that contracts name in their look-ups (ERC-3668).
import { createRoute, type OpenAPIHono, z } from "@hono/zod-openapi";
import { cors } from "hono/cors";
import { HTTPException } from "hono/http-exception";
import { timeout } from "hono/timeout";
import { inFlightLimit, readBody } from "../api/limits.ts";
import { Problem, problemSchema } from "../api/problems.ts";
import { ProtocolError } from "../protocol/index.ts";
import type { AnswerSource } from "./ledger.ts";
import { decodeQuery, encodeAnswer } from "./messages.ts";

export interface LookupApiOptions {
  answer: AnswerSource;
  maxInFlight: number;
  /** Milliseconds. */
  timeoutMs: number;
}

/** Longest question in a URL, and in a body. */
const MAX_URL_BYTES = 4_096;
const MAX_BODY_BYTES = 65_536;

const hexBytes = (most: number) =>
  z
    .string()
    .max(2 + 2 * most)
    .regex(/^0x(?:[0-9a-fA-F]{2})*$/, "0x and an even number of hex digits");
const sender = z.string().regex(/^0x[0-9a-fA-F]{40}$/, "an address");

const problem = (description: string) => ({
  description,
  content: { "application/problem+json": { schema: problemSchema } },
});
const responses = {
  200: {
    description: "Receipt, evidence and output, for the callback",
    content: { "application/json": { schema: z.object({ data: z.string() }).openapi("LookupAnswer") } },
  },
  400: problem("No question of a LookupConsumer"),
  404: problem("No verified receipt here answers this question under this policy"),
  429: problem("Too many requests"),
  503: problem("Busy"),
};
const getLookup = createRoute({
  method: "get",
  path: "/v1/lookup/{sender}/{data}",
  summary: "Answer a contract's look-up (ERC-3668)",
  request: { params: z.object({ sender, data: hexBytes(MAX_URL_BYTES) }) },
  responses,
});
const postLookup = createRoute({
  method: "post",
  path: "/v1/lookup",
  summary: "The same for a URL without {data}",
  request: {
    body: {
      required: true,
      content: { "application/json": { schema: z.object({ sender, data: hexBytes(MAX_BODY_BYTES / 2) }) } },
    },
  },
  responses: { ...responses, 413: problem("Too large") },
});

/**
 * Adds the gateway. Who asks is not looked at, and neither is the contract they ask for: what is answered is public, and
 * the contract believes nothing of it.
 */
export function mountLookup(api: OpenAPIHono, { answer, maxInFlight, timeoutMs }: LookupApiOptions): void {
  const inFlight = inFlightLimit(maxInFlight);
  const inTime = timeout(timeoutMs, new HTTPException(503));
  const body = readBody({ maxBytes: MAX_BODY_BYTES, maxHeldBytes: MAX_BODY_BYTES * maxInFlight });
  // This pattern is for /v1/lookup itself too. Wallets ask out of browsers, from pages of any origin.
  api.use("/v1/lookup/*", cors({ origin: "*", allowMethods: ["GET", "POST"] }));
  api.use("/v1/lookup/*", (c, next) => (c.req.method === "POST" ? body(c, next) : next()), inFlight, inTime);

  async function dataFor(data: string): Promise<{ data: string }> {
    const answered = await answer(queryOf(data));
    if (!answered) throw new Problem("no_answer");
    return { data: encodeAnswer(answered) };
  }
  api.openapi(getLookup, async (c) => c.json(await dataFor(c.req.valid("param").data), 200));
  api.openapi(postLookup, async (c) => c.json(await dataFor(c.req.valid("json").data), 200));
}

function queryOf(data: string): ReturnType<typeof decodeQuery> {
  try {
    return decodeQuery(data);
  } catch (error) {
    if (error instanceof ProtocolError) throw new Problem("malformed", error.message);
    throw error;
  }
}
