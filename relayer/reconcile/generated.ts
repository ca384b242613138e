// SPDX-License-Identifier: MIT
// Made by npm run reconcile:types from queries.ts and schema.graphql.

/** Internal type. DO NOT USE DIRECTLY. */
type Exact<T extends { [key: string]: unknown }> = { [K in keyof T]: T[K] };
/** Internal type. DO NOT USE DIRECTLY. */
export type Incremental<T> = T | { [P in keyof T]?: P extends " $fragmentName" | "__typename" ? T[P] : never };
export type Mode = "VANILLA" | "ZKML" | "TEE";

export type HeadQueryVariables = Exact<{ [key: string]: never }>;

export type HeadQuery = {
  _meta: {
    deployment: string;
    hasIndexingErrors: boolean;
    block: { number: number; hash: `0x${string}` | null; timestamp: number | null };
  } | null;
  protocol: { orphans: string } | null;
};

export type BatchesByIdQueryVariables = Exact<{
  ids: Array<`0x${string}`> | `0x${string}`;
  block: number;
}>;

export type BatchesByIdQuery = {
  batches: Array<{
    id: `0x${string}`;
    mode: Mode;
    root: `0x${string}`;
    count: number;
    settledAt: string;
    block: string;
    transaction: `0x${string}`;
    key: { id: `0x${string}` };
  }>;
};

export type ReceiptsByIdQueryVariables = Exact<{
  ids: Array<`0x${string}`> | `0x${string}`;
  block: number;
}>;

export type ReceiptsByIdQuery = {
  settledReceipts: Array<{
    id: `0x${string}`;
    mode: Mode;
    settledAt: string;
    block: string;
    transaction: `0x${string}`;
    key: { id: `0x${string}` };
  }>;
};

export type KeyTotalsQueryVariables = Exact<{
  ids: Array<`0x${string}`> | `0x${string}`;
  block: number;
}>;

export type KeyTotalsQuery = { signingKeys: Array<{ id: `0x${string}`; receipts: string }> };

export type DayTotalsQueryVariables = Exact<{
  ids: Array<`0x${string}`> | `0x${string}`;
  block: number;
}>;

export type DayTotalsQuery = { figures: Array<{ id: `0x${string}`; day: number | null; receipts: string }> };

export type BatchesOfTimeQueryVariables = Exact<{
  from: string;
  until: string;
  after: `0x${string}`;
  block: number;
}>;

export type BatchesOfTimeQuery = { batches: Array<{ id: `0x${string}`; count: number; block: string }> };

export type ReceiptsOfTimeQueryVariables = Exact<{
  from: string;
  until: string;
  after: `0x${string}`;
  block: number;
}>;

export type ReceiptsOfTimeQuery = { settledReceipts: Array<{ id: `0x${string}`; block: string }> };

export type BatchesOfKeyQueryVariables = Exact<{
  key: string;
  after: `0x${string}`;
  block: number;
}>;

export type BatchesOfKeyQuery = { batches: Array<{ id: `0x${string}`; count: number }> };

export type ReceiptsOfKeyQueryVariables = Exact<{
  key: string;
  after: `0x${string}`;
  block: number;
}>;

export type ReceiptsOfKeyQuery = { settledReceipts: Array<{ id: `0x${string}` }> };
