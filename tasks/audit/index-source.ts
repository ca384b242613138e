import { ClientError, gql, GraphQLClient } from "graphql-request";
import { printable } from "../../relayer/printable.ts";
import { boundedFetch } from "../../relayer/reconcile/index-client.ts";

/** The index did not answer as an index does. */
export class IndexError extends Error {
  readonly code = "index_unavailable";
  override readonly name = "IndexError";
}

/** How far an index is. */
export interface IndexHead {
  number: number;
  hash: string | null;
  failed: boolean;
}

export type IndexRow = Record<string, unknown>;

const PAGE = 1_000;
const TIMEOUT_MS = 30_000;
/** Of one answer: a page of 1,000 rows has some 500 kB. */
const MAX_BYTES = 16_000_000;
/** Of one entity: more rows than an audit can hold in memory with the events beside them. */
const MAX_PAGES = 2_000;

/** Reads of a subgraph, page by page in order of ids. */
export function indexSource(url: string) {
  const client = new GraphQLClient(url, {
    fetch: boundedFetch(TIMEOUT_MS, MAX_BYTES),
  });
  async function ask(query: string, variables: Record<string, unknown>): Promise<Record<string, unknown>> {
    try {
      return await client.request<Record<string, unknown>>(query, variables);
    } catch (problem) {
      const said = problem instanceof ClientError ? JSON.stringify(problem.response.errors) : String(problem);
      throw new IndexError(
        `The index at ${url} does not answer: ${printable(said)}. Name another --subgraph, or leave it out.`,
      );
    }
  }
  function nonsense(what: string): never {
    throw new IndexError(`The index at ${url} answers ${what}. Name another --subgraph, or leave it out.`);
  }
  return {
    async head(): Promise<IndexHead> {
      const answer = await ask(
        gql`
          {
            _meta {
              block {
                number
                hash
              }
              hasIndexingErrors
            }
          }
        `,
        {},
      );
      const meta = answer["_meta"] as Partial<{ block: Partial<IndexHead>; hasIndexingErrors: boolean }> | null;
      const { number, hash } = meta?.block ?? {};
      if (!Number.isSafeInteger(number)) nonsense("without saying how far it is");
      // Only a plain no says that it did not fail.
      return { number: number!, hash: hash ?? null, failed: meta?.hasIndexingErrors !== false };
    },
    /** All rows of an entity whose `block` is in a range. */
    async rows(collection: string, fields: string, from: number, to: number): Promise<IndexRow[]> {
      const query = `query ($after: Bytes!, $from: BigInt!, $to: BigInt!) {
        ${collection}(first: ${PAGE}, orderBy: id, where: {id_gt: $after, block_gte: $from, block_lte: $to}) { id ${fields} }
      }`;
      const rows: IndexRow[] = [];
      let after = "0x";
      for (let pages = 0; pages < MAX_PAGES; pages++) {
        const answer = await ask(query, { after, from: String(from), to: String(to) });
        const page: unknown = answer[collection];
        if (!Array.isArray(page) || page.length > PAGE) return nonsense(`no page of ${collection}`);
        for (const row of page as (IndexRow | null)[]) {
          const id = row?.["id"];
          // One that ignores where to go on would be read for ever.
          if (typeof id !== "string" || id <= after)
            return nonsense(`${collection} that are not in order of their ids`);
          after = id;
          rows.push(row!);
        }
        if (page.length < PAGE) return rows;
      }
      return nonsense(`more ${collection} than ${MAX_PAGES * PAGE}`);
    },
  };
}
export type IndexSource = ReturnType<typeof indexSource>;
