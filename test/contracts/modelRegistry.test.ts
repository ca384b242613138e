import { expect } from "chai";
import { concat, dataSlice, hexlify, id, keccak256, toBeHex, ZeroAddress, ZeroHash } from "ethers";
import { keyBytes, makeSetup } from "../support/groth16.ts";
import { developmentSetup } from "../support/proofs.ts";
import { coder, NO_DATA, NO_LINEAGE } from "../support/protocol.ts";
import { useWorld, type World } from "../support/world.ts";

const NEVER = 2n ** 256n - 1n;
const PLAIN = {
  contentHash: id("c"),
  uri: "ipfs://c",
  modes: 1,
  verifier: ZeroAddress,
  verifyingKey: "0x",
  signals: "",
  lineage: NO_LINEAGE,
  ...NO_DATA,
};

describe("ModelRegistry", () => {
  const world = useWorld();
  const provedVersion = async (w: World, label = "other") => ({
    ...PLAIN,
    modes: 2,
    verifier: await w.groth16.getAddress(),
    verifyingKey: keyBytes(developmentSetup(3, label)),
    signals: "input, score, binding",
  });
  const targetOf = (verifier: string) => toBeHex(verifier, 32);

  it("registers a version for anyone and gives back exactly what was declared", async () => {
    const w = world();
    const { other } = w.signers;
    const version = await provedVersion(w);
    const modelId = await w.models.modelIdOf(other.address, version);
    const lineageType = "tuple(uint16, tuple(bytes32, uint16)[], tuple(address, uint16)[])";
    const dataTypes = ["string", "tuple(bytes32, bool)[]"];
    const lineageHash = keccak256(coder.encode([lineageType, ...dataTypes], [[0, [], []], "", []]));
    expect(modelId).to.equal(
      keccak256(
        coder.encode(
          ["uint256", "address", "address", "bytes32", "uint8", "address", "bytes32", "bytes32", "bytes32", "bytes32"],
          [
            31337n,
            await w.models.getAddress(),
            other.address,
            version.contentHash,
            version.modes,
            version.verifier,
            keccak256(version.verifyingKey),
            id(version.uri),
            id(version.signals),
            lineageHash,
          ],
        ),
      ),
    );
    const models = w.models.connect(other);
    expect(await models.register.staticCall(version)).to.equal(modelId);
    await expect(models.register(version))
      .to.emit(models, "ModelRegistered")
      .withArgs(
        modelId,
        other.address,
        version.verifier,
        version.contentHash,
        2,
        version.uri,
        keccak256(version.verifyingKey),
        version.signals,
      );
    const [owner, stored] = await models.model(modelId);
    expect(owner).to.equal(other.address);
    expect(stored).to.deep.equal([
      version.contentHash,
      version.uri,
      2n,
      version.verifier,
      version.verifyingKey,
      version.signals,
      [0n, [], []],
      "",
      [],
    ]);
    const pointer = await models.verifyingKey(modelId);
    expect(await w.ethers.provider.getCode(pointer)).to.equal(concat(["0x00", version.verifyingKey]));
  });

  it("keeps versions without proofs without a key", async () => {
    const w = world();
    const [owner, stored] = await w.models.model(w.vanillaModelId);
    expect(owner).to.equal(w.signers.deployer.address);
    expect([stored.modes, stored.verifier, stored.verifyingKey, stored.signals]).to.deep.equal([
      1n,
      ZeroAddress,
      "0x",
      "",
    ]);
    expect(await w.models.verifyingKey(w.vanillaModelId)).to.equal(ZeroAddress);
    expect(await w.models.verifyingKey(id("none"))).to.equal(ZeroAddress);
  });

  it("never changes a version: the same declaration by the same owner is refused, by another is another version", async () => {
    const w = world();
    await w.models.register(PLAIN);
    const modelId = await w.models.modelIdOf(w.signers.deployer.address, PLAIN);
    await expect(w.models.register(PLAIN))
      .to.be.revertedWithCustomError(w.models, "ModelRegistry_AlreadyRegistered")
      .withArgs(modelId);
    await w.models.connect(w.signers.other).register(PLAIN);
    const ids = new Set([modelId, await w.models.modelIdOf(w.signers.other.address, PLAIN)]);
    for (const change of [{ contentHash: id("d") }, { uri: "ipfs://d" }, { modes: 4 }, { signals: "x" }])
      ids.add(await w.models.modelIdOf(w.signers.deployer.address, { ...PLAIN, ...change }));
    expect(ids.size).to.equal(6);
  });

  it("takes masks of known modes and a content hash", async () => {
    const w = world();
    for (const modes of [0, 8, 16, 255])
      await expect(w.models.register({ ...PLAIN, modes }))
        .to.be.revertedWithCustomError(w.models, "ModelRegistry_BadModes")
        .withArgs(modes);
    for (const modes of [1, 4, 5]) await w.models.register({ ...PLAIN, modes });
    const version = await provedVersion(w);
    for (const modes of [2, 3, 6, 7]) await w.models.register({ ...version, modes });
    await expect(w.models.register({ ...PLAIN, contentHash: ZeroHash })).to.be.revertedWithCustomError(
      w.models,
      "ModelRegistry_EmptyContent",
    );
  });

  it("takes verifier, key and signals with ZKML, all three, and without it none", async () => {
    const w = world();
    const proved = await provedVersion(w);
    const missing = [{ verifier: ZeroAddress }, { verifyingKey: "0x" }, { signals: "" }, { modes: 1 }, { modes: 5 }];
    const excess = [{ verifier: proved.verifier }, { verifyingKey: "0x00" }, { signals: "x" }, { modes: 2 }];
    for (const version of [
      ...missing.map((change) => ({ ...proved, ...change })),
      ...excess.map((change) => ({ ...PLAIN, ...change })),
    ])
      await expect(w.models.register(version))
        .to.be.revertedWithCustomError(w.models, "ModelRegistry_ProofFieldsMismatch")
        .withArgs(version.modes);
  });

  it("takes only keys that the verifier stands behind [ZK1][FM:phase2-skipped]", async () => {
    const w = world();
    const version = await provedVersion(w);
    const register = (verifyingKey: string) => w.models.register({ ...version, verifyingKey });
    await expect(register(keyBytes(makeSetup(3)))).to.be.revertedWithCustomError(
      w.groth16,
      "Groth16Verifier_Phase1NotAllowed",
    );
    const skipped = { ...developmentSetup(3), delta: 1n };
    await expect(register(keyBytes(skipped))).to.be.revertedWithCustomError(w.groth16, "VerifyingKey_DeltaIsGamma");
    const ignored = developmentSetup(3);
    ignored.ic[2] = 0n;
    await expect(register(keyBytes(ignored))).to.be.revertedWithCustomError(w.groth16, "VerifyingKey_PointAtInfinity");
    for (const bytes of ["0x00", dataSlice(version.verifyingKey, 1), hexlify(new Uint8Array(30_000))])
      await expect(register(bytes)).to.be.revertedWithCustomError(w.groth16, "VerifyingKey_Length");
  });

  it("takes new verifiers from governance only, once, and none that is distrusted [R10]", async () => {
    const w = world();
    const keys = [toBeHex(0, 32)];
    const other = await w.ethers.deployContract("Groth16Verifier", [await w.models.getAddress(), keys]);
    const address = await other.getAddress();
    const version = { ...(await provedVersion(w)), verifier: address };
    const refused = (verifier = address) => [w.models, "ModelRegistry_VerifierNotApproved", verifier] as const;
    const expectRefused = async (call: Promise<unknown>, [contract, error, verifier] = refused()) =>
      expect(call).to.be.revertedWithCustomError(contract, error).withArgs(verifier);
    await expectRefused(w.models.register(version));
    expect(await w.models.isApprovedVerifier(address)).to.equal(false);

    for (const signer of [w.signers.deployer, w.signers.guardian, w.signers.admin])
      await expect(w.models.connect(signer).approveVerifier(address))
        .to.be.revertedWithCustomError(w.models, "Distrustable_NotAdmin")
        .withArgs(signer.address);
    const approve = (verifier: string) =>
      w.govern(w.models, w.models.interface.encodeFunctionData("approveVerifier", [verifier]));
    await expect(approve(address)).to.emit(w.models, "VerifierApproved").withArgs(address);
    expect(await w.models.isApprovedVerifier(address)).to.equal(true);
    await expectRefused(approve(address));
    await expectRefused(approve(ZeroAddress), refused(ZeroAddress));
    // Approved, and so asked: it has its own opinion of the key.
    await expect(w.models.register(version)).to.be.revertedWithCustomError(other, "Groth16Verifier_Phase1NotAllowed");

    await w.distrust(w.models, targetOf(address), await w.now());
    expect(await w.models.isApprovedVerifier(address)).to.equal(false);
    await expectRefused(w.models.register(version));
    await expectRefused(approve(address));
  });

  it("tells settlement what it asks, the verifier's state for ZKML only", async () => {
    const w = world();
    const verifier = await w.groth16.getAddress();
    expect(await w.models.modelState(id("none"), 1)).to.deep.equal([0n, ZeroAddress, 0n, 0n, 0n, 0n]);
    expect(await w.models.modelState(w.vanillaModelId, 1)).to.deep.equal([1n, ZeroAddress, NEVER, 0n, 0n, 0n]);
    expect(await w.models.modelState(w.modelId, 0)).to.deep.equal([7n, verifier, NEVER, 0n, 0n, 0n]);
    expect(await w.models.modelState(w.modelId, 1)).to.deep.equal([7n, verifier, NEVER, 0n, NEVER, 0n]);
    const second = (await w.now()) + 100n;
    await w.at(second);
    await w.freeze(w.models, targetOf(verifier));
    await w.distrust(w.models, targetOf(verifier), 5n);
    await w.distrust(w.models, w.modelId, 6n);
    expect(await w.models.modelState(w.modelId, 1)).to.deep.equal([7n, verifier, 6n, 0n, 5n, second + 864_000n]);
    expect(await w.models.modelState(w.modelId, 2)).to.deep.equal([7n, verifier, 6n, 0n, 0n, 0n]);
  });

  it("knows no version where none was registered, nor where a verifier has its standing", async () => {
    const w = world();
    const verifier = targetOf(await w.groth16.getAddress());
    for (const modelId of [id("none"), ZeroHash, verifier]) {
      await expect(w.models.model(modelId))
        .to.be.revertedWithCustomError(w.models, "Distrustable_UnknownTarget")
        .withArgs(modelId);
      expect((await w.models.modelState(modelId, 1)).modes).to.equal(0n);
    }
  });

  it("is deployed with the verifier that reads its keys, approved from the start", async () => {
    const w = world();
    expect(await w.groth16.KEYS()).to.equal(await w.models.getAddress());
    expect(await w.models.isApprovedVerifier(await w.groth16.getAddress())).to.equal(true);
  });
});
