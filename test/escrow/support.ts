import {
  concat,
  id,
  keccak256,
  Signature,
  toBeHex,
  TypedDataEncoder,
  Wallet,
  ZeroAddress,
  ZeroHash,
  type HDNodeWallet,
} from "ethers";
import { InferenceEscrow__factory, OPGToken__factory, type OPGToken } from "../../typechain/index.ts";
import { coder, Mode, NO_BATCH, type BatchFields, type ReceiptFields } from "../support/protocol.ts";
import { deployWorld } from "../support/world.ts";
import { leafOf, merkleProofOf } from "../support/protocol.ts";

export const SUPPLY = 1_000_000_000n * 10n ** 18n;
export const THAW = 14n * 86_400n;
export const EPOCH = 28n * 86_400n;
export const UINT96_MAX = 2n ** 96n - 1n;
/** Most that a channel ever pays. */
export const MAX_AMOUNT = 2n ** 90n - 1n;
/** Most that waits in a channel. */
export const MAX_OWED = 2n ** 70n - 1n;
/** A fee of as many digits as fees have. */
export const FEE = 12_345_678_901_234_567n;

/** Names of the contract's `Refusal`, in its order. */
export const REFUSALS = [
  "None",
  "NotVerified",
  "OtherNode",
  "WrongSequence",
  "ModeNotAllowed",
  "BadVoucher",
  "NotOpened",
  "SessionExpired",
  "NothingDue",
  "LimitReached",
  "EscrowEmpty",
  "OtherRequest",
] as const;
export type RefusalName = (typeof REFUSALS)[number];
export const Refusal = Object.fromEntries(REFUSALS.map((name, i) => [name, BigInt(i)])) as Record<RefusalName, bigint>;

const voucherTypes = {
  Voucher: [
    { name: "channelId", type: "bytes32" },
    { name: "sequence", type: "uint64" },
    { name: "inputHash", type: "bytes32" },
    { name: "maxCumulative", type: "uint128" },
  ],
};

/** The two words of a `Collected` event. */
export const collectedWords = (
  sequence: bigint,
  { amount, paid, owed, balance }: Record<"amount" | "paid" | "owed" | "balance", bigint>,
): [payment: bigint, totals: bigint] => [(sequence << 192n) | (amount << 96n) | paid, (owed << 96n) | balance];

export interface ChannelFields {
  payer: string;
  signer: string;
  nodeId: string;
  modelId: string;
  modeMask: number;
  lane: bigint;
}

/** Siblings that do not follow from the leaves at these places: a second, plain implementation. */
export function multiproofOf(ids: string[], indices: number[]): string[] {
  const proof: string[] = [];
  let level = ids.map(leafOf);
  for (let known = [...indices]; level.length > 1; known = [...new Set(known.map((place) => place >> 1))]) {
    for (const place of known) {
      const sibling = level[place ^ 1];
      if (sibling !== undefined && !known.includes(place ^ 1)) proof.push(sibling);
    }
    const next: string[] = [];
    for (let i = 0; i < level.length; i += 2)
      next.push(i + 1 < level.length ? keccak256(concat(["0x01", level[i]!, level[i + 1]!])) : level[i]!);
    level = next;
  }
  return proof;
}

/** The world, with OPG, the escrow over it, and a splitter that keeps what it gets. */
export async function deployEscrow(startsAt?: Date) {
  const w = await deployWorld(startsAt);
  const { ethers } = w;
  const [holder] = await ethers.getSigners();
  const deployed = await ethers.deployContract("OPGToken", [[holder!.address], [SUPPLY]]);
  const token = OPGToken__factory.connect(await deployed.getAddress(), holder);
  const splitter = await ethers.deployContract("PlainSplitter", [await token.getAddress()]);
  const made = await ethers.deployContract("InferenceEscrow", [
    await token.getAddress(),
    await w.registry.getAddress(),
    await w.nodes.getAddress(),
    await splitter.getAddress(),
  ]);
  const base = { ...w, holder: holder!, token, splitter };
  return { ...base, ...(await escrowAt(base, await made.getAddress())) };
}

type Base = Omit<Awaited<ReturnType<typeof deployWorld>>, "splitter" | "escrow"> & {
  holder: Awaited<ReturnType<Awaited<ReturnType<typeof deployWorld>>["ethers"]["getSigners"]>>[number];
  token: OPGToken;
};

