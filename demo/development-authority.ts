/** Certificates and documents of the form that AWS's have, well formed by default, and wrong where one says so. */
import { createHash, generateKeyPairSync, sign } from "node:crypto";
import { p384 } from "@noble/curves/nist.js";

export function der(tag: number, ...content: Uint8Array[]): Buffer {
  const body = Buffer.concat(content);
  const length = body.length;
  if (length < 0x80) return Buffer.concat([Buffer.from([tag, length]), body]);
  if (length < 0x100) return Buffer.concat([Buffer.from([tag, 0x81, length]), body]);
  return Buffer.concat([Buffer.from([tag, 0x82, length >> 8, length & 0xff]), body]);
}

export function cborHead(major: number, value: number): Buffer {
  if (value < 24) return Buffer.from([(major << 5) | value]);
  if (value < 0x100) return Buffer.from([(major << 5) | 24, value]);
  if (value < 0x10000) return Buffer.from([(major << 5) | 25, value >> 8, value & 0xff]);
  const long = Buffer.alloc(9);
  if (value < 0x100000000) {
    long[0] = (major << 5) | 26;
    long.writeUInt32BE(value, 1);
    return long.subarray(0, 5);
  }
  long[0] = (major << 5) | 27;
  long.writeBigUInt64BE(BigInt(value), 1);
  return long;
}

export function cborBytes(value: Uint8Array): Buffer {
  return Buffer.concat([cborHead(2, value.length), value]);
}

export function cborText(value: string): Buffer {
  return Buffer.concat([cborHead(3, value.length), Buffer.from(value)]);
}

const hex = (text: string): Buffer => Buffer.from(text, "hex");
export const ECDSA_WITH_SHA384 = hex("300a06082a8648ce3d040303");
const SPKI_P384 = hex("3076301006072a8648ce3d020106052b8104002203620004");
export const BASIC_CONSTRAINTS = "551d13";
export const KEY_USAGE = "551d0f";

/** A P-384 key. */
export interface Keys {
  /** x ‖ y. */
  readonly publicKey: Buffer;
  /** r ‖ s over SHA-384 of a message. */
  sign(message: Uint8Array): Buffer;
}

/** A key that nobody had before, OpenSSL's. */
export function newKeys(): Keys {
  const { privateKey, publicKey } = generateKeyPairSync("ec", { namedCurve: "P-384" });
  const jwk = publicKey.export({ format: "jwk" });
  return {
    publicKey: Buffer.concat([Buffer.from(jwk.x!, "base64url"), Buffer.from(jwk.y!, "base64url")]),
    sign: (message) => sign("sha384", message, { key: privateKey, dsaEncoding: "ieee-p1363" }),
  };
}

/** A key that whoever reads its name has; it signs a message the same way each time (RFC 6979). */
export function publishedKeys(name: string): Keys {
  const secret = createHash("sha384").update(name).digest();
  return {
    publicKey: Buffer.from(p384.getPublicKey(secret, false)).subarray(1),
    sign: (message) => Buffer.from(p384.sign(message, secret)),
  };
}

export function integer(bytes: Uint8Array): Buffer {
  let start = 0;
  while (start < bytes.length - 1 && bytes[start] === 0) start++;
  const rest = Buffer.from(bytes.subarray(start));
  return der(0x02, rest[0]! > 0x7f ? Buffer.concat([Buffer.alloc(1), rest]) : rest);
}

export function commonName(name: string): Buffer {
  return der(0x30, der(0x31, der(0x30, hex("0603550403"), der(0x0c, Buffer.from(name)))));
}

export function utcTime(seconds: number): Buffer {
  const digits = new Date(seconds * 1000).toISOString().replace(/[-:T]/g, "").slice(0, 14);
  return der(0x17, Buffer.from(`${digits.slice(2)}Z`));
}

export function extension(oid: string, critical: boolean, value: Uint8Array): Buffer {
  return der(0x30, der(0x06, hex(oid)), ...(critical ? [hex("0101ff")] : []), der(0x04, value));
}

/** One certificate before it is signed; every part may be replaced by other bytes. */
export interface Draft {
  version: Buffer;
  serial: Buffer;
  algorithm: Buffer;
  issuer: Buffer;
  validity: Buffer;
  subject: Buffer;
  key: Buffer;
  extensions: Buffer[];
  /** Stands behind the extensions. */
  tail: Buffer;
  outerAlgorithm: Buffer;
  /** What of the signature is written, instead of the right one. */
  signature?: (right: Buffer) => Buffer;
}

export interface Issued {
  readonly der: Buffer;
  readonly keys: Keys;
  readonly name: string;
}

