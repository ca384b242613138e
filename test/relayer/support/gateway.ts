// SPDX-License-Identifier: MIT
// A gateway over real HTTP, with a real node, a real relayer as its facilitator, the real token, and ledgers on the disk.
import { createAdaptorServer } from "@hono/node-server";
import { wrapFetchWithPayment } from "@x402/fetch";
import { encodePaymentSignatureHeader } from "@x402/core/http";
import { Wallet, hexlify, randomBytes } from "ethers";
import type { Server } from "node:http";
import type { AddressInfo } from "node:net";
import { join } from "node:path";
import {
  answerClaim,
  createGateway,
  PAYER_HEADER,
  reconcile,
  remoteFacilitator,
  type GatewayOptions,
  type Money,
  type PaymentService,
  type Product,
  type Reconciled,
} from "../../../relayer/gateway/index.ts";
import { createNode, localKey, openRequestStore } from "../../../relayer/node/index.ts";
import { artifactsHash, contentHash, type Hex } from "../../../relayer/protocol/index.ts";
import { openDatabase } from "../../../relayer/store/database.ts";
import { findSale, saleState, type SaleState } from "../../../relayer/store/sales.ts";
import { domain, removeDir, tempDir } from "./relayer.ts";
import { openPayments, PRICE, type Over, type Payments } from "./x402.ts";

export type Shop = Awaited<ReturnType<typeof openShop>>;
const modelId: Hex = `0x${"aa".repeat(32)}`;
const quiet = { info: () => undefined, warn: () => undefined, error: () => undefined };

/** Commits to an answer that is one text. */
export const outputHashOf = (body: Uint8Array): Hex =>
  artifactsHash([{ kind: 0, mediaType: "text/plain", hash: contentHash(body) }]);

export async function openShop(
  x402: Over = {},
  {
    chainId = 31337,
    confirmations = 1,
    plain = false,
    prepare = async () => undefined,
  }: {
    chainId?: number;
    confirmations?: number;
    /** Sell for a token that is paid with over Permit2. */
    plain?: boolean;
    /** Called before the relayer looks at the chain. */
    prepare?: (s: Payments) => Promise<void>;
  } = {},
) {
  const s = await openPayments(chainId, plain);
  await prepare(s);
  const [relayerDir, dir] = [tempDir(), tempDir()];
  const relayer = await s.start(relayerDir, { waitMs: 60_000, ...x402 }, { confirmations });
  const database = await openDatabase({ dataDir: join(dir, "gateway") });
  const requests = openRequestStore(join(dir, "requests.sqlite"));
  const key = localKey(hexlify(randomBytes(32)) as Hex);
  const node = createNode({ key, mode: 0, modelId, domain, relayer: "http://127.0.0.1:1", store: requests });
  const state = { runs: 0, during: (): Promise<unknown> => Promise.resolve() };
  const real = remoteFacilitator(`${relayer.url}/x402`);
  const money: Money = {
    ...{ chainId, token: s.asset.toLowerCase() as Hex, name: "OpenGradient", version: "1" },
    ...{ payTo: s.payTo.toLowerCase() as Hex, maxTimeoutSeconds: 3_600 },
    ...(plain ? { transfer: "permit2" as const } : {}),
  };
  const infer: Product["infer"] = async ({ body, emit }) => {
    state.runs++;
    for (const word of ["you", " said ", Buffer.from(body).toString()]) emit(word);
    await state.during();
    const text = Buffer.from(`you said ${Buffer.from(body).toString()}`);
    return { outputHash: outputHashOf(text), body: text };
  };
  const shared = { description: "an echo", mediaType: "text/plain", price: PRICE, node, infer };
  const products: Product[] = [
    { ...shared, path: "/a", streams: true, refuse: (body) => (body.length === 0 ? "ask something" : undefined) },
    { ...shared, path: "/b" },
    { ...shared, path: "/prepaid", charge: "before" },
    { ...shared, path: "/broken", infer: () => Promise.reject(new Error("out of memory")) },
    { ...shared, path: "/broken-prepaid", charge: "before", infer: () => Promise.reject(new Error("out of memory")) },
  ];
  const servers: Server[] = [];

  /** Another process over the same ledger. */
  async function start(over: Partial<GatewayOptions> = {}): Promise<string> {
    const app = createGateway({
      ...{ db: database.db, payments: real, money, products, publicUrl: "https://gateway.example", log: quiet },
      ...{ addressRate: { perSecond: 1_000, burst: 1_000 }, payerRate: { perSecond: 1_000, burst: 1_000 } },
      ...over,
    });
    const server = createAdaptorServer({ fetch: app.fetch }) as Server;
    await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
    servers.push(server);
    return `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  }

  async function stateOf(requestId: Hex): Promise<SaleState | undefined> {
    const sale = await findSale(database.db, requestId);
    return sale && saleState(sale);
  }

  return {
    ...{ s, relayer, state, real, start, db: database.db, products, money, requests, key },
    /** A stock client's fetch, unmodified. */
    fetchOf: (payer: Wallet) => wrapFetchWithPayment(fetch, s.clientOf(payer)),
    /** A payment's header, as a stock client would send it. */
    async headerOf(payer: Wallet): Promise<{ header: string; requestId: Hex }> {
      const payment = await s.pay(payer);
      // Signed for whichever resource: what clients say of it is left out.
      const { resource: _, ...rest } = payment;
      return { header: encodePaymentSignatureHeader(rest), requestId: s.requestIdOf(payment) as Hex };
    },
    stateOf,
    /** Asks for an answer again with the payer's signature. */
    async fetchAgain(at: string, requestId: Hex, by: Wallet): Promise<Response> {
      const until = Math.floor(Date.now() / 1_000) + 300;
      const proof = `${until}.${await by.signMessage(answerClaim(requestId, until))}`;
      return fetch(`${at}/answers/${requestId}`, { headers: { [PAYER_HEADER]: proof } });
    },
    /** Waits until a sale is in this state. */
    async reached(requestId: Hex, state: SaleState): Promise<void> {
      for (let tries = 0; (await stateOf(requestId)) !== state; tries++) {
        if (tries > 1_500) throw new Error(`the sale stays ${await stateOf(requestId)}, and should be ${state}`);
        await new Promise((resolve) => setTimeout(resolve, 20));
      }
    },
    reconcile: (payments: PaymentService = real, now?: () => number, staleMs = -1): Promise<Reconciled> =>
      reconcile({ db: database.db, payments, products, staleMs, log: quiet, ...(now ? { now } : {}) }),
    async close(): Promise<void> {
      for (const server of servers) {
        server.closeAllConnections();
        await new Promise((resolve) => server.close(resolve));
      }
      requests.close();
      await database.close();
      await relayer.close();
      await s.close();
      [relayerDir, dir].forEach(removeDir);
    },
  };
}

export const say = (header: string, body = "hello", more: Record<string, string> = {}): RequestInit => ({
  ...{ method: "POST", body },
  headers: { "PAYMENT-SIGNATURE": header, ...more },
});
