// SPDX-License-Identifier: MIT
import { ExactEvmScheme } from "@x402/evm/exact/facilitator";
import { Interface, TypedDataEncoder, recoverAddress, type InterfaceAbi, type Result } from "ethers";
import { ChainUnavailable, NodeRefused } from "../chain/errors.ts";
import type { Rpc } from "../chain/rpc.ts";
import type { Hex } from "../protocol/index.ts";

/** What `@x402/evm` asks of a chain. Its package names the type nowhere. */
export type FacilitatorEvmSigner = ConstructorParameters<typeof ExactEvmScheme>[0];

/** The library gathers reads there. Fixed address, missing on young chains. */
const MULTICALL3 = "0xca11bde05977b3631167028862be2a173976ca11";

interface GatheredCall {
  target: string;
  callData: string;
}

/**
 * Our nodes as the library wants them, for reading only: sends go through the ledger, never past it.
 *
 * The library takes a node that does not answer for a signature that does not hold. `outage` says whether that is what
 * happened, so that unknown stays unknown.
 */
export function readOnlySigner(
  rpc: Rpc,
  sender: Hex,
): { signer: FacilitatorEvmSigner; outage: () => ChainUnavailable | undefined } {
  let outage: ChainUnavailable | undefined;
  async function ask<T>(method: string, params: readonly unknown[]): Promise<T> {
    try {
      return await rpc.request<T>(method, params);
    } catch (error) {
      if (error instanceof ChainUnavailable) outage = error;
      throw error;
    }
  }
  const call = (to: string, data: string): Promise<string> =>
    ask<string>("eth_call", [{ from: sender, to, data }, "latest"]);

  async function oneByOne(calls: readonly GatheredCall[]): Promise<{ success: boolean; returnData: string }[]> {
    return Promise.all(
      calls.map(({ target, callData }) =>
        call(target, callData).then(
          (returnData) => ({ success: true, returnData }),
          (error: Error) => {
            if (error instanceof NodeRefused) return { success: false, returnData: error.data };
            throw error;
          },
        ),
      ),
    );
  }
  const refuse = (): Promise<never> =>
    Promise.reject(new Error("payments are sent through the relayer's ledger, not by the library"));

  const signer: FacilitatorEvmSigner = {
    getAddresses: () => [sender],
    async readContract({ address, abi, functionName, args = [] }) {
      if (address.toLowerCase() === MULTICALL3) return oneByOne(args[1] as GatheredCall[]);
      const contract = new Interface(abi as InterfaceAbi);
      // By the values, as the token's functions are overloaded.
      const fragment = contract.getFunction(functionName, args as unknown[])!;
      const data = await call(address, contract.encodeFunctionData(fragment, args as unknown[]));
      const found: Result = contract.decodeFunctionResult(fragment, data);
      return found.length > 1 ? found.toArray() : found.toArray()[0];
    },
    async verifyTypedData({ address, domain, types, primaryType, message, signature }) {
      const { [primaryType]: primary, ...others } = types as Record<string, { name: string; type: string }[]>;
      const { EIP712Domain: _, ...used } = { ...others, [primaryType]: primary! };
      return (
        recoverAddress(TypedDataEncoder.hash(domain, used, message), signature).toLowerCase() === address.toLowerCase()
      );
    },
    // Never rejects: the library leaves a question about the token unawaited where it refuses early, and an unhandled
    // rejection ends the process. Without code it finds the payment invalid, and `outage` says why.
    getCode: ({ address }) => ask<Hex>("eth_getCode", [address, "latest"]).catch(() => undefined),
    writeContract: refuse,
    sendTransaction: refuse,
    waitForTransactionReceipt: refuse,
  };
  return { signer, outage: () => outage };
}
