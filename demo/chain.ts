import { rm } from "node:fs/promises";
import { network } from "hardhat";
import { type ContractTransactionResponse, JsonRpcProvider, Wallet } from "ethers";
import { OpenGradientDevelopment } from "../deploy/modules/registries.ts";
import { readParameters } from "../deploy/parameters.ts";
import {
  DevelopmentAttestationVerifier__factory,
  DevelopmentStake__factory,
  EnclaveRegistry__factory,
  InferenceRegistry__factory,
  ModelRegistry__factory,
  NodeRegistry__factory,
} from "../typechain/index.ts";

/**
 * Accounts that every Hardhat node gives a fortune in worthless ether, by the mnemonic printed in its manual. The roles
 * are those of deploy/parameters/local.json.
 */
const PRIVATE_KEYS = {
  deployer: "0xac0974bec39a17e36ba4a6b4d238ff944bacb478cbed5efcae784d7bf4f2ff80",
  proposer: "0x59c6995e998f97a5a0044966f0945389dc9e86dae88c7a8412f4603b6b78690d",
  guardian: "0x5de4111afa1a4b94908f83103eb1f1706367c2e68ca870fc3fb9a804cdab365a",
  attestationRoot: "0x7c852118294e51e653712a81e05800f419141751be58f605c371e15141b007a6",
  relayer: "0x47e179ec197488593b187f80a00eb0da91f1b9d0b13f8733639f19c30a34926a",
  operator: "0x8b3a350cf5c34c9194ca85829a2df0ec3153be0318b5e2d3348e872092edffba",
  borrower: "0x92db14e403b83dfe3df233f83dfa3a0d7096f21ca9b0d6d6b8d88b2b4ec1564e",
  priceFeed: "0x4bbbf85ce3377467afe5d46f804f221813b2bb87f24d81f60f1fcdbf7cbf4356",
  attacker: "0xdbda1821b80551c9d65939329250298aa3472ba22feea921c0cf5d620ea67b97",
} as const;
export type Account = keyof typeof PRIVATE_KEYS;

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
  const as = (name: Account): Wallet => new Wallet(PRIVATE_KEYS[name], provider);
  const address = (name: keyof typeof deployed) => deployed[name].getAddress();
  return {
    url,
    provider,
    as,
    privateKey: (name: Account): string => PRIVATE_KEYS[name],
    addresses: {
      inferenceRegistry: await address("inferenceRegistry"),
      modelRegistry: await address("modelRegistry"),
      nodeRegistry: await address("nodeRegistry"),
      enclaveRegistry: await address("enclaveRegistry"),
      timelock: await address("timelock"),
    },
    registry: InferenceRegistry__factory.connect(await address("inferenceRegistry"), as("attacker")),
    models: ModelRegistry__factory.connect(await address("modelRegistry"), as("operator")),
    nodes: NodeRegistry__factory.connect(await address("nodeRegistry"), as("operator")),
    enclaves: EnclaveRegistry__factory.connect(await address("enclaveRegistry"), as("operator")),
    stake: DevelopmentStake__factory.connect(await address("stake"), as("deployer")),
    attestation: DevelopmentAttestationVerifier__factory.connect(await address("attestationVerifier"), provider),
    timelock: deployed.timelock,
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
