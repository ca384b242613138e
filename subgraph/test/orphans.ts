import { handledEvents } from "../testing/defaults.ts";
import type { Scenario } from "../testing/scenario.ts";
import type { Check, Story } from "../testing/story.ts";

/**
 * Events that announce something, or tell of accounts, fees or settings that need no announcement. All others name
 * something, and in this story nothing was ever announced.
 */
const STANDS_ALONE = new Set(
  (
    "InferenceRegistry.ItemSkipped InferenceRegistry.SettlementPaused InferenceRegistry.SettlementResumed " +
    "InferenceRegistry.ClosingAnnounced NodeRegistry.NodeRegistered NodeRegistry.Distrusted NodeRegistry.Frozen " +
    "NodeRegistry.FreezeRearmed EnclaveRegistry.Distrusted EnclaveRegistry.Frozen EnclaveRegistry.FreezeRearmed " +
    "EnclaveRegistry.MeasurementKnown NitroAttestation.RootPinned NitroAttestation.CertificateCached " +
    "NitroAttestation.Distrusted NitroAttestation.Frozen NitroAttestation.FreezeRearmed ModelRegistry.Distrusted " +
    "ModelRegistry.Frozen ModelRegistry.FreezeRearmed ModelRegistry.ModelRegistered ModelRegistry.SourceRegistered " +
    "ModelRegistry.VerifierApproved MemoryRegistry.MemoryCommitted GatewayAnswers.AnswerSkipped " +
    "InferenceRequests.Requested InferenceRequests.CreditChanged InferenceRequests.Claimed InferenceRequests.AgentSet " +
    "InferenceRequests.FeesAccrued InferenceRequests.Forwarded InferenceEscrow.Deposited InferenceEscrow.Thawing " +
    "InferenceEscrow.Withdrawn InferenceEscrow.ChannelOpened InferenceEscrow.SignerWithdrawn " +
    "InferenceEscrow.ClaimSkipped InferenceEscrow.ReserverApproved InferenceEscrow.Reserved " +
    "InferenceEscrow.FeesAccrued InferenceEscrow.Forwarded FeeSplitter.Credited FeeSplitter.Claimed " +
    "FeeSplitter.ClaimFailed FeeSplitter.RatesAnnounced FeeInboxes.InboxCreated OPGStaking.Wired " +
    "OPGStaking.PoolCreated OPGStaking.StreamToppedUp OPGStaking.Credited OPGStaking.Claimed " +
    "OPGStaking.MinimumChanged OPGStaking.OwnShareChanged OPGToken.AuthorizationCanceled OPGToken.AuthorizationUsed " +
    "OPGToken.DelegateChanged OPGToken.DelegateVotesChanged OPGToken.Transfer OPGGenesis.Launched OPGVesting.Released " +
    "OPGGovernor.ProposalCreated OPGGovernor.ProposalThresholdSet OPGGovernor.QuorumNumeratorUpdated " +
    "OPGGovernor.TimelockChange OPGGovernor.VotingDelaySet OPGGovernor.VotingPeriodSet OPGTimelock.CallScheduled " +
    "OPGTimelock.MinDelayChange OPGTimelock.RoleAdminChanged OPGTimelock.RoleGranted OPGTimelock.RoleRevoked " +
    "TwinMarket.TwinCreated TwinMarket.FeeChanged TwinMarket.FeeIncreaseAnnounced TwinMarket.FeeIncreaseWithdrawn " +
    "TwinMarket.ProtocolFeesClaimed TwinMarket.OwedFeesClaimed"
  ).split(" "),
);

/** Every event there is, once, about things that nobody ever announced. */
export const orphans: Story = {
  title: "events that name nothing known",
  write(story: Scenario): Check[] {
    const all = handledEvents();
    story.send({ events: [] });
    for (const { contract, event } of all) story.emit(contract, event, {}, 0);
    const expected = all.filter(({ contract, event }) => !STANDS_ALONE.has(`${contract}.${event}`)).length;
    return [
      {
        what: "counts each of them as an orphan, and no handler fails",
        query: `{ protocol(id: "0x01") { orphans batches receipts opened faults fees gatewayAnswers } figures { id } }`,
        expected: {
          protocol: {
            ...{ orphans: String(expected), batches: "0", receipts: "0", opened: "0", faults: "0", fees: "0" },
            gatewayAnswers: "0",
          },
          figures: [],
        },
      },
      {
        what: "keeps nothing of them that would point nowhere",
        query:
          "{ batches { id } collections { id } keyChanges { id } faults { id } slashes { id } votes { id } twinTrades { id } feePayments { id } stakeChanges { id } }",
        expected: Object.fromEntries(
          "batches collections keyChanges faults slashes votes twinTrades feePayments stakeChanges"
            .split(" ")
            .map((name) => [name, []]),
        ),
      },
    ];
  },
};
