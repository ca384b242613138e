// SPDX-License-Identifier: MIT
import type { Answer, InferenceNode, Served } from "../node/index.ts";
import { channelId, channelRequestId, recoverSigner, voucherDigest, type Domain, type Hex } from "../protocol/index.ts";
import { RequestRefused } from "./errors.ts";
import type { EscrowReader, EscrowSnapshot, SessionState } from "./escrow.ts";
import { lowerHex, parseRequest, type ChannelRequest } from "./messages.ts";
import type { Entry, PayeeStore, Taken } from "./payee-store.ts";

export interface PayeeOptions {
  /** The node's client, which reserves, signs and delivers. */
  node: Pick<InferenceNode, "key" | "serve" | "issued">;
  nodeId: Hex;
  /** The model version and mode that `node` serves. */
  modelId: Hex;
  mode: number;
  /** Chain and address of the `InferenceEscrow`. */
  escrow: Domain;
  reader: EscrowReader;
  /** One for all that serve under `nodeId`. */
  store: PayeeStore;
  /** A session must have at least so long to live when a request is taken: the answer is to be there before. Seconds. */
  serveWithin?: number;
  /** Channels of one payer that may wait to be collected. Bounds what is asked of the chain for one request. */
  maxUnpaidChannels?: number;
  now?: () => number;
}

/** How a request is served. */
export interface Work {
  /** OPG base units; most that this request costs. */
  price: bigint;
  /** Runs the model. `fee` is what it did cost: the price where left out, and never more. */
  infer: () => Promise<Omit<Answer, "cumulativeFee"> & { fee?: bigint }>;
}

export interface Payee {
  /**
   * Serves a request that a channel pays for, once; a repeat gets the stored answer. The voucher is on the disk before
   * the model runs, and nothing is served that the escrow would not pay today.
   * @param message As it came in.
   * @throws {RequestRefused} with the reason for the payer; its JSON is the refusal to send.
   */
  serve(message: unknown, work: Work): Promise<Served>;
}

/** A voucher that was checked as far as it goes by itself. */
type Asked = Omit<Taken, "cumulativeFee">;

/** What a channel without a session limit can be paid in all: amounts on chain have 96 bits. */
const NO_LIMIT = (1n << 96n) - 1n;
const READS = 3;

