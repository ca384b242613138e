// SPDX-License-Identifier: MIT
import { toBeHex } from "ethers";
import { encodeAnswer, encodeOutputs } from "../../relayer/lookup/messages.ts";
import type { Hex, Opening } from "../../relayer/protocol/index.ts";
import { RiskScores__factory, type RiskScores } from "../../typechain/index.ts";
import { outputHashOf } from "../support/groth16.ts";
import { coder, type ReceiptFields } from "../support/protocol.ts";
import { type Consumer, evidenceFor, Mode, type OpeningFields, word } from "./support.ts";

export const HOUR = 3_600;
export const GATEWAY = "https://gateway.example/v1/lookup/{sender}/{data}";

/** An answer as a gateway gives it. */
export const answer = (opening: OpeningFields, output: string, signature = "0x", evidence = "0x"): string =>
  encodeAnswer({
    opening: opening as unknown as Opening,
    ...{ output: output as Hex, signature: signature as Hex, evidence: evidence as Hex },
  });
export const outputs = (...values: bigint[]): string => encodeOutputs(values);
/** What the callbacks here are given beside the answer: the input. */
export const extra = (input: bigint): string => coder.encode(["bytes32"], [toBeHex(input, 32)]);

/** Sixteen returns that score something. */
export const FEATURES = 0x8081828384858687n;

export async function deployScores(c: Consumer, urls = [GATEWAY], maxAge = HOUR): Promise<RiskScores> {
  const args = [await c.registry.getAddress(), urls, c.provedModel, maxAge];
  const deployed = await c.ethers.deployContract("RiskScores", args);
  return RiskScores__factory.connect(await deployed.getAddress(), c.signers.deployer);
}

/** A proved receipt that nobody has settled, and the answer with which anybody can. */
export async function unsettled(c: Consumer, input: bigint, values: bigint[], over: Partial<ReceiptFields> = {}) {
  const receipt = await c.receipt({
    ...{ keyId: c.keyId, modelId: c.provedModel, mode: Mode.ZKML, inputHash: word(input) },
    ...{ outputHash: outputHashOf(values), outputScheme: 2, ...over },
  });
  const id = c.receiptId(receipt);
  const signature = c.key.signingKey.sign(id).serialized;
  const evidence = evidenceFor(id, input, values);
  const response = answer(c.openingAlone(receipt), outputs(...values), signature, evidence);
  return { receipt, id, signature, evidence, response };
}
