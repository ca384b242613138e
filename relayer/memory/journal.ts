// SPDX-License-Identifier: MIT
import { appendFile } from "node:fs/promises";
import type { Hex } from "../protocol/index.ts";
import { readIfThere, writeWhole } from "./blobs.ts";
import { MemoryError } from "./errors.ts";

/** A sealed entry that is in no head yet. */
export interface Waiting {
  place: number;
  id: Hex;
}

/** Entries that wait for a commit: written before they are acknowledged. */
export interface Journal {
  load(): Promise<Waiting[]>;
  add(waiting: Waiting): Promise<void>;
  replace(all: readonly Waiting[]): Promise<void>;
}

const LINE = /^(\d{1,15}) (0x[0-9a-f]{64})$/;
const lineOf = ({ place, id }: Waiting) => `${place} ${id}\n`;

/** A journal in a file of one line an entry. One process writes it. */
export function fileJournal(file: string): Journal {
  return {
    async load() {
      const bytes = await readIfThere(file);
      if (bytes === null) return [];
      // A last line that was cut off was never acknowledged.
      const lines = Buffer.from(bytes).toString().split("\n").slice(0, -1);
      return lines.map((line) => {
        const match = LINE.exec(line);
        if (match === null) throw new MemoryError("bad_journal", { file, line });
        return { place: Number(match[1]), id: match[2] as Hex };
      });
    },
    add: (waiting) => appendFile(file, lineOf(waiting), { flush: true }),
    replace: (all) => writeWhole(file, Buffer.from(all.map(lineOf).join(""))),
  };
}
