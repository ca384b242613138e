// SPDX-License-Identifier: GPL-3.0-or-later
import { join } from "node:path";
import { definition, type ModelName } from "./models/definitions.ts";
import { digits } from "./models/digits/data.ts";
import { INPUT_SCALE as DIGIT_SCALE } from "./models/digits/train.ts";
import { DECAY, squaredReturns, weightedVolatility } from "./models/risk-scorer/baselines.ts";
import { LARGE_LOSS_BASIS_POINTS, type Row, rows, split, SPLIT_DATE } from "./models/risk-scorer/data.ts";
import { ALERT_SCORE } from "./models/risk-scorer/features.ts";
import { riskLogit } from "./models/risk-scorer/train.ts";
import { argmax, run } from "./network.ts";
import { ROOT } from "./paths.ts";
import { readFloatNetwork } from "./training/files.ts";
import { agreement, areaUnderCurve, confusion, type Confusion, thresholdFor } from "./training/measures.ts";
import { type FloatNetwork, forward } from "./training/perceptron.ts";
import { scaleInputs } from "./training/quantise.ts";

/** How a model does on rows that training never saw. */
export interface RiskReport {
  readonly trainingRows: number;
  readonly heldOutRows: number;
  readonly heldOutLosses: number;
  /** Areas under the ROC curve; the first two are of forecasts that need no model. */
  readonly squaredReturnsArea: number;
  readonly weightedVolatilityArea: number;
  readonly floatArea: number;
  readonly quantisedArea: number;
  readonly confusion: Confusion;
  /** Share of held-out rows in which float and quantised model both alert or both do not. */
  readonly agreement: number;
}

/** Measures the committed risk scorer. */
export function riskReport(): RiskReport {
  const { training, heldOut } = split(rows());
  const { network } = definition("risk-scorer");
  const floatNetwork = floatModel("risk-scorer");
  const quantised = (row: Row): number => run(network, row.features)[0]!;
  const float = (row: Row): number => riskLogit(floatNetwork, row);
  const scored = (score: (row: Row) => number) =>
    heldOut.map((row) => ({ score: score(row), positive: row.largeLoss }));

  // The float model gets the threshold that alerts on as many training rows.
  const alarms = training.filter((row) => quantised(row) >= ALERT_SCORE).length;
  const floatThreshold = thresholdFor(training.map(float), alarms);
  return {
    trainingRows: training.length,
    heldOutRows: heldOut.length,
    heldOutLosses: heldOut.filter((row) => row.largeLoss).length,
    squaredReturnsArea: areaUnderCurve(scored(squaredReturns)),
    weightedVolatilityArea: areaUnderCurve(scored(weightedVolatility)),
    floatArea: areaUnderCurve(scored(float)),
    quantisedArea: areaUnderCurve(scored(quantised)),
    confusion: confusion(scored(quantised), ALERT_SCORE),
    agreement: agreement(
      heldOut.map((row) => quantised(row) >= ALERT_SCORE),
      heldOut.map((row) => float(row) >= floatThreshold),
    ),
  };
}

/** How the classifier does on images that training never saw; shares from 0 to 1. */
export interface DigitReport {
  readonly trainingRows: number;
  readonly heldOutRows: number;
  /** Share of the most frequent digit: what always answering it would reach. */
  readonly baseline: number;
  readonly floatAccuracy: number;
  readonly quantisedAccuracy: number;
  readonly agreement: number;
}

/** Measures the committed digit classifier. */
export function digitReport(): DigitReport {
  const { training, heldOut } = digits();
  const { network } = definition("digits");
  const floatNetwork = floatModel("digits");
  const labels = heldOut.map(({ label }) => label);
  const float = heldOut.map(({ pixels }) =>
    argmax(Array.from(forward(floatNetwork, scaleInputs(pixels, DIGIT_SCALE)).at(-1)!)),
  );
  const quantised = heldOut.map(({ pixels }) => argmax(run(network, pixels)));
  const counts = Array.from({ length: 10 }, (_, digit) => labels.filter((label) => label === digit).length);
  return {
    trainingRows: training.length,
    heldOutRows: heldOut.length,
    baseline: Math.max(...counts) / heldOut.length,
    floatAccuracy: agreement(float, labels),
    quantisedAccuracy: agreement(quantised, labels),
    agreement: agreement(float, quantised),
  };
}

function floatModel(name: ModelName): FloatNetwork {
  return readFloatNetwork(join(ROOT, "circuits/models", name, "float.json"));
}

const percent = (share: number): string => `${(100 * share).toFixed(2)} %`;

function print(): void {
  const risk = riskReport();
  const { truePositive, falsePositive, falseNegative, trueNegative } = risk.confusion;
  console.log(`risk-scorer: S&P 500, a loss of ${Number(LARGE_LOSS_BASIS_POINTS) / 100} % or more on the next day
  training rows up to ${SPLIT_DATE}   ${risk.trainingRows}
  held-out rows after it            ${risk.heldOutRows}, of which ${risk.heldOutLosses} large losses (${percent(risk.heldOutLosses / risk.heldOutRows)})
  area under the ROC curve          float ${risk.floatArea.toFixed(3)}, quantised ${risk.quantisedArea.toFixed(3)}
    of what needs no model          sum of squared returns ${risk.squaredReturnsArea.toFixed(3)}, weighted by ${DECAY} a day ${risk.weightedVolatilityArea.toFixed(3)}
  alert at score >= ${ALERT_SCORE}             loss      no loss
    alert                      ${String(truePositive).padStart(9)} ${String(falsePositive).padStart(12)}
    no alert                   ${String(falseNegative).padStart(9)} ${String(trueNegative).padStart(12)}
  float and quantised agree         ${percent(risk.agreement)} of held-out decisions
`);
  const digit = digitReport();
  console.log(`digits: MNIST, 28 x 28 pixels
  training rows                     ${digit.trainingRows}
  held-out rows                     ${digit.heldOutRows}
  accuracy                          baseline (most frequent digit) ${percent(digit.baseline)}, float ${percent(digit.floatAccuracy)}, quantised ${percent(digit.quantisedAccuracy)}
  float and quantised agree         ${percent(digit.agreement)} of held-out rows`);
}

if (process.argv[1] === import.meta.filename) print();
