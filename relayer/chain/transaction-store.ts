// SPDX-License-Identifier: MIT
import type { AttemptState, Attempt } from "./send-machine.ts";

/** One send: a call that is to happen once, whatever it takes. */
export interface TransactionRow {
  id: string;
  chainId: number;
  /** 0x address, checksummed or not. */
  sender: string;
  /** `null` until the first attempt is prepared; owned by this row from then on. */
  nonce: number | null;
  to: string;
  /** 0x calldata. */
  data: string;
  gasLimit: bigint | null;
  state: "queued" | "pending" | "mined" | "final" | "failed";
  /** Where it was last seen mined. */
  mined: { hash: string; blockNumber: number; blockHash: string } | null;
}

/** A kept attempt, with the raw transaction so that it can be sent again after any restart. */
export type AttemptRow = Omit<Attempt, "refusal"> & {
  transactionId: string;
  /** Signed transaction, 0x. */
  raw: string;
};

/**
 * What the transaction manager asks of the ledger of record. Each call is one database transaction that is durable
 * when it returns.
 */
export interface TransactionStore {
  /** Rows that are neither final nor failed: those with a nonce by nonce, then the others by age; at most `limit`. */
  activeTransactions(chainId: number, sender: string, limit: number): Promise<TransactionRow[]>;
  /** All attempts ever made for these rows. */
  attemptsOf(transactionIds: readonly string[]): Promise<AttemptRow[]>;
  /**
   * Gives the row its nonce and gas limit, state `pending`, and keeps the signed attempt, all at once.
   * @param seenNonce The row's nonce when this was decided.
   * @returns false, with nothing written, if another row that is not failed owns the nonce, or if the row's own nonce
   * is not `seenNonce` any more: two nonces for one send would be two sends.
   */
  prepareAttempt(attempt: AttemptRow, gasLimit: bigint, seenNonce: number | null): Promise<boolean>;
  recordSent(hash: string, state: AttemptState, sentAt: number): Promise<void>;
  /** Row and attempt `mined`; other attempts of the same nonce `replaced`. */
  recordMined(transactionId: string, hash: string, blockNumber: number, blockHash: string): Promise<void>;
  /** A reorganisation took it out: row `pending` again, all its attempts `unknown`. */
  recordUnmined(transactionId: string): Promise<void>;
  recordFinal(transactionId: string, hash: string, succeeded: boolean, at: number): Promise<void>;
  /** It never happened and never will. */
  recordFailed(transactionId: string, reason: string, at: number): Promise<void>;
  /** A new send, `queued`. @returns its id. */
  enqueueTransaction(send: {
    chainId: number;
    sender: string;
    to: string;
    data: string;
    createdAt: number;
  }): Promise<string>;
}
