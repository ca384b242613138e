import { expect } from "chai";
import { Wallet, parseEther } from "ethers";
import type { ManagerPolicy, SendListener, TransactionSigner } from "../../relayer/chain/manager-options.ts";
import { createRpc } from "../../relayer/chain/rpc.ts";
import { createInProcessQueue } from "../../relayer/queue/in-process.ts";
import type { TransactionStore } from "../../relayer/chain/transaction-store.ts";
import { createTransactionManager } from "../../relayer/chain/transactions.ts";
import { startFaultProxy, type FaultProxy } from "../support/fault-proxy.ts";
import { CHAIN_ID, startLocalChain, type LocalChain } from "../support/local-chain.ts";
import { memoryTransactions } from "../support/memory-transactions.ts";

const GWEI = 10n ** 9n;
const SINK = "0x000000000000000000000000000000000000dEaD";
// PUSH0 PUSH0 REVERT: reverts whatever it is asked.
const REVERTER = "0x00000000000000000000000000000000000bad00";

const policy: ManagerPolicy = {
  maxFeePerGas: 1_000n * GWEI,
  maxPriorityFeePerGas: 5n * GWEI,
  bumpPercent: 10,
  ceilingMultiplier: 5,
  resubmitAfterMs: 60_000,
  rebroadcastAfterMs: 12_000,
  parkMs: 30_000,
  finality: { confirmations: 3 },
  maxInFlight: 16,
  estimateTries: 2,
  pollMs: 20,
};

