// SPDX-License-Identifier: GPL-3.0-or-later
import type { Example } from "./perceptron.ts";

/** Newton's method doubles the right digits at each step; from zero, far fewer steps reach the last bit. */
const STEPS = 15;

/**
 * Logistic regression by maximum likelihood with a ridge: minimises Σ −log P(label) + ridge / 2 · |weights|², the bias
 * going free. The minimum is unique, so there is no seed, no rate and no number of epochs to choose.
 *
 * @param ridge above zero; the more, the closer to zero the weights stay.
 */
export function fitLogistic(examples: readonly Example[], ridge: number): { weights: Float64Array; bias: number } {
  const rows = examples.map(({ inputs, label }) => ({ inputs: [1, ...inputs], label }));
  const size = rows[0]!.inputs.length;
  const solution = new Float64Array(size);
  for (let step = 0; step < STEPS; step++) {
    const gradient = solution.map((weight, i) => (i === 0 ? 0 : ridge * weight));
    const hessian = Array.from({ length: size }, (_, i) =>
      Float64Array.from({ length: size }, (__, j) => (i === j && i > 0 ? ridge : 0)),
    );
    for (const { inputs, label } of rows) {
      const logit = inputs.reduce((sum, input, i) => sum + input * solution[i]!, 0);
      const probability = 1 / (1 + Math.exp(-logit));
      const curvature = probability * (1 - probability);
      for (let i = 0; i < size; i++) {
        gradient[i] = gradient[i]! + (probability - label) * inputs[i]!;
        const row = hessian[i]!;
        for (let j = 0; j < size; j++) row[j] = row[j]! + curvature * inputs[i]! * inputs[j]!;
      }
    }
    solvePositive(hessian, gradient).forEach((change, i) => (solution[i] = solution[i]! - change));
  }
  return { weights: solution.slice(1), bias: solution[0]! };
}

/** Solves A x = b by Gaussian elimination; a positive definite A, as the Hessian is, needs no pivoting. */
function solvePositive(matrix: Float64Array[], values: Float64Array): Float64Array {
  const size = values.length;
  const x = Float64Array.from(values);
  for (let column = 0; column < size; column++) {
    const pivot = matrix[column]!;
    for (let i = column + 1; i < size; i++) {
      const row = matrix[i]!;
      const factor = row[column]! / pivot[column]!;
      for (let j = column; j < size; j++) row[j] = row[j]! - factor * pivot[j]!;
      x[i] = x[i]! - factor * x[column]!;
    }
  }
  for (let i = size - 1; i >= 0; i--) {
    const row = matrix[i]!;
    for (let j = i + 1; j < size; j++) x[i] = x[i]! - row[j]! * x[j]!;
    x[i] = x[i]! / row[i]!;
  }
  return x;
}
