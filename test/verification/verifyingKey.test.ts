// SPDX-License-Identifier: MIT
import { bn254 } from "@noble/curves/bn254.js";
import { expect } from "chai";
import { concat, getBytes, hexlify, keccak256, toBeHex, toUtf8Bytes } from "ethers";
import { network } from "hardhat";
import {
  g1,
  g1Bytes,
  g2,
  g2Bytes,
  keyBytes,
  makeSetup,
  mod,
  P,
  phase1IdOf,
  R,
  withWord,
  wordAt,
} from "../support/groth16.ts";
import { calldataFloor, callWithGas, deployVerifier, type SyntheticFixture } from "./fixture.ts";

const DEVELOPMENT_ID = "0xd2da25398014dc2e4b3c7649dc93d576de7e3d58e8fd5076de9d93f62976abe4";
const IC = 448;

/** The key with other bytes at `offset`. */
function spliced(key: string, offset: number, replacement: string): string {
  const bytes = getBytes(key);
  bytes.set(getBytes(replacement), offset);
  return hexlify(bytes);
}

/** The key's developmental phase 1: alpha, beta and gamma of the published words. */
function developmentKey(): string {
  const secret = (name: string): bigint =>
    mod(BigInt(keccak256(toUtf8Bytes(`OpenGradient development phase 1: ${name}`))));
  return keyBytes({ ...makeSetup(3), alpha: secret("alpha"), beta: secret("beta"), gamma: 1n });
}

/** A point of the twist that is not in the subgroup: almost every point is. */
function outsideSubgroup(): string {
  const { Fp2 } = bn254.fields;
  for (let i = 1n; ; i++) {
    const x = Fp2.create({ c0: i, c1: 1n });
    const square = Fp2.add(Fp2.mul(Fp2.sqr(x), x), bn254.G2.Point.CURVE().b);
    let y;
    try {
      y = Fp2.sqrt(square);
    } catch {
      continue;
    }
    const point = bn254.G2.Point.fromAffine({ x, y });
    if (point.isTorsionFree()) continue;
    return concat([x.c1, x.c0, y.c1, y.c0].map((c) => toBeHex(c, 32)));
  }
}

