// SPDX-License-Identifier: MIT
// A payer and a node with ledgers on the disk; only what they read of the chain is held here.
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import {
  createPayee,
  createPayer,
  EscrowUnknown,
  openPayeeStore,
  type EscrowReader,
  type NodeKeyState,
  type PayeeOptions,
  type Payer,
  type PayerOptions,
  type Pending,
  type SessionState,
  type Wish,
} from "../../../relayer/channels/index.ts";
import { createNode, localKey, openRequestStore, type NodeOptions } from "../../../relayer/node/index.ts";
import * as protocol from "../../../relayer/protocol/index.ts";
import type { Domain, Hex } from "../../../relayer/protocol/index.ts";

export const domain: Domain = { chainId: 31337n, verifyingContract: `0x${"11".repeat(20)}` };
export const escrow: Domain = { chainId: 31337n, verifyingContract: `0x${"22".repeat(20)}` };
export const nodeId: Hex = protocol.signalInputHash(7n);
export const modelId: Hex = `0x${"aa".repeat(32)}`;
export const word = (value: number): Hex => protocol.signalInputHash(BigInt(value));
const NEVER = 2n ** 256n - 1n;

export const nodeKey = localKey(`0x${"07".repeat(32)}`);
const secretOf = (byte: string): Uint8Array => protocol.fromHex(`0x${byte.repeat(32)}`);
/** Somebody who signs vouchers. */
export function signerOf(byte: string) {
  const secret = secretOf(byte);
  return {
    address: protocol.addressOf(protocol.publicKeyOf(secret)),
    sign: (digest: Hex): Hex => protocol.signDigest(secret, digest),
  };
}
export const owner = signerOf("0a");

/** What the chain says; a test changes it at will. */
export function makeEscrow() {
  const sessions = new Map<Hex, SessionState>();
  const keyState: NodeKeyState = {
    ...{ signer: protocol.addressOf(protocol.fromHex(nodeKey.publicKey)), kind: nodeKey.kind, nodeId },
    ...{ validFrom: 0n, validUntil: NEVER, distrustedFrom: NEVER },
  };
  const keys = new Map<Hex, NodeKeyState>([[nodeKey.keyId, keyState]]);
  const state = { block: 1, balance: 1_000n, thawing: 0n, down: false, asked: 0 };
  const answer = async <T>(read: () => T): Promise<T> => {
    state.asked++;
    await Promise.resolve();
    if (state.down) throw new EscrowUnknown("the escrow", new Error("connection refused"));
    return read();
  };
  const session = (id: Hex): SessionState => sessions.get(id) ?? { paid: 0n, limit: 0n, expiry: 0n };
  const reader: EscrowReader = {
    snapshot: (_payer, _nodeId, ids) =>
      answer(() => {
        const { block, balance, thawing } = state;
        return { block, balance, thawing, sessions: new Map(ids.map((id) => [id, { ...session(id) }])) };
      }),
    signingKey: (keyId) => answer(() => keys.get(keyId) ?? null),
  };
  return {
    ...{ state, sessions, keys, reader },
    /** As `InferenceEscrow.collect` pays. */
    collect(id: Hex, maxCumulative: bigint, cumulativeFee: bigint, limit = NEVER): bigint {
      const { paid, ...rest } = session(id);
      const due = [maxCumulative, cumulativeFee, limit].reduce((a, b) => (a < b ? a : b));
      const wanted = due > paid ? due - paid : 0n;
      const amount = wanted < state.balance ? wanted : state.balance;
      sessions.set(id, { ...rest, paid: paid + amount });
      state.balance -= amount;
      state.block++;
      return amount;
    },
  };
}
export type FakeEscrow = ReturnType<typeof makeEscrow>;

/** A folder with the ledgers of both; starting again opens what is there. */
export function makeSides(chain: FakeEscrow = makeEscrow()) {
  const folder = mkdtempSync(join(tmpdir(), "channels-"));
  const closing: (() => void)[] = [];
  const clock = { now: 1_800_000_000_000 };
  const now = (): number => clock.now;
  const file = (name: string): string => join(folder, name);

  function startNode(over: Partial<PayeeOptions> = {}, nodeOver: Partial<NodeOptions> = {}) {
    const requests = openRequestStore(file("requests.db"));
    const store = openPayeeStore(file("payee.db"));
    const node = createNode({
      ...{ key: nodeKey, mode: 0, modelId, domain, relayer: "http://127.0.0.1:1", store: requests, now },
      ...nodeOver,
    });
    const payee = createPayee({ node, nodeId, modelId, mode: 0, escrow, reader: chain.reader, store, now, ...over });
    let open = true;
    const stop = (): void => {
      if (open) for (const one of [requests, store]) one.close();
      open = false;
    };
    closing.push(stop);
    return { ...{ node, payee, store, requests, stop } };
  }
  function startPayer(over: Partial<PayerOptions> = {}): Payer {
    const payer = createPayer({
      ...{ payer: owner.address, signer: owner, escrow, domain, reader: chain.reader, store: file("payer.db") },
      ...{ budget: 1_000n, now, ...over },
    });
    let open = true;
    const stop = (): void => {
      if (open) payer.close();
      open = false;
    };
    closing.push(stop);
    return { ...payer, close: stop };
  }
  return {
    ...{ chain, clock, file, startNode, startPayer },
    end(): void {
      for (const close of closing) close();
      rmSync(folder, { recursive: true, force: true });
    },
  };
}
export type Sides = ReturnType<typeof makeSides>;

export const wish = (over: Partial<Wish> = {}): Wish => ({
  ...{ nodeId, modelId, modeMask: 1, inputHash: word(1), maxFee: 10n, ...over },
});
export const outputHash = protocol.contentHash("yes");
export const infer = async () => ({ outputHash, body: new TextEncoder().encode("yes") });
/** A message with one thing changed and signed anew. */
export function forged(pending: Pending, over: object, by = owner) {
  const message = { ...pending.message, ...over };
  const { channel, sequence, inputHash, maxCumulative } = message;
  const fields = { ...channel, lane: BigInt(channel.lane), chainId: escrow.chainId, escrow: escrow.verifyingContract };
  const voucher = {
    ...{ channelId: protocol.channelId(fields as protocol.ChannelFields), inputHash: inputHash as Hex },
    ...{ sequence: BigInt(sequence), maxCumulative: BigInt(maxCumulative) },
  };
  return { ...message, signature: by.sign(protocol.voucherDigest(escrow, voucher)) };
}
export const idOf = ({ message: { channel } }: Pending): Hex =>
  protocol.channelId({
    ...(channel as unknown as protocol.Channel),
    ...{ lane: BigInt(channel.lane), chainId: escrow.chainId, escrow: escrow.verifyingContract },
  });
/** Code of the error that a promise ends with; `null` if it does not. */
export const codeOf = (work: Promise<unknown>): Promise<unknown> =>
  work.then(
    () => null,
    (error: { code?: string; message: string }) => error.code ?? error.message,
  );
