/**
 * Writes docs/powers.md: every privileged function, who holds it, how far it reaches, after what delay, and what a stolen
 * key could do. That the table is whole is shown by test/deploy/powers.test.ts, which walks the ABIs.
 *
 *   npm run powers            writes the file
 *   npm run powers -- --check fails where the file is out of date
 */
import { readFileSync, writeFileSync } from "node:fs";
import { format, resolveConfig } from "prettier";
import { OPEN, POWERS, type Power } from "./powers-catalogue.ts";

const TARGET = "docs/powers.md";
const HEAD = "| function | who | bound | delay | with a stolen key |\n|---|---|---|---|---|\n";

const row = ({ name, holder, bound, delay, stolen }: Power) =>
  `| \`${name}\` | ${holder} | ${bound} | ${delay} | ${stolen} |`;
const contracts = [...new Set(POWERS.map(({ contract }) => contract))];
const tables = contracts.map(
  (contract) =>
    `### ${contract}\n\n${HEAD}${POWERS.filter((power) => power.contract === contract)
      .map(row)
      .join("\n")}\n`,
);
const code = (names: string[]) => names.map((name) => `\`${name}\``).join(", ") || "–";
const open = Object.entries(OPEN).map(
  ([contract, { anyone, own }]) => `| ${contract} | ${code(anyone)} | ${code(own)} |`,
);
const none = Object.keys(OPEN).filter((contract) => !contracts.includes(contract));

const text = `# Powers

Written by \`npm run powers\`. A test walks the ABI of every contract and fails if a function that changes state is missing
here, if one that is called open refuses a stranger for a role, or if a privileged one lets a stranger in.

Contracts are immutable and have no owner. Three parties hold more than an account does over its own:

- **Governance**: OPG votes, through a governor, through a timelock whose delay nothing can change. No account holds a role
  in the timelock, so there is no key to steal; it takes a vote, and seven days in which everybody can leave.
- **The guardian**, an account or multisig: may pause new settlement for a day and freeze single things for ten, both lifting
  themselves. It can move nothing, take nothing, and stop nobody from leaving.
- **The deployer**, until the last transaction of the deployment; nothing afterwards, which \`npm run deploy\` checks.

No role can take funds, block a withdrawal, a claim, an unbonding or a sale, stop slashing, or set a share above its
constant cap. ${none.join(", ")} have no privileged function at all.

## What is privileged

${tables.join("\n")}
## What is open

Everything else that changes state: for anyone, or for an account over what is its own (its tokens, deposits, nodes, stake,
twins).

| contract | anyone | own |
|---|---|---|
${open.join("\n")}
`;
const formatted = await format(text, { ...(await resolveConfig(TARGET)), parser: "markdown" });
if (!process.argv.includes("--check")) writeFileSync(TARGET, formatted);
else if (readFileSync(TARGET, "utf8") !== formatted) {
  console.error(`${TARGET} is out of date: run npm run powers`);
  process.exit(1);
}
console.log(`${POWERS.length} privileged functions in ${contracts.length} contracts`);
