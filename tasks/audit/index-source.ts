import { ClientError, gql, GraphQLClient } from "graphql-request";

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

/** Reads of a subgraph, page by page in order of ids. */
export function indexSource(url: string) {
  const client = new GraphQLClient(url, {
    fetch: (input, init) => fetch(input, { ...init, signal: AbortSignal.timeout(TIMEOUT_MS), redirect: "error" }),
  });
  async function ask(query: string, variables: Record<string, unknown>): Promise<Record<string, unknown>> {
    try {
      return await client.request<Record<string, unknown>>(query, variables);
    } catch (problem) {
      const said = problem instanceof ClientError ? JSON.stringify(problem.response.errors) : String(problem);
      throw new IndexError(`The index at ${url} does not answer: ${said}. Name another --subgraph, or leave it out.`);
    }
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
      const meta = answer["_meta"] as { block: { number: number; hash: string | null }; hasIndexingErrors: boolean };
      return { number: meta.block.number, hash: meta.block.hash, failed: meta.hasIndexingErrors };
    },
    /** All rows of an entity whose `block` is in a range. */
    async rows(collection: string, fields: string, from: number, to: number): Promise<IndexRow[]> {
      const query = `query ($after: Bytes!, $from: BigInt!, $to: BigInt!) {
        ${collection}(first: ${PAGE}, orderBy: id, where: {id_gt: $after, block_gte: $from, block_lte: $to}) { id ${fields} }
      }`;
      const rows: IndexRow[] = [];
      for (let after = "0x"; ;) {
        const answer = await ask(query, { after, from: String(from), to: String(to) });
        const page = answer[collection] as IndexRow[];
        rows.push(...page);
        if (page.length < PAGE) return rows;
        after = String(page.at(-1)!["id"]);
      }
    },
  };
}
export type IndexSource = ReturnType<typeof indexSource>;
