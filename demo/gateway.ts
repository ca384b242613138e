// SPDX-License-Identifier: GPL-3.0-or-later
/** How anybody with a stock client buys an answer over HTTP: a gateway before a node, the relayer as its facilitator. */
import { createAdaptorServer } from "@hono/node-server";
import { x402Client } from "@x402/core/client";
import { decodePaymentResponseHeader, encodePaymentSignatureHeader } from "@x402/core/http";
import { ExactEvmScheme } from "@x402/evm/exact/client";
import { wrapFetchWithPayment } from "@x402/fetch";
import { keccak256, parseEther, toUtf8Bytes, type Wallet } from "ethers";
import type { Server } from "node:http";
import type { AddressInfo } from "node:net";
import { join } from "node:path";
import type { CircuitModel } from "../circuits/model.ts";
import { checkReceipt, createGateway, RECEIPT_HEADER, remoteFacilitator } from "../relayer/gateway/index.ts";
import type { InferenceNode } from "../relayer/node/index.ts";
import { artifactsHash, type Domain, type Hex } from "../relayer/protocol/index.ts";
import { openDatabase } from "../relayer/store/database.ts";
import type { Chain } from "./chain.ts";
import { buy, opg } from "./economy.ts";
import { line, table } from "./text.ts";
import { openingFromWire, type WireStatus } from "./wire.ts";

const NETWORK = "eip155:31337";
const PRICE = parseEther("0.05");
const quiet = { info: () => undefined, warn: () => undefined, error: () => undefined };

interface Setting {
  chain: Chain;
  domain: Domain;
  relayerUrl: string;
  node: InferenceNode;
  model: CircuitModel;
  folder: string;
  /** What is asked. */
  values: ArrayLike<number>;
}

