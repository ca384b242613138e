// Entities that stand for events: a row for each, no more, and every field what the event, its block or its transaction
// says.
import type { ChainEvent } from "./chain.ts";

const NOBODY = `0x${"0".repeat(40)}`;
const orNull = (value: unknown): unknown => (value === NOBODY ? null : value);

export interface EventSpec {
  events: readonly string[];
  /** Id of the row where it is not transaction ‖ log index. */
  id?: (event: ChainEvent) => unknown;
  /** Fields that are not called as in the event. `undefined`: not compared for this event. */
  fields?: Record<string, (event: ChainEvent) => unknown>;
}

const arg = (name: string) => (event: ChainEvent) => event.args[name];
const either =
  (...names: string[]) =>
  (event: ChainEvent) =>
    names.map((name) => event.args[name]).find((value) => value !== undefined);
const none = () => undefined;
const kinds = (of: Record<string, string>) => (event: ChainEvent) => of[event.name];
const registries = ["NodeRegistry", "EnclaveRegistry", "ModelRegistry", "NitroAttestation"];

export const EVENT_ENTITIES: Record<string, EventSpec> = {
  Batch: {
    events: ["InferenceRegistry.BatchSettled"],
    id: arg("digest"),
    fields: { settler: (event) => orNull(event.args["settler"]) },
  },
  SettledReceipt: { events: ["InferenceRegistry.ReceiptSettled"], id: arg("receiptId") },
  SkippedItem: { events: ["InferenceRegistry.ItemSkipped"] },
  SettlementStop: {
    events: ["SettlementPaused", "SettlementResumed", "ClosingAnnounced"].map((name) => `InferenceRegistry.${name}`),
    fields: {
      kind: kinds({ SettlementPaused: "PAUSED", SettlementResumed: "RESUMED", ClosingAnnounced: "CLOSING" }),
      moment: (event) => event.args["until"] ?? event.args["at"] ?? null,
      at: (event) => String(event.time),
    },
  },
  GatewayAnswer: { events: ["GatewayAnswers.AnswerSettled"], id: arg("requestId") },
  SkippedAnswer: { events: ["GatewayAnswers.AnswerSkipped"] },
  StandingChange: {
    events: registries.flatMap((name) => [`${name}.Distrusted`, `${name}.Frozen`, `${name}.FreezeRearmed`]),
    fields: {
      kind: kinds({ Distrusted: "DISTRUSTED", Frozen: "FROZEN", FreezeRearmed: "REARMED" }),
      standing: (event) => `${event.address}${String(event.args["target"]).slice(2)}`,
      moment: (event) => event.args["from"] ?? event.args["until"] ?? null,
      by: (event) => event.args["by"] ?? event.sender,
    },
  },
  KeyChange: {
    events: [
      "NodeRegistry.KeyAdded",
      "NodeRegistry.KeyRetired",
      "EnclaveRegistry.KeyAdded",
      "EnclaveRegistry.KeyRetired",
      "EnclaveRegistry.KeyHandedOver",
    ],
    fields: {
      kind: kinds({ KeyAdded: "ADDED", KeyRetired: "RETIRED", KeyHandedOver: "HANDED_OVER" }),
      validUntil: either("validUntil", "endsAt"),
    },
  },
  RootPin: { events: ["NitroAttestation.RootPinned"] },
  EscrowMove: {
    events: ["InferenceEscrow.Deposited", "InferenceEscrow.Thawing", "InferenceEscrow.Withdrawn"],
    fields: {
      kind: kinds({ Deposited: "DEPOSITED", Thawing: "THAWING", Withdrawn: "WITHDRAWN" }),
      account: (event) => `${String(event.args["payer"])}${String(event.args["nodeId"]).slice(2)}`,
      from: (event) => event.args["from"] ?? null,
      readyAt: (event) => event.args["readyAt"] ?? null,
    },
  },
  Collection: {
    events: ["InferenceEscrow.Collected"],
    fields: { channel: arg("channelId"), amount: none, sequence: none, paid: none, owed: none, balance: none },
  },
  ChannelRelease: { events: ["InferenceEscrow.Released"], fields: { channel: arg("channelId") } },
  SignerWithdrawal: { events: ["InferenceEscrow.SignerWithdrawn"], fields: { channel: none } },
  SkippedClaim: { events: ["InferenceEscrow.ClaimSkipped"] },
  RequestStep: {
    events: [
      "Requested",
      "Accepted",
      "Fulfilled",
      "CallbackSucceeded",
      "CallbackFailed",
      "Cancelled",
      "TimedOut",
      "Excused",
    ].map((name) => `InferenceRequests.${name}`),
    fields: {
      request: arg("requestId"),
      kind: kinds({
        ...{
          Requested: "ASKED",
          Accepted: "ACCEPTED",
          Fulfilled: "FULFILLED",
          CallbackSucceeded: "CALLBACK_SUCCEEDED",
        },
        ...{ CallbackFailed: "CALLBACK_FAILED", Cancelled: "CANCELLED", TimedOut: "TIMED_OUT", Excused: "EXCUSED" },
      }),
    },
  },
  FeePayment: {
    events: ["FeeSplitter.FeesPaid"],
    fields: {
      settler: (event) => orNull(event.args["settler"]),
      ...Object.fromEntries(
        ["node", "model", "stakers", "treasury", "settler"].map((name) => [`${name}Share`, arg(`shares.${name}`)]),
      ),
    },
  },
  FeeClaim: {
    events: ["FeeSplitter.Claimed", "FeeSplitter.ClaimFailed"],
    fields: {
      receiver: arg("account"),
      failed: (event) => event.name === "ClaimFailed",
      amount: either("amount", "credit"),
    },
  },
  ModelDistribution: { events: ["FeeSplitter.ModelDistributed"] },
  RateAnnouncement: {
    events: ["FeeSplitter.RatesAnnounced", "FeeSplitter.RatesWithdrawn"],
    fields: {
      withdrawal: (event) => event.name === "RatesWithdrawn",
      startsAt: (event) => event.args["startsAt"] ?? null,
      ...Object.fromEntries(
        ["node", "model", "stakers", "treasury", "settler"].map((name) => [`${name}Bps`, arg(`rates.${name}`)]),
      ),
    },
  },
  InboxSweep: {
    events: ["FeeInbox.Swept"],
    fields: { inbox: ({ address }) => address, settler: (event) => orNull(event.args["settler"]) },
  },
  StakeChange: {
    events: ["Staked", "Unbonded", "Delegated", "Undelegated", "Withdrawn", "RewardsAdded", "Slashed"].map(
      (name) => `OPGStaking.${name}`,
    ),
    fields: {
      kind: kinds({
        ...{ Staked: "STAKED", Unbonded: "UNBONDED", Delegated: "DELEGATED", Undelegated: "UNDELEGATED" },
        ...{ Withdrawn: "WITHDRAWN", RewardsAdded: "REWARDED", Slashed: "SLASHED" },
      }),
      pool: poolOf,
      own: arg("totals.own"),
      delegated: arg("totals.delegated"),
      account: none,
      shares: none,
      amount: ({ name, args }) =>
        name === "RewardsAdded"
          ? (BigInt(String(args["ownAmount"])) + BigInt(String(args["delegatedAmount"]))).toString()
          : args["amount"],
    },
  },
  Slash: { events: ["OPGStaking.Slashed"], fields: { pool: poolOf } },
  Fault: {
    events: ["Disputes.FaultProven"],
    fields: {
      slash: none,
      ...Object.fromEntries(
        ["requestId", "receiptId", "otherKeyId", "otherRequestId", "otherReceiptId", "subject", "bps"].map((name) => [
          name,
          arg(`fault.${name}`),
        ]),
      ),
      node: arg("fault.nodeId"),
    },
  },
  TokenAuthorization: {
    events: ["OPGToken.AuthorizationUsed", "OPGToken.AuthorizationCanceled"],
    id: (event) => `${String(event.args["authorizer"])}${String(event.args["nonce"]).slice(2)}`,
    fields: { cancelled: (event) => event.name === "AuthorizationCanceled" },
  },
  UnlockRelease: { events: ["OPGVesting.Released"], fields: { allocation: (event) => byte(event.args["allocation"]) } },
  Vote: {
    events: ["OPGGovernor.VoteCast", "OPGGovernor.VoteCastWithParams"],
    fields: { proposal: (event) => word(event.args["proposalId"]), params: (event) => event.args["params"] ?? null },
  },
  GovernanceSetting: {
    events: [
      ...["ProposalThresholdSet", "QuorumNumeratorUpdated", "VotingDelaySet", "VotingPeriodSet"].map(
        (name) => `OPGGovernor.${name}`,
      ),
      "OPGTimelock.MinDelayChange",
    ],
    fields: {
      name: none,
      before: ({ args }) => Object.values(args)[0],
      after: ({ args }) => Object.values(args)[1],
    },
  },
  GovernanceRole: {
    events: [
      "OPGTimelock.RoleGranted",
      "OPGTimelock.RoleRevoked",
      "OPGTimelock.RoleAdminChanged",
      "OPGGovernor.TimelockChange",
    ],
    fields: {
      name: none,
      by: (event) => event.args["sender"],
      role: (event) => event.args["role"],
      account: (event) => event.args["account"],
    },
  },
  TwinTrade: {
    events: ["TwinMarket.Trade"],
    fields: {
      twin: arg("digitalTwinId"),
      amount: arg("shareAmount"),
      price: arg("ethAmount"),
      protocolFee: arg("protocolEthAmount"),
      subjectFee: arg("subjectEthAmount"),
    },
  },
  TwinFeeChange: {
    events: ["TwinMarket.FeeIncreaseAnnounced", "TwinMarket.FeeIncreaseWithdrawn", "TwinMarket.FeeChanged"],
    fields: {
      fee: (event) => byte(event.args["fee"]),
      kind: kinds({ FeeIncreaseAnnounced: "ANNOUNCED", FeeIncreaseWithdrawn: "WITHDRAWN", FeeChanged: "CHANGED" }),
      ...{ before: none, after: none, effectiveAt: none },
    },
  },
  TwinPayout: {
    events: ["TwinMarket.SubjectFeesClaimed", "TwinMarket.ProtocolFeesClaimed", "TwinMarket.OwedFeesClaimed"],
    fields: {
      kind: kinds({ SubjectFeesClaimed: "SUBJECT", ProtocolFeesClaimed: "PROTOCOL", OwedFeesClaimed: "OWED" }),
      ...{
        twin: (event) => event.args["digitalTwinId"] ?? null,
        account: (event) => event.args["account"] ?? event.args["owner"] ?? null,
      },
    },
  },
  TwinOwnership: {
    events: ["TwinMarket.OwnershipClaimed", "TwinMarket.ConsentsCancelled"],
    fields: {
      twin: arg("digitalTwinId"),
      owner: either("newOwner", "owner"),
      previousOwner: (event) => (event.name === "OwnershipClaimed" ? orNull(event.args["previousOwner"]) : undefined),
      credited: (event) => event.args["credited"] ?? "0",
      consentsOnly: (event) => event.name === "ConsentsCancelled",
    },
  },
  SourceChange: {
    events: ["SourceRegistered", "SourceOffered", "SourceTransferred", "ConsentWithdrawn", "WithdrawalCancelled"].map(
      (name) => `ModelRegistry.${name}`,
    ),
    fields: {
      kind: kinds({
        ...{ SourceRegistered: "REGISTERED", SourceOffered: "OFFERED", SourceTransferred: "TRANSFERRED" },
        ...{ ConsentWithdrawn: "CONSENT_WITHDRAWN", WithdrawalCancelled: "WITHDRAWAL_CANCELLED" },
      }),
      source: arg("sourceId"),
      ...{ pendingOwner: none, withdrawnFrom: none },
    },
  },
  MemoryHead: { events: ["MemoryRegistry.MemoryCommitted"], fields: { memory: arg("memoryId") } },
};

function poolOf({ args }: ChainEvent): string {
  return `${String(args["operator"])}${byte(args["kind"]).slice(2)}`;
}
/** A small number as one byte. */
export const byte = (value: unknown): string => `0x${Number(value).toString(16).padStart(2, "0")}`;
/** A number as 32 bytes. */
export const word = (value: unknown): string => `0x${BigInt(String(value)).toString(16).padStart(64, "0")}`;
