// SPDX-License-Identifier: MIT
import {
  channelId,
  channelRequestId,
  KeyKind,
  MAX_SKEW,
  Mode,
  receiptId,
  recoverSigner,
  voucherDigest,
  ZERO_HASH,
  type Channel,
  type Domain,
  type Hex,
  type Receipt,
} from "../protocol/index.ts";
import type { SignedReceipt } from "../node/wire.ts";
import { NotSigned, ReceiptRefused } from "./errors.ts";
import type { EscrowReader, EscrowSnapshot } from "./escrow.ts";
import { lowerHex, parseAnswer, requestToWire, type WireRequest } from "./messages.ts";
import { openPayerStore, type Made, type PayerStore } from "./payer-store.ts";

/** Who signs vouchers: the payer's own key, or a session key that the payer opened channels for. */
export interface VoucherSigner {
  address: Hex;
  /** @returns 65 bytes r ‖ s ‖ v over a digest, low s, v 27 or 28. */
  sign(digest: Hex): Hex | Promise<Hex>;
}

export interface PayerOptions {
  /** Whose balance pays. */
  payer: Hex;
  signer: VoucherSigner;
  /** Chain and address of the `InferenceEscrow`. */
  escrow: Domain;
  /** Chain and address of the `InferenceRegistry`, for which receipts are signed. */
  domain: Domain;
  reader: EscrowReader;
  /** File of the ledger, or one of one's own. */
  store: string | PayerStore;
  /** OPG base units: most that can ever be collected by what this ledger signed, over all channels. */
  budget: bigint;
  /** Requests to one node for one model version that may be under way at once. */
  lanes?: number;
  /** Number of the first lane. Two ledgers of one signer need lanes of their own. */
  firstLane?: bigint;
  now?: () => number;
}

/** What is asked of a node. */
export interface Wish {
  nodeId: Hex;
  modelId: Hex;
  /** Mask of `1 << mode` that the answer may be evidenced in. */
  modeMask: number;
  inputHash: Hex;
  contextHash?: Hex;
  /** OPG base units: most that this request may cost. */
  maxFee: bigint;
}

/** A request as it is to be sent, beside whatever the model is asked. */
export interface Pending {
  requestId: Hex;
  message: WireRequest;
}

export interface Payer {
  /**
   * Signs a voucher for one more request, in a lane that is free. It is on the disk before it leaves.
   * @throws {NotSigned} {@link EscrowUnknown}
   */
  request(wish: Wish): Promise<Pending>;
  /** The same voucher again, for a node that did not answer. @throws {NotSigned} */
  retry(requestId: Hex): Promise<Pending>;
  /** Requests whose answer is waited for: after a restart each is retried or abandoned. */
  pending(): Hex[];
  /**
   * Gives a request up and frees its lane. The node may have served it: the next voucher covers it, and it counts as
   * against budget and deposit until a later receipt says otherwise. Its answer is still taken if it comes.
   */
  abandon(requestId: Hex): void;
  /**
   * Checks the receipt of an answer; only then its fee counts as owed and the lane is free. A receipt that was taken
   * before is taken again.
   * @param outputHash What the payer itself computes from the answer it was given (R6).
   * @throws {ReceiptRefused} {@link EscrowUnknown}
   */
  accept(message: unknown, outputHash: Hex): Promise<{ receipt: Receipt; receiptId: Hex; fee: bigint }>;
  /** What is owed by receipts, and most that can ever be collected by what was signed, over all channels. */
  exposure(): { owed: bigint; liable: bigint };
  /** Receipts that prove a fault of a node together with those that were taken. */
  evidence(): (SignedReceipt & { requestId: Hex })[];
  close(): void;
}

