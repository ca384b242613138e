// SPDX-License-Identifier: MIT
import { expect } from "chai";
import fc from "fast-check";
import {
  COLLECT_BOUNDS,
  encodeCollectBatch,
  findCollectable,
  gasOf,
  inferenceEscrow,
  planCollection,
  type Collectable,
} from "../../relayer/channels/index.ts";
import * as protocol from "../../relayer/protocol/index.ts";
import type { Batch, Hex, Receipt } from "../../relayer/protocol/index.ts";
import { multiproofOf } from "../escrow/support.ts";
import { NO_BATCH } from "../support/protocol.ts";
import { domain, modelId, nodeId, nodeKey, owner, word } from "./support/channels.ts";

let made = 0;
const signature = owner.sign(word(1));
/** A request with a receipt; of another model version where asked. */
function item(model = modelId): Collectable & { receiptId: Hex } {
  const lane = BigInt(++made);
  const channel = { payer: owner.address, signer: owner.address, nodeId, modelId: model, modeMask: 1, lane };
  const request = { channel, sequence: 1n, inputHash: word(made), contextHash: word(0), maxCumulative: 9n };
  const receipt: Receipt = {
    ...{ requestId: word(made), modelId: model, inputHash: word(made), outputHash: word(1), outputScheme: 0 },
    ...{ contextHash: word(0), keyId: nodeKey.keyId, payer: owner.address, sequence: 1n, cumulativeFee: 9n },
    ...{ completedAt: 5n, mode: 0 },
  };
  const receiptId = protocol.receiptId(domain, receipt);
  const signed = { ...request, signature };
  const alone: Batch = { ...(NO_BATCH as Batch), keyId: nodeKey.keyId };
  const where = { requestId: receipt.requestId, channelId: word(made), batch: alone, index: 0, proof: [] };
  return { ...where, request: signed, receipt, receiptId };
}
/** These receipts in one batch. */
function inBatch(items: ReturnType<typeof item>[], dataHash = word(items.length)): Collectable[] {
  const ids = items.map(({ receiptId }) => receiptId);
  const levels = protocol.merkleLevels(ids.map((id) => protocol.leafOf(protocol.fromHex(id))));
  const root = protocol.merkleRoot(ids);
  const batch: Batch = {
    ...{ keyId: nodeKey.keyId, mode: 0, root, count: ids.length, dataHash, settler: owner.address },
  };
  return items.map((one, index) => ({ ...one, batch, index, proof: protocol.proofOf(levels, index) }));
}

describe("payment channels: planning collections", () => {
  const world = fc.record({
    sizes: fc.array(fc.integer({ min: 1, max: 12 }), { minLength: 1, maxLength: 5 }),
    alone: fc.integer({ min: 0, max: 5 }),
    maxClaims: fc.integer({ min: 1, max: 9 }),
    maxBytes: fc.integer({ min: 2_000, max: 9_000 }),
    maxGas: fc.integer({ min: 300_000, max: 900_000 }).map(BigInt),
    seed: fc.nat(),
  });

  it("every claim once, in calls within their bounds, in groups that share batch and model, places ascending [R8]", () => {
    fc.assert(
      fc.property(world, ({ sizes, alone, seed, ...bounds }) => {
        const models = [modelId, word(77)];
        const batched = sizes.flatMap((size, b) =>
          inBatch(
            Array.from({ length: size }, (_, i) => item(models[(i + seed) % 2])),
            word(b),
          ),
        );
        const items = [...batched, ...Array.from({ length: alone }, (_, i) => item(models[i % 2]))];
        const shuffled = items.map((one, i) => ({ one, key: (i * 7919 + seed) % 1_009 })).sort((a, b) => a.key - b.key);
        const calls = planCollection(
          domain,
          shuffled.map(({ one }) => one),
          bounds,
        );
        const planned = calls.flat(2).flatMap((group) => group.items);
        expect(planned.map(({ requestId }) => requestId).sort()).to.deep.equal(
          items.map(({ requestId }) => requestId).sort(),
        );
        for (const groups of calls) {
          expect(groups.flatMap((group) => group.items).length).to.be.within(1, bounds.maxClaims);
          expect(encodeCollectBatch(groups).length / 2 - 1).to.be.at.most(bounds.maxBytes);
          expect(gasOf(groups) <= bounds.maxGas).to.equal(true);
          for (const group of groups) {
            group.items.forEach((one, i) => {
              expect(one.request.channel.modelId).to.equal(group.modelId);
              expect(one.batch).to.deep.equal(group.batch);
              if (group.batch.count > 0 && i > 0) expect(one.index).to.be.greaterThan(group.items[i - 1]!.index);
            });
          }
        }
      }),
      { numRuns: 60 },
    );
  });

  it("the calldata has one proof a group, by a second implementation too, and none for receipts alone", () => {
    const items = Array.from({ length: 11 }, () => item());
    const all = inBatch(items);
    const places = [1, 2, 7, 10];
    const [groups] = planCollection(domain, [item(), ...places.map((place) => all[place]!), item()]);
    const [decoded] = inferenceEscrow.decodeFunctionData("collectBatch", encodeCollectBatch(groups!));
    const byCount = new Map([...decoded].map((group) => [Number(group.batch.count), group]));
    const ids = items.map(({ receiptId }) => receiptId);
    expect([...byCount.get(11).proof]).to.deep.equal(multiproofOf(ids, places));
    // The place is the highest 32 bits of the first word.
    expect([...byCount.get(11).claims].map((claim) => Number(BigInt(claim.payer) >> 224n))).to.deep.equal(places);
    expect([...byCount.get(0).proof]).to.deep.equal([]);
    expect(byCount.get(0).claims).to.have.length(2);
    expect(byCount.get(0).batch.keyId).to.equal(nodeKey.keyId);
  });

  it("a full call fits a transaction and a node's limit of calldata [R8]", () => {
    const all = inBatch(Array.from({ length: 1_000 }, () => item()));
    const calls = planCollection(domain, all);
    for (const groups of calls) {
      expect(gasOf(groups) < 16_777_216n).to.equal(true);
      expect(encodeCollectBatch(groups).length / 2).to.be.below(128 * 1_024);
    }
    expect(calls.length).to.be.at.least(Math.ceil(1_000 / COLLECT_BOUNDS.maxClaims));
  });
});

