// SPDX-License-Identifier: MIT
/** The chain could not be asked: nothing is known. Never to be read as "not there". */
export class ChainUnavailable extends Error {
  override readonly name = "ChainUnavailable";
  readonly code = "chain_unavailable";
  constructor(method: string, causes: readonly unknown[]) {
    const reasons = causes.map((cause) => (cause instanceof Error ? cause.message : String(cause))).join("; ");
    super(`no node answered ${method} (${reasons}); it is asked again by itself, check the RPC URLs if this lasts`, {
      cause: causes[0],
    });
  }
}

/** A node answered with an error of its own: it is reachable, and refused. */
export class NodeRefused extends Error {
  override readonly name = "NodeRefused";
  readonly code = "node_refused";
  readonly method: string;
  readonly rpcCode: number;
  /** Revert data where the node gives any, else `0x`. */
  readonly data: string;
  constructor(method: string, rpcCode: number, message: string, data: string) {
    super(message);
    this.method = method;
    this.rpcCode = rpcCode;
    this.data = data;
  }
}

/** Nodes say different things of one fact. It may pass, as when one lags; until then it is not known. */
export class NodesDisagree extends Error {
  override readonly name = "NodesDisagree";
  readonly code = "nodes_disagree";
  constructor(about: string, answers: readonly unknown[]) {
    super(
      `nodes disagree about ${about}: ${answers.join(", ")}; asked again by itself, check the RPC URLs if this lasts`,
    );
  }
}

/** The node serves another chain than the relayer is configured for. Signing for it would be signing for nothing. */
export class WrongChain extends Error {
  override readonly name = "WrongChain";
  readonly code = "wrong_chain";
  constructor(expected: number, found: number, url: string) {
    super(`${url} serves chain ${found}, the configuration says ${expected}; change one of the two`);
  }
}

/** A settlement call cannot be made small enough to fit a transaction. */
export class ItemTooLarge extends Error {
  override readonly name = "ItemTooLarge";
  readonly code = "item_too_large";
  readonly index: number;
  constructor(index: number, gas: bigint, maxGas: bigint, bytes: number, maxBytes: number) {
    super(
      `item ${index} alone needs ${gas} gas of ${maxGas} and ${bytes} bytes of ${maxBytes} in a call; sign smaller batches`,
    );
    this.index = index;
  }
}

/** What stands at the registry's address hashes receipts differently: nothing signed for it here would ever settle. */
export class WrongRegistry extends Error {
  override readonly name = "WrongRegistry";
  readonly code = "wrong_registry";
  constructor(address: string, expected: string, found: string) {
    super(`the registry at ${address} has domain ${found}, expected ${expected}; check its address and the chain id`);
  }
}
