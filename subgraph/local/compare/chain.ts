// What the chain itself says: every log of every contract that the subgraph follows, and what their functions answer.
import { readFileSync } from "node:fs";
import { Contract, Interface, type InterfaceAbi, JsonRpcProvider, type Result, type TransactionReceipt } from "ethers";
import { CONTRACTS, TEMPLATES } from "../../contracts.ts";

/** A log, decoded. Hex in lower case. */
export interface ChainEvent {
  contract: string;
  address: string;
  name: string;
  /** By name; members of structs too, as `struct.member`. */
  args: Record<string, unknown>;
  block: number;
  time: number;
  transaction: string;
  sender: string;
  /** Of its transaction. */
  gasUsed: bigint;
  gasPrice: bigint;
  logIndex: number;
}

export interface Chain {
  provider: JsonRpcProvider;
  block: number;
  events: ChainEvent[];
  /** The deployed contract, to be asked as of `block`; undefined where this deployment has none. */
  contract(name: string): Contract | undefined;
  /** Events of `Contract.Event`. */
  of(...names: string[]): ChainEvent[];
  close(): void;
}

/** ABI of a compiled contract. */
function abiOf(artifact: string): InterfaceAbi {
  const file = new URL(
    `../../../artifacts/contracts/${artifact}.sol/${artifact.split("/").at(-1)}.json`,
    import.meta.url,
  );
  return (JSON.parse(readFileSync(file, "utf8")) as { abi: InterfaceAbi }).abi;
}

/** Reads everything up to a block, with ethers and nothing of the subgraph's. */
export async function readChain(
  url: string,
  deployed: Readonly<Record<string, string>>,
  block: number,
): Promise<Chain> {
  const provider = new JsonRpcProvider(url, 31337, { staticNetwork: true, cacheTimeout: -1, batchMaxCount: 50 });
  const contracts = new Map<string, { name: string; abi: Interface }>();
  const byName = new Map<string, Contract>();
  for (const { name, artifact, records } of CONTRACTS) {
    const address = records.map((key) => deployed[key]).find((one) => one !== undefined);
    if (address === undefined) continue;
    const abi = new Interface(abiOf(artifact));
    contracts.set(address.toLowerCase(), { name, abi });
    byName.set(name, new Contract(address, abi, provider));
  }
  const logs = await provider.getLogs({ fromBlock: 0, toBlock: block });
  const times = new Map<number, number>();
  const receipts = new Map<string, TransactionReceipt>();
  const events: ChainEvent[] = [];
  const template = { name: TEMPLATES[0]!.name, abi: new Interface(abiOf(TEMPLATES[0]!.artifact)) };
  for (const log of logs) {
    const at = contracts.get(log.address.toLowerCase());
    const parsed = at?.abi.parseLog(log);
    if (!at || !parsed) continue;
    if (!times.has(log.blockNumber)) times.set(log.blockNumber, (await provider.getBlock(log.blockNumber))!.timestamp);
    if (!receipts.has(log.transactionHash))
      receipts.set(log.transactionHash, (await provider.getTransactionReceipt(log.transactionHash))!);
    const { from, gasUsed, gasPrice } = receipts.get(log.transactionHash)!;
    const args = argsOf(parsed.args, parsed.fragment.inputs);
    // An inbox is followed from when it got its code on.
    if (parsed.name === "InboxCreated") contracts.set(String(args["inbox"]), template);
    events.push({
      ...{ contract: at.name, address: log.address.toLowerCase(), name: parsed.name, args },
      ...{ block: log.blockNumber, time: times.get(log.blockNumber)!, logIndex: log.index },
      ...{ transaction: log.transactionHash, sender: from.toLowerCase(), gasUsed, gasPrice },
    });
  }
  return {
    ...{ provider, block, events },
    contract: (name) => byName.get(name),
    of: (...names) => events.filter(({ contract, name }) => names.includes(`${contract}.${name}`)),
    close: () => provider.destroy(),
  };
}

interface Input {
  name: string;
  readonly components: readonly Input[] | null;
}

function argsOf(result: Result, inputs: readonly Input[]): Record<string, unknown> {
  const args: Record<string, unknown> = {};
  inputs.forEach((input, i) => {
    const value: unknown = result[i];
    args[input.name] = plain(value);
    if (input.components && !Array.isArray(args[input.name])) return;
    if (input.components)
      for (const [name, member] of Object.entries(argsOf(value as Result, input.components)))
        args[`${input.name}.${name}`] = member;
  });
  return args;
}

/** Values as a row has them: numbers as decimal strings, hex in lower case. */
export function plain(value: unknown): unknown {
  if (typeof value === "bigint") return value.toString();
  if (typeof value === "string") return /^0x[0-9a-fA-F]*$/.test(value) ? value.toLowerCase() : value;
  return Array.isArray(value) ? [...value].map(plain) : value;
}
