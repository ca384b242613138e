import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect } from "chai";
import { verifyTypedData } from "ethers";
import fc from "fast-check";
import { createNode, localKey, openRequestStore, type NodeOptions } from "../../relayer/node/index.ts";
import * as protocol from "../../relayer/protocol/index.ts";
import type { Hex } from "../../relayer/protocol/index.ts";
import { receiptTypes } from "../support/protocol.ts";

const key = localKey(`0x${"07".repeat(32)}`);
const modelId: Hex = `0x${"aa".repeat(32)}`;
const domain = { chainId: 31337n, verifyingContract: protocol.ZERO_ADDRESS };
const id = (byte: number): Hex => `0x${byte.toString(16).padStart(64, "0")}`;
const answer = (text: string) => async () => ({
  outputHash: protocol.contentHash(text),
  body: new TextEncoder().encode(text),
});
const thrown = (work: Promise<unknown>) =>
  work.then(
    () => null,
    (error: Error & { code?: string }) => error,
  );

describe("node: serving", () => {
  let folder: string;
  let file: string;
  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), "node-"));
    file = join(folder, "requests.db");
  });
  afterEach(() => rmSync(folder, { recursive: true, force: true }));
  /** Each call is a node that starts on what the last one left. */
  const start = (over: Partial<NodeOptions> = {}) =>
    createNode({ key, mode: 0, modelId, domain, relayer: "http://127.0.0.1:1", store: file, ...over });

  it("signs a receipt of its own for each answer", async () => {
    const served = await start().serve({ requestId: id(1), inputHash: id(2), cumulativeFee: 5n }, answer("yes"));
    expect(served.receipt).to.deep.include({ keyId: key.keyId, modelId, requestId: id(1), cumulativeFee: 5n, mode: 0 });
    expect(served.receiptId).to.equal(protocol.receiptId(domain, served.receipt));
    const signer = verifyTypedData(protocol.typedDataDomain(domain), receiptTypes, served.receipt, served.signature);
    expect(signer.toLowerCase()).to.equal(protocol.addressOf(protocol.fromHex(key.publicKey)));
  });

  it("answers a repeat with the stored receipt, after a restart too", async () => {
    let runs = 0;
    const infer = async () => answer(`run ${++runs}`)();
    const ask = { requestId: id(1), inputHash: id(2) };
    const first = await start().serve(ask, infer);
    const again = await start({ now: () => Date.now() + 60_000 }).serve(ask, infer);
    expect(again).to.deep.equal({ ...first, repeated: true });
    expect(runs).to.equal(1);
  });

  it("refuses two inputs under one id: it can never be made to equivocate", async () => {
    const node = start();
    await node.serve({ requestId: id(1), inputHash: id(2) }, answer("yes"));
    const variants = [{ inputHash: id(3) }, { contextHash: id(4) }, { cumulativeFee: 1n }];
    for (const variant of variants) {
      const work = node.serve({ requestId: id(1), inputHash: id(2), ...variant }, answer("no"));
      expect(await thrown(work)).to.deep.include({ code: "request_id_taken" });
    }
    const other = start({ modelId: id(9) }).serve({ requestId: id(1), inputHash: id(2) }, answer("no"));
    expect(await thrown(other)).to.deep.include({ code: "request_id_taken" });
  });

  it("takes an id for the same however it is spelled", async () => {
    const node = start();
    const requestId = id(0xabc);
    const shouted = `0x${requestId.slice(2).toUpperCase()}` as Hex;
    await node.serve({ requestId, inputHash: id(2) }, answer("yes"));
    expect((await node.serve({ requestId: shouted, inputHash: id(2) }, answer("no"))).repeated).to.equal(true);
    const other = node.serve({ requestId: shouted, inputHash: id(3) }, answer("no"));
    expect(await thrown(other)).to.deep.include({ code: "request_id_taken" });
    const short = node.serve({ requestId: requestId.slice(0, 64) as Hex, inputHash: id(3) }, answer("no"));
    expect(await thrown(short)).to.deep.include({ code: "malformed_hex" });
  });

  it("runs a request once for all who ask at the same time", async () => {
    let runs = 0;
    const node = start();
    const infer = async () => {
      runs++;
      await new Promise((resolve) => setTimeout(resolve, 20));
      return answer("yes")();
    };
    const served = await Promise.all([1, 2, 3].map(() => node.serve({ requestId: id(1), inputHash: id(2) }, infer)));
    expect(runs).to.equal(1);
    expect(new Set(served.map(({ signature }) => signature)).size).to.equal(1);
  });

  it("two processes over one store give one answer", async () => {
    const ask = { requestId: id(1), inputHash: id(2) };
    const [a, b] = await Promise.all([start().serve(ask, answer("a")), start().serve(ask, answer("b"))]);
    expect(a.receiptId).to.equal(b.receiptId);
    expect(a.body).to.deep.equal(b.body);
  });

  it("killed between reserving and signing: the id stays taken, for the same request only", async () => {
    const script = new URL("../support/crashing-node.ts", import.meta.url).pathname;
    const child = spawn(process.execPath, ["--import", "tsx", script, file, id(1), id(2)], { stdio: "pipe" });
    await once(child.stdout, "data");
    child.kill("SIGKILL");
    await once(child, "exit");
    const node = start();
    expect(await thrown(node.serve({ requestId: id(1), inputHash: id(3) }, answer("no")))).to.deep.include({
      code: "request_id_taken",
    });
    const served = await node.serve({ requestId: id(1), inputHash: id(2) }, answer("yes"));
    expect(served.repeated).to.equal(false);
  });

  it("killed between signing and keeping: the same receipt is signed again, and no other", async () => {
    const store = openRequestStore(file);
    const digests: Hex[] = [];
    const watched = { ...key, sign: (digest: Hex) => (digests.push(digest), key.sign(digest)) };
    const dying = start({
      key: watched,
      store: {
        ...store,
        issue: () => {
          throw new Error("killed");
        },
      },
    });
    const ask = { requestId: id(1), inputHash: id(2) };
    expect(await thrown(dying.serve(ask, answer("first")))).to.deep.include({ message: "killed" });
    const served = await start({ key: watched }).serve(ask, answer("second"));
    expect(new TextDecoder().decode(served.body)).to.equal("first");
    expect(digests).to.deep.equal([served.receiptId, served.receiptId]);
    expect((await start().serve(ask, answer("third"))).signature).to.equal(served.signature);
  });

  it("a failed run can be tried again", async () => {
    const node = start();
    const ask = { requestId: id(1), inputHash: id(2) };
    expect(await thrown(node.serve(ask, () => Promise.reject(new Error("out of memory"))))).to.deep.include({
      message: "out of memory",
    });
    expect((await node.serve(ask, answer("yes"))).repeated).to.equal(false);
  });

  it("whatever is asked and whenever it dies, one id never has two receipts", async () => {
    const step = fc.record({
      requestId: fc.integer({ min: 1, max: 3 }),
      input: fc.integer({ min: 1, max: 2 }),
      fee: fc.integer({ min: 0, max: 1 }),
      fate: fc.constantFrom("fine", "fine", "infer fails", "dies before keeping", "restarts"),
    });
    await fc.assert(
      fc.asyncProperty(fc.array(step, { maxLength: 25 }), async (steps) => {
        const store = openRequestStore(":memory:");
        const seen = new Map<Hex, Hex>();
        let node = start({ store });
        let round = 0;
        for (const { requestId, input, fee, fate } of steps) {
          if (fate === "restarts") node = start({ store });
          const dying = { ...store, issue: () => Promise.reject(new Error("killed")) as never };
          const one = fate === "dies before keeping" ? start({ store: dying }) : node;
          const ask = { requestId: id(requestId), inputHash: id(input), cumulativeFee: BigInt(fee) };
          const infer = fate === "infer fails" ? () => Promise.reject(new Error("no")) : answer(`run ${++round}`);
          const served = await one.serve(ask, infer).catch(() => null);
          if (!served) continue;
          expect(served.receipt).to.deep.include(ask);
          expect(seen.get(ask.requestId) ?? served.receiptId).to.equal(served.receiptId);
          seen.set(ask.requestId, served.receiptId);
        }
        store.close();
      }),
      { numRuns: 100 },
    );
  });

  it("refuses a key that cannot stand for its mode", () => {
    expect(() => start({ mode: protocol.Mode.TEE })).to.throw(/enclave/);
    expect(() => start({ key: localKey(`0x${"07".repeat(32)}`, 1) })).to.throw(/enclave/);
    expect(() => start({ mode: protocol.Mode.ZKML })).to.throw(/prove/);
  });
});
