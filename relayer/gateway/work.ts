// SPDX-License-Identifier: MIT
// What a model is given of a gateway: so much time, and so many bytes to answer with.
import type { Answer } from "../node/index.ts";
import type { Product } from "./terms.ts";

export interface WorkBounds {
  maxAnswerBytes: number;
  /** A model that takes longer has failed; what it answers then is not taken. Milliseconds. */
  maxWorkMs: number;
}

/**
 * Hands parts out until they are larger than an answer may be. Beyond that the work fails, and who asked for more than is
 * kept must not have read all of it by then.
 * @param emit Is told the size of all parts so far, in bytes.
 */
export function boundedEmit(maxBytes: number, emit: (part: string, size: number) => void): (part: string) => void {
  let size = 0;
  return (part) => {
    if (size + Buffer.byteLength(part) > maxBytes) throw new RangeError("the answer is larger than what is kept");
    size += Buffer.byteLength(part);
    emit(part, size);
  };
}

/**
 * Runs a product's model within bounds. One that never answered would keep its place to work in for ever.
 * @param emit Is told the size of all parts so far, in bytes.
 * @throws {RangeError} if it takes too long or says too much, and whatever the model throws
 */
export async function boundedWork(
  product: Pick<Product, "infer">,
  request: { body: Uint8Array; resource: string },
  { maxAnswerBytes, maxWorkMs }: WorkBounds,
  emit: (part: string, size: number) => void,
): Promise<Answer> {
  const timeUp = new AbortController();
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<never>((_, reject) => {
    timer = setTimeout(() => {
      const error = new RangeError(`the model did not answer within ${maxWorkMs} ms`);
      reject(error);
      timeUp.abort(error);
    }, maxWorkMs).unref();
  });
  const parts = boundedEmit(maxAnswerBytes, emit);
  const inTime = (part: string): void => {
    timeUp.signal.throwIfAborted();
    parts(part);
  };
  try {
    const running = product.infer({ ...request, emit: inTime, signal: timeUp.signal });
    const answer = await Promise.race([running, late]);
    if (answer.body.length > maxAnswerBytes) throw new RangeError("the answer is larger than what is kept");
    return answer;
  } finally {
    clearTimeout(timer);
  }
}
