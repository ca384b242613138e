import { concentration, figure, holdings, type FigureKey } from "../model/network.ts";
import { ratio } from "../model/decimals.ts";
import { DAY, type Scenario } from "../testing/scenario.ts";
import type { Check, Story } from "../testing/story.ts";
import { type Facts, writeRandom } from "./random.ts";

const FIGURE =
  "day startsAt scope mode batches receipts receiptsAlone shareOfReceipts opened openedFees gasUsed gasFee gasPerReceipt " +
  "gasFeePerReceipt timed delays { counts } delayP50AtMost delayP95AtMost";
const PART = "total members amounts shareOfLargest shareOfThreeLargest";

function be4(value: number): string {
  return (value >>> 0).toString(16).padStart(8, "0");
}

function idOf({ day, scope, subject }: FigureKey): string {
  const place = { NETWORK: "00", MODE: "01", MODEL: "02" }[scope];
  const tail = subject === null ? "" : typeof subject === "number" ? `0${subject}` : subject.slice(2);
  return `0x${be4(day ?? -1)}${place}${tail}`;
}

/** Every figure that something happened in, of each day and of all time. */
function figureChecks(facts: Facts): Check[] {
  const happened = [...facts.settled, ...facts.opened].map(({ at }) => Math.floor(at / DAY));
  const days: (number | null)[] = [null, ...new Set(happened)];
  return days.map((day): Check => {
    const at = (moment: number): boolean => day === null || Math.floor(moment / DAY) === day;
    const settled = facts.settled.filter((each) => at(each.at));
    const opened = facts.opened.filter((each) => at(each.at));
    const openedModes = opened.flatMap(({ modeMask }) => (Math.log2(modeMask) % 1 === 0 ? [Math.log2(modeMask)] : []));
    // The first settlement of a day makes the rows of all modes.
    const modes = settled.length > 0 ? [0, 1, 2] : [...new Set(openedModes)];
    const models = new Set([...settled.map(({ model }) => model), ...opened.map(({ model }) => model)]);
    const keys: FigureKey[] = [
      { day, scope: "NETWORK", subject: null },
      ...modes.map((subject): FigureKey => ({ day, scope: "MODE", subject })),
      ...[...models].filter((model) => model !== null).map((subject): FigureKey => ({ day, scope: "MODEL", subject })),
    ];
    const rows = keys.map((key) => ({ id: idOf(key), ...figure(facts.settled, facts.opened, key) }));
    return {
      what: `has the model's figures of ${day === null ? "all time" : `day ${day}`}: network, modes, model versions`,
      query: `{ figures(first: 1000, where: { day: ${day} }, orderBy: id) { id ${FIGURE} } }`,
      expected: { figures: rows.sort((a, b) => (a.id < b.id ? -1 : 1)) },
    };
  });
}

function concentrationChecks(facts: Facts): Check[] {
  const roles: [string, [number, string | null, number][]][] = [
    ["INFERENCE", facts.settled.map(({ at, operator, receipts }) => [at, operator, receipts])],
    [
      "ENCLAVE",
      facts.settled.filter(({ mode }) => mode === 2).map(({ at, operator, receipts }) => [at, operator, receipts]),
    ],
    ["ENCLAVE_KEYS", facts.enclaveKeys.map(({ at, operator }) => [at, operator, 1])],
    ["SETTLER", facts.settled.map(({ at, settler, receipts }) => [at, settler, receipts])],
  ];
  return roles.map(([role, got]): Check => {
    const named = got.filter(([, who]) => who !== null);
    const days = [null, ...new Set(named.map(([at]) => Math.floor(at / DAY)).sort((a, b) => a - b))];
    return {
      what: `has the model's shares of the largest and the three largest, ${role}`,
      query: `{ concentrations(first: 1000, where: { role: ${role} }, orderBy: id) { day ${PART} } }`,
      expected: {
        concentrations: [
          ...days.slice(1).map((day) => ({
            day,
            ...concentration(holdings(named.filter(([at]) => Math.floor(at / DAY) === day).map(([, a, n]) => [a, n]))),
          })),
          { day: null, ...concentration(holdings(named.map(([, a, n]) => [a, n]))) },
        ],
      },
    };
  });
}

/** What every operator has bonded after the changes up to a moment. */
function stakesUntil(facts: Facts, end: number): Map<string, bigint> {
  const pools = new Map<string, bigint>();
  for (const { at, operator, kind, bonded } of facts.stakes) if (at < end) pools.set(`${operator} ${kind}`, bonded);
  const sums = new Map<string, bigint>();
  for (const [pool, bonded] of pools) {
    const operator = pool.split(" ")[0] as string;
    sums.set(operator, (sums.get(operator) ?? 0n) + bonded);
  }
  return sums;
}

function stakeCheck(facts: Facts): Check {
  const days = [...new Set(facts.stakes.map(({ at }) => Math.floor(at / DAY)))].sort((a, b) => a - b);
  return {
    what: "has the model's shares of the largest stakes, also where stake shrinks, as they stood after each day",
    query: `{ concentrations(first: 1000, where: { role: STAKE }, orderBy: id) { day ${PART} } }`,
    expected: {
      concentrations: [
        ...days.map((day) => ({ day, ...concentration(stakesUntil(facts, (day + 1) * DAY)) })),
        { day: null, ...concentration(stakesUntil(facts, Infinity)) },
      ],
    },
  };
}

