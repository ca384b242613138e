import { expect } from "chai";
import { id } from "ethers";
import { useGateways, type AnswerFields, type Gateways } from "../support/gateways.ts";
import { reasonOf, type ReasonName } from "../support/outcome.ts";
import { Mode, type ReceiptFields } from "../support/protocol.ts";
import { newRsaKey } from "../support/rsa.ts";
import { MEASUREMENT, SECONDS } from "../support/world.ts";

interface Reading {
  verified: boolean;
  distrusted: boolean;
  frozen: boolean;
  reason: ReasonName;
  settledAt: bigint;
}

/** One kind of enclave key: what it signs, where that settles, and how it is asked for. */
interface Kind {
  name: string;
  keyId(w: Gateways): string;
  /** What is approved: the image for a model version, or for answers. */
  approvedFor(w: Gateways): string;
  complete(w: Gateways, at: bigint): Promise<unknown>;
  settle(w: Gateways, made: never): Promise<ReasonName>;
  read(w: Gateways, made: never): Promise<Reading>;
}
const KINDS: Kind[] = [
  {
    name: "secp256k1",
    keyId: (w) => w.enclaveKeyId,
    approvedFor: (w) => w.modelId,
    complete: (w, completedAt) => w.receiptIn(Mode.TEE, { completedAt }),
    settle: (w, made: ReceiptFields) => reasonOf(w.registry.settleReceipts([w.signedReceipt(made)])),
    read: async (w, made: ReceiptFields) => {
      const { verified, distrusted, frozen, reason, settledAt } = await w.openAlone(made);
      return { verified, distrusted, frozen, reason, settledAt };
    },
  },
  {
    name: "RSA",
    keyId: (w) => w.rsa.keyId,
    approvedFor: (w) => w.approval,
    complete: (w, timestamp) => w.answer({ timestamp }),
    settle: (w, made: AnswerFields) => w.settleAnswer(made),
    read: (w, made: AnswerFields) => w.readAnswer(made),
  },
];

