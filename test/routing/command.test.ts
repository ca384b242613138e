import { execFile } from "node:child_process";
import { mkdir, mkdtemp, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect } from "chai";
import { id } from "ethers";
import { deployedMatcher } from "../../tasks/nodes/action.ts";
import { print, type Found } from "../../tasks/nodes/print.ts";

const found = (over: Partial<Found> = {}): Found => ({
  modelId: id("model"),
  mode: "TEE",
  block: 7,
  candidates: [],
  counts: {},
  paths: {},
  total: 0,
  without: 0,
  ...over,
});
/** Runs the command as a user does. */
const command = (...args: string[]) =>
  new Promise<{ code: number; output: string; errors: string }>((resolve) =>
    execFile("hardhat", ["opg:nodes", ...args], (problem, output, errors) =>
      resolve({ code: problem === null ? 0 : Number(problem.code), output, errors }),
    ),
  );

describe("hardhat opg:nodes", () => {
  it("says who can serve, and hides what an endpoint would do to a terminal", () => {
    const candidate = { nodeId: 3, operator: "0xabc", endpoint: "https://a\u001b[2J", keyId: "0x12", free: 4 };
    const text = print(found({ candidates: [candidate], counts: { Fits: 1, NotActive: 2 }, total: 3 }), false);
    expect(text.split("\n")).to.deep.equal([
      `1 can serve TEE of ${id("model")} at block 7; of the others, 2 are paused or retired.`,
      "",
      "node  operator  free  key   endpoint",
      "3     0xabc     4     0x12  https://a?[2J",
    ]);
  });

  it("says why nobody can, with numbers", () => {
    const counts = { StakeTooLow: 1, NoVerificationPath: 3, NoCapacity: 2 };
    const paths = { KeyFrozen: 1, MeasurementNotApproved: 2 };
    expect(print(found({ counts, paths, total: 6, without: 5 }), false)).to.equal(
      `No node can serve TEE of ${id("model")} at block 7: 5 do not offer the version; 1 have too little stake; ` +
        "3 have no valid verification path (KeyFrozen 1, MeasurementNotApproved 2); 2 have no free capacity.",
    );
    expect(print(found(), false)).to.contain("none is registered");
    expect(JSON.parse(print(found({ counts, paths }), true))).to.deep.equal(found({ counts, paths }));
  });

  it("exits 2 where it cannot tell, and says what to do", async () => {
    const model = id("model");
    for (const [args, says] of [
      [["--model", "0x12"], "is not 0x and 64 hex digits"],
      [["--model", model, "--mode", "MAGIC"], "one of VANILLA, ZKML, TEE"],
      [["--model", model, "--matcher", "0x" + "11".repeat(20)], "There is no contract at"],
    ] as const) {
      const { code, errors } = await command(...args);
      expect([code, errors.includes(says)], errors).to.deep.equal([2, true]);
    }
  });

  it("finds the deployed matcher in Ignition's record, and says what to do where there is none", async () => {
    const folder = await mkdtemp(join(tmpdir(), "nodes-"));
    const problem = await deployedMatcher(folder, 31337).catch((reason: unknown) => reason);
    expect((problem as Error).message).to.contain("name one with --matcher");
    await mkdir(join(folder, "deployments", "chain-31337"), { recursive: true });
    const record = { "OpenGradient#NodeMatch": "0x90F79bf6EB2c4f870365E785982E1f101E93b906" };
    await writeFile(join(folder, "deployments", "chain-31337", "deployed_addresses.json"), JSON.stringify(record));
    expect(await deployedMatcher(folder, 31337)).to.equal(record["OpenGradient#NodeMatch"]);
  });
});
