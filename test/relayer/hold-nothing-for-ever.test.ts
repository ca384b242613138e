// SPDX-License-Identifier: MIT
// What a bad moment leaves behind must not stop a relayer, nor keep a receipt until it is worthless.
import { expect } from "chai";
import { writeFileSync } from "node:fs";
import { hostname } from "node:os";
import { join } from "node:path";
import { createChainReader } from "../../relayer/chain/reader.ts";
import type { Rpc } from "../../relayer/chain/rpc.ts";
import { readChain } from "../../relayer/chain/sending.ts";
import * as protocol from "../../relayer/protocol/index.ts";
import { openDatabase } from "../../relayer/store/database.ts";
import { lockDirectory } from "../../relayer/store/lock.ts";
import { goAlone, insertSingle, readSingle } from "../../relayer/store/singles.ts";
import { domain, makeKey, makeReceipt, nowSeconds, random, removeDir, tempDir } from "./support/relayer.ts";

describe("lock of a data directory", () => {
  let directory: string;
  beforeEach(() => void (directory = tempDir()));
  afterEach(() => removeDir(directory));
  const leave = (content: string): void => writeFileSync(join(directory, "relayer.pid"), content);
  const take = (): unknown => {
    try {
      lockDirectory(directory)();
      return "taken";
    } catch (error) {
      return (error as { code?: string }).code;
    }
  };

  it("left by a killed predecessor of the same number, as in a container, is taken over [FM:supervised-loop]", () => {
    leave(`${process.pid} ${hostname()}`);
    expect(take()).to.equal("taken");
    leave(String(process.pid));
    expect(take()).to.equal("taken");
  });

  it("half written or damaged is taken over", () => {
    for (const content of ["", "\0\0\0", "no number at all"]) {
      leave(content);
      expect(take(), JSON.stringify(content)).to.equal("taken");
    }
  });

  it("stands while its process lives, in this one or another, or cannot be asked for [R8]", () => {
    const release = lockDirectory(directory);
    expect(take()).to.equal("data_dir_in_use");
    release();
    leave(`${process.ppid} ${hostname()}`);
    expect(take()).to.equal("data_dir_in_use");
    leave(`4194304 another-${hostname()}`);
    expect(take()).to.equal("data_dir_in_use");
  });
});

describe("a receipt handed in late", () => {
  it("waits for a signature no longer than half of what the chain allows from its completion [R4]", async () => {
    const dataDir = tempDir();
    const { db, close } = await openDatabase({ dataDir });
    try {
      const key = makeKey();
      const hoursOld = async (hours: bigint): Promise<number> => {
        const receipt = makeReceipt(key, random(), { completedAt: nowSeconds() - hours * 3_600n });
        const receiptId = protocol.receiptId(domain, receipt);
        const signature = key.sign(receiptId);
        const made = { receipt, receiptId, signature, evidence: null, state: "verified" as const };
        return (await insertSingle(db, { ...made, receivedAt: Date.now() })).id;
      };
      const [late, inTime] = [await hoursOld(37n), await hoursOld(35n)];
      expect(await goAlone(db, Date.now() - 36 * 3_600_000)).to.equal(1);
      expect((await readSingle(db, late))!.alone).to.equal(true);
      expect((await readSingle(db, inTime))!.alone).to.equal(false);
    } finally {
      await close();
      removeDir(dataDir);
    }
  });
});

describe("a node that answers nonsense", () => {
  const codeOf = (work: Promise<unknown>): Promise<unknown> =>
    work.then(
      () => null,
      (error: { code?: string; name: string }) => error.code ?? error.name,
    );

  it("has not answered: nothing is known, and it is no failure of ours [FM:outage-not-found]", async () => {
    const separator = protocol.toHex(protocol.domainSeparator(domain));
    const word = `0x${"00".repeat(12)}${"33".repeat(20)}`;
    let nonsense: unknown;
    let asked = 0;
    const request = async (): Promise<unknown> => (asked++ === 0 ? separator : asked <= 4 ? word : nonsense);
    const requestAll = async (): Promise<unknown> => [{ ok: true, value: nonsense }];
    const rpc = { request, requestAll } as unknown as Rpc;
    const reader = await createChainReader({ rpc, domain, ttlMs: 0 });
    for (nonsense of ["0x12", word, "hello", null]) {
      expect(await codeOf(reader.signingKey(random(), 0)), String(nonsense)).to.equal("chain_unavailable");
    }
    nonsense = null;
    expect(await codeOf(reader.head())).to.equal("chain_unavailable");
    expect(await codeOf(readChain(rpc, random(20), { confirmations: 1 }))).to.equal("chain_unavailable");
  });
});
