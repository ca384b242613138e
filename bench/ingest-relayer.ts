// SPDX-License-Identifier: GPL-3.0-or-later
// A relayer in a process of its own, so that its memory is its own. Only what it reads of the chain is given: the one
// key and any model. Everything it does with a submission is real.
import type { ChainReader } from "../relayer/chain/reader.ts";
import { createRelayer } from "../relayer/app.ts";
import { parseConfig } from "../relayer/config/index.ts";
import type { Domain, Hex } from "../relayer/protocol/index.ts";

const [dataDir, keyId, signer, databaseUrl] = process.argv.slice(2) as [string, Hex, Hex, string | undefined];
const domain: Domain = { chainId: 31337n, verifyingContract: `0x${"11".repeat(20)}` };
const never = 2n ** 64n - 1n;
const now = (): bigint => BigInt(Math.floor(Date.now() / 1000));

const chain: ChainReader = {
  domain,
  signingKey: async (id) =>
    id === keyId ? { signer, kind: 0, validFrom: 1n, validUntil: never, distrustedFrom: never, frozenUntil: 0n } : null,
  modelState: async () => ({
    modes: 1,
    verifier: `0x${"00".repeat(20)}`,
    distrustedFrom: never,
    frozenUntil: 0n,
    verifierDistrustedFrom: never,
    verifierFrozenUntil: 0n,
    blockedFrom: never,
  }),
  verifyingKey: async () => null,
  measurementState: async () => null,
  settledAt: async () => 0n,
  verification: async () => {
    throw new Error("not asked in this measurement");
  },
  settlementStatus: async () => ({ pausedUntil: 0n, closesAt: 0n }),
  head: async () => ({ number: 1, timestamp: now(), baseFeePerGas: 1n }),
};

const week = 7 * 86_400_000;
const config = parseConfig({
  chain: { chainId: 31337, registry: domain.verifyingContract, rpcUrls: ["http://127.0.0.1:9"] },
  http: { port: 0, requestsPerSecond: 1e6, burst: 1e6, batchesPerMinutePerKey: 1e6, receiptsPerMinutePerKey: 1e6 },
  store: { dataDir, ...(databaseUrl === undefined ? {} : { databaseUrl }) },
  // Ingestion alone is measured: nothing is settled meanwhile.
  settlement: { policy: { maxCount: 1e9, patientMs: week, impatientMs: week } },
  sealing: { policy: { maxCount: 1e9, patientMs: week, impatientMs: week } },
});
const silent = (): void => undefined;
const relayer = await createRelayer(config, {
  chain,
  signer: { address: `0x${"22".repeat(20)}`, signTransaction: () => Promise.reject(new Error("nothing is sent")) },
  log: { info: silent, warn: silent, error: (details, message) => console.error(message, details) },
});

process.on("message", (message) => {
  if (message === "usage") {
    const { user, system } = process.cpuUsage();
    // Garbage that waits for its collection is no growth; what stays after it is.
    globalThis.gc?.();
    process.send?.({ rss: process.memoryUsage().rss, cpu: user + system });
  }
  if (message === "close") void relayer.close().then(() => process.exit(0));
});
process.on("disconnect", () => process.exit(1));
process.send?.({ url: relayer.url });
