// SPDX-License-Identifier: GPL-3.0-or-later
import { expect } from "chai";
import fc from "fast-check";
import { getBytes, hexlify } from "ethers";
import {
  bindingOf,
  decodeEvidence,
  decodeKey,
  encodeEvidence,
  encodeKey,
  encodeProof,
  EvidenceError,
  phase1Id,
  signalsOf,
  type EvidenceErrorCode,
  type Hex,
} from "../../relayer/evidence/groth16/encode.ts";
import {
  evidenceOf,
  idsOf,
  keyBytes,
  makeItems,
  makeSetup,
  P,
  phase1IdOf,
  R,
  withWord,
  wordAt,
} from "../support/groth16.ts";

const throws = (code: EvidenceErrorCode, run: () => unknown): void => {
  let caught: unknown;
  try {
    run();
  } catch (error) {
    caught = error;
  }
  expect(caught, `should throw ${code}`).to.be.instanceOf(EvidenceError);
  expect((caught as EvidenceError).code).to.equal(code);
};

describe("encoding of Groth16 evidence", () => {
  const setup = makeSetup(3);
  const items = makeItems(setup, 3, "encoding");
  const ids = idsOf(items) as Hex[];
  const evidence = getBytes(evidenceOf(items));
  const decoded = decodeEvidence(evidence, 3, ids);
  const [first] = decoded as [(typeof decoded)[number]];

  it("goes from snarkjs to bytes and back without a difference", () => {
    expect(hexlify(encodeEvidence(decoded))).to.equal(hexlify(evidence));
    for (const [i, { publicSignals }] of decoded.entries()) {
      expect(publicSignals).to.deep.equal([...items[i]!.signals, bindingOf(ids[i]!)].map(String));
    }
  });

  it("takes any key and any numbers of proofs and signals both ways", () => {
    fc.assert(
      fc.property(fc.integer({ min: 2, max: 16 }), fc.integer({ min: 1, max: 4 }), fc.string(), (k, n, label) => {
        const anySetup = makeSetup(k, label);
        const key = getBytes(keyBytes(anySetup));
        expect(signalsOf(key)).to.equal(k);
        expect(hexlify(encodeKey(decodeKey(key)))).to.equal(hexlify(key));
        expect(phase1Id(key)).to.equal(phase1IdOf(key));
        const anyItems = makeItems(anySetup, n, label);
        const bytes = getBytes(evidenceOf(anyItems));
        expect(hexlify(encodeEvidence(decodeEvidence(bytes, k, idsOf(anyItems) as Hex[])))).to.equal(hexlify(bytes));
      }),
      { numRuns: 15 },
    );
  });

  it("refuses signals that are not below the group order [ZK4][FM:signal-range]", () => {
    for (const index of [0, 1, 2]) {
      for (const value of [R, R + 1n, BigInt(first.publicSignals[index]!) + R, (1n << 256n) - 1n]) {
        const publicSignals = first.publicSignals.map((s, i) => (i === index ? String(value) : s));
        throws("signal_out_of_field", () => encodeProof(first.proof, publicSignals));
      }
    }
    for (const word of [8, 9, 18]) {
      const aliased = withWord(hexlify(evidence), word, wordAt(hexlify(evidence), word) + R);
      throws("signal_out_of_field", () => decodeEvidence(getBytes(aliased), 3, ids));
    }
  });

  it("refuses coordinates that are not below the base field's modulus [ZK4]", () => {
    for (let word = 0; word < 8; word++) {
      const aliased = withWord(hexlify(evidence), word, wordAt(hexlify(evidence), word) + P);
      throws("coordinate_out_of_field", () => decodeEvidence(getBytes(aliased), 3, ids));
    }
    const { proof, publicSignals } = first;
    const plus = (text: string): string => String(BigInt(text) + P);
    const [x, y, z] = proof.pi_b as [string[], string[], string[]];
    for (const forged of [
      { ...proof, pi_a: [plus(proof.pi_a[0]!), proof.pi_a[1]!, "1"] },
      { ...proof, pi_c: [proof.pi_c[0]!, plus(proof.pi_c[1]!), "1"] },
      { ...proof, pi_b: [[plus(x[0]!), x[1]!], y, z] },
      { ...proof, pi_b: [x, [y[0]!, plus(y[1]!)], z] },
    ]) {
      throws("coordinate_out_of_field", () => encodeProof(forged, publicSignals));
    }
  });

  it("refuses what is not a plain decimal number", () => {
    for (const text of ["", " 1", "1 ", "-1", "+1", "0x1", "01", "1e3", "1n", "9".repeat(79)]) {
      throws("number_malformed", () => encodeProof(first.proof, [text, ...first.publicSignals.slice(1)]));
      throws("number_malformed", () =>
        encodeProof({ ...first.proof, pi_a: [text, first.proof.pi_a[1]!, "1"] }, first.publicSignals),
      );
    }
    throws("number_malformed", () =>
      encodeProof(first.proof, [1n as unknown as string, ...first.publicSignals.slice(1)]),
    );
  });

  it("refuses points that are infinite, not affine, or not points", () => {
    const { proof, publicSignals } = first;
    for (const point of [["0", "1", "0"], ["1", "2", "3"], ["1", "2"], [], ["1", "2", "1", "1"]]) {
      throws("point_malformed", () => encodeProof({ ...proof, pi_a: point }, publicSignals));
      throws("point_malformed", () => encodeProof({ ...proof, pi_c: point }, publicSignals));
    }
    const [x, y] = proof.pi_b as [string[], string[]];
    for (const point of [[x, y], [x, y, ["0", "0"]], [x, ["1"], ["1", "0"]], []]) {
      throws("point_malformed", () => encodeProof({ ...proof, pi_b: point }, publicSignals));
    }
  });

  it("refuses evidence that is empty, cut, of mixed shape, or not one proof a receipt", () => {
    throws("evidence_empty", () => decodeEvidence(new Uint8Array(), 3, []));
    throws("evidence_empty", () => encodeEvidence([]));
    throws("evidence_length", () => decodeEvidence(evidence.slice(1), 3, ids));
    throws("evidence_length", () => decodeEvidence(evidence.slice(0, 288), 3, ids));
    throws("receipt_count", () => decodeEvidence(evidence, 3, ids.slice(1)));
    throws("receipt_id_malformed", () => decodeEvidence(evidence, 3, [ids[0]!, ids[1]!, "0x12"]));
    throws("signal_count", () => encodeProof(first.proof, ["1"]));
    throws("signal_count", () =>
      encodeProof(
        first.proof,
        Array.from({ length: 17 }, () => "1"),
      ),
    );
    throws("signal_count", () =>
      encodeEvidence([first, { proof: first.proof, publicSignals: [...first.publicSignals, "1"] }]),
    );
  });

  it("refuses keys of other shapes", () => {
    const key = getBytes(keyBytes(setup));
    throws("key_length", () => decodeKey(key.slice(1)));
    throws("key_length", () => decodeKey(key.slice(0, 448 + 128)));
    throws("key_length", () => phase1Id(new Uint8Array(448 + 64 * 18)));
    throws("key_malformed", () => encodeKey({ ...decodeKey(key), nPublic: 2 }));
    throws("coordinate_out_of_field", () => decodeKey(getBytes(withWord(hexlify(key), 3, P))));
  });
});
