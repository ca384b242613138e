import { getBytes } from "ethers";
import type { ArtifactManager } from "hardhat/types/artifacts";

/** The parts of an ABI that are looked at. */
export interface AbiParameter {
  type: string;
  internalType?: string;
}
export interface AbiFunction {
  type: "function";
  name: string;
  inputs: readonly AbiParameter[];
  stateMutability: "pure" | "view" | "nonpayable" | "payable";
}
export type AbiEntry = AbiFunction | { type: string; stateMutability?: string };

/** A contract as it was compiled here. */
export interface Compiled {
  name: string;
  abi: readonly AbiEntry[];
  /** Whether the code at the address is its code. */
  isItsCode: boolean;
}

type References = Record<string, readonly { start: number; length: number }[]>;

/** Whether two runtime codes are equal but for what the constructor writes into them. */
export function isCodeOf(deployed: Uint8Array, compiled: Uint8Array, immutables: References): boolean {
  if (deployed.length !== compiled.length) return false;
  const masked = deployed.slice();
  for (const { start, length } of Object.values(immutables).flat())
    masked.set(compiled.subarray(start, start + length), start);
  return Buffer.compare(masked, compiled) === 0;
}

/** The contract of this name, or the one that the code is of; undefined if there is none. */
export async function compiledOf(
  artifacts: ArtifactManager,
  code: string,
  name: string,
): Promise<Compiled | undefined> {
  const names = name === "" ? [...(await artifacts.getAllFullyQualifiedNames())].sort() : [name];
  for (const each of names) {
    const artifact = await artifacts.readArtifact(each);
    if (artifact.deployedBytecode.length <= 2 || artifact.deployedBytecode.includes("__$")) continue;
    const { contractName, abi, immutableReferences = {} } = artifact;
    const isItsCode = isCodeOf(getBytes(code), getBytes(artifact.deployedBytecode), immutableReferences as References);
    if (isItsCode || name !== "") return { name: contractName, abi: abi as readonly AbiEntry[], isItsCode };
  }
  return undefined;
}
