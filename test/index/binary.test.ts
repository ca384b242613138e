// SPDX-License-Identifier: MIT
import { chmodSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { expect } from "chai";
import { findGnd, GndUnavailable } from "../../subgraph/local/binary.ts";

describe("where graph-node is found", () => {
  let folder: string;
  const program = (...path: string[]): string => {
    const file = join(folder, ...path);
    mkdirSync(dirname(file), { recursive: true });
    writeFileSync(file, "#!/bin/sh\n");
    chmodSync(file, 0o755);
    return file;
  };
  const linux = (env: Record<string, string> = {}) => ({
    ...{ env, platform: "linux", arch: "x64", modules: [join(folder, "node_modules")] },
  });
  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), "gnd-test-"));
  });
  afterEach(() => rmSync(folder, { recursive: true }));

  it("is where GND_BIN says, then in the npm package, then on the path", () => {
    const named = program("mine", "gnd");
    const onPath = program("bin", "gnd");
    const env = { PATH: join(folder, "bin") };
    expect(findGnd(linux(env))).to.equal(onPath);
    const packaged = program("node_modules/@graphprotocol/gnd-linux-x64/bin/gnd");
    expect(findGnd(linux(env))).to.equal(packaged);
    expect(findGnd(linux({ ...env, GND_BIN: named }))).to.equal(named);
  });

  it("does not take the package for another platform's, and says how to get one there", () => {
    program("node_modules/@graphprotocol/gnd-linux-x64/bin/gnd");
    for (const other of [{ platform: "darwin" }, { arch: "arm64" }])
      expect(() => findGnd({ ...linux(), ...other })).to.throw(GndUnavailable, /graph node install/);
  });

  it("fails where there is none, or where GND_BIN names none, instead of falling back", () => {
    expect(() => findGnd(linux())).to.throw(GndUnavailable, /npm ci in subgraph/);
    program("node_modules/@graphprotocol/gnd-linux-x64/bin/gnd");
    expect(() => findGnd(linux({ GND_BIN: join(folder, "nothing") }))).to.throw(GndUnavailable, /GND_BIN names/);
  });
});
