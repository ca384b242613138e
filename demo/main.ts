// SPDX-License-Identifier: GPL-3.0-or-later
/**
 * `npm run demo`: the whole path on this machine, for real. A local chain, the relayer, three nodes; inferences are
 * run, signed or proved, settled, and a lending vault acts on one of them. Then everything an attacker would try first.
 *
 *   npm run demo             runs and ends
 *   npm run demo -- --keep   leaves chain, relayer and nodes running, and prints where they are
 *   … --record FILE          writes there where the chain is and what was deployed, before anything happens on it
 */
import { mkdtemp, rename, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { parseArgs } from "node:util";
import { randomBytes } from "node:crypto";
import { digits } from "../circuits/models/digits/data.ts";
import { rows, split } from "../circuits/models/risk-scorer/data.ts";
import { R } from "../circuits/setup/field.ts";
import type { Hex } from "../relayer/protocol/index.ts";
import { type Settled, tryEverything } from "./attacks.ts";
import { type Chain, startChain } from "./chain.ts";
import { stakeAll, tokenEvent } from "./economy.ts";
import { slashEquivocation } from "./fault.ts";
import { sellOverHttp } from "./gateway.ts";
import { lookUp } from "./lookup.ts";
import { type Answered, type DemoNode, type Job, registerModels, startNodes } from "./nodes.ts";
import { launchRelayer } from "./relayer.ts";
import { bold, heading, line, median, progress, table } from "./text.ts";
import { openPayments, payEverybody } from "./payments.ts";
import { askOnChain } from "./requests.ts";
import { actEarly } from "./provisional.ts";
import { printUnlocks } from "./unlocks.ts";
import { freePort, openingFromWire, type WireStatus } from "./wire.ts";
import { lend, openVault, valuesToScore } from "./vault.ts";

const COUNTS = { plain: 200, enclave: 150, risk: 40, digits: 4 };
const CHAIN_PORT = Number(process.env["DEMO_CHAIN_PORT"] ?? 8545);
const RELAYER_PORT = Number(process.env["DEMO_RELAYER_PORT"] ?? 8080);

const { values: options } = parseArgs({
  options: { keep: { type: "boolean", default: false }, record: { type: "string" } },
});
const folder = await mkdtemp(join(tmpdir(), "opengradient-demo-"));
const closers: (() => Promise<unknown>)[] = [() => rm(folder, { recursive: true, force: true })];
let interrupted = false;
// `on`, not `once`: a terminal's Ctrl-C comes twice, from the terminal and from the launcher, and only the first counts.
for (const signal of ["SIGINT", "SIGTERM"] as const)
  process.on(signal, () => {
    if (interrupted) return;
    interrupted = true;
    void closeAll().then(() => process.exit(130));
  });

try {
  await main();
} catch (problem) {
  if (!interrupted) console.error(problem);
  process.exitCode = 1;
} finally {
  if (!interrupted && (!options.keep || process.exitCode === 1)) await closeAll();
}
if (!interrupted && !options.keep) process.exit();

async function main(): Promise<void> {
  line(bold("From inferences off chain to a contract that acts on one"));
  line("Everything runs on this machine. Signatures, proofs and checks are real. Two keys stand in for what a public");
  line("chain needs, and are refused there: the root that vouches for enclaves, and the proving keys' trusted setup.");

  heading("1. A chain, the contracts, the relayer");
  const chain = await startChain(options.keep ? CHAIN_PORT : 0);
  closers.push(() => chain.close());
  for (const [name, address] of Object.entries(chain.addresses)) line(`  ${name.padEnd(19)} ${address}`);
  if (options.record !== undefined) {
    const record = { chainId: 31337, startBlock: 0, rpcUrl: chain.url, contracts: chain.addresses };
    await writeFile(`${options.record}.part`, JSON.stringify(record));
    await rename(`${options.record}.part`, options.record);
  }
  const relayer = await launchRelayer(chain, folder, options.keep ? RELAYER_PORT : await freePort());
  closers.push(() => relayer.close());
  line(`  ${"chain".padEnd(19)} ${chain.url}`);
  line(`  ${"relayer".padEnd(19)} ${relayer.url}`);

  heading("2. Stake, two models and three nodes");
  await tokenEvent(chain);
  table(["operator", "own stake", "delegated"], await stakeAll(chain));
  const models = await registerModels(chain);
  const domain = { chainId: 31337n, verifyingContract: chain.addresses.inferenceRegistry.toLowerCase() as Hex };
  const payments = await openPayments(chain, domain, relayer.url, folder);
  closers.push(async () => payments.close());
  const problems: Error[] = [];
  let proofs = 0;
  let onProof = (): void => undefined;
  const nodes = await startNodes(
    { chain, payments, models, domain, relayerUrl: relayer.url, folder, onError: (error) => problems.push(error) },
    () => {
      proofs++;
      onProof();
    },
  );
  closers.push(() => Promise.all(Object.values(nodes).map((node) => node.close())));
  line(`  risk scorer ${models.riskId}`);
  line(`  digits      ${models.digitsId}`);

  heading("3. Inferences");
  const days = split(rows()).heldOut;
  const images = digits().heldOut;
  const riskJob = (i: number): Job => ({ model: models.risk, input: { values: days[i % days.length]!.features } });
  const imageJob = (i: number, salted: boolean): Job => ({
    model: models.digits,
    input: {
      values: images[i % images.length]!.pixels,
      salt: salted ? BigInt(`0x${randomBytes(31).toString("hex")}`) % R : 0n,
    },
  });
  const answered = {
    VANILLA: await askAll(nodes.plain, COUNTS.plain, riskJob),
    TEE: await askAll(nodes.enclave, COUNTS.enclave, (i) => imageJob(i, true)),
    ZKML: [
      ...(await askAll(nodes.scorer, COUNTS.risk, riskJob)),
      ...(await askAll(nodes.reader, COUNTS.digits, (i) => imageJob(i, true))),
    ],
  };
  const vault = await openVault(chain, models.riskId);
  const wanted = await nodes.scorer.ask({ model: models.risk, input: { values: await valuesToScore(vault) } });
  const plainScore = await nodes.plain.ask({ model: models.risk, input: { values: await valuesToScore(vault) } });
  const invented = await nodes.scorer.ask({
    model: models.risk,
    input: { values: Array.from({ length: 16 }, () => 128) },
  });
  answered.ZKML.push(wanted, invented);
  answered.VANILLA.push(plainScore);

  const count = progress("proofs made", COUNTS.risk + COUNTS.digits + 2);
  onProof = () => count(proofs);
  await Promise.all([nodes.plain, nodes.enclave, nodes.scorer].map(({ node }) => node.deliver()));
  await nodes.reader.node.deliver();

  heading("4. Settlement");
  const everything = Object.values(answered).flat();
  const statuses = await settled(relayer.url, everything, relayer.log);
  await summary(chain, answered, statuses);
  if (problems.length > 0) line(`  problems the nodes met: ${problems.map(({ message }) => message).join("; ")}`);

  heading("5. Everybody is paid");
  await payEverybody(chain, payments, [models.riskId, models.digitsId]);

  heading("6. What an attacker would try");
  const honest = answered.VANILLA[0]!;
  const attacks = await tryEverything(
    {
      chain,
      domain,
      relayerUrl: relayer.url,
      signed: statuses.get(honest.receiptId)!,
      proved: statuses.get(answered.ZKML[0]!.receiptId)!,
      plainKey: nodes.plain.key,
      provingKey: nodes.scorer.key,
    },
    honest,
  );
  table(
    ["attempt", "the relayer says", "the contract says"],
    attacks.map(({ what, relayer: said, chain: found }) => [what, said, found]),
  );
  const through = attacks.filter(({ chain: found }) => !/^(skipped|not verified)/.test(found));
  if (through.length > 0) throw new Error(`Got through: ${through.map(({ what }) => what).join("; ")}`);

  heading("7. A node that says two things about one request is slashed");
  await slashEquivocation(chain, domain, models.riskId);

  heading("8. A lending vault acts on a proved risk score, and on nothing else");
  await lend(vault, chain.as("borrower").address, {
    wanted: { ...wanted, opening: statuses.get(wanted.receiptId)!.opening },
    plain: { ...plainScore, opening: statuses.get(plainScore.receiptId)!.opening },
    invented: { ...invented, opening: statuses.get(invented.receiptId)!.opening },
  });

  heading("9. Contracts that ask on chain, and what an answer, a refusal and silence cost");
  await askOnChain(chain, domain, models, folder);
  heading("10. A contract is told scores that were computed before it was called");
  await lookUp(chain, {
    ...{ relayerUrl: relayer.url, model: models.risk, modelId: models.riskId, scorer: nodes.scorer },
    settled: { values: days[0]!.features, answered: answered.ZKML[0]! },
    fresh: days[COUNTS.risk]!.features,
  });

  heading("11. A claim is paid on a signature, against a bond, before there is a proof");
  await actEarly({
    chain,
    domain,
    relayerUrl: relayer.url,
    model: models.risk,
    modelId: models.riskId,
    prover: nodes.scorer,
    liar: nodes.plain,
  });

  heading("12. A stock HTTP client buys answers through a gateway, with OPG and without a transaction");
  await sellOverHttp({
    ...{ chain, domain, relayerUrl: relayer.url, folder, node: nodes.plain.node, model: models.risk },
    values: days[0]!.features,
  });

  heading("13. The unlocks of OPG around today, scheduled against released");
  await printUnlocks(chain);

  if (options.keep) {
    heading("Left running; stop with Ctrl-C");
    line(`  chain ${chain.url} (id 31337), relayer ${relayer.url}, its configuration ${relayer.config}`);
    line(`  try: curl -s ${relayer.url}/v1/receipts/${wanted.receiptId}`);
    for (const { node } of Object.values(nodes)) node.start();
  }
}

interface Status extends Settled {
  /** Milliseconds from the answer to settlement, as the relayer saw it. */
  settledAfter: number;
}

async function askAll(node: DemoNode, count: number, job: (i: number) => Job): Promise<Answered[]> {
  const show = progress(`${node.title}: answers`, count);
  const answers: Answered[] = [];
  for (let i = 0; i < count; i++) {
    answers.push(await node.ask(job(i)));
    show(i + 1);
  }
  return answers;
}

/** A table per mode: how long an answer took, how long until it was settled, and what that cost. */
async function summary(chain: Chain, answered: Record<string, Answered[]>, statuses: Map<Hex, Status>): Promise<void> {
  const lines: string[][] = [];
  for (const [mode, answers] of Object.entries(answered)) {
    const settledHere = answers.map(({ receiptId }) => statuses.get(receiptId)!);
    const calls = new Set(settledHere.map(({ transactionHash }) => transactionHash));
    let gas = 0;
    for (const hash of calls) {
      // A call may carry receipts of several modes' batches: each pays its part by the number of its receipts.
      const sharing = [...statuses.values()].filter(({ transactionHash }) => transactionHash === hash).length;
      const own = settledHere.filter(({ transactionHash }) => transactionHash === hash).length;
      const mined = await chain.provider.getTransactionReceipt(hash);
      gas += (Number(mined!.gasUsed) * own) / sharing;
    }
    let verified = 0;
    for (const { opening } of settledHere) if ((await chain.registry.verification(opening)).verified) verified++;
    if (verified < answers.length) throw new Error(`${mode}: only ${verified} of ${answers.length} read as verified.`);
    lines.push([
      mode,
      String(answers.length),
      `${median(answers.map(({ took }) => took)).toFixed(1)} ms`,
      `${(median(settledHere.map(({ settledAfter }) => settledAfter)) / 1000).toFixed(1)} s`,
      Math.round(gas / answers.length).toLocaleString("en"),
      `${verified}`,
    ]);
  }
  table(["mode", "receipts", "time to answer", "time to settled", "gas a receipt", "verified on chain"], lines);
  line("  VANILLA is a signed record, not a proof. TEE stands on a development root here. Times are medians.");
}

/** Waits until the relayer reports every receipt final. */
async function settled(url: string, answers: Answered[], log: () => string): Promise<Map<Hex, Status>> {
  const found = new Map<Hex, Status>();
  const show = progress("receipts final", answers.length);
  const deadline = Date.now() + 60_000;
  while (found.size < answers.length) {
    if (Date.now() > deadline) throw new Error(`Only ${found.size} of ${answers.length} receipts settled.\n${log()}`);
    for (const { receiptId, answeredAt } of answers) {
      if (found.has(receiptId)) continue;
      const response = await fetch(`${url}/v1/receipts/${receiptId}`);
      const status = (await response.json()) as WireStatus;
      if (status.state === "rejected") throw new Error(`${receiptId} was rejected: ${status.reason}`);
      if (status.state !== "final") break;
      found.set(receiptId, {
        opening: openingFromWire(status.opening!),
        transactionHash: status.transactionHash!,
        settledAfter: status.settledAt! * 1000 - answeredAt,
      });
      show(found.size);
    }
    await new Promise((resolve) => setTimeout(resolve, 100));
  }
  return found;
}
async function closeAll(): Promise<void> {
  for (const close of closers.splice(0).reverse()) await close().catch((problem: unknown) => console.error(problem));
}
