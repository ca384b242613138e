// Runs a command of this repository under the Node version in .nvmrc, with all dependencies installed.
// Plain JavaScript on purpose: it must start on any Node from 20 on, before anything is installed.
//
// Hardhat needs Node 22, and its native part is an optional dependency with an engine bound: npm on an
// older Node leaves it out without a word. So the install itself must happen under the right Node too,
// and what is installed is remembered together with the platform and the lock file it came from.
import { spawnSync } from "node:child_process";
import { createHash } from "node:crypto";
import { existsSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { delimiter, dirname, join } from "node:path";
import { fileURLToPath } from "node:url";

const root = join(dirname(fileURLToPath(import.meta.url)), "..");
const wanted = readFileSync(join(root, ".nvmrc"), "utf8").trim();
const [major, minor] = process.versions.node.split(".").map(Number);
const fits = major === 22 && minor >= 13;

const [command, ...args] = process.argv.slice(2);
if (!command) {
  console.error("usage: node scripts/node22.mjs COMMAND [ARGUMENT...]");
  process.exit(2);
}

if (!fits) {
  if (process.env.OPENGRADIENT_NODE22 === "1") {
    console.error(`Node ${wanted} was asked for and ${process.version} came. Install Node 22 and try again.`);
    process.exit(1);
  }
  exit(
    spawnSync(
      "npx",
      ["--yes", "--package", `node@${wanted}`, "node", fileURLToPath(import.meta.url), command, ...args],
      {
        stdio: "inherit",
        env: { ...process.env, OPENGRADIENT_NODE22: "1" },
        shell: process.platform === "win32",
      },
    ),
  );
}

const lock = createHash("sha256")
  .update(readFileSync(join(root, "package-lock.json")))
  .digest("hex");
const stamp = `${process.platform}-${process.arch} node-${major} ${lock}\n`;
const stampFile = join(root, "node_modules", ".installed-from");
if (!existsSync(stampFile) || readFileSync(stampFile, "utf8") !== stamp) {
  console.error("Installing dependencies (once, about a minute) …");
  const installed = spawnSync("npm", ["ci", "--no-audit", "--no-fund", "--loglevel=error"], {
    cwd: root,
    stdio: ["ignore", 2, "inherit"],
    shell: process.platform === "win32",
  });
  if (installed.status !== 0) exit(installed);
  mkdirSync(dirname(stampFile), { recursive: true });
  writeFileSync(stampFile, stamp);
}

const bin = join(root, "node_modules", ".bin");
exit(
  spawnSync(command, args, {
    cwd: root,
    stdio: "inherit",
    env: { ...process.env, PATH: `${bin}${delimiter}${process.env.PATH}` },
    shell: process.platform === "win32",
  }),
);

function exit(result) {
  if (result.error) console.error(result.error.message);
  process.exit(result.status ?? (result.signal ? 130 : 1));
}
