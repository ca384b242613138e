// SPDX-License-Identifier: MIT
// What a real server adds to the embedded database: other connections, at the same time.
import { expect } from "chai";
import { sql } from "drizzle-orm";
import { openDatabase, rows, type OpenDatabase } from "../../relayer/store/database.ts";
import { createTransactionStore } from "../../relayer/store/transactions.ts";
import { insertSingle } from "../../relayer/store/singles.ts";
import { makeKey, makeReceipt, random, domain } from "../relayer/support/relayer.ts";
import { settlementSuite } from "../relayer/support/settlement-suite.ts";
import { freshDatabase } from "./fresh-database.ts";
import { receiptId } from "../../relayer/protocol/index.ts";

settlementSuite("relayer on the real contracts, ledger on a PostgreSQL server", await freshDatabase("settlement"));

describe("ledger on a PostgreSQL server", () => {
  const SENDER = `0x${"22".repeat(20)}`;
  const connections: OpenDatabase[] = [];
  before(async () => {
    const database = await freshDatabase("ledger");
    connections.push(await openDatabase({ dataDir: "", url: database }));
    connections.push(await openDatabase({ dataDir: "", url: database }));
  });
  after(() => Promise.all(connections.map((connection) => connection.close())));

  it("is made by one of several relayers that start at once, and found made by the others", async () => {
    const url = await freshDatabase("begun_by_many");
    const opened = await Promise.allSettled(Array.from({ length: 6 }, () => openDatabase({ dataDir: "", url })));
    for (const one of opened) if (one.status === "fulfilled") await one.value.close();
    expect(opened.flatMap((one) => (one.status === "rejected" ? [String(one.reason)] : []))).to.deep.equal([]);
  });

  it("gives one nonce to one of many sends that ask at once over many connections [FM:nonce-manager]", async () => {
    const stores = connections.map(({ db }) => createTransactionStore(db));
    const ids = await Promise.all(
      Array.from({ length: 12 }, (_, i) =>
        stores[i % 2]!.enqueueTransaction({
          chainId: 31337,
          sender: SENDER,
          to: SENDER,
          data: "0x01",
          createdAt: i,
        }),
      ),
    );
    const taken = await Promise.all(
      ids.map((transactionId, i) =>
        stores[i % 2]!.prepareAttempt(
          {
            transactionId,
            hash: random(),
            nonce: 7,
            fees: { maxFeePerGas: 2n, maxPriorityFeePerGas: 1n },
            purpose: "send",
            state: "prepared",
            raw: "0x02",
            signedAt: 1,
            sentAt: null,
          },
          21_000n,
          null,
        ),
      ),
    );
    expect(taken.filter(Boolean)).to.have.length(1);
  });

  it("outlives a connection that breaks in the middle of a change, and takes the next one [FM:supervised-loop]", async () => {
    const [first, second] = connections.map(({ db }) => db);
    const broken = first!.transaction(async (tx) => {
      const [own] = await rows<{ pid: number }>(tx, sql`select pg_backend_pid() as pid`);
      await second!.execute(sql`select pg_terminate_backend(${own!.pid})`);
      // Long enough for the news to arrive while no question is open.
      await new Promise((resolve) => setTimeout(resolve, 200));
      await tx.execute(sql`select 1`);
    });
    expect(await broken.catch((error: unknown) => error)).to.be.instanceOf(Error);
    expect(await rows(first!, sql`select 1 as one`)).to.deep.equal([{ one: 1 }]);
  });

  it("keeps one of two contradicting receipts that arrive at once over many connections [R9] [FM:job-twice]", async () => {
    const key = makeKey();
    for (let round = 0; round < 5; round++) {
      const first = makeReceipt(key, random());
      const receipts = Array.from({ length: 6 }, (_, i) => ({ ...first, cumulativeFee: BigInt(i) }));
      const kept = await Promise.allSettled(
        receipts.map((receipt, i) =>
          insertSingle(connections[i % 2]!.db, {
            ...{ receipt, receiptId: receiptId(domain, receipt), signature: random(65) },
            ...{ evidence: null, state: "verified", receivedAt: 1 },
          }),
        ),
      );
      expect(kept.filter(({ status }) => status === "fulfilled")).to.have.length(1);
    }
  });
});
