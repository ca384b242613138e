// SPDX-License-Identifier: MIT
// Which nodes can serve a request now, and if none can, why.
export { FITS, type Fit, nodeMatch, nodeRegistry } from "./abi.ts";
export * from "./errors.ts";
export * from "./match.ts";
export * from "./router.ts";
export * from "./snapshot.ts";
