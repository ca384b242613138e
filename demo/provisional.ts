/** Insurance that pays on a signature against a bond: one claim whose proof comes, and one that was a lie. */
import { isError } from "ethers";
import type { CircuitModel } from "../circuits/model.ts";
import { circuitOutputHash, Mode, receiptId, ZERO_HASH } from "../relayer/protocol/index.ts";
import type { Domain, Hex, Opening, Receipt } from "../relayer/protocol/index.ts";
import { DevelopmentToken__factory, FastClaims__factory, type FastClaims } from "../typechain/index.ts";
import { type Chain, mined } from "./chain.ts";
import type { DemoNode, ProvingNode } from "./nodes.ts";
import { line, table } from "./text.ts";
import { openingFromWire, type WireStatus } from "./wire.ts";

const STATES = ["none", "provisional", "final", "unwound"] as const;
const WINDOW = 3_600;
const POOL = 100_000n;
const NO_BATCH = {
  keyId: ZERO_HASH,
  mode: 0,
  root: ZERO_HASH,
  count: 0,
  dataHash: ZERO_HASH,
  settler: "0x0000000000000000000000000000000000000000",
} as const;

interface Setting {
  chain: Chain;
  domain: Domain;
  relayerUrl: string;
  model: CircuitModel;
  modelId: Hex;
  /** Answers honestly, and proves it some time later. */
  prover: ProvingNode;
  /** Whose key signs whatever pays best. */
  liar: DemoNode;
}

/** Shows all four states of a provisional effect; throws where one is not what it should be. */
export async function actEarly(setting: Setting): Promise<void> {
  const { chain, domain, model, modelId, prover, liar } = setting;
  const claims = await deployClaims(chain, modelId);
  const claimant = claims.connect(chain.as("borrower"));
  const steps: string[][] = [];
  const show = async (what: string, requestId: Hex, expected: (typeof STATES)[number]) => {
    const state = STATES[Number(await claims.provisionalState(requestId))]!;
    const [bonds, pool] = [await claims.obligations(), await claims.pool()];
    steps.push([what, state, String(bonds), String(pool)]);
    if (state !== expected) throw new Error(`${what}: ${state} and not ${expected}.`);
  };
  const claim = async (values: number[]) => {
    const { inputSignal } = model.evaluate({ values });
    const inputHash = `0x${inputSignal.toString(16).padStart(64, "0")}` as Hex;
    const insured = chain.as("borrower").address;
    const requestId = (await claims.openClaim.staticCall(insured, 1_000n, inputHash)) as Hex;
    await mined(claims.openClaim(insured, 1_000n, inputHash));
    return { requestId, inputHash };
  };

  const storm = Array.from({ length: 16 }, (_, i) => (i % 2 === 0 ? 20 : 235));
  const first = await claim(storm);
  await show("a claim is opened", first.requestId, "none");
  const signed = await prover.answerRequest(first.requestId, { values: storm });
  await mined(claimant.payOnSignature({ ...signed, evidence: "0x" }, [...signed.outputs]));
  await show("its signed assessment is brought: paid at once", first.requestId, "provisional");
  const proof = await whenFinal(setting, signed.receiptId);
  await mined(claims.finalise(signed.receipt, proof));
  await show("the proof has settled: the bond is free", first.requestId, "final");

  const second = await claim(storm.toReversed());
  const honest = await prover.answerRequest(second.requestId, { values: storm.toReversed() });
  const lie = [honest.outputs[0]! + 1n];
  const receipt: Receipt = {
    ...honest.receipt,
    keyId: liar.key.keyId,
    outputHash: circuitOutputHash(lie),
    mode: Mode.ZKML,
  };
  const signature = await liar.key.sign(receiptId(domain, receipt));
  await mined(claimant.payOnSignature({ receipt, signature, evidence: "0x" }, lie));
  await show("another node signs one more than is due", second.requestId, "provisional");
  const unproved = { receipt, batch: NO_BATCH, index: 0, proof: [] };
  const refused = await claims.finalise.staticCall(receipt, unproved).catch((problem: unknown) => problem);
  if (!isError(refused, "CALL_EXCEPTION")) throw new Error("A lie without a proof became final.");
  const truth = await whenFinal(setting, honest.receiptId);
  await mined(claims.connect(chain.as("attacker")).contradict(receipt, truth));
  await show("a proof of the true answer contradicts it", second.requestId, "unwound");

  table(["what happens", "the effect is", "held for others", "insurer's pool"], steps);
  line("  The claimant of the lie keeps what it got; the bond of who vouched for it paid that, and a part more.");
}

async function deployClaims(chain: Chain, modelId: Hex): Promise<FastClaims> {
  const insurer = chain.as("deployer");
  const money = await (await new DevelopmentToken__factory(insurer).deploy("Dollar", "USD")).waitForDeployment();
  const token = await money.getAddress();
  const claims = await (
    await new FastClaims__factory(insurer).deploy(
      chain.addresses.inferenceRegistry,
      token,
      insurer.address,
      modelId,
      3_600,
      1_000n,
      5_000n,
      WINDOW,
    )
  ).waitForDeployment();
  const address = await claims.getAddress();
  const submitter = chain.as("borrower");
  await mined(money.transfer(submitter.address, POOL));
  await mined(money.connect(submitter).approve(address, POOL));
  await mined(money.approve(address, POOL));
  await mined(claims.fund(POOL));
  return claims;
}

/** Has what is waiting proved and delivered, and waits until the relayer reports the receipt final. */
async function whenFinal({ prover, relayerUrl }: Setting, id: Hex): Promise<Opening> {
  await prover.node.deliver();
  const deadline = Date.now() + 60_000;
  while (Date.now() < deadline) {
    const response = await fetch(`${relayerUrl}/v1/receipts/${id}`);
    if (response.ok) {
      const status = (await response.json()) as WireStatus;
      if (status.state === "rejected") throw new Error(`${id} was rejected: ${status.reason}`);
      if (status.state === "final") return openingFromWire(status.opening!);
    }
    await new Promise((resolve) => setTimeout(resolve, 100));
  }
  throw new Error(`${id} did not settle within a minute.`);
}
