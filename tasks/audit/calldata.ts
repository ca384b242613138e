import type { Result, TransactionResponse } from "ethers";
import {
  type Batch,
  batchDigest,
  channelId,
  type Domain,
  type Hex,
  type Receipt,
  receiptId,
} from "../../relayer/protocol/index.ts";
import * as abi from "./abi.ts";
import { type Report, reportKey, type Statement, type Submission } from "./history.ts";

const hex = (value: unknown): Hex => String(value).toLowerCase() as Hex;

export function receiptFrom(value: Result): Receipt {
  return {
    requestId: hex(value["requestId"]),
    modelId: hex(value["modelId"]),
    inputHash: hex(value["inputHash"]),
    outputHash: hex(value["outputHash"]),
    outputScheme: Number(value["outputScheme"]),
    contextHash: hex(value["contextHash"]),
    keyId: hex(value["keyId"]),
    payer: hex(value["payer"]),
    sequence: BigInt(value["sequence"] as bigint),
    cumulativeFee: BigInt(value["cumulativeFee"] as bigint),
    completedAt: BigInt(value["completedAt"] as bigint),
    mode: Number(value["mode"]),
  };
}

export function batchFrom(value: Result): Batch {
  return {
    keyId: hex(value["keyId"]),
    mode: Number(value["mode"]),
    root: hex(value["root"]),
    count: Number(value["count"]),
    dataHash: hex(value["dataHash"]),
    settler: hex(value["settler"]),
  };
}

/** What a transaction to the registry hands in, each item by its id. None where it calls something else. */
export function submissionsOf(domain: Domain, { to, data }: TransactionResponse): Submission[] {
  if (to === null || hex(to) !== domain.verifyingContract) return [];
  const call = abi.registry.parseTransaction({ data });
  if (call === null || !call.name.startsWith("settle")) return [];
  return (call.args[0] as Result[]).map((item) => {
    const signature = hex(item["signature"]);
    if (call.name === "settleReceipts") {
      const receipt = receiptFrom(item["receipt"] as Result);
      const evidence = hex(item["evidence"]);
      return { id: receiptId(domain, receipt), signature, evidence, receipt, modelId: undefined };
    }
    const id = batchDigest(domain, batchFrom(item["batch"] as Result));
    if (call.name === "settleBatches") return { id, signature, evidence: "0x", receipt: undefined, modelId: undefined };
    return { id, signature, evidence: hex(item["evidence"]), receipt: undefined, modelId: hex(item["modelId"]) };
  });
}

const statementFrom = (value: Result): Statement => {
  const opening = value["opening"] as Result;
  return {
    receipt: receiptFrom(opening["receipt"] as Result),
    batch: batchFrom(opening["batch"] as Result),
    index: Number(opening["index"]),
    proof: (opening["proof"] as Result).map(hex),
    signature: hex(value["signature"]),
  };
};

/** What a transaction to the disputes reports, by the key that names it. */
export function reportsOf(chainId: bigint, disputes: Hex, { to, data, hash }: TransactionResponse): [string, Report][] {
  if (to === null || hex(to) !== disputes) return [];
  const call = abi.disputes.parseTransaction({ data });
  if (call === null) return [];
  const transaction = hex(hash);
  if (call.name === "reportForeignLeaf") {
    const statement = statementFrom(call.args[0] as Result);
    const name = reportKey(transaction, statement.batch.keyId, statement.receipt.requestId);
    return [[name, { statements: [statement], channelId: undefined }]];
  }
  const channel = call.name === "reportChannelFault" ? (call.args[0] as Result) : undefined;
  const statements = (call.args.slice(channel === undefined ? 0 : 1) as unknown as Result[]).map(statementFrom);
  const last = statements.at(-1)!.receipt;
  return [
    [
      reportKey(transaction, last.keyId, last.requestId),
      { statements, channelId: channel === undefined ? undefined : channelIdFrom(chainId, channel) },
    ],
  ];
}

const channelIdFrom = (chainId: bigint, value: Result): Hex =>
  channelId({
    chainId,
    escrow: hex(value["escrow"]),
    payer: hex(value["payer"]),
    signer: hex(value["signer"]),
    nodeId: hex(value["nodeId"]),
    modelId: hex(value["modelId"]),
    modeMask: Number(value["modeMask"]),
    lane: BigInt(value["lane"] as bigint),
  });
