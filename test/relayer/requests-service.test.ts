import { expect } from "chai";
import { id, toUtf8Bytes, type Signer, type TransactionRequest } from "ethers";
import { createNode, localKey, openRequestStore } from "../../relayer/node/index.ts";
import { Mode, type Hex, type Opening } from "../../relayer/protocol/index.ts";
import { createRequestService, openAskedStore, textOutput } from "../../relayer/requests/index.ts";
import type { AskedRequest, AskedStore, RequestServiceOptions } from "../../relayer/requests/index.ts";
import { FEE, HOUR, OPG, Status, useRequests, type RequestsWorld } from "../requests/support.ts";
import { dataOf } from "../support/sources.ts";

const lower = (hex: string): Hex => hex.toLowerCase() as Hex;
const PRICE = 3n * OPG;

/** What fails, and whether the transaction left before. */
interface Fault {
  at: number;
  sent: boolean;
}

describe("requests on chain: a node's service", () => {
  const world = useRequests();

  /** A node and its stores; services come and go over them, as processes do. */
  function node(w: RequestsWorld, modelId = w.modelId) {
    let inferred = 0;
    const errors: Error[] = [];
    const answers = openRequestStore(":memory:");
    const kept = openAskedStore(":memory:");
    const nodeOf = () =>
      createNode({
        key: localKey(w.operatorKey.privateKey as Hex),
        mode: Mode.VANILLA,
        modelId: lower(modelId),
        domain: { chainId: 31337n, verifyingContract: lower(w.domain.verifyingContract) },
        // Nothing is delivered here.
        relayer: "http://127.0.0.1:1",
        store: answers,
        now: () => time * 1_000,
      });
    let time = 0;
    let sends = 0;
    /** The operator, over a line that breaks once. */
    function operator(fault?: Fault): Signer {
      const { operator: signer } = w.signers;
      const sendTransaction = async (request: TransactionRequest) => {
        const breaks = fault !== undefined && sends++ === fault.at;
        if (breaks && !fault.sent) throw new Error("the line broke before");
        const sent = await signer.sendTransaction(request);
        await sent.wait();
        if (breaks) throw new Error("the line broke after");
        return sent;
      };
      return { estimateGas: (request: TransactionRequest) => signer.estimateGas(request), sendTransaction } as Signer;
    }
    async function service(over: Partial<RequestServiceOptions> = {}, fault?: Fault, store: AskedStore = kept) {
      time = Number(await w.now());
      return createRequestService({
        nodeId: lower(w.nodeId),
        modelId: lower(modelId),
        mode: Mode.VANILLA,
        node: nodeOf(),
        requests: lower(w.requestsAt),
        provider: w.ethers.provider,
        signer: operator(fault),
        store,
        confirmations: 0,
        price: () => PRICE,
        readInput: async ({ pointer }) => (pointer === "0x" ? null : toUtf8Bytes("found there")),
        infer: async (_, input) => {
          inferred++;
          return textOutput(`answer to ${Buffer.from(input).toString()}`);
        },
        onError: (error) => errors.push(error),
        ...over,
      });
    }
    return { service, errors, answers, inferred: () => inferred };
  }

  /** Asks with the input on chain. */
  async function given(w: RequestsWorld, text: string, over: object = {}): Promise<Hex> {
    const requestId = w.requestIdOf(await w.requests.requestCount());
    const terms = await w.terms({ callbackGas: 2_000_000, ...over });
    await w.requester.getFunction("askWithInput")(terms, id("salt"), toUtf8Bytes(text));
    return lower(requestId);
  }
  const answerTo = (text: string) => textOutput(`answer to ${text}`).output;

  it("accepts, answers, settles and fulfils in one step, and is paid its price", async () => {
    const w = world();
    const n = node(w);
    const requestId = await given(w, "why?");
    const service = await n.service();
    await service.step();
    expect(n.errors).to.deep.equal([]);
    expect(await w.statusOf(requestId)).to.equal(Status.Fulfilled);
    expect(await w.requester.getFunction("output")()).to.equal(answerTo("why?"));
    expect(await w.feesOf()).to.equal(PRICE);
    expect(await w.requests.credit(w.requesterAt)).to.equal(FEE - PRICE);
    expect(service.closedBecause(requestId)).to.equal("Fulfilled");
    expect(service.oldestDeadline()).to.equal(null);
  });

  it("ends every request once, wherever its process died and whatever answer it did not hear", async () => {
    const w = world();
    for (const forgets of [false, true])
      for (const at of [0, 1, 2])
        for (const sent of [false, true]) {
          const snapshot = await w.networkHelpers.takeSnapshot();
          const n = node(w);
          const requestId = await given(w, `question ${at}`);
          await (await n.service({}, { at, sent })).step();
          expect(n.errors).to.have.length(1);
          // Another process comes up, with what was kept or without.
          const store = forgets ? openAskedStore(":memory:") : undefined;
          const next = await n.service({ price: () => PRICE + 1n }, undefined, store);
          await next.step();
          await next.step();
          expect(n.errors, n.errors.at(-1)?.message).to.have.length(1);
          expect(await w.statusOf(requestId)).to.equal(Status.Fulfilled);
          expect(await w.requester.getFunction("answers")()).to.equal(1n);
          expect(n.inferred()).to.equal(1);
          // Decided once, unless even that was forgotten before anything was signed.
          expect(await w.feesOf()).to.equal(forgets && at === 0 ? PRICE + 1n : PRICE);
          expect(next.closedBecause(requestId)).to.equal("Fulfilled");
          await snapshot.restore();
        }
  });

  it("leaves to others what it cannot or will not answer, and puts up no bond for it", async () => {
    const w = world();
    const elsewhere = await w.registerNode();
    const cases: [object, string][] = [
      [{ nodeId: elsewhere }, "other_node"],
      [{ modeMask: 1 << Mode.TEE }, "mode_not_allowed"],
      [{ contextHash: id("memory") }, "memory_not_held"],
      [{ deadline: (await w.now()) + 300n }, "too_late"],
      [{ maxFee: PRICE - 1n }, "fee_too_low"],
      [{ callbackGas: 1_500_001 }, "callback_too_dear"],
      [{ modelId: w.vanillaModelId }, ""],
    ];
    const n = node(w);
    const service = await n.service({ maxCallbackGas: 1_500_000 });
    const before = await w.token.balanceOf(w.signers.operator.address);
    for (const [over, reason] of cases) {
      const requestId = await given(w, "why?", { callbackGas: 1_500_000, ...over });
      await service.step();
      expect(service.closedBecause(requestId), reason).to.equal(reason === "" ? null : reason);
      expect(await w.statusOf(requestId)).to.equal(Status.Open);
    }
    expect(n.errors).to.deep.equal([]);
    expect(await w.token.balanceOf(w.signers.operator.address)).to.equal(before);
  });

  it("accepts an input it has to fetch only once it has it", async () => {
    const w = world();
    const n = node(w);
    const requestId = lower(await w.ask({ callbackGas: 0 }));
    let there = false;
    const service = await n.service({ readInput: async () => (there ? toUtf8Bytes("found") : null) });
    await service.step();
    expect(await w.statusOf(requestId)).to.equal(Status.Open);
    there = true;
    await service.step();
    expect(await w.statusOf(requestId)).to.equal(Status.Fulfilled);
    expect(n.errors).to.deep.equal([]);
  });

  it("waits for a relayer's opening while there is time, and settles alone when there is not", async () => {
    const w = world();
    const n = node(w);
    const relayed: Opening[] = [];
    const service = await n.service({ openingOf: async () => relayed[0] ?? null, hurrySeconds: 600n });
    const first = await given(w, "first");
    await service.step();
    expect(await w.statusOf(first)).to.equal(Status.Accepted);
    const { deadline } = await w.requests.inferenceRequest(first);
    expect(service.oldestDeadline()).to.equal(deadline);
    await w.goTo(deadline - 600n);
    await service.step();
    expect(await w.statusOf(first)).to.equal(Status.Fulfilled);

    // And takes it where it comes.
    const second = await given(w, "second");
    const asked: Hex[] = [];
    const other = await n.service({
      openingOf: async (receiptId) => {
        asked.push(receiptId);
        return relayed[0] ?? null;
      },
    });
    await other.step();
    expect(await w.statusOf(second)).to.equal(Status.Accepted);
    const issued = n.answers.issued(second)!;
    const fields = { ...issued.receipt, outputScheme: Number(issued.receipt.outputScheme) };
    const item = w.signedBatch([fields], { settler: w.signers.other.address });
    await w.registry.settleBatches([item]);
    relayed.push(w.opening([fields], item.batch, 0) as Opening);
    await other.step();
    expect(await w.statusOf(second)).to.equal(Status.Fulfilled);
    expect(await w.feesOf(w.signers.other.address)).to.equal(PRICE);
    expect(asked[0]).to.equal(issued.receiptId);
    expect(n.errors).to.deep.equal([]);
  });

  it("puts up no bond for what may count no more by the deadline: consent that ends, distrust, a registry that closes [R10]", async () => {
    const w = world();
    const d = dataOf(w);
    const sourceId = await d.registerSource();
    const modelId = await d.registerVersion({ sources: d.required(sourceId), modes: 1 });
    await w.nodes.setOffer(w.nodeId, modelId, 1, 3);
    const n = node(w, modelId);
    const deadline = (await w.now()) + 7n * 86_400n - 60n;
    const long = await given(w, "until after the notice", { modelId, deadline });
    const short = await given(w, "until before it", { modelId });
    await d.withdraw(sourceId);
    const service = await n.service();
    await service.step();
    expect(await w.statusOf(long)).to.equal(Status.Open);
    expect(await w.statusOf(short)).to.equal(Status.Fulfilled);
    // Consent may come back.
    const snapshot = await w.networkHelpers.takeSnapshot();
    await w.models.connect(w.signers.other).cancelWithdrawal(sourceId);
    await service.step();
    expect(await w.statusOf(long)).to.equal(Status.Fulfilled);
    await snapshot.restore();
    await w.distrust(w.models, w.modelId, await w.now());
    const other = await node(w).service();
    const distrusted = await given(w, "whom?");
    await other.step();
    expect(await w.statusOf(distrusted)).to.equal(Status.Open);
    const late = await given(w, "by when?", { modelId: w.vanillaModelId, deadline: (await w.now()) + 6n * 86_400n });
    await w.nodes.setOffer(w.nodeId, w.vanillaModelId, 1, 3);
    await w.govern(w.registry, w.registry.interface.encodeFunctionData("announceClosing"));
    const third = node(w, w.vanillaModelId);
    await (await third.service()).step();
    expect(await w.statusOf(late)).to.equal(Status.Open);
    expect([...n.errors, ...third.errors]).to.deep.equal([]);
  });

  it("settles alone while the receipt still settles, however late the deadline is [R4]", async () => {
    const w = world();
    const n = node(w);
    const requestId = await given(w, "late?", { deadline: (await w.now()) + 7n * 86_400n - 60n });
    const service = await n.service({ openingOf: async () => null });
    await service.step();
    const { completedAt } = n.answers.issued(requestId)!.receipt;
    await w.goTo(completedAt + 129_599n);
    await service.step();
    expect(await w.statusOf(requestId)).to.equal(Status.Accepted);
    await w.goTo(completedAt + 129_600n);
    await service.step();
    expect(await w.statusOf(requestId)).to.equal(Status.Fulfilled);
    expect(n.errors).to.deep.equal([]);
  });

  it("is excused where only a freeze stands in the way when time runs out", async () => {
    const w = world();
    const n = node(w);
    const requestId = await given(w, "frozen?");
    const service = await n.service({ openingOf: async () => null, hurrySeconds: 600n });
    await service.step();
    await w.freeze(w.nodes, w.keyId);
    const { deadline } = await w.requests.inferenceRequest(requestId);
    await w.goTo(deadline - 600n);
    await service.step();
    expect(n.errors).to.deep.equal([]);
    expect(await w.statusOf(requestId)).to.equal(Status.Excused);
    expect(service.closedBecause(requestId)).to.equal("Excused");
  });

  it("one request that cannot be answered holds up no other, and says why", async () => {
    const w = world();
    const n = node(w);
    const wrong = await given(w, "wrong");
    const right = await given(w, "right");
    const infer = async (_: AskedRequest, input: Uint8Array) => {
      const text = Buffer.from(input).toString();
      const found = textOutput(text);
      return text === "wrong" ? { ...found, output: textOutput("other").output } : found;
    };
    const service = await n.service({ infer });
    await service.step();
    expect(await w.statusOf(right)).to.equal(Status.Fulfilled);
    expect(await w.statusOf(wrong)).to.equal(Status.Accepted);
    expect(n.errors.map((error) => [error.name, (error.cause as Error).name])).to.deep.equal([
      ["RequestStuck", "OutputMismatch"],
    ]);
    // Timed out by anyone, it is let go.
    await w.goTo((await w.now()) + 2n * HOUR);
    await w.requests.timeOut(wrong);
    await service.step();
    expect(service.closedBecause(wrong)).to.equal("TimedOut");
    expect(service.oldestDeadline()).to.equal(null);
  });

  it("reads block ranges as large as it is told, forgets none and follows nobody else's requests", async () => {
    const w = world();
    const n = node(w);
    const ids = [];
    for (const text of ["a", "b", "c"]) {
      ids.push(await given(w, text));
      await w.networkHelpers.mine(7);
    }
    const taken = await given(w, "cancelled");
    await w.requester.getFunction("cancel")(taken);
    const service = await n.service({ blocksAtOnce: 5 });
    await service.step();
    for (const requestId of ids) expect(await w.statusOf(requestId)).to.equal(Status.Fulfilled);
    expect(service.closedBecause(taken)).to.equal("Cancelled");
    service.start();
    await service.stop();
    expect(n.errors).to.deep.equal([]);
  });
});
