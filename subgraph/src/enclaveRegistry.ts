import { BigInt } from "@graphprotocol/graph-ts";
import {
  Distrusted,
  EnclaveAdmitted,
  FreezeRearmed,
  Frozen,
  KeyAdded,
  KeyHandedOver,
  KeyRetired,
  MeasurementApproved,
  MeasurementKnown,
  MeasurementWithdrawn,
} from "../generated/EnclaveRegistry/EnclaveRegistry";
import { Measurement, MeasurementApproval, SigningKey } from "../generated/schema";
import { orphan, somebody } from "./utils/common";
import { ENCLAVE_KEYS, grow } from "./utils/concentration";
import { addKey, distrust, freeze, operatorOf, rearm, recordKey, retireKey, standingOf } from "./utils/people";

export function handleMeasurementKnown(event: MeasurementKnown): void {
  const measurement = new Measurement(event.params.measurement);
  measurement.target = event.params.target;
  measurement.standing = standingOf(event.address, event.params.target).id;
  measurement.knownSince = event.block.timestamp;
  measurement.save();
}

export function handleKeyAdded(event: KeyAdded): void {
  const key = event.params;
  addKey(event, key.keyId, key.nodeId, key.kind, somebody(key.signer), key.validFrom, key.validUntil, key.publicKey);
}

export function handleEnclaveAdmitted(event: EnclaveAdmitted): void {
  const key = SigningKey.load(event.params.keyId);
  if (key == null) return orphan(event, "enclave key");
  key.measurement = event.params.measurement;
  key.save();
  const one = BigInt.fromI32(1);
  const operator = operatorOf(key.operator);
  operator.enclaveKeys = operator.enclaveKeys.plus(one);
  operator.save();
  grow(ENCLAVE_KEYS, key.operator, one, event.block);
}

export function handleKeyRetired(event: KeyRetired): void {
  retireKey(event, event.params.keyId, event.params.validUntil);
}

export function handleKeyHandedOver(event: KeyHandedOver): void {
  const key = SigningKey.load(event.params.keyId);
  const successor = SigningKey.load(event.params.successor);
  if (key == null || successor == null) return orphan(event, "key that hands over");
  key.successor = successor.id;
  key.validUntil = event.params.endsAt;
  key.save();
  successor.predecessor = key.id;
  successor.save();
  recordKey(event, key, "HANDED_OVER");
}

export function handleMeasurementApproved(event: MeasurementApproved): void {
  const approval = new MeasurementApproval(event.params.measurement.concat(event.params.modelId));
  approval.measurement = event.params.measurement;
  approval.model = event.params.modelId;
  approval.modelId = event.params.modelId;
  approval.from = event.params.from;
  if (Measurement.load(event.params.measurement) == null) return orphan(event, "measurement");
  approval.save();
}

export function handleMeasurementWithdrawn(event: MeasurementWithdrawn): void {
  const approval = MeasurementApproval.load(event.params.measurement.concat(event.params.modelId));
  if (approval == null) return orphan(event, "approval");
  approval.until = event.params.until;
  approval.save();
}

export function handleDistrusted(event: Distrusted): void {
  distrust(event, event.params.target, event.params.from, event.params.by);
}

export function handleFrozen(event: Frozen): void {
  freeze(event, event.params.target, event.params.until);
}

export function handleFreezeRearmed(event: FreezeRearmed): void {
  rearm(event, event.params.target);
}
