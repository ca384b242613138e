// SPDX-License-Identifier: MIT
// An outsider with a node and the leaves, and nothing else: on the real contracts, against stores and nodes that lie.
import { expect } from "chai";
import { spawn } from "node:child_process";
import { join } from "node:path";
import { Wallet } from "ethers";
import { receiptToWire } from "../../relayer/api/schemas.ts";
import { makeBatch } from "../../relayer/batches/seal.ts";
import { inferenceRegistry } from "../../relayer/chain/abi.ts";
import * as protocol from "../../relayer/protocol/index.ts";
import type { Batch, Domain, Hex, Receipt } from "../../relayer/protocol/index.ts";
import { fileStore, pathOf } from "../../relayer/publication/files.ts";
import { leavesSource } from "../../relayer/verify/leaves.ts";
import type { Report } from "../../relayer/verify/report.ts";
import { verify, type VerifyOptions } from "../../relayer/verify/verify.ts";
import { startFaultProxy, type Fault, type FaultProxy, type RpcCall } from "../support/fault-proxy.ts";
import * as groth16 from "../support/groth16.ts";
import { openHttpDoor } from "../support/http-door.ts";
import { deployProtocol, Mode, NO_DATA, NO_LINEAGE, type Protocol } from "../support/protocol.ts";
import { startKuboServer, type KuboServer } from "../support/stores/kubo-server.ts";
import { startStoreServer, type StoreServer } from "../support/stores/http-store.ts";
import { ipfsStore } from "../../relayer/publication/ipfs.ts";
import { codeOf } from "./support/channels.ts";
import { random, removeDir, tempDir } from "./support/relayer.ts";

interface Settled {
  batch: Batch;
  digest: Hex;
  document: Uint8Array;
  receipts: Receipt[];
  ids: Hex[];
  evidence?: Hex;
}

