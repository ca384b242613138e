// SPDX-License-Identifier: MIT
import { z } from "zod";
import type { Hex } from "../protocol/index.ts";

/** 0x and 40 hex digits, made lower case. */
export const address = z
  .string()
  .regex(/^0x[0-9a-fA-F]{40}$/, "an address, 0x and 40 hex digits")
  .transform((value) => value.toLowerCase() as Hex);
/** An amount of wei, or of gas. */
export const wei = z
  .union([z.string().regex(/^[0-9]+$/), z.number().int().nonnegative()])
  .transform((value) => BigInt(value));
/** Milliseconds. */
export const millis = z.number().int().min(0);
export const GWEI = 1_000_000_000n;
export const MINUTE = 60_000;

/** A `WaitPolicy` of relayer/batches/policy.ts, with these defaults. */
export const waitPolicy = (defaults: { maxCount: number; patientMs: number; impatientMs: number; marginMs?: number }) =>
  z
    .strictObject({
      maxCount: z.number().int().min(1).default(defaults.maxCount).describe("so many go at once"),
      patientMs: millis.default(defaults.patientMs).describe("from this age on they go if gas is cheap"),
      impatientMs: millis.default(defaults.impatientMs).describe("from this age on they go at any price"),
      cheapBaseFee: wei.prefault(String(20n * GWEI)).describe("base fee up to which gas counts as cheap, wei per gas"),
      marginMs: millis
        .default(defaults.marginMs ?? 0)
        .describe("so long before the first deadline of an on-chain request among them they go at any price"),
    })
    .refine((policy) => policy.patientMs <= policy.impatientMs, "patientMs must not exceed impatientMs");
