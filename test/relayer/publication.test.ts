// SPDX-License-Identifier: MIT
// Leaves in files, through what befalls a machine.
import { expect } from "chai";
import { spawnSync } from "node:child_process";
import { mkdirSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { parseLeaves } from "../../relayer/protocol/index.ts";
import { fileStore } from "../../relayer/publication/files.ts";
import { publicationIn } from "../../relayer/publication/publication.ts";
import { removeDir, tempDir } from "./support/relayer.ts";
import { largeDocument, leavesOf } from "./support/store-suite.ts";

describe("publication of leaves in files", () => {
  let directory: string;
  beforeEach(() => {
    directory = tempDir();
  });
  afterEach(() => removeDir(directory));
  const made = leavesOf(2);
  const { dataHash } = made.batch;
  const fileOf = (hash = dataHash): string => join(directory, hash.slice(2, 4), `${hash.slice(2)}.leaves`);
  const open = () => publicationIn(fileStore(directory));

  it("names a file by what it holds, and leaves nothing half-written beside it [R3]", async () => {
    await open().publish(dataHash, made.document);
    expect(parseLeaves((await open().read(dataHash))!).receipts.length).to.equal(2);
    expect(Buffer.compare(readFileSync(fileOf()), made.document)).to.equal(0);
    await open().publish(dataHash, made.document);
    expect(readdirSync(dirname(fileOf()))).to.deep.equal([`${dataHash.slice(2)}.leaves`]);
  });

  it("notices a file that a machine stopped writing, and repairs it by publishing again [FM:poison-item]", async () => {
    mkdirSync(dirname(fileOf()), { recursive: true });
    writeFileSync(fileOf(), made.document.subarray(0, 100));
    const damaged = await open()
      .read(dataHash)
      .catch((error: Error) => error);
    expect(damaged).to.have.property("code", "damaged");
    await open().publish(dataHash, made.document);
    expect(Buffer.compare((await open().read(dataHash))!, made.document)).to.equal(0);
  });

  it("keeps no part of a document where the disk takes no more of it [FM:false-settled]", async () => {
    const { document, dataHash: hash } = largeDocument(2_000);
    writeFileSync(join(directory, "document"), document);
    const program = `
      import { readFileSync } from "node:fs";
      import { fileStore } from "./relayer/publication/files.ts";
      import { publicationIn } from "./relayer/publication/publication.ts";
      const document = readFileSync(${JSON.stringify(join(directory, "document"))});
      await publicationIn(fileStore(${JSON.stringify(directory)})).publish("${hash}", document);`;
    writeFileSync(join(directory, "publish.mts"), program.replaceAll("./relayer", `${process.cwd()}/relayer`));
    // No file may grow beyond 200 KiB: the write fails in the middle, as on a full disk.
    const command = 'trap "" XFSZ; ulimit -f 200; exec "$0" "$@"';
    const node = [process.execPath, "--import", import.meta.resolve("tsx"), join(directory, "publish.mts")];
    expect(spawnSync("bash", ["-c", command, ...node], { encoding: "utf8" }).stderr).to.contain("EFBIG");
    expect(await open().read(hash)).to.equal(undefined);
    expect(readdirSync(dirname(fileOf(hash)))).to.deep.equal([]);
    await open().publish(hash, document);
    expect(Buffer.compare((await open().read(hash))!, document)).to.equal(0);
  }).timeout(60_000);
});
