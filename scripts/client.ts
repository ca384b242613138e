/**
 * `npm run client`: writes the types of the relayer's API into relayer/client/api.d.ts, from the OpenAPI document that the
 * API makes of its own schemas. `-- --check` changes nothing and fails where they differ.
 */
import { readFileSync, writeFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import openapiTS, { astToString, type OpenAPI3 } from "openapi-typescript";
import { format, resolveConfig } from "prettier";
import { createApi, type ApiOptions } from "../relayer/api/api.ts";
import { OPENAPI } from "../relayer/api/description.ts";
import { createMetrics } from "../relayer/api/metrics.ts";
import { parseConfig } from "../relayer/config/index.ts";
import { noTracing } from "../relayer/operator/tracing.ts";

const file = fileURLToPath(new URL("../relayer/client/api.d.ts", import.meta.url));
const check = process.argv.includes("--check");

/** The document of a relayer with everything that can be mounted. Nothing is asked of it, so it has no parts behind it. */
function describeApi(): OpenAPI3 {
  const domain = { chainId: 1n, verifyingContract: `0x${"00".repeat(20)}` } as const;
  const { http } = parseConfig({ chain: { chainId: 1, registry: domain.verifyingContract, rpcUrls: ["http://a"] } });
  const nothing = {} as never;
  const log: ApiOptions["log"] = { info: () => undefined, warn: () => undefined, error: () => undefined };
  const api = createApi({
    ...{ db: nothing, chain: { domain } as never, door: nothing, verifiers: {}, sealWaiting: nothing },
    ...{ twinFees: undefined, tracing: noTracing, facilitator: nothing, gateways: nothing },
    ...{ operator: nothing, log },
    metrics: createMetrics({ works: () => ({}) }),
    ...{ wake: () => undefined, ready: async () => ({}), health: () => ({}) },
    ...{ submissionKeys: http.submissionKeys, corsOrigins: [], bounds: http, timeoutMs: http.timeoutMs },
    rate: { perSecond: 1, burst: 1 },
  });
  return api.getOpenAPI31Document(OPENAPI) as unknown as OpenAPI3;
}

const types = astToString(await openapiTS(describeApi()));
const head =
  "// SPDX-License-Identifier: MIT\n// Made by `npm run client` from the relayer's own OpenAPI document. Do not edit.\n";
const written = await format(head + types, { ...(await resolveConfig(file)), filepath: file });
if (!check) writeFileSync(file, written);
else if (readFileSync(file, "utf8") !== written) {
  console.error("relayer/client/api.d.ts is not what the API says: npm run client, and commit it");
  process.exitCode = 1;
} else console.log("relayer/client/api.d.ts is what the API says");
