// SPDX-License-Identifier: MIT
import { expect } from "chai";
import { createOpenings } from "../../relayer/api/openings.ts";
import { makeBatch } from "../../relayer/batches/seal.ts";
import * as protocol from "../../relayer/protocol/index.ts";
import type { BatchSummary } from "../../relayer/store/batches.ts";
import { domain, makeKey, makeReceipt, random } from "./support/relayer.ts";

describe("openings of batched receipts", () => {
  const key = makeKey();
  const documents: Uint8Array[] = [];
  let reads = 0;
  const made = (count: number) => {
    const receipts = Array.from({ length: count }, () => makeReceipt(key, random()));
    const { batch, document } = makeBatch(domain, receipts, random(20));
    const id = documents.push(document) - 1;
    const row = { ...batch, id, digest: protocol.batchDigest(domain, batch) } as BatchSummary;
    return { receipts, row };
  };
  const openings = createOpenings(domain, async (id) => {
    reads++;
    return documents[id]!;
  });

  it("prove each receipt, and hash a batch once for all who ask [R3]", async () => {
    for (const count of [1, 2, 3, 7, 600]) {
      const { receipts, row } = made(count);
      const before = reads;
      const all = await Promise.all(receipts.map((receipt, index) => openings.ofBatch(row, receipt, index)));
      all.forEach(({ proof, receipt }, index) => {
        const id = protocol.receiptId(domain, receipt);
        expect(protocol.verifyProof(row.root, count, index, id, proof)).to.equal(true);
      });
      expect(reads - before).to.equal(1);
    }
  });

  it("let others have their turn while a batch is hashed, and refuse more than can wait [R8]", async () => {
    const large = Array.from({ length: 9 }, () => made(2_000));
    let turns = 0;
    const ticking = setInterval(() => turns++, 1);
    const outcomes = await Promise.allSettled(large.map(({ receipts, row }) => openings.ofBatch(row, receipts[0]!, 0)));
    clearInterval(ticking);
    expect(outcomes.map(({ status }) => status)).to.deep.equal([...Array<string>(8).fill("fulfilled"), "rejected"]);
    expect((outcomes[8] as PromiseRejectedResult).reason).to.have.property("code", "busy");
    expect(turns).to.be.greaterThan(20);
    const { receipts, row } = large[8]!;
    expect((await openings.ofBatch(row, receipts[1]!, 1)).proof).to.have.length(11);
  });
});
