// Run as a process of its own, and killed in the middle of a request: reserves the id in the store of argv[2] for the
// ask in argv[3], says so, and never answers.
import { createNode, localKey } from "../../relayer/node/index.ts";
import { ZERO_ADDRESS, type Hex } from "../../relayer/protocol/index.ts";

const [, , store, requestId, inputHash] = process.argv as [string, string, string, Hex, Hex];
const node = createNode({
  key: localKey(`0x${"07".repeat(32)}`),
  mode: 0,
  modelId: `0x${"aa".repeat(32)}`,
  domain: { chainId: 31337n, verifyingContract: ZERO_ADDRESS },
  relayer: "http://127.0.0.1:1",
  store,
});
await node.serve({ requestId, inputHash }, () => {
  process.stdout.write("reserved\n");
  return new Promise(() => setInterval(() => undefined, 1_000));
});
