// SPDX-License-Identifier: MIT
import { execFile } from "node:child_process";
import { expect } from "chai";
import { Interface } from "ethers";
import { artifacts } from "hardhat";
import { policyReport } from "../../tasks/policy/action.ts";
import { type Compiled, isCodeOf } from "../../tasks/policy/artifact.ts";
import { inferencePolicies } from "../../tasks/policy/read.ts";
import { reportOf, type StatedPolicy, type Statements } from "../../tasks/policy/report.ts";
import { duration, textOf, weaknesses } from "../../tasks/policy/text.ts";
import { openHttpDoor } from "../support/http-door.ts";
import { deployScores } from "./lookupSupport.ts";
import { type Consumer, deployConsumer, mask, Mode, Origin, word } from "./support.ts";

describe("statements of consumers", () => {
  let c: Consumer;
  let door: Awaited<ReturnType<typeof openHttpDoor>>;
  let harness: Awaited<ReturnType<Consumer["ethers"]["deployContract"]>>;
  before(async () => {
    c = await deployConsumer();
    door = await openHttpDoor(c.connection.provider);
    harness = await c.ethers.deployContract("StatedHarness", [await c.registry.getAddress()]);
  });
  after(() => door.close());

  describe("bind what is checked", () => {
    it("takes a receipt under the stated policy and its own input, and marks it [R9] [R11]", async () => {
      await harness.getFunction("state")(c.policy());
      const { opening, receipt } = await c.settleProved(5n, [1n]);
      await harness.getFunction("consumeAsStated")(opening, word(5n));
      expect(await harness.getFunction("isInferenceUsed")(receipt.requestId)).to.equal(true);
    });

    it("refuses every policy that is weaker than the statement in one thing [R11]", async () => {
      const stated = c.policy({
        ...{ modes: mask(Mode.ZKML, Mode.TEE), origins: Origin.INPUT | Origin.KEYS, keyIds: [c.keyId] },
        ...{ maxAge: 1000n, minSettled: 0n },
      });
      const fresh = await c.ethers.deployContract("StatedHarness", [await c.registry.getAddress()]);
      await fresh.getFunction("state")(stated);
      const { opening } = await c.settleProved(6n, [1n]);
      const own = { ...stated, inputHash: word(6n) };
      const check = fresh.getFunction("check");
      expect((await check(opening, own)).verified).to.equal(true);
      // Stricter is fine.
      const stricter = { modes: mask(Mode.ZKML), maxAge: 999n };
      expect((await check(opening, { ...own, ...stricter })).verified).to.equal(true);
      const weaker = [
        { modes: mask(Mode.ZKML, Mode.VANILLA) },
        { modelIds: [c.provedModel, c.signedModel] },
        { origins: Origin.INPUT },
        { origins: Origin.KEYS },
        { keyIds: [c.keyId, c.enclaveId] },
        { contextHash: word(1n) },
        { maxAge: 1001n },
      ];
      for (const over of weaker)
        await expect(check(opening, { ...own, ...over }), JSON.stringify(Object.keys(over)))
          .to.be.revertedWithCustomError(fresh, "InferencePolicies_NotAsStated")
          .withArgs(check.fragment.selector);
    });

    it("holds a rest, an input and a request that are stated [R4] [R11]", async () => {
      const cases: [object, object][] = [
        [{ minSettled: 10n }, { minSettled: 9n }],
        [{ inputHash: word(3n) }, { inputHash: word(4n) }],
        [{ origins: Origin.REQUEST, requestId: word(3n) }, { requestId: word(4n) }],
      ];
      const { opening } = await c.settleProved(3n, [1n]);
      for (const [over, weaker] of cases) {
        const fresh = await c.ethers.deployContract("StatedHarness", [await c.registry.getAddress()]);
        const stated = c.policy(over);
        await fresh.getFunction("state")(stated);
        await expect(fresh.getFunction("check")(opening, { ...stated, ...weaker })).to.be.revertedWithCustomError(
          fresh,
          "InferencePolicies_NotAsStated",
        );
      }
    });
  });

  describe("hardhat opg:policy", function () {
    this.timeout(240_000);
    /** Runs the command as a user does. */
    const command = (...args: string[]) =>
      new Promise<{ code: number; output: string; errors: string }>((resolve) => {
        const env = { ...process.env, LOCALHOST_RPC_URL: door.url, NO_COLOR: "" };
        execFile("hardhat", ["opg:policy", "--network", "localhost", ...args], { env }, (problem, output, errors) =>
          resolve({ code: problem === null ? 0 : Number(problem.code), output, errors }),
        );
      });

    it("finds the contract by its code, prints it, and is content with one that states all", async () => {
      const address = await (await deployScores(c)).getAddress();
      const { code, output } = await command(address, "--strict");
      expect(output).to.include(`RiskScores at ${address} on chain id 31337`);
      expect(output).to.include("recordAnswer(bytes, bytes): acts on an inference");
      expect(output).to.include(c.provedModel);
      expect(output).to.include("Every function that changes state is spoken of.");
      expect(code).to.equal(0);
    });

    it("fails with --strict where a function states nothing, and tells machines why", async () => {
      const address = await (
        await c.ethers.deployContract("TwentyLines", [await c.registry.getAddress(), c.provedModel])
      ).getAddress();
      const { code, output } = await command(address, "--strict", "--json");
      expect(code).to.equal(1);
      const report = JSON.parse(output);
      expect(report.states).to.equal(false);
      expect(report.functions.map(({ says }: { says: string }) => says)).to.deep.equal(["not_stated", "not_stated"]);
      expect((await command(address)).code).to.equal(0);
    });

    it("says what to do about an address that is none, empty, or of unknown code", async () => {
      const cases: [string[], RegExp][] = [
        [["0x12"], /is not an address/],
        [[`0x${"99".repeat(20)}`], /There is no contract/],
        [[await c.registry.getAddress(), "--contract", "NoSuchThing"], /No artifact of NoSuchThing/],
      ];
      for (const [args, reason] of cases) {
        const { code, errors } = await command(...args);
        expect(code).to.equal(1);
        expect(errors).to.match(reason);
      }
    });
  });

  describe("in words", () => {
    const abi = new Interface([
      "function act(bytes32 id)",
      "function lend(uint256 amount) payable",
      "function tell(bytes32 id) view returns (uint256)",
      "function drop()",
    ]);
    // Where ethers leaves it out, the compiler says nonpayable.
    const entries = (JSON.parse(abi.formatJson()) as object[]).map((one) => ({
      stateMutability: "nonpayable",
      ...one,
    }));
    const compiled = { name: "Sample", abi: entries as unknown as Compiled["abi"], isItsCode: true };
    const selector = (name: string) => abi.getFunction(name)!.selector;
    const at = { address: `0x${"12".repeat(20)}`, chainId: 8453, registry: undefined };
    const policy = (over: Partial<StatedPolicy> = {}): StatedPolicy => ({
      ...{ modes: 2, modelIds: [word(7n)], origins: 1n, inputHash: word(0n), requestId: word(0n), keyIds: [] },
      ...{ contextHash: word(0n), maxAge: 5_400n, minSettled: 0n, ...over },
    });
    const NONE = "0x00000000";
    const whole: Statements = {
      policies: [{ selector: selector("act"), policy: policy() }],
      unchecked: [
        { selector: selector("lend"), restsOn: selector("act") },
        { selector: selector("drop"), restsOn: NONE },
      ],
    };
    const problemsOf = (over: Partial<Statements>) => reportOf(compiled, at, { ...whole, ...over }).problems;

    it("has nothing to say against statements that are whole", () => {
      const report = reportOf(compiled, at, whole);
      expect(report.problems).to.deep.equal([]);
      expect(report.functions.map(({ name, says }) => `${name} ${says}`)).to.deep.equal([
        "act(bytes32) checks",
        "lend(uint256) rests",
        "drop() none",
      ]);
      expect(textOf(report)).to.match(/lend\(uint256\): checks none itself, and acts on what act\(bytes32\) left/);
    });

    it("names a function that states nothing, a statement about no function, and one that contradicts another", () => {
      expect(problemsOf({ unchecked: whole.unchecked.slice(0, 1) })).to.deep.equal([
        "drop() changes state and states nothing.",
      ]);
      const twice = { selector: selector("act"), restsOn: NONE };
      expect(problemsOf({ unchecked: [...whole.unchecked, twice] })[0]).to.match(/both has a policy/);
      expect(problemsOf({ unchecked: [...whole.unchecked, whole.unchecked[1]!] })[0]).to.match(/more than once/);
      const stranger = { selector: "0x12345678", restsOn: NONE };
      expect(problemsOf({ unchecked: [...whole.unchecked, stranger] })[0]).to.match(/0x12345678, which is no function/);
      const dangling = { selector: selector("lend"), restsOn: selector("drop") };
      expect(problemsOf({ unchecked: [dangling, whole.unchecked[1]!] })[0]).to.match(/rests on drop\(\), which has no/);
      expect(reportOf(compiled, at, null).problems).to.deep.equal(["The contract states no policies at all."]);
      expect(reportOf({ ...compiled, isItsCode: false }, at, whole).problems[0]).to.match(
        /not what Sample compiles to/,
      );
    });

    it("names every fault that would make a check refuse all, or say nothing [R11]", () => {
      const faults: [Partial<StatedPolicy>, RegExp][] = [
        [{ modes: 0 }, /no mode/],
        [{ modes: 8 }, /modes that do not exist/],
        [{ modelIds: [] }, /no model version/],
        [{ origins: 0n }, /no origin/],
        [{ origins: 8n }, /origins that do not exist/],
        [{ origins: 4n }, /relies on keys and names none/],
        [{ maxAge: 0n }, /no maximum age/],
        [{ minSettled: 5_401n }, /more rest than/],
      ];
      for (const [over, reason] of faults) {
        const problems = problemsOf({ policies: [{ selector: selector("act"), policy: policy(over) }] });
        expect(problems.join()).to.match(reason);
      }
    });

    it("makes an under-verified step be seen", () => {
      expect(weaknesses(policy({ minSettled: 60n }))).to.deep.equal([]);
      expect(weaknesses(policy({ modes: 1, minSettled: 60n })).join()).to.match(/any operator who has staked/);
      const byKeys = { origins: 4n, keyIds: [word(9n)], minSettled: 60n };
      expect(weaknesses(policy({ modes: 1, ...byKeys })).join()).to.equal("the keys alone decide about the input");
      expect(weaknesses(policy({ modes: 3, ...byKeys })).join()).to.match(/as weak as VANILLA/);
      const report = reportOf(compiled, at, {
        ...whole,
        policies: [{ selector: selector("act"), policy: policy({ modes: 1 }) }],
      });
      expect(textOf(report)).to.match(/ANY staked operator decides what was answered/);
    });

    it("prints each policy where any one of several is enough, and tells what a view tells", () => {
      const policies = [
        { selector: selector("act"), policy: policy() },
        { selector: selector("act"), policy: policy({ modes: 4, origins: 6n, keyIds: [word(9n)] }) },
        { selector: selector("tell"), policy: policy() },
      ];
      const text = textOf(reportOf(compiled, at, { ...whole, policies }), new Map([[word(9n), "our own key"]]));
      expect(text).to.match(/act\(bytes32\): acts on an inference\n {4}either\n[^]*\n {4}or\n/);
      expect(text).to.include("our own key");
      expect(text).to.include("that of a request this contract opened");
      expect(text).to.include("tell(bytes32): tells an inference and changes nothing");
      for (const line of text.split("\n")) expect(line.length, line).to.be.lessThan(122);
    });

    it("says lengths of time in whole units", () => {
      expect([0n, 1n, 60n, 3_660n, 90_061n].map(duration)).to.deep.equal([
        "0 seconds",
        "1 second",
        "1 minute",
        "1 hour 1 minute",
        "1 day 1 hour 1 minute 1 second",
      ]);
    });
  });

  it("takes code for a contract's only where all but its immutables agree", async () => {
    const compiled = Uint8Array.from([1, 2, 0, 0, 5]);
    const immutables = { "7": [{ start: 2, length: 2 }] };
    expect(isCodeOf(Uint8Array.from([1, 2, 9, 9, 5]), compiled, immutables)).to.equal(true);
    expect(isCodeOf(Uint8Array.from([1, 2, 9, 9, 6]), compiled, immutables)).to.equal(false);
    expect(isCodeOf(Uint8Array.from([1, 2, 9, 9, 5, 0]), compiled, immutables)).to.equal(false);
    const vault = await policyReport(c.ethers.provider, artifacts, await harness.getAddress());
    expect(vault.contract).to.equal("StatedHarness");
  });

  it("reads what the interface says", async () => {
    const compiled = new Interface((await artifacts.readArtifact("StatedConsumer")).abi);
    for (const fragment of inferencePolicies.fragments) {
      const other = compiled.fragments.find((one) => one.format() === fragment.format());
      expect(other?.format("sighash"), fragment.format()).to.equal(fragment.format("sighash"));
    }
  });
});
