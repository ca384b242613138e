/** IPFS addresses as The Graph computes them for what is deployed: CIDv0, UnixFS in 256 KiB chunks. */
import { createHash } from "node:crypto";
import { encodeBase58, hexlify } from "ethers";

/** Files up to this size are one block. */
const CHUNK = 262_144;

function varint(value: number): number[] {
  const bytes: number[] = [];
  let rest = value;
  for (; rest >= 128; rest = Math.floor(rest / 128)) bytes.push((rest % 128) | 128);
  return [...bytes, rest];
}

/** A length-delimited field of a protocol buffer. */
function field(number: number, content: Uint8Array): Uint8Array {
  return Uint8Array.from([...varint((number << 3) | 2), ...varint(content.length), ...content]);
}

/**
 * Address of a file.
 * @throws RangeError for more than 256 KiB, which would be a tree of blocks: no file of the subgraph is that large.
 */
export function cidOf(content: Uint8Array): string {
  if (content.length > CHUNK) throw new RangeError(`${content.length} bytes are more than one block of ${CHUNK}`);
  // UnixFS: type 2 (file), its bytes, its size; wrapped as the data of a DAG-PB node without links.
  const unixfs = Uint8Array.from([
    0x08,
    0x02,
    ...(content.length === 0 ? [] : field(2, content)),
    0x18,
    ...varint(content.length),
  ]);
  const digest = createHash("sha256").update(field(1, unixfs)).digest();
  // Multihash: SHA-256, 32 bytes.
  return encodeBase58(hexlify(Uint8Array.from([0x12, 0x20, ...digest])));
}
