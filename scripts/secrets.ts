/**
 * `npm run secrets:check`: looks for secrets in everything that git has or would take: each file as it is now, and every
 * line that any commit ever added. What looks like one and is none is named in KNOWN, with why.
 */
import { spawn, spawnSync } from "node:child_process";
import { readFileSync, statSync } from "node:fs";
import { createInterface } from "node:readline";

/** What secrets look like. */
export const PATTERNS: [string, RegExp][] = [
  ["a private key in PEM", /-----BEGIN (?:[A-Z]+ )*PRIVATE KEY-----/],
  ["an AWS access key", /\b(?:AKIA|ASIA)[0-9A-Z]{16}\b/],
  ["a GitHub token", /\b(?:gh[pousr]_[A-Za-z0-9]{36,}|github_pat_[A-Za-z0-9_]{60,})\b/],
  ["a Slack token", /\bxox[abprs]-[A-Za-z0-9-]{10,}/],
  ["a Google key", /\bAIza[0-9A-Za-z_-]{35}\b/],
  ["a Stripe key", /\b[rs]k_live_[0-9A-Za-z]{20,}/],
  ["an OpenAI or Anthropic key", /\bsk-(?:ant-|proj-)?[A-Za-z0-9_-]{32,}/],
  ["an npm token", /\bnpm_[A-Za-z0-9]{36}\b|_authToken=[A-Za-z0-9-]{8,}/],
  ["a JSON web token", /\beyJ[A-Za-z0-9_-]{15,}\.eyJ[A-Za-z0-9_-]{15,}\.[A-Za-z0-9_-]{15,}/],
  [
    "an RPC URL with its key",
    /https?:\/\/[\w.-]*(?:alchemy|infura|quiknode|ankr|blastapi|drpc)[\w.-]*\/(?:v[23]\/)?[A-Za-z0-9_-]{24,}/,
  ],
  [
    "a password in a URL",
    /\b(?:postgres(?:ql)?|rediss?|https?|mongodb|amqp):\/\/[^\s:/@"'`${}<>]+:[^\s:/@"'`${}<>]{3,}@[\w.[\]-]+/,
  ],
  // Hashes look the same: what names itself a key, and is set to 32 bytes that are not all alike.
  ["a private key", /(?:private_?key|secret|mnemonic|seed)["'`]?\s*[:=]\s*["'`]?(?:0x)?(?!(..)\1{15})[0-9a-f]{64}\b/i],
  ["a mnemonic", /mnemonic["'`]?\s*[:=]\s*["'`](?:[a-z]+ ){11,23}[a-z]+["'`]/i],
];

/** Parts of lines that look like secrets and are none. */
const KNOWN: [RegExp, string][] = [
  [/:(?:hunter2|password|secret)@/, "passwords that tests look for in what is told, and examples"],
  [/:[^\s:/@]+@(?:127\.0\.0\.1|localhost)\b/, "a server that a test starts for itself"],
  [/0xac0974bec39a17e36ba4a6b4d238ff944bacb478cbed5efcae784d7bf4f2ff80/, "the first account of every Hardhat chain"],
  [/test test test test test test test test test test test junk/, "its mnemonic"],
];

/** Files that nobody keeps secrets in and that look like them all over. */
const SKIPPED = /(?:^|\/)package-lock\.json$|\.(?:png|svg|ico|wasm|zkey|ptau|bin|pdf|gz)$/;

/** What a line holds that looks like a secret; undefined where nothing does. Never the secret itself. */
export function secretIn(line: string): string | undefined {
  if (line.length > 20_000) return PATTERNS.slice(0, 9).find(([, pattern]) => pattern.test(line))?.[0];
  const rest = KNOWN.reduce((text, [known]) => text.replaceAll(new RegExp(known, "g"), ""), line);
  return PATTERNS.find(([, pattern]) => pattern.test(rest))?.[0];
}

function workTree(): string[] {
  const listed = spawnSync("git", ["ls-files", "-z", "--cached", "--others", "--exclude-standard"], { maxBuffer: 1e9 });
  const files = listed.stdout
    .toString()
    .split("\0")
    .filter((file) => file !== "" && !SKIPPED.test(file));
  return files.flatMap((file) => {
    if (!statSync(file, { throwIfNoEntry: false })?.isFile()) return [];
    const lines = readFileSync(file, "utf8").split("\n");
    return lines.flatMap((line, index) => {
      const what = secretIn(line);
      return what === undefined ? [] : [`${file}:${index + 1}: ${what}`];
    });
  });
}

async function history(): Promise<string[]> {
  const args = ["log", "--all", "--no-color", "--no-ext-diff", "-p", "-U0", "--format=commit %H"];
  const git = spawn("git", args, { stdio: ["ignore", "pipe", "inherit"] });
  const ended = new Promise<number | null>((resolve) => git.once("close", resolve));
  const found: string[] = [];
  let [commit, file] = ["", ""];
  for await (const line of createInterface({ input: git.stdout })) {
    if (line.startsWith("commit ")) commit = line.slice(7, 17);
    else if (line.startsWith("+++ ")) file = line.slice(6);
    else if (line.startsWith("+") && !SKIPPED.test(file)) {
      const what = secretIn(line.slice(1));
      if (what !== undefined) found.push(`${commit} ${file}: ${what}`);
    }
  }
  if ((await ended) !== 0) throw new Error("git log failed");
  return found;
}

if (process.argv[1]?.endsWith("secrets.ts")) {
  const found = [...workTree(), ...new Set(await history())];
  for (const place of found) console.error(place);
  console.log(
    found.length === 0 ? "No secret in the work tree or in any commit." : `${found.length} places look like secrets.`,
  );
  process.exit(found.length === 0 ? 0 : 1);
}
