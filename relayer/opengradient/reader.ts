// SPDX-License-Identifier: MIT
import type { Interface, Result } from "ethers";
import { ChainUnavailable, NodeRefused } from "../chain/errors.ts";
import type { MeasurementState } from "../chain/reader.ts";
import type { Rpc } from "../chain/rpc.ts";
import { gatewayKeyId, isGatewayKey, KeyKind, teeId, fromHex, type Hex } from "../protocol/index.ts";
import { enclaveHeartbeats, enclaveKeys, gatewayAnswers } from "./abi.ts";
import { WrongContract } from "./errors.ts";

/** A key of a gateway as the registry knows it; unix seconds, `distrustedFrom` 2^256 − 1 for never. */
export interface GatewayKeyState {
  validFrom: bigint;
  validUntil: bigint;
  distrustedFrom: bigint;
  /** Of its image, for gateway answers. */
  image: MeasurementState;
}

/** A key by its names. */
export interface GatewayKey {
  teeId: Hex;
  keyId: Hex;
  /** DER SubjectPublicKeyInfo. */
  publicKey: Uint8Array;
}

/** What is asked of the chain about gateways. Every method throws {@link ChainUnavailable} where it cannot be asked. */
export interface GatewayReader {
  /** `null` where the registry has no such key of this kind. Remembered for a moment. */
  keyState(keyId: Hex): Promise<GatewayKeyState | null>;
  /** When an answer settled, unix seconds; 0 if it did not. */
  settledAt(requestId: Hex): Promise<bigint>;
  /** Unix seconds of a key's newest heartbeat on chain; 0 for none. */
  lastHeartbeat(keyId: Hex): Promise<bigint>;
  headNumber(): Promise<number>;
  /** RSA keys that were admitted in a range of blocks. */
  admitted(fromBlock: number, toBlock: number): Promise<GatewayKey[]>;
}

export interface GatewayReaderOptions {
  rpc: Rpc;
  /** InferenceRegistry, lower case. */
  registry: Hex;
  gatewayAnswers: Hex;
  enclaveHeartbeats: Hex;
  /** How long the state of a key is repeated without asking. Milliseconds. */
  ttlMs: number;
  now?: () => number;
}

const CACHED_KEYS = 10_000;

/**
 * Opens both contracts, and makes sure that they belong to this registry.
 * @throws {WrongContract} {@link ChainUnavailable}
 */
export async function createGatewayReader(options: GatewayReaderOptions): Promise<GatewayReader> {
  const { rpc, registry, ttlMs, now = Date.now } = options;

  async function ask(to: string, contract: Interface, name: string, args: readonly unknown[]): Promise<Result> {
    const data = contract.encodeFunctionData(name, args);
    const answer = await rpc.request<string>("eth_call", [{ to, data }, "latest"]);
    try {
      return contract.decodeFunctionResult(name, answer);
    } catch (error) {
      throw new ChainUnavailable(`eth_call ${name}`, [
        new Error(`an answer that is none: ${(error as Error).message}`),
      ]);
    }
  }

  async function addressAt(place: keyof typeof places, contract: Interface, name: string): Promise<Hex> {
    try {
      return String((await ask(places[place], contract, name, []))[0]).toLowerCase() as Hex;
    } catch (error) {
      if (!(error instanceof NodeRefused)) throw error;
      throw new WrongContract(place, places[place], `it has no ${name}`);
    }
  }

  const places = { gatewayAnswers: options.gatewayAnswers, enclaveHeartbeats: options.enclaveHeartbeats } as const;
  for (const [name, place] of Object.entries(places)) {
    if ((await rpc.request<string>("eth_getCode", [place, "latest"])) === "0x")
      throw new WrongContract(name, place, "there is no contract");
  }
  const settlesFor = await addressAt("gatewayAnswers", gatewayAnswers, "inferenceRegistry");
  if (settlesFor !== registry)
    throw new WrongContract("gatewayAnswers", places.gatewayAnswers, `it is ${settlesFor}'s`);
  const enclaves = await addressAt("gatewayAnswers", gatewayAnswers, "enclaveRegistry");
  const beatsFor = await addressAt("enclaveHeartbeats", enclaveHeartbeats, "enclaveRegistry");
  if (beatsFor !== enclaves)
    throw new WrongContract("enclaveHeartbeats", places.enclaveHeartbeats, `its enclaves are those of ${beatsFor}`);
  const approval = String((await ask(places.gatewayAnswers, gatewayAnswers, "APPROVAL", []))[0]);
  const added = enclaveKeys.getEvent("KeyAdded")!.topicHash;

  async function readKey(keyId: Hex): Promise<GatewayKeyState | null> {
    const { key, measurement } = await ask(enclaves, enclaveKeys, "enclaveState", [keyId, approval]);
    if (key.validFrom === 0n || Number(key.kind) !== KeyKind.ENCLAVE_RSA) return null;
    const { approvedFrom, approvedUntil, distrustedFrom, frozenUntil } = measurement;
    return {
      ...{ validFrom: key.validFrom, validUntil: key.validUntil, distrustedFrom: key.distrustedFrom },
      image: { approvedFrom, approvedUntil, distrustedFrom, frozenUntil },
    };
  }

  const cache = new Map<Hex, { until: number; state: Promise<GatewayKeyState | null> }>();
  return {
    keyState(keyId) {
      const known = cache.get(keyId);
      if (known && now() < known.until) return known.state;
      if (cache.size >= CACHED_KEYS) cache.delete(cache.keys().next().value!);
      const entry = { until: now() + ttlMs, state: readKey(keyId) };
      cache.set(keyId, entry);
      // Whoever asked hears of a failure; the next one asks anew.
      entry.state.catch(() => cache.get(keyId) === entry && cache.delete(keyId));
      return entry.state;
    },
    settledAt: async (id) => (await ask(places.gatewayAnswers, gatewayAnswers, "settledAt", [id]))[0] as bigint,
    lastHeartbeat: async (id) =>
      (await ask(places.enclaveHeartbeats, enclaveHeartbeats, "lastHeartbeat", [id]))[0] as bigint,
    headNumber: async () => Number(await rpc.request<string>("eth_blockNumber", [])),
    async admitted(fromBlock, toBlock) {
      const range = { fromBlock: `0x${fromBlock.toString(16)}`, toBlock: `0x${toBlock.toString(16)}` };
      const logs = await rpc.request<{ topics: string[]; data: string }[]>("eth_getLogs", [
        { address: enclaves, topics: [added], ...range },
      ]);
      return logs.flatMap((log) => {
        const publicKey = fromHex(String(enclaveKeys.parseLog(log)!.args["publicKey"]));
        // Secp256k1 keys are added there too. What names a key is computed, not read.
        return isGatewayKey(publicKey) ? [{ teeId: teeId(publicKey), keyId: gatewayKeyId(publicKey), publicKey }] : [];
      });
    },
  };
}
