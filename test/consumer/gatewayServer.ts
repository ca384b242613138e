// SPDX-License-Identifier: MIT
import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";

/** A question as it came over HTTP. */
export interface Asked {
  method: string;
  path: string;
  sender: string;
  data: string;
}
type Behaviour = (asked: Asked, response: ServerResponse) => void | Promise<void>;

/** A real HTTP server that answers by the first part of the path as it is told, and remembers what it was asked. */
export async function startGateway() {
  const behaviours = new Map<string, Behaviour>();
  const asked: Asked[] = [];
  const server = createServer((request, response) => void handle(request, response));
  async function handle(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const chunks: Buffer[] = [];
    for await (const chunk of request) chunks.push(chunk as Buffer);
    const [, name = "", sender = "", data = ""] = request.url!.split("/");
    const body = Buffer.concat(chunks).toString();
    const posted = body === "" ? { sender, data } : (JSON.parse(body) as { sender: string; data: string });
    const question = { method: request.method!, path: name, ...posted };
    asked.push(question);
    const behaviour = behaviours.get(name);
    if (behaviour) await behaviour(question, response);
    else respond(response, 404, { message: "unknown path" });
  }
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const host = `127.0.0.1:${(server.address() as AddressInfo).port}`;
  return {
    host,
    asked,
    /** A template that is asked by GET. */
    url: (name: string) => `http://${host}/${name}/{sender}/{data}`,
    /** A template that is asked by POST. */
    postUrl: (name: string) => `http://${host}/${name}`,
    on: (name: string, behaviour: Behaviour) => void behaviours.set(name, behaviour),
    async close() {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}
export type Gateway = Awaited<ReturnType<typeof startGateway>>;

export function respond(response: ServerResponse, status: number, body: unknown): void {
  response.writeHead(status, { "content-type": "application/json" });
  response.end(JSON.stringify(body));
}
export function redirect(response: ServerResponse, location: string): void {
  response.writeHead(302, { location });
  response.end();
}
