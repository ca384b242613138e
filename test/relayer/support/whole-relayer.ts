// SPDX-License-Identifier: MIT
// A relayer as an operator runs it: `relayer/main.ts` in a process of its own, every part configured, a real protocol on a
// local chain behind it. What comes to it from outside comes over its port; what it says inside comes over its log.
import { spawn, type ChildProcess } from "node:child_process";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { parseEther, toBeHex, Wallet } from "ethers";
import type { Wallet as AnyWallet } from "ethers";
import type { ConfigInput } from "../../../relayer/config/index.ts";
import { receiptToWire } from "../../../relayer/api/schemas.ts";
import { makeBatch } from "../../../relayer/batches/seal.ts";
import { encodeQuery, Origin } from "../../../relayer/lookup/messages.ts";
import * as protocol from "../../../relayer/protocol/index.ts";
import type { Domain, Hex, Receipt } from "../../../relayer/protocol/index.ts";
import { openHttpDoor } from "../../support/http-door.ts";
import type { Seeds } from "../../support/openapi-requests.ts";
import { reprove } from "../../support/proofs.ts";
import { outputHashOf } from "../../support/groth16.ts";
import { deployWorld, type World } from "../../support/world.ts";
import { random, removeDir, tempDir } from "./relayer.ts";

const PERCENT = 10n ** 16n;
const WEEK = 7 * 86_400_000;
/** Starting takes seconds, and minutes where everything else runs too. */
const START_MS = 180_000;
const SETTLER: Hex = `0x${"55".repeat(20)}`;

export type WholeRelayer = Awaited<ReturnType<typeof startWholeRelayer>>;

/** Starts chain and relayer. */
export async function startWholeRelayer(over: Partial<ConfigInput> = {}) {
  // Every block of a deployment takes a second of the chain's clock: it must not come to be ahead of ours.
  const world = await deployWorld(new Date(Date.now() - 2 * 60_000));
  const door = await openHttpDoor(world.connection.provider);
  const market = await world.ethers.deployContract("TwinMarket", [
    world.signers.admin.address,
    10_000n,
    2n * PERCENT,
    2n * PERCENT,
  ]);
  const sender = new Wallet(Wallet.createRandom().privateKey);
  await world.networkHelpers.setBalance(sender.address, parseEther("100"));
  const domain: Domain = {
    chainId: 31337n,
    verifyingContract: (await world.registry.getAddress()).toLowerCase() as Hex,
  };
  const token = await world.token.getAddress();
  const dataDir = tempDir();
  const resting = { maxCount: 1_000_000, patientMs: WEEK, impatientMs: WEEK };
  // Everything that adds routes is on: what is described is what is there.
  const config: ConfigInput = {
    chain: { chainId: 31337, registry: domain.verifyingContract, rpcUrls: [door.url] },
    http: { port: 0, requestsPerSecond: 1e6, burst: 1e6, batchesPerMinutePerKey: 1e6, receiptsPerMinutePerKey: 1e6 },
    store: { dataDir },
    sealing: { policy: { ...resting, maxCount: 3 } },
    settlement: { policy: resting },
    // The local chain makes a block only when asked: its newest one grows old.
    twinMarket: { address: await market.getAddress(), maxBlockAgeMs: WEEK },
    requests: { address: await world.contracts.inferenceRequests.getAddress() },
    opengradient: {
      gatewayAnswers: await world.contracts.gatewayAnswers.getAddress(),
      enclaveHeartbeats: await world.contracts.enclaveHeartbeats.getAddress(),
      heartbeatWaitMs: 500,
    },
    reconcile: { everyMs: WEEK },
    x402: {
      token,
      name: "OpenGradient",
      version: "1",
      payTo: "any",
      minAmount: "1",
      maxAmount: "1000000000000000000",
      waitMs: 500,
    },
    ...over,
  };
  const file = join(dataDir, "relayer.json");
  writeFileSync(file, JSON.stringify(config));
  const main = fileURLToPath(new URL("../../../relayer/main.ts", import.meta.url));
  const child = spawn(process.execPath, ["--import", import.meta.resolve("tsx"), main, "--config", file], {
    env: { ...process.env, RELAYER_PRIVATE_KEY: sender.privateKey },
    stdio: ["ignore", "pipe", "pipe"],
  });
  let log = "";
  child.stderr.on("data", (chunk: Buffer) => (log += chunk.toString()));
  try {
    const url = await listening(child, () => log);
    return {
      ...{ url, world, domain, dataDir, sender, child, token },
      /** Whatever it said to its operator. */
      log: () => log,
      alive: () => child.exitCode === null && child.signalCode === null,
      /** Stops it as an operator does, and gives the directory to whoever looks into the ledger. */
      async stop(): Promise<number | null> {
        const ended = child.exitCode === null ? new Promise((resolve) => child.once("exit", resolve)) : null;
        child.kill("SIGTERM");
        await ended;
        return child.exitCode;
      },
      async close(): Promise<void> {
        child.kill("SIGKILL");
        await door.close();
        await world.connection.close();
        removeDir(dataDir);
      },
    };
  } catch (error) {
    child.kill("SIGKILL");
    throw error;
  }
}

function listening(child: ChildProcess, log: () => string): Promise<string> {
  return new Promise((resolve, reject) => {
    let said = "";
    const timer = setTimeout(() => reject(new Error(`It did not start: ${said} ${log()}`)), START_MS);
    child.stdout!.on("data", (chunk: Buffer) => {
      said += chunk.toString();
      const url = /listens on (\S+)/.exec(said)?.[1];
      if (!url) return;
      clearTimeout(timer);
      resolve(url);
    });
    child.once("exit", (code) => reject(new Error(`It ended with ${code}: ${said} ${log()}`)));
  });
}

