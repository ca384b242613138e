import { createServer } from "node:net";
import type { AddressInfo } from "node:net";
import type { Hex, Opening } from "../relayer/protocol/index.ts";
import { receiptFromWire, type WireReceipt } from "../relayer/node/wire.ts";

/** What `GET /v1/receipts/{id}` answers, as far as the demo reads it. */
export interface WireStatus {
  state: string;
  reason: string | null;
  opening: (Omit<Opening, "receipt"> & { receipt: WireReceipt }) | null;
  transactionHash: Hex | null;
  settledAt: number | null;
}

/** The opening in the form that contracts take. */
export function openingFromWire(opening: NonNullable<WireStatus["opening"]>): Opening {
  return { ...opening, receipt: receiptFromWire(opening.receipt) };
}

/** A port that nobody listens on now. */
export function freePort(): Promise<number> {
  return new Promise((resolve, reject) => {
    const server = createServer().once("error", reject);
    server.listen(0, "127.0.0.1", () => {
      const { port } = server.address() as AddressInfo;
      server.close(() => resolve(port));
    });
  });
}
