// SPDX-License-Identifier: GPL-3.0-or-later
import { ContractFactory, Wallet, hexlify, randomBytes } from "ethers";
import type { CircuitModel } from "../circuits/model.ts";
import { encodeEvidence } from "../relayer/evidence/groth16/encode.ts";
import { Mode, type Protocol } from "../test/support/protocol.ts";
import { compile } from "../test/support/solc.ts";
import { compileSnarkjsVerifier, LIBRARY_HARNESS, snarkjsCalldata } from "../test/support/verifiers.ts";
import { executionGas } from "../test/verification/fixture.ts";
import { provedBatch, type ProvedReceipt, proveReceipts } from "./proofs.ts";
import { row, type Row } from "./row.ts";

/** Gas of one call of snarkjs's verifier, transaction and all. */
async function snarkjsGas(protocol: Protocol, zkey: string, items: ProvedReceipt[]): Promise<number> {
  const { abi, bytecode } = await compileSnarkjsVerifier(zkey);
  const verifier = await new ContractFactory(abi as never, bytecode, protocol.signers.deployer).deploy();
  const to = await verifier.getAddress();
  let total = 0;
  for (const { proven } of items) {
    const data = snarkjsCalldata(abi, proven);
    if (BigInt(await protocol.ethers.provider.call({ to, data })) !== 1n)
      throw new Error("snarkjs refused a good proof");
    const sent = await protocol.signers.deployer.sendTransaction({ to, data });
    total += Number((await sent.wait())!.gasUsed);
  }
  return total / items.length;
}

/** The verification library alone on one proof, beside snarkjs's verifier: execution only. */
async function soloGas(protocol: Protocol, model: CircuitModel, modelId: string, item: ProvedReceipt): Promise<Row[]> {
  const { ethers, signers, models } = protocol;
  const gasOf = async ({ abi, bytecode }: { abi: object[]; bytecode: string }, data: string) => {
    const contract = await new ContractFactory(abi as never, bytecode, signers.deployer).deploy();
    return executionGas({ ethers, address: await contract.getAddress() }, data);
  };
  const snarkjs = await compileSnarkjsVerifier(model.zkey);
  const baseline = await gasOf(snarkjs, snarkjsCalldata(snarkjs.abi, item.proven));
  const harness = compile(LIBRARY_HARNESS, "Harness");
  const data = new ethers.Interface(harness.abi as never).encodeFunctionData("verifyOne", [
    await models.verifyingKey(modelId),
    model.signalCount,
    item.receiptId,
    encodeEvidence([item.proven]),
  ]);
  const value = await gasOf(harness, data);
  return [
    row("one proof, library alone, execution only", value, "gas", "lower", { baseline }),
    row("the same, times the price of snarkjs's verifier", value / baseline, "×", "lower", { target: 1.03 }),
  ];
}

/** Proved receipts at n = 1…64, all in, against n calls of snarkjs's verifier. */
export async function provedGas(): Promise<Row[]> {
  const { protocol, model, modelId, key, items } = await proveReceipts(64);
  const rows: Row[] = await soloGas(protocol, model, modelId, items[0]!);
  for (const n of [1, 2, 4, 8, 16, 32, 64]) {
    const part = items.slice(0, n);
    const snapshot = await protocol.networkHelpers.takeSnapshot();
    const tx = await protocol.registry.settleProvedBatches([provedBatch(protocol, modelId, key, part)]);
    const mined = (await tx.wait())!;
    if ((await protocol.registry.settledAt(mined.logs[0]!.topics[1]!)) === 0n) throw new Error("nothing settled");
    const each = Number(mined.gasUsed) / n;
    const baseline = await snarkjsGas(protocol, model.zkey, part.slice(0, 4));
    const target = n === 32 ? 64_000 : n === 64 ? 61_000 : null;
    const measured = row(`proved receipt, all in, batch of ${n}`, each, "gas", "lower", { baseline, target });
    rows.push(measured);
    if (n === 32)
      rows.push(
        row("proved receipt, batch of 32, times cheaper than snarkjs", measured.ratio!, "×", "higher", { target: 3.3 }),
      );
    await snapshot.restore();
  }
  return rows;
}

/** Signed receipts at 1…10,000 a batch, and further batches in one call. */
export async function signedGas(protocol: Protocol): Promise<Row[]> {
  const key = new Wallet("0x" + "43".repeat(32));
  const keyId = await protocol.addOperatorKey(await protocol.registerNode(), key);
  const modelId = await protocol.registerModel(1 << Mode.VANILLA);
  const template = await protocol.receipt({ keyId, modelId });
  const rows: Row[] = [];
  const batches = [];
  let single = 0;
  for (const n of [1, 10, 100, 1_000, 10_000]) {
    const receipts = Array.from({ length: n }, () => ({ ...template, requestId: hexlify(randomBytes(32)) }));
    const { batch, signature } = protocol.signBatch(receipts, key);
    batches.push({ batch, signature });
    const snapshot = await protocol.networkHelpers.takeSnapshot();
    const gas = Number((await (await protocol.registry.settleBatches([{ batch, signature }])).wait())!.gasUsed);
    if ((await protocol.registry.settledAt(protocol.batchDigest(batch))) === 0n) throw new Error("nothing settled");
    await snapshot.restore();
    if (n === 1) single = gas;
    const target = n === 1_000 ? 90 : n === 10_000 ? 9 : null;
    rows.push(row(`signed receipt, all in, batch of ${n}`, gas / n, "gas", "lower", { baseline: single, target }));
    if (n === 1) rows.push(row("call with one signed batch", gas, "gas", "lower", { target: 90_000 }));
  }
  const gas = Number((await (await protocol.registry.settleBatches(batches)).wait())!.gasUsed);
  const further = (gas - single) / (batches.length - 1);
  rows.push(
    row("each further signed batch in the call", further, "gas", "lower", { baseline: single, target: 45_000 }),
  );
  return rows;
}
