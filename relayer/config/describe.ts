// SPDX-License-Identifier: MIT
import { z } from "zod";
import { ENVIRONMENT } from "./load.ts";
import { configSchema } from "./schema.ts";

/** One key of the configuration file. */
export interface ConfigKey {
  key: string;
  description: string;
  /** As in the file; undefined where there is none. */
  default?: unknown;
}

/** Every key with its default and what it is for. */
export function configKeys(): ConfigKey[] {
  const json = z.toJSONSchema(configSchema, { io: "input", unrepresentable: "any" });
  const keys: ConfigKey[] = [];
  const walk = (node: Record<string, unknown>, path: string): void => {
    const properties = node["properties"] as Record<string, Record<string, unknown>> | undefined;
    for (const [name, child] of Object.entries(properties ?? {})) {
      const key = path ? `${path}.${name}` : name;
      const fallback = child["default"];
      const hasDefault = fallback !== undefined && JSON.stringify(fallback) !== "{}";
      if (child["description"] !== undefined || hasDefault)
        keys.push({
          key,
          description: String(child["description"] ?? ""),
          ...(hasDefault ? { default: fallback } : {}),
        });
      walk(child, key);
    }
  };
  walk(json as Record<string, unknown>, "");
  return keys;
}

/** The same as help text. */
export function describeConfig(): string {
  return [
    "Keys of the configuration file (YAML or JSON):",
    ...configKeys().map(({ key, description, default: fallback }) => {
      const shown = fallback === undefined ? "" : ` [${JSON.stringify(fallback)}]`;
      return `  ${key}${shown}: ${description}`;
    }),
    "",
    "Environment, over the file:",
    ...Object.entries(ENVIRONMENT).map(([name, text]) => `  ${name}: ${text}`),
  ].join("\n");
}
