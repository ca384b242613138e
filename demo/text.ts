/** What the demo prints, and how. */
const tty = process.stdout.isTTY === true;

export const bold = (text: string): string => (tty ? `\x1b[1m${text}\x1b[0m` : text);

export function heading(text: string): void {
  console.log(`\n${bold(text)}`);
}

export function line(text = ""): void {
  console.log(text);
}

/** One line that counts up while something long happens; on a pipe, a line a quarter. */
export function progress(what: string, total: number): (done: number) => void {
  let quarter = 0;
  return (done) => {
    if (tty) process.stdout.write(`\r  ${what}: ${done} of ${total}${done === total ? "\n" : ""}`);
    else if (Math.floor((4 * done) / total) > quarter) {
      quarter = Math.floor((4 * done) / total);
      console.log(`  ${what}: ${done} of ${total}`);
    }
  };
}

/** Columns as wide as their widest cell; numbers to the right. */
export function table(head: string[], rows: string[][]): void {
  const all = [head, ...rows];
  const widths = head.map((_, i) => Math.max(...all.map((cells) => cells[i]!.length)));
  const numeric = head.map((_, i) => rows.every((cells) => /^[\d.,–\s]*(ms|s)?$/.test(cells[i]!)));
  for (const [n, cells] of all.entries()) {
    console.log(
      "  " + cells.map((cell, i) => (numeric[i] ? cell.padStart(widths[i]!) : cell.padEnd(widths[i]!))).join("  "),
    );
    if (n === 0) console.log("  " + widths.map((width) => "-".repeat(width)).join("  "));
  }
}

export function median(values: number[]): number {
  return values.toSorted((a, b) => a - b)[values.length >> 1] ?? 0;
}
