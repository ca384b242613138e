// SPDX-License-Identifier: MIT
import type { SendListener } from "./manager-options.ts";

/** Tells several listeners of a send, one after the other. If one throws, all are told again later. */
export function tellAll(listeners: readonly SendListener[]): Required<SendListener> {
  return {
    async mined(row, receipt) {
      for (const listener of listeners) await listener.mined?.(row, receipt);
    },
    async unmined(row) {
      for (const listener of listeners) await listener.unmined?.(row);
    },
    async final(row, receipt) {
      for (const listener of listeners) await listener.final?.(row, receipt);
    },
    async failed(row, reason) {
      for (const listener of listeners) await listener.failed?.(row, reason);
    },
  };
}
