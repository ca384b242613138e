import { network } from "hardhat";
import { JsonRpcProvider } from "ethers";
import { type TwinMarket, TwinMarket__factory } from "../../typechain/index.ts";

export const CHAIN_ID = 31337;
export const PERCENT = 10n ** 16n;
export const PROTOCOL = 0;
/** Of Twin.fun on Base. */
const DIVISOR = 1_600_000n;
export const NOTICE = 48 * 3_600;

export interface MarketChain {
  url: string;
  market: TwinMarket;
  address: string;
  /** Lets time pass, and makes the block that says so. */
  pass(seconds: number): Promise<void>;
  setProtocol(percent: bigint): Promise<void>;
  setSubject(percent: bigint): Promise<void>;
  withdraw(fee: number): Promise<void>;
  /** Somebody trades, so that an increase that ran out is written down. */
  trade(): Promise<void>;
  now(): Promise<number>;
  close(): Promise<void>;
}

/**
 * A chain of its own over HTTP, with a market of 2 % and 2.5 %.
 * @param initialDate Its first block's, by default the present.
 */
export async function startMarketChain(initialDate: Date = new Date()): Promise<MarketChain> {
  const override = { loggingEnabled: false, initialDate };
  const server = await network.createServer({ network: "node", override }, "127.0.0.1", 0);
  const { address, port } = await server.listen();
  const url = `http://${address}:${port}`;
  const provider = new JsonRpcProvider(url, CHAIN_ID, { staticNetwork: true, cacheTimeout: -1, batchMaxCount: 1 });
  const admin = await provider.getSigner(0);
  const factory = new TwinMarket__factory(admin);
  const market = await factory.deploy(await admin.getAddress(), DIVISOR, 2n * PERCENT, (5n * PERCENT) / 2n);
  let twins = 0;
  const mined = async (sent: Promise<{ wait(): Promise<unknown> }>) => void (await (await sent).wait());
  return {
    ...{ url, market, address: await market.getAddress() },
    async pass(seconds) {
      await provider.send("evm_increaseTime", [seconds]);
      await provider.send("evm_mine", []);
    },
    setProtocol: (percent) => mined(market.setProtocolFeePercent(percent)),
    setSubject: (percent) => mined(market.setSubjectFeePercent(percent)),
    withdraw: (fee) => mined(market.withdrawFeeIncrease(fee)),
    trade: () =>
      mined(market["createDigitalTwin(bytes16,string)"](`0x${(++twins).toString(16).padStart(32, "0")}`, "")),
    now: async () => (await provider.getBlock("latest"))!.timestamp,
    async close() {
      provider.destroy();
      await server.close();
    },
  };
}
