// SPDX-License-Identifier: MIT
// The whole way, with nothing pretended: HTTP, ledger, child processes, transactions, contracts.
import { expect } from "chai";
import { parseEther, Wallet } from "ethers";
import { existsSync } from "node:fs";
import { join } from "node:path";
import { createRelayer, type Relayer } from "../../../relayer/app.ts";
import { receiptFromWire } from "../../../relayer/api/schemas.ts";
import { makeBatch } from "../../../relayer/batches/seal.ts";
import { parseConfig } from "../../../relayer/config/index.ts";
import { createRelayerClient } from "../../../relayer/node/index.ts";
import * as protocol from "../../../relayer/protocol/index.ts";
import type { Domain, Hex, Receipt } from "../../../relayer/protocol/index.ts";
import * as groth16 from "../../support/groth16.ts";
import { openHttpDoor } from "../../support/http-door.ts";
import { deployProtocol, Mode, NO_DATA, NO_LINEAGE, type Protocol } from "../../support/protocol.ts";
import { random, removeDir, request, tempDir, type Answer } from "./relayer.ts";

const sleep = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms));

/** The same suite over the embedded database, or over the servers given. */
export function settlementSuite(title: string, databaseUrl?: string, redisUrl?: () => string): void {
  describe(title, () => {
    let p: Protocol;
    let door: Awaited<ReturnType<typeof openHttpDoor>>;
    let relayer: Relayer;
    let dataDir: string;
    let domain: Domain;
    let vanilla: Hex;
    let zkml: Hex;
    let nodeId: string;
    let key: { wallet: Wallet; keyId: Hex };
    const errors: string[] = [];
    const setup = groth16.makeSetup(3, "OpenGradient development phase 1:");

    before(async () => {
      p = await deployProtocol();
      door = await openHttpDoor(p.connection.provider);
      domain = { chainId: 31337n, verifyingContract: (await p.registry.getAddress()).toLowerCase() as Hex };
      nodeId = await p.registerNode();
      key = await newKey();
      vanilla = (await p.registerModel(1 << Mode.VANILLA)) as Hex;
      const version = {
        ...{ contentHash: random(), uri: "ipfs://scorer", modes: 1 << Mode.ZKML, signals: "in, out, binding" },
        ...{ verifier: await p.groth16.getAddress(), verifyingKey: groth16.keyBytes(setup) },
        lineage: NO_LINEAGE,
        ...NO_DATA,
      };
      await p.models.register(version);
      zkml = (await p.models.modelIdOf(p.signers.deployer.address, version)) as Hex;
      const sender = new Wallet(Wallet.createRandom().privateKey);
      await p.networkHelpers.setBalance(sender.address, parseEther("100"));
      dataDir = tempDir();
      const quick = { maxCount: 20, patientMs: 300, impatientMs: 600 };
      relayer = await createRelayer(
        parseConfig({
          chain: {
            ...{ chainId: 31337, registry: domain.verifyingContract, rpcUrls: [door.url] },
            ...{ finality: { confirmations: 1 }, pollMs: 50, cacheMs: 0 },
          },
          http: { port: 0, requestsPerSecond: 1_000, burst: 1_000, batchesPerMinutePerKey: 10_000 },
          store: { dataDir, databaseUrl },
          queue: { redisUrl: redisUrl?.(), callsPerMinute: 6_000 },
          sealing: { policy: { ...quick, maxCount: 3 }, aloneAfterMs: 1_500 },
          settlement: { policy: quick, sweepMs: 50, retryMs: 100 },
        }),
        {
          signer: { address: sender.address, signTransaction: (transaction) => sender.signTransaction(transaction) },
          log: {
            info: () => undefined,
            warn: () => undefined,
            error: (details, message) => void errors.push(`${message} ${JSON.stringify(details)}`),
          },
        },
      );
    });
    after(async () => {
      await relayer.close();
      await door.close();
      await p.connection.close();
      removeDir(dataDir);
    });
    afterEach(() => expect(errors.splice(0)).to.deep.equal([]));

    async function newKey(): Promise<{ wallet: Wallet; keyId: Hex }> {
      const wallet = new Wallet(Wallet.createRandom().privateKey);
      return { wallet, keyId: (await p.addOperatorKey(nodeId, wallet)) as Hex };
    }
    const client = (): ReturnType<typeof createRelayerClient> => createRelayerClient({ url: relayer.url });
    const sign = (by: typeof key, digest: Hex): Hex => by.wallet.signingKey.sign(digest).serialized as Hex;
    const signed = (by: typeof key, receipt: Receipt) => ({
      receipt,
      signature: sign(by, protocol.receiptId(domain, receipt)),
    });
    async function receipt(by = key, over: Partial<Receipt> = {}): Promise<Receipt> {
      const made = (await p.receipt({ keyId: by.keyId, modelId: vanilla })) as unknown as Receipt;
      return { ...made, payer: made.payer.toLowerCase() as Hex, ...over };
    }
    async function batch(count: number, by = key) {
      const receipts = await Promise.all(Array.from({ length: count }, () => receipt(by)));
      return batchOver(receipts, by);
    }
    function batchOver(receipts: Receipt[], by = key) {
      const made = makeBatch(domain, receipts, `0x${"55".repeat(20)}`);
      const digest = protocol.batchDigest(domain, made.batch);
      return { ...made, digest, signature: sign(by, digest), receipts: receipts.map((one) => signed(by, one)) };
    }
    async function proved(place: number) {
      const [input, output] = [groth16.scalar(`in ${place}`), groth16.scalar(`out ${place}`)];
      const hashes = { inputHash: protocol.signalInputHash(input), outputHash: protocol.circuitOutputHash([output]) };
      const one = await receipt(key, { ...hashes, modelId: zkml, mode: Mode.ZKML, outputScheme: 2 });
      const binding = protocol.bindingOf(protocol.receiptId(domain, one));
      const proof = groth16.prove(setup, [input, output, binding], 5n + BigInt(place), 7n);
      return { one, evidence: groth16.itemEvidence(proof, [input, output]) as Hex };
    }
    const status = async (id: Hex): Promise<Answer["body"]> => (await request(`${relayer.url}/v1/receipts/${id}`)).body;
    async function ended(id: Hex): Promise<Answer["body"]> {
      for (let tries = 0; tries < 400; tries++) {
        const body = await status(id);
        if (body.state === "final" || body.state === "rejected") return body;
        await sleep(50);
      }
      throw new Error(`it never ended: ${JSON.stringify(await status(id))}`);
    }
    /** What the contract says of the opening that the relayer handed out, just as it came over the wire. */
    const verified = (body: Answer["body"]) =>
      p.registry.verification({ ...body.opening, receipt: receiptFromWire(body.opening.receipt) });
    const idOf = (one: Receipt): Hex => protocol.receiptId(domain, one);

    it("settles a signed batch and hands out an opening of each receipt that the contract verifies [R1] [R3]", async () => {
      const made = await batch(5);
      await client().postBatch(made);
      for (const { receipt: one } of made.receipts) {
        const body = await ended(idOf(one));
        expect(body).to.include({ state: "final", reason: null, batch: made.digest });
        expect(body.settledAt).to.equal(Number(await p.registry.settledAt(made.digest)));
        const found = await verified(body);
        expect(found.verified).to.equal(true);
        expect(found.receiptId).to.equal(idOf(one));
        const mined = await p.ethers.provider.getTransactionReceipt(body.transactionHash);
        expect(mined!.status).to.equal(1);
      }
      const name = made.batch.dataHash.slice(2);
      expect(existsSync(join(dataDir, "leaves", name.slice(0, 2), `${name}.leaves`))).to.equal(true);
      const { body } = await request(`${relayer.url}/v1/batches/${made.digest}`);
      expect(body).to.include({ state: "final", published: true });
    });

    it("settles proved receipts in a batch and alone, and never a proof that does not hold [R2] [FM:unchecked-evidence]", async () => {
      const made = await Promise.all([proved(0), proved(1), proved(2)]);
      const whole = batchOver(made.map(({ one }) => one));
      const evidence: Hex = `0x${made.map((item) => item.evidence.slice(2)).join("")}`;
      await client().postProofs({ ...whole, modelId: zkml, evidence });
      const alone = await proved(3);
      await client().postReceipt(signed(key, alone.one), alone.evidence);
      const [other, forged] = [await proved(4), await proved(4)];
      await client().postReceipt(signed(key, forged.one), other.evidence);
      for (const { one } of [...made, alone]) {
        const body = await ended(idOf(one));
        expect(body.state).to.equal("final");
        expect((await verified(body)).verified).to.equal(true);
      }
      expect((await status(idOf(alone.one))).opening.batch.count).to.equal(0);
      expect(await ended(idOf(forged.one))).to.include({
        state: "rejected",
        reason: "InvalidProof",
        transactionHash: null,
      });
      expect(await p.registry.settledAt(idOf(forged.one))).to.equal(0n);
    });

    it("seals single receipts into a batch that the key's client signs [R1]", async () => {
      const own = await newKey();
      const receipts = [await receipt(own), await receipt(own), await receipt(own)];
      const offer = client().nextSeal(own.keyId, 10);
      for (const one of receipts) await client().postReceipt(signed(own, one), "0x");
      const seal = (await offer)!;
      expect(seal.receiptIds).to.have.members(receipts.map(idOf));
      expect(seal.batch.root).to.equal(protocol.merkleRoot(seal.receiptIds));
      const digest = protocol.batchDigest(domain, seal.batch);
      const stranger = { wallet: new Wallet(Wallet.createRandom().privateKey), keyId: own.keyId };
      const refused = await client()
        .answerSeal(seal.id, sign(stranger, digest))
        .catch((error: Error) => error);
      expect(refused).to.have.property("code", "bad_signature");
      await client().answerSeal(seal.id, sign(own, digest));
      await client().answerSeal(seal.id, sign(own, digest)); // the answer was lost, the client asks again
      for (const one of receipts) {
        const body = await ended(idOf(one));
        expect(body).to.include({ state: "final", batch: digest });
        expect((await verified(body)).verified).to.equal(true);
      }
    });

    it("settles a receipt alone when no signature comes, and refuses the late one [R1]", async () => {
      const own = await newKey();
      const one = await receipt(own);
      const offer = client().nextSeal(own.keyId, 10);
      await client().postReceipt(signed(own, one), "0x");
      const seal = (await offer)!;
      const body = await ended(idOf(one));
      expect(body).to.include({ state: "final", batch: null });
      expect((await verified(body)).verified).to.equal(true);
      const late = await client()
        .answerSeal(seal.id, sign(own, protocol.batchDigest(domain, seal.batch)))
        .catch((error: Error) => error);
      expect(late).to.have.property("code", "seal_withdrawn");
      expect(await client().nextSeal(own.keyId, 0)).to.equal(null);
    });

    it("sets aside what the chain left out, with the chain's reason, and settles what came with it [R2] [FM:poison-item] [FM:false-settled]", async () => {
      const own = await newKey();
      const [bad, good] = [await batch(2, own), await batch(2)];
      await client().postBatch(bad);
      await client().postBatch(good);
      await p.nodes.connect(p.signers.operator).distrustOwnKey(own.keyId);
      const rejected = await ended(idOf(bad.receipts[0]!.receipt));
      expect(rejected).to.include({ state: "rejected", reason: "KeyDistrusted", settledAt: null });
      const settled = await ended(idOf(good.receipts[0]!.receipt));
      expect(settled.state).to.equal("final");
      expect((await verified(settled)).verified).to.equal(true);
    });

    it("takes what others settled for settled, and pays for it no more [R9] [FM:timeout-resettle]", async () => {
      const made = await batch(2);
      await p.registry.settleBatches([{ batch: made.batch, signature: made.signature }]);
      await client().postBatch(made);
      const body = await ended(idOf(made.receipts[1]!.receipt));
      expect(body).to.include({ state: "final", transactionHash: null });
      expect(body.settledAt).to.equal(Number(await p.registry.settledAt(made.digest)));
      expect((await verified(body)).verified).to.equal(true);
    });
  }).timeout(60_000);
}
