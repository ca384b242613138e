// SPDX-License-Identifier: MIT
// The old client of x402, unmodified. It has a lock file of its own and is installed beside the project, not into it.
import { expect } from "chai";
import { spawnSync } from "node:child_process";
import { copyFileSync, existsSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { createRequire } from "node:module";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { openShop, type Shop } from "../relayer/support/gateway.ts";
import { PRICE } from "../relayer/support/x402.ts";

const home = fileURLToPath(new URL("./legacy-x402", import.meta.url));
const cache = fileURLToPath(new URL("../../.cache/legacy-x402", import.meta.url));

interface LegacyClient {
  createSigner(network: string, privateKey: string): Promise<object>;
  wrapFetchWithPayment(fetcher: typeof fetch, signer: object, maxValue: bigint): typeof fetch;
  decodeXPaymentResponse(header: string): { success: boolean; network: string; transaction: string };
}

function install(): LegacyClient {
  mkdirSync(cache, { recursive: true });
  const require = createRequire(join(cache, "package.json"));
  const done = join(cache, "installed.json");
  const lock = readFileSync(join(home, "package-lock.json"));
  if (existsSync(done) && readFileSync(done).equals(lock)) return require("x402-fetch") as LegacyClient;
  for (const file of ["package.json", "package-lock.json"]) copyFileSync(join(home, file), join(cache, file));
  const args = ["ci", "--ignore-scripts", "--no-audit", "--no-fund", "--loglevel=error"];
  const run = spawnSync("npm", args, { cwd: cache, encoding: "utf8" });
  if (run.status !== 0) throw new Error(`npm ${args.join(" ")} failed in ${cache}:\n${run.stderr}`);
  writeFileSync(done, lock);
  return require("x402-fetch") as LegacyClient;
}

describe("x402-fetch 1.2.0, as published", () => {
  let shop: Shop;
  let legacy: LegacyClient;
  before(async () => {
    legacy = install();
    shop = await openShop({}, { chainId: 84_532 });
  });
  after(() => shop.close());

  it("buys an answer through the gateway, and is charged once", async () => {
    const payer = await shop.s.newPayer();
    const url = await shop.start();
    const signer = await legacy.createSigner("base-sepolia", payer.privateKey);
    const buy = legacy.wrapFetchWithPayment(fetch, signer, PRICE);
    const before = await shop.s.received();
    const response = await buy(`${url}/a`, { method: "POST", body: "hello" });
    expect([response.status, await response.text()]).to.deep.equal([200, "you said hello"]);
    const settled = legacy.decodeXPaymentResponse(response.headers.get("X-PAYMENT-RESPONSE")!);
    expect([settled.success, settled.network]).to.deep.equal([true, "base-sepolia"]);
    expect((await shop.s.receipt(settled.transaction))!.status).to.equal(1);
    expect([(await shop.s.received()) - before, shop.state.runs]).to.deep.equal([PRICE, 1]);
  });
}).timeout(900_000);
