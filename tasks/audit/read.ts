import { Contract, type Interface, type Log, type LogDescription, type Provider, type Result } from "ethers";
import { type Batch, type Hex, type Receipt, ZERO_ADDRESS } from "../../relayer/protocol/index.ts";
import { blockTimes, readLogs } from "../unlocks/logs.ts";
import { releasesOfVesting } from "../unlocks/releases.ts";
import * as abi from "./abi.ts";
import { reportsOf, submissionsOf } from "./calldata.ts";
import type { At, ChainAnswers, Forwarded, History, Holding, Rates, TwinFeeEvent } from "./history.ts";
import type { LeafSource } from "./leaves.ts";

/** The contracts that an audit reads; what is missing leaves its topics empty, and says so. */
export interface Addresses {
  InferenceRegistry: Hex;
  NodeRegistry: Hex;
  EnclaveRegistry: Hex;
  ModelRegistry: Hex;
  OPGToken: Hex;
  InferenceEscrow?: Hex;
  InferenceRequests?: Hex;
  FeeSplitter?: Hex;
  Disputes?: Hex;
  OPGStaking?: Hex;
  OPGVesting?: Hex;
  TwinMarket?: Hex;
}

export interface ReadOptions {
  provider: Provider;
  addresses: Addresses;
  /** Blocks: of the deployment, and those that are reported on. */
  start: number;
  from: number;
  to: number;
  leaves: LeafSource;
  /** Most blocks to ask a node for at a time. */
  chunk: number;
  /** Told how much of the reading is done, for long ones. */
  progress?: (done: number, of: number) => void;
}

/** An event with its place and its decoded values. */
interface Event extends At {
  name: string;
  args: Result;
  emitter: Hex;
}

const hex = (value: unknown): Hex => String(value).toLowerCase() as Hex;
const big = (value: unknown): bigint => BigInt(value as bigint);

