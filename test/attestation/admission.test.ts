import { expect } from "chai";
import { Wallet, getBytes, id, keccak256, sha256 } from "ethers";
import { OpenGradientDevelopment } from "../../deploy/modules/protocol.ts";
import local from "../../deploy/parameters/local.json" with { type: "json" };
import { document } from "../../demo/development-authority.ts";
import { startEnclave } from "../../demo/development-enclave.ts";
import { NitroAttestation__factory, OPGGovernor__factory } from "../../typechain/index.ts";
import {
  documentKeyId,
  progressLine,
  registerEnclave,
  type EnclaveRegistration,
} from "../../relayer/attestation/enclave.ts";
import { readDocument } from "../../relayer/attestation/document.ts";
import { attestationEvidence, cacheCertificates, RegistrationError } from "../../relayer/attestation/registration.ts";
import { deployProtocol, keyIdOf, publicKeyOf } from "../support/protocol.ts";
import { newRsaKey } from "../support/rsa.ts";
import { memoryJournal, newChain } from "./support.ts";

const TRANSACTION_CAP = 16_777_216n;
const NEVER = 2n ** 256n - 1n;
const DAY = 86_400;
const FOUNDATION = 1;
const FOR = 1;

/** The development deployment as it is, with a node and an enclave that has a key. */
async function deployed() {
  const p = await deployProtocol(undefined, OpenGradientDevelopment);
  const { signers, networkHelpers } = p;
  const nitro = NitroAttestation__factory.connect(await p.contracts.attestationVerifier.getAddress(), signers.deployer);
  const nodeId = await p.registerNode();
  let clock = (await networkHelpers.time.latest()) * 1000;
  const tick = async () => (clock = (await networkHelpers.time.latest()) * 1000);
  /** An enclave, and its registration by the operator, who tells it the chain's time. */
  async function enclave(name: string, over: Partial<EnclaveRegistration> = {}) {
    await tick();
    const wallet = new Wallet(id(name));
    const { measurement, attest } = startEnclave("image", getBytes(publicKeyOf(wallet)), () => clock);
    const wish: EnclaveRegistration = {
      registry: await p.enclaves.getAddress(),
      operator: signers.operator,
      nodeId,
      keyId: keyIdOf(1, publicKeyOf(wallet)),
      attest: async (userData) => {
        await tick();
        return attest(userData);
      },
      journal: memoryJournal(),
      ...over,
    };
    return { measurement, attest, wish, keyId: wish.keyId };
  }
  const sent = () => p.ethers.provider.getTransactionCount(signers.operator.address);
  const setClock = (ms: number) => (clock = ms);
  return { ...p, nitro, nodeId, enclave, sent, tick, setClock, clock: () => clock };
}
type Deployed = Awaited<ReturnType<typeof deployed>>;

