import { network } from "hardhat";
import { type ContractTransactionResponse, getBytes, keccak256, toBeHex, Wallet, id } from "ethers";
import {
  EnclaveRegistry__factory,
  NodeRegistry__factory,
  OPGStaking__factory,
  OPGToken__factory,
  OPGVesting__factory,
} from "../../typechain/index.ts";
import { coder, keyIdOf, publicKeyOf } from "../support/protocol.ts";

export const OPG = 10n ** 18n;
export const DAY = 86_400n;
export const MINIMUM = 10_000n * OPG;
export const BURN = "0x000000000000000000000000000000000000dEaD";
export const Kind = { LocalInference: 0, LlmProxy: 1, Full: 2, Data: 3 } as const;
const STAKING_REWARDS = 4;
const SUPPLY = 1_000_000_000n * OPG;

/** Staking over the real token, the real registries and a vesting that owes it tranches. */
export async function deployStaking(startsAt = new Date("2026-04-01T00:00:00Z")) {
  const connection = await network.create({ network: "default", override: { initialDate: startsAt } });
  const { ethers, networkHelpers } = connection;
  const [deployer, admin, guardian, root, operator, other, alice, bob, disputes, anyone] =
    (await ethers.getSigners()) as [Signer, Signer, Signer, Signer, Signer, Signer, Signer, Signer, Signer, Signer];
  const address = async (name: string, ...args: unknown[]) => (await ethers.deployContract(name, args)).getAddress();
  const token = OPGToken__factory.connect(await address("OPGToken", [deployer.address], [SUPPLY]), deployer);
  const parameters = [Array(4).fill(MINIMUM), Array(4).fill(1_000n)];
  const staking = OPGStaking__factory.connect(
    await address("OPGStaking", await token.getAddress(), admin.address, ...parameters),
    deployer,
  );
  const at = await staking.getAddress();
  const nodes = NodeRegistry__factory.connect(
    await address("NodeRegistry", admin.address, guardian.address, at),
    operator,
  );
  const attestation = await address("DevelopmentAttestationVerifier", root.address);
  const enclaves = EnclaveRegistry__factory.connect(
    await address("EnclaveRegistry", admin.address, guardian.address, await nodes.getAddress(), attestation),
    operator,
  );
  const others = Array.from({ length: 7 }, (_, i) => (i === STAKING_REWARDS ? at : new Wallet(id(`${i}`)).address));
  const vesting = OPGVesting__factory.connect(await address("OPGVesting", await token.getAddress(), others), anyone);
  const wiring = [
    await nodes.getAddress(),
    await enclaves.getAddress(),
    disputes.address,
    await vesting.getAddress(),
  ] as const;
  await staking.wire(...wiring);
  for (const each of [operator, other, alice, bob, anyone]) {
    await token.transfer(each.address, 2_000_000n * OPG);
    await token.connect(each).approve(at, 2n ** 256n - 1n);
  }

  const now = async () => BigInt(await networkHelpers.time.latest());
  /** The next transaction's second. */
  const next = (second: bigint) => networkHelpers.time.setNextBlockTimestamp(second);
  const wait = async (seconds: bigint) => networkHelpers.time.increaseTo((await now()) + seconds);

  /** A pool with its operator's own stake. */
  async function open(own = MINIMUM, kind = 0, by = operator, commission = 0n) {
    await staking.connect(by).createPool(kind, commission);
    if (own !== 0n) await staking.connect(by).stake(by.address, kind, own);
  }
  const slash = (bps: bigint, by = operator, kind = 0, reporter = anyone.address) =>
    staking.connect(disputes).slash(by.address, kind, bps, reporter);

  /** A live node with so many keys in both registries. */
  async function nodeWithKeys(label: string, keys: number, kind = 0, by = operator) {
    await nodes.connect(by).registerNode(kind, "");
    const nodeId = toBeHex(await nodes.nodeCount(), 32);
    const until = (await now()) + 60n * DAY;
    const ids: string[] = [];
    for (let i = 0; i < keys; i++) {
      const key = new Wallet(id(`${label} ${i}`));
      const digest = await nodes.keyRegistrationDigest(nodeId, keyIdOf(0, publicKeyOf(key)));
      await nodes.connect(by).addOperatorKey(nodeId, publicKeyOf(key), until, key.signingKey.sign(digest).serialized);
      const enclave = new Wallet(id(`${label} enclave ${i}`));
      await enclaves.connect(by).admit(nodeId, await attest(nodeId, enclave), until);
      ids.push(keyIdOf(0, publicKeyOf(key)), keyIdOf(1, publicKeyOf(enclave)));
    }
    return { nodeId, keyIds: ids };
  }

  async function attest(nodeId: string, key: Wallet) {
    const document = {
      kind: 1,
      publicKey: publicKeyOf(key),
      measurement: id("image"),
      userData: await enclaves.registrationUserData(nodeId),
      issuedAt: await now(),
    };
    const tuple = "tuple(uint8 kind, bytes publicKey, bytes32 measurement, bytes32 userData, uint64 issuedAt)";
    const hash = keccak256(coder.encode(["uint256", "address", tuple], [31337n, attestation, document]));
    return coder.encode([tuple, "bytes"], [document, await root.signMessage(getBytes(hash))]);
  }

  /** When each key ends, whichever registry it is in. */
  const endsOf = async (keyId: string) => {
    const [a, b] = [await nodes.keyState(keyId), await enclaves.keyState(keyId)];
    return a.validFrom === 0n ? b.validUntil : a.validUntil;
  };
  const gasOf = async (sent: Promise<ContractTransactionResponse>) => (await (await sent).wait())!.gasUsed;

  return {
    ...connection,
    signers: { deployer, admin, guardian, root, operator, other, alice, bob, disputes, anyone },
    token,
    staking,
    address: at,
    nodes,
    enclaves,
    vesting,
    wiring,
    parameters,
    now,
    next,
    wait,
    open,
    slash,
    nodeWithKeys,
    endsOf,
    gasOf,
    deployAt: address,
  };
}

type Signer = Awaited<ReturnType<Awaited<ReturnType<typeof network.create>>["ethers"]["getSigners"]>>[number];
export type Staking = Awaited<ReturnType<typeof deployStaking>>;

/** Each test of a suite starts from the same state of the same chain. */
export function useStaking(): () => Staking {
  let world: Staking;
  let restore: () => Promise<void>;
  before(async () => {
    world = await deployStaking();
    const snapshot = await world.networkHelpers.takeSnapshot();
    restore = () => snapshot.restore();
  });
  afterEach(() => restore());
  return () => world;
}
