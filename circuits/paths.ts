// SPDX-License-Identifier: GPL-3.0-or-later
import { join } from "node:path";

/** Root of the repository, from which circom is run so that includes resolve. */
export const ROOT = join(import.meta.dirname, "..");

/** Files of an installed package, also those that its export map hides. */
export function packageFile(name: string, file: string): string {
  return join(ROOT, "node_modules", name, file);
}
