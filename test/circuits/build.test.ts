// SPDX-License-Identifier: GPL-3.0-or-later
import { execFile } from "node:child_process";
import { appendFileSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { promisify } from "node:util";
import { expect } from "chai";
import {
  buildCircuit,
  BuildError,
  buildFiles,
  buildStamp,
  BUILD,
  HASHES,
  hashBuild,
  recordedHashes,
} from "../../circuits/build.ts";
import { MODEL_NAMES } from "../../circuits/models/definitions.ts";
import { ROOT } from "../../circuits/paths.ts";

describe("circuit build", function () {
  this.timeout(120_000);

  it("gives exactly the recorded circuits and keys, and then has nothing to do", async () => {
    for (const name of MODEL_NAMES) {
      await buildCircuit(name);
      expect(hashBuild(name)).to.deep.equal(recordedHashes()[name]);
      expect(await buildCircuit(name)).to.equal(false);
    }
  });

  it("builds anew what was damaged, to the same hashes", async () => {
    appendFileSync(buildFiles("risk-scorer").zkey, "x");
    expect(await buildCircuit("risk-scorer")).to.equal(true);
    expect(hashBuild("risk-scorer")).to.deep.equal(recordedHashes()["risk-scorer"]);
  });

  it("may run twice at a time", async () => {
    rmSync(buildFiles("risk-scorer").zkey);
    await Promise.all(
      [1, 2].map(() => promisify(execFile)(process.execPath, ["--import", "tsx", "circuits/build.ts"], { cwd: ROOT })),
    );
    expect(hashBuild("risk-scorer")).to.deep.equal(recordedHashes()["risk-scorer"]);
  });

  it("fails, naming the files, where a build differs from the record", async () => {
    const text = readFileSync(HASHES, "utf8");
    const { wasm } = recordedHashes()["risk-scorer"]!;
    try {
      writeFileSync(HASHES, text.replace(wasm, "0".repeat(64)));
      const failure: unknown = await buildCircuit("risk-scorer").catch((error: unknown) => error);
      expect(failure).to.be.instanceOf(BuildError).with.property("code", "hash_mismatch");
      expect((failure as BuildError).message).to.contain("in wasm.");
    } finally {
      writeFileSync(HASHES, text);
    }
    expect(await buildCircuit("risk-scorer")).to.equal(false);
  });

  it("leaves nothing half built behind", () => {
    expect(readdirSync(BUILD).filter((entry) => entry.startsWith("."))).to.deep.equal([]);
  });

  it("stamps weights, templates, key generator and tools", () => {
    const stamps = MODEL_NAMES.map(buildStamp);
    expect(new Set(stamps).size).to.equal(MODEL_NAMES.length);
    const template = join(ROOT, "circuits/templates/binding.circom");
    const text = readFileSync(template, "utf8");
    try {
      writeFileSync(template, `${text}\n`);
      expect(MODEL_NAMES.map(buildStamp)).not.to.have.members(stamps);
    } finally {
      writeFileSync(template, text);
    }
    expect(MODEL_NAMES.map(buildStamp)).to.deep.equal(stamps);
  });
});
