import { Contract, Interface, isError, type Provider, type Result } from "ethers";
import type { StatedPolicy, Statements } from "./report.ts";

const POLICY =
  "tuple(uint8 modes, bytes32[] modelIds, uint256 origins, bytes32 inputHash, bytes32 requestId, bytes32[] keyIds, " +
  "bytes32 contextHash, uint256 maxAge, uint256 minSettled)";
/** What is read of a consumer; a test holds it against the compiled interface. */
export const inferencePolicies = new Interface([
  `function inferencePolicies() view returns (tuple(bytes4 selector, ${POLICY} policy)[])`,
  "function uncheckedFunctions() view returns (tuple(bytes4 selector, bytes4 restsOn)[])",
  "function inferenceRegistry() view returns (address)",
]);

/**
 * A contract that cannot say something reverts, or answers what cannot be read. Anything else is the node's fault. Code 3
 * is a revert as nodes report it, which Hardhat's own provider passes on as it is.
 */
const isSilence = (error: unknown): boolean =>
  isError(error, "CALL_EXCEPTION") || isError(error, "BAD_DATA") || (error as { code?: unknown }).code === 3;

/** What a contract states; null if it states nothing. */
export async function readStatements(provider: Provider, address: string): Promise<Statements | null> {
  const contract = new Contract(address, inferencePolicies, provider);
  try {
    const [policies, unchecked] = (await Promise.all([
      contract.getFunction("inferencePolicies")(),
      contract.getFunction("uncheckedFunctions")(),
    ])) as [Result, Result];
    return {
      policies: policies.map((entry: Result) => ({ selector: String(entry[0]), policy: policyOf(entry[1] as Result) })),
      unchecked: unchecked.map((entry: Result) => ({ selector: String(entry[0]), restsOn: String(entry[1]) })),
    };
  } catch (error) {
    if (isSilence(error)) return null;
    throw error;
  }
}

/** The InferenceRegistry of a consumer; undefined if it names none. */
export async function readRegistry(provider: Provider, address: string): Promise<string | undefined> {
  try {
    return String(await new Contract(address, inferencePolicies, provider).getFunction("inferenceRegistry")());
  } catch (error) {
    if (isSilence(error)) return undefined;
    throw error;
  }
}

function policyOf(fields: Result): StatedPolicy {
  const [modes, modelIds, origins, inputHash, requestId, keyIds, contextHash, maxAge, minSettled] = [...fields] as [
    ...[bigint, Result, bigint, string, string, Result, string, bigint, bigint],
  ];
  return {
    ...{ modes: Number(modes), modelIds: [...modelIds] as string[], origins, inputHash, requestId },
    ...{ keyIds: [...keyIds] as string[], contextHash, maxAge, minSettled },
  };
}
