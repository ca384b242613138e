// SPDX-License-Identifier: MIT
import { getConnInfo } from "@hono/node-server/conninfo";
import type { Context, MiddlewareHandler } from "hono";
import type { Server } from "node:http";
import { isIPv6, type Socket } from "node:net";
import { createBodies } from "./bodies.ts";
import { Problem } from "./problems.ts";

export interface RateLimit {
  /** Requests a second that an address may go on making. */
  perSecond: number;
  /** Requests it may make at once after a rest. */
  burst: number;
}

/** Addresses remembered at most; the one that rested longest is forgotten first, and so starts afresh. */
const MAX_ADDRESSES = 10_000;

/**
 * What counts as one address: an IPv6 client has 2^64 of them at its will, so its network stands for all. Only the
 * connection is asked; headers say whatever the client wants.
 */
export function networkOf(address: string): string {
  const mapped = /^::ffff:(\d+\.\d+\.\d+\.\d+)$/i.exec(address);
  if (mapped) return mapped[1]!;
  if (!isIPv6(address)) return address;
  const [head = "", tail] = address.split("%")[0]!.split("::");
  const left = head === "" ? [] : head.split(":");
  const right = tail ? tail.split(":") : [];
  const zeros = Array.from({ length: tail === undefined ? 0 : 8 - left.length - right.length }, () => "0");
  const groups = [...left, ...zeros, ...right].slice(0, 4).map((group) => Number.parseInt(group, 16).toString(16));
  return `${groups.join(":")}::/64`;
}

/** The network that a request comes from. */
export function clientOf(c: Context): string {
  return networkOf(getConnInfo(c).remote.address ?? "unknown");
}

/** A token bucket per address. */
export function createBuckets({ perSecond, burst }: RateLimit, now: () => number = Date.now) {
  const buckets = new Map<string, { tokens: number; at: number }>();
  return {
    /**
     * @param cost In requests. One that costs more than the burst passes on a full bucket, and is paid off after.
     * @returns 0 if the request may pass, else the seconds until one may.
     */
    take(address: string, cost = 1): number {
      const time = now();
      const known = buckets.get(address);
      // A clock that was put back must not take away for an hour what an hour would have brought.
      const rested = known ? Math.max(0, time - known.at) : 0;
      const tokens = known ? Math.min(burst, known.tokens + (rested * perSecond) / 1000) : burst;
      const needed = Math.min(cost, burst);
      const passes = tokens >= needed;
      buckets.delete(address);
      buckets.set(address, { tokens: passes ? tokens - cost : tokens, at: time });
      if (buckets.size > MAX_ADDRESSES) buckets.delete(buckets.keys().next().value!);
      return passes ? 0 : (needed - tokens) / perSecond;
    },
    size: () => buckets.size,
  };
}

/** Refuses an address that asks too often, before anything is read of the body. */
export function rateLimit(limit: RateLimit): MiddlewareHandler {
  const buckets = createBuckets(limit);
  return async (c, next) => {
    const wait = buckets.take(clientOf(c));
    if (wait > 0) throw new Problem("rate_limited", undefined, { retryAfter: Math.ceil(wait) });
    return next();
  };
}

/** Reads the body first of all, for those after it to find. */
export function readBody(limits: { maxBytes: number; maxHeldBytes: number }): MiddlewareHandler {
  const withBody = createBodies(limits);
  return (c, next) =>
    withBody(c.req.raw, (body) => {
      Object.assign(c.req.bodyCache, { text: Promise.resolve(new TextDecoder().decode(body)) });
      return next();
    });
}

/**
 * Closes connections of an address that has too many open: a rate limit counts requests, and a connection that is kept
 * alive costs its owner one a minute. One address must not take the places of all.
 */
export function connectionLimit(server: Server, maxEach: number): void {
  const open = new Map<string, number>();
  server.on("connection", (socket: Socket) => {
    const address = networkOf(socket.remoteAddress ?? "unknown");
    const count = (open.get(address) ?? 0) + 1;
    open.set(address, count);
    socket.once("close", () => {
      const left = open.get(address)! - 1;
      if (left > 0) open.set(address, left);
      else open.delete(address);
    });
    if (count > maxEach) socket.destroy();
  });
}

/** Bounds what is worked on at once, so that memory is bounded too; the rest is told to come back. */
export function inFlightLimit(max: number): MiddlewareHandler {
  let running = 0;
  return async (_, next) => {
    if (running >= max) throw new Problem("busy");
    running++;
    try {
      return await next();
    } finally {
      running--;
    }
  };
}

/** Refuses bodies of other types, before they are read. */
export const onlyJson: MiddlewareHandler = (c, next) => {
  const type = c.req.header("content-type") ?? "";
  if (c.req.method === "POST" && !/^application\/json(\s*;|$)/i.test(type)) throw new Problem("unsupported_media_type");
  return next();
};

/**
 * Asks once, whoever asks again within a second: health has no rate limit, since probes must not be refused, and each
 * answer of it costs the database and a node that is paid by the question.
 */
export function onceASecond<T>(ask: () => Promise<T>, now: () => number): () => Promise<T> {
  let last: { at: number; answer: Promise<T> } | undefined;
  return () => {
    // Also after a clock was put back, or the answer of then would stay until it has caught up.
    if (!last || Math.abs(now() - last.at) >= 1_000) last = { at: now(), answer: ask() };
    return last.answer;
  };
}
