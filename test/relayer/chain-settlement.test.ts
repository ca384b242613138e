import { expect } from "chai";
import * as abi from "../../relayer/chain/abi.ts";
import fc from "fast-check";
import { Wallet, hexlify, parseEther, randomBytes } from "ethers";
import type { ManagerPolicy } from "../../relayer/chain/manager-options.ts";
import { createChainReader, type ChainReader } from "../../relayer/chain/reader.ts";
import { createRpc, type Rpc } from "../../relayer/chain/rpc.ts";
import * as settlement from "../../relayer/chain/settlement.ts";
import type { SettlementItem } from "../../relayer/chain/settlement.ts";
import { settlementListener, type ItemFate } from "../../relayer/chain/settlement-watcher.ts";
import { createTransactionManager } from "../../relayer/chain/transactions.ts";
import * as protocol from "../../relayer/protocol/index.ts";
import type { Batch, Domain, Hex, Receipt } from "../../relayer/protocol/index.ts";
import { startFaultProxy, type FaultProxy } from "../support/fault-proxy.ts";
import * as groth16 from "../support/groth16.ts";
import { openHttpDoor } from "../support/http-door.ts";
import { memoryTransactions } from "../support/memory-transactions.ts";
import { deployProtocol, Mode, NO_DATA, NO_LINEAGE, type Protocol } from "../support/protocol.ts";

const GWEI = 10n ** 9n;
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