describe("NitroAttestation: admission to the enclave registry", function () {
  this.timeout(300_000);
  let p: Deployed;
  let restore: () => Promise<void>;
  before(async () => {
    p = await deployed();
    ({ restore } = await p.networkHelpers.takeSnapshot());
  });
  beforeEach(async () => restore());

  it("admits an enclave's key by its document alone, each step below the transaction cap", async () => {
    const [told, lines]: [string[], string[]] = [[], []];
    let [total, most] = [0n, 0n];
    const { wish, keyId, measurement } = await p.enclave("nitro enclave", {
      report: (progress) => {
        told.push(progress.step);
        lines.push(progressLine(progress));
        const gas = progress.gasUsed ?? 0n;
        [total, most] = [total + gas, gas > most ? gas : most];
      },
    });
    await registerEnclave(wish);
    expect(told).to.deep.equal([...[1, 2, 3, 4, 5].flatMap(() => ["sent", "verified"]), "sent", "admitted"]);
    expect(lines[0]).to.match(/^certificate 1 of 5 0x\w{64} sent in 0x\w{64}$/);
    expect(lines[11]).to.match(new RegExp(`^key ${keyId} admitted in 0x\\w{64}, \\d+ gas$`));
    expect(await p.enclaves.measurementOf(keyId)).to.equal(measurement);
    const state = await p.enclaves.keyState(keyId);
    expect(state.nodeId).to.equal(p.nodeId);
    expect(state.validUntil - state.validFrom).to.be.closeTo(90n * 86_400n, 120n);
    expect(most).to.be.below(TRANSACTION_CAP);
    expect(total).to.be.below(10_000_000n);
  });

  it("asks nothing of the enclave and sends nothing where the key is known", async () => {
    const { wish } = await p.enclave("known");
    await registerEnclave(wish);
    const before = await p.sent();
    const told: string[] = [];
    await registerEnclave({
      ...wish,
      attest: () => Promise.reject(new Error("asked")),
      report: ({ step }) => told.push(step),
    });
    expect(told).to.deep.equal(["known"]);
    expect(await p.sent()).to.equal(before);
  });

  it("goes on where a crash left it, before the key's step, in it and behind it, and admits a key once", async () => {
    // Among the certificates: registration.test.ts.
    for (const crash of [9, 10, 11]) {
      const back = await p.networkHelpers.takeSnapshot();
      const before = await p.sent();
      const { wish, keyId } = await p.enclave(`crash ${crash}`);
      let reports = 0;
      const dying = registerEnclave({
        ...wish,
        report: () => {
          if (reports++ === crash) throw new Error("power cut");
        },
      });
      expect(
        await dying.then(
          () => "done",
          ({ message }: Error) => message,
        ),
      ).to.equal("power cut");
      await registerEnclave(wish);
      expect((await p.sent()) - before, `crash ${crash}`).to.equal(6);
      expect(await p.enclaves.nodeOf(keyId)).to.equal(p.nodeId);
      await back.restore();
    }
  });

  it("stops before it sends anything where document or key are for something else", async () => {
    const { wish, attest } = await p.enclave("one");
    const other = await p.enclave("other");
    const before = await p.sent();
    const code = async (over: Partial<EnclaveRegistration>) =>
      registerEnclave({ ...wish, ...over }).then(
        () => "registered",
        (error: Error) => (error instanceof RegistrationError ? error.code : error.message),
      );
    expect(await code({ attest: other.attest })).to.equal("wrong_document");
    expect(await code({ attest: () => attest(Buffer.alloc(32, 1)) })).to.equal("wrong_document");
    expect(await p.sent()).to.equal(before);

    await registerEnclave(wish);
    expect(await code({ nodeId: await p.registerNode() })).to.equal("wrong_key");
    await p.enclaves.retireKey(wish.keyId, (await p.networkHelpers.time.latest()) + 10);
    expect(await code({})).to.equal("registered");
    await p.networkHelpers.time.increase(20);
    expect(await code({})).to.equal("wrong_key");
  });

  /** An enclave whose certificates are cached, so that only its key is left to admit. */
  async function certified(name: string) {
    const enclave = await p.enclave(name);
    const made = await enclave.wish.attest(Buffer.alloc(32));
    await cacheCertificates(await p.nitro.getAddress(), p.signers.other, made, memoryJournal());
    return enclave;
  }

  it("waits for an admission that an earlier run sent, instead of sending it again", async () => {
    const { wish, keyId } = await certified("pending");
    const { provider } = p.ethers;
    const before = await p.sent();
    await provider.send("evm_setAutomine", [false]);
    const told: string[] = [];
    try {
      const dying = registerEnclave({
        ...wish,
        report: (progress) => {
          if ("keyId" in progress) throw new Error("power cut");
        },
      });
      expect(
        await dying.then(
          () => "done",
          ({ message }: Error) => message,
        ),
      ).to.equal("power cut");
      const going = registerEnclave({ ...wish, report: ({ step }) => told.push(step) });
      await new Promise((resolve) => setTimeout(resolve, 1_000));
      await provider.send("evm_mine", []);
      await going;
    } finally {
      await provider.send("evm_setAutomine", [true]);
    }
    expect(told).to.deep.equal(["known"]);
    expect((await p.sent()) - before).to.equal(1);
    expect(await p.enclaves.nodeOf(keyId)).to.equal(p.nodeId);
  });

  it("says so where a step was mined and did not succeed, and finds the key known after that", async () => {
    const { wish } = await certified("twice");
    const { provider } = p.ethers;
    await provider.send("evm_setAutomine", [false]);
    const before = await p.sent();
    const { operator } = p.signers;
    const pending = async (count: number) => {
      for (let tries = 0; (await provider.getTransactionCount(operator.address, "pending")) < before + count; tries++) {
        if (tries > 600) throw new Error(`${count} were never pending`);
        await new Promise((resolve) => setTimeout(resolve, 50));
      }
    };
    // Sends without asking first what it costs: where the first is pending already, asking would tell that it fails.
    const blind = new Proxy(operator, {
      get: (target, name) => {
        if (name === "estimateGas") return async () => 4_000_000n;
        const own: unknown = Reflect.get(target, name, target);
        return typeof own === "function" ? (own.bind(target) as unknown) : own;
      },
    });
    const both = Promise.allSettled([
      registerEnclave(wish),
      pending(1).then(() => registerEnclave({ ...wish, operator: blind, journal: memoryJournal() })),
    ]);
    await pending(2);
    await provider.send("evm_mine", []);
    await provider.send("evm_setAutomine", [true]);
    const failed = (await both).filter(({ status }) => status === "rejected");
    expect(failed).to.have.length(1);
    expect((failed[0] as PromiseRejectedResult).reason)
      .to.be.instanceOf(RegistrationError)
      .with.property("code", "step_failed");
    const told: string[] = [];
    await registerEnclave({ ...wish, report: ({ step }) => told.push(step) });
    expect(told).to.deep.equal(["known"]);
  });

  it("waits while the chain's clock is behind the enclave's", async () => {
    const { wish, attest } = await p.enclave("ahead");
    let done = false;
    let cached = (): void => undefined;
    const allCached = new Promise<void>((resolve) => (cached = resolve));
    const going = registerEnclave({
      ...wish,
      attest: async (userData) => {
        const now = Math.max(Date.now(), (await p.networkHelpers.time.latest()) * 1000);
        p.setClock(now + 3_000_000);
        return attest(userData);
      },
      report: (progress) => {
        if ("index" in progress && progress.index === 4 && progress.step === "verified") cached();
      },
    }).then(() => (done = true));
    await allCached;
    await new Promise((resolve) => setTimeout(resolve, 1_500));
    expect(done).to.equal(false);
    await p.networkHelpers.time.increase(3_100);
    await going;
    expect(await p.enclaves.nodeOf(wish.keyId)).to.equal(p.nodeId);
  });

  it("admits an RSA key of a gateway by the same document, as the DER that it carries", async () => {
    const key = newRsaKey();
    await p.tick();
    const { measurement, attest } = startEnclave("gateway", key.der, () => p.clock());
    const { wish } = await p.enclave("gateway", {
      keyId: key.keyId,
      attest: async (userData) => {
        await p.tick();
        return attest(userData);
      },
    });
    await registerEnclave(wish);
    const state = await p.enclaves.keyState(key.keyId);
    expect([state.kind, state.nodeId]).to.deep.equal([2n, p.nodeId]);
    expect(await p.enclaves.measurementOf(key.keyId)).to.equal(measurement);
  });

  it("refuses a document for another node, and one older than an hour (R4)", async () => {
    const other = await p.registerNode();
    const { attest } = await p.enclave("one");
    const made = await attest(getBytes(await p.enclaves.registrationUserData(p.nodeId)));
    await cacheCertificates(await p.nitro.getAddress(), p.signers.operator, made, memoryJournal());
    const evidence = attestationEvidence(made);
    const until = Math.floor(readDocument(made).timestamp / 1000) + DAY;
    await expect(p.enclaves.admit(other, evidence, until)).to.be.revertedWithCustomError(
      p.enclaves,
      "EnclaveRegistry_WrongUserData",
    );
    await p.networkHelpers.time.increase(3_700);
    await expect(p.enclaves.admit(p.nodeId, evidence, until)).to.be.revertedWithCustomError(
      p.enclaves,
      "EnclaveRegistry_StaleAttestation",
    );
  });

  it("names the key that a document binds, of either kind, and no other", async () => {
    const bound = (publicKey: Uint8Array) =>
      document({ chain: newChain(1_800_000_000).all, timestamp: 1_800_000_000_000, publicKey });
    for (const [kind, length] of [
      [1, 64],
      [2, 294],
    ] as const)
      expect(documentKeyId(bound(Buffer.alloc(length, 7)))).to.equal(keyIdOf(kind, `0x${"07".repeat(length)}`));
    expect(() => documentKeyId(bound(Buffer.alloc(65, 7)))).to.throw(RegistrationError, "65 bytes");
  });

  /** A whole vote: proposed, voted, queued in the timelock, executed. */
  async function vote(data: string, why: string): Promise<void> {
    const { ethers, networkHelpers, vesting, token } = p;
    const holder = (await ethers.getSigners()).find(
      ({ address }) => address === local.OpenGradientDevelopment.foundation,
    )!;
    const governor = OPGGovernor__factory.connect(await p.contracts.governor.getAddress(), holder);
    if ((await vesting.releasable(FOUNDATION)) > 0n) await vesting.release(FOUNDATION);
    await token.connect(holder).delegate(holder.address);
    await networkHelpers.time.increase(1);
    const call = [[await p.nitro.getAddress()], [0n], [data]] as [string[], bigint[], string[]];
    await governor.propose(...call, why);
    await networkHelpers.time.increase(2);
    await governor.castVote(await governor.getProposalId(...call, id(why)), FOR);
    await networkHelpers.time.increase(4);
    await expect(governor.execute(...call, id(why))).to.be.revertedWithCustomError(
      governor,
      "GovernorUnexpectedProposalState",
    );
    await governor.queue(...call, id(why));
    await networkHelpers.time.increase(2);
    await governor.execute(...call, id(why));
  }

  it("lets the guardian freeze admissions and nothing else: what was admitted goes on [R8]", async () => {
    const early = await p.enclave("early");
    await registerEnclave(early.wish);
    const root = await p.nitro.rootCertificate();
    const guarded = p.nitro.connect(p.signers.guardian);
    await guarded.freeze(root);
    const late = await p.enclave("late");
    const refused = registerEnclave(late.wish);
    await expect(refused).to.be.revertedWithCustomError(p.nitro, "NitroAttestation_Distrusted").withArgs(root);
    const state = await p.enclaves.keyState(early.keyId);
    expect([state.frozenUntil, state.distrustedFrom]).to.deep.equal([0n, NEVER]);
    const opening = await p.enclaves.enclaveState(early.keyId, id("any model"));
    expect(opening.measurement.frozenUntil).to.equal(0n);
    for (const forbidden of [guarded.distrust(root, 1), guarded.pinRoot(id("root")), guarded.rearmFreeze(root)])
      await expect(forbidden).to.be.revertedWithCustomError(p.nitro, "Distrustable_NotAdmin");
    // It lifts by itself.
    await p.networkHelpers.time.increaseTo((await p.nitro.standing(root)).frozenUntil);
    const again = await p.enclave("late");
    await registerEnclave(again.wish);
  });

  it("distrusts a certificate through a vote and the timelock alone, for ever [R8]", async () => {
    const { attest, wish } = await p.enclave("distrusted");
    const made = await attest(Buffer.alloc(32));
    await cacheCertificates(await p.nitro.getAddress(), p.signers.other, made, memoryJournal());
    const zone = keccak256(readDocument(made).certificates[2]!);
    const data = p.nitro.interface.encodeFunctionData("distrust", [zone, 1]);
    for (const who of [p.signers.deployer, p.signers.guardian, p.signers.operator])
      await expect(p.nitro.connect(who).distrust(zone, 1)).to.be.revertedWithCustomError(
        p.nitro,
        "Distrustable_NotAdmin",
      );
    await vote(data, "A certificate authority was broken into");
    await expect(registerEnclave(wish))
      .to.be.revertedWithCustomError(p.nitro, "NitroAttestation_Distrusted")
      .withArgs(zone);
  });

  it("rotates the root through a vote and the timelock alone [R8]", async () => {
    const next = newChain(await p.networkHelpers.time.latest());
    const fingerprint = sha256(next.root.der);
    for (const who of [p.signers.deployer, p.signers.guardian, p.signers.operator])
      await expect(p.nitro.connect(who).pinRoot(fingerprint)).to.be.revertedWithCustomError(
        p.nitro,
        "Distrustable_NotAdmin",
      );
    const { wish, keyId } = await p.enclave("rotated");
    await vote(p.nitro.interface.encodeFunctionData("pinRoot", [fingerprint]), "A new root");
    await expect(registerEnclave(wish)).to.be.revertedWithCustomError(p.nitro, "NitroAttestation_NotTheRoot");
    const attest = async (userData: Uint8Array) =>
      document({
        chain: next.all,
        timestamp: await p.tick(),
        publicKey: getBytes(publicKeyOf(new Wallet(id("rotated")))),
        userData,
      });
    await registerEnclave({ ...wish, attest });
    expect(await p.enclaves.nodeOf(keyId)).to.equal(p.nodeId);
  });
});
