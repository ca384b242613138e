// SPDX-License-Identifier: MIT
// What the servers of the stores share: a real HTTP server with content by name, and faults on demand.
import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";

/** What goes wrong with each request that it is named for. */
export type StoreFault =
  | { kind: "status"; status: number; body?: string }
  /** Never answers. */
  | { kind: "silent" }
  /** Answers without end. */
  | { kind: "endless" }
  /** Sends on to somewhere else. */
  | { kind: "redirect"; to: string }
  /** Cuts the line, before or after the request had its effect. */
  | { kind: "cut"; after: boolean };

export interface StoreRequest {
  method: string;
  url: URL;
  headers: IncomingMessage["headers"];
  body: Buffer;
}
export interface StoreReply {
  status: number;
  body?: string | Uint8Array;
  headers?: Record<string, string>;
}

export interface StoreServer {
  url: string;
  /** Every request so far. */
  requests: StoreRequest[];
  /** Decides about each request from now on. */
  fault: (request: StoreRequest) => StoreFault | undefined;
  close(): Promise<void>;
}

/** Starts a server over `answer`. */
export async function startStoreServer(answer: (request: StoreRequest) => StoreReply): Promise<StoreServer> {
  const server = createServer((incoming, response) => {
    handle(incoming, response).catch(() => response.destroy());
  });
  const store: StoreServer = {
    ...{ url: "", requests: [], fault: () => undefined },
    async close() {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    },
  };

  async function handle(incoming: IncomingMessage, response: ServerResponse): Promise<void> {
    const chunks: Buffer[] = [];
    for await (const chunk of incoming) chunks.push(chunk as Buffer);
    const url = new URL(incoming.url!, store.url);
    const request = { method: incoming.method!, url, headers: incoming.headers, body: Buffer.concat(chunks) };
    store.requests.push(request);
    const fault = store.fault(request);
    switch (fault?.kind) {
      case "silent":
        return;
      case "status":
        response.writeHead(fault.status).end(fault.body);
        return;
      case "redirect":
        response.writeHead(302, { location: fault.to }).end();
        return;
      case "endless":
        response.writeHead(200);
        while (response.writable && !response.destroyed) {
          response.write(Buffer.alloc(65_536, 7));
          await new Promise((resolve) => setImmediate(resolve));
        }
        return;
      case "cut":
        if (fault.after) answer(request);
        response.destroy();
        return;
    }
    const { status, body, headers } = answer(request);
    response.writeHead(status, headers).end(body);
  }

  // A test may keep this process busy for seconds: an idle connection must not be cut in between.
  server.keepAliveTimeout = 65_000;
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  store.url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  return store;
}
