// SPDX-License-Identifier: MIT
// Version 1 of x402, at the gateway and at the facilitator, on a chain that version 1 has a name for.
import { x402Client } from "@x402/core/client";
import { encodePaymentSignatureHeader } from "@x402/core/http";
import type { PaymentRequired } from "@x402/core/types";
import { ExactEvmSchemeV1 } from "@x402/evm/v1";
import { expect } from "chai";
import type { Wallet } from "ethers";
import type { Hex } from "../../relayer/protocol/index.ts";
import { openShop, type Shop } from "./support/gateway.ts";
import { request } from "./support/relayer.ts";
import { PRICE } from "./support/x402.ts";

const CHAIN_ID = 84_532;
const NAME = "base-sepolia";

describe("payments of version 1", () => {
  let shop: Shop;
  let payer: Wallet;
  let url: string;
  before(async () => {
    shop = await openShop({}, { chainId: CHAIN_ID });
    payer = await shop.s.newPayer();
    url = await shop.start();
  });
  after(() => shop.close());

  interface RequiredV1 {
    x402Version: 1;
    accepts: { network: string; maxAmountRequired: string; resource: string }[];
  }
  async function askAndSign(): Promise<{ asked: RequiredV1; payment: { x402Version: number; payload: object } }> {
    const response = await fetch(`${url}/a`, { method: "POST", body: "hello" });
    const asked = (await response.json()) as RequiredV1;
    const signer = {
      address: payer.address as `0x${string}`,
      signTypedData: async (data: { domain: object; types: object; message: object }) =>
        (await payer.signTypedData(data.domain, data.types as never, data.message)) as `0x${string}`,
    };
    const client = new x402Client()
      .registerV1(NAME, new ExactEvmSchemeV1(signer as never))
      // Its types know version 2's networks only.
      .setSpendControls({ allowedAssets: [{ network: NAME as `${string}:${string}`, asset: shop.s.asset }] });
    const payment = await client.createPaymentPayload(asked as unknown as PaymentRequired);
    return { asked, payment };
  }

  it("are asked for in the body, taken, and answered in version 1's words, once [R9] [FM:x402-duplicate]", async () => {
    const { asked, payment } = await askAndSign();
    expect(asked.accepts.map(({ network, maxAmountRequired }) => [network, maxAmountRequired])).to.deep.equal([
      [NAME, String(PRICE)],
    ]);
    expect(asked.accepts[0]!.resource).to.equal("https://gateway.example/a");
    const header = encodePaymentSignatureHeader(payment as never);
    const buy = () => fetch(`${url}/a`, { method: "POST", body: "hello", headers: { "X-PAYMENT": header } });
    const before = await shop.s.received();
    const [response, again] = [await buy(), await buy()];
    expect([response.status, await response.text(), again.status]).to.deep.equal([200, "you said hello", 409]);
    const settled = JSON.parse(atob(response.headers.get("X-PAYMENT-RESPONSE")!)) as object;
    expect(settled).to.include({ success: true, network: NAME, payer: payer.address.toLowerCase() });
    expect((await shop.s.received()) - before).to.equal(PRICE);
    const requestId = shop.s.requestIdOf(payment as never);
    const answer = await shop.fetchAgain(url, requestId as Hex, payer);
    expect(await answer.text()).to.equal("you said hello");
    expect(answer.headers.get("PAYMENT-RESPONSE")).to.be.a("string");
  });

  it("are verified and settled by the facilitator, and refused for networks without a chain of ours", async () => {
    const supported = await request(`${shop.relayer.url}/x402/supported`);
    const kinds = (supported.body as { kinds: { x402Version: number; network: string }[] }).kinds;
    expect(kinds.map(({ x402Version, network }) => [x402Version, network])).to.deep.equal([
      [2, `eip155:${CHAIN_ID}`],
      [1, NAME],
    ]);
    const { asked, payment } = await askAndSign();
    const post = async (call: string, paymentPayload: object, wanted: object) => {
      const body = JSON.stringify({ x402Version: 1, paymentPayload, paymentRequirements: wanted });
      const headers = { "content-type": "application/json" };
      return (await request(`${shop.relayer.url}/x402/${call}`, { method: "POST", headers, body })).body;
    };
    const wanted = asked.accepts[0]!;
    expect(await post("verify", { ...payment, network: "base" }, { ...wanted, network: "base" })).to.include({
      ...{ isValid: false, invalidReason: "invalid_exact_evm_network_mismatch" },
    });
    expect(await post("verify", payment, { ...wanted, maxAmountRequired: "a lot" })).to.include({ code: "malformed" });
    expect(await post("verify", payment, wanted)).to.include({ isValid: true });
    expect(await post("settle", payment, wanted)).to.include({ success: true, network: NAME });
    expect(await post("settle", payment, wanted)).to.include({ success: false, errorReason: "duplicate_settlement" });
  });
}).timeout(300_000);
