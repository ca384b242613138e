// SPDX-License-Identifier: MIT
import { readFileSync } from "node:fs";
import { createRequire } from "node:module";

const require = createRequire(import.meta.url);

interface Compiler {
  compile(input: string, callbacks: { import(path: string): { contents: string } }): string;
}

/** Compiles Solidity that is not part of the project, with the project's own settings. Imports are paths from the root. */
export function compile(source: string, contract: string): { abi: object[]; bytecode: string } {
  const solc = require("solc") as Compiler;
  const input = {
    language: "Solidity",
    sources: { "source.sol": { content: source } },
    settings: {
      evmVersion: "cancun",
      optimizer: { enabled: true, runs: 20_000 },
      outputSelection: { "*": { "*": ["abi", "evm.bytecode.object"] } },
    },
  };
  const { contracts, errors = [] } = JSON.parse(
    solc.compile(JSON.stringify(input), {
      import: (path) => ({ contents: readFileSync(new URL(`../../${path}`, import.meta.url), "utf8") }),
    }),
  );
  const failures = errors.filter(({ severity }: { severity: string }) => severity === "error");
  if (failures.length > 0) throw new Error(failures[0].formattedMessage);
  const { abi, evm } = contracts["source.sol"][contract];
  return { abi, bytecode: `0x${evm.bytecode.object}` };
}
