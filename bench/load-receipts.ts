// SPDX-License-Identifier: MIT
import { randomBytes } from "node:crypto";
import { toHex, ZERO_HASH, type Hex, type Receipt } from "../relayer/protocol/index.ts";

/** A receipt as nodes make them: nothing of it repeats but key and model. */
export function benchReceipt(keyId: Hex): Receipt {
  const random = toHex(randomBytes(96));
  return {
    requestId: `0x${random.slice(2, 66)}`,
    modelId: `0x${"33".repeat(32)}`,
    inputHash: `0x${random.slice(66, 130)}`,
    outputHash: `0x${random.slice(130)}`,
    outputScheme: 0,
    contextHash: ZERO_HASH,
    keyId,
    payer: `0x${"44".repeat(20)}`,
    sequence: 0n,
    cumulativeFee: 10n ** 16n,
    completedAt: BigInt(Math.floor(Date.now() / 1000)),
    mode: 0,
  };
}
