// How long receipts waited for their settlement, as far as the calls that settled them tell it: counted anew from calldata.
import { decodeSettlement, itemId, type SettlementItem } from "../../../relayer/chain/settlement.ts";
import { decodeCompact, type Domain, fromHex, type Hex } from "../../../relayer/protocol/index.ts";
import { cut, type ViewSpec } from "./asking.ts";
import type { Chain } from "./chain.ts";

/** Upper bounds in seconds, as the subgraph promises them. */
const BOUNDS = [
  ...[5, 10, 15, 20, 30, 45, 60, 90, 120, 180, 240, 300, 420, 600, 900, 1_200, 1_800, 2_700, 3_600, 5_400, 7_200],
  ...[10_800, 14_400, 21_600, 28_800, 43_200, 64_800, 86_400, 129_600, 172_800, 216_000, 259_200],
];
const MODES = ["VANILLA", "ZKML", "TEE"];

/** A receipt whose time of completion is on chain. */
interface Timed {
  day: number;
  mode: number;
  model: string;
  delay: number;
}

const read = new WeakMap<Chain, Promise<Timed[]>>();
/** Read once for each comparison. */
function timedOf(chain: Chain): Promise<Timed[]> {
  const known = read.get(chain) ?? collect(chain);
  read.set(chain, known);
  return known;
}

async function collect(chain: Chain): Promise<Timed[]> {
  const events = chain.of("InferenceRegistry.BatchSettled", "InferenceRegistry.ReceiptSettled");
  const calls = new Map<string, Map<string, SettlementItem>>();
  for (const { transaction, address } of events) {
    if (calls.has(transaction)) continue;
    const call = (await chain.provider.getTransaction(transaction))!;
    const domain: Domain = { chainId: 31337n, verifyingContract: address as Hex };
    // Through another contract, the call data is not the registry's.
    const items = call.to?.toLowerCase() === address ? decodeSettlement(call.data) : [];
    calls.set(transaction, new Map(items.map((item) => [itemId(domain, item), item])));
  }
  return events.flatMap((event) => {
    const item = calls.get(event.transaction)!.get(String(event.args["digest"] ?? event.args["receiptId"]));
    return completionsOf(item).map(({ model, completedAt }) => ({
      ...{ day: Math.floor(event.time / 86_400), mode: Number(event.args["mode"]), model },
      delay: event.time - Number(completedAt),
    }));
  });
}

function completionsOf(item: SettlementItem | undefined): { model: string; completedAt: bigint }[] {
  if (item?.kind === "receipt") return [{ model: item.receipt.modelId, completedAt: item.receipt.completedAt }];
  if (item?.kind !== "proved") return [];
  return decodeCompact(fromHex(item.receipts)).map(({ completedAt }) => ({ model: item.modelId, completedAt }));
}

function countsOf(all: readonly Timed[], wanted: (one: Timed) => boolean): number[] {
  const counts = BOUNDS.map(() => 0);
  for (const { delay } of all.filter(wanted)) counts[BOUNDS.findIndex((bound) => delay <= bound)]!++;
  return counts;
}

/** The least bound that so many of a hundred did not exceed. */
function percentile(counts: readonly number[], percent: number): string | null {
  const wanted = (counts.reduce((sum, count) => sum + count, 0) * percent) / 100;
  let below = 0;
  for (const [i, count] of counts.entries()) if (count > 0 && (below += count) >= wanted) return String(BOUNDS[i]);
  return null;
}

/** Which receipts a figure is of, by its id. */
function ofFigure(id: string): (one: Timed) => boolean {
  const [day, scope] = cut(id, 4, 1) as [string, string];
  const subject = `0x${id.slice(12)}`;
  return (one) =>
    (day === "0xffffffff" || Number(day) === one.day) &&
    (scope === "0x00" || (scope === "0x01" ? Number(subject) === one.mode : subject === one.model));
}

export const DELAYS: Record<string, ViewSpec> = {
  Figure: {
    expected: async ({ id, day, scope }, chain) => {
      const counts = countsOf(await timedOf(chain), ofFigure(id));
      const timed = counts.reduce((sum, count) => sum + count, 0);
      const subject = `0x${id.slice(12)}`;
      return {
        ...{ timed: String(timed), delays: timed === 0 ? null : id },
        ...{ delayP50AtMost: percentile(counts, 50), delayP95AtMost: percentile(counts, 95) },
        startsAt: day === null ? null : String(Number(day) * 86_400),
        mode: scope === "MODE" ? MODES[Number(subject)] : null,
        model: scope === "MODEL" ? subject : null,
      };
    },
  },
  Delays: {
    expected: async ({ id }, chain) => ({ counts: countsOf(await timedOf(chain), ofFigure(id)) }),
  },
  DelayBounds: { expected: () => ({ seconds: BOUNDS }) },
};
