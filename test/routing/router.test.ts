import { expect } from "chai";
import fc from "fast-check";
import type { Hex } from "../../relayer/protocol/index.ts";
import {
  createRouter,
  type KeySnapshot,
  matchNodes,
  NoNode,
  type NodeSnapshot,
  type RouterOptions,
  RoutingUnknown,
  type Snapshot,
} from "../../relayer/routing/index.ts";

const NEVER = 2n ** 256n - 1n;
const START = 2_000_000_000;
const word = (value: number): Hex => `0x${value.toString(16).padStart(64, "0")}`;
const MODEL = word(0xabc);

const keyOf = (number: number, over: Partial<KeySnapshot> = {}): KeySnapshot => ({
  keyId: word(1_000 + number),
  kind: 0,
  validFrom: 1n,
  validUntil: BigInt(START + 86_400),
  distrustedFrom: NEVER,
  frozenUntil: 0n,
  measurement: null,
  ...over,
});
const nodeOf = (number: number, over: Partial<NodeSnapshot> = {}): NodeSnapshot => ({
  nodeId: word(number),
  status: 1,
  endpoint: `https://node-${number}`,
  hasStake: true,
  modes: 1,
  capacity: 2,
  open: 0n,
  operatorKeys: [keyOf(number)],
  enclaveKeys: [],
  ...over,
});
const snapshotOf = (nodes: NodeSnapshot[], over: Partial<Snapshot> = {}): Snapshot => ({
  block: { number: 1, timestamp: BigInt(START) },
  modelId: MODEL,
  model: {
    modes: 7,
    distrustedFrom: NEVER,
    frozenUntil: 0n,
    blockedFrom: NEVER,
    verifier: { distrustedFrom: NEVER, frozenUntil: 0n },
  },
  nodes,
  without: 3n,
  ...over,
});

/** A router over nodes that are all heard of, with a clock that stands until it is moved. */
function setUp(nodes: NodeSnapshot[], options: Partial<RouterOptions> = {}) {
  const clock = { ms: START * 1_000 };
  const chain = { snapshot: snapshotOf(nodes), reads: 0 };
  const read = async () => {
    chain.reads++;
    return chain.snapshot;
  };
  const router = createRouter({ read, now: () => clock.ms, ...options });
  for (const { nodeId } of nodes) router.heard(nodeId);
  return { clock, chain, router };
}
const problemOf = (promise: Promise<unknown>) =>
  promise.then(
    () => {
      throw new Error("nothing failed");
    },
    (problem: unknown) => problem,
  );