export interface Wish {
  name: string;
  /** Path length; absent for none; false for an end entity. */
  authority?: number | true | false;
  from: number;
  to: number;
  keys?: Keys;
  change?: (draft: Draft) => void;
}

/** A certificate of `issuer`, or one of its own where there is none. */
export function issue(issuer: { keys: Keys; name: string } | undefined, wish: Wish): Issued {
  const keys = wish.keys ?? newKeys();
  const authority = wish.authority ?? true;
  const constraints =
    authority === false
      ? der(0x30)
      : der(0x30, hex("0101ff"), ...(authority === true ? [] : [hex("0201"), Buffer.from([authority])]));
  const draft: Draft = {
    version: hex("a003020102"),
    serial: integer(createHash("sha256").update(wish.name).digest().subarray(0, 16)),
    algorithm: ECDSA_WITH_SHA384,
    issuer: commonName(issuer?.name ?? wish.name),
    validity: der(0x30, utcTime(wish.from), utcTime(wish.to)),
    subject: commonName(wish.name),
    key: Buffer.concat([SPKI_P384, keys.publicKey]),
    extensions: [
      extension(BASIC_CONSTRAINTS, true, constraints),
      extension(KEY_USAGE, true, authority === false ? hex("030206c0") : hex("03020186")),
    ],
    tail: Buffer.alloc(0),
    outerAlgorithm: ECDSA_WITH_SHA384,
  };
  wish.change?.(draft);
  const body = der(
    0x30,
    draft.version,
    draft.serial,
    draft.algorithm,
    draft.issuer,
    draft.validity,
    draft.subject,
    draft.key,
    der(0xa3, der(0x30, ...draft.extensions)),
    draft.tail,
  );
  const raw = (issuer?.keys ?? keys).sign(body);
  const right = der(0x30, integer(raw.subarray(0, 48)), integer(raw.subarray(48)));
  const written = draft.signature ? draft.signature(right) : right;
  return {
    der: der(0x30, body, draft.outerAlgorithm, der(0x03, Buffer.alloc(1), written)),
    keys,
    name: wish.name,
  };
}

/** The fields of a document as [name, CBOR of the value]. */
export type Fields = [name: string, value: Buffer][];

export interface DocumentWish {
  /** The root first, the enclave's last. */
  chain: readonly Issued[];
  timestamp: number;
  publicKey?: Uint8Array;
  userData?: Uint8Array;
  pcrs?: [index: number, value: Uint8Array][];
  change?: (fields: Fields) => Fields;
  /** Replaces the CBOR of the map. */
  payload?: (right: Buffer) => Buffer;
  envelope?: (right: Buffer) => Buffer;
  signer?: Keys;
}

export function pcr(seed: number): Buffer {
  return createHash("sha384")
    .update(Buffer.from([seed]))
    .digest();
}

const optional = (value: Uint8Array | undefined): Buffer => (value ? cborBytes(value) : hex("f6"));

export function cborPcrs(pcrs: [index: number, value: Uint8Array][]): Buffer {
  return Buffer.concat([
    cborHead(5, pcrs.length),
    ...pcrs.flatMap(([index, value]) => [cborHead(0, index), cborBytes(value)]),
  ]);
}

/** A document signed by the last certificate's key. */
export function document(wish: DocumentWish): Buffer {
  const bundle = wish.chain.slice(0, -1);
  const own = wish.chain[wish.chain.length - 1]!;
  const pcrs =
    wish.pcrs ?? Array.from({ length: 16 }, (_, i) => [i, i < 3 ? pcr(i) : Buffer.alloc(48)] as [number, Buffer]);
  let fields: Fields = [
    ["module_id", cborText("i-0123456789abcdef0-enc0123456789abcdef")],
    ["digest", cborText("SHA384")],
    ["timestamp", cborHead(0, wish.timestamp)],
    ["pcrs", cborPcrs(pcrs)],
    ["certificate", cborBytes(own.der)],
    ["cabundle", Buffer.concat([cborHead(4, bundle.length), ...bundle.map((c) => cborBytes(c.der))])],
    ["public_key", optional(wish.publicKey)],
    ["user_data", optional(wish.userData)],
    ["nonce", optional(undefined)],
  ];
  fields = wish.change ? wish.change(fields) : fields;
  const map = Buffer.concat([
    cborHead(5, fields.length),
    ...fields.flatMap(([name, value]) => [cborText(name), value]),
  ]);
  const payload = cborBytes(wish.payload ? wish.payload(map) : map);
  const signed = Buffer.concat([hex("846a5369676e61747572653144a101382240"), payload]);
  const right = Buffer.concat([hex("8444a1013822a0"), payload, cborBytes((wish.signer ?? own.keys).sign(signed))]);
  return wish.envelope ? wish.envelope(right) : right;
}
