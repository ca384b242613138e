import { expect } from "chai";
import { id, TypedDataEncoder, Wallet, ZeroAddress } from "ethers";
import { useGateways, type Gateways } from "../support/gateways.ts";
import { keyIdOf, publicKeyOf } from "../support/protocol.ts";
import { heartbeatMessage, newRsaKey, pssSignature, type RsaKey } from "../support/rsa.ts";
import { MEASUREMENT } from "../support/world.ts";

const types = {
  Heartbeat: [
    { name: "keyId", type: "bytes32" },
    { name: "timestamp", type: "uint64" },
  ],
};

/** Each kind of key, and how it says that it is alive. */
const KINDS = [
  {
    name: "an RSA key",
    keyId: (w: Gateways) => w.rsa.keyId,
    beat: async (w: Gateways, timestamp: bigint) => ofRsa(w.rsa, timestamp),
  },
  {
    name: "a secp256k1 key",
    keyId: (w: Gateways) => w.enclaveKeyId,
    beat: async (w: Gateways, timestamp: bigint) => ofEnclave(w, w.enclaveKey, timestamp),
  },
];
type Beat = [keyId: string, timestamp: bigint, publicKey: Uint8Array | string, signature: Uint8Array | string];

const ofRsa = (key: RsaKey, timestamp: bigint): Beat => [
  key.keyId,
  timestamp,
  key.der,
  pssSignature(key, heartbeatMessage(key, timestamp)),
];
async function ofEnclave(w: Gateways, key: Wallet, timestamp: bigint): Promise<Beat> {
  const domain = {
    name: "OpenGradient EnclaveHeartbeats",
    version: "1",
    chainId: 31337n,
    verifyingContract: await w.heartbeats.getAddress(),
  };
  const keyId = keyIdOf(1, publicKeyOf(key));
  const digest = TypedDataEncoder.hash(domain, types, { keyId, timestamp });
  expect(await w.heartbeats.heartbeatDigest(keyId, timestamp)).to.equal(digest);
  return [keyId, timestamp, "0x", key.signingKey.sign(digest).serialized];
}

