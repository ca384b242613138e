// SPDX-License-Identifier: MIT
import { Transaction } from "ethers";
import { heard } from "./agreement.ts";
import { ChainUnavailable, NodeRefused } from "./errors.ts";
import { gasLimitFor, TRANSACTION_GAS_CAP } from "./gas.ts";
import type { ManagerOptions, TransactionManager } from "./manager-options.ts";
import { afterBroadcast, nextAction, nextNonce, nonceGaps } from "./send-machine.ts";
import type { Action, ChainView, Finding } from "./send-machine.ts";
import type { SendErrorKind } from "./send-errors.ts";
import { broadcast, findTransaction, readChain, type RpcReceipt } from "./sending.ts";
import type { AttemptRow, TransactionRow } from "./transaction-store.ts";

/** Gas for a payment of nothing to ourselves. More than the bare price, as the account may have code (EIP-7702). */
const EMPTY_SEND_GAS = 50_000n;

// sign, look up, broadcast, look up, mark: a tick never needs more for one send.
const MAX_STEPS = 10;
// Rows read beyond those in flight, so that a send which fills a nonce gap is seen however many wait above the gap.
const SPARE_ROWS = 8;

/** Executes the send machine over a store, some nodes and one key. One manager for one sender. */
export function createTransactionManager(options: ManagerOptions): TransactionManager {
  const { store, rpc, signer, chainId, policy, listener = {}, log, now = Date.now } = options;
  const sender = signer.address.toLowerCase();
  // Lost in a restart without harm: what they remember is found out anew by handing the attempts over again.
  const refusals = new Map<string, SendErrorKind | null>();
  const parked = new Map<string, { until: number; because: string }>();
  const failedEstimates = new Map<string, number>();
  let finalNonceSeen = 0;
  let active = 0;
  let lastTickAt: number | null = null;
  let lastError: string | null = null;

  type Chain = ChainView & { pendingNonce: number };

  async function look(): Promise<Chain | null> {
    try {
      const chain = await readChain(rpc, sender, policy.finality);
      finalNonceSeen = Math.max(finalNonceSeen, chain.finalNonce);
      return { ...chain, pendingNonce: Math.max(chain.pendingNonce, finalNonceSeen) };
    } catch (error) {
      if (!(error instanceof ChainUnavailable || error instanceof NodeRefused)) throw error;
      log?.warn({ error: error.message }, "the chain cannot be asked; sends rest");
      return null;
    }
  }

  async function tick(): Promise<void> {
    const rows = await store.activeTransactions(chainId, sender, policy.maxInFlight + SPARE_ROWS);
    active = rows.length;
    const open = new Set(rows.map((row) => row.id));
    for (const id of parked.keys()) if (!open.has(id)) parked.delete(id);
    if (rows.length > 0) {
      const attempts = await store.attemptsOf([...open]);
      const known = new Set(attempts.map((attempt) => attempt.hash));
      for (const hash of refusals.keys()) if (!known.has(hash)) refusals.delete(hash);
      const chain = await look();
      const owned = new Set(rows.flatMap((row) => (row.nonce === null ? [] : [row.nonce])));
      for (const row of rows) {
        try {
          const own = attempts.filter((attempt) => attempt.transactionId === row.id);
          await advance({ ...row }, own, chain, owned);
        } catch (error) {
          // One send's trouble is its own: the others go on, and this one is tried again.
          log?.error({ transactionId: row.id, error: (error as Error).message }, "a send could not be advanced");
          lastError = (error as Error).message;
        }
      }
      const gapWillBeTaken = rows.some((row) => row.nonce === null && !parked.has(row.id));
      if (chain && !gapWillBeTaken) await fillGap(chain, owned);
    }
    lastTickAt = now();
  }

  async function advance(row: TransactionRow, attempts: AttemptRow[], chain: Chain | null, owned: Set<number>) {
    const findings = new Map<string, Finding>();
    const receipts = new Map<string, RpcReceipt>();
    for (let step = 0; step < MAX_STEPS; step++) {
      const view = {
        ...row,
        attempts: attempts.map((attempt) => ({ ...attempt, refusal: refusals.get(attempt.hash) ?? null })),
        findings,
        chain,
        now: now(),
        parkedUntil: parked.get(row.id)?.until ?? 0,
      };
      const action = nextAction(view, policy);
      if (action === null || action.do === "wait") return;
      if (!(await perform(action, row, attempts, chain, owned, findings, receipts))) return;
    }
  }

  /** @returns whether the machine is to be asked for the next step. */
  async function perform(
    action: Exclude<Action, { do: "wait" }>,
    row: TransactionRow,
    attempts: AttemptRow[],
    chain: Chain | null,
    owned: Set<number>,
    findings: Map<string, Finding>,
    receipts: Map<string, RpcReceipt>,
  ): Promise<boolean> {
    switch (action.do) {
      case "look_up": {
        const found = await Promise.all(action.hashes.map((hash) => findTransaction(rpc, hash)));
        action.hashes.forEach((hash, index) => {
          const { finding, receipt } = found[index]!;
          findings.set(hash, finding);
          if (receipt) receipts.set(hash, receipt);
        });
        return true;
      }
      case "park":
        park(row.id, action.until, action.because);
        return false;
      case "sign":
        return sign(action, row, attempts, chain!, owned);
      case "broadcast": {
        const attempt = attempts.find(({ hash }) => hash === action.hash)!;
        const { kind, message } = await broadcast(rpc, attempt.raw);
        const { state, refusal } = afterBroadcast(kind);
        refusals.set(attempt.hash, refusal);
        attempt.state = state;
        attempt.sentAt = now();
        await store.recordSent(attempt.hash, state, attempt.sentAt);
        const details = { transactionId: row.id, hash: attempt.hash, nonce: attempt.nonce, because: action.because };
        if (kind === null) log?.info(details, "handed a transaction to the chain");
        else log?.warn({ ...details, kind, message }, "a node refused a transaction");
        if (kind !== "insufficient_funds") parked.delete(row.id);
        // Where nodes mine at once it may be in a block already.
        findings.delete(attempt.hash);
        return true;
      }
      case "mark_mined":
        await listener.mined?.(row, receipts.get(action.hash)!);
        await store.recordMined(row.id, action.hash, action.blockNumber, action.blockHash);
        Object.assign(row, { state: "mined", mined: action });
        parked.delete(row.id);
        return true;
      case "mark_unmined":
        log?.warn({ transactionId: row.id, hash: action.hash }, "a reorganisation took a mined transaction out");
        await listener.unmined?.(row);
        await store.recordUnmined(row.id);
        for (const attempt of attempts) attempt.state = "unknown";
        Object.assign(row, { state: "pending", mined: null });
        return true;
      case "mark_final": {
        if (action.outcome === "cancelled") {
          await fail(row, "cancelled: no node took the call in the form it had");
          return false;
        }
        await listener.final?.(row, receipts.get(action.hash)!);
        await store.recordFinal(row.id, action.hash, action.outcome === "succeeded", now());
        log?.info({ transactionId: row.id, hash: action.hash, outcome: action.outcome }, "a send is final");
        return false;
      }
    }
  }

  function park(id: string, until: number, because: string): void {
    if (parked.get(id)?.because !== because) log?.error({ transactionId: id, because }, "a send is parked; it retries");
    parked.set(id, { until, because });
  }

  async function fail(row: TransactionRow, reason: string): Promise<void> {
    log?.error({ transactionId: row.id, reason }, "a send failed for good");
    await listener.failed?.(row, reason);
    await store.recordFailed(row.id, reason, now());
  }
  async function sign(
    action: Extract<Action, { do: "sign" }>,
    row: TransactionRow,
    attempts: AttemptRow[],
    chain: Chain,
    owned: Set<number>,
  ): Promise<boolean> {
    const nonce = action.nonce === "next" ? nextNonce(chain.pendingNonce, owned) : action.nonce;
    const queues = action.nonce === "next" && nonce > Math.max(-1, ...owned);
    if (queues && owned.size >= policy.maxInFlight) return false;
    const gasLimit = action.purpose === "cancel" ? EMPTY_SEND_GAS : (row.gasLimit ?? (await estimate(row)));
    if (gasLimit === null) return false;
    const call = action.purpose === "cancel" ? { to: sender, data: "0x" } : { to: row.to, data: row.data };
    const raw = await signer.signTransaction({ type: 2, chainId, nonce, ...call, value: 0n, gasLimit, ...action.fees });
    const attempt: AttemptRow = {
      transactionId: row.id,
      hash: Transaction.from(raw).hash!,
      raw,
      nonce,
      fees: action.fees,
      purpose: action.purpose,
      state: "prepared",
      signedAt: now(),
      sentAt: null,
    };
    // Hash and raw transaction are durable before any node hears of them: whatever lands can be recognised.
    if (!(await store.prepareAttempt(attempt, row.gasLimit ?? gasLimit, row.nonce))) {
      log?.warn(
        { transactionId: row.id, nonce },
        "the nonce was taken, or the send moved on, meanwhile; looked at anew",
      );
      return false;
    }
    owned.add(nonce);
    attempts.push(attempt);
    Object.assign(row, { nonce, state: "pending", gasLimit: row.gasLimit ?? gasLimit });
    return true;
  }

  /**
   * More than the cap only where every node that answers says so, as one alone may be behind, or lie.
   * @throws {NodeRefused} where every one refuses
   */
  async function estimateCall(call: object): Promise<bigint> {
    const asked = ["eth_estimateGas", [call, "pending"]] as const;
    try {
      const estimated = BigInt(await rpc.request<string>(...asked));
      if (estimated <= TRANSACTION_GAS_CAP) return estimated;
    } catch (error) {
      if (!(error instanceof NodeRefused)) throw error;
    }
    const estimates = (await heard<string>(rpc, ...asked)).map(BigInt);
    const fitting = estimates.filter((one) => one <= TRANSACTION_GAS_CAP);
    return (fitting.length > 0 ? fitting : estimates).reduce((most, one) => (one > most ? one : most));
  }

  /** `null`: not now, or never. Before anything is signed nothing can land, so failing here loses nothing. */
  async function estimate(row: TransactionRow): Promise<bigint | null> {
    try {
      const estimated = await estimateCall({ from: sender, to: row.to, data: row.data });
      failedEstimates.delete(row.id);
      if (estimated > TRANSACTION_GAS_CAP) {
        await fail(row, `gas_over_cap: ${estimated} needed, ${TRANSACTION_GAS_CAP} allowed`);
        return null;
      }
      return gasLimitFor(estimated);
    } catch (error) {
      if (!(error instanceof NodeRefused)) throw error;
      const tries = (failedEstimates.get(row.id) ?? 0) + 1;
      failedEstimates.set(row.id, tries);
      if (tries < policy.estimateTries) {
        park(row.id, now() + policy.parkMs, "estimate_refused");
      } else {
        failedEstimates.delete(row.id);
        await fail(row, `would_revert: ${error.message} ${error.data}`);
      }
      return null;
    }
  }

  /** Without a queued send to take it, a gap below our own nonces is filled with a payment of nothing to ourselves. */
  async function fillGap(chain: Chain, owned: Set<number>): Promise<void> {
    const [nonce] = nonceGaps(chain.pendingNonce, owned);
    if (nonce === undefined) return;
    log?.warn({ nonce }, "filling a nonce gap");
    await store.enqueueTransaction({ chainId, sender, to: sender, data: "0x", createdAt: now() });
  }

  return {
    enqueue: ({ to, data }) => store.enqueueTransaction({ chainId, sender, to, data, createdAt: now() }),
    tick,
    unpark(transactionId) {
      failedEstimates.delete(transactionId);
      return parked.delete(transactionId);
    },
    health: () => ({
      lastTickAt,
      lastError,
      active,
      parked: [...parked].map(([transactionId, { because }]) => ({ transactionId, because })),
      endpoints: rpc.health(),
    }),
  };
}
