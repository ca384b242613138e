// SPDX-License-Identifier: MIT
import { readFileSync } from "node:fs";
import { Wallet } from "ethers";
import type { TransactionSigner } from "../chain/manager-options.ts";
import { loadSigner, type Config, type Environment } from "../config/index.ts";
import { remoteSigner } from "./remote.ts";

export { SignerError } from "./errors.ts";
export { remoteSigner, requireSame, type RemoteSignerOptions } from "./remote.ts";

type Keys = Pick<Config, "signer" | "keystore">;

/**
 * The account that pays: at a remote signer where one is configured, else a key of the environment or a keystore.
 * @throws {ConfigError} that never repeats what it read.
 */
export async function openSigner(config: Keys, env: Environment = process.env): Promise<TransactionSigner> {
  if (config.signer) return remoteSigner({ ...config.signer, token: env["RELAYER_SIGNER_TOKEN"] });
  const wallet = await loadSigner(config, env);
  return { address: wallet.address, signTransaction: (transaction) => wallet.signTransaction(transaction) };
}

/** Address of the account that pays, as far as it can be told without opening a keystore; null if it cannot. */
export function senderAddress(config: Keys, env: Environment = process.env): string | null {
  if (config.signer) return config.signer.address;
  const key = env["RELAYER_PRIVATE_KEY"];
  if (key !== undefined && /^0x[0-9a-fA-F]{64}$/.test(key)) return new Wallet(key).address;
  if (!config.keystore) return null;
  try {
    const { address } = JSON.parse(readFileSync(config.keystore, "utf8")) as { address?: unknown };
    const digits = typeof address === "string" ? address.replace(/^0x/, "") : "";
    return /^[0-9a-fA-F]{40}$/.test(digits) ? `0x${digits.toLowerCase()}` : null;
  } catch {
    return null;
  }
}
