// SPDX-License-Identifier: MIT
// A contract chooses which URLs its callers ask, and a gateway where it sends them on. So what can be reached from here is
// bounded: the public internet over TLS, or hosts that the caller names, a few hops, some kilobytes, some seconds.
import { lookup as resolve, type LookupAddress } from "node:dns";
import { type ClientRequestArgs, type IncomingMessage, request as plainRequest } from "node:http";
import { request as tlsRequest } from "node:https";
import { isIP, type LookupFunction } from "node:net";
import { isPublicAddress } from "./public-address.ts";

export interface FetchBounds {
  /** `host:port` or `host` of gateways on private addresses or without TLS, for instance `127.0.0.1:8080`. */
  allowedHosts: readonly string[];
  /** Milliseconds for all hops together. */
  timeoutMs: number;
  /** Of the answer. */
  maxBytes: number;
  /** Of a GET; a POST is never sent on. */
  maxRedirects: number;
  /** Media types that are asked for; JSON by default. */
  accept?: string;
}

/** An HTTP answer, whatever its status. */
export interface Fetched {
  status: number;
  body: string;
}

/** Asks a URL: GET, or POST of a JSON body. Throws an Error that says why, in a few words, where no answer came. */
export async function fetchBounded(url: string, body: string | undefined, bounds: FetchBounds): Promise<Fetched> {
  const fetched = await fetchBytes(url, body, bounds);
  return { status: fetched.status, body: fetched.body.toString("utf8") };
}

/** {@link fetchBounded} for what is no text. */
export async function fetchBytes(
  url: string,
  body: string | undefined,
  bounds: FetchBounds,
): Promise<{ status: number; body: Buffer }> {
  const signal = AbortSignal.timeout(bounds.timeoutMs);
  let at = url;
  for (let hops = 0; ; hops++) {
    const target = checkedUrl(at, bounds.allowedHosts);
    const response = await send(target, body, signal, bounds);
    const { statusCode: status = 0, headers } = response;
    if (status < 300 || status >= 400 || headers.location === undefined)
      return { status, body: await read(response, bounds.maxBytes, signal) };
    response.destroy();
    if (body !== undefined) throw new Error("redirects a POST");
    if (hops === bounds.maxRedirects) throw new Error(`redirects more than ${bounds.maxRedirects} times`);
    at = new URL(headers.location, target).href;
  }
}

const isAllowed = ({ host, hostname }: URL, allowed: readonly string[]): boolean =>
  allowed.includes(host) || allowed.includes(hostname);
const bare = (hostname: string): string => hostname.replace(/^\[(.*)\]$/, "$1");

function checkedUrl(text: string, allowed: readonly string[]): URL {
  if (!URL.canParse(text)) throw new Error("no URL");
  const url = new URL(text);
  if (url.protocol !== "https:" && url.protocol !== "http:") throw new Error("neither https nor http");
  if (url.username !== "" || url.password !== "") throw new Error("carries credentials");
  if (isAllowed(url, allowed)) return url;
  if (url.protocol !== "https:") throw new Error("not https, and its host is not allowed");
  // A literal address is never resolved, so the connection would not ask.
  const literal = bare(url.hostname);
  if (isIP(literal) !== 0 && !isPublicAddress(literal)) throw new Error("an address that is not public");
  return url;
}

/** Resolves names to public addresses only, for the connection itself: what is checked is what is connected to. */
const publicLookup: LookupFunction = (hostname, options, done) => {
  resolve(hostname, { ...options, all: true }, (error, addresses: LookupAddress[]) => {
    const [first] = addresses ?? [];
    if (error || first === undefined) return done(error ?? new Error("no address"), "", 0);
    if (!addresses.every(({ address }) => isPublicAddress(address)))
      return done(new Error("an address that is not public"), "", 0);
    return options.all ? done(null, addresses) : done(null, first.address, first.family);
  });
};

function send(url: URL, body: string | undefined, signal: AbortSignal, bounds: FetchBounds) {
  const options: ClientRequestArgs = {
    method: body === undefined ? "GET" : "POST",
    headers: {
      accept: bounds.accept ?? "application/json",
      // What is not compressed cannot grow.
      "accept-encoding": "identity",
      ...(body === undefined ? {} : { "content-type": "application/json", "content-length": Buffer.byteLength(body) }),
    },
    signal,
    // No connection is kept for whoever comes next.
    agent: false,
    ...(isAllowed(url, bounds.allowedHosts) ? {} : { lookup: publicLookup }),
  };
  return new Promise<IncomingMessage>((done, fail) => {
    const request = (url.protocol === "https:" ? tlsRequest : plainRequest)(url, options, done);
    request.on("error", (error) => fail(reasonOf(error, signal)));
    // Without an error too: after a switch of protocols nobody asked for, node says no more than this.
    request.on("close", () => fail(new Error("closes without an answer")));
    request.end(body);
  });
}

async function read(response: IncomingMessage, maxBytes: number, signal: AbortSignal): Promise<Buffer> {
  const chunks: Buffer[] = [];
  let size = 0;
  try {
    for await (const chunk of response as AsyncIterable<Buffer>) {
      size += chunk.length;
      if (size > maxBytes) throw new Error(`answers with more than ${maxBytes} bytes`);
      chunks.push(chunk);
    }
  } catch (error) {
    throw reasonOf(error as Error, signal);
  } finally {
    response.destroy();
  }
  return Buffer.concat(chunks);
}

const reasonOf = (error: Error, signal: AbortSignal): Error =>
  signal.aborted ? new Error("no answer in time", { cause: error }) : error;
