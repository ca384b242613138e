import { expect } from "chai";
import { Wallet } from "ethers";
import { deployProtocol, Mode } from "../support/protocol.ts";

describe("InferenceRegistry: signed batches", () => {
  it("settles 1,024 receipts under one signature and opens one", async () => {
    const p = await deployProtocol();
    const key = Wallet.createRandom();
    const nodeId = await p.registerNode();
    const keyId = await p.addOperatorKey(nodeId, key);
    const modelId = await p.registerModel(1 << Mode.VANILLA);
    const receipts = await Promise.all(Array.from({ length: 1024 }, () => p.receipt({ keyId, modelId })));
    const { batch, signature } = p.signBatch(receipts, key);
    const tx = await p.registry.settleBatches([{ batch, signature }]);
    const mined = await tx.wait();
    console.log("settle gas", mined!.gasUsed);
    const opened = await p.registry.verification(p.opening(receipts, batch, 700));
    expect(opened.verified).to.equal(true);
    const data = p.registry.interface.encodeFunctionData("verification", [p.opening(receipts, batch, 700)]);
    const bytes = Buffer.from(data.slice(2), "hex");
    let intrinsic = 21000n;
    for (const b of bytes) intrinsic += b === 0 ? 4n : 16n;
    const sent = await p.signers.deployer.sendTransaction({ to: await p.registry.getAddress(), data });
    const gas = (await sent.wait())!.gasUsed;
    console.log("open", gas, gas - intrinsic);
  });
});
