// SPDX-License-Identifier: MIT
// Payment channels (R5, R7): ids of channels and of requests in them, and what a payer's signer signs. Written on bytes;
// property tests hold it against ethers' encoders, and against the contract itself.
import { keccak_256 } from "./keccak.ts";
import { fromHex, keccak, toHex, writeHex, writeUint128, writeUint64, writeUint8 } from "./bytes.ts";
import type { Domain, Hex } from "./types.ts";

export const ESCROW_DOMAIN_NAME = "OpenGradient InferenceEscrow";
export const ESCROW_DOMAIN_VERSION = "1";
export const VOUCHER_TYPE = "Voucher(bytes32 channelId,uint64 sequence,bytes32 inputHash,uint128 maxCumulative)";
const DOMAIN_TYPE = "EIP712Domain(string name,string version,uint256 chainId,address verifyingContract)";

/** A way to pay one node for answers of one model version; one request at a time in each lane. */
export interface Channel {
  /** Whose balance pays. */
  payer: Hex;
  /** Who signs vouchers: the payer itself, or a session signer that the payer opened the channel for. */
  signer: Hex;
  nodeId: Hex;
  modelId: Hex;
  /** Mask of `1 << mode` that answers may be evidenced in. */
  modeMask: number;
  /** uint64; tells channels apart that agree in all else. */
  lane: bigint;
}

/** A channel, and the escrow it is paid from. */
export interface ChannelFields extends Channel {
  chainId: bigint;
  escrow: Hex;
}

/** What is signed for one request before it is served: most that the channel may have cost after it. */
export interface Voucher {
  channelId: Hex;
  /** uint64, from 1. */
  sequence: bigint;
  inputHash: Hex;
  /** uint128, OPG base units. */
  maxCumulative: bigint;
}

/** Id of a payment channel (R7). Throws ProtocolError where a field has the wrong size or range. */
export function channelId(channel: ChannelFields): Hex {
  const words = Buffer.alloc(8 * 32);
  writeHex(words, 0, `0x${channel.chainId.toString(16).padStart(64, "0")}`, 32);
  writeHex(words, 32 + 12, channel.escrow, 20);
  writeHex(words, 64 + 12, channel.payer, 20);
  writeHex(words, 96 + 12, channel.signer, 20);
  writeHex(words, 128, channel.nodeId, 32);
  writeHex(words, 160, channel.modelId, 32);
  writeUint8(words, 192 + 31, channel.modeMask);
  writeUint64(words, 224 + 24, channel.lane);
  return keccak(words);
}

/** Request id of a place in a payment channel (R5). */
export function channelRequestId(channel: Hex, sequence: bigint): Hex {
  const words = Buffer.alloc(2 * 32);
  writeHex(words, 0, channel, 32);
  writeUint64(words, 32 + 24, sequence);
  return keccak(words);
}

const text = (value: string): Uint8Array => keccak_256(new TextEncoder().encode(value));

/** EIP-712 digest of a voucher. @param escrow Chain and address of the `InferenceEscrow`. */
export function voucherDigest(escrow: Domain, voucher: Voucher): Hex {
  const separator = Buffer.alloc(5 * 32);
  separator.set(text(DOMAIN_TYPE), 0);
  separator.set(text(ESCROW_DOMAIN_NAME), 32);
  separator.set(text(ESCROW_DOMAIN_VERSION), 64);
  writeHex(separator, 96, `0x${escrow.chainId.toString(16).padStart(64, "0")}`, 32);
  writeHex(separator, 128 + 12, escrow.verifyingContract, 20);
  const words = Buffer.alloc(5 * 32);
  words.set(text(VOUCHER_TYPE), 0);
  writeHex(words, 32, voucher.channelId, 32);
  writeUint64(words, 64 + 24, voucher.sequence);
  writeHex(words, 96, voucher.inputHash, 32);
  writeUint128(words, 128 + 16, voucher.maxCumulative);
  return keccak(Buffer.concat([Buffer.from([0x19, 0x01]), keccak_256(separator), keccak_256(words)]));
}

/** A signature as `InferenceEscrow` takes it (EIP-2098): `vs` is s with v − 27 in its highest bit. */
export function compactSignature(signature: Hex): { r: Hex; vs: Hex } {
  const bytes = fromHex(signature, 65);
  const vs = bytes.slice(32, 64);
  if (bytes[64] === 28) vs[0]! |= 0x80;
  return { r: toHex(bytes.subarray(0, 32)), vs: toHex(vs) };
}
