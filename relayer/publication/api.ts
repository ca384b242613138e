// SPDX-License-Identifier: MIT
// Leaves for whoever wants to check a root: by their hash, which is all that a reader needs to believe.
import { createRoute, type OpenAPIHono, z } from "@hono/zod-openapi";
import { cors } from "hono/cors";
import { inFlightLimit } from "../api/limits.ts";
import { Problem, problemSchema } from "../api/problems.ts";
import type { Hex } from "../protocol/index.ts";
import type { Database } from "../store/database.ts";
import { publishedLeaves, publishedPlaces } from "../store/publications.ts";

/** Documents read from the ledger at once: 2 MB each at most. */
const MAX_READS = 8;

const params = z.object({
  dataHash: z
    .string()
    .regex(/^0x[0-9a-fA-F]{64}$/, "0x and 64 hex digits")
    .transform((value) => value.toLowerCase() as Hex),
});
const problem = (description: string) => ({
  description,
  content: { "application/problem+json": { schema: problemSchema } },
});
const refusals = {
  400: problem("Malformed"),
  404: problem("Not published here"),
  429: problem("Too many requests"),
  503: problem("Busy"),
};
const getLeaves = createRoute({
  method: "get",
  path: "/v1/leaves/{dataHash}",
  summary: "The leaves document that a batch's dataHash names; keccak256 of the body is that hash",
  request: { params },
  responses: {
    200: {
      description: "The document, for ever the same",
      content: { "application/octet-stream": { schema: z.string().openapi({ format: "binary" }) } },
    },
    304: { description: "As you have it" },
    ...refusals,
  },
});
const places = z
  .object({
    dataHash: z.string(),
    places: z.array(
      z.object({
        store: z.string(),
        locator: z.string().nullable().openapi({ description: "CID or blob id, where one is needed" }),
        expiresAt: z.number().nullable().openapi({ description: "Unix milliseconds; null if it does not expire" }),
      }),
    ),
  })
  .openapi("LeavesPlaces");
const getPlaces = createRoute({
  method: "get",
  path: "/v1/leaves/{dataHash}/places",
  summary: "Where else the document is published",
  request: { params },
  responses: { 200: { description: "Known", content: { "application/json": { schema: places } } }, ...refusals },
});

/** Adds `/v1/leaves`. What is served is public: it was published before its root was settled. */
export function mountLeaves(api: OpenAPIHono, db: Database): void {
  // Auditors ask out of browsers too, from pages of any origin.
  api.use("/v1/leaves/*", cors({ origin: "*", allowMethods: ["GET"] }), inFlightLimit(MAX_READS));

  api.openapi(getLeaves, async (c) => {
    const { dataHash } = c.req.valid("param");
    const headers = {
      etag: `"${dataHash}"`,
      "cache-control": "public, max-age=31536000, immutable",
      "content-type": "application/octet-stream",
      "x-content-type-options": "nosniff",
    };
    const document = await publishedLeaves(db, dataHash);
    if (!document) throw new Problem("not_found", `No leaves ${dataHash} were published here`);
    if (c.req.header("if-none-match") === headers.etag) return c.body(null, 304, headers);
    return c.body(new Uint8Array(document), 200, headers);
  });

  api.openapi(getPlaces, async (c) => {
    const { dataHash } = c.req.valid("param");
    const found = await publishedPlaces(db, dataHash);
    if (!found) throw new Problem("not_found", `No leaves ${dataHash} were published here`);
    const list = found.map(({ store, locator, expiresAt }) => ({ store, locator, expiresAt }));
    return c.json({ dataHash: dataHash as string, places: list }, 200, { "cache-control": "public, max-age=60" });
  });
}
