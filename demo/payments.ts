/** How the demo's answers are paid: deposits, channels with vouchers, and who got what in the end. */
import { join } from "node:path";
import { parseEther } from "ethers";
import {
  answerToWire,
  createCollector,
  createEscrowReader,
  createPayee,
  createPayer,
  openPayeeStore,
  type Payee,
  type Work,
} from "../relayer/channels/index.ts";
import { createRelayerClient, type InferenceNode, type Served } from "../relayer/node/index.ts";
import type { Domain, Hex } from "../relayer/protocol/index.ts";
import { type Chain, mined } from "./chain.ts";
import { buy, LOCAL_INFERENCE, opg } from "./economy.ts";
import { line, table } from "./text.ts";

const lower = (address: string): Hex => address.toLowerCase() as Hex;
/** Put in for each node, and far more than the demo spends. */
const DEPOSIT = parseEther("10");

/** What is asked of a node through a channel. */
export interface Order {
  nodeId: Hex;
  modelId: Hex;
  mode: number;
  inputHash: Hex;
  price: bigint;
}

/** One payer, and everything between it and the nodes that it pays. */
export async function openPayments(chain: Chain, domain: Domain, relayerUrl: string, folder: string) {
  const escrow: Domain = { chainId: 31337n, verifyingContract: lower(chain.addresses.escrow) };
  const reader = createEscrowReader({ provider: chain.provider, escrow: escrow.verifyingContract, confirmations: 0 });
  const wallet = chain.as("borrower");
  await buy(chain, "borrower", 10n * DEPOSIT);
  await mined(chain.token.connect(wallet).approve(escrow.verifyingContract, 10n * DEPOSIT));
  const payer = createPayer({
    payer: lower(wallet.address),
    signer: {
      address: lower(wallet.address),
      sign: (digest) => wallet.signingKey.sign(digest).serialized as Hex,
    },
    escrow,
    domain,
    reader,
    store: join(folder, "payer.sqlite"),
    budget: 10n * DEPOSIT,
  });
  const relayer = createRelayerClient({ url: relayerUrl });
  const stores = new Map<Hex, ReturnType<typeof openPayeeStore>>();
  let vouchers = 0;

  /** Deposits for a node, once, and keeps the node's ledger of channels. */
  async function storeOf(nodeId: Hex) {
    const known = stores.get(nodeId);
    if (known !== undefined) return known;
    await mined(chain.escrow.deposit(wallet.address, nodeId, DEPOSIT));
    const store = openPayeeStore(join(folder, `channels-${BigInt(nodeId)}.sqlite`));
    stores.set(nodeId, store);
    return store;
  }

  return {
    /** The node's side of its channels. */
    async payeeOf(node: InferenceNode, nodeId: Hex, modelId: Hex, mode: number): Promise<Payee> {
      return createPayee({ node, nodeId, modelId, mode, escrow, reader, store: await storeOf(nodeId) });
    },
    /** Asks and is answered: a voucher goes one way, a receipt over the answer comes back and is checked. */
    async ask(payee: Payee, { nodeId, modelId, mode, inputHash, price }: Order, infer: Work["infer"]): Promise<Served> {
      const { message } = await payer.request({ nodeId, modelId, modeMask: 1 << mode, inputHash, maxFee: price });
      vouchers++;
      let outputHash: Hex | undefined;
      const served = await payee.serve(message, {
        price,
        infer: async () => {
          const answer = await infer();
          // The payer hashes the answer it was sent itself; here both are one process.
          ({ outputHash } = answer);
          return answer;
        },
      });
      await payer.accept(answerToWire(served), outputHash!);
      return served;
    },
    owed: () => payer.exposure().owed,
    vouchers: () => vouchers,
    /** Every node collects what it is owed, anyone forwards it, and everybody can see their share. */
    async collectAll(): Promise<string[][]> {
      const rows: string[][] = [];
      for (const [nodeId, store] of stores) {
        const collector = createCollector({
          nodeId,
          domain,
          escrow: escrow.verifyingContract,
          store,
          reader,
          relayer,
          signer: chain.as("operator"),
        });
        const { calls, leftOut, fees } = await collector.collect();
        if (leftOut.length > 0) throw new Error(`Not collected: ${leftOut.map(({ refusal }) => refusal).join(", ")}`);
        for (const fee of fees) await collector.forward(fee);
        const amount = calls.reduce((sum, call) => sum + call.amount, 0n);
        const channels = calls.reduce((sum, call) => sum + call.channels.length, 0);
        const { balance } = await chain.escrow.account(wallet.address, nodeId);
        if (balance + amount !== DEPOSIT) throw new Error("The escrow does not add up.");
        rows.push([`node ${BigInt(nodeId)}`, String(channels), opg(amount), opg(balance)]);
      }
      return rows;
    },
    close: () => {
      payer.close();
      for (const store of stores.values()) store.close();
    },
  };
}
export type Payments = Awaited<ReturnType<typeof openPayments>>;

/** Collects, divides, claims, and prints who got what; throws where it does not add up to the wei. */
export async function payEverybody(chain: Chain, payments: Payments, modelIds: Hex[]): Promise<void> {
  const operator = chain.as("operator").address;
  const pool = async () => {
    const { own, delegated } = await chain.staking.pool(operator, LOCAL_INFERENCE);
    return own + delegated;
  };
  const [owed, before] = [payments.owed(), await pool()];
  table(["paid to", "channels", "collected", "left in escrow"], await payments.collectAll());
  line(
    `  ${payments.vouchers()} vouchers, one collection a channel; each paid what both sides had signed, and no more.`,
  );
  line();

  const shares = {
    stakers: (await pool()) - before,
    treasury: await chain.splitter.credit(chain.addresses.timelock),
    settler: await chain.splitter.credit(chain.as("relayer").address),
    node: await chain.splitter.credit(operator),
    model: 0n,
  };
  for (const modelId of modelIds) {
    shares.model += await chain.splitter.modelBalance(modelId);
    await mined(chain.splitter.distributeModel(modelId));
  }
  const sum = Object.values(shares).reduce((all, share) => all + share, 0n);
  if (sum !== owed) throw new Error(`Fees of ${owed} were divided into ${sum}.`);
  const part = (share: bigint) => [opg(share), `${(Number((share * 10_000n) / sum) / 100).toFixed(2)} %`];
  table(
    ["share", "of whom", "amount", "part"],
    [
      ["node", "its operator", ...part(shares.node)],
      ["model", "its owner", ...part(shares.model)],
      ["stakers", "the operator's pool", ...part(shares.stakers)],
      ["treasury", "the timelock", ...part(shares.treasury)],
      ["settler", "the relayer", ...part(shares.settler)],
    ],
  );
  await mined(chain.splitter.claim(operator));
  const held = await chain.token.balanceOf(operator);
  if (held !== shares.node + shares.model) throw new Error("The operator was not paid what it was credited.");
  line(`  The operator, who owns the models too, claimed ${opg(held)}. Fees and shares add up to the wei.`);
}
