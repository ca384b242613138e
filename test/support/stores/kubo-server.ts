// SPDX-License-Identifier: MIT
// A small server that speaks the part of Kubo's RPC that the relayer uses. It computes CIDs by itself, from the bytes and
// the parameters, as Kubo does, keeps what it has, and refuses to remove what is pinned.
import { keccak_256 } from "@noble/hashes/sha3.js";
import { startStoreServer, type StoreReply, type StoreRequest, type StoreServer } from "./http-store.ts";

export interface KuboServer extends StoreServer {
  blocks: Map<string, Buffer>;
  pins: Set<string>;
}

const DIGITS = "abcdefghijklmnopqrstuvwxyz234567";
function base32(bytes: Uint8Array): string {
  let [out, value, bits] = ["", 0, 0];
  for (const byte of bytes) {
    value = ((value << 8) | byte) & 0xffff;
    bits += 8;
    for (; bits >= 5; bits -= 5) out += DIGITS[(value >> (bits - 5)) & 31];
  }
  return bits > 0 ? out + DIGITS[(value << (5 - bits)) & 31] : out;
}
const cidOf = (codec: number, digest: Uint8Array): string =>
  `b${base32(Uint8Array.from([1, codec, 0x1b, 32, ...digest]))}`;
const failed = (message: string): StoreReply => ({
  status: 500,
  body: JSON.stringify({ Message: message, Code: 0, Type: "error" }),
});

/** Fields of a protobuf message: numbers and bytes. */
function fields(bytes: Buffer): { id: number; value: number | Buffer }[] {
  const found: { id: number; value: number | Buffer }[] = [];
  let at = 0;
  const varint = (): number => {
    let [value, shift] = [0, 1];
    for (;;) {
      const byte = bytes[at++]!;
      value += (byte & 127) * shift;
      shift *= 128;
      if (byte < 128) return value;
    }
  };
  while (at < bytes.length) {
    const tag = varint();
    if (tag % 8 === 0) found.push({ id: tag >> 3, value: varint() });
    else {
      const length = varint();
      found.push({ id: tag >> 3, value: bytes.subarray(at, at + length) });
      at += length;
    }
  }
  return found;
}

/** Reads a UnixFS file, or a raw block; the sizes it claims must be those of its blocks. */
function cat(blocks: Map<string, Buffer>, cid: string): Buffer {
  const block = blocks.get(cid);
  if (!block) throw new Error(`block was not found locally (offline): ipld: could not find ${cid}`);
  if (!cid.startsWith("bafyb") && cid.startsWith("bafkr")) return block;
  const node = fields(block);
  const links = node.filter(({ id }) => id === 2).map(({ value }) => fields(value as Buffer));
  const data = fields(node.find(({ id }) => id === 1)!.value as Buffer);
  const parts = links.map((link) => cat(blocks, `b${base32(link.find(({ id }) => id === 1)!.value as Buffer)}`));
  const sizes = data.filter(({ id }) => id === 4).map(({ value }) => value);
  if (sizes.join() !== parts.map(({ length }) => length).join()) throw new Error("unixfs: block sizes do not match");
  const whole = Buffer.concat(parts);
  if (data.find(({ id }) => id === 3)?.value !== whole.length) throw new Error("unixfs: file size does not match");
  return whole;
}

function uploaded({ headers, body }: StoreRequest): Buffer {
  const boundary = /boundary=(.+)$/.exec(headers["content-type"] ?? "")![1]!;
  const start = body.indexOf("\r\n\r\n") + 4;
  return body.subarray(start, body.lastIndexOf(`\r\n--${boundary}--`));
}

export async function startKuboServer(): Promise<KuboServer> {
  const blocks = new Map<string, Buffer>();
  const pins = new Set<string>();
  const commands: Record<string, (request: StoreRequest, query: URLSearchParams) => StoreReply> = {
    "block/put": (request, query) => {
      const codec = { raw: 0x55, "dag-pb": 0x70 }[query.get("cid-codec") ?? "raw"];
      if (codec === undefined || query.get("mhtype") !== "keccak-256") return failed("unsupported");
      const bytes = uploaded(request);
      if (bytes.length > 1_048_576) return failed("produced block is over 1MiB: big blocks can't be exchanged");
      const cid = cidOf(codec, keccak_256(bytes));
      if (!blocks.has(cid)) blocks.set(cid, bytes);
      if (query.get("pin") === "true") pins.add(cid);
      return { status: 200, body: JSON.stringify({ Key: cid, Size: bytes.length }) };
    },
    "block/rm": (_, query) => {
      const cid = query.get("arg")!;
      if (pins.has(cid)) return failed("pinned: recursive");
      blocks.delete(cid);
      return { status: 200, body: JSON.stringify({ Hash: cid }) };
    },
    "pin/rm": (_, query) => {
      const cid = query.get("arg")!;
      return pins.delete(cid)
        ? { status: 200, body: JSON.stringify({ Pins: [cid] }) }
        : failed("not pinned or pinned indirectly");
    },
    cat: (_, query) => ({ status: 200, body: cat(blocks, query.get("arg")!) }),
  };
  const server = await startStoreServer((request) => {
    const { pathname, searchParams } = request.url;
    try {
      if (pathname.startsWith("/ipfs/") && request.method === "GET")
        return blocks.has(pathname.slice(6))
          ? { status: 200, body: cat(blocks, pathname.slice(6)) }
          : { status: 504, body: "context deadline exceeded" };
      const command = commands[pathname.replace("/api/v0/", "")];
      if (!command) return { status: 404 };
      if (request.method !== "POST") return { status: 405 };
      return command(request, searchParams);
    } catch (error) {
      return failed((error as Error).message);
    }
  });
  return Object.assign(server, { blocks, pins });
}
