// SPDX-License-Identifier: MIT
// A user's context over `MemoryRegistry`: the owner's side, and the verifier's, which needs the chain and the blobs only.
export { CONTEXT_REASONS, memoryRegistry } from "./abi.ts";
export { fileBlobs, getBlob, type BlobStore } from "./blobs.ts";
export * from "./context.ts";
export * from "./entry.ts";
export { MemoryError, type MemoryProblem } from "./errors.ts";
export * from "./history.ts";
export { fileJournal, type Journal, type Waiting } from "./journal.ts";
export { openMemory, type Memory, type MemoryOptions } from "./memory.ts";
