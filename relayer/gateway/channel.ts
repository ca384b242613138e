// SPDX-License-Identifier: MIT
// Escrow channels at the same door: no transaction a call, only a voucher (docs/channels.md). The ledgers of payee and
// node are the books of these sales.
import type { PaymentPayload, PaymentRequirements } from "@x402/core/types";
import { z } from "zod";
import { createBuckets, type RateLimit } from "../api/limits.ts";
import { Problem } from "../api/problems.ts";
import { parseRequest, RequestRefused } from "../channels/index.ts";
import type { Served } from "../node/index.ts";
import { channelId, recoverSigner, voucherDigest, type Domain, type Hex } from "../protocol/index.ts";
import { networkOf } from "../facilitator/door.ts";
import { type AskedFor, NotPaid } from "./service.ts";
import type { Places } from "./places.ts";
import { inputHashOf, type Money, type Product } from "./terms.ts";
import { boundedWork, type WorkBounds } from "./work.ts";

/** Scheme name in `accepts`. Stock clients know it not, and pay by `exact`. */
export const CHANNEL_SCHEME = "opengradient-channel";

/** What a client is told of the channel to pay over. */
export const channelExtra = z.object({
  nodeId: z.string(),
  modelId: z.string(),
  mode: z.number().int(),
  escrow: z.string(),
});

/** The channel's entry in `accepts`; `payTo` is the escrow. @returns nothing where the product takes none. */
export function channelTerms(
  money: Money,
  escrow: Domain | undefined,
  product: Product,
): PaymentRequirements | undefined {
  if (!product.channel || !escrow) return undefined;
  const { nodeId, modelId, mode } = product.channel;
  return {
    ...{ scheme: CHANNEL_SCHEME, network: networkOf(money.chainId), amount: String(product.price) },
    ...{ asset: money.token, payTo: escrow.verifyingContract, maxTimeoutSeconds: money.maxTimeoutSeconds },
    extra: { nodeId, modelId, mode, escrow: escrow.verifyingContract },
  };
}

const payloadSchema = z.object({
  /** A request with its voucher, as of docs/channels.md. */
  request: z.unknown(),
  salt: z
    .string()
    .regex(/^0x[0-9a-f]{64}$/)
    .transform((value) => value as Hex),
});

/** An answer that a channel paid for. */
export interface ChannelSale {
  served: Served;
  salt: Hex;
}

/** Sells answers over channels. */
export function createChannelSelling(
  options: WorkBounds & {
    escrow: Domain;
    /** Vouchers that one signer may present. */
    payerRate: RateLimit;
    /** Those to work in. */
    places: Places;
    now?: () => number;
    observe: (outcome: string) => void;
  },
) {
  const { escrow, places, observe } = options;
  const buckets = createBuckets(options.payerRate, options.now);

  /** That the voucher is for this request and signed by its channel's signer, before anything is asked of a chain. */
  function inspect(asked: AskedFor, payload: PaymentPayload): { request: unknown; salt: Hex } {
    const parsed = payloadSchema.safeParse(payload.payload);
    if (!parsed.success) throw new NotPaid("malformed");
    const { request, salt } = parsed.data;
    let voucher: ReturnType<typeof parseRequest>;
    try {
      voucher = parseRequest(request);
    } catch {
      throw new NotPaid("malformed");
    }
    const { channel, sequence, inputHash, maxCumulative, signature } = voucher;
    if (inputHash !== inputHashOf(asked.product, salt, asked.request, asked.body)) throw new NotPaid("other_request");
    const id = channelId({ ...channel, chainId: escrow.chainId, escrow: escrow.verifyingContract });
    const digest = voucherDigest(escrow, { channelId: id, sequence, inputHash, maxCumulative });
    if (recoverSigner(digest, signature) !== channel.signer) throw new NotPaid("bad_voucher");
    const wait = buckets.take(channel.signer);
    if (wait > 0) throw new Problem("rate_limited", "This payer asks too often", { retryAfter: Math.ceil(wait) });
    return { request, salt };
  }

  /**
   * Serves what a voucher pays for; a repeat gets the stored answer. The voucher is taken before `taken` is called and the
   * model runs.
   * @throws {NotPaid} with the channel's reason {@link Problem}
   */
  async function sell(
    asked: AskedFor,
    payload: PaymentPayload,
    emit: (part: string) => void = () => undefined,
    taken: (salt: Hex) => void = () => undefined,
  ): Promise<ChannelSale> {
    try {
      const { request, salt } = inspect(asked, payload);
      const { product, resource, body } = asked;
      const infer = async () => {
        taken(salt);
        const answer = await boundedWork(product, { body, resource }, options, emit);
        const { cumulativeFee: _, ...rest } = answer;
        return rest;
      };
      const { payee } = product.channel!;
      const served = await places.within(() => payee.serve(request, { price: product.price, infer }));
      observe(served.repeated ? "repeated" : "sold");
      return { served, salt };
    } catch (error) {
      const refusal = refusalOf(error);
      observe(refusal instanceof NotPaid ? refusal.reason : refusal.code);
      throw refusal;
    }
  }
  return { sell };
}

function refusalOf(error: unknown): NotPaid | Problem {
  if (error instanceof NotPaid || error instanceof Problem) return error;
  if (error instanceof RequestRefused)
    return error.code === "chain_unknown"
      ? new Problem("chain_unavailable", error.message, { retryAfter: 5 })
      : new NotPaid(error.code);
  return new Problem("work_failed", "It failed; send the same voucher again, or abandon it");
}
