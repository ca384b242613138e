import {
  type BaseContractMethod,
  concat,
  type Contract,
  id,
  keccak256,
  parseEther,
  toUtf8Bytes,
  ZeroAddress,
  ZeroHash,
} from "ethers";
import { coder, Mode, type ReceiptFields } from "../support/protocol.ts";
import { deployWorld } from "../support/world.ts";

export const OPG = 10n ** 18n;
export const FEE = 20n * OPG;
export const BOND = 2n * OPG;
export const EPOCH = 28n * 86_400n;
export const HOUR = 3_600n;
export const DAY = 86_400n;

export const Status = { None: 0n, Open: 1n, Accepted: 2n, Fulfilled: 3n, Cancelled: 4n, TimedOut: 5n, Excused: 6n };
export const Mismatch = {
  Request: 1n,
  Payer: 2n,
  Model: 3n,
  Input: 4n,
  Context: 5n,
  Sequence: 6n,
  Mode: 7n,
  Fee: 8n,
  Node: 9n,
};
/** What a requester does in its callback. */
export const Act = { Take: 0n, Revert: 1n, RevertLong: 2n, Burn: 3n, Call: 4n };

export interface ArtifactFields {
  kind: number;
  mediaType: string;
  hash: string;
}
const ARTIFACTS = "tuple(uint8 kind, string mediaType, bytes32 hash)[]";

/** An answer of scheme 0: contents by kind and media type; of those beyond tool calls only hashes travel. */
export function artifactsOf(parts: { kind: number; mediaType: string; content: string }[]) {
  const artifacts = parts.map(({ kind, mediaType, content }) => ({
    kind,
    mediaType,
    hash: keccak256(toUtf8Bytes(content)),
  }));
  const contents = parts.map(({ kind, content }) => (kind > 1 ? "0x" : toUtf8Bytes(content)));
  return {
    artifacts,
    outputHash: keccak256(concat(["0xff", coder.encode([ARTIFACTS], [artifacts])])),
    output: coder.encode([ARTIFACTS, "bytes[]"], [artifacts, contents]),
  };
}
export const encodeArtifacts = (artifacts: ArtifactFields[], contents: Uint8Array[]) =>
  coder.encode([ARTIFACTS, "bytes[]"], [artifacts, contents]);
export const TEXT = artifactsOf([{ kind: 0, mediaType: "text/plain", content: "the answer" }]);

/** A contract of test/solidity: there are no generated types of these. */
export type TestContract<Names extends string> = Contract & Record<Names, BaseContractMethod>;
type Requester = TestContract<
  | "ask"
  | "askWithInput"
  | "cancel"
  | "retry"
  | "behave"
  | "callInCallback"
  | "last"
  | "answers"
  | "gasSeen"
  | "output"
  | "result"
>;

/** The world with a requester that is a contract and rich, and a node that offers its model version. */
export async function deployRequests() {
  const w = await deployWorld();
  const { requests, token, nodes, signers } = w;
  const requestsAt = await requests.getAddress();
  const requester = (await w.ethers.deployContract("ScriptedRequester", [requestsAt], signers.other)) as Requester;
  const requesterAt = await requester.getAddress();
  await token.transfer(requesterAt, 1_000n * OPG);
  await token.transfer(signers.operator.address, 1_000n * OPG);
  await token.connect(signers.operator).approve(requestsAt, parseEther("1000000"));
  await nodes.setOffer(w.nodeId, w.modelId, 7, 3);

  const requestIdOf = (counter: bigint) =>
    keccak256(coder.encode(["uint256", "address", "uint256"], [31337n, requestsAt, counter]));
  const terms = async (over: object = {}) => ({
    modelId: w.modelId,
    inputHash: id("what is asked"),
    contextHash: ZeroHash,
    nodeId: ZeroHash,
    maxFee: FEE,
    deadline: (await w.now()) + HOUR,
    modeMask: 7,
    callbackGas: 500_000,
    ...over,
  });
  /** Asks by the requester. @returns the request's id. */
  async function ask(over: object = {}): Promise<string> {
    const requestId = requestIdOf(await requests.requestCount());
    await requester.ask(await terms(over), "0x");
    return requestId;
  }
  const accept = (requestId: string, keyId = w.keyId) => requests.accept(requestId, keyId, 2n ** 64n);
  async function accepted(over: object = {}): Promise<string> {
    const requestId = await ask(over);
    await accept(requestId);
    return requestId;
  }
  /** A receipt that answers a request of {@link terms}. */
  const answer = (requestId: string, over: Partial<ReceiptFields> = {}) =>
    w.receiptIn(over.mode ?? Mode.VANILLA, {
      requestId,
      inputHash: id("what is asked"),
      payer: requesterAt,
      cumulativeFee: FEE,
      outputHash: TEXT.outputHash,
      outputScheme: 0,
      ...over,
    });
  /** Settles it alone, and opens it. */
  async function settled(receipt: ReceiptFields, key = w.keyOf(receipt.mode)) {
    await w.registry.settleReceipts([w.signedReceipt(receipt, "0x", key)]);
    if ((await w.registry.settledAt(w.receiptId(receipt))) === 0n) throw new Error("The receipt did not settle.");
    return w.openingAlone(receipt);
  }
  const answered = async (requestId: string, over: Partial<ReceiptFields> = {}) =>
    settled(await answer(requestId, over));
  async function fulfil(requestId: string, over: Partial<ReceiptFields> = {}, output = TEXT.output) {
    return requests.connect(signers.other).fulfil(requestId, await answered(requestId, over), output);
  }
  const feesOf = async (settler = ZeroAddress, modelId = w.modelId) =>
    requests.fees(w.nodeId, modelId, settler, (await w.now()) / EPOCH);
  const statusOf = async (requestId: string) => (await requests.inferenceRequest(requestId)).status;

  return {
    ...w,
    requestsAt,
    requester,
    requesterAt,
    requestIdOf,
    terms,
    ask,
    accept,
    accepted,
    answer,
    settled,
    answered,
    fulfil,
    feesOf,
    statusOf,
  };
}
export type RequestsWorld = Awaited<ReturnType<typeof deployRequests>>;

/** Each test of a suite starts from the same state of the same chain. */
export function useRequests(): () => RequestsWorld {
  let world: RequestsWorld;
  let restore: () => Promise<void>;
  before(async () => {
    world = await deployRequests();
    const snapshot = await world.networkHelpers.takeSnapshot();
    restore = () => snapshot.restore();
  });
  afterEach(() => restore());
  return () => world;
}