/** An escrow in this world, and what is signed for it. */
export async function escrowAt(w: Base, address: string) {
  const { holder, token } = w;
  const escrow = InferenceEscrow__factory.connect(address, w.signers.other);
  const domain = {
    name: "OpenGradient InferenceEscrow",
    version: "1",
    chainId: 31337n,
    verifyingContract: address,
  };

  const channel = (payer: string, over: Partial<ChannelFields> = {}): ChannelFields => ({
    payer,
    signer: payer,
    nodeId: w.nodeId,
    modelId: w.modelId,
    modeMask: 7,
    lane: 0n,
    ...over,
  });
  const channelIdOf = (c: ChannelFields) =>
    keccak256(
      coder.encode(
        ["uint256", "address", "address", "address", "bytes32", "bytes32", "uint8", "uint64"],
        [31337n, domain.verifyingContract, c.payer, c.signer, c.nodeId, c.modelId, c.modeMask, c.lane],
      ),
    );
  const requestIdOf = (c: ChannelFields, sequence: bigint) =>
    keccak256(coder.encode(["bytes32", "uint64"], [channelIdOf(c), sequence]));

  /** A receipt that answers a request of a channel. */
  const answer = (c: ChannelFields, sequence: bigint, over: Partial<ReceiptFields> = {}) =>
    w.receiptIn(over.mode ?? Mode.VANILLA, {
      requestId: requestIdOf(c, sequence),
      modelId: c.modelId,
      payer: c.payer,
      sequence,
      cumulativeFee: FEE * sequence,
      ...over,
    });

  /** What a receipt is collected with; the voucher allows exactly the fee unless said otherwise. */
  function claim(c: ChannelFields, r: ReceiptFields, key: Wallet | HDNodeWallet, index = 0, max = r.cumulativeFee) {
    const voucher = { channelId: channelIdOf(c), sequence: r.sequence, inputHash: r.inputHash, maxCumulative: max };
    const signature = Signature.from(key.signingKey.sign(TypedDataEncoder.hash(domain, voucherTypes, voucher)));
    const session = c.signer === c.payer ? 0n : BigInt(c.signer);
    return {
      payer: BigInt(c.payer) | (r.sequence << 160n) | (BigInt(index) << 224n),
      signer: session | (c.lane << 160n) | (BigInt(c.modeMask) << 224n),
      fees: r.cumulativeFee | (max << 128n),
      answer: r.completedAt | (BigInt(r.outputScheme) << 64n),
      inputHash: r.inputHash,
      outputHash: r.outputHash,
      contextHash: r.contextHash,
      r: signature.r,
      vs: signature.yParityAndS,
    };
  }
  /** Settles a batch over these receipts, signed by the world's key of their mode. */
  async function settle(receipts: ReceiptFields[], over: Partial<BatchFields> = {}) {
    const item = w.signedBatch(receipts, over);
    await w.registry.settleBatches([item]);
    if ((await w.registry.settledAt(w.batchDigest(item.batch))) === 0n) throw new Error("The batch did not settle.");
    return item.batch;
  }
  const proofOf = (receipts: ReceiptFields[], index: number) => merkleProofOf(receipts.map(w.receiptId), index);
  const alone = (r: ReceiptFields): BatchFields => ({ ...NO_BATCH, keyId: r.keyId, mode: r.mode });

  /** Gives this payer a balance for a node. */
  async function fund(payer: string, amount: bigint, nodeId = w.nodeId) {
    await token.approve(domain.verifyingContract, amount);
    await escrow.connect(holder).deposit(payer, nodeId, amount);
  }
  const feesOf = (settler: string, settledAt: bigint, modelId = w.modelId) =>
    escrow.fees(w.nodeId, modelId, settler, settledAt / EPOCH);

  /**
   * Puts a batch on the ledger that is too large for one transaction: what collecting costs does not depend on how it
   * got there.
   */
  async function putOnLedger(batch: BatchFields) {
    const [address, digest, second] = [await w.registry.getAddress(), w.batchDigest(batch), await w.now()];
    for (let slot = 0; slot < 16; slot++) {
      const place = keccak256(coder.encode(["bytes32", "uint256"], [digest, slot]));
      await w.networkHelpers.setStorageAt(address, place, toBeHex(second, 32));
      if ((await w.registry.settledAt(digest)) === second) return;
      await w.networkHelpers.setStorageAt(address, place, toBeHex(0, 32));
    }
    throw new Error("The ledger's mapping is not among the first 16 slots.");
  }

  /** Where a channel's first word is kept. */
  async function stateSlotOf(c: ChannelFields): Promise<string> {
    const { paid } = await escrow.session(channelIdOf(c));
    if (paid === 0n) throw new Error("Nothing tells this channel's word from an empty one.");
    for (let slot = 0; slot < 16; slot++) {
      const place = keccak256(coder.encode(["bytes32", "uint256"], [channelIdOf(c), slot]));
      if (BigInt(await w.ethers.provider.getStorage(address, place)) !== 0n) return place;
    }
    throw new Error("The channels' mapping is not among the first 16 slots.");
  }

  return {
    putOnLedger,
    stateSlotOf,
    escrow,
    escrowDomain: domain,
    channel,
    channelIdOf,
    requestIdOf,
    answer,
    claim,
    settle,
    proofOf,
    alone,
    fund,
    feesOf,
  };
}
export type EscrowWorld = Awaited<ReturnType<typeof deployEscrow>>;

/** Each test of a suite starts from the same state of the same chain. */
export function useEscrow(): () => EscrowWorld {
  let world: EscrowWorld;
  let restore: () => Promise<void>;
  before(async () => {
    world = await deployEscrow();
    const snapshot = await world.networkHelpers.takeSnapshot();
    restore = () => snapshot.restore();
  });
  afterEach(() => restore());
  return () => world;
}

export const walletOf = (label: string) => new Wallet(id(label));
export { id, Mode, ZeroAddress, ZeroHash };
