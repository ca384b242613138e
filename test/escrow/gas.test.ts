import { expect } from "chai";
import { id } from "ethers";
import { Mode } from "../support/protocol.ts";
import { deployEscrow, FEE, multiproofOf, UINT96_MAX, walletOf, type EscrowWorld } from "./support.ts";

/** Measured with everything real: a settled batch of 1,024, channels that paid before, payers that differ. */
describe("InferenceEscrow: gas", () => {
  const COUNT = 1_024;
  const SINGLE = 25;
  const PLACES = Array.from({ length: 50 }, (_, i) => (i * 397 + 11) % COUNT).sort((a, b) => a - b);

  /** 50 payers with a channel each that has paid once, and a batch of 1,024 in which the second request of each is. */
  async function prepared(w: EscrowWorld, mode: number, sessions: boolean) {
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
    const first = await Promise.all(channels.map((c) => w.answer(c, 1n)));
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
      Array.from({ length: COUNT }, (_, i) => w.receiptIn(mode, { requestId: id(`other ${i}`) })),
    );
    for (const [i, place] of PLACES.entries())
      receipts[place] = await w.answer(channels[i]!, 2n, { mode, outputScheme: mode === Mode.ZKML ? 2 : 0 });
    const batch = w.signedBatch(receipts).batch;
    if (mode === Mode.ZKML) await w.putOnLedger(batch);
    else await w.settle(receipts);
    const claims = PLACES.map((place, i) => w.claim(channels[i]!, receipts[place]!, signers[i]!, place));
    return { receipts, batch, claims, channels };
  }

  for (const sessions of [false, true])
    for (const [name, mode] of Object.entries(Mode))
      it(`${name}, ${sessions ? "by session signers" : "by payers' own keys"}`, async () => {
        const w = await deployEscrow(new Date("2033-05-18T00:00:00Z"));
        const { receipts, batch, claims } = await prepared(w, mode, sessions);
        const node = [batch, w.nodeId, w.modelId] as const;
        const snapshot = await w.networkHelpers.takeSnapshot();
        const only = [...node, claims[SINGLE]!, w.proofOf(receipts, PLACES[SINGLE]!)] as const;
        const single = await (await w.escrow.collect(...only)).wait();
        await snapshot.restore();
        const proof = multiproofOf(receipts.map(w.receiptId), PLACES);
        const group = { batch, nodeId: w.nodeId, modelId: w.modelId, claims, proof };
        const many = await (await w.escrow.collectBatch([group])).wait();
        expect(many!.logs).to.have.length(51);
        const each = Math.ceil(Number(many!.gasUsed) / 50);
        console.log(`      ${name}${sessions ? ", session" : ""}: ${single!.gasUsed} alone, ${each} of 50`);
        if (mode === Mode.VANILLA) {
          expect(Number(single!.gasUsed)).to.be.at.most(sessions ? 79_000 : 78_000);
          expect(each).to.be.at.most(sessions ? 32_500 : 30_000);
        }
      });
});
