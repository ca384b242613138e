// RSA as Node has it, beside what is on chain: keys, signatures, and encodings that are wrong in one place.
import {
  constants,
  createHash,
  createPublicKey,
  generateKeyPairSync,
  privateEncrypt,
  sign,
  type KeyObject,
} from "node:crypto";
import { hexlify, keccak256, solidityPackedKeccak256 } from "ethers";
import { keyIdOf } from "./protocol.ts";

export const sha256 = (...parts: Uint8Array[]): Buffer => {
  const hash = createHash("sha256");
  for (const part of parts) hash.update(part);
  return hash.digest();
};

export interface RsaKey {
  readonly privateKey: KeyObject;
  /** DER SubjectPublicKeyInfo. */
  readonly der: Buffer;
  readonly publicKey: string;
  readonly keyId: string;
  /** As OpenGradient names enclaves. */
  readonly teeId: string;
  readonly modulus: bigint;
}

function keyFrom(privateKey: KeyObject): RsaKey {
  const publicKey = createPublicKey(privateKey);
  const der = publicKey.export({ type: "spki", format: "der" });
  const { n } = publicKey.export({ format: "jwk" });
  return {
    privateKey,
    der,
    publicKey: hexlify(der),
    keyId: keyIdOf(2, hexlify(der)),
    teeId: keccak256(der),
    modulus: BigInt(`0x${Buffer.from(n!, "base64url").toString("hex")}`),
  };
}

/** A new key. */
export const newRsaKey = (modulusLength = 2048, publicExponent = 65537): RsaKey =>
  keyFrom(generateKeyPairSync("rsa", { modulusLength, publicExponent }).privateKey);

/** A signature as OpenGradient's gateways make it: over these 32 bytes, which PSS hashes once more. */
export function pssSignature(key: RsaKey, message: string, saltLength = 32): Buffer {
  return sign("sha256", Buffer.from(message.slice(2), "hex"), {
    key: key.privateKey,
    padding: constants.RSA_PKCS1_PSS_PADDING,
    saltLength,
  });
}

/** EMSA-PSS before it is put together; a test may replace any part. */
export interface Encoding {
  salt: Buffer;
  /** What the hash is over instead of the message. */
  message: Buffer;
  /** Eight bytes before the hashed message. */
  prefix: Buffer;
  /** 190 bytes before the salt. */
  zeros: Buffer;
  separator: number;
  trailer: number;
  /** Set in the first byte of all after masking. */
  topBit: boolean;
  /** Of the hash, after the mask was made from it. */
  hash?: (right: Buffer) => Buffer;
  /** Of the mask. */
  seed?: (hash: Buffer) => Buffer;
}

function mgf1(seed: Buffer, length: number): Buffer {
  const blocks: Buffer[] = [];
  for (let i = 0; i * 32 < length; i++) blocks.push(sha256(seed, Buffer.from([0, 0, 0, i])));
  return Buffer.concat(blocks).subarray(0, length);
}

/** The 256 bytes that are raised to the private exponent: a second, plain implementation. */
export function pssEncoding(message: string, over: Partial<Encoding> = {}): Buffer {
  const salt = over.salt ?? Buffer.alloc(32, 7);
  const wish: Encoding = {
    salt,
    message: Buffer.from(message.slice(2), "hex"),
    prefix: Buffer.alloc(8),
    zeros: Buffer.alloc(222 - salt.length),
    separator: 1,
    trailer: 0xbc,
    topBit: false,
    ...over,
  };
  const hash = sha256(wish.prefix, sha256(wish.message), wish.salt);
  const db = Buffer.concat([wish.zeros, Buffer.from([wish.separator]), wish.salt]);
  const mask = mgf1(wish.seed?.(hash) ?? hash, 223);
  const masked = Buffer.from(db.map((byte, i) => byte ^ mask[i]!));
  masked[0] = (masked[0]! & 0x7f) | (wish.topBit ? 0x80 : 0);
  return Buffer.concat([masked, wish.hash?.(hash) ?? hash, Buffer.from([wish.trailer])]);
}

/** The number whose 65537th power is this encoding. */
export function rawSignature(key: RsaKey, encoded: Buffer): Buffer {
  return privateEncrypt({ key: key.privateKey, padding: constants.RSA_NO_PADDING }, encoded);
}

/** A number in 256 bytes. */
export const bytes256 = (value: bigint): Buffer => Buffer.from(value.toString(16).padStart(512, "0"), "hex");

/** What a gateway signs of an answer. */
export const answerMessage = (requestHash: string, outputHash: string, timestamp: bigint): string =>
  solidityPackedKeccak256(["bytes32", "bytes32", "uint256"], [requestHash, outputHash, timestamp]);

/** What a gateway signs to say that it is alive. */
export const heartbeatMessage = (key: RsaKey, timestamp: bigint): string =>
  solidityPackedKeccak256(["bytes32", "uint256"], [key.teeId, timestamp]);
