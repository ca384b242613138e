import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import type { WireReceipt } from "../../relayer/node/wire.ts";
import type { Batch, Hex } from "../../relayer/protocol/index.ts";

/** Every field that some submission has: a test reads those of the one it expects. */
export interface PostedBody {
  batch: Batch;
  modelId: Hex;
  signature: Hex;
  receipts: { receipt: WireReceipt; signature: Hex }[];
  receipt: WireReceipt;
  evidence: Hex;
}
export interface Posted {
  path: string;
  body: PostedBody;
}
export type Reply = { status: number; body?: unknown; headers?: Record<string, string> } | "lose" | "hang";

/** The other end of a node's line: takes what is posted and answers as a test says, or not at all. */
export async function startScriptedRelayer() {
  const posted: Posted[] = [];
  const relayer = {
    url: "",
    posted,
    /** Digests of batches that were asked for. */
    asked: [] as string[],
    /** Answers questions about batches. */
    status: (_digest: string): Reply => ({ status: 200, body: { state: "final" } }),
    /** Decides about each call; a lost reply means that the call arrived. */
    reply: (_call: Posted): Reply => ({ status: 201, body: {} }),
    close,
  };
  const server = createServer(async (request, response) => {
    const chunks: Buffer[] = [];
    for await (const chunk of request) chunks.push(chunk as Buffer);
    const text = Buffer.concat(chunks).toString();
    const call = { path: request.url!, body: text === "" ? null : JSON.parse(text) };
    const digest = request.method === "GET" ? /^\/v1\/batches\/(.+)$/.exec(call.path)?.[1] : undefined;
    if (digest) relayer.asked.push(digest);
    else posted.push(call);
    const reply = digest ? relayer.status(digest) : relayer.reply(call);
    if (reply === "hang") return;
    if (reply === "lose") return void response.destroy();
    response.writeHead(reply.status, { "content-type": "application/json", ...reply.headers });
    response.end(reply.body === undefined ? "" : JSON.stringify(reply.body));
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  relayer.url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  async function close(): Promise<void> {
    server.closeAllConnections();
    await new Promise((resolve) => server.close(resolve));
  }
  return relayer;
}
