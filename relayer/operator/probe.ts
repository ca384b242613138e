// SPDX-License-Identifier: MIT
import { NodeRefused } from "../chain/errors.ts";
import type { Rpc } from "../chain/rpc.ts";

/** One node, as it was found a moment ago. Its URL's user, path and query are left out: they carry API keys. */
export interface EndpointProbe {
  host: string;
  up: boolean;
  latencyMs: number | null;
  /** Number of its newest block; null where it did not tell. */
  head: number | null;
  /** Blocks behind the newest that any node has. */
  lag: number | null;
}

/** What the chain said when it was last looked at. */
export interface ChainProbe {
  /** Unix milliseconds. */
  at: number;
  endpoints: EndpointProbe[];
  /** Number of the newest block that any node has; null where none told. */
  head: number | null;
  /** Its time, unix seconds. */
  blockTime: number | null;
  baseFeePerGas: bigint | null;
  /** Of the account that pays; null where it is not known, or could not be asked for. Wei. */
  balance: bigint | null;
  latestNonce: number | null;
  pendingNonce: number | null;
}

type Block = { number: string; timestamp: string; baseFeePerGas?: string } | null;

/** Looks at every node, and at the account that pays. Never throws: what could not be asked is null. */
export async function probeChain(rpc: Rpc, sender: string | null, now: () => number = Date.now): Promise<ChainProbe> {
  const blocks = await rpc.requestAll<Block>("eth_getBlockByNumber", ["latest", false]);
  const heads = blocks.map((answer) => (answer.ok && answer.value ? Number(answer.value.number) : null));
  const known = heads.filter((head) => head !== null);
  const head = known.length > 0 ? Math.max(...known) : null;
  const newest = blocks[heads.indexOf(head)];
  const block = newest?.ok ? newest.value : null;
  const health = rpc.health();
  const ask = async (method: string, params: readonly unknown[]): Promise<bigint | null> => {
    if (sender === null || head === null) return null;
    try {
      return BigInt(await rpc.request<string>(method, params));
    } catch {
      return null;
    }
  };
  const [balance, latest, pending] = await Promise.all([
    ask("eth_getBalance", [sender, "latest"]),
    ask("eth_getTransactionCount", [sender, "latest"]),
    ask("eth_getTransactionCount", [sender, "pending"]),
  ]);
  return {
    at: now(),
    endpoints: blocks.map((answer, index) => ({
      host: health[index]!.host,
      // A node that refuses is there; it only has no block to tell.
      up: answer.ok || answer.error instanceof NodeRefused,
      latencyMs: health[index]!.latencyMs,
      head: heads[index]!,
      lag: heads[index] === null || head === null ? null : head - heads[index]!,
    })),
    head,
    blockTime: block ? Number(block.timestamp) : null,
    baseFeePerGas: block ? BigInt(block.baseFeePerGas ?? 0) : null,
    balance,
    latestNonce: latest === null ? null : Number(latest),
    pendingNonce: pending === null ? null : Number(pending),
  };
}

export interface Probe {
  /** The last look; null before the first has ended. */
  recent(): ChainProbe | null;
  stop(): void;
}

/** Looks again and again, so that whoever scrapes metrics neither waits for a node nor makes work for it. */
export function startProbe(rpc: Rpc, sender: string, everyMs: number): Probe {
  let last: ChainProbe | null = null;
  let timer: NodeJS.Timeout | undefined;
  let stopped = false;
  const look = async (): Promise<void> => {
    last = await probeChain(rpc, sender);
    if (!stopped) timer = setTimeout(() => void look(), everyMs).unref();
  };
  void look();
  return {
    recent: () => last,
    stop() {
      stopped = true;
      clearTimeout(timer);
    },
  };
}
