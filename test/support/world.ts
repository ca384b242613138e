import { id, Wallet, type BytesLike } from "ethers";
import { keyBytes } from "./groth16.ts";
import { developmentSetup, provedBatch, provedReceipt, type Proved } from "./proofs.ts";
import { deployProtocol, Mode, NO_DATA, NO_LINEAGE, type ReceiptFields } from "./protocol.ts";
import { reasonName } from "./outcome.ts";

export const SECONDS = {
  skew: 300n,
  delay: 259_200n,
  pause: 86_400n,
  coolDown: 604_800n,
  freeze: 864_000n,
  day: 86_400n,
};
export const MEASUREMENT = id("image 1");

/**
 * The protocol with one node, an operator key, an enclave key and a model version that may be evidenced in all modes:
 * what most tests start from. Wallets are fixed, so that runs differ in nothing but the hour.
 */
export async function deployWorld(startsAt?: Date) {
  const p = await deployProtocol(startsAt);
  const { networkHelpers } = p;
  const operatorKey = new Wallet(id("operator key"));
  const enclaveKey = new Wallet(id("enclave key"));
  const stranger = new Wallet(id("stranger"));
  const setup = developmentSetup();

  const nodeId = await p.registerNode();
  const keyId = await p.addOperatorKey(nodeId, operatorKey);
  const enclaveKeyId = await p.admitEnclave(nodeId, enclaveKey, MEASUREMENT);
  const version = {
    contentHash: id("weights"),
    uri: "ipfs://weights",
    modes: 7,
    verifier: await p.groth16.getAddress(),
    verifyingKey: keyBytes(setup),
    signals: "input, score, binding",
    lineage: NO_LINEAGE,
    ...NO_DATA,
  };
  await p.models.register(version);
  const modelId = await p.models.modelIdOf(p.signers.deployer.address, version);
  const vanillaModelId = await p.registerModel(1 << Mode.VANILLA, "vanilla only");
  await p.govern(p.enclaves, p.enclaves.interface.encodeFunctionData("approveMeasurement", [MEASUREMENT, modelId]));

  const now = async () => BigInt(await networkHelpers.time.latest());
  const keyOf = (mode: number) => (mode === Mode.TEE ? enclaveKey : operatorKey);
  const keyIdOf = (mode: number) => (mode === Mode.TEE ? enclaveKeyId : keyId);

  /** A receipt of this world's keys and model, in any mode; unproved. */
  const receiptIn = (mode: number, over: Partial<ReceiptFields> = {}) =>
    p.receipt({ mode, keyId: keyIdOf(mode), modelId, outputScheme: mode === Mode.ZKML ? 2 : 0, ...over });
  const proved = (over: Partial<ReceiptFields> = {}, label?: string): Promise<Proved> =>
    provedReceipt(p, setup, { keyId, modelId, ...over }, label);
  const signedBatch = (receipts: ReceiptFields[], over = {}) => {
    const { batch, signature } = p.signBatch(receipts, keyOf(receipts[0]!.mode), over);
    return { batch, signature };
  };
  const proofBatch = (items: Proved[], over = {}) => provedBatch(p, items, operatorKey, over);

  /** A receipt with its own signature. */
  function signedReceipt(receipt: ReceiptFields, evidence = "0x", key: Wallet = keyOf(receipt.mode)) {
    return { receipt, signature: key.signingKey.sign(p.receiptId(receipt)).serialized, evidence };
  }

  /** Sends the next transaction at exactly this second. */
  const at = (second: bigint) => networkHelpers.time.setNextBlockTimestamp(second);
  /** Moves the chain's clock, with a block. */
  const goTo = (second: bigint) => networkHelpers.time.increaseTo(second);

  /** What the registry says of a receipt that settled alone. */
  async function openAlone(receipt: ReceiptFields) {
    return read(await p.registry.verification(p.openingAlone(receipt)));
  }
  async function open(receipts: ReceiptFields[], item: { batch: ReturnType<typeof signedBatch>["batch"] }, index = 0) {
    return read(await p.registry.verification(p.opening(receipts, item.batch, index)));
  }

  /** Acts as governance. */
  const distrust = (contract: Target, target: BytesLike, from: bigint) =>
    p.govern(contract, contract.interface.encodeFunctionData("distrust", [target, from]));
  const freeze = (contract: Target, target: string) => (contract.connect(p.signers.guardian) as Target).freeze(target);

  return {
    ...p,
    operatorKey,
    enclaveKey,
    stranger,
    setup,
    version,
    nodeId,
    keyId,
    enclaveKeyId,
    modelId,
    vanillaModelId,
    now,
    keyOf,
    keyIdOf,
    receiptIn,
    proved,
    signedBatch,
    proofBatch,
    signedReceipt,
    at,
    goTo,
    open,
    openAlone,
    distrust,
    freeze,
  };
}

type Deployed = Awaited<ReturnType<typeof deployProtocol>>;
type Target = Deployed["nodes"] | Deployed["enclaves"] | Deployed["models"];
export type World = Awaited<ReturnType<typeof deployWorld>>;

function read(v: Awaited<ReturnType<Deployed["registry"]["verification"]>>) {
  return {
    verified: v.verified,
    distrusted: v.distrusted,
    frozen: v.frozen,
    mode: Number(v.mode),
    reason: reasonName(v.reason),
    settledAt: v.settledAt,
    receiptId: v.receiptId,
  };
}

/** Each test of a suite starts from the same state of the same chain. */
export function useWorld(): () => World {
  let world: World;
  let restore: () => Promise<void>;
  before(async () => {
    world = await deployWorld();
    const snapshot = await world.networkHelpers.takeSnapshot();
    restore = () => snapshot.restore();
  });
  afterEach(() => restore());
  return () => world;
}
