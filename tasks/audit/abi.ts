import { Interface } from "ethers";

// Written out, so that the audit reads what the protocol's documentation says and not what a build happens to contain. A
// test holds every fragment against the compiled contracts.
const BATCH = "(bytes32 keyId,uint8 mode,bytes32 root,uint32 count,bytes32 dataHash,address settler)";
const RECEIPT =
  "(bytes32 requestId,bytes32 modelId,bytes32 inputHash,bytes32 outputHash,uint8 outputScheme,bytes32 contextHash," +
  "bytes32 keyId,address payer,uint64 sequence,uint128 cumulativeFee,uint64 completedAt,uint8 mode)";
const OPENING = `(${RECEIPT} receipt,${BATCH} batch,uint32 index,bytes32[] proof)`;
const STATEMENT = `(${OPENING} opening,bytes signature)`;
const FAULT =
  "(uint8 kind,uint8 nodeKind,address operator,bytes32 nodeId,bytes32 keyId,bytes32 requestId,bytes32 receiptId," +
  "bytes32 otherKeyId,bytes32 otherRequestId,bytes32 otherReceiptId,bytes32 subject,uint256 bps)";
const CHANNEL =
  "(address escrow,address payer,address signer,bytes32 nodeId,bytes32 modelId,uint8 modeMask,uint64 lane)";
const RATES = "(uint16 node,uint16 model,uint16 stakers,uint16 treasury,uint16 settler)";
const SHARES = "(uint256 node,uint256 model,uint256 stakers,uint256 treasury,uint256 settler)";
const TOTALS =
  "(uint256 own,uint256 ownUnbonding,uint256 ownUnbondingShares,uint256 delegated,uint256 delegatedShares," +
  "uint256 delegatedUnbonding,uint256 delegatedUnbondingShares,uint256 totalBonded,uint256 streamRemaining,uint256 streamEnd)";
const ANNOUNCEMENT = "(uint256 current,uint256 next,uint256 from)";

export const registry = new Interface([
  `function settleBatches((${BATCH} batch,bytes signature)[] items) returns (uint256 settled)`,
  `function settleProvedBatches((${BATCH} batch,bytes32 modelId,bytes signature,bytes receipts,bytes evidence)[] items) returns (uint256 settled)`,
  `function settleReceipts((${RECEIPT} receipt,bytes signature,bytes evidence)[] items) returns (uint256 settled)`,
  `function verification(${OPENING} opening) view returns ((bool verified,bool distrusted,bool frozen,uint8 mode,uint8 reason,uint64 settledAt,bytes32 receiptId) result)`,
  "function settledAt(bytes32 digestOrReceiptId) view returns (uint64)",
  "event BatchSettled(bytes32 indexed digest,bytes32 indexed keyId,uint8 indexed mode,bytes32 root,uint32 count,bytes32 dataHash,address settler)",
  "event ReceiptSettled(bytes32 indexed receiptId,bytes32 indexed requestId,bytes32 indexed keyId,bytes32 modelId,uint8 mode)",
]);

export const keyRegistry = new Interface([
  "function signingKey(bytes32 keyId) view returns (address signer,(uint256 kind,uint256 validFrom,uint256 validUntil,uint256 distrustedFrom,uint256 frozenUntil,bytes32 nodeId) state)",
]);

export const modelRegistry = new Interface(["function verifyingKey(bytes32 modelId) view returns (address pointer)"]);

export const escrow = new Interface([
  "event Deposited(address indexed payer,bytes32 indexed nodeId,address indexed from,uint256 amount,uint256 balance)",
  "event Withdrawn(address indexed payer,bytes32 indexed nodeId,uint256 amount,uint256 balance)",
  "event Collected(bytes32 indexed channelId,uint256 payment,uint256 totals)",
  "event Forwarded(bytes32 indexed nodeId,bytes32 indexed modelId,address indexed settler,uint256 epoch,uint256 amount)",
  "event ReservationCollected(bytes32 indexed requestId,uint256 amount,uint256 returned,uint256 balance)",
]);

export const requests = new Interface([
  "event Fulfilled(bytes32 indexed requestId,bytes32 indexed nodeId,bytes32 indexed receiptId,uint256 fee,uint256 rest,uint256 load)",
  "event Forwarded(bytes32 indexed nodeId,bytes32 indexed modelId,address indexed settler,uint256 epoch,uint256 amount)",
]);

export const splitter = new Interface([
  `event FeesPaid(bytes32 indexed nodeId,bytes32 indexed modelId,address indexed settler,address payer,uint256 epoch,uint256 amount,${SHARES} shares)`,
  "event Credited(address indexed account,uint256 amount,uint256 credit)",
  "event ModelCredited(bytes32 indexed modelId,uint256 amount,uint256 balance)",
  "event ModelDistributed(bytes32 indexed modelId,uint256 amount)",
  "event Claimed(address indexed account,uint256 amount)",
  `event RatesAnnounced(uint256 indexed epoch,uint256 startsAt,${RATES} rates)`,
  `event RatesWithdrawn(uint256 indexed epoch,${RATES} rates)`,
]);

export const token = new Interface([
  "event Transfer(address indexed from,address indexed to,uint256 value)",
  "event AuthorizationUsed(address indexed authorizer,bytes32 indexed nonce)",
  "function balanceOf(address account) view returns (uint256)",
]);

export const disputes = new Interface([
  `function reportEquivocation(${STATEMENT} a,${STATEMENT} b) returns (uint256 slashed)`,
  `function reportChannelFault(${CHANNEL} channel,${STATEMENT} a,${STATEMENT} b) returns (uint256 slashed)`,
  `function reportForeignLeaf(${STATEMENT} evidence) returns (uint256 slashed)`,
  `event FaultProven(uint8 indexed kind,bytes32 indexed keyId,address indexed operator,address reporter,uint256 slashed,${FAULT} fault)`,
]);

export const staking = new Interface([
  `event Slashed(address indexed operator,uint8 indexed kind,address indexed reporter,uint256 amount,uint256 reward,${TOTALS} totals)`,
  `event MinimumChanged(uint8 indexed kind,${ANNOUNCEMENT} value)`,
  `event OwnShareChanged(uint8 indexed kind,${ANNOUNCEMENT} value)`,
  `event CommissionChanged(address indexed operator,uint8 indexed kind,${ANNOUNCEMENT} value)`,
]);

export const market = new Interface([
  "event Trade(address trader,bytes16 digitalTwinId,bool isBuy,uint256 shareAmount,uint256 ethAmount,uint256 protocolEthAmount,uint256 subjectEthAmount,uint256 supply)",
  "event FeeIncreaseAnnounced(uint8 indexed fee,uint256 present,uint256 announced,uint256 effectiveAt)",
  "event FeeIncreaseWithdrawn(uint8 indexed fee,uint256 present,uint256 withdrawn)",
  "event FeeChanged(uint8 indexed fee,uint256 previous,uint256 present)",
]);

/** All of them, by the name of their contract. */
export const ABIS = {
  InferenceRegistry: registry,
  NodeRegistry: keyRegistry,
  ModelRegistry: modelRegistry,
  InferenceEscrow: escrow,
  InferenceRequests: requests,
  FeeSplitter: splitter,
  OPGToken: token,
  Disputes: disputes,
  OPGStaking: staking,
  TwinMarket: market,
} as const;
