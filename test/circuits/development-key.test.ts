// SPDX-License-Identifier: GPL-3.0-or-later
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { bn254 } from "@noble/curves/bn254.js";
import { keccak_256 } from "@noble/hashes/sha3.js";
import { bytesToHex, hexToBytes, utf8ToBytes } from "@noble/hashes/utils.js";
import { expect } from "chai";
import { zKey } from "snarkjs";
import type { CircuitModel } from "../../circuits/model.ts";
import { ROOT } from "../../circuits/paths.ts";
import { endSnarkjs } from "../../circuits/prover.ts";
import { readBinaryFile, section } from "../../circuits/setup/binary-file.ts";
import { DEVELOPMENT_NOTICE, developmentKey } from "../../circuits/setup/development.ts";
import { Q, R } from "../../circuits/setup/field.ts";
import {
  DEVELOPMENT_PHASE_1_ID,
  phase1Id,
  type VerificationKey,
  type VerifyingKeyError,
  verifyingKeyBytes,
} from "../../circuits/setup/verifying-key.ts";
import { builtModel } from "./support/built.ts";

const scalar = (text: string): bigint => BigInt(`0x${bytesToHex(keccak_256(utf8ToBytes(text)))}`) % R;
const word = (value: bigint): string => value.toString(16).padStart(64, "0");

/** Points computed by another library, in EVM order. */
const g1 = (factor: bigint): string => {
  const { x, y } = bn254.G1.Point.BASE.multiply(factor).toAffine();
  return word(x) + word(y);
};
const g2 = (factor: bigint): string => {
  const { x, y } = bn254.G2.Point.BASE.multiply(factor).toAffine();
  return word(x.c1) + word(x.c0) + word(y.c1) + word(y.c0);
};

describe("development key", function () {
  this.timeout(120_000);
  let scorer: CircuitModel;
  let digits: CircuitModel;

  before(async () => {
    scorer = await builtModel("risk-scorer");
    digits = await builtModel("digits");
  });
  after(endSnarkjs);

  it("has the published secrets for phase 1, and gamma is the generator, in EVM order [ZK1][ZK8]", () => {
    const alpha = g1(scalar("OpenGradient development phase 1: alpha"));
    const beta = g2(scalar("OpenGradient development phase 1: beta"));
    expect(scorer.verifyingKeyBytes.slice(2, 2 + 2 * 320)).to.equal(alpha + beta + g2(1n));
    expect(scorer.verifyingKeyBytes).to.have.length(2 + 2 * (448 + 64 * 4));
  });

  it("shares its phase 1 with every other development key, and its delta with none [ZK1]", () => {
    expect(scorer.phase1Id).to.equal(DEVELOPMENT_PHASE_1_ID).and.to.equal(digits.phase1Id);
    expect(readFileSync(join(ROOT, "docs/ceremony.md"), "utf8")).to.contain(DEVELOPMENT_PHASE_1_ID);
    const phase1 = hexToBytes(digits.verifyingKeyBytes.slice(2, 2 + 2 * 320));
    expect(scorer.phase1Id).to.equal(`0x${bytesToHex(keccak_256(phase1))}`);
    expect(scorer.verificationKey.vk_delta_2).not.to.deep.equal(digits.verificationKey.vk_delta_2);
  });

  it("says that it is for development, in the key file and in the verification key [ZK1]", () => {
    for (const model of [scorer, digits]) {
      expect(model.development).to.equal(true);
      expect(model.verificationKey.development).to.equal(DEVELOPMENT_NOTICE);
      const contributions = section(readBinaryFile(readFileSync(model.zkey), "zkey"), 10);
      expect(Buffer.from(contributions).toString()).to.contain("DEVELOPMENT KEY");
    }
  });

  it("is the same each time it is made", async () => {
    const { zkey, verificationKey } = await developmentKey(readFileSync(scorer.r1cs));
    expect(Buffer.compare(zkey, readFileSync(scorer.zkey))).to.equal(0);
    expect(verificationKey).to.deep.equal(scorer.verificationKey);
  });

  it("is read by snarkjs as the same verification key", async () => {
    const exported: unknown = await zKey.exportVerificationKey(scorer.zkey);
    const { development: _, ...rest } = scorer.verificationKey;
    expect(exported).to.deep.equal(rest);
  });
});

describe("verifying key bytes", function () {
  this.timeout(120_000);
  let key: VerificationKey;
  const code = (changes: Partial<VerificationKey>): string => {
    try {
      verifyingKeyBytes({ ...key, ...changes });
    } catch (error) {
      return (error as VerifyingKeyError).code;
    }
    return "accepted";
  };

  before(async () => {
    key = (await builtModel("risk-scorer")).verificationKey;
  });

  it("refuse a key without a phase 2 contribution [ZK1][FM:phase2-skipped]", () => {
    expect(code({})).to.equal("accepted");
    expect(code({ vk_delta_2: key.vk_gamma_2 })).to.equal("no_phase_2");
  });

  it("refuse a point at infinity, as an unused signal leaves it [ZK1]", () => {
    expect(code({ IC: [...key.IC.slice(0, -1), ["0", "1", "0"]] })).to.equal("point_at_infinity");
    expect(
      code({
        vk_beta_2: [
          ["0", "0"],
          ["1", "0"],
          ["0", "0"],
        ],
      }),
    ).to.equal("point_at_infinity");
  });

  it("refuse coordinates at or above the modulus [ZK4]", () => {
    const [x, y] = key.vk_alpha_1;
    expect(code({ vk_alpha_1: [(BigInt(x!) + Q).toString(), y!, "1"] })).to.equal("coordinate_out_of_range");
  });

  it("refuse a key of another scheme or with a wrong number of points", () => {
    expect(code({ protocol: "plonk" as "groth16" })).to.equal("not_groth16_bn128");
    expect(code({ nPublic: key.nPublic + 1 })).to.equal("wrong_length");
  });

  it("name a phase 1 by alpha, beta and gamma alone [ZK1]", () => {
    expect(phase1Id({ ...key, vk_delta_2: key.vk_beta_2, IC: [] })).to.equal(phase1Id(key));
    expect(phase1Id({ ...key, vk_gamma_2: key.vk_beta_2 })).not.to.equal(phase1Id(key));
  });
});
