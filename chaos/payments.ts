// SPDX-License-Identifier: MIT
// Payers with EIP-3009 authorizations, and a gateway that has them settled by whichever relayer answers.
import { hexlify, randomBytes, Wallet } from "ethers";
import type { Hex } from "../relayer/protocol/index.ts";
import type { Protocol } from "../test/support/protocol.ts";

export const PRICE = 10n ** 15n;
const NETWORK = "eip155:31337";
const BALANCE = 1_000_000n * PRICE;
const types = {
  TransferWithAuthorization: [
    { name: "from", type: "address" },
    { name: "to", type: "address" },
    { name: "value", type: "uint256" },
    { name: "validAfter", type: "uint256" },
    { name: "validBefore", type: "uint256" },
    { name: "nonce", type: "bytes32" },
  ],
};

export interface Payment {
  payer: string;
  nonce: Hex;
  /** `queued`: the relayer said that it will be settled. `told`: it said that it is. */
  state: "presented" | "queued" | "told" | "refused";
  reason: string;
}

export interface Payments {
  payTo: string;
  payers: string[];
  /** What each payer started with. */
  balance: bigint;
  list: Payment[];
  start(): void;
  /** Pays no more, and resolves when every payment has its answer, or none came in time. */
  stop(): Promise<void>;
}

const sleep = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms));

/** Payers with money. From `start` on each pays, one payment after the other, until it is told how that ended. */
export async function preparePayments(p: Protocol, urls: string[]): Promise<Payments> {
  const asset = await p.token.getAddress();
  const payTo = Wallet.createRandom().address;
  const payers = Array.from({ length: 3 }, () => new Wallet(hexlify(randomBytes(32))));
  for (const payer of payers) await p.token.transfer(payer.address, BALANCE);
  const list: Payment[] = [];
  const stopping = new AbortController();
  let deadline = Infinity;
  const requirements = {
    ...{ scheme: "exact", network: NETWORK, amount: String(PRICE), asset, payTo, maxTimeoutSeconds: 3_600 },
    extra: { name: "OpenGradient", version: "1" },
  };
  const domain = { name: "OpenGradient", version: "1", chainId: 31337, verifyingContract: asset };

  async function post(path: string, body: unknown): Promise<Record<string, unknown> | null> {
    const url = urls[Math.floor(Math.random() * urls.length)]!;
    try {
      const answer = await fetch(`${url}/x402/${path}`, {
        method: "POST",
        headers: { "content-type": "application/json" },
        body: JSON.stringify(body),
        signal: AbortSignal.timeout(15_000),
      });
      return answer.ok ? ((await answer.json()) as Record<string, unknown>) : null;
    } catch {
      return null;
    }
  }

  async function payOnce(payer: Wallet): Promise<void> {
    const nonce = hexlify(randomBytes(32)) as Hex;
    // Far more than any jump of a clock here.
    const validBefore = String(Math.floor(Date.now() / 1_000) + 30 * 86_400);
    const authorization = { from: payer.address, to: payTo, value: String(PRICE), validAfter: "0", validBefore, nonce };
    const signature = await payer.signTypedData(domain, types, authorization);
    const paymentPayload = { x402Version: 2, accepted: requirements, payload: { signature, authorization } };
    const body = { x402Version: 2, paymentPayload, paymentRequirements: requirements };
    const payment: Payment = { payer: payer.address, nonce, state: "presented", reason: "" };
    list.push(payment);
    while (payment.state !== "told" && payment.state !== "refused" && Date.now() < deadline) {
      const answer = await post("settle", body);
      if (answer?.["success"] === true) payment.state = "told";
      else if (answer) {
        payment.reason = String(answer["errorReason"]);
        if (payment.reason === "settlement_pending") payment.state = "queued";
        // The success was told to us before, and the answer was lost on its way.
        else if (payment.reason === "duplicate_settlement") payment.state = "told";
        // Used on chain: by a transaction of ours that the relayer has not seen in its block yet.
        else if (payment.reason !== "invalid_exact_evm_nonce_already_used") payment.state = "refused";
      }
      if (payment.state !== "told") await sleep(500);
    }
  }
  async function pays(payer: Wallet): Promise<void> {
    while (!stopping.signal.aborted) {
      await payOnce(payer);
      await sleep(500);
    }
  }
  let paying: Promise<unknown> = Promise.resolve();
  return {
    ...{ payTo, payers: payers.map(({ address }) => address), balance: BALANCE, list },
    start: () => void (paying = Promise.all(payers.map(pays))),
    async stop() {
      stopping.abort();
      deadline = Date.now() + 180_000;
      await paying;
    },
  };
}
