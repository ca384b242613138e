// SPDX-License-Identifier: MIT
import { bigint, index, integer, pgTable, primaryKey, text } from "drizzle-orm/pg-core";

/** `missing`: could not be put yet; `lost`: was there, and was found damaged or gone. */
export type PublicationState = "missing" | "published" | "lost";

const millis = () => bigint({ mode: "number" });

/** Where the leaves of a batch are published. Without a row nobody has tried yet. */
export const publications = pgTable(
  "publications",
  {
    batchId: bigint({ mode: "number" }).notNull(),
    /** As in the configuration. */
    store: text().notNull(),
    state: text().$type<PublicationState>().notNull(),
    /** What the store calls the document, where that does not follow from its hash. */
    locator: text(),
    publishedAt: millis(),
    /** Until when the store keeps it at least; null for as long as nobody deletes it. */
    expiresAt: millis(),
    /** When it was last read back and found whole. */
    checkedAt: millis(),
    /** What the last try failed with. */
    reason: text(),
    tries: integer().notNull().default(0),
    dueAt: millis().notNull().default(0),
  },
  (table) => [
    primaryKey({ columns: [table.batchId, table.store] }),
    index("publications_expiry").on(table.store, table.expiresAt),
    index("publications_checked").on(table.store, table.checkedAt),
    index("publications_state").on(table.store, table.state),
  ],
);
