// SPDX-License-Identifier: GPL-3.0-or-later
import { loadModel, type ModelInput } from "./model.ts";
import type { ModelName } from "./models/definitions.ts";
import { createProver, type Proven, type Prover } from "./prover.ts";

/** What the pool asks of a child process. */
export interface ProverRequest {
  readonly id: number;
  readonly input: ModelInput;
  readonly binding: bigint;
}

/** What the child answers; an error travels as its parts, because classes do not survive the way. */
export type ProverReply =
  | { readonly id: number; readonly proven: Proven }
  | { readonly id: number; readonly error: { readonly name: string; readonly code: string; readonly message: string } };

let prover: Promise<Prover> | undefined;
let queue = Promise.resolve();

async function answer({ id, input, binding }: ProverRequest): Promise<ProverReply> {
  try {
    prover ??= loadModel(process.argv[2] as ModelName).then(createProver);
    return { id, proven: await (await prover).prove(input, binding) };
  } catch (cause) {
    const { name, message, code = "prover_failed" } = cause as Error & { code?: string };
    return { id, error: { name, code, message } };
  }
}

// One proof at a time: each already uses every core.
process.on("message", (request: ProverRequest) => {
  queue = queue.then(async () => {
    const reply = await answer(request);
    if (process.connected) process.send!(reply);
  });
});
// The parent is gone or done with us: snarkjs's threads would keep this process alive for ever.
process.on("disconnect", () => process.exit(0));
