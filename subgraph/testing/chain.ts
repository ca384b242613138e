/**
 * An invented chain that graph-node reads by JSON-RPC as it would read any: blocks of transactions with call data, gas and
 * logs. So handlers run as they do in production, with whatever events a test wants, and chains can reorganise.
 */
import { createServer, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { id, Interface, keccak256, toBeHex, type InterfaceAbi } from "ethers";
import { eventsOf } from "../scripts/manifest.ts";

/** Parameters of an event by name; structs as objects or arrays. */
export type Params = Readonly<Record<string, unknown>>;

/** An event to come. */
export interface Emitted {
  contract: string;
  event: string;
  params: Params;
}

/** A transaction to come. */
export interface Sent {
  events: readonly Emitted[];
  from?: string;
  to?: string;
  input?: string;
  gasUsed?: number;
  gasPrice?: number;
}

interface Log {
  address: string;
  topics: readonly string[];
  data: string;
  blockHash: string;
  blockNumber: string;
  transactionHash: string;
  transactionIndex: string;
  logIndex: string;
  removed: boolean;
}

interface Mined {
  hash: string;
  sent: Sent;
}

interface Block {
  number: number;
  hash: string;
  parentHash: string;
  timestamp: number;
  transactions: Mined[];
  logs: Log[];
}

const ZERO_WORD = `0x${"00".repeat(32)}`;
const NOBODY = `0x${"00".repeat(20)}`;
const BLOOM = `0x${"ff".repeat(256)}`;
const interfaces = new Map<string, Interface>();

/** Interface of an indexed contract's events. */
export function interfaceOf(contract: string): Interface {
  let found = interfaces.get(contract);
  if (found === undefined) {
    found = new Interface(eventsOf(contract) as unknown as InterfaceAbi);
    interfaces.set(contract, found);
  }
  return found;
}

function hex(value: number | bigint): string {
  return `0x${value.toString(16)}`;
}

/** The chain. Block 0 is empty. */
export class Chain {
  blocks: Block[] = [];
  /** Every event that was emitted, as `Contract.Event`. */
  readonly emitted = new Set<string>();
  /** Distinguishes blocks of the same number on different branches. */
  private branch = 0;

  constructor(timestamp: number) {
    this.mine(timestamp, [], () => NOBODY);
  }

  /** Mines a block. `addressOf` says where a contract is. */
  mine(timestamp: number, transactions: readonly Sent[], addressOf: (contract: string) => string): void {
    const number = this.blocks.length;
    const hash = id(`${this.branch}/${number}/${this.blocks.at(-1)?.hash ?? ""}`);
    const block: Block = {
      number,
      hash,
      parentHash: this.blocks.at(-1)?.hash ?? ZERO_WORD,
      timestamp,
      transactions: [],
      logs: [],
    };
    this.blocks.push(block);
    for (const sent of transactions) this.append(sent, addressOf);
  }

  /** Puts one more transaction into the last block, which nobody may have read yet. */
  append(sent: Sent, addressOf: (contract: string) => string): void {
    const block = this.blocks.at(-1) as Block;
    const index = block.transactions.length;
    const hash = transactionHash(block.number, index);
    block.transactions.push({ hash, sent });
    for (const { contract, event, params } of sent.events) {
      this.emitted.add(`${contract}.${event}`);
      const fragment = interfaceOf(contract).getEvent(event);
      if (fragment === null) throw new Error(`${contract} has no event ${event}`);
      const values = fragment.inputs.map((input) => {
        if (!(input.name in params)) throw new Error(`${contract}.${event} lacks ${input.name}`);
        return params[input.name];
      });
      block.logs.push({
        ...interfaceOf(contract).encodeEventLog(fragment, values),
        address: addressOf(contract).toLowerCase(),
        blockHash: block.hash,
        blockNumber: hex(block.number),
        transactionHash: hash,
        transactionIndex: hex(index),
        logIndex: hex(block.logs.length),
        removed: false,
      });
    }
  }

  /** Forgets all blocks from this number on: what is mined next is another branch. */
  rewind(number: number): void {
    this.blocks.length = number;
    this.branch++;
  }

  /** Answers a call. */
  answer(method: string, params: readonly unknown[]): unknown {
    switch (method) {
      case "eth_chainId":
        return hex(31337);
      case "net_version":
        return "31337";
      case "web3_clientVersion":
        return "invented/1";
      case "eth_syncing":
        return false;
      case "eth_blockNumber":
        return hex(this.blocks.length - 1);
      case "eth_getBlockByNumber":
        return this.block(this.byTag(params[0]), params[1] === true);
      case "eth_getBlockByHash":
        return this.block(this.byTag(params[0]), params[1] === true);
      case "eth_getLogs":
        return this.logs(params[0] as LogFilter);
      case "eth_getTransactionReceipt":
        for (const block of this.blocks)
          for (const [index, { hash }] of block.transactions.entries())
            if (hash === params[0]) return this.receipt(block, index);
        return null;
      case "eth_getBlockReceipts": {
        const block = this.byTag(params[0]);
        return block === undefined ? null : block.transactions.map((_, index) => this.receipt(block, index));
      }
      default:
        throw new Error(`No handler calls a contract, so nothing asks for ${method}`);
    }
  }

  private byTag(given: unknown): Block | undefined {
    const tag =
      typeof given === "object" && given !== null ? (given as { blockHash: string }).blockHash : String(given);
    if (tag.length === 66) return this.blocks.find(({ hash }) => hash === tag);
    if (!tag.startsWith("0x")) return tag === "earliest" ? this.blocks[0] : this.blocks.at(-1);
    return this.blocks[Number(tag)];
  }

  private block(block: Block | undefined, full: boolean): object | null {
    if (block === undefined) return null;
    return {
      number: hex(block.number),
      hash: block.hash,
      parentHash: block.parentHash,
      timestamp: hex(block.timestamp),
      nonce: "0x0000000000000000",
      sha3Uncles: ZERO_WORD,
      logsBloom: BLOOM,
      transactionsRoot: ZERO_WORD,
      stateRoot: ZERO_WORD,
      receiptsRoot: ZERO_WORD,
      mixHash: ZERO_WORD,
      miner: NOBODY,
      difficulty: "0x0",
      totalDifficulty: "0x0",
      extraData: "0x",
      size: "0x0",
      gasLimit: hex(30_000_000),
      gasUsed: "0x0",
      baseFeePerGas: "0x1",
      uncles: [],
      transactions: block.transactions.map((each, index) => (full ? this.transaction(block, each, index) : each.hash)),
    };
  }

  private transaction(block: Block, { hash, sent }: Mined, index: number): object {
    return {
      hash,
      type: "0x0",
      nonce: "0x0",
      blockHash: block.hash,
      blockNumber: hex(block.number),
      transactionIndex: hex(index),
      from: sent.from ?? NOBODY,
      to: sent.to ?? null,
      value: "0x0",
      gas: hex(sent.gasUsed ?? 21_000),
      gasPrice: hex(sent.gasPrice ?? 1),
      input: sent.input ?? "0x",
      chainId: hex(31337),
      v: "0xf4f5",
      r: toBeHex(1, 32),
      s: toBeHex(1, 32),
    };
  }

  private receipt(block: Block, index: number): object {
    const { hash, sent } = block.transactions[index] as Mined;
    return {
      transactionHash: hash,
      transactionIndex: hex(index),
      blockHash: block.hash,
      blockNumber: hex(block.number),
      from: sent.from ?? NOBODY,
      to: sent.to ?? null,
      cumulativeGasUsed: hex(sent.gasUsed ?? 21_000),
      gasUsed: hex(sent.gasUsed ?? 21_000),
      effectiveGasPrice: hex(sent.gasPrice ?? 1),
      contractAddress: null,
      logs: block.logs.filter(({ transactionHash }) => transactionHash === hash),
      logsBloom: BLOOM,
      status: "0x1",
      type: "0x0",
    };
  }

  private logs(filter: LogFilter): object[] {
    const within =
      filter.blockHash === undefined
        ? this.blocks.slice(Number(filter.fromBlock ?? 0), Number(filter.toBlock ?? this.blocks.length - 1) + 1)
        : this.blocks.filter(({ hash }) => hash === filter.blockHash);
    const addresses = filter.address === undefined ? undefined : [filter.address].flat().map((a) => a.toLowerCase());
    return within
      .flatMap((block) => block.logs)
      .filter((log) => addresses === undefined || addresses.includes(log.address))
      .filter((log) =>
        (filter.topics ?? []).every((topic, i) => topic === null || [topic].flat().includes(log.topics[i] ?? "")),
      );
  }

  /** Serves it on a free port. */
  async listen(): Promise<{ url: string; server: Server }> {
    const server = createServer((request, response) => {
      const parts: Buffer[] = [];
      request.on("data", (part: Buffer) => parts.push(part));
      request.on("end", () => {
        const call = JSON.parse(Buffer.concat(parts).toString()) as Call | Call[];
        const reply = Array.isArray(call) ? call.map((each) => this.reply(each)) : this.reply(call);
        response.setHeader("content-type", "application/json").end(JSON.stringify(reply));
      });
    });
    await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
    return { url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`, server };
  }

  private reply({ id: call, method, params = [] }: Call): object {
    try {
      return { jsonrpc: "2.0", id: call, result: this.answer(method, params) };
    } catch (problem) {
      return { jsonrpc: "2.0", id: call, error: { code: -32601, message: String(problem) } };
    }
  }
}

interface LogFilter {
  fromBlock?: string;
  toBlock?: string;
  blockHash?: string;
  address?: string | string[];
  topics?: (string | string[] | null)[];
}

interface Call {
  id: number;
  method: string;
  params?: unknown[];
}

/** Hash of a transaction by its place. */
export function transactionHash(block: number, index: number): string {
  return keccak256(toBeHex(block * 1000 + index, 32));
}
