// SPDX-License-Identifier: MIT
// The whole relayer with its work on a real Redis and its ledger on a real PostgreSQL.
import { settlementSuite } from "../relayer/support/settlement-suite.ts";
import { startRedis, type RedisServer } from "../support/redis.ts";
import { freshDatabase } from "./fresh-database.ts";

let redis: RedisServer;
before(async () => {
  redis = await startRedis();
});
after(() => redis.stop());

settlementSuite(
  "relayer on the real contracts, ledger on PostgreSQL, work shared over Redis",
  await freshDatabase("shared"),
  () => redis.url,
);
