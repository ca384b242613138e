// SPDX-License-Identifier: MIT
// The protocol's formats as pure functions: everything a node, a relayer or an auditor computes without a network.
export * from "./types.ts";
export { fromHex, keccak, ProtocolError, toHex } from "./bytes.ts";
export * from "./channels.ts";
export * from "./compact.ts";
export * from "./gateway-answers.ts";
export * from "./hashes.ts";
export * from "./leaves.ts";
export * from "./merkle.ts";
export * from "./merkle-log.ts";
export * from "./multiproof.ts";
export * from "./python-json.ts";
export * from "./signature.ts";
export * from "./typed-data.ts";
