// SPDX-License-Identifier: GPL-3.0-or-later
import { expect } from "chai";
import { hexlify, id, toBeHex } from "ethers";
import * as snarkjs from "snarkjs";
import { buildCircuit } from "../../circuits/build.ts";
import { loadModel, type CircuitModel } from "../../circuits/model.ts";
import { createProver, endSnarkjs, type Proven } from "../../circuits/prover.ts";
import {
  bindingOf,
  decodeKey,
  encodeEvidence,
  encodeKey,
  phase1Id,
  type Hex,
} from "../../relayer/evidence/groth16/encode.ts";
import { BatchVerifier } from "../../relayer/evidence/groth16/verifyBatch.ts";
import { outputHashOf, withWord } from "../support/groth16.ts";
import { compile } from "../support/solc.ts";
import { compileSnarkjsVerifier, LIBRARY_HARNESS, snarkjsCalldata } from "../support/verifiers.ts";
import { deployVerifierFor, executionGas, MODEL, type VerifierFixture } from "./fixture.ts";

const COUNT = 3;

describe("real proofs of the risk scorer", () => {
  let model: CircuitModel;
  let fixture: VerifierFixture;
  let key: Uint8Array;
  const receiptIds = Array.from({ length: COUNT }, (_, i) => id(`real receipt ${i}`) as Hex);
  let proven: Proven[];
  let evidence: string;

  before(async () => {
    await buildCircuit("risk-scorer");
    model = await loadModel("risk-scorer");
    const prover = await createProver(model);
    try {
      proven = [];
      for (const [i, receiptId] of receiptIds.entries()) {
        const values = Array.from({ length: model.valueCount }, (_, j) => (i * 97 + j * 31) % 256);
        proven.push(await prover.prove({ values }, bindingOf(receiptId)));
      }
    } finally {
      await prover.close();
    }
    key = encodeKey(model.verificationKey);
    fixture = await deployVerifierFor(hexlify(key));
    evidence = hexlify(encodeEvidence(proven));
  });

  // snarkjs keeps threads, which would keep this process.
  after(endSnarkjs);

  it("have a key that the verifier takes on a development chain", async () => {
    expect(hexlify(key)).to.equal(model.verifyingKeyBytes);
    expect(phase1Id(key)).to.equal(model.phase1Id);
    await fixture.verifier.requireValidKey(key);
  });

  it("hold on chain, alone and together, each for its own receipt", async () => {
    expect(await fixture.verifier.verify(MODEL, receiptIds, evidence)).to.equal(true);
    for (const [i, receiptId] of receiptIds.entries()) {
      const single = encodeEvidence([proven[i]!]);
      expect(await fixture.verifier.verify(MODEL, [receiptId], single)).to.equal(true);
      expect(await fixture.verifier.verify(MODEL, [receiptIds[(i + 1) % COUNT]!], single)).to.equal(false);
    }
  });

  it("give the hashes of what was asked and answered", async () => {
    const [inputs, outputs] = await fixture.verifier.hashes(MODEL, evidence);
    for (const [i, { publicSignals }] of proven.entries()) {
      expect(inputs[i]).to.equal(toBeHex(BigInt(publicSignals[0]!), 32));
      expect(outputs[i]).to.equal(outputHashOf([BigInt(publicSignals[1]!)]));
    }
  });

  it("do not hold for another answer", async () => {
    const lie = withWord(evidence, 9, BigInt(proven[0]!.publicSignals[1]!) ^ 1n);
    expect(await fixture.verifier.verify(MODEL, receiptIds, lie)).to.equal(false);
    expect([...(await fixture.verifier.invalidProofs(MODEL, receiptIds, lie))]).to.deep.equal([0n]);
  });

  it("hold off chain as on chain, and as snarkjs has it", async () => {
    const verifier = await BatchVerifier.create();
    expect(verifier.verify(key, encodeEvidence(proven), receiptIds)).to.deep.equal({ ok: true, invalid: [] });
    for (const { proof, publicSignals } of proven) {
      expect(await snarkjs.groth16.verify(decodeKey(key) as never, publicSignals, proof)).to.equal(true);
    }
  });

  it("cost alone what snarkjs's own verifier costs, within 3 %, and far less together", async () => {
    const { ethers } = fixture;
    const { publicSignals } = proven[0]!;
    const generated = await compileSnarkjsVerifier(model.zkey);
    const theirs = await new ethers.ContractFactory(generated.abi, generated.bytecode, await signer()).deploy();
    const theirData = snarkjsCalldata(generated.abi, proven[0]!);

    const harness = compile(LIBRARY_HARNESS, "Harness");
    const ours = await new ethers.ContractFactory(harness.abi, harness.bytecode, await signer()).deploy();
    const ourData = new ethers.Interface(harness.abi).encodeFunctionData("verifyOne", [
      await fixture.keys.verifyingKey(MODEL),
      publicSignals.length,
      receiptIds[0],
      encodeEvidence([proven[0]!]),
    ]);

    const gas = async (contract: { getAddress(): Promise<string> }, data: string): Promise<number> => {
      const address = await contract.getAddress();
      expect(BigInt(await ethers.provider.call({ to: address, data }))).to.equal(1n);
      return executionGas({ ethers, address }, data);
    };
    const [theirGas, ourGas] = [await gas(theirs, theirData), await gas(ours, ourData)];
    const batch = fixture.verifier.interface.encodeFunctionData("verify", [MODEL, receiptIds, evidence]);
    const batchGas = (await gas(fixture.verifier, batch)) / COUNT;
    console.log(
      `      execution gas: snarkjs ${theirGas}, library ${ourGas} (${(ourGas / theirGas).toFixed(4)}), ` +
        `a proof of ${COUNT} ${Math.round(batchGas)}`,
    );
    expect(ourGas / theirGas).to.be.at.most(1.03);
    expect(batchGas / theirGas).to.be.lessThan(0.6);
  });

  const signer = async () => (await fixture.ethers.getSigners())[0]!;
});