describe("EnclaveHeartbeats", () => {
  const world = useGateways();

  for (const { name, keyId: keyIdIn, beat } of KINDS) {
    it(`of ${name} are brought by anyone and strictly grow [R1][FM:heartbeat-replay]`, async () => {
      const w = world();
      const keyId = keyIdIn(w);
      expect(await w.heartbeats.lastHeartbeat(keyId)).to.equal(0n);
      const now = (await w.now()) + 100n;
      await w.goTo(now);
      const first = await beat(w, now);
      const earlier = await beat(w, now - 1n);
      for (const caller of [w.signers.other, w.signers.guardian]) {
        const heartbeats = w.heartbeats.connect(caller);
        const at = caller === w.signers.other ? now : now + 1n;
        await expect(heartbeats.heartbeat(...(await beat(w, at))))
          .to.emit(w.heartbeats, "Heartbeat")
          .withArgs(keyId, at);
        expect(await w.heartbeats.lastHeartbeat(keyId)).to.equal(at);
      }
      // The same again, one that was held back, and another signature of the same second.
      for (const old of [first, earlier, await beat(w, now), await beat(w, now + 1n)])
        await expect(w.heartbeats.heartbeat(...old))
          .to.be.revertedWithCustomError(w.heartbeats, "EnclaveHeartbeats_NotNewer")
          .withArgs(keyId, old[1], now + 1n);
      await w.heartbeats.heartbeat(...(await beat(w, now + 2n)));
    });

    it(`of ${name} are at most 1,800 s old and 300 s ahead, to the second [R4]`, async () => {
      const w = world();
      const start = (await w.now()) + 10_000n;
      const cases: [bigint, bigint, boolean][] = [
        [start - 1_801n, start, false],
        [start - 1_799n, start + 1n, true],
        [start + 10n - 1_800n + 3n, start + 13n, true],
        [start + 20n + 301n, start + 20n, false],
        [start + 30n + 300n, start + 30n, true],
        [0n, start + 40n, false],
        [2n ** 64n - 1n, start + 50n, false],
      ];
      for (const [timestamp, at, taken] of cases) {
        const made = await beat(w, timestamp);
        await w.at(at);
        const sent = w.heartbeats.heartbeat(...made);
        if (taken) await expect(sent).to.emit(w.heartbeats, "Heartbeat");
        else
          await expect(sent)
            .to.be.revertedWithCustomError(w.heartbeats, "EnclaveHeartbeats_OutOfTime")
            .withArgs(timestamp);
      }
    });

    it(`of ${name} end with the key: not before it, not after it, not once it is distrusted [R4]`, async () => {
      const w = world();
      const keyId = keyIdIn(w);
      const { validFrom } = await w.enclaves.keyState(keyId);
      const refused = async (timestamp: bigint) =>
        expect(w.heartbeats.heartbeat(...(await beat(w, timestamp))))
          .to.be.revertedWithCustomError(w.heartbeats, "EnclaveHeartbeats_KeyNotLive")
          .withArgs(keyId);
      await refused(validFrom - 1n);
      await w.heartbeats.heartbeat(...(await beat(w, validFrom)));
      // A freeze says nothing of whether it lives.
      await w.freeze(w.enclaves, keyId);
      await w.heartbeats.heartbeat(...(await beat(w, validFrom + 1n)));
      const until = (await w.now()) + 1_000n;
      await w.enclaves.retireKey(keyId, until);
      await w.goTo(until - 10n);
      await refused(until + 1n);
      await w.at(until);
      await w.heartbeats.heartbeat(...(await beat(w, until - 1n)));
      await w.at(until + 1n);
      await refused(until);
      expect(await w.heartbeats.lastHeartbeat(keyId)).to.equal(until - 1n);
    });

    it(`of ${name} stop when its operator distrusts it [R4]`, async () => {
      const w = world();
      const keyId = keyIdIn(w);
      const now = await w.now();
      await w.enclaves.distrustOwnKey(keyId);
      await expect(w.heartbeats.heartbeat(...(await beat(w, now))))
        .to.be.revertedWithCustomError(w.heartbeats, "EnclaveHeartbeats_KeyNotLive")
        .withArgs(keyId);
    });
  }

  it("are of nobody else: another key, another time, another contract, another statement", async () => {
    const w = world();
    await w.admitRsa(w.secondRsa);
    await w.admitEnclave(w.nodeId, w.stranger, MEASUREMENT);
    const now = await w.now();
    const [keyId, , publicKey, signature] = ofRsa(w.rsa, now);
    const enclave = await ofEnclave(w, w.enclaveKey, now);
    const answer = await w.answer({ timestamp: now });
    const elsewhere = await w.ethers.deployContract("EnclaveHeartbeats", [await w.enclaves.getAddress()]);
    const other = { ...w, heartbeats: w.heartbeats.attach(await elsewhere.getAddress()) as typeof w.heartbeats };
    const bad: Beat[] = [
      [keyId, now - 1n, publicKey, signature],
      [keyId, now, w.secondRsa.der, pssSignature(w.secondRsa, heartbeatMessage(w.secondRsa, now))],
      [keyId, now, w.secondRsa.der, signature],
      [keyId, now, "0x", signature],
      [keyId, now, publicKey, "0x"],
      // A gateway's answer is no heartbeat.
      [keyId, now, publicKey, pssSignature(w.rsa, w.messageOf(answer))],
      [enclave[0], now - 1n, "0x", enclave[3]],
      [enclave[0], now, "0x", (await ofEnclave(w, w.stranger, now))[3]],
      [enclave[0], now, "0x", (await ofEnclave(other, w.enclaveKey, now))[3]],
      [enclave[0], now, publicKey, signature],
      [enclave[0], now, "0x", "0x"],
    ];
    for (const each of bad)
      await expect(w.heartbeats.heartbeat(...each))
        .to.be.revertedWithCustomError(w.heartbeats, "EnclaveHeartbeats_BadSignature")
        .withArgs(each[0]);
    // A secp256k1 heartbeat binds its contract; OpenGradient's binds none, as it is.
    await other.heartbeats.heartbeat(keyId, now, publicKey, signature);
    await w.heartbeats.heartbeat(keyId, now, publicKey, signature);
    await w.heartbeats.heartbeat(...enclave);
  });

  it("are of keys that the registry has", async () => {
    const w = world();
    const now = await w.now();
    const target = await w.enclaves.measurementTarget(MEASUREMENT);
    const stranger = newRsaKey();
    for (const [keyId, ...rest] of [
      ofRsa(stranger, now),
      ofRsa({ ...stranger, keyId: id("none") }, now),
      ofRsa({ ...stranger, keyId: target }, now),
    ])
      await expect(w.heartbeats.heartbeat(keyId, ...rest))
        .to.be.revertedWithCustomError(w.heartbeats, "EnclaveHeartbeats_UnknownKey")
        .withArgs(keyId);
    const factory = await w.ethers.getContractFactory("EnclaveHeartbeats");
    await expect(factory.deploy(ZeroAddress)).to.be.revertedWithCustomError(
      w.heartbeats,
      "EnclaveHeartbeats_ZeroAddress",
    );
  });

  it("change nothing that settled, and their absence neither [R4]", async () => {
    const w = world();
    const answer = await w.answer();
    expect(await w.settleAnswer(answer)).to.equal("None");
    const before = [await w.readAnswer(answer), await w.enclaves.keyState(w.rsa.keyId)];
    await w.heartbeats.heartbeat(...ofRsa(w.rsa, await w.now()));
    expect([await w.readAnswer(answer), await w.enclaves.keyState(w.rsa.keyId)]).to.deep.equal(before);
    await w.goTo((await w.now()) + 20n * 86_400n);
    expect([await w.readAnswer(answer), await w.enclaves.keyState(w.rsa.keyId)]).to.deep.equal(before);
    const late = await w.answer();
    expect(await w.settleAnswer(late)).to.equal("None");
  });
});