/** A receipt of the world's key, in the relayer's form. */
function receiptOf(world: World, mode: number, over: Partial<Receipt> = {}): Receipt {
  return {
    ...{ requestId: random(), modelId: world.modelId as Hex, inputHash: random(), outputHash: random() },
    ...{ outputScheme: mode === protocol.Mode.ZKML ? 2 : 0, contextHash: protocol.ZERO_HASH },
    ...{ keyId: world.keyIdOf(mode) as Hex, payer: random(20), sequence: 0n, cumulativeFee: 10n ** 16n },
    ...{ completedAt: BigInt(Math.floor(Date.now() / 1_000)), mode, ...over },
  };
}

/** Submissions, payments and questions that are good in every respect. */
export async function goodRequests({ world, domain, token }: WholeRelayer): Promise<Seeds> {
  const sign = (mode: number, digest: Hex): Hex => world.keyOf(mode).signingKey.sign(digest).serialized as Hex;
  const signed = (one: Receipt) => ({
    receipt: receiptToWire(one),
    signature: sign(one.mode, protocol.receiptId(domain, one)),
  });
  const proved = (place: bigint) => {
    const signals = world.setup.ic.slice(2).map((_, index) => place * 100n + BigInt(index));
    const inputHash = toBeHex(signals[0]!, 32) as Hex;
    const receipt = receiptOf(world, protocol.Mode.ZKML, {
      inputHash,
      outputHash: outputHashOf(signals.slice(1)) as Hex,
    });
    return { receipt, evidence: reprove(world.setup, signals, protocol.receiptId(domain, receipt)) as Hex };
  };
  const batch = (mode: number, count: number) => {
    const receipts = Array.from({ length: count }, () => receiptOf(world, mode));
    const made = makeBatch(domain, receipts, SETTLER).batch;
    return { batch: made, signature: sign(mode, protocol.batchDigest(domain, made)), receipts: receipts.map(signed) };
  };
  const proofs = (count: number) => {
    const items = Array.from({ length: count }, (_, index) => proved(BigInt(index + 1)));
    const made = makeBatch(
      domain,
      items.map(({ receipt }) => receipt),
      SETTLER,
    ).batch;
    return {
      ...{ batch: made, modelId: world.modelId, signature: sign(1, protocol.batchDigest(domain, made)) },
      receipts: items.map(({ receipt }) => signed(receipt)),
      evidence: `0x${items.map(({ evidence }) => evidence.slice(2)).join("")}`,
    };
  };
  const one = proved(77n);
  const singles = [
    ...Array.from({ length: 6 }, () => signed(receiptOf(world, protocol.Mode.VANILLA))),
    signed(receiptOf(world, protocol.Mode.TEE)),
    { ...signed(one.receipt), evidence: one.evidence },
  ];
  const batches = [batch(0, 1), batch(0, 3), batch(2, 2)];
  const proofBatches = [proofs(1), proofs(2)];
  const payments = await Promise.all([payment(world, token), payment(world, token)]);
  const question = encodeQuery({
    question: "0x",
    policy: {
      ...{ modes: 7, modelIds: [one.receipt.modelId], origins: Origin.INPUT, inputHash: one.receipt.inputHash },
      ...{ requestId: protocol.ZERO_HASH, keyIds: [], contextHash: protocol.ZERO_HASH, maxAge: 3_600n, minSettled: 0n },
    },
  });
  const contract = random(20);
  const ids = [...singles, ...batches.flatMap(({ receipts }) => receipts)].map(({ receipt }) =>
    protocol.receiptId(domain, {
      ...receipt,
      sequence: 0n,
      cumulativeFee: 10n ** 16n,
      completedAt: BigInt(receipt.completedAt),
    }),
  );
  return {
    bodies: {
      "POST /v1/receipts": singles,
      "POST /v1/batches": batches,
      "POST /v1/proofs": proofBatches,
      "POST /v1/seals/{id}": [{ signature: sign(0, random()) }],
      "POST /v1/lookup": [{ sender: contract, data: question }],
      "POST /x402/verify": payments,
      "POST /x402/settle": payments,
    },
    parameters: {
      id: [...ids, "1", "2"],
      digest: [...batches, ...proofBatches].map((body) => protocol.batchDigest(domain, body.batch)),
      keyId: [world.keyId, world.enclaveKeyId],
      sender: [contract],
      data: [question],
      wait: ["0", "1"],
    },
  };
}

/** A payment by EIP-3009 of a payer who has the money, as a gateway hands it on. */
async function payment(world: World, token: string) {
  const payer: AnyWallet = new Wallet(Wallet.createRandom().privateKey);
  await world.token.transfer(payer.address, 10n ** 18n);
  const accepted = {
    ...{
      scheme: "exact",
      network: "eip155:31337",
      amount: "1000",
      asset: token,
      payTo: random(20),
      maxTimeoutSeconds: 3_600,
    },
    extra: { name: "OpenGradient", version: "1" },
  };
  const authorization = {
    ...{ from: payer.address, to: accepted.payTo, value: accepted.amount, validAfter: "0" },
    ...{ validBefore: String(Math.floor(Date.now() / 1_000) + 86_400), nonce: random() },
  };
  const types = {
    TransferWithAuthorization: [
      ...["from", "to"].map((name) => ({ name, type: "address" })),
      ...["value", "validAfter", "validBefore"].map((name) => ({ name, type: "uint256" })),
      { name: "nonce", type: "bytes32" },
    ],
  };
  const signedFor = { ...accepted.extra, chainId: 31337, verifyingContract: token };
  const signature = await payer.signTypedData(signedFor, types, authorization);
  return {
    x402Version: 2,
    paymentPayload: { x402Version: 2, accepted, payload: { signature, authorization } },
    paymentRequirements: accepted,
  };
}
