// SPDX-License-Identifier: MIT
import { customType } from "drizzle-orm/pg-core";
import { fromHex, toHex, type Hex } from "../protocol/index.ts";

/** Ids, hashes, addresses: `bytea` in the database, lower-case hex in the program. */
export const hex = customType<{ data: Hex; driverData: Uint8Array }>({
  dataType: () => "bytea",
  toDriver: (value) => Buffer.from(fromHex(value)),
  fromDriver: (value) => toHex(value),
});

/** Documents, signatures, evidence: bytes on both sides. */
export const blob = customType<{ data: Uint8Array; driverData: Uint8Array }>({
  dataType: () => "bytea",
  toDriver: (value) => Buffer.from(value.buffer, value.byteOffset, value.byteLength),
  fromDriver: (value) => value,
});
