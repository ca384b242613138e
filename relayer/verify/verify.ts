// SPDX-License-Identifier: GPL-3.0-or-later
// An outsider's verification: chain and store alone, no ledger, no key, no word of a relayer.
import { receiptFromWire, receiptSchema } from "../api/schemas.ts";
import {
  batchDigest,
  joinProofs,
  leafOf,
  LEAF_SIZE,
  LEAVES_HEADER_SIZE,
  merkleLevels,
  parseLeaves,
  proofOf,
  receiptId,
  receiptIdBytes,
  toHex,
  ZERO_ADDRESS,
  ZERO_HASH,
  type Batch,
  type Hex,
  type Opening,
  type Receipt,
} from "../protocol/index.ts";
import { openAuditedChain, type AuditedChain } from "./chain.ts";
import { VerifyError } from "./errors.ts";
import { checkEvidence, itemIn } from "./evidence.ts";
import { settlementOf, type Settled } from "./find.ts";
import { homeOf, type HomeOptions } from "./home.ts";
import { findLeaves, hintOf, locatorsFrom, type FoundLeaves } from "./leaves.ts";
import { createReport, type Findings, type Report } from "./report.ts";

export interface VerifyOptions extends HomeOptions {
  /** JSON-RPC nodes; all are asked, and all must say the same. */
  rpcUrls: readonly string[];
  registry: Hex;
}

/**
 * Verifies a receipt, or a batch with all its receipts: rebuilds leaves and root, compares with the chain, opens them.
 * @throws {VerifyError} {@link ChainUnavailable} where it cannot be carried out: then nothing is known.
 */
export async function verify(id: Hex, options: VerifyOptions): Promise<Report> {
  const findings = createReport();
  const chain = await openAuditedChain(options.rpcUrls, options.registry);
  const { domain, block, nodes } = chain;
  Object.assign(findings.facts, { id, chainId: domain.chainId, registry: options.registry, block });
  return findings.run(async () => {
    findings.check(
      "registry",
      true,
      `${options.registry} on chain ${domain.chainId} has the domain separator computed here; ` +
        `asked of ${nodes === 1 ? "1 node" : `${nodes} nodes`} at block ${block}`,
    );
    const settledAt = await chain.settledAt(id);
    const settled = settledAt === 0n ? undefined : await eventOf(chain, id, settledAt);
    if (settled?.kind === "batch") return verifyBatch(chain, id, settled, settledAt, options, findings);
    if (settled) return verifyAlone(chain, id, settled, settledAt, options, findings);
    return verifyBatched(chain, id, options, findings);
  });
}

async function eventOf(chain: AuditedChain, id: Hex, settledAt: bigint): Promise<Settled> {
  const settled = await settlementOf(chain, id, settledAt);
  if (settled) return settled;
  throw new VerifyError(
    "no_event",
    `The registry says that ${id} settled at ${settledAt}, and the node gives no event for it: ask one that keeps old logs`,
  );
}

/** What the chain says of a batch, the leaves it names, and that both are one. */
async function rebuild(
  chain: AuditedChain,
  digest: Hex,
  settled: Settled,
  settledAt: bigint,
  options: VerifyOptions,
  findings: Findings,
) {
  const batch = settled.batch!;
  const { root, count, dataHash, keyId, mode } = batch;
  Object.assign(findings.facts, { batch: { digest, ...batch }, settledAt, transactionHash: settled.transactionHash });
  findings.require(
    "batch",
    batchDigest(chain.domain, batch) === digest,
    `${count} receipts, mode ${mode}, key ${keyId}; the fields of BatchSettled in ${settled.transactionHash} hash to ${digest}`,
  );
  findings.check("settled", true, `at ${iso(settledAt)} (${settledAt}), by the registry's storage: settledAt(digest)`);
  const size = LEAVES_HEADER_SIZE + LEAF_SIZE * count;
  const leaves = await leavesFor(dataHash, size, options);
  findings.check(
    "leaves",
    true,
    `${leaves.document.length} bytes from ${leaves.source}: their keccak256 is dataHash ${dataHash}`,
  );
  const { receipts, ...header } = parseLeaves(leaves.document);
  findings.require(
    "header",
    header.domain.chainId === chain.domain.chainId &&
      header.domain.verifyingContract === chain.domain.verifyingContract &&
      header.keyId === keyId &&
      header.mode === mode &&
      receipts.length === count,
    `the document is of ${receipts.length} receipts, mode ${header.mode}, key ${header.keyId}, chain ${header.domain.chainId}`,
  );
  const hashes: Uint8Array[] = [];
  for (const receipt of receipts) hashes.push(receiptIdBytes(chain.domain, receipt));
  const levels = merkleLevels(hashes.map(leafOf));
  const rebuilt = toHex(levels.at(-1)![0]!);
  findings.require("root", rebuilt === root, `${rebuilt} rebuilt from ${count} leaves; on chain ${root}`);
  return { batch, receipts, ids: hashes.map(toHex), levels };
}

async function leavesFor(dataHash: Hex, maxBytes: number, { leaves, relayer }: VerifyOptions): Promise<FoundLeaves> {
  return findLeaves(leaves, dataHash, maxBytes, await locatorsFrom(relayer, dataHash));
}

