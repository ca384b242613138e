import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";

/**
 * What the proxy does with one call. `drop` cuts the line before the node hears of it, `lose_reply` after the node
 * acted, so that the caller cannot tell one from the other; `answer` makes a node lie; `refuse` is a node's own error.
 */
export type Fault =
  | { kind: "pass" }
  | { kind: "drop" }
  /** `after` runs between the node's answer and the cut. */
  | { kind: "lose_reply"; after?: () => void }
  /** The line stays open, and nothing ever comes. */
  | { kind: "hang" }
  | { kind: "delay"; ms: number }
  | { kind: "http"; status: number; body?: string }
  | { kind: "refuse"; code: number; message: string }
  | { kind: "answer"; result: unknown }
  /** The node is asked with other parameters than the caller gave. */
  | { kind: "instead"; params: unknown[] }
  /** Asks the node, then lets the test change what it said. */
  | { kind: "change"; result: (honest: unknown) => unknown };

export interface RpcCall {
  method: string;
  params: unknown[];
}

export interface FaultProxy {
  url: string;
  /** Calls seen so far, in order. */
  calls: RpcCall[];
  /** Decides about each call from now on; `undefined` lets it pass. */
  rule: (call: RpcCall) => Fault | undefined;
  close(): Promise<void>;
}

/** A JSON-RPC proxy before a healthy node that misbehaves on demand. */
export async function startFaultProxy(target: string): Promise<FaultProxy> {
  const proxy: FaultProxy = { url: "", calls: [], rule: () => undefined, close };

  async function handle(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const chunks: Buffer[] = [];
    for await (const chunk of request) chunks.push(chunk as Buffer);
    const body = Buffer.concat(chunks).toString();
    const call = JSON.parse(body) as RpcCall & { id: number };
    proxy.calls.push({ method: call.method, params: call.params });
    const fault = proxy.rule(call) ?? { kind: "pass" };
    const reply = (status: number, text: string) => {
      response.writeHead(status, { "content-type": "application/json" });
      response.end(text);
    };
    const forward = async () => {
      const asked = fault.kind === "instead" ? JSON.stringify({ ...call, params: fault.params }) : body;
      const init = { method: "POST", headers: { "content-type": "application/json" }, body: asked };
      return (await fetch(target, init)).text();
    };
    switch (fault.kind) {
      case "drop":
        response.destroy();
        return;
      case "lose_reply":
        await forward();
        fault.after?.();
        response.destroy();
        return;
      case "hang":
        return;
      case "delay":
        await new Promise((resolve) => setTimeout(resolve, fault.ms));
        break;
      case "http":
        return reply(fault.status, fault.body ?? "");
      case "refuse":
        return reply(200, JSON.stringify({ jsonrpc: "2.0", id: call.id, error: fault }));
      case "answer":
        return reply(200, JSON.stringify({ jsonrpc: "2.0", id: call.id, result: fault.result }));
      case "change": {
        const honest = JSON.parse(await forward()) as { result?: unknown };
        return reply(200, JSON.stringify({ jsonrpc: "2.0", id: call.id, result: fault.result(honest.result) }));
      }
      case "pass":
      case "instead":
    }
    reply(200, await forward());
  }

  const server = createServer((request, response) => {
    handle(request, response).catch(() => response.destroy());
  });
  // Opening a database keeps this process busy for seconds: an idle connection must not be cut in between.
  server.keepAliveTimeout = 65_000;
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  proxy.url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;

  async function close(): Promise<void> {
    server.closeAllConnections();
    await new Promise((resolve) => server.close(resolve));
  }
  return proxy;
}