function candleCheck(facts: Facts, twin: string): Check {
  const trades = facts.trades.filter((trade) => trade.twin === twin);
  const days = [...new Set(trades.map(({ at }) => Math.floor(at / DAY)))].sort((a, b) => a - b);
  return {
    what: `draws the model's candles of twin ${twin.slice(0, 6)}`,
    query: `{ twinCandles(interval: day, first: 1000, where: { twin: "${twin}" }, orderBy: timestamp, orderDirection: asc) {
      timestamp open high low close keys volume trades } }`,
    expected: {
      twinCandles: days.map((day) => {
        const own = trades.filter(({ at }) => Math.floor(at / DAY) === day);
        const prices = own.map(({ price, amount }) => ratio(price, amount, 6) as string);
        const sorted = [...prices].sort((a, b) => Number(a) - Number(b));
        return {
          timestamp: String(day * DAY * 1_000_000),
          ...{ open: prices[0], close: prices.at(-1), high: sorted.at(-1), low: sorted[0] },
          keys: String(own.reduce((sum, { amount }) => sum + amount, 0n)),
          volume: String(own.reduce((sum, { price }) => sum + price, 0n)),
          trades: String(own.length),
        };
      }),
    },
  };
}

function settledStatsCheck(facts: Facts): Check {
  const names = ["VANILLA", "ZKML", "TEE"];
  const days = [...new Set(facts.settled.map(({ at }) => Math.floor(at / DAY)))].sort((a, b) => a - b);
  return {
    what: "aggregates what settled by day and mode",
    query: `{ settledStats_collection(interval: day, first: 1000, where: { mode: TEE }, orderBy: timestamp, orderDirection: asc) {
      timestamp mode receipts items gasUsed gasFee } }`,
    expected: {
      settledStats_collection: days.flatMap((day) => {
        const own = facts.settled.filter(({ at, mode }) => Math.floor(at / DAY) === day && names[mode] === "TEE");
        const total = (of: (fact: (typeof own)[number]) => bigint): string =>
          String(own.reduce((sum, each) => sum + of(each), 0n));
        if (own.length === 0) return [];
        return [
          {
            ...{ timestamp: String(day * DAY * 1_000_000), mode: "TEE", items: String(own.length) },
            receipts: total(({ receipts }) => BigInt(receipts)),
            ...{ gasUsed: total(({ gasUsed }) => gasUsed), gasFee: total(({ gasFee }) => gasFee) },
          },
        ];
      }),
    },
  };
}

function holderChecks(facts: Facts): Check[] {
  const keys = new Map<string, bigint>();
  for (const { twin, trader, isBuy, amount } of facts.trades) {
    const id = twin + trader.slice(2);
    keys.set(id, (keys.get(id) ?? 0n) + (isBuy ? amount : -amount));
  }
  const balances = new Map<string, bigint>();
  for (const { from, to, amount } of facts.transfers) {
    balances.set(from, (balances.get(from) ?? 0n) - amount);
    balances.set(to, (balances.get(to) ?? 0n) + amount);
  }
  const nobody = `0x${"00".repeat(20)}`;
  const supply = -(balances.get(nobody) ?? 0n);
  balances.delete(nobody);
  const twins = [...new Set(facts.trades.map(({ twin }) => twin))].sort();
  return [
    {
      what: "knows who holds how many keys of each twin, and how many hold some",
      query:
        "{ twinHolders(first: 1000, orderBy: id) { id keys } twins(orderBy: id) { id holderCount tradeCount supply reserve } }",
      expected: {
        twinHolders: [...keys].sort(([a], [b]) => (a < b ? -1 : 1)).map(([id, has]) => ({ id, keys: String(has) })),
        twins: twins.map((id) => {
          const trades = facts.trades.filter(({ twin }) => twin === id);
          const holders = [...keys].filter(([holder, has]) => holder.startsWith(id) && has > 0n);
          return {
            id,
            holderCount: String(holders.length),
            tradeCount: String(trades.length),
            supply: String(holders.reduce((sum, [, has]) => sum + has, 0n)),
            reserve: String(trades.reduce((sum, { isBuy, price }) => sum + (isBuy ? price : -price), 0n)),
          };
        }),
      },
    },
    {
      what: "knows balances, supply and the number of holders of the token",
      query: `{ tokenHolders(where: { balance_gt: 0 }, orderBy: id) { id balance } token(id: "0x01") { supply holders } }`,
      expected: {
        tokenHolders: [...balances]
          .filter(([, has]) => has > 0n)
          .sort(([a], [b]) => (a < b ? -1 : 1))
          .map(([id, has]) => ({ id, balance: String(has) })),
        token: { supply: String(supply), holders: String([...balances.values()].filter((has) => has > 0n).length) },
      },
    },
  ];
}

/** A long sequence by a seed, against the model. */
export function longRun(seed: number, steps: number): Story {
  return {
    title: `${steps} random steps, seed ${seed}`,
    write(story: Scenario): Check[] {
      const facts = writeRandom(story, seed, steps);
      const total = facts.settled.reduce((sum, { receipts }) => sum + receipts, 0);
      return [
        ...figureChecks(facts),
        ...concentrationChecks(facts),
        stakeCheck(facts),
        ...[...new Set(facts.trades.map(({ twin }) => twin))].map((twin) => candleCheck(facts, twin)),
        settledStatsCheck(facts),
        ...holderChecks(facts),
        {
          what: "has no orphans, and the model's totals",
          query: `{ protocol(id: "0x01") { orphans receipts skippedItems opened } }`,
          expected: {
            protocol: {
              ...{ orphans: "0", receipts: String(total), skippedItems: String(facts.skipped) },
              opened: String(facts.opened.length),
            },
          },
        },
      ];
    },
  };
}
