// SPDX-License-Identifier: MIT
// What payer and node send each other, as JSON; the transport is theirs. Whole numbers travel as decimal strings.
import { z } from "zod";
import { receiptToWire, type SignedReceipt } from "../node/wire.ts";
import { fromHex, toHex, type Channel, type Hex, type Receipt } from "../protocol/index.ts";

const hex = (bytes: number) =>
  z
    .string()
    .regex(new RegExp(`^0x[0-9a-f]{${2 * bytes}}$`), `0x and ${2 * bytes} lower-case hex digits`)
    .transform((value) => value as Hex);
const uint = (bits: bigint) =>
  z
    .string()
    .regex(/^(?:0|[1-9][0-9]{0,38})$/, "a decimal string without leading zeros")
    .transform(BigInt)
    .refine((value) => value < 1n << bits, `below 2^${bits}`);
const uint8 = z.number().int().min(0).max(255);

const channelSchema = z.strictObject({
  payer: hex(20),
  signer: hex(20),
  nodeId: hex(32),
  modelId: hex(32),
  modeMask: z.number().int().min(1).max(7),
  lane: uint(64n),
});
const requestSchema = z.strictObject({
  channel: channelSchema,
  sequence: uint(64n).refine((value) => value > 0n, "sequences begin with 1"),
  inputHash: hex(32),
  contextHash: hex(32),
  maxCumulative: uint(128n),
  signature: hex(65),
});
const receiptSchema = z.strictObject({
  requestId: hex(32),
  modelId: hex(32),
  inputHash: hex(32),
  outputHash: hex(32),
  outputScheme: uint8,
  contextHash: hex(32),
  keyId: hex(32),
  payer: hex(20),
  sequence: uint(64n),
  cumulativeFee: uint(128n),
  completedAt: uint(64n),
  mode: uint8,
});
const answerSchema = z.strictObject({ receipt: receiptSchema, signature: hex(65) });

/** A request with its voucher, as a payer sends it beside whatever the model is asked. */
export type WireRequest = z.input<typeof requestSchema>;
/** An answer's receipt, as a node sends it beside whatever the model said. */
export type WireAnswer = z.input<typeof answerSchema>;

/** A request with its voucher. */
export interface ChannelRequest {
  channel: Channel;
  sequence: bigint;
  inputHash: Hex;
  /** The memory snapshot to answer with; zero for none. */
  contextHash: Hex;
  maxCumulative: bigint;
  /** 65 bytes of the channel's signer over the voucher. */
  signature: Hex;
}

/** @throws {z.ZodError} for anything that is no such message. */
export const parseRequest = (message: unknown): ChannelRequest => requestSchema.parse(message);
/** @throws {z.ZodError} for anything that is no such message. */
export const parseAnswer = (message: unknown): { receipt: Receipt; signature: Hex } => answerSchema.parse(message);

/** The one spelling that is compared and sent: an address in capitals is the same address. */
export const lowerHex = (value: Hex, bytes: number): Hex => toHex(fromHex(value, bytes));

/** The JSON form of a request. */
export function requestToWire({ channel, sequence, maxCumulative, ...rest }: ChannelRequest): WireRequest {
  return {
    ...rest,
    channel: { ...channel, lane: String(channel.lane) },
    sequence: String(sequence),
    maxCumulative: String(maxCumulative),
  };
}

/** The JSON form of an answer's receipt. */
export const answerToWire = ({ receipt, signature }: SignedReceipt): WireAnswer => ({
  receipt: receiptToWire(receipt),
  signature,
});
