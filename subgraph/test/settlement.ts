import { readFileSync } from "node:fs";
import { join as path } from "node:path";
import { Interface, type InterfaceAbi } from "ethers";
import { account, event, join, nodeId, word, type Scenario } from "../testing/scenario.ts";
import type { Check, Story } from "../testing/story.ts";

const artifacts = path(import.meta.dirname, "../../artifacts/contracts");
const registry = new Interface(
  (
    JSON.parse(readFileSync(path(artifacts, "inference/InferenceRegistry.sol/InferenceRegistry.json"), "utf8")) as {
      abi: InterfaceAbi;
    }
  ).abi,
);
const NOBODY = `0x${"00".repeat(20)}`;

function compact(completedAt: number): string {
  return "11".repeat(108) + completedAt.toString(16).padStart(16, "0");
}

/** Batches and receipts, settled and skipped, through the registry itself and through another contract. */
export const settlement: Story = {
  title: "settlement",
  write(story: Scenario): Check[] {
    const { key } = join(story, 1, account("operator"), "vanilla");
    const zk = join(story, 1, account("operator"), "vanilla").key;
    const tee = join(story, 2, account("other"), "tee", true).key;
    story.emit("ModelRegistry", "ModelRegistered", { modelId: word("model"), verifier: NOBODY });

    // Two batches and a receipt alone in one transaction: 100,000 gas in three parts.
    const settledAt = story.send({
      from: account("relayer"),
      gasUsed: 100_000,
      gasPrice: 7,
      events: [
        event("InferenceRegistry", "BatchSettled", {
          ...{ digest: word("b1"), keyId: key, mode: 0, root: word("r1"), count: 30, dataHash: word("d1") },
          settler: account("settler"),
        }),
        event("InferenceRegistry", "BatchSettled", {
          ...{ digest: word("b2"), keyId: tee, mode: 2, root: word("r2"), count: 10, settler: NOBODY },
        }),
        event("InferenceRegistry", "ItemSkipped", { kind: 0, index: 2, reason: 9 }),
        event("InferenceRegistry", "ReceiptSettled", {
          ...{ receiptId: word("x"), requestId: word("q"), keyId: key, modelId: word("model"), mode: 0 },
        }),
      ],
    });
    const skippedId = story.lastId(2);
    const transaction = story.lastTransaction;

    // A call in which the same batch is tried with a wrong model version first: the second item settled.
    const batch = [zk, 1, word("r3"), 2, word("d3"), account("settler")];
    const provedAt = story.now + 100;
    const items = [
      [batch, word("wrong model"), "0x", `0x${compact(1)}${compact(1)}`, "0x"],
      [batch, word("model"), "0x", `0x${compact(provedAt - 60)}${compact(provedAt - 3_000)}`, "0x"],
    ];
    const proved = {
      gasUsed: 300_001,
      gasPrice: 2,
      input: registry.encodeFunctionData("settleProvedBatches", [items]),
      events: [
        event("InferenceRegistry", "ItemSkipped", { kind: 1, index: 0, reason: 22 }),
        event("InferenceRegistry", "BatchSettled", {
          ...{ digest: word("b3"), keyId: zk, mode: 1, root: word("r3"), count: 2, settler: account("settler") },
        }),
      ],
    };
    story.send({ ...proved, to: story.addressOf("InferenceRegistry") }, 100);
    // The same through another contract, and with call data that is cut short.
    const again = (name: string): typeof proved.events => [
      event("InferenceRegistry", "BatchSettled", {
        ...{ digest: word(name), keyId: zk, mode: 1, root: word("r3"), count: 2, settler: NOBODY },
      }),
    ];
    story.send({ ...proved, events: again("b4"), to: account("a contract") });
    story.send({
      ...proved,
      ...{ events: again("b5"), input: proved.input.slice(0, 400), to: story.addressOf("InferenceRegistry") },
    });
    story.send({ ...proved, events: again("b6"), input: "0x12", to: story.addressOf("InferenceRegistry") });

    // Receipts alone: the one in the middle is skipped.
    const receipt = (name: string, completedAt: number, mode: number): unknown[] => [
      ...[word(name), word("model"), word("in"), word("out"), 0, word("c"), key, account("payer"), 4, 900, completedAt],
      mode,
    ];
    const aloneAt = story.now + 50;
    story.send(
      {
        to: story.addressOf("InferenceRegistry"),
        input: registry.encodeFunctionData("settleReceipts", [
          [
            [receipt("q1", aloneAt - 10, 0), "0x", "0x"],
            [receipt("q2", aloneAt - 20, 0), "0x", "0x"],
            [receipt("q3", aloneAt + 40, 0), "0x", "0x"],
          ],
        ]),
        events: ["q1", "q2", "q3"].map((name, index) =>
          name === "q2"
            ? event("InferenceRegistry", "ItemSkipped", { kind: 2, index, reason: 27 })
            : event("InferenceRegistry", "ReceiptSettled", {
                ...{
                  receiptId: word(`id ${name}`),
                  requestId: word(name),
                  keyId: key,
                  modelId: word("model"),
                  mode: 0,
                },
              }),
        ),
      },
      50,
    );
    const pausedAt = story.emit("InferenceRegistry", "SettlementPaused", { until: 5_000n });
    story.emit("InferenceRegistry", "SettlementResumed");
    story.emit("InferenceRegistry", "ClosingAnnounced", { at: 8_000n });

    const unknown = { model: null, oldestCompletion: null, newestCompletion: null };
    const only = (name: string): string =>
      `{ batch(id: "${word(name)}") { model { id } oldestCompletion newestCompletion } }`;
    return [
      {
        what: "keeps a batch with its key, node and operator, and its part of the transaction's gas",
        query: `{ batch(id: "${word("b1")}") { key { id } node { id } operator { id } mode root count dataHash settler
          model { id } settledAt gasUsed gasFee sender transaction } }`,
        expected: {
          batch: {
            ...{ key: { id: key }, node: { id: nodeId(1) }, operator: { id: account("operator") }, mode: "VANILLA" },
            ...{ root: word("r1"), count: 30, dataHash: word("d1"), settler: account("settler"), model: null },
            ...{ settledAt: String(settledAt), gasUsed: "33334", gasFee: String(33334 * 7) },
            ...{ sender: account("relayer"), transaction },
          },
        },
      },
      {
        what: "says nobody where a batch names no settler",
        query: `{ batch(id: "${word("b2")}") { settler mode gasUsed } }`,
        expected: { batch: { settler: null, mode: "TEE", gasUsed: "33333" } },
      },
      {
        what: "keeps a rejected item with place and reason",
        query: `{ skippedItem(id: "${skippedId}") { kind index reason sender } }`,
        expected: {
          skippedItem: { kind: "SIGNED_BATCH", index: "2", reason: "BadSignature", sender: account("relayer") },
        },
      },
      {
        what: "takes model version and times of a proved batch from the item that settled, not from one that was skipped",
        query: only("b3"),
        expected: {
          batch: {
            model: { id: word("model") },
            oldestCompletion: String(provedAt - 3_000),
            newestCompletion: String(provedAt - 60),
          },
        },
      },
      {
        what: "leaves open what another contract's call data might claim",
        query: only("b4"),
        expected: { batch: unknown },
      },
      { what: "leaves open what cut call data does not tell", query: only("b5"), expected: { batch: unknown } },
      {
        what: "leaves open what call data shorter than a selector does not tell",
        query: only("b6"),
        expected: { batch: unknown },
      },
      {
        what: "matches receipts alone with their items around a skipped one",
        query: `{ settledReceipts(where: { id_in: ["${word("id q1")}", "${word("id q3")}", "${word("x")}"] }, orderBy: completedAt) {
          requestId completedAt payer cumulativeFee sequence mode model { id } } }`,
        expected: {
          settledReceipts: [
            ["q1", aloneAt - 10],
            ["q3", aloneAt + 40],
            ["q", null],
          ].map(([name, at]) => ({
            ...{ requestId: word(String(name)), completedAt: at === null ? null : String(at) },
            ...{ payer: at === null ? null : account("payer"), cumulativeFee: at === null ? null : "900" },
            ...{ sequence: at === null ? null : "4", mode: "VANILLA", model: { id: word("model") } },
          })),
        },
      },
      {
        what: "counts a delay that the node's clock makes negative as none",
        query: `{ figures(where: { scope: MODE, mode: VANILLA, day: null }) { timed delays { counts } receipts delayP50AtMost delayP95AtMost } }`,
        expected: {
          figures: [
            {
              timed: "2",
              delays: { counts: ["1", "1", ...Array.from({ length: 30 }, () => "0")] },
              receipts: "33",
              delayP50AtMost: "5",
              delayP95AtMost: "10",
            },
          ],
        },
      },
      {
        what: "adds up receipts of key, node, operator and network",
        query: `{ protocol(id: "0x01") { batches receipts receiptsAlone skippedItems pausedUntil closesAt orphans }
          operator(id: "${account("operator")}") { receipts teeReceipts } node(id: "${nodeId(2)}") { receipts }
          signingKey(id: "${key}") { receipts } }`,
        expected: {
          protocol: {
            ...{ batches: "6", receipts: "51", receiptsAlone: "3", skippedItems: "3" },
            ...{ pausedUntil: "0", closesAt: "8000", orphans: "0" },
          },
          operator: { receipts: "41", teeReceipts: "0" },
          node: { receipts: "10" },
          signingKey: { receipts: "41" },
        },
      },
      {
        what: "keeps every stop of settlement",
        query: "{ settlementStops(orderBy: block) { kind moment at } }",
        expected: {
          settlementStops: [
            { kind: "PAUSED", moment: "5000", at: String(pausedAt) },
            { kind: "RESUMED", moment: null, at: String(pausedAt + 12) },
            { kind: "CLOSING", moment: "8000", at: String(pausedAt + 24) },
          ],
        },
      },
      {
        what: "names the bounds that it counts delays by",
        query: `{ delayBounds(id: "0x01") { seconds } }`,
        expected: { delayBounds: { seconds: DELAY_SECONDS } },
      },
    ];
  },
};

const DELAY_SECONDS = (
  "5 10 15 20 30 45 60 90 120 180 240 300 420 600 900 1200 1800 2700 3600 5400 7200 10800 14400 21600 28800 43200 " +
  "64800 86400 129600 172800 216000 259200"
).split(" ");
