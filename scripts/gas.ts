/**
 * What each call of the contracts costs, to the unit. `tsx scripts/gas.ts` writes gas-snapshot.json; with --check it
 * compares and exits 1 on any drift. A figure beyond its target exits 1 in both cases.
 *
 * Wallets, moments and hashes are fixed: calldata is priced by its bytes, so a random one would make every run differ.
 */
import { readFile, writeFile } from "node:fs/promises";
import { id, keccak256, toBeHex, Wallet } from "ethers";
import { developmentSetup, type Proved } from "../test/support/proofs.ts";
import { keyBytes } from "../test/support/groth16.ts";
import { outcomeOf } from "../test/support/outcome.ts";
import { coder, keyIdOf, Mode, publicKeyOf, type BatchFields, type ReceiptFields } from "../test/support/protocol.ts";
import { deployWorld, MEASUREMENT, type World } from "../test/support/world.ts";
import { beneficiaries, inOrder, sign, SUPPLY as OPG_SUPPLY } from "../test/opg/support.ts";
import { OPGGenesis__factory, OPGToken__factory, OPGVesting__factory } from "../typechain/index.ts";
import { measureCollecting, measureConsent, measureEconomy, TARGETS as ECONOMY } from "./gas-economy.ts";
import { measureEnclaveKeys, TARGETS as ENCLAVES } from "./gas-enclaves.ts";
import { measureMemory, TARGETS as MEMORY } from "./gas-memory.ts";
import { measureRequests, TARGETS as REQUESTS } from "./gas-requests.ts";
import { measureLookups } from "./gas-lookup.ts";
import { measureExamples } from "./gas-examples.ts";
import { measureAttestation, TARGETS as ATTESTATION } from "./gas-attestation.ts";
import { executionGas } from "../test/verification/fixture.ts";

const SNAPSHOT = new URL("../gas-snapshot.json", import.meta.url);
const MODES = [
  ["VANILLA", Mode.VANILLA],
  ["ZKML", Mode.ZKML],
  ["TEE", Mode.TEE],
] as const;
/** The hour at which everything measured happens; deployment lies before it. */
const START = 2_000_000_000n;

/** Most gas that a figure may cost. */
const TARGETS: Record<string, number> = {
  ...ECONOMY,
  ...ENCLAVES,
  ...MEMORY,
  ...REQUESTS,
  ...ATTESTATION,
  "OPG transferWithAuthorization, split signature": 75_000,
  "OPG release, later of an allocation": 75_000,
  "settleBatches, 1 VANILLA batch of 1,000": 90_000,
  "settleBatches, 1 TEE batch of 1,000": 90_000,
  "settleBatches, each further batch": 45_000,
  "settleProvedBatches, 32 receipts, each": 64_000,
  "settleProvedBatches, 64 receipts, each": 61_000,
  "verification of 1 in 1,024, VANILLA, execution": 25_000,
  "verification of 1 in 1,024, ZKML, execution": 30_000,
  "verification of 1 in 1,024, TEE, execution": 30_000,
};

const figures: Record<string, number> = {};
const w = await deployWorld(new Date(Number(START - 10_000n) * 1_000));
let second = START;
await w.goTo(START);

/** The next transaction's moment: each gets one of its own, so that none depends on how fast this machine is. */
async function tick(seconds = 10n): Promise<bigint> {
  second += seconds;
  await w.at(second);
  return second;
}
const fixed = (label: string): Partial<ReceiptFields> => ({
  requestId: id(`request ${label}`),
  inputHash: id(`input ${label}`),
  outputHash: id(`output ${label}`),
  completedAt: START,
});
const receipt = (mode: number, label: string) => w.receiptIn(mode, fixed(label));
const proved = (label: string): Promise<Proved> =>
  w.proved({ requestId: id(`request ${label}`), completedAt: START }, label);
async function many<T>(n: number, make: (i: number) => Promise<T>): Promise<T[]> {
  const all: T[] = [];
  for (let i = 0; i < n; i++) all.push(await make(i));
  return all;
}

/** Gas of a settle call, all in, of which every item settles. */
async function settled(call: () => ReturnType<World["registry"]["settleBatches"]>, items: number): Promise<number> {
  await tick();
  const result = await outcomeOf(call());
  if (result.settled.length !== items) throw new Error(`Measured a call that skips: ${JSON.stringify(result.skipped)}`);
  return Number(result.gasUsed);
}

