// SPDX-License-Identifier: MIT
// What a payer signed, by either of the two ways in which `exact` moves tokens. From here on they differ in what is called.
import type { PaymentRequirements } from "@x402/core/types";
import type { Hex } from "../protocol/index.ts";
import { authorizationDigest, encodeTransfer, isSignedBy, type TokenDomain } from "./eip3009.ts";
import { eip3009Payload, permit2Payload, type Eip3009Payload, type Permit2Payload } from "./messages.ts";
import { encodeSettle, EXACT_PROXY, nonceWord, PERMIT2, permitDigest } from "./permit2.ts";
import { REASONS } from "./reasons.ts";

/** Words of x402 for `extra.assetTransferMethod`. */
export type TransferMethod = "eip3009" | "permit2";

/** What a payee asks for, `eip3009` where nothing is said. @returns nothing for a way that is not known here. */
export function transferMethod({
  extra,
}: {
  extra?: PaymentRequirements["extra"] | null | undefined;
}): TransferMethod | undefined {
  const asked = extra?.["assetTransferMethod"] ?? "eip3009";
  return asked === "eip3009" || asked === "permit2" ? asked : undefined;
}

/** A payment that holds under its payer's signature. */
export interface Signed {
  method: TransferMethod;
  payer: Hex;
  /** Contract that lets the nonce happen once: the token, or Permit2. */
  keeper: Hex;
  /** 32 bytes. */
  nonce: Hex;
  /** Names all that was signed. */
  digest: Hex;
  /** Who gets how much of which asset; a spender of Permit2 that is not x402's may give it to whom it likes, so it is named. */
  pays: { asset: Hex; to: Hex; amount: bigint };
  /** Unix seconds. */
  validBefore: bigint;
  /** The call that makes the payment; whoever makes it. */
  call: { to: Hex; data: Hex };
  payload: Eip3009Payload | Permit2Payload;
}
export type Reading = { ok: true; signed: Signed } | { ok: false; reason: string; detail: string; payer?: Hex };

/** Reads a payload of the way that was asked for, and checks its payer's signature. Pure. */
export function readSigned(
  domain: TokenDomain,
  method: TransferMethod | undefined,
  payload: Record<string, unknown>,
): Reading {
  if (method === "eip3009") return readAuthorization(domain, payload);
  if (method === "permit2") return readPermit(domain, payload);
  return { ok: false, reason: REASONS.payloadType, detail: "extra.assetTransferMethod is eip3009 or permit2" };
}

function readAuthorization(domain: TokenDomain, payload: Record<string, unknown>): Reading {
  const parsed = eip3009Payload.safeParse(payload);
  if (!parsed.success)
    return {
      ok: false,
      reason: REASONS.payloadType,
      detail: "an EIP-3009 authorization under a key's signature of 65 bytes",
    };
  const { signature, authorization: signed } = parsed.data;
  const authorization = {
    ...signed,
    value: BigInt(signed.value),
    validAfter: BigInt(signed.validAfter),
    validBefore: BigInt(signed.validBefore),
  };
  const digest = authorizationDigest(domain, authorization);
  const { from: payer, nonce, validBefore } = authorization;
  if (!isSignedBy(payer, digest, signature))
    return { ok: false, reason: REASONS.signature, detail: "not the payer's signature", payer };
  const keeper = domain.verifyingContract;
  const call = { to: keeper, data: encodeTransfer(authorization, signature) };
  const pays = { asset: keeper, to: authorization.to, amount: authorization.value };
  return {
    ok: true,
    signed: { ...{ method: "eip3009", payer, keeper, nonce, digest, pays, validBefore, call }, payload: parsed.data },
  };
}

function readPermit(domain: TokenDomain, payload: Record<string, unknown>): Reading {
  const parsed = permit2Payload.safeParse(payload);
  if (!parsed.success)
    return {
      ok: false,
      reason: REASONS.payloadType,
      detail: "a Permit2 authorization under a key's signature of 65 bytes",
    };
  const { signature, permit2Authorization: signed } = parsed.data;
  const { permitted, witness } = signed;
  const permit = {
    ...{ from: signed.from, spender: signed.spender },
    permitted: { token: permitted.token, amount: BigInt(permitted.amount) },
    ...{ nonce: BigInt(signed.nonce), deadline: BigInt(signed.deadline) },
    witness: { to: witness.to, validAfter: BigInt(witness.validAfter) },
  };
  const digest = permitDigest(domain, permit);
  const { from: payer, deadline: validBefore } = permit;
  if (!isSignedBy(payer, digest, signature))
    return { ok: false, reason: REASONS.permit2Signature, detail: "not the payer's signature", payer };
  const call = { to: EXACT_PROXY, data: encodeSettle(permit, signature) };
  const to = permit.spender === EXACT_PROXY ? permit.witness.to : permit.spender;
  const pays = { asset: permit.permitted.token, to, amount: permit.permitted.amount };
  return {
    ok: true,
    signed: {
      ...{ method: "permit2", payer, keeper: PERMIT2, nonce: nonceWord(signed.nonce), digest, pays, validBefore, call },
      payload: parsed.data,
    },
  };
}
