// SPDX-License-Identifier: MIT
/** A stream of numbers that a seed decides: the same in every run and on every machine. */
export interface Random {
  /** From 0 inclusive to 1 exclusive. */
  next(): number;
  /** Exponentially distributed with mean 1: the pause between two arrivals of a Poisson process. */
  exponential(): number;
  /** Normally distributed with mean 0 and deviation 1. */
  normal(): number;
}

/** SFC32 of PractRand, a small generator without known flaws; a seed is any text. */
export function randomFrom(seed: string): Random {
  let [a, b, c, counter] = [0x9e3779b9, 0x243f6a88, 0xb7e15162, 1];
  for (const char of seed) {
    a = Math.imul(a ^ char.codePointAt(0)!, 0x85ebca6b) >>> 0;
    b = (b + a) >>> 0;
  }
  const next = (): number => {
    const sum = (a + b + counter) | 0;
    counter = (counter + 1) | 0;
    a = b ^ (b >>> 9);
    b = (c + (c << 3)) | 0;
    c = (((c << 21) | (c >>> 11)) + sum) | 0;
    return (sum >>> 0) / 2 ** 32;
  };
  for (let i = 0; i < 20; i++) next();
  const exponential = (): number => -Math.log(1 - next());
  return {
    next,
    exponential,
    normal: () => Math.sqrt(2 * exponential()) * Math.cos(2 * Math.PI * next()),
  };
}
