// SPDX-License-Identifier: GPL-3.0-or-later
import { expect } from "chai";
import { groth16 } from "snarkjs";
import { bindingOf, type CircuitModel, type ModelInput } from "../../circuits/model.ts";
import { digits } from "../../circuits/models/digits/data.ts";
import { rows } from "../../circuits/models/risk-scorer/data.ts";
import { createProverPool } from "../../circuits/prover-pool.ts";
import { createProver, endSnarkjs, type Proven } from "../../circuits/prover.ts";
import { R } from "../../circuits/setup/field.ts";
import { builtModel } from "./support/built.ts";

const BINDING = bindingOf(`0x${"c5".repeat(32)}`);

describe("prover", function () {
  this.timeout(120_000);
  let model: CircuitModel;
  let input: ModelInput;
  let proven: Proven;
  const verifies = (signals: readonly (string | bigint)[], proof = proven.proof): Promise<boolean> =>
    groth16.verify({ ...model.verificationKey }, signals.map(String), proof);

  before(async () => {
    model = await builtModel("risk-scorer");
    input = { values: rows().at(-1)!.features };
    const prover = await createProver(model);
    proven = await prover.prove(input, BINDING);
  });
  after(endSnarkjs);

  it("proves a real input with the signals of the independent evaluation, and snarkjs verifies it", async () => {
    expect(proven.publicSignals.map(BigInt)).to.deep.equal(model.publicSignals(input, BINDING));
    expect(await verifies(proven.publicSignals)).to.equal(true);
  });

  it("makes a proof that holds for no other score, input or receipt [ZK2]", async () => {
    for (let index = 0; index < proven.publicSignals.length; index++) {
      for (const change of [1n, R - 1n, 1n << 100n]) {
        const signals = proven.publicSignals.map(BigInt);
        signals[index] = (signals[index]! + change) % R;
        expect(await verifies(signals), `signal ${index}`).to.equal(false);
      }
    }
  });

  it("makes a proof that fails when any of its points is moved [ZK3]", async () => {
    const { pi_a, pi_b, pi_c } = proven.proof;
    expect(await verifies(proven.publicSignals, { ...proven.proof, pi_a: pi_c })).to.equal(false);
    expect(await verifies(proven.publicSignals, { ...proven.proof, pi_c: pi_a })).to.equal(false);
    const swapped = pi_b.map((pair) => [...pair].reverse());
    expect(await verifies(proven.publicSignals, { ...proven.proof, pi_b: swapped })).to.equal(false);
  });

  it("is randomised: two proofs of one statement differ, so proof bytes identify nothing [ZK3]", async () => {
    const again = await (await createProver(model)).prove(input, BINDING);
    expect(again.publicSignals).to.deep.equal(proven.publicSignals);
    expect(again.proof.pi_a).not.to.deep.equal(proven.proof.pi_a);
  });

  it("proves a committed digit", async () => {
    const classifier = await builtModel("digits");
    const { pixels, label } = digits().heldOut[0]!;
    const request = { values: pixels, salt: 123_456_789n };
    const prover = await createProver(classifier);
    const { proof, publicSignals } = await prover.prove(request, BINDING);
    expect(publicSignals.map(BigInt)).to.deep.equal(classifier.publicSignals(request, BINDING));
    expect(publicSignals[1]).to.equal(String(label));
    expect(await groth16.verify({ ...classifier.verificationKey }, publicSignals, proof)).to.equal(true);
  });
});

describe("prover in child processes", function () {
  this.timeout(120_000);

  it("proves, reports a bad input by its code, and ends its processes [ZK7]", async () => {
    const model = await builtModel("risk-scorer");
    const pool = createProverPool(model);
    try {
      const input = { values: rows()[0]!.features };
      const proven = await Promise.all([pool.prove(input, 1n), pool.prove(input, 2n)]);
      for (const [index, { publicSignals, proof }] of proven.entries()) {
        expect(publicSignals.map(BigInt)).to.deep.equal(model.publicSignals(input, BigInt(index + 1)));
        expect(await groth16.verify({ ...model.verificationKey }, publicSignals, proof)).to.equal(true);
      }
      const refused = await pool.prove({ values: [1] }, 1n).catch((error: unknown) => error);
      expect(refused).to.have.property("code", "wrong_value_count");
      expect(await pool.prove(input, R).catch((error: unknown) => error)).to.have.property(
        "code",
        "not_a_field_element",
      );
    } finally {
      await pool.close();
      await endSnarkjs();
    }
    expect(await pool.prove({ values: [1] }, 1n).catch((error: unknown) => error)).to.have.property(
      "code",
      "pool_closed",
    );
  });

  it("fails what is under way when it is closed, instead of leaving it unanswered [ZK7]", async () => {
    const pool = createProverPool(await builtModel("risk-scorer"));
    const pending = pool.prove({ values: rows()[0]!.features }, 1n).catch((error: unknown) => error);
    await pool.close();
    expect(await pending).to.have.property("code", "process_ended");
  });
});
