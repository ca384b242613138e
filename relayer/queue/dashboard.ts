// SPDX-License-Identifier: MIT
import { createBullBoard } from "@bull-board/api";
import { BullAdapter } from "@bull-board/api/bullAdapter";
import { HonoAdapter } from "@bull-board/hono";
import { createAdaptorServer } from "@hono/node-server";
import { serveStatic } from "@hono/node-server/serve-static";
import { Hono } from "hono";
import { basicAuth } from "hono/basic-auth";
import { bodyLimit } from "hono/body-limit";
import { secureHeaders } from "hono/secure-headers";
import type { Server } from "node:http";
import type { AddressInfo } from "node:net";
import type { Queue } from "bull";

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
  app.use(secureHeaders());
  app.use(basicAuth({ username: "operator", password: options.password }));
  app.use(bodyLimit({ maxSize: 100_000 }));
  const adapter = new HonoAdapter(serveStatic);
  adapter.setBasePath("/");
  createBullBoard({ queues: options.queues.map((one) => new BullAdapter(one)), serverAdapter: adapter });
  app.route("/", adapter.registerPlugin());
  const server = createAdaptorServer({ fetch: app.fetch }) as Server;
  server.maxConnections = 50;
  server.requestTimeout = 10_000;
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
