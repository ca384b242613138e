// SPDX-License-Identifier: MIT
import { GROUP_SIZE, groupStart, pathAt, pathsOf, proofFrom } from "../batches/paths.ts";
import type { Log } from "../chain/manager-options.ts";
import { view } from "../protocol/bytes.ts";
import {
  LEAF_SIZE,
  LEAVES_HEADER_SIZE,
  leafOf,
  merkleLevels,
  readLeaf,
  receiptIdBytes,
  toHex,
  type Domain,
  type Hex,
  type Opening,
  type Receipt,
  ZERO_ADDRESS,
  ZERO_HASH,
} from "../protocol/index.ts";
import { batchOf, type BatchSummary } from "../store/batches.ts";
import { StoreError } from "../store/errors.ts";
import type { ReceiptHome } from "../store/receipts.ts";
import { Problem } from "./problems.ts";

/** Leaves of batches whose paths are remembered after hashing, should the ledger not take them: under 4 MB. */
const REMEMBERED_LEAVES = 200_000;
/** Leaves hashed before others get their turn. A batch of 10,000 takes a core for some tenths of a second. */
const SLICE = 250;
/** Batches that may wait to be hashed, one after the other. */
const MAX_WAITING = 8;

export interface OpeningsOptions {
  /** Reads the leaves document of a batch. */
  documentOf(batchId: number): Promise<Uint8Array>;
  /** Keeps paths that the ledger had not, or had wrong. */
  keep(batchId: number, paths: Uint8Array): Promise<void>;
  log: Pick<Log, "warn">;
}

/** What {@link createOpenings} makes. */
export type Openings = ReturnType<typeof createOpenings>;

/**
 * Makes openings of batched receipts: from the paths that the ledger keeps, or, where it keeps none or they lead to no
 * root, by hashing the batch once.
 */
export function createOpenings(domain: Domain, { documentOf, keep, log }: OpeningsOptions) {
  const known = new Map<Hex, { paths: Uint8Array; count: number }>();
  const underway = new Map<Hex, Promise<Uint8Array>>();
  let remembered = 0;
  let last: Promise<unknown> = Promise.resolve();

  const idsOf = (leaves: Uint8Array, { keyId, mode }: BatchSummary, from: number, count: number): Uint8Array[] => {
    const source = view(leaves);
    const idAt = (n: number): Uint8Array => receiptIdBytes(domain, readLeaf(source, from + n * LEAF_SIZE, keyId, mode));
    return Array.from({ length: count }, (_, n) => idAt(n));
  };

  async function build(row: BatchSummary): Promise<Uint8Array> {
    const document = await documentOf(row.id);
    const leaves: Uint8Array[] = [];
    for (let index = 0; index < row.count; index += SLICE) {
      if (index > 0) await new Promise((resolve) => setImmediate(resolve));
      const some = Math.min(SLICE, row.count - index);
      leaves.push(...idsOf(document, row, LEAVES_HEADER_SIZE + index * LEAF_SIZE, some).map(leafOf));
    }
    const levels = merkleLevels(leaves);
    // Then it is the leaves themselves that are not those that were signed.
    if (toHex(levels.at(-1)![0]!) !== row.root) throw corrupt(row);
    const paths = pathsOf(levels);
    remember(row, paths);
    await keep(row.id, paths).catch((error: Error) =>
      log.warn({ batch: row.digest, error: error.message.slice(0, 200) }, "a batch's paths could not be kept"),
    );
    return paths;
  }

  function remember({ digest, count }: BatchSummary, paths: Uint8Array): void {
    known.set(digest, { paths, count });
    remembered += count;
    for (const [old, { count: leaves }] of known) {
      if (remembered <= REMEMBERED_LEAVES || old === digest) break;
      known.delete(old);
      remembered -= leaves;
    }
  }

  function pathsOfBatch(row: BatchSummary): Uint8Array | Promise<Uint8Array> {
    const built = known.get(row.digest);
    if (built) return built.paths;
    const begun = underway.get(row.digest);
    if (begun) return begun;
    if (underway.size >= MAX_WAITING) throw new Problem("busy");
    const work = last.then(() => build(row)).finally(() => underway.delete(row.digest));
    underway.set(row.digest, work);
    last = work.catch(() => undefined);
    return work;
  }

  return {
    /**
     * Opening of a receipt in its batch.
     * @throws {Problem} `busy` if many other batches are being hashed.
     * @throws {StoreError} `corrupt_batch` if the ledger's leaves do not make the root that was signed.
     */
    async ofBatch({ batch, position, group, path }: ReceiptHome, receipt: Receipt): Promise<Opening> {
      const ids = idsOf(group, batch, 0, Math.min(GROUP_SIZE, batch.count - groupStart(position)));
      const kept = path && proofFrom(batch, position, ids, path);
      if (kept) return { receipt, batch: batchOf(batch), index: position, proof: kept };
      if (path)
        log.warn({ batch: batch.digest, index: position }, "a kept path leads to no root; the batch is hashed anew");
      const proof = proofFrom(batch, position, ids, pathAt(await pathsOfBatch(batch), batch.count, position));
      if (!proof) throw corrupt(batch);
      return { receipt, batch: batchOf(batch), index: position, proof };
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

function corrupt({ digest }: BatchSummary): StoreError {
  return new StoreError("corrupt_batch", `The leaves kept of batch ${digest} do not make its root`);
}
