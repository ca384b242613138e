// SPDX-License-Identifier: GPL-3.0-or-later
import { expect } from "chai";
import { concat, toBeHex } from "ethers";
import { buildCircuit } from "../../circuits/build.ts";
import { type CircuitModel, loadModel } from "../../circuits/model.ts";
import { type Row, rows } from "../../circuits/models/risk-scorer/data.ts";
import { type Prover, type Proven, createProver } from "../../circuits/prover.ts";
import { outputHashOf } from "../support/groth16.ts";
import { RiskVault__factory, type RiskVault } from "../../typechain/index.ts";
import { packedReturns } from "./features.ts";
import { Mode, type Consumer, deployConsumer, registerProved, word } from "./support.ts";

/** A snarkjs proof as contracts take it: A, B with the imaginary parts first, C, then the signals without the binding. */
function evidenceOf({ proof, publicSignals }: Proven): string {
  const { pi_a: a, pi_b: b, pi_c: c } = proof as unknown as { pi_a: string[]; pi_b: string[][]; pi_c: string[] };
  const points = [a[0], a[1], b[0]![1], b[0]![0], b[1]![1], b[1]![0], c[0], c[1]];
  return concat([...points, ...publicSignals.slice(0, -1)].map((value) => toBeHex(BigInt(value!), 32)));
}

describe("RiskVault with the risk scorer of circuits/", () => {
  let c: Consumer;
  let model: CircuitModel;
  let prover: Prover;
  let modelId: string;
  let history: Row[];

  before(async function () {
    this.timeout(120_000);
    await buildCircuit("risk-scorer");
    model = await loadModel("risk-scorer");
    prover = await createProver(model);
    c = await deployConsumer();
    modelId = await registerProved(c, "risk scorer", model.verifyingKeyBytes);
    history = rows();
  });
  after(() => prover.close());

  async function vaultOver(row: Row): Promise<RiskVault> {
    const { deployer } = c.signers;
    const tokens = [
      await c.ethers.deployContract("FreeToken", ["Index"]),
      await c.ethers.deployContract("FreeToken", ["Loan"]),
    ];
    const terms = {
      collateral: await tokens[0]!.getAddress(),
      loan: await tokens[1]!.getAddress(),
      collateralUnit: 10n ** 18n,
      lender: deployer.address,
      priceFeed: deployer.address,
      model: modelId,
      calmLimit: 8000,
      riskyLimit: 3000,
      maxScoreAge: 3600,
      minSettled: 0,
      maxPriceAge: 86_400,
    };
    const deployed = await c.ethers.deployContract("RiskVault", [await c.registry.getAddress(), terms]);
    const vault = RiskVault__factory.connect(await deployed.getAddress(), deployer);
    await vault.postPrices([...row.prices]);
    return vault;
  }

  /** A node's part: runs the model over features, proves it, signs the receipt, and anybody settles it. */
  async function score(row: Row) {
    const input = { values: row.features };
    const { inputSignal, outputs } = model.evaluate(input);
    const receipt = await c.receipt({
      keyId: c.keyId,
      modelId,
      mode: Mode.ZKML,
      inputHash: word(inputSignal),
      outputHash: outputHashOf([...outputs]),
      outputScheme: 2,
    });
    const id = c.receiptId(receipt);
    const proven = await prover.prove(input, BigInt(id) >> 8n);
    const item = { receipt, signature: c.key.signingKey.sign(id).serialized, evidence: evidenceOf(proven) };
    await expect(c.registry.settleReceipts([item])).to.emit(c.registry, "ReceiptSettled");
    return { opening: c.openingAlone(receipt), outputs: [...outputs] };
  }

  it("packs the history of real trading days as the model was trained on it, extremes included", async () => {
    const extreme = history.reduce((a, b) => (Math.max(...b.features) > Math.max(...a.features) ? b : a));
    const crash = history.reduce((a, b) => (Math.min(...b.features) < Math.min(...a.features) ? b : a));
    for (const row of [history[0]!, extreme, crash, history.at(-1)!]) {
      const vault = await vaultOver(row);
      expect(BigInt(await vault.currentInput())).to.equal(model.inputSignal({ values: row.features }));
      expect(packedReturns(row.prices)).to.equal(model.inputSignal({ values: row.features }));
    }
  });

  it("sets its limit by a proof of the real circuit, and refuses the proof of another day [R11]", async function () {
    this.timeout(120_000);
    const today = history.at(-1)!;
    const calmer = history.at(-40)!;
    const vault = await vaultOver(today);
    const invented = await score(calmer);
    await expect(vault.applyScore(invented.opening, invented.outputs))
      .to.be.revertedWithCustomError(vault, "InferenceConsumer_WrongInput")
      .withArgs(await vault.currentInput(), invented.opening.receipt.inputHash);
    const { opening, outputs } = await score(today);
    await vault.applyScore(opening, outputs);
    expect((await vault.score()).value).to.equal(outputs[0]);
    expect(await vault.isScoreCurrent()).to.equal(true);
  });
});