/** A gateway that sells the node's scores; the relayer carries the payments. */
async function openGateway({ chain, relayerUrl, node, model, folder }: Setting) {
  const database = await openDatabase({ dataDir: join(folder, "gateway") });
  let runs = 0;
  const app = createGateway({
    db: database.db,
    payments: remoteFacilitator(`${relayerUrl}/x402`),
    money: {
      chainId: 31337,
      token: chain.addresses.token.toLowerCase() as Hex,
      name: "OpenGradient",
      version: "1",
      payTo: chain.as("operator").address.toLowerCase() as Hex,
      maxTimeoutSeconds: 600,
    },
    products: [
      {
        path: "/v1/score",
        description: "Risk score of sixteen daily returns",
        mediaType: "text/plain",
        price: PRICE,
        node,
        streams: true,
        async infer({ body, emit }) {
          runs++;
          const { outputs } = model.evaluate({ values: Array.from(body) });
          for (const output of outputs) emit(output.toString());
          const text = toUtf8Bytes(outputs.join(","));
          const artifact = { kind: 0, mediaType: "text/plain", hash: keccak256(text) as Hex };
          return { outputHash: artifactsHash([artifact]), body: text };
        },
      },
    ],
    publicUrl: "http://127.0.0.1",
    log: quiet,
  });
  const server = createAdaptorServer({ fetch: app.fetch }) as Server;
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}/v1/score`,
    runs: () => runs,
    async close() {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
      await database.close();
    },
  };
}

/** A stock client of x402; it must be told that it may spend OPG. */
function stockClient(wallet: Wallet, asset: string): x402Client {
  const signer: ConstructorParameters<typeof ExactEvmScheme>[0] = {
    address: wallet.address as Hex,
    signTypedData: async ({ domain, types, message }) =>
      (await wallet.signTypedData(domain, types as never, message)) as Hex,
  };
  return new x402Client()
    .register(NETWORK, new ExactEvmScheme(signer))
    .setSpendControls({ allowedAssets: [{ network: NETWORK, asset, maxAmountPerPayment: String(PRICE) }] });
}

/** Buys by a stock client, by one header five times, and as a stream; throws where anything is paid or run twice. */
export async function sellOverHttp(setting: Setting): Promise<void> {
  const { chain, domain, relayerUrl, node, values } = setting;
  const payer = chain.as("borrower");
  await buy(chain, "borrower", 10n * PRICE);
  const gateway = await openGateway(setting);
  const body = Uint8Array.from(Array.from(values));
  const { url } = gateway;
  const client = stockClient(payer, chain.addresses.token);
  const pay = wrapFetchWithPayment(fetch, client);
  const before = await chain.token.balanceOf(payer.address);
  const spent = async () => before - (await chain.token.balanceOf(payer.address));
  try {
    const answer = await pay(url, { method: "POST", body: Buffer.from(body) });
    const text = await answer.text();
    if (!answer.ok) throw new Error(`The gateway answered ${answer.status}: ${text}`);
    const settled = decodePaymentResponseHeader(answer.headers.get("PAYMENT-RESPONSE")!);
    const { requestId } = settled.extensions!["opengradient"] as { requestId: Hex };
    const found = answer.headers.get(RECEIPT_HEADER);
    const { receipt, receiptId } = checkReceipt(found, { domain, requestId, sent: { method: "POST", url, body } });
    table(
      ["@x402/fetch bought one score", ""],
      [
        ["answer", text],
        ["price", opg(PRICE)],
        ["payment id", requestId],
        ["request id in the receipt", receipt.requestId],
        ["receipt id", receiptId],
        ["transaction", settled.transaction],
      ],
    );
    await node.deliver();
    const { mode } = await verified(chain, relayerUrl, receiptId);
    line(`  Payment, answer and receipt have one id; the receipt settled and reads as verified, mode ${mode}.`);

    const [runs, paid] = [gateway.runs(), await spent()];
    const required = await fetch(url, { method: "POST", body: Buffer.from(body) });
    const terms = JSON.parse(Buffer.from(required.headers.get("PAYMENT-REQUIRED")!, "base64").toString()) as never;
    const header = encodePaymentSignatureHeader(await client.createPaymentPayload(terms));
    const bring = (accept: string) =>
      fetch(url, { method: "POST", body: Buffer.from(body), headers: { "PAYMENT-SIGNATURE": header, accept } });
    const five = await Promise.all(Array.from({ length: 5 }, () => bring("*/*")));
    const served = five.filter(({ status }) => status === 200).length;
    const once = [served, gateway.runs() - runs, ((await spent()) - paid) / PRICE];
    if (once.some((count) => BigInt(count) !== 1n)) throw new Error(`Five times one header: ${once.join(", ")}.`);
    line(
      `  One header brought five times at once: 1 answer, 1 run, 1 payment; the others got ${five.find(({ status }) => status !== 200)!.status}.`,
    );

    const stream = await pay(url, {
      method: "POST",
      body: Buffer.from(body),
      headers: { accept: "text/event-stream" },
    });
    const events = (await stream.text()).split("\n\n").filter(Boolean);
    if (!events.at(-1)!.startsWith("event: receipt"))
      throw new Error(`A stream ended without its receipt: ${events.at(-1)}`);
    line(
      `  A streamed answer came in ${events.length} events, paid before the first; the last has receipt and settlement.`,
    );
    line(`  Three answers for ${opg(await spent())}; the payer sent no transaction, the relayer paid the gas.`);
  } finally {
    await gateway.close();
  }
}

async function verified(chain: Chain, relayerUrl: string, receiptId: Hex): Promise<{ mode: bigint }> {
  for (let tries = 0; tries < 300; tries++) {
    const status = (await (await fetch(`${relayerUrl}/v1/receipts/${receiptId}`)).json()) as WireStatus;
    if (status.opening) {
      const found = await chain.registry.verification(openingFromWire(status.opening));
      if (found.verified) return found;
    }
    await new Promise((resolve) => setTimeout(resolve, 200));
  }
  throw new Error(`${receiptId} did not settle in a minute.`);
}
