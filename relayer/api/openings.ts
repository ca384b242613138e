// SPDX-License-Identifier: MIT
import {
  LEAF_SIZE,
  LEAVES_HEADER_SIZE,
  leafOf,
  merkleLevels,
  proofOf,
  readLeaf,
  receiptIdBytes,
  type Domain,
  type Hex,
  type Opening,
  type Receipt,
  ZERO_ADDRESS,
  ZERO_HASH,
} from "../protocol/index.ts";
import { view } from "../protocol/bytes.ts";
import { batchOf, type BatchSummary } from "../store/batches.ts";
import { Problem } from "./problems.ts";

type Levels = Uint8Array[][];

/** Leaves whose trees are remembered: asking for the receipts of a batch one by one hashes it once. About 40 MB. */
const REMEMBERED_LEAVES = 200_000;
/** Leaves hashed before others get their turn. A batch of 10,000 takes a core for half a second. */
const SLICE = 250;
/** Trees that may wait to be made, one after the other. */
const MAX_WAITING = 8;

/** What {@link createOpenings} makes. */
export type Openings = ReturnType<typeof createOpenings>;

/** Makes openings of batched receipts. @param documentOf Reads the leaves document of a batch. */
export function createOpenings(domain: Domain, documentOf: (batchId: number) => Promise<Uint8Array>) {
  const known = new Map<Hex, Levels>();
  const underway = new Map<Hex, Promise<Levels>>();
  let remembered = 0;
  let last: Promise<unknown> = Promise.resolve();

  async function build(row: BatchSummary): Promise<Levels> {
    const document = await documentOf(row.id);
    const source = view(document);
    const leaves: Uint8Array[] = [];
    for (let index = 0; index < row.count; index++) {
      if (index > 0 && index % SLICE === 0) await new Promise((resolve) => setImmediate(resolve));
      leaves.push(
        leafOf(receiptIdBytes(domain, readLeaf(source, LEAVES_HEADER_SIZE + index * LEAF_SIZE, row.keyId, row.mode))),
      );
    }
    const levels = merkleLevels(leaves);
    known.set(row.digest, levels);
    remembered += row.count;
    for (const [digest, old] of known) {
      if (remembered <= REMEMBERED_LEAVES || digest === row.digest) break;
      known.delete(digest);
      remembered -= old[0]!.length;
    }
    return levels;
  }

  function levelsOf(row: BatchSummary): Levels | Promise<Levels> {
    const levels = known.get(row.digest);
    if (levels) {
      known.delete(row.digest);
      known.set(row.digest, levels);
      return levels;
    }
    const begun = underway.get(row.digest);
    if (begun) return begun;
    if (underway.size >= MAX_WAITING) throw new Problem("busy");
    const work = last.then(() => build(row)).finally(() => underway.delete(row.digest));
    underway.set(row.digest, work);
    last = work.catch(() => undefined);
    return work;
  }

  return {
    /** Opening of the receipt at `index`. @throws {Problem} `busy` if many other batches are being hashed. */
    async ofBatch(row: BatchSummary, receipt: Receipt, index: number): Promise<Opening> {
      return { receipt, batch: batchOf(row), index, proof: proofOf(await levelsOf(row), index) };
    },
    /** Opening of a receipt that settles alone: a batch of count 0 says so. */
    alone(receipt: Receipt): Opening {
      const batch = {
        keyId: ZERO_HASH,
        mode: 0,
        root: ZERO_HASH,
        count: 0,
        dataHash: ZERO_HASH,
        settler: ZERO_ADDRESS,
      };
      return { receipt, batch, index: 0, proof: [] };
    },
  };
}
