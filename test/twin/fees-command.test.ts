import { type ChildProcess, execFile, spawn } from "node:child_process";
import { mkdir, mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect } from "chai";
import { checked, deployedMarket } from "../../tasks/twin-fees/action.ts";
import { type FaultProxy, startFaultProxy } from "../support/fault-proxy.ts";
import { type MarketChain, NOTICE, PROTOCOL, startMarketChain } from "./fees-support.ts";
import { tenths } from "./fees-readings.ts";

const SUBJECT = 1;

describe("hardhat twin:fees", () => {
  let chain: MarketChain;
  let proxy: FaultProxy;
  const watching = new Set<ChildProcess>();
  beforeEach(async () => {
    chain = await startMarketChain();
    proxy = await startFaultProxy(chain.url);
  });
  afterEach(async () => {
    for (const child of watching) child.kill("SIGKILL");
    await proxy.close();
    await chain.close();
    expect(watching.size, "commands that had to be killed").to.equal(0);
  });

  const argumentsOf = (args: string[]) => [
    "twin:fees",
    ...(args.includes("--network") ? [] : ["--network", "localhost"]),
    ...args,
  ];
  const env = () => ({ ...process.env, LOCALHOST_RPC_URL: proxy.url, BASE_RPC_URL: proxy.url, NO_COLOR: "" });

  /** Runs the command as a user does. */
  const command = (...args: string[]) =>
    new Promise<{ code: number; output: string; errors: string }>((resolve) => {
      execFile("hardhat", argumentsOf(args), { env: env() }, (problem, output, errors) =>
        resolve({ code: problem === null ? 0 : Number(problem.code), output, errors }),
      );
    });

  /** Starts it with --watch, and lets the test wait for what it prints. */
  function watch(program: string, args: string[]) {
    const child = spawn(program, args, { env: env(), stdio: ["ignore", "pipe", "pipe"] });
    watching.add(child);
    let output = "";
    let errors = "";
    let heard = (): void => undefined;
    child.stdout.on("data", (chunk: Buffer) => {
      output += chunk.toString();
      heard();
    });
    child.stderr.on("data", (chunk: Buffer) => (errors += chunk.toString()));
    const ended = new Promise<number | null>((resolve) =>
      child.on("close", (code) => {
        watching.delete(child);
        resolve(code);
        heard();
      }),
    );
    return {
      child,
      ended,
      output: () => output,
      errors: () => errors,
      lines: () => output.trimEnd().split("\n"),
      async until(text: string): Promise<void> {
        const deadline = Date.now() + 20_000;
        while (!output.includes(text)) {
          if (!watching.has(child) || Date.now() > deadline)
            throw new Error(`never printed "${text}", but:\n${output}${errors}`);
          await new Promise<void>((resolve) => {
            heard = resolve;
            setTimeout(resolve, 200);
          });
        }
      },
    };
  }
  const watchAs = (...args: string[]) =>
    watch("hardhat", argumentsOf(["--market", chain.address, "--watch", "--interval", "0.2", ...args]));

  it("prints the fees once, for people and as JSON, and tells a script of an increase by its exit code", async () => {
    const quiet = await command("--market", chain.address, "--fail-on-increase");
    expect(quiet.code, quiet.errors).to.equal(0);
    expect(quiet.output).to.contain("No increase is announced.").and.to.contain("1.045 ETH");
    await chain.setProtocol(tenths(40));
    const json = await command("--market", chain.address, "--format", "json");
    expect(json.code).to.equal(0);
    const { status, chainId, fees } = JSON.parse(json.output);
    expect([status, chainId, fees.increasePending]).to.deep.equal(["known", 31337, true]);
    expect(fees.protocol.increase).to.include({ percent: "4", effectiveAt: (await chain.now()) + NOTICE });
    const warned = await command("--market", chain.address, "--fail-on-increase");
    expect(warned.code).to.equal(2);
    expect(warned.output).to.contain("WARNING: the protocol fee goes up from 2% to 4% on ");
    await chain.pass(NOTICE);
    const ran = await command("--market", chain.address, "--fail-on-increase");
    expect([ran.code, /Protocol fee .* 4% +– +5%/.test(ran.output)]).to.deep.equal([0, true]);
  });

  it("says in a line what is wrong, and exits 1, never 0, where it cannot tell", async () => {
    const nobody = `0x${"77".repeat(20)}`;
    const wrong: [string[], string][] = [
      [[], "name one with --market, and its chain with --network."],
      [["--market", nobody], `The fees cannot be read: there is no market at ${nobody}.`],
    ];
    for (const [args, message] of wrong) {
      const { code, errors, output } = await command(...args);
      expect(code, message).to.equal(1);
      expect(errors).to.contain(message);
      expect(output).to.equal("");
    }
    const good = { watch: false, market: "", format: "json", interval: 4, failOnIncrease: false };
    expect(checked(good)).to.equal("json");
    expect(() => checked({ ...good, market: "0x12" })).to.throw("--market 0x12 is not an address.");
    expect(() => checked({ ...good, format: "csv" })).to.throw('No format "csv": text or json.');
    expect(() => checked({ ...good, interval: 0 })).to.throw("--interval 0: 0.2 to 3600 seconds.");
    expect(() => checked({ ...good, interval: Number.NaN })).to.throw("--interval NaN");
    // Reading asks for nobody's key, and for the right chain.
    const elsewhere = await command("--network", "base", "--market", chain.address);
    expect([elsewhere.code, elsewhere.output]).to.deep.equal([1, ""]);
    expect(elsewhere.errors).to.contain("8453").and.to.not.contain("PRIVATE_KEY");
    proxy.rule = () => ({ kind: "drop" });
    const down = await command("--market", chain.address, "--fail-on-increase");
    expect(down.code).to.equal(1);
    expect(down.errors).to.match(/^The fees cannot be read: .{5,}\.\n$/m);
  });

  it("takes the word of a node that stands still for no answer where a script relies on it", async () => {
    const still = await startMarketChain(new Date(Date.now() - 3_600_000));
    try {
      const standing = await startFaultProxy(still.url);
      const args = ["--market", still.address];
      await proxy.close();
      proxy = standing;
      const script = await command(...args, "--fail-on-increase");
      expect([script.code, script.output]).to.deep.equal([1, ""]);
      expect(script.errors).to.match(/^The fees cannot be read: the newest block .* is 36\d\d seconds old\.$/m);
      // People are told how old it is.
      const person = await command(...args);
      expect([person.code, /newest block that the node knows is 1 h/.test(person.output)]).to.deep.equal([0, true]);
      const pipe = watch("hardhat", argumentsOf([...args, "--watch", "--interval", "0.2"]));
      await pipe.until("Nothing is known yet.");
      expect(pipe.output()).to.contain("seconds old").and.to.not.contain("together");
      pipe.child.kill("SIGINT");
      expect(await pipe.ended).to.equal(130);
    } finally {
      await still.close();
    }
  });

  it("prints one line a change on a pipe: announcement, withdrawal, effect, decrease, and what fell between two looks", async () => {
    const command = watchAs();
    await command.until("together 4.5%.");
    await chain.setProtocol(tenths(40));
    await command.until("WARNING: the protocol fee goes up from 2% to 4% on ");
    await chain.setSubject(tenths(30));
    await command.until("WARNING: the subject fee goes up from 2.5% to 3% on ");
    await chain.withdraw(SUBJECT);
    await command.until("The increase of the subject fee to 3% was called off (transaction 0x");
    await chain.pass(NOTICE - 100);
    await chain.pass(200);
    await command.until("The protocol fee went up from 2% to 4%.\n");
    await chain.trade();
    await chain.setProtocol(tenths(10));
    await command.until("The protocol fee went down from 4% to 1% (transaction 0x");
    // Gone again before anybody could look.
    proxy.rule = ({ method }) => (method === "eth_getBlockByNumber" ? { kind: "delay", ms: 1_000 } : undefined);
    await chain.setProtocol(tenths(11));
    await chain.withdraw(PROTOCOL);
    await command.until("WARNING: the protocol fee goes up from 1% to 1.1%");
    await command.until("The increase of the protocol fee to 1.1% was called off");
    command.child.kill("SIGINT");
    expect(await command.ended).to.equal(130);
    expect(command.errors()).to.equal("");
    expect(command.lines()).to.have.length(8);
    for (const line of command.lines()) expect(line).to.match(/^\d{4}-\d\d-\d\d \d\d:\d\d:\d\d UTC  \S/);
  });

  it("survives an outage from the start on, says since when, and never calls it no change", async () => {
    proxy.rule = () => ({ kind: "drop" });
    const command = watchAs();
    await command.until("Nothing is known yet.");
    proxy.rule = () => undefined;
    await command.until("The chain answers again.");
    await command.until("together 4.5%.");
    proxy.rule = () => ({ kind: "http", status: 502 });
    await command.until("What was printed before may be out of date.");
    await chain.setProtocol(tenths(40));
    await chain.pass(NOTICE);
    proxy.rule = () => undefined;
    await command.until("The protocol fee went up from 2% to 4%.\n");
    await command.until("together 6.5%.");
    expect(command.output().match(/Cannot reach the chain since/g)).to.have.length(2);
    // While it cannot reach the chain it can still be ended.
    proxy.rule = () => ({ kind: "delay", ms: 5_000 });
    await new Promise((resolve) => setTimeout(resolve, 400));
    const asked = Date.now();
    command.child.kill("SIGTERM");
    expect(await command.ended).to.equal(143);
    expect(Date.now() - asked).to.be.lessThan(4_000);
  });

  it("needs no logs: a node that gives none costs the transactions, not the changes", async () => {
    proxy.rule = ({ method }) =>
      method === "eth_getLogs" ? { kind: "refuse", code: -32601, message: "no logs here" } : undefined;
    const command = watchAs("--format", "json");
    await command.until('"increasePending":false');
    await chain.setProtocol(tenths(40));
    await command.until('"kind":"increase_announced"');
    command.child.kill("SIGINT");
    expect(await command.ended).to.equal(130);
    const events = command.lines().map((line) => JSON.parse(line));
    expect(events).to.have.length(2);
    expect(events[1].changes).to.have.length(1);
    expect(events[1].changes[0]).to.include({ fee: "protocol", fromPercent: "2", toPercent: "4", transaction: null });
  });

  it("ends with 2 as soon as an increase is announced, if asked to, and with 0 when its reader leaves", async () => {
    const alarm = watchAs("--fail-on-increase");
    await alarm.until("together 4.5%.");
    await chain.setSubject(tenths(26));
    expect(await alarm.ended).to.equal(2);
    expect(alarm.output()).to.contain("WARNING: the subject fee goes up from 2.5% to 2.6%");
    const left = watchAs();
    await left.until("WARNING");
    left.child.stdout!.destroy();
    await chain.withdraw(SUBJECT);
    expect(await left.ended).to.equal(0);
    expect(left.errors()).to.equal("");
  });

  it("draws again and again on a terminal, with a countdown, until Ctrl-C", async () => {
    await chain.setProtocol(tenths(40));
    const line = ["exec", "hardhat", ...argumentsOf(["--market", chain.address, "--watch", "--interval", "0.2"])];
    const inTerminal =
      process.platform === "darwin" ? ["-q", "/dev/null", ...line.slice(1)] : ["-qefc", line.join(" "), "/dev/null"];
    const terminal = watch("script", inTerminal);
    await terminal.until("\x1b[1;31mWARNING: the protocol fee goes up from 2% to 4%");
    await terminal.until("1 day 23 h 59 min 5");
    await chain.withdraw(PROTOCOL);
    await terminal.until("What happened while you were watching:");
    await terminal.until("The increase of the protocol fee to 4% was called off");
    proxy.rule = () => ({ kind: "drop" });
    await terminal.until("\x1b[1;31mCANNOT REACH THE CHAIN since ");
    await terminal.until("The fees below are OLD and may have changed.");
    // script(1) hands signals on to the terminal's own process.
    terminal.child.kill("SIGINT");
    expect(await terminal.ended).to.be.oneOf([0, 130]);
    expect(terminal.output().match(/Ctrl-C ends\./g)!.length).to.be.at.least(3);
  });

  it("finds the deployed market in Ignition's record, whatever module deployed it", async () => {
    const folder = await mkdtemp(join(tmpdir(), "twin-fees-"));
    try {
      await mkdir(join(folder, "deployments", "chain-31337"), { recursive: true });
      const record = join(folder, "deployments", "chain-31337", "deployed_addresses.json");
      await writeFile(record, JSON.stringify({ "A#TwinMarket": chain.address, "A#Other": proxy.url }));
      expect(await deployedMarket(folder, 31337)).to.equal(chain.address);
      await writeFile(record, JSON.stringify({ "A#TwinMarket": chain.address, "B#TwinMarket": chain.address }));
      const problem = await deployedMarket(folder, 31337).catch((reason: Error) => reason.message);
      expect(problem).to.contain("More than one key market").and.to.contain("--market");
    } finally {
      await rm(folder, { recursive: true });
    }
  });
});
