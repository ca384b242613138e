/** What requests on chain cost, in the world of scripts/gas.ts. */
import { concat, id, keccak256, parseEther, toBeHex, toUtf8Bytes, ZeroAddress, ZeroHash } from "ethers";
import { outputHashOf } from "../test/support/groth16.ts";
import { reprove } from "../test/support/proofs.ts";
import { coder, Mode } from "../test/support/protocol.ts";
import type { World } from "../test/support/world.ts";

type Sent = Promise<{ wait(): Promise<{ gasUsed: bigint } | null> }>;
/** The next transaction's moment; see scripts/gas.ts. */
type Tick = (seconds?: bigint) => Promise<bigint>;

const OPG = 10n ** 18n;
const FEE = parseEther("1.23456789");
const HOUR = 3_600n;
const TEXT = "A".repeat(100);
const ARTIFACTS = "tuple(uint8 kind, string mediaType, bytes32 hash)[]";

/** Most gas that a figure may cost. */
export const TARGETS: Record<string, number> = {
  "request: ask, input by hash": 172_000,
  "request: accept, bond from credit": 88_000,
  "request: fulfil, without callback": 113_000,
  "request: time out, with penalty": 70_000,
};

/** Adds its figures to those of the others. */
export async function measureRequests(w: World, tick: Tick, figures: Record<string, number>): Promise<void> {
  const { requests, token, nodes, signers } = w;
  const { deployer, operator } = signers;
  const at = await requests.getAddress();
  const consumer = await w.ethers.deployContract("AskedScore", [at, w.modelId]);
  const consumerAt = await consumer.getAddress();
  const own = requests.connect(deployer);
  await token.transfer(operator.address, 1_000n * OPG);
  await token.connect(operator).approve(at, 1_000n * OPG);
  await token.approve(at, 1_000n * OPG);
  await token.approve(consumerAt, 1_000n * OPG);
  await nodes.setOffer(w.nodeId, w.modelId, 7, 100);
  // However long that took, what follows happens at fixed moments.
  await tick(600n);
  await w.networkHelpers.mine();
  const measure = async (name: string, sent: () => Sent) => {
    await tick();
    figures[`request: ${name}`] = Number((await (await sent()).wait())!.gasUsed);
  };

  const idOf = (counter: bigint) => keccak256(coder.encode(["uint256", "address", "uint256"], [31337n, at, counter]));
  let counter = 0n;
  const terms = async () => ({
    ...{ modelId: w.modelId, inputHash: id("input"), contextHash: ZeroHash, nodeId: ZeroHash, maxFee: FEE },
    ...{ deadline: (await w.now()) + HOUR, modeMask: 7, callbackGas: 0 },
  });
  const asked = async () => {
    const plain = await terms();
    await tick();
    await own.request(plain, "0x");
    return idOf(counter++);
  };
  const artifacts = [{ kind: 0, mediaType: "text/plain", hash: keccak256(toUtf8Bytes(TEXT)) }];
  const outputHash = keccak256(concat(["0xff", coder.encode([ARTIFACTS], [artifacts])]));
  const output = coder.encode([ARTIFACTS, "bytes[]"], [artifacts, [toUtf8Bytes(TEXT)]]);
  const settled = async (requestId: string) => {
    const receipt = await w.receiptIn(Mode.VANILLA, {
      ...{ requestId, inputHash: id("input"), outputHash, payer: deployer.address, cumulativeFee: FEE },
      completedAt: await w.now(),
    });
    await tick();
    await w.registry.settleReceipts([w.signedReceipt(receipt)]);
    return w.openingAlone(receipt);
  };

  // What is measured are later requests: the first of a node writes slots that the others find.
  const first = await asked();
  await tick();
  await requests.accept(first, w.keyId, 2n ** 64n);
  const firstOpening = await settled(first);
  await tick();
  await requests.fulfil(first, firstOpening, output);
  const held = await asked();
  await tick();
  await requests.accept(held, w.keyId, 2n ** 64n);

  const byHash = await terms();
  await measure("ask, input by hash", () => own.request(byHash, "0x"));
  const requestId = idOf(counter++);
  const whole = await terms();
  await measure("ask, 1,000 bytes of input", () =>
    own.requestWithInput(whole, id("salt"), toUtf8Bytes("q".repeat(1_000))),
  );
  counter++;
  await measure("accept, bond from tokens", () => requests.accept(requestId, w.keyId, 2n ** 64n));
  await tick();
  await requests.deposit(operator.address, 100n * OPG);
  const fromCredit = await asked();
  await measure("accept, bond from credit", () => requests.accept(fromCredit, w.keyId, 2n ** 64n));
  const opening = await settled(requestId);
  await measure("fulfil, without callback", () => requests.fulfil(requestId, opening, output));
  await measure("forward", async () =>
    requests.forward(w.nodeId, w.modelId, ZeroAddress, await w.splitter.currentEpoch()),
  );
  const unwanted = await asked();
  await measure("cancel", () => own.cancel(unwanted));

  // A proved score over some features, asked for by a contract that keeps it.
  for (const [name, score] of [
    ["fulfil, callback that writes a slot", 77n],
    ["fulfil, callback that fails", 2n ** 200n],
  ] as const) {
    const features = toBeHex(score + 1n, 32);
    const asking = () => consumer.getFunction("ask")(features, FEE);
    if (score === 77n) await measure("ask, by a contract that inherits InferenceRequester", asking);
    else await tick().then(asking);
    const proved = idOf(counter++);
    const receipt = await w.receiptIn(Mode.ZKML, {
      ...{ requestId: proved, inputHash: features, outputHash: outputHashOf([score]), payer: consumerAt },
      ...{ cumulativeFee: FEE, completedAt: await w.now() },
    });
    await tick();
    await requests.accept(proved, w.keyId, 2n ** 64n);
    await tick();
    const evidence = reprove(w.setup, [score + 1n, score], w.receiptId(receipt));
    await w.registry.settleReceipts([w.signedReceipt(receipt, evidence)]);
    const outputs = coder.encode(["uint256[]"], [[score]]);
    await measure(name, () => requests.fulfil(proved, w.openingAlone(receipt), outputs));
  }

  await tick(2n * HOUR);
  await measure("time out, with penalty", () => own.timeOut(fromCredit));
}
