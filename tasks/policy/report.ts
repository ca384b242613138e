import { FunctionFragment } from "ethers";
import type { AbiEntry, AbiFunction, Compiled } from "./artifact.ts";

/** A policy as it stands on chain; see `Policy.sol`. Seconds, and masks of `1 << mode`. */
export interface StatedPolicy {
  modes: number;
  modelIds: readonly string[];
  origins: bigint;
  inputHash: string;
  requestId: string;
  keyIds: readonly string[];
  contextHash: string;
  maxAge: bigint;
  minSettled: bigint;
}

/** What a contract says of itself; null where it says nothing. */
export interface Statements {
  policies: readonly { selector: string; policy: StatedPolicy }[];
  unchecked: readonly { selector: string; restsOn: string }[];
}

/** What is known of one function. */
export interface FunctionReport {
  /** As people write it, with the names of structs. */
  name: string;
  selector: string;
  changesState: boolean;
  /** `checks` an inference, `rests` on what another function wrote, uses `none`, or states nothing. */
  says: "checks" | "rests" | "none" | "not_stated";
  /** It acts on what meets any one of them. */
  policies: readonly StatedPolicy[];
  /** The function it rests on. */
  restsOn: string | undefined;
}

export interface Report {
  contract: string;
  address: string;
  chainId: number;
  /** The InferenceRegistry whose receipts count; undefined where it names none. */
  registry: string | undefined;
  states: boolean;
  functions: readonly FunctionReport[];
  /** What is missing or unsound, in a sentence each. */
  problems: readonly string[];
}

const ALL_MODES = 7;
const ALL_ORIGINS = 7n;
const KEYS = 4n;
const NONE = "0x00000000";

const isFunction = (entry: AbiEntry): entry is AbiFunction => entry.type === "function";
const selectorOf = (entry: AbiFunction): string => FunctionFragment.from(entry).selector;
/** `struct Opening` is what a reader knows as Opening; what the ABI says is a tuple of twenty fields. */
const plainType = ({ type, internalType }: { type: string; internalType?: string }): string =>
  (internalType ?? type).replace(/^(struct|contract|enum) /, "").replace(/^.*\./, "");
const nameOf = (entry: AbiFunction): string => `${entry.name}(${entry.inputs.map(plainType).join(", ")})`;

/** Holds what a contract states against the functions that it has. */
export function reportOf(
  compiled: Compiled,
  at: { address: string; chainId: number; registry: string | undefined },
  statements: Statements | null,
): Report {
  const { policies, unchecked } = statements ?? { policies: [], unchecked: [] };
  const entries = compiled.abi.filter(isFunction).map((entry) => ({ entry, selector: selectorOf(entry) }));
  const names = new Map(entries.map(({ entry, selector }) => [selector, nameOf(entry)]));
  const problems: string[] = [];
  if (statements === null) problems.push("The contract states no policies at all.");
  if (!compiled.isItsCode) problems.push(`The code at ${at.address} is not what ${compiled.name} compiles to here.`);

  const functions = entries.flatMap(({ entry, selector }): FunctionReport[] => {
    const name = names.get(selector)!;
    const changesState = entry.stateMutability === "nonpayable" || entry.stateMutability === "payable";
    const own = policies.filter((each) => each.selector === selector).map(({ policy }) => policy);
    const other = unchecked.filter((each) => each.selector === selector);
    if (own.length > 0 && other.length > 0) problems.push(`${name} both has a policy and is said to check nothing.`);
    if (other.length > 1) problems.push(`${name} is named more than once among the functions that check nothing.`);
    const common = { name, selector, changesState };
    if (own.length > 0) return [{ ...common, says: "checks", policies: own, restsOn: undefined }];
    if (!changesState) return [];
    if (other.length === 0) {
      if (statements !== null) problems.push(`${name} changes state and states nothing.`);
      return [{ ...common, says: "not_stated", policies: [], restsOn: undefined }];
    }
    const { restsOn } = other[0]!;
    if (restsOn === NONE) return [{ ...common, says: "none", policies: [], restsOn: undefined }];
    const behind = policies.filter((each) => each.selector === restsOn).map(({ policy }) => policy);
    const onName = names.get(restsOn) ?? restsOn;
    if (behind.length === 0) problems.push(`${name} rests on ${onName}, which has no policy.`);
    return [{ ...common, says: "rests", policies: behind, restsOn: onName }];
  });

  for (const { selector } of [...policies, ...unchecked])
    if (!names.has(selector))
      problems.push(`A statement is about ${selector}, which is no function of ${compiled.name}.`);
  for (const { selector, policy } of policies)
    for (const fault of faultsOf(policy)) problems.push(`${names.get(selector) ?? selector}: ${fault}`);
  const order = { checks: 0, rests: 1, not_stated: 2, none: 3 };
  const sorted = [...functions].sort(
    (a, b) => order[a.says] - order[b.says] || Number(b.changesState) - Number(a.changesState),
  );
  return { contract: compiled.name, ...at, states: statements !== null, functions: sorted, problems };
}

/** Why nothing can pass a policy, or something that it does not say: the contract refuses each of these when it checks. */
function faultsOf(policy: StatedPolicy): string[] {
  const faults: [boolean, string][] = [
    [policy.modes === 0, "its policy accepts no mode"],
    [policy.modes > ALL_MODES, `its policy accepts modes that do not exist (mask ${policy.modes})`],
    [policy.modelIds.length === 0, "its policy names no model version"],
    [policy.origins === 0n, "its policy names no origin of the input"],
    [policy.origins > ALL_ORIGINS, `its policy names origins that do not exist (mask ${policy.origins})`],
    [(policy.origins & KEYS) !== 0n && policy.keyIds.length === 0, "its policy relies on keys and names none"],
    [policy.maxAge === 0n, "its policy has no maximum age"],
    [policy.minSettled > policy.maxAge, "its policy asks for more rest than it allows age"],
  ];
  return faults.filter(([isSo]) => isSo).map(([, fault]) => `${fault}.`);
}
