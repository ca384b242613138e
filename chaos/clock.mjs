// SPDX-License-Identifier: MIT
// Loaded before a relayer (`node --import`): its wall clock follows an offset that the chaos run writes into a file, as
// if somebody set the machine's clock. Timers and the monotonic clock go on undisturbed, as they do then.
import { readFileSync } from "node:fs";

const file = process.env.CHAOS_CLOCK;
const Real = Date;
let offset = 0;
const look = () => {
  try {
    offset = Number(readFileSync(file, "utf8")) || 0;
  } catch {
    // half written: the next look has it
  }
};

if (file) {
  look();
  setInterval(look, 100).unref();
  globalThis.Date = class extends Real {
    constructor(...given) {
      if (given.length === 0) super(Real.now() + offset);
      else super(...given);
    }
    static now() {
      return Real.now() + offset;
    }
  };
}
