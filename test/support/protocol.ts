import { rm } from "node:fs/promises";
import { network } from "hardhat";
import {
  type HDNodeWallet,
  SigningKey,
  TypedDataEncoder,
  type Wallet,
  concat,
  getBytes,
  hexlify,
  keccak256,
  toBeHex,
} from "ethers";
import { AbiCoder, randomBytes, zeroPadValue, ZeroHash } from "ethers";
import { buildModule } from "@nomicfoundation/hardhat-ignition/modules";
import { withNewToken } from "../../deploy/modules/protocol.ts";
import { readParameters } from "../../deploy/parameters.ts";
import {
  EnclaveRegistry__factory,
  Groth16Verifier__factory,
  InferenceRegistry__factory,
  ModelRegistry__factory,
  NodeRegistry__factory,
  Disputes__factory,
  FeeInboxes__factory,
  FeeSplitter__factory,
  InferenceEscrow__factory,
  InferenceRequests__factory,
  OPGStaking__factory,
  OPGToken__factory,
  OPGVesting__factory,
  DevelopmentAttestationVerifier__factory,
} from "../../typechain/index.ts";

/** Everything here is independent of the relayer's own code: formats are taken from ethers, so that each checks the other. */

export const Mode = { VANILLA: 0, ZKML: 1, TEE: 2 } as const;
export const coder = AbiCoder.defaultAbiCoder();
const DAY = 86_400n;

export const receiptTypes = {
  Receipt: [
    { name: "requestId", type: "bytes32" },
    { name: "modelId", type: "bytes32" },
    { name: "inputHash", type: "bytes32" },
    { name: "outputHash", type: "bytes32" },
    { name: "outputScheme", type: "uint8" },
    { name: "contextHash", type: "bytes32" },
    { name: "keyId", type: "bytes32" },
    { name: "payer", type: "address" },
    { name: "sequence", type: "uint64" },
    { name: "cumulativeFee", type: "uint128" },
    { name: "completedAt", type: "uint64" },
    { name: "mode", type: "uint8" },
  ],
};
export const batchTypes = {
  Batch: [
    { name: "keyId", type: "bytes32" },
    { name: "mode", type: "uint8" },
    { name: "root", type: "bytes32" },
    { name: "count", type: "uint32" },
    { name: "dataHash", type: "bytes32" },
    { name: "settler", type: "address" },
  ],
};

export interface ReceiptFields {
  requestId: string;
  modelId: string;
  inputHash: string;
  outputHash: string;
  outputScheme: number;
  contextHash: string;
  keyId: string;
  payer: string;
  sequence: bigint;
  cumulativeFee: bigint;
  completedAt: bigint;
  mode: number;
}
export interface BatchFields {
  keyId: string;
  mode: number;
  root: string;
  count: number;
  dataHash: string;
  settler: string;
}
export const NO_BATCH: BatchFields = {
  keyId: ZeroHash,
  mode: 0,
  root: ZeroHash,
  count: 0,
  dataHash: ZeroHash,
  settler: zeroPadValue("0x00", 20),
};

/** The lineage of a model version that derives from none and shares with nobody. */
export const NO_LINEAGE = { royalty: 0, parents: [], contributors: [] };
/** What a model version declares that names neither a licence nor data sources. */
export const NO_DATA = { licence: "", sources: [] };

/** Public key as the contracts take it: x ‖ y. */
export function publicKeyOf(wallet: { signingKey: SigningKey }): string {
  return "0x" + wallet.signingKey.publicKey.slice(4);
}
export function keyIdOf(kind: number, publicKey: string): string {
  return keccak256(coder.encode(["uint8", "bytes"], [kind, publicKey]));
}

/** A second, plain implementation of the tree. */
export const leafOf = (id: string) => keccak256(concat(["0x00", id]));
const nodeOf = (left: string, right: string) => keccak256(concat(["0x01", left, right]));
function levelUp(level: string[]): string[] {
  const next: string[] = [];
  for (let i = 0; i < level.length; i += 2)
    next.push(i + 1 < level.length ? nodeOf(level[i]!, level[i + 1]!) : level[i]!);
  return next;
}
export function merkleRootOf(ids: string[]): string {
  let level = ids.map(leafOf);
  while (level.length > 1) level = levelUp(level);
  return level[0]!;
}
export function merkleProofOf(ids: string[], index: number): string[] {
  const proof: string[] = [];
  for (let level = ids.map(leafOf); level.length > 1; level = levelUp(level), index >>= 1) {
    const sibling = level[index ^ 1];
    if (sibling !== undefined) proof.push(sibling);
  }
  return proof;
}

const ATTESTATION_ROOT = 3;
/**
 * The development deployment, but for who checks attestations: one ordinary signature instead of five of P-384, since
 * most tests are about something else. What checks them for real is test/attestation's.
 */
