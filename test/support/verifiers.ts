// SPDX-License-Identifier: GPL-3.0-or-later
import { readFileSync } from "node:fs";
import { Interface } from "ethers";
import { zKey } from "snarkjs";
import type { Proven } from "../../circuits/prover.ts";
import { compile } from "./solc.ts";

const TEMPLATE = new URL("../../node_modules/snarkjs/templates/verifier_groth16.sol.ejs", import.meta.url);

/** snarkjs's own generated verifier for a key, compiled with the project's settings: what ours is compared with. */
export async function compileSnarkjsVerifier(zkey: string): Promise<{ abi: object[]; bytecode: string }> {
  const source: string = await zKey.exportSolidityVerifier(zkey, { groth16: readFileSync(TEMPLATE, "utf8") });
  return compile(source, "Groth16Verifier");
}

/** Calldata of that verifier's `verifyProof`; the coordinates of G2 go in with the imaginary part first. */
export function snarkjsCalldata(abi: object[], { proof, publicSignals }: Proven): string {
  const [x, y] = proof.pi_b as [[string, string], [string, string]];
  return new Interface(abi as never).encodeFunctionData("verifyProof", [
    proof.pi_a.slice(0, 2),
    [
      [x[1], x[0]],
      [y[1], y[0]],
    ],
    proof.pi_c.slice(0, 2),
    publicSignals,
  ]);
}

/** The library alone, without looking up a model. */
export const LIBRARY_HARNESS = `
  pragma solidity ^0.8.24;
  import { Groth16 } from "contracts/verification/Groth16.sol";
  contract Harness {
      function verifyOne(address key, uint256 k, bytes32 id, bytes calldata evidence) external view returns (bool) {
          return Groth16.verifyOne(key, k, id, evidence);
      }
  }
`;
