/** What acting on an inference that ran before costs (ERC-3668), in the world of scripts/gas.ts. */
import { id, toBeHex } from "ethers";
import { encodeAnswer, encodeOutputs } from "../relayer/lookup/messages.ts";
import type { Hex, Opening } from "../relayer/protocol/index.ts";
import { bindingOf, itemEvidence, outputHashOf, prove, scalar } from "../test/support/groth16.ts";
import { coder, Mode } from "../test/support/protocol.ts";
import { RiskScores__factory } from "../typechain/index.ts";
import type { World } from "../test/support/world.ts";

/** Adds its figures to those of the others: the callback of `RiskScores`, which checks, keeps and tells a score. */
export async function measureLookups(
  w: World,
  tick: () => Promise<bigint>,
  figures: Record<string, number>,
): Promise<void> {
  const args = [await w.registry.getAddress(), ["https://relayer.example/{sender}/{data}"], w.modelId, 86_400];
  await tick();
  const deployed = await w.ethers.deployContract("RiskScores", args);
  const scores = RiskScores__factory.connect(await deployed.getAddress(), w.signers.deployer);
  for (const [name, isSettled] of [
    ["settled before", true],
    ["settled in the same transaction", false],
  ] as const) {
    const completedAt = await tick();
    const [input, score] = [scalar(`look-up ${name}`), 42n];
    const receipt = await w.receiptIn(Mode.ZKML, {
      ...{ requestId: id(`look-up ${name}`), completedAt },
      ...{ inputHash: toBeHex(input, 32), outputHash: outputHashOf([score]) },
    });
    const proof = prove(w.setup, [input, score, bindingOf(w.receiptId(receipt))], scalar("a"), scalar("b"));
    const evidence = itemEvidence(proof, [input, score]);
    const item = w.signedReceipt(receipt, evidence);
    if (isSettled) await (await w.registry.settleReceipts([item])).wait();
    const response = encodeAnswer({
      opening: w.openingAlone(receipt) as unknown as Opening,
      output: encodeOutputs([score]),
      signature: (isSettled ? "0x" : item.signature) as Hex,
      evidence: (isSettled ? "0x" : evidence) as Hex,
    });
    await tick();
    const sent = await scores.recordAnswer(response, coder.encode(["bytes32"], [receipt.inputHash]));
    figures[`look-up callback, ZKML, ${name}`] = Number((await sent.wait())!.gasUsed);
  }
}