describe("settlement against the contracts", () => {
  let p: Protocol;
  let door: Awaited<ReturnType<typeof openHttpDoor>>;
  let proxy: FaultProxy;
  let rpc: Rpc;
  let domain: Domain;
  let reader: ChainReader;
  let key: InstanceType<typeof Wallet>;
  let keyId: Hex;
  let vanilla: Hex;
  let zkml: Hex;
  // The published development ceremony: anybody knows its secrets, so a test can prove anything with it.
  const setup = groth16.makeSetup(3, "OpenGradient development phase 1:");

  before(async () => {
    p = await deployProtocol();
    door = await openHttpDoor(p.connection.provider);
    proxy = await startFaultProxy(door.url);
    rpc = createRpc({ urls: [proxy.url], chainId: 31337 });
    domain = { chainId: 31337n, verifyingContract: (await p.registry.getAddress()).toLowerCase() as Hex };
    reader = await createChainReader({ rpc, domain, ttlMs: 0 });
    key = new Wallet(Wallet.createRandom().privateKey);
    keyId = (await p.addOperatorKey(await p.registerNode(), key)) as Hex;
    vanilla = (await p.registerModel(1 << Mode.VANILLA)) as Hex;
    const version = {
      contentHash: hexlify(randomBytes(32)),
      uri: "ipfs://scorer",
      modes: 1 << Mode.ZKML,
      verifier: await p.groth16.getAddress(),
      verifyingKey: groth16.keyBytes(setup),
      signals: "in, out, binding",
      lineage: NO_LINEAGE,
      ...NO_DATA,
    };
    await p.models.register(version);
    zkml = (await p.models.modelIdOf(p.signers.deployer.address, version)) as Hex;
  });
  it("takes nothing for settled on the word of one of two nodes [FM:false-settled]", async () => {
    const other = await startFaultProxy(door.url);
    try {
      const both = createRpc({ urls: [other.url, proxy.url], chainId: 31337 });
      const reading = await createChainReader({ rpc: both, domain, ttlMs: 0 });
      const id = hexlify(randomBytes(32)) as Hex;
      const says = (result: string) =>
        (other.rule = ({ method }) => (method === "eth_call" ? { kind: "answer", result } : undefined));
      says(`0x${"1".padStart(64, "0")}`);
      const doubt = await reading.settledAt(id).catch((error: Error) => error);
      expect(doubt).to.have.property("code", "nodes_disagree");
      says("0x");
      expect(await reading.settledAt(id), "no answer is no word").to.equal(0n);
    } finally {
      await other.close();
    }
  });
  after(async () => {
    await proxy.close();
    await door.close();
    await p.connection.close();
  });
  beforeEach(() => {
    proxy.rule = () => undefined;
  });

  const sign = (digest: Hex) => key.signingKey.sign(digest).serialized as Hex;
  async function receipt(over: Partial<Receipt> = {}): Promise<Receipt> {
    const made = (await p.receipt({ keyId, modelId: vanilla })) as unknown as Receipt;
    return { ...made, payer: made.payer.toLowerCase() as Hex, ...over };
  }
  function batchOf(receipts: Receipt[], over: Partial<Batch> = {}): Batch {
    const [{ mode }, ids] = [receipts[0]!, receipts.map((one) => protocol.receiptId(domain, one))];
    const dataHash = protocol.dataHashOf(protocol.leavesDocument(domain, { keyId, mode }, receipts));
    const settler = p.signers.deployer.address.toLowerCase() as Hex;
    return { keyId, mode, root: protocol.merkleRoot(ids), count: ids.length, dataHash, settler, ...over };
  }
  async function signed(count: number): Promise<SettlementItem & { kind: "signed" }> {
    const receipts = await Promise.all(Array.from({ length: count }, () => receipt()));
    const batch = batchOf(receipts);
    return { kind: "signed", batch, signature: sign(protocol.batchDigest(domain, batch)) };
  }
  async function alone(): Promise<SettlementItem & { kind: "receipt" }> {
    const one = await receipt();
    return { kind: "receipt", receipt: one, signature: sign(protocol.receiptId(domain, one)), evidence: "0x" };
  }
  async function proved(count: number): Promise<SettlementItem & { kind: "proved" }> {
    const made = await Promise.all(
      Array.from({ length: count }, async (_, place) => {
        const [input, output] = [groth16.scalar(`in ${place}`), groth16.scalar(`out ${place}`)];
        const hashes = { inputHash: protocol.signalInputHash(input), outputHash: protocol.circuitOutputHash([output]) };
        const one = await receipt({ ...hashes, modelId: zkml, mode: Mode.ZKML, outputScheme: 2 });
        const binding = protocol.bindingOf(protocol.receiptId(domain, one));
        const proof = groth16.prove(setup, [input, output, binding], 5n + BigInt(place), 7n);
        return { one, evidence: groth16.itemEvidence(proof, [input, output]) };
      }),
    );
    const receipts = made.map(({ one }) => one);
    const batch = batchOf(receipts);
    return {
      kind: "proved",
      batch,
      modelId: zkml,
      signature: sign(protocol.batchDigest(domain, batch)),
      receipts: protocol.encodeCompact(receipts),
      evidence: `0x${made.map(({ evidence }) => evidence.slice(2)).join("")}`,
    };
  }

  /** Sends one call through the transaction manager until it is final, and returns what the sink was told. */
  async function settle(items: SettlementItem[]) {
    const db = memoryTransactions();
    const told: { turn: string; fates?: ItemFate[]; reason?: string; gasUsed?: bigint }[] = [];
    const wallet = new Wallet(Wallet.createRandom().privateKey);
    await p.networkHelpers.setBalance(wallet.address, parseEther("10"));
    let clock = Date.now();
    const manager = createTransactionManager({
      store: db.store,
      rpc,
      chainId: 31337,
      policy,
      now: () => clock,
      signer: {
        address: wallet.address,
        signTransaction: (transaction) => wallet.signTransaction(transaction),
      },
      listener: settlementListener({
        domain,
        reader,
        sink: {
          mined: async (_id, fates) =>
            void told.push({
              turn: "mined",
              fates,
            }),
          unmined: async () => void told.push({ turn: "unmined" }),
          final: async (_id, fates, { gasUsed }) =>
            void told.push({
              turn: "final",
              fates,
              gasUsed: BigInt(gasUsed),
            }),
          released: async (_id, _items, reason) =>
            void told.push({
              turn: "released",
              reason,
            }),
        },
      }),
    });
    const id = await manager.enqueue({ to: domain.verifyingContract, data: settlement.encodeSettlement(items) });
    for (let round = 0; round < 4; round++) {
      await manager.tick();
      await p.networkHelpers.mine();
      clock += policy.parkMs;
    }
    return { told, row: db.rows.get(id)! };
  }

  it("settles batches, and tells of each item by name [R2][FM:false-settled]", async () => {
    const [a, b, forged] = [await signed(3), await signed(1), await signed(2)];
    forged.signature = a.signature;
    const { told } = await settle([a, forged, b]);
    const id = (item: SettlementItem) => settlement.itemId(domain, item);
    const fates = [
      { id: id(a), kind: "signed", state: "settled" },
      { id: id(forged), kind: "signed", state: "skipped", reason: "BadSignature" },
      { id: id(b), kind: "signed", state: "settled" },
    ];
    expect(told.map(({ turn }) => turn)).to.deep.equal(["mined", "final"]);
    expect(told[0]!.fates).to.deep.equal(fates);
    expect(told[1]!.fates).to.deep.equal(fates);
    expect((await reader.settledAt(id(a))) > 0n).to.equal(true);
    expect(await reader.settledAt(id(forged))).to.equal(0n);
  });

  it("settles receipts alone, and proved batches with their proofs", async () => {
    const singles = await settle([await alone(), await alone()]);
    expect(singles.told.at(-1)!.fates!.map(({ state }) => state)).to.deep.equal(["settled", "settled"]);
    const good = await proved(3);
    const bad = await proved(2);
    bad.evidence = good.evidence.slice(0, bad.evidence.length) as Hex;
    const { told } = await settle([bad, good]);
    const fates = told.at(-1)!.fates!.map((fate) => (fate.state === "skipped" ? fate.reason : fate.state));
    expect(fates).to.deep.equal(["InvalidProof", "settled"]);
  });

  it("takes an item that somebody else settled for settled, since when the chain says [R9]", async () => {
    const item = await signed(2);
    await p.registry.settleBatches([item]);
    const { told } = await settle([item]);
    const settledAt = await reader.settledAt(settlement.itemId(domain, item));
    expect(told.at(-1)).to.deep.include({ turn: "final" });
    expect(told.at(-1)!.fates).to.deep.equal([
      { id: settlement.itemId(domain, item), kind: "signed", state: "settled_before", settledAt },
    ]);
  });

  it("an item twice in one call is one settlement [R9]", async () => {
    const item = await alone();
    const { told } = await settle([item, item]);
    expect(told.at(-1)!.fates!.map(({ state }) => state)).to.deep.equal(["settled", "settled_before"]);
  });

  it("releases the items of a call that reverts, settled by nobody [FM:false-settled]", async () => {
    const snapshot = await p.networkHelpers.takeSnapshot();
    await p.registry.connect(p.signers.guardian).pause();
    const { told, row } = await settle([await signed(1)]);
    expect(row.state).to.equal("failed");
    expect(told.map(({ turn }) => turn)).to.deep.equal(["released"]);
    expect(told[0]!.reason).to.match(/^would_revert/);
    await snapshot.restore();
  });

  it("believes only logs of the registry that name the item [FM:false-settled]", async () => {
    const item = await signed(1);
    const id = settlement.itemId(domain, item);
    const log = (address: string, digest: string) => ({
      address,
      ...encodedLog("BatchSettled", [digest, keyId, 0, protocol.ZERO_HASH, 1, protocol.ZERO_HASH, address]),
    });
    const mined = (over: object) => ({
      transactionHash: "0x",
      blockHash: "0x",
      blockNumber: "0x1",
      status: "0x1",
      gasUsed: "0x1",
      logs: [],
      ...over,
    });
    const states = (over: object) => settlement.readOutcomes(domain, [item], mined(over)).map(({ state }) => state);
    expect(states({ logs: [log(domain.verifyingContract, id)] })).to.deep.equal(["settled"]);
    expect(states({ logs: [log(p.signers.other.address, id)] })).to.deep.equal(["unknown"]);
    expect(states({ logs: [log(domain.verifyingContract, keyId)] })).to.deep.equal(["unknown"]);
    expect(states({ status: "0x0", logs: [log(domain.verifyingContract, id)] })).to.deep.equal(["unknown"]);
    expect(states({})).to.deep.equal(["unknown"]);
  });

  it("a final revert releases the items, and silence of the logs settles none [FM:false-settled]", async () => {
    const item = await signed(1);
    const id = settlement.itemId(domain, item);
    const told: unknown[] = [];
    const listener = settlementListener({
      domain,
      reader,
      sink: {
        mined: async (_id, fates) => void told.push({ mined: fates }),
        unmined: async (_id, items) => void told.push({ unmined: items }),
        final: async (_id, fates) => void told.push({ final: fates }),
        released: async (_id, items, reason) => void told.push({ released: items, reason }),
      },
    });
    const data = settlement.encodeSettlement([item]);
    const row = {
      id: "1",
      chainId: 31337,
      sender: "0x",
      nonce: 0,
      gasLimit: 1n,
      state: "mined" as const,
      mined: null,
      to: domain.verifyingContract,
      data,
    };
    const mined = { transactionHash: "0x", blockHash: "0x", blockNumber: "0x1", gasUsed: "0x1", logs: [] };
    await listener.mined(row, { ...mined, status: "0x0" });
    await listener.final(row, { ...mined, status: "0x0" });
    const items = [{ id, kind: "signed" }];
    expect(told).to.deep.equal([{ released: items, reason: "reverted" }]);
    told.length = 0;
    await listener.final(row, { ...mined, status: "0x1" });
    expect(told).to.deep.equal([{ final: [{ id, kind: "signed", state: "skipped", reason: "NotSettled" }] }]);
    told.length = 0;
    await listener.unmined(row);
    await listener.failed(row, "cancelled");
    expect(told).to.deep.equal([{ unmined: items }, { released: items, reason: "cancelled" }]);
    // A payment that fills a nonce gap carries nothing.
    told.length = 0;
    await listener.final({ ...row, to: row.sender, data: "0x" }, { ...mined, status: "0x1" });
    expect(told).to.deep.equal([]);
  });

  it("its gas figures are above what calls cost, so that a planned call fits", async () => {
    for (const items of [[await signed(50), await signed(2)], [await proved(4)], [await alone(), await alone()]]) {
      const { told } = await settle(items);
      const planned = items.reduce((sum, item) => sum + settlement.itemSize(item).gas, 21_000n);
      expect(told.at(-1)!.gasUsed! <= planned, `${items[0]!.kind}: ${told.at(-1)!.gasUsed} of ${planned}`).to.equal(
        true,
      );
      expect(told.at(-1)!.gasUsed! * 3n >= planned).to.equal(true);
    }
  });

  describe("reader", () => {
    it("reads keys, models and verifying keys as they are on chain", async () => {
      const known = await reader.signingKey(keyId, Mode.VANILLA);
      expect(known).to.deep.include({ signer: key.address.toLowerCase(), kind: 0, frozenUntil: 0n });
      expect(known!.distrustedFrom).to.equal(2n ** 256n - 1n);
      expect((await reader.modelState(vanilla, Mode.VANILLA))!.modes).to.equal(1 << Mode.VANILLA);
      expect((await reader.modelState(vanilla, Mode.VANILLA))!.blockedFrom).to.equal(2n ** 256n - 1n);
      expect(protocol.toHex((await reader.verifyingKey(zkml))!)).to.equal(groth16.keyBytes(setup));
      expect(await reader.verifyingKey(vanilla)).to.equal(null);
      expect(await reader.signingKey(keyId, Mode.TEE)).to.equal(null);
    });

    it("reads an enclave's approval", async () => {
      const enclave = new Wallet(Wallet.createRandom().privateKey);
      const measurement = hexlify(randomBytes(32));
      const enclaveKey = (await p.admitEnclave(await p.registerNode(), enclave, measurement)) as Hex;
      const model = (await p.registerModel(1 << Mode.TEE, "enclaved")) as Hex;
      expect((await reader.measurementState(enclaveKey, model))!.approvedFrom).to.equal(0n);
      await p.govern(p.enclaves, p.enclaves.interface.encodeFunctionData("approveMeasurement", [measurement, model]));
      expect((await reader.measurementState(enclaveKey, model))!.approvedFrom > 0n).to.equal(true);
      expect((await reader.signingKey(enclaveKey, Mode.TEE))!.signer).to.equal(enclave.address.toLowerCase());
      expect(await reader.measurementState(keyId, model)).to.equal(null);
    });

    it("opens a settled receipt", async () => {
      const receipts = [await receipt(), await receipt(), await receipt()];
      const batch = batchOf(receipts);
      await settle([{ kind: "signed", batch, signature: sign(protocol.batchDigest(domain, batch)) }]);
      const ids = receipts.map((one) => protocol.receiptId(domain, one));
      const opening = { receipt: receipts[2]!, batch, index: 2, proof: protocol.merkleProof(ids, 2) };
      expect(await reader.verification(opening)).to.deep.include({ verified: true, reason: "None", receiptId: ids[2] });
      const wrong = { ...opening, index: 1 };
      expect(await reader.verification(wrong)).to.deep.include({ verified: false });
    });

    it("says `null` only when the chain does; an outage is an error of its own [FM:outage-not-found]", async () => {
      const unknown = hexlify(randomBytes(32)) as Hex;
      expect(await reader.signingKey(unknown, Mode.VANILLA)).to.equal(null);
      expect(await reader.modelState(unknown, Mode.VANILLA)).to.equal(null);
      for (const fault of [
        { kind: "drop" },
        { kind: "http", status: 503, body: "upstream" },
        { kind: "http", status: 200, body: "<html>" },
        { kind: "refuse", code: -32005, message: "limit exceeded" },
        { kind: "answer", result: "0x" },
      ] as const) {
        proxy.rule = () => fault;
        for (const ask of [
          () => reader.signingKey(keyId, Mode.VANILLA),
          () => reader.modelState(vanilla, Mode.VANILLA),
          () => reader.settledAt(unknown),
        ]) {
          const error = await ask().then(
            () => null,
            (reason: Error & { code: string }) => reason,
          );
          expect(error?.code, `${fault.kind}`).to.equal("chain_unavailable");
        }
      }
    });

    it("asks once for many at the same time, and again after the answer is old", async () => {
      let clock = 1_000;
      const cached = await createChainReader({ rpc, domain, ttlMs: 5_000, now: () => clock });
      proxy.calls.length = 0;
      await Promise.all(Array.from({ length: 20 }, () => cached.signingKey(keyId, Mode.VANILLA)));
      expect(proxy.calls).to.have.length(1);
      clock += 5_001;
      await cached.signingKey(keyId, Mode.VANILLA);
      expect(proxy.calls).to.have.length(2);
    });

    it("refuses a registry that computes other digests", async () => {
      const other = { ...domain, chainId: 1n };
      const error = await createChainReader({ rpc, domain: other }).catch((reason: Error & { code: string }) => reason);
      expect(error).to.deep.include({ code: "wrong_registry" });
    });
  });
});

