import { expect } from "chai";
import {
  concat,
  dataSlice,
  hexlify,
  id,
  Signature,
  toBeHex,
  TypedDataEncoder,
  Wallet,
  ZeroAddress,
  ZeroHash,
} from "ethers";
import { keyIdOf, Mode, publicKeyOf } from "../support/protocol.ts";
import { reasonOf } from "../support/outcome.ts";
import { SECONDS, useWorld, type World } from "../support/world.ts";

const Kind = { LocalInference: 0n, LlmProxy: 1n, Full: 2n, Data: 3n };
const Status = { None: 0n, Active: 1n, Paused: 2n, Retired: 3n };
const wallet = (name: string | number) => new Wallet(id(`wallet ${name}`));
const registerKeyTypes = {
  RegisterKey: [
    { name: "nodeId", type: "bytes32" },
    { name: "operator", type: "address" },
    { name: "keyId", type: "bytes32" },
  ],
};
const domainOf = async (w: World) => ({
  name: "OpenGradient NodeRegistry",
  version: "1",
  chainId: 31337n,
  verifyingContract: await w.nodes.getAddress(),
});

describe("NodeRegistry", () => {
  const world = useWorld();

  describe("nodes", () => {
    it("are numbered as they come, and belong to who registered them", async () => {
      const w = world();
      const { operator, other } = w.signers;
      await w.setStake(other, 10n ** 22n, Kind.LlmProxy);
      const first = await w.nodes.connect(other).registerNode.staticCall(Kind.LlmProxy, "https://a");
      await expect(w.nodes.connect(other).registerNode(Kind.LlmProxy, "https://a"))
        .to.emit(w.nodes, "NodeRegistered")
        .withArgs(first, other.address, Kind.LlmProxy, "https://a");
      const second = await w.registerNode(other, Kind.Data);
      expect([w.nodeId, first, second].map(BigInt)).to.deep.equal([1n, 2n, 3n]);
      expect(await w.nodes.nodeCount()).to.equal(3n);
      expect(await w.nodes.node(first)).to.deep.equal([other.address, Kind.LlmProxy, Status.Active, "https://a"]);
      expect(await w.nodes.nodeStatus(second)).to.deep.equal([other.address, Kind.Data, Status.Active]);
      expect(await w.nodes.nodeStatus(w.nodeId)).to.deep.equal([operator.address, Kind.LocalInference, Status.Active]);
    });

    it("read as nothing where there are none", async () => {
      const w = world();
      expect(await w.nodes.node(id("none"))).to.deep.equal([ZeroAddress, 0n, Status.None, ""]);
      expect(await w.nodes.nodeStatus(id("none"))).to.deep.equal([ZeroAddress, 0n, Status.None]);
      expect(await w.nodes.nodeOf(id("none"))).to.equal(ZeroHash);
      expect(await w.nodes.hasStake(id("none"))).to.equal(false);
      expect(await w.nodes.keyState(id("none"))).to.deep.equal([0n, 0n, 0n, 0n, 0n, ZeroHash]);
      expect(await w.nodes.signingKey(id("none"))).to.deep.equal([ZeroAddress, [0n, 0n, 0n, 0n, 0n, ZeroHash]]);
    });

    it("need the stake of their kind [R12]", async () => {
      const w = world();
      const { other } = w.signers;
      await w.setStake(other, 10n ** 22n - 1n, Kind.Data);
      await expect(w.nodes.connect(other).registerNode(Kind.Data, ""))
        .to.be.revertedWithCustomError(w.nodes, "NodeRegistry_StakeTooLow")
        .withArgs(other.address, Kind.Data);
    });

    it("change status and endpoint by their operator only, and never to None", async () => {
      const w = world();
      await expect(w.nodes.updateNode(w.nodeId, Status.Paused, "https://b"))
        .to.emit(w.nodes, "NodeUpdated")
        .withArgs(w.nodeId, Status.Paused, "https://b");
      await w.nodes.updateNode(w.nodeId, Status.Active, "https://c");
      expect((await w.nodes.node(w.nodeId)).endpoint).to.equal("https://c");
      await expect(w.nodes.updateNode(w.nodeId, Status.None, ""))
        .to.be.revertedWithCustomError(w.nodes, "NodeRegistry_BadStatus")
        .withArgs(Status.None);
      for (const signer of [w.signers.other, w.signers.guardian, w.signers.admin])
        await expect(w.nodes.connect(signer).updateNode(w.nodeId, Status.Retired, ""))
          .to.be.revertedWithCustomError(w.nodes, "KeyRegistry_NotOperator")
          .withArgs(w.nodeId, signer.address);
    });

    it("are at most eight of a kind and operator, retired ones aside, whose keys one call can end [R8] [R12]", async () => {
      const w = world();
      const { operator } = w.signers;
      const ids = [w.nodeId];
      for (let i = 0; i < 7; i++) ids.push(await w.registerNode(operator, Kind.LocalInference));
      expect(await w.nodes.liveNodes(operator.address, Kind.LocalInference)).to.deep.equal(ids);
      await expect(w.nodes.registerNode(Kind.LocalInference, ""))
        .to.be.revertedWithCustomError(w.nodes, "NodeRegistry_TooManyNodes")
        .withArgs(operator.address, Kind.LocalInference);
      // Another kind and another operator have their own eight.
      const proxy = await w.registerNode(operator, Kind.LlmProxy);
      expect(await w.nodes.liveNodes(operator.address, Kind.LlmProxy)).to.deep.equal([proxy]);
      await w.registerNode(w.signers.other, Kind.LocalInference);

      for (const i of [7, 2]) await w.nodes.updateNode(ids[i]!, Status.Retired, "");
      const live = new Set(await w.nodes.liveNodes(operator.address, Kind.LocalInference));
      expect(live).to.deep.equal(new Set(ids.filter((_, i) => i !== 2 && i !== 7)));
      await w.registerNode(operator, Kind.LocalInference);
    });

    it("retire for ever, and all their operator keys with them", async () => {
      const w = world();
      await w.addOperatorKey(w.nodeId, wallet(1));
      expect(await w.nodes.liveKeys(w.nodeId)).to.have.length(2);
      const second = (await w.now()) + 100n;
      await w.at(second);
      await expect(w.nodes.updateNode(w.nodeId, Status.Retired, ""))
        .to.emit(w.nodes, "KeyRetired")
        .withArgs(w.keyId, w.nodeId, second);
      expect(await w.nodes.liveKeys(w.nodeId)).to.deep.equal([]);
      for (const key of [w.operatorKey, wallet(1)])
        expect((await w.nodes.keyState(keyIdOf(0, publicKeyOf(key)))).validUntil).to.equal(second);
      for (const status of [Status.Active, Status.Paused, Status.Retired])
        await expect(w.nodes.updateNode(w.nodeId, status, ""))
          .to.be.revertedWithCustomError(w.nodes, "NodeRegistry_NodeRetired")
          .withArgs(w.nodeId);
      await expect(w.addOperatorKey(w.nodeId, wallet(2))).to.be.revertedWithCustomError(
        w.nodes,
        "NodeRegistry_NodeRetired",
      );
      await expect(w.admitEnclave(w.nodeId, wallet(3), id("image"))).to.be.revertedWithCustomError(
        w.nodes,
        "NodeRegistry_NodeRetired",
      );
    });
  });

  describe("offers", () => {
    it("say modes and capacity, both or neither, in known modes, by the operator", async () => {
      const w = world();
      await expect(w.nodes.setOffer(w.nodeId, w.modelId, 5, 40))
        .to.emit(w.nodes, "OfferChanged")
        .withArgs(w.nodeId, w.modelId, 5, 40);
      expect(await w.nodes.offer(w.nodeId, w.modelId)).to.deep.equal([5n, 40n]);
      await w.nodes.setOffer(w.nodeId, w.modelId, 0, 0);
      expect(await w.nodes.offer(w.nodeId, w.modelId)).to.deep.equal([0n, 0n]);
      for (const [modes, capacity] of [
        [8, 1],
        [255, 1],
        [0, 1],
        [1, 0],
      ] as const)
        await expect(w.nodes.setOffer(w.nodeId, w.modelId, modes, capacity))
          .to.be.revertedWithCustomError(w.nodes, "NodeRegistry_BadOffer")
          .withArgs(modes, capacity);
      await expect(w.nodes.connect(w.signers.other).setOffer(w.nodeId, w.modelId, 1, 1)).to.be.revertedWithCustomError(
        w.nodes,
        "KeyRegistry_NotOperator",
      );
    });

    it("and keys are not for kinds that do not answer requests: their stake may be a cheaper one [R12]", async () => {
      const w = world();
      for (const kind of [Kind.Full, Kind.Data]) {
        const nodeId = await w.registerNode(w.signers.operator, kind);
        for (const call of [
          () => w.nodes.setOffer(nodeId, w.modelId, 1, 1),
          () => w.addOperatorKey(nodeId, wallet(1)),
          () => w.admitEnclave(nodeId, wallet(2), id("image")),
        ])
          await expect(call()).to.be.revertedWithCustomError(w.nodes, "NodeRegistry_KindDoesNotServe").withArgs(kind);
      }
      const proxy = await w.registerNode(w.signers.operator, Kind.LlmProxy);
      await w.addOperatorKey(proxy, wallet(1));
      await w.nodes.setOffer(proxy, w.modelId, 1, 1);
    });
  });

  describe("operator keys", () => {
    it("begin now, are told in full, and sign for their node for ever", async () => {
      const w = world();
      const key = wallet("new");
      const publicKey = publicKeyOf(key);
      const keyId = keyIdOf(0, publicKey);
      const second = (await w.now()) + 100n;
      const signature = key.signingKey.sign(await w.nodes.keyRegistrationDigest(w.nodeId, keyId)).serialized;
      expect(await w.nodes.addOperatorKey.staticCall(w.nodeId, publicKey, second + 9n, signature)).to.equal(keyId);
      await w.at(second);
      await expect(w.nodes.addOperatorKey(w.nodeId, publicKey, second + 9n, signature))
        .to.emit(w.nodes, "KeyAdded")
        .withArgs(keyId, w.nodeId, 0, key.address, second, second + 9n, publicKey);
      const never = 2n ** 256n - 1n;
      expect(await w.nodes.keyState(keyId)).to.deep.equal([0n, second, second + 9n, never, 0n, w.nodeId]);
      expect(await w.nodes.signingKey(keyId)).to.deep.equal([
        key.address,
        [0n, second, second + 9n, never, 0n, w.nodeId],
      ]);
      expect(await w.nodes.nodeOf(keyId)).to.equal(w.nodeId);
      expect(await w.nodes.liveKeys(w.nodeId)).to.deep.equal([w.keyId, keyId]);
    });

    it("signed for a node that is not there yet are not whose node gets that number first", async () => {
      const w = world();
      const key = wallet("victim");
      const publicKey = publicKeyOf(key);
      // The operator sends both at once, for the number that comes next; somebody sees it and is faster.
      const next = toBeHex((await w.nodes.nodeCount()) + 1n, 32);
      const keyId = keyIdOf(0, publicKey);
      const domain = await domainOf(w);
      const meant = { nodeId: next, operator: w.signers.operator.address, keyId };
      const signatures = [
        TypedDataEncoder.hash(domain, registerKeyTypes, meant),
        // As the registry itself says it, while nobody has the number.
        await w.nodes.keyRegistrationDigest(next, keyId),
      ].map((digest) => key.signingKey.sign(digest).serialized);
      const until = (await w.now()) + 1_000n;
      expect(await w.registerNode(w.signers.other)).to.equal(next);
      const thief = w.nodes.connect(w.signers.other);
      for (const signature of signatures)
        await expect(thief.addOperatorKey(next, publicKey, until, signature)).to.be.revertedWithCustomError(
          w.nodes,
          "NodeRegistry_BadKeySignature",
        );
    });

    it("are registered over an EIP-712 digest that names node, operator and key", async () => {
      const w = world();
      expect(await w.nodes.keyRegistrationDigest(w.nodeId, w.keyId)).to.equal(
        TypedDataEncoder.hash(await domainOf(w), registerKeyTypes, {
          nodeId: w.nodeId,
          operator: w.signers.operator.address,
          keyId: w.keyId,
        }),
      );
    });

    it("are nobody's who does not hold them, nor of another node, nor under a malleated signature", async () => {
      const w = world();
      const key = wallet("victim");
      const publicKey = publicKeyOf(key);
      const digest = await w.nodes.keyRegistrationDigest(w.nodeId, keyIdOf(0, publicKey));
      const otherNode = await w.registerNode(w.signers.other);
      const good = key.signingKey.sign(digest);
      const until = (await w.now()) + 1_000n;
      const add = (signature: string) => w.nodes.addOperatorKey(w.nodeId, publicKey, until, signature);
      for (const signature of [
        w.stranger.signingKey.sign(digest).serialized,
        key.signingKey.sign(await w.nodes.keyRegistrationDigest(otherNode, keyIdOf(0, publicKey))).serialized,
        key.signingKey.sign(id("anything")).serialized,
        Signature.from(good).compactSerialized,
        dataSlice(good.serialized, 0, 64),
        "0x",
      ])
        await expect(add(signature)).to.be.revertedWithCustomError(w.nodes, "NodeRegistry_BadKeySignature");
      await expect(w.nodes.connect(w.signers.other).addOperatorKey(w.nodeId, publicKey, until, good.serialized))
        .to.be.revertedWithCustomError(w.nodes, "KeyRegistry_NotOperator")
        .withArgs(w.nodeId, w.signers.other.address);
      await add(good.serialized);
    });

    it("have 64 bytes; a point off the curve has no signature", async () => {
      const w = world();
      const until = (await w.now()) + 1_000n;
      const point = publicKeyOf(wallet(1));
      for (const publicKey of ["0x", dataSlice(point, 1), concat([point, "0x00"]), wallet(1).signingKey.publicKey])
        await expect(w.nodes.addOperatorKey(w.nodeId, publicKey, until, "0x")).to.be.revertedWithCustomError(
          w.nodes,
          "NodeRegistry_BadPublicKey",
        );
      const off = hexlify(concat([dataSlice(point, 0, 32), toBeHex(1, 32)]));
      const digest = await w.nodes.keyRegistrationDigest(w.nodeId, keyIdOf(0, off));
      const signature = wallet(1).signingKey.sign(digest).serialized;
      await expect(w.nodes.addOperatorKey(w.nodeId, off, until, signature)).to.be.revertedWithCustomError(
        w.nodes,
        "NodeRegistry_BadKeySignature",
      );
    });

    it("are taken once, for ever, even after they ended", async () => {
      const w = world();
      const taken = (nodeId: string, by = w.signers.operator) =>
        expect(w.addOperatorKey(nodeId, w.operatorKey, by))
          .to.be.revertedWithCustomError(w.nodes, "KeyRegistry_KeyTaken")
          .withArgs(w.keyId, w.nodeId);
      await taken(w.nodeId);
      await w.nodes.retireKey(w.keyId, (await w.now()) + 10n);
      await w.goTo((await w.now()) + 1_000n);
      await taken(w.nodeId);
      await taken(await w.registerNode(w.signers.other), w.signers.other);
    });

    it("end after now and before the end of time", async () => {
      const w = world();
      const publicKey = publicKeyOf(wallet(1));
      const digest = await w.nodes.keyRegistrationDigest(w.nodeId, keyIdOf(0, publicKey));
      const { serialized } = wallet(1).signingKey.sign(digest);
      const second = (await w.now()) + 100n;
      const add = async (until: bigint, at: bigint) => {
        await w.at(at);
        return w.nodes.addOperatorKey(w.nodeId, publicKey, until, serialized);
      };
      let at = second;
      for (const until of [0n, second - 1n, 2n ** 40n - 1n, 2n ** 40n, 2n ** 64n - 1n, second + 10n])
        await expect(add(until, (at += 2n)))
          .to.be.revertedWithCustomError(w.nodes, "KeyRegistry_BadValidity")
          .withArgs(until);
      await add(2n ** 40n - 2n, at + 2n);
      expect((await w.nodes.keyState(keyIdOf(0, publicKey))).validUntil).to.equal(2n ** 40n - 2n);
    });

    it("are at most MAX_LIVE_KEYS a node; ended ones make room [R8][FM:unbounded-loop]", async () => {
      const w = world();
      const until = (await w.now()) + 1_000n;
      for (const i of [1, 2, 3])
        await w.addOperatorKey(w.nodeId, wallet(i), w.signers.operator, i === 2 ? 500n : 1_000n);
      await expect(w.addOperatorKey(w.nodeId, wallet(4)))
        .to.be.revertedWithCustomError(w.nodes, "KeyRegistry_TooManyKeys")
        .withArgs(w.nodeId);
      await w.goTo(until + 100n);
      await w.addOperatorKey(w.nodeId, wallet(4));
      const live = [...(await w.nodes.liveKeys(w.nodeId))];
      expect(live).to.have.members([w.keyId, keyIdOf(0, publicKeyOf(wallet(4)))]);
    });

    it("retire at a moment from now on that is not later than before, by the operator [R4]", async () => {
      const w = world();
      const { validUntil } = await w.nodes.keyState(w.keyId);
      const second = (await w.now()) + 100n;
      await w.at(second);
      await expect(w.nodes.retireKey(w.keyId, second - 1n)).to.be.revertedWithCustomError(
        w.nodes,
        "KeyRegistry_BadValidity",
      );
      await expect(w.nodes.retireKey(w.keyId, validUntil + 1n)).to.be.revertedWithCustomError(
        w.nodes,
        "KeyRegistry_BadValidity",
      );
      for (const caller of [w.signers.other, w.signers.guardian])
        await expect(w.nodes.connect(caller).retireKey(w.keyId, second + 500n)).to.be.revertedWithCustomError(
          w.nodes,
          "KeyRegistry_NotOperator",
        );
      await expect(w.nodes.retireKey(id("no key"), second + 500n))
        .to.be.revertedWithCustomError(w.nodes, "KeyRegistry_NotOperator")
        .withArgs(ZeroHash, w.signers.operator.address);
      await expect(w.nodes.retireKey(w.keyId, second + 500n))
        .to.emit(w.nodes, "KeyRetired")
        .withArgs(w.keyId, w.nodeId, second + 500n);
      const state = await w.nodes.keyState(w.keyId);
      expect([state.kind, state.validUntil]).to.deep.equal([0n, second + 500n]);
      await expect(w.nodes.retireKey(w.keyId, second + 501n)).to.be.revertedWithCustomError(
        w.nodes,
        "KeyRegistry_BadValidity",
      );
      // To the second: the last answer still counts.
      const last = await w.receiptIn(Mode.VANILLA, { completedAt: second + 500n });
      const late = await w.receiptIn(Mode.VANILLA, { completedAt: second + 501n });
      await w.at(second + 600n);
      expect(await reasonOf(w.registry.settleReceipts([w.signedReceipt(last)]))).to.equal("None");
      expect(await reasonOf(w.registry.settleReceipts([w.signedReceipt(late)]))).to.equal("OutsideKeyValidity");
    });

    it("retiring keeps what else is known of the key: distrust, freeze, node", async () => {
      const w = world();
      await w.freeze(w.nodes, w.keyId);
      await w.nodes.distrustOwnKey(w.keyId);
      const before = await w.nodes.standing(w.keyId);
      const { validFrom } = await w.nodes.keyState(w.keyId);
      const end = (await w.now()) + 10n;
      await w.nodes.retireKey(w.keyId, end);
      expect(await w.nodes.standing(w.keyId)).to.deep.equal(before);
      expect(await w.nodes.keyState(w.keyId)).to.deep.equal([0n, validFrom, end, before[0], before[1], w.nodeId]);
    });
  });

  describe("stake below the minimum [R12]", () => {
    it("ends all keys of the node in both registries at once, in the same transaction; what settled stays", async () => {
      const w = world();
      await w.addOperatorKey(w.nodeId, wallet(1));
      const receipt = await w.receiptIn(Mode.VANILLA);
      await w.registry.settleReceipts([w.signedReceipt(receipt)]);
      const second = (await w.now()) + 100n;
      await w.at(second);
      const unbonded = w.staking.unbond(Kind.LocalInference, 1n);
      await expect(unbonded).to.emit(w.nodes, "KeyRetired").withArgs(w.keyId, w.nodeId, second);
      await expect(unbonded).to.emit(w.enclaves, "KeyRetired").withArgs(w.enclaveKeyId, w.nodeId, second);
      expect(await w.nodes.liveKeys(w.nodeId)).to.deep.equal([]);
      expect(await w.enclaves.liveKeys(w.nodeId)).to.deep.equal([]);
      expect((await w.nodes.keyState(w.keyId)).validUntil).to.equal(second);
      expect((await w.enclaves.keyState(w.enclaveKeyId)).validUntil).to.equal(second);
      const late = await w.receiptIn(Mode.VANILLA, { completedAt: second + 1n });
      expect(await reasonOf(w.registry.settleReceipts([w.signedReceipt(late)]))).to.equal("OutsideKeyValidity");
      expect((await w.openAlone(receipt)).verified).to.equal(true);
    });

    it("ends them by anyone where the minimum rose above the stake", async () => {
      const w = world();
      await w.govern(
        w.staking,
        w.staking.interface.encodeFunctionData("setMinimum", [Kind.LocalInference, 10n ** 22n + 1n]),
      );
      await w.goTo((await w.now()) + 4n * SECONDS.day);
      const second = (await w.now()) + 100n;
      await w.at(second);
      const nodes = w.nodes.connect(w.signers.other);
      await expect(nodes.endKeysForStake(w.nodeId)).to.emit(nodes, "KeyRetired").withArgs(w.keyId, w.nodeId, second);
      await w.enclaves.connect(w.signers.other).endKeysForStake(w.nodeId);
      expect(await w.enclaves.liveKeys(w.nodeId)).to.deep.equal([]);
    });

    it("stands behind no retired node: its enclave keys end with the others", async () => {
      const w = world();
      const second = (await w.now()) + 100n;
      await w.at(second);
      await expect(w.nodes.updateNode(w.nodeId, 3n, ""))
        .to.emit(w.enclaves, "KeyRetired")
        .withArgs(w.enclaveKeyId, w.nodeId, second);
      expect(await w.nodes.hasStake(w.nodeId)).to.equal(false);
      expect(await w.nodes.liveKeys(w.nodeId)).to.deep.equal([]);
      // Nothing is left to end, and anyone may try.
      await w.enclaves.connect(w.signers.other).endKeysForStake(w.nodeId);
    });

    it("admits no new keys and lets nobody end keys while stake suffices", async () => {
      const w = world();
      for (const registry of [w.nodes, w.enclaves])
        await expect(registry.connect(w.signers.other).endKeysForStake(w.nodeId))
          .to.be.revertedWithCustomError(registry, "KeyRegistry_StakeSuffices")
          .withArgs(w.nodeId);
      await w.setStake(w.signers.operator, 0n);
      await expect(w.addOperatorKey(w.nodeId, wallet(1)))
        .to.be.revertedWithCustomError(w.nodes, "KeyRegistry_StakeTooLow")
        .withArgs(w.nodeId);
      await expect(w.admitEnclave(w.nodeId, wallet(1), id("image")))
        .to.be.revertedWithCustomError(w.enclaves, "KeyRegistry_StakeTooLow")
        .withArgs(w.nodeId);
    });

    it("ended keys do not come back with the stake; new ones do", async () => {
      const w = world();
      await w.setStake(w.signers.operator, 0n);
      const { validUntil } = await w.nodes.keyState(w.keyId);
      await w.setStake(w.signers.operator, 10n ** 22n);
      expect((await w.nodes.keyState(w.keyId)).validUntil).to.equal(validUntil);
      for (const i of [1, 2, 3, 4]) await w.addOperatorKey(w.nodeId, wallet(i));
      expect(await w.nodes.liveKeys(w.nodeId)).to.have.length(4);
    });

    it("leaves keys that ended before as they ended", async () => {
      const w = world();
      const end = (await w.now()) + 50n;
      await w.nodes.retireKey(w.keyId, end);
      await w.goTo(end + SECONDS.day);
      const unbonded = w.staking.unbond(Kind.LocalInference, 10n ** 22n);
      await expect(unbonded).to.not.emit(w.nodes, "KeyRetired");
      expect((await w.nodes.keyState(w.keyId)).validUntil).to.equal(end);
    });
  });
});
