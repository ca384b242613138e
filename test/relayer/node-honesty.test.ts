// An honest node cannot be slashed, whatever is asked of it and whenever it dies: everything that its keys ever signed is
// held against the disputes contract, pair by pair. The same court finds the nodes guilty that cut a corner.
import { expect } from "chai";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { id as hashOf, Wallet } from "ethers";
import fc from "fast-check";
import { createNode, localKey, openRequestStore, type RequestStore } from "../../relayer/node/index.ts";
import { checkSeal } from "../../relayer/node/seals.ts";
import { merkleRoot, ZERO_ADDRESS, type Hex, type Receipt } from "../../relayer/protocol/index.ts";
import { deployDisputes, type DisputesWorld } from "../staking/disputesSupport.ts";
import { court, type Court, type Step } from "./support/honesty.ts";

const SECOND_KEY = new Wallet(hashOf("second key of the node"));
const NONE = { equivocations: 0, channelFaults: 0, foreignLeaves: 0 };

const ask = fc.record({
  /** Two lanes of one payer, and requests without a channel. */
  lane: fc.constantFrom(0, 1, null),
  place: fc.integer({ min: 1, max: 3 }),
  input: fc.integer({ min: 1, max: 2 }),
  context: fc.constantFrom(0, 0, 1),
  total: fc.integer({ min: 0, max: 4 }),
  fate: fc.constantFrom("fine", "fine", "fine", "fails", "slow"),
});
const step: fc.Arbitrary<Step> = fc.oneof(
  { weight: 5, arbitrary: fc.record({ asks: fc.array(ask, { minLength: 1, maxLength: 4 }) }) },
  { weight: 2, arbitrary: fc.record({ relayer: fc.constantFrom("takes", "loses", "rejects", "forgets") }) },
  {
    weight: 2,
    // The process starts anew, perhaps with another key, and dies at its nth touch of store or key, before or after.
    arbitrary: fc.record({
      key: fc.integer({ min: 0, max: 1 }),
      dies: fc.oneof(fc.integer({ min: 0, max: 14 }), fc.constant(999)),
      after: fc.boolean(),
    }),
  },
);
const schedule = fc.array(step, { minLength: 1, maxLength: 14 });