/** Reads everything an audit looks at from the chain's logs, calldata and storage, and the leaves from where they are. */
export async function readHistory(options: ReadOptions): Promise<History> {
  const { provider, addresses, from, to, leaves, progress = () => undefined } = options;
  const chainId = (await provider.getNetwork()).chainId;
  const domain = { chainId, verifyingContract: addresses.InferenceRegistry };
  const timeOf = blockTimes(provider);
  const eventsOf = eventReader(options, timeOf);
  let done = 0;
  const step = async <T>(work: Promise<T>): Promise<T> => {
    const result = await work;
    progress(++done, STEPS);
    return result;
  };

  const settled = await step(eventsOf(addresses.InferenceRegistry, abi.registry));
  const escrow = await step(eventsOf(addresses.InferenceEscrow, abi.escrow));
  const requests = await step(eventsOf(addresses.InferenceRequests, abi.requests));
  const fees = await step(eventsOf(addresses.FeeSplitter, abi.splitter));
  const faults = await step(eventsOf(addresses.Disputes, abi.disputes));
  const staking = await step(eventsOf(addresses.OPGStaking, abi.staking));
  const market = await step(eventsOf(addresses.TwinMarket, abi.market));
  const used = await step(eventsOf(addresses.OPGToken, abi.token, "AuthorizationUsed"));
  const authorized = await Promise.all(used.map((each) => transferOf(provider, addresses.OPGToken, each)));
  progress(++done, STEPS);

  const registry = new Contract(addresses.InferenceRegistry, abi.registry, provider);
  const settledAt = async (id: Hex) => Number(await registry.getFunction("settledAt")(id, { blockTag: to }));
  const named = (events: Event[], ...names: string[]) => events.filter(({ name }) => names.includes(name));
  const batches = await Promise.all(
    named(settled, "BatchSettled").map(async (event) => ({
      ...placeOf(event),
      digest: hex(event.args["digest"]),
      batch: batchOf(event.args),
      settledAt: await settledAt(hex(event.args["digest"])),
    })),
  );
  const receipts = await Promise.all(
    named(settled, "ReceiptSettled").map(async (event) => ({
      ...placeOf(event),
      receiptId: hex(event.args["receiptId"]),
      requestId: hex(event.args["requestId"]),
      keyId: hex(event.args["keyId"]),
      mode: Number(event.args["mode"]),
      settledAt: await settledAt(hex(event.args["receiptId"])),
    })),
  );
  progress(++done, STEPS);
  const transactionsOf = async (events: At[]) =>
    Promise.all(
      [...new Set(events.map(({ transaction }) => transaction))].map((hash) => provider.getTransaction(hash)),
    );
  const submissions = (await transactionsOf(settled)).flatMap((each) => (each ? submissionsOf(domain, each) : []));
  const disputes = addresses.Disputes;
  const reports =
    disputes === undefined
      ? []
      : (await transactionsOf(faults)).flatMap((each) => (each ? reportsOf(chainId, disputes, each) : []));
  const documents = new Map<Hex, Awaited<ReturnType<LeafSource>>>();
  for (const { batch } of batches)
    if (!documents.has(batch.dataHash)) documents.set(batch.dataHash, await leaves(batch.dataHash));
  progress(++done, STEPS);

  const forwarded = (events: Event[], emitter: Hex | undefined): Forwarded[] =>
    named(events, "Forwarded").map((event) => ({ ...placeOf(event), ...feeKeyOf(event.args), from: emitter! }));
  return {
    ...{ chainId, registry: addresses.InferenceRegistry, token: addresses.OPGToken, from, to, batches, receipts },
    submissions: new Map(submissions.map((each) => [each.id, each])),
    leaves: documents,
    chain: chainAnswers(options),
    collected: named(escrow, "Collected").map((event) => {
      // sequence 64 ‖ amount 96 ‖ paid 96, from the highest bit.
      const payment = big(event.args["payment"]);
      const MASK = 2n ** 96n - 1n;
      return {
        ...placeOf(event),
        channelId: hex(event.args["channelId"]),
        ...{ sequence: payment >> 192n, amount: (payment >> 96n) & MASK, paid: payment & MASK },
      };
    }),
    fulfilled: named(requests, "Fulfilled").map((event) => ({
      ...placeOf(event),
      requestId: hex(event.args["requestId"]),
      receiptId: hex(event.args["receiptId"]),
      fee: big(event.args["fee"]),
    })),
    reservations: named(escrow, "ReservationCollected").map((event) => ({
      ...placeOf(event),
      requestId: hex(event.args["requestId"]),
      amount: big(event.args["amount"]),
    })),
    authorized,
    holdings: await holdingsOf(options, { escrow, fees }),
    feesPaid: named(fees, "FeesPaid").map((event) => ({
      ...placeOf(event),
      ...feeKeyOf(event.args),
      payer: hex(event.args["payer"]),
      shares: ratesFrom(event.args["shares"] as Result),
    })),
    forwarded: [...forwarded(escrow, addresses.InferenceEscrow), ...forwarded(requests, addresses.InferenceRequests)],
    balances: named(fees, "Credited", "Claimed", "ModelCredited", "ModelDistributed").map(balanceOf),
    rates: named(fees, "RatesAnnounced", "RatesWithdrawn").map((event) =>
      event.name === "RatesWithdrawn"
        ? { ...placeOf(event), kind: "withdrawn" as const, epoch: big(event.args["epoch"]) }
        : {
            ...placeOf(event),
            kind: "announced" as const,
            epoch: big(event.args["epoch"]),
            startsAt: Number(event.args["startsAt"]),
            rates: ratesFrom(event.args["rates"] as Result),
          },
    ),
    unlocks:
      addresses.OPGVesting === undefined
        ? { problem: "there is no OPGVesting in this deployment" }
        : await releasesOfVesting(provider, addresses.OPGVesting, { fromBlock: options.start, chunk: options.chunk }),
    faults: named(faults, "FaultProven").map(({ args, ...event }) => {
      const fault = args["fault"] as Result;
      return {
        ...placeOf(event as Event),
        ...{ kind: Number(args["kind"]), operator: hex(args["operator"]), reporter: hex(args["reporter"]) },
        ...{ slashed: big(args["slashed"]), nodeKind: Number(fault["nodeKind"]), bps: big(fault["bps"]) },
        ...{ keyId: hex(fault["keyId"]), requestId: hex(fault["requestId"]), receiptId: hex(fault["receiptId"]) },
        ...{ otherKeyId: hex(fault["otherKeyId"]), otherRequestId: hex(fault["otherRequestId"]) },
        ...{ otherReceiptId: hex(fault["otherReceiptId"]), subject: hex(fault["subject"]) },
      };
    }),
    slashes: named(staking, "Slashed").map((event) => {
      const totals = event.args["totals"] as Result;
      const parts = ["own", "ownUnbonding", "delegated", "delegatedUnbonding"].map((part) => big(totals[part]));
      return {
        ...placeOf(event),
        operator: hex(event.args["operator"]),
        nodeKind: Number(event.args["kind"]),
        reporter: hex(event.args["reporter"]),
        amount: big(event.args["amount"]),
        reward: big(event.args["reward"]),
        left: parts.reduce((sum, each) => sum + each, 0n),
      };
    }),
    reports: new Map(reports),
    stakeAnnouncements: named(staking, "MinimumChanged", "OwnShareChanged", "CommissionChanged").map((event) => {
      const value = event.args["value"] as Result;
      const whose = event.name === "CommissionChanged" ? ` of ${hex(event.args["operator"])}` : "";
      return {
        ...placeOf(event),
        what: `${event.name.replace("Changed", "")}${whose}, kind ${event.args["kind"]}`,
        ...{ current: big(value["current"]), next: big(value["next"]), from: Number(value["from"]) },
      };
    }),
    twinFees: market.map(twinFeeEventOf),
  };
}

