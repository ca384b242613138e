// SPDX-License-Identifier: MIT
// A paid gateway before a node: sells its answers for x402 payments and over escrow channels.
export { answerClaim, PAYER_HEADER } from "./answers.ts";
export { createGateway, type GatewayOptions } from "./app.ts";
export { CHANNEL_SCHEME } from "./channel.ts";
export { localFacilitator, remoteFacilitator, type PaymentService } from "./charge.ts";
export * from "./client.ts";
export { RECEIPT_HEADER, type ReceiptHeader } from "./headers.ts";
export { measureSales, type GatewayMetrics } from "./metrics.ts";
export { keepReconciling, listOpenSales, reconcile, type OpenSale, type Reconciled } from "./reconcile.ts";
export type { ReconcileOptions } from "./reconcile.ts";
export { requestBytes, requestHash, type Money, type Product, type SoldRequest } from "./terms.ts";
export { endUnfetched, recordRefund } from "../store/sales.ts";
