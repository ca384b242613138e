// SPDX-License-Identifier: MIT
import { network } from "hardhat";
import { keyBytes, makeSetup, phase1IdOf, type Setup } from "../support/groth16.ts";

export const MODEL = "0x" + "11".repeat(32);

/** A verifier with one model whose setup is known, on a chain of its own. */
export async function deployVerifier(setup: Setup = makeSetup(3)) {
  const connection = await network.create();
  const { ethers } = connection;
  const key = keyBytes(setup);
  const keys = await ethers.deployContract("DevelopmentVerifyingKeys");
  const verifier = await ethers.deployContract("Groth16Verifier", [await keys.getAddress(), [phase1IdOf(key)]]);
  await keys.set(MODEL, key);
  return { connection, ethers, setup, key, keys, verifier, address: await verifier.getAddress() };
}

export type VerifierFixture = Awaited<ReturnType<typeof deployVerifier>>;
