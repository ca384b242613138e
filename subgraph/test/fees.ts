import { account, event, join, nodeId, word, type Scenario } from "../testing/scenario.ts";
import type { Check, Story } from "../testing/story.ts";

const NOBODY = `0x${"00".repeat(20)}`;
const OPERATOR = account("operator");

/** Fees, who receives them, rates and inboxes. */
export const fees: Story = {
  title: "fees",
  write(story: Scenario): Check[] {
    const now = (contract: string, name: string, given: Record<string, unknown>): void => {
      story.emit(contract, name, given, 0);
    };
    join(story, 5, OPERATOR, "fee key");
    now("ModelRegistry", "ModelRegistered", { modelId: word("fee model"), verifier: NOBODY });
    const at = story.now;

    // A fee with everybody, one without settler and treasury, and what the model version held, divided.
    const paid = { nodeId: nodeId(5), modelId: word("fee model"), payer: account("anybody"), epoch: 739 };
    const credit = (who: string, amount: number, total: number): ReturnType<typeof event> =>
      event("FeeSplitter", "Credited", { account: account(who), amount, credit: total });
    story.send(
      {
        events: [
          event("FeeSplitter", "FeesPaid", {
            ...paid,
            settler: account("settler"),
            amount: 1_000,
            shares: [800, 100, 50, 40, 10],
          }),
          credit("operator", 800, 800),
          event("FeeSplitter", "ModelCredited", { modelId: word("fee model"), amount: 100, balance: 100 }),
          credit("timelock", 40, 40),
          credit("settler", 10, 10),
          event("FeeSplitter", "FeesPaid", { ...paid, settler: NOBODY, amount: 10, shares: [10, 0, 0, 0, 0] }),
          credit("operator", 10, 810),
        ],
      },
      0,
    );
    story.send(
      {
        events: [
          event("FeeSplitter", "ModelDistributed", { modelId: word("fee model"), amount: 100 }),
          // The operator owns the version, too.
          credit("operator", 100, 910),
        ],
      },
      0,
    );
    now("FeeSplitter", "Claimed", { account: OPERATOR, amount: 910 });
    now("FeeSplitter", "ClaimFailed", { account: account("settler"), credit: 10 });
    const rates = [8_000, 1_000, 500, 400, 100];
    now("FeeSplitter", "RatesAnnounced", { epoch: 0, startsAt: 0, rates });
    now("FeeSplitter", "RatesAnnounced", {
      epoch: 741,
      startsAt: 741 * 2_419_200,
      rates: [7_000, 2_000, 500, 400, 100],
    });
    now("FeeSplitter", "RatesWithdrawn", { epoch: 741, rates });
    const inbox = account("inbox");
    now("FeeInboxes", "InboxCreated", { nodeId: nodeId(5), modelId: word("fee model"), inbox });
    story.send({ events: [] });
    story.send({ events: [] });
    story.chain.append({ events: [event("FeeInbox", "Swept", { settler: NOBODY, amount: 44 })] }, () => inbox);

    return [
      {
        what: "tells for what a receiver of fees was credited",
        query:
          "{ feeReceivers(orderBy: credited) { id credited claimed credit asNode asTreasury asSettler asModel claims { amount failed } } }",
        expected: {
          feeReceivers: [
            {
              ...{ id: account("settler"), credited: "10", claimed: "0", credit: "10" },
              ...{
                asNode: "0",
                asTreasury: "0",
                asSettler: "10",
                asModel: "0",
                claims: [{ amount: "10", failed: true }],
              },
            },
            {
              ...{ id: account("timelock"), credited: "40", claimed: "0", credit: "40" },
              ...{ asNode: "0", asTreasury: "40", asSettler: "0", asModel: "0", claims: [] },
            },
            {
              ...{ id: OPERATOR, credited: "910", claimed: "910", credit: "0" },
              ...{
                asNode: "810",
                asTreasury: "0",
                asSettler: "0",
                asModel: "100",
                claims: [{ amount: "910", failed: false }],
              },
            },
          ],
        },
      },
      {
        what: "keeps every fee with its shares, and what node, operator and model version got",
        query: `{ feePayments(orderBy: amount) { amount nodeShare modelShare stakersShare treasuryShare settlerShare settler payer }
          operator(id: "${OPERATOR}") { fees } node(id: "${nodeId(5)}") { fees } model(id: "${word("fee model")}") { credited held distributed }
          modelDistributions { amount } protocol(id: "0x01") { fees orphans } }`,
        expected: {
          feePayments: [
            ["10", "10", "0", "0", "0", "0", null],
            ["1000", "800", "100", "50", "40", "10", account("settler")],
          ].map(([amount, nodeShare, modelShare, stakersShare, treasuryShare, settlerShare, settler]) => ({
            ...{ amount, nodeShare, modelShare, stakersShare, treasuryShare, settlerShare, settler },
            payer: account("anybody"),
          })),
          operator: { fees: "810" },
          node: { fees: "1010" },
          model: { credited: "100", held: "0", distributed: "100" },
          modelDistributions: [{ amount: "100" }],
          protocol: { fees: "1010", orphans: "0" },
        },
      },
      {
        what: "keeps announced rates with the time they take effect, and that they were withdrawn",
        query: `{ feeRates_collection(orderBy: epoch) { epoch startsAt nodeBps modelBps stakersBps treasuryBps settlerBps withdrawn announcedAt }
          rateAnnouncements { epoch withdrawal startsAt } }`,
        expected: {
          feeRates_collection: [
            { epoch: "0", startsAt: "0", nodeBps: 8_000, modelBps: 1_000, withdrawn: false },
            { epoch: "741", startsAt: String(741 * 2_419_200), nodeBps: 7_000, modelBps: 2_000, withdrawn: true },
          ].map((row) => ({
            ...{ ...row, stakersBps: 500, treasuryBps: 400, settlerBps: 100 },
            announcedAt: String(at),
          })),
          rateAnnouncements: [
            { epoch: "0", withdrawal: false, startsAt: "0" },
            { epoch: "741", withdrawal: false, startsAt: String(741 * 2_419_200) },
            { epoch: "741", withdrawal: true, startsAt: null },
          ].sort((a, b) => Number(a.withdrawal) - Number(b.withdrawal)),
        },
      },
      {
        what: "follows an inbox from when it got its code on",
        query: `{ feeInbox(id: "${inbox}") { node { id } model { id } swept sweeps { amount settler } } }`,
        expected: {
          feeInbox: {
            ...{ node: { id: nodeId(5) }, model: { id: word("fee model") }, swept: "44" },
            sweeps: [{ amount: "44", settler: null }],
          },
        },
      },
    ];
  },
};
