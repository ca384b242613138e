import { expect } from "chai";
import { id, keccak256, ZeroAddress, ZeroHash } from "ethers";
import { textHash, useGateways, type AnswerFields, type Gateways } from "../support/gateways.ts";
import { Reason } from "../support/outcome.ts";
import { answerMessage, newRsaKey, pssSignature } from "../support/rsa.ts";
import { MEASUREMENT, SECONDS } from "../support/world.ts";

describe("GatewayAnswers", () => {
  const world = useGateways();

  /** What a call with so much gas would answer, or that it reverts as a whole. */
  async function answeredWith(w: Gateways, data: string, gas: number): Promise<string> {
    const call = {
      from: w.signers.other.address,
      to: await w.answers.getAddress(),
      data,
      gas: `0x${gas.toString(16)}`,
    };
    return w.ethers.provider
      .send("eth_call", [call, "latest"])
      .then((answer: string) => `settles ${BigInt(answer)}`)
      .catch(() => "reverts");
  }
  const individual = (w: Gateways, a: AnswerFields, over: { teeId?: string; key?: typeof w.rsa } = {}) => {
    const key = over.key ?? w.rsa;
    const { requestHash, outputHash, timestamp } = a;
    const signature = pssSignature(key, w.messageOf(a));
    return w.answers.settleIndividual(over.teeId ?? key.teeId, requestHash, outputHash, timestamp, key.der, signature);
  };

  it("settles what OpenGradient's gateways sign today, unchanged", async () => {
    const w = world();
    // The request, the answer and the hashes that are published for them.
    const request =
      '{"messages": [{"content": "Hello, world", "role": "user"}], "model": "gpt-4o", "temperature": 0.0}';
    const vector = {
      requestHash: "0x5b598c054a4cf49d32963f2cf0a86e21906f2ee663c744478d631fb448013d4e",
      outputHash: "0x3e92a13b68d1868e828788f049395ed44b701955777c5f51f0b3559bb05dbaf8",
    };
    expect([textHash(request), textHash("Hi there")]).to.deep.equal([vector.requestHash, vector.outputHash]);
    expect(answerMessage(vector.requestHash, vector.outputHash, 1_767_225_600n)).to.equal(
      "0x01c5d04232705cf58f4526cab4641c9684c707bdecedaceb6b5c5d7db414786d",
    );
    const answer = { ...vector, timestamp: await w.now() };
    const second = (await w.now()) + 60n;
    await w.at(second);
    await expect(w.answers.settleAnswers([w.rsa.der], [w.signed(answer)]))
      .to.emit(w.answers, "AnswerSettled")
      .withArgs(w.answerIdOf(answer), w.rsa.keyId, answer.requestHash, answer.outputHash, answer.timestamp);
    expect(await w.answers.requestIdOf(w.rsa.keyId, answer)).to.equal(w.answerIdOf(answer));
    expect(await w.answers.settledAt(w.answerIdOf(answer))).to.equal(second);
    expect(await w.answers.answerVerification(w.rsa.keyId, answer)).to.deep.equal([
      true,
      false,
      false,
      false,
      511n,
      Reason.None,
      second,
      w.answerIdOf(answer),
      w.nodeId,
      MEASUREMENT,
    ]);
  });

  it("says of every answer what it does not cover, and of an image answer that it signs the empty text [R6]", async () => {
    const w = world();
    const image = await w.answer({ outputHash: keccak256("0x") });
    expect(await w.settleAnswer(image)).to.equal("None");
    const seen = await w.answers.answerVerification(w.rsa.keyId, image);
    expect([seen.verified, seen.emptyOutput, seen.notCovered]).to.deep.equal([true, true, 511n]);
    const unknown = await w.answers.answerVerification(id("nobody"), await w.answer());
    expect({
      verified: unknown.verified,
      emptyOutput: unknown.emptyOutput,
      notCovered: unknown.notCovered,
      reason: unknown.reason,
      settledAt: unknown.settledAt,
      nodeId: unknown.nodeId,
      measurement: unknown.measurement,
    }).to.deep.equal({
      verified: false,
      emptyOutput: false,
      notCovered: 511n,
      reason: Reason.NotSettled,
      settledAt: 0n,
      nodeId: ZeroHash,
      measurement: ZeroHash,
    });
  });

  it("skips bad items with their place and the reason, and settles the others [R1][R2]", async () => {
    const w = world();
    await w.admitRsa(w.secondRsa);
    const stranger = newRsaKey();
    const good = await w.answer();
    const [wrongKey, badSignature, short, byOther, unknown] = [
      await w.answer(),
      await w.answer(),
      await w.answer(),
      await w.answer(),
      await w.answer(),
    ];
    const items = [
      w.signed(good),
      { ...w.signed(wrongKey), key: 1n },
      { ...w.signed(badSignature), signature: pssSignature(w.rsa, w.messageOf(good)) },
      { ...w.signed(short), signature: w.signed(short).signature.subarray(1) },
      w.signed(byOther, w.secondRsa, 1n),
      w.signed(unknown, stranger, 2n),
      { ...w.signed(unknown), key: 4n },
      { ...w.signed(unknown), key: 2n ** 256n - 1n },
      { ...w.signed(unknown), key: 3n },
      w.signed(good),
      w.signed(unknown),
    ];
    const outcome = await w.settleAnswers(items, [w.rsa.der, w.secondRsa.der, stranger.der, "0x"]);
    expect(outcome.settled).to.deep.equal([
      w.answerIdOf(good),
      w.answerIdOf(byOther, w.secondRsa),
      w.answerIdOf(unknown),
    ]);
    expect(outcome.skipped).to.deep.equal([
      [1, "BadSignature"],
      [2, "BadSignature"],
      [3, "BadSignature"],
      [5, "UnknownKey"],
      [6, "UnknownKey"],
      [7, "UnknownKey"],
      [8, "UnknownKey"],
      [9, "AlreadySettled"],
    ]);
  });

  it("settles an answer once, whichever way and with whatever signature it comes [R9]", async () => {
    const w = world();
    const answer = await w.answer();
    await w.settleAnswers([w.signed(answer)]);
    const at = await w.answers.settledAt(w.answerIdOf(answer));
    await w.goTo((await w.now()) + 100n);
    // PSS is randomised: this is another signature of the same answer.
    expect(await w.settleAnswer(answer)).to.equal("AlreadySettled");
    await expect(individual(w, answer))
      .to.be.revertedWithCustomError(w.answers, "GatewayAnswers_NotSettled")
      .withArgs(Reason.AlreadySettled);
    expect(await w.answers.settledAt(w.answerIdOf(answer))).to.equal(at);
  });

  it("takes what OpenGradient's relay takes, and settles it or says why not", async () => {
    const w = world();
    const answer = await w.answer();
    await expect(individual(w, answer, { teeId: w.secondRsa.teeId }))
      .to.be.revertedWithCustomError(w.answers, "GatewayAnswers_WrongKey")
      .withArgs(w.secondRsa.teeId, w.rsa.teeId);
    await expect(individual(w, answer, { key: w.secondRsa }))
      .to.be.revertedWithCustomError(w.answers, "GatewayAnswers_NotSettled")
      .withArgs(Reason.UnknownKey);
    await expect(individual(w, answer))
      .to.emit(w.answers, "AnswerSettled")
      .withArgs(w.answerIdOf(answer), w.rsa.keyId, answer.requestHash, answer.outputHash, answer.timestamp);
    expect((await w.readAnswer(answer)).verified).to.equal(true);
  });

  it("holds answers to the clocks of receipts, to the second [R4]", async () => {
    const w = world();
    expect([await w.answers.MAX_SKEW(), await w.answers.MAX_DELAY()]).to.deep.equal([
      await w.registry.MAX_SKEW(),
      await w.registry.MAX_DELAY(),
    ]);
    const start = (await w.now()) + 1_000n;
    const cases: [bigint, bigint, string][] = [
      [start + SECONDS.skew, start, "None"],
      [start + SECONDS.skew + 2n, start + 1n, "CompletedInFuture"],
      [2n ** 256n - 1n, start + 2n, "CompletedInFuture"],
      [2n ** 64n + start, start + 3n, "CompletedInFuture"],
      [start, start + SECONDS.delay, "None"],
      [start, start + SECONDS.delay + 1n, "CompletedTooLongAgo"],
      [0n, start + SECONDS.delay + 2n, "CompletedTooLongAgo"],
    ];
    for (const [timestamp, at, reason] of cases) {
      const answer = await w.answer({ timestamp });
      await w.at(at);
      // A time that overflows when it is added to is no crash of the call either.
      expect(await w.settleAnswer(answer), `${timestamp - start} at ${at - start}`).to.equal(reason);
    }
    const { validFrom, validUntil } = await w.enclaves.keyState(w.rsa.keyId);
    await w.goTo(validUntil - 10n);
    for (const [timestamp, reason] of [
      [validUntil, "None"],
      [validUntil + 1n, "OutsideKeyValidity"],
    ] as const)
      expect(await w.settleAnswer(await w.answer({ timestamp }))).to.equal(reason);
    await w.admitRsa(w.secondRsa);
    const from = (await w.enclaves.keyState(w.secondRsa.keyId)).validFrom;
    expect(from).to.be.greaterThan(validFrom);
    for (const [timestamp, reason] of [
      [from, "None"],
      [from - 1n, "OutsideKeyValidity"],
    ] as const)
      expect(await w.settleAnswer(await w.answer({ timestamp }), w.secondRsa)).to.equal(reason);
  });

  it("takes answers of images that governance approved for that, when they were given [R4]", async () => {
    const w = world();
    const image = id("image 2");
    await w.admitRsa(w.secondRsa, image);
    const settle = (over: Partial<AnswerFields>) =>
      w.answer(over).then((answer) => w.settleAnswer(answer, w.secondRsa));
    // Approved for a model version is not approved for answers.
    const forModel = w.enclaves.interface.encodeFunctionData("approveMeasurement", [image, w.modelId]);
    await w.govern(w.enclaves, forModel);
    expect(await settle({})).to.equal("MeasurementNotApproved");
    await w.goTo((await w.now()) + 100n);
    await w.govern(w.enclaves, w.approvalData("approveMeasurement", image));
    const from = await w.now();
    expect(await settle({ timestamp: from - 1n })).to.equal("MeasurementNotApproved");
    expect(await settle({ timestamp: from })).to.equal("None");
    await w.goTo(from + 100n);
    await w.govern(w.enclaves, w.approvalData("withdrawMeasurement", image));
    const until = await w.now();
    expect(await settle({ timestamp: until })).to.equal("None");
    expect(await settle({ timestamp: until + 1n })).to.equal("MeasurementNotApproved");
    // No model version has that id, so no receipt rests on such an approval.
    expect((await w.models.packedModelState(w.approval, 2n)).own).to.equal(0n);
  });

  it("asks for RSA keys only: an enclave's other key is unknown here", async () => {
    const w = world();
    const answer = await w.answer();
    const read = await w.answers.answerVerification(w.enclaveKeyId, answer);
    expect([read.verified, read.reason]).to.deep.equal([false, Reason.NotSettled]);
    const publicKey = `0x${w.enclaveKey.signingKey.publicKey.slice(4)}`;
    const items = [{ ...w.signed(answer), signature: Buffer.alloc(256) }];
    expect((await w.settleAnswers(items, [publicKey])).skipped).to.deep.equal([[0, "UnknownKey"]]);
  });

  it("pauses and closes with the inference registry; reading goes on [R8][R10]", async () => {
    const w = world();
    const [first, second, third] = [await w.answer(), await w.answer(), await w.answer()];
    expect(await w.settleAnswer(first)).to.equal("None");
    const at = (await w.now()) + 10n;
    await w.at(at);
    await w.registry.connect(w.signers.guardian).pause();
    const until = at + SECONDS.pause;
    for (const call of [() => w.answers.settleAnswers([w.rsa.der], [w.signed(second)]), () => individual(w, second)])
      await expect(call()).to.be.revertedWithCustomError(w.answers, "GatewayAnswers_Paused").withArgs(until);
    expect((await w.readAnswer(first)).verified).to.equal(true);
    await w.at(until);
    expect(await w.settleAnswer(second)).to.equal("None");

    await w.govern(w.registry, w.registry.interface.encodeFunctionData("announceClosing"));
    const { closesAt } = await w.registry.settlementStatus();
    const last = await w.answer({ timestamp: closesAt - 100n });
    await w.at(closesAt - 1n);
    expect(await w.settleAnswer(last)).to.equal("None");
    await w.at(closesAt);
    for (const call of [() => w.answers.settleAnswers([w.rsa.der], [w.signed(third)]), () => individual(w, third)])
      await expect(call()).to.be.revertedWithCustomError(w.answers, "GatewayAnswers_Closed").withArgs(closesAt);
    expect((await w.readAnswer(last)).verified).to.equal(true);
  });

  it("settles good answers or reverts, whatever gas it is given [R2]", async () => {
    const w = world();
    const items = [w.signed(await w.answer()), w.signed(await w.answer())];
    const data = w.answers.interface.encodeFunctionData("settleAnswers", [[w.rsa.der], items]);
    const floor = Buffer.from(data.slice(2), "hex").reduce((sum, byte) => sum + (byte === 0 ? 10 : 40), 21_000);
    const seen = new Set<string>();
    for (let gas = floor; gas < 260_000; gas += 397) seen.add(await answeredWith(w, data, gas));
    expect([...seen].sort()).to.deep.equal(["reverts", "settles 2"]);
  });

  it("is replayable across chains, and says so: nothing in an answer names one", async () => {
    const w = world();
    const elsewhere = await w.ethers.deployContract("GatewayAnswers", [
      await w.registry.getAddress(),
      await w.enclaves.getAddress(),
    ]);
    const answer = await w.answer();
    const item = w.signed(answer);
    await w.answers.settleAnswers([w.rsa.der], [item]);
    const there = w.answers.attach(await elsewhere.getAddress()) as typeof w.answers;
    await there.settleAnswers([w.rsa.der], [item]);
    expect((await there.answerVerification(w.rsa.keyId, answer)).requestId).to.equal(w.answerIdOf(answer));
    expect((await there.answerVerification(w.rsa.keyId, answer)).notCovered & 64n).to.equal(64n);
  });

  it("needs both registries", async () => {
    const w = world();
    const factory = await w.ethers.getContractFactory("GatewayAnswers");
    const some = await w.registry.getAddress();
    for (const args of [
      [ZeroAddress, some],
      [some, ZeroAddress],
    ] as [string, string][])
      await expect(factory.deploy(...args)).to.be.revertedWithCustomError(w.answers, "GatewayAnswers_ZeroAddress");
  });
});
