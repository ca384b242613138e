// SPDX-License-Identifier: MIT
// What gateways use of the facilitator.
export { EXTENSION } from "./service.ts";
export { PERMIT2 } from "./permit2.ts";
export { REASONS } from "./reasons.ts";
export { paymentRequestId, type PaymentKey } from "./request-id.ts";
