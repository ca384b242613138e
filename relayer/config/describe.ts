// SPDX-License-Identifier: MIT
import { z } from "zod";
import { ENVIRONMENT } from "./load.ts";
import { configSchema } from "./schema.ts";

/** Help text: every key with its default and what it is for. */
export function describeConfig(): string {
  const json = z.toJSONSchema(configSchema, { io: "input", unrepresentable: "any" });
  const lines: string[] = [];
  const walk = (node: Record<string, unknown>, path: string): void => {
    const properties = node["properties"] as Record<string, Record<string, unknown>> | undefined;
    for (const [name, child] of Object.entries(properties ?? {})) {
      const at = path ? `${path}.${name}` : name;
      const fallback = child["default"];
      const shown = fallback === undefined || JSON.stringify(fallback) === "{}" ? "" : ` [${JSON.stringify(fallback)}]`;
      if (child["description"] ?? shown) lines.push(`  ${at}${shown}: ${String(child["description"] ?? "")}`);
      walk(child, at);
    }
  };
  walk(json as Record<string, unknown>, "");
  return [
    "Keys of the configuration file (YAML or JSON):",
    ...lines,
    "",
    "Environment, over the file:",
    ...Object.entries(ENVIRONMENT).map(([name, text]) => `  ${name}: ${text}`),
  ].join("\n");
}
