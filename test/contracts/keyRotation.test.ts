import { expect } from "chai";
import { id, TypedDataEncoder, Wallet, ZeroHash } from "ethers";
import { useGateways, type Gateways } from "../support/gateways.ts";
import { keyIdOf, Mode, publicKeyOf } from "../support/protocol.ts";
import { reasonOf } from "../support/outcome.ts";
import { newRsaKey, pssSignature, type RsaKey } from "../support/rsa.ts";
import { MEASUREMENT, SECONDS } from "../support/world.ts";

const OVERLAP = SECONDS.day;
const types = {
  HandOver: [
    { name: "keyId", type: "bytes32" },
    { name: "successor", type: "bytes32" },
    { name: "endsAt", type: "uint64" },
  ],
};
type Key = RsaKey | Wallet;
const idOf = (key: Key) => (key instanceof Wallet ? keyIdOf(1, publicKeyOf(key)) : key.keyId);
const NEW_ENCLAVE = new Wallet(id("successor"));
const NEW_RSA = newRsaKey();

describe("Rotation of enclave keys", () => {
  const world = useGateways();

  const attestOf = (w: Gateways, key: Key, over: { nodeId?: string; measurement?: string } = {}) =>
    key instanceof Wallet
      ? w.attest(over.nodeId ?? w.nodeId, key, over.measurement ?? MEASUREMENT)
      : w.attestRsa(over.nodeId ?? w.nodeId, key, over.measurement);
  const sign = (key: Key, digest: string) =>
    key instanceof Wallet ? key.signingKey.sign(digest).serialized : pssSignature(key, digest);
  async function handOver(w: Gateways, old: Key, next: Key, endsAt: bigint, by: Key = old) {
    const digest = await w.enclaves.handOverDigest(idOf(old), idOf(next), endsAt);
    return {
      keyId: idOf(old),
      endsAt,
      publicKey: old instanceof Wallet ? "0x" : old.der,
      signature: sign(by, digest),
    };
  }
  async function rotate(w: Gateways, old: Key, next: Key, endsAt: bigint, over: object = {}) {
    const [document, said] = [await attestOf(w, next), await handOver(w, old, next, endsAt)];
    return w.enclaves.rotateKey(document, (await w.now()) + 30n * SECONDS.day, { ...said, ...over });
  }
  const refusal = (w: Gateways, sent: Promise<unknown>, error: string, ...args: unknown[]) =>
    expect(sent)
      .to.be.revertedWithCustomError(w.enclaves, error)
      .withArgs(...args);

  const PAIRS: [string, (w: Gateways) => Key, Key][] = [
    ["secp256k1 to secp256k1", (w) => w.enclaveKey, NEW_ENCLAVE],
    ["RSA to RSA", (w) => w.rsa, NEW_RSA],
    ["RSA to secp256k1", (w) => w.rsa, NEW_ENCLAVE],
    ["secp256k1 to RSA", (w) => w.enclaveKey, NEW_RSA],
  ];
  for (const [name, oldOf, next] of PAIRS)
    it(`goes from ${name}: the old key says who follows, and when it ends [R4]`, async () => {
      const w = world();
      const old = oldOf(w);
      const second = (await w.now()) + 500n;
      const endsAt = second + OVERLAP;
      const [document, said] = [await attestOf(w, next), await handOver(w, old, next, endsAt)];
      expect(await w.enclaves.successorOf(idOf(old))).to.equal(ZeroHash);
      await w.at(second);
      const sent = w.enclaves.rotateKey(document, second + 1_000_000n, said);
      await expect(sent).to.emit(w.enclaves, "KeyHandedOver").withArgs(idOf(old), idOf(next), w.nodeId, endsAt);
      await expect(sent).to.emit(w.enclaves, "EnclaveAdmitted").withArgs(idOf(next), w.nodeId, MEASUREMENT);
      await expect(sent).to.emit(w.enclaves, "KeyRetired").withArgs(idOf(old), w.nodeId, endsAt);
      expect(await w.enclaves.successorOf(idOf(old))).to.equal(idOf(next));
      expect(await w.enclaves.successorOf(idOf(next))).to.equal(ZeroHash);
      expect((await w.enclaves.keyState(idOf(old))).validUntil).to.equal(endsAt);
      const made = await w.enclaves.keyState(idOf(next));
      expect([made.validFrom, made.validUntil, made.nodeId]).to.deep.equal([second, second + 1_000_000n, w.nodeId]);
    });

  it("signs EIP-712 in the registry's own domain", async () => {
    const w = world();
    const message = { keyId: id("a"), successor: id("b"), endsAt: 7n };
    const domain = {
      name: "OpenGradient EnclaveRegistry",
      version: "1",
      chainId: 31337n,
      verifyingContract: await w.enclaves.getAddress(),
    };
    expect(await w.enclaves.handOverDigest(message.keyId, message.successor, message.endsAt)).to.equal(
      TypedDataEncoder.hash(domain, types, message),
    );
  });

  it("lets the old key go on until its end, and what it completed by then settles afterwards [R4]", async () => {
    const w = world();
    const endsAt = (await w.now()) + 1_000n;
    const before = await w.answer();
    await w.settleAnswer(before);
    await rotate(w, w.rsa, NEW_RSA, endsAt);
    await rotate(w, w.enclaveKey, NEW_ENCLAVE, endsAt);
    await w.goTo(endsAt + 100n);
    expect(await w.settleAnswer(await w.answer({ timestamp: endsAt }))).to.equal("None");
    expect(await w.settleAnswer(await w.answer({ timestamp: endsAt + 1n }))).to.equal("OutsideKeyValidity");
    expect(await w.settleAnswer(await w.answer(), NEW_RSA)).to.equal("None");
    expect((await w.readAnswer(before)).verified).to.equal(true);
    const last = w.signedReceipt(await w.receiptIn(Mode.TEE, { completedAt: endsAt }));
    const late = w.signedReceipt(await w.receiptIn(Mode.TEE, { completedAt: endsAt + 1n }));
    const next = w.signedReceipt(await w.receiptIn(Mode.TEE, { keyId: idOf(NEW_ENCLAVE) }), "0x", NEW_ENCLAVE);
    expect(await reasonOf(w.registry.settleReceipts([last]))).to.equal("None");
    expect(await reasonOf(w.registry.settleReceipts([late]))).to.equal("OutsideKeyValidity");
    expect(await reasonOf(w.registry.settleReceipts([next]))).to.equal("None");
  });

  it("leads along any number of successors, which are newer each", async () => {
    const w = world();
    const keys: Key[] = [w.rsa, NEW_RSA, NEW_ENCLAVE, newRsaKey()];
    for (let i = 1; i < keys.length; i++) {
      await rotate(w, keys[i - 1]!, keys[i]!, (await w.now()) + 10n);
      await w.goTo((await w.now()) + 100n);
    }
    const walk = [idOf(w.rsa)];
    for (let at = walk[0]!; at !== ZeroHash; at = await w.enclaves.successorOf(at))
      if (at !== walk.at(-1)) walk.push(at);
    expect(walk).to.deep.equal(keys.map(idOf));
  });

  it("gains nothing for who stole the old key: attestation, operator and stake are asked of the new one [R12]", async () => {
    const w = world();
    const endsAt = (await w.now()) + 10_000n;
    const until = (await w.now()) + 20_000n;
    const said = await handOver(w, w.rsa, NEW_RSA, endsAt);
    const document = await attestOf(w, NEW_RSA);
    for (const signer of [w.signers.other, w.signers.guardian])
      await refusal(
        w,
        w.enclaves.connect(signer).rotateKey(document, until, said),
        "KeyRegistry_NotOperator",
        w.nodeId,
        signer.address,
      );
    await expect(w.enclaves.rotateKey("0x", until, said)).to.be.revert(w.ethers);
    const elsewhere = await w.registerNode(w.signers.other);
    const foreign = await attestOf(w, NEW_RSA, { nodeId: elsewhere });
    await expect(w.enclaves.rotateKey(foreign, until, said)).to.be.revertedWithCustomError(
      w.enclaves,
      "EnclaveRegistry_WrongUserData",
    );
    // Another operator's key is not its to end.
    await refusal(
      w,
      w.enclaves.connect(w.signers.other).rotateKey(foreign, until, said),
      "KeyRegistry_NotOperator",
      w.nodeId,
      w.signers.other.address,
    );
    await w.setStake(w.signers.operator, 0n);
    await refusal(w, w.enclaves.rotateKey(document, until, said), "KeyRegistry_StakeTooLow", w.nodeId);
  });

  it("takes the old key's own word only, for this successor and this end", async () => {
    const w = world();
    await w.admitRsa(w.secondRsa);
    const endsAt = (await w.now()) + 1_000n;
    const answer = await w.answer();
    const good = await handOver(w, w.rsa, NEW_RSA, endsAt);
    const bad = [
      { ...good, endsAt: endsAt + 1n },
      { ...good, publicKey: w.secondRsa.der },
      { ...good, publicKey: "0x" },
      { ...good, signature: "0x" },
      { ...good, signature: (await handOver(w, w.rsa, NEW_ENCLAVE, endsAt)).signature },
      await handOver(w, w.rsa, NEW_RSA, endsAt, w.secondRsa),
      await handOver(w, w.rsa, NEW_RSA, endsAt, NEW_RSA),
      await handOver(w, w.rsa, NEW_RSA, endsAt, w.enclaveKey),
      // What a gateway signs all day is no hand-over.
      { ...good, signature: pssSignature(w.rsa, w.messageOf(answer)) },
      await handOver(w, w.enclaveKey, NEW_RSA, endsAt, w.rsa),
      await handOver(w, w.enclaveKey, NEW_RSA, endsAt, w.operatorKey),
    ];
    for (const said of bad)
      await refusal(
        w,
        w.enclaves.rotateKey(await attestOf(w, NEW_RSA), endsAt + 10_000n, said),
        "EnclaveRegistry_BadHandOver",
        said.keyId,
        NEW_RSA.keyId,
      );
    await w.enclaves.rotateKey(await attestOf(w, NEW_RSA), endsAt + 10_000n, good);
  });

  it("happens once, ends the old key within MAX_OVERLAP and never later than it would end [R4]", async () => {
    const w = world();
    expect(await w.enclaves.MAX_OVERLAP()).to.equal(OVERLAP);
    const start = (await w.now()) + 100n;
    await w.at(start);
    await refusal(
      w,
      rotate(w, w.rsa, NEW_RSA, start + OVERLAP + 1n),
      "EnclaveRegistry_OverlapTooLong",
      start + OVERLAP + 1n,
    );
    await w.at(start + 10n);
    await refusal(w, rotate(w, w.rsa, NEW_RSA, start + 9n), "KeyRegistry_BadValidity", start + 9n);
    await w.enclaves.retireKey(w.rsa.keyId, start + 5_000n);
    await refusal(w, rotate(w, w.rsa, NEW_RSA, start + 5_001n), "KeyRegistry_BadValidity", start + 5_001n);
    await w.at(start + 1_000n);
    await rotate(w, w.rsa, NEW_RSA, start + 1_000n);
    await refusal(
      w,
      rotate(w, w.rsa, NEW_ENCLAVE, start + 1_000n),
      "EnclaveRegistry_HandedOver",
      w.rsa.keyId,
      NEW_RSA.keyId,
    );
    // A key that ended names nobody; one that is known is nobody's successor.
    await w.goTo(start + 2_000n);
    await w.enclaves.retireKey(w.enclaveKeyId, start + 2_010n);
    await w.goTo(start + 2_020n);
    const late = start + 2_010n;
    await refusal(w, rotate(w, w.enclaveKey, NEW_ENCLAVE, late), "KeyRegistry_BadValidity", late);
    const again = (await w.now()) + 500n;
    await refusal(w, rotate(w, NEW_RSA, w.rsa, again), "KeyRegistry_KeyTaken", w.rsa.keyId, w.nodeId);
    await refusal(w, rotate(w, NEW_RSA, NEW_RSA, again), "KeyRegistry_KeyTaken", NEW_RSA.keyId, w.nodeId);
  });

  it("is not for keys that do not exist", async () => {
    const w = world();
    const endsAt = (await w.now()) + 1_000n;
    const target = await w.enclaves.measurementTarget(MEASUREMENT);
    const stranger = newRsaKey();
    for (const keyId of [stranger.keyId, ZeroHash, target, w.keyId])
      await refusal(
        w,
        rotate(w, stranger, NEW_RSA, endsAt, { keyId }),
        "KeyRegistry_NotOperator",
        ZeroHash,
        w.signers.operator.address,
      );
    for (const keyId of [ZeroHash, target, id("none")]) expect(await w.enclaves.successorOf(keyId)).to.equal(ZeroHash);
  });

  it("is refused to a key that is frozen or distrusted, whose word counts for nothing now [R8]", async () => {
    const w = world();
    await w.freeze(w.enclaves, w.rsa.keyId);
    const endsAt = (await w.now()) + SECONDS.freeze + 1_000n;
    const soon = (await w.now()) + 1_000n;
    await refusal(w, rotate(w, w.rsa, NEW_RSA, soon), "EnclaveRegistry_NotBelieved", w.rsa.keyId);
    await w.goTo((await w.now()) + SECONDS.freeze);
    await rotate(w, w.rsa, NEW_RSA, endsAt);
    await w.enclaves.distrustOwnKey(w.enclaveKeyId);
    await refusal(w, rotate(w, w.enclaveKey, NEW_ENCLAVE, endsAt), "EnclaveRegistry_NotBelieved", w.enclaveKeyId);
  });

  it("is refused to a key whose image is frozen or distrusted, and falls with the image [R4] [R8]", async () => {
    const w = world();
    const image = await w.enclaves.measurementTarget(await w.enclaves.measurementOf(w.rsa.keyId));
    await w.freeze(w.enclaves, image);
    const soon = (await w.now()) + 1_000n;
    await refusal(w, rotate(w, w.rsa, NEW_RSA, soon), "EnclaveRegistry_NotBelieved", w.rsa.keyId);
    await w.goTo((await w.now()) + SECONDS.freeze);
    const second = (await w.now()) + 500n;
    const [document, said] = [await attestOf(w, NEW_RSA), await handOver(w, w.rsa, NEW_RSA, second + 1_000n)];
    await w.at(second);
    await w.enclaves.rotateKey(document, second + 10_000n, said);
    await w.goTo(second + 500n);
    await w.distrust(w.enclaves, image, second + 1n);
    expect(await w.enclaves.successorOf(w.rsa.keyId)).to.equal(NEW_RSA.keyId);
    await w.distrust(w.enclaves, image, second);
    expect(await w.enclaves.successorOf(w.rsa.keyId)).to.equal(ZeroHash);
    const other = newRsaKey();
    const endsAt = (await w.now()) + 1_000n;
    await refusal(w, rotate(w, NEW_RSA, other, endsAt), "EnclaveRegistry_NotBelieved", NEW_RSA.keyId);
  });

  it("falls with the old key where that turns out to have been compromised by then, and not otherwise [R4]", async () => {
    const w = world();
    const second = (await w.now()) + 500n;
    const [document, said] = [await attestOf(w, NEW_RSA), await handOver(w, w.rsa, NEW_RSA, second + 1_000n)];
    await w.at(second);
    await w.enclaves.rotateKey(document, second + 10_000n, said);
    await w.goTo(second + 500n);
    await w.distrust(w.enclaves, w.rsa.keyId, second + 1n);
    expect(await w.enclaves.successorOf(w.rsa.keyId)).to.equal(NEW_RSA.keyId);
    await w.distrust(w.enclaves, w.rsa.keyId, second);
    expect(await w.enclaves.successorOf(w.rsa.keyId)).to.equal(ZeroHash);
    // The successor stands on its own attestation.
    expect((await w.enclaves.keyState(NEW_RSA.keyId)).distrustedFrom).to.equal(2n ** 256n - 1n);
    expect(await w.settleAnswer(await w.answer(), NEW_RSA)).to.equal("None");
  });

  it("makes no room among a node's keys until the old one has ended [R8]", async () => {
    const w = world();
    // Two from the start, two more.
    await w.admitRsa(w.secondRsa);
    await w.admitEnclave(w.nodeId, w.stranger, MEASUREMENT);
    const soon = (await w.now()) + 100n;
    await refusal(w, rotate(w, w.rsa, NEW_RSA, soon), "KeyRegistry_TooManyKeys", w.nodeId);
    await w.enclaves.retireKey(w.secondRsa.keyId, soon);
    await w.goTo(soon + 1n);
    await rotate(w, w.rsa, NEW_RSA, soon + 1_000n);
  });
});
