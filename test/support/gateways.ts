import { keccak256, toUtf8Bytes, type BytesLike } from "ethers";
import { EnclaveHeartbeats__factory, GatewayAnswers__factory } from "../../typechain/index.ts";
import { answerMessage, newRsaKey, pssSignature, type RsaKey } from "./rsa.ts";
import { reasonName, type ReasonName } from "./outcome.ts";
import { coder } from "./protocol.ts";
import { deployWorld, MEASUREMENT } from "./world.ts";

export interface AnswerFields {
  requestHash: string;
  outputHash: string;
  timestamp: bigint;
}
export interface SignedAnswerFields {
  answer: AnswerFields;
  key: bigint;
  signature: Uint8Array;
}

/** keccak256(utf8(text)). */
export const textHash = (text: string): string => keccak256(toUtf8Bytes(text));

/** The world, with an RSA key of a gateway whose image is approved for answers. */
export async function deployGateways(startsAt?: Date, keys: RsaKey[] = [newRsaKey(), newRsaKey()]) {
  const w = await deployWorld(startsAt);
  const [rsa, secondRsa] = keys as [RsaKey, RsaKey];
  const answers = GatewayAnswers__factory.connect(await w.contracts.gatewayAnswers.getAddress(), w.signers.other);
  const heartbeats = EnclaveHeartbeats__factory.connect(
    await w.contracts.enclaveHeartbeats.getAddress(),
    w.signers.other,
  );

  const attestRsa = (nodeId: string, key: RsaKey, measurement = MEASUREMENT, over: object = {}) =>
    w.attest(nodeId, w.enclaveKey, measurement, { kind: 2, publicKey: key.publicKey, ...over });
  async function admitRsa(key: RsaKey, measurement = MEASUREMENT, life = 30n * 86_400n, nodeId = w.nodeId) {
    const until = (await w.now()) + life;
    return w.enclaves.admit(nodeId, await attestRsa(nodeId, key, measurement), until);
  }
  const approval = await answers.APPROVAL();
  const approvalData = (name: "approveMeasurement" | "withdrawMeasurement", measurement = MEASUREMENT) =>
    w.enclaves.interface.encodeFunctionData(name as "approveMeasurement", [measurement, approval]);

  await admitRsa(rsa);
  await w.govern(w.enclaves, approvalData("approveMeasurement"));

  let counter = 0;
  async function answer(over: Partial<AnswerFields> = {}): Promise<AnswerFields> {
    const label = `${++counter}`;
    return {
      requestHash: textHash(`request ${label}`),
      outputHash: textHash(`output ${label}`),
      timestamp: await w.now(),
      ...over,
    };
  }
  const messageOf = (a: AnswerFields) => answerMessage(a.requestHash, a.outputHash, a.timestamp);
  const signed = (a: AnswerFields, key: RsaKey = rsa, place = 0n): SignedAnswerFields => ({
    answer: a,
    key: place,
    signature: pssSignature(key, messageOf(a)),
  });
  const answerIdOf = (a: AnswerFields, key: RsaKey = rsa) =>
    keccak256(coder.encode(["bytes32", "bytes32"], [key.keyId, messageOf(a)]));

  /** Settles items of one call, and reads what came of it from its logs. */
  async function settleAnswers(items: SignedAnswerFields[], publicKeys: BytesLike[] = [rsa.der]) {
    const mined = (await (await answers.settleAnswers(publicKeys, items)).wait())!;
    const events = mined.logs.map((log) => answers.interface.parseLog(log)!);
    return {
      settled: events.filter(({ name }) => name === "AnswerSettled").map(({ args }) => args[0] as string),
      skipped: events
        .filter(({ name }) => name === "AnswerSkipped")
        .map(({ args }): [number, ReasonName] => [Number(args[0]), reasonName(args[1])]),
      gasUsed: mined.gasUsed,
    };
  }
  /** Why the only item of a call was skipped; `None` where it settled. */
  async function settleAnswer(a: AnswerFields, key: RsaKey = rsa): Promise<ReasonName> {
    const { settled, skipped } = await settleAnswers([signed(a, key)], [key.der]);
    return settled.length === 1 ? "None" : skipped[0]![1];
  }
  async function readAnswer(a: AnswerFields, keyId: string = rsa.keyId) {
    const v = await answers.answerVerification(keyId, a);
    return {
      verified: v.verified,
      distrusted: v.distrusted,
      frozen: v.frozen,
      reason: reasonName(v.reason),
      settledAt: v.settledAt,
    };
  }

  return {
    ...w,
    rsa,
    secondRsa,
    answers,
    heartbeats,
    approval,
    approvalData,
    attestRsa,
    admitRsa,
    answer,
    messageOf,
    signed,
    answerIdOf,
    settleAnswers,
    settleAnswer,
    readAnswer,
  };
}
export type Gateways = Awaited<ReturnType<typeof deployGateways>>;

/** Each test of a suite starts from the same state of the same chain. */
export function useGateways(): () => Gateways {
  let world: Gateways;
  let restore: () => Promise<void>;
  before(async () => {
    world = await deployGateways();
    const snapshot = await world.networkHelpers.takeSnapshot();
    restore = () => snapshot.restore();
  });
  afterEach(() => restore());
  return () => world;
}
