import { measureIngest } from "./ingest.ts";
import { row, type Row } from "./row.ts";

/** Receipts a second through accept, verify, store and batch, and what that does to the relayer's memory. */
export async function relayerRates(): Promise<Row[]> {
  const figures = await measureIngest();
  const single = figures.singleReceiptsPerSecond;
  return [
    row("receipts accepted in signed batches of 1,000", figures.receiptsPerSecond, "receipts/s", "higher", {
      baseline: single,
      target: 5_000,
    }),
    row("receipts accepted singly, each signature checked", single, "receipts/s", "higher"),
    row("growth of memory from receipt 20,000 to 200,000", figures.rssGrowth / 2 ** 20, "MiB", "lower", { target: 50 }),
  ];
}
