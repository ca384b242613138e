// SPDX-License-Identifier: MIT
import { expect } from "chai";
import { Wallet } from "ethers";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { batchPayload, client, openService, QUICK, RESTING, sleep, type Service } from "./support/opengradient.ts";
import { startProgram, type Program } from "./support/program.ts";

describe("a relayer program that gateways use", function () {
  this.timeout(400_000);
  let s: Service;
  let program: Program | undefined;

  before(async () => {
    s = await openService();
  });
  afterEach(() => program?.kill("SIGKILL"));
  after(() => s.close());

  it("has what it acknowledged when it is killed between commit and send, and settles it once [R9] [FM:memory-only-buffer] [FM:queue-wiped]", async () => {
    const directory = s.directory();
    const sender = Wallet.createRandom();
    await s.networkHelpers.setBalance(sender.address, 10n ** 20n);
    const configure = (policy: object): string => {
      const file = join(directory, "relayer.json");
      writeFileSync(file, JSON.stringify(s.config("data", { opengradient: { policy } })));
      return file;
    };
    program = await startProgram(configure(RESTING), sender.privateKey);
    const answers = [await s.fresh(), await s.fresh(), await s.fresh()];
    const jobs: string[] = [];
    for (const answer of answers) {
      const { status, body } = await client(program.url).settleData("batch", batchPayload(answer, s.rsa));
      expect(status).to.equal(202);
      jobs.push(body.settlementJob.jobId);
    }
    await program.kill("SIGKILL");

    // The call is written and signed, and no node ever hears of it: killed again, right there.
    const state = { heard: 0 };
    s.proxy.rule = ({ method }) =>
      method === "eth_sendRawTransaction" && ++state.heard > 0 ? { kind: "drop" } : undefined;
    program = await startProgram(configure(QUICK), sender.privateKey);
    for (const job of jobs) expect((await client(program.url).job(job)).status).to.be.oneOf(["queued", "processing"]);
    for (let tries = 0; state.heard === 0 && tries < 400; tries++) await sleep(50);
    expect(state.heard).to.be.greaterThan(0);
    await program.kill("SIGKILL");

    s.proxy.rule = () => undefined;
    program = await startProgram(configure(QUICK), sender.privateKey);
    for (const job of jobs) expect((await client(program.url).ended(job)).status).to.equal("succeeded");
    for (const answer of answers) expect(await s.settledCount(answer)).to.equal(1);
    expect((await s.answers.queryFilter(s.answers.filters.AnswerSkipped())).length).to.equal(0);
    expect(await s.ethers.provider.getTransactionCount(sender.address)).to.equal(1);
  });
});
