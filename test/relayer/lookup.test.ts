// SPDX-License-Identifier: MIT
// The gateway as contracts meet it: a relayer with its ledger, a chain, HTTP between all of them.
import { expect } from "chai";
import { Interface, JsonRpcProvider, parseEther, Wallet } from "ethers";
import fc from "fast-check";
import { artifacts } from "hardhat";
import { createRelayer, type Relayer } from "../../relayer/app.ts";
import { receiptToWire } from "../../relayer/api/schemas.ts";
import { makeBatch } from "../../relayer/batches/seal.ts";
import { parseConfig } from "../../relayer/config/index.ts";
import { sendWithLookup } from "../../relayer/consumer/index.ts";
import { answers, preferred } from "../../relayer/lookup/matching.ts";
import { decodeQuery, encodeQuery, inferenceLookup, type LookupPolicy, Origin } from "../../relayer/lookup/messages.ts";
import * as protocol from "../../relayer/protocol/index.ts";
import type { Hex, Receipt } from "../../relayer/protocol/index.ts";
import { RiskScores__factory, type RiskScores } from "../../typechain/index.ts";
import { deployConsumer, evidenceFor, Mode, type Consumer } from "../consumer/support.ts";
import { openHttpDoor } from "../support/http-door.ts";
import { random, removeDir, request, tempDir } from "./support/relayer.ts";

const HOUR = 3_600n;
const WEEK = 7 * 86_400_000;
const sleep = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms));