describe("a verifying key", () => {
  let fixture: SyntheticFixture;
  before(async () => {
    fixture = await deployVerifier();
  });

  const refuses = (key: string, error: string, ...args: unknown[]) =>
    expect(fixture.verifier.requireValidKey(key))
      .to.be.revertedWithCustomError(fixture.verifier, error)
      .withArgs(...args);

  it("is accepted for 2 to 16 signals", async () => {
    for (const signals of [2, 3, 16]) {
      // The first phase is the same, as labels make secrets.
      await fixture.verifier.requireValidKey(keyBytes(makeSetup(signals)));
    }
  });

  it("is refused for its length", async () => {
    const { key } = fixture;
    for (const bytes of [
      "0x",
      key + "00",
      key.slice(0, -2),
      concat([key, "0x" + "00".repeat(32)]),
      key.slice(0, 2 + 2 * IC),
      key.slice(0, 2 + 2 * (IC + 64)),
      keyBytes(makeSetup(1)),
      keyBytes(makeSetup(17)),
    ]) {
      await refuses(bytes, "VerifyingKey_Length", (bytes.length - 2) / 2);
    }
  });

  it("is refused for any coordinate that is not below the field's modulus [ZK4]", async () => {
    const words = (fixture.key.length - 2) / 64;
    for (let index = 0; index < words; index++) {
      for (const value of [P, wordAt(fixture.key, index) + P, (1n << 256n) - 1n]) {
        await refuses(withWord(fixture.key, index, value), "VerifyingKey_CoordinateOutOfField", index, value);
      }
    }
  });

  it("is refused for any point at infinity, so that no signal can be left unchecked [ZK1]", async () => {
    const g1Offsets = [0, IC, IC + 64, IC + 128, IC + 192];
    for (const offset of g1Offsets) {
      await refuses(spliced(fixture.key, offset, g1Bytes(g1(0n))), "VerifyingKey_PointAtInfinity", offset);
    }
    for (const offset of [64, 192, 320]) {
      await refuses(spliced(fixture.key, offset, g2Bytes(g2(0n))), "VerifyingKey_PointAtInfinity", offset);
    }
  });

  it("is refused for any G1 point off the curve", async () => {
    for (const offset of [0, IC, IC + 64, IC + 128, IC + 192]) {
      for (const word of [0, 1]) {
        const index = offset / 32 + word;
        const key = withWord(fixture.key, index, wordAt(fixture.key, index) ^ 1n);
        await refuses(key, "VerifyingKey_NotOnCurve", offset);
      }
    }
  });

  it("is refused for any G2 point off the twist or outside its subgroup", async () => {
    for (const offset of [64, 192, 320]) {
      const key = withWord(fixture.key, offset / 32, wordAt(fixture.key, offset / 32) ^ 1n);
      await refuses(key, "VerifyingKey_NotInSubgroup", offset);
      await refuses(spliced(fixture.key, offset, outsideSubgroup()), "VerifyingKey_NotInSubgroup", offset);
    }
  });

  it("is refused if delta is gamma or its negative: phase 2 was skipped [ZK1][FM:phase2-skipped]", async () => {
    const setup = { ...makeSetup(3), gamma: 77n };
    const { verifier } = await deployVerifier(setup);
    for (const delta of [setup.gamma, R - setup.gamma]) {
      await expect(verifier.requireValidKey(keyBytes({ ...setup, delta }))).to.be.revertedWithCustomError(
        verifier,
        "VerifyingKey_DeltaIsGamma",
      );
    }
  });

  it("is refused if delta is the generator or its negative [ZK1][FM:phase2-skipped]", async () => {
    const setup = { ...makeSetup(3), gamma: 77n };
    const { verifier } = await deployVerifier(setup);
    for (const delta of [1n, R - 1n]) {
      await expect(verifier.requireValidKey(keyBytes({ ...setup, delta }))).to.be.revertedWithCustomError(
        verifier,
        "VerifyingKey_DeltaIsGenerator",
      );
    }
  });

  it("with delta = gamma or its negative would let anyone prove anything, without a secret [ZK1]", async () => {
    // What the refusal prevents: A = alpha, B = beta, C = −IC sum for gamma (or the sum itself for its negative).
    const base = makeSetup(3);
    for (const sign of [1n, -1n]) {
      const setup = { ...base, delta: mod(sign * base.gamma) };
      const { verifier } = await deployVerifier(setup);
      const receiptId = "0x" + "ab".repeat(32);
      const signals = [1n, 2n];
      const x = setup.ic[0]! + setup.ic[1]! * 1n + setup.ic[2]! * 2n + setup.ic[3]! * (BigInt(receiptId) >> 8n);
      const forged = concat([
        g1Bytes(g1(setup.alpha)),
        g2Bytes(g2(setup.beta)),
        g1Bytes(g1(mod(-sign * x))),
        ...signals.map((s) => toBeHex(s, 32)),
      ]);
      expect(await verifier.verify("0x" + "11".repeat(32), [receiptId], forged)).to.equal(true);
    }
  });

  it("is refused if its phase 1 is not on the list", async () => {
    const foreign = keyBytes(makeSetup(3, "another ceremony"));
    await refuses(foreign, "Groth16Verifier_Phase1NotAllowed", phase1IdOf(foreign));
    expect([...(await fixture.verifier.phase1Ids())]).to.deep.equal([phase1IdOf(fixture.key)]);
  });

  it("is never called good or bad for want of gas [R2]", async () => {
    const data = fixture.verifier.interface.encodeFunctionData("requireValidKey", [fixture.key]);
    const seen = new Set<string>();
    for (let gas = calldataFloor(data); gas < 400_000; gas += 3_001) {
      const { result, outOfGas, reason } = await callWithGas(fixture, data, gas);
      seen.add(result === "0x" ? "good" : outOfGas ? "out of gas" : reason);
    }
    expect([...seen].sort()).to.deep.equal(["good", "out of gas"]);
  });
});

describe("the development phase 1", () => {
  it("has the id that follows from its published words", async () => {
    expect(phase1IdOf(developmentKey())).to.equal(DEVELOPMENT_ID);
  });

  it("is accepted on chain id 31337", async () => {
    const { ethers } = await network.create();
    const verifier = await ethers.deployContract("Groth16Verifier", [ethers.ZeroAddress, [DEVELOPMENT_ID]]);
    await verifier.requireValidKey(developmentKey());
  });

  for (const chainId of [1, 8453, 84532]) {
    it(`is refused on chain id ${chainId}, wherever it stands in the list [FM:phase2-skipped]`, async () => {
      const { ethers } = await network.create({ network: "default", override: { chainId } });
      const other = "0x" + "77".repeat(32);
      const factory = await ethers.getContractFactory("Groth16Verifier");
      for (const ids of [[DEVELOPMENT_ID], [other, DEVELOPMENT_ID], [DEVELOPMENT_ID, other]]) {
        await expect(factory.deploy(ethers.ZeroAddress, ids))
          .to.be.revertedWithCustomError(factory, "Groth16Verifier_DevelopmentPhase1")
          .withArgs(chainId);
      }
      const verifier = await factory.deploy(ethers.ZeroAddress, [other]);
      await expect(verifier.requireValidKey(developmentKey()))
        .to.be.revertedWithCustomError(verifier, "Groth16Verifier_Phase1NotAllowed")
        .withArgs(DEVELOPMENT_ID);
    });
  }
});
