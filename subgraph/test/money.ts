import { account, join, nodeId, word, type Scenario } from "../testing/scenario.ts";
import type { Check, Story } from "../testing/story.ts";

const NOBODY = `0x${"00".repeat(20)}`;
const NO_WORD = `0x${"00".repeat(32)}`;
const PAYER = account("payer");
const OPERATOR = account("operator");

function packed(high: bigint, middle: bigint, low: bigint): bigint {
  return (high << 192n) | (middle << 96n) | low;
}

/** Escrow, channels and requests. */
export const money: Story = {
  title: "escrow and requests",
  write(story: Scenario): Check[] {
    const now = (contract: string, name: string, given: Record<string, unknown>): void => {
      story.emit(contract, name, given, 0);
    };
    const { key } = join(story, 1, OPERATOR, "key");
    now("ModelRegistry", "ModelRegistered", { modelId: word("model"), verifier: NOBODY });
    const node = { payer: PAYER, nodeId: nodeId(1) };

    // Escrow: 1,000 in; a channel pays 300 and then 200 more; 100 reserved and paid in part; 50 reserved and returned.
    now("InferenceEscrow", "Deposited", { ...node, from: account("giver"), amount: 1_000, balance: 1_000 });
    const channel = { channelId: word("channel"), ...node, modelId: word("model"), modeMask: 4, lane: 7 };
    now("InferenceEscrow", "ChannelOpened", { ...channel, signer: account("session"), limit: 800, expiry: 9_000 });
    const own = { ...channel, channelId: word("own"), signer: PAYER, limit: 2n ** 96n - 1n, expiry: 2n ** 40n - 1n };
    now("InferenceEscrow", "ChannelOpened", { ...own, modeMask: 3 });
    const collect = (id: string, sequence: bigint, amount: bigint, paid: bigint, owed: bigint, balance: bigint): void =>
      now("InferenceEscrow", "Collected", {
        ...{ channelId: word(id), payment: packed(sequence, amount, paid), totals: packed(0n, owed, balance) },
      });
    collect("channel", 1n, 300n, 300n, 300n, 700n);
    now("InferenceEscrow", "Released", { channelId: word("channel"), amount: 300 });
    collect("channel", 2n ** 63n, 200n, 500n, 200n, 500n);
    collect("own", 1n, 1n, 1n, 1n, 499n);
    const fees = { nodeId: nodeId(1), modelId: word("model"), settler: account("settler"), epoch: 739 };
    now("InferenceEscrow", "FeesAccrued", { ...fees, amount: 300, fees: 300 });
    now("InferenceEscrow", "FeesAccrued", { ...fees, amount: 200, fees: 500 });
    now("InferenceEscrow", "Forwarded", { ...fees, amount: 500 });
    now("InferenceEscrow", "FeesAccrued", { ...fees, amount: 7, fees: 7 });
    now("InferenceEscrow", "ClaimSkipped", { group: 1, index: 2, refusal: 8, reason: 0 });
    const skipped = story.lastId();
    now("InferenceEscrow", "SignerWithdrawn", { channelId: word("channel"), expiry: 4_000 });
    now("InferenceEscrow", "SignerWithdrawn", { channelId: word("never opened"), expiry: 3_000 });
    now("InferenceEscrow", "ReserverApproved", { payer: PAYER, reserver: account("app"), allowance: 150 });
    now("InferenceEscrow", "ReserverApproved", { payer: PAYER, reserver: account("app"), allowance: 50 });
    const reserve = (id: string, amount: number, balance: number): void =>
      now("InferenceEscrow", "Reserved", {
        ...{ requestId: word(id), reserver: account("app"), balance },
        reservation: [PAYER, amount, nodeId(1), word("model"), word("in"), 2, 8_000],
      });
    reserve("paid", 100, 399);
    reserve("returned", 50, 349);
    now("InferenceEscrow", "ReservationCollected", { requestId: word("paid"), amount: 60, returned: 40, balance: 389 });
    now("InferenceEscrow", "ReservationReturned", { requestId: word("returned"), amount: 50, balance: 439 });
    now("InferenceEscrow", "Thawing", { ...node, amount: 39, readyAt: 6_000 });
    now("InferenceEscrow", "Withdrawn", { ...node, amount: 39, balance: 400 });

    // Requests: one of each end.
    const ask = (id: string, asked: string): void =>
      now("InferenceRequests", "Requested", {
        ...{ requestId: word(id), requester: account("asker"), modelId: word("model") },
        terms: [word("model"), word("in"), NO_WORD, asked, 900, 5_000, 1, 20_000],
      });
    for (const id of ["done", "late", "frozen", "cancelled", "ignored"]) ask(id, id === "late" ? nodeId(1) : NO_WORD);
    now("InferenceRequests", "InputGiven", { requestId: word("done"), salt: word("salt"), input: "0x1234" });
    now("InferenceRequests", "InputAt", { requestId: word("late"), pointer: "0x5678" });
    const taken = { nodeId: nodeId(1), operator: OPERATOR, keyId: key, bond: 90 };
    for (const [i, id] of ["done", "late", "frozen"].entries())
      now("InferenceRequests", "Accepted", { ...taken, requestId: word(id), load: i + 1 });
    const done = { requestId: word("done"), nodeId: nodeId(1), receiptId: word("receipt") };
    now("InferenceRequests", "Fulfilled", { ...done, fee: 700, rest: 200, load: 2 });
    now("InferenceRequests", "CallbackFailed", { requestId: word("done"), receiptId: word("receipt") });
    now("InferenceRequests", "CallbackSucceeded", { requestId: word("done") });
    const ended = { nodeId: nodeId(1), refund: 990, penalty: 90 };
    now("InferenceRequests", "TimedOut", { ...ended, requestId: word("late"), load: 1 });
    now("InferenceRequests", "TimedOut", {
      requestId: word("ignored"),
      nodeId: NO_WORD,
      refund: 900,
      penalty: 0,
      load: 0,
    });
    now("InferenceRequests", "Excused", {
      requestId: word("frozen"),
      nodeId: nodeId(1),
      reason: 11,
      refund: 900,
      load: 0,
    });
    now("InferenceRequests", "Cancelled", { requestId: word("cancelled"), refund: 900 });
    now("InferenceRequests", "CreditChanged", { account: account("asker"), credit: 200 });
    now("InferenceRequests", "CreditChanged", { account: account("asker"), credit: 0 });
    now("InferenceRequests", "Claimed", { account: account("asker"), amount: 200 });
    now("InferenceRequests", "AgentSet", { operator: OPERATOR, agent: account("agent"), allowed: true });
    now("InferenceRequests", "AgentSet", { operator: OPERATOR, agent: account("agent"), allowed: false });
    now("InferenceRequests", "FeesAccrued", { ...fees, settler: NOBODY, amount: 700, fees: 700 });
    now("InferenceRequests", "Forwarded", { ...fees, settler: NOBODY, amount: 700 });

    const request = (id: string, fields: string): string => `{ inferenceRequest(id: "${word(id)}") { ${fields} } }`;
    return [
      {
        what: "keeps what a payer has for a node, from every side",
        query: `{ escrowBalances { payer node { id } balance deposited withdrawn collected reserved thawing thawReadyAt
          moves { kind from amount balance readyAt } } }`,
        expected: {
          escrowBalances: [
            {
              ...{ payer: PAYER, node: { id: nodeId(1) }, balance: "400", deposited: "1000", withdrawn: "39" },
              ...{ collected: "561", reserved: "0", thawing: "0", thawReadyAt: "0" },
              moves: [
                { kind: "DEPOSITED", from: account("giver"), amount: "1000", balance: "1000", readyAt: null },
                { kind: "THAWING", from: null, amount: "39", balance: "439", readyAt: "6000" },
                { kind: "WITHDRAWN", from: null, amount: "39", balance: "400", readyAt: null },
              ],
            },
          ],
        },
      },
      {
        what: "unpacks collections, up to the largest sequences",
        query: `{ channel(id: "${word("channel")}") { signer session modeMask lane limit expiry withdrawn paid owed sequence collectionCount
          collections(orderBy: paid) { sequence amount paid owed balance } } channelReleases { amount channel { id } } }`,
        expected: {
          channel: {
            ...{ signer: account("session"), session: true, modeMask: 4, lane: "7", limit: "800", expiry: "4000" },
            ...{ withdrawn: true, paid: "500", owed: "200", sequence: String(2n ** 63n), collectionCount: "2" },
            collections: [
              { sequence: "1", amount: "300", paid: "300", owed: "300", balance: "700" },
              { sequence: String(2n ** 63n), amount: "200", paid: "500", owed: "200", balance: "500" },
            ],
          },
          channelReleases: [{ amount: "300", channel: { id: word("channel") } }],
        },
      },
      {
        what: "keeps a withdrawn signer of a channel that never was",
        query: "{ signerWithdrawals(orderBy: expiry) { channel { id } channelId expiry } }",
        expected: {
          signerWithdrawals: [
            { channel: null, channelId: word("never opened"), expiry: "3000" },
            { channel: { id: word("channel") }, channelId: word("channel"), expiry: "4000" },
          ],
        },
      },
      {
        what: "keeps reservations, allowances and claims that were skipped",
        query: `{ reservations(orderBy: amount) { id status amount paid returned model { id } expiry } reserverAllowances { allowance }
          skippedClaim(id: "${skipped}") { group index refusal reason } }`,
        expected: {
          reservations: [
            { id: word("returned"), status: "RETURNED", amount: "50", paid: "0", returned: "50" },
            { id: word("paid"), status: "COLLECTED", amount: "100", paid: "60", returned: "40" },
          ].map((each) => ({ ...each, model: { id: word("model") }, expiry: "8000" })),
          reserverAllowances: [{ allowance: "50" }],
          skippedClaim: { group: "1", index: "2", refusal: "NothingDue", reason: "None" },
        },
      },
      {
        what: "keeps fees that wait and those that went on, by contract, settler and epoch",
        query: "{ waitingFees_collection(orderBy: accrued) { contract settler epoch waiting accrued forwarded } }",
        expected: {
          waitingFees_collection: [
            ["InferenceEscrow", account("settler"), "7", "507", "500"],
            ["InferenceRequests", null, "0", "700", "700"],
          ].map(([contract, settler, waiting, accrued, forwarded]) => ({
            ...{ contract: story.addressOf(String(contract)), settler, epoch: "739", waiting, accrued, forwarded },
          })),
        },
      },
      {
        what: "counts openings under a mode only where just one was allowed",
        query: `{ figures(where: { day: null, opened_gt: 0 }, orderBy: id) { scope mode opened openedFees } model(id: "${word("model")}") { opened } }`,
        expected: {
          figures: [
            { scope: "NETWORK", mode: null, opened: "5", openedFees: "1261" },
            { scope: "MODE", mode: "VANILLA", opened: "1", openedFees: "700" },
            { scope: "MODE", mode: "ZKML", opened: "1", openedFees: "60" },
            { scope: "MODE", mode: "TEE", opened: "2", openedFees: "500" },
            { scope: "MODEL", mode: null, opened: "5", openedFees: "1261" },
          ],
          model: { opened: "5" },
        },
      },
      {
        what: "follows a request to its answer and its callback",
        query: request(
          "done",
          `requester status askedNode { id } node { id } operator { id } key { id } input salt pointer maxFee fee refund bond penalty
          receiptId callback modeMask callbackGas deadline steps { kind }`,
        ),
        expected: {
          inferenceRequest: {
            ...{ requester: account("asker"), status: "FULFILLED", askedNode: null, node: { id: nodeId(1) } },
            ...{ operator: { id: OPERATOR }, key: { id: key }, input: "0x1234", salt: word("salt"), pointer: null },
            ...{ maxFee: "900", fee: "700", refund: "200", bond: "90", penalty: "0", receiptId: word("receipt") },
            ...{ callback: "SUCCEEDED", modeMask: 1, callbackGas: "20000", deadline: "5000" },
            steps: ["ASKED", "ACCEPTED", "FULFILLED", "CALLBACK_SUCCEEDED", "CALLBACK_FAILED"].map((kind) => ({
              kind,
            })),
          },
        },
      },
      {
        what: "follows requests to their other ends",
        query: `{ inferenceRequests(where: { status_not: FULFILLED }) { status refund penalty excuse pointer node { id } askedNode { id } } }`,
        expected: {
          inferenceRequests: [
            ["CANCELLED", "900", "0", null, null, false],
            ...(word("late") < word("ignored")
              ? [
                  ["TIMED_OUT", "990", "90", null, "0x5678", true],
                  ["TIMED_OUT", "900", "0", null, null, false],
                ]
              : [
                  ["TIMED_OUT", "900", "0", null, null, false],
                  ["TIMED_OUT", "990", "90", null, "0x5678", true],
                ]),
            ["EXCUSED", "900", "0", "KeyFrozen", null, true],
          ].map(([status, refund, penalty, excuse, pointer, accepted]) => ({
            ...{ status, refund, penalty, excuse, pointer, node: accepted === true ? { id: nodeId(1) } : null },
            askedNode: pointer === null ? null : { id: nodeId(1) },
          })),
        },
      },
      {
        what: "keeps credits, agents and a node's load",
        query: `{ requestAccount(id: "${account("asker")}") { credit claimed } requestAgents { agent allowed } nodeLoads { load modelId } }`,
        expected: {
          requestAccount: { credit: "0", claimed: "200" },
          requestAgents: [{ agent: account("agent"), allowed: false }],
          nodeLoads: [{ load: "0", modelId: word("model") }],
        },
      },
    ];
  },
};