describe("verification by an outsider", () => {
  let p: Protocol;
  let door: Awaited<ReturnType<typeof openHttpDoor>>;
  let proxy: FaultProxy;
  let folder: string;
  let domain: Domain;
  let key: Wallet;
  let keyId: Hex;
  let vanilla: Hex;
  let zkml: Hex;
  let signed: Settled;
  let proved: Settled;
  let alone: { id: Hex; receipt: Receipt };
  const setup = groth16.makeSetup(3, "OpenGradient development phase 1:");
  const sign = (digest: Hex): Hex => key.signingKey.sign(digest).serialized as Hex;

  async function receipt(over: Partial<Receipt> = {}): Promise<Receipt> {
    const made = (await p.receipt({ keyId, modelId: vanilla })) as unknown as Receipt;
    return { ...made, payer: made.payer.toLowerCase() as Hex, ...over };
  }
  function batchOver(receipts: Receipt[]): Settled & { signature: Hex } {
    const { batch, document } = makeBatch(domain, receipts, `0x${"55".repeat(20)}`);
    const digest = protocol.batchDigest(domain, batch);
    const ids = receipts.map((one) => protocol.receiptId(domain, one));
    return { batch, digest, document, receipts, ids, signature: sign(digest) };
  }
  async function settleSigned(count: number): Promise<Settled> {
    const made = batchOver(await Promise.all(Array.from({ length: count }, () => receipt())));
    await p.registry.settleBatches([{ batch: made.batch, signature: made.signature }]);
    await fileStore(folder).put(made.batch.dataHash, made.document, false);
    return made;
  }
  async function prove(place: number) {
    const [input, output] = [groth16.scalar(`in ${place}`), groth16.scalar(`out ${place}`)];
    const hashes = { inputHash: protocol.signalInputHash(input), outputHash: protocol.circuitOutputHash([output]) };
    const one = await receipt({ ...hashes, modelId: zkml, mode: Mode.ZKML, outputScheme: 2 });
    const binding = protocol.bindingOf(protocol.receiptId(domain, one));
    const proof = groth16.prove(setup, [input, output, binding], 5n + BigInt(place), 7n);
    return { one, evidence: groth16.itemEvidence(proof, [input, output]) as Hex };
  }
  async function settleProved(): Promise<Settled> {
    const made = await Promise.all([prove(0), prove(1), prove(2)]);
    const whole = batchOver(made.map(({ one }) => one));
    const evidence: Hex = `0x${made.map((item) => item.evidence.slice(2)).join("")}`;
    const { batch, signature } = whole;
    await p.registry.settleProvedBatches([
      { batch, modelId: zkml, signature, receipts: protocol.encodeCompact(whole.receipts), evidence },
    ]);
    await fileStore(folder).put(batch.dataHash, whole.document, false);
    return { ...whole, evidence };
  }

  before(async () => {
    p = await deployProtocol();
    door = await openHttpDoor(p.connection.provider);
    proxy = await startFaultProxy(door.url);
    folder = tempDir();
    domain = { chainId: 31337n, verifyingContract: (await p.registry.getAddress()).toLowerCase() as Hex };
    key = new Wallet(Wallet.createRandom().privateKey);
    keyId = (await p.addOperatorKey(await p.registerNode(), key)) as Hex;
    vanilla = (await p.registerModel(1 << Mode.VANILLA)) as Hex;
    const version = {
      ...{ contentHash: random(), uri: "ipfs://scorer", modes: 1 << Mode.ZKML, signals: "in, out, binding" },
      ...{ verifier: await p.groth16.getAddress(), verifyingKey: groth16.keyBytes(setup) },
      ...{ lineage: NO_LINEAGE, ...NO_DATA },
    };
    await p.models.register(version);
    zkml = (await p.models.modelIdOf(p.signers.deployer.address, version)) as Hex;
    await settleSigned(3);
    signed = await settleSigned(5);
    proved = await settleProved();
    const one = await receipt();
    alone = { id: protocol.receiptId(domain, one), receipt: one };
    await p.registry.settleReceipts([{ receipt: one, signature: sign(alone.id), evidence: "0x" }]);
    await settleSigned(2);
  });
  after(async () => {
    await proxy.close();
    await door.close();
    await p.connection.close();
    removeDir(folder);
  });
  afterEach(() => {
    proxy.rule = () => undefined;
  });

  const options = async (leaves: string[] = [folder], over: Partial<VerifyOptions> = {}): Promise<VerifyOptions> => ({
    ...{ rpcUrls: [door.url], registry: domain.verifyingContract },
    ...{ leaves: await Promise.all(leaves.map(leavesSource)), ...over },
  });
  const check = async (id: Hex, over: Partial<VerifyOptions> = {}, leaves?: string[]): Promise<Report> =>
    verify(id, await options(leaves, over));
  const outcomes = ({ checks }: Report) => Object.fromEntries(checks.map(({ what, outcome }) => [what, outcome]));
  const how = ({ checks }: Report, what: string): string => checks.find((one) => one.what === what)!.how;
  /** What every node that is asked answers to calls of one function. */
  const lie =
    (name: string, change: (values: unknown[]) => unknown[]) =>
    (call: RpcCall): Fault | undefined => {
      const data = (call.params[0] as { data?: string })?.data ?? "";
      const { selector } = inferenceRegistry.getFunction(name)!;
      if (call.method !== "eth_call" || !data.startsWith(selector)) return undefined;
      const result = (honest: unknown): unknown => {
        const values = inferenceRegistry.decodeFunctionResult(name, honest as string).toArray();
        return inferenceRegistry.encodeFunctionResult(name, change(values));
      };
      return { kind: "change", result };
    };

  it("rebuilds a batch from chain and leaves, and has the registry open every receipt [R1] [R3] [FM:root-from-caller]", async () => {
    const report = await check(signed.digest);
    expect(report.ok).to.equal(true);
    expect(outcomes(report)).to.deep.equal({
      ...{ registry: "ok", batch: "ok", settled: "ok", leaves: "ok", header: "ok", root: "ok" },
      ...{ signature: "ok", openings: "ok" },
    });
    expect(how(report, "root")).to.contain(`on chain ${signed.batch.root}`);
    expect(how(report, "openings")).to.contain("5 of 5");
  });

  it("opens a receipt by the view that contracts use, and hands out the opening [R3]", async () => {
    const report = await check(signed.ids[3]!, { batch: signed.digest });
    expect(report.ok).to.equal(true);
    expect(how(report, "place")).to.equal("leaf 3 of 5");
    const found = await p.registry.verification(report.facts["opening"] as protocol.Opening);
    expect([found.verified, found.receiptId]).to.deep.equal([true, signed.ids[3]]);
  });

  it("checks the proofs of a proved batch once more, and the receipts with them [FM:unchecked-evidence]", async () => {
    for (const [id, over] of [
      [proved.digest, {}],
      [proved.ids[1]!, { batch: proved.digest }],
    ] as const) {
      const report = await check(id, over);
      expect(report.ok).to.equal(true);
      expect(outcomes(report)).to.include({ proofs: "ok", signature: "ok" });
      expect(how(report, "proofs")).to.contain("3 Groth16 proofs");
    }
  });

  it("verifies a receipt that settled alone from the calldata that settled it", async () => {
    const report = await check(alone.id, {}, []);
    expect(report.ok).to.equal(true);
    expect(outcomes(report)).to.include({ receipt: "ok", signature: "ok", verified: "ok" });
  });

  it("finds a receipt's batch by searching, and by a leaves file alone", async () => {
    const searched = await check(signed.ids[0]!, { fromBlock: 0, step: 3 });
    expect(searched.ok).to.equal(true);
    const file = join(folder, pathOf(signed.batch.dataHash));
    const found = await check(signed.ids[0]!, {}, [file]);
    expect(found.ok).to.equal(true);
    expect((found.facts["batch"] as { digest: Hex }).digest).to.equal(signed.digest);
  });

  it("searches on in smaller steps where a node finds the range too large", async () => {
    const width = (from: string, to: string): number => Number(to) - Number(from) + 1;
    const asked: number[] = [];
    proxy.rule = ({ method, params }) => {
      if (method !== "eth_getLogs") return undefined;
      const [{ fromBlock, toBlock }] = params as [{ fromBlock: string; toBlock: string }];
      asked.push(width(fromBlock, toBlock));
      return asked.at(-1)! > 2
        ? { kind: "refuse", code: -32_000, message: "query returned too many results" }
        : undefined;
    };
    const report = await check(signed.ids[0]!, { fromBlock: 0, rpcUrls: [proxy.url], step: 16 });
    expect(report.ok).to.equal(true);
    expect(asked.slice(0, 4)).to.deep.equal([16, 8, 4, 2]);
  });

  it("says of a receipt in no batch that it is in none, and of one it cannot look for that nothing is known [FM:outage-not-found]", async () => {
    const nowhere = await check(random(), { fromBlock: 0 });
    expect(nowhere.ok).to.equal(false);
    expect(how(nowhere, "found")).to.contain("is in none of 4 batches");
    expect(await codeOf(check(random()))).to.equal("not_found");
  });

  it("refuses a receipt that is not in the batch named for it [FM:root-from-caller]", async () => {
    const report = await check(signed.ids[0]!, { batch: proved.digest });
    expect(report.ok).to.equal(false);
    expect(outcomes(report)).to.include({ root: "ok", place: "failed" });
    const unsettled = await check(signed.ids[0]!, { batch: random() });
    expect(outcomes(unsettled)).to.include({ settled: "failed" });
  });

  describe("against stores that lie", () => {
    let server: StoreServer;
    let serve: () => { status: number; body?: Uint8Array | string; headers?: Record<string, string> };
    before(async () => {
      server = await startStoreServer(() => serve());
    });
    after(() => server.close());

    it("goes on to the next source from one that has other bytes, too many, or none [FM:poison-item]", async () => {
      const other = Buffer.from(signed.document);
      other[200] = other[200]! ^ 1;
      for (const answer of [
        { status: 200, body: other },
        { status: 200, body: Buffer.alloc(signed.document.length + 1) },
        { status: 404 },
        { status: 302, headers: { location: "http://127.0.0.2:9/" } },
        { status: 302, headers: { location: "https://10.0.0.1/" } },
      ]) {
        serve = () => answer;
        const url = `${server.url}/{path}`;
        expect(await codeOf(check(signed.digest, {}, [url]))).to.equal("no_leaves");
        const report = await check(signed.digest, {}, [url, folder]);
        expect(how(report, "leaves")).to.contain(`from ${folder}`);
      }
    });

    it("reads over a URL, asking no other host than the one that is named", async () => {
      serve = () => ({ status: 200, body: signed.document });
      server.requests.length = 0;
      const report = await check(signed.digest, {}, [`${server.url}/some/{path}`]);
      expect(report.ok).to.equal(true);
      expect(server.requests.map(({ url }) => url.pathname)).to.deep.equal([`/some/${pathOf(signed.batch.dataHash)}`]);
    });

    it("takes a relayer's hint for no more than a place to look [R1]", async () => {
      serve = () => ({ status: 200, body: JSON.stringify({ batch: proved.digest, places: [] }) });
      const report = await check(signed.ids[0]!, { relayer: server.url });
      expect(report.ok).to.equal(false);
      expect(outcomes(report)).to.include({ hint: "note", place: "failed" });
      serve = () => ({
        status: 200,
        body: JSON.stringify({ batch: signed.digest, places: [{ store: "ipfs", locator: "../../x" }] }),
      });
      expect((await check(signed.ids[0]!, { relayer: server.url })).ok).to.equal(true);
    });

    it("needs the receipt itself where another contract settled it, and hashes what a relayer says it is [R1]", async () => {
      proxy.rule = ({ method }) =>
        method === "eth_getTransactionByHash"
          ? { kind: "answer", result: { to: `0x${"77".repeat(20)}`, input: "0x" } }
          : undefined;
      const over = { rpcUrls: [proxy.url] };
      expect(await codeOf(check(alone.id, over, []))).to.equal("not_found");
      const said = receiptToWire(alone.receipt);
      serve = () => ({ status: 200, body: JSON.stringify({ receipt: said }) });
      const report = await check(alone.id, { ...over, relayer: server.url }, []);
      expect(report.ok).to.equal(true);
      expect(outcomes(report)).to.include({ receipt: "ok", signature: "note", verified: "ok" });
      serve = () => ({ status: 200, body: JSON.stringify({ receipt: { ...said, cumulativeFee: "1" } }) });
      expect(outcomes(await check(alone.id, { ...over, relayer: server.url }, []))).to.include({ receipt: "failed" });
    });
  });

  it("finds leaves in IPFS by what the chain says alone", async () => {
    const kubo: KuboServer = await startKuboServer();
    try {
      await ipfsStore({ rpcUrl: kubo.url, gatewayUrl: null, timeoutMs: 5_000 }).put(
        signed.batch.dataHash,
        signed.document,
        false,
      );
      kubo.requests.length = 0;
      expect((await check(signed.digest, {}, [`ipfs:${kubo.url}`])).ok).to.equal(true);
      expect(kubo.requests.map(({ method }) => method)).to.deep.equal(["GET"]);
    } finally {
      await kubo.close();
    }
  });

  describe("against nodes that lie", () => {
    it("sees an event that is not of the digest", async () => {
      proxy.rule = ({ method }) =>
        method !== "eth_getLogs"
          ? undefined
          : {
              kind: "change",
              result: (honest) => {
                const [log] = honest as { data: string }[];
                return [{ ...log, data: log!.data.replace(signed.batch.root.slice(2), proved.batch.root.slice(2)) }];
              },
            };
      const report = await check(signed.digest, { rpcUrls: [proxy.url] });
      expect(report.ok).to.equal(false);
      expect(outcomes(report)).to.include({ batch: "failed" });
    });

    it("sees one that says otherwise than another, or says nothing", async () => {
      const over = { rpcUrls: [door.url, proxy.url] };
      expect((await check(signed.digest, over)).ok).to.equal(true);
      proxy.rule = lie("settledAt", () => [1n]);
      expect(await codeOf(check(signed.digest, over))).to.equal("nodes_disagree");
      proxy.rule = lie("settledReceipts", ([node, times, reasons]) => [
        node,
        times,
        (reasons as bigint[]).map(() => 10n),
      ]);
      expect(await codeOf(check(signed.digest, over))).to.equal("nodes_disagree");
      proxy.rule = ({ method }) => (method === "eth_call" ? { kind: "drop" } : undefined);
      expect(await codeOf(check(signed.digest, over))).to.equal("chain_unavailable");
    });

    it("sees a verification of another receipt, and one that says no", async () => {
      const over = { batch: signed.digest, rpcUrls: [proxy.url] };
      const change = (fields: object) =>
        lie("verification", ([found]) => [{ ...(found as { toObject(): object }).toObject(), ...fields }]);
      proxy.rule = change({ receiptId: random() });
      expect(outcomes(await check(signed.ids[0]!, over))).to.include({ id: "failed" });
      proxy.rule = change({ verified: false, reason: 10n });
      const report = await check(signed.ids[0]!, over);
      expect(report.ok).to.equal(false);
      expect(how(report, "verified")).to.contain("KeyDistrusted");
    });

    it("sees calldata with another signature, or with proofs of something else", async () => {
      const forge = (from: RegExp, to: string) =>
        (proxy.rule = ({ method }: RpcCall) =>
          method !== "eth_getTransactionByHash"
            ? undefined
            : {
                kind: "change",
                result: (honest: unknown) => {
                  const sent = honest as { input: string };
                  const input = sent.input.replace(from, to);
                  if (input === sent.input) throw new Error("nothing was changed");
                  return { ...sent, input };
                },
              });
      const stranger = Wallet.createRandom().signingKey.sign(signed.digest).serialized.slice(2);
      forge(new RegExp(sign(signed.digest).slice(2)), stranger);
      const other = await check(signed.digest, { rpcUrls: [proxy.url] });
      expect(outcomes(other)).to.include({ root: "ok", signature: "failed" });
      // A proof as good as any, of another receipt: one bit of the binding is not this one's.
      const [input, output] = [groth16.scalar("in 0"), groth16.scalar("out 0")];
      const signals = [input, output, protocol.bindingOf(proved.ids[0]!) ^ 1n];
      const other0 = groth16.itemEvidence(groth16.prove(setup, signals, 5n, 7n), [input, output]);
      forge(new RegExp(proved.evidence!.slice(2, 2 + (proved.evidence!.length - 2) / 3)), other0.slice(2));
      const proofs = await check(proved.digest, { rpcUrls: [proxy.url] });
      expect(outcomes(proofs)).to.include({ root: "ok", signature: "ok", proofs: "failed" });
      expect(how(proofs, "proofs")).to.contain("InvalidProof: Proofs 0 do not hold");
    });
  });

  it("sees a node that signed a root over other leaves than it published, or leaves of another batch [R1] [FM:root-from-caller]", async () => {
    const settle = async (batch: Batch) => {
      const digest = protocol.batchDigest(domain, batch);
      await p.registry.settleBatches([{ batch, signature: sign(digest) }]);
      expect(await p.registry.settledAt(digest)).to.not.equal(0n);
      return digest;
    };
    const [real, shown] = [
      batchOver([await receipt(), await receipt()]),
      batchOver([await receipt(), await receipt()]),
    ];
    await fileStore(folder).put(shown.batch.dataHash, shown.document, false);
    const other = await check(await settle({ ...real.batch, dataHash: shown.batch.dataHash }));
    expect(other.ok).to.equal(false);
    expect(outcomes(other)).to.include({ leaves: "ok", header: "ok", root: "failed" });
    // The same receipts under the domain of another chain: their ids would be others.
    const document = protocol.leavesDocument({ ...domain, chainId: 1n }, real.batch, real.receipts);
    const dataHash = protocol.dataHashOf(document);
    await fileStore(folder).put(dataHash, document, false);
    const foreign = await check(await settle({ ...real.batch, dataHash }));
    expect(outcomes(foreign)).to.include({ leaves: "ok", header: "failed" }).and.not.have.property("root");
  });

  it("says how many receipts of a batch do not read as verified, and why, and fails for such a receipt [R4]", async () => {
    // A batch settles without a look at the times of its receipts: this one holds an answer from long before.
    const old = await receipt();
    const made = batchOver([await receipt(), { ...old, completedAt: old.completedAt - 20n * 86_400n }]);
    await p.registry.settleBatches([{ batch: made.batch, signature: made.signature }]);
    await fileStore(folder).put(made.batch.dataHash, made.document, false);
    const report = await check(made.digest);
    expect(report.ok).to.equal(true);
    const openings = report.checks.filter(({ what }) => what === "openings");
    expect(openings.map(({ outcome }) => outcome)).to.deep.equal(["ok", "note"]);
    expect(openings[1]!.how).to.contain("1 receipts (1) do not read as verified");
    const single = await check(made.ids[1]!, { batch: made.digest });
    expect(single.ok).to.equal(false);
  });

  describe("the program", () => {
    async function run(...args: string[]): Promise<{ code: number | null; out: string; err: string }> {
      const env = { PATH: process.env["PATH"], HOME: process.env["HOME"] } as NodeJS.ProcessEnv;
      const tsx = ["--import", import.meta.resolve("tsx"), "relayer/main.ts"];
      const child = spawn(process.execPath, [...tsx, "verify", ...args], { env });
      let [out, err] = ["", ""];
      child.stdout.on("data", (chunk) => (out += String(chunk)));
      child.stderr.on("data", (chunk) => (err += String(chunk)));
      const code = await new Promise<number | null>((resolve) => child.once("close", resolve));
      return { code, out, err };
    }
    const where = (): string[] => ["--rpc", door.url, "--registry", domain.verifyingContract];

    it("needs no configuration, ledger or key, prints each check, and ends with 0 or 1 [R8]", async () => {
      const good = await run(signed.digest, ...where(), "--leaves", folder);
      expect([good.code, good.err]).to.deep.equal([0, ""]);
      expect(good.out).to.contain(signed.batch.root).and.contain("All checks hold.");
      const json = await run(signed.ids[1]!, ...where(), "--leaves", folder, "--batch", signed.digest, "--json");
      const { ok, facts } = JSON.parse(json.out) as Report;
      expect([json.code, ok, (facts["opening"] as { index: number }).index]).to.deep.equal([0, true, 1]);
      const bad = await run(signed.ids[1]!, ...where(), "--leaves", folder, "--batch", proved.digest);
      expect(bad.code).to.equal(1);
      expect(bad.out).to.contain("FAIL  place").and.contain("NOT VERIFIED.");
    });
  });
}).timeout(180_000);
