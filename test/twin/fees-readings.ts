import type { FeesReading, FeeState } from "../../relayer/twin/fees.ts";
import { NOTICE, PERCENT } from "./fees-support.ts";

/** 2026-11-21 12:40:05 UTC */
export const NOON = 1_795_264_805;

/** Tenths of a percent, as a share of 1e18. */
export const tenths = (count: number): bigint => (PERCENT * BigInt(count)) / 10n;

/** A fee, in tenths of a percent. */
export function fee(present: number, increase?: [tenths: number, effectiveAt: number]): FeeState {
  return {
    present: tenths(present),
    increase: increase ? { percent: tenths(increase[0]), effectiveAt: increase[1] } : null,
    cap: tenths(50),
  };
}

export function reading(
  number: number,
  timestamp: number,
  protocol: FeeState,
  subject: FeeState = fee(25),
): FeesReading {
  const hash = `0x${number.toString(16).padStart(64, "0")}`;
  return { block: { number, hash, timestamp }, fees: { protocol, subject }, notice: NOTICE };
}
