// SPDX-License-Identifier: GPL-3.0-or-later
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { expect } from "chai";
import fc from "fast-check";
import { definition, type ModelName } from "../../circuits/models/definitions.ts";
import { trainDigits } from "../../circuits/models/digits/train.ts";
import { squaredReturns, weightedVolatility } from "../../circuits/models/risk-scorer/baselines.ts";
import { closes, rows, split, SPLIT_DATE } from "../../circuits/models/risk-scorer/data.ts";
import { ALERT_SCORE, feature, featuresOf, packFeatures } from "../../circuits/models/risk-scorer/features.ts";
import { judge, judgeRidge, RIDGES } from "../../circuits/models/risk-scorer/folds.ts";
import { RIDGE, trainRiskScorer } from "../../circuits/models/risk-scorer/train.ts";
import { run } from "../../circuits/network.ts";
import { ROOT } from "../../circuits/paths.ts";
import { digitReport, riskReport } from "../../circuits/report.ts";
import { floatText, weightsText } from "../../circuits/training/files.ts";
import { fitLogistic } from "../../circuits/training/logistic.ts";
import { areaUnderCurve, confusion, thresholdFor } from "../../circuits/training/measures.ts";

const committed = (name: ModelName, file: string): string =>
  readFileSync(join(ROOT, "circuits/models", name, file), "utf8");

describe("training", function () {
  this.timeout(180_000);

  it("reproduces the committed risk scorer byte for byte", async () => {
    const { float, integer } = trainRiskScorer();
    expect(await floatText(float)).to.equal(committed("risk-scorer", "float.json"));
    expect(await weightsText(integer)).to.equal(committed("risk-scorer", "weights.json"));
  });

  it("reproduces the committed digit classifier byte for byte", async () => {
    const { float, integer } = trainDigits();
    expect(await floatText(float)).to.equal(committed("digits", "float.json"));
    expect(await weightsText(integer)).to.equal(committed("digits", "weights.json"));
  });

  it("chooses the ridge of the scorer inside the training years, where it is better than what needs no model", () => {
    const means = RIDGES.map((ridge) => judgeRidge(ridge).mean);
    expect(RIDGES[means.indexOf(Math.max(...means))]).to.equal(RIDGE);
    const chosen = judgeRidge(RIDGE);
    for (const baseline of [squaredReturns, weightedVolatility]) {
      const { areas, mean } = judge(() => baseline);
      expect(chosen.mean).to.be.above(mean + 0.02);
      areas.forEach((area, fold) => expect(chosen.areas[fold]).to.be.above(area));
    }
  });

  it("fits a logistic regression to where the gradient is zero, and tighter with less ridge", () => {
    const rows = [
      [-1, 0, 0],
      [0.5, 2, 1],
      [1, -1, 1],
      [2, 0.25, 0],
      [-0.5, 1, 1],
    ].map(([a, b, label]) => ({ inputs: Float64Array.of(a!, b!), label: label! }));
    const sizes = [0.1, 1, 10].map((ridge) => {
      const { weights, bias } = fitLogistic(rows, ridge);
      const errors = rows.map(({ inputs, label }) => {
        return 1 / (1 + Math.exp(-(bias + weights[0]! * inputs[0]! + weights[1]! * inputs[1]!))) - label;
      });
      const gradient = (value: (index: number) => number) =>
        errors.reduce((sum, error, index) => sum + error * value(index), 0);
      expect(gradient(() => 1)).to.be.closeTo(0, 1e-12);
      for (const i of [0, 1]) {
        expect(gradient((row) => rows[row]!.inputs[i]!)).to.be.closeTo(-ridge * weights[i]!, 1e-12);
      }
      return Math.hypot(...weights);
    });
    expect(sizes[0]).to.be.above(sizes[1]!);
    expect(sizes[1]).to.be.above(sizes[2]!);
  });

  it("fills the byte with the scores of the training days, and alerts on the highest quarter of them", () => {
    const { training } = split(rows());
    const { network } = definition("risk-scorer");
    const scores = training.map(({ features }) => run(network, features)[0]!);
    expect(Math.min(...scores)).to.be.at.most(1);
    expect(Math.max(...scores)).to.be.at.least(254);
    expect(thresholdFor(scores, Math.round(scores.length / 4))).to.equal(ALERT_SCORE);
  });

  it("gives a scorer that ranks held-out days well above chance, quantised as in floats", () => {
    const report = riskReport();
    expect(report.heldOutRows).to.equal(1836);
    expect(report.quantisedArea).to.be.above(0.7);
    expect(Math.abs(report.quantisedArea - report.floatArea)).to.be.below(0.005);
    expect(report.agreement).to.be.above(0.99);
  });

  it("gives a classifier that reads nine held-out digits in ten, quantised as in floats", () => {
    const report = digitReport();
    expect(report.heldOutRows).to.equal(2000);
    expect(report.quantisedAccuracy).to.be.above(0.93);
    expect(report.agreement).to.be.above(0.995);
  });
});

