// SPDX-License-Identifier: MIT
// Packs this package, installs the tarball into an empty Hardhat project and compiles the example of the README there.
// What works in this repository can still be missing from the package: a folder that is not packed, a dependency that
// is only installed for development, a pragma that shuts a user's compiler out.
import { spawnSync } from "node:child_process";
import { mkdirSync, mkdtempSync, readFileSync, readdirSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";

const root = join(dirname(fileURLToPath(import.meta.url)), "..");
const EXAMPLE = "contracts/consumer/examples/TwentyLines.sol";
/** What needs a newer compiler than the rest, which is compiled without it: OpenZeppelin's RateLimiter does. */
const NEWER: Record<string, string> = { "contracts/consumer/examples/AgentWallet.sol": "0.8.27" };
const LICENCES = [/^LICENSE\.md$/, /^LICENSES\/.*MIT/, /^LICENSES\/.*GPL-3\.0/];

/** A package that a user could not build on; the message says what is wrong with it. */
class PackCheckError extends Error {
  readonly code: "command_failed" | "missing_licence" | "narrow_pragma" | "nothing_compiled";

  constructor(code: PackCheckError["code"], message: string) {
    super(message);
    this.name = "PackCheckError";
    this.code = code;
  }
}

function run(command: string, args: string[], cwd: string): string {
  const shell = process.platform === "win32";
  const { status, stdout, stderr, error } = spawnSync(command, args, { cwd, shell, encoding: "utf8" });
  if (status !== 0) {
    const output = error?.message ?? `${stdout}${stderr}`;
    throw new PackCheckError("command_failed", `${command} ${args.join(" ")} failed in ${cwd}:\n${output}`);
  }
  return stdout;
}

interface Manifest {
  name: string;
  version: string;
  devDependencies: Record<string, string>;
}
const read = (path: string): string => readFileSync(join(root, path), "utf8");
const manifest = JSON.parse(read("package.json")) as Manifest;

/** The example as a user writes it: its import names the package. */
export const exampleForUsers = (): string =>
  read(EXAMPLE).replace('from "../', `from "${manifest.name}/contracts/consumer/`);

/** Packs into `folder` and looks the packed files over. */
function pack(folder: string): string {
  const listing = run("npm", ["pack", "--json", "--ignore-scripts", "--pack-destination", folder], root);
  const [packed] = JSON.parse(listing) as [{ filename: string; files: { path: string }[] }];
  const paths = packed.files.map(({ path }) => path);
  for (const licence of LICENCES) {
    if (!paths.some((path) => licence.test(path)))
      throw new PackCheckError("missing_licence", `No packed file matches ${licence}: see "files" in package.json`);
  }
  for (const path of paths.filter((name) => name.endsWith(".sol"))) {
    const oldest = NEWER[path] ?? "0.8.24";
    if (!read(path).includes(`\npragma solidity ^${oldest};\n`))
      throw new PackCheckError(
        "narrow_pragma",
        `${path} must carry pragma solidity ^${oldest}, as users bring compilers`,
      );
  }
  return join(folder, packed.filename);
}

/** A Hardhat project with nothing but the package, Hardhat and a compiler, in the versions that are pinned here. */
function writeProject(folder: string, tarball: string): void {
  const { hardhat, solc } = manifest.devDependencies;
  const project = {
    name: "empty",
    private: true,
    type: "module",
    dependencies: { [manifest.name]: `file:${tarball}`, hardhat, solc },
  };
  mkdirSync(join(folder, "contracts"), { recursive: true });
  writeFileSync(join(folder, "package.json"), JSON.stringify(project, null, 2));
  writeFileSync(
    join(folder, "hardhat.config.ts"),
    `import { createRequire } from "node:module";
import { defineConfig } from "hardhat/config";

const path = createRequire(import.meta.url).resolve("solc/soljson.js");
export default defineConfig({ solidity: { version: "${solc}", path, settings: { evmVersion: "cancun" } } });
`,
  );
  writeFileSync(join(folder, "contracts/TwentyLines.sol"), exampleForUsers());
  writeFileSync(
    join(folder, "contracts/Vault.sol"),
    `// SPDX-License-Identifier: MIT
pragma solidity ^0.8.24;
import {IInferenceRegistry, RiskVault} from "${manifest.name}/contracts/consumer/examples/RiskVault.sol";

contract Vault is RiskVault {
    constructor(address registry, Terms memory terms) RiskVault(IInferenceRegistry(registry), terms) {}
}
`,
  );
}

/** Compiles, and looks for code in what came out: a build that compiled nothing would also succeed. */
function compile(folder: string): void {
  run(join("node_modules", ".bin", "hardhat"), ["build"], folder);
  for (const name of ["TwentyLines", "Vault"]) {
    const artifacts = join(folder, "artifacts", "contracts", `${name}.sol`);
    const file = readdirSync(artifacts).find((entry) => entry === `${name}.json`);
    const code =
      file === undefined
        ? ""
        : (JSON.parse(readFileSync(join(artifacts, file), "utf8")) as { bytecode: string }).bytecode;
    if (code.length <= 2) throw new PackCheckError("nothing_compiled", `${name}.sol compiled to no code`);
  }
}

function main(): void {
  const folder = mkdtempSync(join(tmpdir(), "pack-check-"));
  try {
    const tarball = pack(folder);
    const project = join(folder, "project");
    writeProject(project, tarball);
    run("npm", ["install", "--prefer-offline", "--no-audit", "--no-fund", "--loglevel=error"], project);
    compile(project);
    console.log(`${manifest.name} ${manifest.version}: packed, installed and built on in an empty project`);
  } catch (error) {
    if (!(error instanceof PackCheckError)) throw error;
    console.error(`${error.code}: ${error.message}`);
    process.exitCode = 1;
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

if (process.argv[1] === fileURLToPath(import.meta.url)) main();
