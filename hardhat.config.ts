import { createRequire } from "node:module";
import { configVariable, defineConfig } from "hardhat/config";
import toolbox from "@nomicfoundation/hardhat-toolbox-mocha-ethers";
import { audit } from "./tasks/audit.ts";
import { model } from "./tasks/model.ts";
import { nodes } from "./tasks/nodes.ts";
import { policy } from "./tasks/policy.ts";
import { twinFees } from "./tasks/twin-fees.ts";
import { unlocks } from "./tasks/unlocks.ts";

const require = createRequire(import.meta.url);

// The compiler comes from npm, so that a build needs the package registry and nothing else.
const solidity = {
  version: "0.8.34",
  path: require.resolve("solc/soljson.js"),
  settings: {
    evmVersion: "cancun",
    optimizer: { enabled: true, runs: 20_000 },
    metadata: { bytecodeHash: "none" as const },
  },
};

/** `npm test -- --long`: for a night, not for every commit. */
const long = process.env["FUZZ_LONG"] === "1";

export default defineConfig({
  plugins: [toolbox],
  tasks: [audit, model, nodes, policy, twinFees, unlocks],
  solidity: {
    profiles: { default: solidity, production: solidity },
  },
  paths: {
    sources: "contracts",
    tests: { mocha: "test", solidity: "test/solidity" },
    cache: ".cache/hardhat",
    artifacts: "artifacts",
    ignition: "deploy",
  },
  typechain: { outDir: "typechain" },
  networks: {
    default: { type: "edr-simulated", chainType: "l1", hardfork: "osaka", chainId: 31337 },
    node: { type: "edr-simulated", chainType: "l1", hardfork: "osaka", chainId: 31337 },
    // The demo's chain keeps to the wall clock, however fast blocks come: receipts carry real times.
    demo: {
      type: "edr-simulated",
      chainType: "l1",
      hardfork: "osaka",
      chainId: 31337,
      allowBlocksWithSameTimestamp: true,
      mining: { auto: true, interval: 1_000 },
      loggingEnabled: false,
    },
    localhost: {
      type: "http",
      chainType: "l1",
      chainId: 31337,
      url: process.env["LOCALHOST_RPC_URL"] ?? "http://127.0.0.1:8545",
    },
    // A local chain that calls itself Base: what must not deploy on a public chain is tried here.
    baseDryRun: { type: "edr-simulated", chainType: "l1", hardfork: "osaka", chainId: 8453 },
    // RPC addresses and keys come from the environment or from Hardhat's encrypted keystore, never from a file here.
    base: {
      type: "http",
      chainType: "op",
      chainId: 8453,
      url: configVariable("BASE_RPC_URL"),
      accounts: [configVariable("DEPLOYER_PRIVATE_KEY")],
    },
    baseSepolia: {
      type: "http",
      chainType: "op",
      chainId: 84532,
      url: configVariable("BASE_SEPOLIA_RPC_URL"),
      accounts: [configVariable("DEPLOYER_PRIVATE_KEY")],
    },
  },
  verify: { etherscan: { apiKey: configVariable("ETHERSCAN_API_KEY") } },
  test: {
    mocha: { timeout: 120_000 },
    solidity: {
      fuzz: { runs: long ? 4_096 : 256, seed: "0x6f70656e6772616469656e74" },
      invariant: { runs: long ? 1_024 : 256, depth: long ? 256 : 64, failOnRevert: true },
    },
  },
});