/** Everything R4 says of compromise and of orderly ends, once for each kind of key, along one line of time. */
describe("Revocation of enclave keys along a time line", () => {
  const world = useGateways();

  for (const kind of KINDS) {
    const complete = (w: Gateways, at: bigint) => kind.complete(w, at) as Promise<never>;
    /** Completed and settled in the same second. */
    async function settleAt(w: Gateways, second: bigint): Promise<never> {
      const made = await complete(w, second);
      await w.at(second);
      expect(await kind.settle(w, made)).to.equal("None");
      return made;
    }
    const states = async (w: Gateways, all: never[]) =>
      Promise.all(
        all.map(async (each) => {
          const { verified, distrusted, frozen, reason } = await kind.read(w, each);
          expect(verified).to.equal(reason === "None");
          expect([distrusted, frozen]).to.deep.equal([reason.endsWith("Distrusted"), reason.endsWith("Frozen")]);
          return reason;
        }),
      );

    it(`${kind.name}: admitted, approved, completed, settled, retired, frozen, thawed, distrusted [R4]`, async () => {
      const w = world();
      const keyId = kind.keyId(w);
      const { validFrom } = await w.enclaves.keyState(keyId);
      const start = (await w.now()) + 1_000n;

      // Completed before the key was admitted, or before its image was approved: not evidence, however early it settles.
      expect(await kind.settle(w, await complete(w, validFrom - 1n))).to.equal("OutsideKeyValidity");

      const first = await settleAt(w, start);
      const second = await settleAt(w, start + 1n);
      expect(await states(w, [first, second])).to.deep.equal(["None", "None"]);

      // Retired in order: completed by the last second, settled after it.
      const end = start + 10_000n;
      await w.enclaves.retireKey(keyId, end);
      await w.goTo(end - 100n);
      const [last, late] = [await complete(w, end), await complete(w, end + 1n)];
      await w.goTo(end + 500n);
      expect(await kind.settle(w, last)).to.equal("None");
      expect(await kind.settle(w, late)).to.equal("OutsideKeyValidity");
      const all = [first, second, last];
      expect(await states(w, all)).to.deep.equal(["None", "None", "None"]);

      // Frozen: hidden, all of it, until it lifts itself. It still settles meanwhile, or it would expire.
      const pending = await complete(w, end - 1n);
      const frozenAt = end + 1_000n;
      await w.at(frozenAt);
      await w.freeze(w.enclaves, keyId);
      expect(await states(w, all)).to.deep.equal(["KeyFrozen", "KeyFrozen", "KeyFrozen"]);
      expect(await kind.settle(w, pending)).to.equal("None");
      all.push(pending);
      await w.goTo(frozenAt + SECONDS.freeze - 1n);
      expect(await states(w, all)).to.deep.equal(all.map(() => "KeyFrozen"));
      await w.goTo(frozenAt + SECONDS.freeze);
      expect(await states(w, all)).to.deep.equal(all.map(() => "None"));

      // Distrusted from a moment in the past: by when it settled, not by when it says it was completed.
      await w.distrust(w.enclaves, keyId, end + 1n);
      expect(await states(w, all)).to.deep.equal(["None", "None", "KeyDistrusted", "KeyDistrusted"]);
      await w.distrust(w.enclaves, keyId, start + 1n);
      expect(await states(w, all)).to.deep.equal(["None", ...all.slice(1).map(() => "KeyDistrusted")]);
      await expect(w.distrust(w.enclaves, keyId, start + 2n)).to.be.revertedWithCustomError(
        w.enclaves,
        "Distrustable_AlreadyDistrusted",
      );
      // A year later nothing has changed.
      await w.goTo(start + 365n * SECONDS.day);
      expect(await states(w, all)).to.deep.equal(["None", ...all.slice(1).map(() => "KeyDistrusted")]);
      expect((await kind.read(w, first)).settledAt).to.equal(start);
    });

    it(`${kind.name}: distrusted by its operator, from now on and not before [R4]`, async () => {
      const w = world();
      const start = (await w.now()) + 1_000n;
      const before = await settleAt(w, start);
      const pending = await complete(w, start);
      await w.at(start + 10n);
      await w.enclaves.distrustOwnKey(kind.keyId(w));
      expect(await kind.settle(w, pending)).to.equal("KeyDistrusted");
      expect(await states(w, [before])).to.deep.equal(["None"]);
      expect((await kind.read(w, pending)).settledAt).to.equal(0n);
    });

    it(`${kind.name}: its image approved, frozen, thawed, distrusted, withdrawn [R4][R8]`, async () => {
      const w = world();
      const target = await w.enclaves.measurementTarget(MEASUREMENT);
      const start = (await w.now()) + 1_000n;
      const [first, second] = [await settleAt(w, start), await settleAt(w, start + 1n)];

      const frozenAt = start + 100n;
      await w.at(frozenAt);
      await w.freeze(w.enclaves, target);
      expect(await states(w, [first, second])).to.deep.equal(["MeasurementFrozen", "MeasurementFrozen"]);
      await w.goTo(frozenAt + SECONDS.freeze);
      expect(await states(w, [first, second])).to.deep.equal(["None", "None"]);

      // Withdrawn in order: what was completed by then stays.
      const modelId = kind.approvedFor(w);
      const pending = await complete(w, await w.now());
      await w.govern(
        w.enclaves,
        w.enclaves.interface.encodeFunctionData("withdrawMeasurement", [MEASUREMENT, modelId]),
      );
      const until = await w.now();
      expect(await kind.settle(w, pending)).to.equal("None");
      expect(await kind.settle(w, await complete(w, until + 1n))).to.equal("MeasurementNotApproved");
      const all = [first, second, pending];
      expect(await states(w, all)).to.deep.equal(["None", "None", "None"]);

      await w.distrust(w.enclaves, target, start + 1n);
      expect(await states(w, all)).to.deep.equal(["None", "MeasurementDistrusted", "MeasurementDistrusted"]);
    });
  }

  it("distrust of one key leaves the other keys of its node and image alone [R4]", async () => {
    const w = world();
    await w.admitRsa(w.secondRsa);
    const [mine, others] = [await w.answer(), await w.answer()];
    await w.settleAnswer(mine);
    await w.settleAnswer(others, w.secondRsa);
    const receipt = await w.receiptIn(Mode.TEE);
    await w.registry.settleReceipts([w.signedReceipt(receipt)]);
    await w.distrust(w.enclaves, w.rsa.keyId, 1n);
    expect((await w.readAnswer(mine)).reason).to.equal("KeyDistrusted");
    expect((await w.readAnswer(others, w.secondRsa.keyId)).reason).to.equal("None");
    expect((await w.openAlone(receipt)).reason).to.equal("None");
  });

  it("a distrusted image admits keys that settle nothing, and a frozen one hides them [R4][R8]", async () => {
    const w = world();
    const image = id("image of liars");
    const key = newRsaKey();
    await w.admitRsa(key, image);
    await w.govern(w.enclaves, w.approvalData("approveMeasurement", image));
    const good = await w.answer();
    expect(await w.settleAnswer(good, key)).to.equal("None");
    const target = await w.enclaves.measurementTarget(image);
    await w.freeze(w.enclaves, target);
    await w.freeze(w.enclaves, key.keyId);
    expect((await w.readAnswer(good, key.keyId)).reason).to.equal("KeyFrozen");
    await w.distrust(w.enclaves, target, (await w.now()) - 1n);
    expect(await w.settleAnswer(await w.answer(), key)).to.equal("MeasurementDistrusted");
    const seen = await w.readAnswer(good, key.keyId);
    // Frozen and distrusted at once says both, and distrust first; what settled before is only hidden.
    expect([seen.reason, seen.frozen]).to.deep.equal(["KeyFrozen", true]);
    await w.distrust(w.enclaves, key.keyId, 1n);
    const both = await w.readAnswer(good, key.keyId);
    expect(both).to.deep.include({ reason: "KeyDistrusted", distrusted: true, frozen: true, verified: false });
  });
});
