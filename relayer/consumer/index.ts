// SPDX-License-Identifier: MIT
// For those who call consumer contracts from ethers: act on an inference that ran before, in one transaction.
export { LookupError, type Attempt, type LookupErrorCode, type Revert } from "./errors.ts";
export type { FetchBounds, Fetched } from "./fetch-bounded.ts";
export type { GatewayOptions } from "./gateways.ts";
export { prepareWithLookup, sendWithLookup, type LookupOptions, type Prepared, type Sent } from "./send-with-lookup.ts";
