// SPDX-License-Identifier: MIT
import type { Context, MiddlewareHandler } from "hono";
import { Problem } from "../api/problems.ts";
import { findApiKey, type ApiKey } from "../store/api-keys.ts";
import type { Database } from "../store/database.ts";
import type { Scope } from "../store/schema-operation.ts";

declare module "hono" {
  interface ContextVariableMap {
    /** The key that a request came under; undefined for strangers. */
    apiKey: ApiKey | undefined;
  }
}

/** Whether a key may do something; `admin` may everything. */
export const allows = ({ scopes }: Pick<ApiKey, "scopes">, scope: Scope): boolean =>
  scopes.includes(scope) || scopes.includes("admin");

/** The key of a request; undefined if it has none. @throws {Problem} `invalid_token` if it has one that is none. */
async function keyOf(c: Context, db: Database): Promise<ApiKey | undefined> {
  const header = c.req.header("authorization");
  if (header === undefined) return undefined;
  const secret = /^Bearer +(\S{1,200})$/i.exec(header)?.[1];
  const key = secret === undefined ? undefined : await findApiKey(db, secret);
  if (!key) throw new Problem("invalid_token");
  return key;
}

/** Lets through who shows a key with this scope, before anything is read of the body (RFC 6750). */
export function requireScope(db: Database, scope: Scope): MiddlewareHandler {
  return async (c, next) => {
    const key = await keyOf(c, db);
    if (!key) throw new Problem("unauthorized");
    if (!allows(key, scope)) throw new Problem("insufficient_scope", `The key lacks the scope ${scope}`, { scope });
    c.set("apiKey", key);
    return next();
  };
}

/** Lets strangers through too; whoever shows a key must show a good one. */
export function acceptKey(db: Database, scope: Scope): MiddlewareHandler {
  const strict = requireScope(db, scope);
  return (c, next) => (c.req.header("authorization") === undefined ? next() : strict(c, next));
}
