import {
  CertificateCached,
  Distrusted,
  FreezeRearmed,
  Frozen,
  RootPinned,
} from "../generated/NitroAttestation/NitroAttestation";
import { Certificate, RootPin } from "../generated/schema";
import { eventId, isZero } from "./utils/common";
import { CERTIFICATE_ROLES } from "./utils/names";
import { distrust, freeze, rearm, standingOf } from "./utils/people";

export function handleRootPinned(event: RootPinned): void {
  const pin = new RootPin(eventId(event));
  pin.fingerprint = event.params.fingerprint;
  pin.at = event.block.timestamp;
  pin.block = event.block.number;
  pin.transaction = event.transaction.hash;
  pin.save();
}

/** The same certificate may be cached again below another parent: the last one counts, as in the contract. */
export function handleCertificateCached(event: CertificateCached): void {
  const certificate = new Certificate(event.params.certificate);
  certificate.parent = isZero(event.params.parent) ? null : event.params.parent;
  certificate.role = CERTIFICATE_ROLES[event.params.role];
  certificate.notBefore = event.params.notBefore;
  certificate.notAfter = event.params.notAfter;
  certificate.standing = standingOf(event.address, event.params.certificate).id;
  certificate.cachedAt = event.block.timestamp;
  certificate.save();
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
