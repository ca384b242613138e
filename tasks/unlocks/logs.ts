import type { Filter, Log, Provider } from "ethers";

/** Logs that could not be had, however few blocks were asked for at a time. */
export class LogError extends Error {
  readonly code = "logs_unavailable";
  override readonly name = "LogError";
}

/**
 * Logs of a range of blocks, in order, asked for in pieces: nodes refuse ranges or answers that are too large, each by
 * a limit and an error of its own. A piece that fails is halved; after a success pieces grow back.
 *
 * @param chunk Most blocks to ask for at a time.
 * @throws {LogError} when a single block's logs are refused.
 */
export async function readLogs(
  provider: Provider,
  filter: Pick<Filter, "address" | "topics">,
  range: { from: number; to: number },
  chunk: number,
): Promise<Log[]> {
  const logs: Log[] = [];
  let size = chunk;
  for (let from = range.from; from <= range.to;) {
    const to = Math.min(range.to, from + size - 1);
    try {
      logs.push(...(await provider.getLogs({ ...filter, fromBlock: from, toBlock: to })));
      from = to + 1;
      size = Math.min(chunk, size * 2);
    } catch (problem) {
      if (to === from) {
        const reason = problem instanceof Error ? problem.message : String(problem);
        throw new LogError(`The node refuses the logs of block ${from}: ${reason}. Try another RPC address.`);
      }
      size = Math.max(1, Math.floor((to - from + 1) / 2));
    }
  }
  return logs;
}

/** Times of blocks, each asked for once. */
export function blockTimes(provider: Provider): (block: number) => Promise<number> {
  const known = new Map<number, Promise<number>>();
  return (block) => {
    const time =
      known.get(block) ??
      provider.getBlock(block).then((found) => {
        if (found === null) throw new LogError(`The node has logs of block ${block} and not the block.`);
        return found.timestamp;
      });
    known.set(block, time);
    return time;
  };
}
