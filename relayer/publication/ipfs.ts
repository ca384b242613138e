// SPDX-License-Identifier: MIT
import { blocksOf, cidOf, type Block } from "./cid.ts";
import { askStore, jsonOf, refusal, type StoreAnswer } from "./http.ts";
import { PublicationError, type Store } from "./publication.ts";

export interface IpfsOptions {
  /** Where Kubo's RPC listens, for instance `http://127.0.0.1:5001`. Never a public address without authentication. */
  rpcUrl: string;
  /** A gateway that documents are read back over, to see that they can be reached from outside; null asks the node. */
  gatewayUrl: string | null;
  /** Value of the header `Authorization` for the RPC, if it needs one. */
  authorization?: string;
  /** Milliseconds for one request. */
  timeoutMs: number;
}

const ANSWER_BYTES = 16_384;

/**
 * IPFS through the RPC of a Kubo node that pins what is put there. Blocks are named by keccak-256: the CID of a document
 * of up to 1 MiB is its `dataHash`, so that its readers need nothing else.
 */
export function ipfsStore(options: IpfsOptions): Store {
  const { rpcUrl, gatewayUrl, authorization, timeoutMs } = options;
  const rpc = rpcUrl.replace(/\/$/, "");
  const { host } = new URL(rpc);
  const headers: Record<string, string> = authorization === undefined ? {} : { authorization };

  function call(command: string, query: Record<string, string>, maxBytes: number, body?: FormData) {
    const url = `${rpc}/api/v0/${command}?${new URLSearchParams(query).toString()}`;
    return askStore(url, { method: "POST", headers, timeoutMs, maxBytes, ...(body ? { body } : {}) });
  }

  async function putBlock({ cid, codec, bytes }: Block, pin: boolean): Promise<void> {
    const body = new FormData();
    body.append("data", new Blob([bytes]), "block");
    const query = { "cid-codec": codec, mhtype: "keccak-256", pin: String(pin) };
    const answer = await call("block/put", query, ANSWER_BYTES, body);
    if (answer.status !== 200) throw refusal(host, answer);
    const { Key: named } = jsonOf(host, answer) as { Key?: unknown };
    if (named !== cid)
      throw new PublicationError("store_refused", `${host} names a block ${String(named).slice(0, 100)}, not ${cid}`);
  }

  /** A node keeps the block that it has, whatever it holds by now: a damaged one must go before it can be put anew. */
  async function removeBlocks(blocks: readonly Block[]): Promise<void> {
    const root = blocks.at(-1)!.cid;
    const unpinned = await call("pin/rm", { arg: root }, ANSWER_BYTES);
    if (unpinned.status !== 200 && !says(unpinned, "not pinned")) throw refusal(host, unpinned);
    for (const { cid } of blocks) {
      const answer = await call("block/rm", { arg: cid, force: "true" }, ANSWER_BYTES);
      if (answer.status !== 200) throw refusal(host, answer);
    }
  }

  return {
    name: "ipfs",

    async put(_, document, anew) {
      const blocks = blocksOf(document);
      if (anew) await removeBlocks(blocks);
      const root = blocks.at(-1)!;
      for (const block of blocks) await putBlock(block, block === root);
      return { locator: root.cid, expiresAt: null };
    },

    async get(dataHash, locator, maxBytes) {
      const cid = locator ?? cidOf("raw", dataHash);
      const bound = Math.max(maxBytes, ANSWER_BYTES);
      if (gatewayUrl !== null) {
        const url = `${gatewayUrl.replace(/\/$/, "")}/ipfs/${cid}`;
        const answer = await askStore(url, { method: "GET", timeoutMs, maxBytes: bound });
        // A gateway that looked for it in vain says so by its own time-out.
        if (answer.status === 404 || answer.status === 410 || answer.status === 504) return undefined;
        if (answer.status !== 200) throw refusal(new URL(url).host, answer);
        return answer.body;
      }
      // Its own blocks only: what others still have is not what this node keeps.
      const answer = await call("cat", { arg: cid, offline: "true" }, bound);
      if (answer.status === 500 && (says(answer, "not found") || says(answer, "could not find"))) return undefined;
      // Kubo's own error: it has the blocks and cannot read them. Putting them anew does no harm where that is untrue.
      if (answer.status === 500 && says(answer, '"Type":"error"'))
        throw new PublicationError("damaged", refusal(host, answer).message);
      if (answer.status !== 200) throw refusal(host, answer);
      return answer.body;
    },
  };
}

const says = ({ body }: StoreAnswer, words: string): boolean => Buffer.from(body).toString("utf8").includes(words);
