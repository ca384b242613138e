// What an attacker, or a node that lies, would try first: each thing once at the relayer's door, and once straight at the
// contract, because it is the contract that must hold when the relayer is somebody else's.
import { hexlify, randomBytes } from "ethers";
import { decodeSettlement, encodeSettlement, type SettlementItem } from "../relayer/chain/settlement.ts";
import { inferenceRegistry, reasonName } from "../relayer/chain/abi.ts";
import { localKey, type NodeKey } from "../relayer/node/index.ts";
import { receiptToWire } from "../relayer/node/wire.ts";
import {
  batchDigest,
  dataHashOf,
  encodeCompact,
  leavesDocument,
  merkleRoot,
  Mode,
  receiptId,
  ZERO_ADDRESS,
  type Batch,
  type Domain,
  type Hex,
  type Opening,
  type Receipt,
} from "../relayer/protocol/index.ts";
import type { Chain } from "./chain.ts";

export interface Attack {
  what: string;
  relayer: string;
  chain: string;
}

/** A receipt that settled in a batch, and the call that settled it. */
export interface Settled {
  opening: Opening;
  transactionHash: string;
}

interface Targets {
  chain: Chain;
  domain: Domain;
  relayerUrl: string;
  signed: Settled;
  proved: Settled;
  plainKey: NodeKey;
  provingKey: NodeKey;
}

const random = (): Hex => hexlify(randomBytes(32)) as Hex;

/** Hands something to the relayer; returns what it said, in a word. */
async function post(url: string, path: string, body: unknown): Promise<string> {
  const response = await fetch(url + path, {
    method: "POST",
    headers: { "content-type": "application/json" },
    body: JSON.stringify(body),
  });
  const answer = (await response.json()) as { code?: string; state?: string };
  return `${response.status} ${answer.code ?? answer.state ?? ""}`.trim();
}

/** Sends items to the contract directly; returns what became of the first. */
async function settleDirectly(chain: Chain, items: SettlementItem[]): Promise<string> {
  const sent = await chain.as("attacker").sendTransaction({
    to: chain.addresses.inferenceRegistry,
    data: encodeSettlement(items),
    gasLimit: 10_000_000n,
  });
  const mined = await chain.provider.waitForTransaction(sent.hash);
  for (const log of mined?.logs ?? []) {
    const event = inferenceRegistry.parseLog(log);
    if (event?.name === "ItemSkipped") return `skipped: ${reasonName(event.args["reason"] as bigint)}`;
    if (event !== null) return "SETTLED";
  }
  return "nothing happened";
}

function batchOf(domain: Domain, receipts: Receipt[]): { batch: Batch; digest: Hex } {
  const { keyId, mode } = receipts[0]!;
  const batch: Batch = {
    keyId,
    mode,
    root: merkleRoot(receipts.map((receipt) => receiptId(domain, receipt))),
    count: receipts.length,
    dataHash: dataHashOf(leavesDocument(domain, { keyId, mode }, receipts)),
    settler: ZERO_ADDRESS,
  };
  return { batch, digest: batchDigest(domain, batch) };
}

const now = (): bigint => BigInt(Math.floor(Date.now() / 1000));

async function forgedSignature({ chain, domain, relayerUrl, signed }: Targets): Promise<Attack> {
  const thief = localKey(random());
  const receipt: Receipt = { ...signed.opening.receipt, requestId: random(), outputHash: random(), completedAt: now() };
  const { batch, digest } = batchOf(domain, [receipt]);
  const signature = await thief.sign(digest);
  const leaf = { receipt: receiptToWire(receipt), signature: await thief.sign(receiptId(domain, receipt)) };
  return {
    what: "a signature that is not the node's",
    relayer: await post(relayerUrl, "/v1/batches", { batch, signature, receipts: [leaf] }),
    chain: await settleDirectly(chain, [{ kind: "signed", batch, signature }]),
  };
}