describe("the relayer's gateway for look-ups", () => {
  let c: Consumer;
  let door: Awaited<ReturnType<typeof openHttpDoor>>;
  let provider: JsonRpcProvider;
  let signer: Wallet;
  /** Carries at once; and one that keeps what it has verified to itself. */
  let carrying: { relayer: Relayer; scores: RiskScores };
  let resting: { relayer: Relayer; scores: RiskScores };
  const closers: (() => Promise<unknown> | void)[] = [];
  let place = 0x1000n;

  before(async () => {
    c = await deployConsumer();
    door = await openHttpDoor(c.connection.provider);
    provider = new JsonRpcProvider(door.url, 31337, { staticNetwork: true, cacheTimeout: -1, batchMaxCount: 1 });
    provider.pollingInterval = 50;
    signer = new Wallet(Wallet.createRandom().privateKey, provider);
    await c.networkHelpers.setBalance(signer.address, parseEther("100"));
    carrying = await start({ maxCount: 20, patientMs: 50, impatientMs: 100 });
    resting = await start({ maxCount: 1_000_000, patientMs: WEEK, impatientMs: WEEK });
  });
  after(async () => {
    for (const close of closers.reverse()) await close();
    provider.destroy();
    await door.close();
    await c.connection.close();
  });

  async function start(policy: { maxCount: number; patientMs: number; impatientMs: number }) {
    const dataDir = tempDir();
    const sender = new Wallet(Wallet.createRandom().privateKey);
    await c.networkHelpers.setBalance(sender.address, parseEther("100"));
    const registry = await c.registry.getAddress();
    const config = parseConfig({
      chain: {
        ...{ chainId: 31337, registry: registry.toLowerCase(), rpcUrls: [door.url] },
        ...{ finality: { confirmations: 1 }, pollMs: 50, cacheMs: 0 },
      },
      http: { port: 0, requestsPerSecond: 1_000, burst: 1_000, batchesPerMinutePerKey: 10_000 },
      store: { dataDir },
      settlement: { policy, sweepMs: 50, retryMs: 100 },
    });
    const log = { info: () => undefined, warn: () => undefined, error: () => undefined };
    const relayer = await createRelayer(config, {
      signer: { address: sender.address, signTransaction: (transaction) => sender.signTransaction(transaction) },
      log,
    });
    closers.push(async () => {
      await relayer.close();
      removeDir(dataDir);
    });
    const urls = [`${relayer.url}/v1/lookup/{sender}/{data}`];
    const deployed = await c.ethers.deployContract("RiskScores", [registry, urls, c.provedModel, HOUR]);
    return { relayer, scores: RiskScores__factory.connect(await deployed.getAddress(), signer) };
  }

  const domain = async () => ({
    chainId: 31337n,
    verifyingContract: (await c.registry.getAddress()).toLowerCase() as Hex,
  });
  const sign = (digest: Hex): Hex => c.key.signingKey.sign(digest).serialized as Hex;
  async function proved(input: bigint, outputs: bigint[], over: Partial<Receipt> = {}) {
    const fields = await c.receipt({ keyId: c.keyId, modelId: c.provedModel, mode: Mode.ZKML, outputScheme: 2 });
    const receipt: Receipt = {
      ...(fields as unknown as Receipt),
      ...{ payer: fields.payer.toLowerCase() as Hex, inputHash: protocol.signalInputHash(input) },
      ...{ outputHash: protocol.circuitOutputHash(outputs), ...over },
    };
    const id = protocol.receiptId(await domain(), receipt);
    return { receipt, id, signature: sign(id), evidence: evidenceFor(id, input, outputs) as Hex };
  }
  type Proved = Awaited<ReturnType<typeof proved>>;
  const post = async (relayer: Relayer, path: string, body: unknown) => {
    const headers = { "content-type": "application/json" };
    const said = await request(relayer.url + path, { method: "POST", headers, body: JSON.stringify(body) });
    if (said.status !== 201) throw new Error(JSON.stringify(said.body));
  };
  const wire = ({ receipt, signature }: Proved) => ({ receipt: receiptToWire(receipt), signature });
  const hand = (relayer: Relayer, one: Proved) =>
    post(relayer, "/v1/receipts", { ...wire(one), evidence: one.evidence });
  async function handBatch(relayer: Relayer, all: Proved[]) {
    const { batch } = makeBatch(
      await domain(),
      all.map(({ receipt }) => receipt),
      `0x${"55".repeat(20)}`,
    );
    const signature = sign(protocol.batchDigest(await domain(), batch));
    const evidence = `0x${all.map((one) => one.evidence.slice(2)).join("")}`;
    await post(relayer, "/v1/proofs", { batch, modelId: c.provedModel, signature, receipts: all.map(wire), evidence });
  }
  async function until(relayer: Relayer, id: Hex, ...states: string[]): Promise<void> {
    for (let tries = 0; tries < 200; tries++) {
      const { body } = await request(`${relayer.url}/v1/receipts/${id}`);
      if (states.includes(body.state)) return;
      await sleep(50);
    }
    throw new Error(`${id} never was ${states.join(" or ")}`);
  }
  const policyFor = (input: bigint, over: Partial<LookupPolicy> = {}): LookupPolicy => ({
    ...{ modes: 1 << Mode.ZKML, modelIds: [c.provedModel as Hex], origins: Origin.INPUT },
    ...{ inputHash: protocol.signalInputHash(input), requestId: protocol.ZERO_HASH, keyIds: [] },
    ...{ contextHash: protocol.ZERO_HASH, maxAge: HOUR, minSettled: 0n, ...over },
  });
  const ask = (relayer: Relayer, policy: LookupPolicy) =>
    request(`${relayer.url}/v1/lookup/0x${"ab".repeat(20)}/${encodeQuery({ question: "0x", policy })}`);
  const allowed = (relayer: Relayer) => ({ allowedHosts: [new URL(relayer.url).host] });
  const word = (input: bigint) => protocol.signalInputHash(input);

  it("answers a read through stock ethers from settled receipts, alone and out of a batch [R3]", async () => {
    const { relayer, scores } = carrying;
    const [alone, ...batched] = [place++, place++, place++];
    const single = await proved(alone!, [11n]);
    const both = [await proved(batched[0]!, [12n]), await proved(batched[1]!, [13n])];
    await hand(relayer, single);
    await handBatch(relayer, both);
    for (const { id } of [single, ...both]) await until(relayer, id, "final");
    const values = [alone!, ...batched].map((input) => scores.scoreOf(word(input), { enableCcipRead: true }));
    expect(await Promise.all(values)).to.deep.equal([11n, 12n, 13n]);
  });

  it("gives what is verified and not yet settled, alone and out of a batch, to be settled by its user in one transaction [R1]", async () => {
    const { relayer, scores } = resting;
    const [alone, ...batched] = [place++, place++, place++];
    const single = await proved(alone!, [21n]);
    const both = [await proved(batched[0]!, [22n]), await proved(batched[1]!, [23n])];
    await hand(relayer, single);
    await handBatch(relayer, both);
    for (const { id } of [single, ...both]) await until(relayer, id, "verified");
    const cases: [bigint, Proved, bigint][] = [
      [alone!, single, 21n],
      [batched[0]!, both[0]!, 22n],
      [batched[1]!, both[1]!, 23n],
    ];
    for (const [input, { id }, value] of cases) {
      const sent = await sendWithLookup(signer, scores, "record", [word(input)], allowed(relayer));
      await sent.wait();
      expect((await scores.recorded(word(input))).value).to.equal(value);
      expect(await c.registry.settledAt(id)).to.be.greaterThan(0n);
    }
  });

  it("says so where it has no answer, and makes none up", async () => {
    const { relayer } = resting;
    const input = place++;
    const one = await proved(input, [31n]);
    await hand(relayer, one);
    await until(relayer, one.id, "verified");
    expect((await ask(relayer, policyFor(input))).status).to.equal(200);
    const without: Partial<LookupPolicy>[] = [
      { inputHash: random() },
      { modelIds: [] },
      { modelIds: [random()] },
      { modes: 1 << Mode.TEE },
      { origins: 0n },
      { origins: Origin.KEYS, keyIds: [c.keyId as Hex] },
      { origins: Origin.INPUT | Origin.KEYS, keyIds: [random()] },
      { origins: Origin.INPUT | Origin.REQUEST, requestId: random() },
      { contextHash: random() },
      { minSettled: 1n },
    ];
    for (const over of without) {
      const { status, body, headers } = await ask(relayer, policyFor(input, over));
      expect(
        status,
        JSON.stringify(over, (_, value: unknown) => String(value)),
      ).to.equal(404);
      expect(body.code).to.equal("no_answer");
      expect(body.message).to.equal(body.detail);
      expect(headers.get("content-type")).to.equal("application/problem+json");
      expect(headers.get("access-control-allow-origin")).to.equal("*");
    }
  });

  it("gives no receipt whose proof does not hold [FM:unchecked-evidence]", async () => {
    const { relayer } = resting;
    const input = place++;
    const one = await proved(input, [41n]);
    const other = await proved(input, [41n]);
    await hand(relayer, { ...one, evidence: other.evidence });
    await until(relayer, one.id, "rejected");
    expect((await ask(relayer, policyFor(input))).body.code).to.equal("no_answer");
  });

  it("keeps an answer in reach, however many receipts with bad proofs come after it [FM:unchecked-evidence]", async () => {
    const { relayer } = resting;
    const input = place++;
    const honest = await proved(input, [51n]);
    await hand(relayer, honest);
    await until(relayer, honest.id, "verified");
    for (let i = 0; i < 17; i++) {
      const bad = await proved(input, [51n]);
      await hand(relayer, { ...bad, evidence: honest.evidence });
      await until(relayer, bad.id, "rejected");
    }
    expect((await ask(relayer, policyFor(input))).status).to.equal(200);
  });

  it("takes a proof that holds after somebody handed in the receipt with one that does not [R2]", async () => {
    const { relayer } = resting;
    const input = place++;
    const one = await proved(input, [61n]);
    const other = await proved(input, [61n]);
    await hand(relayer, { ...one, evidence: other.evidence });
    await until(relayer, one.id, "rejected");
    const repeated = await request(`${relayer.url}/v1/receipts`, {
      method: "POST",
      headers: { "content-type": "application/json" },
      body: JSON.stringify({ ...wire(one), evidence: other.evidence }),
    });
    expect([repeated.status, repeated.body.state]).to.deep.equal([200, "rejected"]);
    await hand(relayer, one);
    await until(relayer, one.id, "verified");
    expect((await ask(relayer, policyFor(input))).status).to.equal(200);
  });

  it("refuses what is no question, too long, or in too large a body", async () => {
    const { relayer } = resting;
    const sender = `0x${"ab".repeat(20)}`;
    const question = encodeQuery({ question: "0x", policy: policyFor(1n) });
    const many = encodeQuery({ question: "0x", policy: policyFor(1n, { keyIds: Array<Hex>(65).fill(random()) }) });
    for (const path of [
      `${sender}/0x`,
      `${sender}/0x12345678`,
      `${sender}/0xabc`,
      `0x12/${question}`,
      `${sender}/${question.slice(0, -64)}`,
      `${sender}/${many}`,
    ]) {
      const { status, body } = await request(`${relayer.url}/v1/lookup/${path}`);
      expect([status, body.code], path.slice(0, 60)).to.deep.equal([400, "malformed"]);
    }
    const posted = (body: string) =>
      request(`${relayer.url}/v1/lookup`, { method: "POST", headers: { "content-type": "application/json" }, body });
    expect((await posted(JSON.stringify({ sender, data: question }))).body.code).to.equal("no_answer");
    expect((await posted("{")).status).to.equal(400);
    expect((await posted(JSON.stringify({ data: question }))).status).to.equal(400);
    expect((await posted(JSON.stringify({ sender, data: `0x${"00".repeat(40_000)}` }))).status).to.equal(413);
  });
});

