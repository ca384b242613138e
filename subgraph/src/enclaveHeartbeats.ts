import { BigInt } from "@graphprotocol/graph-ts";
import { Heartbeat } from "../generated/EnclaveHeartbeats/EnclaveHeartbeats";
import { SigningKey } from "../generated/schema";
import { orphan } from "./utils/common";

export function handleHeartbeat(event: Heartbeat): void {
  const key = SigningKey.load(event.params.keyId);
  if (key == null) return orphan(event, "key of a heartbeat");
  key.lastHeartbeat = event.params.timestamp;
  key.heartbeats = key.heartbeats.plus(BigInt.fromI32(1));
  key.save();
}
