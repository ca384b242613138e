// SPDX-License-Identifier: GPL-3.0-or-later
import { readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { ContractFactory, Wallet, hexlify, randomBytes } from "ethers";
import { zKey, groth16 } from "snarkjs";
import type { Protocol } from "../test/support/protocol.ts";
import { Mode } from "../test/support/protocol.ts";
import { provedBatch, type ProvedReceipt, proveReceipts } from "./proofs.ts";
import { row, type Row } from "./row.ts";

const require = createRequire(import.meta.url);

/** snarkjs's own generated verifier for the same key, compiled with the same compiler and settings as ours. */
async function deploySnarkjsVerifier(protocol: Protocol, zkey: string) {
  const template = readFileSync(
    new URL("../node_modules/snarkjs/templates/verifier_groth16.sol.ejs", import.meta.url),
    "utf8",
  );
  const source: string = await zKey.exportSolidityVerifier(zkey, { groth16: template });
  const solc = require("solc") as { compile(input: string): string };
  const output = JSON.parse(
    solc.compile(
      JSON.stringify({
        language: "Solidity",
        sources: { "Verifier.sol": { content: source } },
        settings: {
          evmVersion: "cancun",
          optimizer: { enabled: true, runs: 20_000 },
          outputSelection: { "*": { "*": ["abi", "evm.bytecode.object"] } },
        },
      }),
    ),
  );
  const { abi, evm } = output.contracts["Verifier.sol"].Groth16Verifier;
  const factory = new ContractFactory(abi, evm.bytecode.object, protocol.signers.deployer);
  return factory.deploy();
}

/** Gas of one call of snarkjs's verifier, transaction and all. */
async function snarkjsGas(protocol: Protocol, zkey: string, items: ProvedReceipt[]): Promise<number> {
  const verifier = await deploySnarkjsVerifier(protocol, zkey);
  const address = await verifier.getAddress();
  let total = 0;
  for (const { proven } of items) {
    const calldata = await groth16.exportSolidityCallData(proven.proof, proven.publicSignals);
    const args = JSON.parse(`[${calldata}]`) as unknown[];
    if (!(await verifier.getFunction("verifyProof").staticCall(...args)))
      throw new Error("snarkjs refused a good proof");
    const data = verifier.interface.encodeFunctionData("verifyProof", args);
    const sent = await protocol.signers.deployer.sendTransaction({ to: address, data });
    total += Number((await sent.wait())!.gasUsed);
  }
  return total / items.length;
}

/** Proved receipts at n = 1…64, all in, against n calls of snarkjs's verifier. */
export async function provedGas(): Promise<Row[]> {
  const { protocol, model, modelId, key, items } = await proveReceipts(64);
  const rows: Row[] = [];
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
