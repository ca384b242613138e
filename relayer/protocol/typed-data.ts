// SPDX-License-Identifier: MIT
// EIP-712 digests of receipts and batches. Written on preallocated bytes because every receipt that enters the relayer
// passes here; a property test holds it against ethers' TypedDataEncoder.
import { keccak_256 } from "./keccak.ts";
import { toHex, writeHex, writeUint128, writeUint32, writeUint64, writeUint8 } from "./bytes.ts";
import type { Batch, Domain, Hex, Receipt } from "./types.ts";

export const DOMAIN_NAME = "OpenGradient Inference";
export const DOMAIN_VERSION = "1";

export const RECEIPT_TYPE =
  "Receipt(bytes32 requestId,bytes32 modelId,bytes32 inputHash,bytes32 outputHash,uint8 outputScheme," +
  "bytes32 contextHash,bytes32 keyId,address payer,uint64 sequence,uint128 cumulativeFee,uint64 completedAt,uint8 mode)";
export const BATCH_TYPE = "Batch(bytes32 keyId,uint8 mode,bytes32 root,uint32 count,bytes32 dataHash,address settler)";
const DOMAIN_TYPE = "EIP712Domain(string name,string version,uint256 chainId,address verifyingContract)";

const text = (value: string): Uint8Array => keccak_256(new TextEncoder().encode(value));
const separators = new WeakMap<Domain, Uint8Array>();

/** The domain as ethers' `signTypedData` wants it. */
export function typedDataDomain(domain: Domain): {
  name: string;
  version: string;
  chainId: bigint;
  verifyingContract: Hex;
} {
  return {
    name: DOMAIN_NAME,
    version: DOMAIN_VERSION,
    chainId: domain.chainId,
    verifyingContract: domain.verifyingContract,
  };
}

/** EIP-712 domain separator, 32 bytes; remembered per domain object. */
export function domainSeparator(domain: Domain): Uint8Array {
  let separator = separators.get(domain);
  if (!separator) {
    const words = Buffer.alloc(5 * 32);
    words.set(text(DOMAIN_TYPE), 0);
    words.set(text(DOMAIN_NAME), 32);
    words.set(text(DOMAIN_VERSION), 64);
    writeHex(words, 96, `0x${domain.chainId.toString(16).padStart(64, "0")}`, 32);
    writeHex(words, 128 + 12, domain.verifyingContract, 20);
    separator = keccak_256(words);
    separators.set(domain, separator);
  }
  return separator;
}

// One buffer each for the lifetime of the process: the functions below are synchronous and never call out.
const receiptWords = Buffer.alloc(13 * 32);
receiptWords.set(text(RECEIPT_TYPE), 0);
const batchWords = Buffer.alloc(7 * 32);
batchWords.set(text(BATCH_TYPE), 0);
const envelope = Buffer.alloc(66);
envelope[0] = 0x19;
envelope[1] = 0x01;

function digest(domain: Domain, words: Buffer): Uint8Array {
  envelope.set(domainSeparator(domain), 2);
  envelope.set(keccak_256(words), 34);
  return keccak_256(envelope);
}

/** {@link receiptId} as 32 bytes. */
export function receiptIdBytes(domain: Domain, receipt: Receipt): Uint8Array {
  const words = receiptWords;
  writeHex(words, 32, receipt.requestId, 32);
  writeHex(words, 64, receipt.modelId, 32);
  writeHex(words, 96, receipt.inputHash, 32);
  writeHex(words, 128, receipt.outputHash, 32);
  writeUint8(words, 160 + 31, receipt.outputScheme);
  writeHex(words, 192, receipt.contextHash, 32);
  writeHex(words, 224, receipt.keyId, 32);
  writeHex(words, 256 + 12, receipt.payer, 20);
  writeUint64(words, 288 + 24, receipt.sequence);
  writeUint128(words, 320 + 16, receipt.cumulativeFee);
  writeUint64(words, 352 + 24, receipt.completedAt);
  writeUint8(words, 384 + 31, receipt.mode);
  return digest(domain, words);
}

/**
 * EIP-712 digest of a receipt, domain included: the only leaf, binding and replay key (R9).
 * Throws ProtocolError where a field has the wrong size or range.
 */
export function receiptId(domain: Domain, receipt: Receipt): Hex {
  return toHex(receiptIdBytes(domain, receipt));
}

/** EIP-712 digest of a batch: its identity. Throws ProtocolError where a field has the wrong size or range. */
export function batchDigest(domain: Domain, batch: Batch): Hex {
  const words = batchWords;
  writeHex(words, 32, batch.keyId, 32);
  writeUint8(words, 64 + 31, batch.mode);
  writeHex(words, 96, batch.root, 32);
  writeUint32(words, 128 + 28, batch.count);
  writeHex(words, 160, batch.dataHash, 32);
  writeHex(words, 192 + 12, batch.settler, 20);
  return toHex(digest(domain, words));
}

/** The proof signal that ties a proof to its receipt: the receipt id without its last byte, so that it fits the field. */
export function bindingOf(receiptIdHex: Hex): bigint {
  return BigInt(receiptIdHex) >> 8n;
}
