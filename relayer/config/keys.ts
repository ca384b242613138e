// SPDX-License-Identifier: MIT
import { readFileSync, statSync } from "node:fs";
import { Wallet } from "ethers";
import { ConfigError } from "./errors.ts";
import type { Environment } from "./load.ts";
import type { Config } from "./schema.ts";

/**
 * The account that pays for calls, from `RELAYER_PRIVATE_KEY` or the encrypted keystore file.
 * @throws {ConfigError} that never repeats what it read.
 */
export async function loadSigner(config: Pick<Config, "keystore">, env: Environment = process.env): Promise<Wallet> {
  const key = env["RELAYER_PRIVATE_KEY"];
  if (key !== undefined) {
    if (!/^0x[0-9a-fA-F]{64}$/.test(key)) {
      throw new ConfigError("config_key_unusable", "RELAYER_PRIVATE_KEY is not 0x and 64 hex digits");
    }
    return new Wallet(key);
  }
  if (!config.keystore) {
    throw new ConfigError("config_key_missing", "Set RELAYER_PRIVATE_KEY, or keystore and RELAYER_KEYSTORE_PASSWORD");
  }
  const password = env["RELAYER_KEYSTORE_PASSWORD"];
  if (password === undefined) throw new ConfigError("config_key_missing", "Set RELAYER_KEYSTORE_PASSWORD");
  try {
    const wallet = await Wallet.fromEncryptedJson(readFileSync(config.keystore, "utf8"), password);
    return new Wallet(wallet.privateKey);
  } catch {
    throw new ConfigError("config_key_unusable", `${config.keystore} cannot be opened with RELAYER_KEYSTORE_PASSWORD`);
  }
}

/** What is wrong with who may read the keystore file; undefined where nothing is, or where there is none. */
export function keystoreWarning({ keystore }: Pick<Config, "keystore">): string | undefined {
  if (keystore === undefined || process.platform === "win32") return undefined;
  const mode = statSync(keystore, { throwIfNoEntry: false })?.mode ?? 0;
  if ((mode & 0o077) === 0) return undefined;
  return `${keystore} can be read or written by other users of this machine: chmod 600 it`;
}

/** Password of the queue's dashboard. @throws {ConfigError} if it is missing or short. */
export function dashboardPassword(env: Environment = process.env): string {
  const password = env["RELAYER_DASHBOARD_PASSWORD"];
  if (password === undefined || password.length < 12)
    throw new ConfigError("config_key_missing", "Set RELAYER_DASHBOARD_PASSWORD, at least 12 characters");
  return password;
}
