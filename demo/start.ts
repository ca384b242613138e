/** Builds what the demo needs, then runs it: a fresh clone has neither contracts nor circuits yet. */
import { spawnSync } from "node:child_process";

for (const command of [
  ["hardhat", "build"],
  ["tsx", "circuits/build.ts"],
]) {
  const { status } = spawnSync(command[0]!, command.slice(1), { stdio: "inherit" });
  if (status !== 0) process.exit(status ?? 1);
}
// Only now: the demo imports types and factories that the build makes.
await import("./main.ts");