/** Pieces of the reading, for progress. */
const STEPS = 11;

const placeOf = ({ block, time, transaction, logIndex }: Event): At => ({ block, time, transaction, logIndex });

/** Events of a contract since the deployment, in order; of those that its fragment names. */
function eventReader({ provider, start, to, chunk }: ReadOptions, timeOf: (block: number) => Promise<number>) {
  return async (address: Hex | undefined, contract: Interface, only?: string): Promise<Event[]> => {
    if (address === undefined) return [];
    const topics: string[] = [];
    contract.forEachEvent(({ name, topicHash }) => {
      if (only === undefined || name === only) topics.push(topicHash);
    });
    const logs = await readLogs(provider, { address, topics: [topics] }, { from: start, to }, chunk);
    return Promise.all(logs.map((log) => eventOf(log, contract.parseLog(log)!, timeOf)));
  };
}

const eventOf = async (log: Log, { name, args }: LogDescription, timeOf: (block: number) => Promise<number>) => ({
  ...{ name, args, emitter: hex(log.address), block: log.blockNumber, time: await timeOf(log.blockNumber) },
  ...{ transaction: hex(log.transactionHash), logIndex: log.index },
});

/** The transfer that an authorization made: the token emits it right after. */
async function transferOf(provider: Provider, token: Hex, event: Event) {
  const payer = hex(event.args["authorizer"]);
  const receipt = await provider.getTransactionReceipt(event.transaction);
  const next = receipt?.logs.find((log) => log.index > event.logIndex && hex(log.address) === token);
  const transfer = next === undefined ? null : abi.token.parseLog(next);
  const amount =
    transfer?.name === "Transfer" && hex(transfer.args["from"]) === payer ? big(transfer.args["value"]) : 0n;
  return { ...placeOf(event), payer, nonce: hex(event.args["nonce"]), amount };
}

function batchOf(args: Result): Batch {
  return {
    ...{ keyId: hex(args["keyId"]), mode: Number(args["mode"]), root: hex(args["root"]), count: Number(args["count"]) },
    ...{ dataHash: hex(args["dataHash"]), settler: hex(args["settler"]) },
  };
}

const ratesFrom = (value: Result): Rates => ({
  ...{ node: big(value["node"]), model: big(value["model"]), stakers: big(value["stakers"]) },
  ...{ treasury: big(value["treasury"]), settler: big(value["settler"]) },
});

const feeKeyOf = (args: Result) => ({
  ...{ nodeId: hex(args["nodeId"]), modelId: hex(args["modelId"]), settler: hex(args["settler"]) },
  ...{ epoch: big(args["epoch"]), amount: big(args["amount"]) },
});

