import type { AttemptRow, TransactionRow, TransactionStore } from "../../relayer/chain/transaction-store.ts";

type StoredRow = TransactionRow & { succeeded: boolean | null; reason: string | null };

/** A transaction store that outlives the managers that a test kills, and lets the test look inside. */
export function memoryTransactions() {
  const rows = new Map<string, StoredRow>();
  const attempts = new Map<string, AttemptRow>();
  let lastId = 0;
  const row = (id: string): StoredRow => {
    const found = rows.get(id);
    if (!found) throw new Error(`no transaction ${id}`);
    return found;
  };

  const store: TransactionStore = {
    async activeTransactions(chainId, sender, limit) {
      return structuredClone(
        [...rows.values()]
          .filter((one) => one.chainId === chainId && one.sender === sender)
          .filter((one) => one.state !== "final" && one.state !== "failed")
          .sort((a, b) => (a.nonce ?? Infinity) - (b.nonce ?? Infinity) || Number(a.id) - Number(b.id))
          .slice(0, limit),
      );
    },
    async attemptsOf(ids) {
      return structuredClone([...attempts.values()].filter((attempt) => ids.includes(attempt.transactionId)));
    },
    async prepareAttempt(attempt, gasLimit, seenNonce) {
      const owner = [...rows.values()].find((one) => one.nonce === attempt.nonce && one.state !== "failed");
      if (owner && owner.id !== attempt.transactionId) return false;
      if (row(attempt.transactionId).nonce !== seenNonce) return false;
      Object.assign(row(attempt.transactionId), { nonce: attempt.nonce, gasLimit, state: "pending" });
      attempts.set(attempt.hash, structuredClone(attempt));
      return true;
    },
    async recordSent(hash, state, sentAt) {
      Object.assign(attempts.get(hash)!, { state, sentAt });
    },
    async recordMined(id, hash, blockNumber, blockHash) {
      Object.assign(row(id), { state: "mined", mined: { hash, blockNumber, blockHash } });
      for (const attempt of attempts.values()) {
        if (attempt.transactionId === id) attempt.state = attempt.hash === hash ? "mined" : "replaced";
      }
    },
    async recordUnmined(id) {
      Object.assign(row(id), { state: "pending", mined: null });
      for (const attempt of attempts.values()) if (attempt.transactionId === id) attempt.state = "unknown";
    },
    async recordFinal(id, _hash, succeeded) {
      Object.assign(row(id), { state: "final", succeeded });
    },
    async recordFailed(id, reason) {
      Object.assign(row(id), { state: "failed", reason });
    },
    async enqueueTransaction({ chainId, sender, to, data }) {
      const id = String(++lastId);
      rows.set(id, {
        id,
        chainId,
        sender,
        to,
        data,
        nonce: null,
        gasLimit: null,
        state: "queued" as const,
        mined: null,
        succeeded: null,
        reason: null,
      });
      return id;
    },
  };
  return { store, rows, attempts };
}
