// SPDX-License-Identifier: MIT
// What every store must do, whichever it is.
import { expect } from "chai";
import { randomBytes } from "node:crypto";
import { makeBatch } from "../../../relayer/batches/seal.ts";
import { dataHashOf, type Hex } from "../../../relayer/protocol/index.ts";
import { publicationIn, type Publication, type Store } from "../../../relayer/publication/publication.ts";
import { codeOf } from "./channels.ts";
import { domain, makeKey, makeReceipt, random } from "./relayer.ts";

/** Faults that a test makes in the store itself, or on the way to it. */
export interface StoreUnderTest {
  store: Store;
  /** Puts other bytes in the place of what was published. */
  damage(dataHash: Hex): Promise<void> | void;
  /** Takes it away. */
  remove(dataHash: Hex): Promise<void> | void;
  /** Where putting it again cannot repair the damage, as the store takes it for whole: what does. */
  mends?: () => void;
  /** For stores over HTTP: what the server does from now on, to reads or writes. */
  misbehave?: (how: "silent" | "endless" | "error" | "redirect" | "cut" | null, what: "reads" | "writes") => void;
  close(): Promise<void> | void;
}

export const leavesOf = (count: number) => {
  const key = makeKey();
  const receipts = Array.from({ length: count }, () => makeReceipt(key, random()));
  return makeBatch(domain, receipts, `0x${"00".repeat(20)}`);
};

/** As long as the largest batch there is; a store does not care what it says. */
export function largeDocument(receipts = 10_000): { document: Uint8Array; dataHash: Hex } {
  const document = randomBytes(94 + 213 * receipts);
  return { document, dataHash: dataHashOf(document) };
}

export function storeSuite(title: string, overHttp: boolean, start: () => Promise<StoreUnderTest>): void {
  describe(title, () => {
    let under: StoreUnderTest;
    let publication: Publication;
    before(async () => {
      under = await start();
      publication = publicationIn(under.store);
    });
    after(() => under.close());
    afterEach(() => under.misbehave?.(null, "reads"));
    const same = (found: Uint8Array | undefined, document: Uint8Array): void => {
      expect(found && Buffer.compare(found, document)).to.equal(0);
    };

    it("keeps a document under the hash that the batch names, and gives it back whole [R3]", async () => {
      const { document, batch } = leavesOf(2);
      const placed = await publication.publish(batch.dataHash, document);
      same(await publication.read(batch.dataHash, placed.locator), document);
    });

    it("changes nothing by publishing again [FM:job-twice]", async () => {
      const { document, batch } = leavesOf(2);
      const first = await publication.publish(batch.dataHash, document);
      const again = await publication.publish(batch.dataHash, document);
      expect(again.locator).to.equal(first.locator);
      same(await publication.read(batch.dataHash, again.locator), document);
    });

    it("keeps the largest batch there is, and keeps it on when it is published anew", async () => {
      const { document, dataHash } = largeDocument();
      for (const anew of [false, true]) {
        const placed = await publication.publish(dataHash, document, anew);
        same(await publication.read(dataHash, placed.locator), document);
      }
    });

    let lastLocator: string | null = null;
    async function published() {
      const made = leavesOf(2);
      lastLocator = (await publication.publish(made.batch.dataHash, made.document)).locator;
      return made;
    }

    it("publishes nothing under a hash that is not the document's [R1]", async () => {
      const other = random();
      expect(await codeOf(publication.publish(other, leavesOf(2).document))).to.equal("wrong_data_hash");
      // Where a locator is needed, there is none.
      const found = await codeOf(publication.read(other).then((document) => expect(document).to.equal(undefined)));
      expect(found).to.be.oneOf([null, "store_refused"]);
    });

    it("notices what was damaged, and repairs it when it is published again [FM:poison-item]", async () => {
      const { document, batch } = await published();
      await under.damage(batch.dataHash);
      expect(await codeOf(publication.read(batch.dataHash, lastLocator))).to.equal("damaged");
      if (under.mends) {
        expect(await codeOf(publication.publish(batch.dataHash, document, true))).to.equal("damaged");
        under.mends();
      }
      const placed = await publication.publish(batch.dataHash, document, true);
      same(await publication.read(batch.dataHash, placed.locator), document);
    });

    it("notices what is gone, and puts it back", async () => {
      const { document, batch } = await published();
      await under.remove(batch.dataHash);
      expect(await publication.read(batch.dataHash, lastLocator)).to.equal(undefined);
      const placed = await publication.publish(batch.dataHash, document, true);
      same(await publication.read(batch.dataHash, placed.locator), document);
    });

    it("repairs by a plain publication what somebody put there before [R1]", async () => {
      const { document, batch } = await published();
      await under.damage(batch.dataHash);
      if (under.mends) {
        expect(await codeOf(publication.publish(batch.dataHash, document))).to.equal("damaged");
        under.mends();
      }
      const placed = await publication.publish(batch.dataHash, document);
      same(await publication.read(batch.dataHash, placed.locator), document);
    });

    if (!overHttp) return;
    describe("where the way to it fails", () => {
      it("gives up after a while on a store that never answers [FM:timeout-resettle]", async () => {
        const { document, batch } = leavesOf(2);
        under.misbehave!("silent", "writes");
        expect(await codeOf(publication.publish(batch.dataHash, document))).to.equal("store_unreachable");
        under.misbehave!(null, "writes");
        same(
          await publication.read(batch.dataHash, (await publication.publish(batch.dataHash, document)).locator),
          document,
        );
      });

      it("takes no more of an answer than a document has", async () => {
        const { batch } = await published();
        under.misbehave!("endless", "reads");
        expect(await codeOf(publication.read(batch.dataHash, lastLocator))).to.equal("damaged");
        under.misbehave!("endless", "writes");
        const { document, batch: next } = leavesOf(2);
        expect(await codeOf(publication.publish(next.dataHash, document))).to.equal("too_large");
      });

      it("says that nothing is known, not that it is gone, while the store fails [FM:outage-not-found]", async () => {
        const { batch } = await published();
        for (const how of ["error", "cut", "silent"] as const) {
          under.misbehave!(how, "reads");
          expect(await codeOf(publication.read(batch.dataHash, lastLocator)), how).to.be.oneOf([
            "store_refused",
            "store_unreachable",
          ]);
        }
      });

      it("does not call published what it could not read back [FM:false-settled]", async () => {
        const { document, batch } = leavesOf(2);
        under.misbehave!("error", "reads");
        expect(await codeOf(publication.publish(batch.dataHash, document))).to.equal("store_refused");
      });

      it("takes up a publication whose answer was lost [FM:failed-send-landed]", async () => {
        const { document, batch } = leavesOf(2);
        under.misbehave!("cut", "writes");
        expect(await codeOf(publication.publish(batch.dataHash, document))).to.equal("store_unreachable");
        under.misbehave!(null, "writes");
        const placed = await publication.publish(batch.dataHash, document);
        same(await publication.read(batch.dataHash, placed.locator), document);
      });

      it("follows nobody to another address", async () => {
        const { batch } = await published();
        under.misbehave!("redirect", "reads");
        expect(await codeOf(publication.read(batch.dataHash, lastLocator))).to.equal("store_refused");
      });
    });
  });
}
