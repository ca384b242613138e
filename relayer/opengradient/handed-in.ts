// SPDX-License-Identifier: MIT
// What OpenGradient's gateways send, read to the letter. Nothing here asks a chain.
import { Problem, type ProblemCode } from "../api/problems.ts";
import type { GatewayAnswer, Hex } from "../protocol/index.ts";

/** How a gateway wants an answer settled, by `x-settlement-type`. */
export type SettlementType = "private" | "batch" | "individual";

/** An answer of a gateway, with the name of the enclave that signed it. */
export interface HandedAnswer {
  type: "batch" | "individual";
  teeId: Hex;
  answer: GatewayAnswer;
  /** 256 bytes. */
  signature: Uint8Array<ArrayBuffer>;
}

/** A sign of life of a gateway. */
export interface HandedHeartbeat {
  teeId: Hex;
  /** Unix seconds. */
  timestamp: bigint;
  signature: Uint8Array<ArrayBuffer>;
}

type Fields = Readonly<Record<string, unknown>>;

/** Unix seconds beyond this are no time of an answer. */
const TIME_LIMIT = 1n << 40n;

/**
 * Reads the headers of `/settle_data`. Fields that are not of the protocol are passed over: nothing is kept of them.
 * @throws {Problem} naming the first thing that is wrong.
 */
export function readSettlement(
  headers: { type: string | undefined; data: string | undefined },
  maxDataBytes: number,
): { type: "private" } | HandedAnswer {
  const type = readType(headers.type);
  if (type === "private") return { type };
  const data = headers.data?.trim() ?? "";
  if (data === "") throw new Problem("missing_settlement_data");
  if (data.length > maxDataBytes)
    throw new Problem("header_too_large", `x-settlement-data: at most ${maxDataBytes} bytes`);
  const fields = readFields(data);
  const handed: HandedAnswer = {
    type,
    teeId: hash(fields, "tee_id", "bad_tee_id"),
    answer: {
      requestHash: hash(fields, "input_hash", "bad_input_hash"),
      outputHash: hash(fields, "output_hash", "bad_output_hash"),
      timestamp: timeOf(fields),
    },
    signature: signatureOf(fields["tee_signature"], "tee_signature"),
  };
  if (type === "individual") checkIndividual(fields);
  return handed;
}

/** Reads the body of `/heartbeat`. @throws {Problem} naming the first thing that is wrong. */
export function readHeartbeat(body: unknown, contract: Hex): HandedHeartbeat {
  if (!isFields(body)) throw new Problem("malformed", "A heartbeat is a JSON object");
  const { contractAddress } = body;
  if (contractAddress !== undefined) {
    if (typeof contractAddress !== "string" || contractAddress.toLowerCase() !== contract)
      throw new Problem("wrong_chain", `Heartbeats are carried to ${contract}; set HEARTBEAT_CONTRACT_ADDRESS to it`);
  }
  return {
    teeId: hash(body, "teeId", "bad_tee_id"),
    timestamp: time(body["timestamp"], "timestamp"),
    signature: signatureOf(body["signature"], "signature"),
  };
}

function readType(header: string | undefined): SettlementType {
  const type = header?.trim().toLowerCase() ?? "";
  if (type === "") return "batch";
  if (type === "private" || type === "batch" || type === "individual") return type;
  throw new Problem("unknown_settlement_type");
}

const isFields = (value: unknown): value is Fields =>
  typeof value === "object" && value !== null && !Array.isArray(value);

/** Base64 of the JSON of an object, exactly. */
function readFields(data: string): Fields {
  const bytes = base64(data);
  if (!bytes) throw new Problem("malformed_settlement_data", "x-settlement-data is not base64");
  let value: unknown;
  try {
    value = JSON.parse(new TextDecoder("utf-8", { fatal: true }).decode(bytes));
  } catch {
    throw new Problem("malformed_settlement_data", "x-settlement-data is not base64 of JSON");
  }
  if (!isFields(value)) throw new Problem("malformed_settlement_data", "x-settlement-data is not a JSON object");
  return value;
}

/** Standard base64 with its padding and in its one form, or undefined: Node would skip what is none. */
function base64(text: string): Uint8Array<ArrayBuffer> | undefined {
  if (text.length % 4 !== 0 || !/^[A-Za-z0-9+/]*={0,2}$/.test(text)) return undefined;
  const bytes = Buffer.from(text, "base64");
  return bytes.toString("base64") === text ? new Uint8Array(bytes) : undefined;
}

/** 32 bytes of hex, with 0x or, as gateways print hashes, without. */
function hash(fields: Fields, name: string, code: ProblemCode): Hex {
  const value = fields[name];
  const digits = typeof value === "string" ? /^(?:0x)?([0-9a-fA-F]{64})$/.exec(value)?.[1] : undefined;
  if (digits === undefined) throw new Problem(code, `${name} is not 32 bytes of hex`);
  return `0x${digits.toLowerCase()}`;
}

/** What was signed is `tee_timestamp`; a `timestamp` beside it that says another time would be settled by nobody. */
function timeOf(fields: Fields): bigint {
  const signed = time(fields["tee_timestamp"], "tee_timestamp");
  const other = fields["timestamp"];
  if (other !== undefined && time(other, "timestamp") !== signed)
    throw new Problem("bad_tee_timestamp", "timestamp is another time than tee_timestamp");
  return signed;
}

function time(value: unknown, name: string): bigint {
  const isWhole = typeof value === "number" ? Number.isSafeInteger(value) && value >= 0 : isDecimal(value);
  if (isWhole) {
    const seconds = BigInt(value as number | string);
    if (seconds < TIME_LIMIT) return seconds;
  }
  throw new Problem("bad_tee_timestamp", `${name} is not a time in unix seconds`);
}

const isDecimal = (value: unknown): boolean => typeof value === "string" && /^(?:0|[1-9][0-9]{0,12})$/.test(value);

function signatureOf(value: unknown, name: string): Uint8Array<ArrayBuffer> {
  const bytes = typeof value === "string" ? base64(value) : undefined;
  if (bytes?.length !== 256)
    throw new Problem("bad_tee_signature", `${name} is not base64 of the 256 bytes of RSA-2048`);
  return bytes;
}

/** What an individual answer has more. None of it is signed as it stands here, so none of it is kept or settled. */
function checkIndividual(fields: Fields): void {
  for (const name of ["input", "output"])
    if (!(name in fields)) throw new Problem("missing_input_or_output", `${name} is missing`);
  const address = fields["eth_address"];
  if (typeof address !== "string" || !/^0x[0-9a-fA-F]{40}$/.test(address)) throw new Problem("bad_eth_address");
}
