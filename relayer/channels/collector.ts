// SPDX-License-Identifier: MIT
import { Contract, type Signer } from "ethers";
import { reasonName } from "../chain/abi.ts";
import { gasLimitFor, TRANSACTION_GAS_CAP } from "../chain/gas.ts";
import type { RelayerClient } from "../node/index.ts";
import type { Domain, Hex } from "../protocol/index.ts";
import { collectedOf, inferenceEscrow, REFUSALS, type Refusal } from "./abi.ts";
import { collectArguments, COLLECT_BOUNDS, encodeCollectBatch, findCollectable, planCollection } from "./collect.ts";
import type { ClaimGroup, Collectable, CollectBounds } from "./collect.ts";
import type { EscrowReader } from "./escrow.ts";
import { lowerHex } from "./messages.ts";
import type { PayeeStore } from "./payee-store.ts";

export interface CollectorOptions {
  nodeId: Hex;
  /** Chain and address of the `InferenceRegistry`. */
  domain: Domain;
  /** Address of the `InferenceEscrow`. */
  escrow: Hex;
  store: PayeeStore;
  reader: EscrowReader;
  relayer: Pick<RelayerClient, "receiptStatus">;
  /** Pays gas. Anyone can collect for anyone: money moves along what was signed. */
  signer: Signer;
  /** Channels that owe less are left for later. OPG base units. */
  minAmount?: bigint;
  bounds?: CollectBounds;
  /**
   * Longest wait for a call to be mined: one that a reorganisation took back, or that pools forgot, never is. What became
   * of it is read from the chain at the next collection. Milliseconds.
   */
  waitMs?: number;
  onError?: (error: Error) => void;
}

/** A receipt the escrow would not pay for now, and why. */
export interface LeftOut {
  channelId: Hex;
  requestId: Hex;
  refusal: Refusal | "TooLittle";
  /** Why the receipt does not read as verified, where that is why. */
  reason: string;
}

export interface Collection {
  /** Transactions that were mined, with the sum they moved. */
  calls: { hash: Hex; channels: Hex[]; amount: bigint; gasUsed: bigint }[];
  leftOut: LeftOut[];
  /** What `forward` takes, once for each: what was collected waits there for the fee splitter. */
  fees: { nodeId: Hex; modelId: Hex; settler: Hex; epoch: bigint }[];
}

/** Brings vouchers and settled receipts to the escrow. */
export function createCollector(options: CollectorOptions) {
  const { nodeId, domain, store, reader, relayer, signer, onError = () => undefined } = options;
  const { minAmount = 1n, bounds = COLLECT_BOUNDS, waitMs = 300_000 } = options;
  const to = lowerHex(options.escrow, 20);
  const escrow = new Contract(to, inferenceEscrow, signer);

  /** What the chain says is paid already. */
  async function refresh(): Promise<void> {
    const channels = new Map<Hex, Hex[]>();
    for (const { payer, channelId } of store.unpaid()) channels.set(payer, [...(channels.get(payer) ?? []), channelId]);
    for (const [payer, ids] of channels) {
      const { block, sessions } = await reader.snapshot(payer, nodeId, ids, true);
      store.recordPaid(payer, block, new Map([...sessions].map(([id, { paid }]): [Hex, bigint] => [id, paid])));
    }
  }

  /** Refusals that hold for every receipt of the channel. */
  const ofTheChannel = new Set<Refusal>(["NotOpened", "NothingDue", "LimitReached", "EscrowEmpty"]);

  async function collectables(): Promise<{ payable: Collectable[]; leftOut: LeftOut[] }> {
    await refresh();
    const payable: Collectable[] = [];
    const left: LeftOut[] = [];
    for (const { channelId } of store.unpaid()) {
      const statusOf = (receiptId: Hex) => relayer.receiptStatus(receiptId);
      const pays = async (item: Collectable): Promise<"yes" | "no" | "older"> => {
        const [amount, refusal, reason] = await escrow.getFunction("collectable")(...collectArguments(item));
        if (refusal === 0n && amount >= minAmount) return "yes";
        const why =
          refusal === 0n ? { ...leftOut(item, 0n, 0n), refusal: "TooLittle" as const } : leftOut(item, refusal, reason);
        left.push(why);
        return why.refusal === "TooLittle" || ofTheChannel.has(why.refusal) ? "no" : "older";
      };
      try {
        const found = await findCollectable(store, channelId, statusOf, pays);
        if (found) payable.push(found);
      } catch (error) {
        // One channel's failure, be it a relayer's nonsense, is no other's.
        onError(error as Error);
      }
    }
    return { payable, leftOut: left };
  }

  async function send(groups: ClaimGroup[], into: Collection): Promise<void> {
    const data = encodeCollectBatch(groups);
    const needed = await signer.estimateGas({ to, data });
    const items = groups.flatMap((group) => group.items);
    if (needed > TRANSACTION_GAS_CAP && items.length > 1) {
      const half = { ...bounds, maxClaims: items.length >> 1 };
      for (const smaller of planCollection(domain, items, half)) await send(smaller, into);
      return;
    }
    const gasLimit = gasLimitFor(needed);
    const receipt = (await (await signer.sendTransaction({ to, data, gasLimit })).wait(1, waitMs))!;
    let amount = 0n;
    for (const log of receipt.logs) {
      const event = log.address.toLowerCase() === to ? inferenceEscrow.parseLog(log) : null;
      if (event?.name === "Collected") {
        amount += collectedOf({ payment: event.args.payment, totals: event.args.totals }).amount;
      } else if (event?.name === "FeesAccrued") {
        const { nodeId, modelId, settler, epoch } = event.args;
        into.fees.push({ nodeId, modelId, settler: settler.toLowerCase(), epoch });
      } else if (event?.name === "ClaimSkipped") {
        const item = groups[Number(event.args.group)]!.items[Number(event.args.index)]!;
        into.leftOut.push(leftOut(item, event.args.refusal, event.args.reason));
      }
    }
    const channels = items.map((item) => item.channelId);
    into.calls.push({ hash: receipt.hash as Hex, channels, amount, gasUsed: receipt.gasUsed });
  }

  const leftOut = ({ channelId, requestId }: Collectable, refusal: bigint, reason: bigint): LeftOut => ({
    ...{ channelId, requestId, refusal: REFUSALS[Number(refusal)]!, reason: reasonName(reason) },
  });

  return {
    /** For each channel that owes, the receipt to collect with; and what the escrow would not pay for, and why. */
    collectables,

    /**
     * Collects once all that can be collected now. Safe to repeat and to run beside others: what is paid is not due.
     * @throws what the chain throws, and ethers' `TIMEOUT` after `waitMs`; what was sent before stays sent.
     */
    async collect(): Promise<Collection> {
      const { payable, leftOut: left } = await collectables();
      const into: Collection = { calls: [], leftOut: left, fees: [] };
      for (const groups of planCollection(domain, payable, bounds)) await send(groups, into);
      into.fees = [...new Map(into.fees.map((fee) => [JSON.stringify(Object.values(fee).map(String)), fee])).values()];
      return into;
    },

    /** Sends what was collected under these to the fee splitter. */
    async forward({ nodeId, modelId, settler, epoch }: Collection["fees"][number]): Promise<Hex> {
      const call = [nodeId, modelId, settler, epoch] as const;
      const forwarding = escrow.getFunction("forward");
      const sent = await forwarding.send(...call, { gasLimit: gasLimitFor(await forwarding.estimateGas(...call)) });
      return (await sent.wait(1, waitMs))!.hash as Hex;
    },
  };
}