/** A node's side of payment channels (R7). */
export function createPayee(options: PayeeOptions): Payee {
  const { node, mode, escrow, reader, store, now = Date.now } = options;
  const [nodeId, modelId] = [lowerHex(options.nodeId, 32), lowerHex(options.modelId, 32)];
  const { serveWithin = 600, maxUnpaidChannels = 64 } = options;

  /** Everything that can be told without looking around. */
  function check(message: unknown): Asked {
    let request: ChannelRequest;
    try {
      request = parseRequest(message);
    } catch (cause) {
      throw new RequestRefused("malformed", { problem: (cause as Error).message }, cause);
    }
    const { channel, sequence, inputHash, maxCumulative } = request;
    if (channel.nodeId !== nodeId) throw new RequestRefused("wrong_node", { nodeId });
    if (channel.modelId !== modelId) throw new RequestRefused("wrong_model", { modelId });
    if ((channel.modeMask & (1 << mode)) === 0) throw new RequestRefused("mode_not_allowed", { mode });
    const id = channelId({ ...channel, chainId: escrow.chainId, escrow: escrow.verifyingContract });
    const digest = voucherDigest(escrow, { channelId: id, sequence, inputHash, maxCumulative });
    if (recoverSigner(digest, request.signature) !== channel.signer) throw new RequestRefused("bad_voucher");
    return { requestId: channelRequestId(id, sequence), channelId: id, request, digest, keyId: node.key.keyId };
  }

  /** A receipt that was signed and kept by the node just before a crash. */
  function recover(entry: Entry | null): void {
    if (!entry || entry.answer || entry.keyId !== node.key.keyId) return;
    const issued = node.issued(entry.requestId);
    if (issued) store.keep(entry.requestId, issued);
  }
  for (const entry of store.unanswered(node.key.keyId)) recover(entry);

  /** Whether the request was taken before, or may be taken now as far as its lane goes. */
  function checkLane(asked: Asked): Entry | null {
    const busy = store.running.get(asked.channelId);
    if (busy && busy.requestId !== asked.requestId) throw new RequestRefused("lane_busy");
    if (!busy) recover(store.head(asked.channelId));
    const known = store.find(asked.requestId);
    const { digest, request } = known ?? asked;
    if (digest !== asked.digest || request.contextHash !== asked.request.contextHash)
      throw new RequestRefused("voucher_conflict");
    if (known?.answer) return known;
    if (known && known.keyId !== asked.keyId) throw new RequestRefused("other_key");
    const head = store.head(asked.channelId);
    if (!head || head.requestId === asked.requestId) return known;
    const { sequence } = head.request;
    // Serving a sequence that was passed could make the channel's fee fall from one receipt to a later one.
    if (asked.request.sequence < sequence) throw new RequestRefused("sequence_passed", { sequence });
    // Whether it has a receipt is known to the other key's store alone.
    if (!head.answer && head.keyId !== asked.keyId) throw new RequestRefused("other_key");
    return known;
  }

  /** Channels that draw on the balance which is to pay for this. */
  function drawing({ channelId, request: { channel } }: Asked): Hex[] {
    const wanted = new Set([channelId, ...store.unpaid(channel.payer).map((unpaid) => unpaid.channelId)]);
    if (wanted.size > maxUnpaidChannels) throw new RequestRefused("too_many_channels", { limit: maxUnpaidChannels });
    return [...wanted];
  }

  async function look(asked: Asked, fresh: boolean): Promise<EscrowSnapshot> {
    const wanted = drawing(asked);
    try {
      return await reader.snapshot(asked.request.channel.payer, nodeId, wanted, fresh);
    } catch (cause) {
      throw new RequestRefused("chain_unknown", {}, cause);
    }
  }

  /** While the chain was asked, others of this payer's channels may have been served, or a later block heard of. */
  const covers = (asked: Asked, { sessions, block }: EscrowSnapshot): boolean =>
    block >= store.seenBlock(asked.request.channel.payer) && drawing(asked).every((id) => sessions.has(id));

  /** Whether the escrow would pay for it, all else that it is to pay included. */
  function checkMoney(asked: Asked, cumulativeFee: bigint, snapshot: EscrowSnapshot): void {
    const { request, channelId } = asked;
    const { payer, signer } = request.channel;
    const { paid, limit, expiry } = snapshot.sessions.get(channelId)!;
    if (paid > store.lastFee(channelId)) throw new RequestRefused("unknown_history", { paid });
    if (cumulativeFee > request.maxCumulative)
      throw new RequestRefused("voucher_too_low", { cumulativeFee, maxCumulative: request.maxCumulative });
    const session = signer !== payer;
    if (session) checkSession({ limit, expiry, paid });
    const most = session ? limit : NO_LIMIT;
    if (cumulativeFee > most) throw new RequestRefused("session_limit", { cumulativeFee, limit: most });
    const left = (owed: bigint, done: bigint): bigint => (owed > done ? owed - done : 0n);
    const elsewhere = store
      .unpaid(payer)
      .filter((unpaid) => unpaid.channelId !== channelId)
      .reduce((sum, unpaid) => sum + left(unpaid.owed, snapshot.sessions.get(unpaid.channelId)!.paid), 0n);
    const needed = elsewhere + left(cumulativeFee, paid);
    const free = left(snapshot.balance, snapshot.thawing);
    if (needed > free) throw new RequestRefused("escrow_too_small", { free, needed });
  }

  function checkSession({ limit, expiry }: SessionState): void {
    if (limit === 0n) throw new RequestRefused("session_not_opened");
    const ready = BigInt(Math.floor(now() / 1_000) + serveWithin);
    if (ready > expiry) throw new RequestRefused("session_expired", { expiry });
  }

  /** The node reserves the id, runs the model once, signs and keeps. */
  async function run(taken: Taken, base: bigint, infer: Work["infer"]): Promise<Served> {
    const { requestId, request, channelId, cumulativeFee } = taken;
    const { inputHash, contextHash, sequence, channel } = request;
    const ask = { requestId, inputHash, contextHash, channelId, sequence, cumulativeFee, payer: channel.payer };
    const served = await node.serve(ask, async () => {
      const { fee, ...answer } = await infer();
      const total = fee === undefined || base + fee > cumulativeFee ? cumulativeFee : base + fee;
      return { ...answer, cumulativeFee: total < base ? base : total };
    });
    store.keep(requestId, served);
    return served;
  }

  function stored(requestId: Hex): Served {
    const issued = node.issued(requestId);
    if (!issued) throw new RequestRefused("other_key");
    return { ...issued, repeated: true };
  }

  return {
    async serve(message, { price, infer }) {
      if (price < 0n) throw new RangeError("a price is not negative");
      const asked = check(message);
      const { requestId, channelId: id } = asked;
      if (checkLane(asked)?.answer) return stored(requestId);
      let snapshot = await look(asked, false);
      for (let reads = 1; !covers(asked, snapshot); reads++) {
        if (reads === READS) throw new RequestRefused("chain_unknown");
        snapshot = await look(asked, true);
      }

      // From here to `running` nothing waits: what is checked is what is taken.
      const known = checkLane(asked);
      if (known?.answer) return stored(requestId);
      const base = store.lastFee(id);
      const taken: Taken = { ...asked, cumulativeFee: known?.cumulativeFee ?? base + price };
      checkMoney(asked, taken.cumulativeFee, snapshot);
      const paid = [...snapshot.sessions].map(([channel, session]): [Hex, bigint] => [channel, session.paid]);
      store.recordPaid(asked.request.channel.payer, snapshot.block, new Map(paid));
      if (!known) store.take(taken);
      const running = store.running.get(id) ?? { requestId, callers: 0 };
      store.running.set(id, running);
      running.callers++;
      try {
        return await run(taken, base, infer);
      } finally {
        if (--running.callers === 0) store.running.delete(id);
      }
    },
  };
}
