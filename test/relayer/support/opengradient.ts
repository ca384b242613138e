// SPDX-License-Identifier: MIT
// Gateways as OpenGradient runs them, before a relayer on the real contracts.
import { parseEther, Wallet } from "ethers";
import { createRelayer } from "../../../relayer/app.ts";
import { parseConfig, type ConfigInput } from "../../../relayer/config/index.ts";
import { gatewayChatHash, gatewayOutputHash, type Hex } from "../../../relayer/protocol/index.ts";
import { startFaultProxy } from "../../support/fault-proxy.ts";
import { deployGateways, type AnswerFields } from "../../support/gateways.ts";
import { openHttpDoor } from "../../support/http-door.ts";
import { answerMessage, heartbeatMessage, pssSignature, type RsaKey } from "../../support/rsa.ts";
import { removeDir, request, tempDir, type Answer } from "./relayer.ts";

export const sleep = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms));
const WEEK = 7 * 86_400_000;
export const RESTING = { maxCount: 100_000, patientMs: WEEK, impatientMs: WEEK };
export const QUICK = { maxCount: 20, patientMs: 150, impatientMs: 300 };

/** `json.dumps(payload, separators=(",", ":"))`: in ASCII. */
const pythonDumps = (payload: object): string =>
  JSON.stringify(payload).replace(/[^ -~]/g, (unit) => `\\u${unit.charCodeAt(0).toString(16).padStart(4, "0")}`);
export const encodeSettlementData = (payload: object): string => Buffer.from(pythonDumps(payload)).toString("base64");

/** An answer of a gateway, by its request and its text. */
export function chatAnswer(timestamp: bigint, text: string): AnswerFields {
  const messages = [{ content: text, role: "user" }];
  return {
    requestHash: gatewayChatHash({ messages, model: "gpt-4o", temperature: 0 }),
    outputHash: gatewayOutputHash(`Hi there, ${text}`),
    timestamp,
  };
}

/** What the gateway's middleware makes of an answer: hashes without 0x, the time twice. */
export function batchPayload(answer: AnswerFields, key: RsaKey, signature?: Buffer) {
  const { requestHash, outputHash, timestamp } = answer;
  const signed = signature ?? pssSignature(key, answerMessage(requestHash, outputHash, timestamp));
  return {
    tee_id: key.teeId,
    input_hash: requestHash.slice(2),
    output_hash: outputHash.slice(2),
    tee_signature: signed.toString("base64"),
    tee_timestamp: Number(timestamp),
    timestamp: Number(timestamp) as number | string,
  };
}
export const individualPayload = (answer: AnswerFields, key: RsaKey) => ({
  ...batchPayload(answer, key),
  input: { messages: [{ content: "wörld ☀", role: "user" }], model: "gpt-4o", temperature: 0.5 },
  output: { choices: [{ message: { content: "Hi there" } }] },
  timestamp: String(answer.timestamp),
  eth_address: Wallet.createRandom().address,
});

export type Service = Awaited<ReturnType<typeof openService>>;
export type ServingRelayer = Awaited<ReturnType<Service["start"]>>;

/** The protocol with a gateway's key, behind a proxy that a test may let misbehave. */
export async function openService() {
  const w = await deployGateways();
  const door = await openHttpDoor(w.connection.provider);
  const proxy = await startFaultProxy(door.url);
  const lower = async (contract: { getAddress(): Promise<string> }): Promise<Hex> =>
    (await contract.getAddress()).toLowerCase() as Hex;
  const places = { gatewayAnswers: await lower(w.answers), enclaveHeartbeats: await lower(w.heartbeats) };
  const registry = await lower(w.registry);
  const directories: string[] = [];
  let count = 0;

  const config = (dataDir: string, over: Record<string, object> = {}): ConfigInput => ({
    ...{ http: { port: 0, requestsPerSecond: 10_000, burst: 10_000, ...over["http"] }, store: { dataDir } },
    chain: {
      ...{ chainId: 31337, registry, rpcUrls: [proxy.url], finality: { confirmations: 1 }, pollMs: 50, cacheMs: 0 },
    },
    fees: { ...over["fees"] },
    ...(over["x402"] ? { x402: over["x402"] as ConfigInput["x402"] } : {}),
    settlement: { policy: RESTING, sweepMs: 50, retryMs: 50, ...over["settlement"] },
    opengradient: { ...places, policy: QUICK, heartbeatWaitMs: 10_000, ...over["opengradient"] },
  });

  return {
    ...w,
    ...{ door, proxy, places, config },
    directory(): string {
      directories.push(tempDir());
      return directories.at(-1)!;
    },
    /** An answer of the first gateway, dated now. */
    fresh: async (): Promise<AnswerFields> => chatAnswer(await w.now(), `number ${++count}`),
    async start(dataDir: string, over: Record<string, object> = {}, sender = Wallet.createRandom()) {
      const errors: string[] = [];
      const warnings: string[] = [];
      await w.networkHelpers.setBalance(sender.address, parseEther("100"));
      const relayer = await createRelayer(parseConfig(config(dataDir, over)), {
        signer: { address: sender.address, signTransaction: (transaction) => sender.signTransaction(transaction) },
        log: {
          info: () => undefined,
          warn: (_, message) => void warnings.push(message),
          error: (details, message) => void errors.push(`${message} ${JSON.stringify(details)}`),
        },
      });
      return { ...relayer, ...client(relayer.url), errors, warnings, signer: sender };
    },
    settledCount: async (answer: AnswerFields, key: RsaKey = w.rsa): Promise<number> =>
      (await w.answers.queryFilter(w.answers.filters.AnswerSettled(w.answerIdOf(answer, key)))).length,
    async close(): Promise<void> {
      await proxy.close();
      await door.close();
      await w.connection.close();
      for (const directory of directories) removeDir(directory);
    },
  };
}

/** OpenGradient's Python client, as far as it speaks to a facilitator. */
export function client(url: string) {
  const settleData = (type: string | undefined, payload?: object | string): Promise<Answer> =>
    request(`${url}/settle_data`, {
      method: "POST",
      headers: {
        "content-type": "application/json",
        ...(type === undefined ? {} : { "x-settlement-type": type }),
        ...(payload === undefined
          ? {}
          : { "x-settlement-data": typeof payload === "string" ? payload : encodeSettlementData(payload) }),
      },
      body: "{}",
    });
  const job = async (jobId: string): Promise<Answer["body"]> => (await request(`${url}/settle/${jobId}`)).body;
  return {
    settleData,
    job,
    get: (path: string) => request(url + path),
    /** Polls as the client does, until the job has ended. */
    async ended(jobId: string): Promise<Answer["body"]> {
      for (const until = Date.now() + 150_000; Date.now() < until;) {
        const found = await job(jobId);
        if (found.status === "succeeded" || found.status === "failed") return found;
        await sleep(50);
      }
      throw new Error(`it never ended: ${JSON.stringify(await job(jobId))}`);
    },
    heartbeat(key: RsaKey, timestamp: bigint, over: object = {}): Promise<Answer> {
      const signature = pssSignature(key, heartbeatMessage(key, timestamp)).toString("base64");
      const body = { teeId: key.teeId, timestamp: String(timestamp), signature, ...over };
      const headers = { "content-type": "application/json" };
      return request(`${url}/heartbeat`, { method: "POST", headers, body: JSON.stringify(body) });
    },
  };
}
