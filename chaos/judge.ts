// SPDX-License-Identifier: MIT
// What came of it all, found out from the chain and from the list of what was acknowledged. No relayer is asked, and no
// ledger is believed: published leaves count only where they hash to what the chain says.
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { keccak256 } from "ethers";
import { merkleProof, merkleRoot, parseLeaves, receiptId, type Domain, type Hex } from "../relayer/protocol/index.ts";
import { reasonName } from "../test/support/outcome.ts";
import type { Protocol } from "../test/support/protocol.ts";
import type { ChaosChain } from "./chain.ts";
import type { Acknowledged } from "./load.ts";
import { PRICE, type Payments } from "./payments.ts";

export interface Verdict {
  violations: string[];
  figures: [string, string][];
  /** Digest or receipt id of all that settled, with the second it did. */
  settled: Map<Hex, bigint>;
}

export interface Case {
  chain: ChaosChain;
  protocol: Protocol;
  domain: Domain;
  /** Folders of published leaves. */
  leaves: string[];
  /** First block of the run. */
  fromBlock: number;
  acknowledged: Acknowledged;
  /** Whether what the relayers do is in one ledger: then nothing is sent to the chain twice. */
  oneLedger: boolean;
  accounts: Account[];
  payments?: Payments | undefined;
}

/** Who pays for calls, and for nothing else. */
export interface Account {
  name: string;
  address: string;
  /** At the first block, and what was given and taken since without a transaction. */
  balance: bigint;
  granted: bigint;
}

const SAMPLE = 120;

/** Judges a run. */
export async function judge(it: Case): Promise<Verdict> {
  const verdict: Verdict = { violations: [], figures: [], settled: new Map() };
  await judgeReceipts(it, verdict);
  for (const account of it.accounts) await judgeMoney(it, account, verdict);
  if (it.payments) await judgePayments(it, it.payments, verdict);
  return verdict;
}

async function judgeReceipts(it: Case, { violations, figures, settled }: Verdict): Promise<void> {
  const { protocol, domain, fromBlock } = it;
  const { receipts: acknowledged, forgotten } = it.acknowledged;
  const { registry } = protocol;
  const homes = new Map<Hex, { batch: number; index: number }[]>();
  const found = (id: Hex, batch: number, index: number): void =>
    void homes.set(id, [...(homes.get(id) ?? []), { batch, index }]);
  const batches = await registry.queryFilter(registry.filters.BatchSettled(), fromBlock);
  const opened: { ids: Hex[]; receipts: ReturnType<typeof parseLeaves>["receipts"] }[] = [];
  for (const [place, { args }] of batches.entries()) {
    const digest = args.digest as Hex;
    if (settled.has(digest)) violations.push(`batch ${digest} settled twice`);
    settled.set(digest, await registry.settledAt(digest));
    const name = args.dataHash.slice(2);
    const document = await leavesNamed(name, it.leaves);
    if (document === null || keccak256(document) !== args.dataHash) {
      violations.push(`leaves of batch ${digest} are not published`);
      opened.push({ ids: [], receipts: [] });
      continue;
    }
    const { receipts } = parseLeaves(document);
    const ids = receipts.map((receipt) => receiptId(domain, receipt));
    if (merkleRoot(ids) !== args.root) violations.push(`leaves of batch ${digest} do not make its root`);
    ids.forEach((id, index) => found(id, place, index));
    opened.push({ ids, receipts });
  }
  const alone = await registry.queryFilter(registry.filters.ReceiptSettled(), fromBlock);
  for (const { args } of alone) {
    const id = args.receiptId as Hex;
    found(id, -1, 0);
    settled.set(id, await registry.settledAt(id));
  }

  const lost = [...acknowledged.keys()].filter((id) => !homes.has(id));
  const twice = [...homes].filter(([, places]) => places.length > 1).map(([id]) => id);
  if (lost.length > 0) violations.push(`${lost.length} acknowledged receipts never settled, ${lost[0]} first`);
  if (forgotten.size > 0) violations.push(`${forgotten.size} acknowledged batches were forgotten`);
  if (twice.length > 0) violations.push(`${twice.length} receipts settled more than once, ${twice[0]} first`);

  let verified = 0;
  const ids = [...acknowledged.keys()].filter((id) => (homes.get(id)?.[0]?.batch ?? -1) >= 0);
  const step = Math.max(1, Math.floor(ids.length / SAMPLE));
  const sample = ids.filter((_, i) => i % step === 0);
  for (const id of sample) {
    const { batch, index } = homes.get(id)![0]!;
    const { keyId, mode, root, count, dataHash, settler } = batches[batch]!.args;
    const opening = {
      ...{ receipt: opened[batch]!.receipts[index]!, batch: { keyId, mode, root, count, dataHash, settler }, index },
      proof: merkleProof(opened[batch]!.ids, index),
    };
    const said = await registry.verification(opening);
    if (said.verified && said.receiptId === id) verified++;
    else violations.push(`receipt ${id} does not open as verified (${reasonName(said.reason)})`);
  }

  const skips = await registry.queryFilter(registry.filters.ItemSkipped(), fromBlock);
  for (const { args, transactionHash } of skips)
    if (reasonName(args.reason) !== "AlreadySettled")
      violations.push(`the chain left out an item as ${reasonName(args.reason)} in ${transactionHash}`);
  // Harmless, as the contract refuses it (R9). But over one ledger an item is in one call, and a call has one nonce.
  if (it.oneLedger && skips.length > 0) violations.push(`${skips.length} items were sent to the chain twice`);
  figures.push(
    ["receipts acknowledged", String(acknowledged.size)],
    ["of them settled", String(acknowledged.size - lost.length)],
    ["lost / settled twice", `${lost.length} / ${twice.length}`],
    ["batches settled, receipts alone", `${batches.length}, ${alone.length}`],
    ["repeats that the contract refused", String(skips.length)],
    ["openings tried, verified", `${sample.length}, ${verified}`],
  );
}

