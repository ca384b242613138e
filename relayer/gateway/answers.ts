// SPDX-License-Identifier: MIT
// How answers leave: whole, as events, and again for who proves that they are theirs.
import { verifyMessage } from "ethers";
import type { ServerResponse } from "node:http";
import { Problem } from "../api/problems.ts";
import type { Hex } from "../protocol/index.ts";
import type { Database } from "../store/database.ts";
import { findSale, markServed, saleState, type SaleRow } from "../store/sales.ts";
import { isServable } from "./service.ts";

/** A proof that one is the payer ends so soon. Seconds. */
const MAX_PROOF_LIFE = 600;

/** What a payer signs (EIP-191) to have an answer again. */
export function answerClaim(requestId: Hex, until: number): string {
  return `Give me the answer to the request I paid for.\n\nRequest: ${requestId}\nUntil: ${until}`;
}

/** `<unix seconds>.<signature>`, for the header `OPENGRADIENT-PAYER`. */
export const PAYER_HEADER = "OPENGRADIENT-PAYER";

/**
 * Whether somebody holds the payer's key. The payment's header proves nothing: when it is settled, its authorization and
 * signature stand on the chain, and a stock client's header is made of these and of what everybody is told.
 */
function isTheirs(sale: SaleRow, header: (name: string) => string | undefined, seconds: number): boolean {
  const [until = "", signature = ""] = (header(PAYER_HEADER) ?? "").split(".");
  if (!/^[0-9]{1,12}$/.test(until) || Number(until) < seconds || Number(until) > seconds + MAX_PROOF_LIFE) return false;
  try {
    return verifyMessage(answerClaim(sale.requestId, Number(until)), signature).toLowerCase() === sale.payer;
  } catch {
    return false;
  }
}

/**
 * A sale whose answer its payer asks for again. A stranger learns nothing, not even that there is one.
 * @throws {Problem} `not_found`, `not_answered`, `sale_over`
 */
export async function findAnswer(
  db: Database,
  requestId: Hex,
  header: (name: string) => string | undefined,
  now: number,
): Promise<SaleRow> {
  const sale = await findSale(db, requestId);
  if (!sale || !isTheirs(sale, header, Math.floor(now / 1_000)))
    throw new Problem("not_found", "No sale under this id, or no proof that it is yours");
  if (isServable(sale)) {
    if (sale.answer !== null) return sale;
    throw new Problem("sale_over", "The answer was kept for its time, and is gone");
  }
  const state = saleState(sale);
  if (state === "owed") throw new Problem("sale_over", "It was paid and the work failed: a refund is owed");
  if (state === "refunded") throw new Problem("sale_over", `The money went back: ${sale.refund}`);
  if (state === "failed")
    throw new Problem("sale_over", `Nothing was charged (${sale.reason ?? "the work failed"}); sign anew`);
  if (state === "lost" || state === "uncharged")
    throw new Problem("sale_over", "It was served, and its payment vanished from the chain");
  throw new Problem("not_answered", `It is ${state}; do not pay anew`, { retryAfter: 2 });
}

/**
 * Marks a sale as served when its answer was handed to the connection to its last byte: more cannot be known here. A
 * connection that closes before leaves it charged.
 */
export function serveWhenTaken(
  outgoing: ServerResponse,
  sale: SaleRow,
  { db, now, onError }: { db: Database; now: () => number; onError: (error: Error) => void },
): void {
  outgoing.once("finish", () => void markServed(db, sale.id, now()).catch(onError));
}

/** One server-sent event. */
export function event(name: string | undefined, data: unknown): Uint8Array {
  return Buffer.from(`${name === undefined ? "" : `event: ${name}\n`}data: ${JSON.stringify(data)}\n\n`);
}

/**
 * Work as a stream of events. The client may leave: the work goes on to its end, and its answer is kept.
 * @param run Hands out parts, and resolves with the last events.
 */
export function eventStream(run: (emit: (part: string) => void) => Promise<Uint8Array[]>): ReadableStream<Uint8Array> {
  let open = true;
  return new ReadableStream<Uint8Array>({
    start(controller) {
      const send = (bytes: Uint8Array): void => {
        if (open) controller.enqueue(bytes);
      };
      void run((part) => send(event(undefined, { text: part })))
        .then(
          (last) => last.forEach(send),
          (error: unknown) => {
            const known = error instanceof Problem;
            send(
              event("error", { code: known ? error.code : "internal", detail: known ? error.message : "it failed" }),
            );
          },
        )
        .catch(() => undefined)
        .finally(() => {
          if (open) controller.close();
          open = false;
        });
    },
    cancel() {
      open = false;
    },
  });
}
