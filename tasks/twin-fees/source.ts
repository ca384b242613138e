import type { Provider } from "ethers";
import { twinMarket } from "../../relayer/twin/abi.ts";
import { changesBetween, type FeeChange, type FeeLog, FEES, type FeesReading } from "../../relayer/twin/fees.ts";
import { createFeeReader } from "../../relayer/twin/reader.ts";
import { blockTimes, readLogs } from "../unlocks/logs.ts";

/** What of a Hardhat connection's provider is used. */
export type ChainProvider = Provider & { send(method: string, params: unknown[]): Promise<unknown> };

const TOPICS = ["FeeIncreaseAnnounced", "FeeIncreaseWithdrawn", "FeeChanged"].map(
  (name) => twinMarket.getEvent(name)!.topicHash,
);
/** Most blocks to ask for logs at a time. */
const CHUNK = 5_000;
/** Logs only tell the story; the fees do not wait for them longer. */
const LOGS_WITHIN_MS = 4_000;

export function increasePending({ fees }: FeesReading): boolean {
  return FEES.some((fee) => fees[fee].increase !== null);
}

/** Reads the fees, and keeps what happened to them from one reading to the next. */
export class FeeSource {
  readonly #provider: ChainProvider;
  readonly #market: string;
  readonly #read: () => Promise<FeesReading>;
  #last: FeesReading | null = null;
  #changes: FeeChange[] = [];
  #asked = 0;

  /** @param maxAgeSeconds Where the newest block is older, nothing is known; by default it may be of any age. */
  constructor(provider: ChainProvider, market: string, maxAgeSeconds?: number) {
    this.#provider = provider;
    this.#market = market;
    this.#read = createFeeReader((method, params) => provider.send(method, [...params]), market, {
      ...(maxAgeSeconds === undefined ? {} : { maxAgeSeconds }),
    });
  }

  /** Whether no answer of a node is waited for. */
  idle(): boolean {
    return this.#asked === 0;
  }

  async read(): Promise<FeesReading> {
    this.#asked++;
    try {
      return await this.#readOn();
    } finally {
      this.#asked--;
    }
  }

  async #readOn(): Promise<FeesReading> {
    const reading = await this.#read();
    const before = this.#last;
    if (before === null || before.block.hash !== reading.block.hash) {
      const logs = before === null ? [] : await this.#logs(before.block.number + 1, reading.block.number);
      // Only now, so that a failure on the way leaves nothing out.
      if (before !== null) this.#changes.push(...changesBetween(before, reading, logs));
      this.#last = reading;
    }
    return reading;
  }

  /** What happened since this was asked last. */
  takeChanges(): FeeChange[] {
    return this.#changes.splice(0);
  }

  async #logs(from: number, to: number): Promise<FeeLog[]> {
    const filter = { address: this.#market, topics: [TOPICS] };
    const timeOf = blockTimes(this.#provider);
    const read = async (): Promise<FeeLog[]> => {
      const logs = await readLogs(this.#provider, filter, { from, to }, CHUNK);
      return Promise.all(logs.map(async (log) => ({ ...tellingOf(log), timestamp: await timeOf(log.blockNumber) })));
    };
    let timer: NodeJS.Timeout | undefined;
    const late = new Promise<FeeLog[]>((resolve) => (timer = setTimeout(() => resolve([]), LOGS_WITHIN_MS)));
    // Not every node gives logs: then what changed is told without what came and went in between.
    const logs = await Promise.race([read().catch(() => []), late]);
    clearTimeout(timer);
    return logs;
  }
}

const tellingOf = ({ topics, data, transactionHash }: Omit<FeeLog, "timestamp">) => ({ topics, data, transactionHash });
