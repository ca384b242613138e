import { expect } from "chai";
import fc from "fast-check";
import { Interface } from "ethers";
import { artifacts } from "hardhat";
import { REASONS } from "../../relayer/chain/abi.ts";
import type { Hex } from "../../relayer/protocol/index.ts";
import * as abi from "../../relayer/routing/abi.ts";
import { contractsOf, matchNodes, readSnapshot, type Snapshot } from "../../relayer/routing/index.ts";
import { deployNodes, happenings, MODES, type Nodes, type Step } from "./support.ts";

const numbered = (numbers: readonly bigint[], names: readonly string[]) =>
  Object.fromEntries(numbers.map((many, i) => [names[i]!, Number(many)] as const).filter(([, many]) => many > 0));
const held = (counts: object) => Object.fromEntries(Object.entries(counts).filter(([, many]) => many > 0));

describe("who can serve", () => {
  let w: Nodes;
  let restore: () => Promise<void>;
  before(async () => {
    w = await deployNodes();
    const snapshot = await w.networkHelpers.takeSnapshot();
    restore = () => snapshot.restore();
  });
  afterEach(() => restore());

  const snapshotOf = async (modelId: string): Promise<Snapshot> => {
    const provider = w.ethers.provider;
    return readSnapshot(provider, await contractsOf(provider, await w.match.getAddress()), modelId as Hex);
  };

  /** The chain's answer and ours, for every version and mode. */
  async function compare(seen: Set<string>): Promise<void> {
    for (const modelId of w.versions) {
      const snapshot = await snapshotOf(modelId);
      for (const mode of MODES) {
        const chain = await w.match.matchNodes(modelId, mode, 0, 64);
        const ours = matchNodes(snapshot, { mode });
        expect(ours.candidates.map(({ nodeId, keyId, free }) => [nodeId, keyId, free])).to.deep.equal(
          chain.candidates.map(({ nodeId, keyId, free }) => [nodeId, keyId, free]),
        );
        expect(held(ours.counts)).to.deep.equal(numbered(chain.counts, abi.FITS));
        expect(held(ours.paths)).to.deep.equal(numbered(chain.paths, REASONS));
        expect([BigInt(ours.total), ours.without]).to.deep.equal([chain.total, chain.without]);
        for (const name of [...Object.keys(held(ours.counts)), ...Object.keys(held(ours.paths))]) seen.add(name);
      }
    }
  }

  it("is the same by the router as by the chain, whatever happens, for every reason there is [R4] [R8] [R12]", async function () {
    this.timeout(600_000);
    const kinds = Object.keys(happenings) as Step["kind"][];
    const step = fc.record({
      // Images are what rests on most: more of what can happen to them, so that they are seen alone.
      kind: fc.constantFrom(...kinds, "freezeImage", "distrustImage", "freezeImage", "distrustImage"),
      a: fc.nat({ max: 63 }),
      b: fc.nat({ max: 63 }),
    });
    const seen = new Set<string>();
    const happened = new Set<string>();
    await fc.assert(
      fc.asyncProperty(fc.array(step, { minLength: 8, maxLength: 24 }), async (steps) => {
        await restore();
        for (const [i, { kind, a, b }] of steps.entries()) {
          await happenings[kind](w, a, b).then(
            () => happened.add(kind),
            // What the chain refuses changes nothing.
            () => {},
          );
          if (i % 4 === 3) await compare(seen);
        }
      }),
      { numRuns: 24, seed: 1_121, endOnFailure: true },
    );
    // Every kind of change was taken by the chain, and every answer was given.
    expect([...happened].sort()).to.deep.equal([...kinds].sort());
    expect([...seen]).to.include.members([
      ...["Fits", "NoModel", "NotActive", "StakeTooLow", "NoVerificationPath", "NoCapacity"],
      ...["UnknownKey", "OutsideKeyValidity", "KeyDistrusted", "KeyFrozen", "UnknownModel", "ModelForbidsMode"],
      ...["ModelDistrusted", "ModelFrozen", "ConsentWithdrawn", "VerifierDistrusted", "VerifierFrozen"],
      ...["MeasurementNotApproved", "MeasurementDistrusted", "MeasurementFrozen"],
    ]);
  });

  it("is told page by page, with what was not examined named, and nothing twice [R8]", async () => {
    const whole = await w.match.matchNodes(w.modelId, 0, 0, 64);
    expect(whole.next).to.equal(5n);
    expect(whole.total).to.equal(5n);
    const nodeIds: string[] = [];
    let from = 0n;
    let examined = 0n;
    for (const stop of [2n, 4n, 5n]) {
      const page = await w.match.matchNodes(w.modelId, 0, from, 2);
      expect(page.next).to.equal(stop);
      nodeIds.push(...page.candidates.map(({ nodeId }) => nodeId));
      examined += page.counts.reduce((sum, each) => sum + each, 0n);
      from = page.next;
    }
    expect(nodeIds).to.deep.equal(whole.candidates.map(({ nodeId }) => nodeId));
    expect(examined).to.equal(5n);
    const beyond = await w.match.matchNodes(w.modelId, 0, 5, 10);
    expect([beyond.next, beyond.candidates.length]).to.deep.equal([5n, 0]);
    // Asking for none examines none, and stands still rather than claiming to be through.
    expect((await w.match.matchNodes(w.modelId, 0, 1, 0)).next).to.equal(1n);
  });

  it("is at most MAX_EXAMINED nodes a call [R8][FM:unbounded-loop]", async () => {
    const most = Number(await w.match.MAX_EXAMINED());
    const { operator } = w.signers;
    // Retiring makes room under the operator's limit and would leave offers behind: numbers are cheap for who has stake.
    for (let i = 0; i < most; i++) {
      const nodeId = await w.registerNode(operator, 1n);
      await w.nodes.setOffer(nodeId, w.modelId, 1, 1);
      await w.nodes.updateNode(nodeId, 3, "");
    }
    const page = await w.match.matchNodes(w.modelId, 0, 0, 2n ** 256n - 1n);
    expect([page.next, page.total]).to.deep.equal([BigInt(most), BigInt(most) + 5n]);
    const gas = await w.match.matchNodes.estimateGas(w.modelId, 0, 0, most);
    expect(gas).to.be.lessThan(10_000_000n);
  }).timeout(300_000);

  it("leaves out a key that would not outlive others, and takes the one that ends last", async () => {
    const [fit, path, candidate] = await w.match.fitOf(w.nodeId, w.modelId, 0);
    expect([fit, path]).to.deep.equal([0n, 0n]);
    expect(candidate.keyId).to.equal(w.keyId);
    await w.nodes.retireKey(w.keyId, (await w.now()) + 100n);
    expect((await w.match.fitOf(w.nodeId, w.modelId, 0)).candidate.keyId).to.equal(w.operatorKeys[1]);
  });

  it("is nobody in a mode that does not exist", async () => {
    await expect(w.match.matchNodes(w.modelId, 3, 0, 1))
      .to.be.revertedWithCustomError(w.match, "NodeMatch_UnknownMode")
      .withArgs(3);
  });

  it("counts an offer's whole capacity where no contract keeps on-chain requests", async () => {
    const at = await w.contracts.nodeMatch.getAddress();
    const deployed = w.match.attach(at) as typeof w.match;
    await w.setOpen(w.nodeId, w.modelId, 1);
    expect((await w.match.fitOf(w.nodeId, w.modelId, 0)).fit).to.equal(5n);
    expect((await deployed.fitOf(w.nodeId, w.modelId, 0)).candidate.free).to.equal(1n);
  });

  describe("a retired node", () => {
    it("offers nothing new, and anyone clears what it left; nobody clears a live node's [R8]", async () => {
      const { nodeId } = w.fleet[1]!;
      const anyone = w.nodes.connect(w.signers.other);
      await expect(anyone.clearOffer(nodeId, w.modelId))
        .to.be.revertedWithCustomError(w.nodes, "NodeRegistry_NodeNotRetired")
        .withArgs(nodeId);
      await w.nodes.updateNode(nodeId, 3, "");
      await expect(w.nodes.setOffer(nodeId, w.modelId, 1, 1))
        .to.be.revertedWithCustomError(w.nodes, "NodeRegistry_NodeRetired")
        .withArgs(nodeId);
      await expect(anyone.clearOffer(nodeId, w.modelId))
        .to.emit(w.nodes, "OfferChanged")
        .withArgs(nodeId, w.modelId, 0, 0);
      expect((await w.nodes.offering(w.modelId, 0, 10)).found).to.not.include(nodeId);
      await expect(anyone.clearOffer(nodeId, w.modelId))
        .to.be.revertedWithCustomError(w.nodes, "NodeRegistry_NoOffer")
        .withArgs(nodeId, w.modelId);
      await w.nodes.setOffer(nodeId, w.vanillaModelId, 0, 0);
    });
  });

  for (const [name, fragments] of [
    ["NodeRegistry", abi.nodeRegistry],
    ["NodeMatch", abi.nodeMatch],
    ["INodeLoad", abi.nodeLoad],
  ] as const)
    it(`is asked of ${name} as the compiler says`, async () => {
      const compiled = new Interface((await artifacts.readArtifact(name)).abi);
      for (const fragment of fragments.fragments) {
        const signature = fragment.format("sighash");
        const other = compiled.fragments.find((one) => one.type === "function" && one.format("sighash") === signature);
        expect(other, `${name} has no ${signature}`).to.not.equal(undefined);
        expect(fragment.format("full")).to.equal(other!.format("full"));
      }
    });
});
