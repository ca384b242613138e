// SPDX-License-Identifier: MIT
import { createRoute, z } from "@hono/zod-openapi";
import { problemSchema } from "./problems.ts";
import * as schemas from "./schemas.ts";

const json = <T extends z.ZodType>(schema: T) => ({ content: { "application/json": { schema } } });
const answers = <T extends z.ZodType>(description: string, schema: T) => ({ description, ...json(schema) });
const problem = (description: string) => ({
  description,
  content: { "application/problem+json": { schema: problemSchema } },
});
const refusals = {
  400: problem("Malformed"),
  401: problem("An API key is needed here, or the one shown is none"),
  403: problem("The API key lacks the scope submit"),
  409: problem("Equivocation, not to be signed any more, or the first request under this Idempotency-Key still runs"),
  413: problem("Too large"),
  415: problem("Not JSON"),
  422: problem("Well-formed, but nothing the chain would settle; the code says why"),
  429: problem("Too many requests, or the key's quota is used up"),
  503: problem("Busy, or the chain cannot be asked: nothing is known"),
};
const lookups = {
  400: problem("Malformed"),
  404: problem("Not known here"),
  429: problem("Too many requests"),
  503: problem("Busy"),
};

/** All endpoints, for these bounds. */
export function routes(submissions: schemas.Submissions) {
  const body = <T extends z.ZodType>(schema: T) => ({ body: { required: true, ...json(schema) } });
  return {
    postReceipt: createRoute({
      method: "post",
      path: "/v1/receipts",
      summary: "Hand in one signed receipt; ZKML ones with their proof",
      request: body(submissions.receipt),
      responses: {
        200: answers("Known already", schemas.acceptedReceipt),
        201: answers("Durable", schemas.acceptedReceipt),
        ...refusals,
      },
    }),
    postBatch: createRoute({
      method: "post",
      path: "/v1/batches",
      summary: "Hand in a signed batch (VANILLA, TEE) with all its receipts",
      request: body(submissions.batch),
      responses: {
        200: answers("Known already", schemas.acceptedBatch),
        201: answers("Durable", schemas.acceptedBatch),
        ...refusals,
      },
    }),
    postProofs: createRoute({
      method: "post",
      path: "/v1/proofs",
      summary: "Hand in a proved batch (ZKML): one key, one model version, a proof a receipt",
      request: body(submissions.proofs),
      responses: {
        200: answers("Known already", schemas.acceptedBatch),
        201: answers("Durable; its proofs are checked next", schemas.acceptedBatch),
        ...refusals,
      },
    }),
    getReceipt: createRoute({
      method: "get",
      path: "/v1/receipts/{id}",
      summary: "What is known of a receipt, and how to open it on chain",
      request: { params: z.object({ id: schemas.hex(32) }) },
      responses: { 200: answers("Known", schemas.receiptStatus), ...lookups },
    }),
    getBatch: createRoute({
      method: "get",
      path: "/v1/batches/{digest}",
      summary: "What is known of a batch",
      request: { params: z.object({ digest: schemas.hex(32) }) },
      responses: { 200: answers("Known", schemas.batchStatus), ...lookups },
    }),
    getSeals: createRoute({
      method: "get",
      path: "/v1/keys/{keyId}/seals",
      summary: "Wait for a batch of single receipts to sign; sign it only if you issued every leaf",
      request: {
        params: z.object({ keyId: schemas.hex(32) }),
        query: z.object({ wait: z.coerce.number().int().min(0).max(30).default(0) }),
      },
      responses: {
        200: answers("A batch to sign", schemas.sealOffer),
        204: { description: "None in this time" },
        400: problem("Malformed"),
        429: problem("Too many requests"),
        503: problem("Too many wait already"),
      },
    }),
    postSeal: createRoute({
      method: "post",
      path: "/v1/seals/{id}",
      summary: "Answer an offer with the key's signature over the batch digest",
      request: {
        params: z.object({ id: z.string().regex(/^[1-9][0-9]{0,14}$/) }),
        ...body(submissions.sealAnswer),
      },
      responses: {
        200: answers("Sealed already", schemas.acceptedBatch),
        201: answers("Sealed", schemas.acceptedBatch),
        404: problem("No such offer"),
        ...refusals,
      },
    }),
  };
}
