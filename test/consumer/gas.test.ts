// SPDX-License-Identifier: MIT
import { expect } from "chai";
import { type Consumer, deployConsumer, mask, Mode } from "./support.ts";

describe("gas of the InferenceConsumer", () => {
  let c: Consumer;
  before(async () => {
    c = await deployConsumer();
  });

  it("adds at most 3,000 gas to what the registry asks for opening", async () => {
    const signed = await c.settleSigned({ mode: Mode.TEE }, 1024);
    const proved = await c.settleProved(0x1234n, [42n]);
    const cases = [
      { name: "TEE, one of 1,024", opening: signed.opening, model: c.signedModel, mode: Mode.TEE },
      { name: "ZKML, alone", opening: proved.opening, model: c.provedModel, mode: Mode.ZKML },
    ];
    for (const { name, opening, model, mode } of cases) {
      const policy = c.policy({ modes: mask(mode), modelIds: [model], inputHash: opening.receipt.inputHash });
      const registry: bigint = await c.harness.getFunction("gasOfRegistry").staticCall(opening);
      const view: bigint = await c.harness.getFunction("gasOfRequireVerified").staticCall(opening, policy);
      const use: bigint = await c.harness.getFunction("gasOfConsumeVerified").staticCall(opening, policy);
      console.log(`      ${name}: registry ${registry}, _requireVerified ${view}, _consumeVerified ${use}`);
      expect(view - registry < 3_000n).to.equal(true);
      // The mark costs its new slot, the event and little else.
      expect(use - view < 26_000n).to.equal(true);
    }
  });
});
