// SPDX-License-Identifier: GPL-3.0-or-later
/** Real proofs of the risk scorer, made once and used by every measure that needs some. */
import { Wallet, concat, hexlify, toBeHex } from "ethers";
import { loadModel } from "../circuits/model.ts";
import { createProver, type Proven } from "../circuits/prover.ts";
import { encodeEvidence } from "../relayer/evidence/groth16/encode.ts";
import {
  deployProtocol,
  Mode,
  NO_DATA,
  NO_LINEAGE,
  type Protocol,
  type ReceiptFields,
} from "../test/support/protocol.ts";
import { outputHashOf } from "../test/support/groth16.ts";

export interface ProvedReceipt {
  receipt: ReceiptFields;
  receiptId: string;
  proven: Proven;
}

/** A deployed protocol with one node and the risk scorer, and `count` receipts that it proved. */
export async function proveReceipts(count: number) {
  const protocol = await deployProtocol();
  const model = await loadModel("risk-scorer");
  const version = {
    contentHash: "0x" + "11".repeat(32),
    uri: "ipfs://risk-scorer",
    modes: 1 << Mode.ZKML,
    verifier: await protocol.groth16.getAddress(),
    verifyingKey: model.verifyingKeyBytes,
    signals: model.signals.join(", "),
    lineage: NO_LINEAGE,
    ...NO_DATA,
  };
  await protocol.models.register(version);
  const modelId = await protocol.models.modelIdOf(protocol.signers.deployer.address, version);
  const key = new Wallet("0x" + "42".repeat(32));
  const keyId = await protocol.addOperatorKey(await protocol.registerNode(), key);

  const prover = await createProver(model);
  const items: ProvedReceipt[] = [];
  for (let i = 0; i < count; i++) {
    const values = Array.from({ length: model.valueCount }, (_, j) => (97 * i + 31 * j * j + 11) % 256);
    const { inputSignal, outputs } = model.evaluate({ values });
    const receipt = await protocol.receipt({
      keyId,
      modelId,
      mode: Mode.ZKML,
      outputScheme: 2,
      inputHash: toBeHex(inputSignal, 32),
      outputHash: outputHashOf([...outputs]),
    });
    const receiptId = protocol.receiptId(receipt);
    items.push({ receipt, receiptId, proven: await prover.prove({ values }, BigInt(receiptId) >> 8n) });
  }
  await prover.close();
  return { protocol, model, modelId, key, items };
}

/** A proved batch as `settleProvedBatches` takes it. */
export function provedBatch(protocol: Protocol, modelId: string, key: Wallet, items: ProvedReceipt[]) {
  const { batch, signature } = protocol.signBatch(
    items.map(({ receipt }) => receipt),
    key,
  );
  const compact = items.map(({ receipt: r }) =>
    concat([
      r.requestId,
      r.contextHash,
      r.payer,
      toBeHex(r.sequence, 8),
      toBeHex(r.cumulativeFee, 16),
      toBeHex(r.completedAt, 8),
    ]),
  );
  const evidence = hexlify(encodeEvidence(items.map(({ proven }) => proven)));
  return { batch, modelId, signature, receipts: concat(compact), evidence };
}