async function signedBatches() {
  const batch = (mode: number, label: string) =>
    receipt(mode, label).then((only) => w.signedBatch([only], { count: 1_000 }));
  for (const [name, mode] of MODES.filter(([, each]) => each !== Mode.ZKML)) {
    const item = await batch(mode, `batch ${name}`);
    figures[`settleBatches, 1 ${name} batch of 1,000`] = await settled(() => w.registry.settleBatches([item]), 1);
  }
  const ten = await many(10, (i) => batch(Mode.VANILLA, `ten ${i}`));
  const [first, all] = [
    figures["settleBatches, 1 VANILLA batch of 1,000"]!,
    await settled(() => w.registry.settleBatches(ten), 10),
  ];
  figures["settleBatches, each further batch"] = Math.ceil((all - first) / 9);
}

async function provedBatches() {
  for (const n of [1, 2, 8, 32, 64]) {
    const item = w.proofBatch(await many(n, (i) => proved(`proved ${n} ${i}`)));
    const gas = await settled(() => w.registry.settleProvedBatches([item]), 1);
    figures[`settleProvedBatches, ${n} receipts, each`] = Math.ceil(gas / n);
  }
}

async function singles() {
  for (const [name, mode] of MODES) {
    const { receipt: only, evidence } =
      mode === Mode.ZKML ? await proved("single") : { receipt: await receipt(mode, "single"), evidence: "0x" };
    const item = w.signedReceipt(only, evidence);
    figures[`settleReceipts, 1 ${name} receipt`] = await settled(() => w.registry.settleReceipts([item]), 1);
    figures[`verification of 1 settled alone, ${name}, execution`] = await opening(w.openingAlone(only));
  }
}

/** Execution alone, cold, without the transaction's own price. Opens for certain: anything else is another path. */
async function opening(item: ReturnType<World["opening"]>): Promise<number> {
  const { verified, reason } = await w.registry.verification(item);
  if (!verified) throw new Error(`Measured the opening of a receipt that is not verified: reason ${reason}`);
  const data = w.registry.interface.encodeFunctionData("verification", [item]);
  return executionGas({ ethers: w.ethers, address: await w.registry.getAddress() }, data);
}

async function openings() {
  for (const [name, mode] of MODES) {
    const receipts = await many(1_024, (i) => receipt(mode, `open ${i}`));
    const item = w.signedBatch(receipts);
    if (mode === Mode.ZKML) await write(item.batch);
    else await settled(() => w.registry.settleBatches([item]), 1);
    figures[`verification of 1 in 1,024, ${name}, execution`] = await opening(w.opening(receipts, item.batch, 700));
  }
}

/** Puts a batch on the ledger that is too large for one transaction: what opening costs does not depend on how it got there. */
async function write(batch: BatchFields): Promise<void> {
  const [address, digest] = [await w.registry.getAddress(), w.batchDigest(batch)];
  for (let slot = 0; slot < 16; slot++) {
    const place = keccak256(coder.encode(["bytes32", "uint256"], [digest, slot]));
    await w.networkHelpers.setStorageAt(address, place, toBeHex(second, 32));
    if ((await w.registry.settledAt(digest)) === second) return;
    await w.networkHelpers.setStorageAt(address, place, toBeHex(0, 32));
  }
  throw new Error("The ledger's mapping is not among the first 16 slots.");
}

async function registrations() {
  const gasOf = async (sent: Promise<{ wait(): Promise<{ gasUsed: bigint } | null> }>) =>
    Number((await (await sent).wait())!.gasUsed);
  const until = START + 86_400n * 20n;
  await tick();
  figures["registerNode"] = await gasOf(w.nodes.registerNode(0n, "https://node.example"));

  const key = new Wallet(id("measured key"));
  const publicKey = publicKeyOf(key);
  const digest = await w.nodes.keyRegistrationDigest(w.nodeId, keyIdOf(0, publicKey));
  const signature = key.signingKey.sign(digest).serialized;
  await tick();
  figures["addOperatorKey"] = await gasOf(w.nodes.addOperatorKey(w.nodeId, publicKey, until, signature));

  for (const [name, measurement] of [
    ["a known image", MEASUREMENT],
    ["a new image", id("image 2")],
  ] as const) {
    const document = await w.attest(w.nodeId, new Wallet(id(`enclave of ${name}`)), measurement, { issuedAt: START });
    await tick();
    figures[`admit, ${name}`] = await gasOf(w.enclaves.admit(w.nodeId, document, until));
  }

  const { verifier } = w.version;
  const plain = {
    ...w.version,
    contentHash: id("plain"),
    modes: 5,
    verifier: toBeHex(0, 20),
    verifyingKey: "0x",
    signals: "",
  };
  await tick();
  figures["register, without proofs"] = await gasOf(w.models.register(plain));
  const provable = {
    ...w.version,
    contentHash: id("provable"),
    verifier,
    verifyingKey: keyBytes(developmentSetup(3, "measured")),
  };
  await tick();
  figures["register, with a key of 3 signals"] = await gasOf(w.models.register(provable));
}

