// SPDX-License-Identifier: MIT
import { z } from "zod";
import { millis } from "./values.ts";

/** An address of the operator's own choice; what it needs to know comes from the environment. */
const url = z
  .url({ protocol: /^https?$/ })
  .refine(
    (text) => !/^[a-z]+:\/\/[^/]*@/i.test(text),
    "no user or password here: credentials come from the environment",
  );
const days = z.number().int().min(1).max(36_500);

export const publicationSchema = z
  .strictObject({
    files: z.boolean().default(true).describe("keep the leaves as files below store.dataDir/leaves"),
    s3: z
      .strictObject({
        endpoint: url.describe("https:// of the store, without the bucket"),
        region: z.string().min(1).default("us-east-1").describe("as the store names it"),
        bucket: z
          .string()
          .regex(/^[a-z0-9.-]{3,63}$/)
          .describe("where the objects go"),
        prefix: z
          .string()
          .regex(/^[A-Za-z0-9/_.-]*$/)
          .default("")
          .describe("before every name, for instance leaves/"),
        pathStyle: z.boolean().default(false).describe("the bucket in the path, as most servers of your own want it"),
        retentionDays: days
          .optional()
          .describe("the bucket's lifecycle removes objects after so many days; without it, it never does"),
      })
      .optional()
      .describe("a store that speaks S3; needs RELAYER_S3_ACCESS_KEY_ID and RELAYER_S3_SECRET_ACCESS_KEY"),
    ipfs: z
      .strictObject({
        rpcUrl: url.describe("RPC of a Kubo node, http://127.0.0.1:5001"),
        gatewayUrl: url.optional().describe("read back over this gateway instead of from the node itself"),
      })
      .optional()
      .describe("an IPFS node that pins the leaves; see RELAYER_IPFS_AUTHORIZATION"),
    walrus: z
      .strictObject({
        publisherUrl: url.describe("publisher that stores, and pays"),
        aggregatorUrl: url.describe("aggregator to read back from"),
        epochs: z.number().int().min(2).max(53).default(26).describe("stored for so many epochs at a time"),
        epochDays: z
          .number()
          .positive()
          .max(365)
          .default(14)
          .describe("length of an epoch: 14 on mainnet, 1 on testnet"),
      })
      .optional()
      .describe("Walrus over HTTP; see RELAYER_WALRUS_AUTHORIZATION"),
    required: z
      .array(z.enum(["files", "s3", "ipfs", "walrus"]))
      .min(1)
      .optional()
      .describe("stores that must hold the leaves before a batch settles; all configured ones by default"),
    timeoutMs: millis.min(1_000).default(60_000).describe("patience with a store, for one request"),
    renewBeforeDays: days.default(7).describe("what expires within so many days is published anew"),
    checkEveryDays: days.default(30).describe("each document is read back so often, and written anew if it is damaged"),
    keepDays: days.optional().describe("how long documents are looked after, from their arrival; for ever without it"),
    sweepMs: millis.min(50).default(60_000).describe("pause between searches for what is to be published anew"),
  })
  .prefault({})
  .superRefine((publication, context) => {
    const wrong = (path: (string | number)[], message: string): void => {
      context.addIssue({ code: "custom", path, message });
    };
    const configured = STORES.filter((name) => Boolean(publication[name]));
    if (configured.length === 0) wrong(["files"], "leaves must be published somewhere: configure a store");
    for (const name of publication.required ?? [])
      if (!configured.includes(name)) wrong(["required"], `${name} is required and not configured`);
    // Otherwise what was just stored would be stored again at once, and again.
    const { s3, walrus, renewBeforeDays: margin } = publication;
    if (s3?.retentionDays !== undefined && s3.retentionDays <= margin)
      wrong(["s3", "retentionDays"], "must be longer than renewBeforeDays");
    if (walrus && (walrus.epochs - 1) * walrus.epochDays <= margin)
      wrong(["walrus", "epochs"], "all epochs but one must be longer than renewBeforeDays");
  });

const STORES = ["files", "s3", "ipfs", "walrus"] as const;
