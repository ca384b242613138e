// SPDX-License-Identifier: MIT
// Finds on chain when and as what something settled. The registry keeps a time for it, so its block is found by time
// and no long search through logs is needed.
import { inferenceRegistry } from "../chain/abi.ts";
import { NodeRefused } from "../chain/errors.ts";
import { batchDigest, type Batch, type Hex } from "../protocol/index.ts";
import type { AuditedChain, RegistryLog } from "./chain.ts";

const BATCH_SETTLED = inferenceRegistry.getEvent("BatchSettled")!.topicHash;
const RECEIPT_SETTLED = inferenceRegistry.getEvent("ReceiptSettled")!.topicHash;

/** What settled, and the transaction that settled it. */
export interface Settled {
  kind: "batch" | "receipt";
  transactionHash: Hex;
  blockNumber: number;
  /** Of kind `batch`. */
  batch?: Batch;
}

/** The first block whose time is not before `time`; one past `last` if there is none. */
export async function firstBlockFrom(chain: Pick<AuditedChain, "timeOf">, time: bigint, last: number): Promise<number> {
  let [low, high] = [0, last + 1];
  while (low < high) {
    const middle = Math.floor((low + high) / 2);
    if ((await chain.timeOf(middle)) < time) low = middle + 1;
    else high = middle;
  }
  return low;
}

/** The settlement of a batch digest or lone receipt that the registry says happened at `settledAt`. */
export async function settlementOf(chain: AuditedChain, id: Hex, settledAt: bigint): Promise<Settled | undefined> {
  const fromBlock = await firstBlockFrom(chain, settledAt, chain.block);
  const toBlock = Math.min(chain.block, (await firstBlockFrom(chain, settledAt + 1n, chain.block)) - 1);
  if (fromBlock > toBlock) return undefined;
  const [log] = await chain.logs({ topics: [[BATCH_SETTLED, RECEIPT_SETTLED], id], fromBlock, toBlock });
  if (!log) return undefined;
  const found = { transactionHash: log.transactionHash as Hex, blockNumber: Number(log.blockNumber) };
  return log.topics[0] === BATCH_SETTLED
    ? { kind: "batch", batch: batchFrom(log), ...found }
    : { kind: "receipt", ...found };
}

function batchFrom(log: RegistryLog): Batch {
  const { keyId, mode, root, count, dataHash, settler } = inferenceRegistry.parseLog(log)!.args;
  return {
    ...{ keyId: keyId as Hex, mode: Number(mode), root: root as Hex, count: Number(count), dataHash: dataHash as Hex },
    settler: String(settler).toLowerCase() as Hex,
  };
}

export interface ScanOptions {
  fromBlock: number;
  toBlock: number;
  /** Blocks asked for at once; halved where a node finds that too many. */
  step: number;
  /** Only batches of this key. */
  keyId?: Hex | undefined;
  /** Told how far it came. */
  progress?: (block: number, batches: number) => void;
}

/** Every batch that settled in some blocks, in order, each with its digest computed here. */
export async function* scanBatches(
  chain: AuditedChain,
  { fromBlock, toBlock, step, keyId, progress }: ScanOptions,
): AsyncGenerator<{ digest: Hex; batch: Batch }> {
  let width = step;
  let batches = 0;
  for (let at = fromBlock; at <= toBlock;) {
    const until = Math.min(toBlock, at + width - 1);
    let logs: RegistryLog[];
    try {
      logs = await chain.logs({ topics: [BATCH_SETTLED, null, keyId ?? null], fromBlock: at, toBlock: until });
    } catch (error) {
      if (!(error instanceof NodeRefused) || width === 1) throw error;
      width = Math.max(1, Math.floor(width / 2));
      continue;
    }
    for (const log of logs) {
      const batch = batchFrom(log);
      batches++;
      yield { digest: batchDigest(chain.domain, batch), batch };
    }
    at = until + 1;
    progress?.(until, batches);
  }
}
