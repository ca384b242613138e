import { expect } from "chai";
import { getAddress, id, keccak256, toBeHex, ZeroAddress, ZeroHash } from "ethers";
import { coder, NO_DATA, NO_LINEAGE } from "../support/protocol.ts";
import { useWorld, type World } from "../support/world.ts";

interface Declared {
  royalty: number;
  parents: { modelId: string; bps: number }[];
  contributors: { account: string; bps: number }[];
}
const lineageOf = (over: Partial<Declared>): Declared => ({ ...NO_LINEAGE, ...over });
const account = (n: number) => getAddress(toBeHex(0xacc0_0000 + n, 20));
const contributors = (count: number, bps: number) =>
  Array.from({ length: count }, (_, i) => ({ account: account(i), bps }));

describe("Lineage of model versions", () => {
  const world = useWorld();
  let made = 0;

  const versionOf = (w: World, over: Partial<Declared>, label: string) => ({
    contentHash: id(label),
    uri: "ipfs://derived",
    modes: 1,
    verifier: ZeroAddress,
    verifyingKey: "0x",
    signals: "",
    lineage: lineageOf(over),
    ...NO_DATA,
  });
  /** Registers a version of a new content. */
  async function register(w: World, over: Partial<Declared> = {}, by = w.signers.deployer) {
    const version = versionOf(w, over, `content ${made++}`);
    const sent = await w.models.connect(by).register(version);
    return { sent, modelId: await w.models.modelIdOf(by.address, version) };
  }
  const plain = async (w: World, royalty = 0) => (await register(w, { royalty })).modelId;
  const refuses = async (w: World, over: Partial<Declared>, error: string, ...values: unknown[]) =>
    expect(w.models.register(versionOf(w, over, "refused")))
      .to.be.revertedWithCustomError(w.models, error)
      .withArgs(...values);

  it("gives back owner, depth and exactly what was declared, and says so in one event", async () => {
    const w = world();
    const parents = [
      { modelId: await plain(w, 100), bps: 100 },
      { modelId: await plain(w), bps: 0 },
    ];
    const declared = { royalty: 250, parents, contributors: contributors(2, 30) };
    const { sent, modelId } = await register(w, declared, w.signers.other);
    const listed = [parents.map((p) => [p.modelId, BigInt(p.bps)]), contributors(2, 30).map((c) => [c.account, 30n])];
    await expect(sent)
      .to.emit(w.models, "LineageDeclared")
      .withArgs(modelId, 1, 250, ...listed);
    const [owner, depth, found] = await w.models.lineage(modelId);
    expect([owner, depth]).to.deep.equal([w.signers.other.address, 1n]);
    expect(found).to.deep.equal([250n, ...listed]);
    const [, version] = await w.models.model(modelId);
    expect(version.lineage).to.deep.equal(found);
  });

  it("costs a version without lineage nothing: no event, and nothing is kept", async () => {
    const w = world();
    const { sent, modelId } = await register(w);
    await expect(sent).not.to.emit(w.models, "LineageDeclared");
    expect(await w.models.lineage(modelId)).to.deep.equal([w.signers.deployer.address, 0n, [0n, [], []]]);
  });

  it("keeps a royalty that stands alone", async () => {
    const w = world();
    const { sent, modelId } = await register(w, { royalty: 10_000 });
    await expect(sent).to.emit(w.models, "LineageDeclared").withArgs(modelId, 0, 10_000, [], []);
    expect((await w.models.lineage(modelId)).declared).to.deep.equal([10_000n, [], []]);
    await refuses(w, { royalty: 10_001 }, "ModelLineage_BadRoyalty", 10_001);
  });

  it("makes lineage part of the version: whatever differs in it is another version", async () => {
    const w = world();
    const [a, b] = [await plain(w), await plain(w)];
    const all: Partial<Declared>[] = [
      {},
      { royalty: 1 },
      { parents: [{ modelId: a, bps: 1 }] },
      { parents: [{ modelId: b, bps: 1 }] },
      { parents: [{ modelId: a, bps: 2 }] },
      { contributors: [{ account: account(1), bps: 1 }] },
      { contributors: [{ account: account(2), bps: 1 }] },
      { contributors: [{ account: account(1), bps: 2 }] },
    ];
    const ids = await Promise.all(
      all.map((over) => w.models.modelIdOf(w.signers.deployer.address, versionOf(w, over, "one content"))),
    );
    expect(new Set(ids).size).to.equal(all.length);
    const version = versionOf(w, all[2]!, "one content");
    const lineageType = "tuple(uint16, tuple(bytes32, uint16)[], tuple(address, uint16)[])";
    const dataTypes = ["string", "tuple(bytes32, bool)[]"];
    const fields = ["uint256", "address", "address", "bytes32", "uint8", "address", ...Array(4).fill("bytes32")];
    const by = w.signers.deployer.address;
    expect(ids[2]).to.equal(
      keccak256(
        coder.encode(fields, [
          ...[31337n, await w.models.getAddress(), by, version.contentHash, 1, ZeroAddress, keccak256("0x")],
          ...[
            id(version.uri),
            id(""),
            keccak256(coder.encode([lineageType, ...dataTypes], [[0, [[a, 1]], []], "", []])),
          ],
        ]),
      ),
    );
  });

  it("takes parents that exist only, and no verifier for one", async () => {
    const w = world();
    for (const modelId of [ZeroHash, id("none"), toBeHex(await w.groth16.getAddress(), 32)])
      await refuses(w, { parents: [{ modelId, bps: 5_000 }] }, "ModelLineage_UnknownParent", modelId);
    await register(w, { parents: [{ modelId: await plain(w), bps: 0 }] });
  });

  it("gives every parent at least the royalty that it asks", async () => {
    const w = world();
    const [modest, dear] = [await plain(w, 10), await plain(w, 700)];
    const parents = (bps: number) => [
      { modelId: modest, bps: 10 },
      { modelId: dear, bps },
    ];
    await refuses(w, { parents: parents(699) }, "ModelLineage_RoyaltyTooLow", dear, 699, 700);
    await refuses(w, { parents: parents(0) }, "ModelLineage_RoyaltyTooLow", dear, 0, 700);
    await register(w, { parents: parents(700) });
    await register(w, { parents: parents(701) });
  });

  it("shares out everything at most, over parents and contributors together", async () => {
    const w = world();
    const modelId = await plain(w);
    const shared = (bps: number) => ({ parents: [{ modelId, bps }], contributors: contributors(4, 1_500) });
    await refuses(w, shared(4_001), "ModelLineage_SharesExceedWhole", 10_001);
    await register(w, shared(4_000));
    // Sums of what a uint16 holds do not come round.
    const huge = { contributors: contributors(16, 65_535) };
    await refuses(w, huge, "ModelLineage_SharesExceedWhole", 16 * 65_535);
  });

  it("takes four parents and sixteen contributors, each named once [R8]", async () => {
    const w = world();
    const ids: string[] = [];
    for (let i = 0; i < 5; i++) ids.push(await plain(w));
    const parents = ids.map((modelId) => ({ modelId, bps: 1 }));
    await refuses(w, { parents }, "ModelLineage_TooManyParents", 5);
    await refuses(w, { contributors: contributors(17, 1) }, "ModelLineage_TooManyContributors", 17);
    for (const [i, j] of [[0, 3] as const, [2, 3] as const]) {
      const twice = parents.slice(0, 4).map((p, at) => (at === j ? parents[i]! : p));
      await refuses(w, { parents: twice }, "ModelLineage_DuplicateParent", ids[i]);
    }
    for (const [i, j] of [[0, 15] as const, [14, 15] as const]) {
      const twice = contributors(16, 1).map((c, at) => (at === j ? { account: account(i), bps: 2 } : c));
      await refuses(w, { contributors: twice }, "ModelLineage_DuplicateContributor", account(i));
    }
    const zero = [...contributors(1, 1), { account: ZeroAddress, bps: 0 }];
    await expect(w.models.register(versionOf(w, { contributors: zero }, "refused"))).to.be.revertedWithCustomError(
      w.models,
      "ModelLineage_ZeroContributor",
    );
    const { modelId } = await register(w, { parents: parents.slice(0, 4), contributors: contributors(16, 1) });
    const { declared } = await w.models.lineage(modelId);
    expect([declared.parents.length, declared.contributors.length]).to.deep.equal([4, 16]);
  });

  it("goes three generations deep, counted along the longest way [R8]", async () => {
    const w = world();
    const root = await plain(w);
    const child = async (...parents: string[]) =>
      (await register(w, { parents: parents.map((modelId) => ({ modelId, bps: 1 })) })).modelId;
    const first = await child(root);
    const second = await child(root, first);
    const third = await child(second, root);
    const depths = await Promise.all([root, first, second, third].map(async (m) => (await w.models.lineage(m)).depth));
    expect(depths).to.deep.equal([0n, 1n, 2n, 3n]);
    const parents = [root, third].map((modelId) => ({ modelId, bps: 1 }));
    await refuses(w, { parents }, "ModelLineage_TooDeep", third);
  });

  it("knows no lineage where there is no version", async () => {
    const w = world();
    for (const modelId of [ZeroHash, id("none"), toBeHex(await w.groth16.getAddress(), 32)])
      await expect(w.models.lineage(modelId))
        .to.be.revertedWithCustomError(w.models, "Distrustable_UnknownTarget")
        .withArgs(modelId);
  });

  it("says what is allowed", async () => {
    const { models } = world();
    expect([await models.MAX_PARENTS(), await models.MAX_DEPTH(), await models.MAX_CONTRIBUTORS()]).to.deep.equal([
      4n,
      3n,
      16n,
    ]);
  });
});
