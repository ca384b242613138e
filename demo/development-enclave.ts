/**
 * What AWS's hardware and its certificate authority do for a real enclave, done here by keys of our own. Nothing but the
 * root differs: documents, certificates and signatures have AWS's form, and the same contract checks them. A chain
 * takes this root only where its id is 31337 (`NitroAttestation_ForeignRoot`).
 */
import { createHash } from "node:crypto";
import { keccak256 } from "ethers";
import { document, issue, newKeys, publishedKeys, type Issued, type Keys } from "./development-authority.ts";

const DAY = 86_400;

/** Certificates of the shape that AWS issues: root, region, zone, instance, enclave. */
export interface NitroChain {
  readonly root: Issued;
  readonly region: Issued;
  readonly zone: Issued;
  readonly instance: Issued;
  readonly enclave: Issued;
  readonly all: readonly Issued[];
}

/**
 * The development root, the same on every machine, so that its fingerprint stands in deploy/parameters/local.json.
 * Everybody has its key: it vouches for nothing.
 */
export function developmentRoot(): Issued {
  return issue(undefined, {
    name: "OpenGradient development root",
    keys: publishedKeys("OpenGradient development root: everybody has this key"),
    from: Date.UTC(2025, 0, 1) / 1000,
    to: Date.UTC(2049, 11, 31) / 1000,
  });
}

/**
 * A chain below a root that is valid around a moment, unix seconds.
 * @param keysOf Key of a certificate by its name; new ones by default.
 */
export function nitroChain(root: Issued, now: number, keysOf: (name: string) => Keys = newKeys): NitroChain {
  const below = (issuer: Issued, name: string, authority: number | false, from: number, to: number) =>
    issue(issuer, { name, authority, from: now + from, to: now + to, keys: keysOf(name) });
  const region = below(root, "region", 2, -DAY, 20 * DAY);
  const zone = below(region, "zone", 1, -DAY, 5 * DAY);
  const instance = below(zone, "instance", 0, -DAY, DAY);
  const enclave = below(instance, "enclave", false, -60, 10_800);
  return { root, region, zone, instance, enclave, all: [root, region, zone, instance, enclave] };
}

/** An enclave as the program around it sees it. */
export interface DevelopmentEnclave {
  /** keccak256 of its registers 0 to 2: what governance approves. */
  readonly measurement: string;
  /** An attestation document, as `/dev/nsm` would make it. */
  attest(userData: Uint8Array): Promise<Uint8Array>;
}

/**
 * Starts an enclave whose registers follow from its image's name, with a public key to be bound into its documents.
 * @param clock Unix milliseconds.
 */
export function startEnclave(image: string, publicKey: Uint8Array, clock = Date.now): DevelopmentEnclave {
  const chain = nitroChain(developmentRoot(), Math.floor(clock() / 1000));
  const registers = [0, 1, 2].map((index) => createHash("sha384").update(`${image}, PCR${index}`).digest());
  return {
    measurement: keccak256(Buffer.concat(registers)),
    attest: async (userData) =>
      document({
        chain: chain.all,
        timestamp: clock(),
        publicKey,
        userData,
        pcrs: Array.from({ length: 16 }, (_, i) => [i, registers[i] ?? Buffer.alloc(48)]),
      }),
  };
}
