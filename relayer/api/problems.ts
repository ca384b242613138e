// SPDX-License-Identifier: MIT
import { z } from "@hono/zod-openapi";
import type { Context } from "hono";

/** Every refusal of the API: its status and what it means. Codes are stable; texts are for people. */
export const PROBLEMS = {
  malformed: [400, "The request is not what the schema says"],
  duplicate_receipt: [400, "One request appears twice in the batch"],
  unknown_mode: [422, "No such mode, or another endpoint takes it"],
  unknown_output_scheme: [422, "No such output scheme for this mode"],
  count_mismatch: [422, "The batch says another number of receipts than were sent"],
  foreign_leaf: [422, "A receipt has another key or mode than its batch"],
  root_mismatch: [422, "The receipts do not make the root that was signed"],
  data_hash_mismatch: [422, "The leaves document of the receipts has another hash than was signed"],
  wrong_chain: [422, "Meant for another chain or registry"],
  wrong_model: [422, "A receipt names another model version than its batch"],
  unknown_model: [422, "The model version is not registered"],
  model_forbids_mode: [422, "The model version does not allow this mode"],
  model_distrusted: [422, "The model version or its verifier was declared compromised"],
  consent_withdrawn: [422, "Consent to data that the model version requires was withdrawn"],
  unknown_key: [422, "The key is not registered for this mode"],
  key_forbids_mode: [422, "This kind of key does not sign in this mode"],
  measurement_not_approved: [422, "The enclave's image is not approved for the model version"],
  key_distrusted: [422, "The key was declared compromised"],
  expired_key: [422, "The key had ended when the answer was completed"],
  key_not_yet_valid: [422, "The key was not valid yet when the answer was completed"],
  future_dated: [422, "The answer is dated to the future"],
  too_old: [422, "The answer was completed too long ago to settle"],
  bad_signature: [422, "The signature is not the key's over this content on this chain and registry"],
  mode_needs_proof: [422, "ZKML needs a proof for every receipt"],
  unexpected_evidence: [422, "Only ZKML carries evidence"],
  out_of_field: [422, "A proof's coordinate or signal is not below its modulus"],
  malformed_evidence: [422, "The evidence cannot be read as proofs under the model's key"],
  signal_mismatch: [422, "Receipts say other inputs or outputs than their proofs' signals"],
  item_too_large: [422, "It does not fit a transaction; split it"],
  too_many_models: [422, "Too many model versions in one batch; split it"],
  equivocation: [409, "The key signed another receipt for the same request"],
  seal_withdrawn: [409, "The batch is not to be signed any more: its receipts settle alone"],
  too_large: [413, "The body is too large"],
  unsupported_media_type: [415, "Send application/json"],
  unknown_settlement_type: [400, "x-settlement-type is private, batch or individual"],
  missing_settlement_data: [400, "This settlement type needs the header x-settlement-data"],
  malformed_settlement_data: [400, "x-settlement-data is not base64 of a JSON object"],
  header_too_large: [431, "The header is too large"],
  bad_tee_id: [400, "The enclave's id is not 32 bytes of hex"],
  bad_input_hash: [400, "input_hash is not 32 bytes of hex"],
  bad_output_hash: [400, "output_hash is not 32 bytes of hex"],
  bad_tee_signature: [400, "The signature is not base64 of 256 bytes"],
  bad_tee_timestamp: [400, "The time is not in unix seconds, or said twice and differently"],
  bad_eth_address: [400, "eth_address is not 0x and 40 hex digits"],
  missing_input_or_output: [400, "An individual answer comes with input and output"],
  unknown_tee: [422, "No such enclave was admitted on this chain"],
  measurement_distrusted: [422, "The enclave's image was declared compromised"],
  heartbeat_not_newer: [409, "A heartbeat as new as this one is known; times strictly grow"],
  heartbeat_not_carried: [422, "The chain would not take the heartbeat"],
  not_found: [404, "Nothing is known under this id"],
  no_answer: [404, "No verified receipt here answers this question under this policy"],
  unauthorized: [401, "Show an API key: Authorization: Bearer …"],
  invalid_token: [401, "No such API key, or it was revoked"],
  insufficient_scope: [403, "The API key may not do this"],
  not_retryable: [409, "Trying it again would change nothing"],
  idempotency_in_progress: [409, "The first request under this Idempotency-Key is still worked on"],
  idempotency_key_reused: [422, "This Idempotency-Key was used for another request"],
  quota_exceeded: [429, "The key's quota is used up"],
  duplicate_payment: [409, "The payment was used before"],
  not_answered: [409, "The sale is not over yet; ask again"],
  sale_over: [410, "The answer of this sale is not to be had"],
  work_failed: [502, "The work failed; nothing was charged"],
  settlement_pending: [503, "It is not known yet whether it was paid; do not pay anew, ask for the answer"],
  rate_limited: [429, "Too many requests from this address"],
  busy: [503, "Too many requests at once"],
  timed_out: [503, "No answer in time; it may have been accepted, so ask or send it again"],
  chain_unavailable: [503, "The chain cannot be asked at present; nothing is known"],
  internal: [500, "The relayer failed; it may have been accepted, so ask or send it again"],
} as const satisfies Record<string, readonly [number, string]>;
export type ProblemCode = keyof typeof PROBLEMS;

