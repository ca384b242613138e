// SPDX-License-Identifier: MIT
import { boundedText } from "../bounded-text.ts";
import { ChainUnavailable, NodeRefused, WrongChain } from "./errors.ts";

/** State of one RPC URL, for `/healthz` and metrics. The URL's path and query are left out: they carry API keys. */
export interface EndpointHealth {
  host: string;
  healthy: boolean;
  consecutiveFailures: number;
  lastError: string | null;
  /** Of its last answer, milliseconds; null before the first. */
  latencyMs: number | null;
}

/** One node's answer, or the reason that there is none. */
export type Answer<T> = { ok: true; value: T } | { ok: false; error: Error };

export interface Rpc {
  /** Asks node after node until one answers. @throws {NodeRefused} {@link ChainUnavailable} */
  request<T>(method: string, params: readonly unknown[]): Promise<T>;
  /** Asks every node; where nodes may differ, one answer is not enough. Never throws. */
  requestAll<T>(method: string, params: readonly unknown[]): Promise<Answer<T>[]>;
  health(): EndpointHealth[];
}

export interface RpcOptions {
  urls: readonly string[];
  /** Refuse nodes of another chain. Asked once a URL, before its first answer is used. */
  chainId: number;
  timeoutMs?: number;
  now?: () => number;
}

interface Endpoint {
  url: string;
  failures: number;
  restUntil: number;
  lastError: string | null;
  latencyMs: number | null;
  chainChecked: boolean;
}

// JSON-RPC codes by which a node says that it could not do its work now: -32005 limit exceeded, -32002 resource
// unavailable, -32601 and -32004 method not there (another node may have it).
const couldNotAnswer = new Set([-32005, -32002, -32601, -32004]);

/** Patience with a node that failed just now, where others are asked beside it. */
const RESTING_MS = 1_000;

/**
 * JSON-RPC over several URLs. A transport fault moves on to the next URL and rests the one that failed, growing with
 * each failure; an answer, be it a refusal, never does: a node that says "nonce too low" is a healthy node.
 */
export function createRpc({ urls, chainId, timeoutMs = 10_000, now = () => performance.now() }: RpcOptions): Rpc {
  if (urls.length === 0) throw new Error("createRpc needs at least one URL; set chain.rpcUrls");
  const endpoints: Endpoint[] = urls.map((url) => ({
    url,
    failures: 0,
    restUntil: 0,
    lastError: null,
    latencyMs: null,
    chainChecked: false,
  }));

  async function ask<T>(
    endpoint: Endpoint,
    method: string,
    params: readonly unknown[],
    patienceMs = timeoutMs,
  ): Promise<T> {
    try {
      if (!endpoint.chainChecked) {
        const found = Number(await post<string>(endpoint.url, "eth_chainId", [], patienceMs));
        if (found !== chainId) throw new WrongChain(chainId, found, new URL(endpoint.url).host);
        endpoint.chainChecked = true;
      }
      const asked = performance.now();
      const value = await post<T>(endpoint.url, method, params, patienceMs);
      endpoint.latencyMs = performance.now() - asked;
      endpoint.failures = 0;
      endpoint.restUntil = 0;
      endpoint.lastError = null;
      return value;
    } catch (error) {
      if (error instanceof NodeRefused) {
        endpoint.failures = 0;
        throw error;
      }
      endpoint.failures++;
      endpoint.lastError = (error as Error).message;
      endpoint.restUntil = now() + Math.min(30_000, 250 * 2 ** Math.min(endpoint.failures, 10));
      throw error;
    }
  }

  /** Rested ones first; those that rest are still better than no answer. */
  function inOrder(): Endpoint[] {
    const at = now();
    return [...endpoints].sort((a, b) => Number(a.restUntil > at) - Number(b.restUntil > at));
  }

  return {
    async request<T>(method: string, params: readonly unknown[]): Promise<T> {
      const causes: unknown[] = [];
      for (const endpoint of inOrder()) {
        try {
          return await ask<T>(endpoint, method, params);
        } catch (error) {
          if (error instanceof NodeRefused) throw error;
          causes.push(error);
        }
      }
      throw new ChainUnavailable(method, causes);
    },

    async requestAll<T>(method: string, params: readonly unknown[]): Promise<Answer<T>[]> {
      const at = now();
      return Promise.all(
        endpoints.map((endpoint) =>
          // All are waited for: one that hangs must not slow everything down for as long as it does.
          ask<T>(endpoint, method, params, endpoint.restUntil > at ? Math.min(RESTING_MS, timeoutMs) : timeoutMs).then(
            (value): Answer<T> => ({ ok: true, value }),
            (error: Error): Answer<T> => ({ ok: false, error }),
          ),
        ),
      );
    },

    health: () =>
      endpoints.map((endpoint) => ({
        host: new URL(endpoint.url).host,
        healthy: endpoint.failures === 0,
        consecutiveFailures: endpoint.failures,
        lastError: endpoint.lastError,
        latencyMs: endpoint.latencyMs,
      })),
  };
}

