import { expect } from "chai";
import { createNode, createRelayerClient, localKey, openRequestStore } from "../../relayer/node/index.ts";
import type { InferenceNode, NodeOptions, RequestStore } from "../../relayer/node/index.ts";
import * as protocol from "../../relayer/protocol/index.ts";
import type { Batch, Hex } from "../../relayer/protocol/index.ts";
import { receiptFromWire, type WireReceipt } from "../../relayer/node/wire.ts";
import { startScriptedRelayer, type Posted } from "../support/scripted-relayer.ts";

const key = localKey(`0x${"07".repeat(32)}`);
const modelId: Hex = `0x${"aa".repeat(32)}`;
const domain = { chainId: 31337n, verifyingContract: protocol.ZERO_ADDRESS };
const id = (number: number): Hex => `0x${number.toString(16).padStart(64, "0")}`;
const signer = protocol.addressOf(protocol.fromHex(key.publicKey));

describe("node: delivery", () => {
  let relayer: Awaited<ReturnType<typeof startScriptedRelayer>>;
  let store: RequestStore;
  let errors: (Error & { code?: string })[];
  before(async () => {
    relayer = await startScriptedRelayer();
  });
  after(() => relayer.close());
  beforeEach(() => {
    relayer.posted.length = 0;
    relayer.asked.length = 0;
    relayer.reply = () => ({ status: 201, body: {} });
    relayer.status = () => ({ status: 200, body: { state: "final" } });
    store = openRequestStore(":memory:");
    errors = [];
  });
  afterEach(() => store.close());

  const start = (over: Partial<NodeOptions> = {}): InferenceNode =>
    createNode({
      key,
      mode: 0,
      modelId,
      domain,
      store,
      onError: (error) => errors.push(error),
      relayer: createRelayerClient({
        url: relayer.url,
        pauseMs: 1,
        timeoutMs: 300,
        tries: 3,
      }),
      ...over,
    });
  async function serve(node: InferenceNode, count: number, from = 0) {
    const served = [];
    for (let place = from; place < from + count; place++) {
      const ask = { requestId: id(place + 1), inputHash: id(1_000 + place) };
      const body = new Uint8Array([place]);
      served.push(await node.serve(ask, async () => ({ outputHash: id(2_000 + place), body, witness: body })));
    }
    return served;
  }
  /** Checks a posted batch as anybody would who does not trust the node. */
  function checked(body: { batch: Batch; signature: Hex; receipts: { receipt: WireReceipt; signature: Hex }[] }) {
    const receipts = body.receipts.map(({ receipt }) => receiptFromWire(receipt));
    const ids = receipts.map((receipt) => protocol.receiptId(domain, receipt));
    expect(body.batch.root).to.equal(protocol.merkleRoot(ids));
    expect(body.batch.count).to.equal(ids.length);
    expect(body.batch.dataHash).to.equal(
      protocol.dataHashOf(protocol.leavesDocument(domain, { keyId: key.keyId, mode: body.batch.mode }, receipts)),
    );
    expect(protocol.recoverSigner(protocol.batchDigest(domain, body.batch), body.signature)).to.equal(signer);
    body.receipts.forEach(({ signature }, place) => {
      expect(protocol.recoverSigner(ids[place]!, signature)).to.equal(signer);
    });
    return ids;
  }

  it("seals what is waiting into signed batches of bounded size, each receipt in one", async () => {
    const node = start({ batchSize: 4 });
    const served = await serve(node, 10);
    await node.deliver();
    const batches = relayer.posted.map(({ path, body }) => {
      expect(path).to.equal("/v1/batches");
      return checked(body);
    });
    expect(batches.map((ids) => ids.length)).to.deep.equal([4, 4, 2]);
    expect(batches.flat()).to.deep.equal(served.map(({ receiptId }) => receiptId));
    await node.deliver();
    expect(relayer.posted).to.have.length(3);
  });

  it("posts the very same batch again when the reply was lost [FM:timeout-resettle]", async () => {
    const node = start();
    await serve(node, 2);
    relayer.reply = () => (relayer.posted.length < 2 ? "lose" : { status: 201, body: {} });
    await node.deliver();
    expect(relayer.posted).to.have.length(2);
    expect(relayer.posted[1]).to.deep.equal(relayer.posted[0]);
    expect(errors).to.have.length(0);
  });

  it("keeps a batch through an outage and a restart, and posts it then [FM:memory-only-buffer]", async () => {
    const node = start();
    await serve(node, 2);
    relayer.reply = () => "hang";
    await node.deliver();
    expect(errors.at(-1)!.code).to.equal("relayer_unavailable");
    const hung = relayer.posted[0]!;
    relayer.reply = () => ({ status: 503, body: { code: "starting" } });
    await node.deliver();
    expect(errors.at(-1)!.code).to.equal("starting");
    relayer.reply = () => ({ status: 201, body: {} });
    relayer.posted.length = 0;
    await start().deliver();
    expect(relayer.posted).to.deep.equal([hung]);
  });

  it("waits as long as it is told to", async () => {
    const node = start();
    await serve(node, 1);
    const limited = { status: 429, body: { code: "slow_down" }, headers: { "retry-after": "1" } };
    relayer.reply = () => (relayer.posted.length < 2 ? limited : { status: 201, body: {} });
    const before = Date.now();
    await node.deliver();
    expect(relayer.posted).to.have.length(2);
    expect(Date.now() - before).to.be.greaterThan(900);
  });

  it("gives up nothing on a refusal that names no leaf, and posts later batches all the same [FM:poison-item]", async () => {
    const node = start({ batchSize: 1 });
    await serve(node, 2);
    relayer.reply = () =>
      relayer.posted.length === 1 ? { status: 422, body: { code: "unknown_key" } } : { status: 201, body: {} };
    await node.deliver();
    expect(relayer.posted).to.have.length(2);
    await node.deliver();
    expect(relayer.posted[2]).to.deep.equal(relayer.posted[0]);
  });

  it("proves each run with the binding of its receipt, and posts proofs in the order of the receipts", async () => {
    const jobs: bigint[] = [];
    const node = start({
      mode: protocol.Mode.ZKML,
      prove: async ({ witness, binding }) => {
        jobs.push(binding);
        return `0x${Buffer.from(witness).toString("hex").padStart(704, "0")}`;
      },
    });
    const served = await serve(node, 3);
    await node.deliver();
    expect(jobs).to.deep.equal(served.map(({ receiptId }) => protocol.bindingOf(receiptId)));
    const [{ path, body }] = relayer.posted as [Posted];
    expect(path).to.equal("/v1/proofs");
    expect(body.modelId).to.equal(modelId);
    expect(checked(body)).to.deep.equal(served.map(({ receiptId }) => receiptId));
    expect(body.evidence.length).to.equal(2 + 3 * 704);
    expect(body.evidence.slice(-2)).to.equal("02");
  });

  it("sets the proofs aside that turn out bad, and signs a new batch over the others [R2]", async () => {
    const node = start({ mode: protocol.Mode.ZKML, prove: async () => `0x${"00".repeat(352)}` });
    const served = await serve(node, 3);
    relayer.status = () => ({ status: 200, body: { state: "received", reason: null, invalid: null } });
    await node.deliver();
    expect(relayer.asked).to.have.length(1);
    relayer.status = () => ({ status: 200, body: { state: "rejected", reason: "InvalidProof", invalid: [1] } });
    await node.deliver();
    expect(errors.at(-1)!.code).to.equal("batch_rejected");
    relayer.status = () => ({ status: 200, body: { state: "final" } });
    await node.deliver();
    const ids = checked(relayer.posted[1]!.body);
    expect(ids).to.deep.equal([served[0]!.receiptId, served[2]!.receiptId]);
    await node.deliver();
    expect(relayer.posted).to.have.length(2);
    expect(relayer.asked).to.have.length(3);
  });

  it("leaves out the receipts that the door names, and seals the others anew [R2]", async () => {
    const node = start();
    const served = await serve(node, 3);
    relayer.reply = ({ body }) =>
      body.batch.count === 3 ? { status: 422, body: { code: "too_old", positions: [0] } } : { status: 201, body: {} };
    await node.deliver();
    await node.deliver();
    expect(checked(relayer.posted[1]!.body)).to.deep.equal(served.slice(1).map(({ receiptId }) => receiptId));
  });

  it("posts a batch again to a relayer that lost it [FM:queue-wiped]", async () => {
    const node = start();
    await serve(node, 2);
    relayer.status = () => ({ status: 404, body: { code: "not_found" } });
    await node.deliver();
    relayer.status = () => ({ status: 200, body: { state: "final" } });
    await node.deliver();
    expect(relayer.posted).to.have.length(2);
    expect(relayer.posted[1]).to.deep.equal(relayer.posted[0]);
  });

  it("one run that cannot be proved holds up no other [FM:poison-item]", async () => {
    const prove = async ({ witness }: { witness: Uint8Array }): Promise<Hex> => {
      if (witness[0] === 0) throw new Error("no such witness");
      return `0x${"00".repeat(352)}`;
    };
    const node = start({ mode: protocol.Mode.ZKML, batchSize: 1, prove });
    const served = await serve(node, 2);
    await node.deliver();
    await node.deliver();
    expect(relayer.posted.map(({ body }) => checked(body))).to.deep.equal([[served[1]!.receiptId]]);
    expect(errors[0]!.message).to.match(/no such witness/);
  });

  describe("single receipts", () => {
    const single = { delivery: "receipts" } as const;

    it("posts each once, and sets aside the one that is refused [FM:poison-item]", async () => {
      const node = start(single);
      const served = await serve(node, 3);
      relayer.reply = () =>
        relayer.posted.length === 1 ? { status: 422, body: { code: "future_dated" } } : { status: 201, body: {} };
      await node.deliver();
      await node.deliver();
      expect(relayer.posted.map(({ path }) => path)).to.deep.equal(Array(3).fill("/v1/receipts"));
      const ids = relayer.posted.map(({ body }) => protocol.receiptId(domain, receiptFromWire(body.receipt)));
      expect(ids).to.deep.equal(served.map(({ receiptId }) => receiptId));
    });

    /** Offers one seal, and returns the signature the node answers with, if any. */
    async function offer(change: (batch: Batch, ids: Hex[]) => { batch: Batch; receiptIds: Hex[] }) {
      const node = start(single);
      const served = await serve(node, 3);
      const ids = served.map(({ receiptId }) => receiptId);
      const receipts = served.map(({ receipt }) => receipt);
      const batch: Batch = {
        keyId: key.keyId,
        mode: 0,
        root: protocol.merkleRoot(ids),
        count: 3,
        settler: id(7).slice(0, 42) as Hex,
        dataHash: protocol.dataHashOf(
          protocol.leavesDocument(
            domain,
            {
              keyId: key.keyId,
              mode: 0,
            },
            receipts,
          ),
        ),
      };
      const seal = { id: "s1", ...change(batch, ids) };
      let offered = 0;
      relayer.reply = ({ path }) => {
        if (!path.startsWith("/v1/keys/")) return { status: 201, body: {} };
        return offered++ === 0 ? { status: 200, body: seal } : { status: 204 };
      };
      node.start();
      try {
        const deadline = Date.now() + 3_000;
        const answered = () => relayer.posted.find(({ path }) => path === "/v1/seals/s1");
        while (!answered() && errors.length === 0 && Date.now() < deadline) {
          await new Promise((resolve) => setTimeout(resolve, 10));
        }
        return { signature: answered()?.body.signature as Hex | undefined, batch: seal.batch, node };
      } finally {
        await node.stop();
      }
    }

    it("signs a seal over leaves it issued", async () => {
      const { signature, batch } = await offer((made, receiptIds) => ({ batch: made, receiptIds }));
      expect(protocol.recoverSigner(protocol.batchDigest(domain, batch), signature!)).to.equal(signer);
    });

    const foreign = id(4_711);
    const wrong: [string, (batch: Batch, ids: Hex[]) => { batch: Batch; receiptIds: Hex[] }][] = [
      [
        "a leaf it did not issue",
        (batch, ids) => {
          const receiptIds = [...ids, foreign];
          return { batch: { ...batch, count: 4, root: protocol.merkleRoot(receiptIds) }, receiptIds };
        },
      ],
      ["a root of other leaves", (batch, receiptIds) => ({ batch: { ...batch, root: id(5) }, receiptIds })],
      ["a wrong count", (batch, receiptIds) => ({ batch: { ...batch, count: 4 }, receiptIds })],
      ["another key", (batch, receiptIds) => ({ batch: { ...batch, keyId: id(5) }, receiptIds })],
      ["another mode", (batch, receiptIds) => ({ batch: { ...batch, mode: 2 }, receiptIds })],
      ["another data hash", (batch, receiptIds) => ({ batch: { ...batch, dataHash: id(5) }, receiptIds })],
      [
        "a leaf twice",
        (batch, ids) => {
          const receiptIds = [ids[0]!, ids[1]!, ids[1]!];
          return { batch: { ...batch, root: protocol.merkleRoot(receiptIds) }, receiptIds };
        },
      ],
    ];
    for (const [what, change] of wrong) {
      it(`does not sign a seal with ${what} [R1]`, async () => {
        const { signature } = await offer(change);
        expect(signature).to.equal(undefined);
        expect(errors[0]!.code).to.equal("seal_refused");
      });
    }
  });
});
