/** Many settlements at once: made and signed ahead, then sent as fast as the chain takes them. */
import { hexlify, randomBytes } from "ethers";
import type { Chain } from "../demo/chain.ts";
import { encodeSettlement } from "../relayer/chain/settlement.ts";
import { batchDigest, type Batch, type Hex } from "../relayer/protocol/index.ts";
import type { Activity } from "../test/index/activity.ts";

const random = (): Hex => hexlify(randomBytes(32)) as Hex;
/** What a transaction may use; asking the node for less would run each call a dozen times. */
const GAS = 16_000_000n;
/** Calls that are on their way together. */
const TOGETHER = 8;

/**
 * Settles `events` signed batches, so many to a call, each call in a block of its own. Who holds the leaves is of no
 * concern to registry and index, so that roots and hashes are random.
 */
export async function burst(chain: Chain, activity: Activity, events: number, inACall: number): Promise<void> {
  const relayer = chain.as("relayer");
  const settler = relayer.address.toLowerCase() as Hex;
  const { domain, key } = activity;
  const { keyId } = key;
  let nonce = await relayer.getNonce();
  const sent: Promise<void>[] = [];
  for (let done = 0; done < events; done += inACall) {
    const items = [];
    for (let i = 0; i < Math.min(inACall, events - done); i++) {
      const count = 1 + Math.floor(Math.random() * 1_000);
      const batch: Batch = { keyId, mode: 0, root: random(), count, dataHash: random(), settler };
      items.push({ kind: "signed" as const, batch, signature: await key.sign(batchDigest(domain, batch)) });
    }
    const call = { to: domain.verifyingContract, data: encodeSettlement(items), gasLimit: GAS, nonce: nonce++ };
    sent.push(relayer.sendTransaction(call).then((one) => mined(chain, one.hash)));
    if (sent.length >= TOGETHER) await sent.shift();
  }
  await Promise.all(sent);
}

/** The chain makes a block for each call at once. */
async function mined(chain: Chain, hash: string): Promise<void> {
  const receipt = await chain.provider.getTransactionReceipt(hash);
  if (receipt?.status !== 1) throw new Error(`The call ${hash} did not settle.`);
}
