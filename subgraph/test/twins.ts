import { account, join, word, type Scenario } from "../testing/scenario.ts";
import type { Check, Story } from "../testing/story.ts";

const NOBODY = `0x${"00".repeat(20)}`;

/** Twins: markets, owners, fees and links. */
export const twins: Story = {
  title: "twins",
  write(story: Scenario): Check[] {
    const now = (contract: string, name: string, given: Record<string, unknown>): void => {
      story.emit(contract, name, given, 0);
    };
    const { key } = join(story, 9, account("answerer"), "link");
    const at = story.now;
    const twin = word("twin").slice(0, 34);
    const twinId = { digitalTwinId: twin };
    now("TwinMarket", "TwinCreated", { ...twinId, creator: account("maker"), claimant: account("star"), url: "u" });
    const mine = word("mine").slice(0, 34);
    now("TwinMarket", "TwinCreated", { digitalTwinId: mine, creator: account("maker"), claimant: NOBODY, url: "v" });
    const trade = { ...twinId, trader: account("fan"), isBuy: true, shareAmount: 3, ethAmount: 1_000 };
    now("TwinMarket", "Trade", { ...trade, protocolEthAmount: 25, subjectEthAmount: 30, supply: 3 });
    const sale = {
      isBuy: false,
      shareAmount: 3,
      ethAmount: 400,
      protocolEthAmount: 10,
      subjectEthAmount: 12,
      supply: 0,
    };
    now("TwinMarket", "OwnershipClaimed", {
      ...{ ...twinId, previousOwner: NOBODY, newOwner: account("star"), nonce: 1, credited: 0 },
    });
    now("TwinMarket", "Trade", { ...trade, ...sale });
    now("TwinMarket", "SubjectFeesClaimed", { ...twinId, owner: account("star"), to: account("bank"), amount: 2 });
    now("TwinMarket", "OwnershipClaimed", {
      ...{ ...twinId, previousOwner: account("star"), newOwner: account("heir"), nonce: 2, credited: 40 },
    });
    now("TwinMarket", "ConsentsCancelled", { ...twinId, owner: account("heir"), nonce: 3 });
    now("TwinMarket", "OwedFeesClaimed", { account: account("star"), to: account("bank"), amount: 15 });
    now("TwinMarket", "ProtocolFeesClaimed", { to: account("bank"), amount: 35 });
    now("TwinMarket", "FeeChanged", { fee: 1, previous: 0, present: 30 });
    now("TwinMarket", "FeeIncreaseAnnounced", { fee: 1, present: 30, announced: 40, effectiveAt: 500 });
    now("TwinMarket", "FeeIncreaseWithdrawn", { fee: 1, present: 30, withdrawn: 40 });
    now("TwinMarket", "FeeIncreaseAnnounced", { fee: 1, present: 30, announced: 50, effectiveAt: 600 });
    now("TwinMarket", "FeeChanged", { fee: 1, previous: 30, present: 50 });
    now("TwinMarket", "FeeIncreaseAnnounced", { fee: 0, present: 20, announced: 22, effectiveAt: 700 });
    const link = { ...twinId, modelId: word("m"), keyId: key, by: account("heir") };
    now("TwinAgents", "AgentLinkChanged", { ...link, status: 1 });
    now("TwinAgents", "AgentLinkChanged", { ...link, status: 2 });

    return [
      {
        what: "keeps a twin's market, owners and fees",
        query: `{ twin(id: "${twin}") { creator claimant owner nonce url supply holderCount tradeCount volume reserve protocolFees subjectFees feesHeld
          lastPrice trades(orderBy: price) { isBuy amount price supply } claims(orderBy: nonce) { previousOwner owner credited consentsOnly }
          links { status by key { id } modelId } } mine: twin(id: "${mine}") { owner claimant } }`,
        expected: {
          twin: {
            ...{ creator: account("maker"), claimant: null, owner: account("heir"), nonce: "3", url: "u", supply: "0" },
            ...{
              holderCount: "0",
              tradeCount: "2",
              volume: "1400",
              reserve: "600",
              protocolFees: "35",
              subjectFees: "42",
            },
            ...{ feesHeld: "0", lastPrice: "133.333333" },
            trades: [
              { isBuy: false, amount: "3", price: "400", supply: "0" },
              { isBuy: true, amount: "3", price: "1000", supply: "3" },
            ],
            claims: [
              { previousOwner: null, owner: account("star"), credited: "0", consentsOnly: false },
              { previousOwner: account("star"), owner: account("heir"), credited: "40", consentsOnly: false },
              { previousOwner: account("heir"), owner: account("heir"), credited: "0", consentsOnly: true },
            ],
            links: [{ status: "CONFIRMED", by: account("heir"), key: { id: key }, modelId: word("m") }],
          },
          mine: { owner: account("maker"), claimant: null },
        },
      },
      {
        what: "keeps the market's fees with the time at which an announced one takes effect, and payouts",
        query: `{ twinFees { kind present announced effectiveAt } twinFeeChanges(where: { fee: "0x01", kind_not: CHANGED }, orderBy: after) {
          kind before after effectiveAt } twinPayouts(orderBy: amount) { kind amount account to } twinOweds { id owed claimed } }`,
        expected: {
          twinFees: [
            { kind: "PROTOCOL", present: "20", announced: "22", effectiveAt: "700" },
            { kind: "SUBJECT", present: "50", announced: null, effectiveAt: null },
          ],
          twinFeeChanges: [
            { kind: "WITHDRAWN", before: "40", after: "30", effectiveAt: null },
            { kind: "ANNOUNCED", before: "30", after: "40", effectiveAt: "500" },
            { kind: "ANNOUNCED", before: "30", after: "50", effectiveAt: "600" },
          ],
          twinPayouts: [
            { kind: "SUBJECT", amount: "2", account: account("star"), to: account("bank") },
            { kind: "OWED", amount: "15", account: account("star"), to: account("bank") },
            { kind: "PROTOCOL", amount: "35", account: null, to: account("bank") },
          ],
          twinOweds: [{ id: account("star"), owed: "25", claimed: "15" }],
        },
      },
      {
        what: "dates an increase by its announcement and not by the trade that applied it",
        query: `{ twinFeeChanges(where: { fee: "0x01", kind: CHANGED }, orderBy: after) { before after effectiveAt } }`,
        expected: {
          twinFeeChanges: [
            { before: "0", after: "30", effectiveAt: String(at) },
            { before: "30", after: "50", effectiveAt: "600" },
          ],
        },
      },
    ];
  },
};
