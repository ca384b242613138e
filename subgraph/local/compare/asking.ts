// How a contract is asked for what a row must say.
import type { Contract } from "ethers";
import { type Chain, type ChainEvent, plain } from "./chain.ts";
import type { Row } from "./rows.ts";

/** What a row's fields must be. A field that is left out is not compared. */
export type Expected = Record<string, unknown>;
export interface ViewSpec {
  expected: (row: Row, chain: Chain) => Promise<Expected | null> | Expected | null;
  /** How many rows there must be. */
  count?: (chain: Chain) => number | Promise<number>;
}

const NEVER = (2n ** 256n - 1n).toString();
const NOBODY = `0x${"0".repeat(40)}`;
export const orNull = (value: unknown): unknown => (value === NOBODY || value === NEVER ? null : value);

/** A contract's answer, with members by name. */
export async function ask(
  chain: Chain,
  name: string,
  method: string,
  ...args: unknown[]
): Promise<Record<string, unknown> & { 0: unknown }> {
  const contract = chain.contract(name) as Contract;
  const answer: unknown = await contract.getFunction(method).staticCall(...args, { blockTag: chain.block });
  if (answer === null || typeof answer !== "object" || !("toObject" in answer)) return { 0: plain(answer) };
  const members = Object.entries((answer as { toObject(): Record<string, unknown> }).toObject());
  return { 0: undefined, ...Object.fromEntries(members.map(([key, one]) => [key, plain(one)])) };
}
/** The same, of a function with one plain result. */
export const one = async (chain: Chain, name: string, method: string, ...args: unknown[]): Promise<unknown> =>
  (await ask(chain, name, method, ...args))[0];

export const distinct = (events: ChainEvent[], key: (event: ChainEvent) => unknown): number =>
  new Set(events.map(key)).size;
export const sum = (events: ChainEvent[], name: string): string =>
  events.reduce((total, { args }) => total + BigInt(String(args[name])), 0n).toString();
export const counted = (chain: Chain, ...names: string[]): string => String(chain.of(...names).length);
/** Parts of a compound id. */
export const cut = (id: string, ...sizes: number[]): string[] => {
  let at = 2;
  return sizes.map((size) => `0x${id.slice(at, (at += 2 * size))}`);
};
export const by = (name: string, value: unknown) => (event: ChainEvent) => event.args[name] === value;

export function registryOf(address: string, chain: Chain): string {
  const found = ["NodeRegistry", "EnclaveRegistry", "ModelRegistry", "NitroAttestation"].find(
    (name) => String(chain.contract(name)?.target).toLowerCase() === address,
  );
  if (found === undefined) throw new Error(`No registry at ${address}`);
  return found;
}
