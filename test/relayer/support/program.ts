// SPDX-License-Identifier: MIT
// The relayer as a process of its own, to be killed.
import { spawn } from "node:child_process";

export interface Program {
  url: string;
  output(): string;
  kill(signal: NodeJS.Signals): Promise<void>;
}

/** Starts `npm run relayer` without npm; resolves when it says where it listens. */
export async function startProgram(config: string, privateKey: string): Promise<Program> {
  const args = ["--import", import.meta.resolve("tsx"), "relayer/main.ts", "--config", config];
  const child = spawn(process.execPath, args, {
    env: { ...process.env, RELAYER_PRIVATE_KEY: privateKey },
    stdio: ["ignore", "pipe", "pipe"],
  });
  let output = "";
  const ended = new Promise<void>((resolve) => child.once("exit", () => resolve()));
  const url = await new Promise<string>((resolve, reject) => {
    const read = (chunk: Buffer): void => {
      output += chunk.toString();
      const found = /listens on (http:\S+)/.exec(output);
      if (found) resolve(found[1]!);
    };
    child.stdout.on("data", read);
    child.stderr.on("data", read);
    child.once("exit", (code) => reject(new Error(`ended with ${code}: ${output}`)));
  });
  return {
    url,
    output: () => output,
    async kill(signal) {
      if (child.exitCode === null && child.signalCode === null) child.kill(signal);
      await ended;
    },
  };
}
