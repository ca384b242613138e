/** Gas of enclave keys: signatures, admission, rotation, heartbeats, and answers of OpenGradient's gateways. */
import { type BaseContract, hexlify, id, type ContractTransactionResponse } from "ethers";
import { keyIdOf } from "../test/support/protocol.ts";
import { answerMessage, fixedRsaKey, fixedSignature, heartbeatMessage } from "../test/support/rsa.ts";
import { MEASUREMENT, type World } from "../test/support/world.ts";
import { executionGas } from "../test/verification/fixture.ts";
import { EnclaveHeartbeats__factory, GatewayAnswers__factory } from "../typechain/index.ts";

/** Most gas that a figure may cost. */
export const TARGETS: Record<string, number> = { "RSA-PSS, one signature, as a call from a contract": 75_000 };

type Tick = (seconds?: bigint) => Promise<bigint>;
type Meter = BaseContract & {
  gasOf(
    harness: BaseContract,
    publicKey: Uint8Array,
    message: string,
    signature: Uint8Array,
  ): Promise<[bigint, boolean]>;
};
const gasOf = async (sent: Promise<ContractTransactionResponse>) => Number((await (await sent).wait())!.gasUsed);

/** Measures and notes all of it, on a node of its own. */
export async function measureEnclaveKeys(w: World, tick: Tick, figures: Record<string, number>): Promise<void> {
  const key = fixedRsaKey();
  const { ethers, enclaves } = w;
  const answers = GatewayAnswers__factory.connect(await w.contracts.gatewayAnswers.getAddress(), w.signers.deployer);
  const beats = EnclaveHeartbeats__factory.connect(
    await w.contracts.enclaveHeartbeats.getAddress(),
    w.signers.deployer,
  );

  const harness = await ethers.deployContract("RsaPssHarness");
  const meter = (await ethers.deployContract("RsaPssMeter")) as unknown as Meter;
  const [used, valid] = await meter.gasOf(harness, key.der, id("measured"), fixedSignature(key, id("measured")));
  if (!valid) throw new Error("Measured a signature that is none.");
  figures["RSA-PSS, one signature, as a call from a contract"] = Number(used);

  await tick();
  const nodeId = await w.registerNode();
  const attest = async (publicKey: Uint8Array, issuedAt: bigint) =>
    w.attest(nodeId, w.enclaveKey, MEASUREMENT, { kind: 2, publicKey: hexlify(publicKey), issuedAt });
  let second = await tick();
  const document = await attest(key.der, second - 5n);
  figures["admit, an RSA key, a known image"] = await gasOf(enclaves.admit(nodeId, document, second + 86_400n));

  const approval = await answers.APPROVAL();
  await tick();
  await w.govern(enclaves, enclaves.interface.encodeFunctionData("approveMeasurement", [MEASUREMENT, approval]));

  const answer = (label: string) => ({ requestHash: id(`asked ${label}`), outputHash: id(label), timestamp: second });
  const signed = (label: string) => {
    const made = answer(label);
    const message = answerMessage(made.requestHash, made.outputHash, made.timestamp);
    return { answer: made, key: 0n, signature: fixedSignature(key, message) };
  };
  second = await tick();
  const { answer: one, signature } = signed("individual");
  await tick();
  figures["settleIndividual, 1 gateway answer"] = await gasOf(
    answers.settleIndividual(key.teeId, one.requestHash, one.outputHash, one.timestamp, key.der, signature),
  );
  for (const n of [1, 10]) {
    const items = Array.from({ length: n }, (_, i) => signed(`${n} ${i}`));
    await tick();
    const gas = await gasOf(answers.settleAnswers([key.der], items));
    figures[`settleAnswers, ${n} gateway answer${n === 1 ? "" : "s, each"}`] = Math.ceil(gas / n);
    const last = await answers.answerVerification(key.keyId, items.at(-1)!.answer);
    if (!last.verified) throw new Error(`Measured a call that skips: reason ${last.reason}`);
  }
  const data = answers.interface.encodeFunctionData("answerVerification", [key.keyId, one]);
  figures["answerVerification, execution"] = await executionGas({ ethers, address: await answers.getAddress() }, data);

  for (const name of ["first", "later"]) {
    second = await tick();
    const rsa = [key.keyId, second, key.der, fixedSignature(key, heartbeatMessage(key, second))] as const;
    await tick();
    figures[`heartbeat, RSA, ${name}`] = await gasOf(beats.heartbeat(...rsa));
    second = await tick();
    const digest = await beats.heartbeatDigest(w.enclaveKeyId, second);
    const own = w.enclaveKey.signingKey.sign(digest).serialized;
    await tick();
    figures[`heartbeat, secp256k1, ${name}`] = await gasOf(beats.heartbeat(w.enclaveKeyId, second, "0x", own));
  }

  const next = Buffer.from(key.der);
  next[100]! ^= 1;
  second = await tick();
  const following = await attest(next, second - 5n);
  // Nobody has this key: that its modulus is odd and long is all that the chain can tell.
  const successor = keyIdOf(2, hexlify(next));
  const endsAt = second + 3_600n;
  const handOver = {
    keyId: key.keyId,
    endsAt,
    publicKey: key.der,
    signature: fixedSignature(key, await enclaves.handOverDigest(key.keyId, successor, endsAt)),
  };
  await tick();
  figures["rotateKey, RSA to RSA"] = await gasOf(enclaves.rotateKey(following, second + 86_400n, handOver));
}
