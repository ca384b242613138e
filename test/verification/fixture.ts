// SPDX-License-Identifier: MIT
import { network } from "hardhat";
import { getBytes } from "ethers";
import { keyBytes, makeSetup, phase1IdOf, type Setup } from "../support/groth16.ts";

export const MODEL = "0x" + "11".repeat(32);

/** Selector of ProofVerifier_OutOfGas(). */
export const OUT_OF_GAS = "0x911cd31b";

/** A verifier with one model whose setup is known, on a chain of its own. */
export async function deployVerifier(setup: Setup = makeSetup(3)) {
  const key = keyBytes(setup);
  return { ...(await deployVerifierFor(key)), setup, key };
}

/** A verifier with one model that has this key. */
export async function deployVerifierFor(key: string) {
  const { ethers } = await network.create();
  const keys = await ethers.deployContract("DevelopmentVerifyingKeys");
  const verifier = await ethers.deployContract("Groth16Verifier", [await keys.getAddress(), [phase1IdOf(key)]]);
  await keys.set(MODEL, key);
  return { ethers, keys, verifier, address: await verifier.getAddress() };
}

/** What both give. */
export type VerifierFixture = Awaited<ReturnType<typeof deployVerifierFor>>;
export type SyntheticFixture = Awaited<ReturnType<typeof deployVerifier>>;

/** Gas that a call's execution takes, without the transaction's own price and its calldata. */
export async function executionGas(
  { ethers, address }: Pick<VerifierFixture, "ethers" | "address">,
  data: string,
  gasLimit = 15_000_000,
): Promise<number> {
  const [signer] = await ethers.getSigners();
  const transaction = await signer!.sendTransaction({ to: address, data, gasLimit });
  await transaction.wait();
  const options = { disableMemory: true, disableStack: true, disableStorage: true };
  const { structLogs } = await ethers.provider.send("debug_traceTransaction", [transaction.hash, options]);
  const first = structLogs[0];
  const last = structLogs.at(-1);
  return Number(first.gas) - Number(last.gas) + Number(last.gasCost);
}

/** The least gas limit that a transaction with this calldata may have (EIP-7623). */
export function calldataFloor(data: string): number {
  return getBytes(data).reduce((sum, byte) => sum + (byte === 0 ? 10 : 40), 21_000);
}

/** The answer of a call with so much gas, or why there is none. */
export async function callWithGas(
  { ethers, address }: Pick<VerifierFixture, "ethers" | "address">,
  data: string,
  gas: number,
): Promise<{ result?: string; outOfGas: boolean; reason: string }> {
  try {
    const call = { to: address, data, gas: "0x" + gas.toString(16) };
    return { result: await ethers.provider.send("eth_call", [call, "latest"]), outOfGas: false, reason: "" };
  } catch (error) {
    const { message, data: revert } = error as { message: string; data?: unknown };
    const reason = `${message} ${JSON.stringify(revert)}`;
    return { outOfGas: reason.includes(OUT_OF_GAS) || /out of gas|OutOfGas/i.test(reason), reason };
  }
}
