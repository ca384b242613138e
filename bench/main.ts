/**
 * `npm run bench`: measures what was promised, each figure beside a baseline of the same run, prints ratios and writes
 * bench/results.json. A missed target makes it exit 1.
 */
import { writeFileSync } from "node:fs";
import { deployProtocol } from "../test/support/protocol.ts";
import { provedGas, signedGas } from "./gas.ts";
import { openingGas } from "./opening.ts";
import { attestationGas } from "./attestation.ts";
import { twinGas } from "./twin.ts";
import { offChainVerification, provedByProcesses } from "./verification.ts";
import { indexRate } from "./index-rate.ts";
import { ingestion } from "./ingest.ts";
import { load } from "./load.ts";
import { kept, type Row } from "./row.ts";

const measures: [string, () => Promise<Row[]>][] = [
  ["gas of proved receipts", provedGas],
  ["gas of signed receipts", async () => signedGas(await deployProtocol())],
  ["gas of opening", openingGas],
  ["gas of key trades", twinGas],
  ["gas of attestation", attestationGas],
  ["off-chain verification", offChainVerification],
  ["receipts through the relayer", () => ingestion()],
  ["load that a relayer bears", () => load()],
  ["proofs by more processes", provedByProcesses],
  ["rate of the index", indexRate],
];

const wanted = process.argv[2];
const rows: Row[] = [];
for (const [title, measure] of measures) {
  if (wanted !== undefined && !title.includes(wanted)) continue;
  console.log(`\n${title}`);
  for (const row of await measure()) {
    rows.push(row);
    const compared = row.ratio === null ? "" : `${row.ratio} × against ${row.baseline}`;
    const target = row.target === null ? "" : `${kept(row) ? "ok" : "MISSED"}, target ${row.target}`;
    console.log(
      `  ${row.name.padEnd(62)} ${String(row.value).padStart(9)} ${row.unit.padEnd(10)} ${compared.padEnd(28)} ${target}`,
    );
  }
}
if (wanted === undefined) writeFileSync("bench/results.json", JSON.stringify(rows, null, 2) + "\n");
const missed = rows.filter((row) => !kept(row));
console.log(missed.length === 0 ? "\nAll targets met." : `\nMissed: ${missed.map(({ name }) => name).join("; ")}`);
process.exit(missed.length === 0 ? 0 : 1);
