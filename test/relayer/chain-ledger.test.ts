import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect } from "chai";
import { Wallet, parseEther } from "ethers";
import type { ManagerPolicy } from "../../relayer/chain/manager-options.ts";
import { createRpc } from "../../relayer/chain/rpc.ts";
import type { TransactionStore } from "../../relayer/chain/transaction-store.ts";
import { createTransactionManager } from "../../relayer/chain/transactions.ts";
import { openDatabase, type OpenDatabase } from "../../relayer/store/database.ts";
import { createTransactionStore } from "../../relayer/store/transactions.ts";
import { CHAIN_ID, startLocalChain, type LocalChain } from "../support/local-chain.ts";

const GWEI = 10n ** 9n;
const SINK = "0x000000000000000000000000000000000000dEaD";
const policy: ManagerPolicy = {
  maxFeePerGas: 1000n * GWEI,
  maxPriorityFeePerGas: 5n * GWEI,
  bumpPercent: 10,
  ceilingMultiplier: 5,
  resubmitAfterMs: 6e4,
  rebroadcastAfterMs: 12e3,
  parkMs: 3e4,
  pollMs: 20,
  estimateTries: 2,
  finality: { confirmations: 2 },
  maxInFlight: 16,
};

describe("transaction manager over the ledger of record", () => {
  let chain: LocalChain;
  let folder: string;
  let database: OpenDatabase;
  let store: TransactionStore;
  let wallet: InstanceType<typeof Wallet>;
  let clock: number;

  before(async () => {
    chain = await startLocalChain();
    await chain.setAutomine(false);
    folder = mkdtempSync(join(tmpdir(), "ledger-"));
    await reopen();
  });
  after(async () => {
    await database.close();
    await chain.close();
    rmSync(folder, { recursive: true, force: true });
  });
  beforeEach(async () => {
    clock = 1_700_000_000_000;
    wallet = new Wallet(Wallet.createRandom().privateKey);
    await chain.setBalance(wallet.address, parseEther("10"));
    await chain.mine();
  });

  /** The relayer is stopped and started again: all that is left of it is on the disk. */
  async function reopen(): Promise<void> {
    await database?.close();
    database = await openDatabase({ dataDir: folder });
    store = createTransactionStore(database.db);
  }
  const manager = (over: Partial<TransactionStore> = {}) =>
    createTransactionManager({
      store: {
        ...store,
        ...over,
      },
      rpc: createRpc({
        urls: [chain.url],
        chainId: CHAIN_ID,
      }),
      signer: {
        address: wallet.address,
        signTransaction: (transaction) => wallet.signTransaction(transaction),
      },
      chainId: CHAIN_ID,
      policy,
      now: () => clock,
    });
  const active = () => store.activeTransactions(CHAIN_ID, wallet.address, 10);
  const nonce = async () => Number(await chain.rpc.request("eth_getTransactionCount", [wallet.address, "latest"]));
  const die = () => Promise.reject(new Error("killed"));

  for (const [when, rounds, broken] of [
    ["before anything was kept", 3, { prepareAttempt: die }],
    ["after the broadcast, before it was noted", 1, { recordSent: die }],
    ["before it noted that it was mined", 3, { recordMined: die }],
    ["before it noted that it was final", 3, { recordFinal: die }],
  ] as const) {
    it(`killed ${when}: goes on from the disk, and the call happens once [FM:failed-send-landed]`, async () => {
      const dying = manager(broken);
      const id = await dying.enqueue({ to: SINK, data: "0x1234" });
      for (let round = 0; round < rounds; round++) {
        await dying.tick();
        await chain.mine();
      }
      expect((await active()).map((row) => row.id)).to.deep.equal([id]);
      await reopen();
      const next = manager();
      for (let round = 0; round < 4; round++) {
        clock += policy.rebroadcastAfterMs;
        await next.tick();
        await chain.mine();
      }
      expect(await active()).to.deep.equal([]);
      expect(await nonce()).to.equal(1);
      const attempts = await store.attemptsOf([id]);
      expect(attempts.map(({ state }) => state)).to.deep.equal(["mined"]);
    });
  }

  it("keeps every hash of a nonce, and knows the one that was mined [FM:failed-send-landed]", async () => {
    const one = manager();
    const id = await one.enqueue({ to: SINK, data: "0x1234" });
    await one.tick();
    clock += policy.resubmitAfterMs;
    await one.tick();
    await reopen();
    expect(await store.attemptsOf([id])).to.have.length(2);
    await chain.mine();
    await manager().tick();
    const states = (await store.attemptsOf([id])).map(({ state }) => state);
    expect(states).to.deep.equal(["replaced", "mined"]);
    const [row] = await active();
    expect(row).to.deep.include({ state: "mined", nonce: 0 });
  });

  it("takes a reorganised call back, on the disk too [FM:reorg-off]", async () => {
    const one = manager();
    const id = await one.enqueue({ to: SINK, data: "0x1234" });
    const before = await chain.snapshot();
    await one.tick();
    await chain.mine();
    await one.tick();
    expect((await active())[0]!.state).to.equal("mined");
    await chain.revert(before);
    await chain.setAutomine(false);
    await reopen();
    clock += policy.rebroadcastAfterMs;
    await manager().tick();
    expect((await active())[0]).to.deep.include({ id, state: "pending", mined: null });
    await chain.mine(2);
    await manager().tick();
    expect(await active()).to.deep.equal([]);
    expect(await nonce()).to.equal(1);
  });

  it("gives a send one nonce, whatever an old reading says [FM:nonce-gap]", async () => {
    const one = manager();
    const id = await one.enqueue({ to: SINK, data: "0x01" });
    await one.tick();
    const [attempt] = await store.attemptsOf([id]);
    const second = { ...attempt!, hash: `0x${"78".repeat(32)}`, nonce: attempt!.nonce + 1 };
    expect(await store.prepareAttempt(second, 21_000n, null)).to.equal(false);
    expect(await store.attemptsOf([id])).to.have.length(1);
    expect(await store.prepareAttempt({ ...second, nonce: attempt!.nonce }, 21_000n, attempt!.nonce)).to.equal(true);
  });

  it("gives a nonce to one send only [FM:nonce-manager]", async () => {
    const one = manager();
    const first = await one.enqueue({ to: SINK, data: "0x01" });
    await one.tick();
    const second = await one.enqueue({ to: SINK, data: "0x02" });
    const [attempt] = await store.attemptsOf([first]);
    const foreign = { ...attempt!, transactionId: second, hash: `0x${"77".repeat(32)}` };
    expect(await store.prepareAttempt(foreign, 21_000n, null)).to.equal(false);
    expect(await store.attemptsOf([second])).to.deep.equal([]);
    await one.tick();
    expect((await active()).map((row) => row.nonce)).to.deep.equal([0, 1]);
  });
});
