/** A node that says two things about one request, and what becomes of its stake. */
import { hexlify, id, randomBytes } from "ethers";
import { Mode, receiptId, ZERO_HASH, type Domain, type Hex, type Receipt } from "../relayer/protocol/index.ts";
import { type Chain, mined } from "./chain.ts";
import { LOCAL_INFERENCE, opg } from "./economy.ts";
import { addOperatorKey, registerNode } from "./nodes.ts";
import { line, table } from "./text.ts";

const NO_BATCH = {
  keyId: ZERO_HASH,
  mode: 0,
  root: ZERO_HASH,
  count: 0,
  dataHash: ZERO_HASH,
  settler: "0x0000000000000000000000000000000000000000",
};

/** Registers the cheat's node, has it sign twice, and reports it as anyone could. */
export async function slashEquivocation(chain: Chain, domain: Domain, modelId: Hex): Promise<void> {
  const nodeId = await registerNode(chain, "http://127.0.0.1:9004", "cheat");
  const key = await addOperatorKey(chain, nodeId, "cheat");
  const first: Receipt = {
    requestId: hexlify(randomBytes(32)) as Hex,
    modelId,
    inputHash: id("is this account solvent?") as Hex,
    outputHash: id("yes") as Hex,
    outputScheme: 0,
    contextHash: ZERO_HASH,
    keyId: key.keyId,
    payer: chain.as("borrower").address.toLowerCase() as Hex,
    sequence: 0n,
    cumulativeFee: 10n ** 15n,
    completedAt: BigInt(Math.floor(Date.now() / 1000)),
    mode: Mode.VANILLA,
  };
  const second: Receipt = { ...first, outputHash: id("no") as Hex };
  const statement = async (receipt: Receipt) => ({
    opening: { receipt, batch: NO_BATCH, index: 0, proof: [] },
    signature: await key.sign(receiptId(domain, receipt)),
  });
  const evidence = [await statement(first), await statement(second)] as const;

  const cheat = chain.as("cheat").address;
  const state = async () => {
    const { own, delegated } = await chain.staking.pool(cheat, LOCAL_INFERENCE);
    const live = (await chain.nodes.liveKeys(nodeId)).length;
    const burned = await chain.staking.creditOf(await chain.staking.BURN_ADDRESS());
    const reward = await chain.staking.creditOf(chain.as("attacker").address);
    return [opg(own), opg(delegated), String(live), opg(reward), opg(burned)];
  };
  const before = await state();
  await mined(chain.disputes.reportEquivocation(...evidence));
  const after = await state();
  const names = ["own stake", "delegation", "keys that sign", "reporter's reward", "to be burned"];
  table(
    ["", "before", "after"],
    names.map((name, i) => [name, before[i]!, after[i]!]),
  );
  line(
    "  One call with both signatures; no judge. Own stake pays first, and below the minimum every key ends at once.",
  );

  const again = await chain.disputes.reportEquivocation(...evidence).then(
    () => "paid twice",
    () => "refused",
  );
  if (again !== "refused" || after[2] !== "0") throw new Error(`A fault counted twice, or keys live on: ${again}.`);
}
