import { execFile } from "node:child_process";
import { mkdir, mkdtemp, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect } from "chai";
import { network } from "hardhat";
import { JsonRpcProvider } from "ethers";
import { ALLOCATIONS } from "../../deploy/modules/opg.ts";
import { deployedVesting } from "../../tasks/unlocks/action.ts";
import { dueAt } from "../../tasks/unlocks/schedule.ts";
import { OPGGenesis__factory, OPGVesting__factory } from "../../typechain/index.ts";
import { BENEFICIARIES, beneficiaries } from "./support.ts";

const START = new Date("2026-04-01T00:00:00Z");
const FOUNDATION = 1;

describe("hardhat opg:unlocks", () => {
  /** Runs the command as a user does. */
  const command = (url: string, ...args: string[]) =>
    new Promise<{ code: number; output: string; errors: string }>((resolve) => {
      const env = { ...process.env, LOCALHOST_RPC_URL: url };
      execFile("hardhat", ["opg:unlocks", "--network", "localhost", ...args], { env }, (problem, output, errors) =>
        resolve({ code: problem === null ? 0 : Number(problem.code), output, errors }),
      );
    });

  it("prints the calendar of a running chain, and exits 1 where the chain deviates", async () => {
    const server = await network.createServer({ network: "default", override: { initialDate: START } }, "127.0.0.1", 0);
    const { address, port } = await server.listen();
    const url = `http://${address}:${port}`;
    const provider = new JsonRpcProvider(url, 31337, { staticNetwork: true, cacheTimeout: -1 });
    try {
      const signer = await provider.getSigner(0);
      const genesis = await new OPGGenesis__factory(signer).deploy();
      await (await genesis.launch(beneficiaries)).wait();
      await provider.send("evm_setNextBlockTimestamp", [dueAt(0) + 60]);
      const vesting = await genesis.vesting();
      const release = await (await OPGVesting__factory.connect(vesting, signer).release(FOUNDATION)).wait();

      const good = await command(url, "--vesting", vesting, "--format", "json", "--chunk", "2");
      expect(good.code, good.errors).to.equal(0);
      const { tranches, deviations } = JSON.parse(good.output);
      expect(deviations).to.deep.equal([]);
      expect(tranches[1].transactions).to.deep.equal([
        { hash: release!.hash, date: "2026-04-21T00:01:00.000Z", amount: "50000000.0" },
      ]);

      // The same contract, taken for a vester of the investors: it paid what they were not owed.
      const file = join(await mkdtemp(join(tmpdir(), "unlocks-")), "vesters.json");
      const none = Object.fromEntries(ALLOCATIONS.map((name) => [name, [] as string[]]));
      const existing = { token: await genesis.token(), fromBlock: 0, graceDays: 3 };
      await writeFile(file, JSON.stringify({ ...existing, vesters: { ...none, investors: [vesting] } }));
      const bad = await command(url, "--vesters", file, "--format", "csv");
      expect(bad.code).to.equal(1);
      expect(bad.errors).to.contain(`ahead investors: ${release!.hash} brings releases to`);
      expect(bad.errors).to.contain("unchecked ecosystem");
      expect(bad.output.split("\n")[0]).to.contain("month,date,allocation,amount");

      const wrong = await command(url, "--vesting", BENEFICIARIES.ecosystem);
      expect(wrong.code).to.equal(1);
      expect(wrong.errors).to.contain("There is no contract at");
    } finally {
      provider.destroy();
      await server.close();
    }
  });

  it("finds the deployed unlock contract in Ignition's record, and says what to do where there is none", async () => {
    const folder = await mkdtemp(join(tmpdir(), "unlocks-"));
    const problem = await deployedVesting(folder, 31337).catch((reason: unknown) => reason);
    expect((problem as Error).message).to.contain("deploy the protocol, or name one with --vesting");
    await mkdir(join(folder, "deployments", "chain-31337"), { recursive: true });
    const record = { "OpenGradient#OPGVesting": "0x90F79bf6EB2c4f870365E785982E1f101E93b906" };
    await writeFile(join(folder, "deployments", "chain-31337", "deployed_addresses.json"), JSON.stringify(record));
    expect(await deployedVesting(folder, 31337)).to.equal(record["OpenGradient#OPGVesting"]);
  });
});