/** A batch by its digest: all its receipts are opened. */
async function verifyBatch(
  chain: AuditedChain,
  digest: Hex,
  settled: Settled,
  settledAt: bigint,
  options: VerifyOptions,
  findings: Findings,
): Promise<void> {
  const { batch, receipts, levels } = await rebuild(chain, digest, settled, settledAt, options, findings);
  await checkEvidence(chain, await itemIn(chain, settled.transactionHash, digest), digest, receipts, findings);
  const reasons = new Map<string, number[]>();
  for (let from = 0; from < receipts.length; from += OPENED_AT_ONCE) {
    const some = receipts.slice(from, from + OPENED_AT_ONCE);
    const indices = some.map((_, offset) => from + offset);
    const proof = joinProofs(
      batch.count,
      indices.map((index) => ({ index, proof: proofOf(levels, index) })),
    );
    const found = await chain.settledReceipts(batch, some, indices, proof);
    found.forEach((reason, offset) => reasons.set(reason, [...(reasons.get(reason) ?? []), from + offset]));
  }
  const verified = reasons.get("None")?.length ?? 0;
  const view = "the registry's view settledReceipts, with proofs from the rebuilt tree";
  findings.facts["receipts"] = { count: batch.count, verified };
  if (verified > 0)
    findings.check("openings", true, `${verified} of ${batch.count} receipts read as verified by ${view}`);
  reasons.delete("None");
  for (const [reason, places] of reasons) {
    const how = `${places.length} receipts (${brief(places)}) do not read as verified: ${reason}`;
    // That a receipt is refused is the chain's answer about a batch that is what it says, unless it says that it is not.
    if (MISMATCHES.has(reason)) findings.check("openings", false, how);
    else findings.note("openings", how);
  }
}

const OPENED_AT_ONCE = 200;
/** Reasons by which the registry contradicts what was rebuilt. */
const MISMATCHES: ReadonlySet<string> = new Set([
  ...["NotSettled", "IndexOutOfRange", "ProofLengthMismatch", "NotInBatch", "KeyMismatch", "ModeMismatch"],
]);
const brief = (places: readonly number[]): string =>
  places.length > 10 ? `${places.slice(0, 10).join(", ")} …` : places.join(", ");

/** A receipt that settled in a batch. */
async function verifyBatched(chain: AuditedChain, id: Hex, options: VerifyOptions, findings: Findings): Promise<void> {
  const digest = await homeOf(chain, id, options, findings);
  const settledAt = await chain.settledAt(digest);
  if (settledAt === 0n) findings.require("settled", false, `the registry knows of no batch ${digest}`);
  const settled = await eventOf(chain, digest, settledAt);
  if (settled.kind !== "batch") findings.require("batch", false, `${digest} is a receipt that settled alone, no batch`);
  const { batch, receipts, ids, levels } = await rebuild(chain, digest, settled, settledAt, options, findings);
  const index = ids.indexOf(id);
  findings.require(
    "place",
    index >= 0,
    index >= 0 ? `leaf ${index} of ${batch.count}` : `${id} is no leaf of ${digest}`,
  );
  const opening = { receipt: receipts[index]!, batch, index, proof: proofOf(levels, index) };
  await checkEvidence(chain, await itemIn(chain, settled.transactionHash, digest), digest, receipts, findings);
  await open(chain, id, opening, settledAt, findings);
}

/** A receipt that settled by itself. */
async function verifyAlone(
  chain: AuditedChain,
  id: Hex,
  settled: Settled,
  settledAt: bigint,
  options: VerifyOptions,
  findings: Findings,
): Promise<void> {
  findings.check(
    "settled",
    true,
    `alone, at ${iso(settledAt)} (${settledAt}), by the registry's storage: settledAt(id)`,
  );
  const item = await itemIn(chain, settled.transactionHash, id);
  const receipt = item?.kind === "receipt" ? item.receipt : await receiptFrom(options.relayer, id);
  if (!receipt)
    throw new VerifyError(
      "not_found",
      `${id} settled through another contract in ${settled.transactionHash}: name a --relayer that knows the receipt`,
    );
  const found = receiptId(chain.domain, receipt);
  findings.require(
    "receipt",
    found === id,
    `its fields, from ${item ? "the calldata" : options.relayer}, hash to ${found}`,
  );
  await checkEvidence(chain, item, id, [receipt], findings);
  await open(chain, id, { receipt, batch: NO_BATCH, index: 0, proof: [] }, settledAt, findings);
}

const NO_BATCH: Batch = {
  ...{ keyId: ZERO_HASH, mode: 0, root: ZERO_HASH, count: 0, dataHash: ZERO_HASH, settler: ZERO_ADDRESS },
};

/** Asks the view that contracts ask. */
async function open(
  chain: AuditedChain,
  id: Hex,
  opening: Opening,
  settledAt: bigint,
  findings: Findings,
): Promise<void> {
  const found = await chain.verification(opening);
  findings.check(
    "id",
    found.receiptId === id && (!found.verified || found.settledAt === settledAt),
    `the registry computes receipt id ${found.receiptId} of the opening, settled at ${found.settledAt}`,
  );
  findings.check(
    "verified",
    found.verified,
    found.verified
      ? `by the registry's view verification(opening), the one that contracts use; mode ${found.mode}`
      : `verification(opening) says no: ${found.reason}${found.distrusted ? ", distrusted" : ""}${found.frozen ? ", frozen" : ""}`,
  );
  Object.assign(findings.facts, { opening, verification: found });
}

/** A receipt as a relayer tells it; whoever uses it hashes it. */
async function receiptFrom(relayer: string | undefined, id: Hex): Promise<Receipt | undefined> {
  const said = relayer === undefined ? undefined : (await hintOf(relayer, `/v1/receipts/${id}`))?.["receipt"];
  const parsed = receiptSchema.safeParse(said);
  return parsed.success ? receiptFromWire(parsed.data) : undefined;
}

const iso = (seconds: bigint): string => new Date(Number(seconds) * 1_000).toISOString();
