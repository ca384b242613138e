// SPDX-License-Identifier: MIT
// The owner's side: seals entries, keeps them, commits heads. One process per memory and folder.
import { randomBytes } from "node:crypto";
import { Contract, type Provider, type Signer } from "ethers";
import { type Hex, toHex } from "../protocol/index.ts";
import { memoryRegistry } from "./abi.ts";
import { type BlobStore, getBlob } from "./blobs.ts";
import { headerOf, openEntry, type RandomSource, sealEntry, secretOf } from "./entry.ts";
import { MemoryError } from "./errors.ts";
import { encodeSegment, loadHistory, type MemoryHistory, readHeads } from "./history.ts";
import type { Journal, Waiting } from "./journal.ts";

export interface MemoryOptions {
  /** Who owns the memory, with a provider. */
  signer: Signer & { provider: Provider | null };
  /** Address of the `MemoryRegistry`. */
  registry: string;
  /** The owner's name for it, 32 bytes; public. */
  label: Hex;
  /** 32 random bytes. Whoever has them reads everything; lost, nothing can be read any more. */
  key: Uint8Array;
  blobs: BlobStore;
  journal: Journal;
  random?: RandomSource;
  /** Blocks to wait for before what waited is forgotten; 1 by default. */
  confirmations?: number;
}

/** A user's memory, to add to and to read. */
export interface Memory {
  readonly memoryId: Hex;
  /** Seals and keeps an entry; resolves with its place when it would survive a crash. */
  append(content: Uint8Array): Promise<number>;
  /** Commits all entries that wait as one head. @throws {MemoryError} `nothing_to_commit`, `head_moved` */
  commit(): Promise<void>;
  /** How many entries are in no head yet. */
  waiting(): number;
  /** Decrypts an entry, committed or waiting. */
  read(place: number): Promise<Uint8Array>;
  /** The secret that opens one entry and no other, for whoever may read it. */
  disclose(place: number): Promise<Uint8Array>;
  /** Everything that is committed, to prove from. */
  history(): MemoryHistory;
}

/**
 * Opens a memory: reads its heads from the chain, its entries from the store, and what waits from the journal. Where another
 * client committed in between, what waits here is sealed again for the places that it has now.
 * @throws {MemoryError} where chain, store and journal do not fit together
 */
export async function openMemory(options: MemoryOptions): Promise<Memory> {
  const { signer, registry, label, key, blobs, journal, random = randomBytes, confirmations = 1 } = options;
  const contract = new Contract(registry, memoryRegistry, signer);
  const provider = signer.provider;
  if (provider === null) throw new TypeError("The signer has no provider.");
  const memoryId = (await contract.getFunction("memoryIdOf")(await signer.getAddress(), label)) as Hex;

  const first = await loadHistory(memoryId, await readHeads(provider, registry, memoryId), blobs);
  const { heads } = first;
  /** Committed and waiting: what is proved of a head is proved at that head's size. */
  const all = first.log;
  const committed = () => heads.at(-1)?.count ?? 0;
  const drawn = new Set<Hex>();

  async function seal(content: Uint8Array): Promise<Waiting> {
    const place = all.count;
    const blob = sealEntry(content, key, { memoryId, place }, random);
    const { salt, nonce } = headerOf(blob);
    const fresh = [toHex(salt), toHex(nonce)];
    if (fresh.some((value) => drawn.has(value))) throw new MemoryError("nonce_reused", { place });
    for (const value of fresh) drawn.add(value);
    return { place, id: await blobs.put(blob) };
  }

  const waits = await journal.load();
  const kept: Waiting[] = [];
  for (const waiting of waits) {
    // Mined before the journal was cleared.
    if (waiting.place < committed() && all.at(waiting.place) === waiting.id) continue;
    let now = waiting;
    if (waiting.place !== all.count) {
      const blob = await getBlob(blobs, waiting.id);
      const at = { memoryId, place: waiting.place };
      now = await seal(openEntry(blob, at, secretOf(key, at, blob)));
    }
    all.append(now.id);
    kept.push(now);
  }
  await journal.replace(kept);

  let last: Promise<unknown> = Promise.resolve();
  /** One thing at a time: a place is given once. */
  function inTurn<T>(work: () => Promise<T>): Promise<T> {
    const turn = last.then(work, work);
    last = turn;
    return turn;
  }

  /** Takes over heads of the chain that are made of our entries; true if there was another one. */
  async function catchUp(): Promise<boolean> {
    for (const head of await readHeads(provider!, registry, memoryId, heads.length)) {
      if (head.count > all.count || all.root(head.count) !== head.root) return true;
      heads.push(head);
    }
    return false;
  }

  async function commit(): Promise<void> {
    const [count, total] = [committed(), all.count];
    if (total === count) throw new MemoryError("nothing_to_commit");
    const blobId = await blobs.put(encodeSegment(all.slice(count, total)));
    const proof = count === 0 ? [] : all.consistency(count, total);
    let failure: unknown;
    try {
      const sent = await contract.getFunction("commit")(label, all.root(total), total, blobId, proof);
      await sent.wait(confirmations);
    } catch (problem) {
      // A time-out may have been mined, and a revert may be another client's doing: the chain says which.
      failure = problem;
    }
    const moved = await catchUp();
    if (committed() !== total) {
      if (moved) throw new MemoryError("head_moved", { memoryId }, failure);
      throw failure ?? new MemoryError("head_moved", { memoryId });
    }
    await journal.replace([]);
  }

  async function sealed(place: number): Promise<{ blob: Uint8Array; secret: Uint8Array }> {
    const blob = await getBlob(blobs, all.at(place));
    return { blob, secret: secretOf(key, { memoryId, place }, blob) };
  }

  return {
    memoryId,
    append: (content) =>
      inTurn(async () => {
        const waiting = await seal(content);
        await journal.add(waiting);
        return all.append(waiting.id);
      }),
    commit: () => inTurn(commit),
    waiting: () => all.count - committed(),
    async read(place) {
      const { blob, secret } = await sealed(place);
      return openEntry(blob, { memoryId, place }, secret);
    },
    disclose: async (place) => (await sealed(place)).secret,
    history: () => ({ memoryId, heads: [...heads], log: all }),
  };
}