const AttestedBySignature = buildModule("OpenGradientDevelopment", (m) =>
  withNewToken(m, () => m.contract("DevelopmentAttestationVerifier", [m.getAccount(ATTESTATION_ROOT)])),
);

/**
 * A fresh local chain with everything deployed as it is for real.
 * @param startsAt The chain's first moment; now by default.
 * @param module The development deployment itself, where attestation matters: {@link Protocol.attest} is of no use then.
 * @param url A development node of its own to deploy on, instead of a chain in this process.
 */
export async function deployProtocol(
  startsAt = new Date(),
  module: typeof AttestedBySignature = AttestedBySignature,
  url?: string,
) {
  const connection = await (url === undefined
    ? network.create({ network: "default", override: { initialDate: startsAt } })
    : network.create({ network: "localhost", override: { url } }));
  const { ethers, ignition, networkHelpers } = connection;
  const [deployer, admin, guardian, attestationRoot, operator, other] = (await ethers.getSigners()) as [
    Signer,
    Signer,
    Signer,
    Signer,
    Signer,
    Signer,
  ];
  const { OpenGradientDevelopment: ours, ...others } = await readParameters(31337);
  // A node of its own gets a journal of its deployment, which is of no use here.
  const deploymentId = `tests-${process.pid}`;
  const contracts = await ignition.deploy(module, {
    ...(url === undefined ? {} : { deploymentId, displayUi: false }),
    // What is free at the token event goes to the deployer, who hands it to whoever needs some.
    parameters: { OpenGradientDevelopment: { ...ours!, liquidity: deployer.address }, ...others },
  });
  if (url !== undefined)
    await rm(new URL(`../../deploy/deployments/${deploymentId}`, import.meta.url), { recursive: true, force: true });
  const at = async (name: keyof typeof contracts) => contracts[name].getAddress();
  const registry = InferenceRegistry__factory.connect(await at("inferenceRegistry"), deployer);
  const models = ModelRegistry__factory.connect(await at("modelRegistry"), deployer);
  const nodes = NodeRegistry__factory.connect(await at("nodeRegistry"), operator);
  const enclaves = EnclaveRegistry__factory.connect(await at("enclaveRegistry"), operator);
  const token = OPGToken__factory.connect(await at("token"), deployer);
  const vesting = OPGVesting__factory.connect(await at("vesting"), deployer);
  const staking = OPGStaking__factory.connect(await at("staking"), operator);
  const disputes = Disputes__factory.connect(await at("disputes"), other);
  const splitter = FeeSplitter__factory.connect(await at("feeSplitter"), other);
  const inboxes = FeeInboxes__factory.connect(await at("feeInboxes"), other);
  const escrow = InferenceEscrow__factory.connect(await at("escrow"), other);
  const requests = InferenceRequests__factory.connect(await at("inferenceRequests"), operator);
  const attestation = DevelopmentAttestationVerifier__factory.connect(await at("attestationVerifier"), deployer);
  const groth16 = Groth16Verifier__factory.connect(await models.groth16Verifier(), deployer);
  const domain = {
    name: "OpenGradient Inference",
    version: "1",
    chainId: 31337n,
    verifyingContract: await registry.getAddress(),
  };

  const timelock = await ethers.getImpersonatedSigner(await at("timelock"));
  await networkHelpers.setBalance(timelock.address, 10n ** 18n);
  /** Acts as the timelock. How a vote gets there is test/opg/governor.test.ts's. */
  const govern = async (target: { getAddress(): Promise<string> }, data: string) =>
    timelock.sendTransaction({ to: await target.getAddress(), data });

  const LIQUIDITY = 5;
  if ((await vesting.releasable(LIQUIDITY)) > 0n) await vesting.release(LIQUIDITY);

  /** Brings an operator's own stake to an amount, by staking or by asking some back. */
  async function setStake(by: Signer, amount: bigint, kind = 0n) {
    const as = staking.connect(by);
    const { own } = await staking.pool(by.address, kind);
    const made = staking.filters.PoolCreated(by.address, kind);
    if ((await staking.queryFilter(made)).length === 0) await as.createPool(kind, 0n);
    if (amount < own) await as.unbond(kind, own - amount);
    if (amount <= own) return;
    await token.transfer(by.address, amount - own);
    await token.connect(by).approve(await staking.getAddress(), amount - own);
    await as.stake(by.address, kind, amount - own);
  }

  async function registerNode(by: Signer = operator, kind = 0n): Promise<string> {
    if (!(await staking.isSufficient(by.address, kind)))
      await setStake(by, (await staking.minimum(kind)).current, kind);
    await nodes.connect(by).registerNode(kind, "http://127.0.0.1:9000");
    return toBeHex(await nodes.nodeCount(), 32);
  }

  async function addOperatorKey(nodeId: string, key: Wallet | HDNodeWallet, by: Signer = operator, life = 30n * DAY) {
    const publicKey = publicKeyOf(key);
    const keyId = keyIdOf(0, publicKey);
    const digest = await nodes.keyRegistrationDigest(nodeId, keyId);
    const until = BigInt(await networkHelpers.time.latest()) + life;
    await nodes.connect(by).addOperatorKey(nodeId, publicKey, until, key.signingKey.sign(digest).serialized);
    return keyId;
  }

  async function attest(nodeId: string, key: Wallet | HDNodeWallet, measurement: string, over: object = {}) {
    const document = {
      kind: 1,
      publicKey: publicKeyOf(key),
      measurement,
      userData: await enclaves.registrationUserData(nodeId),
      issuedAt: BigInt(await networkHelpers.time.latest()),
      ...over,
    };
    const tuple = "tuple(uint8 kind, bytes publicKey, bytes32 measurement, bytes32 userData, uint64 issuedAt)" as const;
    const hash = keccak256(
      coder.encode(["uint256", "address", tuple], [31337n, await attestation.getAddress(), document]),
    );
    return coder.encode([tuple, "bytes"], [document, await attestationRoot.signMessage(getBytes(hash))]);
  }

  async function admitEnclave(nodeId: string, key: Wallet | HDNodeWallet, measurement: string, life = 30n * DAY) {
    const until = BigInt(await networkHelpers.time.latest()) + life;
    await enclaves.admit(nodeId, await attest(nodeId, key, measurement), until);
    return keyIdOf(1, publicKeyOf(key));
  }

  /** A model version without proofs. */
  async function registerModel(modes: number, name = "model") {
    const version = {
      contentHash: keccak256(Buffer.from(name)),
      uri: `ipfs://${name}`,
      modes,
      verifier: zeroPadValue("0x00", 20),
      verifyingKey: "0x",
      signals: "",
      lineage: NO_LINEAGE,
      ...NO_DATA,
    };
    await models.register(version);
    return models.modelIdOf(deployer.address, version);
  }

  async function receipt(over: Partial<ReceiptFields>): Promise<ReceiptFields> {
    return {
      requestId: hexlify(randomBytes(32)),
      modelId: ZeroHash,
      inputHash: hexlify(randomBytes(32)),
      outputHash: hexlify(randomBytes(32)),
      outputScheme: 0,
      contextHash: ZeroHash,
      keyId: ZeroHash,
      payer: other.address,
      sequence: 0n,
      cumulativeFee: 10n ** 16n,
      completedAt: BigInt(await networkHelpers.time.latest()),
      mode: Mode.VANILLA,
      ...over,
    };
  }
  const receiptId = (fields: ReceiptFields) => TypedDataEncoder.hash(domain, receiptTypes, fields);
  const batchDigest = (fields: BatchFields) => TypedDataEncoder.hash(domain, batchTypes, fields);

  /** Builds and signs a batch over receipts. */
  function signBatch(receipts: ReceiptFields[], key: Wallet | HDNodeWallet, over: Partial<BatchFields> = {}) {
    const ids = receipts.map(receiptId);
    const batch: BatchFields = {
      keyId: receipts[0]!.keyId,
      mode: receipts[0]!.mode,
      root: merkleRootOf(ids),
      count: ids.length,
      dataHash: keccak256(concat(ids)),
      settler: deployer.address,
      ...over,
    };
    return { batch, ids, signature: key.signingKey.sign(batchDigest(batch)).serialized };
  }
  function opening(receipts: ReceiptFields[], batch: BatchFields, index: number) {
    return { receipt: receipts[index]!, batch, index, proof: merkleProofOf(receipts.map(receiptId), index) };
  }
  const openingAlone = (fields: ReceiptFields) => ({
    receipt: fields,
    batch: NO_BATCH,
    index: 0,
    proof: [] as string[],
  });

  return {
    connection,
    ethers,
    networkHelpers,
    contracts,
    signers: { deployer, admin, guardian, attestationRoot, operator, other },
    registry,
    models,
    nodes,
    enclaves,
    token,
    vesting,
    staking,
    disputes,
    splitter,
    inboxes,
    escrow,
    requests,
    setStake,
    attestation,
    groth16,
    domain,
    govern,
    registerNode,
    addOperatorKey,
    attest,
    admitEnclave,
    registerModel,
    receipt,
    receiptId,
    batchDigest,
    signBatch,
    opening,
    openingAlone,
  };
}

type Signer = Awaited<ReturnType<Awaited<ReturnType<typeof network.create>>["ethers"]["getSigners"]>>[number];
export type Protocol = Awaited<ReturnType<typeof deployProtocol>>;
