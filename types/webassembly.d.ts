// SPDX-License-Identifier: GPL-3.0-or-later

/** The part of WebAssembly in use: TypeScript knows it only with the browser's library, which would hide mistakes. */
declare namespace WebAssembly {
  class Memory {
    constructor(descriptor: { initial: number });
    readonly buffer: ArrayBuffer;
    grow(pages: number): number;
  }
  function instantiate(code: Uint8Array, imports: object): Promise<{ instance: { exports: object } }>;
}
