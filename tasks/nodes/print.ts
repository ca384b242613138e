import { FITS, whyNone, type Fit } from "../../relayer/routing/index.ts";

/** Who can serve, as the chain said. */
export interface Found {
  modelId: string;
  mode: string;
  block: number;
  candidates: { nodeId: number; operator: string; endpoint: string; keyId: string; free: number }[];
  /** By `Fit`; reasons that hold of no node are left out. */
  counts: Record<string, number>;
  /** By `Reason`, of those without a verification path. */
  paths: Record<string, number>;
  total: number;
  /** Registered nodes that do not offer the version. */
  without: number;
}

/** The answer as the user asked for it, without a closing line break. */
export function print(found: Found, json: boolean): string {
  if (json) return JSON.stringify(found, null, 2);
  const { modelId, mode, block, candidates, counts, paths, without } = found;
  const all = Object.fromEntries(FITS.map((fit) => [fit, counts[fit] ?? 0])) as Record<Fit, number>;
  const why = whyNone({ counts: all, paths, without: BigInt(without) });
  const others = why.length === 0 ? "there are no others." : `${why.join("; ")}.`;
  const of = `${mode} of ${modelId} at block ${block}`;
  if (candidates.length === 0) return `No node can serve ${of}: ${why.length === 0 ? "none is registered." : others}`;
  return [
    `${candidates.length} can serve ${of}; of the others, ${others}`,
    "",
    ...table([
      ["node", "operator", "free", "key", "endpoint"],
      ...candidates.map(({ nodeId, operator, free, keyId, endpoint }) => [
        String(nodeId),
        operator,
        String(free),
        keyId,
        // An endpoint is the operator's own text: nothing of it reaches the terminal but what can be seen.
        endpoint.replace(/[^\x20-\x7e]/g, "?"),
      ]),
    ]),
  ].join("\n");
}

function table(rows: string[][]): string[] {
  const widths = rows[0]!.map((_, i) => Math.max(...rows.map((row) => row[i]!.length)));
  return rows.map((row) =>
    row
      .map((cell, i) => cell.padEnd(widths[i]!))
      .join("  ")
      .trimEnd(),
  );
}
