// SPDX-License-Identifier: MIT
import { keccak_256 } from "./keccak.ts";
import type { Hex } from "./types.ts";

/** A value that no well-formed message of the protocol can hold. `code` is stable. */
export class ProtocolError extends Error {
  override readonly name = "ProtocolError";
  readonly code: string;
  constructor(code: string, message: string) {
    super(message);
    this.code = code;
  }
}

/** Lower-case hex of bytes. */
export function toHex(bytes: Uint8Array): Hex {
  return `0x${Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString("hex")}`;
}

/** Bytes of a hex string. Throws `malformed_hex` for anything else, odd digits included. */
export function fromHex(hex: string, length?: number): Uint8Array<ArrayBuffer> {
  const bytes = new Uint8Array(Math.max(0, (hex.length - 2) >> 1));
  writeHex(Buffer.from(bytes.buffer), 0, hex, length ?? bytes.length);
  return bytes;
}

/**
 * Writes a hex string of exactly `length` bytes into `target`.
 * Node's decoder stops at the first bad digit and reports how far it came, which is the whole check.
 */
export function writeHex(target: Buffer, offset: number, hex: string, length: number): void {
  const fits = hex.length === 2 + 2 * length && hex.charCodeAt(0) === 0x30 && hex.charCodeAt(1) === 0x78;
  if (!fits || (length > 0 && target.write(hex.slice(2), offset, "hex") !== length)) {
    throw new ProtocolError("malformed_hex", `Expected 0x and ${2 * length} hex digits, got ${describe(hex)}`);
  }
}

const LIMIT_64 = 1n << 64n;
const LIMIT_128 = 1n << 128n;

/** Writes a uint64, big endian. Throws `out_of_range`. */
export function writeUint64(target: Buffer, offset: number, value: bigint): void {
  if (value < 0n || value >= LIMIT_64) throw outOfRange("uint64", value);
  target.writeBigUInt64BE(value, offset);
}

/** Writes a uint128, big endian. Throws `out_of_range`. */
export function writeUint128(target: Buffer, offset: number, value: bigint): void {
  if (value < 0n || value >= LIMIT_128) throw outOfRange("uint128", value);
  target.writeBigUInt64BE(value >> 64n, offset);
  target.writeBigUInt64BE(value & (LIMIT_64 - 1n), offset + 8);
}

/** Writes a uint8. Throws `out_of_range`. */
export function writeUint8(target: Buffer, offset: number, value: number): void {
  if (!Number.isInteger(value) || value < 0 || value > 0xff) throw outOfRange("uint8", value);
  target[offset] = value;
}

/** Writes a uint32, big endian. Throws `out_of_range`. */
export function writeUint32(target: Buffer, offset: number, value: number): void {
  if (!Number.isInteger(value) || value < 0 || value > 0xffffffff) throw outOfRange("uint32", value);
  target.writeUInt32BE(value, offset);
}

/** Reads a uint128, big endian. */
export function readUint128(source: Buffer, offset: number): bigint {
  return (source.readBigUInt64BE(offset) << 64n) | source.readBigUInt64BE(offset + 8);
}

/** Buffer over the same memory. */
export function view(bytes: Uint8Array): Buffer {
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
}

/** keccak256 of bytes, as hex. */
export function keccak(bytes: Uint8Array): Hex {
  return toHex(keccak_256(bytes));
}

function outOfRange(type: string, value: bigint | number): ProtocolError {
  return new ProtocolError("out_of_range", `${value} is no ${type}`);
}

function describe(hex: string): string {
  return hex.length <= 80 ? JSON.stringify(hex) : `${hex.length} characters`;
}
