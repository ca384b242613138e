// SPDX-License-Identifier: MIT
import {
  AbiCoder,
  type BaseContract,
  concat,
  type Interface,
  isError,
  type Overrides,
  type Result,
  type Signer,
  type TransactionReceipt,
  type TransactionRequest,
  type TransactionResponse,
} from "ethers";
import { gasLimitFor } from "../chain/gas.ts";
import { offchainLookup } from "../lookup/messages.ts";
import { type Attempt, LookupError, type Revert } from "./errors.ts";
import { askGateways, type GatewayOptions } from "./gateways.ts";

const LOOKUP_SELECTOR = offchainLookup.getError("OffchainLookup")!.selector;
const coder = AbiCoder.defaultAbiCoder();

export interface LookupOptions extends GatewayOptions {
  /** For the transaction: value, fees, nonce. */
  overrides?: Omit<Overrides, "from" | "to" | "data">;
}

/** An answer that the contract takes, ready to be sent. */
export interface Prepared {
  /** The callback, with receipt, evidence and output. */
  transaction: TransactionRequest;
  /** What the callback would return now, decoded as the method's own result. */
  result: Result;
  /** Who answered. */
  gateway: string;
}

/** A callback on its way. */
export interface Sent extends Prepared {
  response: TransactionResponse;
  /**
   * Waits until it is in a block.
   * @throws {LookupError} `already_used` if somebody else's transaction used the answer first, so that its effect has
   * happened; `reverted` if it reverted for another reason.
   */
  wait(confirmations?: number): Promise<TransactionReceipt>;
}

/**
 * Acts on an inference that ran before (ERC-3668), in **one** transaction: asks the method by a call, follows its look-up
 * to the contract's gateways, tries each answer by a call, and sends the callback with the first that the contract takes.
 * The gateway is believed in nothing; what it says is checked by the contract, here and on chain.
 * @param signer Sends and pays; with a provider.
 * @throws {LookupError} with nothing sent.
 */
export async function sendWithLookup(
  signer: Signer,
  contract: BaseContract,
  method: string,
  args: readonly unknown[],
  options: LookupOptions = {},
): Promise<Sent> {
  const prepared = await prepareWithLookup(signer, contract, method, args, options);
  const { transaction } = prepared;
  const gasLimit = transaction.gasLimit ?? gasLimitFor(await signer.estimateGas(transaction));
  const response = await signer.sendTransaction({ ...transaction, gasLimit });
  return { ...prepared, response, wait: (confirmations) => waitFor(signer, contract, response, confirmations) };
}

/** All of {@link sendWithLookup} but sending: for whoever shows a transaction before it is signed. */
export async function prepareWithLookup(
  signer: Signer,
  contract: BaseContract,
  method: string,
  args: readonly unknown[],
  options: LookupOptions = {},
): Promise<Prepared> {
  const { overrides = {}, ...gateways } = options;
  const fragment = contract.interface.getFunction(method, [...args]);
  if (!fragment) throw new LookupError("unknown_method", { detail: method });
  const to = await contract.getAddress();
  const from = await signer.getAddress();
  const asked = await tryCall(signer, { from, to, data: contract.interface.encodeFunctionData(fragment, args) });
  if (asked.revert === undefined) throw new LookupError("not_a_lookup", { detail: fragment.format() });
  const lookup = lookupOf(asked.revert, contract.interface);
  if (lookup.sender.toLowerCase() !== to.toLowerCase())
    throw new LookupError("wrong_sender", { detail: `sender ${lookup.sender}, called ${to}` });

  const failed: Attempt[] = [];
  const refusals: LookupError[] = [];
  for await (const { url, response } of askGateways(lookup, gateways, failed)) {
    const data = concat([lookup.callback, coder.encode(["bytes", "bytes"], [response, lookup.extraData])]);
    const transaction: TransactionRequest = { ...overrides, from, to, data };
    const tried = await tryCall(signer, transaction);
    if (tried.revert === undefined) {
      const result = contract.interface.decodeFunctionResult(fragment, tried.output);
      return { transaction, result, gateway: url };
    }
    if (isLookup(tried.revert)) throw new LookupError("nested_lookup");
    // One gateway that answers nonsense must not stand before the others.
    refusals.push(refusalOf(tried.revert, contract.interface));
    failed.push({ url, reason: "the contract refuses its answer" });
  }
  throw refusals[0] ?? new LookupError("no_gateway", { attempts: failed });
}

async function waitFor(
  signer: Signer,
  contract: BaseContract,
  sent: TransactionResponse,
  confirmations?: number,
): Promise<TransactionReceipt> {
  try {
    return (await sent.wait(confirmations))!;
  } catch (error) {
    if (!isError(error, "CALL_EXCEPTION") || !error.receipt) throw error;
    // A receipt says that it reverted and not why: asked again, the contract does.
    const { from, to, data, value } = sent;
    const again = await tryCall(signer, { from, to, data, value });
    if (again.revert === undefined) throw new LookupError("reverted", { cause: error });
    const why = refusalOf(again.revert, contract.interface);
    throw why.code === "already_used" ? why : new LookupError("reverted", { revert: why.revert, cause: error });
  }
}

type Tried = { output: string; revert?: undefined } | { output?: undefined; revert: string };

/** What a call gives back, or what it reverts with. Throws what is neither: the node could not be asked. */
async function tryCall(signer: Signer, transaction: TransactionRequest): Promise<Tried> {
  const provider = signer.provider;
  if (!provider) throw new TypeError("The signer has no provider: connect it to one");
  try {
    return { output: await provider.call(transaction) };
  } catch (error) {
    if (isError(error, "CALL_EXCEPTION")) return { revert: error.data ?? "0x" };
    // Code 3 is a revert as nodes report it, which Hardhat's own provider passes on as it is.
    const { code, data } = error as { code?: unknown; data?: unknown };
    if (code === 3 && typeof data === "string") return { revert: data };
    throw error;
  }
}

const isLookup = (revert: string): boolean => revert.startsWith(LOOKUP_SELECTOR);

interface Lookup {
  sender: string;
  urls: string[];
  callData: string;
  callback: string;
  extraData: string;
}

function lookupOf(revert: string, known: Interface): Lookup {
  if (!isLookup(revert)) throw new LookupError("call_failed", { revert: revertOf(revert, known) });
  try {
    const [sender, urls, callData, callback, extraData] = offchainLookup.decodeErrorResult(
      "OffchainLookup",
      revert,
    ) as unknown as [string, Result, string, string, string];
    const lookup = { sender, urls: [...urls] as string[], callData, callback, extraData };
    if (lookup.urls.length > 0) return lookup;
  } catch (error) {
    throw new LookupError("malformed_lookup", { cause: error });
  }
  throw new LookupError("malformed_lookup", { detail: "no gateway is named" });
}

function refusalOf(revert: string, known: Interface): LookupError {
  const said = revertOf(revert, known);
  const code = said.name === "InferenceConsumer_AlreadyUsed" ? "already_used" : "answer_refused";
  return new LookupError(code, { revert: said });
}

function revertOf(data: string, known: Interface): Revert {
  let parsed = null;
  try {
    parsed = known.parseError(data);
  } catch {
    // Somebody else's error of the same selector.
  }
  return { data, name: parsed?.name, args: parsed?.args.map(String) ?? [] };
}
