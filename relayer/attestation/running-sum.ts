// SPDX-License-Identifier: MIT
import { P, inverses, mod, type Point } from "./p384.ts";

/**
 * A sum of points that tells the slope of every line it was drawn by. It counts in Jacobian coordinates, where the
 * slope of a step is a quotient by the new z, and divides once for all of them.
 */
export class RunningSum {
  private x: bigint;
  private y: bigint;
  private z = 1n;
  private readonly above: bigint[] = [];
  private readonly below: bigint[] = [];

  constructor(start: Point) {
    this.x = start.x;
    this.y = start.y;
  }

  double(): void {
    const { x, y, z } = this;
    const square = mod(y * y, P);
    const product = mod(4n * x * square, P);
    const zz = mod(z * z, P);
    const slope = mod(3n * (x - zz) * (x + zz), P);
    this.x = mod(slope * slope - 2n * product, P);
    this.y = mod(slope * (product - this.x) - 8n * square * square, P);
    this.draw(slope, mod(2n * y * z, P));
  }

  /** False, and nothing added, where both have the same x: no slope tells their sum. */
  add(point: Point): boolean {
    const { x, y, z } = this;
    const zz = mod(z * z, P);
    const run = mod(point.x * zz - x, P);
    if (run === 0n) return false;
    const rise = mod(point.y * zz * z - y, P);
    const square = mod(run * run, P);
    const cube = mod(square * run, P);
    this.x = mod(rise * rise - cube - 2n * x * square, P);
    this.y = mod(rise * (x * square - this.x) - y * cube, P);
    this.draw(rise, mod(z * run, P));
    return true;
  }

  /** Whether it and the point make the point at infinity. */
  isOpposite(point: Point): boolean {
    const zz = mod(this.z * this.z, P);
    return mod(point.x * zz - this.x, P) === 0n && mod(point.y * zz * this.z - this.y, P) !== 0n;
  }

  /** Slopes of all steps, in order. */
  slopes(): bigint[] {
    const parts = inverses(this.below, P);
    return this.above.map((value, i) => mod(value * parts[i]!, P));
  }

  private draw(slope: bigint, z: bigint): void {
    this.above.push(slope);
    this.below.push(z);
    this.z = z;
  }
}
