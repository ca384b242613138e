// SPDX-License-Identifier: MIT
// Permit2 as it is deployed, and our own proxy of x402's interface, on a chain of our own, at their addresses.
import { spawnSync } from "node:child_process";
import { createHash } from "node:crypto";
import { existsSync, mkdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { DevelopmentExactPermit2Proxy__factory } from "../../../typechain/index.ts";
import { EXACT_PROXY, PERMIT2 } from "../../../relayer/facilitator/permit2.ts";
import type { Payments } from "../../relayer/support/x402.ts";

/**
 * The package has Permit2's code, and much else beside: of it one file is taken, and nothing is installed. Its two
 * immutables, the chain it was deployed on and the domain there, are zero, so that it computes its domain anew.
 */
const PACKAGE = "@1inch/solidity-utils@6.9.16";
const ARCHIVE = "1inch-solidity-utils-6.9.16.tgz";
const SHA512 = "SnOB37v1BC5rGT60d7gUi0cEhwpUczoHdIfilKeehbmX7o3CDENgvbMpOv2jmSADh/iq+zhs+RDum+nJ+uUwTQ==";
const FILE = "package/dist/src/permit2.json";
const cache = fileURLToPath(new URL("../../../.cache/permit2", import.meta.url));

function run(command: string, args: string[]): string {
  const done = spawnSync(command, args, { cwd: cache, encoding: "utf8" });
  if (done.status !== 0) throw new Error(`${command} ${args.join(" ")} failed in ${cache}:\n${done.stderr}`);
  return done.stdout;
}

/** Runtime code of Permit2, as npm has it. */
export function permit2Code(): string {
  mkdirSync(cache, { recursive: true });
  const archive = join(cache, ARCHIVE);
  if (!existsSync(archive)) run("npm", ["pack", PACKAGE, "--ignore-scripts", "--loglevel=error"]);
  const found = createHash("sha512").update(readFileSync(archive)).digest("base64");
  if (found !== SHA512) throw new Error(`${archive} is not what was looked at: sha512 ${found}, expected ${SHA512}`);
  return (JSON.parse(run("tar", ["-xzOf", ARCHIVE, FILE])) as { bytecode: string }).bytecode;
}

export async function installPermit2({ connection }: Payments): Promise<void> {
  await connection.provider.request({ method: "hardhat_setCode", params: [PERMIT2, permit2Code()] });
}

/** @param before The Permit2 that it is told of. */
export async function installProxy({ connection }: Payments, before: string = PERMIT2): Promise<void> {
  const { ethers, provider } = connection;
  const [deployer] = await ethers.getSigners();
  const proxy = await new DevelopmentExactPermit2Proxy__factory(deployer).deploy(before);
  const code = await ethers.provider.getCode(await proxy.getAddress());
  await provider.request({ method: "hardhat_setCode", params: [EXACT_PROXY, code] });
}
