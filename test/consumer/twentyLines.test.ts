// SPDX-License-Identifier: MIT
import { existsSync, readFileSync } from "node:fs";
import { expect } from "chai";
import { exampleForUsers } from "../../scripts/pack-check.ts";
import { Mode, deployConsumer, mask, word } from "./support.ts";

const read = (path: string) => readFileSync(new URL(`../../${path}`, import.meta.url), "utf8");

describe("The twenty-line consumer", () => {
  it("has twenty lines, and guides show exactly these", () => {
    const example = exampleForUsers();
    expect(example.trimEnd().split("\n")).to.have.length(20);
    expect(example).to.contain('from "opengradient-settlement/contracts/consumer/InferenceConsumer.sol"');
    for (const guide of ["docs/consuming.md", "README.md"]) {
      const shown = existsSync(new URL(`../../${guide}`, import.meta.url)) ? read(guide) : "";
      // The README may leave the example to the guide, but not show another.
      if (guide === "README.md" && !shown.includes("TwentyLines")) continue;
      expect(shown, guide).to.contain(`\`\`\`solidity\n${example}\`\`\``);
    }
  });

  it("acts on the proved answer to its own request, once, and on no signed word for it [R9] [R11]", async () => {
    const c = await deployConsumer();
    const example = await c.ethers.deployContract("TwentyLines", [await c.registry.getAddress(), c.provedModel]);
    const act = example.getFunction("act");
    const requestId: string = await example.getFunction("ask").staticCall(word(7n));
    await example.getFunction("ask")(word(7n));

    const signed = await c.settleSigned({ requestId, inputHash: word(7n) });
    await expect(act(requestId, signed.opening, [1n]))
      .to.be.revertedWithCustomError(example, "InferenceConsumer_ModeNotAccepted")
      .withArgs(Mode.VANILLA, mask(Mode.ZKML));

    const { opening } = await c.settleProved(7n, [99n], { requestId });
    await expect(act(requestId, opening, [98n])).to.be.revertedWithCustomError(
      example,
      "InferenceConsumer_WrongOutput",
    );
    await act(requestId, opening, [99n]);
    expect(await example.getFunction("answer")(word(7n))).to.equal(99n);
    await expect(act(requestId, opening, [99n]))
      .to.be.revertedWithCustomError(example, "InferenceConsumer_AlreadyUsed")
      .withArgs(requestId);
  });
});