/** A document of leaves where one of the folders has it. */
async function leavesNamed(name: string, folders: readonly string[]): Promise<Buffer | null> {
  for (const folder of folders) {
    const found = await readFile(join(folder, name.slice(0, 2), `${name}.leaves`)).catch(() => null);
    if (found) return found;
  }
  return null;
}

/** Every wei that left an account was gas of one of its transactions, and its nonces have no gap. */
async function judgeMoney({ chain, fromBlock }: Case, payer: Account, out: Verdict): Promise<void> {
  const { name, address, balance, granted } = payer;
  const account = address.toLowerCase();
  const head = await chain.head();
  let spent = 0n;
  const nonces: number[] = [];
  for (let number = fromBlock + 1; number <= head; number++) {
    const found = await chain.rpc.request<{ from: string; gasUsed: string; effectiveGasPrice: string }[]>(
      "eth_getBlockReceipts",
      [`0x${number.toString(16)}`],
    );
    if (!found.some(({ from }) => from === account)) continue;
    for (const { from, gasUsed, effectiveGasPrice } of found)
      if (from === account) spent += BigInt(gasUsed) * BigInt(effectiveGasPrice);
    const block = await chain.rpc.request<{ transactions: { from: string; nonce: string }[] }>("eth_getBlockByNumber", [
      `0x${number.toString(16)}`,
      true,
    ]);
    for (const { from, nonce } of block.transactions) if (from === account) nonces.push(Number(nonce));
  }
  const left = BigInt(await chain.rpc.request<string>("eth_getBalance", [address, "latest"]));
  const missing = balance + granted - spent - left;
  if (missing !== 0n) out.violations.push(`${missing} wei of the ${name} are unaccounted for`);
  if (nonces.some((nonce, i) => nonce !== i)) out.violations.push(`the nonces of the ${name} have a gap`);
  const pool = await chain.rpc.request<Record<"pending" | "queued", Record<string, object>>>("txpool_content", []);
  const waiting = [...Object.keys(pool.pending), ...Object.keys(pool.queued)].filter(
    (at) => at.toLowerCase() === account,
  );
  if (waiting.length > 0) out.violations.push(`calls of the ${name} still wait in the pool`);
  out.figures.push(
    [`transactions of the ${name}`, String(nonces.length)],
    [`  spent on gas, unaccounted for`, `${spent} wei, ${missing} wei`],
  );
}

/** Each authorization moved its amount once or not at all, and whoever was told "paid" was paid. */
async function judgePayments({ protocol, fromBlock }: Case, payments: Payments, out: Verdict): Promise<void> {
  const { token } = protocol;
  const transfers = await token.queryFilter(token.filters.Transfer(undefined, payments.payTo), fromBlock);
  let landed = 0;
  for (const { payer, nonce, state, reason } of payments.list) {
    const used = await token.authorizationState(payer, nonce);
    if (used) landed++;
    if (!used && (state === "told" || state === "queued"))
      out.violations.push(`a payment that was ${state} did not happen: ${nonce}`);
    if (state === "refused") out.violations.push(`a good payment was refused: ${reason}`);
  }
  if (transfers.length !== landed) out.violations.push(`${landed} authorizations used, ${transfers.length} transfers`);
  const received = await token.balanceOf(payments.payTo);
  let left = 0n;
  for (const payer of payments.payers) left += await token.balanceOf(payer);
  const missing = payments.balance * BigInt(payments.payers.length) - left - received;
  if (missing !== 0n) out.violations.push(`${missing} of the token's smallest unit are unaccounted for`);
  if (received !== PRICE * BigInt(landed)) out.violations.push(`the payee has ${received} for ${landed} payments`);
  const told = payments.list.filter(({ state }) => state === "told").length;
  out.figures.push(["payments presented, told, landed", `${payments.list.length}, ${told}, ${landed}`]);
}
