import type { Batch, Hex, Receipt } from "../../relayer/protocol/index.ts";
import type { Found } from "../unlocks/releases.ts";

/** Where on the chain something stands. */
export interface At {
  block: number;
  /** Unix seconds of the block. */
  time: number;
  transaction: Hex;
  logIndex: number;
}

/** A batch that settled, by its event. */
export interface SettledBatch extends At {
  digest: Hex;
  batch: Batch;
  /** When the registry's storage says that it settled, unix seconds; 0 if it says it did not. */
  settledAt: number;
}

/** A receipt that settled alone, by its event. */
export interface SettledReceipt extends At {
  receiptId: Hex;
  requestId: Hex;
  keyId: Hex;
  mode: number;
  settledAt: number;
}

/** What was handed to the registry to settle a batch or a receipt, from the transaction's calldata. */
export interface Submission {
  /** Digest of the batch, or receipt id. */
  id: Hex;
  signature: Hex;
  /** Packed proofs; `0x` where the mode needs none. */
  evidence: Hex;
  /** The receipt, where it settled alone. */
  receipt: Receipt | undefined;
  /** Of a proved batch. */
  modelId: Hex | undefined;
}

/** Where the leaves of a batch were found, or why not. */
export type FoundLeaves = { document: Uint8Array } | { problem: string };

/** What the chain says of a key, and of an opening that the audit made from the leaves. */
export interface ChainAnswers {
  /** Address that a key signs with; the zero address if nobody knows it. */
  signerOf(keyId: Hex): Promise<Hex>;
  /** Verifying key of a model version, as its registry stores it. */
  verifyingKey(modelId: Hex): Promise<Uint8Array>;
  verification(
    receipt: Receipt,
    batch: Batch,
    index: number,
    proof: Hex[],
  ): Promise<{ settledAt: number; receiptId: Hex }>;
}

export interface Collected extends At {
  channelId: Hex;
  sequence: bigint;
  /** Paid now, and by the channel so far. Wei. */
  amount: bigint;
  paid: bigint;
}
export interface Fulfilled extends At {
  requestId: Hex;
  receiptId: Hex;
  fee: bigint;
}
export interface ReservationCollected extends At {
  requestId: Hex;
  amount: bigint;
}
/** A signed transfer of OPG (EIP-3009) that was carried out. */
export interface AuthorizedTransfer extends At {
  payer: Hex;
  nonce: Hex;
  /** By the Transfer that came with it. Wei. */
  amount: bigint;
}

export interface Rates {
  node: bigint;
  model: bigint;
  stakers: bigint;
  treasury: bigint;
  settler: bigint;
}
export interface FeesPaid extends At {
  nodeId: Hex;
  modelId: Hex;
  settler: Hex;
  payer: Hex;
  epoch: bigint;
  amount: bigint;
  shares: Rates;
}
export interface Forwarded extends At {
  /** The contract it left. */
  from: Hex;
  nodeId: Hex;
  modelId: Hex;
  settler: Hex;
  epoch: bigint;
  amount: bigint;
}
/** A running total of the splitter: of an account, or what a model version holds. */
export type Balance = At &
  (
    | { kind: "credited"; account: Hex; amount: bigint; total: bigint }
    | { kind: "claimed"; account: Hex; amount: bigint }
    | { kind: "model"; modelId: Hex; amount: bigint; total: bigint }
    | { kind: "distributed"; modelId: Hex; amount: bigint }
  );
export type RatesChange = At &
  ({ kind: "announced"; epoch: bigint; startsAt: number; rates: Rates } | { kind: "withdrawn"; epoch: bigint });

export const FAULTS = ["equivocation", "channel fault", "foreign leaf"] as const;
export interface Fault extends At {
  kind: number;
  keyId: Hex;
  otherKeyId: Hex;
  operator: Hex;
  nodeKind: number;
  requestId: Hex;
  otherRequestId: Hex;
  receiptId: Hex;
  otherReceiptId: Hex;
  subject: Hex;
  bps: bigint;
  reporter: Hex;
  slashed: bigint;
}
export interface Statement {
  receipt: Receipt;
  batch: Batch;
  index: number;
  proof: Hex[];
  signature: Hex;
}
/** What was handed in with a report, from the transaction's calldata. */
export interface Report {
  statements: Statement[];
  channelId: Hex | undefined;
}
export interface Slashed extends At {
  operator: Hex;
  nodeKind: number;
  reporter: Hex;
  amount: bigint;
  reward: bigint;
  /** What the pool holds afterwards, of everything that a slash takes a part of. */
  left: bigint;
}

/** A number of staking that rises with notice. */
export interface StakeAnnouncement extends At {
  what: string;
  current: bigint;
  next: bigint;
  from: number;
}
export type TwinFeeEvent = At &
  (
    | { kind: "announced"; fee: number; present: bigint; announced: bigint; effectiveAt: number }
    | { kind: "withdrawn"; fee: number; present: bigint; withdrawn: bigint }
    | { kind: "changed"; fee: number; previous: bigint; present: bigint }
    | { kind: "trade"; price: bigint; protocol: bigint; subject: bigint }
  );

/** What came into a contract and left it by its own events, and what the token says it holds. Wei. */
export interface Holding {
  name: string;
  came: bigint;
  left: bigint;
  held: bigint;
}

/** Everything an audit looks at: events up to a block, and what they can be held against. */
export interface History {
  chainId: bigint;
  registry: Hex;
  token: Hex;
  /** Blocks that are reported on; the events below begin earlier. */
  from: number;
  to: number;
  batches: SettledBatch[];
  receipts: SettledReceipt[];
  submissions: Map<Hex, Submission>;
  leaves: Map<Hex, FoundLeaves>;
  chain: ChainAnswers;
  collected: Collected[];
  fulfilled: Fulfilled[];
  reservations: ReservationCollected[];
  authorized: AuthorizedTransfer[];
  holdings: Holding[];
  feesPaid: FeesPaid[];
  forwarded: Forwarded[];
  balances: Balance[];
  rates: RatesChange[];
  unlocks: Found | { problem: string };
  faults: Fault[];
  slashes: Slashed[];
  /** By transaction and the fault's key: what was handed in. */
  reports: Map<string, Report>;
  stakeAnnouncements: StakeAnnouncement[];
  twinFees: TwinFeeEvent[];
}

/** Whether something is in the blocks that are reported on. */
export const inRange = ({ from, to }: Pick<History, "from" | "to">, { block }: At): boolean =>
  block >= from && block <= to;

/** Key of a report: a transaction may prove several faults. */
export const reportKey = (transaction: Hex, keyId: Hex, requestId: Hex): string =>
  `${transaction} ${keyId} ${requestId}`;
