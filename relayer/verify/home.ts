// SPDX-License-Identifier: MIT
// Which batch a receipt is in: somebody says so, or it is searched for.
import {
  LEAF_SIZE,
  LEAVES_HEADER_SIZE,
  MAX_DELAY,
  MAX_SKEW,
  parseLeaves,
  receiptId,
  ZERO_HASH,
  type Hex,
  type Receipt,
} from "../protocol/index.ts";
import { MAX_DOCUMENT_BYTES } from "../publication/publication.ts";
import type { AuditedChain } from "./chain.ts";
import { VerifyError } from "./errors.ts";
import { firstBlockFrom, scanBatches } from "./find.ts";
import { findLeaves, hintOf, type LeavesSource } from "./leaves.ts";
import type { Findings } from "./report.ts";

export interface HomeOptions {
  leaves: readonly LeavesSource[];
  /** A relayer that may say which batch a receipt is in, and where leaves are. It is believed in nothing. */
  relayer?: string | undefined;
  /** The batch that a receipt is in, where that is known. */
  batch?: Hex | undefined;
  /** Where the search for a receipt's batch begins, where it is not known. */
  fromBlock?: number | undefined;
  toBlock?: number | undefined;
  /** Blocks asked for at once in that search. */
  step?: number | undefined;
  progress?: ((block: number, first: number, last: number, batches: number) => void) | undefined;
}

/**
 * Digest of the batch that a receipt is said, or found, to be in.
 * @throws {VerifyError} `not_found` where there is nothing to search by.
 */
export async function homeOf(chain: AuditedChain, id: Hex, options: HomeOptions, findings: Findings): Promise<Hex> {
  if (options.batch) return options.batch;
  const hint = options.relayer && (await hintOf(options.relayer, `/v1/receipts/${id}`))?.["batch"];
  if (typeof hint === "string" && /^0x[0-9a-f]{64}$/.test(hint)) {
    findings.note("hint", `${options.relayer} says that it is in batch ${hint}; that is checked`);
    return hint as Hex;
  }
  const span = await spanOf(chain, id, options);
  if (!span)
    throw new VerifyError(
      "not_found",
      `${id} is no batch and settled neither alone nor in a batch that is known: name --batch, a --relayer that knows it, a leaves file that has it, or --from-block to search from`,
    );
  let [searched, without] = [0, 0];
  const { from, to, keyId } = span;
  for await (const { digest, batch } of scanBatches(chain, {
    ...{ fromBlock: from, toBlock: to, step: options.step ?? 2_000, keyId },
    progress: (block, batches) => options.progress?.(block, from, to, batches),
  })) {
    searched++;
    const size = LEAVES_HEADER_SIZE + LEAF_SIZE * batch.count;
    const leaves = await findLeaves(options.leaves, batch.dataHash, size, {}).catch(() => undefined);
    if (!leaves) without++;
    else if (holds(chain, leaves.document, id)) return digest;
  }
  const how = `${id} is in none of ${searched} batches of blocks ${from} to ${to}; of ${without} of them no source has the leaves`;
  findings.require("found", false, how);
}

/** The blocks in which a receipt's batch may have settled. */
async function spanOf(chain: AuditedChain, id: Hex, { leaves, fromBlock, toBlock }: HomeOptions) {
  const last = Math.min(chain.block, toBlock ?? chain.block);
  for (const { file, read } of leaves) {
    if (file === undefined) continue;
    const document = await read(ZERO_HASH, MAX_DOCUMENT_BYTES, {}).catch(() => undefined);
    const receipt = document && receiptIn(chain, document, id);
    if (!receipt) continue;
    // Rule R4 bounds when a receipt can settle and count.
    const { completedAt, keyId } = receipt;
    const from = fromBlock ?? (await firstBlockFrom(chain, completedAt - MAX_SKEW, chain.block));
    const to = (await firstBlockFrom(chain, completedAt + MAX_DELAY + 1n, chain.block)) - 1;
    return { from, to: Math.min(last, to), keyId };
  }
  return fromBlock === undefined ? undefined : { from: fromBlock, to: last, keyId: undefined };
}

function receiptIn(chain: AuditedChain, document: Uint8Array, id: Hex): Receipt | undefined {
  try {
    return parseLeaves(document).receipts.find((receipt) => receiptId(chain.domain, receipt) === id);
  } catch {
    return undefined; // a file of something else
  }
}
const holds = (chain: AuditedChain, document: Uint8Array, id: Hex): boolean =>
  receiptIn(chain, document, id) !== undefined;
