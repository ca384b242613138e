// SPDX-License-Identifier: MIT
import { readFileSync } from "node:fs";
import { Command } from "commander";
import { Contract, JsonRpcProvider, Wallet } from "ethers";
import { readDocument } from "./document.ts";
import { attestationEvidence, cacheCertificates, fileJournal } from "./registration.ts";

const program = new Command("attestation").description(
  "Makes a chain know the certificates of an AWS Nitro attestation document, and admits the enclave's key.",
);

interface Chain {
  rpc: string;
  attestation: string;
  document: string;
  journal: string;
}

function signer(rpc: string): Wallet {
  const key = process.env["PRIVATE_KEY"];
  if (!key) throw new Error("Set PRIVATE_KEY to the key that pays for the transactions");
  return new Wallet(key, new JsonRpcProvider(rpc));
}

async function cache(options: Chain): Promise<void> {
  const document = readFileSync(options.document);
  await cacheCertificates(options.attestation, signer(options.rpc), document, fileJournal(options.journal), (p) =>
    console.log(
      `certificate ${p.index + 1} of ${p.total} ${p.certificate} ${p.step}` +
        (p.transaction ? ` in ${p.transaction}` : "") +
        (p.gasUsed ? `, ${p.gasUsed} gas` : ""),
    ),
  );
}

program
  .command("cache")
  .description("verifies the document's certificates on chain, one transaction each; may be stopped and run again")
  .requiredOption("--rpc <url>", "JSON-RPC endpoint")
  .requiredOption("--attestation <address>", "NitroAttestation")
  .requiredOption("--document <file>", "COSE_Sign1 bytes as the enclave returned them")
  .option("--journal <file>", "what was sent and not seen mined", "attestation-journal.json")
  .action(cache);

program
  .command("admit")
  .description("caches what is missing, then admits the enclave's key; the key must be the node's operator")
  .requiredOption("--rpc <url>", "JSON-RPC endpoint")
  .requiredOption("--attestation <address>", "NitroAttestation")
  .requiredOption("--document <file>", "COSE_Sign1 bytes as the enclave returned them")
  .requiredOption("--registry <address>", "EnclaveRegistry")
  .requiredOption("--node <number>", "the node's number")
  .option("--days <number>", "how long the key is valid", "90")
  .option("--journal <file>", "what was sent and not seen mined", "attestation-journal.json")
  .action(async (options: Chain & { registry: string; node: string; days: string }) => {
    await cache(options);
    const registry = new Contract(
      options.registry,
      ["function admit(bytes32 nodeId, bytes attestation, uint64 validUntil) returns (bytes32)"],
      signer(options.rpc),
    );
    const nodeId = `0x${BigInt(options.node).toString(16).padStart(64, "0")}`;
    // A minute less, so that clocks may differ from the chain's.
    const until = Math.floor(Date.now() / 1000) + Number(options.days) * 86_400 - 60;
    const sent = await registry.getFunction("admit")(
      nodeId,
      attestationEvidence(readFileSync(options.document)),
      until,
    );
    const receipt = await sent.wait();
    console.log(`admitted in ${sent.hash}, ${receipt.gasUsed} gas`);
  });

program
  .command("inspect")
  .description("prints what a document is made of; asks no chain")
  .requiredOption("--document <file>", "COSE_Sign1 bytes as the enclave returned them")
  .action(({ document }: { document: string }) => {
    const { certificates, timestamp } = readDocument(readFileSync(document));
    console.log(`made at ${new Date(timestamp).toISOString()}, ${certificates.length} certificates`);
  });

await program.parseAsync();
