// SPDX-License-Identifier: MIT
// Where OpenGradient's gateways find our relayer in place of their facilitator: real HTTP, ledger, transactions, contracts.
import { expect } from "chai";
import { Transaction } from "ethers";
import { newRsaKey, pssSignature, type RsaKey } from "../support/rsa.ts";
import { MEASUREMENT } from "../support/world.ts";
import {
  batchPayload,
  individualPayload,
  openService,
  RESTING,
  sleep,
  type Service,
  type ServingRelayer,
} from "./support/opengradient.ts";

describe("a relayer in the place of OpenGradient's facilitator", function () {
  this.timeout(300_000);
  let s: Service;
  let relayer: ServingRelayer;
  /** It waits for ten, its calls are small, and it replaces them soon. */
  let patient: ServingRelayer;
  let short: RsaKey;
  let revoked: RsaKey;

  before(async () => {
    s = await openService();
    [short, revoked] = [newRsaKey(), newRsaKey()];
    await s.admitRsa(short, MEASUREMENT, 90n);
    await s.admitRsa(revoked);
    relayer = await s.start(s.directory());
    patient = await s.start(s.directory(), {
      ...{ settlement: { maxGas: "420000" }, fees: { resubmitAfterMs: 3_000 } },
      opengradient: { policy: { ...RESTING, maxCount: 10 } },
      x402: { token: await s.token.getAddress(), name: "OpenGradient", version: "1", payTo: "any", maxAmount: "1" },
    });
  });
  after(async () => {
    await patient.close();
    await relayer.close();
    await s.close();
  });
  afterEach(() => {
    s.proxy.rule = () => undefined;
    for (const one of [relayer, patient]) expect(one.errors.splice(0)).to.deep.equal([]);
  });

  it("settles an answer from the headers that Python builds, and tells of it in the client's words [R1] [R3]", async () => {
    const answer = await s.fresh();
    const taken = await relayer.settleData("batch", batchPayload(answer, s.rsa));
    expect(taken.status).to.equal(202);
    const { settlementJob } = taken.body;
    expect(settlementJob).to.include({
      queue: "gateway-answers",
      settlementType: "batch",
      requestId: s.answerIdOf(answer),
    });
    expect(settlementJob.jobId).to.equal(`settlement-${s.answerIdOf(answer)}`);
    const done = await relayer.ended(settlementJob.jobId);
    expect(done).to.include({ status: "succeeded", state: "final" });
    expect(done.result).to.include({ success: true, network: "eip155:31337" });
    expect(done.result.settledAt).to.equal(Number(await s.answers.settledAt(s.answerIdOf(answer))));
    const mined = await s.ethers.provider.getTransactionReceipt(done.result.transaction);
    expect(mined!.status).to.equal(1);
    expect((await s.readAnswer(answer)).verified).to.equal(true);
  });

  it("acknowledges duplicates under the same id, and the chain has each answer once [R9] [FM:timeout-resettle] [FM:job-twice]", async () => {
    const answer = await s.fresh();
    const first = await relayer.settleData("batch", batchPayload(answer, s.rsa));
    // Signed anew, so that the bytes differ, and under the other type; then once more when it is settled.
    const again = await relayer.settleData("individual", individualPayload(answer, s.rsa));
    expect([first.status, again.status]).to.deep.equal([202, 202]);
    expect(again.body.settlementJob.jobId).to.equal(first.body.settlementJob.jobId);
    await relayer.ended(first.body.settlementJob.jobId);
    const late = await relayer.settleData(undefined, batchPayload(answer, s.rsa));
    expect(late.body.settlementJob).to.include({ status: "succeeded", jobId: first.body.settlementJob.jobId });
    await sleep(700);
    expect(await s.settledCount(answer)).to.equal(1);
    expect((await s.answers.queryFilter(s.answers.filters.AnswerSkipped())).length).to.equal(0);
  });

  it("checks every signature at the door, against the key that the chain knows by this name [FM:unchecked-evidence]", async () => {
    const answer = await s.fresh();
    const code = async (payload: object) => {
      const { status, body } = await relayer.settleData("batch", payload);
      expect(body.error, "gateways read `error`").to.equal(body.detail);
      return [status, body.code];
    };
    const good = batchPayload(answer, s.rsa);
    expect(await code({ ...good, output_hash: "11".repeat(32) })).to.deep.equal([422, "bad_signature"]);
    expect(await code(batchPayload(answer, s.rsa, pssSignature(s.rsa, s.messageOf(answer), 20)))).to.deep.equal([
      ...[422, "bad_signature"],
    ]);
    expect(await code({ ...good, tee_id: revoked.teeId })).to.deep.equal([422, "bad_signature"]);
    expect(await code(batchPayload(answer, newRsaKey()))).to.deep.equal([422, "unknown_tee"]);
    // The name and the signature that the middleware makes up where a gateway gave none.
    const madeUp = "0xddc21f2d5d0af861b4fc1390df47f1c93bc5aee54e7e31763e97256d56148253";
    expect(await code({ ...good, tee_id: madeUp })).to.deep.equal([422, "unknown_tee"]);
    expect(await code({ ...good, tee_signature: "0x" })).to.deep.equal([400, "bad_tee_signature"]);
    expect((await relayer.get(`/settle/settlement-${s.answerIdOf(answer)}`)).status).to.equal(404);
  });

  it("refuses what the chain would not take: ended, revoked, too old, from the future [FM:validity-at-present]", async () => {
    const refusal = async (over: { timestamp: bigint }, key: RsaKey) =>
      (await relayer.settleData("batch", batchPayload({ ...(await s.fresh()), ...over }, key))).body.code;
    const now = await s.now();
    expect(await refusal({ timestamp: now + 200n }, short)).to.equal("expired_key");
    expect(await refusal({ timestamp: now - 4n * 86_400n }, s.rsa)).to.equal("too_old");
    expect(await refusal({ timestamp: now + 900n }, s.rsa)).to.equal("future_dated");
    expect(await refusal({ timestamp: now - 86_400n }, s.rsa)).to.equal("key_not_yet_valid");
    await s.distrust(s.enclaves, revoked.keyId, await s.now());
    expect(await refusal({ timestamp: await s.now() }, revoked)).to.equal("key_distrusted");
  });

  it("settles the good ones beside a malformed one, and sets aside what the chain leaves out, with its reason [R2] [FM:poison-item]", async () => {
    const other = newRsaKey();
    await s.admitRsa(other, MEASUREMENT, undefined, await s.registerNode());
    const answers = [await s.fresh(), await s.fresh(), await s.fresh(), await s.fresh()];
    const jobs: string[] = [];
    const post = async (index: number, key: RsaKey) =>
      jobs.push((await patient.settleData("batch", batchPayload(answers[index]!, key))).body.settlementJob.jobId);
    await post(0, s.rsa);
    expect((await patient.settleData("batch", "not base64")).body.code).to.equal("malformed_settlement_data");
    await post(1, other);
    await post(2, s.rsa);
    // Good at the door, and bad by the time of its settlement.
    await s.distrust(s.enclaves, other.keyId, await s.now());
    // The last one waits for nobody, and takes the others along.
    const last = await patient.settleData("individual", individualPayload(answers[3]!, s.rsa));
    jobs.push(last.body.settlementJob.jobId);
    const ended = await Promise.all(jobs.map((job) => patient.ended(job)));
    expect(ended.map((job) => job.status)).to.deep.equal(["succeeded", "failed", "succeeded", "succeeded"]);
    expect(ended[1]).to.include({ error: "KeyDistrusted", state: "rejected" });
    expect(ended[1]).to.not.have.property("result");
    // In one call with good ones on either side of it.
    expect(new Set(ended.slice(0, 3).map((job) => job.transactionHash)).size).to.equal(1);
    expect(await s.settledCount(answers[1]!, other)).to.equal(0);
  });

  it("lets individual answers wait for nobody, and takes along those that wait", async () => {
    const [waiting, urgent] = [await s.fresh(), await s.fresh()];
    const first = await patient.settleData("batch", batchPayload(waiting, s.rsa));
    await sleep(500);
    expect(await patient.job(first.body.settlementJob.jobId)).to.include({ status: "queued", transactionHash: null });
    const second = await patient.settleData("individual", individualPayload(urgent, s.rsa));
    const done = await patient.ended(second.body.settlementJob.jobId);
    expect(done).to.include({ status: "succeeded", settlementType: "individual" });
    expect((await patient.ended(first.body.settlementJob.jobId)).transactionHash).to.equal(done.transactionHash);
  });

  it("makes as many calls as gas requires, each at what it needs [FM:fixed-gas] [FM:unbounded-loop]", async () => {
    const answers = await Promise.all(Array.from({ length: 10 }, () => s.fresh()));
    const jobs: string[] = [];
    for (const answer of answers)
      jobs.push((await patient.settleData("batch", batchPayload(answer, s.rsa))).body.settlementJob.jobId);
    const ended = await Promise.all(jobs.map((job) => patient.ended(job)));
    expect(ended.map((job) => job.status)).to.deep.equal(Array(10).fill("succeeded"));
    const hashes = [...new Set(ended.map((job) => job.result.transaction as string))];
    expect(hashes.length).to.equal(3);
    const limits = await Promise.all(hashes.map(async (hash) => (await s.ethers.provider.getTransaction(hash))!));
    for (const { type, gasLimit } of limits) {
      expect(type).to.equal(2);
      expect(gasLimit < 700_000n, String(gasLimit)).to.equal(true);
    }
    // Four, four and two answers: estimated, not the same for all.
    expect(limits.some(({ gasLimit }) => gasLimit < 300_000n)).to.equal(true);
  });

  it("acknowledges what is private, and neither keeps it nor puts it on chain", async () => {
    const before = await relayer.get("/usage");
    const nonce = await s.ethers.provider.getTransactionCount(relayer.sender);
    const answer = await s.fresh();
    for (const payload of [undefined, batchPayload(answer, s.rsa)]) {
      const { status, body } = await relayer.settleData("private", payload);
      expect([status, body.settlementJob]).to.deep.equal([200, null]);
    }
    await sleep(600);
    expect((await relayer.get(`/settle/settlement-${s.answerIdOf(answer)}`)).status).to.equal(404);
    expect((await relayer.get("/usage")).body).to.deep.equal(before.body);
    expect(await s.ethers.provider.getTransactionCount(relayer.sender)).to.equal(nonce);
    expect((await relayer.get("/metrics")).body).to.include("relayer_gateway_private_total 2");
  });

  it("carries so many answers of one key a minute and no more, whoever runs the enclave, and none twice [R8]", async () => {
    const dear = await s.start(s.directory(), { opengradient: { answersPerMinutePerKey: 2, policy: RESTING } });
    try {
      const [one, two, three] = [await s.fresh(), await s.fresh(), await s.fresh()];
      expect((await dear.settleData("batch", batchPayload(one, s.rsa))).status).to.equal(202);
      for (let i = 0; i < 3; i++) {
        // Known, or not the enclave's own words: neither costs its owner anything.
        expect((await dear.settleData("batch", batchPayload(one, s.rsa))).status).to.equal(202);
        const forged = batchPayload(two, s.rsa, Buffer.alloc(256, 7));
        expect((await dear.settleData("batch", forged)).body.code).to.equal("bad_signature");
      }
      expect((await dear.settleData("batch", batchPayload(two, s.rsa))).status).to.equal(202);
      const refused = await dear.settleData("batch", batchPayload(three, s.rsa));
      expect([refused.status, refused.body.code]).to.deep.equal([429, "quota_exceeded"]);
      expect(Number(refused.headers.get("retry-after"))).to.be.within(1, 30);
      expect((await dear.settleData("batch", batchPayload(await s.fresh(), short))).status, "another key").to.equal(
        202,
      );
      // Asked without end, the ledger is counted once a second.
      const asked = await Promise.all(Array.from({ length: 20 }, () => dear.get("/usage")));
      expect(new Set(asked.map(({ body }) => JSON.stringify(body))).size).to.be.at.most(2);
    } finally {
      await dear.close();
    }
  });

  it("counts its answers by state, and serves the small paths that gateways ask", async () => {
    const metrics = String((await relayer.get("/metrics")).body);
    expect(metrics).to.match(/relayer_gateway_answers\{state="final"\} [1-9]/);
    expect((await relayer.get("/health")).body).to.deep.equal({ status: "ok" });
    expect((await relayer.get("/supported")).body).to.deep.equal({ kinds: [], extensions: [], signers: {} });
    const { totalRequests, daily } = (await relayer.get("/usage")).body;
    expect(daily.length).to.equal(30);
    expect(daily.at(-1).requestCount + daily.at(-2).requestCount).to.equal(totalRequests);
    for (const id of ["payment-1", "settlement-1", "0x12", "settlement-0x" + "ab".repeat(32), "%00"])
      expect((await relayer.get(`/settle/${id}`)).status, id).to.equal(404);
  });

  it("leaves the paths of x402 to its facilitator, where there is one, with the limit that it has there [FM:x402-late-limit]", async () => {
    expect((await patient.get("/supported")).body.kinds[0]).to.include({ scheme: "exact", network: "eip155:31337" });
    for (const [path, own] of [
      ["/settle", false],
      ["/verify", false],
      ["/heartbeat", true],
    ] as const) {
      const init = { method: "POST", headers: { "content-type": "application/json" }, body: "[]" };
      const answer = await fetch(patient.url + path, init);
      const body = (await answer.json()) as object;
      expect([answer.status, "error" in body], path).to.deep.equal([400, own]);
    }
    expect((await relayer.get("/verify")).status, "there is none").to.equal(404);
  });

  it("names the largest header it reads, which holds a whole answer [FM:poison-item]", async () => {
    const answer = await s.fresh();
    const large = { ...individualPayload(answer, s.rsa), output: "x".repeat(20_000) };
    const taken = await relayer.settleData("individual", large);
    expect(taken.status).to.equal(202);
    expect((await relayer.ended(taken.body.settlementJob.jobId)).status).to.equal("succeeded");
    const refused = await relayer.settleData("individual", { ...large, output: "x".repeat(30_000) });
    expect([refused.status, refused.body.code]).to.deep.equal([431, "header_too_large"]);
    // Beyond that nobody reads it at all, whatever it says.
    expect((await relayer.settleData("private", "x".repeat(80_000))).status).to.equal(431);
  });

  it("settles nothing by a root: neither theirs nor one of its own is ever sent [FM:root-from-caller]", async () => {
    const root = { merkle_root: `0x${"11".repeat(32)}`, batch_size: 2, walrus_blob_id: "blob" };
    for (const type of ["batch", "individual"]) {
      const { status, body } = await relayer.settleData(type, root);
      expect([status, body.code]).to.deep.equal([400, "bad_tee_id"]);
    }
    const sent = s.proxy.calls.filter(({ method }) => method === "eth_sendRawTransaction");
    expect(sent.length).to.be.greaterThan(3);
    const settleAnswers = s.answers.interface.getFunction("settleAnswers").selector;
    const heartbeat = s.heartbeats.interface.getFunction("heartbeat").selector;
    for (const { params } of sent)
      expect([settleAnswers, heartbeat]).to.include(Transaction.from(params[0] as string).data.slice(0, 10));
    expect((await s.registry.queryFilter(s.registry.filters.BatchSettled())).length).to.equal(0);
  });

  it("looks up what it sent where the node's reply was lost, and settles nothing twice [FM:timeout-resettle] [FM:failed-send-landed]", async () => {
    let lost = 0;
    s.proxy.rule = ({ method }) =>
      method === "eth_sendRawTransaction" && lost++ < 1 ? { kind: "lose_reply" } : undefined;
    const nonce = await s.ethers.provider.getTransactionCount(relayer.sender);
    const answer = await s.fresh();
    const { body } = await relayer.settleData("batch", batchPayload(answer, s.rsa));
    expect((await relayer.ended(body.settlementJob.jobId)).status).to.equal("succeeded");
    expect(lost).to.be.greaterThan(0);
    expect(await s.settledCount(answer)).to.equal(1);
    expect(await s.ethers.provider.getTransactionCount(relayer.sender)).to.equal(nonce + 1);
  });

  it("leaves no gap where a broadcast failed: later answers settle too [FM:nonce-gap]", async () => {
    let dropped = 0;
    s.proxy.rule = ({ method }) =>
      method === "eth_sendRawTransaction" && dropped++ < 2 ? { kind: "drop" } : undefined;
    const nonce = await s.ethers.provider.getTransactionCount(relayer.sender);
    const jobs: string[] = [];
    for (let i = 0; i < 3; i++) {
      const payload = individualPayload(await s.fresh(), s.rsa);
      jobs.push((await relayer.settleData("individual", payload)).body.settlementJob.jobId);
      await sleep(200);
    }
    const ended = await Promise.all(jobs.map((job) => relayer.ended(job)));
    expect(ended.map((job) => job.status)).to.deep.equal(Array(3).fill("succeeded"));
    expect(dropped).to.be.greaterThan(2);
    const calls = new Set(ended.map((job) => job.result.transaction)).size;
    expect(await s.ethers.provider.getTransactionCount(relayer.sender)).to.equal(nonce + calls);
  });

  it("replaces a call that is stuck by a dearer one [FM:fixed-gas]", async () => {
    const seen: Transaction[] = [];
    s.proxy.rule = ({ method, params }) => {
      if (method !== "eth_sendRawTransaction") return undefined;
      const sent = Transaction.from(params[0] as string);
      if (sent.from === patient.sender) seen.push(sent);
      // The first form is taken and forgotten.
      return sent.from === patient.sender && sent.hash === seen[0]!.hash
        ? { kind: "answer", result: sent.hash }
        : undefined;
    };
    const answer = await s.fresh();
    const { body } = await patient.settleData("individual", individualPayload(answer, s.rsa));
    const done = await patient.ended(body.settlementJob.jobId);
    expect(done.status).to.equal("succeeded");
    const landed = seen.find(({ hash }) => hash === done.result.transaction)!;
    expect(landed.nonce).to.equal(seen[0]!.nonce);
    expect(landed.maxFeePerGas! * 100n >= seen[0]!.maxFeePerGas! * 110n).to.equal(true);
  });

  it("says that it does not know while the chain cannot be asked [FM:outage-not-found]", async () => {
    const payload = batchPayload(await s.fresh(), s.rsa);
    s.proxy.rule = ({ method }) => (method === "eth_call" ? { kind: "http", status: 502 } : undefined);
    const { status, body } = await relayer.settleData("batch", payload);
    expect([status, body.code]).to.deep.equal([503, "chain_unavailable"]);
    s.proxy.rule = () => undefined;
    expect((await relayer.settleData("batch", payload)).status).to.equal(202);
    relayer.errors.splice(0);
  });

  it("refuses to start over contracts that are not of its registry", async () => {
    const codeOf = (over: object): Promise<string | null> =>
      s.start(s.directory(), { opengradient: over }).then(
        (started) => started.close().then(() => null),
        (error: { code: string }) => error.code,
      );
    expect(await codeOf({ gatewayAnswers: s.places.enclaveHeartbeats })).to.equal("wrong_contract");
    expect(await codeOf({ enclaveHeartbeats: `0x${"77".repeat(20)}` })).to.equal("wrong_contract");
    const other = await s.ethers.deployContract("EnclaveHeartbeats", [await s.answers.getAddress()]);
    expect(await codeOf({ enclaveHeartbeats: await other.getAddress() })).to.equal("wrong_contract");
  });
});
