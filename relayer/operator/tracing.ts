// SPDX-License-Identifier: MIT
// OpenTelemetry, where a collector is named. Nothing of it is loaded otherwise.
import { AsyncLocalStorage } from "node:async_hooks";
import { eq } from "drizzle-orm";
import type { Span, Tracer } from "@opentelemetry/api";
import type { MiddlewareHandler } from "hono";
import { routePath } from "hono/route";
import type { SendListener } from "../chain/manager-options.ts";
import type { Environment } from "../config/index.ts";
import type { Work } from "../queue/queue.ts";
import type { Database } from "../store/database.ts";
import { batches, singles } from "../store/schema.ts";

/** Ids, counts and names; never what somebody sent. */
export type Attributes = Record<string, string | number | boolean | string[]>;

export interface Tracing {
  on: boolean;
  /** Runs work in a span below the one that runs now. `parent`: a traceparent header from outside. */
  span<T>(name: string, attributes: Attributes, work: () => Promise<T>, parent?: string): Promise<T>;
  /** Says more of the span that runs now. */
  note(attributes: Attributes): void;
  /** Sends what is left. */
  close(): Promise<void>;
}

export const noTracing: Tracing = {
  on: false,
  span: (_name, _attributes, work) => work(),
  note: () => undefined,
  close: async () => undefined,
};

/** Traces to the collector of `OTEL_EXPORTER_OTLP_ENDPOINT`, over HTTP. */
export async function startTracing(env: Environment = process.env): Promise<Tracing> {
  const endpoint = env["OTEL_EXPORTER_OTLP_ENDPOINT"];
  if (!endpoint) return noTracing;
  const [api, sdk, { OTLPTraceExporter }] = await Promise.all([
    import("@opentelemetry/api"),
    import("@opentelemetry/sdk-trace-node"),
    import("@opentelemetry/exporter-trace-otlp-http"),
  ]);
  const exporter = new OTLPTraceExporter({ url: `${endpoint.replace(/\/+$/, "")}/v1/traces` });
  // No global registration: several relayers can live in one process.
  const provider = new sdk.NodeTracerProvider({ spanProcessors: [new sdk.BatchSpanProcessor(exporter)] });
  const tracer: Tracer = provider.getTracer(env["OTEL_SERVICE_NAME"] ?? "opengradient-relayer");
  const current = new AsyncLocalStorage<Span>();

  function contextOf(parent: string | undefined) {
    const inside = current.getStore();
    if (inside) return api.trace.setSpan(api.ROOT_CONTEXT, inside);
    const [, traceId, spanId, flags] = /^00-([0-9a-f]{32})-([0-9a-f]{16})-([0-9a-f]{2})$/.exec(parent ?? "") ?? [];
    const remote = { traceId: traceId ?? "", spanId: spanId ?? "", traceFlags: Number(`0x${flags ?? "0"}`) };
    if (!api.isSpanContextValid(remote)) return api.ROOT_CONTEXT;
    return api.trace.setSpanContext(api.ROOT_CONTEXT, { ...remote, isRemote: true });
  }

  return {
    on: true,
    async span(name, attributes, work, parent) {
      const span = tracer.startSpan(name, { attributes }, contextOf(parent));
      try {
        return await current.run(span, work);
      } catch (error) {
        // Its kind and not its words: they may quote what was sent.
        span.setStatus({ code: api.SpanStatusCode.ERROR, message: (error as Error).name });
        throw error;
      } finally {
        span.end();
      }
    },
    note: (attributes) => void current.getStore()?.setAttributes(attributes),
    // A collector that is away must not hold up a stop.
    close: () => provider.shutdown().catch(() => undefined),
  };
}

/** A span for every request to the API, under the client's own trace if it names one. */
export function traceRequests(tracing: Tracing): MiddlewareHandler {
  if (!tracing.on) return (_, next) => next();
  return (c, next) =>
    tracing.span(
      `HTTP ${c.req.method}`,
      { "http.request.method": c.req.method, "request.id": c.get("requestId") },
      async () => {
        await next();
        tracing.note({ "http.route": routePath(c, -1), "http.response.status_code": c.res.status });
      },
      c.req.header("traceparent"),
    );
}

/** A span for every piece of work that is more than a look, with the id of what it is about. */
export function traceWorks<T extends Record<string, Work>>(works: T, tracing: Tracing, db: Database): T {
  if (!tracing.on) return works;
  const traced = Object.entries(works).map(([name, work]) => [
    name,
    {
      ...work,
      run: (key: string) =>
        tracing.span(`relayer.${name}`, { "relayer.work": name }, async () => {
          tracing.note(await itemOf(db, name, key));
          return work.run(key);
        }),
    },
  ]);
  return Object.fromEntries(traced) as T;
}

/** A span for each turn of a call, with its number and hash. */
export function traceCalls(tracing: Tracing): SendListener {
  const turn = (name: string, attributes: Attributes): Promise<void> =>
    tracing.span(`relayer.call.${name}`, attributes, async () => undefined);
  return {
    mined: ({ id }, { transactionHash }) =>
      turn("mined", { "transaction.id": id, "transaction.hash": transactionHash }),
    unmined: ({ id }) => turn("unmined", { "transaction.id": id }),
    final: ({ id }, { transactionHash }) =>
      turn("final", { "transaction.id": id, "transaction.hash": transactionHash }),
    failed: ({ id }) => turn("failed", { "transaction.id": id }),
  };
}

async function itemOf(db: Database, work: string, key: string): Promise<Attributes> {
  const [, table, id] = /^(?:(batches|singles) )?(\d{1,15})$/.exec(key) ?? [];
  if (id === undefined) return {};
  if (table === "singles") {
    const [row] = await db
      .select({ id: singles.receiptId })
      .from(singles)
      .where(eq(singles.id, Number(id)));
    return row ? { "receipt.id": row.id } : {};
  }
  if (table === undefined && work !== "publish") return {};
  const [row] = await db
    .select({ id: batches.digest })
    .from(batches)
    .where(eq(batches.id, Number(id)));
  return row ? { "batch.digest": row.id } : {};
}
