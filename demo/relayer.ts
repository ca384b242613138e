import { spawn } from "node:child_process";
import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { stringify } from "yaml";
import type { Chain } from "./chain.ts";

/** What differs from the defaults: a chain that makes blocks every second, and nobody who waits for cheap gas. */
function settings(chain: Chain, folder: string, port: number) {
  const soon = { patientMs: 1_000, impatientMs: 3_000 };
  return {
    chain: {
      chainId: 31337,
      registry: chain.addresses.inferenceRegistry,
      rpcUrls: [chain.url],
      finality: { confirmations: 2 },
      pollMs: 200,
      cacheMs: 1_000,
    },
    http: { port, requestsPerSecond: 2_000, burst: 5_000 },
    store: { dataDir: join(folder, "relayer") },
    sealing: { policy: soon },
    settlement: { policy: soon, sweepMs: 100 },
  };
}

/** Starts the relayer as an operator does: a program of its own with a configuration file and a key in the environment. */
export async function launchRelayer(chain: Chain, folder: string, port: number) {
  const config = join(folder, "relayer.yaml");
  await writeFile(config, stringify(settings(chain, folder, port)));
  const child = spawn(process.execPath, ["--import", "tsx", "relayer/main.ts", "--config", config], {
    env: { ...process.env, RELAYER_PRIVATE_KEY: chain.privateKey("relayer") },
    stdio: ["ignore", "pipe", "pipe"],
  });
  let output = "";
  child.stdout.on("data", (chunk: Buffer) => (output += chunk.toString()));
  child.stderr.on("data", (chunk: Buffer) => (output += chunk.toString()));
  const ended = new Promise<void>((resolve) => child.once("exit", () => resolve()));
  const url = `http://127.0.0.1:${port}`;
  for (let tries = 0; ; tries++) {
    if (await ready(url)) break;
    if (child.exitCode !== null || tries > 1_200) throw new Error(`The relayer did not start:\n${output}`);
    await new Promise((resolve) => setTimeout(resolve, 100));
  }
  return {
    url,
    config,
    log: () => output,
    close: async () => {
      child.kill("SIGTERM");
      await ended;
    },
  };
}

async function ready(url: string): Promise<boolean> {
  return fetch(`${url}/readyz`).then(
    (response) => response.ok,
    () => false,
  );
}
