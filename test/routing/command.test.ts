import { execFile } from "node:child_process";
import { mkdir, mkdtemp, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect } from "chai";
import { network } from "hardhat";
import { id, JsonRpcProvider, parseEther, toBeHex, Wallet, ZeroAddress } from "ethers";
import { DEVELOPMENT_PHASE1_ID } from "../../deploy/parameters.ts";
import { deployedMatcher } from "../../tasks/nodes/action.ts";
import { print, type Found } from "../../tasks/nodes/print.ts";
import {
  DevelopmentAttestationVerifier__factory,
  EnclaveRegistry__factory,
  ModelRegistry__factory,
  NodeMatch__factory,
  NodeRegistry__factory,
  OPGStaking__factory,
  OPGToken__factory,
} from "../../typechain/index.ts";
import { keyIdOf, NO_LINEAGE, publicKeyOf } from "../support/protocol.ts";

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
const command = (environment: Record<string, string>, ...args: string[]) =>
  new Promise<{ code: number; output: string; errors: string }>((resolve) =>
    execFile(
      "hardhat",
      ["opg:nodes", ...args],
      { env: { ...process.env, ...environment } },
      (problem, output, errors) => resolve({ code: problem === null ? 0 : Number(problem.code), output, errors }),
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
      const { code, errors } = await command({}, ...args);
      expect([code, errors.includes(says)], errors).to.deep.equal([2, true]);
    }
  });

  it("asks a running chain: exit code 1 and why while nobody can serve, 0 and who as soon as somebody can", async () => {
    const server = await network.createServer({ network: "default" }, "127.0.0.1", 0);
    const { address, port } = await server.listen();
    const url = `http://${address}:${port}`;
    const provider = new JsonRpcProvider(url, 31337, { staticNetwork: true, cacheTimeout: -1 });
    try {
      const signer = await provider.getSigner(0);
      const stake = parseEther("10000");
      const token = await new OPGToken__factory(signer).deploy([signer.address], [parseEther("1000000000")]);
      const staking = await new OPGStaking__factory(signer).deploy(
        token,
        signer,
        [stake, stake, stake, stake],
        [1_000, 1_000, 1_000, 1_000],
      );
      const models = await new ModelRegistry__factory(signer).deploy(signer, signer, [DEVELOPMENT_PHASE1_ID]);
      const nodes = await new NodeRegistry__factory(signer).deploy(signer, signer, staking);
      const attestation = await new DevelopmentAttestationVerifier__factory(signer).deploy(signer);
      const enclaves = await new EnclaveRegistry__factory(signer).deploy(signer, signer, nodes, attestation);
      const match = await new NodeMatch__factory(signer).deploy(nodes, enclaves, models, ZeroAddress);
      await (await staking.wire(nodes, enclaves, signer, ZeroAddress)).wait();
      await (await staking.createPool(0, 0)).wait();
      await (await token.approve(staking, stake)).wait();
      await (await staking.stake(signer, 0, stake)).wait();
      await (await nodes.registerNode(0, "https://node.example")).wait();
      const version = {
        ...{ contentHash: id("weights"), uri: "", modes: 1, verifier: ZeroAddress, verifyingKey: "0x", signals: "" },
        lineage: NO_LINEAGE,
        licence: "",
        sources: [],
      };
      const model = await models.modelIdOf(signer, version);
      await (await models.register(version)).wait();
      const asked = ["--network", "localhost", "--matcher", await match.getAddress(), "--model", model];
      const run = (...args: string[]) => command({ LOCALHOST_RPC_URL: url }, ...asked, ...args);

      const without = await run();
      expect(without.code, without.errors).to.equal(1);
      expect(without.output).to.contain("No node can serve VANILLA of").and.contain("1 do not offer the version.");
      const nodeId = toBeHex(1, 32);
      await (await nodes.setOffer(nodeId, model, 1, 3)).wait();
      const unable = await run("--json");
      expect(unable.code, unable.errors).to.equal(1);
      const { candidates, counts, paths } = JSON.parse(unable.output);
      expect([candidates, counts, paths]).to.deep.equal([[], { NoVerificationPath: 1 }, { UnknownKey: 1 }]);

      const key = new Wallet(id("a key"));
      const keyId = keyIdOf(0, publicKeyOf(key));
      const signature = key.signingKey.sign(await nodes.keyRegistrationDigest(nodeId, keyId)).serialized;
      const until = (await provider.getBlock("latest"))!.timestamp + 100_000;
      await (await nodes.addOperatorKey(nodeId, publicKeyOf(key), until, signature)).wait();
      const able = await run("--json");
      expect(able.code, able.errors).to.equal(0);
      expect(JSON.parse(able.output).candidates).to.deep.equal([
        { nodeId: 1, operator: signer.address, endpoint: "https://node.example", keyId, free: 3 },
      ]);
      // The version allows no other mode, and the node offers none.
      expect((await run("--mode", "tee")).code).to.equal(1);
    } finally {
      provider.destroy();
      await server.close();
    }
  }).timeout(300_000);

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
