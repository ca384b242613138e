import { expect } from "chai";
import { hexlify, randomBytes } from "ethers";
import { localKey, signKeyRegistration } from "../../relayer/node/index.ts";
import type { Hex } from "../../relayer/protocol/index.ts";
import { deployProtocol } from "../support/protocol.ts";

describe("node: key registration", () => {
  it("signs what the node registry asks of a new key", async () => {
    const p = await deployProtocol();
    const key = localKey(hexlify(randomBytes(32)) as Hex);
    const nodeId = (await p.registerNode()) as Hex;
    const nodeRegistry = (await p.nodes.getAddress()) as Hex;
    const operator = p.signers.operator.address as Hex;
    const registration = { chainId: 31337n, nodeRegistry, nodeId, operator };
    const { publicKey, signature } = await signKeyRegistration(key, registration);
    const validUntil = BigInt(await p.networkHelpers.time.latest()) + 86_400n;
    await p.nodes.connect(p.signers.operator).addOperatorKey(nodeId, publicKey, validUntil, signature);
    expect(await p.nodes.nodeOf(key.keyId)).to.equal(nodeId);
    await p.connection.close();
  });
});
