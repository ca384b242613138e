// SPDX-License-Identifier: MIT
import { expect } from "chai";
import { mkdirSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { filePublication } from "../../relayer/batches/publication.ts";
import { makeBatch } from "../../relayer/batches/seal.ts";
import { parseLeaves } from "../../relayer/protocol/index.ts";
import { domain, makeKey, makeReceipt, random, removeDir, tempDir } from "./support/relayer.ts";

describe("publication of leaves", () => {
  let directory: string;
  beforeEach(() => {
    directory = tempDir();
  });
  afterEach(() => removeDir(directory));
  const key = makeKey();
  const made = makeBatch(domain, [makeReceipt(key, random()), makeReceipt(key, random())], `0x${"00".repeat(20)}`);
  const { dataHash } = made.batch;
  const fileOf = (): string => join(directory, dataHash.slice(2, 4), `${dataHash.slice(2)}.leaves`);

  it("keeps a document under the hash that the batch names, and gives it back whole [R3]", async () => {
    const publication = filePublication(directory);
    expect(await publication.read(dataHash)).to.equal(undefined);
    await publication.publish(dataHash, made.document);
    expect(parseLeaves((await publication.read(dataHash))!).receipts.length).to.equal(2);
    expect(Buffer.compare(readFileSync(fileOf()), made.document)).to.equal(0);
    // Nothing half-written is left beside it, and publishing again changes nothing.
    await publication.publish(dataHash, made.document);
    expect(readdirSync(dirname(fileOf()))).to.deep.equal([`${dataHash.slice(2)}.leaves`]);
  });

  it("publishes nothing under a hash that is not the document's [R1]", async () => {
    const publication = filePublication(directory);
    const other = random();
    const refused = await publication.publish(other, made.document).catch((error: Error) => error);
    expect(refused).to.have.property("code", "wrong_data_hash");
    expect(await publication.read(other)).to.equal(undefined);
  });

  it("notices a damaged file, and repairs it when its batch is published again [FM:poison-item]", async () => {
    const publication = filePublication(directory);
    mkdirSync(dirname(fileOf()), { recursive: true });
    writeFileSync(fileOf(), made.document.subarray(0, 100)); // a machine that stopped while writing
    const damaged = await publication.read(dataHash).catch((error: Error) => error);
    expect(damaged).to.have.property("code", "damaged");
    await publication.publish(dataHash, made.document);
    expect(Buffer.compare((await publication.read(dataHash))!, made.document)).to.equal(0);
  });
});
