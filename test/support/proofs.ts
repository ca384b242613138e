import { concat, hexlify, randomBytes, solidityPacked, toBeHex, type HDNodeWallet, type Wallet } from "ethers";
import { bindingOf, itemEvidence, makeSetup, outputHashOf, prove, scalar, type Setup } from "./groth16.ts";
import { Mode, type BatchFields, type Protocol, type ReceiptFields } from "./protocol.ts";

/** A setup on the published development phase 1, so that `ModelRegistry` takes its key on a local chain. */
export function developmentSetup(signals = 3, label = "model"): Setup {
  return {
    ...makeSetup(signals, label),
    alpha: scalar("OpenGradient development phase 1: alpha"),
    beta: scalar("OpenGradient development phase 1: beta"),
  };
}

/** A receipt and the proof that covers it. */
export interface Proved {
  receipt: ReceiptFields;
  evidence: string;
}

/** A ZKML receipt whose hashes follow from signals, with a valid proof bound to it. */
export async function provedReceipt(
  p: Protocol,
  setup: Setup,
  over: Partial<ReceiptFields>,
  label = hexlify(randomBytes(8)),
): Promise<Proved> {
  const signals = setup.ic.slice(2).map((_, i) => scalar(`${label} signal ${i}`));
  const receipt = await p.receipt({
    mode: Mode.ZKML,
    outputScheme: 2,
    inputHash: toBeHex(signals[0]!, 32),
    outputHash: outputHashOf(signals.slice(1)),
    ...over,
  });
  const binding = bindingOf(p.receiptId(receipt));
  const proof = prove(setup, [...signals, binding], scalar(`${label} a`), scalar(`${label} b`));
  return { receipt, evidence: itemEvidence(proof, signals) };
}

/** Evidence for another receipt id than the one it stands beside. */
export function reprove(setup: Setup, signals: readonly bigint[], receiptId: string): string {
  return itemEvidence(prove(setup, [...signals, bindingOf(receiptId)], 5n, 7n), signals);
}

/** A receipt as it travels in a proved batch. */
export const compactOf = (receipt: ReceiptFields): string =>
  solidityPacked(
    ["bytes32", "bytes32", "address", "uint64", "uint128", "uint64"],
    [
      receipt.requestId,
      receipt.contextHash,
      receipt.payer,
      receipt.sequence,
      receipt.cumulativeFee,
      receipt.completedAt,
    ],
  );

/** A signed batch in which every receipt is proved. */
export function provedBatch(p: Protocol, items: Proved[], key: Wallet | HDNodeWallet, over: Partial<BatchFields> = {}) {
  const receipts = items.map(({ receipt }) => receipt);
  const { batch, signature } = p.signBatch(receipts, key, over);
  return {
    batch,
    modelId: receipts[0]!.modelId,
    signature,
    receipts: concat(receipts.map(compactOf)),
    evidence: concat(items.map(({ evidence }) => evidence)),
  };
}
