import { network } from "hardhat";
import { createRpc, type Rpc } from "../../relayer/chain/rpc.ts";

export const CHAIN_ID = 31337;

export interface LocalChain {
  url: string;
  /** Straight to the node, past every fault. */
  rpc: Rpc;
  mine(blocks?: number): Promise<void>;
  setAutomine(on: boolean): Promise<void>;
  snapshot(): Promise<string>;
  /** Takes the chain back: every block since the snapshot is gone, as in a deep reorganisation. */
  revert(snapshot: string): Promise<void>;
  dropFromPool(hash: string): Promise<void>;
  setBalance(address: string, wei: bigint): Promise<void>;
  setNextBaseFee(wei: bigint): Promise<void>;
  close(): Promise<void>;
}

/** A Hardhat node in this process, reached over HTTP like any other. */
export async function startLocalChain(): Promise<LocalChain> {
  const server = await network.createServer({ network: "node", override: { loggingEnabled: false } }, "127.0.0.1", 0);
  const { address, port } = await server.listen();
  const url = `http://${address}:${port}`;
  const rpc = createRpc({ urls: [url], chainId: CHAIN_ID });
  const hex = (value: bigint | number) => `0x${value.toString(16)}`;
  return {
    url,
    rpc,
    mine: async (blocks = 1) => void (await rpc.request("hardhat_mine", [hex(blocks)])),
    setAutomine: async (on) => void (await rpc.request("evm_setAutomine", [on])),
    snapshot: () => rpc.request<string>("evm_snapshot", []),
    revert: async (snapshot) => void (await rpc.request("evm_revert", [snapshot])),
    dropFromPool: async (hash) => void (await rpc.request("hardhat_dropTransaction", [hash])),
    setBalance: async (account, wei) => void (await rpc.request("hardhat_setBalance", [account, hex(wei)])),
    setNextBaseFee: async (wei) => void (await rpc.request("hardhat_setNextBlockBaseFeePerGas", [hex(wei)])),
    close: () => server.close(),
  };
}
