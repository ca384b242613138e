// SPDX-License-Identifier: GPL-3.0-or-later
import { createHash } from "node:crypto";
import { appendFileSync, cpSync, mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect } from "chai";
import { buildBn128 } from "ffjavascript";
import { groth16, powersOfTau, zKey } from "snarkjs";
import type { CircuitModel } from "../../circuits/model.ts";
import { loadModel } from "../../circuits/model.ts";
import { createProver, endSnarkjs } from "../../circuits/prover.ts";
import {
  applyBeacon,
  type CeremonyError,
  contribute,
  finishCeremony,
  readLog,
  startCeremony,
} from "../../circuits/setup/ceremony.ts";
import { verifyingKeyBytes, type VerificationKey } from "../../circuits/setup/verifying-key.ts";
import { builtModel } from "./support/built.ts";

const BEACON = "0102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f20";
/** The risk scorer has about 600 constraints. */
const POWER = 10;

describe("ceremony", function () {
  this.timeout(120_000);
  const work = mkdtempSync(join(tmpdir(), "ceremony-"));
  const ptau = join(work, "powers.ptau");
  const folder = join(work, "phase2");
  let model: CircuitModel;
  let hash: string;

  const codeOf = async (run: Promise<unknown>): Promise<string> =>
    run.then(
      () => "accepted",
      (error: unknown) => (error as CeremonyError).code,
    );
  const copy = (name: string): string => {
    const to = join(work, name);
    cpSync(folder, to, { recursive: true });
    return to;
  };

  before(async () => {
    model = await builtModel("risk-scorer");
    const curve = await buildBn128();
    const [start, contributed] = [join(work, "0.ptau"), join(work, "1.ptau")];
    await powersOfTau.newAccumulator(curve, POWER, start);
    await powersOfTau.contribute(start, contributed, "test", "entropy of a test");
    await powersOfTau.preparePhase2(contributed, ptau);
    hash = createHash("sha256").update(readFileSync(ptau)).digest("hex");
  });
  after(async () => {
    rmSync(work, { recursive: true });
    await endSnarkjs();
  });

  it("takes only the powers of tau that were named by hash [ZK1]", async () => {
    expect(await codeOf(startCeremony(folder, model.r1cs, ptau, "0".repeat(64)))).to.equal("powers_of_tau_mismatch");
    expect(await codeOf(contribute(folder, "nobody"))).to.equal("not_started");
    const blake = createHash("blake2b512").update(readFileSync(ptau)).digest("hex");
    expect(await codeOf(startCeremony(join(work, "blake"), model.r1cs, ptau, blake))).to.equal("accepted");
    await startCeremony(folder, model.r1cs, ptau, hash);
    expect(await codeOf(startCeremony(folder, model.r1cs, ptau, hash))).to.equal("already_started");
  });

  it("gives no key while nobody contributed, not even after a beacon [ZK1][FM:phase2-skipped]", async () => {
    const untouched = copy("untouched");
    expect(await codeOf(finishCeremony(untouched, model.r1cs, ptau))).to.equal("no_contribution");
    const initial = (await zKey.exportVerificationKey(join(untouched, "0000.zkey"))) as VerificationKey;
    expect(() => verifyingKeyBytes(initial))
      .to.throw()
      .with.property("code", "no_phase_2");
    await applyBeacon(untouched, "beacon", BEACON, 10);
    expect(await codeOf(finishCeremony(untouched, model.r1cs, ptau))).to.equal("no_contribution");
  });

  it("chains contributions, ends them with a beacon, and exports a key that proves [ZK1]", async () => {
    await contribute(folder, "first");
    await contribute(folder, "second");
    expect(await codeOf(finishCeremony(folder, model.r1cs, ptau))).to.equal("beacon_missing");
    expect(await codeOf(applyBeacon(folder, "short", "01", 10))).to.equal("beacon_invalid");
    await applyBeacon(folder, "block 1", BEACON, 10);
    expect(await codeOf(contribute(folder, "late"))).to.equal("beacon_applied");

    const { result } = await finishCeremony(folder, model.r1cs, ptau);
    expect(readLog(folder).contributions.map(({ kind, name }) => [kind, name])).to.deep.equal([
      ["contribution", "first"],
      ["contribution", "second"],
      ["beacon", "block 1"],
    ]);
    const live = await loadModel("risk-scorer", {
      zkey: join(folder, "final.zkey"),
      verificationKey: join(folder, "verification-key.json"),
    });
    expect(live.development).to.equal(false);
    expect(live.verifyingKeyBytes).to.equal(result!.verifyingKeyBytes);
    expect(live.phase1Id).to.equal(result!.phase1Id).and.not.to.equal(model.phase1Id);

    const { proof, publicSignals } = await (
      await createProver(live)
    ).prove({ values: Array.from<number>({ length: 16 }).fill(130) }, 7n);
    expect(await groth16.verify({ ...live.verificationKey }, publicSignals, proof)).to.equal(true);
    expect(await groth16.verify({ ...model.verificationKey }, publicSignals, proof)).to.equal(false);
  });

  it("notices a key file that is not the one of the log, and another circuit", async () => {
    const tampered = copy("tampered");
    appendFileSync(join(tampered, "0003.zkey"), "x");
    expect(await codeOf(finishCeremony(tampered, model.r1cs, ptau))).to.equal("file_changed");
    const other = await builtModel("digits");
    expect(await codeOf(finishCeremony(folder, other.r1cs, ptau))).to.equal("file_changed");
  });

  it("refuses powers of tau that are too small for the circuit", async () => {
    const other = await builtModel("digits");
    expect(await codeOf(startCeremony(join(work, "small"), other.r1cs, ptau, hash))).to.equal("setup_failed");
  });
});