/** Largest answer that is read; logs of a whole chain's busiest block are a few. A node is not to fill the memory. */
const MAX_ANSWER_BYTES = 32_000_000;

interface JsonRpcReply<T> {
  result?: T;
  error?: { code?: number; message?: string; data?: unknown };
}

let lastId = 0;

async function post<T>(url: string, method: string, params: readonly unknown[], timeoutMs: number): Promise<T> {
  let response: Response;
  let text: string;
  const { href, authorization } = withoutCredentials(url);
  try {
    response = await fetch(href, {
      method: "POST",
      headers: { "content-type": "application/json", ...(authorization ? { authorization } : {}) },
      body: JSON.stringify({ jsonrpc: "2.0", id: ++lastId, method, params }),
      // Where a node sends on, the credentials and whatever is inside this network would be the next host's to ask.
      redirect: "error",
      signal: AbortSignal.timeout(timeoutMs),
    });
    text = await boundedText(response, MAX_ANSWER_BYTES);
  } catch (error) {
    // fetch says "fetch failed" and hides the reason one level down.
    const { cause, message } = error as Error;
    const reason = cause instanceof Error ? cause.message || cause.name : message;
    throw new Error(reason.replaceAll(href, new URL(href).host), { cause: error });
  }
  let reply: JsonRpcReply<T>;
  try {
    reply = JSON.parse(text) as JsonRpcReply<T>;
  } catch {
    throw new Error(`HTTP ${response.status} that is no JSON`);
  }
  if (reply.error) {
    const { code = 0, message = "unnamed error", data } = reply.error;
    if (response.status === 429 || couldNotAnswer.has(code)) throw new Error(`${message} (${code})`);
    throw new NodeRefused(method, code, message, revertData(data));
  }
  if (!response.ok) throw new Error(`HTTP ${response.status}`);
  if (reply.result === undefined) throw new Error("an answer with neither result nor error");
  return reply.result;
}

/** `https://user:password@host/…` as fetch takes it: it refuses such a URL, and quotes it when it does. */
function withoutCredentials(url: string): { href: string; authorization?: string } {
  const parsed = new URL(url);
  const { username, password } = parsed;
  if (!username && !password) return { href: url };
  parsed.username = parsed.password = "";
  const pair = `${decodeURIComponent(username)}:${decodeURIComponent(password)}`;
  return { href: parsed.href, authorization: `Basic ${Buffer.from(pair).toString("base64")}` };
}

/** Hardhat nests revert data one level deeper than other nodes. */
function revertData(data: unknown): string {
  if (typeof data === "string" && data.startsWith("0x")) return data;
  if (data !== null && typeof data === "object" && "data" in data) return revertData(data.data);
  return "0x";
}
