import { rm } from "node:fs/promises";
import { network } from "hardhat";
import { HDNodeWallet, JsonRpcProvider, Mnemonic, Wallet } from "ethers";
import type { ContractTransactionResponse, TransactionRequest } from "ethers";
import { OpenGradientDevelopment } from "../deploy/modules/protocol.ts";
import { readParameters } from "../deploy/parameters.ts";
import { gasLimitFor } from "../relayer/chain/gas.ts";
import {
  Disputes__factory,
  EnclaveRegistry__factory,
  FeeSplitter__factory,
  InferenceEscrow__factory,
  InferenceRegistry__factory,
  ModelRegistry__factory,
  NodeRegistry__factory,
  OPGGovernor__factory,
  OPGStaking__factory,
  OPGToken__factory,
  OPGVesting__factory,
} from "../typechain/index.ts";

/**
 * Accounts that every Hardhat node gives a fortune in worthless ether, by number under the mnemonic that its manual
 * prints. The roles are those of deploy/parameters/local.json where it names them.
 */
const ACCOUNTS = {
  deployer: 0,
  guardian: 2,
  relayer: 4,
  operator: 5,
  borrower: 6,
  priceFeed: 7,
  attacker: 8,
  delegator: 9,
  cheat: 10,
  foundation: 12,
  /** Has what was free at the token event: where everybody here gets OPG from. */
  market: 15,
} as const;
export type Account = keyof typeof ACCOUNTS;
const MNEMONIC = Mnemonic.fromPhrase("test test test test test test test test test test test junk");
const privateKeyOf = (name: Account): string =>
  HDNodeWallet.fromMnemonic(MNEMONIC, `m/44'/60'/0'/0/${ACCOUNTS[name]}`).privateKey;

/** Gives its transactions more gas than they were estimated at: several blocks here share a second, the next may not. */
class RoomyWallet extends Wallet {
  override async estimateGas(call: TransactionRequest): Promise<bigint> {
    return gasLimitFor(await super.estimateGas(call));
  }
}

export type Chain = Awaited<ReturnType<typeof startChain>>;

/** A local chain over HTTP in this process, with the protocol deployed by its Ignition module. */
export async function startChain(port: number) {
  const server = await network.createServer("demo", "127.0.0.1", port);
  const listening = await server.listen();
  const url = `http://${listening.address}:${listening.port}`;
  const { ignition } = await network.create({ network: "localhost", override: { url } });
  // The chain lives in memory, so its deployment's journal is of no use afterwards.
  const deploymentId = `demo-${process.pid}`;
  const deployed = await ignition.deploy(OpenGradientDevelopment, {
    parameters: await readParameters(31337),
    deploymentId,
    displayUi: false,
  });
  await rm(new URL(`../deploy/deployments/${deploymentId}`, import.meta.url), { recursive: true, force: true });

  const provider = new JsonRpcProvider(url, 31337, { staticNetwork: true, pollingInterval: 100, cacheTimeout: -1 });
  const as = (name: Account): Wallet => new RoomyWallet(privateKeyOf(name), provider);
  const addresses = Object.fromEntries(
    await Promise.all(Object.entries(deployed).map(async ([name, contract]) => [name, await contract.getAddress()])),
  ) as Record<keyof typeof deployed, string>;
  return {
    url,
    provider,
    as,
    privateKey: privateKeyOf,
    addresses,
    registry: InferenceRegistry__factory.connect(addresses.inferenceRegistry, as("attacker")),
    models: ModelRegistry__factory.connect(addresses.modelRegistry, as("operator")),
    nodes: NodeRegistry__factory.connect(addresses.nodeRegistry, as("operator")),
    enclaves: EnclaveRegistry__factory.connect(addresses.enclaveRegistry, as("operator")),
    token: OPGToken__factory.connect(addresses.token, as("market")),
    vesting: OPGVesting__factory.connect(addresses.vesting, as("market")),
    governor: OPGGovernor__factory.connect(addresses.governor, as("foundation")),
    staking: OPGStaking__factory.connect(addresses.staking, as("operator")),
    disputes: Disputes__factory.connect(addresses.disputes, as("attacker")),
    escrow: InferenceEscrow__factory.connect(addresses.escrow, as("borrower")),
    splitter: FeeSplitter__factory.connect(addresses.feeSplitter, as("attacker")),
    close: async () => {
      provider.destroy();
      await server.close();
    },
  };
}

/** Waits until a transaction is in a block; throws if it reverted. */
export async function mined(sent: Promise<ContractTransactionResponse>) {
  const receipt = await (await sent).wait();
  if (receipt === null) throw new Error("A transaction vanished.");
  return receipt;
}
