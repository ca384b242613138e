import { network } from "hardhat";
import { hexlify, randomBytes, type Signer, Signature, type TypedDataDomain } from "ethers";
import { ALLOCATIONS } from "../../deploy/modules/opg.ts";
import localParameters from "../../deploy/parameters/local.json" with { type: "json" };
import { OPGToken__factory, type OPGGenesis, type OPGToken } from "../../typechain/index.ts";

export const SUPPLY = 1_000_000_000n * 10n ** 18n;

/** Beneficiaries by the local parameters; the stakers' part goes to an account here, as there are no stakers. */
export const BENEFICIARIES = {
  ...localParameters.OpenGradientDevelopment,
  stakingRewards: "0x23618e81E3f5cdF7f54C3d65f7FBc0aBf5B21E8f",
};
export const beneficiaries = ALLOCATIONS.map((name) => BENEFICIARIES[name]) as Parameters<OPGGenesis["launch"]>[0];

const fields = [
  { name: "from", type: "address" },
  { name: "to", type: "address" },
  { name: "value", type: "uint256" },
  { name: "validAfter", type: "uint256" },
  { name: "validBefore", type: "uint256" },
  { name: "nonce", type: "bytes32" },
];
const types = {
  TransferWithAuthorization: fields,
  ReceiveWithAuthorization: fields,
  CancelAuthorization: [
    { name: "authorizer", type: "address" },
    { name: "nonce", type: "bytes32" },
  ],
};

export interface Authorization {
  from: string;
  to: string;
  value: bigint;
  validAfter: bigint;
  validBefore: bigint;
  nonce: string;
}

/** The domain as an x402 client builds it: from the offer's `extra` and the token's address alone. */
export async function domainOf(token: OPGToken): Promise<TypedDataDomain> {
  return { name: "OpenGradient", version: "1", chainId: 31337n, verifyingContract: await token.getAddress() };
}

/** Signs one kind of EIP-3009 message. */
export async function sign(
  token: OPGToken,
  signer: Signer,
  kind: keyof typeof types,
  message: object,
): Promise<Signature> {
  return Signature.from(await signer.signTypedData(await domainOf(token), { [kind]: types[kind] }, message));
}

/** A local chain with an OPG whose whole supply the first account holds. */
export async function deployToken(startsAt = new Date()) {
  const connection = await network.create({ network: "default", override: { initialDate: startsAt } });
  const { ethers, networkHelpers } = connection;
  const [holder, payer, payee, other] = await ethers.getSigners();
  if (!holder || !payer || !payee || !other) throw new Error("The local chain has fewer than four accounts.");
  const deployed = await ethers.deployContract("OPGToken", [[holder.address], [SUPPLY]]);
  const token = OPGToken__factory.connect(await deployed.getAddress(), holder);
  await token.transfer(payer.address, 1_000n);

  async function authorization(over: Partial<Authorization> = {}): Promise<Authorization> {
    const now = BigInt(await networkHelpers.time.latest());
    return {
      from: payer!.address,
      to: payee!.address,
      value: 10n,
      validAfter: 0n,
      validBefore: now + 600n,
      nonce: hexlify(randomBytes(32)),
      ...over,
    };
  }
  return { ...connection, token, holder, payer, payee, other, authorization };
}

export const inOrder = (a: Authorization) =>
  [a.from, a.to, a.value, a.validAfter, a.validBefore, a.nonce] as [string, string, bigint, bigint, bigint, string];
