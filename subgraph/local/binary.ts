import { accessSync, chmodSync, constants, existsSync } from "node:fs";
import { delimiter, join } from "node:path";
import { fileURLToPath } from "node:url";

const root = fileURLToPath(new URL("../..", import.meta.url));

/** graph-node cannot run here. The message says what to do. */
export class GndUnavailable extends Error {
  override readonly name = "GndUnavailable";
  readonly code = "gnd_unavailable";
}

const runs = (file: string): boolean => {
  try {
    accessSync(file, constants.X_OK);
    return true;
  } catch {
    return false;
  }
};

export interface Surroundings {
  env: Readonly<Record<string, string | undefined>>;
  platform: string;
  arch: string;
  /** Folders that may hold the npm package. */
  modules: readonly string[];
}

const here = (): Surroundings => ({
  env: process.env,
  platform: process.platform,
  arch: process.arch,
  modules: [join(root, "subgraph/node_modules"), join(root, "node_modules")],
});

/**
 * Finds graph-node's development build: `GND_BIN`, then the npm package, then the path.
 * @throws {GndUnavailable} where there is none: nothing is ever skipped for want of it.
 */
export function findGnd({ env, platform, arch, modules }: Surroundings = here()): string {
  const named = env["GND_BIN"];
  if (named !== undefined && named !== "") {
    if (runs(named)) return named;
    throw new GndUnavailable(`GND_BIN names ${named}, which is no program that can be run here.`);
  }
  // The package holds one platform's program, and npm may have been told to install it elsewhere too.
  if (platform === "linux" && arch === "x64")
    for (const folder of modules) {
      const file = join(folder, "@graphprotocol/gnd-linux-x64/bin/gnd");
      if (!existsSync(file)) continue;
      // npm may have been told to run no install scripts, and packs it without the right to run.
      if (!runs(file)) chmodSync(file, 0o755);
      return file;
    }
  for (const folder of (env["PATH"] ?? "").split(delimiter)) {
    const file = join(folder, "gnd");
    if (folder !== "" && runs(file)) return file;
  }
  throw new GndUnavailable(
    platform === "linux" && arch === "x64"
      ? "graph-node's gnd is not installed: run npm ci in subgraph/, or name the program in GND_BIN."
      : `graph-node's gnd is on npm for linux-x64 only, and this is ${platform}-${arch}: ` +
          "install it with `graph node install` (graph-cli), then name the program in GND_BIN.",
  );
}
