// SPDX-License-Identifier: MIT
import { expect } from "chai";
import { Wallet } from "ethers";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import {
  ConfigError,
  describeConfig,
  ENVIRONMENT,
  loadConfig,
  loadSigner,
  parseConfig,
} from "../../relayer/config/index.ts";
import { removeDir, tempDir } from "./support/relayer.ts";

const least = { chain: { chainId: 31337, registry: `0x${"Ab".repeat(20)}`, rpcUrls: ["http://127.0.0.1:8545"] } };

describe("relayer configuration", () => {
  let directory: string;
  beforeEach(() => {
    directory = tempDir();
  });
  afterEach(() => removeDir(directory));

  it("needs only chain, registry and a node; listens on this machine alone by default [R8]", () => {
    const config = parseConfig(least);
    expect(config.http).to.include({ host: "127.0.0.1", port: 8080 });
    expect(config.chain.registry).to.equal(`0x${"ab".repeat(20)}`);
    expect(config.settlement.maxGas < 16_777_216n).to.equal(true);
    expect(config.chain.finality).to.deep.equal({ confirmations: 10 });
  });

  it("names every mistake, unknown keys included, and starts with none [FM:fixed-gas] [FM:reorg-off]", () => {
    const wrong = {
      chain: { ...least.chain, registry: "0x12", rpcUrls: [], finality: { confirmations: 0 } },
      fees: { bumpPercent: 5 },
      sealing: { aloneAfterMs: 40 * 3_600_000 },
      setlement: {},
    };
    let message = "";
    try {
      parseConfig(wrong);
    } catch (error) {
      expect(error).to.be.instanceOf(ConfigError).with.property("code", "config_invalid");
      message = (error as Error).message;
    }
    for (const key of [
      "chain.registry",
      "chain.rpcUrls",
      "chain.finality",
      "fees.bumpPercent",
      "sealing.aloneAfterMs",
    ]) {
      expect(message).to.contain(key);
    }
    expect(message).to.contain("setlement");
  });

  it("publishes to files by default, and refuses stores that could not keep what they are given [R3]", () => {
    const { publication } = parseConfig(least);
    expect(publication).to.include({ files: true, renewBeforeDays: 7 });
    const wrong = (section: object): string => {
      try {
        parseConfig({ ...least, publication: section });
        return "";
      } catch (error) {
        return (error as Error).message;
      }
    };
    const s3 = { endpoint: "https://s3.example", bucket: "leaves" };
    const walrus = { publisherUrl: "https://publisher.example", aggregatorUrl: "https://aggregator.example" };
    expect(wrong({ s3, walrus, required: ["s3"] })).to.equal("");
    expect(wrong({ files: false })).to.contain("configure a store");
    expect(wrong({ required: ["s3"] })).to.contain("s3 is required and not configured");
    expect(wrong({ s3: { ...s3, retentionDays: 7 } })).to.contain("longer than renewBeforeDays");
    expect(wrong({ walrus: { ...walrus, epochs: 8, epochDays: 1 } })).to.contain("longer than renewBeforeDays");
    expect(wrong({ ipfs: { rpcUrl: "http://me:secret@127.0.0.1:5001" } })).to.contain("environment");
    // Secrets in the file are unknown keys.
    expect(wrong({ s3: { ...s3, secretAccessKey: "x" } })).to.contain("secretAccessKey");
  });

  it("reads YAML and JSON, paths relative to the file, and lets the environment stand over it [R10]", () => {
    const yaml = join(directory, "relayer.yaml");
    writeFileSync(yaml, `chain:\n  chainId: 31337\n  registry: "0x${"ab".repeat(20)}"\n  rpcUrls: [http://a:1]\n`);
    const json = join(directory, "relayer.json");
    writeFileSync(json, JSON.stringify(least));
    expect(loadConfig(yaml, {}).store.dataDir).to.equal(join(directory, "data/relayer"));
    expect(loadConfig(json, {}).chain.rpcUrls).to.deep.equal(["http://127.0.0.1:8545"]);
    const env = { RELAYER_RPC_URLS: "http://b:2,http://c:3", DATABASE_URL: "postgres://x", RELAYER_PORT: "0" };
    const config = loadConfig(yaml, env);
    expect(config.chain.rpcUrls).to.deep.equal(["http://b:2", "http://c:3"]);
    expect(config.store.databaseUrl).to.equal("postgres://x");
    expect(config.http.port).to.equal(0);
    expect(() => loadConfig(join(directory, "missing.yaml"), {})).to.throw(ConfigError, "missing.yaml");
  });

  it("takes the sending key from the environment or an encrypted file, and repeats it nowhere [R1]", async () => {
    const wallet = Wallet.createRandom();
    expect((await loadSigner({}, { RELAYER_PRIVATE_KEY: wallet.privateKey })).address).to.equal(wallet.address);
    const keystore = join(directory, "key.json");
    const cheap = { scrypt: { N: 2, r: 1, p: 1 } };
    const { encryptKeystoreJson } = await import("ethers");
    writeFileSync(
      keystore,
      await encryptKeystoreJson({ address: wallet.address, privateKey: wallet.privateKey }, "pass", cheap),
    );
    const opened = await loadSigner({ keystore }, { RELAYER_KEYSTORE_PASSWORD: "pass" });
    expect(opened.address).to.equal(wallet.address);
    const failures: [object, Record<string, string>, string][] = [
      [{}, {}, "config_key_missing"],
      [{ keystore }, {}, "config_key_missing"],
      [{ keystore }, { RELAYER_KEYSTORE_PASSWORD: "wrong secret" }, "config_key_unusable"],
      [{}, { RELAYER_PRIVATE_KEY: `${wallet.privateKey}00` }, "config_key_unusable"],
    ];
    for (const [config, env, code] of failures) {
      const error = (await loadSigner(config, env).catch((thrown: Error) => thrown)) as ConfigError;
      expect(error).to.have.property("code", code);
      for (const secret of [wallet.privateKey, wallet.privateKey.slice(2, 20), "wrong secret"]) {
        expect(`${error.message} ${String(error.cause)}`).to.not.contain(secret);
      }
    }
  });

  it("explains every key and variable in its help [R8]", () => {
    const help = describeConfig();
    for (const key of ["chain.rpcUrls", "http.port [8080]", "sealing.policy.maxCount [1000]", "settlement.maxGas"]) {
      expect(help).to.contain(key);
    }
    for (const name of Object.keys(ENVIRONMENT)) expect(help).to.contain(name);
  });
});
