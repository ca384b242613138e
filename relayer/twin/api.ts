// SPDX-License-Identifier: MIT
import type { HttpBindings } from "@hono/node-server";
import { createRoute, type OpenAPIHono, z } from "@hono/zod-openapi";
import { clientOf } from "../api/limits.ts";
import { Problem, problemSchema } from "../api/problems.ts";
import type { FeesFeed } from "./feed.ts";
import { FEES } from "./fees.ts";
import type { FeesEvent } from "./wire.ts";

const unixSeconds = z.number().int();
const percent = z.string().openapi({ description: "Exact, in percent of the price", example: "2.5" });
const each = z
  .object({
    presentPercent: percent,
    capPercent: percent.openapi({ description: "No fee above it can ever apply" }),
    increase: z
      .object({ percent, effectiveAt: unixSeconds, secondsLeft: z.number().int() })
      .nullable()
      .openapi({ description: "Announced, and paid by trades from `effectiveAt` on; null where nothing is announced" }),
  })
  .openapi("TwinFee");
const fees = z
  .object({
    block: z.object({ number: z.number().int(), hash: z.string(), timestamp: unixSeconds }),
    noticeSeconds: z.number().int().openapi({ description: "No increase applies sooner after its announcement" }),
    increasePending: z.boolean(),
    protocol: each,
    subject: each,
    tradeOfOneEth: z
      .array(
        z.object({
          from: unixSeconds.nullable(),
          feesPercent: percent,
          buyerPays: z.string(),
          sellerGets: z.string(),
        }),
      )
      .openapi({ description: "For keys priced at 1 ETH, in ETH: now (`from` is null), and after each increase" }),
  })
  .openapi("TwinFees");
const event = z
  .object({
    status: z.enum(["known", "unknown"]),
    market: z.string(),
    chainId: z.number().int(),
    fees: fees.nullable().openapi({ description: "Null while unknown" }),
    lastKnown: fees.nullable().openapi({ description: "What was read last: old values while unknown" }),
    readAt: unixSeconds.nullable(),
    unknownSince: unixSeconds.nullable(),
    changes: z.array(
      z.object({
        kind: z.enum(["increase_announced", "increase_withdrawn", "increased", "decreased"]),
        fee: z.enum(FEES),
        at: unixSeconds,
        transaction: z.string().nullable(),
        fromPercent: percent,
        toPercent: percent,
        effectiveAt: unixSeconds.nullable(),
      }),
    ),
  })
  .openapi("TwinFeesEvent") satisfies z.ZodType<FeesEvent>;

const problem = (description: string) => ({
  description,
  content: { "application/problem+json": { schema: problemSchema } },
});
const refusals = { 404: problem("No market is watched here"), 429: problem("Too many requests") };

const getFees = createRoute({
  method: "get",
  path: "/v1/twin/fees",
  summary: "Present and announced fees of the key market",
  responses: {
    200: { description: "As of the last look", content: { "application/json": { schema: event } } },
    ...refusals,
    503: problem("The chain cannot be asked: the fees are unknown, not unchanged"),
  },
});

const streamFees = createRoute({
  method: "get",
  path: "/v1/twin/fees/stream",
  summary: "Server-sent events: `fees` at once and with every change, the chain being out of reach included",
  request: {
    headers: z.object({
      "last-event-id": z.string().optional().openapi({
        description: "Sent by browsers that connect again: the changes since then come first, as far as they are kept",
      }),
    }),
  },
  responses: {
    200: { description: "Events whose data is a TwinFeesEvent", content: { "text/event-stream": { schema: event } } },
    ...refusals,
    503: problem("Too many listen already"),
  },
});

/** Adds the endpoints; without a feed they say that no market is watched. */
export function mountTwinFees(api: OpenAPIHono, feed: FeesFeed | undefined): void {
  const watched = (): FeesFeed => {
    if (!feed) throw new Problem("not_found", "This relayer watches no key market");
    return feed;
  };

  api.openapi(getFees, (c) => {
    const snapshot = watched().snapshot();
    if (snapshot.status === "unknown") throw new Problem("chain_unavailable", undefined, { retryAfter: 5 });
    return c.json(snapshot, 200, { "cache-control": "no-store" });
  });

  api.openapi(streamFees, (c) => {
    const from = watched();
    const headers = {
      "content-type": "text/event-stream",
      "cache-control": "no-store",
      // Proxies that gather answers into larger pieces would hold every event back.
      "x-accel-buffering": "no",
    };
    if (c.req.method === "HEAD") return c.body(null, 200, headers);
    const { incoming } = c.env as HttpBindings;
    const stream = from.open(clientOf(c), c.req.header("last-event-id"), incoming.socket);
    if (!stream) throw new Problem("busy", "Too many listen already");
    return c.body(stream, 200, headers) as never;
  });
}
