// SPDX-License-Identifier: MIT
// One entry, sealed: "OGM1" ‖ salt 32 ‖ nonce 12 ‖ commitment 32 ‖ AES-256-GCM ciphertext ‖ tag 16.
//
//   secret     = HKDF-SHA256(memory key, salt, "OpenGradient memory entry 1" ‖ memoryId ‖ place)
//   key        = HKDF-SHA256(secret, "", "key")
//   commitment = HKDF-SHA256(secret, "", "commitment")
//
// The secret of one entry opens that entry and no other, so it can be handed out alone. The commitment holds whoever
// reveals it to one secret: GCM alone lets a sealer make bytes that open to two texts under two keys.
import { createCipheriv, createDecipheriv, hkdfSync, randomBytes, timingSafeEqual } from "node:crypto";
import { fromHex, type Hex } from "../protocol/index.ts";
import { MemoryError } from "./errors.ts";

const MAGIC = Buffer.from("OGM1");
const SALT = 32;
const NONCE = 12;
const COMMITMENT = 32;
const TAG = 16;
const HEADER = MAGIC.length + SALT + NONCE + COMMITMENT;
/** A sealed entry tells its length to so many bytes, and no closer. */
const PAD = 256;

/** Which entry of which memory: part of its key and of what its tag covers. */
export interface EntryPlace {
  memoryId: Hex;
  /** From 0 on. */
  place: number;
}
/** Where random bytes come from. */
export type RandomSource = (length: number) => Uint8Array;

/** What is readable of a sealed entry without a key. @throws {MemoryError} `bad_entry` */
export function headerOf(blob: Uint8Array): { salt: Uint8Array; nonce: Uint8Array; commitment: Uint8Array } {
  const body = blob.length - HEADER - TAG;
  if (body <= 0 || body % PAD !== 0 || MAGIC.compare(blob, 0, MAGIC.length) !== 0) throw new MemoryError("bad_entry");
  const salt = blob.subarray(MAGIC.length, MAGIC.length + SALT);
  const nonce = blob.subarray(MAGIC.length + SALT, HEADER - COMMITMENT);
  return { salt, nonce, commitment: blob.subarray(HEADER - COMMITMENT, HEADER) };
}

/** The secret that opens one sealed entry, from the memory's key. @throws {MemoryError} `bad_key`, `bad_entry` */
export function secretOf(memoryKey: Uint8Array, at: EntryPlace, blob: Uint8Array): Uint8Array {
  return derive(memoryKey, at, headerOf(blob).salt);
}

/** Encrypts an entry for its place. @throws {MemoryError} `bad_key` */
export function sealEntry(
  content: Uint8Array,
  memoryKey: Uint8Array,
  at: EntryPlace,
  random: RandomSource = randomBytes,
): Uint8Array {
  const [salt, nonce] = [random(SALT), random(NONCE)];
  const secret = derive(memoryKey, at, salt);
  const header = Buffer.concat([MAGIC, salt, nonce, expand(secret, "commitment")]);
  const padded = Buffer.alloc(content.length + PAD - (content.length % PAD));
  padded.set(content);
  padded[content.length] = 0x80;
  const cipher = createCipheriv("aes-256-gcm", expand(secret, "key"), nonce, { authTagLength: TAG });
  cipher.setAAD(Buffer.concat([header, placeBytes(at)]));
  return Buffer.concat([header, cipher.update(padded), cipher.final(), cipher.getAuthTag()]);
}

/**
 * Decrypts an entry with its own secret.
 * @throws {MemoryError} `bad_entry`, `wrong_key`, `entry_tampered`
 */
export function openEntry(blob: Uint8Array, at: EntryPlace, secret: Uint8Array): Uint8Array {
  const { nonce, commitment } = headerOf(blob);
  if (!timingSafeEqual(expand(secret, "commitment"), commitment)) throw new MemoryError("wrong_key", { ...at });
  const decipher = createDecipheriv("aes-256-gcm", expand(secret, "key"), nonce, { authTagLength: TAG });
  decipher.setAAD(Buffer.concat([blob.subarray(0, HEADER), placeBytes(at)]));
  decipher.setAuthTag(blob.subarray(blob.length - TAG));
  let padded: Buffer;
  try {
    padded = Buffer.concat([decipher.update(blob.subarray(HEADER, blob.length - TAG)), decipher.final()]);
  } catch (cause) {
    throw new MemoryError("entry_tampered", { ...at }, cause);
  }
  return padded.subarray(0, padded.lastIndexOf(0x80));
}

function derive(memoryKey: Uint8Array, at: EntryPlace, salt: Uint8Array): Uint8Array {
  if (memoryKey.length !== 32) throw new MemoryError("bad_key", { length: memoryKey.length });
  const info = Buffer.concat([Buffer.from("OpenGradient memory entry 1"), placeBytes(at)]);
  return new Uint8Array(hkdfSync("sha256", memoryKey, salt, info, 32));
}

function expand(secret: Uint8Array, info: string): Uint8Array {
  return new Uint8Array(hkdfSync("sha256", secret, new Uint8Array(0), info, 32));
}

function placeBytes({ memoryId, place }: EntryPlace): Buffer {
  const bytes = Buffer.alloc(40);
  bytes.set(fromHex(memoryId, 32));
  bytes.writeBigUInt64BE(BigInt(place), 32);
  return bytes;
}