async function forgedProof({ chain, domain, relayerUrl, proved, provingKey }: Targets): Promise<Attack> {
  // The proving node itself lies: it signs a score of its own choice and sends an honest proof of another run along.
  const settled = await chain.provider.getTransaction(proved.transactionHash);
  const old = decodeSettlement(settled!.data).find((item) => item.kind === "proved");
  if (old?.kind !== "proved") throw new Error("The proved batch is not in its own transaction.");
  const size = (old.evidence.length - 2) / old.batch.count;
  const evidence = `0x${old.evidence.slice(2, 2 + size)}` as Hex;
  const receipt: Receipt = { ...proved.opening.receipt, requestId: random(), completedAt: now() };
  const { batch, digest } = batchOf(domain, [receipt]);
  const signature = await provingKey.sign(digest);
  const leaf = { receipt: receiptToWire(receipt), signature: await provingKey.sign(receiptId(domain, receipt)) };
  const { modelId } = receipt;
  const accepted = await post(relayerUrl, "/v1/proofs", { batch, modelId, signature, receipts: [leaf], evidence });
  return {
    what: "a proof of another run",
    relayer: `${accepted}, then ${await verdict(relayerUrl, receiptId(domain, receipt))}`,
    chain: await settleDirectly(chain, [
      { kind: "proved", batch, modelId, signature, receipts: encodeCompact([receipt]), evidence },
    ]),
  };
}

/** Waits for what the relayer makes of a receipt it took for checking. */
async function verdict(url: string, id: Hex): Promise<string> {
  for (let tries = 0; tries < 100; tries++) {
    const answer = (await (await fetch(`${url}/v1/receipts/${id}`)).json()) as { state?: string; reason?: string };
    if (answer.state !== "received") return `${answer.state} ${answer.reason ?? ""}`.trim();
    await new Promise((resolve) => setTimeout(resolve, 100));
  }
  return "no verdict";
}

async function replay({ chain, signed, plainKey, relayerUrl }: Targets, again: { receipt: Receipt; signature: Hex }) {
  const settled = await chain.provider.getTransaction(signed.transactionHash);
  const items = decodeSettlement(settled!.data).filter(
    (item) => item.kind === "signed" && item.batch.keyId === plainKey.keyId,
  );
  return {
    what: "a batch that settled before",
    relayer: await post(relayerUrl, "/v1/receipts", {
      receipt: receiptToWire(again.receipt),
      signature: again.signature,
    }),
    chain: await settleDirectly(chain, items),
  };
}

async function tampered({ chain, signed, relayerUrl }: Targets, honest: { signature: Hex }): Promise<Attack> {
  const receipt: Receipt = { ...signed.opening.receipt, cumulativeFee: signed.opening.receipt.cumulativeFee * 1000n };
  const read = await chain.registry.verification({ ...signed.opening, receipt });
  return {
    what: "a settled receipt with a thousand times the fee",
    relayer: await post(relayerUrl, "/v1/receipts", { receipt: receiptToWire(receipt), signature: honest.signature }),
    chain: read.verified ? "VERIFIED" : `not verified: ${reasonName(read.reason)}`,
  };
}

async function wrongModel({ chain, domain, relayerUrl, signed, plainKey }: Targets): Promise<Attack> {
  const receipt: Receipt = { ...signed.opening.receipt, requestId: random(), modelId: random(), completedAt: now() };
  const signature = await plainKey.sign(receiptId(domain, receipt));
  return {
    what: "a model that nobody registered",
    relayer: await post(relayerUrl, "/v1/receipts", { receipt: receiptToWire(receipt), signature }),
    chain: await settleDirectly(chain, [{ kind: "receipt", receipt, signature, evidence: "0x" }]),
  };
}

async function forgedMode({ chain, domain, relayerUrl, signed, plainKey }: Targets): Promise<Attack> {
  const receipt: Receipt = { ...signed.opening.receipt, requestId: random(), mode: Mode.TEE, completedAt: now() };
  const signature = await plainKey.sign(receiptId(domain, receipt));
  return {
    what: "a plain node that calls itself an enclave",
    relayer: await post(relayerUrl, "/v1/receipts", { receipt: receiptToWire(receipt), signature }),
    chain: await settleDirectly(chain, [{ kind: "receipt", receipt, signature, evidence: "0x" }]),
  };
}

/** Tries everything; `honest` is a receipt of the plain node's with its own signature. */
export async function tryEverything(targets: Targets, honest: { receipt: Receipt; signature: Hex }): Promise<Attack[]> {
  return [
    await forgedSignature(targets),
    await forgedProof(targets),
    await replay(targets, honest),
    await tampered(targets, honest),
    await wrongModel(targets),
    await forgedMode(targets),
  ];
}
