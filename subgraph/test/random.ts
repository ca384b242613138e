/** A long story by a seeded generator, together with the plain list of what happened for the model. */
import { readFileSync } from "node:fs";
import { join as path } from "node:path";
import { Interface, type InterfaceAbi } from "ethers";
import type { OpenedFact, SettledFact } from "../model/network.ts";
import type { Emitted } from "../testing/chain.ts";
import { account, DAY, event, nodeId, type Scenario, word } from "../testing/scenario.ts";

const artifact = path(import.meta.dirname, "../../artifacts/contracts/inference/InferenceRegistry.sol");
const registry = new Interface(
  (JSON.parse(readFileSync(path(artifact, "InferenceRegistry.json"), "utf8")) as { abi: InterfaceAbi }).abi,
);

/** Numbers that look random and are the same for a seed. */
export function numbers(seed: number): (below: number) => number {
  let state = seed >>> 0;
  return (below) => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) % below;
  };
}

/** What happened, for the model. */
export interface Facts {
  settled: SettledFact[];
  opened: OpenedFact[];
  /** What each operator had bonded after each change. */
  stakes: { at: number; operator: string; kind: number; bonded: bigint }[];
  enclaveKeys: { at: number; operator: string }[];
  trades: { at: number; trader: string; twin: string; isBuy: boolean; amount: bigint; price: bigint }[];
  transfers: { from: string; to: string; amount: bigint }[];
  skipped: number;
}

const OPERATORS = 11;
const NOBODY = `0x${"00".repeat(20)}`;

/** What a proved batch's call carries of a receipt, but for what no handler reads. */
function compact(completedAt: number): string {
  return "11".repeat(108) + completedAt.toString(16).padStart(16, "0");
}