describe("measures", () => {
  it("give the area under the curve with ties counting half", () => {
    const row = (score: number, positive: boolean) => ({ score, positive });
    expect(areaUnderCurve([row(1, false), row(2, true)])).to.equal(1);
    expect(areaUnderCurve([row(2, false), row(1, true)])).to.equal(0);
    expect(areaUnderCurve([row(1, false), row(1, true)])).to.equal(0.5);
    expect(areaUnderCurve([row(1, false), row(2, true), row(3, false), row(4, true)])).to.equal(0.75);
    expect(confusion([row(1, false), row(2, true), row(3, false)], 2)).to.deep.equal({
      truePositive: 1,
      falsePositive: 1,
      falseNegative: 0,
      trueNegative: 1,
    });
  });
});

describe("features of the risk scorer", () => {
  it("truncate toward zero as Solidity does, and saturate at a byte", () => {
    expect(feature(10_000n, 10_004n)).to.equal(128); // 0.8 units
    expect(feature(10_000n, 9_996n)).to.equal(128); // −0.8 units, not −1
    expect(feature(10_000n, 10_005n)).to.equal(129);
    expect(feature(10_000n, 9_995n)).to.equal(127);
    expect(feature(10_000n, 20_000n)).to.equal(255);
    expect(feature(10_000n, 1n)).to.equal(0);
    expect(() => feature(0n, 1n)).to.throw(RangeError);
    expect(() => feature(1n, 0n)).to.throw(RangeError);
  });

  it("do not depend on the unit of the prices", () => {
    const price = fc.bigInt(1n, 10n ** 12n);
    fc.assert(
      fc.property(price, price, fc.bigInt(1n, 10n ** 9n), (p0, p1, unit) => {
        expect(feature(p0 * unit, p1 * unit)).to.equal(feature(p0, p1));
      }),
    );
  });

  it("are packed with the oldest in the lowest byte", () => {
    const values = Array.from({ length: 16 }, (_, index) => index + 1);
    expect(packFeatures(values)).to.equal(0x100f0e0d0c0b0a090807060504030201n);
    expect(() => featuresOf([1n])).to.throw(RangeError);
  });

  it("come from closes before the day to predict, split by time", () => {
    const days = closes();
    expect(days.length).to.equal(5105);
    expect(days.every(({ date }, index) => index === 0 || days[index - 1]!.date < date)).to.equal(true);
    const all = rows();
    const { training, heldOut } = split(all);
    expect(training.length + heldOut.length).to.equal(all.length);
    expect(training.at(-1)!.date <= SPLIT_DATE && heldOut[0]!.date > SPLIT_DATE).to.equal(true);
    const row = all[100]!;
    const at = days.findIndex(({ date }) => date === row.date);
    expect(row.prices).to.deep.equal(days.slice(at - 17, at).map(({ price }) => price));
    expect(row.largeLoss).to.equal(Number(days[at]!.price) / Number(days[at - 1]!.price) - 1 <= -0.015);
  });
});
