import { network } from "hardhat";
import { sha256, type BaseContract } from "ethers";
import {
  certificateSignature,
  documentSignature,
  readCertificate,
  readDocument,
} from "../../relayer/attestation/document.ts";
import { generatorTable } from "../../relayer/attestation/generator-table.ts";
import { attestationEvidence, type Journal } from "../../relayer/attestation/registration.ts";
import { signatureHints } from "../../relayer/attestation/signature-hints.ts";
import {
  document,
  issue,
  newKeys,
  type DocumentWish,
  type Issued,
  type Wish,
} from "../../demo/development-authority.ts";
import { nitroChain, type NitroChain } from "../../demo/development-enclave.ts";

const DAY = 86_400;

type Outcome = [taken: boolean, reason: string];

/** `AttestationHarness`, as tests call it. */
export type Harness = BaseContract & {
  sha384(message: Uint8Array): Promise<[high: bigint, low: bigint]>;
  parseCertificate(der: Uint8Array): Promise<{ notBefore: bigint; notAfter: bigint }>;
  accepts(es384: BaseContract, ...parts: Uint8Array[]): Promise<Outcome>;
  gasOf(es384: BaseContract, ...parts: Uint8Array[]): Promise<bigint>;
  gasOfSha384(message: Uint8Array): Promise<bigint>;
  caches: { staticCall(nitro: BaseContract, ...parts: Uint8Array[]): Promise<Outcome> };
  reads(nitro: BaseContract, evidence: Uint8Array): Promise<Outcome>;
};

/** A chain around a moment, from a root of its own. Keys are new each time. */
export function newChain(now: number): NitroChain {
  return nitroChain(issue(undefined, { name: "root", from: now - DAY, to: now + 3_650 * DAY }), now);
}

/** The verifier on a development chain, with roles of its own and a chain that the root of which is pinned. */
export async function deployNitro(startsAt?: Date) {
  const connection = await network.create(
    startsAt ? { network: "default", override: { initialDate: startsAt } as object } : undefined,
  );
  const { ethers, networkHelpers } = connection;
  const [deployer, admin, guardian, stranger] = await ethers.getSigners();
  const table = await ethers.deployContract("P384Table", [generatorTable()]);
  const es384 = await ethers.deployContract("ES384", [await table.getAddress()]);
  const harness = (await ethers.deployContract("AttestationHarness")) as unknown as Harness;
  const now = async () => networkHelpers.time.latest();
  const chain = newChain(await now());
  const pinned = (fingerprint: string) =>
    ethers.deployContract("NitroAttestation", [admin!.address, guardian!.address, es384, fingerprint]);
  const nitro = await pinned(sha256(chain.root.der));

  /** Caches one certificate under another, with the hints that belong to its signature. */
  const cache = (parent: Uint8Array, der: Uint8Array, hints: Uint8Array = hintsOf(parent, der)) =>
    nitro.cacheCertificate(parent, der, hints);
  /** Caches a chain from its root on. */
  async function cacheAll(all: readonly Issued[]): Promise<void> {
    await nitro.cacheRoot(all[0]!.der);
    for (let i = 1; i < all.length; i++) await cache(all[i - 1]!.der, all[i]!.der);
  }
  /** A document of the chain, made now. */
  const attest = async (over: Partial<DocumentWish> = {}) =>
    document({ chain: chain.all, timestamp: (await now()) * 1000, ...over });
  const evidence = (bytes: Uint8Array) => attestationEvidence(bytes);
  return {
    ...connection,
    signers: { deployer: deployer!, admin: admin!, guardian: guardian!, stranger: stranger! },
    table,
    es384,
    harness,
    nitro,
    chain,
    now,
    pinned,
    cache,
    cacheAll,
    attest,
    evidence,
  };
}

export type Nitro = Awaited<ReturnType<typeof deployNitro>>;

/** One deployment for a suite, put back before each test. */
export function useNitro(prepare?: (n: Nitro) => Promise<void>): () => Nitro {
  let nitro: Nitro;
  let restore: () => Promise<void>;
  before(async function () {
    this.timeout(300_000);
    nitro = await deployNitro();
    await prepare?.(nitro);
    restore = (await nitro.networkHelpers.takeSnapshot()).restore;
  });
  beforeEach(async () => restore());
  return () => nitro;
}

/** A journal that a crash of the test leaves to the next run. */
export function memoryJournal(entries: Record<string, string> = {}): Journal & { entries: Record<string, string> } {
  const journal = {
    entries,
    read: async () => ({ ...journal.entries }),
    write: async (next: Record<string, string>) => {
      journal.entries = { ...next };
    },
  };
  return journal;
}

/** Hints for a certificate's signature; some of another signature where it has no valid one. */
export function hintsOf(parent: Uint8Array, der: Uint8Array): Uint8Array {
  try {
    return signatureHints(certificateSignature(readCertificate(der), readCertificate(parent)));
  } catch {
    return anyHints();
  }
}

/** Hints for a document's signature. */
export function documentHints(bytes: Uint8Array): Uint8Array {
  return signatureHints(documentSignature(readDocument(bytes)));
}

let some: Uint8Array | undefined;

/** Well-formed hints that belong to nothing. */
export function anyHints(): Uint8Array {
  if (!some) {
    const now = Math.floor(Date.now() / 1000);
    const root = issue(undefined, { name: "other", from: now, to: now + DAY });
    const own = readCertificate(root.der);
    some = signatureHints(certificateSignature(own, own));
  }
  return some;
}

/** A certificate of `issuer` that differs from a good one in what is said. */
export function variant(issuer: Issued, now: number, over: Partial<Wish>): Issued {
  return issue(issuer, { name: "variant", from: now - 60, to: now + DAY, keys: newKeys(), ...over });
}
