// Bytes over a socket, as no HTTP client would send them: what a request says and what is sent need not agree.
import { connect } from "node:net";

/** What came back; `status` is 0 where the connection was closed without a word. */
export interface RawAnswer {
  status: number;
  headers: Record<string, string>;
  body: Buffer;
  /** The body was still going on when it was cut off: a stream. */
  open: boolean;
}

export interface RawOptions {
  /** Gives up, and says what came so far, after so long. Milliseconds. */
  timeoutMs?: number;
  /** Ends as soon as this is in the body: streams have no end. */
  until?: string;
  /** Half-closes after the last byte: a body that is cut short. */
  end?: boolean;
}

/** Sends bytes as they are, and reads what comes until the connection is closed. */
export function sendRaw(url: string, bytes: Buffer, options: RawOptions = {}): Promise<RawAnswer> {
  const { timeoutMs = 40_000, until, end = false } = options;
  const { hostname, port } = new URL(url);
  return new Promise((resolve) => {
    const chunks: Buffer[] = [];
    let size = 0;
    const socket = connect(Number(port), hostname, () => {
      socket.write(bytes);
      if (end) socket.end();
    });
    let closed = false;
    const done = (open: boolean): void => {
      if (closed) return;
      closed = true;
      clearTimeout(timer);
      socket.destroy();
      resolve({ ...parse(Buffer.concat(chunks)), open });
    };
    const timer = setTimeout(() => done(true), timeoutMs);
    socket.on("data", (chunk) => {
      chunks.push(chunk);
      size += chunk.length;
      if (until !== undefined && Buffer.concat(chunks).includes(until)) done(true);
      if (size > 50_000_000) done(true);
    });
    // A server that refused before it read all resets the connection; what it said came before.
    socket.on("error", () => done(false));
    socket.on("close", () => done(false));
  });
}

function parse(bytes: Buffer): Omit<RawAnswer, "open"> {
  let rest = bytes;
  for (;;) {
    const at = rest.indexOf("\r\n\r\n");
    if (at < 0) return { status: 0, headers: {}, body: rest };
    const [first, ...lines] = rest.subarray(0, at).toString("latin1").split("\r\n");
    const status = Number(/^HTTP\/1\.1 (\d{3})/.exec(first!)?.[1] ?? 0);
    const headers = Object.fromEntries(
      lines.map((line) => [line.slice(0, line.indexOf(":")).toLowerCase(), line.slice(line.indexOf(":") + 1).trim()]),
    );
    rest = rest.subarray(at + 4);
    if (status >= 100 && status < 200) continue; // 100 Continue goes before the answer
    const chunked = headers["transfer-encoding"] === "chunked";
    const length = Number(headers["content-length"] ?? rest.length);
    return { status, headers, body: chunked ? dechunk(rest) : rest.subarray(0, length) };
  }
}

function dechunk(bytes: Buffer): Buffer {
  const parts: Buffer[] = [];
  for (let at = 0; ;) {
    const line = bytes.indexOf("\r\n", at);
    const size = line < 0 ? 0 : Number.parseInt(bytes.subarray(at, line).toString("latin1"), 16);
    if (!(size > 0)) return Buffer.concat(parts);
    parts.push(bytes.subarray(line + 2, line + 2 + size));
    at = line + 2 + size + 2;
  }
}

export interface RawRequest {
  method: string;
  /** Path and query, as they go over the wire. */
  target: string;
  headers?: [string, string][];
  body?: Buffer;
  /** Sends the body in pieces of these sizes. */
  chunks?: number[];
  /** Leaves so many bytes of the body away, and hangs up. */
  cut?: number;
}

/** The bytes of a request: one to a connection. */
export function bytesOf({ method, target, headers = [], body, chunks, cut = 0 }: RawRequest): Buffer {
  const lines = [`${method} ${target} HTTP/1.1`, "host: relayer", "connection: close"];
  for (const [name, value] of headers) lines.push(`${name}: ${value}`);
  const parts: Buffer[] = [];
  if (body && chunks) {
    lines.push("transfer-encoding: chunked");
    for (let at = 0, n = 0; at < body.length; n++) {
      const piece = body.subarray(at, at + Math.max(1, chunks[n % chunks.length]!));
      parts.push(Buffer.from(`${piece.length.toString(16)}\r\n`), piece, Buffer.from("\r\n"));
      at += piece.length;
    }
    parts.push(Buffer.from("0\r\n\r\n"));
  } else if (body) {
    lines.push(`content-length: ${body.length}`);
    parts.push(body);
  }
  const sent = Buffer.concat(parts);
  const head = Buffer.from(`${lines.join("\r\n")}\r\n\r\n`, "latin1");
  return Buffer.concat([head, sent.subarray(0, Math.max(0, sent.length - cut))]);
}
