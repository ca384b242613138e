// SPDX-License-Identifier: MIT
// A gateway's HTTP face. The stock middlewares of x402 buffer every answer and run the handler for every bearer of a
// header; this one does neither.
import type { PaymentPayload } from "@x402/core/types";
import type { HttpBindings } from "@hono/node-server";
import { Hono, type Context } from "hono";
import { ZodError } from "zod";
import { createBodies } from "../api/bodies.ts";
import { apiHeaders } from "../api/headers.ts";
import { clientOf, createBuckets, type RateLimit } from "../api/limits.ts";
import { Problem, respond } from "../api/problems.ts";
import type { Log } from "../chain/manager-options.ts";
import { REASONS } from "../facilitator/reasons.ts";
import type { Domain, Hex } from "../protocol/index.ts";
import type { Database } from "../store/database.ts";
import type { SaleRow } from "../store/sales.ts";
import { event, eventStream, findAnswer, serveWhenTaken } from "./answers.ts";
import { CHANNEL_SCHEME, channelTerms, createChannelSelling, type ChannelSale } from "./channel.ts";
import type { PaymentService } from "./charge.ts";
import {
  paymentRequired,
  paymentResponse,
  presentedPayment,
  RECEIPT_HEADER,
  receiptOf,
  toBase64,
  type Presented,
} from "./headers.ts";
import type { GatewayMetrics } from "./metrics.ts";
import { createPlaces } from "./places.ts";
import { createSelling, defaults, NotPaid, type AskedFor, type SellingOptions } from "./service.ts";
import { exactTerms, requestBytes, requestHash, resourceOf, type Money, type Product } from "./terms.ts";

export interface GatewayOptions extends Partial<
  Omit<SellingOptions, "db" | "payments" | "money" | "log" | "places" | "observe" | "now">
> {
  db: Database;
  payments: PaymentService;
  money: Money;
  products: readonly Product[];
  /** Where clients reach it, for instance `https://gateway.example`. What a request says of its host is not believed. */
  publicUrl: string;
  /** Chain and address of the `InferenceEscrow`, for products that take channels. */
  escrow?: Domain;
  /** Requests of an address. */
  addressRate?: RateLimit;
  maxBodyBytes?: number;
  /** Of all bodies together. */
  maxHeldBytes?: number;
  metrics?: GatewayMetrics;
  log: Log;
  now?: () => number;
}

const MAX_BODY_BYTES = 262_144;
const MAX_HELD_BYTES = 64_000_000;
const HEADERS = "PAYMENT-REQUIRED,PAYMENT-RESPONSE,X-PAYMENT-RESPONSE,OPENGRADIENT-RECEIPT";
type Status = 200 | 402 | 412;

