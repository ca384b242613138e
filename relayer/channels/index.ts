// SPDX-License-Identifier: MIT
// Payment channels over `InferenceEscrow`, off chain: the payer's side, the node's side, and collecting.
export { collectedOf, inferenceEscrow, REFUSALS, type Collected, type Refusal } from "./abi.ts";
export * from "./collect.ts";
export { createCollector, type Collection, type CollectorOptions, type LeftOut } from "./collector.ts";
export * from "./errors.ts";
export * from "./escrow.ts";
export { parseAnswer, parseRequest, type ChannelRequest, type WireAnswer, type WireRequest } from "./messages.ts";
export { answerToWire } from "./messages.ts";
export { createPayee, type Payee, type PayeeOptions, type Work } from "./payee.ts";
export { openPayeeStore, type PayeeStore } from "./payee-store.ts";
export { createPayer, type Payer, type PayerOptions, type Pending, type VoucherSigner, type Wish } from "./payer.ts";
export { openPayerStore, type PayerStore } from "./payer-store.ts";