/** A refusal on its way to the client. */
export class Problem extends Error {
  override readonly name = "Problem";
  readonly code: ProblemCode;
  readonly positions: readonly number[] | undefined;
  readonly retryAfter: number | undefined;
  /** The scope that an API key lacks. */
  readonly scope: string | undefined;
  constructor(
    code: ProblemCode,
    detail?: string,
    more: { positions?: readonly number[]; retryAfter?: number; scope?: string } = {},
  ) {
    super(detail ?? PROBLEMS[code][1]);
    this.code = code;
    this.positions = more.positions;
    this.retryAfter = more.retryAfter;
    this.scope = more.scope;
  }
}

export const problemSchema = z
  .object({
    type: z.string(),
    title: z.string(),
    status: z.number().int(),
    code: z.string(),
    detail: z.string(),
    message: z.string().openapi({ description: "The detail again, where clients of ERC-3668 look for it" }),
    /** Positions of the receipts or proofs that it is about, the first 100. */
    positions: z.array(z.number().int()).optional(),
    errors: z.array(z.object({ path: z.string(), message: z.string() })).optional(),
  })
  .openapi("Problem");

const MAX_POSITIONS = 100;

/** Answered before the body was read: what is still on its way would stand before the next request. */
const UNREAD: ReadonlySet<ProblemCode> = new Set([
  "too_large",
  "unsupported_media_type",
  "unauthorized",
  "invalid_token",
  "insufficient_scope",
  "rate_limited",
  "busy",
  "timed_out",
]);

/** A refusal as `application/problem+json` (RFC 9457). */
export function respond(c: Context, problem: Problem, errors?: { path: string; message: string }[]): Response {
  const [status, title] = PROBLEMS[problem.code];
  const body = {
    type: `urn:opengradient:problem:${problem.code}`,
    ...{ title, status, code: problem.code, detail: problem.message, message: problem.message },
    ...(problem.positions ? { positions: problem.positions.slice(0, MAX_POSITIONS) } : {}),
    ...(errors ? { errors } : {}),
  };
  const headers: Record<string, string> = { "content-type": "application/problem+json" };
  if (c.req.method === "POST" && UNREAD.has(problem.code)) headers["connection"] = "close";
  const wait = problem.retryAfter ?? (status === 503 || status === 429 ? 1 : undefined);
  if (wait !== undefined) headers["retry-after"] = String(wait);
  // RFC 6750: who showed nothing is told how to, and who showed something is told what is wrong with it.
  const lacking = problem.scope === undefined ? "" : `, scope="${problem.scope}"`;
  if (problem.code === "unauthorized") headers["www-authenticate"] = 'Bearer realm="relayer"';
  else if (status === 401 || status === 403)
    headers["www-authenticate"] = `Bearer realm="relayer", error="${problem.code}"${lacking}`;
  return c.body(JSON.stringify(body), status, headers);
}
