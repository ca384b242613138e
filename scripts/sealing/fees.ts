// SPDX-License-Identifier: MIT
// A day of base fees: by the rule of EIP-1559 from a demand, or as a chain had them.
import type { Random } from "./random.ts";

/** Base fees block by block, wei. */
export interface FeeTrace {
  name: string;
  blockMs: number;
  baseFees: readonly bigint[];
}

/** How a chain moves its base fee, and what is asked of it. */
export interface ChainModel {
  name: string;
  blockMs: number;
  /** Gas limit over gas target. */
  elasticity: number;
  /** EIP-1559's BASE_FEE_MAX_CHANGE_DENOMINATOR. */
  denominator: number;
  /** Base fee at which demand is as large as the target, wei; below `floor` it never goes. */
  level: bigint;
  floor: bigint;
}

/** Blocks of 12 s, ten gwei on a usual day. */
export const MAINNET: ChainModel = {
  ...{ name: "mainnet", blockMs: 12_000, elasticity: 2, denominator: 8 },
  ...{ level: 10_000_000_000n, floor: 1_000_000n },
};
/** A chain of the OP stack: blocks of 2 s, a hundredth of a gwei. Its charge for data is left out. */
export const ROLLUP: ChainModel = {
  ...{ name: "rollup", blockMs: 2_000, elasticity: 6, denominator: 250 },
  ...{ level: 10_000_000n, floor: 1_000_000n },
};

const DAY_MS = 86_400_000;
/** What the demand is made of: shares of the target, before the price drives some of it away. */
const DEMAND = {
  /** Half as much at night as at noon, roughly. */
  dayAmplitude: 0.35,
  /** A slow wander of half an hour's memory, and the noise of single blocks. */
  wander: 0.35,
  memoryMs: 30 * 60_000,
  noise: 0.3,
  /** Rushes: some a day, each from two to sixteen times the demand, gone in half an hour. */
  rushesADay: 6,
  rushFadeMs: 30 * 60_000,
  /** Demand falls with the price to this power. */
  elasticity: 0.8,
};

/** The base fee of the next block (EIP-1559), in whole wei as chains compute it. */
export function nextBaseFee(baseFee: bigint, gasUsed: bigint, gasTarget: bigint, denominator: bigint): bigint {
  if (gasUsed === gasTarget) return baseFee;
  if (gasUsed > gasTarget) {
    const rise = (baseFee * (gasUsed - gasTarget)) / gasTarget / denominator;
    return baseFee + (rise > 0n ? rise : 1n);
  }
  return baseFee - (baseFee * (gasTarget - gasUsed)) / gasTarget / denominator;
}

/** A day of base fees under a demand that wanders, follows the hours, and has rushes. */
export function generateFees(model: ChainModel, random: Random): FeeTrace {
  const { blockMs, elasticity, floor } = model;
  const target = 15_000_000n;
  const memory = Math.exp(-blockMs / DEMAND.memoryMs);
  const baseFees: bigint[] = [];
  let [baseFee, wander, rush] = [model.level, 0, 0];
  for (let t = 0; t < DAY_MS; t += blockMs) {
    baseFees.push(baseFee);
    wander = memory * wander + DEMAND.wander * Math.sqrt(1 - memory * memory) * random.normal();
    rush *= Math.exp(-blockMs / DEMAND.rushFadeMs);
    if (random.next() < (DEMAND.rushesADay * blockMs) / DAY_MS)
      rush = Math.max(rush, Math.LN2 * (1 + 3 * random.next()));
    const hour = DEMAND.dayAmplitude * Math.sin((2 * Math.PI * (t - DAY_MS / 4)) / DAY_MS);
    const away = -DEMAND.elasticity * Math.log(Number(baseFee) / Number(model.level));
    const wanted = Math.exp(hour + wander + rush + away + DEMAND.noise * random.normal());
    const used = BigInt(Math.round(Number(target) * Math.min(elasticity, wanted)));
    const next = nextBaseFee(baseFee, used, target, BigInt(model.denominator));
    baseFee = next > floor ? next : floor;
  }
  return { name: model.name, blockMs, baseFees };
}

/**
 * Base fees out of a file: the result of `eth_feeHistory` as JSON, or lines of which the last field is a base fee in wei.
 * @throws {RangeError} where it holds none, or something that is none.
 */
export function parseFees(text: string, name: string, blockMs: number): FeeTrace {
  const words = text.trim().startsWith("{")
    ? ((JSON.parse(text) as { baseFeePerGas?: string[] }).baseFeePerGas ?? [])
    : text
        .split("\n")
        .map((line) =>
          line
            .trim()
            .split(/[,;\t ]+/)
            .at(-1)!,
        )
        .filter((word, line) => word !== "" && !(line === 0 && /[a-z]/i.test(word.replace(/^0x[0-9a-f]+$/i, ""))));
  const baseFees = words.map((word) => {
    if (!/^(?:\d+|0x[0-9a-fA-F]+)$/.test(word)) throw new RangeError(`${word} is no base fee in wei`);
    return BigInt(word);
  });
  if (baseFees.length === 0) throw new RangeError("There is no base fee in the file");
  return { name, blockMs, baseFees };
}

/** The base fee below which a share of the blocks is. */
export function quantileOf({ baseFees }: FeeTrace, share: number): bigint {
  const sorted = [...baseFees].sort((a, b) => (a < b ? -1 : a > b ? 1 : 0));
  return sorted[Math.min(sorted.length - 1, Math.floor(share * sorted.length))]!;
}

type Ask = <T>(method: string, params: readonly unknown[]) => Promise<T>;
/** Nodes answer for so many blocks at once, and not all for more. */
const HISTORY_BLOCKS = 1_024;

/** Base fees of the newest blocks of a chain, oldest first, as lines `block,baseFee`. */
export async function recordFees(ask: Ask, blocks: number): Promise<string> {
  const lines: string[] = [];
  let newest = Number(await ask<string>("eth_blockNumber", []));
  while (lines.length < blocks && newest >= 0) {
    const count = Math.min(HISTORY_BLOCKS, blocks - lines.length, newest + 1);
    type History = { oldestBlock: string; baseFeePerGas: string[] };
    const history = await ask<History>("eth_feeHistory", [`0x${count.toString(16)}`, `0x${newest.toString(16)}`, []]);
    // One more than asked for: that of the block to come.
    const fees = history.baseFeePerGas.slice(0, -1);
    const oldest = Number(history.oldestBlock);
    if (fees.length === 0 || oldest > newest)
      throw new RangeError("The node tells of fewer blocks than were asked for");
    lines.unshift(...fees.map((fee, i) => `${oldest + i},${BigInt(fee)}`));
    newest = oldest - 1;
  }
  return `block,baseFee\n${lines.join("\n")}\n`;
}
