// SPDX-License-Identifier: MIT
// A signer elsewhere, over the `eth_signTransaction` of clef and web3signer. It is trusted with its key and with nothing
// else: what comes back is held field by field against what was asked before anything keeps or sends it.
import { Transaction } from "ethers";
import type { TransactionSigner } from "../chain/manager-options.ts";
import { SignerError } from "./errors.ts";

export interface RemoteSignerOptions {
  url: string;
  /** The account that it signs for. */
  address: string;
  timeoutMs: number;
  /** Bearer token. */
  token?: string | undefined;
}

type Asked = Parameters<TransactionSigner["signTransaction"]>[0];

/** Longer than any transaction that a node takes. */
const MAX_ANSWER_BYTES = 1_000_000;
const hex = (value: number | bigint): string => `0x${value.toString(16)}`;

/** A signer that asks another process. Its failures leave a send as it was, to be tried again. */
export function remoteSigner({ url, address, timeoutMs, token }: RemoteSignerOptions): TransactionSigner {
  const { href, host, authorization } = destination(url, token);
  let lastId = 0;

  async function ask(asked: Asked): Promise<unknown> {
    const { chainId, nonce, to, data, value, gasLimit, maxFeePerGas, maxPriorityFeePerGas } = asked;
    const transaction = {
      ...{ from: address, to, nonce: hex(nonce), chainId: hex(chainId), value: hex(value), gas: hex(gasLimit) },
      ...{ maxFeePerGas: hex(maxFeePerGas), maxPriorityFeePerGas: hex(maxPriorityFeePerGas) },
      // clef calls it input, web3signer data.
      ...{ data, input: data },
    };
    let text: string;
    let status: number;
    try {
      const response = await fetch(href, {
        method: "POST",
        headers: { "content-type": "application/json", ...(authorization ? { authorization } : {}) },
        body: JSON.stringify({ jsonrpc: "2.0", id: ++lastId, method: "eth_signTransaction", params: [transaction] }),
        signal: AbortSignal.timeout(timeoutMs),
        // A signer does not send its clients, and their token, elsewhere.
        redirect: "error",
      });
      status = response.status;
      text = await bounded(response);
    } catch (error) {
      if (error instanceof SignerError) throw error;
      // What fetch says may quote the URL, and its password with it.
      const { cause, name } = error as Error & { cause?: { code?: string } };
      throw new SignerError("signer_unreachable", `the signer at ${host} gave no answer (${cause?.code ?? name})`);
    }
    let reply: { result?: unknown; error?: { code?: number; message?: string } };
    try {
      reply = JSON.parse(text) as typeof reply;
    } catch {
      throw new SignerError("signer_refused", `the signer at ${host} answered HTTP ${status} that is no JSON`);
    }
    if (reply === null || typeof reply !== "object") throw wrong("an answer that is no JSON-RPC");
    if (reply.error) {
      const said = String(reply.error.message ?? "no reason given").slice(0, 200);
      throw new SignerError("signer_refused", `the signer at ${host} refused: ${said}`);
    }
    if (status !== 200) throw new SignerError("signer_refused", `the signer at ${host} answered HTTP ${status}`);
    return reply.result;
  }

  return {
    address,
    async signTransaction(asked) {
      const result = await ask(asked);
      // web3signer gives the raw transaction, clef an object that has it.
      const raw = typeof result === "object" && result !== null && "raw" in result ? result.raw : result;
      if (typeof raw !== "string" || !/^0x(?:[0-9a-f]{2})+$/i.test(raw)) throw wrong("no raw transaction");
      requireSame(raw.toLowerCase(), asked, address);
      return raw.toLowerCase();
    },
  };
}

const wrong = (what: string): SignerError =>
  new SignerError("signer_wrong", `the signer answered with ${what}; nothing was sent, check the signer`);

/** Holds a signed transaction against what was to be signed. @throws {SignerError} `signer_wrong` */
export function requireSame(raw: string, asked: Asked, sender: string): void {
  let signed: Transaction;
  try {
    signed = Transaction.from(raw);
  } catch {
    throw wrong("bytes that are no transaction");
  }
  // One transaction has one form: another encoding of it would have another hash than nodes give it.
  if (signed.type !== 2 || !signed.signature || signed.serialized !== raw) throw wrong("no signed type 2 transaction");
  const fields: [string, unknown, unknown][] = [
    ["chainId", signed.chainId, BigInt(asked.chainId)],
    ["nonce", signed.nonce, asked.nonce],
    ["to", signed.to?.toLowerCase(), asked.to.toLowerCase()],
    ["data", signed.data.toLowerCase(), asked.data.toLowerCase()],
    ["value", signed.value, asked.value],
    ["gas", signed.gasLimit, asked.gasLimit],
    ["maxFeePerGas", signed.maxFeePerGas, asked.maxFeePerGas],
    ["maxPriorityFeePerGas", signed.maxPriorityFeePerGas, asked.maxPriorityFeePerGas],
    ["accessList", signed.accessList?.length ?? 0, 0],
    ["from", signed.from?.toLowerCase(), sender.toLowerCase()],
  ];
  const differs = fields.find(([, found, expected]) => found !== expected);
  if (differs) throw wrong(`another ${differs[0]} (${brief(differs[1])}, asked for ${brief(differs[2])})`);
}

function brief(value: unknown): string {
  const text = String(value);
  return text.length <= 80 ? text : `${text.slice(0, 80)}…`;
}

async function bounded(response: Response): Promise<string> {
  const chunks: Uint8Array[] = [];
  let size = 0;
  for await (const chunk of response.body ?? []) {
    size += (chunk as Uint8Array).length;
    if (size > MAX_ANSWER_BYTES) throw wrong(`more than ${MAX_ANSWER_BYTES} bytes`);
    chunks.push(chunk as Uint8Array);
  }
  return Buffer.concat(chunks).toString();
}

/** fetch refuses URLs with a password; a token stands over it. */
function destination(url: string, token: string | undefined): { href: string; host: string; authorization?: string } {
  const parsed = new URL(url);
  const { username, password, host } = parsed;
  parsed.username = parsed.password = "";
  if (token !== undefined) return { href: parsed.href, host, authorization: `Bearer ${token}` };
  if (!username && !password) return { href: parsed.href, host };
  const pair = `${decodeURIComponent(username)}:${decodeURIComponent(password)}`;
  return { href: parsed.href, host, authorization: `Basic ${Buffer.from(pair).toString("base64")}` };
}
