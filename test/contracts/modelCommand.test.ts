import { execFile } from "node:child_process";
import { mkdir, mkdtemp, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect } from "chai";
import { id } from "ethers";
import { deployedRegistry } from "../../tasks/model/action.ts";
import { json, text } from "../../tasks/model/print.ts";
import { readModel } from "../../tasks/model/read.ts";
import { openHttpDoor } from "../support/http-door.ts";
import { CONSENT_NOTICE, dataOf } from "../support/sources.ts";
import { useWorld, type World } from "../support/world.ts";

describe("hardhat opg:model", () => {
  const world = useWorld();
  const reportOf = async (w: World, modelId: string) =>
    (await readModel(w.ethers.provider, await w.models.getAddress(), modelId))!;

  async function family(w: World) {
    const data = dataOf(w);
    const [needed, helpful] = [await data.registerSource(), await data.registerSource({ uri: "", terms: "MIT" })];
    const root = await data.registerVersion({ licence: "Apache-2.0", sources: data.required(needed) });
    const middle = await data.registerVersion({ parents: [root], sources: data.optional(helpful) });
    const modelId = await data.registerVersion({ parents: [middle, root], licence: "MIT" });
    return { data, needed, helpful, root, middle, modelId };
  }

  it("reads version, sources and the tree of ancestors, each version once under each that names it", async () => {
    const w = world();
    const { root, middle, modelId, helpful, needed } = await family(w);
    const report = await reportOf(w, modelId);
    expect(report).to.deep.include({ modelId, licence: "MIT", modes: ["VANILLA", "TEE"], sources: [] });
    expect(report.parents.map((each) => each.modelId)).to.deep.equal([middle, root]);
    expect(report.parents[0]!.parents.map((each) => [each.modelId, each.licence])).to.deep.equal([
      [root, "Apache-2.0"],
    ]);
    expect(report.parents[1]!.parents).to.deep.equal([]);
    const [source] = (await reportOf(w, middle)).sources;
    expect(source).to.deep.include({ sourceId: helpful, required: false, withdrawnFrom: null, terms: "MIT", uri: "" });
    expect((await reportOf(w, root)).sources[0]).to.deep.include({ sourceId: needed, required: true });
    expect(await readModel(w.ethers.provider, await w.models.getAddress(), id("none"))).to.equal(null);
  });

  it("says in words what is announced, what is in effect, and what withdrawal cannot undo", async () => {
    const w = world();
    const { data, needed, root, modelId } = await family(w);
    expect(text(await reportOf(w, modelId))).to.match(/withdrawn data +none\n/);
    await data.withdraw(needed);
    const from = (await w.now()) + CONSENT_NOTICE;
    const day = new Date(Number(from) * 1_000).toISOString().slice(0, 10);
    const announced = [text(await reportOf(w, root)), text(await reportOf(w, modelId))];
    expect(announced[0]).to.contain(`count until ${day}`).and.contain("may not derive from it");
    expect(announced[1]).to.contain("none yet (sources of ancestors: given, withdrawn from");
    await w.goTo(from);
    const [own, inherited] = [text(await reportOf(w, root)), text(await reportOf(w, modelId))];
    expect(own).to.contain(`do not count since ${day}`).and.contain("CONTAINS WITHDRAWN DATA (its own sources");
    expect(inherited)
      .to.contain("CONTAINS WITHDRAWN DATA (sources of ancestors")
      .and.match(/settlements +count\n/);
    for (const said of [...announced, own, inherited]) expect(said).to.contain("cannot undo past training");
    const parsed = JSON.parse(json(await reportOf(w, root)));
    expect(parsed).to.deep.include({ containsWithdrawnData: true, blockedFrom: Number(from) });
    expect(parsed.limits).to.contain("cannot undo past training");
  });

  it("lets no owner's text move the cursor or begin a line of its own", async () => {
    const w = world();
    const data = dataOf(w);
    const sourceId = await data.registerSource({ terms: "MIT\n\u001b[2J\u202eevil", uri: "a\r\nb" });
    const modelId = await data.registerVersion({ licence: "x\u0007\u2028y", sources: data.required(sourceId) });
    const said = text(await reportOf(w, modelId));
    for (const evil of ["\u001b", "\u0007", "\r", "\u202e", "\u2028"]) expect(said).not.to.contain(evil);
    expect(said).to.contain("terms MIT").and.contain("licence         x");
  });

  it("runs against a chain, exits 1 for what is no version, and finds the deployed registry", async () => {
    const w = world();
    const { modelId } = await family(w);
    const door = await openHttpDoor(w.connection.provider);
    const command = (...args: string[]) =>
      new Promise<{ code: number; output: string; errors: string }>((resolve) => {
        const env = { ...process.env, LOCALHOST_RPC_URL: door.url };
        execFile("hardhat", ["opg:model", "--network", "localhost", ...args], { env }, (problem, output, errors) =>
          resolve({ code: problem === null ? 0 : Number(problem.code), output, errors }),
        );
      });
    try {
      const registry = await w.models.getAddress();
      const good = await command(modelId, "--registry", registry, "--json");
      expect(good.code, good.errors).to.equal(0);
      expect(JSON.parse(good.output)).to.deep.equal(JSON.parse(json(await reportOf(w, modelId))));
      const unknown = await command(id("none"), "--registry", registry);
      expect([unknown.code, unknown.errors.includes("knows no version")]).to.deep.equal([1, true]);
      const short = await command("0x12");
      expect([short.code, short.errors.includes("is no model id")]).to.deep.equal([1, true]);
    } finally {
      await door.close();
    }

    const folder = await mkdtemp(join(tmpdir(), "model-"));
    const problem = await deployedRegistry(folder, 31337).catch((reason: unknown) => reason);
    expect(String(problem)).to.contain("deploy the protocol, or name one with --registry");
    const record = join(folder, "deployments", "chain-31337");
    await mkdir(record, { recursive: true });
    await writeFile(join(record, "deployed_addresses.json"), JSON.stringify({ "X#ModelRegistry": modelId }));
    expect(await deployedRegistry(folder, 31337)).to.equal(modelId);
  });
});
