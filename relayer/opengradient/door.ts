// SPDX-License-Identifier: MIT
// What is checked of a gateway's answer or heartbeat before it is kept: what the chain will check again.
import { constants, verify } from "node:crypto";
import { Problem } from "../api/problems.ts";
import type { ChainReader } from "../chain/reader.ts";
import { verifyGatewayAnswer } from "../evidence/gateway-answer.ts";
import { fromHex, gatewayHeartbeat, MAX_DELAY, MAX_SKEW } from "../protocol/index.ts";
import type { NewHeartbeat } from "../store/gateway-heartbeats.ts";
import type { NewAnswer } from "../store/gateways.ts";
import type { Directory } from "./directory.ts";
import type { HandedAnswer, HandedHeartbeat } from "./handed-in.ts";
import type { GatewayKey, GatewayKeyState, GatewayReader } from "./reader.ts";

/** How old a heartbeat may be when it is brought: `EnclaveHeartbeats.MAX_AGE`. */
export const MAX_HEARTBEAT_AGE = 1_800n;

export interface GatewayDoorOptions {
  chain: Pick<ChainReader, "head">;
  reader: Pick<GatewayReader, "keyState" | "lastHeartbeat">;
  directory: Pick<Directory, "find">;
  now?: () => number;
}

/** Opens the door for gateways. Both methods throw {@link Problem}, and ChainUnavailable where nothing is known. */
export function createGatewayDoor({ chain, reader, directory, now = Date.now }: GatewayDoorOptions) {
  /** The earlier and the later of both clocks: in doubt the chain is asked by settling. */
  async function clocks(): Promise<[bigint, bigint]> {
    const head = (await chain.head()).timestamp;
    const local = BigInt(Math.floor(now() / 1_000));
    return head < local ? [head, local] : [local, head];
  }

  async function keyOf(teeId: GatewayKey["teeId"]): Promise<[GatewayKey, GatewayKeyState]> {
    const key = await directory.find(teeId);
    const state = key && (await reader.keyState(key.keyId));
    if (!state) throw new Problem("unknown_tee", `No enclave ${teeId} with an RSA key was admitted on this chain`);
    return [key, state];
  }

  return {
    async answer({ type, teeId, answer, signature }: HandedAnswer): Promise<NewAnswer> {
      const [key, state] = await keyOf(teeId);
      const [early, late] = await clocks();
      const { timestamp } = answer;
      if (timestamp > late + MAX_SKEW) throw new Problem("future_dated");
      if (timestamp + MAX_DELAY < early) throw new Problem("too_old");
      checkValidity(state, timestamp, late);
      const { image } = state;
      if (image.approvedFrom === 0n || timestamp < image.approvedFrom || timestamp > image.approvedUntil)
        throw new Problem("measurement_not_approved", "The enclave's image was not approved for gateway answers then");
      if (image.distrustedFrom <= late) throw new Problem("measurement_distrusted");
      const verdict = verifyGatewayAnswer({ ...answer, publicKey: key.publicKey, signature });
      if (!verdict.ok) throw new Problem("bad_signature", verdict.detail);
      const { requestHash, outputHash } = answer;
      return {
        ...{ requestId: verdict.requestId, keyId: key.keyId, requestHash, outputHash, signature },
        ...{ timestamp: Number(timestamp), individual: type === "individual", receivedAt: now() },
      };
    },

    async heartbeat({ teeId, timestamp, signature }: HandedHeartbeat): Promise<NewHeartbeat> {
      const [key, state] = await keyOf(teeId);
      const [early, late] = await clocks();
      if (timestamp > late + MAX_SKEW) throw new Problem("future_dated");
      if (timestamp + MAX_HEARTBEAT_AGE < early) throw new Problem("too_old", "A heartbeat is taken for 30 minutes");
      checkValidity(state, timestamp, late);
      if (late > state.validUntil) throw new Problem("expired_key", "The key has ended");
      const message = fromHex(gatewayHeartbeat(key.publicKey, timestamp), 32);
      const pss = { padding: constants.RSA_PKCS1_PSS_PADDING, saltLength: 32 };
      const publicKey = { key: Buffer.from(key.publicKey), format: "der", type: "spki", ...pss } as const;
      if (!verify("sha256", message, publicKey, signature))
        throw new Problem("bad_signature", "The signature is not this enclave's over keccak256(teeId, timestamp)");
      if (timestamp <= (await reader.lastHeartbeat(key.keyId))) throw new Problem("heartbeat_not_newer");
      return { keyId: key.keyId, teeId, timestamp: Number(timestamp), signature, receivedAt: now() };
    },
  };
}

function checkValidity(state: GatewayKeyState, timestamp: bigint, late: bigint): void {
  if (timestamp < state.validFrom) throw new Problem("key_not_yet_valid");
  if (timestamp > state.validUntil) throw new Problem("expired_key");
  if (state.distrustedFrom <= late) throw new Problem("key_distrusted");
}
