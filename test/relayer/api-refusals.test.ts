// SPDX-License-Identifier: MIT
import { expect } from "chai";
import * as protocol from "../../relayer/protocol/index.ts";
import type { Hex, Receipt } from "../../relayer/protocol/index.ts";
import * as groth16 from "../support/groth16.ts";
import {
  batchBody,
  domain,
  makeChain,
  makeKey,
  makeReceipt,
  nowSeconds,
  random,
  receiptBody,
  removeDir,
  startRelayer,
  tempDir,
  type Answer,
  type RunningRelayer,
} from "./support/relayer.ts";

const DAY = 86_400n;

describe("relayer API: what is refused, and as what", () => {
  const chain = makeChain();
  const key = chain.addKey(makeKey());
  const model = chain.addModel(1);
  const dataDir = tempDir();
  let relayer: RunningRelayer;
  before(async () => {
    relayer = await startRelayer(chain, dataDir, { http: { maxBodyBytes: 200_000, maxReceipts: 20 } });
  });
  after(async () => {
    await relayer.close();
    removeDir(dataDir);
  });
  afterEach(() => {
    chain.state.down = false;
    expect(relayer.errors).to.deep.equal([]);
  });

  const receipt = (over: Partial<Receipt> = {}): Receipt => makeReceipt(key, model, over);
  const postReceipt = (one: Receipt): Promise<Answer> => relayer.post("/v1/receipts", receiptBody(key, one));
  function refused(answer: Answer, status: number, code: string, positions?: number[]): void {
    expect(answer.body).to.include({ status, code });
    expect(answer.status).to.equal(status);
    expect(answer.headers.get("content-type")).to.equal("application/problem+json");
    if (positions) expect(answer.body.positions).to.deep.equal(positions);
  }

  it("refuses malformed bodies before anything is computed, naming the field [FM:poison-item]", async () => {
    const good = receiptBody(key, receipt());
    const wrong: [object, string][] = [
      [{ requestId: "0x12" }, "receipt.requestId"],
      [{ requestId: good.receipt.requestId.toUpperCase().replace("0X", "0x") }, "receipt.requestId"],
      [{ payer: `0x${"g".repeat(40)}` }, "receipt.payer"],
      [{ sequence: 1 }, "receipt.sequence"],
      [{ sequence: "01" }, "receipt.sequence"],
      [{ sequence: "-1" }, "receipt.sequence"],
      [{ sequence: (1n << 64n).toString() }, "receipt.sequence"],
      [{ cumulativeFee: (1n << 128n).toString() }, "receipt.cumulativeFee"],
      [{ completedAt: "soon" }, "receipt.completedAt"],
      // As long as the largest number, and none: it is not to be read as one.
      [{ sequence: "x".repeat(20) }, "receipt.sequence"],
      [{ cumulativeFee: "x".repeat(39) }, "receipt.cumulativeFee"],
      [{ mode: 1.5 }, "receipt.mode"],
      [{ outputScheme: 256 }, "receipt.outputScheme"],
      [{ surprise: 1 }, "receipt"],
    ];
    for (const [change, path] of wrong) {
      const answer = await relayer.post("/v1/receipts", { ...good, receipt: { ...good.receipt, ...change } });
      refused(answer, 400, "malformed");
      expect(answer.body.errors[0].path, JSON.stringify(change)).to.equal(path);
    }
    refused(await relayer.post("/v1/receipts", "{"), 400, "malformed");
    refused(await relayer.post("/v1/receipts", "null"), 400, "malformed");
    refused(await relayer.post("/v1/receipts", { ...good, signature: "0x" }), 400, "malformed");
    refused(await relayer.get("/v1/receipts/0x12"), 400, "malformed");
    refused(await relayer.get("/v1/nothing"), 404, "not_found");
    expect((await relayer.post("/v1/receipts", good)).status).to.equal(201);
  });

  it("refuses bodies of another type or beyond its size, streamed ones too [R8]", async () => {
    const body = JSON.stringify(receiptBody(key, receipt()));
    const plain = await fetch(`${relayer.url}/v1/receipts`, { method: "POST", body });
    expect(plain.status).to.equal(415);
    refused(await relayer.post("/v1/batches", " ".repeat(200_001)), 413, "too_large");
    const endless = new ReadableStream({
      pull: (controller) => controller.enqueue(new TextEncoder().encode(" ".repeat(65_536))),
    });
    const headers = { "content-type": "application/json" };
    const streamed = await fetch(`${relayer.url}/v1/batches`, {
      ...{ method: "POST", headers, body: endless, duplex: "half" },
    } as RequestInit).then(
      (answer) => answer.status,
      () => 413, // the connection is cut while it still sends
    );
    expect(streamed).to.equal(413);
    const many = Array.from({ length: 21 }, () => receipt());
    refused(await relayer.post("/v1/batches", batchBody(key, many).body), 400, "malformed");
  });

  it("refuses unknown, ended, future and compromised keys, each by its name [R4] [FM:validity-at-present]", async () => {
    const stranger = makeKey();
    refused(
      await relayer.post("/v1/receipts", receiptBody(stranger, makeReceipt(stranger, model))),
      422,
      "unknown_key",
    );
    const ended = chain.addKey(makeKey(), { validUntil: nowSeconds() - 100n });
    refused(await relayer.post("/v1/receipts", receiptBody(ended, makeReceipt(ended, model))), 422, "expired_key");
    // What was completed while the key lived stays good, whatever became of the key since.
    const before = makeReceipt(ended, model, { completedAt: nowSeconds() - 101n });
    expect((await relayer.post("/v1/receipts", receiptBody(ended, before))).status).to.equal(201);
    const young = chain.addKey(makeKey(), { validFrom: nowSeconds() + 60n });
    refused(
      await relayer.post("/v1/receipts", receiptBody(young, makeReceipt(young, model))),
      422,
      "key_not_yet_valid",
    );
    const stolen = chain.addKey(makeKey(), { distrustedFrom: nowSeconds() - 1n });
    refused(await relayer.post("/v1/receipts", receiptBody(stolen, makeReceipt(stolen, model))), 422, "key_distrusted");
    const enclave = chain.addKey(makeKey(1));
    refused(
      await relayer.post("/v1/receipts", receiptBody(enclave, makeReceipt(enclave, model))),
      422,
      "key_forbids_mode",
    );
  });

  it("refuses future-dated and too old receipts [R4]", async () => {
    refused(await postReceipt(receipt({ completedAt: nowSeconds() + 400n })), 422, "future_dated");
    expect((await postReceipt(receipt({ completedAt: nowSeconds() + 200n }))).status).to.equal(201);
    refused(await postReceipt(receipt({ completedAt: nowSeconds() - 3n * DAY - 10n })), 422, "too_old");
    const mixed = [receipt(), receipt({ completedAt: nowSeconds() + 400n }), receipt()];
    refused(await relayer.post("/v1/batches", batchBody(key, mixed).body), 422, "future_dated", [1]);
  });

  it("refuses unknown models, modes they do not allow, and images that were not approved [R4]", async () => {
    refused(await postReceipt(makeReceipt(key, random())), 422, "unknown_model");
    refused(await postReceipt(makeReceipt(key, chain.addModel(4))), 422, "model_forbids_mode");
    const bad = chain.addModel(1, { distrustedFrom: 1n });
    refused(await postReceipt(makeReceipt(key, bad)), 422, "model_distrusted");
    const blocked = chain.addModel(1, { blockedFrom: nowSeconds() - 1n });
    refused(await postReceipt(makeReceipt(key, blocked)), 422, "consent_withdrawn");
    const announced = chain.addModel(1, { blockedFrom: nowSeconds() + 400n });
    expect((await postReceipt(makeReceipt(key, announced))).status).to.equal(201);
    refused(await postReceipt(receipt({ mode: 3 })), 422, "unknown_mode");
    refused(await postReceipt(receipt({ outputScheme: 3 })), 422, "unknown_output_scheme");
    const enclave = chain.addKey(makeKey(1));
    const tee = chain.addModel(4);
    const answer = makeReceipt(enclave, tee, { mode: 2 });
    refused(await relayer.post("/v1/receipts", receiptBody(enclave, answer)), 422, "measurement_not_approved");
    chain.measurements.set(`${enclave.keyId} ${tee}`, {
      ...{ approvedFrom: 1n, approvedUntil: nowSeconds() + DAY, distrustedFrom: 2n ** 256n - 1n, frozenUntil: 0n },
    });
    chain.keys.set(enclave.keyId, { ...chain.keys.get(enclave.keyId)! });
    expect((await relayer.post("/v1/receipts", receiptBody(enclave, answer))).status).to.equal(201);
  });

  it("refuses signatures that are not the key's, over anything else, or for another chain [FM:unchecked-evidence]", async () => {
    const one = receipt();
    const other = makeKey();
    const good = receiptBody(key, one);
    const forged = other.sign(protocol.receiptId(domain, one));
    refused(await relayer.post("/v1/receipts", { ...good, signature: forged }), 422, "bad_signature");
    const tampered = { ...good.receipt, cumulativeFee: "1" };
    refused(await relayer.post("/v1/receipts", { ...good, receipt: tampered }), 422, "bad_signature");
    const elsewhere = { ...domain, chainId: 8453n };
    const foreign = key.sign(protocol.receiptId(elsewhere, one));
    refused(await relayer.post("/v1/receipts", { ...good, signature: foreign }), 422, "bad_signature");
    const claim = { chainId: "8453", verifyingContract: domain.verifyingContract };
    refused(await relayer.post("/v1/receipts", { ...good, signature: foreign, domain: claim }), 422, "wrong_chain");
    const registry = { chainId: "31337", verifyingContract: protocol.ZERO_ADDRESS };
    refused(await relayer.post("/v1/receipts", { ...good, domain: registry }), 422, "wrong_chain");
    const { body } = batchBody(key, [receipt(), receipt()]);
    refused(await relayer.post("/v1/batches", { ...body, signature: forged }), 422, "bad_signature");
    refused(await relayer.post("/v1/batches", { ...body, domain: claim }), 422, "wrong_chain");
  });

  it("refuses a batch whose leaves are not what was signed, each way apart [R2] [FM:unchecked-evidence]", async () => {
    const three = [receipt(), receipt(), receipt()];
    const post = (over: object, from = three): Promise<Answer> =>
      relayer.post("/v1/batches", batchBody(key, from, over).body);
    refused(await post({ count: 4 }), 422, "count_mismatch");
    refused(await post({ count: 0 }), 400, "malformed");
    refused(await post({ root: random() }), 422, "root_mismatch");
    refused(await post({ dataHash: random() }), 422, "data_hash_mismatch");
    const { body } = batchBody(key, three);
    refused(await relayer.post("/v1/batches", { ...body, receipts: [] }), 400, "malformed");
    const swapped = [body.receipts[1], body.receipts[0], body.receipts[2]];
    refused(await relayer.post("/v1/batches", { ...body, receipts: swapped }), 422, "root_mismatch");
    const foreign = body.receipts.with(2, receiptBody(makeKey(), { ...three[2]!, keyId: random() }));
    refused(await relayer.post("/v1/batches", { ...body, receipts: foreign }), 422, "foreign_leaf", [2]);
    const repeated = [three[0]!, three[1]!, three[0]!];
    refused(await post({}, repeated), 400, "duplicate_receipt", [2]);
    const zkml = three.map((one) => ({ ...one, mode: 1, outputScheme: 2 }));
    refused(await post({}, zkml), 422, "unknown_mode");
  });

  it("answers a repetition with the stored state, and a contradiction with equivocation [R9]", async () => {
    const one = receipt();
    const first = await postReceipt(one);
    const again = await postReceipt(one);
    expect([first.status, again.status]).to.deep.equal([201, 200]);
    expect(again.body).to.deep.equal(first.body);
    const contradiction = { ...one, outputHash: random() };
    refused(await postReceipt(contradiction), 409, "equivocation");

    const two = [receipt(), receipt()];
    const { body, digest } = batchBody(key, two);
    expect((await relayer.post("/v1/batches", body)).status).to.equal(201);
    const repeated = await relayer.post("/v1/batches", body);
    expect(repeated.status).to.equal(200);
    expect(repeated.body).to.deep.equal({ digest, count: 2, state: "verified", reason: null });
    // On its way in a batch, it is not carried a second time alone.
    const alone = await postReceipt(two[1]!);
    expect([alone.status, alone.body.state]).to.deep.equal([200, "verified"]);
    const bent = [receipt(), { ...two[1]!, inputHash: random() }];
    refused(await relayer.post("/v1/batches", batchBody(key, bent).body), 409, "equivocation", [1]);
    refused(await postReceipt({ ...two[0]!, cumulativeFee: 5n }), 409, "equivocation");
    refused(await relayer.post("/v1/batches", batchBody(key, [contradiction]).body), 409, "equivocation", [0]);
    // Another key may answer the same request, and a receipt may be in two batches.
    const colleague = chain.addKey(makeKey());
    const theirs = makeReceipt(colleague, model, { requestId: one.requestId });
    expect((await relayer.post("/v1/receipts", receiptBody(colleague, theirs))).status).to.equal(201);
    expect((await relayer.post("/v1/batches", batchBody(key, [two[0]!]).body)).status).to.equal(201);
  });

  it("says that it does not know while the chain cannot be asked, never that there is none [FM:outage-not-found]", async () => {
    const stranger = makeKey();
    chain.state.down = true;
    for (const body of [receiptBody(key, receipt()), receiptBody(stranger, makeReceipt(stranger, model))]) {
      const answer = await relayer.post("/v1/receipts", body);
      refused(answer, 503, "chain_unavailable");
      expect(Number(answer.headers.get("retry-after"))).to.be.greaterThan(0);
    }
    refused(await relayer.post("/v1/batches", batchBody(key, [receipt()]).body), 503, "chain_unavailable");
    refused(await relayer.get("/readyz"), 503, "chain_unavailable");
    expect((await relayer.get("/healthz")).status).to.equal(200);
  });

  describe("proofs", () => {
    const setup = groth16.makeSetup(3, "relayer api");
    const zkml = chain.addModel(2);
    chain.verifyingKeys.set(zkml, protocol.fromHex(groth16.keyBytes(setup)));

    function proved(count: number, change: (receipt: Receipt, index: number) => Receipt = (one) => one) {
      const made = Array.from({ length: count }, (_, index) => {
        const [input, output] = [groth16.scalar(`in ${index}`), groth16.scalar(`out ${index}`)];
        const hashes = { inputHash: protocol.signalInputHash(input), outputHash: protocol.circuitOutputHash([output]) };
        const one = change(receipt({ ...hashes, modelId: zkml, mode: 1, outputScheme: 2 }), index);
        const binding = protocol.bindingOf(protocol.receiptId(domain, one));
        const proof = groth16.prove(setup, [input, output, binding], 5n + BigInt(index), 7n);
        return { one, evidence: groth16.itemEvidence(proof, [input, output]) as Hex };
      });
      const receipts = made.map(({ one }) => one);
      const { body, digest } = batchBody(key, receipts);
      const evidence: Hex = `0x${made.map((item) => item.evidence.slice(2)).join("")}`;
      return { body: { ...body, modelId: zkml, evidence }, digest, made };
    }
    const post = (body: object): Promise<Answer> => relayer.post("/v1/proofs", body);

    it("refuses coordinates and signals at or above their modulus [ZK4] [FM:signal-range]", async () => {
      const { body } = proved(2);
      const words = 8 + 2;
      const bend = (word: number, value: bigint): object => ({
        ...body,
        evidence: groth16.withWord(body.evidence, word, value),
      });
      refused(await post(bend(0, groth16.P)), 422, "out_of_field");
      refused(await post(bend(words + 8, groth16.R)), 422, "out_of_field");
      refused(await post(bend(words + 9, groth16.wordAt(body.evidence, words + 9) + groth16.R)), 422, "out_of_field");
    });

    it("refuses evidence of another length, for another model, or that says something else [R2]", async () => {
      const { body, made } = proved(2);
      refused(await post({ ...body, evidence: body.evidence.slice(0, -64) }), 422, "malformed_evidence");
      refused(await post({ ...body, evidence: made[0]!.evidence }), 422, "malformed_evidence");
      refused(await post({ ...body, evidence: "0x" }), 422, "malformed_evidence");
      refused(await post({ ...body, evidence: "0x1" }), 400, "malformed");
      refused(await post({ ...body, modelId: random() }), 422, "wrong_model", [0, 1]);
      const lying = proved(3, (one, index) => (index === 1 ? { ...one, outputHash: random() } : one));
      refused(await post(lying.body), 422, "signal_mismatch", [1]);
      const text = proved(1, (one) => ({ ...one, outputScheme: 0 }));
      refused(await post(text.body), 422, "unknown_output_scheme", [0]);
      refused(await post({ ...body, signature: makeKey().sign(random()) }), 422, "bad_signature");
      const single = { ...receiptBody(key, made[0]!.one) };
      refused(await relayer.post("/v1/receipts", single), 422, "mode_needs_proof");
      const vanilla = { ...receiptBody(key, receipt()), evidence: made[0]!.evidence };
      refused(await relayer.post("/v1/receipts", vanilla), 422, "unexpected_evidence");
    });

    it("checks proofs in child processes, and says which of a batch do not hold [R2] [FM:unchecked-evidence]", async () => {
      const good = proved(3);
      expect((await post(good.body)).body.state).to.equal("received");
      const bad = proved(3);
      // A valid proof of the same signals for another receipt: everything but its binding is right.
      const [first, , third] = bad.made;
      const evidence = `${first!.evidence}${good.made[1]!.evidence.slice(2)}${third!.evidence.slice(2)}`;
      const accepted = await post({ ...bad.body, evidence });
      expect(accepted.status).to.equal(201);
      const settledState = async (digest: Hex): Promise<Answer["body"]> => {
        for (let tries = 0; tries < 200; tries++) {
          const { body } = await relayer.get(`/v1/batches/${digest}`);
          if (body.state !== "received") return body;
          await new Promise((resolve) => setTimeout(resolve, 50));
        }
        throw new Error("the proofs were never checked");
      };
      expect(await settledState(good.digest)).to.include({ state: "verified", reason: null });
      const rejected = await settledState(bad.digest);
      expect(rejected).to.deep.include({ state: "rejected", reason: "InvalidProof", invalid: [1] });
      const id = protocol.receiptId(domain, bad.made[0]!.one);
      expect((await relayer.get(`/v1/receipts/${id}`)).body).to.include({ state: "rejected", reason: "InvalidProof" });
      // Its good receipts may come again, alone or in another batch.
      const single = { ...receiptBody(key, first!.one), evidence: first!.evidence };
      expect((await relayer.post("/v1/receipts", single)).status).to.equal(201);
    }).timeout(30_000);
  });
});

describe("relayer API: rate", () => {
  it("lets an address make so many requests and names the time to wait [R8]", async () => {
    const chain = makeChain();
    const dataDir = tempDir();
    const relayer = await startRelayer(chain, dataDir, { http: { requestsPerSecond: 0.5, burst: 3 } });
    try {
      const statuses: number[] = [];
      for (let n = 0; n < 4; n++) statuses.push((await relayer.get(`/v1/receipts/${random()}`)).status);
      expect(statuses).to.deep.equal([404, 404, 404, 429]);
      const refused = await relayer.get(`/v1/receipts/${random()}`);
      expect(refused.body.code).to.equal("rate_limited");
      expect(Number(refused.headers.get("retry-after"))).to.be.within(1, 2);
      expect((await relayer.get("/healthz")).status).to.equal(200);
    } finally {
      await relayer.close();
      removeDir(dataDir);
    }
  });
});
