// SPDX-License-Identifier: MIT
import { createHash } from "node:crypto";
import type { MiddlewareHandler } from "hono";
import { clientOf } from "../api/limits.ts";
import { Problem } from "../api/problems.ts";
import { toHex } from "../protocol/index.ts";
import type { IdempotencyStore } from "../store/idempotency.ts";

const SHAPE = /^[\x21-\x7e]{1,255}$/;
/** Longer answers are not kept; none of those that this is for are. */
const MAX_BODY = 65_536;

/**
 * Answers a repeated POST under one `Idempotency-Key` as the first time. Only what had an effect is kept: a refused
 * request leaves its key free. Goes after the body was read and the caller is known.
 */
export function idempotent(store: IdempotencyStore): MiddlewareHandler {
  return async (c, next) => {
    const key = c.req.header("idempotency-key");
    if (key === undefined || c.req.method !== "POST") return next();
    if (!SHAPE.test(key)) throw new Problem("malformed", "An Idempotency-Key is 1 to 255 visible ASCII characters");
    const known = c.get("apiKey");
    const owner = known ? `key ${known.id}` : `network ${clientOf(c)}`;
    const text = await c.req.text();
    const hash = createHash("sha256").update(`${c.req.method} ${c.req.path}\n`).update(text).digest();
    const taken = await store.take(owner, key, toHex(hash));
    switch (taken.is) {
      case "reused":
        throw new Problem("idempotency_key_reused");
      case "running":
        throw new Problem("idempotency_in_progress", undefined, { retryAfter: 1 });
      case "answered": {
        const { status, contentType, body } = taken.answer;
        return c.body(body, status as 200, { "content-type": contentType, "idempotency-replayed": "true" });
      }
      case "yours":
    }
    let kept = false;
    try {
      await next();
      if (!c.res.ok) return undefined;
      const body = await c.res.clone().text();
      if (body.length > MAX_BODY) return undefined;
      const contentType = c.res.headers.get("content-type") ?? "application/json";
      await store.keep(taken, { status: c.res.status, contentType, body });
      kept = true;
      return undefined;
    } finally {
      if (!kept) await store.release(taken);
    }
  };
}
