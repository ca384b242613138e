import { expect } from "chai";
import { dataSlice, id, keccak256, Wallet, ZeroHash } from "ethers";
import { coder, keyIdOf, publicKeyOf } from "../support/protocol.ts";
import { MEASUREMENT, SECONDS, useWorld } from "../support/world.ts";

const wallet = (name: string | number) => new Wallet(id(`enclave ${name}`));
const NEVER = 2n ** 256n - 1n;

describe("EnclaveRegistry", () => {
  const world = useWorld();

  it("admits a key by its attestation, for one node and one image, and tells all of it", async () => {
    const w = world();
    const key = wallet(1);
    const measurement = id("image 2");
    const keyId = keyIdOf(1, publicKeyOf(key));
    const second = (await w.now()) + 100n;
    const document = await w.attest(w.nodeId, key, measurement);
    await w.at(second);
    const sent = w.enclaves.admit(w.nodeId, document, second + 50n);
    await expect(sent).to.emit(w.enclaves, "EnclaveAdmitted").withArgs(keyId, w.nodeId, measurement);
    await expect(sent)
      .to.emit(w.enclaves, "KeyAdded")
      .withArgs(keyId, w.nodeId, 1, key.address, second, second + 50n, publicKeyOf(key));
    const target = await w.enclaves.measurementTarget(measurement);
    await expect(sent).to.emit(w.enclaves, "MeasurementKnown").withArgs(measurement, target);
    expect(target).to.not.equal(await w.enclaves.measurementTarget(MEASUREMENT));
    expect(await w.enclaves.measurementOf(keyId)).to.equal(measurement);
    expect(await w.enclaves.nodeOf(keyId)).to.equal(w.nodeId);
    expect(await w.enclaves.signingKey(keyId)).to.deep.equal([
      key.address,
      [1n, second, second + 50n, NEVER, 0n, w.nodeId],
    ]);
    expect(await w.enclaves.enclaveState(keyId, w.modelId)).to.deep.equal([
      [1n, second, second + 50n, NEVER, 0n, w.nodeId],
      [0n, 0n, NEVER, 0n],
    ]);
  });

  it("knows nothing of other keys, images and versions", async () => {
    const w = world();
    const nothing = [
      [0n, 0n, 0n, 0n, 0n, ZeroHash],
      [0n, 0n, 0n, 0n],
    ];
    const target = await w.enclaves.measurementTarget(MEASUREMENT);
    // The image's own number is no key, though it has a standing.
    for (const keyId of [id("none"), ZeroHash, target])
      expect(await w.enclaves.enclaveState(keyId, w.modelId)).to.deep.equal(nothing);
    expect(await w.enclaves.measurementOf(id("none"))).to.equal(ZeroHash);
    expect(await w.enclaves.measurementTarget(id("none"))).to.equal(ZeroHash);
  });

  it("takes attestations of one root only, and none for another node, registry or purpose", async () => {
    const w = world();
    const until = (await w.now()) + 1_000n;
    const key = wallet(1);
    const document = await w.attest(w.nodeId, key, MEASUREMENT);
    const [attestation] = coder.decode(
      ["tuple(uint8 kind, bytes publicKey, bytes32 measurement, bytes32 userData, uint64 issuedAt)", "bytes"],
      document,
    );
    const tuple = "tuple(uint8 kind, bytes publicKey, bytes32 measurement, bytes32 userData, uint64 issuedAt)";
    const forged = coder.encode([tuple, "bytes"], [attestation, await w.signers.other.signMessage("0x")]);
    for (const bad of [forged, coder.encode([tuple, "bytes"], [attestation, "0x"])])
      await expect(w.enclaves.admit(w.nodeId, bad, until)).to.be.revertedWithCustomError(
        w.attestation,
        "DevelopmentAttestationVerifier_BadSignature",
      );
    await expect(w.enclaves.admit(w.nodeId, "0x", until)).to.be.revert(w.ethers);
    await expect(w.enclaves.admit(w.nodeId, dataSlice(document, 0, 64), until)).to.be.revert(w.ethers);

    const expected = keccak256(
      coder.encode(
        ["uint256", "address", "bytes32", "address"],
        [31337n, await w.enclaves.getAddress(), w.nodeId, w.signers.operator.address],
      ),
    );
    expect(await w.enclaves.registrationUserData(w.nodeId)).to.equal(expected);
    for (const userData of [ZeroHash, await w.enclaves.registrationUserData(id("another node"))])
      await expect(w.enclaves.admit(w.nodeId, await w.attest(w.nodeId, key, MEASUREMENT, { userData }), until))
        .to.be.revertedWithCustomError(w.enclaves, "EnclaveRegistry_WrongUserData")
        .withArgs(expected, userData);
  });

  it("takes attestations up to MAX_ATTESTATION_AGE old, to the second, and none from the future", async () => {
    const w = world();
    const second = (await w.now()) + 10_000n;
    const admit = async (name: string, issuedAt: bigint, at: bigint) => {
      const document = await w.attest(w.nodeId, wallet(name), MEASUREMENT, { issuedAt });
      await w.at(at);
      return w.enclaves.admit(w.nodeId, document, at + 100n);
    };
    await admit("old", second - 3_600n, second);
    await admit("new", second + 10n, second + 10n);
    for (const [issuedAt, at] of [
      [second + 20n - 3_601n, second + 20n],
      [second + 31n, second + 30n],
      [0n, second + 40n],
      [2n ** 64n - 1n, second + 50n],
    ] as const)
      await expect(admit("x", issuedAt, at))
        .to.be.revertedWithCustomError(w.enclaves, "EnclaveRegistry_StaleAttestation")
        .withArgs(issuedAt);
  });

  it("refuses debug enclaves and keys it cannot check", async () => {
    const w = world();
    const until = (await w.now()) + 1_000n;
    const debug = keccak256(new Uint8Array(144));
    for (const measurement of [ZeroHash, debug])
      await expect(
        w.enclaves.admit(w.nodeId, await w.attest(w.nodeId, wallet(1), measurement), until),
      ).to.be.revertedWithCustomError(w.enclaves, "EnclaveRegistry_ZeroMeasurement");
    const publicKey = publicKeyOf(wallet(1));
    for (const [over, kind, length] of [
      [{ kind: 0 }, 0, 64],
      [{ kind: 2 }, 2, 64],
      [{ kind: 255 }, 255, 64],
      [{ publicKey: dataSlice(publicKey, 1) }, 1, 63],
      [{ publicKey: wallet(1).signingKey.publicKey }, 1, 65],
      [{ publicKey: "0x" }, 1, 0],
    ] as const)
      await expect(w.enclaves.admit(w.nodeId, await w.attest(w.nodeId, wallet(1), MEASUREMENT, over), until))
        .to.be.revertedWithCustomError(w.enclaves, "EnclaveRegistry_UnsupportedKey")
        .withArgs(kind, length);
  });

  it("admits for the operator only, once a key, for at most MAX_KEY_LIFE", async () => {
    const w = world();
    const key = wallet(1);
    const document = await w.attest(w.nodeId, key, MEASUREMENT);
    const until = (await w.now()) + 1_000n;
    for (const signer of [w.signers.other, w.signers.guardian])
      await expect(w.enclaves.connect(signer).admit(w.nodeId, document, until))
        .to.be.revertedWithCustomError(w.enclaves, "KeyRegistry_NotOperator")
        .withArgs(w.nodeId, signer.address);
    const second = (await w.now()) + 100n;
    await w.at(second);
    await expect(w.enclaves.admit(w.nodeId, document, second + 90n * SECONDS.day + 1n)).to.be.revertedWithCustomError(
      w.enclaves,
      "KeyRegistry_BadValidity",
    );
    await w.at(second + 10n);
    await expect(w.enclaves.admit(w.nodeId, document, second + 10n)).to.be.revertedWithCustomError(
      w.enclaves,
      "KeyRegistry_BadValidity",
    );
    await w.at(second + 20n);
    await w.enclaves.admit(w.nodeId, document, second + 20n + 90n * SECONDS.day);
    await expect(w.enclaves.admit(w.nodeId, document, until))
      .to.be.revertedWithCustomError(w.enclaves, "KeyRegistry_KeyTaken")
      .withArgs(keyIdOf(1, publicKeyOf(key)), w.nodeId);
  });

  it("one secret is two keys where it is an operator's and an enclave's: kinds are part of the id", async () => {
    const w = world();
    const key = wallet("both");
    const operatorKeyId = await w.addOperatorKey(w.nodeId, key);
    const enclaveKeyId = await w.admitEnclave(w.nodeId, key, MEASUREMENT);
    expect(operatorKeyId).to.not.equal(enclaveKeyId);
  });

  it("approves an image for a version once, by governance, and never again after withdrawing [R4]", async () => {
    const w = world();
    const measurement = id("image 3");
    const encode = (name: "approveMeasurement" | "withdrawMeasurement", m = measurement) =>
      w.enclaves.interface.encodeFunctionData(name as "approveMeasurement", [m, w.modelId]);
    const second = (await w.now()) + 100n;
    await w.at(second);
    await expect(w.govern(w.enclaves, encode("approveMeasurement")))
      .to.emit(w.enclaves, "MeasurementApproved")
      .withArgs(measurement, w.modelId, second);
    expect(await w.enclaves.measurementTarget(measurement)).to.not.equal(ZeroHash);
    await expect(w.govern(w.enclaves, encode("approveMeasurement")))
      .to.be.revertedWithCustomError(w.enclaves, "EnclaveRegistry_AlreadyApproved")
      .withArgs(measurement, w.modelId);
    const keyId = await w.admitEnclave(w.nodeId, wallet(1), measurement);
    const state = async () => [...(await w.enclaves.enclaveState(keyId, w.modelId)).measurement];
    expect(await state()).to.deep.equal([second, NEVER, NEVER, 0n]);

    const end = (await w.now()) + 100n;
    await w.at(end);
    await expect(w.govern(w.enclaves, encode("withdrawMeasurement")))
      .to.emit(w.enclaves, "MeasurementWithdrawn")
      .withArgs(measurement, w.modelId, end);
    expect(await state()).to.deep.equal([second, end, NEVER, 0n]);
    await expect(w.govern(w.enclaves, encode("approveMeasurement")))
      .to.be.revertedWithCustomError(w.enclaves, "EnclaveRegistry_ApprovalWithdrawn")
      .withArgs(measurement, w.modelId);
    for (const each of [measurement, id("never seen")])
      await expect(w.govern(w.enclaves, encode("withdrawMeasurement", each)))
        .to.be.revertedWithCustomError(w.enclaves, "EnclaveRegistry_NotApproved")
        .withArgs(each, w.modelId);
    await expect(w.govern(w.enclaves, encode("approveMeasurement", ZeroHash))).to.be.revertedWithCustomError(
      w.enclaves,
      "EnclaveRegistry_ZeroMeasurement",
    );
  });

  it("takes approvals from nobody but governance [R8]", async () => {
    const w = world();
    for (const signer of [w.signers.deployer, w.signers.admin, w.signers.guardian, w.signers.operator]) {
      const enclaves = w.enclaves.connect(signer);
      for (const call of [
        () => enclaves.approveMeasurement(MEASUREMENT, w.modelId),
        () => enclaves.withdrawMeasurement(MEASUREMENT, w.modelId),
      ])
        await expect(call())
          .to.be.revertedWithCustomError(w.enclaves, "Distrustable_NotAdmin")
          .withArgs(signer.address);
    }
  });
});
