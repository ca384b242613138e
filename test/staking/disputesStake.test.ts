import { network } from "hardhat";
import { expect } from "chai";
import { getBytes, id, keccak256, toBeHex, TypedDataEncoder, Wallet, ZeroAddress, ZeroHash } from "ethers";
import {
  Disputes__factory,
  EnclaveRegistry__factory,
  InferenceRegistry__factory,
  NodeRegistry__factory,
  OPGStaking__factory,
  OPGToken__factory,
} from "../../typechain/index.ts";
import { batchTypes, coder, keyIdOf, merkleProofOf, merkleRootOf, NO_BATCH } from "../support/protocol.ts";
import { publicKeyOf, receiptTypes, type BatchFields, type ReceiptFields } from "../support/protocol.ts";
import { channelIdOf, FLAWS, requestIdOf, type Channel, type Statement } from "./disputesSupport.ts";

const OPG = 10n ** 18n;
const MINIMUM = 10_000n * OPG;
const DAY = 86_400n;
const BURN = "0x000000000000000000000000000000000000dEaD";
const MEASUREMENT = id("image");
const LONG_ENDED = FLAWS.indexOf("KeyLongEnded");

/** Everything between a signature and the stake behind it, wired as it will be. */
async function deploy() {
  const connection = await network.create({ network: "default", override: { initialDate: new Date("2026-04-01") } });
  const { ethers, networkHelpers } = connection;
  const signers = await ethers.getSigners();
  const [deployer, guardian, root, operator, other, alice, reporter] = signers as unknown as [S, S, S, S, S, S, S];
  type S = (typeof signers)[number];
  const deployed = async (name: string, ...args: unknown[]) => (await ethers.deployContract(name, args)).getAddress();
  const powers = [deployer.address, guardian.address];
  const token = OPGToken__factory.connect(
    await deployed("OPGToken", [deployer.address], [1_000_000_000n * OPG]),
    deployer,
  );
  const stakingAt = await deployed(
    "OPGStaking",
    ...[await token.getAddress(), deployer.address, Array(4).fill(MINIMUM), Array(4).fill(1_000n)],
  );
  const staking = OPGStaking__factory.connect(stakingAt, deployer);
  const nodes = NodeRegistry__factory.connect(await deployed("NodeRegistry", ...powers, stakingAt), operator);
  const attestation = await deployed("DevelopmentAttestationVerifier", root.address);
  const enclaves = EnclaveRegistry__factory.connect(
    await deployed("EnclaveRegistry", ...powers, await nodes.getAddress(), attestation),
    operator,
  );
  const models = await deployed("ModelRegistry", ...powers, [id("phase 1")]);
  const registries = [await nodes.getAddress(), await enclaves.getAddress()] as const;
  const registryAt = await deployed("InferenceRegistry", ...powers, ...registries, models);
  const registry = InferenceRegistry__factory.connect(registryAt, guardian);
  const disputesAt = await deployed("Disputes", registryAt, ...registries, stakingAt);
  const disputes = Disputes__factory.connect(disputesAt, reporter);
  await staking.wire(...registries, disputesAt, ZeroAddress);
  for (const each of [operator, other, alice]) {
    await token.transfer(each.address, 1_000_000n * OPG);
    await token.connect(each).approve(stakingAt, 2n ** 256n - 1n);
  }
  const now = async () => BigInt(await networkHelpers.time.latest());

  async function pool(by: S, kind: number, own: bigint) {
    await staking.connect(by).createPool(kind, 0n);
    await staking.connect(by).stake(by.address, kind, own);
  }
  /** A node with so many keys in each registry, named by the first of each. */
  async function node(by: S, kind: number, keys: number, label: string) {
    await nodes.connect(by).registerNode(kind, "");
    const nodeId = toBeHex(await nodes.nodeCount(), 32);
    const until = (await now()) + 60n * DAY;
    const [operatorKeys, enclaveKeys] = ["operator", "enclave"].map((kindOf) =>
      Array.from({ length: keys }, (_, i) => new Wallet(id(`${label} ${kindOf} ${i}`))),
    ) as [Wallet[], Wallet[]];
    for (const key of operatorKeys) {
      const digest = await nodes.keyRegistrationDigest(nodeId, keyIdOf(0, publicKeyOf(key)));
      await nodes.connect(by).addOperatorKey(nodeId, publicKeyOf(key), until, key.signingKey.sign(digest).serialized);
    }
    for (const key of enclaveKeys) {
      const userData = await enclaves.registrationUserData(nodeId);
      const seen = { kind: 1, publicKey: publicKeyOf(key), measurement: MEASUREMENT, userData, issuedAt: await now() };
      const tuple = "tuple(uint8 kind, bytes publicKey, bytes32 measurement, bytes32 userData, uint64 issuedAt)";
      const hash = keccak256(coder.encode(["uint256", "address", tuple], [31337n, attestation, seen]));
      const document = coder.encode([tuple, "bytes"], [seen, await root.signMessage(getBytes(hash))]);
      await enclaves.connect(by).admit(nodeId, document, until);
    }
    return { nodeId, operatorKeys, enclaveKeys };
  }

  const domain = { name: "OpenGradient Inference", version: "1", chainId: 31337n, verifyingContract: registryAt };
  const receiptId = (receipt: ReceiptFields) => TypedDataEncoder.hash(domain, receiptTypes, receipt);
  const receipt = (keyId: string, over: Partial<ReceiptFields> = {}): ReceiptFields => ({
    ...{ requestId: id("request"), modelId: id("model"), inputHash: id("input"), outputHash: id("output") },
    ...{ outputScheme: 0, contextHash: ZeroHash, keyId, payer: alice.address, sequence: 0n, cumulativeFee: OPG },
    ...{ completedAt: 1_775_000_000n, mode: 0, ...over },
  });
  const alone = (one: ReceiptFields, key: Wallet): Statement => ({
    opening: { receipt: one, batch: NO_BATCH, index: 0, proof: [] },
    signature: key.signingKey.sign(receiptId(one)).serialized,
  });
  /** The last leaf of a signed batch of so many. */
  function leaf(one: ReceiptFields, key: Wallet, count: number, over: Partial<BatchFields> = {}): Statement {
    const ids = [...Array.from({ length: count - 1 }, (_, i) => id(`leaf ${i}`)), receiptId(one)];
    const { keyId, mode } = one;
    const batch = { keyId, mode, root: merkleRootOf(ids), count, dataHash: ZeroHash, settler: ZeroAddress, ...over };
    const signature = key.signingKey.sign(TypedDataEncoder.hash(domain, batchTypes, batch)).serialized;
    return { opening: { receipt: one, batch, index: count - 1, proof: merkleProofOf(ids, count - 1) }, signature };
  }
  /** Two answers to one request. */
  function twice(key: Wallet, kind = 0, over: Partial<ReceiptFields> = {}): [Statement, Statement] {
    const one = receipt(keyIdOf(kind, publicKeyOf(key)), over);
    return [alone(one, key), alone({ ...one, outputHash: id("another output") }, key)];
  }
  const stakeOf = async (by: S, kind: number) => {
    const { own, ownUnbonding, delegated, delegatedUnbonding } = await staking.pool(by.address, kind);
    return own + ownUnbonding + delegated + delegatedUnbonding;
  };
  return {
    ...{ connection, networkHelpers, deployer, guardian, operator, other, alice, reporter, token, staking, nodes },
    ...{ enclaves, registry, disputes, now, pool, node, receipt, alone, leaf, twice, stakeOf },
  };
}

