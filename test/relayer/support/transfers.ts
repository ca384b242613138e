// SPDX-License-Identifier: MIT
// What transactions leave behind that moved money, made up for the tests of what is read in them.
import { toBeHex } from "ethers";
import fc from "fast-check";
import type { RpcReceipt } from "../../../relayer/chain/sending.ts";
import { eip3009 } from "../../../relayer/facilitator/eip3009.ts";
import type { Hex } from "../../../relayer/protocol/index.ts";
import { random } from "./relayer.ts";

export const receiptWith = (logs: RpcReceipt["logs"], status = "0x1"): RpcReceipt => ({
  ...{ transactionHash: random(), blockHash: random(), blockNumber: "0x1", gasUsed: "0x1", status, logs },
});

export const transferLog = (token: string, from: Hex, to: Hex, value: bigint): RpcReceipt["logs"][number] => ({
  address: token,
  ...eip3009.encodeEventLog("Transfer", [from, to, value]),
});

const hexOf = (bytes: number): fc.Arbitrary<Hex> =>
  fc
    .bigInt({ min: bytes === 20 ? 1n : 0n, max: 2n ** BigInt(8 * bytes) - 1n })
    .map((value) => toBeHex(value, bytes) as Hex);

/** Three people. */
export const people = fc.uniqueArray(hexOf(20), { minLength: 3, maxLength: 3 });
/** Two nonces. */
export const nonces = fc.uniqueArray(hexOf(32), { minLength: 2, maxLength: 2 });
export const amounts = fc.bigInt({ min: 1n, max: 2n ** 96n });
