// SPDX-License-Identifier: MIT
import { expect } from "chai";
import { parseEther } from "ethers";
import { startFaultProxy } from "../support/fault-proxy.ts";
import { openPayments, PRICE } from "./support/x402.ts";

describe("an x402 facilitator, and what a node says of gas", () => {
  it("lands a payment between two who vote, where the node estimates at the second of their last checkpoints [FM:fixed-gas]", async () => {
    const s = await openPayments();
    const proxy = await startFaultProxy(s.door.url);
    // As Base's nodes do where they have no pending block (base/node-reth 194): they take the latest, its second included.
    // Checkpoints of that second are written over; a second later each is a slot more.
    proxy.rule = ({ method, params }) =>
      method === "eth_estimateGas" ? { kind: "instead", params: [params[0], "latest"] } : undefined;
    const relayer = await s.start(s.newDir(), { waitMs: 60_000 }, { rpcUrl: proxy.url });
    try {
      const { ethers, networkHelpers } = s.connection;
      const payer = await s.newPayer();
      const payee = await ethers.getImpersonatedSigner(s.payTo);
      await networkHelpers.setBalance(s.payTo, parseEther("1"));
      for (const voter of [payer, payee]) await s.token.connect(voter).delegate(voter.address);
      await s.token.connect(payer).transfer(s.payTo, 1n);
      const before = await s.received();
      const settled = await relayer.facilitator.settle(await s.pay(payer), s.requirements);
      expect(settled).to.include({ success: true });
      expect((await s.received()) - before).to.equal(PRICE);
      expect(proxy.calls.filter(({ method }) => method === "eth_estimateGas")).to.have.length(1);
      expect(relayer.errors).to.deep.equal([]);
    } finally {
      await relayer.close();
      await proxy.close();
      await s.close();
    }
  });
});
