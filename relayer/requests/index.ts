// SPDX-License-Identifier: MIT
export { declineReason, mayPass, type AskedRequest, type Terms } from "./decide.ts";
export { declinedBecause, OutputMismatch, RequestStuck, type DeclineCode } from "./errors.ts";
export { artifactsOutput, circuitOutput, outputMatches, textOutput, type Output, type Part } from "./output.ts";
export { createRequestService, type RequestService, type RequestServiceOptions } from "./service.ts";
export { openAskedStore, type AskedStore } from "./store.ts";
