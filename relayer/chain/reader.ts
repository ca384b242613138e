// SPDX-License-Identifier: MIT
import { Interface, type Result } from "ethers";
import { fromHex, Mode, toHex, domainSeparator, type Domain, type Hex, type Opening } from "../protocol/index.ts";
import * as abi from "./abi.ts";
import { heard } from "./agreement.ts";
import { ChainUnavailable, NodesDisagree, WrongRegistry } from "./errors.ts";
import type { Rpc } from "./rpc.ts";

/** A signing key as its registry knows it. Times in unix seconds; `distrustedFrom` is 2^256 − 1 for never. */
export interface SigningKey {
  /** Lower-case address. */
  signer: Hex;
  kind: number;
  validFrom: bigint;
  validUntil: bigint;
  distrustedFrom: bigint;
  frozenUntil: bigint;
}

/** A model version in one mode. */
export interface ModelState {
  /** Mask of `1 << mode`. */
  modes: number;
  verifier: Hex;
  distrustedFrom: bigint;
  frozenUntil: bigint;
  verifierDistrustedFrom: bigint;
  verifierFrozenUntil: bigint;
  /** From when consent of data it requires is withdrawn, perhaps to come: what settles from then on does not count. */
  blockedFrom: bigint;
}

export interface MeasurementState {
  /** 0 where the image was never approved for the version. */
  approvedFrom: bigint;
  approvedUntil: bigint;
  distrustedFrom: bigint;
  frozenUntil: bigint;
}

export interface Verification {
  verified: boolean;
  distrusted: boolean;
  frozen: boolean;
  mode: number;
  reason: string;
  settledAt: bigint;
  receiptId: Hex;
}

/**
 * What the relayer asks of the chain. `null` always means that the chain answered "there is none"; where it could not
 * be asked, every method throws {@link ChainUnavailable}.
 */
export interface ChainReader {
  readonly domain: Domain;
  /** The key that signs in `mode`, from the registry that settlement asks for that mode. */
  signingKey(keyId: Hex, mode: number): Promise<SigningKey | null>;
  modelState(modelId: Hex, mode: number): Promise<ModelState | null>;
  /** Bytes of the verifying key; for ever the same for a model version. */
  verifyingKey(modelId: Hex): Promise<Uint8Array | null>;
  /** Whether the image of an enclave key may speak for a model version; `null` for an unknown key. */
  measurementState(keyId: Hex, modelId: Hex): Promise<MeasurementState | null>;
  /**
   * When a batch digest or a receipt alone was settled, unix seconds; 0 if not. Never from a cache, and never on one
   * node's word where several answer: what is taken for settled is not sent any more.
   * @throws {NodesDisagree}
   */
  settledAt(digestOrReceiptId: Hex): Promise<bigint>;
  /** What the chain says of a receipt now. Never from a cache. */
  verification(opening: Opening): Promise<Verification>;
  settlementStatus(): Promise<{ pausedUntil: bigint; closesAt: bigint }>;
  /** Head of the chain: number, unix seconds, and wei per gas. */
  head(): Promise<{ number: number; timestamp: bigint; baseFeePerGas: bigint }>;
}

export interface ReaderOptions {
  rpc: Rpc;
  domain: Domain;
  /** How long an answer is repeated without asking. Milliseconds. */
  ttlMs?: number;
  now?: () => number;
}

const CACHE_LIMIT = 10_000;

const isWord = (answer: string): boolean => /^0x[0-9a-f]{64}$/i.test(answer);

/**
 * Opens the registry at `domain.verifyingContract`.
 * @throws {WrongRegistry} if it is none, or computes other digests than we do: then nothing signed here would settle.
 * @throws {ChainUnavailable}
 */
