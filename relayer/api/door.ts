// SPDX-License-Identifier: MIT
// What is checked of a submission before it is kept. A relayer is a courier: these checks spare the cost of carrying
// what the chain would refuse, and name the mistake to its sender. They decide nothing for anyone else.
import { makeBatch, packSignatures, type MadeBatch } from "../batches/seal.ts";
import type { ChainReader, SigningKey } from "../chain/reader.ts";
import { itemSize, type CallBounds, type SettlementItem } from "../chain/settlement.ts";
import type { Evidence, EvidenceVerifier, Verdict } from "../evidence/evidence.ts";
import {
  batchDigest,
  encodeCompact,
  fromHex,
  KeyKind,
  MAX_DELAY,
  MAX_SKEW,
  Mode,
  OutputScheme,
  ProtocolError,
  receiptId,
  toHex,
  type Batch,
  type Domain,
  type Hex,
  type Receipt,
} from "../protocol/index.ts";
import type { NewBatch } from "../store/batches.ts";
import type { NewSingle } from "../store/singles.ts";
import { Problem, PROBLEMS, type ProblemCode } from "./problems.ts";

/** Model versions of one batch that are looked up. */
const MAX_MODELS = 64;

export interface DoorOptions {
  chain: ChainReader;
  verifiers: Record<number, EvidenceVerifier>;
  bounds: CallBounds;
  /** Milliseconds. */
  now?: () => number;
}

export interface Signed<T> {
  receipt: T;
  signature: Hex;
}

type DomainClaim = { chainId: string; verifyingContract: Hex } | undefined;

/** Checks submissions; every method throws {@link Problem} for what it refuses. */
export interface Door {
  receipt(body: Signed<Receipt> & { evidence?: Hex | undefined; domain?: DomainClaim }): Promise<NewSingle>;
  batch(body: { batch: Batch; signature: Hex; receipts: Signed<Receipt>[]; domain?: DomainClaim }): Promise<NewBatch>;
  proofs(body: {
    batch: Batch;
    modelId: Hex;
    signature: Hex;
    receipts: Signed<Receipt>[];
    evidence: Hex;
    domain?: DomainClaim;
  }): Promise<NewBatch>;
}

