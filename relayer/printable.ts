// SPDX-License-Identifier: MIT
/** What nodes, Redis and strangers wrote, for a terminal: it must neither move the cursor nor look like another line. */
export function printable(text: string): string {
  const written = text.replaceAll("\n", "\\n").replaceAll(/[\p{Cc}\p{Cf}\p{Zl}\p{Zp}]/gu, "?");
  return written.length <= 2_000 ? written : `${written.slice(0, 2_000)}…`;
}