function balanceOf(event: Event): History["balances"][number] {
  const { name, args } = event;
  const amount = big(args["amount"]);
  if (name === "Credited")
    return { ...placeOf(event), kind: "credited", account: hex(args["account"]), amount, total: big(args["credit"]) };
  if (name === "Claimed") return { ...placeOf(event), kind: "claimed", account: hex(args["account"]), amount };
  if (name === "ModelCredited")
    return { ...placeOf(event), kind: "model", modelId: hex(args["modelId"]), amount, total: big(args["balance"]) };
  return { ...placeOf(event), kind: "distributed", modelId: hex(args["modelId"]), amount };
}

function twinFeeEventOf(event: Event): TwinFeeEvent {
  const { args } = event;
  const place = placeOf(event);
  const fee = Number(args.toObject()["fee"] ?? 0);
  switch (event.name) {
    case "FeeIncreaseAnnounced":
      return {
        ...{ ...place, kind: "announced", fee, present: big(args["present"]), announced: big(args["announced"]) },
        effectiveAt: Number(args["effectiveAt"]),
      };
    case "FeeIncreaseWithdrawn":
      return { ...place, kind: "withdrawn", fee, present: big(args["present"]), withdrawn: big(args["withdrawn"]) };
    case "FeeChanged":
      return { ...place, kind: "changed", fee, previous: big(args["previous"]), present: big(args["present"]) };
    default:
      return {
        ...{ ...place, kind: "trade", price: big(args["ethAmount"]) },
        ...{ protocol: big(args["protocolEthAmount"]), subject: big(args["subjectEthAmount"]) },
      };
  }
}

async function holdingsOf(
  { provider, addresses, to }: ReadOptions,
  { escrow, fees }: { escrow: Event[]; fees: Event[] },
): Promise<Holding[]> {
  const token = new Contract(addresses.OPGToken, abi.token, provider);
  const sum = (events: Event[], name: string, what: (args: Result) => bigint = (args) => big(args["amount"])) =>
    events.filter((event) => event.name === name).reduce((total, { args }) => total + what(args), 0n);
  const stakers = (args: Result) => big((args["shares"] as Result)["stakers"]);
  const of = async (name: string, address: Hex | undefined, came: bigint, left: bigint): Promise<Holding[]> =>
    address === undefined
      ? []
      : [{ name, came, left, held: big(await token.getFunction("balanceOf")(address, { blockTag: to })) }];
  return [
    ...(await of(
      "InferenceEscrow",
      addresses.InferenceEscrow,
      sum(escrow, "Deposited"),
      sum(escrow, "Withdrawn") + sum(escrow, "Forwarded"),
    )),
    ...(await of(
      "FeeSplitter",
      addresses.FeeSplitter,
      sum(fees, "FeesPaid"),
      sum(fees, "Claimed") + sum(fees, "FeesPaid", stakers),
    )),
  ];
}

function chainAnswers({ provider, addresses, to }: ReadOptions): ChainAnswers {
  const at = { blockTag: to };
  const registry = new Contract(addresses.InferenceRegistry, abi.registry, provider);
  const models = new Contract(addresses.ModelRegistry, abi.modelRegistry, provider);
  const signers = new Map<Hex, Promise<Hex>>();
  const askSigner = async (keyId: Hex): Promise<Hex> => {
    for (const address of [addresses.NodeRegistry, addresses.EnclaveRegistry]) {
      const [signer] = (await new Contract(address, abi.keyRegistry, provider).getFunction("signingKey")(
        keyId,
        at,
      )) as [string];
      if (hex(signer) !== ZERO_ADDRESS) return hex(signer);
    }
    return ZERO_ADDRESS;
  };
  return {
    signerOf(keyId) {
      const known = signers.get(keyId) ?? askSigner(keyId);
      signers.set(keyId, known);
      return known;
    },
    async verifyingKey(modelId) {
      const pointer = String(await models.getFunction("verifyingKey")(modelId, at));
      // Kept as contract code behind a STOP.
      return Buffer.from((await provider.getCode(pointer, to)).slice(4), "hex");
    },
    async verification(receipt: Receipt, batch, index, proof) {
      const found = (await registry.getFunction("verification")({ receipt, batch, index, proof }, at)) as Result;
      return { settledAt: Number(found["settledAt"]), receiptId: hex(found["receiptId"]) };
    },
  };
}