describe("transaction manager on a real node", () => {
  let chain: LocalChain;
  let proxy: FaultProxy;
  let second: FaultProxy;
  let wallet: InstanceType<typeof Wallet>;
  let db: ReturnType<typeof memoryTransactions>;
  let clock: number;

  before(async () => {
    chain = await startLocalChain();
    proxy = await startFaultProxy(chain.url);
    second = await startFaultProxy(chain.url);
    await chain.rpc.request("hardhat_setCode", [REVERTER, "0x5f5ffd"]);
  });
  after(async () => {
    await proxy.close();
    await second.close();
    await chain.close();
  });
  beforeEach(async () => {
    proxy.rule = second.rule = () => undefined;
    proxy.calls.length = 0;
    db = memoryTransactions();
    clock = 1_700_000_000_000;
    wallet = new Wallet(Wallet.createRandom().privateKey);
    await chain.setBalance(wallet.address, parseEther("10"));
    await chain.setAutomine(false);
    await chain.mine();
  });

  interface Over {
    store?: Partial<TransactionStore>;
    signer?: TransactionSigner;
    listener?: SendListener;
    policy?: Partial<ManagerPolicy>;
    urls?: string[];
  }
  /** Each call stands for a process that starts: it knows nothing but the store. */
  const manager = (over: Over = {}) =>
    createTransactionManager({
      store: { ...db.store, ...over.store },
      rpc: createRpc({ urls: over.urls ?? [proxy.url], chainId: CHAIN_ID, timeoutMs: 2_000, now: () => clock }),
      signer: over.signer ?? {
        address: wallet.address,
        signTransaction: (transaction) => wallet.signTransaction(transaction),
      },
      chainId: CHAIN_ID,
      policy: { ...policy, ...over.policy },
      ...(over.listener ? { listener: over.listener } : {}),
      now: () => clock,
    });
  const send = { to: SINK, data: "0x1234" };
  const row = (id: string) => db.rows.get(id)!;
  const hashes = () => [...db.attempts.keys()];
  const nonce = async () => Number(await chain.rpc.request("eth_getTransactionCount", [wallet.address, "latest"]));
  const sent = () => proxy.calls.filter(({ method }) => method === "eth_sendRawTransaction").length;
  const die = () => {
    throw new Error("killed");
  };

  it("takes a send from queued to final, one state after the other [FM:false-settled]", async () => {
    const turns: string[] = [];
    const one = manager({
      listener: {
        mined: async () => void turns.push("mined"),
        final: async (_row, receipt) => void turns.push(`final ${Number(receipt.status)}`),
      },
    });
    const id = await one.enqueue(send);
    await one.tick();
    expect(row(id).state).to.equal("pending");
    await chain.mine();
    await one.tick();
    expect(row(id).state).to.equal("mined");
    expect(turns).to.deep.equal(["mined"]);
    await chain.mine(2);
    await one.tick();
    expect(row(id)).to.include({ state: "final", succeeded: true });
    expect(turns).to.deep.equal(["mined", "final 1"]);
    expect(sent()).to.equal(1);
  });

  const settle = async (id: string) => {
    const next = manager();
    for (let round = 0; round < 6 && row(id).state !== "final"; round++) {
      await next.tick();
      await chain.mine();
      clock += policy.rebroadcastAfterMs;
    }
    expect(row(id)).to.include({ state: "final", succeeded: true });
  };

  it("killed before it signed: the next one sends it once [FM:memory-only-buffer]", async () => {
    const dying = manager({ signer: { address: wallet.address, signTransaction: die } });
    const id = await dying.enqueue(send);
    await dying.tick();
    expect(hashes()).to.have.length(0);
    await settle(id);
    expect(await nonce()).to.equal(1);
  });

  it("killed after it signed, before the commit: no node has heard of that hash [FM:failed-send-landed]", async () => {
    const dying = manager({ store: { prepareAttempt: die } });
    const id = await dying.enqueue(send);
    await dying.tick();
    expect(sent()).to.equal(0);
    await settle(id);
    expect(await nonce()).to.equal(1);
  });

  it("killed after the commit, before the broadcast: the kept transaction goes out [FM:failed-send-landed]", async () => {
    proxy.rule = ({ method }) => (method === "eth_sendRawTransaction" ? { kind: "drop" } : undefined);
    const dying = manager({ store: { recordSent: die } });
    const id = await dying.enqueue(send);
    await dying.tick();
    expect(hashes()).to.have.length(1);
    proxy.rule = () => undefined;
    await settle(id);
    expect(hashes()).to.have.length(1);
    expect(await nonce()).to.equal(1);
  });

  it("killed after the broadcast, before it was noted: recognised by its hash, not sent twice [FM:timeout-resettle]", async () => {
    const dying = manager({ store: { recordSent: die } });
    const id = await dying.enqueue(send);
    await dying.tick();
    expect([...db.attempts.values()][0]).to.include({ state: "prepared", sentAt: null });
    await chain.mine();
    await settle(id);
    expect(hashes()).to.have.length(1);
    expect(await nonce()).to.equal(1);
  });

  it("killed while it told of a final send: tells again, so that nothing is missed [FM:job-twice]", async () => {
    const told: string[] = [];
    const one = manager();
    const id = await one.enqueue(send);
    await one.tick();
    await chain.mine(3);
    const listener = { final: async () => void told.push("final") };
    const dying = manager({ listener, store: { recordFinal: die } });
    await dying.tick();
    expect(row(id).state).to.equal("mined");
    await manager({ listener }).tick();
    expect(told).to.deep.equal(["final", "final"]);
    expect(row(id).state).to.equal("final");
  });

  it("a lost reply to the broadcast is unknown, and the landed transaction is found [FM:timeout-resettle]", async () => {
    proxy.rule = ({ method }) => (method === "eth_sendRawTransaction" ? { kind: "lose_reply" } : undefined);
    const one = manager();
    const id = await one.enqueue(send);
    await one.tick();
    expect([...db.attempts.values()][0]!.state).to.equal("unknown");
    await chain.mine();
    await one.tick();
    expect(row(id).state).to.equal("mined");
    expect(await nonce()).to.equal(1);
  });

  it("an outage is not an absence: nothing is signed or sent while it lasts [FM:outage-not-found]", async () => {
    const one = manager();
    const id = await one.enqueue(send);
    await one.tick();
    clock += 10 * policy.resubmitAfterMs;
    // Half an outage: nonces are answered, receipts are not. A bump is long due, and must wait.
    proxy.rule = ({ method }) => (method === "eth_getTransactionReceipt" ? { kind: "drop" } : undefined);
    await one.tick();
    expect(hashes()).to.have.length(1);
    await chain.mine();
    await one.tick();
    proxy.rule = () => ({ kind: "http", status: 502 });
    await one.tick();
    expect(row(id).state).to.equal("pending");
    expect(hashes()).to.have.length(1);
    proxy.rule = () => undefined;
    await one.tick();
    expect(row(id).state).to.equal("mined");
  });

  it("replaces a lingering attempt by a dearer one; whichever is mined counts, once [FM:fixed-gas]", async () => {
    const one = manager();
    const id = await one.enqueue(send);
    await one.tick();
    clock += policy.resubmitAfterMs;
    await one.tick();
    const [first, bumped] = [...db.attempts.values()];
    expect(bumped!.nonce).to.equal(first!.nonce);
    expect(bumped!.fees.maxFeePerGas * 10n >= first!.fees.maxFeePerGas * 11n).to.equal(true);
    expect(bumped!.state).to.equal("broadcast");
    await settle(id);
    expect(db.attempts.get(bumped!.hash)!.state).to.equal("mined");
    expect(db.attempts.get(first!.hash)!.state).to.equal("replaced");
    expect(await nonce()).to.equal(1);
  });

  it("follows a jump of the base fee with a price that the next block takes [FM:fixed-gas]", async () => {
    const one = manager();
    const id = await one.enqueue(send);
    await one.tick();
    await chain.setNextBaseFee(60n * GWEI);
    await chain.mine();
    expect(await nonce()).to.equal(0);
    clock += policy.resubmitAfterMs;
    await one.tick();
    await settle(id);
    await chain.setNextBaseFee(GWEI);
    await chain.mine();
  });

  it("never passes its ceiling, and goes on handing the attempt over [FM:fixed-gas]", async () => {
    const one = manager({ policy: { maxFeePerGas: 30n * GWEI } });
    const id = await one.enqueue(send);
    await one.tick();
    await chain.setNextBaseFee(100n * GWEI);
    await chain.mine();
    for (let round = 0; round < 5; round++) {
      clock += policy.resubmitAfterMs;
      await one.tick();
    }
    for (const { fees } of db.attempts.values()) expect(fees.maxFeePerGas <= 30n * GWEI).to.equal(true);
    expect(sent()).to.be.greaterThan(2);
    await chain.setNextBaseFee(GWEI);
    await chain.mine();
    await settle(id);
  });

  it("sends again what the pool dropped, without a gap [FM:nonce-gap]", async () => {
    const one = manager();
    const ids = [await one.enqueue(send), await one.enqueue(send), await one.enqueue(send)];
    await one.tick();
    await chain.dropFromPool(hashes()[0]!);
    await chain.mine();
    expect(await nonce()).to.equal(0);
    clock += policy.rebroadcastAfterMs;
    await one.tick();
    for (const id of ids) await settle(id);
    expect(await nonce()).to.equal(3);
    expect(hashes()).to.have.length(3);
  });

  it("fills a gap that nobody owns, so that what waits above it is mined [FM:nonce-gap]", async () => {
    // A stranger's transaction held nonce 0 when ours was signed; then the pool forgot it.
    const stranger = await wallet.signTransaction({
      type: 2,
      chainId: CHAIN_ID,
      nonce: 0,
      to: SINK,
      gasLimit: 21000n,
      maxFeePerGas: 50n * GWEI,
      maxPriorityFeePerGas: GWEI,
    });
    const hash = await chain.rpc.request<string>("eth_sendRawTransaction", [stranger]);
    const one = manager();
    const id = await one.enqueue(send);
    await one.tick();
    expect(row(id).nonce).to.equal(1);
    await chain.dropFromPool(hash);
    await one.tick();
    await one.tick();
    expect([...db.attempts.values()].map((attempt) => attempt.nonce)).to.deep.equal([1, 0]);
    await settle(id);
    expect(await nonce()).to.equal(2);
  });

  it("moves on when a stranger took its nonce for good [FM:nonce-misclassified]", async () => {
    proxy.rule = ({ method }) => (method === "eth_sendRawTransaction" ? { kind: "drop" } : undefined);
    const one = manager();
    const id = await one.enqueue(send);
    await one.tick();
    const stranger = await wallet.signTransaction({
      type: 2,
      chainId: CHAIN_ID,
      nonce: 0,
      to: SINK,
      gasLimit: 21000n,
      maxFeePerGas: 50n * GWEI,
      maxPriorityFeePerGas: GWEI,
    });
    await chain.rpc.request<string>("eth_sendRawTransaction", [stranger]);
    proxy.rule = () => undefined;
    await chain.mine();
    clock += policy.resubmitAfterMs;
    await one.tick();
    expect(row(id).nonce).to.equal(0);
    await chain.mine(3);
    await settle(id);
    expect(row(id).nonce).to.equal(1);
    // The node refused a nonce on the way, and is none the worse for it.
    expect(one.health().endpoints[0]).to.include({ healthy: true, consecutiveFailures: 0 });
  });

  it("parks without funds, says so, and goes on when there are some [FM:out-of-funds]", async () => {
    const one = manager();
    const id = await one.enqueue(send);
    await chain.setBalance(wallet.address, 0n);
    // The estimate passes, as it offers no price; the broadcast does not.
    await one.tick();
    expect(one.health().parked).to.deep.equal([{ transactionId: id, because: "insufficient_funds" }]);
    expect(row(id).state).to.equal("pending");
    await chain.setBalance(wallet.address, parseEther("1"));
    clock += policy.parkMs;
    await settle(id);
    expect(hashes()).to.have.length(1);
  });

  it("sends again what a reorganisation took out, and calls nothing final before it is deep [FM:reorg-off]", async () => {
    const turns: string[] = [];
    const listener = { mined: async () => void turns.push("mined"), unmined: async () => void turns.push("unmined") };
    const one = manager({ listener });
    const id = await one.enqueue(send);
    const before = await chain.snapshot();
    await one.tick();
    await chain.mine(2);
    await one.tick();
    expect(row(id).state).to.equal("mined");
    await chain.revert(before);
    await chain.setAutomine(false);
    await chain.mine();
    clock += policy.rebroadcastAfterMs;
    await one.tick();
    expect(turns).to.deep.equal(["mined", "unmined"]);
    expect(row(id)).to.include({ state: "pending", mined: null });
    await settle(id);
    expect(hashes()).to.have.length(1);
    expect(await nonce()).to.equal(1);
  });

  it("waits for the chain's own word where it is told to [FM:reorg-off]", async () => {
    const one = manager({ policy: { finality: { tag: "finalized" } } });
    const id = await one.enqueue(send);
    await one.tick();
    await chain.mine();
    const head = Number(await chain.rpc.request("eth_blockNumber", []));
    let finalized = head - 1;
    proxy.rule = ({ method, params }) =>
      method === "eth_getBlockByNumber" && params[0] === "finalized"
        ? { kind: "answer", result: { number: `0x${finalized.toString(16)}` } }
        : undefined;
    await one.tick();
    await chain.mine(20);
    await one.tick();
    expect(row(id).state).to.equal("mined");
    finalized = head;
    await one.tick();
    expect(row(id).state).to.equal("final");
  });

  it("cancels what the node will never take, so that the next send is mined [FM:poison-item]", async () => {
    const reasons: string[] = [];
    const one = manager({ listener: { failed: async (_row, reason) => void reasons.push(reason) } });
    proxy.rule = ({ method }) => (method === "eth_estimateGas" ? { kind: "answer", result: "0x5000" } : undefined);
    const bad = await one.enqueue({ to: SINK, data: `0x${"11".repeat(5_000)}` });
    await one.tick();
    proxy.rule = () => undefined;
    const good = await one.enqueue(send);
    for (let round = 0; round < 5; round++) {
      clock += policy.rebroadcastAfterMs;
      await one.tick();
      await chain.mine();
    }
    expect(row(bad).state).to.equal("failed");
    expect(reasons[0]).to.match(/^cancelled/);
    expect(row(good)).to.include({ state: "final", succeeded: true, nonce: 1 });
  });

  it("a reverted transaction is final as reverted, never as settled [FM:false-settled]", async () => {
    // It passes when estimated, and reverts when mined.
    await chain.rpc.request("hardhat_setCode", [REVERTER, "0x"]);
    const statuses: number[] = [];
    const one = manager({ listener: { final: async (_row, receipt) => void statuses.push(Number(receipt.status)) } });
    const id = await one.enqueue({ to: REVERTER, data: "0x01" });
    await one.tick();
    await chain.rpc.request("hardhat_setCode", [REVERTER, "0x5f5ffd"]);
    await chain.mine(3);
    await one.tick();
    expect(row(id)).to.include({ state: "final", succeeded: false });
    expect(statuses).to.deep.equal([0]);
  });

  it("what would revert fails with its reason before it costs a nonce, and harms no other send [FM:poison-item]", async () => {
    const failed: string[] = [];
    const one = manager({ listener: { failed: async (_row, reason) => void failed.push(reason) } });
    const bad = await one.enqueue({ to: REVERTER, data: "0x01" });
    const good = await one.enqueue(send);
    await one.tick();
    clock += policy.parkMs;
    await one.tick();
    expect(row(bad).state).to.equal("failed");
    expect(failed[0]).to.match(/^would_revert/);
    expect(row(good)).to.include({ state: "pending", nonce: 0 });
  });

  it("one node that lies cannot make a send final [FM:false-settled]", async () => {
    const one = manager({ urls: [proxy.url, second.url] });
    const id = await one.enqueue(send);
    await one.tick();
    const lie = (receipt: unknown) => ({ ...(receipt as object), ...fakeReceipt });
    const fakeReceipt = { blockHash: `0x${"11".repeat(32)}`, blockNumber: "0x1", status: "0x1", logs: [] };
    second.rule = ({ method }) =>
      method === "eth_getTransactionReceipt" ? { kind: "change", result: lie } : undefined;
    await one.tick();
    await one.tick();
    expect(row(id).state).to.not.equal("final");
    second.rule = () => undefined;
    await settle(id);
  });

  it("one node whose head is too high makes nothing final that a reorganisation can take [FM:reorg-off]", async () => {
    second.rule = ({ method }) =>
      method === "eth_getBlockByNumber"
        ? { kind: "change", result: (block) => ({ ...(block as object), number: "0xffffff" }) }
        : undefined;
    const one = manager({ urls: [second.url, proxy.url] });
    const before = await chain.snapshot();
    const id = await one.enqueue(send);
    await one.tick();
    await chain.mine();
    for (let tick = 0; tick < 3; tick++) await one.tick();
    expect(row(id).state).to.equal("mined");
    await chain.revert(before);
    await chain.mine();
    await one.tick();
    expect(row(id).state).to.equal("pending");
    second.rule = () => undefined;
    clock += policy.rebroadcastAfterMs;
    await settle(id);
    expect(await nonce()).to.equal(1);
  });

  it("one node whose nonce is too high leaves no gap [FM:nonce-gap]", async () => {
    second.rule = ({ method }) =>
      method === "eth_getTransactionCount"
        ? { kind: "change", result: (count) => `0x${(Number(count) + 1_000_000).toString(16)}` }
        : undefined;
    const one = manager({ urls: [second.url, proxy.url] });
    const id = await one.enqueue(send);
    await one.tick();
    expect(row(id).nonce).to.equal(0);
    second.rule = () => undefined;
    await settle(id);
    expect(db.rows.size, "no gap was filled").to.equal(1);
  });

  it("a node that is down is passed over, and reported [FM:outage-not-found]", async () => {
    proxy.rule = () => ({ kind: "drop" });
    const one = manager({ urls: [proxy.url, second.url] });
    const id = await one.enqueue(send);
    await one.tick();
    expect(row(id).state).to.equal("pending");
    expect(one.health().endpoints.map(({ healthy }) => healthy)).to.deep.equal([false, true]);
  });

  it("a node that is behind, or lies that a call reverts or needs too much, fails no send that another node takes [FM:outage-not-found]", async () => {
    for (const lie of [
      { kind: "refuse", code: -32_000, message: "header not found" },
      { kind: "answer", result: "0xffffffff" },
    ] as const) {
      proxy.rule = ({ method }) => (method === "eth_estimateGas" ? lie : undefined);
      const one = manager({ urls: [proxy.url, second.url], policy: { estimateTries: 1 } });
      const id = await one.enqueue(send);
      await one.tick();
      expect(row(id).state, lie.kind).to.equal("pending");
      await settle(id);
    }
  });

  it("two managers over one store never use a nonce twice [FM:nonce-manager]", async () => {
    const [a, b] = [manager(), manager()];
    const ids = [await a.enqueue(send), await a.enqueue(send), await a.enqueue(send)];
    await Promise.all([a.tick(), b.tick()]);
    for (const id of ids) await settle(id);
    expect(await nonce()).to.equal(3);
    expect(new Set([...db.rows.values()].map((one) => one.nonce)).size).to.equal(3);
  });

  it("a manager that decides by an old reading gives no send a second nonce [FM:nonce-manager]", async () => {
    const a = manager();
    const id = await a.enqueue(send);
    const stale = await db.store.activeTransactions(CHAIN_ID, row(id).sender, 10);
    await a.tick();
    const activeTransactions = async () => stale;
    const b = manager({ store: { activeTransactions, attemptsOf: async () => [] } });
    await b.tick();
    expect(hashes()).to.have.length(1);
    expect(row(id).nonce).to.equal(0);
  });

  it("its loop outlives a ledger and nodes that fail [FM:supervised-loop]", async () => {
    let failures = 3;
    const activeTransactions: TransactionStore["activeTransactions"] = (...args) => {
      if (failures-- > 0) throw new Error("the ledger is away");
      return db.store.activeTransactions(...args);
    };
    await chain.setAutomine(true);
    const one = manager({ store: { activeTransactions }, policy: { finality: { confirmations: 1 } } });
    const id = await one.enqueue(send);
    const work = { concurrency: 1, sweepMs: 10, find: async () => ["all"], run: () => one.tick() };
    const queue = createInProcessQueue({ send: work }, { retryMs: 10 });
    try {
      const deadline = Date.now() + 10_000;
      while (row(id).state !== "final" && Date.now() < deadline) await new Promise((done) => setTimeout(done, 20));
    } finally {
      await queue.close();
    }
    expect(row(id)).to.include({ state: "final", succeeded: true });
    expect(failures).to.be.lessThan(0);
  });
});
