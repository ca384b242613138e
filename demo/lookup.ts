import type { CircuitModel } from "../circuits/model.ts";
import { LookupError, type Sent, sendWithLookup } from "../relayer/consumer/index.ts";
import { type Hex, signalInputHash } from "../relayer/protocol/index.ts";
import { RiskScores__factory, type RiskScores } from "../typechain/index.ts";
import { type Chain, mined } from "./chain.ts";
import type { Answered, DemoNode } from "./nodes.ts";
import { line, table } from "./text.ts";

export interface Lookups {
  relayerUrl: string;
  model: CircuitModel;
  modelId: Hex;
  scorer: DemoNode;
  /** A score that has settled, and its sixteen returns. */
  settled: { values: readonly number[]; answered: Answered };
  /** Returns that nobody has asked about. */
  fresh: readonly number[];
}

const PATIENCE_MS = 60_000;

/** A contract that is told scores which were computed before: in a call, and in one transaction (ERC-3668). */
export async function lookUp(
  chain: Chain,
  { relayerUrl, model, modelId, scorer, settled, fresh }: Lookups,
): Promise<void> {
  const gateway = `${relayerUrl}/v1/lookup/{sender}/{data}`;
  const registry = chain.addresses.inferenceRegistry;
  const deployed = await new RiskScores__factory(chain.as("deployer")).deploy(registry, [gateway], modelId, 3_600n);
  await deployed.waitForDeployment();
  const user = chain.as("borrower");
  const scores = deployed.connect(user);
  const inputOf = (values: readonly number[]) => signalInputHash(model.evaluate({ values: [...values] }).inputSignal);

  const read = await scores.scoreOf(inputOf(settled.values), { enableCcipRead: true });
  if (read !== settled.answered.outputs[0]) throw new Error(`The call tells ${read}, the node said otherwise.`);

  const { outputs } = await scorer.ask({ model, input: { values: [...fresh] } });
  await scorer.node.deliver();
  const before = await chain.provider.getTransactionCount(user.address);
  const sent = await sendWhenKnown(chain, scores, inputOf(fresh), new URL(relayerUrl).host);
  const receipt = await sent.wait();
  const used = (await chain.provider.getTransactionCount(user.address)) - before;
  const { value } = await scores.recorded(inputOf(fresh));
  if (value !== outputs[0] || used !== 1) throw new Error(`Recorded ${value} in ${used} transactions.`);
  const settledHere = receipt.logs.some(({ address }) => address.toLowerCase() === registry.toLowerCase());

  await mined(scores.recordAnswer(...callbackOf(scores, sent))).then(
    () => {
      throw new Error("The same answer was taken twice.");
    },
    () => undefined,
  );
  table(
    ["what is asked of the contract", "how", "what it does"],
    [
      ["the score of a day", "a call, ethers' enableCcipRead", `tells ${read}`],
      [
        "to keep the score of another day",
        `sendWithLookup, ${used} transaction, ${receipt.gasUsed} gas`,
        `${settledHere ? "settles the receipt, " : ""}keeps ${value}`,
      ],
      ["the same answer again", "a transaction", "refused: used before"],
    ],
  );
  line("  Both times the relayer was the gateway, and was believed in nothing.");
}

/** The arguments of a callback that was sent. */
function callbackOf(scores: RiskScores, { transaction }: Sent): [string, string] {
  const [response, extraData] = scores.interface.decodeFunctionData("recordAnswer", transaction.data!);
  return [response as string, extraData as string];
}

/** The relayer checks a proof before it hands it on, which takes it a moment. */
async function sendWhenKnown(chain: Chain, scores: RiskScores, input: Hex, host: string): Promise<Sent> {
  const deadline = Date.now() + PATIENCE_MS;
  for (;;) {
    try {
      return await sendWithLookup(chain.as("borrower"), scores, "record", [input], { allowedHosts: [host] });
    } catch (error) {
      const waits = error instanceof LookupError && error.code === "gateway_refused" && Date.now() < deadline;
      if (!waits) throw error;
      await new Promise((resolve) => setTimeout(resolve, 100));
    }
  }
}