describe("payment channels: finding what to collect with", () => {
  /** A channel of so many receipts, the youngest first; those at `settled` are. */
  function channel(count: number, settled: number[]) {
    const items = Array.from({ length: count }, () => item());
    const known = new Map(items.map((one) => [one.requestId, one]));
    const asked: number[] = [];
    const store = {
      due: () => items.map(({ requestId }) => requestId),
      find: (requestId: Hex) => {
        const one = known.get(requestId)!;
        const answer = { receiptId: one.receiptId, receipt: one.receipt, signature: one.request.signature };
        return { ...one, answer, digest: word(1), keyId: nodeKey.keyId, cumulativeFee: 9n };
      },
    };
    const statusOf = async (receiptId: Hex) => {
      const place = items.findIndex((one) => one.receiptId === receiptId);
      asked.push(place);
      if (!settled.includes(place)) return place % 2 === 0 ? null : { state: "rejected", opening: null };
      return { state: "mined", opening: { batch: NO_BATCH, index: 0, proof: [] } };
    };
    return { items, store, statusOf, asked };
  }
  const yes = async () => "yes" as const;

  it("is the youngest settled receipt, whatever became of younger ones", async () => {
    const { items, store, statusOf, asked } = channel(9, [3, 4, 8]);
    expect((await findCollectable(store, word(1), statusOf, yes))?.requestId).to.equal(items[3]!.requestId);
    expect(asked).to.deep.equal([0, 1, 2, 3]);
  });

  it("asks for few of many, and always for the oldest: a channel is never stuck [R8]", async () => {
    for (const count of [1, 16, 17, 18, 100, 3_000]) {
      const { items, store, statusOf, asked } = channel(count, [count - 1]);
      const found = await findCollectable(store, word(1), statusOf, yes);
      expect(found?.requestId, `${count}`).to.equal(items.at(-1)!.requestId);
      expect(asked.length).to.be.at.most(32);
    }
    const { store, statusOf } = channel(40, []);
    expect(await findCollectable(store, word(1), statusOf, yes)).to.equal(null);
    expect(await findCollectable({ ...store, due: () => [] }, word(1), statusOf, yes)).to.equal(null);
  });

  it("goes on to older ones where the escrow refuses this receipt, and not where it refuses the channel", async () => {
    const { items, store, statusOf } = channel(3, [0, 2]);
    const older = async ({ requestId }: Collectable) => (requestId === items[0]!.requestId ? "older" : "yes");
    expect((await findCollectable(store, word(1), statusOf, older))?.requestId).to.equal(items[2]!.requestId);
    let asked = 0;
    const no = async () => (asked++, "no" as const);
    expect(await findCollectable(store, word(1), statusOf, no)).to.equal(null);
    expect(asked).to.equal(1);
    expect(await findCollectable(store, word(1), statusOf, async () => "older")).to.equal(null);
  });
});
