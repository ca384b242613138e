// SPDX-License-Identifier: MIT
import { Contract, type Provider } from "ethers";
import { inferenceRegistry, keyRegistry } from "../chain/abi.ts";
import { Mode, type Hex } from "../protocol/index.ts";
import { inferenceEscrow } from "./abi.ts";
import { EscrowUnknown } from "./errors.ts";

/** A channel on chain. Of a payer's own signer, limit and expiry are 0. */
export interface SessionState {
  paid: bigint;
  limit: bigint;
  /** Unix seconds, inclusive. */
  expiry: bigint;
}

/** A payer's money at one node and some of its channels, all as one block has them. */
export interface EscrowSnapshot {
  block: number;
  balance: bigint;
  /** What of it is asked back; a node can count on the difference. */
  thawing: bigint;
  sessions: ReadonlyMap<Hex, SessionState>;
}

/** A node's signing key. Times in unix seconds. */
export interface NodeKeyState {
  signer: Hex;
  kind: number;
  nodeId: Hex;
  validFrom: bigint;
  validUntil: bigint;
  distrustedFrom: bigint;
}

/** What is asked of the chain. Every method throws {@link EscrowUnknown} where it could not be asked. */
export interface EscrowReader {
  /**
   * One payer's money at one node. Balance and channels of different blocks would not add up: what was collected between
   * them would count twice.
   * @param fresh Not from a cache.
   */
  snapshot(payer: Hex, nodeId: Hex, channelIds: readonly Hex[], fresh?: boolean): Promise<EscrowSnapshot>;
  /** The key that signs in `mode`; `null` if there is none. */
  signingKey(keyId: Hex, mode: number): Promise<NodeKeyState | null>;
}

export interface EscrowReaderOptions {
  provider: Provider;
  /** Address of the `InferenceEscrow`. */
  escrow: Hex;
  /** How long an answer is repeated without asking. Milliseconds. */
  ttlMs?: number;
  /** Blocks that must stand on a block before it counts: deposits can vanish with a reorganisation. */
  confirmations?: number;
  now?: () => number;
}

// Anyone can sign a voucher as anybody: memory has a bound.
const REMEMBERED = 10_000;

/** Reads escrow and registries through ethers. */
export function createEscrowReader(options: EscrowReaderOptions): EscrowReader {
  const { provider, ttlMs = 3_000, confirmations = 2, now = Date.now } = options;
  const escrow = new Contract(options.escrow, inferenceEscrow, provider);
  const snapshots = new Map<string, { until: number; snapshot: EscrowSnapshot }>();
  let registries: Promise<{ nodes: Contract; enclaves: Contract }> | null = null;

  async function known<T>(what: string, read: () => Promise<T>): Promise<T> {
    try {
      return await read();
    } catch (error) {
      throw new EscrowUnknown(what, error);
    }
  }

  async function findRegistries() {
    const address: string = await escrow.getFunction("inferenceRegistry")();
    const registry = new Contract(address, inferenceRegistry, provider);
    const at = async (name: string) => new Contract(await registry.getFunction(name)(), keyRegistry, provider);
    const [nodes, enclaves] = await Promise.all([at("nodeRegistry"), at("enclaveRegistry")]);
    return { nodes, enclaves };
  }

  async function read(payer: Hex, nodeId: Hex, channelIds: readonly Hex[]): Promise<EscrowSnapshot> {
    const block = Math.max(0, (await provider.getBlockNumber()) - confirmations);
    const at = { blockTag: block };
    const [account, ...sessions] = await Promise.all([
      escrow.getFunction("account")(payer, nodeId, at),
      ...channelIds.map((id) => escrow.getFunction("session")(id, at)),
    ]);
    const states = channelIds.map((id, i): [Hex, SessionState] => {
      const { paid, limit, expiry } = sessions[i];
      return [id, { paid, limit, expiry }];
    });
    return { block, balance: account.balance, thawing: account.thawing, sessions: new Map(states) };
  }

  return {
    async snapshot(payer, nodeId, channelIds, fresh = false) {
      const key = `${payer} ${nodeId}`;
      const at = now();
      const kept = snapshots.get(key);
      const usable = kept && !fresh && at < kept.until && channelIds.every((id) => kept.snapshot.sessions.has(id));
      if (usable) return kept.snapshot;
      const snapshot = await known("the escrow", () => read(payer, nodeId, channelIds));
      snapshots.delete(key);
      if (snapshots.size >= REMEMBERED) snapshots.delete(snapshots.keys().next().value!);
      snapshots.set(key, { until: at + ttlMs, snapshot });
      return snapshot;
    },

    signingKey: (keyId, mode) =>
      known(`key ${keyId}`, async () => {
        // A failure is not remembered.
        registries ??= findRegistries().catch((error: unknown) => {
          registries = null;
          throw error;
        });
        const { nodes, enclaves } = await registries;
        const [signer, state] = await (mode === Mode.TEE ? enclaves : nodes).getFunction("signingKey")(keyId);
        if (BigInt(signer) === 0n) return null;
        return {
          signer: signer.toLowerCase(),
          kind: Number(state.kind),
          nodeId: state.nodeId,
          validFrom: state.validFrom,
          validUntil: state.validUntil,
          distrustedFrom: state.distrustedFrom,
        };
      }),
  };
}
