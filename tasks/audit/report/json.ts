import type { Audit } from "../audit.ts";

/** Everything, amounts as decimal strings of wei. */
export const jsonOf = (audit: Audit): string =>
  JSON.stringify(audit, (_, value: unknown) => (typeof value === "bigint" ? String(value) : value), 2);
