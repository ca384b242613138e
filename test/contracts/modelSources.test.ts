import { expect } from "chai";
import { id, keccak256, toUtf8Bytes, ZeroAddress, ZeroHash } from "ethers";
import { CONSENT_NOTICE, dataOf, NEVER, type Uses } from "../support/sources.ts";
import { coder } from "../support/protocol.ts";
import { useWorld, type World } from "../support/world.ts";

describe("Data sources and consent", () => {
  const world = useWorld();
  const refuses = async (w: World, call: Promise<unknown>, error: string, ...values: unknown[]) =>
    expect(call)
      .to.be.revertedWithCustomError(w.models, error)
      .withArgs(...values);

  it("registers a source for anyone, under an id that names chain, registry and owner, and gives it back", async () => {
    const w = world();
    const { other, operator } = w.signers;
    const declared = dataOf(w).declaration();
    const types = ["uint256", "address", "address", "bytes32", "bytes32", "bytes32"];
    const idOf = async (chain: bigint, owner: string) =>
      keccak256(
        coder.encode(types, [
          ...[chain, await w.models.getAddress(), owner, declared.contentHash],
          ...[keccak256(toUtf8Bytes(declared.uri)), keccak256(toUtf8Bytes(declared.terms))],
        ]),
      );
    const sourceId = await idOf(31337n, other.address);
    expect(await w.models.sourceIdOf(other.address, declared)).to.equal(sourceId);
    expect(await w.models.sourceIdOf(operator.address, declared)).to.equal(await idOf(31337n, operator.address));
    await expect(w.models.connect(other).registerSource(declared))
      .to.emit(w.models, "SourceRegistered")
      .withArgs(sourceId, other.address, 1, declared.contentHash, declared.uri, declared.terms);
    const [state, found] = await w.models.source(sourceId);
    expect(state).to.deep.equal([other.address, ZeroAddress, NEVER, 1n]);
    expect(found).to.deep.equal([declared.contentHash, declared.uri, declared.terms]);
    // The same by another is another source: nobody can take a place by being first.
    await w.models.connect(operator).registerSource(declared);
    expect((await w.models.source(await idOf(31337n, operator.address))).state.number).to.equal(2n);
    expect(await w.models.sourceCount()).to.equal(2n);
    await refuses(w, w.models.connect(other).registerSource(declared), "ModelSources_AlreadyRegistered", sourceId);
  });

  it("refuses sources without content or terms, and texts of any length beyond the bounds [R8]", async () => {
    const w = world();
    const { declaration } = dataOf(w);
    const register = (over: object) => w.models.registerSource(declaration(over));
    await refuses(w, register({ contentHash: ZeroHash }), "ModelSources_EmptyContent");
    await refuses(w, register({ terms: "" }), "ModelSources_EmptyTerms");
    for (const length of [129, 50_000])
      await refuses(w, register({ terms: "x".repeat(length) }), "ModelSources_TooLong", length, 128);
    for (const length of [257, 50_000])
      await refuses(w, register({ uri: "x".repeat(length) }), "ModelSources_TooLong", length, 256);
    // Bytes count, not letters.
    await refuses(w, register({ terms: "é".repeat(65) }), "ModelSources_TooLong", 130, 128);
    await register({ uri: "", terms: "t" });
    const longest = declaration({ uri: "u".repeat(256), terms: "t".repeat(128) });
    await w.models.registerSource(longest);
    const [, found] = await w.models.source(await w.models.sourceIdOf(w.signers.deployer.address, longest));
    expect(found).to.deep.equal([longest.contentHash, longest.uri, longest.terms]);
  });

  it("withdraws consent four days ahead, for its owner alone: no guardian and no governance can [R8][R10]", async () => {
    const w = world();
    const data = dataOf(w);
    const { other, guardian, admin, deployer } = w.signers;
    const sourceId = await data.registerSource();
    for (const by of [guardian, admin, deployer])
      await refuses(w, data.withdraw(sourceId, by), "ModelSources_NotOwner", sourceId, by.address, other.address);
    for (const name of ["withdrawConsent", "cancelWithdrawal"] as const)
      await expect(
        w.govern(w.models, w.models.interface.encodeFunctionData(name as "withdrawConsent", [sourceId])),
      ).to.be.revertedWithCustomError(w.models, "ModelSources_NotOwner");
    await refuses(w, data.withdraw(id("none")), "ModelSources_UnknownSource", id("none"));

    const now = (await w.now()) + 10n;
    await w.at(now);
    await expect(data.withdraw(sourceId))
      .to.emit(w.models, "ConsentWithdrawn")
      .withArgs(sourceId, other.address, now + CONSENT_NOTICE);
    expect((await w.models.source(sourceId)).state.withdrawnFrom).to.equal(now + CONSENT_NOTICE);
    // Again would move the moment.
    await refuses(w, data.withdraw(sourceId), "ModelSources_Withdrawn", sourceId, now + CONSENT_NOTICE);
  });

  it("takes a withdrawal back to its last second, and never once it is in effect [R10]", async () => {
    const w = world();
    const data = dataOf(w);
    const by = w.models.connect(w.signers.other);
    const sourceId = await data.registerSource();
    await refuses(w, by.cancelWithdrawal(sourceId), "ModelSources_NotWithdrawn", sourceId);
    await data.withdraw(sourceId);
    const first = (await w.now()) + CONSENT_NOTICE;
    const own = w.models.cancelWithdrawal(sourceId);
    await refuses(w, own, "ModelSources_NotOwner", sourceId, w.signers.deployer.address, w.signers.other.address);
    await w.at(first - 1n);
    await expect(by.cancelWithdrawal(sourceId))
      .to.emit(w.models, "WithdrawalCancelled")
      .withArgs(sourceId, w.signers.other.address);
    expect((await w.models.source(sourceId)).state.withdrawnFrom).to.equal(NEVER);

    await data.withdraw(sourceId);
    const second = (await w.now()) + CONSENT_NOTICE;
    await w.at(second);
    await refuses(w, by.cancelWithdrawal(sourceId), "ModelSources_Withdrawn", sourceId, second);
    await w.goTo(second + 1_000n * 86_400n);
    await refuses(w, by.cancelWithdrawal(sourceId), "ModelSources_Withdrawn", sourceId, second);
    await refuses(w, data.withdraw(sourceId), "ModelSources_Withdrawn", sourceId, second);
  });

  it("lets an owner consent anew with another source only, which brings nothing of the old one back", async () => {
    const w = world();
    const data = dataOf(w);
    const declared = data.declaration();
    const by = w.models.connect(w.signers.other);
    await by.registerSource(declared);
    const sourceId = await w.models.sourceIdOf(w.signers.other.address, declared);
    const modelId = await data.registerVersion({ sources: data.required(sourceId) });
    await data.withdraw(sourceId);
    const from = (await w.now()) + CONSENT_NOTICE;
    await w.goTo(from);
    await refuses(w, by.registerSource(declared), "ModelSources_AlreadyRegistered", sourceId);
    const again = await data.registerSource({ ...declared, terms: "CC0-1.0" });
    await data.registerVersion({ sources: data.required(again) });
    expect(await w.models.blockedFrom(modelId)).to.equal(from);
  });

  it("hands a source over to whoever accepts it, with what was announced", async () => {
    const w = world();
    const data = dataOf(w);
    const { other, operator, deployer } = w.signers;
    const [by, to] = [w.models.connect(other), w.models.connect(operator)];
    const sourceId = await data.registerSource();
    const offer = w.models.offerSource(sourceId, deployer.address);
    await refuses(w, offer, "ModelSources_NotOwner", sourceId, deployer.address, other.address);
    await refuses(w, to.acceptSource(sourceId), "ModelSources_NotOffered", sourceId, operator.address);
    await refuses(w, to.acceptSource(id("none")), "ModelSources_UnknownSource", id("none"));
    await expect(by.offerSource(sourceId, operator.address))
      .to.emit(w.models, "SourceOffered")
      .withArgs(sourceId, other.address, operator.address);
    // Not theirs before they accept, and back with an offer to nobody.
    await refuses(
      w,
      data.withdraw(sourceId, operator),
      "ModelSources_NotOwner",
      sourceId,
      operator.address,
      other.address,
    );
    await by.offerSource(sourceId, ZeroAddress);
    await refuses(w, to.acceptSource(sourceId), "ModelSources_NotOffered", sourceId, operator.address);

    await by.offerSource(sourceId, operator.address);
    await data.withdraw(sourceId);
    const from = (await w.now()) + CONSENT_NOTICE;
    await expect(to.acceptSource(sourceId))
      .to.emit(w.models, "SourceTransferred")
      .withArgs(sourceId, other.address, operator.address);
    expect((await w.models.source(sourceId)).state).to.deep.equal([operator.address, ZeroAddress, from, 1n]);
    await refuses(w, to.acceptSource(sourceId), "ModelSources_NotOffered", sourceId, operator.address);
    await refuses(w, by.cancelWithdrawal(sourceId), "ModelSources_NotOwner", sourceId, other.address, operator.address);
    await to.cancelWithdrawal(sourceId);
    expect((await w.models.source(sourceId)).state.withdrawnFrom).to.equal(NEVER);
  });

  it("declares licence and sources with a version: given back in order, said in one event, part of its id", async () => {
    const w = world();
    const data = dataOf(w);
    const ids = [await data.registerSource(), await data.registerSource(), await data.registerSource()];
    const sources: Uses[] = [...data.optional(ids[2]!), ...data.required(ids[0]!), ...data.optional(ids[1]!)];
    const version = data.versionOf({ licence: "Apache-2.0", sources });
    const by = w.signers.deployer.address;
    const modelId = await w.models.modelIdOf(by, version);
    const listed = sources.map((each) => [each.sourceId, each.required]);
    await expect(w.models.register(version)).to.emit(w.models, "DataDeclared").withArgs(modelId, "Apache-2.0", listed);
    const [, found] = await w.models.model(modelId);
    expect([found.licence, found.sources, found.modes]).to.deep.equal(["Apache-2.0", listed, 5n]);
    expect(await w.models.dataOf(modelId)).to.deep.equal([
      "Apache-2.0",
      listed.map(([sourceId, required]) => [sourceId, required, NEVER]),
    ]);
    expect((await w.models.modelState(modelId, 1)).modes).to.equal(5n);
    const changes = [
      { licence: "MIT" },
      { sources: sources.slice(1) },
      { sources: [...sources].reverse() },
      { sources: sources.map((each) => ({ ...each, required: true })) },
    ];
    const others = await Promise.all(changes.map((change) => w.models.modelIdOf(by, { ...version, ...change })));
    expect(new Set([modelId, ...others]).size).to.equal(5);
  });

  it("keeps a licence alone, and of a version without either nothing at all", async () => {
    const w = world();
    const data = dataOf(w);
    const plain = data.versionOf();
    await expect(w.models.register(plain)).not.to.emit(w.models, "DataDeclared");
    const modelId = await w.models.modelIdOf(w.signers.deployer.address, plain);
    expect(await w.models.dataOf(modelId)).to.deep.equal(["", []]);
    const licensed = await data.registerVersion({ licence: "https://example.org/licence" });
    expect(await w.models.dataOf(licensed)).to.deep.equal(["https://example.org/licence", []]);
    await refuses(w, w.models.dataOf(id("none")), "Distrustable_UnknownTarget", id("none"));
    expect(await w.models.blockedFrom(id("none"))).to.equal(NEVER);
  });

  it("takes eight sources, each known and named once, and a licence of 128 bytes [R8]", async () => {
    const w = world();
    const data = dataOf(w);
    const ids: string[] = [];
    for (let i = 0; i < 9; i++) ids.push(await data.registerSource());
    const register = (over: object) => w.models.register(data.versionOf(over));
    await refuses(w, register({ sources: data.required(...ids) }), "ModelSources_TooManySources", 9);
    for (const [i, j] of [[0, 7] as const, [6, 7] as const]) {
      const twice = ids
        .slice(0, 8)
        .map((sourceId, at) => ({ sourceId: at === j ? ids[i]! : sourceId, required: at === j }));
      await refuses(w, register({ sources: twice }), "ModelSources_DuplicateSource", ids[i]);
    }
    await refuses(w, register({ sources: data.required(id("none")) }), "ModelSources_UnknownSource", id("none"));
    for (const length of [129, 50_000])
      await refuses(w, register({ licence: "x".repeat(length) }), "ModelSources_TooLong", length, 128);
    const modelId = await data.registerVersion({
      licence: "x".repeat(128),
      sources: [...data.required(...ids.slice(0, 4)), ...data.optional(...ids.slice(4, 8))],
    });
    const [licence, uses] = await w.models.dataOf(modelId);
    expect([licence.length, uses.map((use) => use.sourceId)]).to.deep.equal([128, ids.slice(0, 8)]);
  });

  it("says what withdrawal cannot do, and how much is allowed", async () => {
    const { models } = world();
    expect(await models.consentLimits()).to.contain("cannot undo past training");
    expect(
      await Promise.all([
        models.CONSENT_NOTICE(),
        models.MAX_SOURCES(),
        models.MAX_LICENCE(),
        models.MAX_SOURCE_URI(),
        models.MAX_ANCESTORS(),
      ]),
    ).to.deep.equal([CONSENT_NOTICE, 8n, 128n, 256n, 84n]);
  });
});
