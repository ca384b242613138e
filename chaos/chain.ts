// SPDX-License-Identifier: MIT
// A chain node of its own process that makes a block a second, forgets blocks, and lets its clock be set.
import { spawn } from "node:child_process";
import { createRequire } from "node:module";
import { createRpc, type Rpc } from "../relayer/chain/rpc.ts";
import { freePort } from "../demo/wire.ts";
import { deployProtocol, type Protocol } from "../test/support/protocol.ts";

export const CHAIN_ID = 31337;
const BLOCK_SECONDS = 1;

export interface ChaosChain {
  url: string;
  /** Straight to the node, past every fault. */
  rpc: Rpc;
  protocol: Protocol;
  head(): Promise<number>;
  /** From now on a block a second, whether there are transactions or not. */
  startBlocks(): Promise<void>;
  /** The last `depth` blocks are replaced by empty ones; what they carried is in no pool either. */
  reorganise(depth: number): Promise<void>;
  /** Moves the chain's clock forward; with 0, back to ours if it fell behind. Seconds. */
  moveClock(seconds: number): Promise<void>;
  /** Sets a balance between two blocks. @returns by how much it changed. */
  setBalance(account: string, wei: bigint): Promise<bigint>;
  stop(): Promise<void>;
}

const hex = (value: bigint | number): string => `0x${value.toString(16)}`;
const sleep = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms));

/** Starts anvil and deploys the whole protocol on it by its Ignition module. */
export async function startChaosChain(): Promise<ChaosChain> {
  const port = await freePort();
  const url = `http://127.0.0.1:${port}`;
  const launcher = createRequire(import.meta.url).resolve("@foundry-rs/anvil/bin.mjs");
  const options = ["--port", port, "--chain-id", CHAIN_ID, "--accounts", 20, "--hardfork", "osaka", "--silent"];
  // In a group of its own: npm's launcher stands between us and the binary.
  const node = spawn(process.execPath, [launcher, ...options.map(String)], { stdio: "ignore", detached: true });
  const ended = new Promise((resolve) => node.once("exit", resolve));
  const rpc = createRpc({ urls: [url], chainId: CHAIN_ID });
  const head = async () => Number(await rpc.request<string>("eth_blockNumber", []));
  const stop = async (): Promise<void> => {
    try {
      process.kill(-node.pid!, "SIGKILL");
    } catch {
      // gone already
    }
    await ended;
  };
  try {
    for (let tries = 0; (await head().catch(() => -1)) < 0; tries++) {
      if (tries > 100) throw new Error("The chain node did not start.");
      await sleep(100);
    }
    const protocol = await deployProtocol(new Date(), undefined, url);
    return {
      ...{ url, rpc, protocol, head, stop },
      async startBlocks() {
        await rpc.request("evm_setAutomine", [false]);
        await rpc.request("evm_setIntervalMining", [BLOCK_SECONDS]);
      },
      async reorganise(depth) {
        await rpc.request("anvil_reorg", [depth, []]);
        await setClock(0);
      },
      moveClock: setClock,
      async setBalance(account, wei) {
        await rpc.request("evm_setIntervalMining", [0]);
        try {
          // One that was being made is in before the balance is read.
          await sleep(100);
          const before = BigInt(await rpc.request<string>("eth_getBalance", [account, "latest"]));
          await rpc.request("anvil_setBalance", [account, hex(wei)]);
          return wei - before;
        } finally {
          await rpc.request("evm_setIntervalMining", [BLOCK_SECONDS]);
        }
      },
    };
  } catch (error) {
    await stop();
    throw error;
  }

  async function setClock(seconds: number): Promise<void> {
    const latest = await rpc.request<{ timestamp: string }>("eth_getBlockByNumber", ["latest", false]);
    const behind = Math.max(0, Math.floor(Date.now() / 1_000) - Number(latest.timestamp));
    if (seconds + behind > 0) await rpc.request("evm_increaseTime", [hex(seconds === 0 ? behind : seconds)]);
  }
}