/** A gateway as an application of Hono, to be served by `@hono/node-server`. */
export function createGateway(options: GatewayOptions): Hono {
  const { db, products, money, escrow, log, metrics, now = Date.now } = options;
  const observe = (scheme: string) => (outcome: string) => metrics?.payments.inc({ scheme, outcome });
  const limits = { ...defaults, ...options };
  const places = createPlaces(limits.maxInFlight);
  const withBody = createBodies({
    maxBytes: options.maxBodyBytes ?? MAX_BODY_BYTES,
    maxHeldBytes: options.maxHeldBytes ?? MAX_HELD_BYTES,
  });
  const selling = createSelling({ ...limits, places, observe: observe("exact") });
  const channels = escrow && createChannelSelling({ ...limits, places, escrow, observe: observe(CHANNEL_SCHEME) });
  const addresses = createBuckets(options.addressRate ?? { perSecond: 20, burst: 100 }, now);
  const onError = (error: Error): void => log.error({ error: error.message }, "a sale could not be marked as served");
  const app = new Hono();

  /** Before anything of a request is read. */
  function limit(c: Context): void {
    const wait = addresses.take(clientOf(c));
    if (wait > 0) throw new Problem("rate_limited", undefined, { retryAfter: Math.ceil(wait) });
  }

  function askedFor(c: Context, product: Product, body: Uint8Array): AskedFor {
    const resource = resourceOf(c.req.url);
    const request = requestBytes(c.req.method, resource, body);
    const terms = exactTerms(money, product);
    return { ...{ product, terms, resource, body, request }, requestHash: requestHash(request) };
  }

  /** The terms, to a client that has not paid. */
  function ask(c: Context, { product, terms, resource }: AskedFor, refused?: NotPaid, version: 1 | 2 = 2): Response {
    const about = {
      url: options.publicUrl.replace(/\/+$/, "") + resource,
      ...{ description: product.description, mimeType: product.mediaType },
    };
    const channel = channelTerms(money, escrow, product);
    const { headers, body } = paymentRequired(about, channel ? [terms, channel] : [terms], refused?.reason);
    // As stock servers say it: the payer is to let Permit2 take the token first.
    const status: Status = refused?.reason === REASONS.permit2Allowance ? 412 : 402;
    return c.body(body, status, { ...headers, ...(refused?.settled ? paymentResponse(version, refused.settled) : {}) });
  }

  const receiptHeader = (sale: SaleRow): string => toBase64(JSON.parse(sale.receipt!) as object);

  function answer(c: Context, sale: SaleRow, version: 1 | 2): Response {
    serveWhenTaken((c.env as HttpBindings).outgoing, sale, { db, now, onError });
    return c.body(Buffer.from(sale.answer!), 200 as Status, {
      ...paymentResponse(version, selling.settledAs(sale)),
      [RECEIPT_HEADER]: receiptHeader(sale),
      "content-type": sale.mediaType!,
      "cache-control": "private",
    });
  }

  const streamed = (c: Context, body: ReadableStream, headers: Record<string, string>): Response =>
    c.body(body, 200 as Status, {
      ...headers,
      "content-type": "text/event-stream",
      "cache-control": "no-store",
      "x-accel-buffering": "no",
    });

  async function sellStream(c: Context, asked: AskedFor, presented: Presented): Promise<Response> {
    const { sale, run } = await selling.sellStream(asked, presented);
    const settlement = selling.settledAs(sale);
    const { outgoing } = c.env as HttpBindings;
    const stream = eventStream(async (emit) => {
      const done = await run(emit);
      // A stream that was cut never finishes, and one that nobody reads does not either.
      serveWhenTaken(outgoing, done, { db, now, onError });
      return [event("receipt", { receipt: JSON.parse(done.receipt!) as object, settlement })];
    });
    return streamed(c, stream, paymentResponse(presented.version, settlement));
  }

  /** Nothing moved on chain: there is no transaction to name. */
  const channelSettlement = ({ served }: ChannelSale) => ({
    ...{ success: true, transaction: "", network: `eip155:${money.chainId}`, payer: served.receipt.payer },
    extensions: { opengradient: { requestId: served.receipt.requestId } },
  });
  const channelReceipt = ({ served, salt }: ChannelSale, asked: AskedFor) =>
    receiptOf(served, { salt, requestHash: asked.requestHash });

  async function sellOverChannel(c: Context, asked: AskedFor, payload: PaymentPayload): Promise<Response> {
    if (!channels || !asked.product.channel) throw new NotPaid("unsupported_scheme");
    const sale = await channels.sell(asked, payload);
    return c.body(Buffer.from(sale.served.body), 200 as Status, {
      ...paymentResponse(2, channelSettlement(sale)),
      [RECEIPT_HEADER]: toBase64(channelReceipt(sale, asked)),
      "content-type": asked.product.mediaType,
      "cache-control": "private",
    });
  }

  /** The stream begins when the voucher was taken: a refusal is a 402 still. */
  async function streamOverChannel(c: Context, asked: AskedFor, payload: PaymentPayload): Promise<Response> {
    if (!channels || !asked.product.channel) throw new NotPaid("unsupported_scheme");
    const early: string[] = [];
    let emit = (part: string): void => void early.push(part);
    let taken = (): void => undefined;
    const begun = new Promise<void>((resolve) => (taken = resolve));
    const sold = channels.sell(asked, payload, (part) => emit(part), taken);
    await Promise.race([begun, sold]);
    const stream = eventStream(async (send) => {
      early.splice(0).forEach(send);
      emit = send;
      const sale = await sold;
      const whole = sale.served.repeated ? [event(undefined, { text: Buffer.from(sale.served.body).toString() })] : [];
      const last = { receipt: channelReceipt(sale, asked), settlement: channelSettlement(sale) };
      return [...whole, event("receipt", last)];
    });
    return streamed(c, stream, {});
  }

  app.use(apiHeaders, async (c, next) => {
    await next();
    c.header("access-control-expose-headers", HEADERS);
  });

  async function sell(c: Context, asked: AskedFor): Promise<Response> {
    const { product, body, terms } = asked;
    const refused = product.refuse?.(body);
    if (refused !== undefined) throw new Problem("malformed", refused);
    const presented = presentedPayment((name) => c.req.header(name), terms);
    if (presented === "none") return ask(c, asked);
    if (presented === "malformed") return ask(c, asked, new NotPaid("malformed"));
    const stream = product.streams === true && (c.req.header("accept") ?? "").includes("text/event-stream");
    try {
      if (presented.payload.accepted.scheme === CHANNEL_SCHEME)
        return await (stream ? streamOverChannel : sellOverChannel)(c, asked, presented.payload);
      if (stream) return await sellStream(c, asked, presented);
      return answer(c, await selling.sell(asked, presented), presented.version);
    } catch (error) {
      if (error instanceof NotPaid) return ask(c, asked, error, presented.version);
      throw error;
    }
  }

  for (const product of products)
    app.on(["GET", "POST"], product.path, (c) => {
      limit(c);
      if (c.req.method === "GET") return sell(c, askedFor(c, product, new Uint8Array()));
      return withBody(c.req.raw, (body) => sell(c, askedFor(c, product, body)));
    });

  app.get("/answers/:requestId{0x[0-9a-f]{64}}", async (c) => {
    limit(c);
    const requestId = c.req.param("requestId") as Hex;
    const sale = await findAnswer(db, requestId, (name) => c.req.header(name), now());
    return answer(c, sale, 2);
  });

  app.notFound((c) => respond(c, new Problem("not_found", "Nothing is sold here")));
  app.onError((error, c) => {
    if (error instanceof Problem) return respond(c, error);
    if (error instanceof ZodError) return respond(c, new Problem("malformed"));
    log.error({ path: c.req.path, error: error.message }, "a request failed");
    return respond(c, new Problem("internal"));
  });
  return app;
}