export async function createChainReader(options: ReaderOptions): Promise<ChainReader> {
  // Not the wall clock: one that is put back must not make an old answer young.
  const { rpc, domain, ttlMs = 5_000, now = () => performance.now() } = options;
  const registry = domain.verifyingContract;

  async function ask(to: string, contract: Interface, name: string, args: readonly unknown[]): Promise<Result> {
    const data = contract.encodeFunctionData(name, args);
    const answer = await rpc.request<string>("eth_call", [{ to, data }, "latest"]);
    // No code at this address, at this node: either it is another address, or the node lags behind the deployment.
    if (answer === "0x") throw new ChainUnavailable(`eth_call ${name}`, [new Error(`no contract at ${to}`)]);
    try {
      return contract.decodeFunctionResult(name, answer);
    } catch (error) {
      // A node that answers nonsense has not answered.
      throw new ChainUnavailable(`eth_call ${name}`, [
        new Error(`an answer that is none: ${(error as Error).message}`),
      ]);
    }
  }

  const separator = await ask(registry, abi.inferenceRegistry, "domainSeparator", []);
  const expected = toHex(domainSeparator(domain));
  if (separator[0] !== expected) throw new WrongRegistry(registry, expected, String(separator[0]));
  const addressOf = async (name: string): Promise<string> =>
    String((await ask(registry, abi.inferenceRegistry, name, []))[0]);
  const [nodes, enclaves, models] = await Promise.all([
    addressOf("nodeRegistry"),
    addressOf("enclaveRegistry"),
    addressOf("modelRegistry"),
  ]);

  const cache = new Map<string, { until: number; answer: Promise<unknown> }>();
  interface Entry {
    until: number;
    answer: Promise<unknown>;
  }
  /** An answer lasts; a failure does not, nor, for long, an absence. */
  async function settleEntry(key: string, entry: Entry, at: number, forEver: boolean): Promise<void> {
    try {
      const value = await entry.answer;
      if (value === null) entry.until = Math.min(entry.until, at + 1_000);
      else if (forEver) entry.until = Infinity;
    } catch {
      // Whoever asked hears of it; the next one asks anew.
      if (cache.get(key) === entry) cache.delete(key);
    }
  }
  /** One question in flight for all who ask it. */
  function cached<T>(key: string, read: () => Promise<T | null>, forEver = false): Promise<T | null> {
    const at = now();
    const known = cache.get(key);
    if (known && at < known.until) return known.answer as Promise<T | null>;
    if (cache.size >= CACHE_LIMIT) cache.delete(cache.keys().next().value!);
    const answer = read();
    const entry = { until: at + ttlMs, answer };
    cache.set(key, entry);
    void settleEntry(key, entry, at, forEver);
    return answer;
  }

  return {
    domain,

    signingKey: (keyId, mode) =>
      cached(`key ${keyId} ${mode === Mode.TEE}`, async () => {
        const registryOfMode = mode === Mode.TEE ? enclaves : nodes;
        const [signer, state] = (await ask(registryOfMode, abi.keyRegistry, "signingKey", [keyId])) as unknown as [
          string,
          Result,
        ];
        if (BigInt(signer) === 0n) return null;
        const [kind, validFrom, validUntil, distrustedFrom, frozenUntil] = state as unknown as bigint[];
        return {
          signer: signer.toLowerCase() as Hex,
          kind: Number(kind),
          validFrom: validFrom!,
          validUntil: validUntil!,
          distrustedFrom: distrustedFrom!,
          frozenUntil: frozenUntil!,
        };
      }),

    modelState: (modelId, mode) =>
      cached(`model ${modelId} ${mode}`, async () => {
        const [[state], [blockedFrom]] = (await Promise.all([
          ask(models, abi.modelRegistry, "modelState", [modelId, mode]),
          ask(models, abi.modelRegistry, "blockedFrom", [modelId]),
        ])) as unknown as [[Result], [bigint]];
        if (state.modes === 0n) return null;
        return {
          modes: Number(state.modes),
          verifier: String(state.verifier).toLowerCase() as Hex,
          distrustedFrom: state.distrustedFrom as bigint,
          frozenUntil: state.frozenUntil as bigint,
          verifierDistrustedFrom: state.verifierDistrustedFrom as bigint,
          verifierFrozenUntil: state.verifierFrozenUntil as bigint,
          blockedFrom,
        };
      }),

    verifyingKey: (modelId) =>
      cached(
        `verifying key ${modelId}`,
        async () => {
          const pointer = String((await ask(models, abi.modelRegistry, "verifyingKey", [modelId]))[0]);
          if (BigInt(pointer) === 0n) return null;
          const code = fromHex(await rpc.request<string>("eth_getCode", [pointer, "latest"]));
          if (code.length < 2) throw new ChainUnavailable("eth_getCode", [new Error(`no code at ${pointer} yet`)]);
          // The key's contract starts with STOP, so that nobody can call it.
          return code.slice(1);
        },
        true,
      ),

    measurementState: (keyId, modelId) =>
      cached(`measurement ${keyId} ${modelId}`, async () => {
        const { key, measurement } = await ask(enclaves, abi.enclaveRegistry, "enclaveState", [keyId, modelId]);
        if (key.validFrom === 0n) return null;
        return {
          approvedFrom: measurement.approvedFrom as bigint,
          approvedUntil: measurement.approvedUntil as bigint,
          distrustedFrom: measurement.distrustedFrom as bigint,
          frozenUntil: measurement.frozenUntil as bigint,
        };
      }),

    async settledAt(id) {
      const data = abi.inferenceRegistry.encodeFunctionData("settledAt", [id]);
      const answers = (await heard<string>(rpc, "eth_call", [{ to: registry, data }, "latest"])).filter(isWord);
      if (answers.length === 0) throw new ChainUnavailable("eth_call settledAt", [new Error("no answer that is one")]);
      const times = [...new Set(answers.map(BigInt))];
      if (times.length > 1) throw new NodesDisagree(`when ${id} was settled`, times);
      return times[0]!;
    },

    verification: async (opening) => {
      const [found] = (await ask(registry, abi.inferenceRegistry, "verification", [opening])) as unknown as [Result];
      return {
        verified: found.verified as boolean,
        distrusted: found.distrusted as boolean,
        frozen: found.frozen as boolean,
        mode: Number(found.mode),
        reason: abi.reasonName(found.reason as bigint),
        settledAt: found.settledAt as bigint,
        receiptId: found.receiptId as Hex,
      };
    },

    settlementStatus: async () => {
      const status = await cached("status", async () => {
        const [pausedUntil, closesAt] = await ask(registry, abi.inferenceRegistry, "settlementStatus", []);
        return { pausedUntil: pausedUntil as bigint, closesAt: closesAt as bigint };
      });
      return status!;
    },

    head: async () => {
      const head = await cached("head", async () => {
        const block = await rpc.request<Record<"number" | "timestamp" | "baseFeePerGas", string> | null>(
          "eth_getBlockByNumber",
          ["latest", false],
        );
        if (!block) throw new ChainUnavailable("eth_getBlockByNumber", [new Error("the node has no latest block")]);
        return {
          number: Number(block.number),
          timestamp: BigInt(block.timestamp),
          baseFeePerGas: BigInt(block.baseFeePerGas ?? 0),
        };
      });
      return head!;
    },
  };
}
