// SPDX-License-Identifier: MIT
import { readFileSync } from "node:fs";
import { Command } from "commander";
import { JsonRpcProvider, Wallet, toBeHex } from "ethers";
import { readDocument } from "./document.ts";
import { documentKeyId, progressLine, registerEnclave } from "./enclave.ts";
import { cacheCertificates, fileJournal, type Payer } from "./registration.ts";

const program = new Command("attestation").description(
  "Makes a chain know the certificates of an AWS Nitro attestation document, and admits the enclave's key.",
);

interface Chain {
  rpc: string;
  document: string;
  journal: string;
}

function signer(rpc: string): Payer {
  const key = process.env["PRIVATE_KEY"];
  if (!key) throw new Error("Set PRIVATE_KEY to the key that pays for the transactions");
  return new Wallet(key, new JsonRpcProvider(rpc));
}

program
  .command("cache")
  .description("verifies the document's certificates on chain, one transaction each; may be stopped and run again")
  .requiredOption("--rpc <url>", "JSON-RPC endpoint")
  .requiredOption("--attestation <address>", "NitroAttestation")
  .requiredOption("--document <file>", "COSE_Sign1 bytes as the enclave returned them")
  .option("--journal <file>", "what was sent and not seen mined", "attestation-journal.json")
  .action(async (options: Chain & { attestation: string }) => {
    const document = readFileSync(options.document);
    const journal = fileJournal(options.journal);
    await cacheCertificates(options.attestation, signer(options.rpc), document, journal, (progress) =>
      console.log(progressLine(progress)),
    );
  });

program
  .command("admit")
  .description("caches what is missing, then admits the enclave's key; the key must be the node's operator")
  .requiredOption("--rpc <url>", "JSON-RPC endpoint")
  .requiredOption("--document <file>", "COSE_Sign1 bytes as the enclave returned them")
  .requiredOption("--registry <address>", "EnclaveRegistry")
  .requiredOption("--node <number>", "the node's number")
  .option("--days <number>", "how long the key is valid", "90")
  .option("--journal <file>", "what was sent and not seen mined", "attestation-journal.json")
  .action(async (options: Chain & { registry: string; node: string; days: string }) => {
    const document = readFileSync(options.document);
    await registerEnclave({
      registry: options.registry,
      operator: signer(options.rpc),
      nodeId: toBeHex(BigInt(options.node), 32),
      keyId: documentKeyId(document),
      attest: async () => document,
      lifeSeconds: Number(options.days) * 86_400,
      journal: fileJournal(options.journal),
      report: (progress) => console.log(progressLine(progress)),
    });
  });

program
  .command("inspect")
  .description("prints what a document is made of; asks no chain")
  .requiredOption("--document <file>", "COSE_Sign1 bytes as the enclave returned them")
  .action(({ document }: { document: string }) => {
    const { certificates, timestamp, publicKey } = readDocument(readFileSync(document));
    const made = new Date(timestamp).toISOString();
    console.log(`made at ${made}, ${certificates.length} certificates, binds a key of ${publicKey.length} bytes`);
  });

await program.parseAsync();
