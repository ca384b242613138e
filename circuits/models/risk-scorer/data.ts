// SPDX-License-Identifier: GPL-3.0-or-later
import { readFileSync } from "node:fs";
import { packageFile } from "../../paths.ts";
import { FEATURES, featuresOf } from "./features.ts";

/** A day whose return is at or below this many basis points of loss counts as a large loss. */
export const LARGE_LOSS_BASIS_POINTS = 150n;

/** The last day of the training rows and, inside them, of the rows that choose the hyper-parameters. */
export const SPLIT_DATE = "2012-12-31";

/** One trading day to predict, with the prices that were known at the close of the day before. */
export interface Row {
  /** The day whose loss is predicted. */
  readonly date: string;
  /** 17 closes in millionths, oldest first, the last being that of the day before `date`. */
  readonly prices: readonly bigint[];
  readonly features: readonly number[];
  readonly largeLoss: boolean;
}

/** Daily closes of the S&P 500 as integers, exactly as the file has them (six decimals). */
export function closes(): { date: string; price: bigint }[] {
  const path = packageFile("vega-datasets", "data/sp500-2000.csv");
  const [head, ...lines] = readFileSync(path, "utf8").trim().split("\n");
  const column = head!.split(",").indexOf("close");
  return lines.map((line) => {
    const cells = line.split(",");
    const [whole, fraction = ""] = cells[column]!.split(".");
    return { date: cells[0]!, price: BigInt(whole! + fraction.padEnd(6, "0")) };
  });
}

/** All rows, in order of time. */
export function rows(): Row[] {
  const days = closes();
  return days.slice(FEATURES + 1).map(({ date, price }, index) => {
    const prices = days.slice(index, index + FEATURES + 1).map((day) => day.price);
    const last = prices[FEATURES]!;
    return {
      date,
      prices,
      features: featuresOf(prices),
      largeLoss: (price - last) * 10_000n <= -LARGE_LOSS_BASIS_POINTS * last,
    };
  });
}

/** Rows up to the split date, and the later ones that training never sees. */
export function split(all: readonly Row[]): { training: Row[]; heldOut: Row[] } {
  return {
    training: all.filter(({ date }) => date <= SPLIT_DATE),
    heldOut: all.filter(({ date }) => date > SPLIT_DATE),
  };
}
