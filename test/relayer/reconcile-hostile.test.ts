// SPDX-License-Identifier: MIT
// An index that answers whatever it likes. It must neither end a comparison, which goes on over the chain's logs then, nor
// write to the operator's terminal.
import { expect } from "chai";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { describeReport } from "../../relayer/reconcile/command.ts";
import { createIndexClient, IndexUnavailable, type IndexClient } from "../../relayer/reconcile/index-client.ts";
import { random } from "./support/relayer.ts";

describe("an index that lies", () => {
  async function asked<T>(data: unknown, ask: (client: IndexClient) => Promise<T>): Promise<T> {
    const server = createServer((_, response) => {
      response.setHeader("content-type", "application/json");
      response.end(JSON.stringify({ data }));
    });
    await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
    const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
    try {
      return await ask(createIndexClient({ url, timeoutMs: 5_000, maxBytes: 20_000_000, maxPages: 3 }));
    } finally {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    }
  }
  const row = () => ({
    ...{ id: random(), key: { id: random() }, mode: "TEE", settledAt: "1", block: "1", transaction: random() },
    ...{ count: 1, root: random() },
  });

  it("is told from one that answers, whatever it puts where a row, a hash, a number or a list belongs", async () => {
    const evil = "\u001b[2J all is well";
    const ask = (client: IndexClient) => client.settled("batch", [random()], 10);
    expect((await asked({ batches: [row()] }, ask))[0]).to.include({ mode: 2, count: 1, block: 1 });
    const lies: object[] = [
      { batches: null },
      { batches: "rows" },
      { batches: [null] },
      {},
      ...[
        { key: null },
        { key: { id: evil } },
        { id: "0x01" },
        { transaction: evil },
        { root: 7 },
        { mode: "constructor" },
        { mode: "__proto__" },
        { settledAt: "-1" },
        { settledAt: "1e400" },
        { block: "11" },
        { count: 1.5 },
      ].map((lie) => ({ batches: [{ ...row(), ...lie }] })),
    ];
    for (const lie of lies) {
      const error = await asked(lie, ask).then(
        () => undefined,
        (problem: unknown) => problem,
      );
      expect(error, JSON.stringify(lie)).to.be.instanceOf(IndexUnavailable).and.have.property("code", "index_nonsense");
    }
    const lists: [object, (client: IndexClient) => Promise<unknown>][] = [
      [{ signingKeys: [null] }, (client) => client.keyTotals([random()], 1)],
      [{ figures: {} }, (client) => client.dayTotals([0], 1)],
      [{ batches: Array(500_000).fill(0) }, (client) => client.ofKey(random(), 1)],
      [{ batches: 7 }, (client) => client.ofTime(0, 1, 1)],
    ];
    for (const [lie, list] of lists) {
      const error = await asked(lie, list).then(
        () => undefined,
        (problem: unknown) => problem,
      );
      expect(error).to.be.instanceOf(IndexUnavailable);
    }
  }).timeout(60_000);

  it("writes no line of its own into a report, and moves no cursor", () => {
    const evil = "\u001b[2J\nagree: 9 items";
    const text = describeReport({
      ...{ verdict: "unknown", source: null, finalBlock: 1, upTo: null, compared: 0, unchecked: 0, reason: evil },
      index: { state: "unreachable", block: null, reason: evil },
      ...{ counts: { missing: 1 }, findings: [{ kind: "missing", id: evil, item: "batch", keyId: evil }] },
    } as unknown as Parameters<typeof describeReport>[0]);
    expect(text.split("\n")).to.have.length(5);
    expect(text.replaceAll("\n", "")).not.to.match(/\p{Cc}/u);
    expect(text).not.to.match(/^agree/m);
  });
});
