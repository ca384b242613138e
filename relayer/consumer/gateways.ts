// SPDX-License-Identifier: MIT
import { isHexString } from "ethers";
import { type Attempt, LookupError } from "./errors.ts";
import { fetchBounded, type FetchBounds, type Fetched } from "./fetch-bounded.ts";

/** How gateways are asked; see {@link FetchBounds}. */
export interface GatewayOptions extends Partial<FetchBounds> {
  /** Asks a URL in another way, for instance in a browser; the bounds are its own then. */
  fetchGateway?: (url: string, body: string | undefined) => Promise<Fetched>;
}

const DEFAULTS: FetchBounds = { allowedHosts: [], timeoutMs: 10_000, maxBytes: 262_144, maxRedirects: 2 };
/** Gateways that are asked of those a contract names. */
const MAX_GATEWAYS = 8;

/** An answer, and who gave it. */
export interface GatewayAnswer {
  url: string;
  /** For the callback. */
  response: string;
}

/**
 * Asks the gateways of a look-up in their order (ERC-3668): a URL with `{data}` by GET, another by POST. Whoever takes an
 * answer may go on to the next gateway, since the contract may refuse what one says. What gave none is added to `failed`.
 * @throws {LookupError} `gateway_refused` as soon as one answers with 4xx, which says that there is no answer.
 */
export async function* askGateways(
  { sender, urls, callData }: { sender: string; urls: readonly string[]; callData: string },
  options: GatewayOptions,
  failed: Attempt[],
): AsyncGenerator<GatewayAnswer> {
  const { fetchGateway, ...given } = options;
  const bounds = { ...DEFAULTS, ...given };
  const [from, data] = [sender.toLowerCase(), callData.toLowerCase()];
  for (const template of urls.slice(0, MAX_GATEWAYS)) {
    const url = template.replaceAll("{sender}", from);
    const name = url.length > 200 ? `${url.slice(0, 200)}…` : url;
    const body = url.includes("{data}") ? undefined : JSON.stringify({ data, sender: from });
    const href = url.replaceAll("{data}", data);
    let fetched: Fetched;
    try {
      fetched = await (fetchGateway ? fetchGateway(href, body) : fetchBounded(href, body, bounds));
    } catch (error) {
      failed.push({ url: name, reason: (error as Error).message });
      continue;
    }
    const { status } = fetched;
    const said = parsed(fetched.body);
    if (status >= 200 && status < 300 && isHexString(said.data, true)) {
      yield { url: name, response: said.data as string };
      continue;
    }
    const reason = `status ${status}${typeof said.message === "string" ? `, ${said.message.slice(0, 200)}` : ""}`;
    failed.push({ url: name, reason: status < 300 ? "an answer that is none" : reason });
    if (status >= 400 && status < 500) throw new LookupError("gateway_refused", { attempts: failed });
  }
}

function parsed(body: string): { data?: unknown; message?: unknown } {
  try {
    const value: unknown = JSON.parse(body);
    return typeof value === "object" && value !== null ? value : {};
  } catch {
    return {};
  }
}