describe("matching of look-ups", () => {
  const hash = fc.constantFrom<Hex>(protocol.ZERO_HASH, `0x${"11".repeat(32)}`, `0x${"22".repeat(32)}`);
  const ids = fc.uniqueArray(hash, { maxLength: 3 });
  const time = fc.bigInt({ min: 90n, max: 110n });
  const policies: fc.Arbitrary<LookupPolicy> = fc.record({
    ...{ modes: fc.integer({ min: 0, max: 7 }), modelIds: ids, origins: fc.bigInt({ min: 0n, max: 7n }) },
    ...{ inputHash: hash, requestId: hash, keyIds: ids, contextHash: hash },
    ...{ maxAge: fc.bigInt({ min: 0n, max: 20n }), minSettled: fc.bigInt({ min: 0n, max: 20n }) },
  });
  const receipts: fc.Arbitrary<Receipt> = fc.record({
    ...{ requestId: hash, modelId: hash, inputHash: hash, outputHash: hash, outputScheme: fc.constant(2) },
    ...{ contextHash: hash, keyId: hash, payer: fc.constant(protocol.ZERO_ADDRESS), sequence: fc.constant(0n) },
    ...{ cumulativeFee: fc.constant(0n), completedAt: time, mode: fc.integer({ min: 0, max: 2 }) },
  });

  it("carries every question over and back unchanged", () => {
    const bytes = fc.uint8Array({ maxLength: 100 }).map((value) => protocol.toHex(value));
    fc.assert(
      fc.property(policies, bytes, (policy, question) => {
        expect(decodeQuery(encodeQuery({ question, policy }))).to.deep.equal({ question, policy });
      }),
    );
  });

  it("lets pass what every rule of the policy lets pass, and nothing else [R11]", () => {
    fc.assert(
      fc.property(policies, receipts, fc.option(time, { nil: undefined }), (policy, receipt, settledAt) => {
        const now = 100n;
        const settled = settledAt ?? now;
        const at = settled > now ? settled : now;
        const named = (origin: bigint) => (policy.origins & origin) !== 0n;
        const rules = [
          (policy.modes & (1 << receipt.mode)) !== 0,
          policy.modelIds.some((modelId) => modelId === receipt.modelId),
          named(Origin.INPUT),
          policy.inputHash === receipt.inputHash,
          !named(Origin.REQUEST) || policy.requestId === receipt.requestId,
          !named(Origin.KEYS) || policy.keyIds.some((keyId) => keyId === receipt.keyId),
          policy.contextHash === receipt.contextHash,
          at - receipt.completedAt <= policy.maxAge,
          at - settled <= policy.maxAge,
          at - settled >= policy.minSettled,
        ];
        expect(answers(policy, receipt, { settledAt }, now)).to.equal(rules.every(Boolean));
      }),
      { numRuns: 5_000 },
    );
  });

  it("prefers what is settled, then what is newer", () => {
    fc.assert(
      fc.property(fc.array(fc.tuple(receipts, fc.option(time, { nil: undefined }))), (found) => {
        const sorted = preferred(found.map(([receipt, settledAt]) => ({ receipt, settledAt })));
        sorted.slice(1).forEach((one, i) => {
          const before = sorted[i]!;
          const same = (one.settledAt === undefined) === (before.settledAt === undefined);
          if (same) expect(before.receipt.completedAt >= one.receipt.completedAt).to.equal(true);
          else expect(one.settledAt).to.equal(undefined);
        });
      }),
    );
  });

  it("speaks as the contracts do", async () => {
    const lookup = new Interface((await artifacts.readArtifact("IInferenceLookup")).abi);
    const ours = inferenceLookup.getFunction("inferenceFor")!;
    expect(ours.format("full")).to.equal(lookup.getFunction("inferenceFor")!.format("full"));
  });
});
