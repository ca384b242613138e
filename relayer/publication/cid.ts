// SPDX-License-Identifier: MIT
// `dataHash` as IPFS names it. IPFS knows keccak-256, so the CID of a document that fits one block follows from what the
// chain says, and whoever knows a batch can ask any gateway for its leaves. Larger ones are a file of several blocks.
import { fromHex, keccak, type Hex } from "../protocol/index.ts";

/** Largest block that every node passes on. 4,922 receipts. */
export const MAX_BLOCK_BYTES = 1_048_576;
const CHUNK_BYTES = 262_144;

const CODECS = { raw: 0x55, "dag-pb": 0x70 } as const;
export type BlockCodec = keyof typeof CODECS;
const KECCAK_256 = 0x1b;

/** One block of a document, and its name. */
export interface Block {
  cid: string;
  codec: BlockCodec;
  bytes: Uint8Array<ArrayBuffer>;
}

/** CID of the block that has this keccak256. */
export function cidOf(codec: BlockCodec, hash: Hex): string {
  return `b${base32(cidBytes(codec, hash))}`;
}

const cidBytes = (codec: BlockCodec, hash: Hex): Uint8Array =>
  Uint8Array.from([1, CODECS[codec], KECCAK_256, 32, ...fromHex(hash, 32)]);

/** Blocks of a document, the one that names it last. */
export function blocksOf(document: Uint8Array): Block[] {
  if (document.length <= MAX_BLOCK_BYTES) return [blockOf("raw", new Uint8Array(document))];
  const chunks: Block[] = [];
  for (let at = 0; at < document.length; at += CHUNK_BYTES)
    chunks.push(blockOf("raw", new Uint8Array(document.subarray(at, at + CHUNK_BYTES))));
  return [...chunks, blockOf("dag-pb", fileNode(chunks))];
}

const blockOf = (codec: BlockCodec, bytes: Uint8Array<ArrayBuffer>): Block => ({
  ...{ codec, bytes },
  cid: cidOf(codec, keccak(bytes)),
});

/** A UnixFS file over chunks, as dag-pb: links before data, no field twice, so that there is one such node. */
function fileNode(chunks: readonly Block[]): Uint8Array<ArrayBuffer> {
  const size = chunks.reduce((sum, { bytes }) => sum + bytes.length, 0);
  const links = chunks.flatMap(({ codec, bytes }) => {
    const link = [...field(1, cidBytes(codec, keccak(bytes))), ...field(2, []), ...number(3, bytes.length)];
    return field(2, link);
  });
  const FILE = 2;
  const data = [...number(1, FILE), ...number(3, size), ...chunks.flatMap(({ bytes }) => number(4, bytes.length))];
  return Uint8Array.from([...links, ...field(1, data)]);
}

const varint = (value: number): number[] => (value < 128 ? [value] : [(value % 128) + 128, ...varint(value >> 7)]);
/** RFC 4648, lower case and without padding, as CIDs are written. */
function base32(bytes: Uint8Array): string {
  const bits = [...bytes].map((byte) => byte.toString(2).padStart(8, "0")).join("");
  const digits = bits.match(/.{1,5}/g) ?? [];
  return digits.map((five) => "abcdefghijklmnopqrstuvwxyz234567"[Number.parseInt(five.padEnd(5, "0"), 2)]).join("");
}

/** Protobuf: bytes, and a number. */
const field = (id: number, bytes: Iterable<number> & { length: number }): number[] => [
  ...[id * 8 + 2, ...varint(bytes.length)],
  ...bytes,
];
const number = (id: number, value: number): number[] => [id * 8, ...varint(value)];