function encodedLog(name: string, values: unknown[]) {
  return abi.inferenceRegistry.encodeEventLog(name, values);
}

describe("settlement calls", () => {
  const bytes = (length: number) =>
    fc.uint8Array({ minLength: length, maxLength: length }).map((value) => hexlify(value) as Hex);
  const word = bytes(32);
  const batch: fc.Arbitrary<Batch> = fc.record({
    keyId: word,
    root: word,
    dataHash: word,
    settler: bytes(20),
    mode: fc.integer({
      min: 0,
      max: 255,
    }),
    count: fc.integer({
      min: 1,
      max: 40,
    }),
  });
  const receipt: fc.Arbitrary<Receipt> = fc.record({
    requestId: word,
    modelId: word,
    inputHash: word,
    outputHash: word,
    contextHash: word,
    keyId: word,
    outputScheme: fc.integer({
      min: 0,
      max: 255,
    }),
    payer: bytes(20),
    sequence: fc.bigInt(0n, 2n ** 64n - 1n),
    cumulativeFee: fc.bigInt(0n, 2n ** 128n - 1n),
    completedAt: fc.bigInt(0n, 2n ** 64n - 1n),
    mode: fc.integer({
      min: 0,
      max: 255,
    }),
  });
  const signature = bytes(65);
  const item: fc.Arbitrary<SettlementItem> = fc.oneof(
    fc.record({ kind: fc.constant("signed" as const), batch, signature }),
    fc.record({
      kind: fc.constant("proved" as const),
      batch,
      modelId: word,
      signature,
      receipts: bytes(116),
      evidence: fc
        .integer({
          min: 0,
          max: 2e3,
        })
        .chain(bytes),
    }),
    fc.record({ kind: fc.constant("receipt" as const), receipt, signature, evidence: fc.constantFrom("0x" as Hex) }),
  );

  it("carry every item exactly once, in order, within the bounds", () => {
    const bounds = { maxGas: 1_500_000n + 2_600_000n, maxBytes: 6_000 };
    fc.assert(
      fc.property(fc.array(item, { maxLength: 24 }), (items) => {
        const calls = settlement.planCalls(items, bounds);
        for (const kind of ["signed", "proved", "receipt"]) {
          const planned = calls.flat().filter((one) => one.kind === kind);
          expect(planned).to.deep.equal(items.filter((one) => one.kind === kind));
        }
        for (const call of calls) {
          const gas = call.reduce((sum, one) => sum + settlement.itemSize(one).gas, 21_000n);
          expect(gas <= bounds.maxGas).to.equal(true);
          expect(settlement.encodeSettlement(call).length / 2 <= bounds.maxBytes).to.equal(true);
          expect(settlement.decodeSettlement(settlement.encodeSettlement(call))).to.deep.equal(call);
        }
      }),
      { numRuns: 60 },
    );
  });

  it("refuse an item that no transaction can carry, by its place", () => {
    const big = fc.sample(item, 200).find((one) => one.kind === "proved" && one.evidence.length > 1_000)!;
    expect(() => settlement.planCalls([big], { maxGas: 14_000_000n, maxBytes: 400 }))
      .to.throw()
      .that.deep.includes({ code: "item_too_large", index: 0 });
  });

  it("of anything else carry nothing", () => {
    expect(settlement.decodeSettlement("0x")).to.deep.equal([]);
    expect(settlement.decodeSettlement("0x12345678")).to.deep.equal([]);
  });
});
