import { expect } from "chai";
import { keccak256, sha256, ZeroAddress, ZeroHash } from "ethers";
import { network } from "hardhat";
import { generatorTable } from "../../relayer/attestation/generator-table.ts";
import { issue } from "../../demo/development-authority.ts";
import { newChain, useNitro } from "./support.ts";

const AWS_ROOT = "0x641a0321a3e244efe456463195d606317ed7cdcc3c1756e09893f3c68f79bb5b";
const FREEZE = 864_000n;

describe("NitroAttestation: roots and distrust", function () {
  this.timeout(300_000);
  const nitro = useNitro((n) => n.cacheAll(n.chain.all));
  const evidence = async () =>
    nitro().evidence(await nitro().attest({ publicKey: Buffer.alloc(64, 1), userData: Buffer.alloc(32) }));

  it("refuses any certificate of a distrusted one's chain from then on, for ever (R4)", async () => {
    const n = nitro();
    const given = await evidence();
    for (const own of n.chain.all) {
      const back = await n.networkHelpers.takeSnapshot();
      const target = keccak256(own.der);
      await n.nitro.readDocument(given);
      await n.nitro.connect(n.signers.admin).distrust(target, await n.now());
      await expect(n.nitro.readDocument(given))
        .to.be.revertedWithCustomError(n.nitro, "NitroAttestation_Distrusted")
        .withArgs(target);
      // Nothing new is issued below it either, and caching it again revives nothing.
      await n.nitro.cacheRoot(n.chain.root.der);
      await expect(n.nitro.readDocument(given)).to.be.revertedWithCustomError(n.nitro, "NitroAttestation_Distrusted");
      await back.restore();
    }
    const other = newChain(await n.now());
    await n.nitro.connect(n.signers.admin).distrust(keccak256(n.chain.root.der), 1);
    await expect(n.nitro.cacheCertificate(n.chain.root.der, other.region.der, "0x")).to.be.revertedWithCustomError(
      n.nitro,
      "NitroAttestation_Distrusted",
    );
  });

  it("lets the guardian freeze admissions by the root, once and for a bounded time (R8)", async () => {
    const n = nitro();
    const root = keccak256(n.chain.root.der);
    const guarded = n.nitro.connect(n.signers.guardian);
    await guarded.freeze(root);
    const given = await evidence();
    await expect(n.nitro.readDocument(given)).to.be.revertedWithCustomError(n.nitro, "NitroAttestation_Distrusted");
    await expect(guarded.freeze(root)).to.be.revertedWithCustomError(n.nitro, "Distrustable_FreezeSpent");
    const until = (await n.nitro.standing(root)).frozenUntil;
    expect(until - BigInt(await n.now())).to.equal(FREEZE);
  });

  it("lifts a freeze by itself", async () => {
    const n = nitro();
    const enclave = keccak256(n.chain.region.der);
    await n.nitro.connect(n.signers.guardian).freeze(enclave);
    const until = (await n.nitro.standing(enclave)).frozenUntil;
    await n.networkHelpers.time.increaseTo(until);
    // The rest of the chain lives shorter than a freeze; a new branch below the same region shows it.
    const now = await n.now();
    const leaf = issue(n.chain.region, { name: "late", authority: false, from: now - 60, to: now + 60_000 });
    await n.cache(n.chain.region.der, leaf.der);
    const given = n.evidence(await n.attest({ chain: [n.chain.root, n.chain.region, leaf] }));
    await n.nitro.readDocument(given);
  });

  it("keeps distrust, freezing and pinning to their roles (R8)", async () => {
    const n = nitro();
    const root = keccak256(n.chain.root.der);
    for (const who of [n.signers.stranger, n.signers.guardian]) {
      await expect(n.nitro.connect(who).distrust(root, 1)).to.be.revertedWithCustomError(
        n.nitro,
        "Distrustable_NotAdmin",
      );
      await expect(n.nitro.connect(who).pinRoot(AWS_ROOT)).to.be.revertedWithCustomError(
        n.nitro,
        "Distrustable_NotAdmin",
      );
      await expect(n.nitro.connect(who).rearmFreeze(root)).to.be.revertedWithCustomError(
        n.nitro,
        "Distrustable_NotAdmin",
      );
    }
    for (const who of [n.signers.stranger, n.signers.admin])
      await expect(n.nitro.connect(who).freeze(root)).to.be.revertedWithCustomError(
        n.nitro,
        "Distrustable_NotGuardian",
      );
  });

  it("rotates the root: what hangs on the old one is refused, and lives again only if it is pinned again", async () => {
    const n = nitro();
    const given = await evidence();
    const next = newChain(await n.now());
    const governed = n.nitro.connect(n.signers.admin);
    await expect(governed.pinRoot(sha256(next.root.der)))
      .to.emit(n.nitro, "RootPinned")
      .withArgs(sha256(next.root.der));
    expect(await n.nitro.rootCertificate()).to.equal(ZeroHash);
    await expect(n.nitro.readDocument(given))
      .to.be.revertedWithCustomError(n.nitro, "NitroAttestation_UnknownCertificate")
      .withArgs(keccak256(n.chain.root.der));
    await expect(n.nitro.cacheRoot(n.chain.root.der)).to.be.revertedWithCustomError(
      n.nitro,
      "NitroAttestation_NotTheRoot",
    );
    await n.cacheAll(next.all);
    await n.nitro.readDocument(n.evidence(await n.attest({ chain: next.all })));
    // The old chain behind the new root is not a chain.
    const mixed = n.evidence(await n.attest({ chain: [next.root, ...n.chain.all.slice(1)] }));
    await expect(n.nitro.readDocument(mixed)).to.be.revertedWithCustomError(
      n.nitro,
      "NitroAttestation_UnknownCertificate",
    );
    await governed.pinRoot(sha256(n.chain.root.der));
    await n.nitro.cacheRoot(n.chain.root.der);
    await n.nitro.readDocument(given);
  });

  it("pins no zero, and nothing that is pinned", async () => {
    const n = nitro();
    for (const fingerprint of [ZeroHash, sha256(n.chain.root.der)])
      await expect(n.nitro.connect(n.signers.admin).pinRoot(fingerprint))
        .to.be.revertedWithCustomError(n.nitro, "NitroAttestation_BadFingerprint")
        .withArgs(fingerprint);
    await expect(n.pinned(ZeroHash)).to.be.revertedWithCustomError(n.nitro, "NitroAttestation_BadFingerprint");
    expect(await n.nitro.AWS_ROOT()).to.equal(AWS_ROOT);
  });

  it("deploys with AWS's root only, wherever the chain is not a development chain", async () => {
    const { ethers } = await network.create("baseDryRun");
    const [admin, guardian] = await ethers.getSigners();
    const table = await ethers.deployContract("P384Table", [generatorTable()]);
    const es384 = await ethers.deployContract("ES384", [table]);
    const deploy = (fingerprint: string, verifier: string) =>
      ethers.deployContract("NitroAttestation", [admin!.address, guardian!.address, verifier, fingerprint]);
    const good = await deploy(AWS_ROOT, await es384.getAddress());
    expect(await good.rootFingerprint()).to.equal(AWS_ROOT);
    const foreign = sha256("0x01");
    await expect(deploy(foreign, await es384.getAddress()))
      .to.be.revertedWithCustomError(good, "NitroAttestation_ForeignRoot")
      .withArgs(foreign);
    await expect(deploy(AWS_ROOT, ZeroAddress)).to.be.revertedWithCustomError(good, "Governed_ZeroAddress");
  });
});
