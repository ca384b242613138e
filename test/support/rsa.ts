// RSA as Node has it, beside what is on chain: keys, signatures, and encodings that are wrong in one place.
import {
  constants,
  createHash,
  createPrivateKey,
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

const PUBLISHED =
  "MIIEvgIBADANBgkqhkiG9w0BAQEFAASCBKgwggSkAgEAAoIBAQDl1Qf28I70TOI9vUKkcwpoRbxWB1VsG5WfH8jPHh9mrup8/NPW" +
  "k06eJ5dU9gJULkazGYsBu6UGPnIH22E2i+Ld8vVqEmw15C3UyYXeh18Wf8cJKuzEd2is33m2Saf0USo2xspWG59bSlGD7f84QO1z" +
  "aaAMYlViXnacMrHOOmKfOR27ZxWmaFJPvLjo25QpCt+kNovXIB8KHEYE+/K+fmRvyawKH88PQL6wnBmw8hz3ivfTMumIb02fAv5l" +
  "NkX2mFfWfWrooIwyQbQnJVZ2eQWwaRw6AnK3oEKC4opPkMq/YMjQTLp/CDFlB4vX5l3SLKk3VSlUKbH8k+E+bqiz8pg5AgMBAAEC" +
  "ggEAK+ZC/TH5vEQrOqu53Pt0U3JuhOglst6Z96j0jEsuqEhk1bbdJ7E/ZQoe58WNsFKegnswiAY1gTnQQhvvN6IElWxg3//g13Jc" +
  "JrbPcS/eQ8foVqHyU5yTS+Hrt5veDtap/4h9AXGJQMCzTUXaZ/5O3KqiPXtS39U3RqKQP9n7GHpNsz1yYAh+2TNPCKSbLnxigHoJ" +
  "OzXpu1sHyFIx0znC2mWm0DdaVrEN2q6wyDAonoxNcLsSIjJCCeQq2gmFVuFGG1ZLm+hMNRzZXp92uCHHD7r6jtQ7XRmh4C7rqrYq" +
  "I5EdE+CtgEHvopoZDDulLqdt5QzP4M8oa8GfJWmYnq61OQKBgQD6hUmg0t3SYmm5MKgWE8kPdTrCHkf6a7eEEq09Bj+vL6jb1q8r" +
  "ehHkf0FrpLxOmhwwKUumorRlqoU2M5YBf/HxdDzZOTPawRZ+zH5EtwUDCyqwsKxTlcDIcIE3CQwGSrVBIDrLYLmDPKhMqgyusxFK" +
  "rMCbYp88L9PJm7Co6NGslwKBgQDq2+eY8+BAVQFbAwRBXQwhejCObkyRt4g8ilZa+NYU1Ui/uHJtY0vMk/8c/pIk8CrC+tYQr5Gs" +
  "RvwRxU/zTrfNune5rrC1lctofcUFuzB1TSRcM9ZCxVWUSw2Fodqu6AbEZ9f9aiZFr27WV8KBTmBGxJrAoLL3zkNI3AeJ6SnrrwKB" +
  "gEriaL3gClqG/F9VAgmHZIRwYF4COzXJ2RNrmckyAvtU3b7JD5eJZ6vLtjx9A6TjQCXNUkW/QPla3XL0PJS6MBIi0sWD6dIsAZNp" +
  "gRz9MExWnC4wwXJCw1um9ZkD5UpELqYHAkwk348xJIW2FxBpinOt6+0Gr96H1WDgXxA+d96FAoGBAJTyD8gN6ouCHZD1sc4uT5Iv" +
  "pvm9c+v6BHm4lhmttD+UIEYOmOtMzPaaaXGe9VpdwhDT+cytO+qRPi2bACBjLOhZOLLW2hTfQhgrozcGRy4tVUDwUxMXiTW5/4Jf" +
  "aowAdMI8xVte5ZTONLHVCHLvHNnkt+wwPjAwbLWZbWKGL+LbAoGBAKVB+vWMhsSbTGrrslwvJtjM722Pu+wiZBLQjwiiFeASQ2AQ" +
  "CgaMEjganfxzdFM54OSwov9Q//TpEBZOYwBo/kOGtejh17QMbxYjTfRttM3z0etBNOE9Vzgmn2PY9xBCztHIWyZNwLzEI6CUiCfG" +
  "oVKF7UYd2vSGVf8SZ95x0+2K";

/** A key that is the same in every run, for what is measured to the unit. Everybody has it: it protects nothing. */
export const fixedRsaKey = (): RsaKey =>
  keyFrom(createPrivateKey({ key: Buffer.from(PUBLISHED, "base64"), format: "der", type: "pkcs8" }));

/** A valid signature without chance: the salt is fixed. */
export const fixedSignature = (key: RsaKey, message: string): Buffer => rawSignature(key, pssEncoding(message));

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
