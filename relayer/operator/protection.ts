// SPDX-License-Identifier: MIT
import type { MiddlewareHandler } from "hono";
import { cors } from "hono/cors";
import { requestId } from "hono/request-id";
import { apiHeaders } from "../api/headers.ts";

/** Headers that hold for every answer, a refusal too. */
export function protection(corsOrigins: readonly string[]): MiddlewareHandler[] {
  const pages = cors({
    origin: [...corsOrigins],
    allowMethods: ["GET", "POST", "DELETE"],
    allowHeaders: ["authorization", "content-type", "idempotency-key", "x-request-id"],
    exposeHeaders: ["x-request-id", "retry-after", "idempotency-replayed"],
    maxAge: 600,
  });
  return [
    // Somebody else's id is taken if it is short and plain, so that it can be followed through proxies and logs.
    requestId({ limitLength: 64 }),
    apiHeaders,
    // Look-ups are open to the pages of wallets, wherever they are, and say so themselves.
    (c, next) => (corsOrigins.length === 0 || c.req.path.startsWith("/v1/lookup") ? next() : pages(c, next)),
  ];
}
