// SPDX-License-Identifier: MIT
// What is asked of the index. `generated.ts` has the types, made from these and the schema that graph-node serves.
//
// Every question names the block that it is about, so that the pages of one reading belong together; and pages go by id,
// as skipping costs the more the further it goes.
import { gql } from "graphql-request";

/** Where the index stands. */
export const HEAD = gql`
  query Head {
    _meta {
      deployment
      hasIndexingErrors
      block {
        number
        hash
        timestamp
      }
    }
    protocol(id: "0x01") {
      orphans
    }
  }
`;

export const BATCHES_BY_ID = gql`
  query BatchesById($ids: [Bytes!]!, $block: Int!) {
    batches(first: 1000, where: { id_in: $ids }, block: { number: $block }) {
      id
      key {
        id
      }
      mode
      root
      count
      settledAt
      block
      transaction
    }
  }
`;

export const RECEIPTS_BY_ID = gql`
  query ReceiptsById($ids: [Bytes!]!, $block: Int!) {
    settledReceipts(first: 1000, where: { id_in: $ids }, block: { number: $block }) {
      id
      key {
        id
      }
      mode
      settledAt
      block
      transaction
    }
  }
`;

/** Receipts of each key that ever settled. */
export const KEY_TOTALS = gql`
  query KeyTotals($ids: [Bytes!]!, $block: Int!) {
    signingKeys(first: 1000, where: { id_in: $ids }, block: { number: $block }) {
      id
      receipts
    }
  }
`;

/**
 * Receipts of the whole network on each day, by ids: an index keeps every state that a figure ever had, and only by id does
 * it find the one at a block without reading all of the day's.
 */
export const DAY_TOTALS = gql`
  query DayTotals($ids: [Bytes!]!, $block: Int!) {
    figures(first: 1000, where: { id_in: $ids }, block: { number: $block }) {
      id
      day
      receipts
    }
  }
`;

/** What settled between two moments, the first included. */
export const BATCHES_OF_TIME = gql`
  query BatchesOfTime($from: BigInt!, $until: BigInt!, $after: Bytes!, $block: Int!) {
    batches(
      first: 500
      orderBy: id
      where: { settledAt_gte: $from, settledAt_lt: $until, id_gt: $after }
      block: { number: $block }
    ) {
      id
      count
      block
    }
  }
`;
export const RECEIPTS_OF_TIME = gql`
  query ReceiptsOfTime($from: BigInt!, $until: BigInt!, $after: Bytes!, $block: Int!) {
    settledReceipts(
      first: 500
      orderBy: id
      where: { settledAt_gte: $from, settledAt_lt: $until, id_gt: $after }
      block: { number: $block }
    ) {
      id
      block
    }
  }
`;

/** What settled of a key. */
export const BATCHES_OF_KEY = gql`
  query BatchesOfKey($key: String!, $after: Bytes!, $block: Int!) {
    batches(first: 500, orderBy: id, where: { key: $key, id_gt: $after }, block: { number: $block }) {
      id
      count
    }
  }
`;
export const RECEIPTS_OF_KEY = gql`
  query ReceiptsOfKey($key: String!, $after: Bytes!, $block: Int!) {
    settledReceipts(first: 500, orderBy: id, where: { key: $key, id_gt: $after }, block: { number: $block }) {
      id
    }
  }
`;

export const DOCUMENTS = {
  HEAD,
  BATCHES_BY_ID,
  RECEIPTS_BY_ID,
  KEY_TOTALS,
  DAY_TOTALS,
  BATCHES_OF_TIME,
  RECEIPTS_OF_TIME,
  BATCHES_OF_KEY,
  RECEIPTS_OF_KEY,
};