/** Opens the door of a relayer. */
export function createDoor({ chain, verifiers, bounds, now = Date.now }: DoorOptions): Door {
  const { domain } = chain;

  async function checkTimes(key: SigningKey, receipts: readonly Receipt[]): Promise<void> {
    // The chain's clock decides in the end. Between blocks it stands still, so the later of both clocks says what is
    // in the future and the earlier of both what is too old: in doubt the chain is asked by settling.
    const head = (await chain.head()).timestamp;
    const local = BigInt(Math.floor(now() / 1000));
    const [early, late] = head < local ? [head, local] : [local, head];
    const bad = new Map<ProblemCode, number[]>();
    receipts.forEach(({ completedAt }, index) => {
      const code = timeProblem(key, completedAt, early, late);
      if (code) bad.set(code, [...(bad.get(code) ?? []), index]);
    });
    for (const [code, positions] of bad) throw new Problem(code, undefined, { positions });
    if (key.distrustedFrom <= late) throw new Problem("key_distrusted");
  }

  async function keyOf(keyId: Hex, mode: number): Promise<SigningKey> {
    const key = await chain.signingKey(keyId, mode);
    if (!key) throw new Problem("unknown_key", `No key ${keyId} is registered to sign in mode ${mode}`);
    if ((key.kind !== KeyKind.OPERATOR) !== (mode === Mode.TEE)) throw new Problem("key_forbids_mode");
    return key;
  }

  async function checkModels(keyId: Hex, receipts: readonly Receipt[], mode: number): Promise<void> {
    const models = new Map<Hex, number>();
    receipts.forEach(({ modelId }, index) => models.has(modelId) || models.set(modelId, index));
    if (models.size > MAX_MODELS) throw new Problem("too_many_models", `${models.size}, at most ${MAX_MODELS}`);
    await Promise.all(
      [...models].map(async ([modelId, index]) => {
        const positions = [index];
        const state = await chain.modelState(modelId, mode);
        if (!state) throw new Problem("unknown_model", `Model ${modelId} is not registered`, { positions });
        if ((state.modes & (1 << mode)) === 0) throw new Problem("model_forbids_mode", undefined, { positions });
        const time = BigInt(Math.floor(now() / 1000));
        if (state.distrustedFrom <= time) throw new Problem("model_distrusted", undefined, { positions });
        if (state.blockedFrom <= time) throw new Problem("consent_withdrawn", undefined, { positions });
        if (mode !== Mode.TEE) return;
        const image = await chain.measurementState(keyId, modelId);
        if (!image || image.approvedFrom === 0n)
          throw new Problem("measurement_not_approved", undefined, { positions });
      }),
    );
  }

  async function inspect(evidence: Evidence): Promise<void> {
    const verdict = await verifiers[evidence.mode]!.inspect(evidence);
    if (!verdict.ok) throw refusal(verdict);
  }

  /** Rebuilds the batch from its receipts and holds it against what was signed. */
  function rebuild(batch: Batch, receipts: readonly Receipt[]): MadeBatch {
    if (batch.count !== receipts.length) {
      throw new Problem("count_mismatch", `The batch says ${batch.count} receipts, ${receipts.length} were sent`);
    }
    const foreign = positionsOf(receipts, ({ keyId, mode }) => keyId !== batch.keyId || mode !== batch.mode);
    if (foreign.length > 0) throw new Problem("foreign_leaf", undefined, { positions: foreign });
    checkRepeats(receipts);
    const made = makeBatch(domain, receipts, batch.settler);
    if (made.batch.root !== batch.root) throw new Problem("root_mismatch", wrongChainHint("root_mismatch"));
    if (made.batch.dataHash !== batch.dataHash) throw new Problem("data_hash_mismatch");
    return made;
  }

  async function common(batch: Batch, receipts: readonly Receipt[]): Promise<MadeBatch> {
    checkSchemes(receipts);
    const key = await keyOf(batch.keyId, batch.mode);
    await checkTimes(key, receipts);
    await checkModels(batch.keyId, receipts, batch.mode);
    return rebuild(batch, receipts);
  }

  const guarded = async <T>(work: () => Promise<T>): Promise<T> => {
    try {
      return await work();
    } catch (error) {
      if (error instanceof ProtocolError) throw new Problem("malformed", error.message);
      throw error;
    }
  };

  return {
    receipt: (body) =>
      guarded(async () => {
        const { receipt, signature } = body;
        checkDomain(domain, body.domain);
        const proved = receipt.mode === Mode.ZKML;
        if (!(receipt.mode in verifiers)) throw new Problem("unknown_mode", `Mode ${receipt.mode}`);
        const evidence = body.evidence === undefined || body.evidence === "0x" ? null : fromHex(body.evidence);
        if (proved && !evidence) throw new Problem("mode_needs_proof");
        if (!proved && evidence) throw new Problem("unexpected_evidence");
        checkSchemes([receipt]);
        const key = await keyOf(receipt.keyId, receipt.mode);
        await checkTimes(key, [receipt]);
        await checkModels(receipt.keyId, [receipt], receipt.mode);
        const id = receiptId(domain, receipt);
        const { keyId, mode, modelId } = receipt;
        const proofs = evidence && { modelId, bytes: evidence, receiptIds: [id], receipts: [receipt] };
        await inspect({ keyId, mode, digest: id, signature, ...(proofs ? { proofs } : {}) });
        const state = proved ? "received" : "verified";
        return { receipt, receiptId: id, signature, evidence, state, receivedAt: now() };
      }),

    batch: (body) =>
      guarded(async () => {
        const { batch, signature } = body;
        checkDomain(domain, body.domain);
        if (batch.mode !== Mode.VANILLA && batch.mode !== Mode.TEE) {
          throw new Problem(
            "unknown_mode",
            `Mode ${batch.mode} is not for signed batches; proved ones go to /v1/proofs`,
          );
        }
        // The signature first: who has none must not have thousands of leaves hashed.
        const digest = batchDigest(domain, batch);
        await inspect({ keyId: batch.keyId, mode: batch.mode, digest, signature });
        const receipts = body.receipts.map((one) => one.receipt);
        const made = await common(batch, receipts);
        const { document, receiptIds, paths } = made;
        const signatures = packSignatures(body.receipts.map((one) => one.signature));
        return {
          ...{ batch, digest, signature, document, signatures, receiptIds, paths },
          ...{ state: "verified", receivedAt: now() },
        };
      }),

    proofs: (body) =>
      guarded(async () => {
        const { batch, modelId, signature } = body;
        checkDomain(domain, body.domain);
        if (batch.mode !== Mode.ZKML) throw new Problem("unknown_mode", `Mode ${batch.mode} takes no proofs`);
        const receipts = body.receipts.map((one) => one.receipt);
        const foreign = positionsOf(receipts, (receipt) => receipt.modelId !== modelId);
        if (foreign.length > 0) throw new Problem("wrong_model", undefined, { positions: foreign });
        const item: SettlementItem = {
          ...{ kind: "proved", batch, modelId, signature },
          ...{ receipts: encodeCompact(receipts), evidence: body.evidence },
        };
        const { gas, bytes } = itemSize(item);
        if (gas > bounds.maxGas || bytes > bounds.maxBytes) {
          throw new Problem("item_too_large", `${gas} gas and ${bytes} bytes; split the batch`);
        }
        const { document, receiptIds, paths } = await common(batch, receipts);
        const digest = batchDigest(domain, batch);
        const evidence = fromHex(body.evidence);
        const ids = receipts.map((_, index) => toHex(receiptIds.subarray(32 * index, 32 * index + 32)));
        const proofs = { modelId, bytes: evidence, receiptIds: ids, receipts };
        await inspect({ keyId: batch.keyId, mode: batch.mode, digest, signature, proofs });
        const signatures = packSignatures(body.receipts.map((one) => one.signature));
        return {
          ...{ batch, digest, signature, document, signatures, receiptIds, paths, proof: { modelId, evidence } },
          ...{ state: "received", receivedAt: now() },
        };
      }),
  };
}

