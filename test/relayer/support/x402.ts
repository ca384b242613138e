// SPDX-License-Identifier: MIT
// Payers and gateways with the SDK of x402 itself, the real token, and a relayer over real HTTP.
import { x402Client } from "@x402/core/client";
import { HTTPFacilitatorClient } from "@x402/core/http";
import type { PaymentPayload, PaymentRequirements } from "@x402/core/types";
import { ExactEvmScheme } from "@x402/evm/exact/client";
import { parseEther, parseUnits, toBeHex, Wallet } from "ethers";
import { network } from "hardhat";
import { createRelayer, type Relayer } from "../../../relayer/app.ts";
import type { TransactionSigner } from "../../../relayer/chain/manager-options.ts";
import { parseConfig, type ConfigInput } from "../../../relayer/config/index.ts";
import { PERMIT2, paymentRequestId } from "../../../relayer/facilitator/index.ts";
import type { Hex } from "../../../relayer/protocol/index.ts";
import { openHttpDoor } from "../../support/http-door.ts";
import { DevelopmentToken__factory, OPGToken__factory, type OPGToken } from "../../../typechain/index.ts";
import { domain, makeChain, removeDir, tempDir } from "./relayer.ts";

export const NETWORK = "eip155:31337";
export const PRICE = 10n ** 15n;
const SUPPLY = 1_000_000_000n * 10n ** 18n;

export interface Errors {
  message: string;
  details: object;
}
export type Payments = Awaited<ReturnType<typeof openPayments>>;
export type PayingRelayer = Awaited<ReturnType<Payments["start"]>>;
export type Over = Partial<NonNullable<ConfigInput["x402"]>>;

/** Asked for where the token has no EIP-3009. */
export const OVER_PERMIT2 = { assetTransferMethod: "permit2" };