/** A payer's side of payment channels (R7). */
export function createPayer(options: PayerOptions): Payer {
  const { escrow, domain, reader, budget, lanes = 1, firstLane = 0n, now = Date.now } = options;
  const payer = lowerHex(options.payer, 20);
  const signer = { address: lowerHex(options.signer.address, 20), sign: (digest: Hex) => options.signer.sign(digest) };
  const store = typeof options.store === "string" ? openPayerStore(options.store) : options.store;
  const seconds = (): bigint => BigInt(Math.floor(now() / 1_000));
  const idOf = (channel: Channel): Hex =>
    channelId({ ...channel, chainId: escrow.chainId, escrow: escrow.verifyingContract });

  function laneOf({ nodeId, modelId, modeMask }: Wish): { channel: Channel; id: Hex } {
    const busy = new Set(store.open().map((made) => made.channelId));
    for (let lane = 0; lane < lanes; lane++) {
      const channel = { payer, signer: signer.address, nodeId, modelId, modeMask, lane: firstLane + BigInt(lane) };
      const id = idOf(channel);
      if (!busy.has(id)) return { channel, id };
    }
    throw new NotSigned("lanes_busy", { lanes });
  }

  /** Whether a voucher up to this total may be signed, all else that was signed included. */
  function checkMoney(channel: Channel, id: Hex, maxCumulative: bigint, snapshot: EscrowSnapshot): void {
    const liable = (channelId: Hex): bigint => (channelId === id ? maxCumulative : store.standing(channelId).liable);
    const all = new Set([...store.channels(), id]);
    const committed = [...all].reduce((sum, channelId) => sum + liable(channelId), 0n);
    if (committed > budget) throw new NotSigned("over_budget", { committed, budget });
    let needed = 0n;
    for (const channelId of new Set([...store.channels(channel.nodeId), id])) {
      const { paid } = snapshot.sessions.get(channelId)!;
      if (liable(channelId) > paid) needed += liable(channelId) - paid;
    }
    const free = snapshot.balance > snapshot.thawing ? snapshot.balance - snapshot.thawing : 0n;
    if (needed > free) throw new NotSigned("over_deposit", { needed, free });
  }

  function checkSession(channel: Channel, id: Hex, maxCumulative: bigint, snapshot: EscrowSnapshot): void {
    const { paid, limit, expiry } = snapshot.sessions.get(id)!;
    if (paid > store.standing(id).liable) throw new NotSigned("unknown_history", { paid, lane: channel.lane });
    if (channel.signer === channel.payer) return;
    if (limit === 0n) throw new NotSigned("session_not_opened");
    if (seconds() > expiry) throw new NotSigned("session_expired", { expiry });
    if (maxCumulative > limit) throw new NotSigned("over_limit", { maxCumulative, limit });
  }

  async function signed(made: Made): Promise<Pending> {
    const { requestId, channel, channelId, sequence, inputHash, contextHash, maxCumulative } = made;
    const digest = voucherDigest(escrow, { channelId, sequence, inputHash, maxCumulative });
    const signature = made.signature ?? (await signer.sign(digest));
    if (recoverSigner(digest, signature) !== channel.signer)
      throw new TypeError(`what signs for ${channel.signer} is another key, or signs something else than the digest`);
    if (made.signature === null) store.recordSignature(requestId, signature);
    const request = { channel, sequence, inputHash, contextHash, maxCumulative, signature };
    return { requestId, message: requestToWire(request) };
  }

  /** What the receipt must repeat of the request. */
  function compare(made: Made, receipt: Receipt, outputHash: Hex): void {
    const { channel, inputHash, contextHash, sequence, maxCumulative } = made;
    const expected = { modelId: channel.modelId, inputHash, contextHash, sequence, payer, outputHash };
    for (const [name, value] of Object.entries(expected)) {
      const said = receipt[name as keyof typeof expected];
      if (said !== value) throw new ReceiptRefused("mismatch", { field: name, expected: value, said });
    }
    if ((channel.modeMask & (1 << receipt.mode)) === 0 || receipt.mode > Mode.TEE)
      throw new ReceiptRefused("mismatch", { field: "mode", expected: channel.modeMask, said: receipt.mode });
    const { cumulativeFee, completedAt } = receipt;
    if (cumulativeFee > maxCumulative) throw new ReceiptRefused("fee_out_of_range", { cumulativeFee, maxCumulative });
    const early = completedAt + MAX_SKEW < made.madeAt;
    if (early || completedAt > seconds() + MAX_SKEW) throw new ReceiptRefused("bad_time", { completedAt });
  }

  /** Whether the receipt is by a key of that node. */
  async function checkSignature(nodeId: Hex, { receipt, signature }: SignedReceipt): Promise<Hex> {
    const { keyId, mode, completedAt } = receipt;
    const key = await reader.signingKey(keyId, mode);
    if (key?.nodeId !== nodeId || (key.kind === KeyKind.OPERATOR) === (mode === Mode.TEE))
      throw new ReceiptRefused("wrong_key", { keyId, nodeId });
    if (key.distrustedFrom <= seconds()) throw new ReceiptRefused("wrong_key", { keyId, nodeId, distrusted: true });
    const { validFrom, validUntil } = key;
    if (completedAt < validFrom || completedAt > validUntil)
      throw new ReceiptRefused("bad_time", { completedAt, validFrom, validUntil });
    const id = receiptId(domain, receipt);
    if (recoverSigner(id, signature) !== key.signer) throw new ReceiptRefused("bad_signature", { keyId });
    return id;
  }

  return {
    async request(wished) {
      if (wished.maxFee < 0n) throw new RangeError("a fee is not negative");
      const wish = {
        ...{ ...wished, nodeId: lowerHex(wished.nodeId, 32), modelId: lowerHex(wished.modelId, 32) },
        ...{ inputHash: lowerHex(wished.inputHash, 32), contextHash: lowerHex(wished.contextHash ?? ZERO_HASH, 32) },
      };
      const wanted = (): Hex[] => [...new Set([...store.channels(wish.nodeId), laneOf(wish).id])];
      let snapshot: EscrowSnapshot;
      do snapshot = await reader.snapshot(payer, wish.nodeId, wanted());
      while (!wanted().every((id) => snapshot.sessions.has(id)));

      // From here on nothing waits until the request is kept: what is checked is what is signed.
      const { channel, id } = laneOf(wish);
      const { last, covered, liable } = store.standing(id);
      const maxCumulative = covered + wish.maxFee;
      checkSession(channel, id, maxCumulative, snapshot);
      checkMoney(channel, id, maxCumulative > liable ? maxCumulative : liable, snapshot);
      const sequence = last + 1n;
      const { inputHash, contextHash } = wish;
      const requestId = channelRequestId(id, sequence);
      const made = { requestId, channelId: id, channel, sequence, inputHash, contextHash, maxCumulative };
      store.make({ ...made, madeAt: seconds() });
      return signed(store.find(requestId)!);
    },

    async retry(requestId) {
      const made = store.find(requestId);
      if (made?.state !== "open") throw new NotSigned("not_pending", { requestId });
      return signed(made);
    },

    pending: () => store.open().map((made) => made.requestId),
    abandon: (requestId) => store.abandon(requestId),

    async accept(message, outputHash) {
      let answer: SignedReceipt;
      try {
        answer = parseAnswer(message);
      } catch (cause) {
        throw new ReceiptRefused("malformed", { problem: (cause as Error).message }, cause);
      }
      const { receipt } = answer;
      const { requestId, cumulativeFee } = receipt;
      const asked = store.find(requestId);
      if (!asked) throw new ReceiptRefused("unknown_request", { requestId });
      // Whose it is comes first: what somebody else signed is no evidence of anything.
      const id = await checkSignature(asked.channel.nodeId, answer);

      // From here on nothing waits: the receipt is held against what is known now.
      const made = store.find(requestId)!;
      const { least, most } = store.around(made.channelId, made.sequence);
      const kept = made.answer && receiptId(domain, made.answer.receipt);
      if (kept && kept !== id) {
        store.keepEvidence(requestId, answer);
        throw new ReceiptRefused("equivocation", { requestId, kept, found: id });
      }
      compare(made, receipt, lowerHex(outputHash, 32));
      if (cumulativeFee < least || (most !== null && cumulativeFee > most)) {
        store.keepEvidence(requestId, answer);
        throw new ReceiptRefused("channel_fault", { requestId, cumulativeFee, least, most });
      }
      store.answer(requestId, answer);
      return { receipt, receiptId: id, fee: cumulativeFee - least };
    },

    exposure() {
      const standings = store.channels().map((id) => store.standing(id));
      const sum = (of: (one: (typeof standings)[number]) => bigint) =>
        standings.reduce((total, one) => total + of(one), 0n);
      return { owed: sum((one) => one.owed), liable: sum((one) => one.liable) };
    },
    evidence: () => store.evidence(),
    close: () => store.close(),
  };
}