describe("Disputes: the stake behind a fault", () => {
  let w: Awaited<ReturnType<typeof deploy>>;
  let restore: () => Promise<void>;
  before(async () => {
    w = await deploy();
    const snapshot = await w.networkHelpers.takeSnapshot();
    restore = () => snapshot.restore();
  });
  afterEach(() => restore());

  it("takes 5 % of the operator's pool for an equivocation, a tenth of it for the reporter, and touches no other", async () => {
    await w.pool(w.operator, 0, 20_000n * OPG);
    await w.pool(w.operator, 1, 30_000n * OPG);
    await w.pool(w.other, 0, 40_000n * OPG);
    await w.staking.connect(w.alice).delegate(w.operator.address, 0, 20_000n * OPG);
    const { operatorKeys, nodeId } = await w.node(w.operator, 0, 1, "node");
    const key = operatorKeys[0]!;
    const slashed = 2_000n * OPG;
    const evidence = w.twice(key);
    expect(await w.disputes.reportEquivocation.staticCall(...evidence)).to.equal(slashed);
    const { fault } = await w.disputes.equivocation(...evidence);
    await expect(w.disputes.reportEquivocation(...evidence))
      .to.emit(w.disputes, "FaultProven")
      .withArgs(0n, keyIdOf(0, publicKeyOf(key)), w.operator.address, w.reporter.address, slashed, [...fault]);
    expect(fault.nodeId).to.equal(nodeId);
    expect(await w.stakeOf(w.operator, 0)).to.equal(38_000n * OPG);
    expect(await w.stakeOf(w.operator, 1)).to.equal(30_000n * OPG);
    expect(await w.stakeOf(w.other, 0)).to.equal(40_000n * OPG);
    await w.staking.claim(w.reporter.address);
    await w.staking.claim(BURN);
    expect(await w.token.balanceOf(w.reporter.address)).to.equal(slashed / 10n);
    expect(await w.token.balanceOf(BURN)).to.equal((slashed * 9n) / 10n);
    await expect(w.disputes.reportEquivocation(...evidence)).to.be.revertedWithCustomError(
      w.disputes,
      "Disputes_NotProven",
    );
  });

  it("ends all keys of the operator's nodes of that kind where too little stake is left, and no others [R12]", async () => {
    await w.pool(w.operator, 0, MINIMUM);
    await w.pool(w.operator, 1, MINIMUM);
    const [guilty, sibling] = [await w.node(w.operator, 0, 2, "guilty"), await w.node(w.operator, 0, 1, "sibling")];
    const proxy = await w.node(w.operator, 1, 1, "proxy");
    const [first, second] = w.twice(guilty.enclaveKeys[0]!, 1, { mode: 2 });
    await w.disputes.reportEquivocation(first, second);
    for (const { nodeId } of [guilty, sibling]) {
      expect(await w.nodes.liveKeys(nodeId)).to.deep.equal([]);
      expect(await w.enclaves.liveKeys(nodeId)).to.deep.equal([]);
    }
    expect((await w.nodes.liveKeys(proxy.nodeId)).length).to.equal(1);
    expect((await w.enclaves.liveKeys(proxy.nodeId)).length).to.equal(1);
  });

  it("reaches stake that unbonds, with settlement paused and the key frozen [FM:slashing-paused] [R8] [R12]", async () => {
    await w.pool(w.operator, 0, 20_000n * OPG);
    const { operatorKeys } = await w.node(w.operator, 0, 1, "node");
    const keyId = keyIdOf(0, publicKeyOf(operatorKeys[0]!));
    await w.staking.connect(w.operator).unbond(0, 20_000n * OPG);
    await w.registry.pause();
    await w.nodes.connect(w.guardian).freeze(keyId);
    await w.networkHelpers.time.increaseTo((await w.now()) + 20n * DAY);
    await w.disputes.reportEquivocation(...w.twice(operatorKeys[0]!));
    expect(await w.stakeOf(w.operator, 0)).to.equal(19_000n * OPG);
  });

  it("cannot be turned on delegators by an operator that left: its keys answer as long as its own stake does (R12)", async () => {
    await w.pool(w.operator, 0, MINIMUM);
    await w.staking.connect(w.alice).delegate(w.operator.address, 0, 9n * MINIMUM);
    const { operatorKeys, nodeId, enclaveKeys } = await w.node(w.operator, 0, 1, "node");
    await w.staking.connect(w.operator).unbond(0, MINIMUM);
    const left = await w.now();
    // Alice sees it an hour later; the operator's stake matures an hour before hers.
    await w.networkHelpers.time.increaseTo(left + 3_600n);
    await w.staking.connect(w.alice).undelegate(w.operator.address, 0, 9n * MINIMUM);
    const unbonding = await w.staking.UNBONDING();
    await w.networkHelpers.time.setNextBlockTimestamp(left + unbonding);
    await w.staking.withdrawStake(w.operator.address, 0);
    // Nothing is at stake for the operator any more: it says two things as often as it likes, and reports itself.
    const foreign = w.receipt(id("another key"), { requestId: id("foreign") });
    const channel: Channel = {
      ...{ escrow: ZeroAddress, payer: w.alice.address, signer: w.alice.address, nodeId, modelId: id("model") },
      ...{ modeMask: 1, lane: 0n },
    };
    const keyId = keyIdOf(0, publicKeyOf(operatorKeys[0]!));
    const at = (sequence: bigint, cumulativeFee: bigint) =>
      w.receipt(keyId, { requestId: requestIdOf(channelIdOf(channel), sequence), sequence, cumulativeFee });
    const falling = [w.alone(at(1n, 10n), operatorKeys[0]!), w.alone(at(2n, 9n), operatorKeys[0]!)] as const;
    for (const report of [
      w.disputes.reportEquivocation(...w.twice(operatorKeys[0]!)),
      w.disputes.reportEquivocation(...w.twice(enclaveKeys[0]!, 1, { mode: 2 })),
      w.disputes.reportChannelFault(channel, ...falling),
      w.disputes.reportForeignLeaf(w.leaf(foreign, operatorKeys[0]!, 3, { keyId })),
    ])
      await expect(report).to.be.revertedWithCustomError(w.disputes, "Disputes_NotProven").withArgs(LONG_ENDED);
    expect(await w.stakeOf(w.operator, 0)).to.equal(9n * MINIMUM);
    expect(await w.disputes.LIABILITY()).to.equal(unbonding);
  });

  it("answers for an ended key to the second before its stake can leave (R12)", async () => {
    await w.pool(w.operator, 0, MINIMUM);
    const { operatorKeys } = await w.node(w.operator, 0, 1, "node");
    await w.staking.connect(w.operator).unbond(0, MINIMUM);
    await w.networkHelpers.time.setNextBlockTimestamp((await w.now()) + 21n * DAY - 1n);
    await w.disputes.reportEquivocation(...w.twice(operatorKeys[0]!));
    expect(await w.stakeOf(w.operator, 0)).to.equal((MINIMUM * 95n) / 100n);
  });

  it("costs what a reporter can afford, with eight nodes and 64 keys to end too", async () => {
    await w.pool(w.operator, 0, 20_000n * OPG);
    const { operatorKeys, nodeId } = await w.node(w.operator, 0, 4, "node 0");
    const key = operatorKeys[0]!;
    const keyId = keyIdOf(0, publicKeyOf(key));
    const channel: Channel = {
      ...{ escrow: ZeroAddress, payer: w.alice.address, signer: w.alice.address, nodeId, modelId: id("model") },
      ...{ modeMask: 1, lane: 0n },
    };
    const at = (sequence: bigint, cumulativeFee: bigint) =>
      w.receipt(keyId, { requestId: requestIdOf(channelIdOf(channel), sequence), sequence, cumulativeFee });
    const other = (name: string) => ({ requestId: id(name) });
    const foreign = w.receipt(id("another key"), other("foreign"));
    const gas: Record<string, bigint> = {};
    const measure = async (name: string, sent: Promise<{ wait(): Promise<{ gasUsed: bigint } | null> }>) => {
      gas[name] = (await (await sent).wait())!.gasUsed;
    };
    await w.disputes.reportEquivocation(...w.twice(key, 0, other("warm")));
    await measure("equivocation", w.disputes.reportEquivocation(...w.twice(key)));
    const [, leaf] = w.twice(key, 0, other("in a batch"));
    const signed = w.alone(w.receipt(keyId, other("in a batch")), key);
    const inBatch = w.leaf(leaf.opening.receipt, key, 1_024);
    await measure("equivocation, one in a batch of 1,024", w.disputes.reportEquivocation(signed, inBatch));
    const falling = [w.alone(at(1n, 10n), key), w.alone(at(2n, 9n), key)] as const;
    await measure("channel fault", w.disputes.reportChannelFault(channel, ...falling));
    await measure("foreign leaf in 1,024", w.disputes.reportForeignLeaf(w.leaf(foreign, key, 1_024, { keyId })));
    for (let i = 1; i < 8; i++) await w.node(w.operator, 0, 4, `node ${i}`);
    // Own stake falls to exactly the minimum, and the next fault below it.
    const { own } = await w.staking.pool(w.operator.address, 0);
    await w.staking.connect(w.operator).unbond(0, own - MINIMUM);
    const last = w.disputes.reportEquivocation(...w.twice(key, 0, other("last")));
    await measure("equivocation that ends 64 keys", last);
    expect(await w.nodes.liveKeys(nodeId)).to.deep.equal([]);
    if (process.env["SHOW_GAS"]) console.log(gas);
    const most = [165_000n, 175_000n, 190_000n, 160_000n, 1_100_000n];
    Object.values(gas).forEach((spent, place) => expect(spent, Object.keys(gas)[place]).to.be.below(most[place]!));
  });
});
