// Bars as inline SVG: a report is one file that asks nobody for anything, and prints.

const WIDTH = 720;
const LEFT = 150;
const ROW = 26;
/** Room for what stands at the end of a bar. */
const TEXT = 230;

export interface Bar {
  label: string;
  /** One number a series. */
  values: number[];
  /** What stands at its end. */
  text: string;
}

export const escapeHtml = (text: string): string =>
  text.replace(/[&<>"']/g, (character) => `&#${character.charCodeAt(0)};`);

/** Horizontal bars, their series one after the other (`stacked`) or one under the other. */
export function bars(title: string, series: readonly string[], rows: readonly Bar[], stacked: boolean): string {
  const total = (row: Bar) => (stacked ? row.values.reduce((sum, value) => sum + value, 0) : Math.max(...row.values));
  const most = Math.max(1e-9, ...rows.map(total));
  const scale = (value: number) => (value / most) * (WIDTH - LEFT - TEXT);
  const height = rows.length * ROW + 8;
  const shapes = rows.map((row, i) => {
    const y = i * ROW + 4;
    let x = LEFT;
    const parts = row.values.map((value, k) => {
      const width = scale(value);
      const at = stacked
        ? { x, y, height: ROW - 8 }
        : { x: LEFT, y: y + (k * (ROW - 8)) / row.values.length, height: (ROW - 8) / row.values.length };
      x += width;
      return `<rect class="s${k}" x="${at.x.toFixed(1)}" y="${at.y.toFixed(1)}" width="${width.toFixed(1)}" height="${at.height.toFixed(1)}"/>`;
    });
    const middle = y + (ROW - 8) / 2 + 4;
    return (
      `<text x="${LEFT - 8}" y="${middle}" text-anchor="end">${escapeHtml(row.label)}</text>${parts.join("")}` +
      `<text x="${(LEFT + scale(total(row)) + 8).toFixed(1)}" y="${middle}">${escapeHtml(row.text)}</text>`
    );
  });
  const legend =
    series.length > 1 ? series.map((name, k) => `<span class="key s${k}"></span>${escapeHtml(name)}`).join(" ") : "";
  const body =
    rows.length === 0
      ? "<p>Nothing in these blocks.</p>"
      : `<svg viewBox="0 0 ${WIDTH} ${height}" role="img" aria-label="${escapeHtml(title)}">${shapes.join("")}</svg>`;
  return `<figure><figcaption>${escapeHtml(title)} <small>${legend}</small></figcaption>${body}</figure>`;
}
