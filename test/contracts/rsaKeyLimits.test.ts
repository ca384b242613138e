import { expect } from "chai";
import { hexlify, id, Wallet, ZeroAddress, ZeroHash } from "ethers";
import type { Hex } from "../../relayer/protocol/index.ts";
import { contractsOf, matchNodes, readSnapshot } from "../../relayer/routing/index.ts";
import { InferenceRequests__factory, NodeMatch__factory } from "../../typechain/index.ts";
import { escrowAt, FEE, Refusal } from "../escrow/support.ts";
import { FLAWS, statementsOf } from "../staking/disputesSupport.ts";
import { useGateways, type AnswerFields, type Gateways } from "../support/gateways.ts";
import { outcomeOf, Reason } from "../support/outcome.ts";
import { Mode, NO_BATCH, type ReceiptFields } from "../support/protocol.ts";
import { newRsaKey, pssSignature } from "../support/rsa.ts";
import { MEASUREMENT, SECONDS } from "../support/world.ts";

const MODES = [Mode.VANILLA, Mode.ZKML, Mode.TEE];
const NEVER = 2n ** 256n - 1n;

describe("RSA enclave keys: what they are, and what they must not be used for", () => {
  const world = useGateways();

  /** What an RSA key, a stranger or nobody could bring as its signature over a receipt or batch. */
  const signatures = (w: Gateways, digest: string): string[] => [
    hexlify(pssSignature(w.rsa, digest)),
    w.stranger.signingKey.sign(digest).serialized,
    w.enclaveKey.signingKey.sign(digest).serialized,
    // What recovers to no address must not pass for a key that has none.
    "0x" + "00".repeat(65),
    "0x" + "00".repeat(64) + "1b",
    "0x" + "ff".repeat(64) + "1c",
    "0x",
  ];
  /** A receipt that says everything a gateway's answer does not, over the answer that settled. */
  const receiptOf = (w: Gateways, a: AnswerFields, over: Partial<ReceiptFields> = {}) =>
    w.receiptIn(over.mode ?? Mode.TEE, {
      requestId: w.answerIdOf(a),
      keyId: w.rsa.keyId,
      inputHash: a.requestHash,
      outputHash: a.outputHash,
      outputScheme: 1,
      completedAt: a.timestamp,
      ...over,
    });
  async function settledAnswer(w: Gateways): Promise<AnswerFields> {
    const answer = await w.answer();
    expect(await w.settleAnswer(answer)).to.equal("None");
    return answer;
  }

  it("are admitted by their attestation like the others, without an address", async () => {
    const w = world();
    const key = newRsaKey();
    const second = (await w.now()) + 100n;
    const document = await w.attestRsa(w.nodeId, key);
    await w.at(second);
    const sent = w.enclaves.admit(w.nodeId, document, second + 50n);
    await expect(sent).to.emit(w.enclaves, "EnclaveAdmitted").withArgs(key.keyId, w.nodeId, MEASUREMENT);
    await expect(sent)
      .to.emit(w.enclaves, "KeyAdded")
      .withArgs(key.keyId, w.nodeId, 2n, ZeroAddress, second, second + 50n, key.publicKey);
    expect(await w.enclaves.signingKey(key.keyId)).to.deep.equal([
      ZeroAddress,
      [2n, second, second + 50n, NEVER, 0n, w.nodeId],
    ]);
    expect(await w.enclaves.measurementOf(key.keyId)).to.equal(MEASUREMENT);
  });

  it("are exact to the byte where the attestation names them", async () => {
    const w = world();
    const key = newRsaKey();
    const until = (await w.now()) + 1_000n;
    const changed = (at: number, to: number) => {
      const der = Buffer.from(key.der);
      der[at] = to;
      return der;
    };
    const bad: [number, Buffer][] = [
      [2, changed(288, key.der[288]! & 0xfe)],
      [2, changed(33, key.der[33]! & 0x7f)],
      [2, changed(32, 1)],
      [2, changed(293, 3)],
      [2, changed(0, 0x31)],
      [2, key.der.subarray(0, 293)],
      [2, Buffer.concat([key.der, Buffer.alloc(1)])],
      [2, newRsaKey(2_048, 3).der],
      [2, newRsaKey(3_072).der],
      [1, key.der],
      [0, key.der],
      [3, key.der],
    ];
    for (const [kind, der] of bad)
      await expect(
        w.enclaves.admit(w.nodeId, await w.attestRsa(w.nodeId, key, MEASUREMENT, { kind, publicKey: der }), until),
      )
        .to.be.revertedWithCustomError(w.enclaves, "EnclaveRegistry_UnsupportedKey")
        .withArgs(kind, der.length);
    await w.admitRsa(key);
    await expect(w.admitRsa(key)).to.be.revertedWithCustomError(w.enclaves, "KeyRegistry_KeyTaken");
  });

  it("end with the stake like every key, by anyone [R12]", async () => {
    const w = world();
    await w.setStake(w.signers.operator, 0n);
    expect((await w.enclaves.keyState(w.rsa.keyId)).validUntil).to.equal(await w.now());
    const answer = await w.answer({ timestamp: (await w.now()) + 1n });
    expect(await w.settleAnswer(answer)).to.equal("OutsideKeyValidity");
  });

  it("sign no receipt and no batch: nothing of them settles in the registry, in any mode [R1]", async () => {
    const w = world();
    for (const mode of MODES) {
      const receipt = await w.receiptIn(mode, { keyId: w.rsa.keyId });
      const expected = mode === Mode.TEE ? "BadSignature" : "UnknownKey";
      const alone = signatures(w, w.receiptId(receipt)).map((signature) => ({ receipt, signature, evidence: "0x" }));
      const { settled, skipped } = await outcomeOf(w.registry.settleReceipts(alone));
      expect(settled).to.deep.equal([]);
      expect(skipped.map(({ reason }) => reason)).to.deep.equal(alone.map(() => expected));

      const { batch } = w.signBatch([receipt], w.stranger);
      const batches = signatures(w, w.batchDigest(batch)).map((signature) => ({ batch, signature }));
      const outcome =
        mode === Mode.ZKML
          ? await outcomeOf(
              w.registry.settleProvedBatches(
                batches.map((each) => ({ ...each, modelId: w.modelId, receipts: "0x", evidence: "0x" })),
              ),
            )
          : await outcomeOf(w.registry.settleBatches(batches));
      expect(outcome.settled).to.deep.equal([]);
      expect(outcome.skipped.map(({ reason }) => reason)).to.deep.equal(batches.map(() => expected));
    }
  });

  it("open nothing: an answer that settled is no receipt that settled, whatever is said about it [R3]", async () => {
    const w = world();
    const answer = await settledAnswer(w);
    for (const mode of MODES) {
      const receipt = await receiptOf(w, answer, { mode });
      expect(await w.openAlone(receipt)).to.deep.include({ verified: false, reason: "NotSettled", settledAt: 0n });
    }
    expect(await w.registry.settledAt(w.answerIdOf(answer))).to.equal(0n);
    // A leaf in a batch of the node's other enclave key is that key's, or nobody's.
    const receipt = await receiptOf(w, answer);
    const item = w.signedBatch([receipt], { keyId: w.enclaveKeyId });
    await w.registry.settleBatches([
      { ...item, signature: w.enclaveKey.signingKey.sign(w.batchDigest(item.batch)).serialized },
    ]);
    expect(await w.registry.settledAt(w.batchDigest(item.batch))).to.not.equal(0n);
    expect(await w.open([receipt], item)).to.deep.include({ verified: false, reason: "KeyMismatch" });
  });

  it("are paid by no channel and from no reservation [R7]", async () => {
    const w = world();
    const answer = await settledAnswer(w);
    const payer = new Wallet(id("payer"));
    const e = await escrowAt({ ...w, holder: w.signers.deployer }, await w.escrow.getAddress());
    await e.fund(payer.address, FEE * 9n);
    const channel = e.channel(payer.address);
    const paid = await receiptOf(w, answer, {
      requestId: e.requestIdOf(channel, 1n),
      payer: payer.address,
      sequence: 1n,
      cumulativeFee: FEE,
    });
    const { batch } = w.signBatch([paid], w.stranger);
    for (const each of [e.alone(paid), batch]) {
      const args = [each, w.nodeId, w.modelId, e.claim(channel, paid, payer), [] as string[]] as const;
      expect(await e.escrow.collectable(...args)).to.deep.equal([0n, Refusal.NotVerified, Reason.NotSettled]);
      await expect(e.escrow.collect(...args))
        .to.be.revertedWithCustomError(e.escrow, "InferenceEscrow_Refused")
        .withArgs(Refusal.NotVerified, Reason.NotSettled);
    }

    const other = w.signers.other.address;
    await e.fund(other, FEE * 2n);
    const terms = {
      payer: other,
      amount: FEE,
      nodeId: w.nodeId,
      modelId: w.modelId,
      inputHash: answer.requestHash,
      modeMask: 7,
      expiry: (await w.now()) + SECONDS.day,
    };
    const requestId = await w.escrow.connect(w.signers.other).reserve.staticCall(1n, terms);
    await w.escrow.connect(w.signers.other).reserve(1n, terms);
    const reserved = await receiptOf(w, answer, { requestId, payer: other });
    for (const opening of [
      w.openingAlone(reserved),
      w.opening([reserved], w.signBatch([reserved], w.stranger).batch, 0),
    ])
      await expect(w.escrow.collectReserved(requestId, opening))
        .to.be.revertedWithCustomError(w.escrow, "InferenceEscrow_Refused")
        .withArgs(Refusal.NotVerified, Reason.NotSettled);
    expect((await w.escrow.reservation(requestId)).amount).to.equal(FEE);
  });

  it("are evidence in no dispute, for nobody and against nobody", async () => {
    const w = world();
    const answer = await settledAnswer(w);
    const { alone, leaf } = statementsOf(w);
    const a = await receiptOf(w, answer, { sequence: 2n });
    const b = { ...a, outputHash: id("another") };
    for (const signature of signatures(w, w.receiptId(a))) {
      const [first, second] = [
        { ...alone(a), signature },
        { ...alone(b), signature: pssSignature(w.rsa, w.receiptId(b)) },
      ];
      await expect(w.disputes.reportEquivocation(first, second))
        .to.be.revertedWithCustomError(w.disputes, "Disputes_NotProven")
        .withArgs(FLAWS.indexOf("UnknownKey"));
    }
    const foreign = { ...leaf([a], 0, { keyId: w.rsa.keyId, mode: Mode.VANILLA }), signature: "0x" };
    await expect(w.disputes.reportForeignLeaf(foreign))
      .to.be.revertedWithCustomError(w.disputes, "Disputes_NotProven")
      .withArgs(FLAWS.indexOf("UnknownKey"));
  });

  it("meet no consumer's policy, not even one that names the key, and no consumer can ask their ledger [R11]", async () => {
    const w = world();
    const answer = await settledAnswer(w);
    const harness = await w.ethers.deployContract("ConsumerHarness", [await w.registry.getAddress()]);
    const receipt = await receiptOf(w, answer);
    const policy = {
      modes: 7,
      modelIds: [w.modelId],
      origins: 5n,
      inputHash: answer.requestHash,
      requestId: id(""),
      keyIds: [w.rsa.keyId],
      contextHash: receipt.contextHash,
      maxAge: SECONDS.day,
      minSettled: 0n,
    };
    const opening = { receipt, batch: NO_BATCH, index: 0, proof: [] };
    for (const name of ["requireVerified", "consumeVerified"])
      await expect(harness.getFunction(name)(opening, policy))
        .to.be.revertedWithCustomError(harness, "InferenceConsumer_NotVerified")
        .withArgs(w.receiptId(receipt), Reason.NotSettled);
    // A consumer that takes the wrong contract for its registry gets no yes from it either.
    const misled = await w.ethers.deployContract("ConsumerHarness", [await w.answers.getAddress()]);
    for (const name of ["requireVerified", "consumeVerified"])
      await expect(misled.getFunction(name)(opening, policy)).to.be.revert(w.ethers);
  });

  it("send no request to a node that has no other key, and let it accept none", async () => {
    const w = world();
    const nodeId = await w.registerNode();
    const key = newRsaKey();
    await w.admitRsa(key, MEASUREMENT, undefined, nodeId);
    await w.nodes.setOffer(nodeId, w.modelId, 1 << Mode.TEE, 5);
    const match = NodeMatch__factory.connect(await w.contracts.nodeMatch.getAddress(), w.signers.other);
    const NO_PATH = 4n;
    const [fit, path] = await match.fitOf(nodeId, w.modelId, Mode.TEE);
    expect([fit, Number(path)]).to.deep.equal([NO_PATH, Reason.KeyForbidsMode]);
    const { provider } = w.ethers;
    const snapshot = await readSnapshot(
      provider,
      await contractsOf(provider, await match.getAddress()),
      w.modelId as Hex,
    );
    const { candidates, paths } = matchNodes(snapshot, { mode: Mode.TEE });
    expect(candidates.map((candidate) => candidate.nodeId)).to.not.include(nodeId);
    expect(paths.KeyForbidsMode).to.equal(1);

    const requests = InferenceRequests__factory.connect(
      await w.contracts.inferenceRequests.getAddress(),
      w.signers.operator,
    );
    const payer = w.signers.deployer;
    await w.token.connect(payer).approve(await requests.getAddress(), FEE);
    const terms = {
      ...{ modelId: w.modelId, inputHash: id("question"), contextHash: ZeroHash, nodeId, maxFee: FEE },
      ...{ deadline: (await w.now()) + 3_600n, modeMask: 1 << Mode.TEE, callbackGas: 0 },
    };
    const requestId = await requests.connect(payer).request.staticCall(terms, "0x");
    await requests.connect(payer).request(terms, "0x");
    await expect(requests.accept(requestId, key.keyId, NEVER))
      .to.be.revertedWithCustomError(requests, "InferenceRequests_NotOffered")
      .withArgs(nodeId, w.modelId);
  });
});
