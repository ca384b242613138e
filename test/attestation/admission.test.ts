import { expect } from "chai";
import { Wallet, getBytes, id, keccak256, sha256 } from "ethers";
import { EnclaveRegistry__factory, NitroAttestation__factory } from "../../typechain/index.ts";
import { generatorTable } from "../../relayer/attestation/generator-table.ts";
import { attestationEvidence, cacheCertificates } from "../../relayer/attestation/registration.ts";
import { deployProtocol, keyIdOf, publicKeyOf } from "../support/protocol.ts";
import { newRsaKey } from "../support/rsa.ts";
import { document, pcr } from "./authority.ts";
import { nitroChain } from "./support.ts";

const TRANSACTION_CAP = 16_777_216n;
const noJournal = { read: async () => ({}), write: async () => undefined };

describe("NitroAttestation: admission to the enclave registry", function () {
  this.timeout(300_000);

  async function deployed() {
    const p = await deployProtocol();
    const { ethers, signers } = p;
    const table = await ethers.deployContract("P384Table", [generatorTable()]);
    const es384 = await ethers.deployContract("ES384", [table]);
    const chain = nitroChain(await p.networkHelpers.time.latest());
    const deployment = await ethers.deployContract("NitroAttestation", [
      signers.admin.address,
      signers.guardian.address,
      es384,
      sha256(chain.root.der),
    ]);
    const nitro = NitroAttestation__factory.connect(await deployment.getAddress(), signers.deployer);
    const registry = await ethers.deployContract("EnclaveRegistry", [
      signers.admin.address,
      signers.guardian.address,
      await p.nodes.getAddress(),
      await nitro.getAddress(),
    ]);
    const enclaves = EnclaveRegistry__factory.connect(await registry.getAddress(), signers.operator);
    const nodeId = await p.registerNode();
    return { ...p, nitro, chain, enclaves, nodeId };
  }

  it("admits an enclave's key by its document alone, each step below the transaction cap", async () => {
    const p = await deployed();
    const key = new Wallet(id("nitro enclave"));
    const made = document({
      chain: p.chain.all,
      timestamp: (await p.networkHelpers.time.latest()) * 1000,
      publicKey: getBytes(publicKeyOf(key)),
      userData: getBytes(await p.enclaves.registrationUserData(p.nodeId)),
    });
    let total = 0n;
    await cacheCertificates(await p.nitro.getAddress(), p.signers.operator, made, noJournal, ({ gasUsed }) => {
      total += gasUsed ?? 0n;
      expect(gasUsed ?? 0n).to.be.below(TRANSACTION_CAP);
    });
    const until = (await p.networkHelpers.time.latest()) + 86_400;
    const sent = await p.enclaves.admit(p.nodeId, attestationEvidence(made), until);
    const { gasUsed } = (await sent.wait())!;
    const keyId = keyIdOf(1, publicKeyOf(key));
    const measurement = keccak256(Buffer.concat([pcr(0), pcr(1), pcr(2)]));
    expect(await p.enclaves.measurementOf(keyId)).to.equal(measurement);
    expect(await p.enclaves.nodeOf(keyId)).to.equal(p.nodeId);
    expect(gasUsed).to.be.below(3_000_000n);
    expect(total + gasUsed).to.be.below(10_000_000n);
  });

  it("admits an RSA key of a gateway by the same document, as the DER that it carries", async () => {
    const p = await deployed();
    const key = newRsaKey();
    const made = document({
      chain: p.chain.all,
      timestamp: (await p.networkHelpers.time.latest()) * 1000,
      publicKey: key.der,
      userData: getBytes(await p.enclaves.registrationUserData(p.nodeId)),
    });
    await cacheCertificates(await p.nitro.getAddress(), p.signers.operator, made, noJournal);
    const until = (await p.networkHelpers.time.latest()) + 86_400;
    await p.enclaves.admit(p.nodeId, attestationEvidence(made), until);
    const state = await p.enclaves.keyState(key.keyId);
    expect([state.kind, state.nodeId]).to.deep.equal([2n, p.nodeId]);
    expect(await p.enclaves.measurementOf(key.keyId)).to.equal(keccak256(Buffer.concat([pcr(0), pcr(1), pcr(2)])));
  });

  it("refuses a document for another node, and one older than an hour (R4)", async () => {
    const p = await deployed();
    const other = await p.registerNode();
    const now = await p.networkHelpers.time.latest();
    const made = document({
      chain: p.chain.all,
      timestamp: now * 1000,
      publicKey: getBytes(publicKeyOf(new Wallet(id("one")))),
      userData: getBytes(await p.enclaves.registrationUserData(p.nodeId)),
    });
    await cacheCertificates(await p.nitro.getAddress(), p.signers.operator, made, noJournal);
    const evidence = attestationEvidence(made);
    await expect(p.enclaves.admit(other, evidence, now + 86_400)).to.be.revertedWithCustomError(
      p.enclaves,
      "EnclaveRegistry_WrongUserData",
    );
    await p.networkHelpers.time.increaseTo(now + 3_700);
    await expect(p.enclaves.admit(p.nodeId, evidence, now + 86_400)).to.be.revertedWithCustomError(
      p.enclaves,
      "EnclaveRegistry_StaleAttestation",
    );
  });
});
