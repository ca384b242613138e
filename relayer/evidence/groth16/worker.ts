// SPDX-License-Identifier: GPL-3.0-or-later
import { EvidenceError, type Hex } from "./encode.ts";
import { BatchVerifier, type BatchResult } from "./verifyBatch.ts";

/** What the pool sends to a child process. */
export interface WorkerRequest {
  id: number;
  key: Uint8Array;
  evidence: Uint8Array;
  receiptIds: Hex[];
}

/** What a child process answers, and once, when it is ready, that it is. */
export type WorkerReply =
  { id: number; result: BatchResult } | { id: number; error: { code?: string; message: string } } | { ready: true };

const send = (reply: WorkerReply): void => void process.send?.(reply);

// A child that has lost its parent has nobody to answer.
process.on("disconnect", () => process.exit(0));
// Ctrl-C reaches the whole process group; the pool decides when its children end.
process.on("SIGINT", () => undefined);

const verifier = await BatchVerifier.create();

process.on("message", ({ id, key, evidence, receiptIds }: WorkerRequest) => {
  try {
    send({ id, result: verifier.verify(key, evidence, receiptIds) });
  } catch (error) {
    const message = error instanceof Error ? error.message : String(error);
    send({ id, error: error instanceof EvidenceError ? { code: error.code, message } : { message } });
  }
});

send({ ready: true });
