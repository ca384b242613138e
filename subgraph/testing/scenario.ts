/** A story on the invented chain, with contracts of its own, so that many stories share one chain and one graph-node. */
import { id } from "ethers";
import { type Chain, type Emitted, type Sent, transactionHash } from "./chain.ts";
import { madeUp } from "./defaults.ts";
import type { Params } from "./chain.ts";

/** Asks the scenario's own deployment. */
export type Ask = (query: string) => Promise<Record<string, unknown>>;

/** Seconds of a day. */
export const DAY = 86_400;

/** A story; its place among all is its deployment's number. */
export class Scenario {
  readonly chain: Chain;
  readonly number: number;

  constructor(chain: Chain, number: number) {
    this.chain = chain;
    this.number = number;
  }

  /** Where a contract of this story is. */
  readonly addressOf = (contract: string): string =>
    contract.startsWith("0x") ? contract : `0x${id(`${this.number}/${contract}`).slice(-40)}`;

  /** Time of the last block. */
  get now(): number {
    return this.chain.blocks.at(-1)?.timestamp ?? 0;
  }

  /** Sends a transaction in a block some seconds after the last; with 0, in the last block. Returns the block's time. */
  send(sent: Sent, seconds = 12): number {
    const at = this.now + seconds;
    if (seconds === 0) this.chain.append(sent, this.addressOf);
    else this.chain.mine(at, [sent], this.addressOf);
    return at;
  }

  /** Emits one event, made up but for what is given, in a transaction of its own. Returns the block's time. */
  emit(contract: string, event: string, given: Params = {}, seconds = 12): number {
    return this.send({ events: [madeUp(contract, event, given)] }, seconds);
  }

  /** Hash of the last transaction. */
  get lastTransaction(): string {
    return transactionHash(this.chain.blocks.length - 1, (this.chain.blocks.at(-1)?.transactions.length ?? 0) - 1);
  }

  /** Id of the row of an event of the last transaction, its first or a later one: hash ‖ log index. */
  lastId(place = 0): string {
    const hash = this.lastTransaction;
    const own = this.chain.blocks.at(-1)?.logs.filter(({ transactionHash }) => transactionHash === hash) ?? [];
    return hash + littleEndian(Number(own[place]?.logIndex));
  }
}

/** Four bytes as graph-ts appends them to an id. */
function littleEndian(value: number): string {
  const bytes = Buffer.alloc(4);
  bytes.writeInt32LE(value);
  return bytes.toString("hex");
}

/** Bytes of a word, by a name. */
export function word(name: string): string {
  return id(name);
}

/** An account, by a name. */
export function account(name: string): string {
  return `0x${id(`account ${name}`).slice(-40)}`;
}

/** A node's id. */
export function nodeId(number: number): string {
  return `0x${number.toString(16).padStart(64, "0")}`;
}

/** An event with made-up parameters but for what is given. */
export function event(contract: string, name: string, given: Params = {}): Emitted {
  return madeUp(contract, name, given);
}

/** A node of an operator, with a key, and what is known of them. */
export function join(
  story: Scenario,
  number: number,
  operator: string,
  key: string,
  enclave = false,
): { node: string; key: string } {
  const node = nodeId(number);
  story.emit("NodeRegistry", "NodeRegistered", { nodeId: node, operator, kind: 1 });
  const registry = enclave ? "EnclaveRegistry" : "NodeRegistry";
  story.emit(registry, "KeyAdded", {
    keyId: word(key),
    nodeId: node,
    kind: enclave ? 1 : 0,
    validFrom: 5,
    validUntil: 99,
  });
  return { node, key: word(key) };
}
