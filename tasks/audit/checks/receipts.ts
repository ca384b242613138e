import { proofVerifier } from "../../../relayer/evidence/proof.ts";
import { encodeKey } from "../../../relayer/evidence/groth16/encode.ts";
import { BatchVerifier } from "../../../relayer/evidence/groth16/verifyBatch.ts";
import {
  batchDigest,
  dataHashOf,
  fromHex,
  type Hex,
  merkleProof,
  merkleRoot,
  Mode,
  parseLeaves,
  ProtocolError,
  type Receipt,
  receiptId,
  recoverSigner,
} from "../../../relayer/protocol/index.ts";
import { type History, inRange, type SettledBatch, type SettledReceipt } from "../history.ts";
import { Check, type Line } from "./check.ts";

const BY_CALLDATA = "calldata of the settling transaction";
const NO_CALLDATA = "settled by a call of another contract: the registry's calldata is not that of the transaction";

/** A receipt that is known whole, and when it settled. */
export interface KnownReceipt {
  receipt: Receipt;
  receiptId: Hex;
  /** Block that it settled in. */
  block: number;
  /** Unix seconds. */
  settledAt: number;
}

/** Every receipt that can be known: leaves that make their batch's root, and those of calldata with the id of the event. */
export function knownReceipts(history: History): KnownReceipt[] {
  const known: KnownReceipt[] = [];
  for (const settled of history.batches) {
    const leaves = leavesOf(history, settled);
    if ("problem" in leaves) continue;
    for (const [i, receipt] of leaves.receipts.entries())
      known.push({ receipt, receiptId: leaves.ids[i]!, block: settled.block, settledAt: settled.time });
  }
  for (const settled of history.receipts) {
    const receipt = history.submissions.get(settled.receiptId)?.receipt;
    if (receipt !== undefined && receiptId(domainOf(history), receipt) === settled.receiptId)
      known.push({ receipt, receiptId: settled.receiptId, block: settled.block, settledAt: settled.time });
  }
  return known;
}

const domainOf = ({ chainId, registry }: History) => ({ chainId, verifyingContract: registry });

/** The leaves of a batch, if what was published is what the chain settled. */
export function leavesOf(
  history: History,
  { batch }: SettledBatch,
): { receipts: Receipt[]; ids: Hex[] } | { problem: string; published: boolean } {
  const found = history.leaves.get(batch.dataHash);
  if (found === undefined) return { problem: "nobody was asked for them", published: false };
  if ("problem" in found) return { problem: found.problem, published: false };
  const wrong = (problem: string) => ({ problem, published: true });
  const hash = dataHashOf(found.document);
  if (hash !== batch.dataHash) return wrong(`a document of hash ${hash}`);
  try {
    const { domain, keyId, mode, receipts } = parseLeaves(found.document);
    if (domain.chainId !== history.chainId || domain.verifyingContract !== history.registry)
      return wrong(`leaves of ${domain.verifyingContract} on chain ${domain.chainId}`);
    if (keyId !== batch.keyId || mode !== batch.mode) return wrong(`leaves of key ${keyId} in mode ${mode}`);
    if (receipts.length !== batch.count) return wrong(`${receipts.length} leaves`);
    const ids = receipts.map((receipt) => receiptId(domain, receipt));
    const root = merkleRoot(ids);
    return root === batch.root ? { receipts, ids } : wrong(`leaves of root ${root}`);
  } catch (problem) {
    if (problem instanceof ProtocolError) return wrong(problem.message);
    throw problem;
  }
}

/** Receipts against what they rest on: leaves, signatures, proofs, and the chain's own answer. */
export async function checkReceipts(history: History): Promise<Line[]> {
  const batches = history.batches.filter((each) => inRange(history, each));
  const receipts = history.receipts.filter((each) => inRange(history, each));
  return [
    checkLeaves(history, batches),
    checkStorage(batches, receipts),
    await checkSignatures(history, batches, receipts),
    await checkProofs(history, batches, receipts),
    await checkOpenings(history, batches),
  ];
}

function checkLeaves(history: History, batches: SettledBatch[]): Line {
  const line = new Check(
    "receipts",
    "Every settled batch is over the leaves that were published for it.",
    "leaves by their dataHash, hashed; every receipt id and the root computed; held against BatchSettled and the batch's digest",
  );
  for (const settled of batches) {
    const { digest, batch, transaction } = settled;
    line.expect(`digest of batch ${digest}`, batchDigest(domainOf(history), batch), digest, transaction);
    const leaves = leavesOf(history, settled);
    if (!("problem" in leaves)) line.expect(`batch ${digest}`, leaves.ids.length, batch.count, transaction);
    else if (leaves.published)
      line.require(false, {
        ...{ subject: `batch ${digest}`, expected: `${batch.count} leaves of root ${batch.root}` },
        ...{ found: leaves.problem, transaction },
      });
    else line.cannotTell(`batch ${digest}`, `leaves ${batch.dataHash}: ${leaves.problem}`);
  }
  return line;
}

