// SPDX-License-Identifier: MIT

/** `note` is said for the reader to judge: it neither holds nor fails. */
export type Outcome = "ok" | "failed" | "note";

/** One thing that was checked, and how. */
export interface Check {
  what: string;
  outcome: Outcome;
  how: string;
}

/** What a verification found. */
export interface Report {
  /** Nothing failed. */
  ok: boolean;
  checks: Check[];
  /** What was found out, for programs: chain, batch, receipt, opening. */
  facts: Record<string, unknown>;
}

/** A check failed on which all further ones rest. */
class Stop extends Error {}

/** Gathers checks. {@link require} ends the verification where it fails; what was found until then stays. */
export function createReport() {
  const checks: Check[] = [];
  const facts: Record<string, unknown> = {};
  const add = (what: string, outcome: Outcome, how: string): void => void checks.push({ what, outcome, how });
  return {
    facts,
    note: (what: string, how: string): void => add(what, "note", how),
    check: (what: string, holds: boolean, how: string): void => add(what, holds ? "ok" : "failed", how),
    require(what: string, holds: boolean, how: string): asserts holds {
      add(what, holds ? "ok" : "failed", how);
      if (!holds) throw new Stop();
    },
    /** Runs the checks to the end, or to the first that must hold and does not. */
    async run(steps: () => Promise<void>): Promise<Report> {
      try {
        await steps();
      } catch (error) {
        if (!(error instanceof Stop)) throw error;
      }
      return { ok: checks.every(({ outcome }) => outcome !== "failed"), checks, facts };
    },
  };
}
export type Findings = ReturnType<typeof createReport>;

const MARKS: Record<Outcome, string> = { ok: "ok  ", failed: "FAIL", note: "note" };

/** The report as lines for people. */
export function reportLines({ ok, checks }: Report): string[] {
  const width = Math.max(...checks.map(({ what }) => what.length));
  return [
    ...checks.map(({ what, outcome, how }) => `${MARKS[outcome]}  ${what.padEnd(width)}  ${how}`),
    ok ? "All checks hold." : "NOT VERIFIED.",
  ];
}

/** The report as JSON: large numbers as strings. */
export const reportJson = (report: Report): string =>
  JSON.stringify(report, (_, value: unknown) => (typeof value === "bigint" ? value.toString() : value), 2);