describe("router", () => {
  it("gives a request to the node with most of its capacity free, and each its turn", async () => {
    const { router } = setUp([
      nodeOf(1, { capacity: 1 }),
      nodeOf(2, { capacity: 4 }),
      nodeOf(3, { capacity: 4, open: 3n }),
    ]);
    const leases = [];
    for (let i = 0; i < 6; i++) leases.push(await router.route(MODEL, 0));
    expect(leases.map(({ endpoint }) => endpoint.slice(-1))).to.deep.equal(["1", "2", "2", "2", "3", "2"].map(String));
    expect(await problemOf(router.route(MODEL, 0))).to.be.instanceOf(NoNode);
    leases[4]!.done("answered");
    leases[4]!.done("answered");
    expect((await router.route(MODEL, 0)).nodeId).to.equal(word(3));
    expect(await problemOf(router.route(MODEL, 0))).to.be.instanceOf(NoNode);
  });

  it("never has more under way at a node than it takes, however requests come and go", async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.array(fc.record({ capacity: fc.integer({ min: 1, max: 4 }), open: fc.integer({ min: 0, max: 4 }) }), {
          minLength: 1,
          maxLength: 5,
        }),
        fc.array(fc.oneof(fc.constant(-1), fc.nat({ max: 20 })), { maxLength: 40 }),
        async (sizes, moves) => {
          const { router } = setUp(
            sizes.map(({ capacity, open }, i) => nodeOf(i + 1, { capacity, open: BigInt(open) })),
            { restMs: 0 },
          );
          const room = new Map(sizes.map(({ capacity, open }, i) => [word(i + 1), Math.max(0, capacity - open)]));
          const leases: Awaited<ReturnType<typeof router.route>>[] = [];
          for (const move of moves) {
            if (move !== -1 && leases.length > 0) {
              const [lease] = leases.splice(move % leases.length, 1);
              lease!.done(move % 2 === 0 ? "answered" : "failed");
              room.set(lease!.nodeId, room.get(lease!.nodeId)! + 1);
              continue;
            }
            // Three at once: they must not all see the same free place.
            for (const taken of await Promise.allSettled([1, 2, 3].map(() => router.route(MODEL, 0)))) {
              const left = [...room.values()].reduce((sum, each) => sum + each, 0);
              if (taken.status === "rejected") {
                expect(taken.reason).to.be.instanceOf(NoNode);
                expect(left, "refused with a place free").to.equal(0);
                continue;
              }
              leases.push(taken.value);
              room.set(taken.value.nodeId, room.get(taken.value.nodeId)! - 1);
              expect(room.get(taken.value.nodeId), "one too many").to.be.at.least(0);
            }
          }
        },
      ),
    );
  });

  it("gives no request to a node that the chain says cannot serve, whatever is heard of it", async () => {
    const bad: Partial<NodeSnapshot>[] = [
      { modes: 2 },
      { status: 2 },
      { status: 3 },
      { hasStake: false },
      { operatorKeys: [] },
      { operatorKeys: [keyOf(1, { validUntil: BigInt(START - 1) })] },
      { operatorKeys: [keyOf(1, { distrustedFrom: BigInt(START) })] },
      { operatorKeys: [keyOf(1, { frozenUntil: BigInt(START + 1) })] },
      { operatorKeys: [keyOf(1, { kind: 1 })] },
      { open: 2n },
    ];
    const nodes = bad.map((over, i) => nodeOf(i + 1, over));
    const { router } = setUp(nodes);
    const problem = (await problemOf(router.route(MODEL, 0))) as NoNode;
    expect(problem).to.be.instanceOf(NoNode);
    expect(problem.matches.counts).to.deep.equal({
      ...{ Fits: 0, NoModel: 1, NotActive: 2, StakeTooLow: 1, NoVerificationPath: 5, NoCapacity: 1 },
    });
    expect(problem.message).to.equal(
      "no node can serve this now: 3 do not offer the version; 1 offer the version, but not in this mode; " +
        "2 are paused or retired; 1 have too little stake; 5 have no valid verification path (UnknownKey 1, " +
        "OutsideKeyValidity 1, KeyDistrusted 1, KeyFrozen 1, KeyForbidsMode 1); 1 have no free capacity",
    );
    // One more, that can.
    const second = setUp([...nodes, nodeOf(99)]);
    expect((await second.router.route(MODEL, 0)).nodeId).to.equal(word(99));
  });

  it("says of nodes that fit by the chain what holds them back here", async () => {
    const soon = [keyOf(3, { validUntil: BigInt(START + 119) })];
    const { router, clock } = setUp([nodeOf(1), nodeOf(2, { capacity: 1 }), nodeOf(3, { operatorKeys: soon })], {
      heartbeatMs: 10_000,
    });
    const first = await router.route(MODEL, 0);
    const leases = [await router.route(MODEL, 0), await router.route(MODEL, 0)];
    expect([first.nodeId, ...leases.map(({ nodeId }) => nodeId)].sort()).to.deep.equal([word(1), word(1), word(2)]);
    leases[1]!.done("failed");
    const failed = leases[1]!.nodeId;
    const { holds } = await router.survey(MODEL, 0);
    expect(holds.Failing).to.equal(1);
    expect(holds.KeyEndsSoon).to.equal(1);
    expect(holds.Busy).to.equal(1);
    clock.ms += 10_001;
    router.heard(failed);
    const later = await router.survey(MODEL, 0);
    expect(later.holds.NoHeartbeat).to.equal(2);
    expect(later.ready.map(({ nodeId }) => nodeId)).to.deep.equal([failed]);
  });

  it("lets a failing node rest twice as long each time, and forgives with an answer", async () => {
    const { router, clock } = setUp([nodeOf(1)], {
      restMs: 1_000,
      maxRestMs: 3_000,
      heartbeatMs: 1e9,
      snapshotMs: 1e9,
    });
    const rests = async () => {
      let waited = 0;
      while ((await router.survey(MODEL, 0)).ready.length === 0) {
        clock.ms += 500;
        waited += 500;
      }
      return waited;
    };
    for (const expected of [1_000, 2_000, 3_000, 3_000]) {
      (await router.route(MODEL, 0)).done("failed");
      expect(await rests()).to.equal(expected);
    }
    (await router.route(MODEL, 0)).done("answered");
    expect(await rests()).to.equal(0);
    (await router.route(MODEL, 0)).done("failed");
    expect(await rests()).to.equal(1_000);
  });

  it("asks the chain once for requests that come together, and again when the answer is old", async () => {
    const { router, clock, chain } = setUp([nodeOf(1, { capacity: 9 })], { snapshotMs: 1_000 });
    await Promise.all([1, 2, 3].map(() => router.route(MODEL, 0)));
    expect(chain.reads).to.equal(1);
    clock.ms += 1_001;
    chain.snapshot = snapshotOf([nodeOf(1, { status: 2 })]);
    expect(await problemOf(router.route(MODEL, 0))).to.be.instanceOf(NoNode);
    expect(chain.reads).to.equal(2);
  });

  it("sees a key end between two blocks", async () => {
    const { router, clock } = setUp([nodeOf(1, { operatorKeys: [keyOf(1, { validUntil: BigInt(START + 5) })] })], {
      answerSeconds: 0,
      snapshotMs: 60_000,
    });
    (await router.route(MODEL, 0)).done("answered");
    clock.ms += 6_000;
    const problem = (await problemOf(router.route(MODEL, 0))) as NoNode;
    expect(problem.matches.paths).to.deep.equal({ OutsideKeyValidity: 1 });
  });

  it("sends nothing on a guess: not while the chain cannot be asked, nor by a chain that stands still", async () => {
    let fails = true;
    const clock = { ms: START * 1_000 };
    const router = createRouter({
      now: () => clock.ms,
      read: async () => {
        if (fails) throw new Error("connection refused");
        return snapshotOf([nodeOf(1)]);
      },
    });
    router.heard(word(1));
    const problem = await problemOf(router.route(MODEL, 0));
    expect([problem instanceof RoutingUnknown, (problem as RoutingUnknown).code]).to.deep.equal([
      true,
      "chain_unknown",
    ]);
    fails = false;
    await router.route(MODEL, 0);
    clock.ms += 120_001;
    router.heard(word(1));
    expect(((await problemOf(router.route(MODEL, 0))) as RoutingUnknown).code).to.equal("chain_stale");
  });

  it("counts every node of a snapshot once", () => {
    const any = fc.record({
      status: fc.nat({ max: 3 }),
      hasStake: fc.boolean(),
      modes: fc.nat({ max: 7 }),
      capacity: fc.nat({ max: 3 }),
      open: fc.bigInt({ min: 0n, max: 4n }),
      operatorKeys: fc.array(
        fc.nat({ max: 9 }).map((number) => keyOf(number, { frozenUntil: BigInt(START + number - 5) })),
        { maxLength: 4 },
      ),
    });
    fc.assert(
      fc.property(fc.array(any, { maxLength: 12 }), fc.nat({ max: 2 }), (overs, mode) => {
        const { candidates, counts, paths } = matchNodes(snapshotOf(overs.map((over, i) => nodeOf(i + 1, over))), {
          mode,
        });
        const sum = (numbers: number[]) => numbers.reduce((all, each) => all + each, 0);
        expect(sum(Object.values(counts))).to.equal(overs.length);
        expect(sum(Object.values(paths))).to.equal(counts.NoVerificationPath);
        expect(candidates).to.have.length(counts.Fits);
        for (const { free } of candidates) expect(free > 0n).to.equal(true);
      }),
    );
  });
});
