import { expect } from "chai";
import { createRpc } from "../../relayer/chain/rpc.ts";
import { startFaultProxy, type FaultProxy } from "../support/fault-proxy.ts";
import { CHAIN_ID, startLocalChain, type LocalChain } from "../support/local-chain.ts";

describe("RPC over several nodes", () => {
  let chain: LocalChain;
  let a: FaultProxy;
  let b: FaultProxy;
  before(async () => {
    chain = await startLocalChain();
    a = await startFaultProxy(chain.url);
    b = await startFaultProxy(chain.url);
  });
  after(async () => {
    await a.close();
    await b.close();
    await chain.close();
  });
  beforeEach(() => {
    for (const proxy of [a, b]) {
      proxy.rule = () => undefined;
      proxy.calls.length = 0;
    }
  });
  const rpc = (over = {}) => createRpc({ urls: [a.url, b.url], chainId: CHAIN_ID, timeoutMs: 1_500, ...over });
  const failure = (work: Promise<unknown>) =>
    work.then(
      () => null,
      (error: Error & { code?: string }) => error,
    );
  const asked = (proxy: FaultProxy) => proxy.calls.filter(({ method }) => method === "eth_blockNumber").length;

  for (const fault of [
    { kind: "drop" },
    { kind: "delay", ms: 6_000 },
    { kind: "http", status: 500 },
    { kind: "http", status: 429, body: '{"error":{"code":-32005,"message":"slow down"}}' },
    { kind: "http", status: 200, body: "<html>busy</html>" },
    { kind: "refuse", code: -32005, message: "limit exceeded" },
  ] as const) {
    it(`asks the next node after ${JSON.stringify(fault)}, and rests the one that failed [FM:outage-not-found]`, async () => {
      let clock = 0;
      const both = rpc({ now: () => clock });
      a.rule = ({ method }) => (method === "eth_blockNumber" ? fault : undefined);
      expect(Number(await both.request("eth_blockNumber", []))).to.be.greaterThan(-1);
      expect(both.health().map(({ healthy }) => healthy)).to.deep.equal([false, true]);
      await both.request("eth_blockNumber", []);
      expect(asked(a)).to.equal(1);
      a.rule = () => undefined;
      clock += 60_000;
      await both.request("eth_blockNumber", []);
      expect(asked(a)).to.equal(2);
      expect(both.health().map(({ healthy }) => healthy)).to.deep.equal([true, true]);
    });
  }

  it("takes a node's refusal for an answer: it stays healthy, and no other is asked [FM:nonce-misclassified]", async () => {
    const both = rpc();
    // The chain id is asked first; let that pass.
    a.rule = ({ method }) =>
      method === "eth_chainId" ? undefined : { kind: "refuse", code: -32000, message: "nonce too low" };
    const error = await failure(both.request("eth_sendRawTransaction", ["0x00"]));
    expect(error).to.deep.include({ code: "node_refused", message: "nonce too low", rpcCode: -32000 });
    expect(b.calls).to.have.length(0);
    expect(both.health()[0]).to.deep.include({ healthy: true, consecutiveFailures: 0, lastError: null });
  });

  it("says that nothing is known when no node answers, with each reason [FM:outage-not-found]", async () => {
    a.rule = () => ({ kind: "drop" });
    b.rule = () => ({ kind: "http", status: 503 });
    const error = await failure(rpc().request("eth_blockNumber", []));
    expect(error).to.deep.include({ code: "chain_unavailable" });
    expect(error!.message).to.match(/503/);
  });

  it("uses no answer of a node that serves another chain", async () => {
    a.rule = ({ method }) => (method === "eth_chainId" ? { kind: "answer", result: "0x1" } : undefined);
    const both = rpc();
    await both.request("eth_blockNumber", []);
    expect(asked(a)).to.equal(0);
    expect(both.health()[0]!.lastError).to.match(/serves chain 1/);
  });

  it("hides keys in URLs from its health", async () => {
    const health = rpc({ urls: [`${a.url}/v2/secret?key=secret`] }).health();
    expect(JSON.stringify(health)).to.not.match(/secret/);
  });

  it("asks everyone where one answer is not enough", async () => {
    b.rule = () => ({ kind: "drop" });
    const answers = await rpc().requestAll("eth_blockNumber", []);
    expect(answers.map(({ ok }) => ok)).to.deep.equal([true, false]);
  });
});
