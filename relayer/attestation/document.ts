// SPDX-License-Identifier: MIT
import { fromBytes, toBytes48 } from "./p384.ts";
import type { Signature384 } from "./signature-hints.ts";
import { createHash } from "node:crypto";

/** The document or a certificate in it cannot be read; the contract would refuse it too. */
export class DocumentError extends Error {
  override readonly name = "DocumentError";
}

/** What a Nitro document is made of, as far as verifying it needs. */
export interface NitroDocument {
  /** DER, the root first, the enclave's own last. */
  readonly certificates: readonly Uint8Array[];
  /** What the document's signature is over (RFC 9052, 4.4). */
  readonly signedBytes: Uint8Array;
  /** r ‖ s, 96 bytes. */
  readonly signature: Uint8Array;
  /** Unix milliseconds. */
  readonly timestamp: number;
  /** As the enclave gave it; empty where it gave none. So is `userData`. */
  readonly publicKey: Uint8Array;
  readonly userData: Uint8Array;
}

/** What a certificate says, as far as verifying it and what it signed needs. */
export interface Certificate {
  readonly body: Uint8Array;
  /** r ‖ s, 96 bytes. */
  readonly signature: Uint8Array;
  /** x ‖ y, 96 bytes. */
  readonly publicKey: Uint8Array;
}

const NULL = 0xf6;
const SIGNED_HEAD = Buffer.from("846a5369676e61747572653144a101382240", "hex");
const HEADERS = Buffer.from("44a1013822a0", "hex");
const P384_KEY = Buffer.from("3076301006072a8648ce3d020106052b8104002203620004", "hex");

/** Takes a document apart. It is not a judge: what it lets through, the contract still checks. */
export function readDocument(bytes: Uint8Array): NitroDocument {
  const data = Buffer.from(bytes);
  const envelope = new CborReader(data, 0);
  envelope.head(4);
  if (!data.subarray(envelope.at, envelope.at + 6).equals(HEADERS))
    throw new DocumentError("Not COSE_Sign1 with ES384");
  envelope.at += 6;
  const payloadHead = envelope.at;
  const payload = envelope.string(2);
  const signedBytes = Buffer.concat([SIGNED_HEAD, data.subarray(payloadHead, envelope.at)]);
  const signature = envelope.string(2);

  const reader = new CborReader(payload, 0);
  let bundle: Uint8Array[] = [];
  let own: Uint8Array | undefined;
  let timestamp = 0;
  let [publicKey, userData]: [Buffer, Buffer] = [Buffer.alloc(0), Buffer.alloc(0)];
  for (let left = reader.head(5); left > 0; left--) {
    const name = reader.string(3).toString();
    if (name === "cabundle") bundle = Array.from({ length: reader.head(4) }, () => reader.string(2));
    else if (name === "certificate") own = reader.string(2);
    else if (name === "timestamp") timestamp = reader.head(0);
    else if (name === "public_key") publicKey = reader.optional();
    else if (name === "user_data") userData = reader.optional();
    else reader.skip();
  }
  if (!own || bundle.length === 0) throw new DocumentError("The document has no certificates");
  return { certificates: [...bundle, own], signedBytes, signature, timestamp, publicKey, userData };
}

/** Takes a certificate apart. */
export function readCertificate(der: Uint8Array): Certificate {
  const data = Buffer.from(der);
  const outer = derValue(data, 0, 0x30);
  const body = derValue(data, outer.start, 0x30);
  const algorithm = derValue(data, body.end, 0x30);
  const bits = derValue(data, algorithm.end, 0x03);
  const pair = derValue(data, bits.start + 1, 0x30);
  const r = derValue(data, pair.start, 0x02);
  const s = derValue(data, r.end, 0x02);
  const key = data.indexOf(P384_KEY, body.start);
  if (key < 0) throw new DocumentError("The certificate's key is not of P-384");
  const keyStart = key + P384_KEY.length;
  return {
    body: data.subarray(outer.start, body.end),
    signature: Buffer.concat([r, s].map(({ start, end }) => toBytes48(fromBytes(data.subarray(start, end))))),
    publicKey: data.subarray(keyStart, keyStart + 96),
  };
}

/** The signature of a certificate under its issuer's key. */
export function certificateSignature(certificate: Certificate, issuer: Certificate): Signature384 {
  return { digest: sha384(certificate.body), signature: certificate.signature, publicKey: issuer.publicKey };
}

/** The signature of a document under its last certificate's key. */
export function documentSignature(document: NitroDocument): Signature384 {
  const own = readCertificate(document.certificates[document.certificates.length - 1]!);
  return { digest: sha384(document.signedBytes), signature: document.signature, publicKey: own.publicKey };
}

function sha384(bytes: Uint8Array): Uint8Array {
  return createHash("sha384").update(bytes).digest();
}

function derValue(data: Buffer, at: number, tag: number): { start: number; end: number } {
  if (data[at] !== tag) throw new DocumentError(`Expected tag ${tag} at ${at}`);
  const first = data[at + 1] ?? 0;
  const size = first > 0x7f ? first - 0x80 : 0;
  if (size > 2 || at + 2 + size > data.length) throw new DocumentError(`Bad length at ${at}`);
  const length = size === 0 ? first : data.readUIntBE(at + 2, size);
  const start = at + 2 + size;
  if (start + length > data.length) throw new DocumentError(`Bad length at ${at}`);
  return { start, end: start + length };
}

class CborReader {
  readonly data: Buffer;
  at: number;

  constructor(data: Buffer, at: number) {
    this.data = data;
    this.at = at;
  }

  /** The number in the head of an item of one major type. */
  head(major: number): number {
    const first = this.data[this.at];
    if (first === undefined || first >> 5 !== major) throw new DocumentError(`Expected type ${major} at ${this.at}`);
    const low = first & 0x1f;
    this.at += 1;
    if (low < 24) return low;
    const size = 1 << (low - 24);
    if (low > 27 || this.at + size > this.data.length) throw new DocumentError(`Bad number at ${this.at - 1}`);
    const value = Number(fromBytes(this.data.subarray(this.at, this.at + size)));
    this.at += size;
    return value;
  }

  string(major: number): Buffer {
    const length = this.head(major);
    if (this.at + length > this.data.length) throw new DocumentError(`The document ends inside a string at ${this.at}`);
    this.at += length;
    return this.data.subarray(this.at - length, this.at);
  }

  /** Bytes, or none where null stands. */
  optional(): Buffer {
    if (this.data[this.at] !== NULL) return this.string(2);
    this.at += 1;
    return Buffer.alloc(0);
  }

  /** Passes one string, null, or map of numbers to strings. */
  skip(): void {
    const major = (this.data[this.at] ?? 0) >> 5;
    if (major === 7) this.at += 1;
    else if (major === 5) {
      for (let left = this.head(5); left > 0; left--) {
        this.head(0);
        this.skip();
      }
    } else this.string(major);
  }
}