function checkStorage(batches: SettledBatch[], receipts: SettledReceipt[]): Line {
  const line = new Check(
    "receipts",
    "What events say settled is settled in the registry's storage, since the block of the event, and once.",
    "BatchSettled and ReceiptSettled against settledAt(id), read at the last block",
  );
  const seen = new Set<Hex>();
  for (const { id, settled } of [
    ...batches.map((settled) => ({ id: settled.digest, settled })),
    ...receipts.map((settled) => ({ id: settled.receiptId, settled })),
  ]) {
    line.expect(`settledAt(${id})`, settled.settledAt, settled.time, settled.transaction);
    line.expect(`events of ${id} before this one`, seen.has(id), false, settled.transaction);
    seen.add(id);
  }
  return line;
}

async function checkSignatures(history: History, batches: SettledBatch[], receipts: SettledReceipt[]): Promise<Line> {
  const line = new Check(
    "receipts",
    "Every batch, and every receipt that settled alone, bears the signature of its key.",
    `signature from the ${BY_CALLDATA}, signer recovered over the EIP-712 digest; held against the key registries`,
  );
  for (const { id, keyId, transaction } of [
    ...batches.map((each) => ({ ...each, id: each.digest, keyId: each.batch.keyId })),
    ...receipts.map((each) => ({ ...each, id: each.receiptId })),
  ]) {
    const submission = history.submissions.get(id);
    if (submission === undefined) {
      line.cannotTell(id, NO_CALLDATA);
      continue;
    }
    const signer = recoverSigner(id, submission.signature) ?? "nobody";
    line.expect(`signer of ${id}`, signer, await history.chain.signerOf(keyId), transaction);
  }
  return line;
}

async function checkProofs(history: History, batches: SettledBatch[], receipts: SettledReceipt[]): Promise<Line> {
  const line = new Check(
    "receipts",
    "Every ZKML receipt has a Groth16 proof that holds for it.",
    `proofs and signals from the ${BY_CALLDATA}, verified here under the model version's key from the chain, bound to the receipt ids`,
  );
  const pairing = await BatchVerifier.create();
  const always = async () => ({ ok: true }) as const; // signatures are a line of their own
  const verifier = proofVerifier(
    { verifyingKey: (modelId) => history.chain.verifyingKey(modelId) },
    { inspect: always, verify: always },
    {
      verify: async (key, evidence, ids) =>
        pairing.verify(key instanceof Uint8Array ? key : encodeKey(key), evidence, ids),
    },
  );
  const check = async (id: Hex, modelId: Hex, known: Receipt[], ids: Hex[], transaction: Hex): Promise<void> => {
    const { evidence, signature } = history.submissions.get(id)!;
    const proofs = { modelId, bytes: fromHex(evidence), receiptIds: ids, receipts: known };
    const verdict = await verifier.verify({
      ...{ keyId: known[0]!.keyId, mode: Mode.ZKML, digest: id, signature, proofs },
    });
    const said = verdict.ok ? "holds" : `${verdict.reason}: ${verdict.detail}`;
    for (const each of ids) line.expect(`proof of ${each}`, said, "holds", transaction);
  };
  for (const settled of batches.filter(({ batch }) => batch.mode === Mode.ZKML)) {
    const submission = history.submissions.get(settled.digest);
    const leaves = leavesOf(history, settled);
    if (submission?.modelId === undefined) line.cannotTell(settled.digest, NO_CALLDATA);
    else if ("problem" in leaves) line.cannotTell(settled.digest, `its leaves: ${leaves.problem}`);
    else await check(settled.digest, submission.modelId, leaves.receipts, leaves.ids, settled.transaction);
  }
  for (const settled of receipts.filter(({ mode }) => mode === Mode.ZKML)) {
    const receipt = history.submissions.get(settled.receiptId)?.receipt;
    if (receipt === undefined) line.cannotTell(settled.receiptId, NO_CALLDATA);
    else await check(settled.receiptId, receipt.modelId, [receipt], [settled.receiptId], settled.transaction);
  }
  return line;
}

async function checkOpenings(history: History, batches: SettledBatch[]): Promise<Line> {
  const line = new Check(
    "receipts",
    "The chain opens what was published: the first and the last receipt of every batch.",
    "Merkle proofs built from the leaves alone; verification(opening) asked at the last block, by its receipt id and its time of settlement",
  );
  for (const settled of batches) {
    const leaves = leavesOf(history, settled);
    if ("problem" in leaves) {
      line.cannotTell(settled.digest, `its leaves: ${leaves.problem}`);
      continue;
    }
    for (const index of new Set([0, leaves.ids.length - 1])) {
      const proof = merkleProof(leaves.ids, index);
      const opened = await history.chain.verification(leaves.receipts[index]!, settled.batch, index, proof);
      const subject = `receipt ${leaves.ids[index]!}`;
      line.expect(subject, opened.receiptId, leaves.ids[index]!, settled.transaction);
      line.expect(`settlement of ${subject}`, opened.settledAt, settled.time, settled.transaction);
    }
  }
  return line;
}
