import { id } from "ethers";
import { Mode } from "../support/protocol.ts";
import { deployEscrow, FEE, multiproofOf, UINT96_MAX, walletOf, type EscrowWorld } from "./support.ts";

const COUNT = 1_024;
const START = 2_000_000_000n;
/** Which of the fifty is collected alone. */
const SINGLE = 25;
/** How many are collected together. */
export const MANY = 50;
const PLACES = Array.from({ length: MANY }, (_, i) => (i * 397 + 11) % COUNT).sort((a, b) => a - b);

/**
 * 50 payers with a channel each that has paid once, and a settled batch of 1,024 in which the second request of each is.
 * Calldata is priced by its bytes: wallets, hashes and moments are fixed, so that a figure is the same in every run.
 */
async function prepared(w: EscrowWorld, mode: number, sessions: boolean) {
  const fixed = (label: string, completedAt: bigint) => ({
    inputHash: id(`input ${label}`),
    outputHash: id(`output ${label}`),
    completedAt,
  });
  const payers = PLACES.map((_, i) => walletOf(`payer ${i}`));
  const signers = PLACES.map((_, i) => (sessions ? walletOf(`signer ${i}`) : payers[i]!));
  const channels = payers.map((payer, i) => w.channel(payer.address, { signer: signers[i]!.address }));
  for (const [i, c] of channels.entries()) {
    await w.fund(c.payer, FEE * 10n);
    if (!sessions) continue;
    const payer = payers[i]!.connect(w.ethers.provider);
    await w.networkHelpers.setBalance(payer.address, 10n ** 18n);
    await w.escrow.connect(payer).openChannel(c, UINT96_MAX / 3n, 2n ** 40n - 1n);
  }
  await w.goTo(START);
  const first = await Promise.all(channels.map((c, i) => w.answer(c, 1n, fixed(`first ${i}`, START))));
  const firstBatch = await w.settle(first);
  const node = [firstBatch, w.nodeId, w.modelId] as const;
  const firsts = first.map((r, i) => w.claim(channels[i]!, r, signers[i]!, i));
  // The one that is measured alone was collected alone before, under the same settler and in the same epoch.
  await w.escrow.collect(...node, firsts[SINGLE]!, w.proofOf(first, SINGLE));
  const whole = first.map((_, i) => i);
  await w.escrow.collectBatch([
    {
      batch: firstBatch,
      nodeId: w.nodeId,
      modelId: w.modelId,
      claims: firsts,
      proof: multiproofOf(first.map(w.receiptId), whole),
    },
  ]);
  const receipts = await Promise.all(
    Array.from({ length: COUNT }, (_, i) =>
      w.receiptIn(mode, { requestId: id(`other ${i}`), ...fixed(`other ${i}`, START) }),
    ),
  );
  for (const [i, place] of PLACES.entries()) {
    const over = { mode, outputScheme: mode === Mode.ZKML ? 2 : 0, ...fixed(`second ${i}`, START) };
    receipts[place] = await w.answer(channels[i]!, 2n, over);
  }
  const batch = w.signedBatch(receipts).batch;
  if (mode === Mode.ZKML) await w.putOnLedger(batch);
  else await w.settle(receipts);
  const claims = PLACES.map((place, i) => w.claim(channels[i]!, receipts[place]!, signers[i]!, place));
  return { receipts, batch, claims };
}

/** Whole transactions, with everything real: one claim collected alone, and each of fifty together. */
export async function costOfCollecting(mode: number, sessions: boolean) {
  const w = await deployEscrow(new Date(Number(START - 10_000n) * 1_000));
  const { receipts, batch, claims } = await prepared(w, mode, sessions);
  const snapshot = await w.networkHelpers.takeSnapshot();
  const proofOfOne = w.proofOf(receipts, PLACES[SINGLE]!);
  const single = await (await w.escrow.collect(batch, w.nodeId, w.modelId, claims[SINGLE]!, proofOfOne)).wait();
  await snapshot.restore();
  const proof = multiproofOf(receipts.map(w.receiptId), PLACES);
  const group = { batch, nodeId: w.nodeId, modelId: w.modelId, claims, proof };
  const many = await (await w.escrow.collectBatch([group])).wait();
  // A claim that was skipped would be cheap: every one of them has its event, and the fees together one more.
  if (many!.logs.length !== MANY + 1) throw new Error(`Of ${MANY} claims not all were paid.`);
  return { alone: Number(single!.gasUsed), each: Math.ceil(Number(many!.gasUsed) / MANY) };
}