/** Writes the story. */
export function writeRandom(story: Scenario, seed: number, steps: number): Facts {
  const next = numbers(seed);
  const facts: Facts = { settled: [], opened: [], stakes: [], enclaveKeys: [], trades: [], transfers: [], skipped: 0 };
  const operators = Array.from({ length: OPERATORS }, (_, i) => account(`operator ${i}`));
  const models = Array.from({ length: 4 }, (_, i) => word(`model ${i}`));
  const settlers = [null, ...Array.from({ length: 5 }, (_, i) => account(`settler ${i}`))];
  const twins = Array.from({ length: 3 }, (_, i) => word(`twin ${i}`).slice(0, 34));
  const keys: { id: string; operator: string; enclave: boolean }[] = [];
  story.send({ events: [] });
  for (const model of models) story.emit("ModelRegistry", "ModelRegistered", { modelId: model, verifier: NOBODY }, 0);
  for (const [i, operator] of operators.entries()) {
    story.emit("NodeRegistry", "NodeRegistered", { nodeId: nodeId(i + 1), operator, kind: 1 }, 0);
    const id = word(`key ${i}`);
    story.emit("NodeRegistry", "KeyAdded", { keyId: id, nodeId: nodeId(i + 1), kind: 0 }, 0);
    keys.push({ id, operator, enclave: false });
    for (const kind of [0, 1]) story.emit("OPGStaking", "PoolCreated", { operator, kind, commissionBps: 100 }, 0);
  }
  for (const twin of twins) story.emit("TwinMarket", "TwinCreated", { digitalTwinId: twin }, 0);
  for (const [i, operator] of operators.slice(0, 6).entries())
    for (let k = 0; k <= i % 3; k++) {
      const id = word(`enclave ${i} ${k}`);
      const at = story.send({
        events: [
          event("EnclaveRegistry", "KeyAdded", { keyId: id, nodeId: nodeId(i + 1), kind: 1 }),
          event("EnclaveRegistry", "EnclaveAdmitted", { keyId: id, nodeId: nodeId(i + 1) }),
        ],
      });
      facts.enclaveKeys.push({ at, operator });
      keys.push({ id, operator, enclave: true });
    }

  const bonded = new Map<string, bigint>();
  const held = new Map<string, bigint>();
  const supplies = new Map<string, bigint>();
  const balances = new Map<string, bigint>();
  let serial = 0;
  const pick = <T>(list: readonly T[]): T => list[next(list.length)] as T;
  /** Some key that may sign in the mode; some operators far more often than others. */
  const keyFor = (mode: number): { id: string; operator: string; enclave: boolean } => {
    const fit = keys.filter(({ enclave }) => enclave === (mode === 2));
    return fit[Math.min(next(fit.length), next(fit.length))] as (typeof keys)[number];
  };

  const settle = (seconds: number): void => {
    const kind = next(3); // the three settle functions
    const direct = next(4) !== 0;
    const items = 1 + next(4);
    const gasUsed = 40_000 + next(500_000);
    const gasPrice = 1 + next(1_000);
    const at = story.now + seconds;
    const events: Emitted[] = [];
    const call: unknown[] = [];
    const settledHere: SettledFact[] = [];
    for (let i = 0; i < items; i++) {
      const mode = kind === 0 ? pick([0, 2]) : kind === 1 ? 1 : next(3);
      const key = keyFor(mode);
      const settler = pick(settlers);
      const model = pick(models);
      const count = kind === 0 ? 1 + next(1_000) : kind === 1 ? 1 + next(5) : 1;
      const completions = kind === 0 ? [] : Array.from({ length: count }, () => at - next(300) * next(800) + 30);
      const root = word(`root ${serial}`);
      const batch = [key.id, mode, root, count, word("data"), settler ?? NOBODY];
      const receipt = [
        ...[word(`request ${serial}`), model, word("in"), word("out"), 2, word("context"), key.id, account("payer")],
        ...[0, 5, completions[0] ?? 0, mode],
      ];
      serial++;
      if (kind === 0) call.push([batch, "0x"]);
      else if (kind === 1) call.push([batch, model, "0x", `0x${completions.map(compact).join("")}`, "0x"]);
      else call.push([receipt, "0x", "0x"]);
      if (next(4) === 0) {
        events.push(event("InferenceRegistry", "ItemSkipped", { kind, index: i, reason: 1 + next(34) }));
        facts.skipped++;
        continue;
      }
      const shared = { keyId: key.id, mode };
      if (kind === 2) {
        const ids = { receiptId: word(`receipt ${serial}`), requestId: receipt[0], modelId: model };
        events.push(event("InferenceRegistry", "ReceiptSettled", { ...shared, ...ids }));
      } else {
        const fields = { digest: word(`digest ${serial}`), root, count, settler: settler ?? NOBODY };
        events.push(event("InferenceRegistry", "BatchSettled", { ...shared, ...fields }));
      }
      settledHere.push({
        at,
        mode,
        model: kind === 2 || (kind === 1 && direct) ? model : null,
        receipts: count,
        alone: kind === 2,
        gasUsed: 0n,
        gasFee: 0n,
        completions: direct ? completions : [],
        operator: key.operator,
        settler: kind === 2 ? null : settler,
      });
    }
    for (const [i, fact] of settledHere.entries()) {
      const part = Math.floor(gasUsed / settledHere.length);
      fact.gasUsed = BigInt(i === 0 ? gasUsed - part * (settledHere.length - 1) : part);
      fact.gasFee = fact.gasUsed * BigInt(gasPrice);
    }
    facts.settled.push(...settledHere);
    const name = ["settleBatches", "settleProvedBatches", "settleReceipts"][kind] as string;
    const input = registry.encodeFunctionData(name, [call]);
    const to = direct ? story.addressOf("InferenceRegistry") : account("some contract");
    story.send({ events, from: account("relayer"), to, input, gasUsed, gasPrice }, seconds);
  };

  const stake = (seconds: number): void => {
    const operator = pick(operators);
    const kind = next(2);
    const amount = next(3) === 0 ? 0n : BigInt(next(1_000_000)) * 10n ** 15n;
    const part = amount / 3n;
    const totals = [amount - part, 5n, 5n, part, part, 0n, 0n, 77n, 0n, 0n];
    const name = pick(["Staked", "RewardsAdded", "Slashed", "Unbonded"]);
    const at = story.emit("OPGStaking", name, { operator, kind, totals }, seconds);
    facts.stakes.push({ at, operator, kind, bonded: amount });
    bonded.set(`${operator}${kind}`, amount);
  };

  const open = (seconds: number): void => {
    const model = pick(models);
    const modeMask = 1 + next(7);
    const fee = BigInt(next(1_000_000));
    const requestId = word(`asked ${serial++}`);
    const terms = [model, word("in"), word("context"), nodeId(0), 5_000_000n, 1n, modeMask, 0n];
    story.emit("InferenceRequests", "Requested", { requestId, modelId: model, terms }, seconds);
    const at = story.emit("InferenceRequests", "Fulfilled", { requestId, nodeId: nodeId(1), fee }, 0);
    facts.opened.push({ at, model, modeMask, fee });
  };

  const trade = (seconds: number): void => {
    const twin = pick(twins);
    const trader = account(`trader ${next(6)}`);
    const has = held.get(twin + trader) ?? 0n;
    const isBuy = has === 0n || next(3) !== 0;
    const amount = isBuy ? BigInt(1 + next(9)) : next(2) === 0 ? has : 1n + BigInt(next(Number(has)));
    const price = BigInt(1 + next(1_000_000)) * 1_000_003n;
    held.set(twin + trader, isBuy ? has + amount : has - amount);
    const supply = (supplies.get(twin) ?? 0n) + (isBuy ? amount : -amount);
    supplies.set(twin, supply);
    const fields = { trader, digitalTwinId: twin, isBuy, shareAmount: amount, ethAmount: price, supply };
    const at = story.emit("TwinMarket", "Trade", fields, seconds);
    facts.trades.push({ at, trader, twin, isBuy, amount, price });
  };

  const transfer = (seconds: number): void => {
    const people = Array.from({ length: 5 }, (_, i) => account(`holder ${i}`));
    const rich = people.filter((each) => (balances.get(each) ?? 0n) > 0n);
    const from = rich.length === 0 || next(3) === 0 ? NOBODY : pick(rich);
    const to = next(8) === 0 && from !== NOBODY ? NOBODY : pick(people);
    const has = balances.get(from) ?? 0n;
    const amount = from === NOBODY ? BigInt(next(1_000)) : next(2) === 0 ? has : BigInt(next(Number(has) + 1));
    balances.set(from, has - amount);
    balances.set(to, (balances.get(to) ?? 0n) + amount);
    story.emit("OPGToken", "Transfer", { from, to, value: amount }, seconds);
    facts.transfers.push({ from, to, amount });
  };

  const doings = [settle, settle, settle, stake, stake, open, trade, trade, transfer];
  // Now and then a day or so passes.
  for (let i = 0; i < steps; i++) pick(doings)(next(40) === 0 ? DAY + next(DAY) : next(4) === 0 ? 1 + next(7_000) : 0);
  return facts;
}
