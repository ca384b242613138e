/** What the examples of contracts/consumer cost, in a world of their own: no figure moves another. */
import { id, keccak256, toUtf8Bytes, ZeroAddress } from "ethers";
import { artifactsHash, contentHash, type Artifact, type Hex } from "../relayer/protocol/index.ts";
import { outputHashOf } from "../test/support/groth16.ts";
import { reprove } from "../test/support/proofs.ts";
import { Mode, type ReceiptFields } from "../test/support/protocol.ts";
import { deployWorld } from "../test/support/world.ts";
import {
  AgentWallet__factory,
  CoveredImages__factory,
  DevelopmentToken__factory,
  FastClaims__factory,
  VolatilityFeePool__factory,
} from "../typechain/index.ts";

type Sent = Promise<{ wait(): Promise<{ gasUsed: bigint } | null> }>;

const HOUR = 3_600n;
const PAYEE = "0x00000000000000000000000000000000000c0ffe";

/** The hour at which it all happens; deployment lies before it. */
const START = 2_000_000_000n;

/** Adds its figures to those of the others. */
export async function measureExamples(figures: Record<string, number>): Promise<void> {
  const w = await deployWorld(new Date(Number(START - 10_000n) * 1_000));
  let second = START;
  await w.goTo(START);
  /** The next transaction's moment: each gets one of its own. */
  const tick = async (seconds = 10n) => w.at((second += seconds));
  const { deployer, other } = w.signers;
  const registry = await w.registry.getAddress();
  const measure = async (name: string, sent: () => Sent) => {
    await tick();
    figures[name] = Number((await (await sent()).wait())!.gasUsed);
  };
  const prepare = async (sent: () => Sent) => {
    await tick();
    await (await sent()).wait();
  };
  /** A signed receipt over circuit outputs. */
  const sign = async (label: string, mode: number, input: bigint, outputs: bigint[], over: Partial<ReceiptFields>) =>
    w.signedReceipt(
      await w.receiptIn(mode, {
        requestId: id(`request ${label}`),
        inputHash: `0x${input.toString(16).padStart(64, "0")}`,
        outputHash: outputHashOf(outputs),
        outputScheme: 2,
        completedAt: await w.now(),
        ...over,
      }),
    );
  type Signed = Awaited<ReturnType<typeof sign>>;
  const settle = async (signed: Signed, evidence = "0x") => {
    await prepare(() => w.registry.settleReceipts([{ ...signed, evidence }]));
    if (!(await w.openAlone(signed.receipt)).verified) throw new Error("Measured with a receipt that is not verified.");
    return w.openingAlone(signed.receipt);
  };
  const settleProof = (signed: Signed, input: bigint, outputs: bigint[]) =>
    settle(signed, reprove(w.setup, [input, ...outputs], w.receiptId(signed.receipt)));
  const token = async (name: string) => {
    await tick();
    return (await new DevelopmentToken__factory(deployer).deploy(name, name)).waitForDeployment();
  };

  // Fast claims: one with a proof, one without.
  const money = await token("Money");
  await tick();
  const claims = await (
    await new FastClaims__factory(deployer).deploy(
      registry,
      await money.getAddress(),
      deployer.address,
      w.modelId,
      HOUR,
      1_000n,
      5_000n,
      HOUR,
    )
  ).waitForDeployment();
  await prepare(() => money.approve(claims.getAddress(), 10n ** 9n));
  await prepare(() => claims.fund(100_000n));
  const open = async (input: string) => {
    const requestId = await claims.openClaim.staticCall(deployer.address, 900n, input);
    await prepare(() => claims.openClaim(deployer.address, 900n, input));
    return requestId;
  };
  const input = 77n;
  const inputHash = `0x${input.toString(16).padStart(64, "0")}`;
  for (const [name, mode] of [
    ["ZKML, unproved", Mode.ZKML],
    ["TEE", Mode.TEE],
  ] as const) {
    const signed = await sign("", mode, input, [500n], { requestId: await open(inputHash) });
    await measure(`FastClaims payOnSignature, ${name}`, () => claims.payOnSignature(signed, [500n]));
    if (mode === Mode.TEE) continue;
    const opening = await settleProof(signed, input, [500n]);
    await measure("FastClaims finalise", () => claims.finalise(signed.receipt, opening));
    await measure("FastClaims claim", () => claims.claim());
  }
  const waiting = await sign("", Mode.ZKML, input, [400n], { requestId: await open(inputHash) });
  await prepare(() => claims.payOnSignature(waiting, [400n]));
  await tick(HOUR + 10n);
  await measure("FastClaims unwind", () => claims.connect(other).unwind(waiting.receipt.requestId));

  // Agent wallet: a small payment on an enclave's word.
  await tick();
  const wallet = await (
    await new AgentWallet__factory(deployer).deploy(
      registry,
      deployer.address,
      other.address,
      w.modelId,
      w.modelId,
      HOUR,
      0n,
      24n * HOUR,
    )
  ).waitForDeployment();
  await prepare(() => wallet.setLimit(ZeroAddress, 100n, 100n, 1_000n));
  await prepare(async () => deployer.sendTransaction({ to: await wallet.getAddress(), value: 1_000n }));
  const question = id("what shall we do?");
  const requestId = await wallet.ask.staticCall(0n, question);
  await measure("AgentWallet ask", () => wallet.ask(0n, question));
  const action = { target: PAYEE, value: 100n, data: "0x", nonce: 0n };
  const call: Artifact = {
    kind: 1,
    mediaType: "application/octet-stream",
    hash: (await wallet.actionHash(action)) as Hex,
  };
  const answered = await sign("", Mode.TEE, 0n, [], {
    requestId,
    inputHash: question,
    outputHash: artifactsHash([call]),
    outputScheme: 0,
  });
  const toExecute = await settle(answered);
  await measure("AgentWallet executeAttested, a payment", () => wallet.executeAttested(action, toExecute, [call]));

  // Pool: a swap at the safe fee and at a reading's.
  const [zero, one] = [await token("Zero"), await token("One")];
  await tick();
  const pool = await (
    await new VolatilityFeePool__factory(deployer).deploy(registry, {
      token0: await zero.getAddress(),
      token1: await one.getAddress(),
      model: w.modelId,
      minFee: 500n,
      maxFee: 30_000n,
      safeFee: 3_000n,
      maxAge: HOUR,
      interval: 600n,
    })
  ).waitForDeployment();
  for (const each of [zero, one]) await prepare(() => each.approve(pool.getAddress(), 10n ** 20n));
  await prepare(() => pool.deposit(10n ** 12n, 10n ** 12n, 0n));
  const swap = () => pool.swap(zero.getAddress(), 10n ** 9n, 0n, other.address, 2n ** 40n);
  await prepare(swap);
  await measure("VolatilityFeePool swap, at the safe fee", swap);
  for (let i = 0; i < 17; i++) {
    await tick(600n);
    if (i < 16) await (await pool.sample()).wait();
  }
  await measure("VolatilityFeePool sample", () => pool.sample());
  const packed = BigInt(await pool.currentInput());
  const reading = await settleProof(await sign("reading", Mode.ZKML, packed, [9n], {}), packed, [9n]);
  await measure("VolatilityFeePool applyReading, ZKML", () => pool.applyReading(reading, [9n]));
  await measure("VolatilityFeePool swap, at a reading's fee", swap);

  // Covered images: one of an answer of three artifacts.
  await tick();
  const images = await (
    await new CoveredImages__factory(deployer).deploy(registry, w.modelId, HOUR, "ipfs://")
  ).waitForDeployment();
  const prompt = keccak256(toUtf8Bytes("prompt"));
  const drawn = await images.ask.staticCall(prompt);
  await prepare(() => images.ask(prompt));
  const answer: Artifact[] = ["text/plain", "image/png", "image/png"].map((mediaType, i) => ({
    kind: i === 0 ? 0 : 2,
    mediaType,
    hash: contentHash(`artifact ${i}`),
  }));
  const picture = await settle(
    await sign("", Mode.TEE, 0n, [], {
      requestId: drawn,
      inputHash: prompt,
      outputHash: artifactsHash(answer),
      outputScheme: 0,
    }),
  );
  await measure("CoveredImages mint, 1 of 3 artifacts", () => images.mint(picture, answer, answer[2]!.hash));
}
