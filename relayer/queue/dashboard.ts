// SPDX-License-Identifier: MIT
import { createBullBoard } from "@bull-board/api";
import { BullAdapter } from "@bull-board/api/bullAdapter";
import { HonoAdapter } from "@bull-board/hono";
import { createAdaptorServer } from "@hono/node-server";
import { serveStatic } from "@hono/node-server/serve-static";
import { Hono, type MiddlewareHandler } from "hono";
import { basicAuth } from "hono/basic-auth";
import { HTTPException } from "hono/http-exception";
import { bodyLimit } from "hono/body-limit";
import { secureHeaders } from "hono/secure-headers";
import type { Server } from "node:http";
import type { AddressInfo } from "node:net";
import type { Queue } from "bull";
import { rateLimit, type RateLimit } from "../api/limits.ts";
import { Problem } from "../api/problems.ts";

const RATE: RateLimit = { perSecond: 10, burst: 100 };

/**
 * A browser sends the password along wherever a page leads it. A page of another origin must change nothing here; programs
 * that are no browsers send neither header.
 */
const sameOrigin: MiddlewareHandler = (c, next) => {
  const site = c.req.header("sec-fetch-site");
  const origin = c.req.header("origin");
  const ours = origin === undefined || (URL.canParse(origin) && new URL(origin).host === c.req.header("host"));
  const reads = c.req.method === "GET" || c.req.method === "HEAD";
  if (!reads && !(ours && (site === undefined || site === "same-origin" || site === "none")))
    return Promise.resolve(c.text("Another origin", 403));
  return next();
};

export interface Dashboard {
  url: string;
  close(): Promise<void>;
}

/**
 * Bull's dashboard on a port of its own, behind a password: it can retry and remove jobs, which costs time at most, as the
 * ledger says what is to be done. The user is `operator`.
 */
export async function openDashboard(options: {
  host: string;
  port: number;
  password: string;
  queues: readonly Queue[];
}): Promise<Dashboard> {
  const app = new Hono();
  app.use(
    secureHeaders({
      // Its own scripts and nothing else: the page asks another host for its fonts, which would tell that host of it.
      contentSecurityPolicy: {
        defaultSrc: ["'none'"],
        ...{ scriptSrc: ["'self'"], connectSrc: ["'self'"], fontSrc: ["'self'"], manifestSrc: ["'self'"] },
        ...{ styleSrc: ["'self'", "'unsafe-inline'"], imgSrc: ["'self'", "data:"], baseUri: ["'self'"] },
        ...{ formAction: ["'none'"], frameAncestors: ["'none'"] },
      },
      xFrameOptions: "DENY",
      strictTransportSecurity: false,
    }),
  );
  // Before the password: nobody is to try many.
  app.use(rateLimit(RATE));
  app.use(sameOrigin);
  app.use(basicAuth({ username: "operator", password: options.password }));
  app.use(bodyLimit({ maxSize: 100_000 }));
  app.onError((error, c) => {
    if (error instanceof HTTPException) return error.getResponse();
    return error instanceof Problem ? c.text("Too many requests", 429) : c.text("The dashboard failed", 500);
  });
  const adapter = new HonoAdapter(serveStatic);
  adapter.setBasePath("/");
  createBullBoard({ queues: options.queues.map((one) => new BullAdapter(one)), serverAdapter: adapter });
  app.route("/", adapter.registerPlugin());
  const server = createAdaptorServer({ fetch: app.fetch }) as Server;
  server.maxConnections = 50;
  server.requestTimeout = 10_000;
  server.headersTimeout = 10_000;
  await new Promise<void>((resolve, reject) => {
    server.once("error", reject);
    server.listen(options.port, options.host, resolve);
  });
  return {
    url: `http://${options.host}:${(server.address() as AddressInfo).port}`,
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
      }),
  };
}