function timeProblem(key: SigningKey, completedAt: bigint, early: bigint, late: bigint): ProblemCode | undefined {
  if (completedAt > late + MAX_SKEW) return "future_dated";
  if (completedAt + MAX_DELAY < early) return "too_old";
  if (completedAt < key.validFrom) return "key_not_yet_valid";
  if (completedAt > key.validUntil) return "expired_key";
  return undefined;
}

function checkDomain(domain: Domain, claim: DomainClaim): void {
  if (!claim) return;
  if (BigInt(claim.chainId) !== domain.chainId || claim.verifyingContract !== domain.verifyingContract) {
    throw new Problem(
      "wrong_chain",
      `Signed for chain ${claim.chainId} and registry ${claim.verifyingContract}; this relayer settles on chain ` +
        `${domain.chainId} in ${domain.verifyingContract}`,
    );
  }
}

function wrongChainHint(code: ProblemCode): string {
  return `${PROBLEMS[code][1]}; they also differ where the batch was made for another chain or registry`;
}

function checkSchemes(receipts: readonly Receipt[]): void {
  const bad = positionsOf(receipts, ({ mode, outputScheme }) =>
    mode === Mode.ZKML ? outputScheme !== OutputScheme.CIRCUIT : outputScheme > OutputScheme.CIRCUIT,
  );
  if (bad.length > 0) throw new Problem("unknown_output_scheme", undefined, { positions: bad });
}

function checkRepeats(receipts: readonly Receipt[]): void {
  const seen = new Set<Hex>();
  const repeated = positionsOf(receipts, ({ requestId }) => seen.size === seen.add(requestId).size);
  if (repeated.length > 0) throw new Problem("duplicate_receipt", undefined, { positions: repeated });
}

function positionsOf(receipts: readonly Receipt[], test: (receipt: Receipt) => boolean): number[] {
  return receipts.flatMap((receipt, index) => (test(receipt) ? [index] : []));
}

function refusal({ reason, detail, invalid }: Verdict & { ok: false }): Problem {
  const more = invalid ? { positions: invalid } : {};
  if (reason in PROBLEMS) return new Problem(reason as ProblemCode, detail, more);
  const code = reason.endsWith("out_of_field") ? "out_of_field" : "malformed_evidence";
  return new Problem(code, detail, more);
}