describe("node: an honest node is never slashed", () => {
  let w: DisputesWorld;
  let probe: Awaited<ReturnType<DisputesWorld["ethers"]["deployContract"]>>;
  let folder: string;
  let files = 0;
  before(async () => {
    w = await deployDisputes();
    await w.addOperatorKey(w.nodeId, SECOND_KEY);
    probe = await w.ethers.deployContract("DisputesProbe");
    folder = mkdtempSync(join(tmpdir(), "honesty-"));
  });
  after(async () => {
    rmSync(folder, { recursive: true, force: true });
    await w.connection.close();
  });

  /** A node with its two keys, its file, and everything it will ever sign. */
  const open = (corner?: (store: RequestStore) => RequestStore): Court =>
    court({
      world: w,
      probe,
      secrets: [w.operatorKey.privateKey as Hex, SECOND_KEY.privateKey as Hex],
      openStore: ((file) => () => {
        const store = openRequestStore(file);
        return corner ? corner(store) : store;
      })(join(folder, `${++files}.db`)),
    });

  it("whatever payers ask, repeat and send at once, whatever the relayer does, whenever it dies [R9]", async () => {
    let signed = 0;
    let leaves = 0;
    await fc.assert(
      fc.asyncProperty(schedule, async (steps) => {
        const node = open();
        await node.run(steps);
        expect(await node.faults()).to.deep.equal(NONE);
        signed += node.statements().length;
        leaves += node.statements().filter(({ opening }) => opening.batch.count > 0).length;
      }),
      { numRuns: 60 },
    );
    // A node that signs nothing is honest, and proves nothing.
    expect(signed).to.be.above(120);
    expect(leaves).to.be.above(40);
  }).timeout(240_000);

  const two = (first: object, second: object): Step[] => {
    const base = { lane: 0, place: 1, input: 1, context: 0, total: 1, fate: "fine" } as const;
    return [{ asks: [{ ...base, ...first }] }, { asks: [{ ...base, ...second }] }];
  };
  const forgetful = (): RequestStore => openRequestStore(":memory:");
  const uncounted = (store: RequestStore): RequestStore => ({
    ...store,
    reserve: ({ requestId, fingerprint, keyId }, now) => store.reserve({ requestId, fingerprint, keyId }, now),
  });
  /** Decides in memory and keeps the decision with the signature only. */
  const undecided = (store: RequestStore): RequestStore => {
    const held = new Map<Hex, Parameters<RequestStore["decide"]>>();
    return {
      ...store,
      decide: (...decision) => {
        held.set(decision[0].receipt.requestId, decision);
        return { fingerprint: "0x", decided: decision[0], issued: null };
      },
      issue: (receipt, signature) => {
        store.decide(...held.get(receipt.requestId)!);
        return store.issue(receipt, signature);
      },
    };
  };

  it("asked two things under one id, it signs one; a node that reserves nothing is caught", async () => {
    for (const over of [{ input: 2 }, { context: 1 }, { total: 2 }]) {
      const steps = two({}, over);
      const honest = open();
      await honest.run(steps);
      expect(await honest.faults()).to.deep.equal(NONE);
      expect(honest.statements().length).to.equal(1);
      const careless = open(forgetful);
      await careless.run([steps[0]!, { key: 0, dies: 99, after: false }, steps[1]!]);
      expect((await careless.faults()).equivocations).to.equal(2);
    }
  });

  it("asked again with another fee after a time-out, it keeps to the first; also while it still runs", async () => {
    const node = open();
    const base = { lane: 0, place: 1, input: 1, context: 0, total: 1 };
    const retry = { ...base, total: 2, fate: "fine" } as const;
    await node.run([{ asks: [{ ...base, fate: "slow" }, retry] }, { asks: [retry] }, ...two({}, { total: 2 })]);
    expect(node.statements().map(({ opening }) => opening.receipt.cumulativeFee)).to.deep.equal([1n]);
  });

  it("keeps each channel's total from falling, over restarts and both keys; a node that does not count is caught", async () => {
    const restart = { key: 1, dies: 99, after: false };
    const [first, second] = two({ place: 1, total: 3 }, { place: 2, total: 2 }) as [Step, Step];
    const steps = [first, restart, second];
    const honest = open();
    await honest.run(steps);
    expect(await honest.faults()).to.deep.equal(NONE);
    expect(honest.statements().length).to.equal(1);
    const careless = open(uncounted);
    await careless.run(steps);
    expect((await careless.faults()).channelFaults).to.equal(1);
  });

  it("serves an earlier place that it had reserved, and no other once it went on", async () => {
    const node = open();
    const [late, next] = two({ place: 1, fate: "fails" }, { place: 2 }) as [Step, Step];
    const [retried, changed] = two({ place: 1 }, { place: 1, input: 2 }) as [Step, Step];
    await node.run([late, next, retried, changed]);
    expect(node.statements().map(({ opening }) => opening.receipt.sequence)).to.deep.equal([2n, 1n]);
    expect(await node.faults()).to.deep.equal(NONE);
    const skipped = open();
    await skipped.run([next, retried]);
    expect(skipped.statements().length).to.equal(1);
  });

  it("decides on no total between which and its neighbours' one falls, should an answer cost less than was asked for", () => {
    const store = openRequestStore(":memory:");
    const [keyId, channelId] = [hashOf("key") as Hex, hashOf("channel") as Hex];
    const request = (sequence: number) => hashOf(`request ${sequence}`) as Hex;
    for (const sequence of [1, 2, 3]) {
      const place = { channelId, sequence: BigInt(sequence), cumulativeFee: 10n };
      store.reserve({ requestId: request(sequence), fingerprint: keyId, keyId, place }, 0);
    }
    const decide = (sequence: number, cumulativeFee: bigint) => {
      const receiptId = hashOf(`receipt ${sequence}`) as Hex;
      const place = { requestId: request(sequence), keyId, sequence: BigInt(sequence), cumulativeFee, completedAt: 0n };
      const receipt = place as Receipt;
      return store.decide({ receiptId, receipt, body: new Uint8Array() }, { witness: null });
    };
    decide(2, 5n);
    expect(() => decide(1, 6n)).to.throw(/between its neighbours/);
    expect(() => decide(3, 4n)).to.throw(/between its neighbours/);
    decide(1, 5n);
    decide(3, 2n ** 127n);
    // What is decided stays, whatever else is proposed.
    expect(decide(1, 4n).decided!.receipt.cumulativeFee).to.equal(5n);
    store.close();
  });

  it("dying with a signature on its way, it signs the same again; a node that decides after signing is caught", async () => {
    // Touches of store and key: reserve, decide, sign; it dies before the fourth, which would keep the signature.
    const [first, second] = two({}, {}) as [Step, Step];
    const steps = [{ key: 0, dies: 3, after: false }, first, { key: 0, dies: 99, after: false }, second];
    const honest = open();
    await honest.run(steps);
    expect(honest.statements().length).to.equal(1);
    expect(await honest.faults()).to.deep.equal(NONE);
    const careless = open(undecided);
    await careless.run(steps);
    expect(careless.statements().length).to.equal(2);
    expect((await careless.faults()).equivocations).to.equal(2);
  });

  it("leaves what a former key signed to settle singly: the new key seals its own only", async () => {
    const node = open();
    const [first, second] = two({ place: 1 }, { place: 2 }) as [Step, Step];
    await node.run([first, { key: 1, dies: 999, after: false }, second, { relayer: "takes" }]);
    expect(node.posted.map(({ sequence }) => sequence)).to.deep.equal([1n]);
    const leaves = node.statements().filter(({ opening }) => opening.batch.count > 0);
    expect(leaves.map(({ opening }) => opening.receipt.sequence)).to.deep.equal([2n]);
    expect(await node.faults()).to.deep.equal(NONE);
  });

  it("does not sign a seal over receipts of its former key, which it issued", async () => {
    const domain = { chainId: 31337n, verifyingContract: ZERO_ADDRESS };
    const store = openRequestStore(":memory:");
    const [former, key] = [localKey(w.operatorKey.privateKey as Hex), localKey(SECOND_KEY.privateKey as Hex)];
    const requestId = hashOf("a request") as Hex;
    const relayer = "http://127.0.0.1:1";
    const node = createNode({ key: former, mode: 0, modelId: requestId, domain, relayer, store });
    const answer = { outputHash: requestId, body: new Uint8Array() };
    const { receiptId } = await node.serve({ requestId, inputHash: requestId }, async () => answer);
    const seal = (keyId: Hex) => {
      const batch = {
        keyId,
        mode: 0,
        root: merkleRoot([receiptId]),
        count: 1,
        dataHash: requestId,
        settler: ZERO_ADDRESS,
      };
      return { id: "1", batch, receiptIds: [receiptId] };
    };
    expect(() => checkSeal(seal(key.keyId), { key, mode: 0, domain, store })).to.throw(/another key or mode/);
    expect(() => checkSeal(seal(former.keyId), { key, mode: 0, domain, store })).to.throw(/another key/);
    store.close();
  });

  it("a node that signs whatever tree it is shown is caught", async () => {
    const node = open();
    await node.run([{ asks: [{ lane: null, place: 1, input: 1, context: 0, total: 1, fate: "fine" }] }]);
    expect(await node.faults()).to.deep.equal(NONE);
    node.signBlindly({ keyId: w.enclaveKeyId as Hex });
    expect(await node.faults()).to.deep.equal({ ...NONE, foreignLeaves: 1 });
  });
});
