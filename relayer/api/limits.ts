// SPDX-License-Identifier: MIT
import { getConnInfo } from "@hono/node-server/conninfo";
import type { MiddlewareHandler } from "hono";
import { Problem, respond } from "./problems.ts";

export interface RateLimit {
  /** Requests a second that an address may go on making. */
  perSecond: number;
  /** Requests it may make at once after a rest. */
  burst: number;
}

/** Addresses remembered at most; the one that rested longest is forgotten first, and so starts afresh. */
const MAX_ADDRESSES = 10_000;

/** A token bucket per address. */
export function createBuckets({ perSecond, burst }: RateLimit, now: () => number = Date.now) {
  const buckets = new Map<string, { tokens: number; at: number }>();
  return {
    /** @returns 0 if the request may pass, else the seconds until one may. */
    take(address: string): number {
      const time = now();
      const known = buckets.get(address);
      const tokens = known ? Math.min(burst, known.tokens + ((time - known.at) * perSecond) / 1000) : burst;
      const passes = tokens >= 1;
      buckets.delete(address);
      buckets.set(address, { tokens: passes ? tokens - 1 : tokens, at: time });
      if (buckets.size > MAX_ADDRESSES) buckets.delete(buckets.keys().next().value!);
      return passes ? 0 : (1 - tokens) / perSecond;
    },
    size: () => buckets.size,
  };
}

/** Refuses an address that asks too often, before anything is read of the body. */
export function rateLimit(limit: RateLimit): MiddlewareHandler {
  const buckets = createBuckets(limit);
  return async (c, next) => {
    const wait = buckets.take(getConnInfo(c).remote.address ?? "unknown");
    if (wait > 0) return respond(c, new Problem("rate_limited", undefined, { retryAfter: Math.ceil(wait) }));
    return next();
  };
}

/** Bounds what is worked on at once, so that memory is bounded too; the rest is told to come back. */
export function inFlightLimit(max: number): MiddlewareHandler {
  let running = 0;
  return async (c, next) => {
    if (running >= max) return respond(c, new Problem("busy"));
    running++;
    try {
      return await next();
    } finally {
      running--;
    }
  };
}