/** The token as its users meet it: who receives has some already, who pays keeps some. */
async function token() {
  const [holder, payer, payee] = await w.ethers.getSigners();
  if (!holder || !payer || !payee) throw new Error("The local chain has fewer than three accounts.");
  const deployed = await w.ethers.deployContract("OPGToken", [[holder.address], [OPG_SUPPLY]]);
  const opg = OPGToken__factory.connect(await deployed.getAddress(), holder);
  for (const { address } of [payer, payee]) await opg.transfer(address, OPG_SUPPLY / 4n);
  const gasOf = async (sent: Promise<{ wait(): Promise<{ gasUsed: bigint } | null> }>) =>
    Number((await (await sent).wait())!.gasUsed);
  const signed = async (label: string) => {
    const message = { from: payer.address, to: payee.address, value: 10n ** 18n, validAfter: 0n };
    const whole = { ...message, validBefore: START * 2n, nonce: id(label) };
    return { call: inOrder(whole), signature: await sign(opg, payer, "TransferWithAuthorization", whole) };
  };
  await tick();
  figures["OPG transfer"] = await gasOf(opg.connect(payer).transfer(payee.address, 10n ** 18n));
  const split = await signed("split");
  const { v, r, s } = split.signature;
  await tick();
  figures["OPG transferWithAuthorization, split signature"] = await gasOf(
    opg["transferWithAuthorization(address,address,uint256,uint256,uint256,bytes32,uint8,bytes32,bytes32)"](
      ...split.call,
      v,
      r,
      s,
    ),
  );
  const whole = await signed("bytes");
  await tick();
  figures["OPG transferWithAuthorization, bytes"] = await gasOf(
    opg["transferWithAuthorization(address,address,uint256,uint256,uint256,bytes32,bytes)"](
      ...whole.call,
      whole.signature.serialized,
    ),
  );
  for (const by of [payer, payee]) await opg.connect(by).delegate(by.address);
  await tick();
  figures["OPG transfer, between two delegates"] = await gasOf(opg.connect(payer).transfer(payee.address, 10n ** 18n));
}

/** Measured in 2033, when of all allocations only the rewards of stakers still have tranches to come. */
async function unlocks() {
  const genesis = OPGGenesis__factory.connect(
    await (await w.ethers.deployContract("OPGGenesis")).getAddress(),
    w.signers.deployer,
  );
  await genesis.launch(beneficiaries);
  const vesting = OPGVesting__factory.connect(await genesis.vesting(), w.signers.deployer);
  const STAKING_REWARDS = 4;
  for (const name of ["first", "later"]) {
    if (name === "later") second = await vesting.dueAt((await vesting.monthAt(second)).month + 1n);
    await tick();
    const receipt = await (await vesting.release(STAKING_REWARDS)).wait();
    figures[`OPG release, ${name} of an allocation`] = Number(receipt!.gasUsed);
  }
}

await signedBatches();
await provedBatches();
await singles();
await openings();
await registrations();
await token();
await unlocks();
await measureLookups(w, tick, figures);
await measureEconomy(w, tick, figures);
await measureEnclaveKeys(w, tick, figures);
await measureCollecting(figures);
await measureConsent(w, tick, figures);
await measureMemory(w, tick, figures);
// Last, as it uses receivers of fees that are measured new before.
await measureRequests(w, tick, figures);
await measureExamples(figures);
await measureAttestation(START, figures);

let failed = false;
const before = JSON.parse(await readFile(SNAPSHOT, "utf8").catch(() => "{}")) as Record<string, number>;
for (const name of new Set([...Object.keys(before), ...Object.keys(figures)])) {
  const [old, now, target] = [before[name], figures[name], TARGETS[name]];
  const missed = target !== undefined && (now ?? Infinity) > target;
  failed ||= missed || (process.argv.includes("--check") && old !== now);
  const note = [old === now ? "" : `was ${old ?? "not measured"}`, missed ? "BEYOND ITS TARGET" : ""].filter(Boolean);
  console.log(
    `${name.padEnd(58)} ${String(now ?? "gone").padStart(9)} ${target ? `of ${target}` : ""} ${note.join(", ")}`,
  );
}
if (!process.argv.includes("--check")) await writeFile(SNAPSHOT, JSON.stringify(figures, null, 2) + "\n");
else if (failed)
  console.error("Gas differs from gas-snapshot.json: run `npm run gas` and commit the new figures with the reason.");
process.exit(failed ? 1 : 0);
