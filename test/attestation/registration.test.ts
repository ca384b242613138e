import { expect } from "chai";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import fc from "fast-check";
import { keccak256 } from "ethers";
import { DocumentError, readCertificate, readDocument } from "../../relayer/attestation/document.ts";
import { N, mod } from "../../relayer/attestation/p384.ts";
import { cacheCertificates, fileJournal, type Journal, type Progress } from "../../relayer/attestation/registration.ts";
import { shortScalars } from "../../relayer/attestation/signature-hints.ts";
import { memoryJournal, useNitro } from "./support.ts";

describe("attestation: registering a chain", function () {
  this.timeout(300_000);
  const nitro = useNitro();
  const run = async (journal: Journal, report?: (p: Progress) => void) =>
    cacheCertificates(
      await nitro().nitro.getAddress(),
      nitro().signers.stranger,
      await nitro().attest(),
      journal,
      report,
    );
  const sentBy = () => nitro().ethers.provider.getTransactionCount(nitro().signers.stranger.address);

  it("tells its progress, root first, and sends nothing for what the chain knows", async () => {
    const told: Progress[] = [];
    await run(memoryJournal(), (p) => told.push(p));
    expect(told.map(({ index, step }) => `${index} ${step}`)).to.deep.equal(
      [0, 1, 2, 3, 4].flatMap((i) => [`${i} sent`, `${i} verified`]),
    );
    expect(told.every(({ total }) => total === 5)).to.equal(true);
    expect(told.map(({ certificate }) => certificate)[9]).to.equal(keccak256(nitro().chain.enclave.der));
    const before = await sentBy();
    const again: Progress[] = [];
    await run(memoryJournal(), (p) => again.push(p));
    expect(again.map(({ step }) => step)).to.deep.equal(Array(5).fill("cached"));
    expect(await sentBy()).to.equal(before);
  });

  it("goes on where a crash left it, at every step, and sends each certificate once", async () => {
    const n = nitro();
    for (let crash = 0; crash < 10; crash++) {
      const back = await n.networkHelpers.takeSnapshot();
      const before = await sentBy();
      const journal = memoryJournal();
      let reports = 0;
      const dying = run(journal, () => {
        if (reports++ === crash) throw new Error("power cut");
      });
      let died = false;
      await dying.catch((error: Error) => (died = error.message === "power cut"));
      expect(died).to.equal(true);
      await run(memoryJournal(journal.entries));
      expect((await sentBy()) - before).to.equal(5);
      expect((await n.nitro.certificateOf(keccak256(n.chain.enclave.der))).role).to.equal(3n);
      await back.restore();
    }
  });

  it("waits for what an earlier run sent before it sends again, and forgets what the network forgot", async () => {
    const n = nitro();
    const { root } = n.chain;
    await n.ethers.provider.send("evm_setAutomine", [false]);
    const early = await n.nitro.connect(n.signers.stranger).cacheRoot(root.der, { gasLimit: 500_000 });
    const going = run(memoryJournal({ [keccak256(root.der)]: early.hash }));
    await new Promise((done) => setTimeout(done, 300));
    await n.ethers.provider.send("evm_mine", []);
    await n.ethers.provider.send("evm_setAutomine", [true]);
    await going;
    expect(await sentBy()).to.equal(5);
    await run(memoryJournal({ [keccak256(root.der)]: `0x${"ab".repeat(32)}` }));
  });

  it("keeps its journal in a file that is replaced as a whole", async () => {
    const folder = mkdtempSync(join(tmpdir(), "attestation-"));
    try {
      const path = join(folder, "journal.json");
      const journal = fileJournal(path);
      expect(await journal.read()).to.deep.equal({});
      await journal.write({ a: "0x01" });
      expect(JSON.parse(readFileSync(path, "utf8"))).to.deep.equal({ a: "0x01" });
      expect(await fileJournal(path).read()).to.deep.equal({ a: "0x01" });
    } finally {
      rmSync(folder, { recursive: true });
    }
  });

  it("reads no document or certificate that is not one, and never throws anything else", () => {
    for (const read of [readDocument, readCertificate])
      fc.assert(
        fc.property(fc.uint8Array({ maxLength: 200 }), (bytes) => {
          try {
            read(bytes);
            return false;
          } catch (error) {
            return error instanceof DocumentError;
          }
        }),
        { numRuns: 1_000 },
      );
  });

  it("finds scalars half as long that mean the same", () => {
    const scalar = fc.bigInt({ min: 1n, max: N - 1n });
    fc.assert(
      fc.property(scalar, scalar, scalar, fc.nat(20), (e, r, s, attempt) => {
        const { a, b, c } = shortScalars(e, r, s, attempt);
        const short = 2n ** 204n;
        return (
          b !== 0n &&
          a > -short &&
          a < short &&
          b > -short &&
          b < short &&
          mod(a * s + b * r, N) === 0n &&
          mod(c * s + b * e, N) === 0n
        );
      }),
      { numRuns: 500 },
    );
  });
});
