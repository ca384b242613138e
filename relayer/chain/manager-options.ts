// SPDX-License-Identifier: MIT
import type { EndpointHealth, Rpc } from "./rpc.ts";
import type { SendPolicy } from "./send-machine.ts";
import type { Finality, RpcReceipt } from "./sending.ts";
import type { TransactionRow, TransactionStore } from "./transaction-store.ts";

export interface TransactionSigner {
  address: string;
  /** @returns the signed raw transaction, 0x. */
  signTransaction(transaction: {
    type: 2;
    chainId: number;
    nonce: number;
    to: string;
    data: string;
    value: bigint;
    gasLimit: bigint;
    maxFeePerGas: bigint;
    maxPriorityFeePerGas: bigint;
  }): Promise<string>;
}

export interface ManagerPolicy extends SendPolicy {
  finality: Finality;
  /** Sends with a nonce that are not final, at most; further ones queue. */
  maxInFlight: number;
  /** How often a send whose estimate reverts is tried, `parkMs` apart, before it counts as failed. */
  estimateTries: number;
  /** Milliseconds between looks at the chain. */
  pollMs: number;
}

/**
 * Told of each turn of a send, before it is recorded: a crash in between tells again, so listeners must be idempotent.
 * While one throws, the send stays as it was and is tried again.
 */
export interface SendListener {
  mined?(row: TransactionRow, receipt: RpcReceipt): Promise<void>;
  unmined?(row: TransactionRow): Promise<void>;
  /** `receipt.status` tells success from revert; a reverted send settled nothing. */
  final?(row: TransactionRow, receipt: RpcReceipt): Promise<void>;
  /** It can never be mined any more; whatever it carried is free to be sent anew. */
  failed?(row: TransactionRow, reason: string): Promise<void>;
}

export interface Log {
  info(details: object, message: string): void;
  warn(details: object, message: string): void;
  error(details: object, message: string): void;
}

export interface ManagerOptions {
  store: TransactionStore;
  rpc: Rpc;
  signer: TransactionSigner;
  chainId: number;
  policy: ManagerPolicy;
  listener?: SendListener;
  log?: Log;
  now?: () => number;
}

export interface ManagerHealth {
  lastTickAt: number | null;
  lastError: string | null;
  active: number;
  /** Sends that need somebody: no funds, fees above the ceiling. */
  parked: { transactionId: string; because: string }[];
  endpoints: EndpointHealth[];
}

export interface TransactionManager {
  /** Queues a call; durable when it returns. */
  enqueue(call: { to: string; data: string }): Promise<string>;
  /**
   * One look at every active send, for a queue to run again and again, one at a time. Throws only if the ledger cannot be
   * reached.
   */
  tick(): Promise<void>;
  /** Ends the rest of a parked send. @returns whether it was parked. */
  unpark(transactionId: string): boolean;
  health(): ManagerHealth;
}
