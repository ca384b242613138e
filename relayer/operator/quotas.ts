// SPDX-License-Identifier: MIT
import { createBuckets } from "../api/limits.ts";
import { Problem } from "../api/problems.ts";
import { Mode, type Hex } from "../protocol/index.ts";
import type { ApiKey } from "../store/api-keys.ts";

export interface QuotaOptions {
  /** What a signing key may have settled on its own: batches, and receipts that carry a proof. A minute. */
  batchesPerMinutePerKey: number;
  /** Receipts without a proof that a signing key may hand in one by one. A minute. */
  receiptsPerMinutePerKey: number;
}

export interface Quotas {
  /**
   * Counts a submission that is new and properly signed. What is known already, or not signed by the key, costs its
   * owner nothing: else a stranger could use up a node's quota.
   * @throws {Problem} `quota_exceeded`
   */
  take(what: { kind: "batch" | "receipt"; keyId: Hex; mode: number; receipts: number }, under?: ApiKey): void;
}

/** Bounds what registered nodes can make this relayer pay for. Of this process: several relayers count apart. */
export function createQuotas(options: QuotaOptions, now: () => number = Date.now): Quotas {
  const { batchesPerMinutePerKey: batches, receiptsPerMinutePerKey: receipts } = options;
  const perMinute = (most: number) => createBuckets({ perSecond: most / 60, burst: most }, now);
  const [ofBatches, ofReceipts] = [perMinute(batches), perMinute(receipts)];
  const ofApiKeys = new Map<string, { most: number; buckets: ReturnType<typeof perMinute> }>();

  function refuse(wait: number, whose: string): void {
    if (wait > 0)
      throw new Problem("quota_exceeded", `The quota of ${whose} is used up`, { retryAfter: Math.ceil(wait) });
  }

  return {
    take({ kind, keyId, mode, receipts: count }, under) {
      // A receipt with a proof settles in a place of its own, and costs more there than a whole signed batch.
      const own = kind === "batch" || mode === Mode.ZKML ? ofBatches : ofReceipts;
      refuse(own.take(keyId), `signing key ${keyId}`);
      const most = under?.receiptsPerMinute;
      if (!under || most === null || most === undefined) return;
      let known = ofApiKeys.get(under.id);
      if (known?.most !== most) ofApiKeys.set(under.id, (known = { most, buckets: perMinute(most) }));
      refuse(known.buckets.take("", count), `API key ${under.id}`);
    },
  };
}
