// SPDX-License-Identifier: MIT
/** The relayer answered with a problem (RFC 9457). `code` is the problem's own. */
export class RelayerProblem extends Error {
  override readonly name = "RelayerProblem";
  readonly code: string;
  readonly status: number;
  /** Everything the problem says, for example `positions` of the receipts it is about. */
  readonly problem: Readonly<Record<string, unknown>>;
  constructor(status: number, problem: Readonly<Record<string, unknown>>) {
    const code = typeof problem.code === "string" ? problem.code : `http_${status}`;
    super(`the relayer refused (${status} ${code}): ${String(problem.detail ?? problem.title ?? "no reason given")}`);
    this.code = code;
    this.status = status;
    this.problem = problem;
  }
}

/** The relayer could not be reached, or had no time. What was posted is kept, and posted again. */
export class RelayerUnavailable extends Error {
  override readonly name = "RelayerUnavailable";
  readonly code = "relayer_unavailable";
  constructor(url: string, cause: unknown) {
    super(`${url} gave no answer (${cause instanceof Error ? cause.message : String(cause)}); it is tried again`, {
      cause,
    });
  }
}