/** @param plain With a token that is ERC-20 and no more, paid with over Permit2. */
export async function openPayments(chainId = 31337, plain = false) {
  const NETWORK = `eip155:${chainId}` as const;
  const connection = await network.create(chainId === 31337 ? undefined : { override: { chainId } });
  const door = await openHttpDoor(connection.provider);
  const { ethers, networkHelpers } = connection;
  const [deployer] = await ethers.getSigners();
  const token = plain
    ? ((await new DevelopmentToken__factory(deployer).deploy("Plain", "PLN")) as unknown as OPGToken)
    : await new OPGToken__factory(deployer).deploy([deployer!.address], [SUPPLY]);
  const asset = await token.getAddress();
  const payTo = Wallet.createRandom().address;
  const sender = new Wallet(Wallet.createRandom().privateKey);
  await networkHelpers.setBalance(sender.address, parseEther("100"));

  const requirements: PaymentRequirements = {
    ...{ scheme: "exact", network: NETWORK, amount: String(PRICE), asset, payTo, maxTimeoutSeconds: 3_600 },
    extra: plain ? OVER_PERMIT2 : { name: "OpenGradient", version: "1" },
  };

  const dirs: string[] = [];
  return {
    ...{ chainId, network: NETWORK, connection, door, token, asset, payTo, sender, requirements },
    /** A stock client that may spend the token. */
    clientOf(payer: Wallet): x402Client {
      return new x402Client().register(NETWORK, new ExactEvmScheme(signerOf(payer))).setSpendControls({
        allowedAssets: [{ network: NETWORK, asset }],
      });
    },
    async newPayer(balance = 1_000n * PRICE): Promise<Wallet> {
      const payer = new Wallet(Wallet.createRandom().privateKey, ethers.provider);
      await networkHelpers.setBalance(payer.address, parseEther("1"));
      await token.transfer(payer.address, balance);
      return payer;
    },
    /** A payment as a stock client makes it. */
    async pay(payer: Wallet, wanted: PaymentRequirements = requirements): Promise<PaymentPayload> {
      const client = new x402Client()
        .register(NETWORK, new ExactEvmScheme(signerOf(payer)))
        .setSpendControls({ allowedAssets: [{ network: NETWORK, asset: wanted.asset }] });
      const resource = { url: "https://gateway.example/v1/chat", description: "", mimeType: "application/json" };
      return client.createPaymentPayload({ x402Version: 2, resource, accepts: [wanted] });
    },
    async start(
      dataDir: string,
      over: Over = {},
      parts: { rpcUrl?: string; signer?: TransactionSigner; http?: ConfigInput["http"]; confirmations?: number } = {},
    ): Promise<Relayer & { errors: Errors[]; said: Errors[]; facilitator: HTTPFacilitatorClient }> {
      const errors: Errors[] = [];
      const said: Errors[] = [];
      const rest = { maxCount: 1_000, patientMs: 60_000, impatientMs: 60_000 };
      const relayer = await createRelayer(
        parseConfig({
          chain: {
            ...{ chainId, registry: domain.verifyingContract, rpcUrls: [parts.rpcUrl ?? door.url] },
            ...{ finality: { confirmations: parts.confirmations ?? 1 }, pollMs: 50 },
          },
          http: { port: 0, requestsPerSecond: 1_000, burst: 1_000, batchesPerMinutePerKey: 10_000, ...parts.http },
          store: { dataDir },
          sealing: { policy: rest },
          settlement: { policy: rest },
          x402: { token: asset, name: "OpenGradient", version: "1", payTo: [payTo], maxAmount: String(PRICE), ...over },
        }),
        {
          chain: makeChain().reader,
          signer: parts.signer ?? {
            address: sender.address,
            signTransaction: (transaction) => sender.signTransaction(transaction),
          },
          log: {
            info: (details, message) => void said.push({ message, details }),
            warn: (details, message) => void said.push({ message, details }),
            error: (details, message) => void errors.push({ message, details }),
          },
        },
      );
      return { ...relayer, errors, said, facilitator: new HTTPFacilitatorClient({ url: `${relayer.url}/x402` }) };
    },
    /** The request id that payer and payee compute. */
    requestIdOf(payment: PaymentPayload): string {
      const permit = payment.payload["permit2Authorization"] as { from: Hex; nonce: string } | undefined;
      if (permit) return paymentRequestId({ chainId, token: PERMIT2, payer: permit.from, nonce: wordOf(permit.nonce) });
      const { from, nonce } = payment.payload["authorization"] as { from: Hex; nonce: Hex };
      return paymentRequestId({ chainId, token: asset as Hex, payer: from, nonce });
    },
    /** Puts a call before the one that the relayer sends meanwhile, into one block, and mines until that is over. */
    async overtake<T>(action: () => Promise<T>, call: { to: string; data: string }): Promise<[string, T]> {
      const [, somebody] = await ethers.getSigners();
      const nonce = await ethers.provider.getTransactionCount(sender.address);
      await connection.provider.request({ method: "evm_setAutomine", params: [false] });
      const running = { over: false };
      const result = action().finally(() => (running.over = true));
      while ((await ethers.provider.getTransactionCount(sender.address, "pending")) === nonce && !running.over)
        await new Promise((resolve) => setTimeout(resolve, 20));
      const fees = { maxFeePerGas: parseUnits("900", "gwei"), maxPriorityFeePerGas: parseUnits("800", "gwei") };
      const { hash } = await somebody!.sendTransaction({ ...call, ...fees, gasLimit: 500_000 });
      while (!running.over) {
        await networkHelpers.mine();
        await new Promise((resolve) => setTimeout(resolve, 100));
      }
      await connection.provider.request({ method: "evm_setAutomine", params: [true] });
      const { blockNumber } = (await ethers.provider.getTransactionReceipt(hash))!;
      if ((await ethers.provider.getBlock(blockNumber))!.transactions.length !== 2)
        throw new Error("the relayer's own call is not in that block");
      return [hash, await result];
    },
    /** A folder that is removed on closing. */
    newDir(): string {
      dirs.push(tempDir());
      return dirs.at(-1)!;
    },
    received: (): Promise<bigint> => token.balanceOf(payTo),
    sent: (by = sender.address): Promise<number> => ethers.provider.getTransactionCount(by),
    receipt: (hash: string) => ethers.provider.getTransactionReceipt(hash),
    async close(): Promise<void> {
      await door.close();
      await connection.close();
      dirs.forEach(removeDir);
    },
  };
}

const wordOf = (nonce: string): Hex => toBeHex(BigInt(nonce), 32) as Hex;

/** A wallet of ethers as the SDK wants it. */
function signerOf(payer: Wallet): ConstructorParameters<typeof ExactEvmScheme>[0] {
  return {
    address: payer.address as `0x${string}`,
    signTypedData: async ({ domain: signedFor, types, message }) =>
      (await payer.signTypedData(signedFor, types as never, message)) as `0x${string}`,
  };
}
