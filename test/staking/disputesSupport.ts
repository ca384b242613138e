import { expect } from "chai";
import { type Wallet, type HDNodeWallet, id, keccak256, Signature, SigningKey, toBeHex } from "ethers";
import { Disputes__factory } from "../../typechain/index.ts";
import { coder, merkleProofOf, NO_BATCH, type BatchFields, type ReceiptFields } from "../support/protocol.ts";
import { deployWorld, type World } from "../support/world.ts";

export const BPS = { equivocation: 500n, foreignLeaf: 500n, channelFault: 200n };

/** Names of the contract's `Flaw`, in its order. */
export const FLAWS = [
  "None",
  "UnknownKey",
  "BadSignature",
  "IndexOutOfRange",
  "ProofLengthMismatch",
  "NotInBatch",
  "KeyMismatch",
  "ModeMismatch",
  "KeyLongEnded",
  "DifferentKeys",
  "DifferentRequests",
  "NoContradiction",
  "KeyOfAnotherNode",
  "NotOfTheChannel",
  "NotInOrder",
  "TotalDidNotFall",
  "NotABatch",
  "OwnLeaf",
  "AlreadyProven",
] as const;
export type FlawName = (typeof FLAWS)[number];
export const flawName = (flaw: bigint): FlawName => FLAWS[Number(flaw)]!;

type Key = Wallet | HDNodeWallet;

/** A receipt with the signature of its key, alone or through a batch. */
export interface Statement {
  opening: { receipt: ReceiptFields; batch: BatchFields; index: number; proof: string[] };
  signature: string;
}

export interface Channel {
  escrow: string;
  payer: string;
  signer: string;
  nodeId: string;
  modelId: string;
  modeMask: number;
  lane: bigint;
}

export function channelIdOf(channel: Channel, chainId = 31337n): string {
  const types = ["uint256", "address", "address", "address", "bytes32", "bytes32", "uint8", "uint64"];
  const { escrow, payer, signer, nodeId, modelId, modeMask, lane } = channel;
  return keccak256(coder.encode(types, [chainId, escrow, payer, signer, nodeId, modelId, modeMask, lane]));
}
export const requestIdOf = (channelId: string, sequence: bigint): string =>
  keccak256(coder.encode(["bytes32", "uint64"], [channelId, sequence]));

/** The same signature with high s: also the key's, and refused everywhere. */
export function highS(signature: string): string {
  const N = 0xfffffffffffffffffffffffffffffffebaaedce6af48a03bbfd25e8cd0364141n;
  const { r, s, v } = Signature.from(signature);
  return r + toBeHex(N - BigInt(s), 32).slice(2) + (v === 27 ? "1c" : "1b");
}

/** What speaks for itself: the statements a test makes, and what the contract finds in them. */
export function statementsOf(w: Pick<World, "receiptId" | "signBatch" | "keyOf">) {
  const sign = (key: Key, digest: string) => new SigningKey(key.privateKey).sign(digest).serialized;
  /** A receipt signed alone. */
  const alone = (receipt: ReceiptFields, key: Key = w.keyOf(receipt.mode)): Statement => ({
    opening: { receipt, batch: NO_BATCH, index: 0, proof: [] },
    signature: sign(key, w.receiptId(receipt)),
  });
  /** A receipt as the leaf at `index` of a signed batch. */
  function leaf(
    receipts: ReceiptFields[],
    index: number,
    over: Partial<BatchFields> = {},
    key: Key = w.keyOf(receipts[0]!.mode),
  ): Statement {
    const { batch, signature } = w.signBatch(receipts, key, over);
    const proof = merkleProofOf(receipts.map(w.receiptId), index);
    return { opening: { receipt: receipts[index]!, batch, index, proof }, signature };
  }
  return { alone, leaf };
}

/** Changes the evidence and leaves its signature as it was. */
export const tampered = (statement: Statement, over: Partial<Statement["opening"]>): Statement => ({
  ...statement,
  opening: { ...statement.opening, ...over },
});

/** Disputes over a world's registries, with a slasher that writes down what it is told. */
export async function deployDisputes() {
  const w = await deployWorld();
  const slasher = await w.ethers.deployContract("RecordingSlasher");
  const addresses = [w.registry, w.nodes, w.enclaves, slasher].map((part) => part.getAddress());
  const contract = await w.ethers.deployContract("Disputes", await Promise.all(addresses));
  const disputes = Disputes__factory.connect(await contract.getAddress(), w.signers.other);

  const channel = (over: Partial<Channel> = {}): Channel => ({
    escrow: toBeHex(0xe5c0, 20),
    payer: w.signers.other.address,
    signer: w.stranger.address,
    nodeId: w.nodeId,
    modelId: w.modelId,
    modeMask: 1,
    lane: 3n,
    ...over,
  });
  /** A receipt at a place of a channel. */
  const inChannel = (
    of: Channel,
    sequence: bigint,
    cumulativeFee: bigint,
    over: Partial<ReceiptFields> = {},
    mode = 0,
  ): Promise<ReceiptFields> =>
    w.receiptIn(mode, { requestId: requestIdOf(channelIdOf(of), sequence), sequence, cumulativeFee, ...over });
  /** Two statements about one request that differ in their output, or in what is said. */
  async function twice(mode: number, over: Partial<ReceiptFields> = { outputHash: id("another answer") }) {
    const first = await w.receiptIn(mode);
    return [first, { ...first, ...over }] as const;
  }
  const slashes = async () => {
    const calls = [];
    for (let i = 0n; i < (await slasher.getFunction("count").staticCall()); i++)
      calls.push([...(await slasher.getFunction("calls").staticCall(i))] as [string, bigint, bigint, string]);
    return calls;
  };
  return { ...w, slasher, disputes, channel, inChannel, twice, slashes, ...statementsOf(w) };
}
export type DisputesWorld = Awaited<ReturnType<typeof deployDisputes>>;

/** Each test starts from the same state. */
export function useDisputes(): () => DisputesWorld {
  let world: DisputesWorld;
  let restore: () => Promise<void>;
  before(async () => {
    world = await deployDisputes();
    const snapshot = await world.networkHelpers.takeSnapshot();
    restore = () => snapshot.restore();
  });
  afterEach(() => restore());
  return () => world;
}

export const hash = (text: string): string => id(text);

/** A report is refused for this reason. */
export const notProven = (w: DisputesWorld, sent: Promise<unknown>, flaw: FlawName) =>
  expect(sent).to.be.revertedWithCustomError(w.disputes, "Disputes_NotProven").withArgs(FLAWS.indexOf(flaw));
